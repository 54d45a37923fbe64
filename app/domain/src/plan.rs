//! The lockdown plan: as an engineer writes it, as it is frozen against a dial plan, and what it
//! writes.

use crate::dial_plan::{DialPlan, place};
use crate::ids::{SiteId, StepId, Uuid};
use crate::reading::Reading;
use crate::step::{Group, Object, Step, StepValue, Target};
use serde::{Deserialize, Serialize};
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

/// One `[[site.step]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepText {
    PartitionSchedule { group: Group, partition: String, normal: Option<String>, locked: Option<String> },
    RoutePatternBlock { group: Group, patterns: Patterns, partition: String, acknowledge_gateway: bool },
    TransPatternBlock { group: Group, patterns: Patterns, partition: String },
    TransPatternSet { group: Group, pattern: String, partition: String, normal: Redirect, locked: Redirect },
    CssMembers { group: Group, css: String, normal: Vec<String>, locked: Vec<String> },
}

/// One pattern, or all of a partition but some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patterns {
    One(String),
    AllExcept(Vec<String>),
}

/// Where a translation pattern sends calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    pub mask: Option<String>,
    pub css: Option<String>,
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
    pub value: &'a StepValue,
}

/// What stands in the way of freezing a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    #[error("{what} is not in CUCM. Create it there, or take step {step} out of the plan.")]
    Missing { step: usize, what: String },
    #[error(
        "step {step} selects no pattern: partition {partition} holds none besides the exceptions. Correct the partition or the exceptions."
    )]
    NothingSelected { step: usize, partition: String },
    #[error("{what} is switched by two steps. Keep one of them.")]
    Twice { what: String },
}

impl PlanText {
    /// Looks every object up in `dial_plan` and pins it by uuid.
    ///
    /// # Errors
    /// All that is missing, not only the first. Steps are counted from 1.
    pub fn freeze(&self, dial_plan: &DialPlan) -> Result<LockPlan, Vec<FreezeError>> {
        let mut steps = Vec::new();
        let mut errors = Vec::new();
        for (index, text) in self.steps.iter().enumerate() {
            match self.expand(index + 1, text, dial_plan) {
                Ok(expanded) => steps.extend(expanded),
                Err(error) => errors.push(error),
            }
        }
        steps.sort_by_key(|step: &Step| step.group);
        for (index, step) in steps.iter().enumerate() {
            if steps[..index].iter().any(|earlier| earlier.id == step.id) {
                errors.push(FreezeError::Twice { what: step.object.to_string() });
            }
        }
        if errors.is_empty() { Ok(LockPlan { site: self.site.clone(), steps }) } else { Err(errors) }
    }

    fn expand(&self, number: usize, text: &StepText, plan: &DialPlan) -> Result<Vec<Step>, FreezeError> {
        let missing = |what: String| FreezeError::Missing { step: number, what };
        match text {
            StepText::PartitionSchedule { group, partition, normal, locked } => {
                let found = plan.partition(partition).ok_or_else(|| missing(format!("partition {partition}")))?;
                let object = Object::PartitionSchedule { uuid: found.uuid.clone(), partition: partition.clone() };
                Ok(vec![step(*group, object, StepValue::Schedule(normal.clone()), StepValue::Schedule(locked.clone()))])
            }
            StepText::RoutePatternBlock { group, patterns, partition, .. } => {
                let all = plan.route_patterns.iter().filter(|p| p.partition.as_ref() == Some(partition));
                let found = all.map(|p| (p.pattern.as_str(), &p.uuid));
                let selected = self.select(number, patterns, partition, found)?;
                Ok(selected
                    .into_iter()
                    .map(|(pattern, uuid)| {
                        block(*group, Object::RoutePatternBlock { uuid, pattern, partition: partition.clone() })
                    })
                    .collect())
            }
            StepText::TransPatternBlock { group, patterns, partition } => {
                let all = plan.translation_patterns.iter().filter(|p| p.partition.as_ref() == Some(partition));
                let found = all.map(|p| (p.pattern.as_str(), &p.uuid));
                let selected = self.select(number, patterns, partition, found)?;
                Ok(selected
                    .into_iter()
                    .map(|(pattern, uuid)| {
                        block(*group, Object::TransPatternBlock { uuid, pattern, partition: partition.clone() })
                    })
                    .collect())
            }
            StepText::TransPatternSet { group, pattern, partition, normal, locked } => {
                let found = plan
                    .translation_pattern(pattern, partition)
                    .ok_or_else(|| missing(format!("translation pattern {}", place(pattern, Some(partition)))))?;
                let object = Object::TransPatternSet {
                    uuid: found.uuid.clone(),
                    pattern: pattern.clone(),
                    partition: partition.clone(),
                };
                Ok(vec![step(*group, object, normal.value(), locked.value())])
            }
            StepText::CssMembers { group, css, normal, locked } => {
                let found = plan.css(css).ok_or_else(|| missing(format!("calling search space {css}")))?;
                let unknown = normal.iter().chain(locked).find(|name| plan.partition(name).is_none());
                if let Some(name) = unknown {
                    return Err(missing(format!("partition {name}")));
                }
                let object = Object::CssMembers { uuid: found.uuid.clone(), css: css.clone() };
                Ok(vec![step(*group, object, StepValue::Members(normal.clone()), StepValue::Members(locked.clone()))])
            }
        }
    }

