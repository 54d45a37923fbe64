//! One CUCM, and what was read of its whole dial plan last: one survey serves all sites in it.

use super::ports::{Clock, DialPlan, DialPlanError, Hurry};
use jiff::{SignedDuration, Timestamp};
use lockdown::dial_plan::DialPlan as Facts;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A survey of the last minute answers for single numbers, and for a check that nobody asked for.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// A check waits so long for the survey of another one. Reading a town takes two seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// A whole dial plan, as it was read.
#[derive(Debug)]
pub struct Survey {
    pub facts: Arc<Facts>,
    /// When that was begun.
    pub read_at: Timestamp,
    pub took: SignedDuration,
}

impl Survey {
    /// Reads the dial plan.
    ///
    /// # Errors
    /// When CUCM cannot be asked.
    pub async fn read(dial_plan: &dyn DialPlan, clock: &dyn Clock, hurry: &Hurry) -> Result<Self, DialPlanError> {
        let read_at = clock.now();
        let facts = Arc::new(dial_plan.survey(hurry).await?);
        Ok(Self { facts, read_at, took: clock.now().duration_since(read_at) })
    }
}

/// A survey, by the place it has among all of its CUCM.
#[derive(Clone)]
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) survey: Arc<Survey>,
}

/// Which survey will do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted {
    /// One that is begun after somebody asked.
    AsOfNow,
    /// One of the last minute, later than the one with this number.
    LaterThan(u64),
}

pub(super) struct Cluster {
    pub(super) dial_plan: Arc<dyn DialPlan>,
    clock: Arc<dyn Clock>,
    /// Surveys that were begun so far: the next one's number is one more.
    begun: AtomicU64,
    /// Held by whoever reads for all.
    reading: tokio::sync::Mutex<()>,
    last: Mutex<Last>,
}

/// How the latest survey for all ended, and the latest that succeeded.
#[derive(Default)]
struct Last {
    ended: Option<(u64, Result<(), DialPlanError>)>,
    read: Option<Numbered>,
}

impl Cluster {
    pub(super) fn new(dial_plan: Arc<dyn DialPlan>, clock: Arc<dyn Clock>) -> Self {
        let begun = AtomicU64::new(0);
        Self { dial_plan, clock, begun, reading: tokio::sync::Mutex::default(), last: Mutex::default() }
    }

    /// Waits for whoever reads already, a while: an order waits for nobody, nor does anybody for a CUCM that hangs.
    pub(super) async fn survey(&self, wanted: Wanted, hurry: &Hurry) -> Result<Numbered, DialPlanError> {
        let asked = self.begun.load(Ordering::SeqCst);
        let _reading = tokio::select! {
            biased;
            reading = self.reading.lock() => Some(reading),
            () = hurry.asked() => None,
            () = self.clock.sleep(PATIENCE) => None,
        };
        match self.known(wanted, asked) {
            Some(known) => known,
            None => self.read(hurry).await,
        }
    }

    /// The last one, if it is of the last minute; else it is read.
    pub(super) async fn recent(&self) -> Result<Numbered, DialPlanError> {
        let last = self.last().read.clone();
        match last.filter(|last| self.is_fresh(last)) {
            Some(recent) => Ok(recent),
            None => self.survey(Wanted::AsOfNow, &Hurry::default()).await,
        }
    }

    /// What others learned of CUCM while this one waited; also that it cannot be read.
    fn known(&self, wanted: Wanted, asked: u64) -> Option<Result<Numbered, DialPlanError>> {
        let last = self.last();
        if let Some((number, Err(error))) = &last.ended
            && *number > asked
        {
            return Some(Err(error.clone()));
        }
        let will_do = |read: &&Numbered| match wanted {
            Wanted::AsOfNow => read.number > asked,
            Wanted::LaterThan(seen) => read.number > seen && self.is_fresh(read),
        };
        last.read.as_ref().filter(will_do).cloned().map(Ok)
    }

    fn is_fresh(&self, read: &Numbered) -> bool {
        self.clock.now() < read.survey.read_at + FRESH
    }

    async fn read(&self, hurry: &Hurry) -> Result<Numbered, DialPlanError> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let read = Survey::read(&*self.dial_plan, &*self.clock, hurry).await;
        let read = read.map(|survey| Numbered { number, survey: Arc::new(survey) });
        // One that an order cut short is for that order alone.
        if !hurry.is_asked() {
            self.keep(number, &read);
        }
        read
    }

    /// Of two that were read at once, the one that was begun later counts, whichever ends first.
    fn keep(&self, number: u64, read: &Result<Numbered, DialPlanError>) {
        let mut last = self.last();
        if last.ended.as_ref().is_some_and(|(later, _)| *later > number) {
            return;
        }
        last.ended = Some((number, read.as_ref().map(|_| ()).map_err(Clone::clone)));
        if let Ok(read) = read {
            last.read = Some(read.clone());
        }
    }

    fn last(&self) -> parking_lot::MutexGuard<'_, Last> {
        self.last.lock()
    }
}
