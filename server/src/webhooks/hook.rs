//! What is kept of webhooks and of what is sent by them.

use super::sign::SigningSecret;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::operator::Actor;
use lockdown::timeline::{Event, EventKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The secret before a rotation stays good for so long.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// What was sent, or could not be, is forgotten after so long.
pub const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Somebody outside who wants to hear what happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// `hook-` and eight hex digits.
    pub id: String,
    pub name: String,
    pub url: String,
    pub secret: SigningSecret,
    /// The secret before the last rotation.
    #[serde(default)]
    pub previous: Option<OldSecret>,
    /// Only what happens at this site or at none; everything where it is `None`.
    pub site: Option<SiteId>,
    /// Words of [`lockdown::timeline::EventName::webhook_words`]; all of them where it is empty.
    #[serde(default)]
    pub what: BTreeSet<String>,
    pub created_at: Timestamp,
    /// Who made it.
    pub by: Option<Actor>,
    #[serde(default)]
    pub disabled: Option<Disabled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecret {
    pub secret: SigningSecret,
    pub ends_at: Timestamp,
}

/// Since when nothing is sent, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: Timestamp,
    pub why: String,
}

impl Hook {
    /// Is this event to be sent?
    pub fn wants(&self, event: &Event) -> bool {
        let name = event.kind.name();
        let here = self.site.is_none() || event.site.is_none() || self.site == event.site;
        let asked_for = self.what.is_empty() || self.what.contains(name.word());
        self.disabled.is_none() && here && asked_for && name.goes_to_webhooks()
    }

    /// What to sign with: two secrets while a rotation is young.
    pub fn secrets(&self, now: Timestamp) -> Vec<&SigningSecret> {
        let old = self.previous.as_ref().filter(|old| now < old.ends_at);
        std::iter::once(&self.secret).chain(old.map(|old| &old.secret)).collect()
    }

    /// The same with a new secret; the old one stays good for [`OVERLAP`].
    #[must_use]
    pub fn rotated(self, secret: SigningSecret, now: Timestamp) -> Self {
        let previous = OldSecret { secret: self.secret, ends_at: now + OVERLAP };
        Self { secret, previous: Some(previous), ..self }
    }
}

#[cfg(test)]
impl Hook {
    /// A webhook that wants everything.
    pub(crate) fn sample(id: &str, created_at: Timestamp) -> Self {
        Self {
            id: id.into(),
            name: "siren".into(),
            url: "https://hooks.acme.example/in".into(),
            secret: SigningSecret::new([7; 32]),
            previous: None,
            site: None,
            what: BTreeSet::new(),
            created_at,
            by: None,
            disabled: None,
        }
    }
}

/// One piece of news for one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Event and webhook: made twice, it is the same. The receiver knows a repetition by it.
    pub id: String,
    pub hook: String,
    /// The event's number: the order in which they are sent.
    pub seq: u64,
    /// `lockdown.` and a word of [`lockdown::timeline::EventName::webhook_words`].
    pub kind: String,
    /// What is signed and sent, to the byte.
    pub body: String,
    pub made_at: Timestamp,
    /// Attempts that were made, or left out because one a moment before found nobody.
    pub attempts: u32,
    /// When it is tried next; while it is being sent, until when nobody else may try.
    pub next_at: Timestamp,
    pub state: DeliveryState,
    /// What came of the last attempt.
    pub last: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum DeliveryState {
    Waiting,
    Delivered { at: Timestamp },
    GivenUp { at: Timestamp },
}

impl DeliveryState {
    /// As it is kept and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered { .. } => "delivered",
            Self::GivenUp { .. } => "given_up",
        }
    }
}

/// Source: standard-webhooks, spec/standard-webhooks.md, "Payload structure".
#[derive(Serialize)]
struct Payload<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    /// When it happened, not when it is sent.
    timestamp: Timestamp,
    data: T,
}

#[derive(Serialize)]
struct EventData<'a> {
    id: &'a str,
    seq: u64,
    at: Timestamp,
    site: Option<&'a SiteId>,
    by: Option<String>,
    text: String,
    detail: &'a EventKind,
}

#[derive(Serialize)]
struct TestData<'a> {
    hook: &'a str,
    text: &'static str,
}

impl Delivery {
    /// The news of an event.
    pub fn of(event: &Event, hook: &Hook, now: Timestamp) -> Self {
        let kind = format!("lockdown.{}", event.kind.name().word());
        let data = EventData {
            id: &event.id,
            seq: event.seq,
            at: event.at,
            site: event.site.as_ref(),
            by: event.by.as_ref().map(ToString::to_string),
            text: event.kind.to_string(),
            detail: &event.kind,
        };
        let body = written(&Payload { kind: &kind, timestamp: event.at, data });
        Self::waiting(&event.id, hook, event.seq, kind, body, now)
    }

    /// Says nothing but that it arrives; `chance` makes its id one that was never sent.
    pub fn test(hook: &Hook, chance: &str, now: Timestamp) -> Self {
        let kind = "lockdown.test".to_owned();
        let data = TestData { hook: &hook.id, text: "A test. Nothing happened." };
        let body = written(&Payload { kind: &kind, timestamp: now, data });
        Self::waiting(&format!("test-{chance}"), hook, 0, kind, body, now)
    }

