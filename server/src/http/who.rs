//! Who is asking, by session cookie. Keys are looked at where keys are taken.

use super::AppState;
use crate::identity::{session, token};
use app::backend::CurrentSession;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;

pub(super) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with("/api/") && !path.starts_with("/pkg/") {
        let human = path != "/ui/live";
        if let Some(token) = cookie(request.headers(), session::cookie_name(state.https)) {
            match session::operator(state.directory.as_ref(), token, state.engine.now(), human).await {
                Ok(Some(operator)) => {
                    let here = CurrentSession(token::digest(token));
                    request.extensions_mut().insert(here);
                    request.extensions_mut().insert(operator);
                }
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "a session could not be looked up"),
            }
        }
    }
    next.run(request).await
}

/// The value of one cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|text| text.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })
}
