//! From what is read to what is ordered: write what differs, read back, say which steps are not
//! there yet and why. Fails forward; nothing is rolled back by itself.

use super::ports::{DialPlanError, Leadership, Snapshot};
use super::reconcile::LastRound;
use super::site::Site;
use super::status::{Progress, SiteStatus};
use futures_util::{FutureExt, StreamExt};
use lockdown::command::Command;
use lockdown::ids::StepId;
use lockdown::plan::{LockPlan, Write};
use lockdown::reading::{Reading, StepReading};
use lockdown::steps::{Found, StepState, Target};
use lockdown::timeline::{EventKind, StepNote};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Into how many pieces the progress of an order is told.
const PROGRESS_STEPS: usize = 20;

/// How a try to carry out an order ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Verified,
    /// Not everything is there; the next sweep goes on.
    Incomplete,
    /// A newer order came: begin again with that.
    Overtaken,
    /// Other servers must come to rest first.
    Waiting,
}

/// Who may have changed what is put right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangedBy {
    /// Who changes it again and again wants it so.
    People,
    /// Other servers, which had not heard of the lock: as often as it takes.
    Servers,
}

/// What became of the writes of one pass.
#[derive(Default)]
struct Pass {
    failures: BTreeMap<StepId, String>,
    wait: Option<Duration>,
    stop: Option<String>,
    troubled: bool,
    written: usize,
}

impl Site {
    /// Writes and reads back until all is as ordered, the deadline passes, or nothing more can succeed.
    pub(super) async fn apply(
        &self,
        memory: &mut LastRound,
        status: &SiteStatus,
        plan: &LockPlan,
        mut reading: Reading,
    ) -> Result<Outcome, DialPlanError> {
        let version = status.version;
        let target = status.command.target();
        self.take_snapshot(version, plan, &reading).await;
        self.recall_snapshot(memory, version, plan).await;
        let until = self.clock.now() + self.tuning.deadline;
        let mut pause = self.tuning.pause;
        loop {
            let writes = due(plan, target, &reading);
            let total = plan.steps.len();
            let before = reading.done(target);
            let pass = self.write_all(version, &writes, total - writes.len(), total).await;
            memory.written = Some((version, memory.written_for(version) + pass.written));
            reading = self.look(plan).await?;
            if self.status().version != version {
                return Ok(Outcome::Overtaken);
            }
            if reading.off(target).next().is_none() {
                return Ok(self.as_ordered(memory, version, &reading).await);
            }
            let told = notes(plan, &reading, target, &pass.failures);
            if let Some(why) = pass.stop {
                self.tell_stopped(memory, version, target, &why).await;
                return Ok(Outcome::Incomplete);
            }
            if self.clock.now() >= until || memory.incomplete_told == Some(version) {
                self.tell_incomplete(memory, version, target, told).await;
                return Ok(Outcome::Incomplete);
            }
            if reading.done(target) > before {
                pause = self.tuning.pause;
            }
            let wait = pass.wait.unwrap_or(pause).min(self.tuning.deadline);
            tokio::select! {
                () = self.nudged() => {}
                () = self.clock.sleep(wait) => {}
            }
            if self.status().version != version || !self.leadership_allows(&self.status().command) {
                return Ok(Outcome::Overtaken);
            }
            pause = (pause * 2).min(self.tuning.pause * 8);
        }
    }

