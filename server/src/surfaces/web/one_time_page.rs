//! Forms whose answer is a page of its own: what it shows is shown this once, and is in no address, no
//! cookie and no store.

use crate::http::AppState;
use crate::http::address::Caller;
use crate::surfaces::web::pages::provide;
use app::ApiError;
use app::backend::{CurrentSession, NewHookForm, NewKeyForm};
use app::view::Outcome;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Form, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get};
use leptos::context::provide_context;
use leptos_axum::render_app_async_with_context;
use limit::Wait;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::Operator;
use serde::Deserialize;

type Who = Option<Extension<Operator>>;

/// The page at `path` as its GET would show it to the same person, with what came of the form.
pub(crate) async fn page(
    state: &AppState,
    mut parts: Parts,
    path: &str,
    outcome: Result<Outcome, ApiError>,
) -> Response {
    parts.method = Method::GET;
    parts.uri = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    let outcome = outcome.unwrap_or_else(Outcome::Refused);
    let context = {
        let state = state.clone();
        move || {
            provide(&state);
            provide_context(outcome.clone());
        }
    };
    let options = state.leptos.clone();
    let shell = move || app::shell(options.clone());
    render_app_async_with_context(context, shell)(Request::from_parts(parts, Body::empty())).await
}

/// The address of a form, loaded again or come back to by a plain form of the page it answered with: the
/// page itself, with what the form could not do.
pub(crate) fn back_to(page: &'static str) -> MethodRouter<AppState> {
    get(move |uri: Uri| async move {
        let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
        Redirect::to(&format!("{page}{query}"))
    })
}

fn signed_in(who: Who) -> Result<Operator, ApiError> {
    who.map(|Extension(operator)| operator).ok_or(ApiError::SignInFirst)
}

/// A box that is ticked comes as often as there are ticks: pairs, not a struct.
pub(crate) async fn add_key(
    State(state): State<AppState>,
    who: Who,
    parts: Parts,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let all = |name: &str| fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect();
    let one = |name: &str| -> String { Vec::into_iter(all(name)).next().unwrap_or_default() };
    let form = NewKeyForm {
        name: one("name"),
        scopes: all("scope"),
        site: one("site"),
        networks: one("networks"),
        days: one("days"),
    };
    let made = async { state.pages.add_key(&signed_in(who)?, form).await.map(Outcome::Key) };
    let made = made.await;
    page(&state, parts, "/admin/clients", made).await
}

#[derive(Deserialize)]
pub(crate) struct Rotation {
    key: String,
    overlap: i64,
}

pub(crate) async fn rotate_key(
    State(state): State<AppState>,
    who: Who,
    parts: Parts,
    Form(Rotation { key, overlap }): Form<Rotation>,
) -> Response {
    let made = async { state.pages.rotate_key(&signed_in(who)?, &key, overlap).await.map(Outcome::Key) };
    let made = made.await;
    page(&state, parts, "/admin/clients", made).await
}

#[derive(Deserialize)]
pub(crate) struct ForSite {
    site: String,
}

/// The gadget's file itself; the page with what went wrong where there is none.
pub(crate) async fn make_gadget(
    State(state): State<AppState>,
    who: Who,
    parts: Parts,
    Form(ForSite { site }): Form<ForSite>,
) -> Response {
    let made = async {
        let site = SiteId::try_from(site).map_err(|_| ApiError::NoSuchSite)?;
        state.pages.make_gadget(&signed_in(who)?, &site).await
    };
    match made.await {
        Ok((name, text)) => {
            let name = format!("attachment; filename=\"{name}\"");
            (
                [(header::CONTENT_TYPE, "application/xml"), (header::CACHE_CONTROL, "no-store")],
                [(header::CONTENT_DISPOSITION, name)],
                text,
            )
                .into_response()
        }
        Err(error) => page(&state, parts, "/admin/finesse", Err(error)).await,
    }
}

#[derive(Deserialize)]
pub(crate) struct Printing {
    person: String,
    count: usize,
}

pub(crate) async fn print_codes(
    State(state): State<AppState>,
    who: Who,
    here: Option<Extension<CurrentSession>>,
    parts: Parts,
    Form(Printing { person, count }): Form<Printing>,
) -> Response {
    let made = async {
        let of = OperatorId::try_from(person.clone()).map_err(|_| ApiError::NoSuchPerson)?;
        let here = here.map(|Extension(here)| here);
        let envelopes = state.pages.make_codes(&signed_in(who)?, here, &of, count).await?;
        let shown = envelopes.into_iter().map(|envelope| (envelope.serial, envelope.code.expose().to_owned()));
        Ok(Outcome::Envelopes(shown.collect()))
    };
    let made = made.await;
    page(&state, parts, &format!("/admin/people/{person}"), made).await
}

#[derive(Deserialize)]
pub(crate) struct Found {
    key: String,
}

/// Whoever found a key needs no other proof than the key; trying keys here is no cheaper than elsewhere.
pub(crate) async fn report_key(
    State(state): State<AppState>,
    Extension(Caller(from)): Extension<Caller>,
    parts: Parts,
    Form(Found { key }): Form<Found>,
) -> Response {
    let reported = async {
        let wait = |wait: Wait| ApiError::Told(format!("Too many tries from here. Try again in {} s.", wait.seconds()));
        state.limits.bad_keys.take(&from.into()).map_err(wait)?;
        state.pages.report_key(key.chars().take(200).collect()).await
    };
    let reported = reported.await;
    page(&state, parts, "/leaked-key", reported.map(|()| Outcome::Reported)).await
}

#[derive(Deserialize)]
pub(crate) struct NewHook {
    name: String,
    url: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    what: String,
}

pub(crate) async fn add_hook(
    State(state): State<AppState>,
    who: Who,
    parts: Parts,
    Form(NewHook { name, url, site, what }): Form<NewHook>,
) -> Response {
    let form = NewHookForm { name, url, site, what };
    let made = async { state.pages.add_hook(&signed_in(who)?, form).await.map(Outcome::Key) };
    let made = made.await;
    page(&state, parts, "/admin/webhooks", made).await
}

#[derive(Deserialize)]
pub(crate) struct Chosen {
    hook: String,
}

pub(crate) async fn rotate_hook(
    State(state): State<AppState>,
    who: Who,
    parts: Parts,
    Form(Chosen { hook }): Form<Chosen>,
) -> Response {
    let made = async { state.pages.rotate_hook(&signed_in(who)?, &hook).await.map(Outcome::Key) };
    let made = made.await;
    page(&state, parts, "/admin/webhooks", made).await
}

pub(crate) async fn test_hook(
    State(state): State<AppState>,
    who: Who,
    parts: Parts,
    Form(Chosen { hook }): Form<Chosen>,
) -> Response {
    let tested = async { state.pages.test_hook(&signed_in(who)?, &hook).await.map(Outcome::Tested) };
    let tested = tested.await;
    page(&state, parts, "/admin/webhooks", tested).await
}
