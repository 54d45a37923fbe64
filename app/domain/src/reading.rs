//! What CUCM was last seen to hold.

use crate::ids::StepId;
use crate::plan::LockPlan;
use crate::steps::{Found, StepState, Target};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A reading older than this says nothing any more: three sweeps of 10 s missed.
pub const STALE_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// A clock may step back a little; a reading from further in the future is not believed.
const SKEW: SignedDuration = SignedDuration::from_secs(5);

/// One read-back of every object of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When the *first* byte of the oldest answer was asked for: never younger than the truth.
    pub read_at: Timestamp,
    pub steps: Vec<StepReading>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReading {
    pub step: StepId,
    pub found: Found,
    pub state: StepState,
}

/// A reading in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadingState {
    Normal,
    Locked,
    Mixed,
    Unknown,
}

impl ReadingState {
    /// What every step reads as; `None` where they differ, or one was not read.
    pub fn target(self) -> Option<Target> {
        match self {
            Self::Normal => Some(Target::Normal),
            Self::Locked => Some(Target::Locked),
            Self::Mixed | Self::Unknown => None,
        }
    }
}

impl Reading {
    /// Judges what was `found` for each step of `plan`; a step without an answer is not read.
    pub fn of(plan: &LockPlan, read_at: Timestamp, found: impl Fn(&StepId) -> Option<Found>) -> Self {
        let steps = plan
            .steps
            .iter()
            .map(|step| {
                let found = found(&step.id).unwrap_or(Found::NotRead);
                StepReading { step: step.id.clone(), state: step.state(&found), found }
            })
            .collect();
        Self { read_at, steps }
    }

    pub fn state(&self) -> ReadingState {
        let all = |want| !self.steps.is_empty() && self.steps.iter().all(|step| step.state == want);
        if self.steps.is_empty() || self.steps.iter().any(|step| step.state == StepState::NotRead) {
            ReadingState::Unknown
        } else if all(StepState::Normal) {
            ReadingState::Normal
        } else if all(StepState::Locked) {
            ReadingState::Locked
        } else {
            ReadingState::Mixed
        }
    }

    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.read_at);
        age <= STALE_AFTER && age >= -SKEW
    }

    /// How many steps are where `target` wants them.
    pub fn done(&self, target: Target) -> usize {
        self.steps.iter().filter(|step| step.is_at(target)).count()
    }

    /// The steps that are not where `target` wants them.
    pub fn off(&self, target: Target) -> impl Iterator<Item = &StepReading> {
        self.steps.iter().filter(move |step| !step.is_at(target))
    }
}

impl StepReading {
    pub fn is_at(&self, target: Target) -> bool {
        self.state
            == match target {
                Target::Normal => StepState::Normal,
                Target::Locked => StepState::Locked,
            }
    }
}
