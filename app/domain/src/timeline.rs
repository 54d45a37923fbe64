//! The story of a site: what happened, told once, for screens, exports and audit alike.

use crate::call_request::{Direction, Priority, ticket};
use crate::ids::{ActivationId, IncidentId, OperatorId, RequestId, SiteId};
use crate::operator::{Act, Actor, Operator, Refusal, Role};
use crate::steps::Target;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
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
    /// The word for what happened: what its `what` says in REST and in the store.
    pub fn kind_name(&self) -> &'static str {
        match self {
            Self::LockOrdered { .. } => "lock_ordered",
            Self::ReleaseOrdered { .. } => "release_ordered",
            Self::ReleaseAsked { .. } => "release_asked",
            Self::Applied { .. } => "applied",
            Self::Verified { .. } => "verified",
            Self::Incomplete { .. } => "incomplete",
            Self::Stopped { .. } => "stopped",
            Self::SnapshotDiffers { .. } => "snapshot_differs",
            Self::Drifted { .. } => "drifted",
            Self::Repaired { .. } => "repaired",
            Self::RepairGivenUp { .. } => "repair_given_up",
            Self::DriftEnded => "drift_ended",
            Self::CucmLost { .. } => "cucm_lost",
            Self::CucmBack => "cucm_back",
            Self::PlanAccepted { .. } => "plan_accepted",
            Self::PlanRefused { .. } => "plan_refused",
            Self::Refused { .. } => "refused",
            Self::PersonAdded { .. } => "person_added",
            Self::RolesGranted { .. } => "roles_granted",
            Self::PersonDisabled { .. } => "person_disabled",
            Self::PersonEnabled { .. } => "person_enabled",
            Self::ProfileChanged { .. } => "profile_changed",
            Self::PeopleMerged { .. } => "people_merged",
            Self::SessionsEnded { .. } => "sessions_ended",
            Self::ClientAdded { .. } => "client_added",
            Self::ClientRevoked { .. } => "client_revoked",
            Self::ClientEnds { .. } => "client_ends",
            Self::ClientRotated { .. } => "client_rotated",
            Self::HookAdded { .. } => "hook_added",
            Self::HookRemoved { .. } => "hook_removed",
            Self::HookRotated { .. } => "hook_rotated",
            Self::HookEnabled { .. } => "hook_enabled",
            Self::HookGaveUp { .. } => "hook_gave_up",
            Self::HookDisabled { .. } => "hook_disabled",
            Self::SharedLost { .. } => "shared_lost",
            Self::SharedBack => "shared_back",
            Self::OrdersDisagreed { .. } => "orders_disagreed",
            Self::PasskeyAdded { .. } => "passkey_added",
            Self::PasskeyRemoved { .. } => "passkey_removed",
            Self::PasskeyProved => "passkey_proved",
            Self::PinSet { .. } => "pin_set",
            Self::PinRemoved { .. } => "pin_removed",
            Self::CodesMade { .. } => "codes_made",
            Self::CodesRevoked { .. } => "codes_revoked",
            Self::IdentityLost { .. } => "identity_lost",
            Self::IdentityBack => "identity_back",
            Self::IdentityMisconfigured { .. } => "identity_misconfigured",
            Self::PhoneRefused { .. } => "phone_refused",
            Self::HandoffRefused { .. } => "handoff_refused",
            Self::AgentsTold { .. } => "agents_told",
            Self::PhonesTold { .. } => "phones_told",
            Self::EnvelopeRefused { .. } => "envelope_refused",
            Self::SessionExtended => "session_extended",
            Self::Reviewed { .. } => "reviewed",
            Self::RequestFiled { .. } => "request_filed",
            Self::RequestChanged { .. } => "request_changed",
            Self::RequestErased { .. } => "request_erased",
            Self::RequestsForgotten { .. } => "requests_forgotten",
            Self::IncidentNamed { .. } => "incident_named",
            Self::CommandTaken { .. } => "command_taken",
            Self::Joined { .. } => "joined",
            Self::Left { .. } => "left",
            Self::Noted { .. } => "noted",
            Self::Decided { .. } => "decided",
            Self::Attached { .. } => "attached",
            Self::ReviewDue { .. } => "review_due",
            Self::StillNeeded { .. } => "still_needed",
            Self::RaisedByMistake { .. } => "raised_by_mistake",
            Self::SignedIn => "signed_in",
            Self::SignedInLocally { .. } => "signed_in_locally",
            Self::SignedOut => "signed_out",
            Self::WriteProved { .. } => "write_proved",
            Self::WebexLost { .. } => "webex_lost",
            Self::WebexBack => "webex_back",
            Self::MeetingMade { .. } => "meeting_made",
            Self::DevicesTold { .. } => "devices_told",
            Self::ServerStarted { .. } => "server_started",
        }
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

    /// About people, their rights and their keys: for administrators, not for every operator.
    pub fn is_about_people(&self) -> bool {
        matches!(
            self,
            Self::PersonAdded { .. }
                | Self::RolesGranted { .. }
                | Self::PersonDisabled { .. }
                | Self::PersonEnabled { .. }
                | Self::ProfileChanged { .. }
                | Self::PeopleMerged { .. }
                | Self::SessionsEnded { .. }
                | Self::PasskeyAdded { .. }
                | Self::PasskeyRemoved { .. }
                | Self::PinSet { .. }
                | Self::PinRemoved { .. }
                | Self::CodesMade { .. }
                | Self::CodesRevoked { .. }
                | Self::ClientAdded { .. }
                | Self::ClientRevoked { .. }
                | Self::ClientRotated { .. }
                | Self::ClientEnds { .. }
                | Self::HookAdded { .. }
                | Self::HookRemoved { .. }
                | Self::HookRotated { .. }
                | Self::HookEnabled { .. }
                | Self::SignedIn
                | Self::SignedOut
        )
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
        manages || senior || (!self.kind.is_about_people() && reader.may(Act::Work, self.site.as_ref()).is_ok())
    }
}

