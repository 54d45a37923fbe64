//! A write with our cookie comes from one of our own pages, or not at all. Fetch metadata first,
//! `Origin` second; no tokens, so that plain forms work.

use super::AppState;
use app::ApiError;
use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Url;

pub(crate) const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// What is answered instead, where it does not come from where it must.
pub(crate) fn refused(state: &AppState, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let headers = request.headers();
    // Bearer keys only, a signature, or a PIN: no cookie is looked at there, so a cross-site request has nothing to ride on.
    let by_key = path.starts_with("/api/v1/") || path == "/hooks/webex" || path.starts_with("/phone/");
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !by_key && !safe {
        if !is_ours(headers, &state.public_url) {
            return Some(refusal(headers, &ApiError::CrossSite));
        }
        if asks_nobody(path) && has_foreign_name(request, &state.public_url) {
            return Some(refusal(headers, &ApiError::ForeignName(state.public_url.to_string())));
        }
    }
    // Phones are no browsers: a page somewhere cannot use the network it is opened in, whatever name it has there.
    if path.starts_with("/phone/") && headers.contains_key(SITE) {
        return Some(refusal(headers, &ApiError::CrossSite));
    }
    let framed = headers.get(DEST).is_some_and(|dest| dest == "iframe" || dest == "frame");
    if framed && !path.starts_with("/embed/") {
        return Some(refusal(headers, &ApiError::Framed));
    }
    None
}

fn is_ours(headers: &HeaderMap, public_url: &str) -> bool {
    match headers.get(SITE) {
        Some(site) => site == "same-origin",
        None => headers.get(header::ORIGIN).is_some_and(|origin| origin == public_url),
    }
}

/// Taken from whoever knocks. All else takes a cookie, which no other name has, or a secret: it is served under whatever
/// name a server has, since the public one may be away.
fn asks_nobody(path: &str) -> bool {
    path.starts_with("/requests/") || path.starts_with("/leaked-key/")
}

/// A page of somebody else's whose name was made to lead here is of the same origin as what it sends. That takes a name
/// others can give out: not an address, and not a name without a dot, by which this server may be reached when the name
/// service is away. The browser's word comes before `Host`, which a proxy may write anew.
fn has_foreign_name(request: &Request, public_url: &str) -> bool {
    let said = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let origin = said(header::ORIGIN).filter(|origin| *origin != "null").map(str::to_owned);
    let authority = request.uri().authority().map(Authority::as_str);
    let asked = origin.or_else(|| Some(format!("http://{}", authority.or_else(|| said(header::HOST))?)));
    let name_of = |url: &str| Url::parse(url).map(|url| url.domain().map(str::to_owned));
    match asked.map(|asked| name_of(&asked)) {
        Some(Ok(Some(name))) => name.contains('.') && name_of(public_url) != Ok(Some(name)),
        Some(Ok(None)) | None => false,
        Some(Err(_)) => true,
    }
}

/// In the pages' own error, so that a page that gets it can read it; in words for a form sent without scripts.
fn refusal(headers: &HeaderMap, error: &ApiError) -> Response {
    tracing::warn!(%error, "a request was refused");
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::FORBIDDEN);
    let vary = (header::VARY, "sec-fetch-site, origin, accept");
    let reads_html = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok());
    if reads_html.is_some_and(|kinds| kinds.contains("text/html")) {
        return (status, [vary], error.to_string()).into_response();
    }
    let body = serde_json::to_string(error).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json"), vary], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    const OWN: &str = "https://lockdown.acme.example:8443";

    fn foreign(host: &str, origin: &str) -> bool {
        let request = Request::post("/requests/file").header(header::HOST, host);
        let request = if origin.is_empty() { request } else { request.header(header::ORIGIN, origin) };
        has_foreign_name(&request.body(Body::empty()).unwrap(), OWN)
    }

    #[test]
    fn a_name_that_was_made_to_lead_here_is_foreign() {
        for (host, origin) in [
            ("evil.example", "https://evil.example"),
            ("evil.example:8443", ""),
            ("evil.example", "null"),
            ("lockdown.acme.example.evil.example", ""),
            ("a b", ""),
            ("", "what"),
        ] {
            assert!(foreign(host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn our_own_name_an_address_and_a_name_of_the_site_are_not() {
        for (host, origin) in [
            ("lockdown.acme.example:8443", OWN),
            ("LOCKDOWN.acme.example", "null"),
            ("backend.internal.example", OWN),
            ("10.1.2.3:3000", "http://10.1.2.3:3000"),
            ("[::1]:3000", "http://[::1]:3000"),
            ("lockdown:3000", "http://lockdown:3000"),
            ("localhost:3000", ""),
        ] {
            assert!(!foreign(host, origin), "{host} {origin}");
        }
    }

    #[test]
    fn in_http2_the_name_stands_in_the_address() {
        let request = Request::post("https://evil.example/requests/file").body(Body::empty()).unwrap();
        assert!(has_foreign_name(&request, OWN));
    }
}
