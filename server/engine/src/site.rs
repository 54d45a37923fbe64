//! One site: its record, its status, and the order of things when somebody orders.

use super::check_plan::PlanCheck;
use super::cluster::Cluster;
use super::error::EngineError;
use super::peer_writes::Writes;
use super::ports::{Clock, Leadership, NewEvent, SiteRecord, Snapshot, Store, StoreError};
use super::prove_write::Proofs;
use super::repairs::Repairs;
use super::status::{PlanState, Progress, SiteStatus, Trouble};
use super::{News, SiteSetup, Timeline, Tuning};
use lockdown::command::{Command, Transition};
use lockdown::ids::SiteId;
use lockdown::operator::Operator;
use lockdown::plan::PlanText;
use lockdown::timeline::{Event, EventKind};
use lockdown::trace::Tracer;
use parking_lot::{Mutex, MutexGuard};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Notify;

pub(super) struct Site {
    pub(super) id: SiteId,
    pub(super) text: PlanText,
    pub(super) two_seniors: bool,
    pub(super) drill_of: Option<SiteId>,
    pub(super) cluster: Arc<Cluster>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tuning: Tuning,
    pub(super) repairs: Mutex<Repairs>,
    pub(super) store: Arc<dyn Store>,
    timeline: Arc<Timeline>,
    status: Mutex<SiteStatus>,
    /// What is stored, word for word. Held over the store's call, so that records follow each other.
    record: tokio::sync::Mutex<SiteRecord>,
    nudge: Notify,
    pub(super) proofs: Proofs,
    pub(super) writes: Writes,
    /// All-clears that other servers are being asked about.
    asking: AtomicUsize,
    /// The number of the latest survey its plan was judged by.
    pub(super) judged_by: AtomicU64,
    /// Follows numbers through the survey of that number.
    pub(super) tracer: Mutex<Option<(u64, Arc<OnceLock<Tracer>>)>>,
    /// What the plan was found to be by it.
    pub(super) last_check: Mutex<Option<Arc<PlanCheck>>>,
}

/// Counted as long as it lives.
struct Asking<'a>(&'a AtomicUsize);

