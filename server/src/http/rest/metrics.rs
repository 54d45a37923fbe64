//! Numbers for Prometheus: so far the queue. Asked for with a key, as everything else is.
//!
//! *Source*: Prometheus, text exposition format 0.0.4.

use super::bearer::Key;
use super::problem::Problem;
use crate::http::AppState;
use crate::store::calls::Wanted;
use crate::webex::Front;
use ::lockdown::call_request::{CallRequest, Priority};
use ::lockdown::ids::SiteId;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use jiff::Timestamp;
use std::fmt::Write;

/// More open requests than this are counted as this many.
const MOST: usize = 20_000;

/// Queue lengths and ages, by site and priority.
#[utoipa::path(get, path = "/metrics", tag = "state",
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 403, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(super) async fn metrics(key: Key, State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    key.may_read(key.only_site())?;
    let sites: Vec<SiteId> = state.engine.statuses().into_iter().map(|status| status.id).collect();
    let sites: Vec<SiteId> = sites.into_iter().filter(|site| key.may_read(Some(site)).is_ok()).collect();
    let wanted = Wanted { sites: Some(sites.clone()), open_only: true, limit: MOST, ..Wanted::default() };
    let open = state.pages.calls.counted(&wanted).await.map_err(|error| Problem::from_store(&error))?;
    let text = written(&sites, &open, state.engine.now()) + &bot(state.pages.webex.as_deref());
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// What the bot heard and did not act upon.
fn bot(front: Option<&Front>) -> String {
    let Some(front) = front else { return String::new() };
    let mut text = String::from(
        "# HELP lockdown_webex_ignored_total Messages, presses and deliveries that were not acted upon.\n# TYPE lockdown_webex_ignored_total counter\n",
    );
    for (why, count) in front.counts.by_name() {
        // Writing into a string does not fail.
        let _ = writeln!(text, "lockdown_webex_ignored_total{{why=\"{why}\"}} {count}");
    }
    text
}

fn written(sites: &[SiteId], open: &[CallRequest], now: Timestamp) -> String {
    let mut lengths = String::from(
        "# HELP lockdown_call_requests_open Call requests that are not closed.\n# TYPE lockdown_call_requests_open gauge\n",
    );
    let mut ages = String::from(
        "# HELP lockdown_call_request_oldest_seconds Age of the oldest one nobody has looked at.\n# TYPE lockdown_call_request_oldest_seconds gauge\n",
    );
    for site in sites {
        for priority in Priority::ALL {
            let here = || open.iter().filter(|one| one.site == *site && one.priority == priority);
            let waiting = here().filter(|one| one.word(now) == "new").map(|one| one.filed_at).min();
            let age = waiting.map_or(0, |filed| now.duration_since(filed).as_secs());
            let labels = format!("{{site=\"{site}\",priority=\"{}\"}}", priority.word());
            // Writing into a string does not fail.
            let _ = writeln!(lengths, "lockdown_call_requests_open{labels} {}", here().count());
            let _ = writeln!(ages, "lockdown_call_request_oldest_seconds{labels} {age}");
        }
    }
    lengths + &ages
}
