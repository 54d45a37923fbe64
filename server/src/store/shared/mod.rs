//! One of several servers: what happens is committed to its own journal (the embedded store) first,
//! then shared by MongoDB. The database may be away at any time: a lock is taken as ever, people and
//! keys are known from copies, and what was kept is passed on exactly once when it is back.
//!
//! An all-clear is the exception: it is agreed on in the database before it counts, so that no server
//! holds a lock that another one released without hearing of it.

mod calls;
mod directory;
mod documents;
mod exchange;
mod leadership;
mod mirror;
mod outbox;

use super::ServerStore;
use super::chain::Verdict;
use super::embedded::Embedded;
use super::mongo::Mongo;
use crate::config::Secret;
use async_trait::async_trait;
use engine::ports::{Leadership, NewEvent, SharedNews, SiteRecord, Store, StoreError};
use jiff::Timestamp;
use leadership::Leaders;
use lockdown::ids::SiteId;
use lockdown::timeline::Event;
use mirror::Mirror;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use tokio::sync::{Notify, broadcast};
use tokio::task::JoinSet;

/// News for an engine that is slow; what it misses is told again.
const BACKLOG: usize = 64;

/// A journal and what it is the journal of.
#[derive(Clone)]
pub struct Shared {
    inner: Arc<Inner>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

struct Inner {
    local: Embedded,
    mirror: Mirror,
    mongo: Mongo,
    /// Names this process among the servers.
    me: String,
    /// The sites of the configuration.
    sites: Vec<SiteId>,
    reach: Mutex<Reach>,
    leadership: Mutex<Leaders>,
    wake: Arc<Notify>,
    /// What this server is at rest with changed.
    rest: Notify,
    /// One sign of life after the other.
    signing: tokio::sync::Mutex<()>,
    news: broadcast::Sender<SharedNews>,
}

/// Can the database be reached?
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    /// Not asked yet; counts as away.
    Unknown {
        since: Timestamp,
    },
    Here,
    Away {
        since: Timestamp,
        why: String,
    },
}

impl Shared {
    /// Opens, and meets the others if they are there; a database that is away delays nothing but its
    /// own time limit. `secret` signs the copies kept for that time.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn open(local: Embedded, mongo: Mongo, sites: Vec<SiteId>, secret: &Secret) -> Result<Self, StoreError> {
        if local.has_originals().await? {
            return Err(StoreError::Failed(
                "the data folder holds people and keys of an embedded store. Copy them into the database first: `pstn-lockdown store migrate --from embedded --to mongodb`".into(),
            ));
        }
        let instance = local.instance().await?;
        let nonce: String = crate::identity::token::random_text().chars().take(8).collect();
        let (news, _) = broadcast::channel(BACKLOG);
        let inner = Arc::new(Inner {
            mirror: Mirror::new(local.clone(), secret),
            local,
            mongo,
            me: format!("{instance}/{nonce}"),
            leadership: Mutex::new(Leaders::of(&sites)),
            sites,
            reach: Mutex::new(Reach::Unknown { since: Timestamp::UNIX_EPOCH }),
            wake: Arc::new(Notify::new()),
            rest: Notify::new(),
            signing: tokio::sync::Mutex::new(()),
            news,
        });
        inner.begin(now()).await?;
        let mut tasks = JoinSet::new();
        tasks.spawn(inner.mongo.clone().wake(inner.wake.clone()));
        tasks.spawn(inner.clone().run());
        tasks.spawn(inner.clone().give_signs());
        Ok(Self { inner, tasks: Arc::new(Mutex::new(tasks)) })
    }

    /// Passes on what is left, gives the turns back, and ends the exchange.
    pub async fn close(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.shutdown().await;
        self.inner.leave().await;
    }
}

