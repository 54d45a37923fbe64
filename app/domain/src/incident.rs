//! The EOC's file about an activation. Nothing of it is stored apart: an incident is what the timeline
//! says between a lock and the all-clear that was verified, so that nothing of it is lost without a database,
//! and it is the same on every server and as hard to change as the timeline.

use crate::ids::{ActivationId, IncidentId, SiteId};
use crate::operator::Actor;
use crate::steps::Target;
use crate::timeline::{Event, EventKind, EventName};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The events an incident is made of; see [`incidents`].
pub const SHAPING: &[EventName] = &[
    EventName::LockOrdered,
    EventName::ReleaseOrdered,
    EventName::Verified,
    EventName::OrdersDisagreed,
    EventName::IncidentNamed,
    EventName::CommandTaken,
    EventName::Joined,
    EventName::Left,
    EventName::ReviewDue,
    EventName::StillNeeded,
    EventName::RaisedByMistake,
    EventName::MeetingMade,
];

/// How far it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Phase {
    /// The lock is ordered.
    Open,
    /// The all-clear is ordered, and not verified yet.
    Ending {
        since: Timestamp,
    },
    Closed {
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    pub site: SiteId,
    /// What people call it; until somebody named it, the day and the hour.
    pub name: Option<String>,
    /// "fire", "gas", "weather": whatever the EOC calls it.
    pub kind: Option<String>,
    pub opened_at: Timestamp,
    pub opened_by: Option<Actor>,
    /// Why the first lock was ordered.
    pub reason: Option<String>,
    /// Every lock that belongs to it: one pressed before the all-clear was verified joins.
    pub activations: Vec<ActivationId>,
    pub commander: Option<Actor>,
    /// Who said they are there, and did not leave.
    pub present: Vec<Actor>,
    pub phase: Phase,
    /// Since when it is locked without a break, for the review.
    pub locked_since: Timestamp,
    /// When seniors were last asked whether it is still needed.
    pub asked_at: Option<Timestamp>,
    /// When a senior last said so.
    pub needed_at: Option<Timestamp>,
    /// Whoever locked says it was a mistake.
    pub mistake: Option<Actor>,
    /// Where its meeting is joined.
    pub meeting: Option<String>,
    /// The numbers of its first event and, once it is closed, of its last.
    pub first: u64,
    pub last: Option<u64>,
}

/// What somebody adds to an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Note(String),
    Decision(String),
    Attachment {
        name: String,
        text: String,
    },
    Name {
        name: String,
        kind: String,
    },
    TakeCommand,
    Join,
    Leave,
    StillNeeded,
    /// "I locked by mistake."
    Mistake,
}

impl Entry {
    /// The entry a form names; `None` for no word of ours.
    pub fn of(word: &str, name: String, text: String) -> Option<Self> {
        Some(match word {
            "note" => Self::Note(text),
            "decision" => Self::Decision(text),
            "attach" => Self::Attachment { name, text },
            "name" => Self::Name { name, kind: text },
            "command" => Self::TakeCommand,
            "join" => Self::Join,
            "leave" => Self::Leave,
            "still_needed" => Self::StillNeeded,
            "mistake" => Self::Mistake,
            _ => return None,
        })
    }
}

impl Incident {
    /// An exercise on objects that no call depends on.
    pub fn is_drill(&self) -> bool {
        self.activations.first().is_some_and(ActivationId::is_drill)
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.phase, Phase::Closed { .. })
    }

    /// From the first lock to the verified all-clear, or until now.
    pub fn lasted(&self, now: Timestamp) -> SignedDuration {
        let end = match self.phase {
            Phase::Closed { at } => at,
            Phase::Open | Phase::Ending { .. } => now,
        };
        end.duration_since(self.opened_at)
    }

    /// Does an event belong to it? What concerns no site (a database that is away) belongs to all.
    pub fn holds(&self, event: &Event) -> bool {
        let here = event.site.as_ref().is_none_or(|site| *site == self.site);
        let about = event.kind.incident();
        about.map_or_else(
            || here && event.seq >= self.first && self.last.is_none_or(|last| event.seq <= last),
            |id| *id == self.id,
        )
    }

    /// When seniors are to be asked next: after `first` locked, then every `again`. `None` while an
    /// all-clear is under way.
    pub fn review_at(&self, first: SignedDuration, again: SignedDuration) -> Option<Timestamp> {
        if self.phase != Phase::Open {
            return None;
        }
        let last = self.asked_at.max(self.needed_at).filter(|at| *at >= self.locked_since);
        Some(last.map_or(self.locked_since + first, |at| at + again))
    }

    /// Seniors were asked, and none has answered.
    pub fn is_asked(&self) -> bool {
        self.is_open() && self.asked_at.is_some_and(|asked| self.needed_at.is_none_or(|needed| needed < asked))
    }

    fn opened(event: &Event, activation: &ActivationId, reason: Option<String>) -> Option<Self> {
        Some(Self {
            id: incident_of(activation)?,
            site: event.site.clone()?,
            name: None,
            kind: None,
            opened_at: event.at,
            opened_by: event.by.clone(),
            reason,
            activations: vec![activation.clone()],
            commander: None,
            present: vec![],
            phase: Phase::Open,
            locked_since: event.at,
            asked_at: None,
            needed_at: None,
            mistake: None,
            meeting: None,
            first: event.seq,
            last: None,
        })
    }

    fn locked(&mut self, event: &Event, activation: &ActivationId) {
        if self.phase != Phase::Open {
            self.locked_since = event.at;
            self.mistake = None;
        }
        self.phase = Phase::Open;
        if !self.activations.contains(activation) {
            self.activations.push(activation.clone());
        }
    }

    fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::IncidentNamed { name, kind, .. } => {
                self.name.clone_from(name);
                self.kind.clone_from(kind);
            }
            EventKind::CommandTaken { .. } => self.commander.clone_from(&event.by),
            EventKind::Joined { .. } => {
                self.left(event);
                self.present.extend(event.by.clone());
            }
            EventKind::Left { .. } => self.left(event),
            EventKind::ReviewDue { .. } => self.asked_at = Some(event.at),
            EventKind::StillNeeded { .. } => self.needed_at = Some(event.at),
            EventKind::RaisedByMistake { .. } => self.mistake.clone_from(&event.by),
            EventKind::MeetingMade { url, .. } => self.meeting = Some(url.clone()),
            _ => {}
        }
    }

    fn left(&mut self, event: &Event) {
        let who = event.by.as_ref().map(|by| &by.id);
        self.present.retain(|present| Some(&present.id) != who);
    }
}

