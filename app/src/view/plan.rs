//! Who can call where, as the page *Plan* shows it.

use super::{Me, Moment};
use lockdown::ids::SiteId;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    pub me: Me,
    pub site: SiteId,
    pub name: String,
    pub sites: Vec<(SiteId, String)>,
    /// `None` before the plan was checked for the first time.
    pub check: Option<PlanCheckView>,
    /// The answer to “from … dial …”, or why there is none.
    pub traced: Option<Result<Vec<TracedView>, String>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCheckView {
    /// When the dial plan was read.
    pub read: Moment,
    /// What was changed in CUCM since, as a sentence.
    pub changed: String,
    pub accepted: bool,
    pub verdict: String,
    pub violations: Vec<String>,
    pub warnings: Vec<String>,
    pub limits: Vec<String>,
    pub flows: Vec<FlowView>,
    pub causes: Vec<CauseView>,
    pub callers: Vec<CallerView>,
    /// AXL requests and seconds.
    pub cost: String,
}

/// Callers of a kind that reach the same places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowView {
    pub count: usize,
    pub kind: String,
    pub normal: Vec<EndView>,
    pub locked: Vec<EndView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndView {
    pub place: String,
    /// Past the lock.
    pub leak: bool,
}

/// Ways past the lock by one pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CauseView {
    pub place: String,
    pub inbound: bool,
    pub devices: usize,
    pub example: String,
    pub path: String,
    pub fix: String,
    /// Who, and how many devices.
    pub who: Vec<(String, usize)>,
    /// Not listed.
    pub more: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerView {
    pub who: String,
    /// The name of one of them.
    pub example: Option<String>,
    /// Searched first stands first.
    pub partitions: String,
    /// What can be reached, in words, normal and locked.
    pub emergency: Vec<(String, String)>,
    pub pstn: (bool, bool),
}

/// One number from one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedView {
    pub caller: String,
    pub digits: String,
    pub ways: Vec<TracedWay>,
}

/// However it was dialled, where that makes no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedWay {
    pub how: String,
    /// Now, normal, locked.
    pub states: Vec<(String, TracedEnd)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedEnd {
    pub end: String,
    /// Every pattern on the way.
    pub path: Vec<String>,
    /// After the inter-digit timer; what CUCM calls then.
    pub besides: Vec<String>,
}
