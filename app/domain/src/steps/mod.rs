//! What a plan switches: one object of CUCM a step, with its value when normal and its value when locked. Each kind of step
//! has a file; what is the same for all of them is here.

mod css_members;
mod entry;
mod held;
mod kind;
mod partition_schedule;
mod pattern_object;
mod patterns;
mod route_pattern_block;
mod sip_route_pattern_block;
mod stored;
mod trans_pattern_block;
mod trans_pattern_set;

use crate::dial_plan::DialPlan;
use crate::ids::StepId;
use crate::violation::{FreezeError, Violation};
use serde::{Deserialize, Serialize};
use std::fmt;
use stored::Stored;

pub use css_members::{CssMembers, CssMembersText};
pub use entry::{Entry, Wrong};
pub use held::{Found, Held, Redirect, StepState, StepValue};
pub use kind::{InPlan, Kind, Object, Switched, Text};
pub use partition_schedule::{PartitionSchedule, PartitionScheduleText};
pub use patterns::Patterns;
pub use route_pattern_block::{RoutePatternBlock, RoutePatternBlockText};
pub use sip_route_pattern_block::{SipRoutePatternBlock, SipRoutePatternBlockText};
pub use trans_pattern_block::{TransPatternBlock, TransPatternBlockText};
pub use trans_pattern_set::{TransPatternSet, TransPatternSetText};

/// Normal or locked: what a step is switched to, and what an order asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Normal,
    Locked,
}

/// In the order of a lock; a release goes exactly backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    InboundRedirect,
    OutboundRedirect,
    OutboundBlock,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InboundRedirect => "inbound redirect",
            Self::OutboundRedirect => "outbound redirect",
            Self::OutboundBlock => "outbound block",
        })
    }
}

/// One step of a plan, frozen with its uuid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Step {
    pub id: StepId,
    pub group: Group,
    pub switch: Switch,
}

/// The list of all kinds: whatever depends on the kind of a step goes through here.
macro_rules! kinds {
    ($($kind:ident),*) => {
        /// One `[[site.step]]`.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum StepText { $($kind(<$kind as Kind>::Text)),* }

        /// An object and its two values.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Switch { $($kind(Switched<$kind>)),* }

        /// An object, and a value that it can hold: what is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Setting<'s> { $($kind(&'s $kind, &'s <$kind as Kind>::Value)),* }

        /// An object as it is kept.
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum AnyObject { $($kind($kind)),* }

        /// As `kind` is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum KindName { $($kind),* }

        $(
            impl From<<$kind as Kind>::Text> for StepText {
                fn from(text: <$kind as Kind>::Text) -> Self {
                    Self::$kind(text)
                }
            }

            impl From<Switched<$kind>> for Switch {
                fn from(switched: Switched<$kind>) -> Self {
                    Self::$kind(switched)
                }
            }
        )*

        impl KindName {
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$kind, $kind::NAME)),*];
        }

        impl StepText {
            /// # Errors
            /// Which key is wrong, and what to write.
            pub fn read(entry: &Entry) -> Result<Self, Wrong> {
                match entry.kind {
                    $(KindName::$kind => entry.read::<$kind>().map(Self::$kind)),*
                }
            }

            pub fn text(&self) -> &dyn Text {
                match self { $(Self::$kind(text) => text),* }
            }
        }

        impl Switch {
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::NAME),* }
            }

            fn id(&self) -> &'static str {
                match self { $(Self::$kind(_) => $kind::ID),* }
            }

            pub fn object(&self) -> &dyn Object {
                match self { $(Self::$kind(one) => &one.object),* }
            }

            pub fn value(&self, target: Target) -> StepValue {
                match self { $(Self::$kind(one) => one.value(target).clone().into()),* }
            }

            pub fn setting(&self, target: Target) -> Setting<'_> {
                match self { $(Self::$kind(one) => Setting::$kind(&one.object, one.value(target))),* }
            }

            /// `None` where such an object cannot hold it.
            pub fn holding<'s>(&'s self, value: &'s StepValue) -> Option<Setting<'s>> {
                match self { $(Self::$kind(one) => Some(Setting::$kind(&one.object, Held::of(value)?))),* }
            }

            fn holds(&self, target: Target, value: &StepValue) -> bool {
                match self { $(Self::$kind(one) => <$kind as Kind>::Value::of(value) == Some(one.value(target))),* }
            }

            fn stored(self) -> (AnyObject, StepValue, StepValue) {
                match self {
                    $(Self::$kind(one) => (AnyObject::$kind(one.object), one.normal.into(), one.locked.into())),*
                }
            }
        }

        impl Setting<'_> {
            pub fn object(&self) -> &dyn Object {
                match self { $(Self::$kind(object, _) => *object),* }
            }

            pub fn value(&self) -> StepValue {
                match self { $(Self::$kind(_, value) => (*value).clone().into()),* }
            }
        }

        impl<'s> Setting<'s> {
            /// As writes would.
            pub fn put_all(settings: impl IntoIterator<Item = Setting<'s>>, plan: &mut DialPlan) {
                let settings: Vec<Setting<'s>> = settings.into_iter().collect();
                $({
                    let of_kind = settings.iter().filter_map(|setting| match setting {
                        Self::$kind(object, value) => Some((*object, *value)),
                        _ => None,
                    });
                    let of_kind: Vec<_> = of_kind.collect();
                    if !of_kind.is_empty() {
                        $kind::put(&of_kind, plan);
                    }
                })*
            }
        }

        impl Step {
            /// What `plan` holds for the object of each, in their order.
            pub fn find_all(steps: &[Self], plan: &DialPlan) -> Vec<Found> {
                let mut found = vec![Found::Missing; steps.len()];
                $({
                    let of_kind = steps.iter().enumerate().filter_map(|(at, step)| match &step.switch {
                        Switch::$kind(one) => Some((at, &one.object)),
                        _ => None,
                    });
                    let (places, objects): (Vec<usize>, Vec<&$kind>) = of_kind.unzip();
                    if !objects.is_empty() {
                        for (at, value) in places.into_iter().zip($kind::found(&objects, plan)) {
                            found[at] = value.map_or(Found::Missing, |value| Found::Value(value.into()));
                        }
                    }
                })*
                found
            }
        }

        impl AnyObject {
            /// `None` where such an object cannot hold both values.
            fn switch(self, normal: &StepValue, locked: &StepValue) -> Option<Switch> {
                match self {
                    $(Self::$kind(object) => Switched::of(object, normal, locked).map(Switch::$kind)),*
                }
            }
        }
    };
}