/// How many ways past the lock a plan leaves.
pub fn ways(leaks: usize) -> String {
    match leaks {
        0 => "no way past the lock stays open".into(),
        1 => "1 way past the lock stays open".into(),
        many => format!("{many} ways past the lock stay open"),
    }
}

fn word(target: Target) -> &'static str {
    match target {
        Target::Normal => "normal",
        Target::Locked => "locked",
    }
}

fn capital(target: Target) -> &'static str {
    match target {
        Target::Normal => "Normal",
        Target::Locked => "Locked",
    }
}

fn listed(steps: &[StepNote]) -> String {
    let mut parts: Vec<String> = steps.iter().take(3).map(|s| format!("{}: {}", s.object, s.note)).collect();
    if steps.len() > 3 {
        parts.push(format!("and {} more", steps.len() - 3));
    }
    parts.join("; ")
}

fn not_told(failed: &[StepNote]) -> String {
    if failed.is_empty() { String::new() } else { format!(". Not told: {}", listed(failed)) }
}

fn coming(from: Option<&String>) -> String {
    from.map(|address| format!(" from {address}")).unwrap_or_default()
}

fn because(reason: Option<&String>) -> String {
    reason.map(|text| format!(": “{text}”")).unwrap_or_default()
}

fn drill(activation: &ActivationId) -> &'static str {
    if activation.is_drill() { "DRILL. " } else { "" }
}

fn roles(words: &[String]) -> String {
    if words.is_empty() { "none".into() } else { words.join(", ") }
}

