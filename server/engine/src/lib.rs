//! Where a lock happens: check, remember, act, look, tell. Knows the domain and its own ports.

mod apply;
mod check_plan;
mod cluster;
mod error;
#[cfg(test)]
mod memory;
mod peer_writes;
pub mod ports;
mod prove_write;
mod reconcile;
mod refusals;
mod repairs;
mod site;
mod status;
#[cfg(test)]
mod tests;
mod timeline;
mod trace;

pub use check_plan::{PlanCheck, judge};
pub use cluster::Survey;
pub use error::EngineError;
pub use status::{PlanState, Progress, SiteStatus, Trouble};
pub use timeline::{News, Timeline};
pub use trace::{Asked, Traces, callers_of, moment};

use cluster::{Cluster, Wanted};
use lockdown::command::{Command, Order, Transition};
use lockdown::ids::{ActivationId, SiteId, Uuid};
use lockdown::operator::{Act, Operator, Refusal};
use lockdown::plan::PlanText;
use lockdown::reading::STALE_AFTER;
use lockdown::standing::Standing;
use lockdown::timeline::EventKind;
use lockdown::trace::Origin;
use ports::{Clock, DialPlan, Hurry, NewEvent, SharedNews, Store, StoreError};
use prove_write::Unproved;
use refusals::Refusals;
use site::Site;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// For the answers to writes that were sent before the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// How the engine goes about it.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// Between two looks at CUCM: `deploy/guide/architecture.md`.
    pub sweep: Duration,
    /// From an order to the first report that it is incomplete: `deploy/guide/architecture.md`.
    pub deadline: Duration,
    /// The first pause after a passing failure; doubled up to eight times of it.
    pub pause: Duration,
    /// Writes at the same time, within one group of steps.
    pub max_in_flight: usize,
    /// Between two checks of the plan against the dial plan.
    pub recheck: Duration,
    /// Between two tries while CUCM refuses the account: wrong passwords lock it.
    pub after_stop: Duration,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            sweep: Duration::from_secs(10),
            deadline: Duration::from_secs(60),
            pause: Duration::from_secs(1),
            max_in_flight: 1,
            recheck: Duration::from_secs(15 * 60),
            after_stop: Duration::from_secs(5 * 60),
        }
    }
}

/// An all-clear, as it is asked for.
#[derive(Debug, Clone, Default)]
pub struct AllClear {
    pub reason: Option<String>,
    /// The version of the state that was seen.
    pub seen: Option<u64>,
    /// Given even where other servers cannot be told. Needs a reason.
    pub break_glass: bool,
    /// Where two seniors must give it: whoever did first is no senior any more.
    pub first_lost_role: bool,
}

/// A site to look after.
pub struct SiteSetup {
    pub name: String,
    pub plan: PlanText,
    /// An all-clear needs two different seniors.
    pub two_seniors: bool,
    /// The site this one is for practising; its objects are canaries that no call depends on.
    pub drill_of: Option<SiteId>,
    /// Sites with the same one share what is read of it.
    pub dial_plan: Arc<dyn DialPlan>,
}

/// Locks and releases sites. All surfaces come in here and nowhere else.
pub struct Engine {
    sites: Vec<Arc<Site>>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    timeline: Arc<Timeline>,
    refusals: Refusals,
    begun: jiff::Timestamp,
    tasks: parking_lot::Mutex<JoinSet<()>>,
}

