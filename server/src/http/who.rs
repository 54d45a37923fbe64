//! Who is asking, by session cookie. Keys are looked at where keys are taken.

use super::AppState;
use crate::identity::session::Present;
use crate::identity::{session, token};
use app::backend::CurrentSession;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use lockdown::operator::Operator;
use lockdown::timeline::EventKind;

pub(super) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/api/") && !path.starts_with("/pkg/") {
        let human = path != "/ui/live";
        let token = cookie(request.headers(), session::cookie_name(state.https)).map(str::to_owned);
        if let Some(token) = token
            && let Some(operator) = present(&state, &token, human).await
        {
            request.extensions_mut().insert(CurrentSession(token::digest(&token)));
            request.extensions_mut().insert(operator);
        }
    }
    next.run(request).await
}

async fn present(state: &AppState, token: &str, human: bool) -> Option<Operator> {
    let outage = state.oidc.as_ref().and_then(|oidc| oidc.outage());
    let found = session::operator(state.directory.as_ref(), token, state.engine.now(), human, outage).await;
    match found {
        Ok(Some(Present { operator, extended })) => {
            if extended && let Err(error) = state.engine.record(Some(&operator), EventKind::SessionExtended).await {
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
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}
