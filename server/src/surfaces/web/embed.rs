//! The frame in another site's page, and how somebody signs in for it: in a window of its own, and the server
//! hands it over. What is decided is decided in [`crate::identity::handoff`].

use crate::http::AppState;
use crate::http::address::Caller;
use crate::http::session_auth::{GadgetToken, cookie};
use crate::identity::handoff::{self, Handoff, HandoffError};
use crate::identity::{session, token};
use crate::store::records::Session;
use crate::surfaces::web::one_time_page::page;
use crate::surfaces::web::sign_in::{self, agent};
use app::ApiError;
use app::backend::{CurrentSession, Framed, Switch};
use app::view::{ConnectView, Outcome};
use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use lockdown::operator::{Authority, Operator, Surface};
use lockdown::timeline::EventKind;
use serde::Deserialize;
use std::sync::Arc;

/// The frame's secret, in its own partition.
const SECRET: &str = "__Host-pre";

/// Which hand-off the window at top level is about.
const WINDOW: &str = "__Host-handoff";

/// For the frame's secret. Seconds.
const SECRET_LASTS: u32 = 12 * 3600;

/// Of a frame, in its own partition: sent in another site's page, and readable by nobody there.
fn partitioned(name: &str, value: &str, seconds: u32) -> HeaderValue {
    written(&format!("{name}={value}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned; Max-Age={seconds}"))
}

fn written(cookie: &str) -> HeaderValue {
    HeaderValue::from_str(cookie).expect("names and base64url are visible ASCII")
}

/// Gives the frame its secret, and the page what it must know of itself. Nothing for any other page.
pub(crate) fn begin(state: &AppState, request: &mut Request) -> Option<String> {
    if request.uri().path() != "/embed/finesse" {
        return None;
    }
    let known = cookie(request.headers(), SECRET).filter(|secret| secret.len() == 43).map(str::to_owned);
    let secret = known.unwrap_or_else(token::random_text);
    let of = Handoff::of(&secret);
    let token = request.extensions().get::<GadgetToken>().map(|GadgetToken(token)| token.clone());
    request.extensions_mut().insert(Framed {
        handoff: of.text().to_owned(),
        code: of.code(),
        header: token.as_deref().map(handoff::header_of),
        origins: state.frames.to_vec(),
    });
    Some(secret)
}

/// Anew each time: as long as the page is there, so is what its link names.
pub(crate) fn keep(secret: &str, response: &mut Response) {
    response.headers_mut().append(header::SET_COOKIE, partitioned(SECRET, secret, SECRET_LASTS));
}

/// The frame's switch.
pub(crate) fn switch(state: &AppState, GadgetToken(token): &GadgetToken) -> Arc<dyn Switch> {
    Arc::new(GadgetSwitch { token: token.clone(), state: state.clone() })
}

struct GadgetSwitch {
    token: String,
    state: AppState,
}

impl Switch for GadgetSwitch {
    fn arm(&self) -> String {
        handoff::arm(&self.token, self.state.services.clock.now())
    }

    fn is_armed(&self, given: &str) -> bool {
        handoff::is_armed(&self.token, given, self.state.services.clock.now())
    }
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    h: String,
}

/// The link in the frame opens this in a window. A link that comes by mail, or stands on another page, does not.
pub(crate) async fn login(
    State(state): State<AppState>,
    Extension(Caller(from)): Extension<Caller>,
    Query(Wanted { h }): Query<Wanted>,
    headers: HeaderMap,
) -> Response {
    // By the frame itself: the window that opens says which page of ours its link stood on.
    let by_frame = headers.get(header::REFERER).is_some_and(|referrer| {
        let page = referrer.to_str().ok().and_then(|text| text.strip_prefix(&*state.public_url));
        page.is_some_and(|page| page.starts_with("/embed/"))
    });
    let ours = by_frame && headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    let Some(of) = Handoff::read(&h).filter(|_| ours) else {
        tell(&state, from, "Its sign-in was opened by a link that came from elsewhere.").await;
        return Redirect::to("/sign-in?trouble=handoff_link").into_response();
    };
    let seconds = handoff::GOOD_FOR.as_secs();
    let cookie = written(&format!("{WINDOW}={}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age={seconds}", of.text()));
    ([(header::SET_COOKIE, cookie)], Redirect::to("/auth/handoff")).into_response()
}

/// The window, once somebody is signed in there: whose gadget, and the button.
pub(crate) async fn window(State(state): State<AppState>, who: Option<Extension<Operator>>, parts: Parts) -> Response {
    let Some(of) = cookie(&parts.headers, WINDOW).and_then(Handoff::read) else {
        return Redirect::to("/sign-in?trouble=handoff_late").into_response();
    };
    let Some(Extension(who)) = who else {
        return Redirect::to("/auth/login?return_to=/auth/handoff").into_response();
    };
    let view = ConnectView { name: who.name, code: of.code(), done: false };
    page(&state, parts, "/connect", Ok(Outcome::Connect(view))).await
}

