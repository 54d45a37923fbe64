//! One request, one id: in every line of the log that it causes, and in the answer, so that what somebody saw can be
//! found again. Whoever traces already (nginx, a gateway) sends `traceparent`, and its id is taken.
//!
//! *Source*: W3C Trace Context, section 3.2: `00-<32 hex>-<16 hex>-<2 hex>`, and not all zeros.

use crate::identity::token;
use crate::telemetry::request::Asked;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

const GIVEN: HeaderName = HeaderName::from_static("traceparent");
const ANSWERED: HeaderName = HeaderName::from_static("x-request-id");

/// Odd, so that no product of it and a count comes twice; large, so that neighbours look unlike.
const SCATTER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// What the log is to have with each line about this request; the id is in it.
pub(crate) fn begin<B>(request: &Request<B>) -> Asked {
    let id = given(request.headers()).unwrap_or_else(made);
    let id = HeaderValue::try_from(id).expect("hexadecimal digits");
    Asked { id, method: request.method().clone(), uri: request.uri().clone() }
}

pub(crate) fn tell(id: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ANSWERED, id);
}

fn given(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(GIVEN)?.to_str().ok()?;
    let mut parts = text.split('-');
    let _version = parts.next()?;
    let id = parts.next()?;
    let hex = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (hex && id.bytes().any(|byte| byte != b'0')).then(|| id.to_owned())
}

/// Begun at random by each process, and counted on from there: unlike any other, and no secret.
fn made() -> String {
    static FIRST: LazyLock<u128> =
        LazyLock::new(|| u128::from_le_bytes(*token::random().first_chunk().expect("it has twice as many bytes")));
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let scattered = u128::from(COUNT.fetch_add(1, Ordering::Relaxed)).wrapping_mul(SCATTER);
    format!("{:032x}", FIRST.wrapping_add(scattered))
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
}
