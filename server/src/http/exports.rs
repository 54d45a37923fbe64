//! An incident as a file, for a browser and for REST alike.

use super::AppState;
use crate::services::incidents::export::{self, ics};
use crate::services::incidents::{File, IncidentError};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use lockdown::incident::Phase;
use lockdown::operator::{Act, Operator};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Events,
    Requests,
    Ics214,
    Ics309,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name {
            "export.json" => Some(Self::Json),
            "export.csv" => Some(Self::Events),
            "requests.csv" => Some(Self::Requests),
            "ics-214" => Some(Self::Ics214),
            "ics-309" => Some(Self::Ics309),
            _ => None,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Events | Self::Requests => "text/csv; charset=utf-8",
            Self::Ics214 | Self::Ics309 => "text/html; charset=utf-8",
        }
    }

    /// A name to save it by; pages to print are opened.
    fn file_name(self, id: &str) -> Option<String> {
        match self {
            Self::Json => Some(format!("{id}.json")),
            Self::Events => Some(format!("{id}.csv")),
            Self::Requests => Some(format!("{id}-requests.csv")),
            Self::Ics214 | Self::Ics309 => None,
        }
    }
}

/// For whoever is signed in.
pub(crate) async fn page(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    let Some(Extension(operator)) = who else {
        return (StatusCode::UNAUTHORIZED, "Please sign in first.").into_response();
    };
    if let Err(refusal) = operator.may(Act::Work, None) {
        return (StatusCode::FORBIDDEN, refusal.to_string()).into_response();
    }
    let Some(kind) = Kind::of(&name) else { return StatusCode::NOT_FOUND.into_response() };
    match state.services.incidents.file(&operator, &id).await {
        Ok(file) => written(&state, &operator, &file, kind).unwrap_or_else(|error| {
            tracing::error!(%error, "an incident could not be exported");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }),
        Err(IncidentError::Store(error)) => {
            tracing::error!(%error, "an incident could not be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
        Err(error) => (StatusCode::NOT_FOUND, error.to_string()).into_response(),
    }
}

pub(crate) fn written(state: &AppState, by: &Operator, file: &File, kind: Kind) -> anyhow::Result<Response> {
    let now = state.services.clock.now();
    let clock = |at: Timestamp| state.services.sites.dated(Some(&file.incident.site), at);
    let requests = match (&file.requests, kind) {
        (None, Kind::Requests | Kind::Ics309) => {
            let why = "The call requests of this incident are not for you, or cannot be had now.";
            return Ok((StatusCode::FORBIDDEN, why).into_response());
        }
        (requests, _) => requests.as_deref().unwrap_or_default(),
    };
    let text = match kind {
        Kind::Json => export::json(file, now)?,
        Kind::Events => export::csv::events(&file.events, file.incident.is_drill())?,
        Kind::Requests => export::csv::requests(requests, file.incident.is_drill(), now)?,
        Kind::Ics214 => ics::activity_log(file, &heading(state, by, file, now), clock),
        Kind::Ics309 => ics::communications_log(requests, &heading(state, by, file, now), clock),
    };
    saved(text, kind.content_type(), kind.file_name(file.incident.id.as_str()).as_deref())
}

/// A file for the person who asked, kept nowhere on the way. One without a name is opened.
pub(crate) fn saved(text: String, content_type: &'static str, name: Option<&str>) -> anyhow::Result<Response> {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    if let Some(name) = name {
        let value = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))?;
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

fn heading(state: &AppState, by: &Operator, file: &File, now: Timestamp) -> ics::Heading {
    let incident = &file.incident;
    let clock = |at: Timestamp| state.services.sites.dated(Some(&incident.site), at);
    let site =
        state.services.engine.status(&incident.site).map_or_else(|_| incident.site.to_string(), |status| status.name);
    let name = incident.name.clone().unwrap_or_else(|| format!("{site}, {}", clock(incident.opened_at)));
    ics::Heading {
        incident: if incident.is_drill() { format!("DRILL · {name}") } else { name },
        site,
        from: clock(incident.opened_at),
        to: match incident.phase {
            Phase::Closed { at } => clock(at),
            Phase::Open | Phase::Ending { .. } => format!("open at {}", clock(now)),
        },
        prepared_by: by.name.clone(),
        prepared_at: clock(now),
    }
}
