//! What objects hold.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an object holds, of whatever kind it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepValue {
    /// `None`: no schedule, always active.
    Schedule(Option<String>),
    Blocked(bool),
    Redirect(Redirect),
    Members(Vec<String>),
}

/// Where a translation pattern sends calls. CUCM tells "none" from "empty"; so do we, since a release restores exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    pub mask: Option<String>,
    pub css: Option<String>,
}

/// A value of one kind of object.
pub trait Held: Clone + PartialEq + Into<StepValue> {
    /// `None` where it is of another kind.
    fn of(value: &StepValue) -> Option<&Self>;
}

macro_rules! held {
    ($($variant:ident: $value:ty),*) => {
        $(
            impl From<$value> for StepValue {
                fn from(value: $value) -> Self {
                    Self::$variant(value)
                }
            }

            impl Held for $value {
                fn of(value: &StepValue) -> Option<&Self> {
                    if let StepValue::$variant(value) = value { Some(value) } else { None }
                }
            }
        )*
    };
}

held!(Schedule: Option<String>, Blocked: bool, Redirect: Redirect, Members: Vec<String>);

impl fmt::Display for StepValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
        match self {
            Self::Schedule(None) => f.write_str("no schedule (always active)"),
            Self::Schedule(Some(name)) => write!(f, "schedule {name}"),
            Self::Blocked(true) => f.write_str("blocked"),
            Self::Blocked(false) => f.write_str("not blocked"),
            Self::Redirect(Redirect { mask, css }) => write!(f, "mask {}, css {}", or_none(mask), or_none(css)),
            Self::Members(names) => f.write_str(&names.join(" : ")),
        }
    }
}

/// What a reading found where a step's object should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    Value(StepValue),
    /// CUCM answered, and the object is not there (or is another one under that uuid).
    Missing,
    /// CUCM did not answer for this object.
    NotRead,
}

/// How what was found compares with the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Normal,
    Locked,
    /// A third value, neither of the plan's two.
    Changed,
    Missing,
    NotRead,
}
