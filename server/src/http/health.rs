//! Is the process alive, and could it lock now?

use super::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 when every site's plan is accepted and CUCM was seen lately; else 503 with the reasons. That CUCM takes no writes of
/// our account is a note: no other server would do better, and whoever asks for the console must find it.
pub(crate) async fn readyz(State(state): State<AppState>) -> (StatusCode, Json<Value>) {
    let now = state.services.clock.now();
    let mut reasons = Vec::new();
    for site in state.services.engine.live_statuses() {
        if !matches!(site.plan, engine::PlanState::Accepted(_)) {
            reasons.push(format!("{}: the plan is not accepted", site.id));
        }
        if !site.reading.as_ref().is_some_and(|reading| reading.is_fresh(now)) {
            reasons.push(format!("{}: CUCM was not seen within 30 s", site.id));
        }
    }
    let notes: Vec<String> = state
        .services
        .store
        .away_since()
        .map(|since| format!("the shared database is away since {since:.0}; locking works"))
        .into_iter()
        .chain(state.services.readiness.no_writes())
        .collect();
    let status = if reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons, "notes": notes })))
}
