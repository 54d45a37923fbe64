//! What the engine needs of the world, and nothing else does it get.

use async_trait::async_trait;
use jiff::Timestamp;
use lockdown::caller::Caller;
use lockdown::command::Command;
use lockdown::dial_plan::{ChangeMark, DialPlan as DialPlanFacts};
use lockdown::guard::CheckedPlan;
use lockdown::ids::{ActivationId, SiteId, StepId, Uuid};
use lockdown::operator::Actor;
use lockdown::plan::{LockPlan, Write};
use lockdown::reading::Reading;
use lockdown::steps::Found;
use lockdown::timeline::{Event, EventKind};
use lockdown::trace::Origin;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{broadcast, watch};

/// The dial plan of one cluster: CUCM, or a model of it in tests.
#[async_trait]
pub trait DialPlan: Send + Sync {
    /// Reads everything the guard and the digit analysis need. In a hurry it leaves out what a plan can be judged without,
    /// and says so in what it returns.
    async fn survey(&self, hurry: &Hurry) -> Result<DialPlanFacts, DialPlanError>;

    /// Reads what the plan's steps hold now, in a constant number of reads.
    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError>;

    /// Who calls from there: the devices of this number, or the one of this name, grouped by what they search; where route lists
    /// lead from their device pools is as it was surveyed. None where there is no such thing.
    async fn callers_at(&self, origin: &Origin, facts: &DialPlanFacts) -> Result<Vec<Caller>, DialPlanError>;

    /// Objects that somebody changed since then, by uuid, this server included; `None` where CUCM does not say.
    async fn changed_since(&self, mark: &ChangeMark) -> Result<Option<BTreeSet<Uuid>>, DialPlanError>;

    /// Writes one value. An idempotent set: doing it twice is doing it once.
    async fn write(&self, write: &Write<'_>) -> Result<(), DialPlanError>;
}

/// Tells a survey, at any time, that an order waits for it.
#[derive(Debug)]
pub struct Hurry(watch::Sender<bool>);

impl Default for Hurry {
    /// Nobody waits.
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Hurry {
    pub fn up(&self) {
        self.0.send_replace(true);
    }

    /// Returns once somebody waits, now or later.
    pub async fn asked(&self) {
        // The sender lives as long as this does.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }

    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }
}

/// Named by what the engine does next; the text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialPlanError {
    /// Try again, not before `after` if it says so.
    #[error("{why}")]
    Transient { why: String, after: Option<Duration> },
    /// It may have happened. Read, then speak.
    #[error("{why}")]
    OutcomeUnknown { why: String },
    /// This object cannot be written; others can.
    #[error("{why}")]
    Refused { why: String },
    /// Nothing can be written until somebody mends this; reading may still work.
    #[error("{why}")]
    NoWrites { why: String },
    /// Nothing at all can succeed until somebody mends this. Trying again may lock the account.
    #[error("{why}")]
    Stop { why: String },
}

/// A plan that passed the guard, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedPlan {
    pub checked: CheckedPlan,
    /// SHA-256 over the frozen plan: two equal ones write the same.
    pub fingerprint: String,
    pub at: Timestamp,
}

/// What CUCM held before the first write of an activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub activation: ActivationId,
    pub reading: Reading,
}

/// All that is remembered of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteRecord {
    pub id: SiteId,
    /// Counts the orders; the version a senior saw goes into his release.
    pub version: u64,
    pub command: Command,
    /// The last plan the guard accepted.
    pub plan: Option<AcceptedPlan>,
    /// Why the guard refuses the plan since; empty while it accepts it. Survives a restart.
    #[serde(default)]
    pub refused: Vec<String>,
    pub snapshot: Option<Snapshot>,
    pub reading: Option<Reading>,
}

/// Something to be told, before it has its number.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub at: Timestamp,
    pub site: Option<SiteId>,
    pub by: Option<Actor>,
    pub kind: EventKind,
}

impl NewEvent {
    /// As it goes into a timeline.
    pub fn numbered(self, id: String, seq: u64) -> Event {
        Event { id, seq, at: self.at, site: self.site, by: self.by, kind: self.kind }
    }
}

