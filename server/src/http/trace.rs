//! One request, one id: in every line of the log that it causes, and in the answer, so that what somebody saw can be
//! found again. Whoever traces already (nginx, a gateway) sends `traceparent`, and its id is taken.
//!
//! *Source*: W3C Trace Context, section 3.2: `00-<32 hex>-<16 hex>-<2 hex>`, and not all zeros.

use crate::identity::token;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tracing::Span;

const ANSWERED: HeaderName = HeaderName::from_static("x-request-id");

/// Before a ticket's secret.
const TICKETS: &str = "/requests/t/";

/// The id, and what the log is to have with each line.
pub(super) fn begin(request: &Request) -> (String, Span) {
    let id = given(request.headers()).unwrap_or_else(made);
    let path = told(request.uri().path());
    let span = tracing::info_span!("request", trace.id = id, method = request.method().as_str(), path);
    (id, span)
}

pub(super) fn tell(id: &str, headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(ANSWERED, id);
    }
}

fn given(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let (_version, id) = (parts.next()?, parts.next()?);
    let hex = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (hex && id.bytes().any(|byte| byte != b'0')).then(|| id.to_owned())
}

fn made() -> String {
    token::random().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A path as the log may have it: a ticket's is its secret, a phone's order too, and a query is nobody's business.
fn told(path: &str) -> &str {
    let secret = [TICKETS, "/phone/v1/log/", "/phone/v1/lock/"];
    secret.into_iter().find(|before| path.starts_with(before)).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &'static str) -> HeaderMap {
        [(HeaderName::from_static("traceparent"), HeaderValue::from_static(text))].into_iter().collect()
    }

    #[test]
    fn only_an_id_of_the_standard_is_taken_from_outside() {
        let given = |text| given(&headers(text));
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(given(good).as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in ["", "00", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4BF9-1-01", "00-a b-1-1"] {
            assert_eq!(given(bad), None, "{bad}");
        }
        assert_eq!(made().len(), 32);
        assert_ne!(made(), made());
    }

    #[test]
    fn no_secret_of_an_address_is_told() {
        assert_eq!(told("/requests/t/abcdef"), "/requests/t/");
        assert_eq!(told("/phone/v1/lock/SEP1/once"), "/phone/v1/lock/");
        assert_eq!(told("/console"), "/console");
    }
}
