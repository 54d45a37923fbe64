//! The plan against the dial plan: frozen, guarded, remembered.

use super::cluster::{Numbered, Survey, Wanted};
use super::ports::{self as port, AcceptedPlan, DialPlanError, Hurry, Leadership, SiteRecord};
use super::site::Site;
use super::status::PlanState;
use jiff::SignedDuration;
use lockdown::command::Command;
use lockdown::guard::{self, Cancelled, Checked, Flow};
use lockdown::ids::Uuid;
use lockdown::plan::{LockPlan, PlanText};
use lockdown::reading::Reading;
use lockdown::timeline::EventKind;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// What a check of the plan found, and what it took.
#[derive(Debug)]
pub struct PlanCheck {
    pub checked: Checked,
    /// What it was judged by.
    pub survey: Arc<Survey>,
    pub analysis: SignedDuration,
    drawn: OnceLock<Vec<Flow>>,
}

impl PlanCheck {
    /// Canaries are to stop no call: that every call still goes out is no leak.
    pub fn of_canaries(&mut self) {
        self.checked.reach.iter_mut().for_each(|reach| reach.leaks.clear());
        if let Ok(accepted) = &mut self.checked.verdict {
            accepted.keep(&[]);
        }
    }

    /// Where calls go, for a picture of it; worked out when it is first asked for. `text` is the plan that was checked.
    pub fn flows(&self, text: &PlanText) -> &[Flow] {
        let reach = self.checked.reach.as_ref();
        self.drawn.get_or_init(|| reach.map(|reach| guard::flows(text, &self.survey.facts, reach)).unwrap_or_default())
    }

    /// What the steps hold now; none of a plan that is refused.
    pub fn found(&self) -> Option<Reading> {
        self.checked.verdict.as_ref().ok().map(|checked| checked.plan.read(&self.survey.facts, self.survey.read_at))
    }
}

/// Set once whoever waits for a check has left: a page that was closed, a server that stops.
#[derive(Default)]
struct Left(Arc<AtomicBool>);

impl Drop for Left {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Judges `text` by what was read. Not on a thread that others need: thousands of calls are followed.
///
/// # Errors
/// When it could not be finished.
pub async fn judge(text: PlanText, survey: Arc<Survey>, clock: &dyn port::Clock) -> Result<PlanCheck, DialPlanError> {
    let begun = clock.now();
    let facts = survey.facts.clone();
    let left = Left::default();
    let cancelled = left.0.clone();
    let checked = tokio::task::spawn_blocking(move || guard::judge_until(&text, &facts, &cancelled)).await;
    let broken = |why: String| DialPlanError::Transient { why, after: None };
    let checked = checked.map_err(|error| broken(error.to_string()))?;
    let checked = checked.map_err(|_: Cancelled| broken("the check was cancelled".into()))?;
    let analysis = clock.now().duration_since(begun);
    Ok(PlanCheck { checked, survey, analysis, drawn: OnceLock::new() })
}

/// A page waits no longer for CUCM's list of changes.
const PATIENCE: Duration = Duration::from_secs(2);

impl Site {
    /// What was changed since the last check, but for what the plan switches; `None` where CUCM does not say.
    pub(super) async fn changed_since_check(&self, check: &PlanCheck) -> Option<BTreeSet<Uuid>> {
        // Nobody who looks at a page makes CUCM be asked while the engine lets it be, or lock the account.
        let is_seen = self.status().reading.is_some_and(|reading| reading.is_fresh(self.clock.now()));
        if !is_seen {
            return None;
        }
        let changed = tokio::select! {
            changed = self.cluster.dial_plan.changed_since(check.survey.facts.mark.as_ref()?) => changed.ok()??,
            () = self.clock.sleep(PATIENCE) => return None,
        };
        let plan = check.checked.verdict.as_ref().ok().map(|checked| &checked.plan);
        let switched: BTreeSet<&Uuid> =
            plan.iter().flat_map(|plan| &plan.steps).map(|step| step.object().uuid()).collect();
        Some(changed.into_iter().filter(|uuid| !switched.contains(uuid)).collect())
    }

    /// Kept until the next one: pages show it without asking CUCM.
    pub(super) async fn survey_and_check(
        &self,
        wanted: Wanted,
        hurry: &Hurry,
    ) -> Result<Arc<PlanCheck>, DialPlanError> {
        let Numbered { number, survey } = self.cluster.survey(wanted, hurry).await?;
        self.judged_by.fetch_max(number, Ordering::Relaxed);
        let mut check = judge(self.text.clone(), survey, &*self.clock).await?;
        if self.drill_of.is_some() {
            check.of_canaries();
        }
        if check.checked.verdict.is_ok() && self.is_untouched() {
            let blocked = guard::blocked_already(&self.text, &check.survey.facts);
            if !blocked.is_empty() {
                check.checked.verdict = Err(blocked);
            }
        }
        let check = Arc::new(check);
        self.keep_newest(&check);
        Ok(check)
    }

    /// Of two checks at once, the one that read later counts, whichever ends first.
    fn keep_newest(&self, check: &Arc<PlanCheck>) {
        let mut kept = self.last_check.lock();
        if kept.as_ref().is_none_or(|known| known.survey.read_at <= check.survey.read_at) {
            *kept = Some(check.clone());
        }
    }

    /// Nobody ordered anything and no plan was accepted: what is blocked now is meant to be.
    fn is_untouched(&self) -> bool {
        let status = self.status();
        matches!(status.command, Command::Untouched { .. }) && status.plan.last_accepted().is_none()
    }

    /// Checks the plan and makes the result the one that counts.
    pub(super) async fn settle_plan(&self, hurry: &Hurry) -> Result<(), DialPlanError> {
        let unseen = || Wanted::LaterThan(self.judged_by.load(Ordering::Relaxed));
        let mut checked = self.survey_and_check(unseen(), hurry).await?.checked.verdict.clone();
        if checked.is_err() && hurry.is_asked() {
            // It may be refused for what was left out.
            checked.clone_from(&self.survey_and_check(unseen(), &Hurry::default()).await?.checked.verdict);
        }
        let at = self.clock.now();
        let before = self.status().plan;
        match checked {
            Ok(checked) => {
                let plan = AcceptedPlan { fingerprint: fingerprint(&checked.plan), checked, at };
                let known = matches!(&before, PlanState::Accepted(old) if old.fingerprint == plan.fingerprint);
                let event = EventKind::PlanAccepted {
                    fingerprint: plan.fingerprint.clone(),
                    steps: plan.checked.plan.steps.len(),
                    leaks: plan.checked.count_leaks(),
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
    /// noted by the site's leader.
    pub(super) async fn note(&self, change: impl FnOnce(&mut SiteRecord), events: Vec<EventKind>) {
        if self.leadership() == Leadership::Follower {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_cancels_what_they_waited_for() {
        let left = Left::default();
        let cancelled = left.0.clone();
        assert!(!cancelled.load(Ordering::Relaxed));
        drop(left);
        assert!(cancelled.load(Ordering::Relaxed));
    }
}
