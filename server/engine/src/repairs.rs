//! How often an object was repaired lately: a repair loop against somebody else's is no help.

use jiff::{SignedDuration, Timestamp};
use lockdown::ids::StepId;
use std::collections::BTreeMap;

/// Repairs of one object within [`WINDOW`]: `deploy/guide/architecture.md`.
const MOST: usize = 3;

const WINDOW: SignedDuration = SignedDuration::from_hours(1);

#[derive(Default)]
pub(super) struct Repairs(BTreeMap<StepId, Vec<Timestamp>>);

impl Repairs {
    /// May this step be repaired once more?
    pub(super) fn allow(&mut self, step: &StepId, now: Timestamp) -> bool {
        let times = self.0.entry(step.clone()).or_default();
        times.retain(|at| now.duration_since(*at) < WINDOW);
        times.len() < MOST
    }

    pub(super) fn made(&mut self, step: &StepId, now: Timestamp) {
        self.0.entry(step.clone()).or_default().push(now);
    }
}
