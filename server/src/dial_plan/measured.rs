//! How long CUCM takes, and how often it fails: the port again, with a clock beside it.

use crate::telemetry::meters::Meters;
use async_trait::async_trait;
use engine::ports::{DialPlan, DialPlanError, Hurry};
use lockdown::caller::Caller;
use lockdown::dial_plan::{ChangeMark, DialPlan as Facts};
use lockdown::ids::{StepId, Uuid};
use lockdown::plan::{LockPlan, Write};
use lockdown::steps::Found;
use lockdown::trace::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

/// A dial plan whose calls are counted.
pub struct Measured<D> {
    pub inner: D,
    pub meters: Arc<Meters>,
}

impl<D> Measured<D> {
    async fn timed<T>(
        &self,
        act: &'static str,
        call: impl Future<Output = Result<T, DialPlanError>>,
    ) -> Result<T, DialPlanError> {
        let begun = Instant::now();
        let answer = call.await;
        self.meters.asked(act, begun.elapsed(), answer.as_ref().err());
        answer
    }
}

#[async_trait]
impl<D: DialPlan> DialPlan for Measured<D> {
    async fn survey(&self, hurry: &Hurry) -> Result<Facts, DialPlanError> {
        self.timed("survey", self.inner.survey(hurry)).await
    }

    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError> {
        self.timed("read", self.inner.read(plan)).await
    }

    async fn callers_at(&self, origin: &Origin, facts: &Facts) -> Result<Vec<Caller>, DialPlanError> {
        self.timed("trace", self.inner.callers_at(origin, facts)).await
    }

    async fn changed_since(&self, mark: &ChangeMark) -> Result<Option<BTreeSet<Uuid>>, DialPlanError> {
        self.timed("changes", self.inner.changed_since(mark)).await
    }

    async fn write(&self, write: &Write<'_>) -> Result<(), DialPlanError> {
        self.timed("write", self.inner.write(write)).await
    }
}
