//! `/phone/v1`: what a desk phone asks for. Always answered 200 with an object it can show; what was typed is in
//! no log.

use crate::http::AppState;
use crate::http::address::Caller;
use crate::http::limits::PIN_DELAY;
use crate::surfaces::desk_phone::screen::Screen;
use crate::surfaces::desk_phone::{Asking, Counted, DeskPhones, Typed};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use limit::{Place, Wait};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Deserialize)]
pub(crate) struct Of {
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
        let past = state.services.clock.now() - SignedDuration::from_mins(1);
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

fn desk(state: &AppState) -> Result<Arc<DeskPhones>, StatusCode> {
    state.phones.clone().ok_or(StatusCode::NOT_FOUND)
}

pub(crate) async fn entry(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    Ok(shown(&state, &desk(&state)?.entry(&asking(d, caller, &headers))))
}

pub(crate) async fn status(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    Ok(shown(&state, &desk(&state)?.status(&asking(d, caller, &headers))))
}

pub(crate) async fn ask_pin(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let screen = desk(&state)?.ask_pin(&asking(d, caller, &headers)).await;
    Ok(shown(&state, &screen))
}

/// In the body or in the address, as the model sends it.
pub(crate) async fn lock(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path((device, once)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let desk = desk(&state)?;
    let asking = asking(device, caller, &headers);
    let mut fields = read(&uri, &body);
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    let typed = Typed::new(&field("code"), &field("pin"));
    // Only who could lock with the right PIN is counted: nobody uses up another's tries from elsewhere.
    if desk.could_lock(&asking, &once) {
        for counted in desk.counted(&asking, &typed).await {
            match taken(&state, counted, asking.from.into()) {
                Ok(false) => {}
                Ok(true) => state.services.clock.sleep(PIN_DELAY).await,
                Err(wait) => return Ok(shown(&state, &desk.too_often(&asking, wait.seconds()).await)),
            }
        }
    }
    let screen = desk.lock(&asking, &once, typed).await;
    Ok(shown(&state, &screen))
}

/// Whether it is to wait a little before it is looked at.
fn taken(state: &AppState, counted: Counted, from: Place) -> Result<bool, Wait> {
    match counted {
        Counted::Phone(_) | Counted::Own(_) => state.limits.pins_of_phone.take(&(counted, from)).map(|()| false),
        Counted::Person(_) => {
            let many = state.limits.all_pins.take(&counted).is_err();
            state.limits.pins_of_person.take(&(counted, from)).map(|()| many)
        }
    }
}

/// From the body, whatever the phone calls it, or from the address.
fn read(uri: &Uri, body: &[u8]) -> Fields {
    let sent = if body.is_empty() { uri.query().unwrap_or_default().as_bytes() } else { body };
    let pairs = sent.split(|byte| *byte == b'&').map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (decoded(&pair[..at]), decoded(pair.get(at + 1..).unwrap_or_default()))
    });
    pairs.filter(|(name, _)| !name.is_empty()).collect()
}

/// Some models write UTF-8, older ones Latin-1 (ISO 8859-1), and none says which.
fn decoded(field: &[u8]) -> String {
    let hex =
        |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16)).and_then(|n| u8::try_from(n).ok());
    let mut bytes = Vec::with_capacity(field.len());
    let mut place = 0;
    while let Some(byte) = field.get(place) {
        let escaped = (*byte == b'%').then(|| hex(field.get(place + 1)).zip(hex(field.get(place + 2)))).flatten();
        place += if escaped.is_some() { 3 } else { 1 };
        bytes.push(match (escaped, byte) {
            (Some((high, low)), _) => high << 4 | low,
            (None, b'+') => b' ',
            (None, plain) => *plain,
        });
    }
    String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect())
}

pub(crate) async fn ask_call(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Query(Of { d }): Query<Of>,
    headers: HeaderMap,
) -> Result<Response, StatusCode> {
    let screen = desk(&state)?.ask_call(&asking(d, caller, &headers)).await;
    Ok(shown(&state, &screen))
}

pub(crate) async fn log_call(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Path((device, secret)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
    body: Bytes,
) -> Result<Response, StatusCode> {
    let desk = desk(&state)?;
    let asking = asking(device, caller, &headers);
    let mut fields = read(&uri, &body);
    let mut field = |name: &str| fields.remove(name).unwrap_or_default();
    if state.limits.asked.take(&asking.from.into()).is_err() {
        return Ok(shown(&state, &desk.too_often(&asking, 10).await));
    }
    let back = field("back");
    let who = field("who");
    let why = field("why");
    let how = field("how");
    let screen = desk.log_call(&asking, secret, back, who, why, &how).await;
    Ok(shown(&state, &screen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_phone_writes_is_read_in_its_own_letters() {
        let fields = |body: &[u8]| read(&Uri::from_static("/x?who=no"), body);
        assert_eq!(fields(b"back=4711&who=Ren%E9&why=x+y")["who"], "Ren\u{e9}");
        assert_eq!(fields(b"who=Ren%C3%A9")["who"], "Ren\u{e9}");
        assert_eq!(fields(b"who=Ren\xe9")["who"], "Ren\u{e9}");
        assert_eq!(fields(b"why=x+y%2Bz%")["why"], "x y+z%");
        assert_eq!(read(&Uri::from_static("/x?pin=1&code="), b"").get("pin").map(String::as_str), Some("1"));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&Uri::from_static("/x"), &body);
        }
    }
}
