//! What an incident came to: a draft made of the timeline and the queue, for people to finish.

use crate::call_request::{CallRequest, Deed};
use crate::ids::{ActivationId, IncidentId, SiteId};
use crate::incident::{Incident, Phase};
use crate::operator::Act;
use crate::steps::Target;
use crate::timeline::{Event, EventKind, EventName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Times are exact moments; spans are seconds unless their name says milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub incident: IncidentId,
    pub site: SiteId,
    pub name: Option<String>,
    pub kind: Option<String>,
    /// An exercise: no call was touched.
    pub drill: bool,
    pub opened_at: Timestamp,
    /// `None` while it is open: then this is a draft of a draft.
    pub closed_at: Option<Timestamp>,
    pub lasted_s: i64,
    pub commander: Option<String>,
    pub locks: Vec<Ordered>,
    pub all_clears: Vec<Ordered>,
    /// What each person did, by the words of the timeline.
    pub people: BTreeMap<String, BTreeMap<String, usize>>,
    /// Orders that were refused.
    pub refusals: usize,
    /// Times somebody changed CUCM meanwhile, and repairs of it.
    pub drifts: usize,
    pub repairs: usize,
    pub gaps: Vec<Gap>,
    /// `None` where they may not be seen, or cannot be had.
    pub calls: Option<Calls>,
}

/// An order, and how long it took to be verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    pub activation: ActivationId,
    pub at: Timestamp,
    pub by: String,
    pub reason: Option<String>,
    pub verified_after_ms: Option<u64>,
}

/// A time in which something could not be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    pub what: String,
    pub from: Timestamp,
    /// `None`: to the end.
    pub to: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    pub all: usize,
    /// By the word of their state.
    pub by_state: BTreeMap<String, usize>,
    pub by_priority: BTreeMap<String, usize>,
    /// How long the slowest waited until somebody looked at it; of one nobody looked at, until the end, or now.
    pub longest_wait_s: Option<i64>,
    /// That nobody looked at.
    #[serde(default)]
    pub unseen: usize,
    /// Still open when the report was made.
    pub open: Vec<String>,
}

impl Report {
    /// `events` and `requests` are the incident's own, events in the order of their numbers; `before`: outages that had
    /// begun and not ended when it was opened.
    pub fn of(
        incident: &Incident,
        before: &[Event],
        events: &[Event],
        requests: Option<&[CallRequest]>,
        now: Timestamp,
    ) -> Self {
        let count = |wanted: fn(&EventKind) -> bool| events.iter().filter(|event| wanted(&event.kind)).count();
        Self {
            incident: incident.id.clone(),
            site: incident.site.clone(),
            name: incident.name.clone(),
            kind: incident.kind.clone(),
            drill: incident.is_drill(),
            opened_at: incident.opened_at,
            closed_at: match incident.phase {
                Phase::Closed { at } => Some(at),
                Phase::Open | Phase::Ending { .. } => None,
            },
            lasted_s: incident.lasted(now).as_secs(),
            commander: incident.commander.as_ref().map(|who| who.name.clone()),
            locks: orders(events, Target::Locked),
            all_clears: orders(events, Target::Normal),
            people: people(events),
            refusals: count(|kind| matches!(kind, EventKind::Refused { act: Act::Lock | Act::Release, .. })),
            drifts: count(|kind| matches!(kind, EventKind::Drifted { .. })),
            repairs: count(|kind| matches!(kind, EventKind::Repaired { .. })),
            gaps: gaps(before.iter().chain(events)),
            calls: requests.map(|requests| calls(requests, incident.opened_at + incident.lasted(now), now)),
        }
    }
}

fn orders(events: &[Event], target: Target) -> Vec<Ordered> {
    let mut all: Vec<Ordered> = Vec::new();
    for event in events {
        match (&event.kind, target) {
            (EventKind::LockOrdered { activation, reason }, Target::Locked)
            | (EventKind::ReleaseOrdered { activation, reason, .. }, Target::Normal) => all.push(Ordered {
                activation: activation.clone(),
                at: event.at,
                by: event.by.as_ref().map_or_else(String::new, ToString::to_string),
                reason: reason.clone(),
                verified_after_ms: None,
            }),
            (EventKind::Verified { target: verified, took_ms, .. }, _) if *verified == target => {
                if let Some(order) = all.last_mut() {
                    order.verified_after_ms.get_or_insert(*took_ms);
                }
            }
            _ => {}
        }
    }
    all
}

fn people(events: &[Event]) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut people: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for event in events {
        if let Some(by) = &event.by {
            let did = people.entry(by.name.clone()).or_default();
            *did.entry(event.kind.name().word().to_owned()).or_default() += 1;
        }
    }
    people
}

/// Of `events` in the order of their numbers, the outages that have not ended: the last word of each kind counts.
pub fn open_outages(events: &[Event]) -> Vec<Event> {
    let open = gaps(events.iter());
    let began = |event: &&Event| open.iter().any(|gap| gap.to.is_none() && gap.from == event.at);
    events.iter().filter(began).filter(|event| OUTAGES.contains(&event.kind.name())).cloned().collect()
}

/// Events that begin or end a time in which something could not be known.
pub const OUTAGES: [EventName; 6] = [
    EventName::CucmLost,
    EventName::CucmBack,
    EventName::SharedLost,
    EventName::SharedBack,
    EventName::IdentityLost,
    EventName::IdentityBack,
];

