//! What a site shows to every surface.

use super::ports::{AcceptedPlan, SiteRecord};
use jiff::Timestamp;
use lockdown::command::Command;
use lockdown::ids::SiteId;
use lockdown::reading::Reading;
use lockdown::standing::{Standing, standing};
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq)]
pub struct SiteStatus {
    pub id: SiteId,
    pub name: String,
    /// An all-clear needs two different seniors.
    pub two_seniors: bool,
    /// For practising: no call depends on it.
    pub drill: bool,
    pub version: u64,
    pub command: Command,
    pub reading: Option<Reading>,
    pub plan: PlanState,
    /// While an order is being carried out.
    pub progress: Option<Progress>,
    /// Why it does not go on, in a sentence for the operator.
    pub trouble: Option<Trouble>,
    /// Since when other servers cannot be told.
    pub alone_since: Option<Timestamp>,
}

/// Where the plan stands with the guard.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanState {
    /// CUCM was not seen since the plan was written.
    Unchecked,
    Accepted(Arc<AcceptedPlan>),
    /// Nothing is locked by it; the last accepted one can still be released.
    Refused {
        violations: Vec<String>,
        last: Option<Arc<AcceptedPlan>>,
    },
}

/// Writes made since the order, before they are read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub applied: usize,
    pub of: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub since: Timestamp,
    pub why: String,
}

impl SiteStatus {
    pub fn standing(&self, now: Timestamp) -> Standing {
        standing(&self.command, self.reading.as_ref(), now)
    }

    pub(super) fn from_record(record: SiteRecord, name: String, two_seniors: bool) -> Self {
        let plan = PlanState::of(record.plan, record.refused);
        Self {
            id: record.id,
            name,
            two_seniors,
            drill: false,
            version: record.version,
            command: record.command,
            reading: record.reading,
            plan,
            progress: None,
            trouble: None,
            alone_since: None,
        }
    }
}

impl PlanState {
    pub(super) fn of(last: Option<AcceptedPlan>, refused: Vec<String>) -> Self {
        match (last.map(Arc::new), refused.is_empty()) {
            (Some(plan), true) => Self::Accepted(plan),
            (None, true) => Self::Unchecked,
            (last, false) => Self::Refused { violations: refused, last },
        }
    }

    /// The last plan the guard accepted, whatever it says now.
    pub fn last_accepted(&self) -> Option<&Arc<AcceptedPlan>> {
        match self {
            Self::Unchecked => None,
            Self::Accepted(plan) => Some(plan),
            Self::Refused { last, .. } => last.as_ref(),
        }
    }
}
