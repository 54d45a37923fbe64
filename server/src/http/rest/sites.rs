//! How things stand.

use super::bearer::Key;
use super::bodies::{SiteBody, SiteBrief, StatusBody};
use super::problem::Problem;
use crate::http::AppState;
use ::lockdown::ids::SiteId;
use ::lockdown::standing::Standing;
use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

/// A key, or nobody where the state is public.
pub(super) struct MaybeKey;

impl FromRequestParts<AppState> for MaybeKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if state.public_status { Ok(Self) } else { Key::from_request_parts(parts, state).await.map(|_| Self) }
    }
}

/// How things stand at all sites.
#[utoipa::path(get, path = "/api/v1/status", tag = "state",
    responses((status = 200, body = StatusBody), (status = 401, body = Problem, content_type = "application/problem+json")),
    security((), ("key" = [])))]
pub(super) async fn status(_: MaybeKey, State(state): State<AppState>) -> Json<StatusBody> {
    let now = state.engine.now();
    let sites: Vec<SiteBrief> = state.engine.look_at_live(|status| SiteBrief::of(status, now));
    let rank = |brief: &&SiteBrief| Standing::WORDS.iter().position(|word| *word == brief.state);
    let worst = sites.iter().min_by_key(rank);
    let (word, since) = worst.map_or(("unknown", now), |brief| (brief.state, brief.since));
    Json(StatusBody { state: word, since, sites })
}

/// One site with its steps.
#[utoipa::path(get, path = "/api/v1/sites/{id}", tag = "state", params(("id" = String, Path, description = "site id")),
    responses((status = 200, body = SiteBody, headers(("ETag" = String, description = "the version"))),
        (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(super) async fn site(key: Key, State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = site_id(id)?;
    key.may_read(Some(&id))?;
    Ok(shown(&SiteBody::of(&state.engine.status(&id)?, state.engine.drill_of(&id), state.engine.now())))
}

pub(super) fn shown(body: &SiteBody) -> Response {
    ([(header::ETAG, body.etag())], Json(body)).into_response()
}

pub(super) fn site_id(text: String) -> Result<SiteId, Problem> {
    SiteId::try_from(text).map_err(|error| Problem::malformed(error.to_string()))
}
