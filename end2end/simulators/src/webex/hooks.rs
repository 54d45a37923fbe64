//! Webhooks: one attempt, signed with HMAC-SHA-1 of the body, switched off after 100 failures in 5 minutes.

use super::model::{Happened, Hook, Kind, hook_json, id, stamp, uuid_of};
use super::{Cloud, ORG, now};
use aws_lc_rs::hmac;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::sync::Arc;

const FAILURES: usize = 100;
const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// Each delivery goes its own way.
pub(super) fn tell(cloud: &Arc<Cloud>, told: &Happened) {
    let wanted: Vec<Hook> = {
        let model = cloud.model();
        let hears = |hook: &&Hook| {
            let named = hook.resource == told.resource && (hook.event == told.event || hook.event == "all");
            let bot = model.account(&hook.owner).is_some_and(|owner| owner.kind == Kind::Bot);
            let may = if bot { told.for_bots.contains(&hook.owner) } else { model.is_in(&hook.owner, &told.room) };
            hook.active && named && may
        };
        model.hooks.iter().filter(hears).cloned().collect()
    };
    for hook in wanted {
        let (cloud, body) = (cloud.clone(), notification(cloud, &hook, told).to_string());
        tokio::spawn(async move { deliver(&cloud, &hook, body).await });
    }
}

/// What happened, without what was said.
fn notification(cloud: &Cloud, hook: &Hook, told: &Happened) -> Value {
    let model = cloud.model();
    let mut data = match told.resource {
        "messages" => model.messages.iter().find(|one| one.uuid == told.uuid).map(|one| model.message_json(one)),
        "attachmentActions" => model.actions.iter().find(|one| one.uuid == told.uuid).map(|one| model.action_json(one)),
        _ => None,
    }
    .unwrap_or_else(|| json!({ "id": id("us", "MEMBERSHIP", &told.uuid), "roomId": id("us", "ROOM", &told.room) }));
    for hidden in ["text", "markdown", "html", "attachments", "inputs"] {
        if let Some(fields) = data.as_object_mut() {
            fields.remove(hidden);
        }
    }
    let mut body = hook_json(hook);
    body["orgId"] = json!(id("us", "ORGANIZATION", ORG));
    body["createdBy"] = json!(id("us", "PEOPLE", &hook.owner));
    body["ownedBy"] = json!("creator");
    body["actorId"] = json!(id("us", "PEOPLE", &uuid_of(&told.actor)));
    body["created"] = json!(stamp(hook.created));
    body["data"] = data;
    body
}

/// Lower-case hex, as the header carries it.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    hmac::sign(&key, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn deliver(cloud: &Arc<Cloud>, hook: &Hook, body: String) {
    let mut request = cloud.http.post(&hook.target).header("content-type", "application/json");
    if let Some(secret) = &hook.secret {
        request = request.header("X-Spark-Signature", signature(secret, body.as_bytes()));
    }
    let taken = request.body(body).send().await.is_ok_and(|answer| answer.status().is_success());
    if taken {
        return;
    }
    let mut model = cloud.model();
    if let Some(known) = model.hooks.iter_mut().find(|known| known.uuid == hook.uuid) {
        let at = now();
        known.failures.retain(|failure| at.duration_since(*failure) < WINDOW);
        known.failures.push(at);
        known.active = known.failures.len() < FAILURES;
    }
}
