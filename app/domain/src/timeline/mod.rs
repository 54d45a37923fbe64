//! The story of a site: what happened, told once, for screens, exports and audit alike. What is said of each kind of event is
//! `sentence.rs`; who hears of it, and how loudly, is the table of `name.rs`.

mod name;
mod sentence;

pub use name::Weight;
pub use sentence::ways;

use crate::call_request::{Direction, Priority};
use crate::ids::{ActivationId, IncidentId, OperatorId, RequestId, SiteId};
use crate::operator::{Act, Actor, Operator, Refusal, Role};
use crate::steps::Target;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use strum::{EnumDiscriminants, EnumIter, IntoStaticStr};

/// One entry of the append-only timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Given where it happened; the same wherever it is read.
    #[serde(default)]
    pub id: String,
    /// Counts from 1 without gaps, in the timeline it is read from.
    pub seq: u64,
    pub at: Timestamp,
    pub site: Option<SiteId>,
    pub by: Option<Actor>,
    pub kind: EventKind,
}

/// A step and a sentence about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepNote {
    pub object: String,
    pub note: String,
}

/// What happened.
#[derive(EnumDiscriminants, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
#[strum_discriminants(name(EventName), vis(pub), derive(PartialOrd, Ord, EnumIter, IntoStaticStr))]
#[strum_discriminants(strum(serialize_all = "snake_case"))]
#[strum_discriminants(doc = "Which kind of event, without what it says.")]
pub enum EventKind {
    LockOrdered {
        activation: ActivationId,
        reason: Option<String>,
    },
    ReleaseOrdered {
        activation: ActivationId,
        reason: Option<String>,
        /// Other servers could not be told: a break-glass act.
        #[serde(default)]
        alone: bool,
        /// The senior who gave it first, where two must.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        with: Option<Actor>,
    },
    /// A first senior gave the all-clear where two must.
    ReleaseAsked {
        activation: ActivationId,
        reason: Option<String>,
    },
    /// A group of steps is written, and more are to come; nothing is read back yet.
    Applied {
        target: Target,
        done: usize,
        of: usize,
    },
    /// Every step was read back as ordered.
    Verified {
        target: Target,
        steps: usize,
        took_ms: u64,
        /// Writes of the server that says so, since it started, which CUCM confirmed. Not told before 2026-11-28.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        written: Option<usize>,
    },
    /// The deadline passed; these steps are not as ordered yet. Tried again at every sweep.
    Incomplete {
        target: Target,
        steps: Vec<StepNote>,
    },
    /// Nothing more can succeed until somebody mends this.
    Stopped {
        target: Target,
        why: String,
    },
    /// What CUCM held before the first write of an activation, where it was not the plan's normal.
    SnapshotDiffers {
        steps: Vec<StepNote>,
    },
    Drifted {
        ordered: Target,
        steps: Vec<StepNote>,
    },
    Repaired {
        steps: Vec<StepNote>,
    },
    /// Three repairs of the same object within an hour: somebody else keeps changing it.
    RepairGivenUp {
        steps: Vec<StepNote>,
    },
    DriftEnded,
    CucmLost {
        why: String,
    },
    CucmBack,
    PlanAccepted {
        fingerprint: String,
        steps: usize,
        leaks: usize,
        /// Of a drill: what stays open is meant to.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drill: bool,
    },
    PlanRefused {
        violations: Vec<String>,
    },
    Refused {
        act: Act,
        why: Refusal,
    },
    PersonAdded {
        person: OperatorId,
        name: String,
        /// From the beginning.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        roles: Vec<String>,
    },
    RolesGranted {
        person: OperatorId,
        name: String,
        before: Vec<String>,
        after: Vec<String>,
    },
    PersonDisabled {
        person: OperatorId,
        name: String,
    },
    PersonEnabled {
        person: OperatorId,
        name: String,
    },
    /// What a profile says besides roles. Each as `field: value`.
    ProfileChanged {
        person: OperatorId,
        name: String,
        before: Vec<String>,
        after: Vec<String>,
    },
    /// Two profiles were the same person.
    PeopleMerged {
        kept: OperatorId,
        name: String,
        gone: OperatorId,
        gone_name: String,
        /// Roles and ways to sign in of both.
        #[serde(default)]
        before: Vec<String>,
        #[serde(default)]
        after: Vec<String>,
    },
    SessionsEnded {
        person: OperatorId,
        name: String,
        count: usize,
    },
    ClientAdded {
        client: OperatorId,
        name: String,
        scopes: Vec<String>,
    },
    ClientRevoked {
        client: OperatorId,
        name: String,
        /// Whoever found it took it back with itself.
        #[serde(default)]
        leaked: bool,
    },
    /// A key ends soon. Told 14, 7 and 1 days before.
    ClientEnds {
        client: OperatorId,
        name: String,
        days: i64,
    },
    /// A key got a new secret; the old one ends soon.
    ClientRotated {
        client: OperatorId,
        name: String,
    },
    HookAdded {
        hook: String,
        name: String,
        url_host: String,
    },
    HookRemoved {
        hook: String,
        name: String,
    },
    HookRotated {
        hook: String,
        name: String,
    },
    HookEnabled {
        hook: String,
        name: String,
    },
    /// A piece of news was never taken, however often it was tried.
    HookGaveUp {
        hook: String,
        name: String,
        why: String,
    },
    HookDisabled {
        hook: String,
        name: String,
        why: String,
    },
    /// The shared database cannot be reached: what happens is kept here.
    SharedLost {
        why: String,
    },
    SharedBack,
    /// Two servers took orders without knowing of each other.
    OrdersDisagreed {
        kept: Target,
        /// Whose order was given up.
        dropped_by: Option<Actor>,
    },
    PasskeyAdded {
        person: OperatorId,
        name: String,
        label: String,
    },
    PasskeyRemoved {
        person: OperatorId,
        name: String,
        label: String,
    },
    /// An all-clear, or a change of one's keys, is about to be confirmed.
    PasskeyProved,
    PinSet {
        person: OperatorId,
        name: String,
    },
    PinRemoved {
        person: OperatorId,
        name: String,
    },
    /// Envelopes with one-time codes were printed; the serials stand outside on them.
    CodesMade {
        person: OperatorId,
        name: String,
        serials: Vec<String>,
    },
    CodesRevoked {
        person: OperatorId,
        name: String,
        serials: Vec<String>,
    },
    /// The identity provider cannot be reached: sealed codes are good now.
    IdentityLost {
        why: String,
    },
    IdentityBack,
    /// It answers, and refuses this application.
    IdentityMisconfigured {
        code: String,
    },
    /// A desk phone asked for more than it may: an order with a wrong PIN, from a wrong place, or too often.
    PhoneRefused {
        /// What the phone calls itself: a label, no proof.
        device: String,
        from: Option<String>,
        why: String,
    },
    /// A gadget was not connected to whoever signed in for it.
    HandoffRefused {
        from: Option<String>,
        why: String,
    },
    /// The agents' desktops were told of a lock or of its end.
    AgentsTold {
        target: Target,
        failed: Option<String>,
    },
    /// Desk phones of the EOC were told of a lock or of its end.
    PhonesTold {
        target: Target,
        done: usize,
        failed: Vec<StepNote>,
    },
    /// Somebody tried a sealed code that did not fit.
    EnvelopeRefused {
        /// From which address, as far as is known.
        from: Option<String>,
    },
    /// A shift is over, but the identity provider is away: the session goes on.
    SessionExtended,
    /// An administrator wrote down what a sign-in without the identity provider was about.
    Reviewed {
        /// The event it is about.
        event: String,
        /// Whose sign-in.
        name: String,
        note: String,
    },
    /// Somebody asks the EOC for a call. Who and why stands in the request, which is forgotten one day;
    /// the timeline is not.
    RequestFiled {
        request: RequestId,
        number: u64,
        direction: Direction,
        priority: Priority,
    },
    /// `did`: a word of [`crate::call_request::Deed::word`].
    RequestChanged {
        request: RequestId,
        number: u64,
        did: String,
    },
    /// An administrator erased what was known of somebody.
    RequestErased {
        request: RequestId,
        number: u64,
    },
    /// Closed requests older than the retention allows.
    RequestsForgotten {
        count: u64,
    },
    IncidentNamed {
        incident: IncidentId,
        name: Option<String>,
        kind: Option<String>,
    },
    /// Whoever told this leads the incident from now on.
    CommandTaken {
        incident: IncidentId,
    },
    /// Whoever told this is there.
    Joined {
        incident: IncidentId,
    },
    Left {
        incident: IncidentId,
    },
    Noted {
        incident: IncidentId,
        text: String,
    },
    Decided {
        incident: IncidentId,
        text: String,
    },
    /// A text that belongs to the file.
    Attached {
        incident: IncidentId,
        name: String,
        text: String,
    },
    /// Ordered so long ago: seniors are asked whether it is still needed. Nothing is released by it.
    ReviewDue {
        incident: IncidentId,
        minutes: i64,
    },
    StillNeeded {
        incident: IncidentId,
    },
    /// Whoever locked says so.
    RaisedByMistake {
        incident: IncidentId,
    },
    SignedIn,
    /// By a door that needs no internet; the word names it.
    SignedInLocally {
        by: String,
    },
    SignedOut,
    /// A step's present value was written to CUCM: nothing changed, and it showed that it would work.
    WriteProved {
        object: String,
        /// Why it did not work.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    },
    /// The bot is not there: its commands and its spaces wait.
    WebexLost {
        why: String,
    },
    WebexBack,
    /// A meeting was made for the incident.
    MeetingMade {
        incident: IncidentId,
        url: String,
    },
    /// Room devices show a lock, or no longer; those that do not, each with why.
    DevicesTold {
        target: Target,
        done: usize,
        failed: Vec<StepNote>,
    },
    ServerStarted {
        version: String,
    },
}

impl EventKind {
    pub fn name(&self) -> EventName {
        self.into()
    }

