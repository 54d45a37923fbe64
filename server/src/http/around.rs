//! What happens to every request before and after its handler: one layer, as each one copies all that lies within it.

use super::{AppState, address, embed, same_origin, trace, who};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

/// How every answer may be used. Not no-referrer: a plain form goes back to where it came from.
const FIXED: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=()"),
    ),
];

const HTTPS_FOR_GOOD: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

pub(super) async fn around(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (id, span) = trace::begin(&request);
    let mut response = guarded(&state, request, next).instrument(span).await;
    let headers = response.headers_mut();
    trace::tell(&id, headers);
    fixed(&state, headers);
    response
}

async fn guarded(state: &AppState, mut request: Request, next: Next) -> Response {
    if let Some(refused) = same_origin::refused(state, &request) {
        return refused;
    }
    address::note(state, &mut request);
    who::identify(state, &mut request).await;
    let frame = embed::begin(state, &mut request);
    let mut response = next.run(request).await;
    if let Some(frame) = frame {
        embed::keep(&frame, &mut response);
    }
    response
}

fn fixed(state: &AppState, headers: &mut HeaderMap) {
    for (name, value) in FIXED {
        headers.entry(name).or_insert(value);
    }
    if state.https {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HTTPS_FOR_GOOD);
    }
}
