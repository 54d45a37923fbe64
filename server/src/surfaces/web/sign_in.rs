//! The way in by the identity provider, and the way out.

use crate::http::AppState;
use crate::http::address::Caller;
use crate::http::limits::CODE_DELAY;
use crate::http::session_auth::cookie;
use crate::identity::oidc::{Arrival, SignInError, login_cookie};
use crate::identity::{safe_return_to, session};
use crate::services::people;
use crate::store::records::{Means, Person};
use crate::surfaces::web::backend::fallback_sign_in::CodeError;
use axum::Extension;
use axum::extract::{Form, Query, State};
use axum::http::uri::{Authority as Host, PathAndQuery};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use limit::{Place, Wait};
use lockdown::operator::{Authority, Grants, Operator, Surface};
use lockdown::timeline::EventKind;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct SignInQuery {
    return_to: Option<String>,
    /// Present: the password is asked for again.
    again: Option<String>,
    /// Present: although the provider did not answer lately.
    anyway: Option<String>,
    /// It was led here from another name of this server.
    renamed: Option<String>,
}

/// Not counted: a departure writes nothing, and whoever counted it could keep a whole site behind one address from
/// signing in.
pub(crate) async fn login(
    State(state): State<AppState>,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<SignInQuery>,
) -> Response {
    let Some(oidc) = &state.services.oidc else { return Redirect::to("/sign-in").into_response() };
    if query.renamed.is_none()
        && let Some(there) = under_its_own_name(&state.public_url, &uri, &headers)
    {
        return Redirect::to(&there).into_response();
    }
    let return_to = safe_return_to(query.return_to.as_deref());
    // Where it is away, the other fallback_sign_in are shown, not a dead page of the provider's.
    if oidc.is_away() && query.anyway.is_none() {
        return Redirect::to(&format!("/sign-in?return_to={return_to}")).into_response();
    }
    match oidc.depart(return_to, query.again.is_some(), state.services.clock.now(), state.https).await {
        Ok(departure) => {
            let cookie = set_cookie(&departure.cookie_name, &departure.cookie, 600, state.https);
            ([(header::SET_COOKIE, cookie)], Redirect::to(&departure.url)).into_response()
        }
        Err(error) => trouble(&error),
    }
}

/// The provider leads back to the public address: a cookie that another name of this server got would not be there. Ports
/// are no part of a cookie's place. Once only: a proxy may write another name than the browser did.
fn under_its_own_name(public_url: &str, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    // HTTP/2 has the name in the address.
    let written = || headers.get(header::HOST)?.to_str().ok()?.parse().ok();
    let asked: Host = uri.authority().cloned().or_else(written)?;
    let own: Uri = public_url.parse().ok()?;
    if own.host().is_some_and(|host| host.eq_ignore_ascii_case(asked.host())) {
        return None;
    }
    let there = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let joined = if there.contains('?') { '&' } else { '?' };
    Some(format!("{public_url}{there}{joined}renamed=1"))
}

#[derive(Deserialize)]
pub(crate) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

pub(crate) async fn callback(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(answer): Query<Answer>,
    headers: HeaderMap,
) -> Response {
    // Whoever departed from here brings the cookie of that, and is not kept out by others at the same address.
    let of_ours = answer.state.as_ref().is_some_and(|of| {
        let now = state.services.clock.now();
        let name = login_cookie(of, state.https);
        let oidc = state.services.oidc.as_ref();
        oidc.is_some_and(|oidc| oidc.on_its_way(of, cookie(&headers, &name), now, state.https).is_ok())
    });
    let place = caller.0.into();
    let again = |of: &String| state.limits.one_arrival.take(of);
    let counted = match &answer.state {
        // The same once more is a page that is loaded again, or somebody who would use up what is there for others.
        Some(of) if of_ours => again(of).and_then(|()| state.limits.arrivals.take(&place)),
        _ => state.limits.sign_ins.take(&place),
    };
    if let Err(wait) = counted {
        return too_many(wait);
    }
    match arrive(&state, answer, caller, &headers).await {
        Ok(response) => response,
        Err(error) => {
            if let SignInError::Misconfigured(code) = &error {
                tell_misconfigured(&state, code).await;
            }
            trouble(&error)
        }
    }
}

/// Once an hour: nobody can sign in, so everybody would tell it.
async fn tell_misconfigured(state: &AppState, code: &str) {
    let now = state.services.clock.now();
    let once = format!("misconfigured/{code}/{}", now.as_second() / 3600);
    let kind = EventKind::IdentityMisconfigured { code: code.to_owned() };
    if matches!(state.services.directory.consume_once(&once, now).await, Ok(true))
        && let Err(error) = state.services.timeline.record(None, kind).await
    {
        tracing::error!(%error, "a wrong registration at the identity provider could not be told");
    }
}