impl<'a> Asking<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Site {
    pub(super) async fn recall(
        setup: SiteSetup,
        cluster: Arc<Cluster>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        timeline: Arc<Timeline>,
        tuning: Tuning,
    ) -> Result<Self, StoreError> {
        let id = setup.plan.site.clone();
        let record = if let Some(record) = store.site(&id).await? {
            record
        } else {
            let command = Command::Untouched { since: clock.now() };
            let record = SiteRecord {
                id: id.clone(),
                version: 1,
                command,
                plan: None,
                refused: vec![],
                snapshot: None,
                reading: None,
            };
            store.commit(&record, None, vec![]).await?;
            record
        };
        let status = SiteStatus {
            drill: setup.drill_of.is_some(),
            ..SiteStatus::from_record(record.clone(), setup.name, setup.two_seniors)
        };
        Ok(Self {
            id,
            text: setup.plan,
            two_seniors: setup.two_seniors,
            drill_of: setup.drill_of,
            cluster,
            clock,
            tuning,
            repairs: Mutex::default(),
            store,
            timeline,
            status: Mutex::new(status),
            record: tokio::sync::Mutex::new(record),
            nudge: Notify::new(),
            proofs: Proofs::default(),
            writes: Writes::default(),
            asking: AtomicUsize::new(0),
            judged_by: AtomicU64::new(0),
            tracer: Mutex::default(),
            last_check: Mutex::default(),
        })
    }

    pub(super) fn status(&self) -> SiteStatus {
        self.shown().clone()
    }

    pub(super) fn look_at<T>(&self, look: impl FnOnce(&SiteStatus) -> T) -> T {
        look(&self.shown())
    }

    /// Decides, remembers, then nudges the site's task.
    pub(super) async fn order(
        &self,
        by: &Operator,
        decide: impl FnOnce(&Command, u64) -> Result<Transition, EngineError>,
    ) -> Result<SiteStatus, EngineError> {
        let mut record = self.record.lock().await;
        let transition = decide(&record.command, record.version)?;
        self.take(&mut record, transition, by).await
    }

    /// What would come of an order; nothing is ordered.
    pub(super) async fn decide<T>(&self, decide: impl FnOnce(&Command, u64) -> T) -> T {
        let record = self.record.lock().await;
        decide(&record.command, record.version)
    }

    /// The same for an order that every server must know before it counts. Nothing is held while they
    /// are asked: a lock that is ordered meanwhile is taken at once, and wins.
    pub(super) async fn order_everywhere(
        &self,
        by: &Operator,
        decide: impl Fn(&Command, u64) -> Result<Transition, EngineError>,
    ) -> Result<SiteStatus, EngineError> {
        let _asking = Asking::begin(&self.asking);
        let seen = self.record.lock().await.clone();
        let Transition::Changed { command, event } = decide(&seen.command, seen.version)? else {
            self.nudge.notify_one();
            return match self.store.confirm(&seen).await {
                // Normal here, and locked by a server this one has not heard yet: that is no all-clear.
                Err(StoreError::Conflict) => Err(not_agreed(StoreError::Conflict, seen.version)),
                // Whoever cannot be asked changes nothing: what is known here is said.
                _ => Ok(self.status()),
            };
        };
        let order = SiteRecord { version: seen.version + 1, command: (*command).clone(), ..seen.clone() };
        self.store.take_over(&self.id);
        // Whoever led until now stops: a lock that is being carried out goes on here.
        self.nudge.notify_one();
        self.store.agree(&seen, &order).await.map_err(|error| not_agreed(error, seen.version))?;
        let mut record = self.record.lock().await;
        let what = |record: &SiteRecord| (record.version, record.command.target(), record.command.since());
        if what(&record) == what(&order) {
            // It came back from the others before this server had written it: what is left is to tell of it.
            self.tell(event, by).await;
            return Ok(self.status());
        }
        if record.version != seen.version {
            return Err(EngineError::VersionStale { seen: seen.version, now: record.version });
        }
        self.take(&mut record, Transition::Changed { command, event }, by).await
    }

    async fn tell(&self, kind: EventKind, by: &Operator) {
        match self.store.append(vec![self.event(kind, Some(by))]).await {
            Ok(events) => self.send(events),
            Err(error) => tracing::error!(%error, site.id = %self.id, "an order could not be put into the timeline"),
        }
    }

    async fn take(
        &self,
        record: &mut SiteRecord,
        transition: Transition,
        by: &Operator,
    ) -> Result<SiteStatus, EngineError> {
        if let Transition::Changed { command, event } = transition {
            let next = SiteRecord { version: record.version + 1, command: *command, ..record.clone() };
            // First: whoever led until now must find the leadership taken when it learns of the order.
            self.store.take_over(&self.id);
            let seen = record.version;
            self.store_record(record, next, vec![(event, Some(by))]).await.map_err(|error| not_agreed(error, seen))?;
            self.show(|status| {
                status.progress = None;
                status.trouble = None;
            });
        }
        self.nudge.notify_one();
        Ok(self.status())
    }

    /// Changes what is remembered, as far as it still is about the order of `version`. Returns
    /// whether it was.
    pub(super) async fn remember(
        &self,
        version: u64,
        change: impl FnOnce(&mut SiteRecord),
        events: Vec<EventKind>,
    ) -> Result<bool, StoreError> {
        let mut record = self.record.lock().await;
        if record.version != version {
            return Ok(false);
        }
        let mut next = record.clone();
        change(&mut next);
        if next != *record || !events.is_empty() {
            let events = events.into_iter().map(|kind| (kind, None)).collect();
            self.store_record(&mut record, next, events).await?;
        }
        Ok(true)
    }

    async fn store_record(
        &self,
        record: &mut SiteRecord,
        next: SiteRecord,
        events: Vec<(EventKind, Option<&Operator>)>,
    ) -> Result<(), StoreError> {
        let events = events.into_iter().map(|(kind, by)| self.event(kind, by)).collect();
        let stored = self.store.commit(&next, Some(record.version), events).await;
        if stored == Err(StoreError::Conflict) {
            self.reload(record).await?;
        }
        let events = stored?;
        *record = next.clone();
        self.show(|status| {
            status.version = next.version;
            status.command = next.command;
        });
        self.send(events);
        Ok(())
    }

    fn event(&self, kind: EventKind, by: Option<&Operator>) -> NewEvent {
        NewEvent { at: self.clock.now(), site: Some(self.id.clone()), by: by.map(Operator::actor), kind }
    }

    fn send(&self, events: Vec<Event>) {
        for event in events {
            self.timeline.send(News::Event(Arc::new(event)));
        }
    }

    /// What is stored is newer than what is known here: an answer of the store was lost. What is
    /// stored counts.
    async fn reload(&self, record: &mut SiteRecord) -> Result<(), StoreError> {
        if let Some(stored) = self.store.site(&self.id).await? {
            *record = stored.clone();
            self.show(|status| {
                status.version = stored.version;
                status.command = stored.command;
            });
            self.nudge.notify_one();
        }
        Ok(())
    }

    /// Other servers and this one agreed on `agreed`, unless something was ordered here in between:
    /// then the next exchange settles it.
    pub(super) async fn adopt(&self, seen: &SiteRecord, agreed: SiteRecord) {
        let mut record = self.record.lock().await;
        if *record != *seen {
            return;
        }
        if let Err(error) = self.store.adopt(seen, &agreed).await {
            tracing::warn!(site.id = %self.id, %error, "what other servers know could not be taken over");
            return;
        }
        let ordered = record.version != agreed.version;
        *record = agreed.clone();
        self.show(|status| {
            status.version = agreed.version;
            status.command = agreed.command.clone();
            status.plan = PlanState::of(agreed.plan, agreed.refused);
            if ordered {
                status.progress = None;
                status.trouble = None;
            }
        });
        self.tell_rest();
        self.nudge.notify_one();
    }

    /// Somebody else leads now, or this server does: what is to be done is asked anew.
    pub(super) fn wake(&self) {
        self.nudge.notify_one();
    }

    /// May what is ordered here be overtaken already? While other servers cannot be asked, while they are
    /// asked about an all-clear, and where CUCM shows something else.
    pub(super) fn may_be_outdated(&self) -> bool {
        if self.asking.load(Ordering::SeqCst) > 0 {
            return true;
        }
        let status = self.status();
        let away = self.store.away_since().is_some_and(|since| status.command.since() < since);
        let off = status.reading.as_ref().is_some_and(|reading| reading.off(status.command.target()).next().is_some());
        away || (off && status.command.is_settled())
    }

    /// Other servers look after it too.
    pub(super) fn is_shared(&self) -> bool {
        self.store.shared_news().is_some()
    }

    /// From now on this server leads.
    pub(super) fn take_turn(&self) {
        self.store.take_over(&self.id);
    }

    pub(super) fn leadership(&self) -> Leadership {
        self.store.leadership(&self.id)
    }

    pub(super) async fn snapshot(&self) -> Option<Snapshot> {
        self.record.lock().await.snapshot.clone()
    }

    /// Changes what is shown, and tells if anything differs.
    pub(super) fn show(&self, change: impl FnOnce(&mut SiteStatus)) {
        let mut shown = self.shown();
        let before = shown.clone();
        change(&mut shown);
        if *shown != before {
            self.timeline.send(News::Site(Arc::new(shown.clone())));
        }
    }

    pub(super) fn show_progress(&self, applied: usize, of: usize) {
        self.show(|status| status.progress = Some(Progress { applied, of }));
    }

    /// Says why it does not go on. The first time of the same sentence counts; returns whether it is new.
    pub(super) fn show_trouble(&self, why: &str) -> bool {
        let since = self.clock.now();
        let new = self.shown().trouble.as_ref().is_none_or(|trouble| trouble.why != why);
        if new {
            self.show(|status| status.trouble = Some(Trouble { since, why: why.to_owned() }));
        }
        new
    }

    pub(super) async fn nudged(&self) {
        self.nudge.notified().await;
    }

    fn shown(&self) -> MutexGuard<'_, SiteStatus> {
        self.status.lock()
    }
}

fn not_agreed(error: StoreError, seen: u64) -> EngineError {
    match error {
        StoreError::Away(_) => EngineError::OthersUnreachable,
        StoreError::OutcomeUnknown(_) => EngineError::OutcomeUnknown,
        StoreError::Conflict => EngineError::VersionStale { seen, now: seen + 1 },
        error => EngineError::NotRemembered(error),
    }
}
