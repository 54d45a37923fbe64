//! What a request's address may say. Anybody can make an address and have somebody open it: nothing in one is shown or
//! followed that we did not put there ourselves.

use super::AppState;
use super::same_origin::SITE;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};

/// Where a plain form's refusal travels back to its page. Shown in our own voice, so only by our own redirects.
const REFUSAL: [&str; 2] = ["__path", "__err"];

/// What is answered instead of the page.
pub(crate) fn refused(state: &AppState, request: &Request) -> Option<Response> {
    let uri = request.uri();
    if hides_separators(uri.path()) {
        return Some((StatusCode::BAD_REQUEST, "This address cannot be read.").into_response());
    }
    let bare = without_refusal(uri)?;
    (!is_own_navigation(request.headers(), &state.public_url)).then(|| Redirect::to(&bare).into_response())
}

/// A proxy decodes them before it compares, and a browser takes two of them for another host: none of our addresses has
/// any.
fn hides_separators(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.starts_with("//") || ["%2f", "%5c", "%2e", "%25", "\\"].iter().any(|hidden| path.contains(hidden))
}

/// The same address without a refusal in it; `None` where there is none.
fn without_refusal(uri: &Uri) -> Option<String> {
    let query = uri.query()?;
    // However its name is written.
    let is_refusal = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = reqwest::Url::parse(&format!("x:?{name}"))
            .ok()
            .and_then(|url| url.query_pairs().next().map(|(name, _)| name.into_owned()));
        name.is_some_and(|name| REFUSAL.contains(&name.as_str()))
    };
    if !query.split('&').any(is_refusal) {
        return None;
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_refusal(pair)).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    Some(format!("{}{query}", uri.path()))
}

/// From one of our pages, by itself: a redirect that began elsewhere does not count.
fn is_own_navigation(headers: &HeaderMap, public_url: &str) -> bool {
    match headers.get(SITE) {
        Some(site) => site == "same-origin",
        None => headers.get(header::REFERER).is_some_and(|referrer| {
            referrer.to_str().is_ok_and(|referrer| {
                referrer.strip_prefix(public_url).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_refusal_is_taken_out_of_an_address_and_nothing_else() {
        let without = |text: &str| without_refusal(&text.parse().unwrap());
        assert_eq!(without("/console?site=north"), None);
        assert_eq!(without("/console"), None);
        assert_eq!(without("/console?__path=%2Fui&site=north&__err=eyJ9").as_deref(), Some("/console?site=north"));
        assert_eq!(without("/console?%5F%5Ferr=eyJ9").as_deref(), Some("/console"));
        assert_eq!(without("/console?__err").as_deref(), Some("/console"));
    }

    proptest! {
        /// However it is written: a page never gets a refusal that we did not send there.
        #[test]
        fn no_refusal_is_left_in_an_address(query in "(&|=|__err|__path|%5F|_|%5f|err|path|%65|a|;|\\+|%|x=1){0,12}") {
            let Ok(uri) = format!("/console?{query}").parse::<Uri>() else { return Ok(()) };
            let bare = without_refusal(&uri).unwrap_or_else(|| uri.to_string());
            let url = reqwest::Url::parse("https://x/").unwrap().join(&bare).unwrap();
            let left: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
            prop_assert!(!left.iter().any(|name| REFUSAL.contains(&name.as_str())), "{} became {}", uri, bare);
            prop_assert!(bare.starts_with("/console"));
        }
    }

    #[test]
    fn separators_that_a_proxy_would_decode_are_found() {
        for bad in ["/phone/v1/log/SEP/..%2f..%2Fx", "/a%5cb", "/a/%2E%2e/b", "/a/%252e", "//evil.example/"] {
            assert!(hides_separators(bad), "{bad}");
        }
        for good in ["/incidents/inc-1/report", "/requests/t/ab%20c", "/pkg/lockdown.x.wasm"] {
            assert!(!hides_separators(good), "{good}");
        }
    }

    #[test]
    fn only_a_navigation_of_our_own_carries_a_refusal() {
        let ours = |name: &'static str, value: &str| {
            let headers = [(header::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect();
            is_own_navigation(&headers, "https://lockdown.acme.example")
        };
        assert!(ours("sec-fetch-site", "same-origin"));
        assert!(ours("referer", "https://lockdown.acme.example/console"));
        for site in ["none", "cross-site", "same-site"] {
            assert!(!ours("sec-fetch-site", site), "{site}");
        }
        assert!(!ours("referer", "https://lockdown.acme.example.evil/console"));
        assert!(!is_own_navigation(&HeaderMap::new(), "https://lockdown.acme.example"));
    }
}
