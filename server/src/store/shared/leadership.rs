//! Which sites this server leads. A lease in the database says so; while it is away, the last that
//! was known does.

use engine::ports::Leadership;
use lockdown::ids::SiteId;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a lease is good without being renewed. With [`RENEW`] another server takes over within 10 s
/// of a sudden death.
pub(super) const LEASE: Duration = Duration::from_secs(5);

/// For how long its holder relies on it: clocks drift, and answers take time.
const SURE: Duration = Duration::from_secs(4);

pub(super) const RENEW: Duration = Duration::from_millis(1_500);

/// Whoever dies, another server leads within 10 s. At worst it looks just before the
/// lease ends, and at the next look after it finds it free; what is left is for the answers.
const _: () = assert!(LEASE.as_millis() + 2 * RENEW.as_millis() <= 10_000);

#[derive(Default)]
pub(super) struct Leaders {
    sites: BTreeMap<SiteId, Held>,
    /// Another server was alive when the database was last asked.
    pub(super) others: bool,
    heartbeat: Option<Instant>,
    /// Since when the database is there, as far as it is.
    here_since: Option<Instant>,
    /// Of each site the last order before which nothing is being written here any more.
    rests: BTreeMap<SiteId, u64>,
    copied: Option<Instant>,
    /// The last number of the shared timeline that was told.
    told: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    /// Until when it is surely ours.
    until: Option<Instant>,
    asked: Option<Instant>,
    /// An order was given here: it is to be seized.
    claimed: bool,
    /// Ours when the database was last asked.
    last: bool,
}

/// What is to be asked of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LeaseStep {
    Seize,
    Renew,
    Nothing,
}

impl Leaders {
    /// Of its own sites a server that begins is at rest with nothing.
    pub(super) fn of(sites: &[SiteId]) -> Self {
        Self { rests: sites.iter().map(|site| (site.clone(), 0)).collect(), ..Self::default() }
    }

    pub(super) fn at(&self, site: &SiteId, away: bool) -> Leadership {
        let held = self.sites.get(site).copied();
        let sure = held.and_then(|held| held.until).is_some_and(|until| Instant::now() < until);
        let claimed = held.is_some_and(|held| held.claimed);
        match (away, sure || claimed) {
            (false, true) => Leadership::Leader,
            (false, false) => Leadership::Follower,
            (true, _) if !self.others => Leadership::Leader,
            (true, _) => Leadership::Isolated,
        }
    }

    pub(super) fn claim(&mut self, site: &SiteId) {
        self.held(site).claimed = true;
    }

    pub(super) fn wish(&self, site: &SiteId) -> LeaseStep {
        match self.sites.get(site) {
            Some(held) if held.claimed => LeaseStep::Seize,
            Some(held) if held.asked.is_some_and(|asked| asked.elapsed() < RENEW) => LeaseStep::Nothing,
            _ => LeaseStep::Renew,
        }
    }

    /// The database's answer to what was asked at `asked`.
    ///
    /// An order that was given while the answer was under way stays claimed until it is seized.
    pub(super) fn answered(&mut self, site: &SiteId, asked: Instant, ours: bool, seized: bool) {
        let held = self.held(site);
        let claimed = held.claimed && !seized;
        *held = Held { until: ours.then(|| asked + SURE), asked: Some(asked), claimed, last: ours };
    }

    /// Another server took it.
    pub(super) fn lost(&mut self, site: &SiteId) {
        let held = self.held(site);
        (held.until, held.last) = (None, false);
    }

    pub(super) fn held_before(&self, site: &SiteId) -> bool {
        self.sites.get(site).is_some_and(|held| held.last)
    }

    /// Whether that is news, to be told with the next sign of life.
    pub(super) fn at_rest(&mut self, site: &SiteId, version: u64) -> bool {
        let news = self.rests.insert(site.clone(), version) != Some(version);
        if news {
            self.heartbeat = None;
        }
        news
    }

    pub(super) fn rests(&self) -> BTreeMap<SiteId, u64> {
        self.rests.clone()
    }

    pub(super) fn here(&mut self, is_here: bool) {
        self.here_since = if is_here { self.here_since.or_else(|| Some(Instant::now())) } else { None };
    }

    pub(super) fn heartbeat_due(&self) -> bool {
        self.heartbeat.is_none_or(|at| at.elapsed() >= RENEW)
    }

    /// A sign of life was given, with these rests; whether what is known of others changed. That they are gone is known
    /// when the database was there for as long as their own sign is good: they may have been cut off as well.
    pub(super) fn heard(&mut self, others: bool, told: &BTreeMap<SiteId, u64>) -> bool {
        let others = others || (self.others && self.here_since.is_none_or(|since| since.elapsed() < LEASE));
        self.heartbeat = (self.rests == *told).then(Instant::now);
        std::mem::replace(&mut self.others, others) != others
    }

    pub(super) fn copy_due(&self, every: Duration) -> bool {
        self.copied.is_none_or(|at| at.elapsed() >= every)
    }

    pub(super) fn copied(&mut self, at: Option<Instant>) {
        self.copied = at;
    }

    pub(super) fn grew(&mut self, last: u64) -> bool {
        std::mem::replace(&mut self.told, last) != last
    }

    fn held(&mut self, site: &SiteId) -> &mut Held {
        self.sites.entry(site.clone()).or_insert(Held { until: None, asked: None, claimed: false, last: false })
    }
}