kinds!(PartitionSchedule, RoutePatternBlock, SipRoutePatternBlock, TransPatternBlock, TransPatternSet, CssMembers);

impl fmt::Display for Setting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.object(), self.value())
    }
}

impl StepText {
    /// Looks its objects up in `plan`.
    ///
    /// # Errors
    /// What is missing there.
    pub fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Step>, FreezeError> {
        let group = self.text().group();
        Ok(self.text().freeze(in_plan, plan)?.into_iter().map(|switch| Step::new(group, switch)).collect())
    }

    /// What is wrong with it, read together with `plan`.
    pub fn violations(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Vec<Violation> {
        self.text().violations(in_plan, plan)
    }
}

impl Step {
    pub fn new(group: Group, switch: impl Into<Switch>) -> Self {
        let switch = switch.into();
        Self { id: step_id(&switch), group, switch }
    }

    pub fn object(&self) -> &dyn Object {
        self.switch.object()
    }

    pub fn value(&self, target: Target) -> StepValue {
        self.switch.value(target)
    }

    pub fn state(&self, found: &Found) -> StepState {
        match found {
            Found::Value(value) if self.switch.holds(Target::Normal, value) => StepState::Normal,
            Found::Value(value) if self.switch.holds(Target::Locked, value) => StepState::Locked,
            Found::Value(_) => StepState::Changed,
            Found::Missing => StepState::Missing,
            Found::NotRead => StepState::NotRead,
        }
    }

    /// What `plan` holds for this step's object.
    pub fn find_in(&self, plan: &DialPlan) -> Found {
        Self::find_all(std::slice::from_ref(self), plan).remove(0)
    }
}

/// The same object keeps its id over re-checks, since it is made of kind and uuid alone.
fn step_id(switch: &Switch) -> StepId {
    let key: String = switch.object().uuid().as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    let text = format!("{}-{key}", switch.id()).to_ascii_lowercase().chars().take(64).collect::<String>();
    StepId::try_from(text).expect("kind and alphanumeric uuid make a valid id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_written_as_it_is_told() {
        for (kind, name) in KindName::ALL {
            let written = serde_json::from_value::<KindName>(serde_json::json!(name)).unwrap();
            assert_eq!(written, *kind);
        }
    }

    #[test]
    fn a_step_is_kept_as_servers_of_before_kept_it() {
        let kept = serde_json::json!({
            "id": "route-0a", "group": "outbound_block",
            "object": {"route_pattern_block": {"uuid": "0a", "pattern": "9.!", "partition": "PSTN"}},
            "normal": {"blocked": false}, "locked": {"blocked": true},
        });
        let step: Step = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(step.object().to_string(), "9.! in PSTN");
        assert_eq!(serde_json::to_value(&step).unwrap(), kept);
        let set = serde_json::json!({
            "id": "redirect-0a", "group": "inbound_redirect",
            "object": {"trans_pattern_set": {"uuid": "0a", "pattern": "5XXX", "partition": "IN"}},
            "normal": {"redirect": {"mask": null, "css": "A"}}, "locked": {"redirect": {"mask": "5911", "css": null}},
        });
        let step: Step = serde_json::from_value(set.clone()).unwrap();
        assert_eq!(serde_json::to_value(&step).unwrap(), set);
    }

    #[test]
    fn an_object_with_a_value_that_it_cannot_hold_is_no_step() {
        let kept = serde_json::json!({
            "id": "route-0a", "group": "outbound_block",
            "object": {"route_pattern_block": {"uuid": "0a", "pattern": "9.!", "partition": "PSTN"}},
            "normal": {"blocked": false}, "locked": {"schedule": null},
        });
        let error = serde_json::from_value::<Step>(kept).unwrap_err().to_string();
        assert!(error.contains("route-0a cannot hold"), "{error}");
    }
}
