//! `cucm.mode = "read_only"`: tries everything but writes, so that a plan can be lived with for weeks
//! before it may change anything.

use async_trait::async_trait;
use engine::ports::{DialPlan, DialPlanError, Hurry};
use lockdown::caller::Caller;
use lockdown::dial_plan::{ChangeMark, DialPlan as Facts};
use lockdown::ids::{StepId, Uuid};
use lockdown::plan::{LockPlan, Write};
use lockdown::steps::Found;
use lockdown::trace::Origin;
use std::collections::{BTreeMap, BTreeSet};

/// A dial plan that is looked at and never written.
pub struct ReadOnly<D>(pub D);

#[async_trait]
impl<D: DialPlan> DialPlan for ReadOnly<D> {
    async fn survey(&self, hurry: &Hurry) -> Result<Facts, DialPlanError> {
        self.0.survey(hurry).await
    }

    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError> {
        self.0.read(plan).await
    }

    async fn callers_at(&self, origin: &Origin, facts: &Facts) -> Result<Vec<Caller>, DialPlanError> {
        self.0.callers_at(origin, facts).await
    }

    async fn changed_since(&self, mark: &ChangeMark) -> Result<Option<BTreeSet<Uuid>>, DialPlanError> {
        self.0.changed_since(mark).await
    }

    async fn write(&self, write: &Write<'_>) -> Result<(), DialPlanError> {
        Err(DialPlanError::NoWrites { why: format!("cucm.mode is read_only; it would have written {write}") })
    }
}
