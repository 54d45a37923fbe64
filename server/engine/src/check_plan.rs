//! The plan against the dial plan: frozen, guarded, remembered.

use super::ports::{AcceptedPlan, DialPlanError, SiteRecord, Turn};
use super::site::Site;
use super::status::PlanState;
use lockdown::guard::{self, CheckedPlan, Violation};
use lockdown::plan::LockPlan;
use lockdown::site::Command;
use lockdown::timeline::EventKind;
use sha2::{Digest, Sha256};
use std::sync::Arc;

impl Site {
    pub(super) async fn survey_and_check(&self) -> Result<Result<CheckedPlan, Vec<Violation>>, DialPlanError> {
        let facts = self.dial_plan.survey().await?;
        let (text, untouched, drill) = (self.text.clone(), self.is_untouched(), self.drill_of.is_some());
        // Thousands of routes are followed: not on a thread that others need.
        let checked = tokio::task::spawn_blocking(move || {
            let mut checked = guard::check(&text, &facts)?;
            if drill {
                // Canaries are to stop no call: that every call still goes out is no leak.
                checked.leaks.clear();
            }
            let blocked = if untouched { guard::blocked_already(&text, &checked.plan, &facts) } else { vec![] };
            if blocked.is_empty() { Ok(checked) } else { Err(blocked) }
        });
        checked.await.map_err(|error| DialPlanError::Transient { why: error.to_string(), after: None })
    }

    /// Nobody ordered anything and no plan was accepted: what is blocked now is meant to be.
    fn is_untouched(&self) -> bool {
        let status = self.status();
        matches!(status.command, Command::Untouched { .. }) && status.plan.last_accepted().is_none()
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
                    drill: self.drill_of.is_some(),
                };
                let shown = Arc::new(plan.clone());
                self.show(|status| {
                    let was_refused = matches!(status.plan, PlanState::Refused { .. });
                    status.plan = PlanState::Accepted(shown);
                    if was_refused {
                        status.trouble = None;
                    }
                });
                let keep = |record: &mut SiteRecord| {
                    record.plan = Some(plan);
                    record.refused.clear();
                };
                self.note(keep, if known { vec![] } else { vec![event] }).await;
            }
            Err(violations) => {
                let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
                let known = matches!(&before, PlanState::Refused { violations: old, .. } if *old == violations);
                let last = before.last_accepted().cloned();
                let refused = PlanState::Refused { violations: violations.clone(), last };
                self.show(|status| status.plan = refused);
                if !known {
                    let kept = violations.clone();
                    self.note(|record| record.refused = kept, vec![EventKind::PlanRefused { violations }]).await;
                }
            }
        }
        Ok(())
    }

    /// Remembers if it can; carrying out an order never waits for that. What every server sees is
    /// noted by the one that drives the site.
    pub(super) async fn note(&self, change: impl FnOnce(&mut SiteRecord), events: Vec<EventKind>) {
        if self.turn() == Turn::Look {
            return;
        }
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
