//! How things stand.

use super::bearer::Key;
use super::bodies::{SiteBody, SiteBrief, StatusBody};
use super::problem::Problem;
use crate::http::AppState;
use ::lockdown::ids::SiteId;
use ::lockdown::standing::Standing;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use engine::SiteStatus;
use jiff::Timestamp;
use parking_lot::Mutex;

/// A key, or nobody where the state is public.
pub(crate) struct MaybeKey;

impl FromRequestParts<AppState> for MaybeKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        if state.public_status { Ok(Self) } else { Key::from_request_parts(parts, state).await.map(|_| Self) }
    }
}

/// How one site stands, and when CUCM was last read. What else the short answer has never changes while the server
/// runs.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    state: &'static str,
    since: Timestamp,
    read_at: Option<Timestamp>,
}

impl Look {
    fn at(status: &SiteStatus, now: Timestamp) -> Self {
        Self {
            state: status.standing(now).word(),
            since: status.command.since(),
            read_at: status.reading.as_ref().map(|reading| reading.read_at),
        }
    }
}

/// The short answer: everybody asks for it and it seldom changes, so it is written once as long as it is the same.
/// How things stand is looked at each time.
#[derive(Default)]
pub struct Brief(Mutex<(Vec<Look>, Bytes)>);

impl Brief {
    fn of(&self, looks: Vec<Look>, write: impl FnOnce(&[Look]) -> Vec<u8>) -> Bytes {
        let mut written = self.0.lock();
        if written.0 != looks || written.1.is_empty() {
            let body = write(&looks).into();
            *written = (looks, body);
        }
        written.1.clone()
    }
}

/// How things stand at all sites.
#[utoipa::path(get, path = "/api/v1/status", tag = "state",
    responses((status = 200, body = StatusBody), (status = 401, body = Problem, content_type = "application/problem+json")),
    security((), ("key" = [])))]
pub(crate) async fn status(_: MaybeKey, State(state): State<AppState>) -> impl IntoResponse {
    let now = state.services.clock.now();
    let looks = state.services.engine.look_at_live(|status| Look::at(status, now));
    let body = state.brief.of(looks, |looks| written(&state, looks, now));
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body)
}

fn written(state: &AppState, looks: &[Look], now: Timestamp) -> Vec<u8> {
    let rank = |look: &&Look| Standing::WORDS.iter().position(|word| *word == look.state);
    let worst = looks.iter().min_by_key(rank);
    let (word, since) = worst.map_or(("unknown", now), |look| (look.state, look.since));
    let names = state.services.engine.look_at_live(|status| (status.id.to_string(), status.name.clone()));
    let brief = |((id, name), look): ((String, String), &Look)| {
        let Look { state, since, read_at } = *look;
        SiteBrief { id, name, state, since, read_at }
    };
    let sites = names.into_iter().zip(looks).map(brief).collect();
    serde_json::to_vec(&StatusBody { state: word, since, sites }).expect("strings, times and lists")
}

/// One site with its steps.
#[utoipa::path(get, path = "/api/v1/sites/{id}", tag = "state", params(("id" = String, Path, description = "site id")),
    responses((status = 200, body = SiteBody, headers(("ETag" = String, description = "the version"))),
        (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn site(key: Key, State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = site_id(id)?;
    key.may_read(Some(&id))?;
    Ok(shown(&SiteBody::of(&state.services.engine.status(&id)?, &state)))
}

pub(crate) fn shown(body: &SiteBody) -> Response {
    ([(header::ETAG, body.etag())], Json(body)).into_response()
}

pub(crate) fn site_id(text: String) -> Result<SiteId, Problem> {
    SiteId::try_from(text).map_err(|error| Problem::malformed(error.to_string()))
}
