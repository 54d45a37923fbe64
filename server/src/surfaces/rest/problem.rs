//! RFC 9457: every refusal says what and what to do, in the same shape.

use crate::services::release::ReleaseError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::EngineError;
use engine::ports::StoreError;
use limit::Wait;
use lockdown::operator::Refusal;
use serde::Serialize;
use utoipa::ToSchema;

/// A refusal. `type` is stable and may be programmed against.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    #[schema(rename = "type", example = "urn:pstn-lockdown:problem:forbidden")]
    kind: String,
    /// The same for every problem of this type.
    title: &'static str,
    status: u16,
    /// What happened here and what to do.
    detail: String,
    /// Seconds; goes into the header.
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, word: &str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:pstn-lockdown:problem:{word}"),
            title,
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: (status == StatusCode::SERVICE_UNAVAILABLE).then_some(5),
        }
    }

    pub(crate) fn unauthorized() -> Self {
        let detail = "Send a live key: Authorization: Bearer tpb_live_…. An administrator makes one with `pstn-lockdown clients add`.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "No valid key", detail)
    }

    pub(crate) fn passkey_needed() -> Self {
        let detail = "This person's all-clear is confirmed with a passkey, which a token cannot show. Use the console.";
        Self::new(StatusCode::FORBIDDEN, "passkey-needed", "Only with a passkey", detail)
    }

    pub(crate) fn elsewhere() -> Self {
        let detail = "This key is not good from this address. An administrator makes one that is, under Keys.";
        Self::new(StatusCode::UNAUTHORIZED, "wrong-network", "Not from this address", detail)
    }

    pub(crate) fn too_many(wait: Wait) -> Self {
        let seconds = wait.seconds();
        let detail = format!("Too many calls. Come back in {seconds} s; an order to lock has a reserve of its own.");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many calls", detail);
        Self { retry_after: Some(seconds), ..problem }
    }

    pub(crate) fn too_many_lines() -> Self {
        let detail = "This key holds twelve open streams already. Close one first.";
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-streams", "Too many open streams", detail);
        Self { retry_after: Some(10), ..problem }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request cannot be read", detail)
    }

    pub(crate) fn from_store(error: &StoreError) -> Self {
        if let StoreError::Away(_) = error {
            let detail = "The shared database cannot be reached. Locking works; this call does again when it is back.";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "database-away", "The shared database is away", detail);
        }
        tracing::error!(%error, "the store failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "store", "The store failed", "The server's log says why. Try again.")
    }
}

impl From<ReleaseError> for Problem {
    fn from(error: ReleaseError) -> Self {
        match error {
            ReleaseError::Engine(error) => error.into(),
            ReleaseError::Store(error) => Self::from_store(&error),
            // A program types no name and has no session.
            ReleaseError::WrongName
            | ReleaseError::NoSession
            | ReleaseError::PasskeyNeeded
            | ReleaseError::PasskeyImpossible
            | ReleaseError::NoSuchPerson => Self::passkey_needed(),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NoSuchSite(_) => Self::new(StatusCode::NOT_FOUND, "no-such-site", "No such site", detail),
            EngineError::NoSuchCaller => Self::new(StatusCode::NOT_FOUND, "no-such-caller", "No such caller", detail),
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::VersionMissing => {
                let how = "Send If-Match with the ETag of the state you saw (GET /api/v1/sites/{id}).";
                Self::new(StatusCode::PRECONDITION_REQUIRED, "version-missing", "If-Match is needed", how)
            }
            EngineError::VersionStale { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "version-stale", "The state has changed", detail)
            }
            EngineError::OthersUnreachable => {
                let how = "The shared database cannot be reached, so other servers would not hear of the all-clear. To give it all the same, send \"break_glass\": true and a reason.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "others-unreachable", "Other servers cannot be told", how)
            }
            EngineError::ReasonMissing => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "reason-missing", "A reason is needed", detail)
            }
            EngineError::OutcomeUnknown => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "outcome-unknown", "It may have been taken", detail)
            }
            EngineError::NotRemembered(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-remembered", "The order could not be stored", detail)
            }
            EngineError::NotNow(_) => Self::new(StatusCode::CONFLICT, "not-now", "Not now", detail),
            EngineError::CucmAway(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "cucm-away", "CUCM cannot be asked", detail)
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", refusal.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
        }
        response
    }
}

/// What the framework refuses by itself (a query that cannot be read, another method, too large a
/// body) is told like every other refusal.
pub(crate) fn as_problem(response: Response) -> Response {
    let status = response.status();
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if !status.is_client_error() || json {
        return response;
    }
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => "This call takes another method: see /api/docs.",
        StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than this call takes.",
        _ => "The path, the query or the body cannot be read: see /api/docs.",
    };
    let title = status.canonical_reason().unwrap_or("Refused");
    let (problem, body) = Problem::new(status, "malformed", title, detail).into_response().into_parts();
    // What else was said stays: which methods there are, how the answer may be used.
    let mut head = response.into_parts().0;
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.extend(problem.headers);
    Response::from_parts(head, body)
}

pub(crate) async fn not_found() -> Problem {
    let detail = "There is no such call. The contract is at /api/v1/openapi.json, readable at /api/docs.";
    Problem::new(StatusCode::NOT_FOUND, "no-such-call", "No such call", detail)
}