    fn waiting(about: &str, hook: &Hook, seq: u64, kind: String, body: String, now: Timestamp) -> Self {
        Self {
            id: format!("{about}.{}", hook.id),
            hook: hook.id.clone(),
            seq,
            kind,
            body,
            made_at: now,
            attempts: 0,
            next_at: now,
            state: DeliveryState::Waiting,
            last: None,
        }
    }
}

fn written<T: Serialize>(payload: &Payload<'_, T>) -> String {
    serde_json::to_string(payload).expect("an event has only strings, numbers and lists in it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockdown::ids::{ActivationId, OperatorId};
    use lockdown::operator::Surface;
    use serde_json::{Value, json};

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn site(id: &str) -> SiteId {
        SiteId::try_from(id).unwrap()
    }

    fn hook() -> Hook {
        Hook::sample("hook-0000abcd", now())
    }

    fn event(kind: EventKind) -> Event {
        let by = Actor { id: OperatorId::try_from("ann").unwrap(), name: "Ann".into(), surface: Surface::Web };
        Event { id: "a1b2-7".into(), seq: 7, at: now(), site: Some(site("north")), by: Some(by), kind }
    }

    fn locked() -> Event {
        event(EventKind::LockOrdered {
            activation: ActivationId::try_from("act-1").unwrap(),
            reason: Some("fire".into()),
        })
    }

    #[test]
    fn a_hook_hears_of_its_site_and_of_none_and_only_what_it_asked_for() {
        let north = Hook { site: Some(site("north")), ..hook() };
        let south = Hook { site: Some(site("south")), ..hook() };
        assert!(hook().wants(&locked()) && north.wants(&locked()));
        assert!(!south.wants(&locked()));
        assert!(south.wants(&Event { site: None, ..event(EventKind::SharedBack) }));
        let picky = Hook { what: ["verified".to_owned()].into(), ..hook() };
        assert!(!picky.wants(&locked()));
        let picky = Hook { what: ["lock_ordered".to_owned()].into(), ..hook() };
        assert!(picky.wants(&locked()));
        let off = Hook { disabled: Some(Disabled { at: now(), why: "gone".into() }), ..hook() };
        assert!(!off.wants(&locked()));
    }

    #[test]
    fn nothing_about_people_or_hooks_goes_out_even_when_it_is_asked_for() {
        let person = OperatorId::try_from("bob").unwrap();
        let hidden = [
            EventKind::SignedIn,
            EventKind::PersonAdded { person, name: "Bob".into(), roles: vec![] },
            EventKind::HookGaveUp { hook: "hook-1".into(), name: "siren".into(), why: "500".into() },
        ];
        for kind in hidden {
            let greedy = Hook { what: [kind.name().word().to_owned()].into(), ..hook() };
            assert!(!greedy.wants(&event(kind.clone())) && !hook().wants(&event(kind.clone())), "{kind:?}");
        }
    }

    #[test]
    fn the_body_has_type_time_and_the_event_as_the_api_tells_it() {
        let delivery = Delivery::of(&locked(), &hook(), now() + SignedDuration::from_secs(60));
        assert_eq!(delivery.id, "a1b2-7.hook-0000abcd");
        assert_eq!(delivery.kind, "lockdown.lock_ordered");
        let body: Value = serde_json::from_str(&delivery.body).unwrap();
        let data = json!({
            "id": "a1b2-7", "seq": 7, "at": "2026-11-23T12:00:00Z", "site": "north", "by": "Ann (web)",
            "text": "Lock ordered: “fire”",
            "detail": { "what": "lock_ordered", "activation": "act-1", "reason": "fire" },
        });
        let want = json!({ "type": "lockdown.lock_ordered", "timestamp": "2026-11-23T12:00:00Z", "data": data });
        assert_eq!(body, want);
    }

    #[test]
    fn after_a_rotation_both_secrets_sign_for_a_day() {
        let new = SigningSecret::new([8; 32]);
        let rotated = hook().rotated(new.clone(), now());
        let old = SigningSecret::new([7; 32]);
        assert_eq!(rotated.secrets(now() + SignedDuration::from_hours(23)), [&new, &old]);
        assert_eq!(rotated.secrets(now() + OVERLAP), [&new]);
    }

    #[test]
    fn hooks_and_deliveries_survive_being_kept_and_no_secret_is_printed() {
        let rotated = hook().rotated(SigningSecret::new([8; 32]), now());
        let kept = serde_json::to_string(&rotated).unwrap();
        assert_eq!(serde_json::from_str::<Hook>(&kept).unwrap(), rotated);
        for secret in [&rotated.secret, &rotated.previous.as_ref().unwrap().secret] {
            assert!(!format!("{rotated:?}").contains(&secret.expose()[6..]));
        }
        for state in
            [DeliveryState::Waiting, DeliveryState::Delivered { at: now() }, DeliveryState::GivenUp { at: now() }]
        {
            let delivery = Delivery { state, ..Delivery::test(&hook(), "1", now()) };
            let kept = serde_json::to_value(&delivery).unwrap();
            assert_eq!(kept["state"]["is"], state.word());
            assert_eq!(serde_json::from_value::<Delivery>(kept).unwrap(), delivery);
        }
    }
}
