//! A dial plan and a store in memory, for the engine's own tests.

use super::ports::{DialPlan, DialPlanError, Hurry, NewEvent, SiteRecord, Store, StoreError};
use async_trait::async_trait;
use lockdown::caller::Caller;
use lockdown::dial_plan::{ChangeMark, DialPlan as Facts};
use lockdown::ids::{SiteId, StepId, Uuid};
use lockdown::plan::{LockPlan, Write};
use lockdown::steps::{Found, Setting};
use lockdown::timeline::Event;
use lockdown::trace::Origin;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Holds a dial plan; `errors` are given out first, one a call.
#[derive(Default)]
pub struct PlanInMemory {
    facts: Mutex<Facts>,
    read_errors: Mutex<Vec<DialPlanError>>,
    write_errors: Mutex<Vec<DialPlanError>>,
    written: Mutex<Vec<String>>,
    /// How long the next surveys take, the next one last.
    slow_surveys: Mutex<Vec<Duration>>,
    surveys: AtomicUsize,
    survey_errors: Mutex<Vec<DialPlanError>>,
    keeps_changes_back: AtomicBool,
    /// What a survey finds that is cut short.
    cut_short: Mutex<Option<Facts>>,
}

impl PlanInMemory {
    pub fn new(facts: Facts) -> Self {
        Self { facts: Mutex::new(facts), ..Self::default() }
    }

    pub fn facts(&self) -> MutexGuard<'_, Facts> {
        lock(&self.facts)
    }

    /// The next reads fail like this, in this order.
    pub fn fail_reads(&self, errors: impl IntoIterator<Item = DialPlanError>) {
        lock(&self.read_errors).extend(errors);
    }

    /// The next surveys fail like this, in this order; what the steps hold is read.
    pub fn fail_surveys(&self, errors: impl IntoIterator<Item = DialPlanError>) {
        lock(&self.survey_errors).extend(errors);
    }

    /// The next writes fail like this, in this order.
    pub fn fail_writes(&self, errors: impl IntoIterator<Item = DialPlanError>) {
        lock(&self.write_errors).extend(errors);
    }

    /// The next surveys take so long after they have read.
    pub fn slow_surveys(&self, times: impl IntoIterator<Item = Duration>) {
        let mut slow = lock(&self.slow_surveys);
        slow.extend(times);
        slow.reverse();
    }

    /// How many surveys were begun.
    pub fn surveys(&self) -> usize {
        self.surveys.load(Ordering::Relaxed)
    }

    /// A survey that is cut short finds this.
    pub fn cut_short(&self, facts: Facts) {
        *lock(&self.cut_short) = Some(facts);
    }

    /// Whoever asks for changes from now on gets no answer.
    pub fn keep_changes_back(&self) {
        self.keeps_changes_back.store(true, Ordering::Relaxed);
    }

    /// Everything that was written, in order.
    pub fn written(&self) -> Vec<String> {
        lock(&self.written).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

fn next(errors: &Mutex<Vec<DialPlanError>>) -> Result<(), DialPlanError> {
    let mut errors = lock(errors);
    if errors.is_empty() { Ok(()) } else { Err(errors.remove(0)) }
}

#[async_trait]
impl DialPlan for PlanInMemory {
    async fn survey(&self, hurry: &Hurry) -> Result<Facts, DialPlanError> {
        self.surveys.fetch_add(1, Ordering::Relaxed);
        next(&self.read_errors)?;
        next(&self.survey_errors)?;
        let facts = self.facts().clone();
        let slow = lock(&self.slow_surveys).pop().unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(slow) => Ok(facts),
            () = hurry.asked() => Ok(lock(&self.cut_short).clone().unwrap_or(facts)),
        }
    }

    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError> {
        next(&self.read_errors)?;
        let facts = self.facts();
        Ok(plan.find_in(&facts))
    }

    /// Nothing is kept of devices.
    async fn callers_at(&self, _origin: &Origin, _facts: &Facts) -> Result<Vec<Caller>, DialPlanError> {
        Ok(Vec::new())
    }

    async fn changed_since(&self, _mark: &ChangeMark) -> Result<Option<BTreeSet<Uuid>>, DialPlanError> {
        if self.keeps_changes_back.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        Ok(Some(BTreeSet::new()))
    }

    async fn write(&self, write: &Write<'_>) -> Result<(), DialPlanError> {
        next(&self.write_errors)?;
        Setting::put_all([write.setting], &mut self.facts());
        lock(&self.written).push(write.to_string());
        Ok(())
    }
}

/// Keeps what it is given for as long as it lives.
#[derive(Default)]
pub struct StoreInMemory {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    sites: BTreeMap<SiteId, SiteRecord>,
    /// Oldest first; numbers begin with 1 and leave no gap.
    events: Vec<Event>,
}

impl Kept {
    fn append(&mut self, events: Vec<NewEvent>) -> Vec<Event> {
        let first = self.events.len();
        for event in events {
            let seq = u64::try_from(self.events.len()).unwrap_or(u64::MAX) + 1;
            self.events.push(event.numbered(format!("event-{seq}"), seq));
        }
        self.events[first..].to_vec()
    }
}

#[async_trait]
impl Store for StoreInMemory {
    async fn site(&self, id: &SiteId) -> Result<Option<SiteRecord>, StoreError> {
        Ok(lock(&self.kept).sites.get(id).cloned())
    }

    async fn commit(
        &self,
        record: &SiteRecord,
        expected: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, StoreError> {
        let mut kept = lock(&self.kept);
        if kept.sites.get(&record.id).map(|stored| stored.version) != expected {
            return Err(StoreError::Conflict);
        }
        kept.sites.insert(record.id.clone(), record.clone());
        Ok(kept.append(events))
    }

    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, StoreError> {
        Ok(lock(&self.kept).append(events))
    }

    async fn events_after(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        let kept = lock(&self.kept);
        Ok(kept.events.iter().filter(|event| event.seq > after).take(limit).cloned().collect())
    }

    async fn latest_events(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        Ok(lock(&self.kept).events.iter().rev().take(limit).cloned().collect())
    }
}
