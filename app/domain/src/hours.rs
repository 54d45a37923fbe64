//! Partitions that are active at some hours only, and which of these are looked at together.

use crate::dial_plan::{Activity, DialPlan};
use std::collections::BTreeSet;

/// Which schedules of some hours are active at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hours {
    All,
    Only(BTreeSet<Clocked>),
}

/// A schedule on the clock by which some partitions follow it. On two clocks it is active at different moments.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clocked {
    pub schedule: String,
    /// As of a partition.
    pub zone: Option<String>,
}

/// Of so many schedules every combination is looked at; of more all, none, each by itself, and all but each.
pub const COMBINED: usize = 4;

impl Hours {
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Is a partition active that follows this schedule on this zone's clock?
    pub fn are(&self, schedule: &str, zone: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Only(active) => active.iter().any(|one| one.schedule == schedule && one.zone.as_deref() == zone),
        }
    }

    /// Those that are looked at, all at first. In a plan without such schedules these are all hours there are.
    pub fn of<'p>(states: impl IntoIterator<Item = &'p DialPlan>) -> Vec<Self> {
        let all: BTreeSet<Clocked> = states.into_iter().flat_map(DialPlan::part_time).collect();
        let mut hours = vec![Self::All];
        if all.len() <= COMBINED {
            hours.extend((0..(1_usize << all.len()) - 1).map(|bits| only(&all, |at| bits >> at & 1 == 1)));
            return hours;
        }
        hours.push(Self::none());
        hours.extend((0..all.len()).map(|one| only(&all, |at| at == one)));
        hours.extend((0..all.len()).map(|one| only(&all, |at| at != one)));
        hours
    }
}

fn only(all: &BTreeSet<Clocked>, is_active: impl Fn(usize) -> bool) -> Hours {
    let active = all.iter().enumerate().filter(|(at, _)| is_active(*at));
    Hours::Only(active.map(|(_, one)| one.clone()).collect())
}

impl DialPlan {
    /// Schedules that partitions have and that are active at some hours only; one that nobody read counts.
    pub fn part_time(&self) -> BTreeSet<Clocked> {
        let followed = self.partitions.iter().filter_map(|partition| Some((partition.schedule.as_ref()?, partition)));
        let some = followed.filter(|(schedule, _)| self.activity(Some(schedule)) == Activity::Sometimes);
        some.map(|(schedule, partition)| Clocked { schedule: schedule.clone(), zone: partition.zone.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial_plan::{Partition, TimeSchedule};
    use crate::ids::Uuid;

    fn plan(schedules: usize) -> DialPlan {
        let names: Vec<String> = (0..schedules).map(|n| format!("S{n}")).collect();
        let partition = |name: &String| Partition {
            uuid: Uuid::from(name.as_str()),
            name: format!("P-{name}"),
            schedule: Some(name.clone()),
            zone: None,
        };
        DialPlan {
            partitions: names.iter().map(partition).collect(),
            schedules: names
                .iter()
                .map(|name| TimeSchedule { name: name.clone(), active: Activity::Sometimes, periods: vec![] })
                .collect(),
            ..DialPlan::default()
        }
    }

    #[test]
    fn every_combination_of_four_schedules_is_looked_at_and_of_more_each_by_itself() {
        assert_eq!(Hours::of([&plan(0)]), [Hours::All]);
        assert_eq!(Hours::of([&plan(1)]), [Hours::All, Hours::none()]);
        assert_eq!(Hours::of([&plan(4)]).len(), 16);
        let many = Hours::of([&plan(7)]);
        assert_eq!(many.len(), 2 + 7 + 7);
        assert!(many.iter().any(|hours| (0..7).all(|n| hours.are(&format!("S{n}"), None) == (n == 3))));
        assert!(many.iter().any(|hours| (0..7).all(|n| hours.are(&format!("S{n}"), None) == (n != 3))));
    }
    #[test]
    fn a_schedule_on_two_clocks_is_active_on_one_of_them_at_some_moments() {
        let mut plan = plan(1);
        let elsewhere = Partition { zone: Some("America/Toronto".into()), ..plan.partitions[0].clone() };
        plan.partitions.push(elsewhere);
        let hours = Hours::of([&plan]);
        let seen = hours.iter().map(|hours| [hours.are("S0", None), hours.are("S0", Some("America/Toronto"))]);
        let seen: BTreeSet<[bool; 2]> = seen.collect();
        assert_eq!(seen.len(), 4);
    }
}
