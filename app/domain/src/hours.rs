//! Partitions that are active at some hours only, and which of these are looked at together.

use crate::dial_plan::{Activity, DialPlan};
use std::collections::BTreeSet;

/// Which schedules of some hours are active at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hours {
    All,
    Only(BTreeSet<String>),
}

/// Of so many schedules every combination is looked at; of more all, none, each by itself, and all but each.
pub const COMBINED: usize = 4;

impl Hours {
    pub fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    pub fn are(&self, schedule: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(active) => active.contains(schedule),
        }
    }

    /// Those that are looked at, all at first. In a plan without such schedules these are all hours there are.
    pub fn of<'p>(states: impl IntoIterator<Item = &'p DialPlan>) -> Vec<Self> {
        let names: BTreeSet<&str> = states.into_iter().flat_map(DialPlan::part_time).collect();
        let only = |active: Vec<&str>| Self::Only(active.into_iter().map(str::to_owned).collect());
        let mut hours = vec![Self::All];
        if names.len() <= COMBINED {
            let subsets = (0..(1_usize << names.len()) - 1).map(|bits| chosen(&names, |at| bits >> at & 1 == 1));
            hours.extend(subsets.map(only));
            return hours;
        }
        hours.push(Self::none());
        hours.extend((0..names.len()).map(|one| only(chosen(&names, |at| at == one))));
        hours.extend((0..names.len()).map(|one| only(chosen(&names, |at| at != one))));
        hours
    }
}

fn chosen<'n>(names: &BTreeSet<&'n str>, is_in: impl Fn(usize) -> bool) -> Vec<&'n str> {
    names.iter().enumerate().filter(|(at, _)| is_in(*at)).map(|(_, name)| *name).collect()
}

impl DialPlan {
    /// Schedules that partitions have and that are active at some hours only; one that nobody read counts.
    pub fn part_time(&self) -> BTreeSet<&str> {
        let names = self.partitions.iter().filter_map(|partition| partition.schedule.as_deref());
        names.filter(|name| self.activity(Some(name)) == Activity::Sometimes).collect()
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
        assert!(many.iter().any(|hours| (0..7).all(|n| hours.are(&format!("S{n}")) == (n == 3))));
        assert!(many.iter().any(|hours| (0..7).all(|n| hours.are(&format!("S{n}")) == (n != 3))));
    }
}
