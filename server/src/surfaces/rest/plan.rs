//! The plan: as it counts now, and checked afresh. Reads only.

use super::bearer::Key;
use super::problem::Problem;
use super::sites::site_id;
use crate::http::AppState;
use crate::services::plan_bodies::{Numbers, PlanBody, PlanCheckBody, TraceBody, TracesBody};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use engine::Asked;
use lockdown::trace;

/// The plan as it counts now.
#[utoipa::path(get, path = "/api/v1/sites/{id}/plan", tag = "plan", params(("id" = String, Path, description = "site id")),
    responses((status = 200, body = PlanBody), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn plan(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<PlanBody>, Problem> {
    let id = site_id(id)?;
    key.may_read(Some(&id))?;
    Ok(Json(PlanBody::of_state(&state.services.engine.status(&id)?)))
}

/// Checks the plan against CUCM as it is now: guard, callers and leaks. Writes nothing.
#[utoipa::path(post, path = "/api/v1/sites/{id}/plan/check", tag = "plan", params(("id" = String, Path, description = "site id")),
    responses((status = 200, body = PlanCheckBody), (status = 503, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn check(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<PlanCheckBody>, Problem> {
    let id = site_id(id)?;
    key.may_read(Some(&id))?;
    let check = state.services.engine.check_plan(&id).await?;
    Ok(Json(PlanCheckBody::of(&id, &check)))
}

/// More is another request.
const MOST: usize = 10_000;

/// Where numbers go from a caller, as CUCM is now, normal and locked. Reads only; a dial plan that was read within the last
/// minute answers.
#[utoipa::path(post, path = "/api/v1/sites/{id}/plan/trace", tag = "plan", params(("id" = String, Path, description = "site id")),
    request_body = TraceBody,
    responses((status = 200, body = TracesBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 503, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn trace(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<TracesBody>, Problem> {
    let id = site_id(id)?;
    key.may_read(Some(&id))?;
    let asked: TraceBody = serde_json::from_slice(&body)
        .map_err(|error| Problem::malformed(format!("The body is not {{\"from\": …, \"digits\": …}}: {error}")))?;
    let origin = asked.from.parse().map_err(|error: trace::InvalidOrigin| Problem::malformed(error.to_string()))?;
    let numbers = match asked.digits {
        Numbers::One(number) => vec![number],
        Numbers::Many(numbers) => numbers,
    };
    if numbers.len() > MOST {
        return Err(Problem::malformed(format!("{} numbers at once: {MOST} at most", numbers.len())));
    }
    let numbers: Result<Vec<String>, _> = numbers.iter().map(|number| trace::dialled(number)).collect();
    let numbers = numbers.map_err(|error| Problem::malformed(error.to_string()))?;
    let at = asked.at.map(|at| at.to_zoned(state.services.sites.zone(Some(&id)))).transpose();
    let at = at.map_err(|error| Problem::malformed(format!("at: {error}")))?;
    Ok(Json(TracesBody::of(asked.from, state.services.engine.trace(&id, &origin, Asked { numbers, at }).await?)))
}
