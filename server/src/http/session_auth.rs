//! Who is asking, by session cookie. Keys are looked at where keys are taken.
//!
//! A frame in another site's page has a session and a cookie of its own. What comes from there is told by its
//! address or by the header our own code in the frame sends; then that cookie alone counts, for what a gadget
//! may do, and every write must bring the header that belongs to the session.

use super::AppState;
use crate::identity::session::Present;
use crate::identity::{handoff, session, token};
use crate::store::records::Audience;
use app::backend::CurrentSession;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri, header};
use lockdown::operator::Operator;
use lockdown::timeline::EventKind;

/// Our own code in a frame sends it with every request it makes.
const GADGET: &str = "x-lockdown-gadget";

/// What a frame asks for. Everything else knows nobody there.
const GADGET_MAY: [&str; 6] =
    ["/embed/", "/ui/live", "/ui/activate", "/ui/arm", "/ui/take-down-request", "/ui/do-request"];

/// The token of the frame's session, for what is derived from it.
#[derive(Clone)]
pub(crate) struct GadgetToken(pub(crate) String);

/// Whether a request says who is asking, and may say it that way.
pub(crate) fn is_told(request: &Request) -> bool {
    let path = request.uri().path();
    let otherwise = ["/api/", "/pkg/", "/phone/"].iter().any(|ways| path.starts_with(ways));
    !otherwise && request.headers().contains_key(header::COOKIE)
}

pub(crate) async fn identify(state: &AppState, request: &mut Request) {
    let path = request.uri().path();
    let audience = audience(request);
    // What a page asks for by itself is no act of a person.
    let human = path != "/ui/live" && path != "/embed/state";
    let headers = request.headers();
    let found = match audience {
        Audience::Gadget => gadget_token(request),
        Audience::Console | Audience::Handoff => cookie(headers, session::cookie_name(state.https)),
    };
    if let Some(token) = found.map(str::to_owned)
        && let Some(operator) = present(state, &token, audience, human).await
    {
        request.extensions_mut().insert(CurrentSession(token::digest(&token)));
        request.extensions_mut().insert(operator);
        if audience == Audience::Gadget {
            request.extensions_mut().insert(GadgetToken(token));
        }
    }
}

/// Also a plain form of the frame's page, which sends no header: where Finesse and we are one site, the console's
/// cookie would come along.
fn audience(request: &Request) -> Audience {
    let path = request.uri().path();
    let headers = request.headers();
    let referrer = headers.get(header::REFERER).and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
    let framed = path.starts_with("/embed/")
        || headers.contains_key(GADGET)
        || referrer.is_some_and(|referrer| referrer.path().starts_with("/embed/"))
        || (path == "/ui/live" && request.uri().query().is_some_and(|query| query.contains("embed=")));
    // The window is opened from the frame, and is a page of its own.
    if framed && !path.starts_with("/auth/handoff") && !is_page(request) { Audience::Gadget } else { Audience::Console }
}

/// A page at top level, such as the console that the frame leads to.
fn is_page(request: &Request) -> bool {
    let top = request.headers().get("sec-fetch-dest").is_some_and(|dest| dest == "document");
    top && *request.method() == Method::GET && !request.uri().path().starts_with("/embed/")
}

/// The cookie, where it may count.
fn gadget_token(request: &Request) -> Option<&str> {
    let path = request.uri().path();
    let token = cookie(request.headers(), session::GADGET_COOKIE)?;
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let own =
        || request.headers().get(GADGET).is_some_and(|given| given.as_bytes() == handoff::header_of(token).as_bytes());
    (GADGET_MAY.iter().any(|may| path.starts_with(may)) && (reads || own())).then_some(token)
}

async fn present(state: &AppState, token: &str, audience: Audience, human: bool) -> Option<Operator> {
    let outage = state.services.oidc.as_ref().and_then(|oidc| oidc.outage());
    let now = state.services.clock.now();
    let found = session::operator(state.services.directory.as_ref(), token, audience, now, human, outage).await;
    match found {
        Ok(Some(Present { operator, extended })) => {
            if extended
                && let Err(error) = state.services.timeline.record(Some(&operator), EventKind::SessionExtended).await
            {
                tracing::error!(%error, "a session that goes on could not be put into the timeline");
            }
            Some(operator)
        }
        Ok(None) => None,
        Err(error) => {
            tracing::error!(%error, "a session could not be looked up");
            None
        }
    }
}

/// The value of one cookie.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    proptest! {
        /// Whatever else a browser or somebody before it put there.
        #[test]
        fn a_cookie_is_read_whole_or_not_at_all(before in "[ -~]{0,40}", value in "[A-Za-z0-9_-]{1,43}", bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            prop_assume!(!before.contains("ess="));
            let mut headers = HeaderMap::new();
            if let Ok(odd) = HeaderValue::from_bytes(&bytes) {
                headers.append(header::COOKIE, odd);
            }
            let found = cookie(&headers, "sess").map(str::to_owned);
            prop_assert!(found.is_none_or(|found| !found.contains(';')));
            let mut headers = HeaderMap::new();
            headers.append(header::COOKIE, format!("{before}; sess={value}; x=y").parse().unwrap());
            prop_assert_eq!(cookie(&headers, "sess"), Some(value.as_str()));
            prop_assert_eq!(cookie(&headers, "ess"), None);
        }
    }
}
