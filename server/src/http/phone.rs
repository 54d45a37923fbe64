//! `/phone/v1`: what a desk phone asks for. Always answered 200 with an object it can show; what was typed is in
//! no log.

use super::AppState;
use super::address::Caller;
use super::limits::Wait;
use crate::phone::screen::Screen;
use crate::phone::{Asking, Counted, Desk, Typed};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Of {
    #[serde(default)]
    d: String,
}

type Fields = BTreeMap<String, String>;

fn asking(device: String, Caller(from): Caller, headers: &HeaderMap) -> Asking {
    let model = headers.get("x-ciscoipphonemodelname").and_then(|value| value.to_str().ok());
    Asking { device, from, model: model.unwrap_or_default().chars().take(40).collect() }
}

/// Expired, where one must not come back to it. A date after 1970: an 8800 takes no other.
fn shown(state: &AppState, screen: &Screen) -> Response {
    let mut response = ([(header::CONTENT_TYPE, "text/xml; charset=UTF-8")], screen.xml()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if !screen.is_kept() {
        let past = state.engine.now() - SignedDuration::from_mins(1);
        let past = past.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(past) = HeaderValue::from_str(&past) {
            headers.insert(header::EXPIRES, past);
        }
    }
    if let Some(refresh) = screen.refresh().and_then(|text| HeaderValue::from_str(&text).ok()) {
        headers.insert(header::REFRESH, refresh);
    }
    response
}

fn desk(state: &AppState) -> Result<Arc<Desk>, StatusCode> {
    state.phones.clone().ok_or(StatusCode::NOT_FOUND)
}

pub(super) async fn entry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    Ok(shown(&state, &desk(&state)?.entry(&asking(d, caller, &headers))))
}

pub(super) async fn status(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    Ok(shown(&state, &desk(&state)?.status(&asking(d, caller, &headers))))
}

pub(super) async fn ask_pin(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let screen = desk(&state)?.ask_pin(&asking(d, caller, &headers)).await;
    Ok(shown(&state, &screen))
}

/// In the body or in the address, as the model sends it.
pub(super) async fn lock(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path((device, once)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let desk = desk(&state)?;
    let (asking, mut fields) = (asking(device, caller, &headers), read(&uri, &body));
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    let typed = Typed::new(&field("code"), &field("pin"));
    // Only who could lock with the right PIN is counted: nobody uses up another's tries from elsewhere.
    if desk.could_lock(&asking, &once) {
        for counted in desk.counted(&asking, &typed).await {
            if let Err(Wait(wait)) = taken(&state, &counted) {
                return Ok(shown(&state, &desk.too_often(&asking, wait.as_secs() + 1).await));
            }
        }
    }
    let screen = desk.lock(&asking, &once, typed).await;
    Ok(shown(&state, &screen))
}

fn taken(state: &AppState, counted: &Counted) -> Result<(), Wait> {
    match counted {
        Counted::Phone(_) | Counted::Own(_) => state.limits.pins_of_phone.take(counted),
        Counted::Person(_) => state.limits.pins_of_person.take(counted),
    }
}

/// From the body, whatever the phone calls it, or from the address.
fn read(uri: &Uri, body: &[u8]) -> Fields {
    let body = String::from_utf8_lossy(body);
    let sent = if body.is_empty() { uri.query().unwrap_or_default() } else { body.as_ref() };
    let pairs = reqwest::Url::parse(&format!("phone:?{sent}"));
    pairs.map(|pairs| pairs.query_pairs().into_owned().collect()).unwrap_or_default()
}

pub(super) async fn ask_call(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let screen = desk(&state)?.ask_call(&asking(d, caller, &headers)).await;
    Ok(shown(&state, &screen))
}

pub(super) async fn log_call(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path((device, secret)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let desk = desk(&state)?;
    let (asking, mut fields) = (asking(device, caller, &headers), read(&uri, &body));
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    if state.limits.asked.take(&asking.from.into()).is_err() {
        return Ok(shown(&state, &desk.too_often(&asking, 10).await));
    }
    let (back, who, why, how) = (field("back"), field("who"), field("why"), field("how"));
    let screen = desk.log_call(&asking, secret, back, who, why, &how).await;
    Ok(shown(&state, &screen))
}
