//! The plan: as it counts now, and checked afresh. Reads only.

use super::bearer::Key;
use super::bodies::PlanBody;
use super::problem::Problem;
use super::sites::site_id;
use crate::http::AppState;
use axum::Json;
use axum::extract::{Path, State};

/// The plan as it counts now.
#[utoipa::path(get, path = "/api/v1/sites/{id}/plan", tag = "plan", params(("id" = String, Path, description = "site id")),
    responses((status = 200, body = PlanBody), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(super) async fn plan(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<PlanBody>, Problem> {
    let id = site_id(id)?;
    key.may_read(Some(&id))?;
    Ok(Json(PlanBody::of_state(&state.engine.status(&id)?)))
}

/// Checks the plan against CUCM as it is now: guard and leaks. Writes nothing.
#[utoipa::path(post, path = "/api/v1/sites/{id}/plan/check", tag = "plan", params(("id" = String, Path, description = "site id")),
    responses((status = 200, body = PlanBody), (status = 503, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(super) async fn check(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<PlanBody>, Problem> {
    let id = site_id(id)?;
    key.may_read(Some(&id))?;
    Ok(Json(match state.engine.check_plan(&id).await? {
        Ok(checked) => PlanBody::accepted(&checked),
        Err(violations) => PlanBody::refused(violations.iter().map(ToString::to_string).collect()),
    }))
}
