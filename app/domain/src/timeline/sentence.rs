//! The sentence that an operator reads for each kind of event.

use super::{EventKind, StepNote};
use crate::call_request::ticket;
use crate::ids::ActivationId;
use crate::operator::Act;
use crate::steps::Target;
use std::fmt;

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
    if failed.is_empty() { String::new() } else { format!(". Could not notify: {}", listed(failed)) }
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
            Self::HookAdded { name, url_host, .. } => write!(f, "Webhook {name} added; it sends to {url_host}"),
            Self::HookRemoved { name, .. } => write!(f, "Webhook {name} removed"),
            Self::HookRotated { name, .. } => write!(f, "Webhook {name} got a new secret"),
            Self::HookEnabled { name, .. } => write!(f, "Webhook {name} is on again"),
            Self::HookGaveUp { name, why, .. } => write!(f, "Webhook {name} could not deliver an event: {why}"),
            Self::HookDisabled { name, why, .. } => write!(f, "Webhook {name} is off: {why}"),
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
                write!(f, "Shown on every agent’s Finesse desktop: {}", word(*target))
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
                write!(f, "CUCM can be written: {object} was rewritten with its current value")
            }
            Self::WriteProved { object, failed: Some(why) } => {
                write!(f, "CUCM cannot be written: {object} could not be rewritten with its current value. {why}")
            }
            Self::WebexLost { why } => write!(f, "The Webex bot is unavailable. {why}"),
            Self::WebexBack => f.write_str("The Webex bot is available again"),
            Self::MeetingMade { url, .. } => write!(f, "The meeting is at {url}"),
            Self::DevicesTold { target, done, failed } => {
                let what = if *target == Target::Locked { "show the lock" } else { "are cleared" };
                write!(f, "{done} of {} room devices {what}{}", done + failed.len(), not_told(failed))
            }
            Self::ServerStarted { version } => write!(f, "Server {version} started"),
        }
    }
}