fn gaps<'e>(events: impl Iterator<Item = &'e Event>) -> Vec<Gap> {
    let mut gaps: Vec<Gap> = Vec::new();
    for event in events {
        let (what, begins) = match event.kind {
            EventKind::CucmLost { .. } => ("CUCM could not be seen", true),
            EventKind::CucmBack => ("CUCM could not be seen", false),
            EventKind::SharedLost { .. } => ("the shared database could not be reached", true),
            EventKind::SharedBack => ("the shared database could not be reached", false),
            EventKind::IdentityLost { .. } => ("the identity provider could not be reached", true),
            EventKind::IdentityBack => ("the identity provider could not be reached", false),
            _ => continue,
        };
        let open = gaps.iter_mut().find(|gap| gap.what == what && gap.to.is_none());
        match (open, begins) {
            (None, true) => gaps.push(Gap { what: what.to_owned(), from: event.at, to: None }),
            (Some(gap), false) => gap.to = Some(event.at),
            _ => {}
        }
    }
    gaps
}

/// Whoever nobody looked at waits still, until the end of the incident.
fn calls(requests: &[CallRequest], end: Timestamp, now: Timestamp) -> Calls {
    let mut calls = Calls { all: requests.len(), ..Calls::default() };
    for request in requests {
        *calls.by_state.entry(request.word(now).to_owned()).or_default() += 1;
        *calls.by_priority.entry(request.priority.word().to_owned()).or_default() += 1;
        let looked = request.story.iter().find(|entry| entry.by.is_some() && entry.did != Deed::GiveBack);
        let until = looked.map_or(end, |entry| entry.at);
        let waited = until.duration_since(request.filed_at).as_secs().max(0);
        calls.longest_wait_s = calls.longest_wait_s.max(Some(waited));
        calls.unseen += usize::from(looked.is_none());
        if request.is_open() {
            calls.open.push(request.ticket());
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_request::{Direction, Phone, Priority, Stage};
    use crate::ids::{OperatorId, RequestId};
    use crate::incident::incidents;
    use crate::operator::{Actor, Authority, Operator, Role, Surface};
    use jiff::SignedDuration;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn eoc() -> Operator {
        Operator {
            id: OperatorId::try_from("eoc").unwrap(),
            name: "EOC 1".into(),
            surface: Surface::Web,
            authority: Authority::Roles([Role::Eoc].into()),
        }
    }

    fn told(kinds: Vec<(i64, Option<Actor>, EventKind)>) -> Vec<Event> {
        let event = |(n, (second, by, kind)): (usize, (i64, Option<Actor>, EventKind))| Event {
            id: n.to_string(),
            seq: n as u64 + 1,
            at: at(second),
            site: Some(SiteId::try_from("north").unwrap()),
            by,
            kind,
        };
        kinds.into_iter().enumerate().map(event).collect()
    }

    #[test]
    fn a_report_says_who_did_what_how_long_it_took_and_what_was_not_known() {
        let activation = ActivationId::try_from("act-1").unwrap();
        let me = Some(eoc().actor());
        let events = told(vec![
            (0, me.clone(), EventKind::LockOrdered { activation: activation.clone(), reason: Some("fire".into()) }),
            (2, None, EventKind::Verified { target: Target::Locked, steps: 4, took_ms: 1_900, written: Some(1) }),
            (60, None, EventKind::CucmLost { why: "timeout".into() }),
            (90, None, EventKind::CucmBack),
            (95, None, EventKind::SharedLost { why: "down".into() }),
            (100, me.clone(), EventKind::ReleaseOrdered { activation, reason: None, alone: false, with: None }),
            (103, None, EventKind::Verified { target: Target::Normal, steps: 4, took_ms: 3_000, written: Some(1) }),
        ]);
        let request = CallRequest {
            id: RequestId::try_from("req-1").unwrap(),
            version: 1,
            number: 1,
            site: SiteId::try_from("north").unwrap(),
            incident: None,
            filed_at: at(10),
            filed_by: None,
            direction: Direction::Outbound,
            who: "Ann".into(),
            call_back: Phone::unread("4711".into()),
            reason: "family".into(),
            priority: Priority::Normal,
            other: None,
            reference: None,
            stage: Stage::New,
            claim: None,
            story: vec![],
            form: String::new(),
        };
        let claimed = request.done(&eoc(), Deed::Claim, at(40), SignedDuration::from_mins(15)).unwrap();
        let incident = &incidents(&events)[0];
        let requests = [claimed, CallRequest { number: 2, ..request }];
        assert_eq!(Report::of(incident, &[], &events, None, at(200)).calls, None, "not: there were none");
        let report = Report::of(incident, &[], &events, Some(&requests), at(200));
        assert_eq!((report.closed_at, report.lasted_s), (Some(at(103)), 103));
        assert_eq!(report.locks[0].verified_after_ms, Some(1_900));
        assert_eq!(report.all_clears[0].verified_after_ms, Some(3_000));
        let mine = &report.people["EOC 1"];
        assert_eq!((mine["lock_ordered"], mine["release_ordered"]), (1, 1));
        let gaps: Vec<_> = report.gaps.iter().map(|gap| (gap.from, gap.to)).collect();
        assert_eq!(gaps, [(at(60), Some(at(90))), (at(95), None)]);
        let calls = report.calls.unwrap();
        assert_eq!(
            (calls.all, calls.longest_wait_s, calls.unseen),
            (2, Some(93), 1),
            "nobody looked at the second one"
        );
        assert_eq!(calls.by_state.into_iter().collect::<Vec<_>>(), [("claimed".into(), 1), ("new".into(), 1)]);
        assert_eq!(calls.open, ["R-1", "R-2"]);
    }
}
