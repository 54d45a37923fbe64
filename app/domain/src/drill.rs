//! How long it took each time the lock was practised: the stopwatch, made of the timeline.

use crate::ids::{IncidentId, SiteId};
use crate::incident::Incident;
use crate::report::Report;
use crate::timeline::{Event, EventKind};
use jiff::Timestamp;

/// One drill, from its lock to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practised {
    pub incident: IncidentId,
    /// The drill's own site.
    pub site: SiteId,
    pub at: Timestamp,
    /// Who began it.
    pub by: String,
    /// Canary objects that were read back; 0 where it was never verified.
    pub steps: usize,
    /// From the press to the moment every canary was read back locked.
    pub lock_ms: Option<u64>,
    /// The same for its end.
    pub end_ms: Option<u64>,
    /// It was ended, and every canary was read back normal.
    pub over: bool,
}

/// Every drill in these files, newest first. `events` in the order of their numbers.
pub fn history(incidents: &[Incident], events: &[Event], now: Timestamp) -> Vec<Practised> {
    let drills = incidents.iter().rev().filter(|incident| incident.is_drill());
    drills.filter_map(|incident| Practised::of(incident, events, now)).collect()
}

/// The middle of how long locks took, ms; of an even number the slower of the two.
pub fn median_lock_ms(drills: &[Practised]) -> Option<u64> {
    let mut times: Vec<u64> = drills.iter().filter_map(|drill| drill.lock_ms).collect();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

impl Practised {
    fn of(incident: &Incident, events: &[Event], now: Timestamp) -> Option<Self> {
        let own: Vec<Event> = events.iter().filter(|event| incident.holds(event)).cloned().collect();
        let report = Report::of(incident, &[], &own, None, now);
        let lock = report.locks.first()?;
        let steps = own.iter().find_map(|event| match event.kind {
            EventKind::Verified { steps, .. } => Some(steps),
            _ => None,
        });
        Some(Self {
            incident: incident.id.clone(),
            site: incident.site.clone(),
            at: lock.at,
            by: lock.by.clone(),
            steps: steps.unwrap_or(0),
            lock_ms: lock.verified_after_ms,
            end_ms: report.all_clears.last().and_then(|clear| clear.verified_after_ms),
            over: !incident.is_open(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ActivationId;
    use crate::incident::incidents;
    use crate::steps::Target;

    fn event(seq: u64, kind: EventKind) -> Event {
        Event {
            id: format!("e-{seq}"),
            seq,
            at: Timestamp::from_second(1_800_000_000 + i64::try_from(seq).unwrap()).unwrap(),
            site: Some(SiteId::try_from("north-drill").unwrap()),
            by: None,
            kind,
        }
    }

    fn lock(id: &str) -> EventKind {
        EventKind::LockOrdered { activation: ActivationId::try_from(id.to_owned()).unwrap(), reason: None }
    }

    fn end(id: &str) -> EventKind {
        let activation = ActivationId::try_from(id.to_owned()).unwrap();
        EventKind::ReleaseOrdered { activation, reason: None, alone: false, with: None }
    }

    fn verified(target: Target, took_ms: u64) -> EventKind {
        EventKind::Verified { target, steps: 2, took_ms, written: Some(1) }
    }

    #[test]
    fn each_drill_has_its_own_times_and_a_lock_in_earnest_is_none() {
        let first = "drill-20270115-080000-0badcafe";
        let second = "drill-20270116-080000-0badcafe";
        let live = "act-20270117-080000-0badcafe";
        let kinds = [
            lock(first),
            verified(Target::Locked, 400),
            end(first),
            verified(Target::Normal, 300),
            lock(second),
            verified(Target::Locked, 900),
            end(second),
            verified(Target::Normal, 800),
            lock(live),
            verified(Target::Locked, 5_000),
        ];
        let events: Vec<Event> = (1..).zip(kinds).map(|(seq, kind)| event(seq, kind)).collect();
        let drills = history(&incidents(&events), &events, events[9].at);
        let times: Vec<_> = drills.iter().map(|drill| (drill.lock_ms, drill.end_ms, drill.steps, drill.over)).collect();
        assert_eq!(times, [(Some(900), Some(800), 2, true), (Some(400), Some(300), 2, true)]);
        assert_eq!(median_lock_ms(&drills), Some(900));
        assert_eq!(median_lock_ms(&[]), None);
    }

    #[test]
    fn a_drill_that_was_never_verified_says_so() {
        let events = [event(1, lock("drill-20270115-080000-0badcafe"))];
        let drills = history(&incidents(&events), &events, events[0].at);
        assert_eq!((drills[0].lock_ms, drills[0].end_ms, drills[0].steps, drills[0].over), (None, None, 0, false));
        assert_eq!(median_lock_ms(&drills), None);
    }
}
