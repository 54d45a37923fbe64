//! Is the identity provider away? Not at the first failure and not for good: sealed codes and the grace
//! for running sessions depend on it, so it takes more than one lost packet, and ends slowly.
//!
//! *Decision*: down after 3 failures over 2 minutes or more, up after 2 good answers; a grace of 30 minutes after it is back, of
//! 24 hours at most; codes after 3 minutes. *Reason*: one lost packet opens no other way to sign in. *What would change our
//! mind*: outages that are shorter and matter.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

const FAILURES: u32 = 3;
const GOOD: u32 = 2;

/// Sessions may finish what they are at.
const AFTER: SignedDuration = SignedDuration::from_mins(30);

const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// What one look at the provider came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Good,
    Away,
    /// It answers, and refuses: our own registration is wrong, nobody is cut off. As an answer it counts
    /// like a good one.
    Refused,
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Lost,
    Back,
}

/// The last time the provider was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The first look that failed.
    pub began: Timestamp,
    pub ended: Option<Timestamp>,
}

/// Follows the looks, one every `every`.
#[derive(Debug, Clone)]
pub struct Watch {
    every: SignedDuration,
    last: Option<Outage>,
    /// Failures in a row while it counts as there.
    failing: Option<(Timestamp, u32)>,
    /// Good ones in a row while it counts as away.
    good: u32,
}

impl Watch {
    /// Goes on from what was known before a restart.
    pub fn new(every: SignedDuration, last: Option<Outage>) -> Self {
        Self { every, last, failing: None, good: 0 }
    }

    pub fn last(&self) -> Option<Outage> {
        self.last
    }

    fn is_down(&self) -> bool {
        self.last.is_some_and(|outage| outage.ended.is_none())
    }

    /// Away for so long that sealed codes are good: one look longer than it takes to be sure. However long
    /// that lasts: on the third day without the internet the town still needs its all-clear.
    pub fn codes_are_good(&self, now: Timestamp) -> bool {
        let long = |outage: Outage| now.duration_since(outage.began) >= self.every * 3;
        self.is_down() && self.last.is_some_and(long)
    }

    pub fn note(&mut self, seen: Seen, now: Timestamp) -> Option<Change> {
        match (seen, self.is_down()) {
            (Seen::Good | Seen::Refused, false) => {
                self.failing = None;
                None
            }
            (Seen::Good | Seen::Refused, true) => self.recovering(now),
            (Seen::Away, true) => {
                self.good = 0;
                None
            }
            (Seen::Away, false) => self.failed(now),
        }
    }

    fn failed(&mut self, now: Timestamp) -> Option<Change> {
        let (since, times) = self.failing.map_or((now, 1), |(since, times)| (since, times + 1));
        self.failing = Some((since, times));
        if times < FAILURES || now.duration_since(since) < self.every * 2 {
            return None;
        }
        // Away again so soon: for whoever was kept signed in it is one outage.
        let soon = |last: &Outage| last.ended.is_some_and(|ended| since < ended + AFTER);
        let began = self.last.filter(soon).map_or(since, |last| last.began);
        self.last = Some(Outage { began, ended: None });
        (self.failing, self.good) = (None, 0);
        Some(Change::Lost)
    }

    fn recovering(&mut self, now: Timestamp) -> Option<Change> {
        self.good += 1;
        if self.good < GOOD {
            return None;
        }
        if let Some(outage) = &mut self.last {
            outage.ended = Some(now);
        }
        Some(Change::Back)
    }
}

