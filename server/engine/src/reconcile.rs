//! The one task of a site: looks, and brings CUCM to what is ordered. A press, a restart, a drift
//! and a passing failure all end here; it asks only "what is ordered, what do I read?".

use super::apply::{ChangedBy, Outcome};
use super::peer_writes::{self, PeerWrites};
use super::ports::{DialPlanError, Hurry, Leadership, SiteRecord};
use super::site::Site;
use super::status::PlanState;
use lockdown::command::Command;
use lockdown::plan::LockPlan;
use lockdown::reading::Reading;
use lockdown::steps::{StepState, Target};
use lockdown::timeline::{EventKind, StepNote};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

/// An order waits so long for all that a check of the plan can learn. Reading a town takes two seconds.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What the task keeps in mind between two rounds, so that the same thing is told once.
#[derive(Default)]
pub(super) struct LastRound {
    pub(super) checked_at: Option<jiff::Timestamp>,
    pub(super) lost: bool,
    pub(super) drift: Option<Vec<StepNote>>,
    pub(super) given_up: bool,
    pub(super) incomplete_told: Option<u64>,
    /// The release for which the snapshot was recalled.
    pub(super) recalled: Option<u64>,
    pub(super) stopped: Option<(u64, String)>,
    /// Writing was refused for this order at that time: trying at every sweep may lock the account.
    pub(super) stopped_at: Option<(u64, jiff::Timestamp)>,
    /// The order that no other server can overwrite any more.
    pub(super) at_rest: Option<u64>,
    /// The order about which other servers were asked first, and when they could be.
    pub(super) asked: Option<(u64, jiff::Timestamp)>,
    /// Writes that CUCM took for this order, from this server since it started.
    pub(super) written: Option<(u64, usize)>,
}

impl LastRound {
    pub(super) fn written_for(&self, version: u64) -> usize {
        self.written.filter(|(of, _)| *of == version).map_or(0, |(_, written)| written)
    }
}

