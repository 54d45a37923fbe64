//! The timeline: in pages, and as it grows.

use super::bearer::Key;
use super::bodies::{EventBody, EventsBody};
use super::problem::Problem;
use crate::http::AppState;
use crate::http::shutdown::come_back;
use ::lockdown::timeline::Event;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::IntoResponse;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use engine::News;
use engine::ports::Store;
use futures_util::StreamExt;
use serde::Deserialize;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

const MOST: usize = 500;

#[derive(Deserialize)]
pub(crate) struct Page {
    after: Option<u64>,
    limit: Option<usize>,
}

/// Entries of the timeline, oldest first.
#[utoipa::path(get, path = "/api/v1/events", tag = "timeline",
    params(("after" = Option<u64>, Query, description = "entries with a higher number"), ("limit" = Option<usize>, Query, description = "1 to 500, default 100")),
    responses((status = 200, body = EventsBody)), security(("key" = [])))]
pub(crate) async fn events(
    key: Key,
    State(state): State<AppState>,
    Query(page): Query<Page>,
) -> Result<Json<EventsBody>, Problem> {
    key.may_read(key.only_site())?;
    let limit = page.limit.unwrap_or(100).clamp(1, MOST);
    let found = state
        .services
        .store
        .events_after(page.after.unwrap_or(0), limit)
        .await
        .map_err(|error| Problem::from_store(&error))?;
    let next = (found.len() == limit).then(|| found.last().map(|event| event.seq)).flatten();
    Ok(Json(EventsBody { events: found.iter().filter(|event| key.hears(event)).map(EventBody::of).collect(), next }))
}

/// Entries as they happen, each with its number as id; `Last-Event-ID` brings what was missed first.
#[utoipa::path(get, path = "/api/v1/events/stream", tag = "timeline",
    responses((status = 200, body = String, content_type = "text/event-stream")), security(("key" = [])))]
pub(crate) async fn stream(
    key: Key,
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    key.may_read(key.only_site())?;
    let counted = state.limits.session_lines.open(key.0.id.to_string()).ok_or_else(Problem::too_many_lines)?;
    let last: Option<u64> = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = if let Some(last) = last {
        last
    } else {
        let newest = state.services.store.latest_events(1).await.map_err(|error| Problem::from_store(&error))?;
        newest.first().map_or(0, |event| event.seq)
    };
    let line = Line {
        news: state.services.timeline.subscribe(),
        store: state.services.store.clone(),
        after,
        looks: LOOKS_A_LINE,
    };
    let line = futures_util::stream::unfold(line, |mut line| async move {
        let events = line.next().await?;
        Some((futures_util::stream::iter(events), line))
    });
    let line = line.flatten().filter(move |event| std::future::ready(key.hears(event)));
    let line = line.map(move |event| {
        let _ = &counted;
        Ok::<_, Infallible>(sent(&event))
    });
    let begin = futures_util::stream::once(std::future::ready(Ok(come_back())));
    let line = begin.chain(line).take_until(state.stop.begun());
    Ok(([(HeaderName::from_static("x-accel-buffering"), "no")], Sse::new(line).keep_alive(KeepAlive::default())))
}

/// A stream ends after about a minute and is opened again with its last id: a key that was revoked
/// ends with it.
const LOOKS_A_LINE: u32 = 20;

/// News only wakes it: what is sent comes from the store in the order of its numbers, so that nothing
/// is skipped, whoever wrote it.
struct Line {
    news: broadcast::Receiver<News>,
    store: Arc<dyn Store>,
    after: u64,
    looks: u32,
}

impl Line {
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            let found = self.store.events_after(self.after, MOST).await.ok()?;
            if let Some(newest) = found.last() {
                self.after = newest.seq;
                return Some(found);
            }
            self.looks = self.looks.checked_sub(1)?;
            self.woken().await;
        }
    }

    /// By an event, or after three seconds: another process may have written.
    async fn woken(&mut self) {
        let event = async {
            loop {
                match self.news.recv().await {
                    Ok(News::Site(_)) => {}
                    Ok(News::Event(_) | News::Timeline) | Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(3), event).await;
    }
}

fn sent(event: &Event) -> SseEvent {
    let body = serde_json::to_string(&EventBody::of(event)).expect("an event has only strings and numbers in it");
    SseEvent::default().event("event").id(event.seq.to_string()).data(body)
}
