//! Passkeys: signing in without the internet, and the fresh proof before an all-clear. User
//! verification always; what a browser answers is checked by `webauthn-rs`.
//!
//! Between question and answer the state travels with the browser, sealed, so that any server behind a
//! proxy can go on; each ticket is good for two minutes and once at the server that took it.

use super::sealed::Seal;
use super::token;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::OperatorId;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use webauthn_rs::prelude::{
    AuthenticationResult, CreationChallengeResponse, CredentialID, DiscoverableAuthentication, DiscoverableKey,
    Passkey, PasskeyAuthentication, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

/// Between question and answer: whoever is asked stands before the key.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(2);

/// Questions and checks answers for one address of this product.
pub struct Passkeys {
    webauthn: Webauthn,
    seal: Seal,
    /// Tickets that were taken, until they end by themselves.
    used: Mutex<BTreeMap<String, Timestamp>>,
}

/// A key somebody enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Credential id, base64url.
    pub id: String,
    pub label: String,
    pub added_at: Timestamp,
    pub used_at: Option<Timestamp>,
    /// The public half and its counter, as `webauthn-rs` writes it.
    pub credential: String,
}

/// A question for the browser: WebAuthn's options as JSON, and the ticket to answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub options: String,
    pub ticket: String,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    id: String,
    begun: Timestamp,
    purpose: Purpose,
}

#[derive(Serialize, Deserialize)]
enum Purpose {
    Enrol {
        person: OperatorId,
        state: PasskeyRegistration,
    },
    /// `about`: what the proof is good for, and nothing else.
    StepUp {
        person: OperatorId,
        about: String,
        state: PasskeyAuthentication,
    },
    SignIn {
        state: DiscoverableAuthentication,
    },
}

/// Why a key did not help. The log gets the text; the person gets one sentence for all of it.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    #[error("the ticket is no ticket of ours, too old, or was used")]
    Ticket,
    #[error("the answer is no passkey's: {0}")]
    Malformed(String),
    #[error("the key does not fit: {0}")]
    Refused(String),
}

impl Passkeys {
    /// For the host of `public_url`. `None` where browsers know no passkeys: a bare address, or plain
    /// http anywhere but on this machine.
    pub fn new(public_url: &str, secret: Option<&str>) -> Option<Self> {
        let origin = Url::parse(public_url).ok()?;
        let host = origin.domain()?.to_owned();
        if origin.scheme() != "https" && host != "localhost" {
            return None;
        }
        let webauthn = WebauthnBuilder::new(&host, &origin).ok()?.rp_name("PSTN Lockdown").build().ok()?;
        Some(Self { webauthn, seal: Seal::shared(secret), used: Mutex::default() })
    }

    /// Asks for a new key. The key shall find its person by itself (a resident key).
    ///
    /// # Errors
    /// [`PasskeyError::Refused`].
    pub fn enrol(
        &self,
        person: &OperatorId,
        name: &str,
        known: &[Enrolled],
        now: Timestamp,
    ) -> Result<Question, PasskeyError> {
        let known: Vec<CredentialID> = known.iter().filter_map(|key| Some(parsed(key)?.cred_id().clone())).collect();
        let (options, state) =
            self.webauthn.start_passkey_registration(Uuid::new_v4(), name, name, Some(known)).map_err(refused)?;
        let options = resident(&options)?;
        self.question(options, Purpose::Enrol { person: person.clone(), state }, now)
    }

    /// # Errors
    /// [`PasskeyError`], whatever does not fit.
    pub fn enrolled(
        &self,
        person: &OperatorId,
        ticket: &str,
        answer: &str,
        label: &str,
        now: Timestamp,
    ) -> Result<Enrolled, PasskeyError> {
        let Purpose::Enrol { person: asked, state } = self.take(ticket, now)? else { return Err(PasskeyError::Ticket) };
        if asked != *person {
            return Err(PasskeyError::Ticket);
        }
        let answer: RegisterPublicKeyCredential = read(answer)?;
        let key = self.webauthn.finish_passkey_registration(&answer, &state).map_err(refused)?;
        let label: String = label.trim().chars().take(60).collect();
        Ok(Enrolled {
            id: id_of(key.cred_id()),
            label: if label.is_empty() { "Passkey".into() } else { label },
            added_at: now,
            used_at: None,
            credential: serde_json::to_string(&key).map_err(|error| PasskeyError::Malformed(error.to_string()))?,
        })
    }