/// How far this server may go with a site by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leadership {
    /// Carries out, repairs and tells.
    Leader,
    /// Another server does: look, and show what is seen.
    Follower,
    /// The others cannot be asked: carry out what is ordered, but repair nothing; they may have
    /// released it.
    Isolated,
}

/// What other servers did, and whether they can be reached.
#[derive(Debug, Clone)]
pub enum SharedNews {
    /// `agreed` counts now. Worked out while this server's record was `seen`.
    Site {
        seen: Box<SiteRecord>,
        agreed: Box<SiteRecord>,
    },
    /// The timeline grew.
    Timeline,
    /// Another server leads this site now, or this one does.
    Leadership {
        site: SiteId,
    },
    Away {
        why: String,
    },
    Back,
}

/// What the engine remembers by. When a call returns, the data has reached the disk.
#[async_trait]
pub trait Store: Send + Sync {
    async fn site(&self, id: &SiteId) -> Result<Option<SiteRecord>, StoreError>;

    /// Stores the record and the events together, if the stored version is still `expected`
    /// (`None`: there is no record yet). Returns the events with their numbers.
    async fn commit(
        &self,
        record: &SiteRecord,
        expected: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, StoreError>;

    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, StoreError>;

    /// Events with a number above `after`, oldest first.
    async fn events_after(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError>;

    /// The newest events, newest first.
    async fn latest_events(&self, limit: usize) -> Result<Vec<Event>, StoreError>;

    /// Makes every server agree on an order before it counts here; what was known here is `seen`.
    /// Nothing to do for a store of one server.
    async fn agree(&self, seen: &SiteRecord, order: &SiteRecord) -> Result<(), StoreError> {
        let _ = (seen, order);
        Ok(())
    }

    /// Is what is known here, `seen`, still the last order that the servers agreed on? `Conflict` when it is not.
    /// Nothing to ask for a store of one server.
    async fn confirm(&self, seen: &SiteRecord) -> Result<(), StoreError> {
        let _ = seen;
        Ok(())
    }

    /// Takes over what the servers agreed on, if this one's record still is `seen`.
    async fn adopt(&self, seen: &SiteRecord, agreed: &SiteRecord) -> Result<(), StoreError> {
        let _ = (seen, agreed);
        Err(StoreError::Conflict)
    }

    /// A store of one server has nobody to ask.
    fn leadership(&self, site: &SiteId) -> Leadership {
        let _ = site;
        Leadership::Leader
    }

    /// An order was given here: this server carries it out.
    fn take_over(&self, site: &SiteId) {
        let _ = site;
    }

    /// Nothing that was ordered before `version` is being written here any more.
    fn at_rest(&self, site: &SiteId, version: u64) {
        let _ = (site, version);
    }

    /// May another server that shows signs of life still be writing what was ordered before `version`?
    async fn peers_may_write(&self, site: &SiteId, version: u64) -> Result<bool, StoreError> {
        let _ = (site, version);
        Ok(false)
    }

    /// Since when other servers cannot be reached.
    fn away_since(&self) -> Option<Timestamp> {
        None
    }

    /// Entries of the timeline that other servers do not have yet.
    async fn unshared(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn shared_news(&self) -> Option<broadcast::Receiver<SharedNews>> {
        None
    }
}

/// Why something could not be remembered or recalled. The text is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else stored a newer version first: read again.
    #[error("somebody else changed it at the same moment")]
    Conflict,
    #[error("the disk with the data folder is full: free some space, then try again")]
    Full,
    #[error("the data folder cannot be written: {0}")]
    ReadOnly(String),
    /// Nothing was stored.
    #[error("the shared database cannot be reached: {0}")]
    Away(String),
    /// It will never fit, however often it is tried.
    #[error("the shared database refuses it: {0}")]
    Rejected(String),
    /// It may have been stored: look before it is repeated.
    #[error("the shared database did not say whether it was stored: {0}")]
    OutcomeUnknown(String),
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Time and chance.
#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    async fn sleep(&self, duration: Duration);

    /// Eight unpredictable bytes, for ids.
    fn random(&self) -> [u8; 8];
}