async fn arrive(
    state: &AppState,
    answer: Answer,
    Caller(address): Caller,
    headers: &HeaderMap,
) -> Result<Response, SignInError> {
    let (Some(oidc), Some(of)) = (&state.services.oidc, answer.state) else { return Err(SignInError::Expired) };
    let now = state.services.clock.now();
    let name = login_cookie(&of, state.https);
    let way = oidc.on_its_way(&of, cookie(headers, &name), now, state.https)?;
    if let Some(error) = answer.error {
        return Err(SignInError::from_provider(&error, &answer.error_description.unwrap_or_default()));
    }
    let arrival = oidc.arrive(way, answer.code.ok_or(SignInError::Expired)?).await?;
    let Some(person) = profile(state, &arrival, address.into()).await? else {
        return Ok(Redirect::to("/sign-in?trouble=wait").into_response());
    };
    if person.disabled {
        return Ok(Redirect::to("/sign-in?trouble=disabled").into_response());
    }
    let authority = Authority::Roles(person.grants());
    let operator = Operator { id: person.id.clone(), name: person.name.clone(), surface: Surface::Web, authority };
    if operator.is_stranger() && state.limits.sessions_of_strangers.take(&operator.id).is_err() {
        return Ok(Redirect::to("/sign-in?trouble=wait").into_response());
    }
    let from = session::From { means: Means::Provider, again: arrival.again, address, agent: agent(headers) };
    let session = session::open(state.services.directory.as_ref(), &person, &from, now).await?;
    end_session_of(state, headers).await;
    note_seen(state, &operator, now).await;
    let mut response = Redirect::to(&arrival.return_to).into_response();
    let cookies = response.headers_mut();
    cookies.append(header::SET_COOKIE, session_cookie(state, &session));
    cookies.append(header::SET_COOKIE, set_cookie(&name, "", 0, state.https));
    Ok(response)
}

/// A browser has one session: the one it came with is over.
async fn end_session_of(state: &AppState, headers: &HeaderMap) {
    if let Some(token) = cookie(headers, session::cookie_name(state.https))
        && let Err(error) = session::close(state.services.directory.as_ref(), token).await
    {
        tracing::error!(%error, "a session could not be ended");
    }
}

/// In the timeline and on the list of people; neither keeps anybody out.
async fn note_seen(state: &AppState, by: &Operator, now: Timestamp) {
    tell(state, by, EventKind::SignedIn).await;
    if let Err(error) = state.services.directory.note_seen(by.id.as_str(), now).await {
        tracing::error!(%error, "a sign-in could not be noted");
    }
}

/// Who comes and goes. Of people without any role only the log hears: there may be any number of them.
pub(crate) async fn tell(state: &AppState, by: &Operator, kind: EventKind) {
    tracing::info!(operator.id = %by.id, "{kind}");
    if !by.is_stranger()
        && let Err(error) = state.services.timeline.record(Some(by), kind).await
    {
        tracing::error!(%error, "who comes and goes could not be put into the timeline");
    }
}

/// What the browser calls itself, for the list of sessions.
pub(crate) fn agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(200).collect())
}

/// The profile of who arrived; a first sign-in makes one without any role, unless too many are made. Of two first ones at
/// the same time, one makes it and the other finds it.
async fn profile(state: &AppState, arrival: &Arrival, from: Place) -> Result<Option<Person>, StoreError> {
    if let Some(person) = known(state, arrival).await? {
        return Ok(Some(person));
    }
    if state.limits.first_sign_ins.take(&from).is_err() {
        tracing::error!("too many people sign in for the first time from one place: they are told to wait");
        return Ok(None);
    }
    match first_profile(state, arrival).await {
        Err(StoreError::Conflict) => known(state, arrival).await?.map(Some).ok_or(StoreError::Conflict),
        made => made.map(Some),
    }
}

async fn known(state: &AppState, arrival: &Arrival) -> Result<Option<Person>, StoreError> {
    people::known(state.services.directory.as_ref(), &arrival.identity).await
}

async fn first_profile(state: &AppState, arrival: &Arrival) -> Result<Person, StoreError> {
    let identity = &arrival.identity;
    let now = state.services.clock.now();
    let person = people::profile(&arrival.name, arrival.email.clone(), vec![identity.clone()], Grants::default(), now)?;
    let kind = EventKind::PersonAdded { person: person.id.clone(), name: person.name.clone(), roles: vec![] };
    state.services.directory.put_person(&person, NewEvent { at: now, site: None, by: None, kind }).await?;
    Ok(person)
}

#[derive(Deserialize)]
pub(crate) struct PasskeyAnswer {
    ticket: String,
    answer: String,
    return_to: Option<String>,
}