/// The button.
pub(crate) async fn connect(
    State(state): State<AppState>,
    Extension(Caller(from)): Extension<Caller>,
    who: Option<Extension<Operator>>,
    here: Option<Extension<CurrentSession>>,
    parts: Parts,
) -> Response {
    let Some(of) = cookie(&parts.headers, WINDOW).and_then(Handoff::read) else {
        return Redirect::to("/sign-in?trouble=handoff_late").into_response();
    };
    let connected = async {
        let (Some(Extension(who)), Some(Extension(CurrentSession(id)))) = (who, here) else {
            return Err(ApiError::SignInFirst);
        };
        let session = state.services.directory.session(&id).await.map_err(|_| ApiError::Internal)?;
        let session = session.ok_or(ApiError::SignInFirst)?;
        match of.connect(state.services.directory.as_ref(), &session, state.services.clock.now()).await {
            Ok(()) => Ok(Outcome::Connect(ConnectView { name: who.name, code: of.code(), done: true })),
            Err(error) => {
                tracing::warn!(%error, "a gadget could not be connected");
                let used = matches!(error, HandoffError::Used);
                if used {
                    tell(&state, from, "Its sign-in was used a second time.").await;
                }
                Err(if used { ApiError::HandoffUsed } else { ApiError::Internal })
            }
        }
    };
    let connected = connected.await;
    let mut response = page(&state, parts, "/connect", connected).await;
    let gone = written(&format!("{WINDOW}=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0"));
    response.headers_mut().append(header::SET_COOKIE, gone);
    response
}

/// The frame comes for its session: 202 as long as nobody has connected it.
pub(crate) async fn claim(
    State(state): State<AppState>,
    Extension(Caller(from)): Extension<Caller>,
    headers: HeaderMap,
) -> Response {
    let Some(secret) = cookie(&headers, SECRET) else { return StatusCode::GONE.into_response() };
    let now = state.services.clock.now();
    match Handoff::of(secret).claim(state.services.directory.as_ref(), agent(&headers), now).await {
        Ok(opened) => {
            note(&state, &opened.session).await;
            let lasts = u32::try_from(opened.ends_at.duration_since(now).as_secs()).unwrap_or(0);
            let mut response = StatusCode::NO_CONTENT.into_response();
            let cookies = response.headers_mut();
            // An outage of the provider may keep it alive for longer: the server decides.
            let lasts = lasts.max(session::COOKIE_SECONDS);
            cookies.append(header::SET_COOKIE, partitioned(session::GADGET_COOKIE, &opened.token, lasts));
            cookies.append(header::SET_COOKIE, partitioned(SECRET, "", 0));
            response
        }
        Err(HandoffError::Waiting) => StatusCode::ACCEPTED.into_response(),
        Err(HandoffError::Store(error)) => {
            tracing::error!(%error, "a hand-off could not be looked up");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(error @ (HandoffError::Late | HandoffError::Used)) => {
            let why = match error {
                HandoffError::Late => "It came later than five minutes after the sign-in.",
                _ => "It came for a sign-in that was used already.",
            };
            tell(&state, from, why).await;
            (StatusCode::GONE, [(header::SET_COOKIE, partitioned(SECRET, "", 0))]).into_response()
        }
    }
}

/// Who is signed in in the frame from now on.
async fn note(state: &AppState, session: &Session) {
    let person = state.services.directory.person(session.person.as_str()).await.ok().flatten();
    let Some(person) = person else { return };
    let authority = Authority::Roles(person.grants());
    let by = Operator { id: person.id, name: person.name, surface: Surface::Gadget, authority };
    sign_in::tell(state, &by, EventKind::SignedIn).await;
}

async fn tell(state: &AppState, from: Option<std::net::IpAddr>, why: &str) {
    tracing::warn!(?from, why, "a gadget was not connected");
    if state.limits.told.take(&from.into()).is_err() {
        return;
    }
    let kind = EventKind::HandoffRefused { from: from.map(|from| from.to_string()), why: why.to_owned() };
    if let Err(error) = state.services.timeline.record(None, kind).await {
        tracing::error!(%error, "a gadget that was not connected could not be told");
    }
}

/// The frame signs out.
pub(crate) async fn leave(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    token: Option<Extension<GadgetToken>>,
) -> Response {
    if let (Some(Extension(who)), Some(Extension(GadgetToken(token)))) = (who, token) {
        let closed = session::close(state.services.directory.as_ref(), &token).await;
        if let Err(error) = closed {
            tracing::error!(%error, "a gadget's session could not be ended");
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        sign_in::tell(&state, &who, EventKind::SignedOut).await;
    }
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, partitioned(session::GADGET_COOKIE, "", 0))]).into_response()
}

#[derive(Deserialize)]
pub(crate) struct KeyOf {
    embed: String,
}

/// How the key's site stands, for a frame whose line is dead. Good for a second, so that many may ask at once.
pub(crate) async fn state_of(
    State(state): State<AppState>,
    Extension(Caller(from)): Extension<Caller>,
    Query(KeyOf { embed }): Query<KeyOf>,
) -> Response {
    match state.pages.embedded(&embed).await {
        Ok(site) => ([(header::CACHE_CONTROL, "private, max-age=1")], axum::Json(site)).into_response(),
        Err(error) => {
            if let Err(wait) = state.limits.bad_keys.take(&from.into()) {
                let after = [(header::RETRY_AFTER, HeaderValue::from(wait.seconds()))];
                return (StatusCode::TOO_MANY_REQUESTS, after).into_response();
            }
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::FORBIDDEN);
            (status, axum::Json(error)).into_response()
        }
    }
}