impl Engine {
    /// Recalls every site and begins to look after it: an order that was interrupted goes on.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn start(
        setups: Vec<SiteSetup>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        timeline: Arc<Timeline>,
        tuning: Tuning,
    ) -> Result<Arc<Self>, StoreError> {
        let mut sites: Vec<Arc<Site>> = Vec::new();
        let mut tasks = JoinSet::new();
        for setup in setups {
            let of_the_same = sites.iter().find(|site| is_same(&site.cluster.dial_plan, &setup.dial_plan));
            let cluster = of_the_same.map_or_else(
                || Arc::new(Cluster::new(setup.dial_plan.clone(), clock.clone())),
                |site| site.cluster.clone(),
            );
            let told = timeline.clone();
            let site = Site::recall(setup, cluster, store.clone(), clock.clone(), told, tuning.clone()).await?;
            let site = Arc::new(site);
            tasks.spawn(reconcile::run(site.clone()));
            sites.push(site);
        }
        let shared_news = store.shared_news();
        let refusals = Refusals::new(clock.clone());
        let begun = clock.now();
        let engine =
            Arc::new(Self { sites, store, clock, timeline, refusals, begun, tasks: parking_lot::Mutex::new(tasks) });
        if let Some(news) = shared_news {
            let listening = engine.clone().listen(news);
            engine.tasks.lock().spawn(listening);
        }
        Ok(engine)
    }

    /// Follows what other servers did. What is missed heals: the store tells again until it is taken.
    async fn listen(self: Arc<Self>, mut news: broadcast::Receiver<SharedNews>) {
        self.show_alone();
        loop {
            match news.recv().await {
                Ok(SharedNews::Site { seen, agreed }) => {
                    if let Ok(site) = self.find(&agreed.id) {
                        site.adopt(&seen, *agreed).await;
                    }
                }
                Ok(SharedNews::Timeline) => {
                    self.timeline.announce();
                }
                Ok(SharedNews::Leadership { site }) => {
                    if let Ok(site) = self.find(&site) {
                        site.wake();
                    }
                }
                Ok(SharedNews::Away { why }) => self.tell_alone(EventKind::SharedLost { why }).await,
                Ok(SharedNews::Back) => self.tell_alone(EventKind::SharedBack).await,
                Err(broadcast::error::RecvError::Lagged(_)) => self.show_alone(),
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }

    async fn tell_alone(&self, kind: EventKind) {
        self.show_alone();
        if let Err(error) = self.timeline.record(None, kind).await {
            tracing::error!(%error, "the timeline could not be written");
        }
    }

    fn show_alone(&self) {
        let since = self.store.away_since();
        for site in &self.sites {
            site.show(|status| status.alone_since = since);
        }
    }

    /// Orders the lock. Ordering what is ordered already changes nothing and is no error.
    ///
    /// Carried through even if the caller goes away: a browser that hangs up must not leave an order
    /// stored and forgotten.
    ///
    /// # Errors
    /// [`EngineError::Refused`] without the right; [`EngineError::NotRemembered`] when the order
    /// could not be stored: then CUCM was not touched.
    pub async fn activate(
        self: &Arc<Self>,
        by: &Operator,
        site: &SiteId,
        reason: Option<String>,
    ) -> Result<SiteStatus, EngineError> {
        let engine = self.clone();
        let by = by.clone();
        let site = self.find(site)?.clone();
        carried_through(async move {
            let at = engine.clock.now();
            let order =
                Order { by: &by, site: &site.id, at, reason, alone: false, two_seniors: false, first_lost_role: false };
            let id = activation_id(at, engine.clock.random(), site.drill_of.is_some());
            let outdated = site.may_be_outdated();
            let decide = |command: &Command, _| {
                let ordered = matches!(command, Command::Locked(_));
                // A lock that another server may have released meanwhile is ordered anew.
                Ok(if ordered && outdated {
                    command.activate_again(&order, id)?
                } else {
                    command.activate(&order, id)?
                })
            };
            let outcome = site.order(&by, decide).await;
            engine.tell_refusal(&by, &site.id, Act::Lock, &outcome).await;
            outcome
        })
        .await
    }

    /// Orders the all-clear for the state of version `seen`. Carried through like a lock. Every server
    /// must know of it, unless it is given although they cannot be told. Where two seniors must give it,
    /// the first press asks: the site stays locked, and its command says who asked.
    ///
    /// # Errors
    /// As [`Engine::activate`]; besides, when `seen` is missing or no longer the state, and
    /// [`EngineError::OthersUnreachable`].
    pub async fn release(
        self: &Arc<Self>,
        by: &Operator,
        site: &SiteId,
        wish: AllClear,
    ) -> Result<SiteStatus, EngineError> {
        let engine = self.clone();
        let by = by.clone();
        let site = self.find(site)?.clone();
        carried_through(async move {
            let order = engine.all_clear(&by, &site, &wish);
            let decide = |command: &Command, version| decide_all_clear(&order, wish.seen, command, version);
            let alone = order.alone;
            let outcome = if alone { site.order(&by, decide).await } else { site.order_everywhere(&by, decide).await };
            engine.tell_refusal(&by, &site.id, Act::Release, &outcome).await;
            outcome
        })
        .await
    }

    /// Would an all-clear be taken now, as far as this server knows? Orders nothing. A refusal is told, as
    /// that of [`Engine::release`] is.
    ///
    /// # Errors
    /// As [`Engine::release`].
    pub async fn would_release(&self, by: &Operator, site: &SiteId, wish: &AllClear) -> Result<(), EngineError> {
        let site = self.find(site)?;
        let order = self.all_clear(by, site, wish);
        let decide = |command: &Command, version| decide_all_clear(&order, wish.seen, command, version);
        let outcome = match site.decide(decide).await {
            Ok(Transition::Changed { .. }) if !order.alone && self.store.away_since().is_some() => {
                Err(EngineError::OthersUnreachable)
            }
            decided => decided.map(|_| ()),
        };
        self.tell_refusal(by, &site.id, Act::Release, &outcome).await;
        outcome
    }

    fn all_clear<'o>(&self, by: &'o Operator, site: &'o Site, wish: &AllClear) -> Order<'o> {
        let alone = wish.break_glass && self.store.away_since().is_some();
        Order {
            by,
            site: &site.id,
            at: self.clock.now(),
            reason: wish.reason.clone(),
            alone,
            two_seniors: site.two_seniors,
            first_lost_role: wish.first_lost_role,
        }
    }

    /// # Errors
    /// When there is no such site.
    pub fn status(&self, site: &SiteId) -> Result<SiteStatus, EngineError> {
        Ok(self.find(site)?.status())
    }

    /// Of every site, also of those for practising.
    pub fn statuses(&self) -> Vec<SiteStatus> {
        self.sites.iter().map(|site| site.status()).collect()
    }

    /// Of the sites whose calls people depend on.
    pub fn live_statuses(&self) -> Vec<SiteStatus> {
        self.live().map(|site| site.status()).collect()
    }

    /// Looks at every site whose calls people depend on, without copying it.
    pub fn look_at_live<T>(&self, look: impl Fn(&SiteStatus) -> T) -> Vec<T> {
        self.live().map(|site| site.look_at(&look)).collect()
    }

    fn live(&self) -> impl Iterator<Item = &Arc<Site>> {
        self.sites.iter().filter(|site| site.drill_of.is_none())
    }

    /// How a site stands, for a display that keeps what it shows; `None` while this server has just begun and not looked at
    /// CUCM yet: what stands there is not taken back for that.
    pub fn standing_to_show(&self, status: &SiteStatus) -> Option<Standing> {
        let now = self.clock.now();
        let standing = status.standing(self.clock.now());
        let begins = now.duration_since(self.begun) < STALE_AFTER
            && status.reading.as_ref().is_none_or(|reading| reading.read_at < self.begun);
        let unseen = matches!(standing, Standing::Unknown { confirmed: true, .. });
        (!(begins && unseen)).then_some(standing)
    }

    /// Where the lock of `site` is practised.
    pub fn drill_of(&self, site: &SiteId) -> Option<SiteId> {
        self.sites.iter().find(|drill| drill.drill_of.as_ref() == Some(site)).map(|drill| drill.id.clone())
    }

    /// Checks a site's plan against CUCM as it is now. Writes nothing.
    ///
    /// # Errors
    /// When there is no such site or CUCM cannot be read.
    pub async fn check_plan(&self, site: &SiteId) -> Result<Arc<PlanCheck>, EngineError> {
        let site = self.find(site)?;
        let check = site.survey_and_check(Wanted::AsOfNow, &Hurry::default()).await;
        check.map_err(|error| EngineError::CucmAway(error.to_string()))
    }

    /// The check that was made last, here, whoever asked for it; `None` before the first.
    ///
    /// # Errors
    /// When there is no such site.
    pub fn last_check(&self, site: &SiteId) -> Result<Option<Arc<PlanCheck>>, EngineError> {
        let kept = &self.find(site)?.last_check;
        Ok(kept.lock().clone())
    }

    /// What was changed in CUCM since this check, but for what the plan switches; `None` where CUCM does not say.
    ///
    /// # Errors
    /// When there is no such site.
    pub async fn changed_since(&self, site: &SiteId, check: &PlanCheck) -> Result<Option<BTreeSet<Uuid>>, EngineError> {
        Ok(self.find(site)?.changed_since_check(check).await)
    }

    /// The plan of a site, as it is configured.
    ///
    /// # Errors
    /// When there is no such site.
    pub fn plan_text(&self, site: &SiteId) -> Result<&PlanText, EngineError> {
        Ok(&self.find(site)?.text)
    }

    /// Follows numbers from a caller, as CUCM is now, normal and locked.
    ///
    /// # Errors
    /// When there is no such site or caller, or CUCM cannot be read.
    pub async fn trace(&self, site: &SiteId, origin: &Origin, asked: Asked) -> Result<Traces, EngineError> {
        self.find(site)?.trace(origin, asked).await
    }

    /// Shows that CUCM would take a lock: one step of the site where the lock is practised, or else of the
    /// site itself, is given the value it has. It goes into the timeline either way.
    ///
    /// # Errors
    /// [`EngineError::Refused`] for whoever may not lock; [`EngineError::NotNow`] where nothing was tried;
    /// [`EngineError::CucmAway`] where it did not work.
    pub async fn prove_write(&self, by: &Operator, site: &SiteId) -> Result<(), EngineError> {
        by.may(Act::Lock, Some(site))?;
        let where_to = self.drill_of(site).unwrap_or_else(|| site.clone());
        let site = self.find(&where_to)?;
        let proof = site.prove_write().await;
        let (object, failed) = match &proof {
            Ok(object) => (object.clone(), None),
            Err(Unproved::Refused { object, why }) => (object.clone(), Some(why.clone())),
            Err(Unproved::NotNow(why)) => return Err(EngineError::NotNow(why.clone())),
        };
        let kind = EventKind::WriteProved { object, failed: failed.clone() };
        let at = self.clock.now();
        let by = Some(by.actor());
        let told = self.timeline.append(NewEvent { at, site: Some(where_to), by, kind }).await;
        told.map_err(EngineError::NotRemembered)?;
        failed.map_or(Ok(()), |why| Err(EngineError::CucmAway(why)))
    }

    /// Stops looking after the sites. The lock stays in CUCM; what was ordered goes on at the next start.
    /// Writes that were sent are waited for: who hears that this server is gone takes them for done.
    pub async fn stop(&self) {
        futures_util::future::join_all(self.sites.iter().map(|site| site.finish_writes(FAREWELL))).await;
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.shutdown().await;
    }

    /// Refused orders that the timeline does not hold: of strangers, and of whoever floods it. Since the start.
    pub fn untold_refusals(&self) -> u64 {
        self.refusals.untold()
    }

    fn find(&self, id: &SiteId) -> Result<&Arc<Site>, EngineError> {
        self.sites.iter().find(|site| site.id == *id).ok_or_else(|| EngineError::NoSuchSite(id.clone()))
    }

    async fn tell_refusal<T>(&self, by: &Operator, site: &SiteId, act: Act, outcome: &Result<T, EngineError>) {
        let Err(EngineError::Refused(why)) = outcome else { return };
        if !self.refusals.is_told(by) {
            tracing::debug!(operator.id = %by.id, site.id = %site, %why, "an order was refused");
            return;
        }
        tracing::warn!(operator.id = %by.id, site.id = %site, %why, "an order was refused");
        let (why, at): (Refusal, _) = (*why, self.clock.now());
        let kind = EventKind::Refused { act, why };
        let event = NewEvent { at, site: Some(site.clone()), by: Some(by.actor()), kind };
        if let Err(error) = self.timeline.append(event).await {
            tracing::error!(%error, "a refusal could not be put into the timeline");
        }
    }
}

/// Whether these are one object.
fn is_same(one: &Arc<dyn DialPlan>, other: &Arc<dyn DialPlan>) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), Arc::as_ptr(other))
}

