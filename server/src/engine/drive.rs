//! The one task of a site: looks, and brings CUCM to what is ordered. A press, a restart, a drift
//! and a passing failure all end here; it asks only "what is ordered, what do I read?".

use super::carry_out::Outcome;
use super::ports::DialPlanError;
use super::site::Site;
use super::status::PlanState;
use lockdown::plan::LockPlan;
use lockdown::reading::Reading;
use lockdown::step::Target;
use lockdown::timeline::{EventKind, StepNote};
use std::sync::Arc;
use std::time::Duration;

/// What the task keeps in mind between two rounds, so that the same thing is told once.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) checked_at: Option<jiff::Timestamp>,
    pub(super) lost: bool,
    pub(super) drift: Option<Vec<StepNote>>,
    pub(super) given_up: bool,
    pub(super) incomplete_told: Option<u64>,
    pub(super) stopped: Option<(u64, String)>,
}

/// Looks after `site` until the task is ended.
pub(super) async fn run(site: Arc<Site>) {
    let mut memory = Memory::default();
    loop {
        let pause = site.round(&mut memory).await;
        tokio::select! {
            () = site.nudged() => {}
            () = site.clock.sleep(pause) => {}
        }
    }
}

impl Site {
    /// One look, and what follows from it. Returns when to look again.
    #[tracing::instrument(name = "engine.drive", skip_all, fields(site.id = %self.id))]
    async fn round(&self, memory: &mut Memory) -> Duration {
        match self.look_and_act(memory).await {
            Ok(Outcome::Overtaken) => Duration::ZERO,
            Ok(Outcome::Verified | Outcome::Incomplete) => self.tuning.sweep,
            Err(DialPlanError::Stop { why }) => {
                self.tell_lost(memory, &why).await;
                self.tuning.after_stop
            }
            Err(error) => {
                self.tell_lost(memory, &error.to_string()).await;
                let waiting = !self.status().command.is_settled();
                if waiting { self.tuning.pause.min(self.tuning.sweep) } else { self.tuning.sweep }
            }
        }
    }

    async fn look_and_act(&self, memory: &mut Memory) -> Result<Outcome, DialPlanError> {
        if self.plan_is_due(memory) {
            self.settle_plan().await?;
            memory.checked_at = Some(self.clock.now());
        }
        let Some(plan) = self.usable_plan() else { return Ok(Outcome::Incomplete) };
        let reading = self.look(&plan).await?;
        self.tell_found(memory).await;
        let status = self.status();
        let target = status.command.target();
        if reading.off(target).next().is_none() {
            self.as_ordered(memory, &reading).await;
            return Ok(Outcome::Verified);
        }
        if status.command.is_settled() {
            self.drifted(memory, &plan, &reading).await?;
            return Ok(Outcome::Incomplete);
        }
        self.carry_out(memory, &plan, reading).await
    }

    /// A plan never checked, or text that changed since, comes before everything; else now and then,
    /// but not while an order waits.
    fn plan_is_due(&self, memory: &Memory) -> bool {
        let status = self.status();
        let waiting = !status.command.is_settled();
        match (&status.plan, memory.checked_at) {
            (PlanState::Unchecked | PlanState::Refused { .. }, _) => true,
            // A restart in the middle of an order goes on with the plan it was ordered with.
            (PlanState::Accepted(_), None) => !waiting,
            (PlanState::Accepted(_), Some(at)) => {
                let age = self.clock.now().duration_since(at);
                !waiting && age.unsigned_abs() >= self.tuning.recheck
            }
        }
    }

    /// The plan to read and write by. A refused one locks nothing, and can still be released.
    fn usable_plan(&self) -> Option<LockPlan> {
        let status = self.status();
        if let PlanState::Refused { violations, last } = &status.plan {
            let first = violations.first().map_or("", String::as_str);
            self.show_trouble(&format!("The plan is refused: {first}"));
            let releasing = status.command.target() == Target::Normal;
            return last.as_ref().filter(|_| releasing).map(|plan| plan.checked.plan.clone());
        }
        status.plan.last_accepted().map(|plan| plan.checked.plan.clone())
    }

    /// Reads every step; what is shown is what was read, and when it was asked for.
    pub(super) async fn look(&self, plan: &LockPlan) -> Result<Reading, DialPlanError> {
        let read_at = self.clock.now();
        let found = self.dial_plan.read(plan).await?;
        let reading = Reading::of(plan, read_at, |id| found.get(id).cloned());
        let changed = self.status().reading.is_none_or(|old| old.steps != reading.steps);
        let shown = reading.clone();
        self.show(|status| status.reading = Some(shown));
        if changed {
            let kept = reading.clone();
            self.note(|record| record.reading = Some(kept), vec![]).await;
        }
        Ok(reading)
    }

    async fn tell_lost(&self, memory: &mut Memory, why: &str) {
        tracing::warn!(site.id = %self.id, why, "cucm cannot be seen");
        self.show_trouble(&format!("Cannot see CUCM: {why}"));
        if !std::mem::replace(&mut memory.lost, true) {
            self.note(|_| {}, vec![EventKind::CucmLost { why: why.to_owned() }]).await;
        }
    }

    async fn tell_found(&self, memory: &mut Memory) {
        if std::mem::take(&mut memory.lost) {
            self.show(|status| status.trouble = None);
            self.note(|_| {}, vec![EventKind::CucmBack]).await;
        }
    }

    /// Everything reads as ordered: the first time it is verified, later it is calm again.
    pub(super) async fn as_ordered(&self, memory: &mut Memory, reading: &Reading) {
        let status = self.status();
        let mut events = Vec::new();
        if !status.command.is_settled() {
            let took = self.clock.now().duration_since(status.command.since()).as_millis();
            events.push(EventKind::Verified {
                target: status.command.target(),
                steps: reading.steps.len(),
                took_ms: u64::try_from(took).unwrap_or(0),
            });
        }
        if memory.drift.take().is_some() {
            events.push(EventKind::DriftEnded);
        }
        memory.given_up = false;
        memory.stopped = None;
        let at = self.clock.now();
        let stored =
            self.remember(status.version, |record| record.command = record.command.clone().verified(at), events).await;
        if let Err(error) = stored {
            tracing::error!(site.id = %self.id, %error, "what was verified could not be remembered");
        }
        self.show(|shown| {
            shown.progress = None;
            shown.trouble = None;
        });
    }
}
