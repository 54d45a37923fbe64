//! When time schedules are active, on the clock of one place.
//!
//! Source: CUCM's administration guide, time periods: one that names days of the year goes before those of the week, and of
//! periods of the same day one with hours before one without.

use crate::dial_plan::DialPlan;
use crate::hours::Clocked;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Hours of some days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// From and until, in minutes since midnight; `None`: no office hours.
    pub hours: Option<(u16, u16)>,
    pub days: Days,
}

/// Both ends belong to it; it may go over the end of the week, or of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    Every,
    /// 0 is Sunday.
    OfWeek {
        from: i8,
        to: i8,
    },
    /// Month and day, both from 1.
    OfYear {
        from: (i8, i8),
        to: (i8, i8),
    },
}

impl Days {
    fn include(self, at: DateTime) -> bool {
        match self {
            Self::Every => true,
            Self::OfWeek { from, to } => is_between(at.weekday().to_sunday_zero_offset(), from, to),
            Self::OfYear { from, to } => is_between((at.month(), at.day()), from, to),
        }
    }

    fn are_of_year(self) -> bool {
        matches!(self, Self::OfYear { .. })
    }
}

fn is_between<T: PartialOrd + Copy>(one: T, from: T, to: T) -> bool {
    if from <= to { from <= one && one <= to } else { from <= one || one <= to }
}

/// A moment, on each clock that a partition may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Where people call from: the site's.
    pub here: DateTime,
    /// By the name of the zone, as far as it is known.
    pub elsewhere: BTreeMap<String, DateTime>,
}

impl DialPlan {
    /// Zones on whose clocks partitions are active or not.
    pub fn zones(&self) -> BTreeSet<&str> {
        self.partitions.iter().filter_map(|partition| partition.zone.as_deref()).collect()
    }
}

/// Whether partitions that follow a schedule on this clock are active then, in whichever state of a dial plan it was read;
/// `None` where its periods or the zone are not known.
pub fn is_active_at<'p>(states: impl Iterator<Item = &'p DialPlan>, followed: &Clocked, at: &Moment) -> Option<bool> {
    let mut schedules = states.flat_map(|state| &state.schedules);
    let periods = &schedules.find(|one| one.name == followed.schedule)?.periods;
    let clock = match &followed.zone {
        None => at.here,
        Some(zone) => *at.elsewhere.get(zone)?,
    };
    (!periods.is_empty()).then(|| is_active(periods, clock))
}

fn is_active(periods: &[Period], at: DateTime) -> bool {
    let today: Vec<&Period> = periods.iter().filter(|period| period.days.include(at)).collect();
    let of_year = today.iter().any(|period| period.days.are_of_year());
    let minute = u16::try_from(i16::from(at.hour()) * 60 + i16::from(at.minute())).unwrap_or(0);
    let counts = today.iter().filter(|period| period.days.are_of_year() == of_year);
    counts.filter_map(|period| period.hours).any(|(from, until)| (from..until).contains(&minute))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial_plan::{Activity, TimeSchedule};

    const OFFICE: Period = Period { hours: Some((8 * 60, 17 * 60)), days: Days::OfWeek { from: 1, to: 5 } };
    const NEW_YEAR: Period = Period { hours: None, days: Days::OfYear { from: (1, 1), to: (1, 1) } };

    fn active(periods: &[Period], at: &str) -> bool {
        is_active(periods, at.parse().unwrap())
    }

    #[test]
    fn office_hours_begin_on_the_minute_and_end_before_it() {
        for (at, want) in [
            ("2026-11-30T07:59", false),
            ("2026-11-30T08:00", true),
            ("2026-11-30T16:59", true),
            ("2026-11-30T17:00", false),
            ("2026-11-29T12:00", false),
        ] {
            assert_eq!(active(&[OFFICE], at), want, "{at}");
        }
    }

    #[test]
    fn a_day_of_the_year_goes_before_days_of_the_week() {
        assert!(!active(&[OFFICE, NEW_YEAR], "2027-01-01T12:00"), "a Friday, and a holiday");
        assert!(active(&[OFFICE, NEW_YEAR], "2027-01-04T12:00"));
        let duty = Period { hours: Some((600, 660)), ..NEW_YEAR };
        assert!(active(&[OFFICE, NEW_YEAR, duty], "2027-01-01T10:30"), "hours go before none");
    }

    #[test]
    fn days_go_over_the_end_of_the_week_and_of_the_year() {
        let weekend = [Period { hours: Some((0, 1440)), days: Days::OfWeek { from: 6, to: 0 } }];
        assert!(active(&weekend, "2026-11-29T23:59") && active(&weekend, "2026-11-28T00:00"));
        assert!(!active(&weekend, "2026-11-30T00:00"));
        let winter = [Period { hours: Some((0, 1440)), days: Days::OfYear { from: (12, 20), to: (1, 6) } }];
        assert!(active(&winter, "2026-12-31T12:00") && active(&winter, "2027-01-06T12:00"));
        assert!(!active(&winter, "2027-01-07T12:00"));
    }

    #[test]
    fn a_schedule_is_active_by_the_clock_on_which_it_is_followed() {
        let schedule = TimeSchedule { name: "OFFICE".into(), active: Activity::Sometimes, periods: vec![OFFICE] };
        let mut plan = DialPlan { schedules: vec![schedule], ..DialPlan::default() };
        let early = Moment {
            here: "2026-11-30T07:00".parse().unwrap(),
            elsewhere: [("America/Toronto".to_owned(), "2026-11-30T09:00".parse().unwrap())].into(),
        };
        let active = |plan: &DialPlan, zone: Option<&str>| {
            let followed = Clocked { schedule: "OFFICE".into(), zone: zone.map(str::to_owned) };
            is_active_at(std::iter::once(plan), &followed, &early)
        };
        assert_eq!(active(&plan, None), Some(false));
        assert_eq!(active(&plan, Some("America/Toronto")), Some(true));
        assert_eq!(active(&plan, Some("Mars/Olympus")), None, "a clock that nobody knows");
        plan.schedules[0].periods.clear();
        assert_eq!(active(&plan, None), None, "its periods were not read");
    }
}