/// The adapter's own sense of time: for how long the database is away.
#[expect(clippy::disallowed_methods, reason = "an adapter tells since when it is cut off; nothing is decided by it")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Inner {
    fn reach(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock()
    }

    fn leadership(&self) -> MutexGuard<'_, Leaders> {
        self.leadership.lock()
    }

    fn away_since(&self) -> Option<Timestamp> {
        match *self.reach() {
            Reach::Here => None,
            Reach::Unknown { since } | Reach::Away { since, .. } => Some(since),
        }
    }

    /// Asks the database, unless it is known to be away: then the answer comes at once.
    async fn ask<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        if let Reach::Away { why, .. } = &*self.reach() {
            return Err(StoreError::Away(why.clone()));
        }
        let answer = call.await;
        if let Err(StoreError::Away(why) | StoreError::OutcomeUnknown(why)) = &answer {
            self.lost(why);
        }
        answer
    }

    fn lost(&self, why: &str) {
        let mut reach = self.reach();
        if matches!(*reach, Reach::Away { .. }) {
            return;
        }
        *reach = Reach::Away { since: now(), why: why.to_owned() };
        drop(reach);
        self.leadership().here(false);
        tracing::warn!(why, "the shared database cannot be reached");
        let _ = self.news.send(SharedNews::Away { why: why.to_owned() });
        self.wake.notify_one();
    }

    fn found(&self) {
        let before = std::mem::replace(&mut *self.reach(), Reach::Here);
        self.leadership().here(true);
        if matches!(before, Reach::Away { .. }) {
            tracing::info!("the shared database is back");
            self.wake.notify_one();
            let _ = self.news.send(SharedNews::Back);
        }
    }
}

#[async_trait]
impl Store for Shared {
    async fn site(&self, id: &SiteId) -> Result<Option<SiteRecord>, StoreError> {
        self.inner.local.site(id).await
    }

    async fn commit(
        &self,
        record: &SiteRecord,
        expected: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, StoreError> {
        let stored = self.inner.local.commit(record, expected, events).await?;
        self.inner.wake.notify_one();
        Ok(stored)
    }

    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, StoreError> {
        let stored = self.inner.local.append(events).await?;
        self.inner.wake.notify_one();
        Ok(stored)
    }

    async fn events_after(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.inner.ask(self.inner.mongo.events_after(after, limit)).await
    }

    /// While the database is away: what happened at this server.
    async fn latest_events(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        match self.inner.ask(self.inner.mongo.latest_events(limit)).await {
            Err(StoreError::Away(_)) => self.inner.local.latest_events(limit).await,
            found => found,
        }
    }

    async fn agree(&self, seen: &SiteRecord, order: &SiteRecord) -> Result<(), StoreError> {
        self.inner.agree_on(seen, order).await
    }

    async fn confirm(&self, seen: &SiteRecord) -> Result<(), StoreError> {
        self.inner.confirm(seen).await
    }

    async fn adopt(&self, seen: &SiteRecord, agreed: &SiteRecord) -> Result<(), StoreError> {
        self.inner.local.take_over(Some(seen), agreed).await
    }

    fn leadership(&self, site: &SiteId) -> Leadership {
        self.inner.leadership().at(site, self.inner.away_since().is_some())
    }

    fn take_over(&self, site: &SiteId) {
        self.inner.leadership().claim(site);
        self.inner.wake.notify_one();
    }

    fn at_rest(&self, site: &SiteId, version: u64) {
        if self.inner.leadership().at_rest(site, version) {
            self.inner.rest.notify_one();
        }
    }

    async fn peers_may_write(&self, site: &SiteId, version: u64) -> Result<bool, StoreError> {
        self.inner.ask(self.inner.mongo.others_before(&self.inner.me, site, version)).await
    }

    fn away_since(&self) -> Option<Timestamp> {
        self.inner.away_since()
    }

    async fn unshared(&self) -> Result<u64, StoreError> {
        self.inner.local.count_unshared().await
    }

    fn shared_news(&self) -> Option<broadcast::Receiver<SharedNews>> {
        Some(self.inner.news.subscribe())
    }
}

#[async_trait]
impl ServerStore for Shared {
    /// The journal first: it holds what the database may not have yet.
    async fn verify(&self) -> Result<Verdict, StoreError> {
        match self.inner.local.verify().await? {
            Verdict::Whole { .. } => self.inner.ask(self.inner.mongo.verify()).await,
            broken @ Verdict::Broken { .. } => Ok(broken),
        }
    }
}

#[cfg(test)]
mod tests;
