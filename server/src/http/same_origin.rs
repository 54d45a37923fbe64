//! A write with our cookie comes from one of our own pages, or not at all. Fetch metadata first,
//! `Origin` second; no tokens, so that plain forms work.

use super::AppState;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(super) const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What is answered instead, where it does not come from where it must.
pub(super) fn refused(state: &AppState, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    // Bearer keys only, a signature, or a PIN: no cookie is looked at there, so a cross-site request has nothing to ride on.
    let by_key = path.starts_with("/api/v1/") || path == "/hooks/webex" || path.starts_with("/phone/");
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !by_key && !safe && !is_ours(request.headers(), &state.public_url) {
        return Some(refusal("This request did not come from one of our own pages."));
    }
    // Phones are no browsers: a page somewhere cannot use the network it is opened in, whatever name it has there.
    if path.starts_with("/phone/") && request.headers().contains_key(SITE) {
        return Some(refusal("A desk phone's request came from a page."));
    }
    let framed = request.headers().get(DEST).is_some_and(|dest| dest == "iframe" || dest == "frame");
    if framed && !path.starts_with("/embed/") {
        return Some(refusal("This page is not shown inside another one."));
    }
    None
}

fn is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    match headers.get(SITE) {
        Some(site) => site == "same-origin",
        None => headers.get(header::ORIGIN).is_some_and(|origin| origin == public_url),
    }
}

fn refusal(text: &str) -> Response {
    // The pages' error, so that a page that gets it can read it.
    let body = serde_json::to_string(&app::ApiError::CrossSite).unwrap_or_default();
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::VARY, "sec-fetch-site, origin")];
    tracing::warn!(text, "a request was refused");
    (StatusCode::FORBIDDEN, headers, body).into_response()
}