/// Looks after `site` until the task is ended.
pub(super) async fn run(site: Arc<Site>) {
    let mut memory = LastRound::default();
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
    async fn round(&self, memory: &mut LastRound) -> Duration {
        self.tell_rest();
        match self.look_and_act(memory).await {
            Ok(Outcome::Overtaken) => Duration::ZERO,
            Ok(Outcome::Waiting) => peer_writes::PAUSE,
            Ok(_) if self.may_have_peer_writes(memory) => self.tuning.pause.min(self.tuning.sweep),
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

    async fn look_and_act(&self, memory: &mut LastRound) -> Result<Outcome, DialPlanError> {
        if self.plan_is_due(memory) && self.check_in_time().await? {
            memory.checked_at = Some(self.clock.now());
        }
        let Some(plan) = self.usable_plan() else { return Ok(Outcome::Incomplete) };
        let version = self.status().version;
        let peer_writes = self.peer_writes(memory).await;
        match (peer_writes, self.status().command.target()) {
            (PeerWrites::Overtaken, _) => return Ok(Outcome::Overtaken),
            (PeerWrites::Write, Target::Normal) => return Ok(Outcome::Waiting),
            (PeerWrites::AtRest(version), Target::Normal) => memory.at_rest = Some(version),
            _ => {}
        }
        let reading = self.look(&plan).await?;
        self.tell_found(memory).await;
        if self.leadership() == Leadership::Follower {
            return Ok(Outcome::Incomplete);
        }
        let status = self.status();
        let target = status.command.target();
        if target == Target::Normal && status.version != version {
            return Ok(Outcome::Overtaken);
        }
        if !status.command.is_settled() && !self.leadership_allows(&status.command) {
            return Ok(Outcome::Incomplete);
        }
        if reading.off(target).next().is_none() {
            if let PeerWrites::AtRest(version) = peer_writes {
                memory.at_rest = Some(version);
            }
            let outcome = self.as_ordered(memory, status.version, &reading).await;
            if outcome == Outcome::Verified && target == Target::Normal && self.leadership() == Leadership::Leader {
                self.prove_if_asked(status.version, &plan, &reading).await;
            }
            return Ok(outcome);
        }
        let may_write = self.may_write(memory) && self.leadership_allows(&status.command);
        if status.command.is_settled() {
            if peer_writes != PeerWrites::Nobody
                && target == Target::Locked
                && may_write
                && self.leadership() == Leadership::Leader
            {
                self.repair(memory, status.version, &plan, &reading, ChangedBy::Servers).await?;
                return Ok(Outcome::Incomplete);
            }
            self.drifted(memory, &plan, &reading, may_write).await?;
            return Ok(Outcome::Incomplete);
        }
        if may_write { self.apply(memory, &status, &plan, reading).await } else { Ok(Outcome::Incomplete) }
    }

    /// A plan never accepted comes before everything, and one whose objects are gone; else now and
    /// then while nothing is locked: an activation is released by the plan it was locked with.
    fn plan_is_due(&self, memory: &LastRound) -> bool {
        let status = self.status();
        let gone = |reading: &Reading| reading.steps.iter().any(|step| step.state == StepState::Missing);
        let age = memory.checked_at.map(|at| self.clock.now().duration_since(at).unsigned_abs());
        let quiet = status.command.target() == Target::Normal && status.command.is_settled();
        if self.leadership() == Leadership::Follower && status.plan.last_accepted().is_some() {
            return false;
        }
        match (&status.plan, age) {
            (PlanState::Unchecked, _) | (PlanState::Refused { .. }, None) => true,
            (PlanState::Accepted(_), None) => quiet || status.reading.as_ref().is_some_and(gone),
            (PlanState::Refused { .. }, Some(age)) => age >= self.tuning.sweep * 3,
            (PlanState::Accepted(_), Some(age)) if status.reading.as_ref().is_some_and(gone) => {
                age >= self.tuning.sweep
            }
            (PlanState::Accepted(_), Some(age)) => quiet && age >= self.tuning.recheck,
        }
    }

    /// Checks the plan; whether that was done in full. An order waits a little for the check of a plan that was never
    /// accepted. For that of one that was, neither an order waits nor the next sweep.
    async fn check_in_time(&self) -> Result<bool, DialPlanError> {
        let hurry = Hurry::default();
        let settled = self.settle_plan(&hurry);
        if let Some(accepted) = self.status().plan.last_accepted() {
            return tokio::select! {
                settled = settled => settled.map(|()| true),
                () = self.nudged() => Ok(false),
                looked = self.look_until_off(&accepted.checked.plan) => looked.map(|()| false),
            };
        }
        tokio::select! {
            // One that was cut short is made again once all is normal.
            settled = settled => settled.map(|()| !hurry.is_asked()),
            never = self.hurry_up(&hurry) => match never {},
        }
    }

    /// Sweeps until something reads otherwise than before, and not as ordered: that is for the round to act on.
    async fn look_until_off(&self, plan: &LockPlan) -> Result<(), DialPlanError> {
        loop {
            self.clock.sleep(self.tuning.sweep).await;
            let before = self.status().reading;
            let reading = self.look(plan).await?;
            let is_news = before.is_none_or(|before| before.steps != reading.steps);
            if is_news && reading.off(self.status().command.target()).next().is_some() {
                return Ok(());
            }
        }
    }

    /// Once an order waits for a check, the check goes on without what it can do without.
    async fn hurry_up(&self, hurry: &Hurry) -> Infallible {
        while self.status().command.is_settled() {
            self.nudged().await;
        }
        // Whatever becomes of the check, the round after it begins at once.
        self.wake();
        self.clock.sleep(PATIENCE).await;
        hurry.up();
        std::future::pending().await
    }

    /// The plan to look by: the last one that was accepted, whatever the guard says of it now.
    fn usable_plan(&self) -> Option<LockPlan> {
        let status = self.status();
        if let PlanState::Refused { violations, .. } = &status.plan {
            let first = violations.first().map_or("", String::as_str);
            self.show_trouble(&format!("The plan is refused: {first}"));
        }
        status.plan.last_accepted().map(|plan| plan.checked.plan.clone())
    }

    /// A refused plan locks nothing and repairs nothing; what it locked before can be released.
    fn may_write(&self, memory: &LastRound) -> bool {
        let status = self.status();
        let refused = matches!(status.plan, PlanState::Refused { .. }) && status.command.target() == Target::Locked;
        let paused = memory.stopped_at.is_some_and(|(version, at)| {
            let waited = self.clock.now().duration_since(at).unsigned_abs();
            version == status.version && waited < self.tuning.after_stop
        });
        !refused && !paused
    }

    /// While other servers cannot be asked, an all-clear they gave may be outdated by a lock: only one
    /// that was given here without them is carried out.
    pub(super) fn leadership_allows(&self, command: &Command) -> bool {
        match self.leadership() {
            Leadership::Leader => true,
            Leadership::Follower => false,
            Leadership::Isolated => !matches!(command, Command::Normal(release) if !release.alone),
        }
    }

    /// Reads every step; what is shown is what was read, and when it was asked for.
    pub(super) async fn look(&self, plan: &LockPlan) -> Result<Reading, DialPlanError> {
        let read_at = self.clock.now();
        let found = self.cluster.dial_plan.read(plan).await?;
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

    async fn tell_lost(&self, memory: &mut LastRound, why: &str) {
        tracing::warn!(site.id = %self.id, why, "cucm cannot be seen");
        self.show_trouble(&format!("Cannot see CUCM: {why}"));
        if !std::mem::replace(&mut memory.lost, true) {
            self.note(|_| {}, vec![EventKind::CucmLost { why: why.to_owned() }]).await;
        }
    }

    async fn tell_found(&self, memory: &mut LastRound) {
        if std::mem::take(&mut memory.lost) {
            self.show(|status| status.trouble = None);
            self.note(|_| {}, vec![EventKind::CucmBack]).await;
        }
    }

    /// Everything reads as the order of `version` wants: the first time it is verified, later it is
    /// calm again. A newer order in between makes this reading say nothing.
    pub(super) async fn as_ordered(&self, memory: &mut LastRound, version: u64, reading: &Reading) -> Outcome {
        let status = self.status();
        if status.version != version {
            return Outcome::Overtaken;
        }
        let at = self.clock.now();
        let mut events = Vec::new();
        if !status.command.is_settled() {
            let took = at.duration_since(status.command.since()).as_millis();
            events.push(EventKind::Verified {
                target: status.command.target(),
                steps: reading.steps.len(),
                took_ms: u64::try_from(took).unwrap_or(0),
                written: Some(memory.written_for(version)),
            });
        }
        if memory.drift.take().is_some() {
            events.push(EventKind::DriftEnded);
        }
        memory.given_up = false;
        memory.stopped = None;
        memory.stopped_at = None;
        let verify = |record: &mut SiteRecord| record.command = record.command.clone().verified(at);
        match self.remember(version, verify, events).await {
            Ok(true) => {}
            Ok(false) => return Outcome::Overtaken,
            // It is so all the same; only a restart would have to look again.
            Err(error) => tracing::error!(site.id = %self.id, %error, "what was verified could not be remembered"),
        }
        self.show(|shown| {
            if shown.version == version {
                shown.command = shown.command.clone().verified(at);
                shown.progress = None;
                shown.trouble = None;
            }
        });
        Outcome::Verified
    }
}
