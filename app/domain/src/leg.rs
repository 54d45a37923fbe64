//! Calls that CUCM makes by itself: a number that forwards, a hunt pilot nobody answers, a mobile that rings along. Each has
//! calling search spaces of its own, and passes by the mirrors that the caller's would have met.

use crate::guard::Via;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Leg {
    pub via: Via,
    /// Whose it is: `number:5002`, `pilot:5800`, `device:NAME`.
    pub owner: String,
    /// Of a number or a pilot.
    #[serde(default)]
    pub partition: Option<String>,
    /// Searched first stands first; none is `<None>` alone.
    pub spaces: Vec<String>,
    /// Where it goes; `None` where people choose, so that it may go anywhere.
    pub destination: Option<String>,
    /// Numbers, pilots or devices.
    pub count: usize,
}

/// What these are, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Legs {
    Read(Vec<Leg>),
    NotRead { why: String },
}

impl Default for Legs {
    fn default() -> Self {
        Self::NotRead { why: "nobody asked".into() }
    }
}

impl Legs {
    pub fn all(&self) -> &[Leg] {
        match self {
            Self::Read(legs) => legs,
            Self::NotRead { .. } => &[],
        }
    }
}
