//! A dial plan in memory, with faults, for the engine's own tests.

use crate::engine::ports::{DialPlan, DialPlanError};
use async_trait::async_trait;
use lockdown::dial_plan::DialPlan as Facts;
use lockdown::ids::StepId;
use lockdown::plan::LockPlan;
use lockdown::step::{Found, Step, StepValue};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Holds a dial plan; `errors` are given out first, one a call.
#[derive(Default)]
pub struct Memory {
    facts: Mutex<Facts>,
    read_errors: Mutex<Vec<DialPlanError>>,
    write_errors: Mutex<Vec<DialPlanError>>,
    written: Mutex<Vec<String>>,
}

impl Memory {
    pub fn new(facts: Facts) -> Self {
        Self { facts: Mutex::new(facts), ..Self::default() }
    }

    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        lock(&self.facts)
    }

    /// The next reads fail like this, in this order.
    pub fn fail_reads(&self, errors: impl IntoIterator<Item = DialPlanError>) {
        lock(&self.read_errors).extend(errors);
    }

    /// The next writes fail like this, in this order.
    pub fn fail_writes(&self, errors: impl IntoIterator<Item = DialPlanError>) {
        lock(&self.write_errors).extend(errors);
    }

    /// Everything that was written, in order.
    pub fn written(&self) -> Vec<String> {
        lock(&self.written).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn next(errors: &Mutex<Vec<DialPlanError>>) -> Result<(), DialPlanError> {
    let mut errors = lock(errors);
    if errors.is_empty() { Ok(()) } else { Err(errors.remove(0)) }
}

#[async_trait]
impl DialPlan for Memory {
    async fn survey(&self) -> Result<Facts, DialPlanError> {
        next(&self.read_errors)?;
        Ok(self.facts().clone())
    }

    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError> {
        next(&self.read_errors)?;
        let facts = self.facts();
        Ok(plan.steps.iter().map(|step| (step.id.clone(), step.find_in(&facts))).collect())
    }

    async fn write(&self, step: &Step, value: &StepValue) -> Result<(), DialPlanError> {
        next(&self.write_errors)?;
        step.put_into(&mut self.facts(), value);
        lock(&self.written).push(format!("{} → {value}", step.object));
        Ok(())
    }
}
