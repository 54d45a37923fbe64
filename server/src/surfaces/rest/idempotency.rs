//! The same `Idempotency-Key` with the same request is carried out once, and answered alike for a day.

use super::problem::Problem;
use crate::http::AppState;
use crate::identity::token;
use crate::store::records::Remembered;
use ::lockdown::operator::Operator;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;

/// Requests with a key that are being carried out now.
#[derive(Clone, Default)]
pub struct Running(Arc<Mutex<HashSet<String>>>);

struct Claim(Running, String);

impl Running {
    fn claim(&self, name: String) -> Option<Claim> {
        let free = self.0.lock().insert(name.clone());
        free.then(|| Claim(self.clone(), name))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.0.0.lock().remove(&self.1);
    }
}

/// An answer that can be kept.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) etag: Option<String>,
    pub(crate) body: String,
}

pub(crate) async fn once(
    state: &AppState,
    by: &Operator,
    headers: &HeaderMap,
    path: &str,
    body: &[u8],
    carry_out: impl Future<Output = Result<Answer, Problem>>,
) -> Result<Response, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return carry_out.await.map(|answer| sent(&answer)) };
    let key = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let key = key.ok_or_else(|| Problem::malformed("Idempotency-Key is 1 to 255 visible characters"))?;
    let request = token::digest(&format!("{path}\n{}", String::from_utf8_lossy(body)));
    let _claim = state.running.claim(format!("{}/{key}", by.id)).ok_or_else(|| {
        Problem::new(
            StatusCode::CONFLICT,
            "still-running",
            "Still being carried out",
            "The first request with this Idempotency-Key is not answered yet. Ask again.",
        )
    })?;
    let known =
        state.services.directory.remembered(by.id.as_str(), key).await.map_err(|error| Problem::from_store(&error))?;
    match known {
        Some(known) if known.request != request => {
            let detail = "This Idempotency-Key was used for another request. Take a new one.";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", "Idempotency-Key used before", detail))
        }
        Some(known) => Ok(sent(&Answer {
            status: StatusCode::from_u16(known.status).unwrap_or(StatusCode::OK),
            etag: known.etag,
            body: known.body,
        })),
        None => {
            let answer = carry_out.await?;
            let kept = Remembered {
                request,
                status: answer.status.as_u16(),
                etag: answer.etag.clone(),
                body: answer.body.clone(),
                at: state.services.clock.now(),
            };
            // The order was carried out: it is answered even if the answer cannot be kept.
            if let Err(error) = state.services.directory.remember(by.id.as_str(), key, &kept).await {
                tracing::error!(%error, "an answer could not be kept for its Idempotency-Key");
            }
            Ok(sent(&answer))
        }
    }
}

fn sent(answer: &Answer) -> Response {
    let json = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let mut response = (answer.status, json, answer.body.clone()).into_response();
    if let Some(etag) = answer.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok()) {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}
