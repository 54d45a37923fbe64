//! The plan's last check as files: for a browser.

use crate::http::AppState;
use crate::http::exports::saved;
use crate::services::incidents::export::csv;
use crate::services::plan_bodies::PlanCheckBody;
use crate::surfaces::web::backend::plan::may_see;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::PlanCheck;
use lockdown::guard::{CallerReach, Direction, Leak, Reach};
use lockdown::ids::SiteId;
use lockdown::operator::Operator;

/// For whoever is signed in and answers for the plan.
pub(crate) async fn page(
    State(state): State<AppState>,
    who: Option<Extension<Operator>>,
    Path((site, name)): Path<(String, String)>,
) -> Response {
    let Some(Extension(operator)) = who else {
        return (StatusCode::UNAUTHORIZED, "Please sign in first.").into_response();
    };
    let Ok(site) = SiteId::try_from(site) else { return StatusCode::NOT_FOUND.into_response() };
    if let Err(refusal) = may_see(&operator, Some(&site)) {
        return (StatusCode::FORBIDDEN, refusal.to_string()).into_response();
    }
    match state.services.engine.last_check(&site) {
        Err(_) => StatusCode::NOT_FOUND.into_response(),
        Ok(None) => (StatusCode::SERVICE_UNAVAILABLE, "The plan was not checked yet.").into_response(),
        Ok(Some(check)) => {
            // There may be tens of thousands of ways: not on a thread that others need.
            let written = tokio::task::spawn_blocking(move || written(&site, &check, &name)).await;
            written.map_err(anyhow::Error::from).flatten().unwrap_or_else(|error| {
                tracing::error!(%error, "the check of a plan could not be exported");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            })
        }
    }
}

fn written(site: &SiteId, check: &PlanCheck, name: &str) -> anyhow::Result<Response> {
    let none = Reach::default();
    let reach = check.checked.reach.as_ref().unwrap_or(&none);
    let (text, content_type) = match name {
        "check.json" => (serde_json::to_string_pretty(&PlanCheckBody::of(site, check))?, "application/json"),
        "leaks.csv" => (leaks(&reach.leaks)?, "text/csv; charset=utf-8"),
        "callers.csv" => (callers(&reach.callers)?, "text/csv; charset=utf-8"),
        _ => return Ok(StatusCode::NOT_FOUND.into_response()),
    };
    saved(text, content_type, Some(&format!("{site}-{name}")))
}

fn leaks(leaks: &[Leak]) -> Result<String, ::csv::Error> {
    let head = ["caller", "devices", "dialled", "direction", "pattern", "partition", "example", "path"];
    let row = |leak: &Leak| {
        let direction = match leak.direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        [
            leak.caller.clone(),
            leak.count.to_string(),
            leak.via.in_words().to_owned(),
            direction.to_owned(),
            leak.pattern.clone(),
            leak.partition.clone().unwrap_or_default(),
            leak.example.clone(),
            leak.path.join(" → "),
        ]
    };
    csv::table(&head, leaks.iter().map(row))
}

fn callers(callers: &[CallerReach]) -> Result<String, ::csv::Error> {
    let head = [
        "caller",
        "kind",
        "devices",
        "example",
        "line_css",
        "device_css",
        "partitions",
        "pstn",
        "pstn_locked",
        "emergency",
        "device_pools",
    ];
    let row = |reach: &CallerReach| {
        let caller = &reach.caller;
        let text = |name: &Option<String>| name.clone().unwrap_or_default();
        let emergency = reach
            .emergency
            .iter()
            .map(|one| format!("{}: {}, locked {}", one.number, one.normal.in_words(), one.locked.in_words()));
        [
            caller.to_string(),
            caller.kind.word().to_owned(),
            caller.count.to_string(),
            text(&caller.example),
            text(&caller.line_css),
            text(&caller.device_css),
            reach.partitions.join(" → "),
            reach.pstn.normal.to_string(),
            reach.pstn.locked.to_string(),
            emergency.collect::<Vec<_>>().join("; "),
            caller.local.pools.iter().cloned().collect::<Vec<_>>().join("; "),
        ]
    };
    csv::table(&head, callers.iter().map(row))
}
