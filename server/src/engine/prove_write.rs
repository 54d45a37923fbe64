//! Would CUCM take a write? Shown by one that changes nothing, long before it matters: a read-only AXL user is
//! found so and not by a lock. *Source*: AXL reference, “write permission cannot be tested without a write”.
//!
//! It is done by the task that writes everything else, between two looks and only where all is as ordered: it can
//! never put back what an order has just written.

use super::site::Site;
use lockdown::plan::LockPlan;
use lockdown::reading::Reading;
use lockdown::step::Found;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// A site that is not as ordered for so long is in trouble that everybody sees already.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was not written, and why, for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unproved {
    pub(super) object: String,
    pub(super) why: String,
}

type Proof = Result<String, Unproved>;

/// Whoever waits for a proof.
#[derive(Default)]
pub(super) struct Proofs(Mutex<Vec<oneshot::Sender<Proof>>>);

impl Proofs {
    fn waiting(&self) -> Vec<oneshot::Sender<Proof>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Site {
    /// The object that was written.
    pub(super) async fn prove_write(&self) -> Proof {
        let (proved, proof) = oneshot::channel();
        self.proofs.0.lock().unwrap_or_else(PoisonError::into_inner).push(proved);
        self.wake();
        let not_now = || Unproved {
            object: self.id.to_string(),
            why: "Not tried: CUCM is not as ordered now, or another server drives this site".into(),
        };
        tokio::select! {
            proof = proof => proof.unwrap_or_else(|_| Err(not_now())),
            () = self.clock.sleep(PATIENCE) => Err(not_now()),
        }
    }

    pub(super) async fn prove_if_asked(&self, plan: &LockPlan, reading: &Reading) {
        let waiting = self.proofs.waiting();
        if waiting.iter().all(oneshot::Sender::is_closed) {
            return;
        }
        let proof = self.write_what_is_there(plan, reading).await;
        for asked in waiting {
            // Whoever gave up waiting needs no answer.
            let _ = asked.send(proof.clone());
        }
    }

    async fn write_what_is_there(&self, plan: &LockPlan, reading: &Reading) -> Proof {
        let found = reading.steps.iter().find_map(|read| match &read.found {
            Found::Value(value) => plan.step(&read.step).map(|step| (step, value)),
            Found::Missing | Found::NotRead => None,
        });
        let Some((step, value)) = found else {
            return Err(Unproved { object: self.id.to_string(), why: "The plan has no step that was read".into() });
        };
        let object = step.object.to_string();
        tracing::info!(site.id = %self.id, step.id = %step.id, "engine writes the value that is there");
        match self.dial_plan.write(step, value).await {
            Ok(()) => Ok(object),
            Err(error) => Err(Unproved { object, why: error.to_string() }),
        }
    }
}
