//! The plan against the dial plan: frozen, guarded, remembered.

use super::ports::{AcceptedPlan, DialPlanError};
use super::site::Site;
use super::status::PlanState;
use lockdown::guard::{self, CheckedPlan, Violation};
use lockdown::plan::LockPlan;
use lockdown::timeline::EventKind;
use sha2::{Digest, Sha256};
use std::sync::Arc;

impl Site {
    pub(super) async fn survey_and_check(&self) -> Result<Result<CheckedPlan, Vec<Violation>>, DialPlanError> {
        let facts = self.dial_plan.survey().await?;
        Ok(guard::check(&self.text, &facts))
    }

    /// Checks the plan and makes the result the one that counts.
    pub(super) async fn settle_plan(&self) -> Result<(), DialPlanError> {
        let checked = self.survey_and_check().await?;
        let at = self.clock.now();
        let before = self.status().plan;
        match checked {
            Ok(checked) => {
                let plan = AcceptedPlan { fingerprint: fingerprint(&checked.plan), checked, at };
                let known = matches!(&before, PlanState::Accepted(old) if old.fingerprint == plan.fingerprint);
                let event = EventKind::PlanAccepted {
                    fingerprint: plan.fingerprint.clone(),
                    steps: plan.checked.plan.steps.len(),
                    leaks: plan.checked.leaks.len(),
                };
                let shown = Arc::new(plan.clone());
                self.show(|status| status.plan = PlanState::Accepted(shown));
                self.note(|record| record.plan = Some(plan), if known { vec![] } else { vec![event] }).await;
            }
            Err(violations) => {
                let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
                let known = matches!(&before, PlanState::Refused { violations: old, .. } if *old == violations);
                let last = before.last_accepted().cloned();
                let refused = PlanState::Refused { violations: violations.clone(), last };
                self.show(|status| status.plan = refused);
                if !known {
                    self.note(|_| {}, vec![EventKind::PlanRefused { violations }]).await;
                }
            }
        }
        Ok(())
    }

    /// Remembers if it can; carrying out an order never waits for that.
    pub(super) async fn note(&self, change: impl FnOnce(&mut super::ports::SiteRecord), events: Vec<EventKind>) {
        let version = self.status().version;
        if let Err(error) = self.remember(version, change, events).await {
            tracing::error!(site.id = %self.id, %error, "the timeline could not be written");
        }
    }
}

fn fingerprint(plan: &LockPlan) -> String {
    let json = serde_json::to_vec(plan).expect("a plan has only strings and lists in it");
    Sha256::digest(json).iter().take(8).fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}
