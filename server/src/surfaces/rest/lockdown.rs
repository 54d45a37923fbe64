//! The order.

use super::bearer::Key;
use super::bodies::{Desired, OrderBody, SiteBody};
use super::idempotency::{self, Answer};
use super::problem::Problem;
use super::sites::site_id;
use crate::http::AppState;
use crate::services::release::Way;
use ::lockdown::ids::SiteId;
use ::lockdown::operator::Operator;
use ::lockdown::standing::Standing;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use engine::{AllClear, EngineError, News, SiteStatus};
use serde::Deserialize;
use std::time::Duration;

/// Longer waits are the client's to repeat.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
pub(crate) struct Options {
    wait: Option<String>,
}

/// Orders the lock or the all-clear. Ordering what is ordered already changes nothing.
#[utoipa::path(put, path = "/api/v1/sites/{id}/lockdown", tag = "orders",
    params(("id" = String, Path, description = "site id"),
        ("wait" = Option<String>, Query, description = "answer when verified, at most so long: 20s"),
        ("If-Match" = Option<String>, Header, description = "needed for `normal`: the ETag of the state you saw"),
        ("Idempotency-Key" = Option<String>, Header, description = "the same key and body are carried out once")),
    request_body = OrderBody,
    responses((status = 200, body = SiteBody, description = "verified"),
        (status = 202, body = SiteBody, description = "ordered, not verified yet", headers(("ETag" = String))),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "the same Idempotency-Key is being carried out"),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "the state has changed since"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "the same Idempotency-Key with another body"),
        (status = 428, body = Problem, content_type = "application/problem+json", description = "If-Match is missing"),
        (status = 503, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn order(
    Key(operator): Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
    Query(options): Query<Options>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let site = site_id(id)?;
    let wait = options.wait.as_deref().map(wait_for).transpose()?;
    let path = format!("PUT /api/v1/sites/{site}/lockdown");
    let seen = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let wish = Given { state: state.clone(), by: operator.clone(), site, seen, body: body.clone(), wait };
    // To its end even if the client hangs up: its key must remember what was done.
    let ended =
        tokio::spawn(
            async move { idempotency::once(&state, &operator, &headers, &path, &body, wish.carry_out()).await },
        );
    ended.await.unwrap_or_else(|error| Err(Problem::from_store(&engine::ports::StoreError::Failed(error.to_string()))))
}

/// What came in.
struct Given {
    state: AppState,
    by: Operator,
    site: SiteId,
    /// `If-Match`, as it was sent.
    seen: Option<String>,
    body: Bytes,
    wait: Option<Duration>,
}

impl Given {
    async fn carry_out(self) -> Result<Answer, Problem> {
        let order: OrderBody = self.counted()?;
        let wanted = order.desired.target();
        let status = give(&self.state, &self.by, &self.site, order, self.seen.as_deref()).await?;
        let status = match self.wait {
            Some(wait) => verified(&self.state, status, wait).await,
            None => status,
        };
        let now = self.state.services.clock.now();
        let as_asked = status.command.target() == wanted;
        let code = if as_asked && is_done(&status, now) { StatusCode::OK } else { StatusCode::ACCEPTED };
        let body = SiteBody::of(&status, &self.state);
        Ok(Answer { status: code, etag: Some(body.etag()), body: serde_json::to_string(&body).unwrap_or_default() })
    }

    /// The order, counted: a lock from its own reserve first, everything else, what cannot be read
    /// included, as a call.
    fn counted(&self) -> Result<OrderBody, Problem> {
        let limits = &self.state.limits;
        let who = self.by.id.to_string();
        let order: Result<OrderBody, _> = serde_json::from_slice(&self.body);
        let locks = order.as_ref().is_ok_and(|order| order.desired == Desired::Locked);
        if !(locks && limits.locks.take(&who).is_ok()) {
            limits.calls.take(&who).map_err(Problem::too_many)?;
        }
        order.map_err(|error| {
            Problem::malformed(format!(
                "The body is not {{\"desired\": \"locked\" or \"normal\", \"reason\": …}}: {error}"
            ))
        })
    }
}

async fn give(
    state: &AppState,
    by: &Operator,
    site: &SiteId,
    order: OrderBody,
    seen: Option<&str>,
) -> Result<SiteStatus, Problem> {
    let reason =
        order.reason.map(|text| text.chars().take(500).collect::<String>()).filter(|text| !text.trim().is_empty());
    let done = match order.desired {
        Desired::Locked => state.services.engine.activate(by, site, reason).await,
        Desired::Normal => {
            let seen = seen.map(version).transpose()?;
            let wish = AllClear { reason, seen, break_glass: order.break_glass, first_lost_role: false };
            return state.services.releases.give(by, site, wish, Way::Program).await.map_err(Problem::from);
        }
    };
    done.map_err(|error: EngineError| error.into())
}

/// The number inside an ETag of ours.
fn version(etag: &str) -> Result<u64, Problem> {
    let digits = etag.trim().trim_start_matches("W/").trim_matches('"');
    digits.parse().map_err(|_| Problem::malformed("If-Match is not an ETag of this site"))
}

/// `20s`, `500ms`.
fn wait_for(text: &str) -> Result<Duration, Problem> {
    let wrong = || Problem::malformed("wait is a duration such as 20s, at most 60s");
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').ok_or_else(wrong)?, 1000),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    Ok(Duration::from_millis(number.saturating_mul(unit)).min(LONGEST_WAIT))
}

fn is_done(status: &SiteStatus, now: jiff::Timestamp) -> bool {
    matches!(status.standing(now), Standing::Locked | Standing::Normal)
}

/// Follows the news until the order is seen carried out, a newer one came, or the time is over.
async fn verified(state: &AppState, ordered: SiteStatus, wait: Duration) -> SiteStatus {
    let mut news = state.services.timeline.subscribe();
    let now_shown = || state.services.engine.status(&ordered.id).unwrap_or_else(|_| ordered.clone());
    let follow = async {
        loop {
            let shown = now_shown();
            let settled = shown.command.is_settled() && is_done(&shown, state.services.clock.now());
            if settled || shown.version != ordered.version {
                return;
            }
            loop {
                match news.recv().await {
                    Ok(News::Site(site)) if site.id == ordered.id => break,
                    Ok(_) => {}
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => break,
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                }
            }
        }
    };
    // Over time is no error: the answer then says what is so.
    let _ = tokio::time::timeout(wait, follow).await;
    now_shown()
}