/// The door that needs no internet.
pub(crate) async fn by_passkey(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Form(given): Form<PasskeyAnswer>,
) -> Response {
    let person = match state.pages.authenticate_by_passkey(&given.ticket, &given.answer).await {
        Ok(person) => person,
        Err(error) => {
            // What fails is counted: whose passkey is good is never kept out by others at the same address.
            if let Err(wait) = state.limits.passkeys.take(&caller.0.into()) {
                return too_many(wait);
            }
            tracing::warn!(%error, "a passkey was refused");
            return Redirect::to("/sign-in?trouble=passkey").into_response();
        }
    };
    open_session(&state, &person, Means::Passkey, caller, &headers, given.return_to.as_deref()).await
}

#[derive(Deserialize)]
pub(crate) struct Codes {
    serial: String,
    code: String,
    #[serde(default)]
    second_serial: String,
    #[serde(default)]
    second_code: String,
    return_to: Option<String>,
}

/// The last door: a code from an envelope, or two of them. On the site's network, while the provider is
/// away, and so often only.
pub(crate) async fn by_code(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Form(given): Form<Codes>,
) -> Response {
    let refused = |word: &str| Redirect::to(&format!("/sign-in?trouble={word}")).into_response();
    if !caller.0.is_some_and(|from| state.pages.is_on_site(from)) {
        return refused("code_place");
    }
    if !state.pages.codes_are_good() {
        return refused(CodeError::NotNow.word());
    }
    if let Err(wait) = state.limits.codes.take(&caller.0.into()) {
        return too_many(wait);
    }
    if state.limits.all_codes.take(&()).is_err() {
        tracing::warn!("many sealed codes are tried: each one waits now");
        state.services.clock.sleep(CODE_DELAY).await;
    }
    let second = (!given.second_serial.is_empty()).then_some((given.second_serial, given.second_code));
    match state.pages.authenticate_by_codes((given.serial, given.code), second).await {
        Ok((person, means)) => open_session(&state, &person, means, caller, &headers, given.return_to.as_deref()).await,
        Err(error) => {
            tracing::warn!(%error, from = ?caller.0, "a sealed code was refused");
            let kind = EventKind::EnvelopeRefused { from: caller.0.map(|from| from.to_string()) };
            if let Err(error) = state.services.timeline.record(None, kind).await {
                tracing::error!(%error, "a sealed code that did not fit could not be told");
            }
            refused(error.word())
        }
    }
}

async fn open_session(
    state: &AppState,
    person: &Person,
    means: Means,
    Caller(address): Caller,
    headers: &HeaderMap,
    return_to: Option<&str>,
) -> Response {
    let from = session::From { means, again: false, address, agent: agent(headers) };
    match session::open(state.services.directory.as_ref(), person, &from, state.services.clock.now()).await {
        Ok(session) => {
            end_session_of(state, headers).await;
            let to = Redirect::to(&safe_return_to(return_to));
            ([(header::SET_COOKIE, session_cookie(state, &session))], to).into_response()
        }
        Err(error) => trouble(&SignInError::NotStored(error)),
    }
}

fn session_cookie(state: &AppState, session: &str) -> HeaderValue {
    set_cookie(session::cookie_name(state.https), session, session::COOKIE_SECONDS, state.https)
}

fn too_many(wait: Wait) -> Response {
    let after = [(header::RETRY_AFTER, HeaderValue::from(wait.seconds()))];
    (after, Redirect::to("/sign-in?trouble=wait")).into_response()
}

pub(crate) async fn logout(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    headers: HeaderMap,
) -> Response {
    let name = session::cookie_name(state.https);
    end_session_of(&state, &headers).await;
    if let Some(Extension(operator)) = who {
        tell(&state, &operator, EventKind::SignedOut).await;
    }
    let farewell = match &state.services.oidc {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn led(public_url: &str, asked: &str, host: Option<&'static str>) -> Option<String> {
        let headers = host.map(|host| (header::HOST, HeaderValue::from_static(host)));
        under_its_own_name(public_url, &asked.parse().unwrap(), &headers.into_iter().collect())
    }

    #[test]
    fn a_sign_in_under_another_name_is_led_to_the_public_one_once() {
        let own = "https://lockdown.acme.example:8443";
        for host in ["lockdown.acme.example:8443", "lockdown.acme.example", "LOCKDOWN.acme.example"] {
            assert_eq!(led(own, "/auth/login", Some(host)), None, "{host}: a proxy may leave the port out");
        }
        let there = "https://lockdown.acme.example:8443/auth/login?return_to=%2Fconsole&renamed=1";
        assert_eq!(led(own, "/auth/login?return_to=%2Fconsole", Some("10.1.2.3:8443")).as_deref(), Some(there));
        // As HTTP/2 has it.
        assert_eq!(led(own, "https://10.1.2.3:8443/auth/login?return_to=%2Fconsole", None).as_deref(), Some(there));
        assert_eq!(led(own, "https://lockdown.acme.example:8443/auth/login", None), None);
        assert_eq!(led(own, "/auth/login", None), None);
    }
}
