//! Call requests: the EOC's queue, for programs.

use super::bearer::Key;
use super::idempotency::{self, Answer};
use super::problem::Problem;
use super::sites::site_id;
use crate::http::AppState;
use crate::identity::token;
use crate::services::call_requests::CallError;
use crate::store::calls::Wanted;
use ::lockdown::call_request::{CallRequest, CannotDo, Deed, Priority};
use ::lockdown::operator::Act;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use lockdown::call_request::Draft;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const MOST: usize = 500;

#[derive(Debug, Serialize, ToSchema)]
pub struct RequestsBody {
    /// Open ones the most urgent first, then as they were filed; all of them newest first.
    pub call_requests: Vec<RequestBody>,
}

/// Somebody asks the EOC to place a call, or to pass one on.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestBody {
    #[schema(example = "req-0f3c9a5d12ab34cd")]
    pub id: String,
    /// What people call it by.
    #[schema(example = "R-104")]
    pub ticket: String,
    pub site: String,
    pub incident: Option<String>,
    /// `outbound`, `inbound`.
    pub direction: &'static str,
    /// `urgent`, `normal`, `low`.
    pub priority: &'static str,
    pub who: String,
    pub call_back: PhoneBody,
    pub reason: String,
    /// The number that was dialled or that called.
    pub other: Option<PhoneBody>,
    /// What the telephone system calls the call it is about, as it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// `new`, `claimed`, `approved`, `refused`, `connected`, `no_answer`, `call_back`, `closed`.
    pub state: &'static str,
    /// Who works on it now.
    pub holder: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub held_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub filed_at: Timestamp,
    /// `null` for somebody without an account.
    pub filed_by: Option<String>,
    pub story: Vec<EntryBody>,
    pub version: u64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PhoneBody {
    pub as_typed: String,
    /// Where it is a number that can be dialled from anywhere.
    pub e164: Option<String>,
    /// Dialled once that call is answered. Digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EntryBody {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `null`: whoever asked.
    pub by: Option<String>,
    /// What was done, and with which words.
    #[schema(value_type = Object)]
    pub did: serde_json::Value,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequestBody {
    pub site: String,
    /// `outbound` (default) or `inbound`.
    pub direction: Option<String>,
    pub who: String,
    pub call_back: String,
    /// Whom the call is for, and why.
    pub reason: String,
    /// `urgent`, `normal` (default) or `low`.
    pub priority: Option<String>,
    pub other: Option<String>,
    /// What the telephone system calls the call it is about.
    #[serde(default)]
    pub reference: Option<String>,
}

/// What is done with a request. Whoever does something holds it from then on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeedBody {
    /// `claim`, `give_back`, `approve`, `refuse`, `connected`, `no_answer`, `call_back`, `close`, `write`.
    pub deed: String,
    /// The reason of a refusal, the note of an approval, how it ended, a message.
    #[serde(default)]
    pub text: String,
    /// When to call back.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

impl RequestBody {
    pub fn of(request: CallRequest, now: Timestamp) -> Self {
        let phone = |phone: lockdown::call_request::Phone| PhoneBody {
            as_typed: phone.typed,
            e164: phone.e164,
            extension: phone.extension,
        };
        let held = request.holder(now).cloned();
        Self {
            id: request.id.to_string(),
            ticket: request.ticket(),
            state: request.word(now),
            site: request.site.to_string(),
            incident: request.incident.map(|incident| incident.to_string()),
            direction: request.direction.word(),
            priority: request.priority.word(),
            who: request.who,
            call_back: phone(request.call_back),
            reason: request.reason,
            other: request.other.map(phone),
            reference: request.reference,
            holder: held.as_ref().map(|claim| claim.by.to_string()),
            held_until: held.map(|claim| claim.until),
            filed_at: request.filed_at,
            filed_by: request.filed_by.map(|by| by.to_string()),
            story: request.story.into_iter().map(entry).collect(),
            version: request.version,
        }
    }
}

fn entry(entry: ::lockdown::call_request::Entry) -> EntryBody {
    EntryBody {
        at: entry.at,
        by: entry.by.map(|by| by.to_string()),
        did: serde_json::to_value(&entry.did).unwrap_or_default(),
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        let detail = error.to_string();
        match error {
            CallError::NoSuchRequest => {
                Self::new(StatusCode::NOT_FOUND, "no-such-call-request", "No such call request", detail)
            }
            CallError::NoSuchSite => Self::new(StatusCode::NOT_FOUND, "no-such-site", "No such site", detail),
            CallError::Field { field, .. } => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "field",
                "A field is missing or wrong",
                format!("{field}: {detail}"),
            ),
            CallError::SignInFirst | CallError::NotHere => {
                Self::new(StatusCode::FORBIDDEN, "not-taken", "Requests are not taken here", detail)
            }
            CallError::SentBefore(_) => Self::new(StatusCode::CONFLICT, "sent-before", "Sent before", detail),
            CallError::Busy => Self::new(StatusCode::CONFLICT, "busy", "Changed at the same moment", detail),
            CallError::Cannot(CannotDo::Refused(refusal)) => refusal.into(),
            CallError::Cannot(CannotDo::HeldBy { .. }) => {
                Self::new(StatusCode::CONFLICT, "held", "Somebody else works on it", detail)
            }
            CallError::Cannot(CannotDo::Closed | CannotDo::TooLong) => {
                Self::new(StatusCode::CONFLICT, "closed", "Nothing more can be done with it", detail)
            }
            CallError::Cannot(CannotDo::Missing(_)) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "field", "A field is missing or wrong", detail)
            }
            CallError::Store(error) => Self::from_store(&error),
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct Which {
    site: Option<String>,
    #[serde(default)]
    all: bool,
    find: Option<String>,
    priority: Option<String>,
    state: Option<String>,
    limit: Option<usize>,
}

impl Which {
    /// A word of ours, or a sentence that names them all.
    fn word(name: &str, given: Option<String>, words: &[&str]) -> Result<Option<String>, Problem> {
        match given {
            Some(word) if !words.contains(&word.as_str()) => {
                Err(Problem::malformed(format!("{name} is one of {}", words.join(", "))))
            }
            word => Ok(word),
        }
    }
}

/// The queue.
#[utoipa::path(get, path = "/api/v1/call-requests", tag = "calls",
    params(("site" = Option<String>, Query, description = "site id"),
        ("all" = Option<bool>, Query, description = "closed ones too"),
        ("find" = Option<String>, Query, description = "stands in ticket, name, number or reason"),
        ("priority" = Option<String>, Query, description = "urgent, normal or low"),
        ("state" = Option<String>, Query, description = "new, claimed, approved, refused, connected, no_answer, call_back or closed"),
        ("limit" = Option<usize>, Query, description = "1 to 500, default 100")),
    responses((status = 200, body = RequestsBody),
        (status = 400, body = Problem, content_type = "application/problem+json"), (status = 403, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn list(
    key: Key,
    State(state): State<AppState>,
    Query(which): Query<Which>,
) -> Result<Json<RequestsBody>, Problem> {
    let site = which.site.map(site_id).transpose()?;
    key.0.may(Act::ReadCalls, site.as_ref().or_else(|| key.only_site()))?;
    let priority = Which::word("priority", which.priority, &Priority::ALL.map(Priority::word))?;
    let in_state = Which::word("state", which.state, &CallRequest::WORDS)?;
    let wanted = Wanted {
        sites: site.map(|site| vec![site]),
        open_only: !which.all,
        text: which.find,
        priority: priority.as_deref().and_then(Priority::from_word),
        limit: which.limit.unwrap_or(100).clamp(1, MOST),
        ..Wanted::default()
    };
    let found = match in_state {
        Some(word) => state.services.calls.in_state(&key.0, wanted, &word).await?,
        None => state.services.calls.list(&key.0, wanted).await?,
    };
    let now = state.services.clock.now();
    Ok(Json(RequestsBody { call_requests: found.into_iter().map(|request| RequestBody::of(request, now)).collect() }))
}

/// Files a request.
#[utoipa::path(post, path = "/api/v1/call-requests", tag = "calls", request_body = NewRequestBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "the same key and body are carried out once")),
    responses((status = 201, body = RequestBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "no such site"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "a field is missing or wrong"),
        (status = 503, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn file(
    key: Key,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    key.0.may(Act::TakeCalls, key.only_site())?;
    let filing = async {
        let new: NewRequestBody = serde_json::from_slice(&body).map_err(|error| {
            Problem::malformed(format!(
                "The body is not {{\"site\": …, \"who\": …, \"call_back\": …, \"reason\": …, \"priority\": …}}: {error}"
            ))
        })?;
        let form = Draft {
            site: new.site,
            direction: new.direction.unwrap_or_else(|| "outbound".into()),
            who: new.who,
            call_back: new.call_back,
            reason: new.reason,
            priority: new.priority.unwrap_or_else(|| "normal".into()),
            other: new.other.unwrap_or_default(),
            reference: new.reference.unwrap_or_default(),
            form: token::random_text(),
        };
        let filed = state.services.calls.take_down(&form, &key.0).await?;
        let body = RequestBody::of(filed, state.services.clock.now());
        let body = serde_json::to_string(&body).unwrap_or_default();
        Ok(Answer { status: StatusCode::CREATED, etag: None, body })
    };
    idempotency::once(&state, &key.0, &headers, "POST /api/v1/call-requests", &body, filing).await
}

/// One request with its story.
#[utoipa::path(get, path = "/api/v1/call-requests/{id}", tag = "calls",
    params(("id" = String, Path, description = "request id")),
    responses((status = 200, body = RequestBody, headers(("ETag" = String))),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn one(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    key.0.may(Act::ReadCalls, key.only_site())?;
    let found = state.services.calls.find(&key.0, &id).await?;
    let etag = format!("\"{}\"", found.version);
    Ok(([(header::ETAG, etag)], Json(RequestBody::of(found, state.services.clock.now()))))
}

/// Changes a request: claims, approves, refuses, connects, answers or closes it.
#[utoipa::path(patch, path = "/api/v1/call-requests/{id}", tag = "calls", request_body = DeedBody,
    params(("id" = String, Path, description = "request id")),
    responses((status = 200, body = RequestBody),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "somebody else holds it, or it is closed"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "something must be said with it")),
    security(("key" = [])))]
pub(crate) async fn act(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<RequestBody>, Problem> {
    key.0.may(Act::TakeCalls, key.only_site())?;
    let body: DeedBody = serde_json::from_slice(&body)
        .map_err(|error| Problem::malformed(format!("The body is not {{\"deed\": …, \"text\": …}}: {error}")))?;
    let deed = Deed::of(&body.deed, body.text, body.at)
        .ok_or_else(|| Problem::malformed("deed is none of those named, or call_back lacks `at`"))?;
    let done = state.services.calls.act(&key.0, &id, &deed).await?;
    Ok(Json(RequestBody::of(done, state.services.clock.now())))
}
