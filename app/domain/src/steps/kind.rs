//! What each kind of step says of itself.

use super::{Entry, Group, Held, StepValue, Switch, Target, Wrong};
use crate::dial_plan::{DialPlan, Listed};
use crate::ids::Uuid;
use crate::violation::{FreezeError, Violation};
use std::collections::HashMap;
use std::fmt;

/// An object of CUCM, by the key that all writes use. It is shown as a telecom engineer names it.
pub trait Object: fmt::Display {
    fn uuid(&self) -> &Uuid;

    /// The partition it belongs to, where it has one.
    fn partition(&self) -> Option<&str>;

    /// The digits it takes, where it is a pattern of digits.
    fn pattern(&self) -> Option<&str>;
}

/// One kind of step.
pub trait Kind: Object + Sized {
    /// As an engineer writes it.
    type Text: Text;
    /// What the object can hold.
    type Value: Held;
    /// Such an object, as a dial plan lists it.
    type Listed: Listed;

    /// As `kind` is written and told.
    const NAME: &'static str;
    /// What the ids of its steps begin with.
    const ID: &'static str;
    /// The keys of a `[[site.step]]` that it knows, besides `kind` and `group`.
    const KEYS: &'static [&'static str];

    /// # Errors
    /// Which key is wrong, and what to write.
    fn read(entry: &Entry) -> Result<Self::Text, Wrong>;

    /// Where such objects stand.
    fn list(plan: &DialPlan) -> &[Self::Listed];

    fn list_mut(plan: &mut DialPlan) -> &mut [Self::Listed];

    /// Of one with its uuid: is it called what it was called?
    fn is(&self, listed: &Self::Listed) -> bool;

    fn held(listed: &Self::Listed) -> Self::Value;

    fn hold(listed: &mut Self::Listed, value: &Self::Value);

    /// What `plan` holds for each; `None` where it is not there, or another one has its uuid. Grows with the objects and with
    /// the list, not with both.
    fn found(objects: &[&Self], plan: &DialPlan) -> Vec<Option<Self::Value>> {
        let listed: HashMap<&Uuid, &Self::Listed> = Self::list(plan).iter().map(|one| (one.uuid(), one)).collect();
        let found = |object: &&Self| listed.get(object.uuid()).filter(|one| object.is(one)).map(|one| Self::held(one));
        objects.iter().map(found).collect()
    }

    /// Changes `plan` as writes would.
    fn put(values: &[(&Self, &Self::Value)], plan: &mut DialPlan) {
        let values: HashMap<&Uuid, &Self::Value> =
            values.iter().map(|(object, value)| (object.uuid(), *value)).collect();
        for one in Self::list_mut(plan) {
            if let Some(value) = values.get(one.uuid()) {
                Self::hold(one, value);
            }
        }
    }
}

/// An object with its two values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switched<K: Kind> {
    pub object: K,
    pub normal: K::Value,
    pub locked: K::Value,
}

impl<K: Kind> Switched<K> {
    pub(super) fn of(object: K, normal: &StepValue, locked: &StepValue) -> Option<Self> {
        let normal = K::Value::of(normal)?.clone();
        let locked = K::Value::of(locked)?.clone();
        Some(Self { object, normal, locked })
    }

    pub fn value(&self, target: Target) -> &K::Value {
        match target {
            Target::Normal => &self.normal,
            Target::Locked => &self.locked,
        }
    }
}

impl<K: Kind<Value = bool>> Switched<K> {
    /// Open when normal, blocked when locked.
    pub(super) fn block(object: K) -> Self {
        Self { object, normal: false, locked: true }
    }
}

/// Of the plan a step stands in.
pub struct InPlan<'p> {
    /// Steps are counted from 1.
    pub number: usize,
    pub pilot_partition: &'p str,
    pub protected_numbers: &'p [String],
}

/// A step as an engineer wrote it.
pub trait Text {
    fn group(&self) -> Group;

    /// The partition or calling search space that it names.
    fn place(&self) -> &str;

    /// The partition whose objects it switches.
    fn partition(&self) -> Option<&str>;

    /// The pattern of digits that it names.
    fn pattern(&self) -> Option<&str>;

    /// Looks its objects up, and pins them by uuid.
    ///
    /// # Errors
    /// What is missing in `plan`.
    fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Switch>, FreezeError>;

    /// What else keeps it from being switched, where all of its objects are there.
    fn violations(&self, _in_plan: &InPlan<'_>, _plan: &DialPlan) -> Vec<Violation> {
        Vec::new()
    }

    /// Patterns that it selects without naming them although they are blocked in normal times.
    fn blocked_already(&self, _in_plan: &InPlan<'_>, _plan: &DialPlan) -> Vec<String> {
        Vec::new()
    }
}
