//! The EOC's files, for programs and for paper.

use super::bearer::Key;
use super::problem::Problem;
use crate::http::AppState;
use crate::http::exports::{self, Kind};
use crate::services::incidents::IncidentError;
use ::lockdown::incident::{Incident, Phase};
use ::lockdown::report::Report;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentsBody {
    /// Newest first.
    pub incidents: Vec<IncidentBody>,
}

/// The EOC's file about an activation.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentBody {
    #[schema(example = "inc-20261124-140231-0f3c9a5d")]
    pub id: String,
    pub site: String,
    pub name: Option<String>,
    pub kind: Option<String>,
    /// An exercise: no call was touched.
    pub drill: bool,
    /// `open`, `ending` (the all-clear is ordered), `closed`.
    pub state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    pub opened_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Timestamp>,
    pub activations: Vec<String>,
    pub commander: Option<String>,
    pub present: Vec<String>,
    /// Seniors were asked whether the lock is still needed, and none has answered.
    pub review_due: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentPageBody {
    pub incident: IncidentBody,
    /// Durations, who did what, calls by state, drift, gaps.
    #[schema(value_type = Object)]
    pub report: Report,
}

impl IncidentBody {
    fn of(incident: &Incident) -> Self {
        let (state, closed_at) = match incident.phase {
            Phase::Open => ("open", None),
            Phase::Ending { .. } => ("ending", None),
            Phase::Closed { at } => ("closed", Some(at)),
        };
        Self {
            id: incident.id.to_string(),
            site: incident.site.to_string(),
            name: incident.name.clone(),
            kind: incident.kind.clone(),
            drill: incident.is_drill(),
            state,
            opened_at: incident.opened_at,
            opened_by: incident.opened_by.as_ref().map(ToString::to_string),
            closed_at,
            activations: incident.activations.iter().map(ToString::to_string).collect(),
            commander: incident.commander.as_ref().map(|who| who.name.clone()),
            present: incident.present.iter().map(|who| who.name.clone()).collect(),
            review_due: incident.is_asked(),
        }
    }
}

impl From<IncidentError> for Problem {
    fn from(error: IncidentError) -> Self {
        let detail = error.to_string();
        match error {
            IncidentError::NoSuchIncident => {
                Self::new(StatusCode::NOT_FOUND, "no-such-incident", "No such incident", detail)
            }
            IncidentError::Refused(refusal) => refusal.into(),
            IncidentError::NotYours => Self::new(StatusCode::FORBIDDEN, "not-yours", "Not for you to say", detail),
            IncidentError::Over => Self::new(StatusCode::CONFLICT, "over", "It is over", detail),
            IncidentError::Empty => Self::malformed(detail),
            IncidentError::Store(error) => Self::from_store(&error),
        }
    }
}

/// Every incident this key may see, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents",
    responses((status = 200, body = IncidentsBody), (status = 403, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn list(key: Key, State(state): State<AppState>) -> Result<Json<IncidentsBody>, Problem> {
    key.may_read(key.only_site())?;
    let mut all = state.services.incidents.all().await.map_err(|error| Problem::from_store(&error))?;
    all.retain(|incident| key.may_read(Some(&incident.site)).is_ok());
    Ok(Json(IncidentsBody { incidents: all.iter().rev().map(IncidentBody::of).collect() }))
}

/// One incident with its report.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents",
    params(("id" = String, Path, description = "incident id")),
    responses((status = 200, body = IncidentPageBody), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn one(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<IncidentPageBody>, Problem> {
    key.may_read(key.only_site())?;
    let file = state.services.incidents.file(&key.0, &id).await?;
    let report = file.report(state.services.clock.now());
    Ok(Json(IncidentPageBody { incident: IncidentBody::of(&file.incident), report }))
}

/// The whole file as JSON.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/export.json", tag = "incidents",
    params(("id" = String, Path, description = "incident id")),
    responses((status = 200, body = String, content_type = "application/json"), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn json(key: Key, state: State<AppState>, id: Path<String>) -> Result<Response, Problem> {
    export(&key, state, id, Kind::Json).await
}

/// The timeline as CSV.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/export.csv", tag = "incidents",
    params(("id" = String, Path, description = "incident id")),
    responses((status = 200, body = String, content_type = "text/csv"), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn csv(key: Key, state: State<AppState>, id: Path<String>) -> Result<Response, Problem> {
    export(&key, state, id, Kind::Events).await
}

/// ICS 214, the activity log, to print.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/ics-214", tag = "incidents",
    params(("id" = String, Path, description = "incident id")),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn ics_214(key: Key, state: State<AppState>, id: Path<String>) -> Result<Response, Problem> {
    export(&key, state, id, Kind::Ics214).await
}

/// ICS 309, the communications log, to print. Needs `calls:read` besides.
#[utoipa::path(get, path = "/api/v1/incidents/{id}/ics-309", tag = "incidents",
    params(("id" = String, Path, description = "incident id")),
    responses((status = 200, body = String, content_type = "text/html"), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn ics_309(key: Key, state: State<AppState>, id: Path<String>) -> Result<Response, Problem> {
    export(&key, state, id, Kind::Ics309).await
}

async fn export(
    key: &Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
    kind: Kind,
) -> Result<Response, Problem> {
    key.may_read(key.only_site())?;
    let file = state.services.incidents.file(&key.0, &id).await?;
    exports::written(&state, &key.0, &file, kind).map_err(|error| {
        tracing::error!(%error, "an incident could not be exported");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "export", "Not exported", "The server's log says why.")
    })
}