    /// "All of a partition" leaves the protected numbers out by itself.
    fn select<'a>(
        &self,
        number: usize,
        patterns: &Patterns,
        partition: &str,
        found: impl Iterator<Item = (&'a str, &'a Uuid)>,
    ) -> Result<Vec<(String, Uuid)>, FreezeError> {
        let wanted = |pattern: &str| match patterns {
            Patterns::One(one) => pattern == one,
            Patterns::AllExcept(except) => !except.iter().any(|e| e == pattern) && !self.protects_pattern(pattern),
        };
        let selected: Vec<_> = found.filter(|(p, _)| wanted(p)).map(|(p, uuid)| (p.to_owned(), uuid.clone())).collect();
        match (selected.is_empty(), patterns) {
            (false, _) => Ok(selected),
            (true, Patterns::One(one)) => {
                Err(FreezeError::Missing { step: number, what: format!("pattern {}", place(one, Some(partition))) })
            }
            (true, Patterns::AllExcept(_)) => {
                Err(FreezeError::NothingSelected { step: number, partition: partition.to_owned() })
            }
        }
    }

    /// Is this pattern a protected number and nothing else?
    fn protects_pattern(&self, pattern: &str) -> bool {
        let bare: String = pattern.chars().filter(|c| *c != '.').collect();
        self.protected_numbers
            .iter()
            .any(|number| number.trim_start_matches('+') == bare.trim_start_matches('\\').trim_start_matches('+'))
    }
}

impl Redirect {
    fn value(&self) -> StepValue {
        StepValue::Redirect { mask: self.mask.clone(), css: self.css.clone() }
    }
}

fn step(group: Group, object: Object, normal: StepValue, locked: StepValue) -> Step {
    Step { id: step_id(&object), group, object, normal, locked }
}

fn block(group: Group, object: Object) -> Step {
    step(group, object, StepValue::Blocked(false), StepValue::Blocked(true))
}

/// The same object keeps its id over re-checks, since it is made of kind and uuid alone.
fn step_id(object: &Object) -> StepId {
    let kind = match object {
        Object::PartitionSchedule { .. } => "schedule",
        Object::RoutePatternBlock { .. } => "route",
        Object::TransPatternBlock { .. } => "trans",
        Object::TransPatternSet { .. } => "redirect",
        Object::CssMembers { .. } => "css",
    };
    let key: String = object.uuid().as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    let text = format!("{kind}-{key}").to_ascii_lowercase().chars().take(64).collect::<String>();
    StepId::try_from(text).expect("kind and alphanumeric uuid make a valid id")
}

impl LockPlan {
    /// A step and the value it has, to show by writing it that CUCM takes writes. Never the members of a calling
    /// search space: somebody may edit them at this moment, and CUCM takes long over them.
    pub fn provable<'a>(
        &'a self,
        mut found: impl FnMut(&StepId) -> Option<&'a StepValue>,
    ) -> Option<(&'a Step, &'a StepValue)> {
        let each = self.steps.iter().filter_map(|step| found(&step.id).map(|value| (step, value)));
        each.into_iter().find(|(_, value)| !matches!(value, StepValue::Members(_)))
    }

    /// What must be written, and in which order, so that CUCM holds `target`: only where the read
    /// value differs, lock order forwards, release order backwards.
    pub fn writes(&self, target: Target, reading: &Reading) -> Vec<Write<'_>> {
        let off: Vec<&StepId> = reading.off(target).map(|step| &step.step).collect();
        let due = self.steps.iter().filter(|step| off.contains(&&step.id));
        let mut writes: Vec<Write<'_>> = due.map(|step| Write { step, value: step.value(target) }).collect();
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
        for step in &self.steps {
            step.put_into(&mut applied, step.value(target));
        }
        applied
    }

    /// What a reading of `dial_plan` would find.
    pub fn read(&self, dial_plan: &DialPlan, read_at: jiff::Timestamp) -> Reading {
        Reading::of(self, read_at, |id| self.step(id).map(|step| step.find_in(dial_plan)))
    }
}

impl fmt::Display for Write<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.step.object, self.value)
    }
}
