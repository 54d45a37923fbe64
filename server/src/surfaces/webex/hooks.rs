//! Webhooks: for sites whose public address Webex can reach. Registered at the start, looked after since: the
//! cloud switches off what failed too often, and tells nobody.

use super::api::Hook;
use super::client::Client;
use super::{Inbound, WebexError, What};
use crate::config::Secret;
use aws_lc_rs::{constant_time, hmac};
use serde_json::{Value, json};

/// What we hear of: name, resource, event.
const WANTED: [(&str, &str, &str); 2] =
    [("messages", "messages", "created"), ("cards", "attachmentActions", "created")];

/// The header with the signature. *Source*: the guide to webhooks; HMAC-SHA-1 of the body, hex.
pub const SIGNATURE: &str = "x-spark-signature";

/// Registers what is wanted, once each, with the secret as it is now; removes what is ours and is not wanted. Says
/// how many had been switched off.
///
/// # Errors
/// [`WebexError`].
pub async fn register(client: &Client, instance: &str, target: &str, secret: &Secret) -> Result<usize, WebexError> {
    let mut ours = ours(client, instance).await?;
    let mut were_off = 0;
    for (name, resource, event) in WANTED {
        let name = format!("{instance}:{name}");
        let fits = |hook: &Hook| hook.name == name && hook.resource == resource && hook.event == event;
        let body = json!({ "name": name, "targetUrl": target, "secret": secret.expose(), "status": "active" });
        if let Some(at) = ours.iter().position(fits) {
            let known = ours.remove(at);
            were_off += usize::from(known.status == "inactive");
            // Whether the secret is the same cannot be seen.
            let _: Value = client.put(&format!("webhooks/{}", known.id), &body).await?;
        } else {
            let new = json!({ "name": name, "targetUrl": target, "resource": resource, "event": event, "secret": secret.expose() });
            let _: Value = client.post("webhooks", &new).await?;
        }
    }
    for left in ours {
        client.delete(&format!("webhooks/{}", left.id)).await?;
    }
    Ok(were_off)
}

/// On the websocket none is wanted: what an earlier setting left is removed.
///
/// # Errors
/// [`WebexError`].
pub async fn remove(client: &Client, instance: &str) -> Result<(), WebexError> {
    for hook in ours(client, instance).await? {
        client.delete(&format!("webhooks/{}", hook.id)).await?;
    }
    Ok(())
}

/// Never touched: what has another name.
async fn ours(client: &Client, instance: &str) -> Result<Vec<Hook>, WebexError> {
    let mut all: Vec<Hook> = client.all("webhooks", &[("max", "100")]).await?;
    all.retain(|hook| hook.name.strip_prefix(instance).is_some_and(|rest| rest.starts_with(':')));
    Ok(all)
}

/// Is a delivery Webex's, as far as the secret says? Over the body as it came.
pub fn is_signed(secret: &Secret, signature: Option<&str>, body: &[u8]) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.expose().as_bytes());
    let wanted: String = hmac::sign(&key, body).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let given = signature.unwrap_or_default().trim().to_ascii_lowercase();
    constant_time::verify_slices_are_equal(wanted.as_bytes(), given.as_bytes()).is_ok()
}

/// What a delivery tells of; `None` for what is not asked for. Nothing else in it is believed.
pub fn heard(body: &[u8]) -> Option<Inbound> {
    let told: Value = serde_json::from_slice(body).ok()?;
    let id = told["data"]["id"].as_str()?.to_owned();
    match (told["resource"].as_str()?, told["event"].as_str()?) {
        ("messages", "created") => Some(What::Message),
        ("attachmentActions", "created") => Some(What::Action),
        _ => None,
    }
    .map(|what| Inbound { what, id, service: None, actor: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_believed_by_its_signature_over_the_body_as_it_came() {
        let secret = Secret::new("key");
        let body = b"The quick brown fox jumps over the lazy dog";
        // RFC 2202's manner; the value is the well-known one of this key and text.
        let good = "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9";
        assert!(is_signed(&secret, Some(good), body));
        assert!(is_signed(&secret, Some(&good.to_uppercase()), body));
        assert!(!is_signed(&secret, Some(good), b"The quick brown fox jumps over the lazy cog"));
        assert!(!is_signed(&Secret::new("other"), Some(good), body));
        for wrong in [None, Some(""), Some("de7c"), Some("\u{e9}")] {
            assert!(!is_signed(&secret, wrong, body), "{wrong:?}");
        }
    }

    #[test]
    fn of_a_delivery_only_the_id_is_taken() {
        let body = br#"{"resource":"messages","event":"created","data":{"id":"m","personId":"forged"}}"#;
        let heard_of = Inbound { what: What::Message, id: "m".into(), service: None, actor: None };
        assert_eq!(heard(body), Some(heard_of));
        assert_eq!(heard(br#"{"resource":"rooms","event":"created","data":{"id":"m"}}"#), None);
        assert_eq!(heard(b"not json"), None);
    }
}
