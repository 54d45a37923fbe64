//! The lockdown plan: as an engineer writes it, as it is frozen against a dial plan, and what it
//! writes.

use crate::dial_plan::DialPlan;
use crate::ids::{SiteId, StepId};
use crate::reading::Reading;
use crate::steps::{Found, InPlan, Setting, Step, StepText, StepValue, Target};
use crate::violation::{FreezeError, Violation};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// What an engineer writes for a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanText {
    pub site: SiteId,
    pub eoc_pilot: Pilot,
    /// Numbers that must always get out, in the forms people dial.
    pub protected_numbers: Vec<String>,
    pub protected_partitions: Vec<String>,
    /// Calling search spaces of the EOC's own phones: their way out is no leak.
    pub eoc_css: Vec<String>,
    /// Calling search spaces calls from the PSTN come in by.
    pub inbound_css: Vec<String>,
    pub steps: Vec<StepText>,
}

/// The EOC's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pilot {
    pub pattern: String,
    pub partition: String,
}

impl Pilot {
    /// Is this the one?
    pub fn is(&self, pattern: &str, partition: Option<&str>) -> bool {
        self.pattern == pattern && partition == Some(self.partition.as_str())
    }
}

/// A plan frozen against a dial plan: every selector expanded, every object named by uuid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockPlan {
    pub site: SiteId,
    /// In the order of a lock.
    pub steps: Vec<Step>,
}

/// One write to CUCM: this object, this value, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write<'a> {
    pub step: &'a Step,
    pub setting: Setting<'a>,
}

impl PlanText {
    /// Looks every object up in `dial_plan` and pins it by uuid.
    ///
    /// # Errors
    /// All that is missing, not only the first. Steps are counted from 1.
    pub fn freeze(&self, dial_plan: &DialPlan) -> Result<LockPlan, Vec<FreezeError>> {
        let mut steps = Vec::new();
        let mut errors = Vec::new();
        for (in_plan, text) in self.each() {
            match text.freeze(&in_plan, dial_plan) {
                Ok(frozen) => steps.extend(frozen),
                Err(error) => errors.push(error),
            }
        }
        steps.sort_by_key(|step: &Step| step.group);
        let mut known = HashSet::new();
        let twice = steps.iter().filter(|step| !known.insert(&step.id));
        errors.extend(twice.map(|step| FreezeError::Twice { what: step.object().to_string() }));
        if errors.is_empty() { Ok(LockPlan { site: self.site.clone(), steps }) } else { Err(errors) }
    }

    /// What keeps its steps from being switched, read together with `dial_plan`.
    pub(crate) fn violations(&self, dial_plan: &DialPlan) -> Vec<Violation> {
        self.each().flat_map(|(in_plan, text)| text.violations(&in_plan, dial_plan)).collect()
    }

    /// Patterns that a step selects without naming them although they are blocked in normal times.
    pub(crate) fn blocked_already(&self, dial_plan: &DialPlan) -> Vec<String> {
        self.each().flat_map(|(in_plan, text)| text.text().blocked_already(&in_plan, dial_plan)).collect()
    }

    fn each(&self) -> impl Iterator<Item = (InPlan<'_>, &StepText)> {
        let pilot_partition = self.eoc_pilot.partition.as_str();
        let protected_numbers = &self.protected_numbers[..];
        (1..).zip(&self.steps).map(move |(number, text)| (InPlan { number, pilot_partition, protected_numbers }, text))
    }
}

impl LockPlan {
    /// A step set to the value it has, to show by writing it that CUCM takes writes. Never the members of a calling
    /// search space: somebody may edit them at this moment, and CUCM takes long over them.
    pub fn provable<'a>(&'a self, mut found: impl FnMut(&StepId) -> Option<&'a StepValue>) -> Option<Write<'a>> {
        self.steps.iter().find_map(|step| {
            let setting = step.switch.holding(found(&step.id)?)?;
            (!matches!(setting, Setting::CssMembers(..))).then_some(Write { step, setting })
        })
    }

    /// What must be written, and in which order, so that CUCM holds `target`: only where the read
    /// value differs, lock order forwards, release order backwards.
    pub fn writes(&self, target: Target, reading: &Reading) -> Vec<Write<'_>> {
        let off: HashSet<&StepId> = reading.off(target).map(|step| &step.step).collect();
        let due = self.steps.iter().filter(|step| off.contains(&step.id));
        let mut writes: Vec<Write<'_>> = due.map(|step| Write { step, setting: step.switch.setting(target) }).collect();
        if target == Target::Normal {
            writes.reverse();
        }
        writes
    }

    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// `dial_plan` as it is when this plan is at `target`.
    #[must_use]
    pub fn applied_to(&self, dial_plan: &DialPlan, target: Target) -> DialPlan {
        let mut applied = dial_plan.clone();
        Setting::put_all(self.steps.iter().map(|step| step.switch.setting(target)), &mut applied);
        applied
    }

    /// What `dial_plan` holds for each step.
    pub fn find_in(&self, dial_plan: &DialPlan) -> BTreeMap<StepId, Found> {
        let found = Step::find_all(&self.steps, dial_plan);
        self.steps.iter().map(|step| step.id.clone()).zip(found).collect()
    }

    /// What a reading of `dial_plan` would find.
    pub fn read(&self, dial_plan: &DialPlan, read_at: jiff::Timestamp) -> Reading {
        let found = self.find_in(dial_plan);
        Reading::of(self, read_at, |id| found.get(id).cloned())
    }
}

impl fmt::Display for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.setting.fmt(f)
    }
}
