//! Outgoing webhooks. A key that is bound to a site makes and sees those of that site only.

use super::bearer::Key;
use super::problem::Problem;
use super::sites::site_id;
use crate::http::AppState;
use crate::webhooks::deliver::Attempt;
use crate::webhooks::hook::{Delivery, DeliveryState, Disabled, Hook};
use crate::webhooks::{HookError, WebhookSpec};
use ::lockdown::ids::SiteId;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct HooksBody {
    pub webhooks: Vec<HookBody>,
}

/// Somebody outside who is told what happens. By Standard Webhooks: `POST` with the headers `webhook-id`,
/// `webhook-timestamp` and `webhook-signature`; 2xx takes it, 410 wants no more, anything else is tried
/// again over three days.
#[derive(Debug, Serialize, ToSchema)]
pub struct HookBody {
    #[schema(example = "hook-1a2b3c4d")]
    pub id: String,
    pub name: String,
    pub url: String,
    /// Only what happens at this site or at none.
    pub site: Option<String>,
    /// Kinds of events, as `detail.what` names them; all of them where it is empty.
    pub what: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    pub by: Option<String>,
    /// Why nothing is sent now.
    pub disabled: Option<DisabledBody>,
    /// Until when the secret before the last rotation signs too.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub old_secret_until: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DisabledBody {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub why: String,
}

/// A webhook with its signing secret. It is not shown again, and never printed.
#[derive(Serialize, ToSchema)]
pub struct SecretBody {
    pub webhook: HookBody,
    /// `whsec_` and the base64 of the key.
    pub secret: String,
}

/// A webhook with the last fifty of what was sent, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HookPageBody {
    pub webhook: HookBody,
    pub deliveries: Vec<DeliveryBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryBody {
    /// The header `webhook-id`, the same at every attempt.
    pub id: String,
    #[schema(example = "lockdown.lock_ordered")]
    pub kind: String,
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// waiting, delivered or given_up.
    pub state: &'static str,
    pub attempts: u32,
    /// While it waits: when it is tried next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_at: Option<Timestamp>,
    /// When it was delivered or given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// What came of the last attempt.
    pub last: Option<String>,
}

/// What a webhook is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHookBody {
    pub name: String,
    /// Its origin must be among `webhooks.allow` of the server's configuration.
    #[schema(example = "https://hooks.acme.example/lockdown")]
    pub url: String,
    /// Only what happens at this site or at none. A key bound to a site need not name it.
    pub site: Option<String>,
    /// Kinds of events, as `detail.what` names them; all of them where it is empty.
    #[serde(default)]
    pub what: Vec<String>,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestBody {
    pub ok: bool,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    pub said: String,
}

impl HookBody {
    fn of(hook: Hook) -> Self {
        Self {
            id: hook.id,
            name: hook.name,
            url: hook.url,
            site: hook.site.map(String::from),
            what: hook.what.into_iter().collect(),
            created_at: hook.created_at,
            by: hook.by.map(|by| by.to_string()),
            disabled: hook.disabled.map(|Disabled { at, why }| DisabledBody { at, why }),
            old_secret_until: hook.previous.map(|old| old.ends_at),
        }
    }
}

impl SecretBody {
    fn of(hook: Hook) -> Self {
        let secret = hook.secret.expose();
        Self { webhook: HookBody::of(hook), secret }
    }
}

impl DeliveryBody {
    fn of(delivery: Delivery) -> Self {
        let (next_at, ended_at) = match delivery.state {
            DeliveryState::Waiting => (Some(delivery.next_at), None),
            DeliveryState::Delivered { at } | DeliveryState::GivenUp { at } => (None, Some(at)),
        };
        Self {
            id: delivery.id,
            kind: delivery.kind,
            made_at: delivery.made_at,
            state: delivery.state.word(),
            attempts: delivery.attempts,
            next_at,
            ended_at,
            last: delivery.last,
        }
    }
}

impl TestBody {
    fn of(attempt: Attempt) -> Self {
        Self { ok: attempt.is_taken(), status: attempt.status, said: attempt.said }
    }
}

impl From<HookError> for Problem {
    fn from(error: HookError) -> Self {
        let detail = format!("{error}.");
        match error {
            HookError::NoSuchHook => Self::new(StatusCode::NOT_FOUND, "no-such-webhook", "No such webhook", detail),
            HookError::NoSuchDelivery => {
                Self::new(StatusCode::NOT_FOUND, "no-such-delivery", "No such delivery", detail)
            }
            HookError::NameMissing | HookError::NoSuchNews(_) => Self::malformed(detail),
            HookError::Off => Self::new(StatusCode::CONFLICT, "webhook-off", "The webhook is off", detail),
            HookError::ChangedMeanwhile => {
                Self::new(StatusCode::CONFLICT, "webhook-changed", "The webhook was changed meanwhile", detail)
            }
            HookError::TooMany => Self::new(StatusCode::CONFLICT, "too-many-webhooks", "Too many webhooks", detail),
            HookError::Egress(_) => {
                let title = "Nothing may be sent there";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "address-not-allowed", title, detail)
            }
            HookError::Store(error) => Self::from_store(&error),
        }
    }
}

