//! Would CUCM take a write? Shown by one that changes nothing, long before it matters: a read-only AXL user is
//! found so and not by a lock. AXL tells of its role in no other way.
//!
//! It is done by the task that writes everything else, right after a look and only where all is normal as ordered: no order
//! of this server is between look and write. Other servers' orders may be: then only canaries are touched.

use super::ports::DialPlanError;
use super::site::Site;
use lockdown::ids::StepId;
use lockdown::plan::LockPlan;
use lockdown::reading::Reading;
use lockdown::steps::{Found, Target};
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::oneshot;

/// A site that is not as ordered for so long is in trouble that everybody sees already.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why it is not proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unproved {
    /// Nothing was sent.
    NotNow(String),
    /// CUCM did not take it. The text is for the operator.
    Refused { object: String, why: String },
}

type Proof = Result<String, Unproved>;

/// Whoever waits for a proof.
#[derive(Default)]
pub(super) struct Proofs(Mutex<Vec<oneshot::Sender<Proof>>>);

impl Proofs {
    fn wait(&self, proved: oneshot::Sender<Proof>) {
        let mut waiting = self.0.lock();
        waiting.retain(|earlier| !earlier.is_closed());
        waiting.push(proved);
    }

    fn waiting(&self) -> Vec<oneshot::Sender<Proof>> {
        std::mem::take(&mut *self.0.lock())
    }
}

impl Site {
    /// The object that was written. Where other servers may order meanwhile, only canaries are touched.
    pub(super) async fn prove_write(&self) -> Proof {
        if self.status().command.target() == Target::Locked {
            return Err(Unproved::NotNow("it is locked, and a lock is proof enough".into()));
        }
        if self.is_shared() && self.drill_of.is_none() {
            let why = "with several servers it is proved on a drill’s canaries: set up a drill";
            return Err(Unproved::NotNow(why.into()));
        }
        self.take_turn();
        let (proved, proof) = oneshot::channel();
        self.proofs.wait(proved);
        self.wake();
        let not_now = || Err(Unproved::NotNow("CUCM is not as ordered now".into()));
        tokio::select! {
            proof = proof => proof.unwrap_or_else(|_| not_now()),
            () = self.clock.sleep(PATIENCE) => not_now(),
        }
    }

    pub(super) async fn prove_if_asked(&self, version: u64, plan: &LockPlan, reading: &Reading) {
        let waiting = self.proofs.waiting();
        if waiting.iter().all(oneshot::Sender::is_closed) {
            return;
        }
        let proof = self.write_what_is_there(version, plan, reading).await;
        for asked in waiting {
            // Whoever gave up waiting needs no answer.
            let _ = asked.send(proof.clone());
        }
    }

    async fn write_what_is_there(&self, version: u64, plan: &LockPlan, reading: &Reading) -> Proof {
        let value_of = |id: &StepId| match &reading.steps.iter().find(|read| read.step == *id)?.found {
            Found::Value(value) => Some(value),
            Found::Missing | Found::NotRead => None,
        };
        let Some(write) = plan.provable(value_of) else {
            return Err(Unproved::NotNow("the plan has no step to prove it by".into()));
        };
        let Some(_open) = self.writes.begin() else {
            return Err(Unproved::NotNow("this server stops".into()));
        };
        if self.status().version != version {
            return Err(Unproved::NotNow("something was ordered meanwhile".into()));
        }
        let object = write.step.object().to_string();
        tracing::info!(site.id = %self.id, step.id = %write.step.id, "engine writes the value that is there");
        match self.cluster.dial_plan.write(&write).await {
            Ok(()) => Ok(object),
            // That CUCM is busy or away says nothing about the right to write, and is told elsewhere.
            Err(DialPlanError::Transient { why, .. } | DialPlanError::OutcomeUnknown { why }) => {
                Err(Unproved::NotNow(why))
            }
            Err(error) => Err(Unproved::Refused { object, why: error.to_string() }),
        }
    }
}