impl Outage {
    /// May a session whose end was reached go on? It must have been alive when the outage began.
    pub fn keeps_alive(&self, opened: Timestamp, ends: Timestamp, now: Timestamp) -> bool {
        let last = self.ended.map_or(self.began + LONGEST, |ended| (ended + AFTER).min(self.began + LONGEST));
        opened <= self.began && ends > self.began && now < last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn watch() -> Watch {
        Watch::new(SignedDuration::from_secs(60), None)
    }

    #[test]
    fn three_failures_over_two_minutes_are_an_outage_and_two_good_looks_end_it() {
        let mut watch = watch();
        let looks = [
            (0, Seen::Away, None),
            (60, Seen::Good, None),
            (120, Seen::Away, None),
            (150, Seen::Away, None),
            (170, Seen::Away, None),
            (240, Seen::Away, Some(Change::Lost)),
            (300, Seen::Away, None),
            (360, Seen::Good, None),
            (420, Seen::Away, None),
            (480, Seen::Good, None),
            (540, Seen::Good, Some(Change::Back)),
        ];
        for (second, seen, change) in looks {
            assert_eq!(watch.note(seen, at(second)), change, "at {second}");
        }
        assert_eq!(watch.last(), Some(Outage { began: at(120), ended: Some(at(540)) }));
    }

    #[test]
    fn a_provider_that_refuses_us_is_not_away() {
        let mut watch = watch();
        for minute in 0..60 {
            assert_eq!(watch.note(Seen::Refused, at(minute * 60)), None);
        }
    }

    #[test]
    fn a_provider_that_refuses_us_was_reached() {
        let mut watch = watch();
        for (second, seen) in [(0, Seen::Away), (60, Seen::Away), (120, Seen::Refused), (180, Seen::Away)] {
            assert_eq!(watch.note(seen, at(second)), None, "at {second}: not three in a row");
        }
        for second in [240, 300] {
            watch.note(Seen::Away, at(second));
        }
        assert!(watch.codes_are_good(at(400)));
        assert_eq!(watch.note(Seen::Refused, at(420)), None);
        assert_eq!(watch.note(Seen::Refused, at(480)), Some(Change::Back));
    }

    #[test]
    fn codes_are_good_from_the_third_minute_until_it_is_back() {
        let mut watch = watch();
        for second in [0, 60, 120] {
            assert!(!watch.codes_are_good(at(second)));
            watch.note(Seen::Away, at(second));
        }
        assert!(!watch.codes_are_good(at(179)));
        assert!(watch.codes_are_good(at(180)));
        assert!(watch.codes_are_good(at(180 + 3 * 86_400)), "an outage of days closes no door");
        watch.note(Seen::Good, at(240));
        assert!(watch.codes_are_good(at(250)), "one good look is not enough");
        watch.note(Seen::Good, at(300));
        assert!(!watch.codes_are_good(at(301)));
    }

    #[test]
    fn an_outage_keeps_sessions_that_were_alive_when_it_began() {
        let hour = 3600;
        let running = Outage { began: at(0), ended: None };
        let opened = at(-11 * hour);
        let ends = at(hour);
        assert!(running.keeps_alive(opened, ends, at(23 * hour)));
        assert!(!running.keeps_alive(opened, ends, at(24 * hour)), "a day at most");
        assert!(!running.keeps_alive(opened, at(-1), at(hour)), "it was over already");
        assert!(!running.keeps_alive(at(1), ends, at(2 * hour)), "opened during the outage: its own time counts");
        let over = Outage { ended: Some(at(2 * hour)), ..running };
        assert!(over.keeps_alive(opened, ends, at(2 * hour + 1799)));
        assert!(!over.keeps_alive(opened, ends, at(2 * hour + 1800)));
    }

    #[test]
    fn away_again_within_half_an_hour_is_one_outage_for_those_it_keeps_signed_in() {
        let over =
            |ended| Watch::new(SignedDuration::from_secs(60), Some(Outage { began: at(0), ended: Some(at(ended)) }));
        for (again, began) in [(7200 + 1799, 0), (7200 + 1800, 7200 + 1800)] {
            let mut watch = over(7200);
            for look in 0..3 {
                watch.note(Seen::Away, at(again + look * 60));
            }
            assert_eq!(watch.last(), Some(Outage { began: at(began), ended: None }), "again at {again}");
        }
    }

    #[test]
    fn an_outage_goes_on_over_a_restart() {
        let mut watch = Watch::new(SignedDuration::from_secs(60), Some(Outage { began: at(0), ended: None }));
        assert!(watch.codes_are_good(at(400)));
        watch.note(Seen::Good, at(460));
        assert_eq!(watch.note(Seen::Good, at(520)), Some(Change::Back));
    }
}
