//! A resident's form, and what they write on their ticket. Plain forms that need no script; each answers
//! with the page to go on from.

use crate::http::AppState;
use crate::http::address::Caller;
use crate::services::call_requests::CallError;
use crate::surfaces::web::one_time_page::page;
use app::ApiError;
use app::view::{AskDraft, Outcome};
use axum::Extension;
use axum::extract::{Form as Body, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use limit::Wait;
use lockdown::call_request::Draft;
use lockdown::operator::Operator;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Filled {
    #[serde(default)]
    site: String,
    #[serde(default)]
    who: String,
    #[serde(default)]
    call_back: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    priority: String,
    #[serde(default)]
    form: String,
    /// No person sees this field.
    #[serde(default)]
    website: String,
}

/// Files it and goes to its ticket. What cannot be taken comes back as it was written.
pub(crate) async fn file(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    Extension(Caller(from)): Extension<Caller>,
    parts: Parts,
    Body(filled): Body<Filled>,
) -> Response {
    let filed = async {
        if !filled.website.is_empty() {
            return Err(ApiError::Told("Leave the hidden box empty, then send again.".into()));
        }
        state.limits.asked.take(&from.into()).map_err(wait)?;
        let form = Draft {
            site: filled.site.clone(),
            who: filled.who.clone(),
            call_back: filled.call_back.clone(),
            reason: filled.reason.clone(),
            priority: filled.priority.clone(),
            form: filled.form.clone(),
            ..Draft::default()
        };
        state.pages.ask(who.as_deref(), &form).await
    };
    match filed.await {
        Ok(()) => Redirect::to(&format!("/requests/t/{}", plain(&filled.form))).into_response(),
        Err(error) => refused(&state, parts, filled, &error).await,
    }
}

async fn refused(state: &AppState, parts: Parts, filled: Filled, error: &ApiError) -> Response {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    let Filled { site, who, call_back, reason, priority, form, .. } = filled;
    let draft = AskDraft { site, who, call_back, reason, priority, form, trouble: error.to_string() };
    let mut response = page(state, parts, "/requests", Ok(Outcome::Ask(draft))).await;
    *response.status_mut() = status;
    response
}

#[derive(Deserialize)]
pub(crate) struct Answer {
    form: String,
    #[serde(default)]
    text: String,
}

/// A message of whoever asked.
pub(crate) async fn answer(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    Extension(Caller(from)): Extension<Caller>,
    Body(Answer { form, text }): Body<Answer>,
) -> Response {
    let written = async {
        state.limits.asked.take(&from.into()).map_err(wait)?;
        state.limits.tickets.take(&crate::identity::token::digest(&form)).map_err(wait)?;
        state.pages.answer(who.as_deref(), &form, &text).await
    };
    let ticket = format!("/requests/t/{}", plain(&form));
    let trouble = match written.await {
        Ok(()) => return Redirect::to(&ticket).into_response(),
        Err(error) if error.status() >= 500 => "away",
        Err(ApiError::Told(_)) => "not_taken",
        Err(_) => "gone",
    };
    Redirect::to(&format!("{ticket}?trouble={trouble}")).into_response()
}

/// Nothing but what a secret is made of goes into an address.
fn plain(secret: &str) -> String {
    secret.chars().filter(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect()
}

fn wait(wait: Wait) -> ApiError {
    ApiError::Told(format!("Too many requests from here. Try again in {} s, or call the EOC.", wait.seconds()))
}

#[derive(Deserialize)]
pub(crate) struct Find {
    #[serde(default)]
    find: String,
}

/// What is known of somebody, to hand out. For administrators.
pub(crate) async fn export(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    axum::extract::Query(Find { find }): axum::extract::Query<Find>,
) -> Response {
    let Some(Extension(who)) = who else {
        return (StatusCode::UNAUTHORIZED, "Please sign in first.").into_response();
    };
    match state.services.calls.mentioning(&who, &find).await {
        Ok(found) => {
            let name = [(header::CONTENT_DISPOSITION, "attachment; filename=\"call-requests.json\"")];
            (name, [(header::CACHE_CONTROL, "no-store")], axum::Json(found)).into_response()
        }
        Err(CallError::Cannot(refused)) => (StatusCode::FORBIDDEN, refused.to_string()).into_response(),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response(),
    }
}