/// Rights first; then whether the state is the one that was seen.
fn decide_all_clear(
    order: &Order<'_>,
    seen: Option<u64>,
    command: &Command,
    version: u64,
) -> Result<Transition, EngineError> {
    let transition = command.release(order)?;
    match (&transition, seen) {
        (Transition::Unchanged, _) => Ok(transition),
        (_, None) => Err(EngineError::VersionMissing),
        (_, Some(seen)) if seen != version => Err(EngineError::VersionStale { seen, now: version }),
        _ if order.alone && order.reason.is_none() => Err(EngineError::ReasonMissing),
        _ => Ok(transition),
    }
}

/// Runs to its end whoever waits for it.
async fn carried_through(
    order: impl Future<Output = Result<SiteStatus, EngineError>> + Send + 'static,
) -> Result<SiteStatus, EngineError> {
    let ended = tokio::spawn(order).await;
    ended.unwrap_or_else(|error| Err(EngineError::NotRemembered(StoreError::Failed(error.to_string()))))
}

/// Readable, in order of time, and not to be guessed.
fn activation_id(at: jiff::Timestamp, random: [u8; 8], drill: bool) -> ActivationId {
    let prefix = if drill { ActivationId::DRILL } else { "act-" };
    let suffix = u64::from_be_bytes(random);
    let text = format!("{prefix}{}-{:08x}", at.strftime("%Y%m%d-%H%M%S"), suffix >> 32);
    ActivationId::try_from(text).expect("digits, hyphens and hex make a valid id")
}
