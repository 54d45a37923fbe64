//! `cucm.mode = "read_only"`: tries everything but writes, so that a plan can be lived with for weeks
//! before it may change anything.

use async_trait::async_trait;
use engine::ports::{DialPlan, DialPlanError};
use lockdown::caller::Caller;
use lockdown::dial_plan::DialPlan as Facts;
use lockdown::ids::StepId;
use lockdown::plan::LockPlan;
use lockdown::step::{Found, Step, StepValue};
use lockdown::trace::Origin;
use std::collections::BTreeMap;

/// A dial plan that is looked at and never written.
pub struct ReadOnly<D>(pub D);

#[async_trait]
impl<D: DialPlan> DialPlan for ReadOnly<D> {
    async fn survey(&self) -> Result<Facts, DialPlanError> {
        self.0.survey().await
    }

    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError> {
        self.0.read(plan).await
    }

    async fn callers_at(&self, origin: &Origin) -> Result<Vec<Caller>, DialPlanError> {
        self.0.callers_at(origin).await
    }

    async fn write(&self, step: &Step, value: &StepValue) -> Result<(), DialPlanError> {
        let would = format!("it would have written {} → {value}", step.object);
        Err(DialPlanError::NoWrites { why: format!("cucm.mode is read_only; {would}") })
    }
}