    /// Asks for a key of this person, now, as a proof that is good for `about`.
    ///
    /// # Errors
    /// [`PasskeyError::Refused`] when there is none.
    pub fn step_up(
        &self,
        person: &OperatorId,
        about: String,
        known: &[Enrolled],
        now: Timestamp,
    ) -> Result<Question, PasskeyError> {
        let keys: Vec<Passkey> = known.iter().filter_map(parsed).collect();
        let (options, state) = self.webauthn.start_passkey_authentication(&keys).map_err(refused)?;
        let options = text(&options)?;
        self.question(options, Purpose::StepUp { person: person.clone(), about, state }, now)
    }

    /// Which key it was, as it is from now on, and what the proof is good for.
    ///
    /// # Errors
    /// [`PasskeyError`], whatever does not fit.
    pub fn stepped_up(
        &self,
        person: &OperatorId,
        known: &[Enrolled],
        ticket: &str,
        answer: &str,
        now: Timestamp,
    ) -> Result<(Enrolled, String), PasskeyError> {
        let Purpose::StepUp { person: asked, about, state } = self.take(ticket, now)? else {
            return Err(PasskeyError::Ticket);
        };
        if asked != *person {
            return Err(PasskeyError::Ticket);
        }
        let answer: PublicKeyCredential = read(answer)?;
        let result = self.webauthn.finish_passkey_authentication(&answer, &state).map_err(refused)?;
        Ok((used(known, &result, now)?, about))
    }

    /// Asks for anybody's key.
    ///
    /// # Errors
    /// [`PasskeyError::Refused`].
    pub fn sign_in(&self, now: Timestamp) -> Result<Question, PasskeyError> {
        let (options, state) = self.webauthn.start_discoverable_authentication().map_err(refused)?;
        // Asked for by a button, not offered beside a password box.
        let mut options = serde_json::to_value(&options).map_err(|error| PasskeyError::Malformed(error.to_string()))?;
        if let Some(options) = options.as_object_mut() {
            options.remove("mediation");
        }
        self.question(options.to_string(), Purpose::SignIn { state }, now)
    }

    /// The id of the key an answer claims to be of: to find its person by. Proves nothing.
    ///
    /// # Errors
    /// [`PasskeyError::Malformed`].
    pub fn claimed(&self, answer: &str) -> Result<String, PasskeyError> {
        let answer: PublicKeyCredential = read(answer)?;
        Ok(id_of(answer.get_credential_id()))
    }

    /// Which of the person's keys it was, as it is from now on.
    ///
    /// # Errors
    /// [`PasskeyError`], whatever does not fit.
    pub fn signed_in(
        &self,
        known: &[Enrolled],
        ticket: &str,
        answer: &str,
        now: Timestamp,
    ) -> Result<Enrolled, PasskeyError> {
        let Purpose::SignIn { state } = self.take(ticket, now)? else { return Err(PasskeyError::Ticket) };
        let answer: PublicKeyCredential = read(answer)?;
        let keys: Vec<Passkey> = known.iter().filter_map(parsed).collect();
        let claimed = answer.get_credential_id();
        let key = keys.iter().find(|key| key.cred_id().as_slice() == claimed);
        let key = key.ok_or_else(|| PasskeyError::Refused("nobody has this key".into()))?;
        let key = DiscoverableKey::from(key);
        let result = self.webauthn.finish_discoverable_authentication_v2(&answer, state, &key).map_err(refused)?;
        used(known, &result, now)
    }

