//! The timeline: in pages, and as it grows.

use super::bearer::Key;
use super::bodies::{EventBody, EventsBody};
use super::problem::Problem;
use crate::engine::News;
use crate::http::AppState;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::IntoResponse;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures_util::StreamExt;
use serde::Deserialize;
use std::convert::Infallible;
use tokio_stream::wrappers::BroadcastStream;

const MOST: usize = 500;

#[derive(Deserialize)]
pub(super) struct Page {
    after: Option<u64>,
    limit: Option<usize>,
}

/// Entries of the timeline, oldest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "timeline",
    params(("after" = Option<u64>, Query, description = "entries with a higher number"), ("limit" = Option<usize>, Query, description = "1 to 500, default 100")),
    responses((status = 200, body = EventsBody)), security(("key" = [])))]
pub(super) async fn events(
    key: Key,
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<Json<EventsBody>, Problem> {
    key.may_read(None)?;
    let limit = page.limit.unwrap_or(100).clamp(1, MOST);
    let found = state.store.events_after(page.after.unwrap_or(0), limit).await.map_err(|e| Problem::from_store(&e))?;
    let next = (found.len() == limit).then(|| found.last().map(|event| event.seq)).flatten();
    Ok(Json(EventsBody { events: found.iter().map(EventBody::of).collect(), next }))
}

/// Entries as they happen, each with its number as id; `Last-Event-ID` brings what was missed first.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "timeline",
    responses((status = 200, body = String, content_type = "text/event-stream")), security(("key" = [])))]
pub(super) async fn stream(
    key: Key,
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    key.may_read(None)?;
    let news = state.engine.subscribe();
    let last: Option<u64> = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let missed = match last {
        None => Vec::new(),
        Some(last) => state.store.events_after(last, MOST).await.map_err(|e| Problem::from_store(&e))?,
    };
    let told = missed.last().map_or(last.unwrap_or(0), |event| event.seq);
    let first = futures_util::stream::iter(missed.into_iter().map(|event| sent(&event)));
    let live = BroadcastStream::new(news)
        // A lag ends the stream: the client comes back with its last id and misses nothing.
        .take_while(|item| std::future::ready(item.is_ok()))
        .filter_map(move |item| {
            std::future::ready(match item {
                Ok(News::Event(event)) if event.seq > told => Some(sent(&event)),
                _ => None,
            })
        });
    let line = first.chain(live).map(Ok::<_, Infallible>);
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], Sse::new(line).keep_alive(KeepAlive::default())))
}

fn sent(event: &::lockdown::timeline::Event) -> SseEvent {
    let body = serde_json::to_string(&EventBody::of(event)).expect("an event has only strings and numbers in it");
    SseEvent::default().event("event").id(event.seq.to_string()).data(body)
}