    /// Group after group. A newer order ends the pass. That a group is through is put into the timeline while
    /// the next one is written: telling takes no time of the order's.
    async fn write_all(&self, version: u64, writes: &[Write<'_>], done: usize, total: usize) -> Pass {
        let mut pass = Pass::default();
        let mut progress = Progress { applied: done, of: total };
        let mut through = None;
        self.show_progress(done, total);
        for group in writes.chunk_by(|a, b| a.step.group == b.step.group) {
            let telling = self.tell_applied(version, through.take());
            tokio::join!(self.write_group(version, group, &mut pass, &mut progress), telling);
            through = (progress.applied < total).then_some(progress);
            if pass.is_over() || self.status().version != version {
                break;
            }
        }
        self.tell_applied(version, through).await;
        pass
    }

    /// Up to `max_in_flight` writes at a time.
    async fn write_group(&self, version: u64, group: &[Write<'_>], pass: &mut Pass, progress: &mut Progress) {
        // Writes that are sent are waited for, never dropped: CUCM may carry them out all the same.
        let held = AtomicBool::new(false);
        // Each piece of news is written down for every audience: a bar of twenty steps is enough.
        let told_every = progress.of.div_ceil(PROGRESS_STEPS);
        let mut writing = Vec::with_capacity(group.len());
        for write in group {
            let held = &held;
            writing.push(async move { (write, self.write_one(version, write, held).await) }.boxed());
        }
        let mut results = futures_util::stream::iter(writing).buffer_unordered(self.tuning.max_in_flight.max(1));
        while let Some((write, result)) = results.next().await {
            match result {
                Ok(()) => {
                    progress.applied += 1;
                    pass.written += 1;
                    if progress.applied.is_multiple_of(told_every) {
                        self.show_progress(progress.applied, progress.of);
                    }
                }
                Err(error) => pass.failed(write, error),
            }
            held.store(pass.is_over(), Ordering::Relaxed);
        }
    }

    /// How far an order is. A repair is told by its end.
    async fn tell_applied(&self, version: u64, through: Option<Progress>) {
        let command = self.status().command;
        let Some(Progress { applied: done, of }) = through.filter(|p| p.applied > 0 && !command.is_settled()) else {
            return;
        };
        let event = EventKind::Applied { target: command.target(), done, of };
        if let Err(error) = self.remember(version, |_| {}, vec![event]).await {
            tracing::error!(site.id = %self.id, %error, "how far it is could not be put into the timeline");
        }
    }

    async fn write_one(&self, version: u64, write: &Write<'_>, held: &AtomicBool) -> Result<(), DialPlanError> {
        if held.load(Ordering::Relaxed) {
            return Err(DialPlanError::Refused { why: "waits its turn".into() });
        }
        let Some(_open) = self.writes.begin() else {
            return Err(DialPlanError::Transient { why: "this server stops".into(), after: None });
        };
        // After it is counted: see `tell_rest`.
        if self.status().version != version {
            return Err(DialPlanError::Transient { why: "a newer order came".into(), after: None });
        }
        if !self.leadership_allows(&self.status().command) {
            return Err(DialPlanError::Transient { why: "another server is the leader now".into(), after: None });
        }
        tracing::info!(site.id = %self.id, step.id = %write.step.id, "engine writes {write}");
        self.cluster.dial_plan.write(write).await
    }

    /// What CUCM held before the first write of an activation; told where it was not the plan's normal.
    async fn take_snapshot(&self, version: u64, plan: &LockPlan, reading: &Reading) {
        let Command::Locked(activation) = self.status().command else { return };
        if self.snapshot().await.is_some_and(|snapshot| snapshot.activation == activation.id) {
            return;
        }
        let differing = notes(plan, reading, Target::Normal, &BTreeMap::new());
        let events = if differing.is_empty() { vec![] } else { vec![EventKind::SnapshotDiffers { steps: differing }] };
        let snapshot = Snapshot { activation: activation.id, reading: reading.clone() };
        let stored = self.remember(version, |record| record.snapshot = Some(snapshot), events).await;
        if let Err(error) = stored {
            tracing::error!(site.id = %self.id, %error, "the snapshot could not be stored; the order goes on");
        }
    }

    /// A release restores the plan's normal; where CUCM was otherwise before the lock, that is told again.
    async fn recall_snapshot(&self, memory: &mut LastRound, version: u64, plan: &LockPlan) {
        let Command::Normal(release) = self.status().command else { return };
        if memory.recalled == Some(version) {
            return;
        }
        memory.recalled = Some(version);
        let Some(before) = self.snapshot().await.filter(|snapshot| snapshot.activation == release.activation) else {
            return;
        };
        let steps = notes(plan, &before.reading, Target::Normal, &BTreeMap::new());
        if !steps.is_empty() {
            self.note(|_| {}, vec![EventKind::SnapshotDiffers { steps }]).await;
        }
    }

    async fn tell_incomplete(&self, memory: &mut LastRound, version: u64, target: Target, steps: Vec<StepNote>) {
        let first = steps.first().map_or_else(String::new, |s| format!(" {}: {}.", s.object, s.note));
        self.show_trouble(&format!("{} steps are not there yet, still trying.{first}", steps.len()));
        if memory.incomplete_told != Some(version) {
            memory.incomplete_told = Some(version);
            self.note(|_| {}, vec![EventKind::Incomplete { target, steps }]).await;
        }
    }

    pub(super) async fn tell_stopped(&self, memory: &mut LastRound, version: u64, target: Target, why: &str) {
        self.show_trouble(&format!("CUCM cannot be changed: {why}."));
        memory.stopped_at = Some((version, self.clock.now()));
        let now = Some((version, why.to_owned()));
        if memory.stopped != now {
            memory.stopped = now;
            self.note(|_| {}, vec![EventKind::Stopped { target, why: why.to_owned() }]).await;
        }
    }

    /// Settled once, different now: somebody changed CUCM. Locked is repaired, normal is reported.
    pub(super) async fn drifted(
        &self,
        memory: &mut LastRound,
        plan: &LockPlan,
        reading: &Reading,
        may_write: bool,
    ) -> Result<(), DialPlanError> {
        let status = self.status();
        let ordered = status.command.target();
        let steps = notes(plan, reading, ordered, &BTreeMap::new());
        if memory.drift.as_ref() != Some(&steps) {
            memory.drift = Some(steps.clone());
            self.note(|_| {}, vec![EventKind::Drifted { ordered, steps }]).await;
        }
        let may_repair = may_write && self.leadership() == Leadership::Leader;
        if ordered == Target::Locked && may_repair && status.command.allows_writes() {
            self.repair(memory, status.version, plan, reading, ChangedBy::People).await
        } else {
            Ok(())
        }
    }

    pub(super) async fn repair(
        &self,
        memory: &mut LastRound,
        version: u64,
        plan: &LockPlan,
        reading: &Reading,
        hand: ChangedBy,
    ) -> Result<(), DialPlanError> {
        let now = self.clock.now();
        let all = due(plan, Target::Locked, reading);
        let (allowed, too_often): (Vec<_>, Vec<_>) = {
            let mut repairs = self.repairs.lock();
            all.into_iter().partition(|write| hand == ChangedBy::Servers || repairs.allow(&write.step.id, now))
        };
        if !too_often.is_empty() && !std::mem::replace(&mut memory.given_up, true) {
            let steps = too_often.iter().map(|w| note(&w.step.object().to_string(), "left alone")).collect();
            self.show_trouble("Somebody keeps changing CUCM: repaired 3 times within an hour.");
            self.note(|_| {}, vec![EventKind::RepairGivenUp { steps }]).await;
        }
        if allowed.is_empty() {
            return Ok(());
        }
        let pass = self.write_all(version, &allowed, 0, allowed.len()).await;
        let after = self.look(plan).await?;
        if let Some(why) = &pass.stop {
            self.tell_stopped(memory, version, Target::Locked, why).await;
        }
        let mended: Vec<&Write<'_>> = allowed
            .iter()
            .filter(|w| after.steps.iter().any(|s| s.step == w.step.id && s.is_at(Target::Locked)))
            .collect();
        if hand == ChangedBy::People {
            let mut repairs = self.repairs.lock();
            for write in &mended {
                repairs.made(&write.step.id, now);
            }
        }
        if !mended.is_empty() {
            let steps =
                mended.iter().map(|w| note(&w.step.object().to_string(), &w.setting.value().to_string())).collect();
            self.note(|_| {}, vec![EventKind::Repaired { steps }]).await;
        }
        if after.off(Target::Locked).next().is_none() {
            self.as_ordered(memory, version, &after).await;
        }
        Ok(())
    }
}

impl Pass {
    /// CUCM is busy, away, or refuses: more writes now would only add to it. Look first.
    fn is_over(&self) -> bool {
        self.stop.is_some() || self.troubled
    }

    fn failed(&mut self, write: &Write<'_>, error: DialPlanError) {
        tracing::warn!(step.id = %write.step.id, %error, "a write did not succeed");
        self.failures.insert(write.step.id.clone(), error.to_string());
        match error {
            DialPlanError::Transient { after, .. } => {
                self.wait = self.wait.max(after);
                self.troubled = true;
            }
            DialPlanError::OutcomeUnknown { .. } => self.troubled = true,
            DialPlanError::Refused { .. } => {}
            DialPlanError::NoWrites { why } | DialPlanError::Stop { why } => self.stop = Some(why),
        }
    }
}

/// What can be written: an object that is not there cannot.
fn due<'a>(plan: &'a LockPlan, target: Target, reading: &Reading) -> Vec<Write<'a>> {
    let missing = |id: &StepId| reading.steps.iter().any(|s| s.step == *id && s.state == StepState::Missing);
    plan.writes(target, reading).into_iter().filter(|write| !missing(&write.step.id)).collect()
}

fn note(object: &str, note: &str) -> StepNote {
    StepNote { object: object.to_owned(), note: note.to_owned() }
}

/// The steps that are not where they should be, each with what is known of it.
fn notes(plan: &LockPlan, reading: &Reading, target: Target, failures: &BTreeMap<StepId, String>) -> Vec<StepNote> {
    let object = |s: &StepReading| plan.step(&s.step).map(|step| step.object().to_string()).unwrap_or_default();
    let why = |s: &StepReading| match (failures.get(&s.step), &s.found) {
        (Some(failure), _) => failure.clone(),
        (None, Found::Value(value)) => value.to_string(),
        (None, Found::Missing) => "no longer in CUCM".into(),
        (None, Found::NotRead) => "not read".into(),
    };
    reading.off(target).map(|s| note(&object(s), &why(s))).collect()
}