    fn question(&self, options: String, purpose: Purpose, now: Timestamp) -> Result<Question, PasskeyError> {
        let ticket = Ticket { id: token::random_text(), begun: now, purpose };
        let ticket = self.seal.seal("passkey", &ticket).ok_or(PasskeyError::Ticket)?;
        Ok(Question { options, ticket })
    }

    /// Good once, for two minutes.
    fn take(&self, ticket: &str, now: Timestamp) -> Result<Purpose, PasskeyError> {
        let ticket: Ticket = self.seal.open("passkey", ticket).ok_or(PasskeyError::Ticket)?;
        let mut used = self.used.lock();
        used.retain(|_, ends| *ends > now);
        let ends = ticket.begun + GOOD_FOR;
        if now > ends || used.insert(ticket.id, ends).is_some() {
            return Err(PasskeyError::Ticket);
        }
        Ok(ticket.purpose)
    }
}

fn parsed(key: &Enrolled) -> Option<Passkey> {
    serde_json::from_str(&key.credential).ok()
}

fn id_of(id: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(id)
}

/// The key that answered, with its counter moved on: a copy of it would count behind.
fn used(known: &[Enrolled], result: &AuthenticationResult, now: Timestamp) -> Result<Enrolled, PasskeyError> {
    let id = id_of(result.cred_id());
    let key =
        known.iter().find(|key| key.id == id).ok_or_else(|| PasskeyError::Refused("nobody has this key".into()))?;
    if !result.user_verified() {
        return Err(PasskeyError::Refused("the key did not verify its user".into()));
    }
    let mut passkey = parsed(key).ok_or_else(|| PasskeyError::Malformed("a stored key cannot be read".into()))?;
    passkey.update_credential(result);
    let credential = serde_json::to_string(&passkey).map_err(|error| PasskeyError::Malformed(error.to_string()))?;
    Ok(Enrolled { used_at: Some(now), credential, ..key.clone() })
}

/// The key is asked to remember whom it belongs to.
fn resident(options: &CreationChallengeResponse) -> Result<String, PasskeyError> {
    let mut options = serde_json::to_value(options).map_err(|error| PasskeyError::Malformed(error.to_string()))?;
    let selection = &mut options["publicKey"]["authenticatorSelection"];
    selection["residentKey"] = "required".into();
    selection["requireResidentKey"] = true.into();
    Ok(options.to_string())
}

fn text<T: Serialize>(value: &T) -> Result<String, PasskeyError> {
    serde_json::to_string(value).map_err(|error| PasskeyError::Malformed(error.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, PasskeyError> {
    serde_json::from_str(answer).map_err(|error| PasskeyError::Malformed(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn refused(error: webauthn_rs::prelude::WebauthnError) -> PasskeyError {
    PasskeyError::Refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_name_has_no_passkeys() {
        for (url, has) in [
            ("https://lockdown.acme.example", true),
            ("http://localhost:3000", true),
            ("http://lockdown.acme.example", false),
            ("https://10.0.0.7", false),
            ("http://127.0.0.1:3000", false),
        ] {
            assert_eq!(Passkeys::new(url, None).is_some(), has, "{url}");
        }
    }

    #[test]
    fn a_ticket_is_good_once_and_for_two_minutes_and_at_any_server_with_the_secret() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let passkeys = |secret| Passkeys::new("https://lockdown.acme.example", Some(secret)).unwrap();
        let one = passkeys("secret");
        let two = passkeys("secret");
        let ticket = one.sign_in(now).unwrap().ticket;
        assert!(passkeys("other").take(&ticket, now).is_err());
        assert!(two.take(&ticket, now + SignedDuration::from_secs(121)).is_err(), "too old");
        assert!(two.take(&ticket, now + SignedDuration::from_secs(119)).is_ok());
        assert!(two.take(&ticket, now + SignedDuration::from_secs(119)).is_err(), "used");
    }
}