    /// The incident it names.
    pub fn incident(&self) -> Option<&IncidentId> {
        match self {
            Self::IncidentNamed { incident, .. }
            | Self::CommandTaken { incident }
            | Self::Joined { incident }
            | Self::Left { incident }
            | Self::Noted { incident, .. }
            | Self::Decided { incident, .. }
            | Self::Attached { incident, .. }
            | Self::ReviewDue { incident, .. }
            | Self::StillNeeded { incident }
            | Self::RaisedByMistake { incident }
            | Self::MeetingMade { incident, .. } => Some(incident),
            _ => None,
        }
    }

    /// The call request it tells of.
    pub fn request(&self) -> Option<&RequestId> {
        match self {
            Self::RequestFiled { request, .. }
            | Self::RequestChanged { request, .. }
            | Self::RequestErased { request, .. } => Some(request),
            _ => None,
        }
    }

    /// How much it should catch the eye.
    pub fn weight(&self) -> Weight {
        match self {
            Self::WriteProved { failed: Some(_), .. }
            | Self::AgentsTold { failed: Some(_), .. }
            | Self::ClientRevoked { leaked: true, .. } => Weight::Attention,
            _ => self.name().weight(),
        }
    }

    /// Makes a senior, or opens a way to the lock or the all-clear that was not there: seniors hear of it, so that no
    /// administrator becomes one of them unseen.
    fn gives_power(&self) -> bool {
        let senior = |words: &[String]| {
            words.iter().filter(|word| word.starts_with(Role::SeniorEoc.word())).cloned().collect::<BTreeSet<_>>()
        };
        match self {
            // Whose it is, the event does not say: it may be a senior's.
            Self::PasskeyAdded { .. }
            | Self::CodesMade { .. }
            | Self::PinSet { .. }
            | Self::PersonEnabled { .. }
            | Self::ClientRotated { .. } => true,
            Self::RolesGranted { before, after, .. } => !senior(after).is_subset(&senior(before)),
            Self::PersonAdded { roles, .. } => !senior(roles).is_empty(),
            // Each is a sentence about one of the two; the ways in of both lead to the one that is kept.
            Self::PeopleMerged { before, after, .. } => {
                before.iter().chain(after).any(|person| person.contains(Role::SeniorEoc.word()))
            }
            // By its Webex account somebody orders.
            Self::ProfileChanged { after, .. } => after.iter().any(|field| field.starts_with("webex: ")),
            Self::ClientAdded { scopes, .. } => scopes.iter().any(|scope| scope.starts_with("lock:")),
            _ => false,
        }
    }
}

impl Event {
    /// Whoever works at the event's site sees it; what is about people, administrators see. What gives somebody power,
    /// seniors see too.
    pub fn is_for(&self, reader: &Operator) -> bool {
        let manages = reader.may(Act::Manage, None).is_ok();
        let senior = self.kind.gives_power() && reader.may(Act::Release, None).is_ok();
        manages || senior || (!self.kind.name().is_about_people() && reader.may(Act::Work, self.site.as_ref()).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(role: Role) -> Operator {
        Operator {
            id: OperatorId::try_from("p-1").unwrap(),
            name: "P".into(),
            surface: crate::operator::Surface::Web,
            authority: crate::operator::Authority::Roles([role].into()),
        }
    }

    fn event(kind: EventKind) -> Event {
        Event { id: "e-1".into(), seq: 1, at: Timestamp::UNIX_EPOCH, site: None, by: None, kind }
    }

    fn granted(before: &[&str], after: &[&str]) -> EventKind {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let person = OperatorId::try_from("p-2").unwrap();
        EventKind::RolesGranted { person, name: "Q".into(), before: words(before), after: words(after) }
    }

    fn client(scope: &str) -> EventKind {
        let client = OperatorId::try_from("c-1").unwrap();
        EventKind::ClientAdded { client, name: "C".into(), scopes: vec![scope.into()] }
    }

    fn added(roles: &[&str]) -> EventKind {
        let roles = roles.iter().map(|&word| word.to_owned()).collect();
        EventKind::PersonAdded { person: OperatorId::try_from("p-2").unwrap(), name: "Q".into(), roles }
    }

    fn merged(kept: &str) -> EventKind {
        EventKind::PeopleMerged {
            kept: OperatorId::try_from("p-2").unwrap(),
            name: "Ann".into(),
            gone: OperatorId::try_from("p-3").unwrap(),
            gone_name: "Bob".into(),
            before: vec![kept.into(), "Bob (no role; 1 way to sign in)".into()],
            after: vec![kept.into(), "Bob (no role; 0 ways to sign in)".into()],
        }
    }

    fn changed(field: &str) -> EventKind {
        let person = OperatorId::try_from("p-2").unwrap();
        EventKind::ProfileChanged { person, name: "Q".into(), before: vec![], after: vec![field.into()] }
    }

    #[test]
    fn seniors_hear_who_was_given_power_and_of_people_nothing_else() {
        for (kind, told) in [
            (granted(&["eoc"], &["eoc", "senior_eoc"]), true),
            (granted(&["senior_eoc"], &["eoc"]), false),
            (granted(&[], &["eoc"]), false),
            (added(&["senior_eoc at acme-north"]), true),
            (added(&[]), false),
            (merged("Ann (senior_eoc; 2 ways to sign in)"), true),
            (merged("Ann (eoc; 2 ways to sign in)"), false),
            (changed("webex: ann@acme.example"), true),
            (changed("extension: 4711"), false),
            (client("lock:enable"), true),
            (client("status:read"), false),
            (EventKind::SignedIn, false),
        ] {
            let event = event(kind);
            assert_eq!(event.is_for(&reader(Role::SeniorEoc)), told, "{event:?}");
            assert!(event.is_for(&reader(Role::Admin)), "{event:?}");
            assert!(!event.is_for(&reader(Role::Eoc)), "{event:?}");
        }
    }
}
