//! Activations as CAP 1.2 alerts, and the feed of them: as public as the state.

use super::problem::Problem;
use super::sites::MaybeKey;
use crate::http::AppState;
use crate::http::address::Caller;
use crate::services::incidents::cap::{self, Facts, Message};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::ports::StoreError;

/// Incidents the feed goes back.
const INCIDENTS: usize = 20;

/// The newest alerts, as Atom.
#[utoipa::path(get, path = "/api/v1/alerts.atom", tag = "alerts",
    responses((status = 200, body = String, content_type = "application/atom+xml"),
        (status = 401, body = Problem, content_type = "application/problem+json")),
    security((), ("key" = [])))]
pub(crate) async fn feed(
    _: MaybeKey,
    State(state): State<AppState>,
    Extension(Caller(from)): Extension<Caller>,
) -> Result<Response, Problem> {
    state.limits.feeds.take(&from.into()).map_err(Problem::too_many)?;
    let messages = all(&state).await?;
    let base = format!("{}/api/v1/alerts", state.public_url);
    let address = |id: &str| format!("{base}/{id}");
    let text = cap::feed("PSTN Lockdown", &format!("{base}.atom"), state.services.clock.now(), &messages, address);
    Ok(([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], text.map_err(|error| failed(&error))?)
        .into_response())
}

/// One alert, as CAP 1.2.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts",
    params(("id" = String, Path, description = "identifier of the alert")),
    responses((status = 200, body = String, content_type = "application/cap+xml"),
        (status = 401, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")),
    security((), ("key" = [])))]
pub(crate) async fn one(
    _: MaybeKey,
    State(state): State<AppState>,
    Extension(Caller(from)): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    state.limits.feeds.take(&from.into()).map_err(Problem::too_many)?;
    let found = all(&state).await?.into_iter().find(|message| message.identifier == id);
    let found = found.ok_or_else(|| {
        let detail = "There is no such alert, or it is too old for the feed.";
        Problem::new(StatusCode::NOT_FOUND, "no-such-alert", "No such alert", detail)
    })?;
    Ok(([(header::CONTENT_TYPE, "application/cap+xml; charset=utf-8")], found.xml).into_response())
}

/// Newest first.
async fn all(state: &AppState) -> Result<Vec<Message>, Problem> {
    if state.services.incidents.is_partial() {
        return Err(Problem::from_store(&StoreError::Away("the feed waits for it".into())));
    }
    let found = state.services.incidents.told_with_doubts().await;
    let (incidents, events) = found.map_err(|error| Problem::from_store(&error))?;
    let host = reqwest::Url::parse(&state.public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let sender = format!("lockdown@{}", host.unwrap_or_default());
    let web = format!("{}/", state.public_url);
    let mut messages: Vec<Message> = Vec::new();
    for incident in incidents.iter().rev().take(INCIDENTS) {
        let (site_name, emergency_numbers) = state.services.public_facts(&incident.site);
        let facts = Facts { sender: &sender, site_name: &site_name, web: &web, emergency_numbers };
        let theirs = cap::messages(incident, &events, &facts).map_err(|error| failed(&error))?;
        messages.extend(theirs.into_iter().rev());
    }
    Ok(messages)
}

fn failed(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "an alert could not be written");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "alert", "Not written", "The server's log says why.")
}