/// The incident a lock opens has the lock's own name.
pub fn incident_of(activation: &ActivationId) -> Option<IncidentId> {
    let name = activation.as_str().strip_prefix("act-").unwrap_or(activation.as_str());
    IncidentId::try_from(format!("inc-{name}")).ok()
}

/// The incidents that events tell of, in the order they were opened. Events in the order of their
/// numbers; those of [`SHAPING`] are enough.
pub fn incidents<'e>(events: impl IntoIterator<Item = &'e Event>) -> Vec<Incident> {
    let mut all: Vec<Incident> = Vec::new();
    // The place in `all` of each site's last one.
    let mut last: BTreeMap<SiteId, usize> = BTreeMap::new();
    for event in events {
        if let Some(about) = event.kind.incident() {
            if let Some(incident) = all.iter_mut().find(|incident| incident.id == *about) {
                incident.take(event);
            }
            continue;
        }
        let Some(site) = &event.site else { continue };
        let known = last.get(site).copied();
        match (&event.kind, known) {
            (EventKind::LockOrdered { activation, .. }, Some(at)) if all[at].is_open() => {
                all[at].locked(event, activation);
            }
            (EventKind::LockOrdered { activation, reason }, _) => {
                if let Some(incident) = Incident::opened(event, activation, reason.clone()) {
                    last.insert(site.clone(), all.len());
                    all.push(incident);
                }
            }
            (EventKind::ReleaseOrdered { .. }, Some(at)) if all[at].is_open() => {
                all[at].phase = Phase::Ending { since: event.at };
            }
            (EventKind::Verified { target: Target::Normal, .. }, Some(at))
                if matches!(all[at].phase, Phase::Ending { .. }) =>
            {
                all[at].phase = Phase::Closed { at: event.at };
                all[at].last = Some(event.seq);
            }
            // The all-clear of another server was given up: it is locked still.
            (EventKind::OrdersDisagreed { kept: Target::Locked, .. }, Some(at)) => {
                all[at].phase = Phase::Open;
                all[at].last = None;
            }
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OperatorId;
    use crate::operator::Surface;

    fn site() -> SiteId {
        SiteId::try_from("north").unwrap()
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn by(id: &str) -> Actor {
        Actor { id: OperatorId::try_from(id).unwrap(), name: id.into(), surface: Surface::Web }
    }

    fn activation(n: u32) -> ActivationId {
        ActivationId::try_from(format!("act-{n}")).unwrap()
    }

    /// One a minute.
    fn told(kinds: Vec<EventKind>) -> Vec<Event> {
        let event = |(n, kind): (usize, EventKind)| Event {
            id: format!("e-{n}"),
            seq: n as u64 + 1,
            at: at(i64::try_from(n).unwrap()),
            site: Some(site()),
            by: Some(by("eoc-1")),
            kind,
        };
        kinds.into_iter().enumerate().map(event).collect()
    }

    fn lock(n: u32) -> EventKind {
        EventKind::LockOrdered { activation: activation(n), reason: None }
    }

    fn release(n: u32) -> EventKind {
        EventKind::ReleaseOrdered { activation: activation(n), reason: None, alone: false, with: None }
    }

    fn verified(target: Target) -> EventKind {
        EventKind::Verified { target, steps: 4, took_ms: 900, written: Some(1) }
    }

    #[test]
    fn a_lock_opens_an_incident_and_the_verified_all_clear_closes_it() {
        let mut kinds = vec![lock(1), verified(Target::Locked), release(1)];
        let open = incidents(&told(kinds.clone()));
        assert_eq!((open.len(), &open[0].phase), (1, &Phase::Ending { since: at(2) }));
        kinds.push(verified(Target::Normal));
        kinds.extend([lock(2)]);
        let all = incidents(&told(kinds));
        assert_eq!(all.len(), 2);
        assert_eq!((&all[0].phase, all[0].first, all[0].last), (&Phase::Closed { at: at(3) }, 1, Some(4)));
        assert_eq!(all[0].lasted(at(99)), SignedDuration::from_mins(3));
        assert_eq!(all[1].id.as_str(), "inc-2");
    }

    #[test]
    fn a_drill_says_so_in_its_name_and_in_its_timeline() {
        let activation = ActivationId::try_from("drill-20270115-080000-0badcafe").unwrap();
        let all = incidents(&told(vec![lock(1), release(1), verified(Target::Normal), lock(2)]));
        assert!(all.iter().all(|live| !live.is_drill()));
        let events = told(vec![EventKind::LockOrdered { activation, reason: None }]);
        let drill = &incidents(&events)[0];
        assert!(drill.is_drill());
        assert_eq!(drill.id.as_str(), "inc-drill-20270115-080000-0badcafe");
        assert_eq!(events[0].kind.to_string(), "DRILL. Lock ordered");
    }

    #[test]
    fn a_lock_before_the_all_clear_is_verified_joins_the_open_incident() {
        let all = incidents(&told(vec![lock(1), release(1), lock(2), verified(Target::Locked)]));
        assert_eq!(all.len(), 1);
        assert_eq!((&all[0].phase, all[0].activations.len()), (&Phase::Open, 2));
    }

    #[test]
    fn an_all_clear_that_was_given_up_opens_it_again() {
        let disagreed = EventKind::OrdersDisagreed { kept: Target::Locked, dropped_by: None };
        let all = incidents(&told(vec![lock(1), release(1), verified(Target::Normal), disagreed]));
        assert_eq!((&all[0].phase, all[0].last), (&Phase::Open, None));
    }

    #[test]
    fn who_is_there_and_who_leads_is_what_they_said_last() {
        let incident = IncidentId::try_from("inc-1").unwrap();
        let mut events = told(vec![
            lock(1),
            EventKind::Joined { incident: incident.clone() },
            EventKind::Joined { incident: incident.clone() },
            EventKind::CommandTaken { incident: incident.clone() },
            EventKind::Left { incident: incident.clone() },
            EventKind::IncidentNamed { incident, name: Some("Fire in the mill".into()), kind: Some("fire".into()) },
        ]);
        events[1].by = Some(by("eoc-2"));
        let one = &incidents(&events)[0];
        assert_eq!(one.present.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["eoc-2"]);
        assert_eq!(one.commander, Some(by("eoc-1")));
        assert_eq!((one.name.as_deref(), one.kind.as_deref()), (Some("Fire in the mill"), Some("fire")));
    }

    #[test]
    fn seniors_are_asked_after_an_hour_and_then_every_half() {
        let first = SignedDuration::from_mins(60);
        let again = SignedDuration::from_mins(30);
        let incident = IncidentId::try_from("inc-1").unwrap();
        let due = |events: &[Event]| incidents(events)[0].review_at(first, again);
        let mut events = told(vec![lock(1), EventKind::ReviewDue { incident: incident.clone(), minutes: 60 }]);
        assert_eq!(due(&events[..1]), Some(at(60)));
        assert_eq!(due(&events), Some(at(31)));
        assert!(incidents(&events)[0].is_asked());
        events.extend(told(vec![lock(1), lock(1), EventKind::StillNeeded { incident }]).split_off(2));
        assert_eq!(due(&events), Some(at(32)));
        assert!(!incidents(&events)[0].is_asked());
        events.extend(told(vec![lock(1), lock(1), lock(1), release(1)]).split_off(3));
        assert_eq!(due(&events), None, "an all-clear is under way");
    }

    #[test]
    fn an_event_belongs_to_the_incident_it_names_or_in_whose_time_it_fell() {
        let events = told(vec![lock(1), release(1), verified(Target::Normal), EventKind::DriftEnded]);
        let one = &incidents(&events)[0];
        assert_eq!(events.iter().filter(|event| one.holds(event)).count(), 3);
        let note = EventKind::Noted { incident: one.id.clone(), text: "after the fact".into() };
        assert!(one.holds(&Event { kind: note, ..events[3].clone() }), "a note may follow");
        let elsewhere = Event { site: Some(SiteId::try_from("south").unwrap()), ..events[1].clone() };
        assert!(!one.holds(&elsewhere));
    }
}
