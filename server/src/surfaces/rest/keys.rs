//! A key can take itself back: for whoever finds it where it does not belong.

use super::bearer::Key;
use super::problem::Problem;
use crate::http::AppState;
use crate::identity::api_key::{ApiKeys, KeyError};
use axum::extract::State;
use axum::http::StatusCode;
use lockdown::operator::Refusal;

/// Revokes the key it is called with, at once. Any scope will do, but for that of a gadget's file alone: every agent can
/// read that key, and could take the state from all desktops with it.
#[utoipa::path(delete, path = "/api/v1/keys/self", tag = "keys",
    responses((status = 204, description = "the key opens nothing any more"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json", description = "the key of a gadget's file is no secret"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "an access token is no key")),
    security(("key" = [])))]
pub(crate) async fn revoke_itself(Key(holder): Key, State(state): State<AppState>) -> Result<StatusCode, Problem> {
    if holder.is_stranger() {
        return Err(Problem::from(Refusal::KeyLacksScope));
    }
    let desk =
        ApiKeys { store: state.services.directory.as_ref(), by: Some(holder.actor()), now: state.services.clock.now() };
    match desk.revoke(holder.id.as_str(), true).await {
        Ok(_) => Ok(StatusCode::NO_CONTENT),
        Err(KeyError::Store(error)) => Err(Problem::from_store(&error)),
        Err(error) => Err(Problem::new(StatusCode::NOT_FOUND, "no-such-key", "No such key", format!("{error}."))),
    }
}
