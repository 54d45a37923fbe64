//! Where Webex delivers. Answered at once; worked on elsewhere.

use crate::http::AppState;
use crate::surfaces::webex::Taken;
use crate::surfaces::webex::hooks::SIGNATURE;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

pub(crate) async fn delivered(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    match state.webex.as_ref().map_or(Taken::NotHere, |front| front.delivered(signature, &body)) {
        Taken::Taken => StatusCode::NO_CONTENT,
        Taken::Forged => StatusCode::UNAUTHORIZED,
        Taken::Full => StatusCode::SERVICE_UNAVAILABLE,
        Taken::NotHere => StatusCode::NOT_FOUND,
    }
}