/// The sentence an operator reads.
impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LockOrdered { activation, reason } => {
                write!(f, "{}Lock ordered{}", drill(activation), because(reason.as_ref()))
            }
            Self::ReleaseOrdered { activation, reason, alone, with } => {
                let alone = if *alone { " without the shared database; other servers may not know" } else { "" };
                let with = with.as_ref().map(|first| format!(", asked for by {first}")).unwrap_or_default();
                write!(f, "{}All-clear ordered{alone}{with}{}", drill(activation), because(reason.as_ref()))
            }
            Self::ReleaseAsked { reason, .. } => {
                write!(
                    f,
                    "All-clear asked for; a second senior must give it within 10 minutes{}",
                    because(reason.as_ref())
                )
            }
            Self::Applied { target, done, of } => {
                write!(f, "{done} of {of} steps written to become {}", word(*target))
            }
            Self::Verified { target, steps, took_ms, .. } => {
                let seconds = *took_ms / 1000;
                let hundredths = *took_ms % 1000 / 10;
                write!(f, "Verified {}: all {steps} steps, {seconds}.{hundredths:02} s after the order", word(*target))
            }
            Self::Incomplete { target, steps } => {
                write!(f, "Not yet {} after the deadline, still trying. {}", word(*target), listed(steps))
            }
            Self::Stopped { target, why } => write!(f, "Cannot become {}: {why}", word(*target)),
            Self::SnapshotDiffers { steps } => {
                write!(f, "Before the lock CUCM was not as the plan says. {}", listed(steps))
            }
            Self::Drifted { ordered, steps } => {
                write!(f, "Changed by someone while {}. {}", word(*ordered), listed(steps))
            }
            Self::Repaired { steps } => write!(f, "Repaired. {}", listed(steps)),
            Self::RepairGivenUp { steps } => {
                write!(
                    f,
                    "Repaired 3 times within an hour and changed again: find out who changes it. {}",
                    listed(steps)
                )
            }
            Self::DriftEnded => f.write_str("CUCM is as ordered again"),
            Self::CucmLost { why } => write!(f, "Cannot see CUCM: {why}"),
            Self::CucmBack => f.write_str("CUCM can be seen again"),
            Self::PlanAccepted { steps, drill: true, .. } => write!(f, "Plan of the drill checked: {steps} steps"),
            Self::PlanAccepted { steps, leaks, .. } => {
                write!(f, "Plan checked: {steps} steps, {}", ways(*leaks))
            }
            Self::PlanRefused { violations } => write!(f, "Plan refused: {}", violations.join(" ")),
            Self::Refused { act: Act::Lock, why } => write!(f, "Lock refused. {why}"),
            Self::Refused { act: Act::Release, why } => write!(f, "All-clear refused. {why}"),
            Self::Refused { why, .. } => write!(f, "Refused. {why}"),
            Self::PersonAdded { name, roles, .. } if roles.is_empty() => write!(f, "{name} added to the people"),
            Self::PersonAdded { name, roles: given, .. } => {
                write!(f, "{name} added to the people, with {}", roles(given))
            }
            Self::RolesGranted { name, before, after, .. } => {
                write!(f, "Roles of {name}: {} → {}", roles(before), roles(after))
            }
            Self::PersonDisabled { name, .. } => write!(f, "{name} disabled; every session ended"),
            Self::PersonEnabled { name, .. } => write!(f, "{name} enabled again"),
            Self::ProfileChanged { name, before, after, .. } => {
                write!(f, "Profile of {name}: {} → {}", roles(before), roles(after))
            }
            Self::PeopleMerged { name, gone_name, before, after, .. } => {
                let before = roles(before);
                let after = roles(after);
                write!(f, "{gone_name} was the same person as {name}, merged: {before} → {after}")
            }
            Self::SessionsEnded { name, count: 1, .. } => write!(f, "A session of {name} ended"),
            Self::SessionsEnded { name, count, .. } => write!(f, "{count} sessions of {name} ended"),
            Self::ClientAdded { name, scopes, .. } => write!(f, "API key {name} made: {}", scopes.join(", ")),
            Self::ClientRevoked { name, leaked: false, .. } => write!(f, "API key {name} revoked"),
            Self::ClientRevoked { name, leaked: true, .. } => {
                write!(f, "API key {name} was reported as leaked and has been revoked")
            }
            Self::ClientEnds { name, days: 1, .. } => write!(f, "API key {name} ends tomorrow: give it a new secret"),
            Self::ClientEnds { name, days, .. } => {
                write!(f, "API key {name} ends within {days} days: give it a new secret")
            }
            Self::ClientRotated { name, .. } => write!(f, "API key {name} got a new secret"),
            Self::HookAdded { name, url_host, .. } => write!(f, "Web-hook {name} added: {url_host} is told"),
            Self::HookRemoved { name, .. } => write!(f, "Web-hook {name} removed"),
            Self::HookRotated { name, .. } => write!(f, "Web-hook {name} got a new secret"),
            Self::HookEnabled { name, .. } => write!(f, "Web-hook {name} is on again"),
            Self::HookGaveUp { name, why, .. } => write!(f, "Web-hook {name} could not deliver an event: {why}"),
            Self::HookDisabled { name, why, .. } => write!(f, "Web-hook {name} is off: {why}"),
            Self::SharedLost { why } => {
                write!(f, "The shared database cannot be reached; everything is kept here until it is back. {why}")
            }
            Self::SharedBack => f.write_str("The shared database is back; what was kept here is there now"),
            Self::OrdersDisagreed { kept, dropped_by } => {
                let whose = dropped_by.as_ref().map(|by| format!("; given up: the order of {by}")).unwrap_or_default();
                write!(f, "Two servers had different orders. {} was kept{whose}", capital(*kept))
            }
            Self::RequestFiled { number, direction, priority, .. } => {
                write!(f, "{} filed: {}, {}", ticket(*number), direction.word(), priority.word())
            }
            Self::RequestChanged { number, did, .. } => write!(f, "{} {}", ticket(*number), did.replace('_', " ")),
            Self::RequestErased { number, .. } => write!(f, "{} erased", ticket(*number)),
            Self::RequestsForgotten { count: 1 } => f.write_str("1 old call request forgotten"),
            Self::RequestsForgotten { count } => write!(f, "{count} old call requests forgotten"),
            Self::IncidentNamed { name, kind, .. } => {
                let kind = kind.as_ref().map(|kind| format!(" ({kind})")).unwrap_or_default();
                write!(f, "The incident is called {}{kind}", name.as_deref().unwrap_or("nothing in particular"))
            }
            Self::CommandTaken { .. } => f.write_str("Takes command of the incident"),
            Self::Joined { .. } => f.write_str("Is present"),
            Self::Left { .. } => f.write_str("Has left"),
            Self::Noted { text, .. } => write!(f, "Note: {text}"),
            Self::Decided { text, .. } => write!(f, "Decision: {text}"),
            Self::Attached { name, .. } => write!(f, "Text attached: {name}"),
            Self::ReviewDue { minutes, .. } => {
                write!(f, "Lock ordered {minutes} minutes ago: is it still needed? Seniors are asked")
            }
            Self::StillNeeded { .. } => f.write_str("The lock is still needed"),
            Self::RaisedByMistake { .. } => {
                f.write_str("Ordered by mistake, says who ordered the lock: a senior must give the all-clear")
            }
            Self::SignedIn => f.write_str("Signed in"),
            Self::PasskeyProved => f.write_str("Confirmed with a passkey"),
            Self::PinSet { name, .. } => write!(f, "{name} set a PIN"),
            Self::PinRemoved { name, .. } => write!(f, "The PIN of {name} was removed"),
            Self::CodesMade { name, serials, .. } => {
                write!(f, "Sealed codes for {name} printed: {}", serials.join(", "))
            }
            Self::CodesRevoked { name, serials, .. } => {
                write!(f, "Sealed codes of {name} taken back: {}", serials.join(", "))
            }
            Self::IdentityLost { why } => {
                write!(
                    f,
                    "The identity provider cannot be reached; people can sign in with passkeys and sealed codes. {why}"
                )
            }
            Self::IdentityMisconfigured { code } => write!(
                f,
                "Nobody can sign in: the identity provider refuses this application ({code}). Correct its registration"
            ),
            Self::PhoneRefused { device, from, why } => {
                write!(f, "Desk phone {device}{} refused. {why}", coming(from.as_ref()))
            }
            Self::HandoffRefused { from, why } => {
                write!(f, "A gadget{} was not connected. {why}", coming(from.as_ref()))
            }
            Self::AgentsTold { target, failed: None } => {
                write!(f, "Told to every agent’s Finesse desktop: {}", word(*target))
            }
            Self::AgentsTold { failed: Some(why), .. } => write!(f, "The Finesse desktops were not told: {why}"),
            Self::PhonesTold { target, done, failed } => {
                let verb = if *target == Target::Locked { "show the lock" } else { "are cleared" };
                write!(f, "{done} of {} desk phones {verb}{}", done + failed.len(), not_told(failed))
            }
            Self::EnvelopeRefused { from } => {
                write!(f, "A sealed code{} was refused", coming(from.as_ref()))
            }
            Self::IdentityBack => f.write_str("The identity provider can be reached again"),
            Self::SessionExtended => f.write_str("Stays signed in although the shift is over: no identity provider"),
            Self::Reviewed { name, note, .. } => write!(f, "The sign-in of {name} was reviewed: “{note}”"),
            Self::SignedInLocally { by } => write!(f, "Signed in by {by}, without the identity provider"),
            Self::PasskeyAdded { name, label, .. } => write!(f, "{name} added the passkey “{label}”"),
            Self::PasskeyRemoved { name, label, .. } => write!(f, "The passkey “{label}” of {name} was removed"),
            Self::SignedOut => f.write_str("Signed out"),
            Self::WriteProved { object, failed: None } => {
                write!(f, "CUCM can be written: {object} got the value it has")
            }
            Self::WriteProved { object, failed: Some(why) } => {
                write!(f, "CUCM cannot be written: {object} did not get the value it has. {why}")
            }
            Self::WebexLost { why } => write!(f, "The Webex bot is not there. {why}"),
            Self::WebexBack => f.write_str("The Webex bot is there again"),
            Self::MeetingMade { url, .. } => write!(f, "The meeting is at {url}"),
            Self::DevicesTold { target, done, failed } => {
                let what = if *target == Target::Locked { "show the lock" } else { "are cleared" };
                write!(f, "{done} of {} room devices {what}{}", done + failed.len(), not_told(failed))
            }
            Self::ServerStarted { version } => write!(f, "Server {version} started"),
        }
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
