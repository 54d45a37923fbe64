//! When it last worked: drills, and writes that were seen to be taken.

use super::finding::Finding;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::steps::Target;
use lockdown::timeline::{Event, EventKind, EventName};

/// A month: whoever has not practised for longer finds out during a lock what was changed since.
const PRACTISED_EVERY: SignedDuration = SignedDuration::from_hours(31 * 24);

/// What [`last_write`] is about.
pub const WRITES: &str = "right to write";

/// Kinds of events that [`last_drill`] and [`last_write`] look at.
pub const KINDS: [EventName; 4] =
    [EventName::Verified, EventName::Repaired, EventName::WriteProved, EventName::Stopped];

/// Of `site`; `drill` is where its lock is practised. `events` newest first.
pub fn last_drill(site: &SiteId, drill: Option<&SiteId>, events: &[Event], now: Timestamp) -> Finding {
    let what = "last drill";
    let Some(drill) = drill else {
        let fix = "Let an engineer add a site with `drill_of` and canary objects: guide “telecom”, step 7.";
        return Finding::warning(what, "no drill is set up", fix).at(site);
    };
    let verified = |event: &&Event| {
        event.site.as_ref() == Some(drill)
            && matches!(event.kind, EventKind::Verified { target: Target::Locked, steps: 1.., .. })
    };
    let fix = "Run one on the page Drills: it takes a minute and touches no call.";
    match events.iter().find(verified) {
        None => Finding::warning(what, "there was none yet", fix),
        Some(last) if now.duration_since(last.at) > PRACTISED_EVERY => {
            Finding::warning(what, format!("{} ago", days(now, last.at)), fix)
        }
        Some(last) => Finding::good(what, format!("{} ago: {}", days(now, last.at), last.kind)),
    }
    .at(site)
}

/// Did CUCM take a write lately, in a lock, a drill or a proof? Any site's, as it is one account. An order that found
/// everything as it wanted it proves nothing.
pub fn last_write(events: &[Event], now: Timestamp) -> Finding {
    let what = WRITES;
    let fix = "Press “Prove it” on the page Readiness, or run a drill: do not find out during a lock that the AXL user may only read.";
    let says = |event: &&Event| !matches!(event.kind, EventKind::Verified { written: Some(0), .. });
    // By when it was: what happened at a server that was cut off is numbered when it is passed on.
    match events.iter().filter(says).max_by_key(|event| event.at) {
        None => Finding::warning(what, "CUCM was never written", fix),
        Some(Event { kind: EventKind::WriteProved { failed: Some(why), .. }, at, .. }) => Finding::bad(
            what,
            format!("{} ago CUCM did not take a write: {why}", days(now, *at)),
            "Give the AXL user the role that may write (guide “telecom”, step 2), then press “Prove it”.",
        ),
        Some(Event { kind: EventKind::Stopped { why, .. }, at, .. }) => Finding::bad(
            what,
            format!("{} ago an order stopped: {why}", days(now, *at)),
            "Mend what it says, then press “Prove it” or have a drill.",
        ),
        Some(last) if now.duration_since(last.at) > PRACTISED_EVERY => {
            Finding::warning(what, format!("last seen {} ago", days(now, last.at)), fix)
        }
        Some(last) => Finding::good(what, format!("seen {} ago: {}", days(now, last.at), last.kind)),
    }
}

fn days(now: Timestamp, then: Timestamp) -> String {
    let passed = now.duration_since(then);
    match (passed.as_hours(), passed.as_mins()) {
        (48.., _) => format!("{} days", passed.as_hours() / 24),
        (2.., _) => format!("{} h", passed.as_hours()),
        (_, minutes) => format!("{} min", minutes.max(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::last_write;
    use crate::services::readiness::Verdict;
    use jiff::{SignedDuration, Timestamp};
    use lockdown::steps::Target;
    use lockdown::timeline::{Event, EventKind};

    #[test]
    fn an_order_that_wrote_nothing_does_not_show_that_cucm_takes_writes() {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
        let verified = |written| {
            let kind = EventKind::Verified { target: Target::Locked, steps: 4, took_ms: 9, written };
            Event { id: "1".into(), seq: 1, at: now, site: None, by: None, kind }
        };
        let verdict = |events: &[Event]| last_write(events, now).verdict;
        assert_eq!(verdict(&[verified(Some(0)), verified(Some(2))]), Verdict::Good);
        assert_eq!(verdict(&[verified(Some(0))]), Verdict::Warning);
        assert_eq!(verdict(&[verified(None)]), Verdict::Good, "of before it was counted");
        let stopped = EventKind::Stopped { target: Target::Locked, why: "401".into() };
        let before = Event { seq: 9, at: now - SignedDuration::from_mins(9), kind: stopped, ..verified(None) };
        assert_eq!(verdict(&[before.clone(), verified(Some(2))]), Verdict::Good, "passed on later, and mended since");
        assert_eq!(verdict(&[verified(Some(0)), before]), Verdict::Bad);
    }
}
