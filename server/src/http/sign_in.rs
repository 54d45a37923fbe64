//! The way in by the identity provider, and the way out.

use super::AppState;
use super::who::cookie;
use crate::engine::ports::{NewEvent, StoreError};
use crate::identity::oidc::{Arrival, SignInError, login_cookie};
use crate::identity::{safe_return_to, session, token};
use crate::store::records::Person;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use lockdown::ids::OperatorId;
use lockdown::operator::{Authority, Operator, Surface};
use lockdown::timeline::EventKind;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
pub(super) struct Wish {
    return_to: Option<String>,
}

pub(super) async fn login(State(state): State<AppState>, Query(wish): Query<Wish>) -> Response {
    let Some(oidc) = &state.oidc else { return Redirect::to("/sign-in").into_response() };
    let return_to = safe_return_to(wish.return_to.as_deref());
    match oidc.depart(return_to, state.engine.now(), state.https).await {
        Ok(departure) => {
            let cookie = set_cookie(&departure.cookie_name, &departure.cookie, 600, state.https);
            ([(header::SET_COOKIE, cookie)], Redirect::to(&departure.url)).into_response()
        }
        Err(error) => trouble(&error),
    }
}

#[derive(Deserialize)]
pub(super) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

pub(super) async fn callback(
    State(state): State<AppState>,
    Query(answer): Query<Answer>,
    headers: HeaderMap,
) -> Response {
    match arrive(&state, answer, &headers).await {
        Ok(response) => response,
        Err(error) => trouble(&error),
    }
}

async fn arrive(state: &AppState, answer: Answer, headers: &HeaderMap) -> Result<Response, SignInError> {
    if let Some(error) = answer.error {
        return Err(SignInError::from_provider(&error, &answer.error_description.unwrap_or_default()));
    }
    let (Some(oidc), Some(way), Some(code)) = (&state.oidc, answer.state, answer.code) else {
        return Err(SignInError::Expired);
    };
    let now = state.engine.now();
    let name = login_cookie(&way, state.https);
    let sealed = cookie(headers, &name);
    let arrival = oidc.arrive(&way, code, sealed, now, state.https).await?;
    let stored = |error: StoreError| {
        tracing::error!(%error, "a sign-in could not be stored");
        SignInError::Away("our own store".into())
    };
    let person = profile(state, &arrival).await.map_err(stored)?;
    if person.disabled {
        return Ok(Redirect::to("/sign-in?trouble=disabled").into_response());
    }
    let session = session::open(state.directory.as_ref(), &person, now).await.map_err(stored)?;
    let authority = Authority::Roles(person.roles);
    let operator = Operator { id: person.id, name: person.name, surface: Surface::Web, authority };
    state.engine.record(Some(&operator), EventKind::SignedIn).await.map_err(stored)?;
    let mut response = Redirect::to(&arrival.return_to).into_response();
    let cookies = response.headers_mut();
    cookies.append(header::SET_COOKIE, set_cookie(session::cookie_name(state.https), &session, 43_200, state.https));
    cookies.append(header::SET_COOKIE, set_cookie(&name, "", 0, state.https));
    Ok(response)
}

/// The profile of who arrived; a first sign-in makes one without any role.
async fn profile(state: &AppState, arrival: &Arrival) -> Result<Person, StoreError> {
    let identity = &arrival.identity;
    if let Some(person) = state.directory.person_by_identity(&identity.issuer, &identity.subject).await? {
        return Ok(person);
    }
    let now = state.engine.now();
    let id: String = token::digest(&token::random_text()).chars().take(12).collect();
    let id = OperatorId::try_from(format!("p-{id}")).map_err(|error| StoreError::Failed(error.to_string()))?;
    let person = Person {
        id: id.clone(),
        version: 1,
        name: arrival.name.clone(),
        email: arrival.email.clone(),
        identities: vec![identity.clone()],
        roles: BTreeSet::new(),
        disabled: false,
        created_at: now,
    };
    let kind = EventKind::PersonAdded { person: id, name: person.name.clone() };
    state.directory.put_person(&person, NewEvent { at: now, site: None, by: None, kind }).await?;
    Ok(person)
}

pub(super) async fn logout(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    headers: HeaderMap,
) -> Response {
    let name = session::cookie_name(state.https);
    if let Some(token) = cookie(&headers, name)
        && let Err(error) = session::close(state.directory.as_ref(), token).await
    {
        tracing::error!(%error, "a session could not be ended");
    }
    if let Some(Extension(operator)) = who
        && let Err(error) = state.engine.record(Some(&operator), EventKind::SignedOut).await
    {
        tracing::error!(%error, "a sign-out could not be put into the timeline");
    }
    let farewell = match &state.oidc {
        Some(oidc) => oidc.farewell(&format!("{}/", state.public_url)).await,
        None => None,
    };
    let gone = [
        (header::SET_COOKIE, set_cookie(name, "", 0, state.https)),
        (header::HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\"")),
    ];
    (gone, Redirect::to(farewell.as_deref().unwrap_or("/"))).into_response()
}

fn trouble(error: &SignInError) -> Response {
    tracing::warn!(%error, "nobody was signed in");
    Redirect::to(&format!("/sign-in?trouble={}", error.word())).into_response()
}

/// Lax: the provider's redirect brings it along, a foreign form does not.
fn set_cookie(name: &str, value: &str, seconds: u32, https: bool) -> HeaderValue {
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&text).expect("names and base64url are visible ASCII")
}
