//! The way in by the identity provider, and the way out.

use super::AppState;
use super::who::cookie;
use crate::engine::ports::{NewEvent, StoreError};
use crate::identity::oidc::{Arrival, SignInError, login_cookie};
use crate::identity::{safe_return_to, session};
use crate::people;
use crate::store::records::{Means, Person};
use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use lockdown::operator::{Authority, Grants, Operator, Surface};
use lockdown::timeline::EventKind;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Wish {
    return_to: Option<String>,
    /// Present: the password is asked for again.
    again: Option<String>,
}

pub(super) async fn login(State(state): State<AppState>, Query(wish): Query<Wish>) -> Response {
    let Some(oidc) = &state.oidc else { return Redirect::to("/sign-in").into_response() };
    let return_to = safe_return_to(wish.return_to.as_deref());
    match oidc.depart(return_to, wish.again.is_some(), state.engine.now(), state.https).await {
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
    let from = session::From { means: Means::Provider, again: arrival.again, address: None, agent: agent(headers) };
    let session = session::open(state.directory.as_ref(), &person, &from, now).await.map_err(stored)?;
    let authority = Authority::Roles(person.grants());
    let operator = Operator { id: person.id, name: person.name, surface: Surface::Web, authority };
    note_seen(state, &operator, now).await;
    let mut response = Redirect::to(&arrival.return_to).into_response();
    let cookies = response.headers_mut();
    cookies.append(header::SET_COOKIE, set_cookie(session::cookie_name(state.https), &session, 43_200, state.https));
    cookies.append(header::SET_COOKIE, set_cookie(&name, "", 0, state.https));
    Ok(response)
}

/// In the timeline and on the list of people; neither keeps anybody out.
async fn note_seen(state: &AppState, by: &Operator, now: Timestamp) {
    let told = state.engine.record(Some(by), EventKind::SignedIn).await;
    if let Err(error) = told.and(state.directory.note_seen(by.id.as_str(), now).await) {
        tracing::error!(%error, "a sign-in could not be noted");
    }
}

/// What the browser calls itself, for the list of sessions.
fn agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(200).collect())
}

/// The profile of who arrived; a first sign-in makes one without any role.
async fn profile(state: &AppState, arrival: &Arrival) -> Result<Person, StoreError> {
    let identity = &arrival.identity;
    if let Some(person) = state.directory.person_by_identity(&identity.issuer, &identity.subject).await? {
        return Ok(person);
    }
    let now = state.engine.now();
    let person = people::profile(&arrival.name, arrival.email.clone(), vec![identity.clone()], Grants::default(), now)?;
    let kind = EventKind::PersonAdded { person: person.id.clone(), name: person.name.clone() };
    state.directory.put_person(&person, NewEvent { at: now, site: None, by: None, kind }).await?;
    Ok(person)
}

#[derive(Deserialize)]
pub(super) struct PasskeyAnswer {
    ticket: String,
    answer: String,
    return_to: Option<String>,
}

/// The door that needs no internet.
pub(super) async fn by_passkey(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(given): Form<PasskeyAnswer>,
) -> Response {
    let person = match state.pages.come_in(&given.ticket, &given.answer).await {
        Ok(person) => person,
        Err(error) => {
            tracing::warn!(%error, "a passkey did not open the door");
            return Redirect::to("/sign-in?trouble=passkey").into_response();
        }
    };
    let from = session::From { means: Means::Passkey, again: false, address: None, agent: agent(&headers) };
    match session::open(state.directory.as_ref(), &person, &from, state.engine.now()).await {
        Ok(session) => {
            let cookie = set_cookie(session::cookie_name(state.https), &session, 43_200, state.https);
            let return_to = safe_return_to(given.return_to.as_deref());
            ([(header::SET_COOKIE, cookie)], Redirect::to(&return_to)).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a session could not be stored");
            trouble(&SignInError::Away("our own store".into()))
        }
    }
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