/// The webhook, if this key may know of it.
async fn found(key: &Key, state: &AppState, id: &str) -> Result<Hook, Problem> {
    let only = key.only_site();
    key.may_manage_hooks(only)?;
    let hook = state.services.webhooks.find(id).await?;
    if sees(only, &hook) { Ok(hook) } else { Err(HookError::NoSuchHook.into()) }
}

fn sees(only: Option<&SiteId>, hook: &Hook) -> bool {
    only.is_none() || hook.site.as_ref() == only
}

/// All webhooks, oldest first.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks",
    responses((status = 200, body = HooksBody), (status = 403, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn list(key: Key, State(state): State<AppState>) -> Result<Json<HooksBody>, Problem> {
    let only = key.only_site();
    key.may_manage_hooks(only)?;
    let mut hooks = state.services.webhooks.list().await?;
    hooks.retain(|hook| sees(only, hook));
    Ok(Json(HooksBody { webhooks: hooks.into_iter().map(HookBody::of).collect() }))
}

/// Makes a webhook. The answer holds its signing secret, once.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", request_body = NewHookBody,
    responses((status = 201, body = SecretBody, headers(("Location" = String))),
        (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 403, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "no such site"),
        (status = 422, body = Problem, content_type = "application/problem+json", description = "nothing may be sent there")),
    security(("key" = [])))]
pub(crate) async fn add(key: Key, State(state): State<AppState>, body: Bytes) -> Result<impl IntoResponse, Problem> {
    // Who may not at all learns nothing of what is wrong with the body.
    key.may_manage_hooks(key.only_site())?;
    let new: NewHookBody = serde_json::from_slice(&body).map_err(|error| {
        Problem::malformed(format!("The body is not {{\"name\": …, \"url\": …, \"site\": …, \"what\": […]}}: {error}"))
    })?;
    let site = new.site.map(site_id).transpose()?.or_else(|| key.only_site().cloned());
    key.may_manage_hooks(site.as_ref())?;
    if let Some(site) = &site {
        state.services.engine.status(site)?;
    }
    let spec = WebhookSpec { name: new.name, url: new.url, site, what: new.what.into_iter().collect() };
    let hook = state.services.webhooks.add(spec, &key.0).await?;
    let location = format!("/api/v1/webhooks/{}", hook.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(SecretBody::of(hook))))
}

/// A webhook and what was last sent to it.
#[utoipa::path(get, path = "/api/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "webhook id")),
    responses((status = 200, body = HookPageBody), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn one(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<HookPageBody>, Problem> {
    let hook = found(&key, &state, &id).await?;
    let deliveries = state.services.webhooks.deliveries(&hook).await?.into_iter().map(DeliveryBody::of).collect();
    Ok(Json(HookPageBody { webhook: HookBody::of(hook), deliveries }))
}

/// Takes a webhook away, with everything that waits for it.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "webhook id")),
    responses((status = 204, description = "nothing more is sent"),
        (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn remove(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let hook = found(&key, &state, &id).await?;
    state.services.webhooks.remove(&hook.id, &key.0).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a `lockdown.test`, now and once, and says what came of it.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", tag = "webhooks",
    params(("id" = String, Path, description = "webhook id")),
    responses((status = 200, body = TestBody), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn test(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<TestBody>, Problem> {
    let hook = found(&key, &state, &id).await?;
    Ok(Json(TestBody::of(state.services.webhooks.test(&hook.id).await?)))
}

/// Gives a webhook a new signing secret and shows it, once. For a day the old one signs too.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/rotate", tag = "webhooks",
    params(("id" = String, Path, description = "webhook id")),
    responses((status = 200, body = SecretBody), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn rotate(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<SecretBody>, Problem> {
    let hook = found(&key, &state, &id).await?;
    Ok(Json(SecretBody::of(state.services.webhooks.rotate(&hook.id, &key.0).await?)))
}

/// Sends again to a webhook that was switched off. What waited then can be replayed; what happened meanwhile
/// stands in the timeline.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/enable", tag = "webhooks",
    params(("id" = String, Path, description = "webhook id")),
    responses((status = 200, body = HookBody), (status = 404, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn enable(
    key: Key,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<HookBody>, Problem> {
    let hook = found(&key, &state, &id).await?;
    Ok(Json(HookBody::of(state.services.webhooks.enable(&hook.id, &key.0).await?)))
}

/// Sends a delivery again, with the same id, whatever became of it.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/deliveries/{delivery}/replay", tag = "webhooks",
    params(("id" = String, Path, description = "webhook id"), ("delivery" = String, Path, description = "delivery id")),
    responses((status = 202, body = DeliveryBody),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "the webhook is off")),
    security(("key" = [])))]
pub(crate) async fn replay(
    key: Key,
    State(state): State<AppState>,
    Path((id, delivery)): Path<(String, String)>,
) -> Result<impl IntoResponse, Problem> {
    let hook = found(&key, &state, &id).await?;
    let again = state.services.webhooks.replay(&hook.id, &delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(DeliveryBody::of(again))))
}
