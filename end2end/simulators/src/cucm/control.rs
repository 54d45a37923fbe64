//! The same questions and faults for another process: browser tests and benchmarks.

use super::digits::{self, Dialling};
use super::faults::Faults;
use super::{CucmSim, State, lock};
use axum::extract::{Query, State as From};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::sync::Arc;
use std::time::SystemTime;

#[derive(Deserialize)]
struct Dialled {
    css: String,
    digits: String,
    #[serde(default = "en_bloc")]
    dialling: Dialling,
}

fn en_bloc() -> Dialling {
    Dialling::EnBloc
}

/// What an administrator changes by hand.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "edit", deny_unknown_fields)]
enum Edit {
    BlockRoutePattern { pattern: String, partition: String, blocked: bool },
    SchedulePartition { partition: String, schedule: Option<String> },
    Password { user: String, password: String },
}

pub(crate) fn router(sim: &CucmSim) -> Router {
    Router::new()
        .route("/sim/dial", get(dial))
        .route("/sim/faults", post(faults))
        .route("/sim/edit", post(edit))
        .route("/sim/changed", get(changed))
        .route("/sim/exchanges", get(exchanges))
        .route("/sim/reset", post(reset))
        .with_state(sim.state.clone())
}

async fn dial(From(state): From<Arc<State>>, Query(asked): Query<Dialled>) -> Json<digits::Call> {
    Json(digits::dial(&lock(&state.cluster), &asked.css, &asked.digits, asked.dialling))
}

async fn faults(From(state): From<Arc<State>>, Json(faults): Json<Faults>) -> StatusCode {
    *lock(&state.faults) = faults;
    StatusCode::NO_CONTENT
}

async fn edit(From(state): From<Arc<State>>, Json(edit): Json<Edit>) -> StatusCode {
    let done = lock(&state.cluster).edited(|cluster| match edit {
        Edit::BlockRoutePattern { pattern, partition, blocked } => cluster
            .route_patterns
            .iter_mut()
            .find(|p| p.pattern == pattern && p.partition.as_ref() == Some(&partition))
            .map(|p| p.blocked = blocked),
        Edit::SchedulePartition { partition, schedule } => cluster.partition(&partition).map(|p| p.schedule = schedule),
        Edit::Password { user, password } => {
            cluster.users.iter_mut().find(|u| u.name == user).map(|u| u.password = password)
        }
    });
    if done.is_some() { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND }
}

/// When the last change of the dial plan was, by whomever: seconds since 1970.
async fn changed(From(state): From<Arc<State>>) -> Json<Option<f64>> {
    let last = lock(&state.cluster).changes.last().map(|change| change.at);
    Json(last.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok()).map(|since| since.as_secs_f64()))
}

async fn exchanges(From(state): From<Arc<State>>) -> Json<Vec<[String; 3]>> {
    let log = lock(&state.log).clone();
    Json(log.into_iter().map(|e| [e.operation, e.request, e.response]).collect())
}

/// Every schedule and block flag as the dial plan came.
async fn reset(From(state): From<Arc<State>>) -> StatusCode {
    let first = state.first.clone();
    lock(&state.cluster).edited(|cluster| {
        cluster.partitions = first.partitions;
        cluster.route_patterns = first.route_patterns;
        cluster.translation_patterns = first.translation_patterns;
        cluster.sip_route_patterns = first.sip_route_patterns;
        cluster.calling_search_spaces = first.calling_search_spaces;
    });
    StatusCode::NO_CONTENT
}
