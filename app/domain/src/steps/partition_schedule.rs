//! `partition_schedule`: the time schedule of a partition of mirrors. One write turns a whole direction.

use super::{Entry, Group, InPlan, Kind, Object, Switch, Switched, Text, Wrong};
use crate::dial_plan::{DialPlan, Partition};
use crate::ids::Uuid;
use crate::violation::{FreezeError, Violation};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The `timeScheduleIdName` of a partition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionSchedule {
    pub uuid: Uuid,
    pub partition: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionScheduleText {
    pub group: Group,
    pub partition: String,
    /// `None`: no schedule, always active.
    pub normal: Option<String>,
    pub locked: Option<String>,
}

impl fmt::Display for PartitionSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schedule of {}", self.partition)
    }
}

impl Object for PartitionSchedule {
    fn uuid(&self) -> &Uuid {
        &self.uuid
    }

    fn partition(&self) -> Option<&str> {
        Some(&self.partition)
    }

    fn pattern(&self) -> Option<&str> {
        None
    }
}

impl Kind for PartitionSchedule {
    type Text = PartitionScheduleText;
    type Value = Option<String>;
    type Listed = Partition;

    const NAME: &'static str = "partition_schedule";
    const ID: &'static str = "schedule";
    const KEYS: &'static [&'static str] = &["partition", "normal", "locked"];

    fn read(entry: &Entry) -> Result<PartitionScheduleText, Wrong> {
        let group = entry.group()?;
        let partition = entry.partition()?;
        let (normal, locked) = entry.schedules()?;
        Ok(PartitionScheduleText { group, partition, normal, locked })
    }

    fn list(plan: &DialPlan) -> &[Partition] {
        &plan.partitions
    }

    fn list_mut(plan: &mut DialPlan) -> &mut [Partition] {
        &mut plan.partitions
    }

    fn is(&self, listed: &Partition) -> bool {
        listed.name == self.partition
    }

    fn held(listed: &Partition) -> Option<String> {
        listed.schedule.clone()
    }

    fn hold(listed: &mut Partition, value: &Option<String>) {
        listed.schedule.clone_from(value);
    }
}

impl Text for PartitionScheduleText {
    fn group(&self) -> Group {
        self.group
    }

    fn place(&self) -> &str {
        &self.partition
    }

    fn partition(&self) -> Option<&str> {
        Some(&self.partition)
    }

    fn pattern(&self) -> Option<&str> {
        None
    }

    fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Switch>, FreezeError> {
        let found = plan.partition(&self.partition).ok_or_else(|| {
            let what = format!("partition {}", self.partition);
            FreezeError::Missing { step: in_plan.number, what }
        })?;
        let object = PartitionSchedule { uuid: found.uuid.clone(), partition: self.partition.clone() };
        Ok(vec![Switched { object, normal: self.normal.clone(), locked: self.locked.clone() }.into()])
    }

    /// Schedules that are not there, and the one partition that must stay.
    fn violations(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Vec<Violation> {
        let object = format!("schedule of {}", self.partition);
        let names = [&self.normal, &self.locked].into_iter().flatten();
        let unknown = names.filter(|name| !plan.schedules.iter().any(|schedule| schedule.name == **name));
        let what = unknown.map(|name| format!("time schedule {name}"));
        let mut violations: Vec<Violation> =
            what.map(|what| Violation::UnknownName { object: object.clone(), what }).collect();
        if self.partition == in_plan.pilot_partition {
            violations.push(Violation::PilotPartition { object });
        }
        violations
    }
}
