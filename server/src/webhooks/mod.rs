//! News for machines outside, by Standard Webhooks 1.0: signed, tried again over days, and sent only
//! where an administrator allowed it. Here is the service (what is done with webhooks, from a page or by
//! REST) and the task that sends; one attempt stands in `deliver`, where it may go in `egress`.
//!
//! *Decision*: sent at least once. *Reason*: a receiver that took a piece of news and was cut off before
//! it said so cannot be told from one that did not; a repetition has the same id. *What would change our
//! mind*: nothing; the specification asks receivers to look at the id.

pub mod deliver;
pub mod egress;
pub mod hook;
mod schedule;
pub mod sign;

use crate::identity::token;
use crate::store::outbox::Outbox;
use deliver::{Attempt, Outcome, PATIENCE};
use egress::{EgressError, EgressPolicy};
use engine::Timeline;
use engine::ports::{Clock, NewEvent, Store, StoreError};
use engine::{Engine, News};
use hook::{Delivery, DeliveryState, Disabled, Hook};
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::operator::Operator;
use lockdown::timeline::{Event, EventKind, EventName};
use parking_lot::Mutex;
use sign::SigningSecret;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, OnceCell, broadcast};
use tokio::task::{self, JoinSet};

/// Another process may have written, or a pause may be over.
const LOOK: Duration = Duration::from_secs(3);

/// For so long nobody else sends what is claimed. Several times [`PATIENCE`].
const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// Events looked at, and deliveries claimed, at once.
const EVENTS: usize = 50;
const CLAIMS: usize = 20;

/// Every event is held against every webhook; and so many attempts may be under way at the same time, one
/// for each: a receiver that is slow keeps no other one waiting.
const MOST: usize = 100;

/// Deliveries shown with a webhook.
const SHOWN: usize = 50;

/// What a webhook is to be.
#[derive(Debug, Clone)]
pub struct WebhookSpec {
    pub name: String,
    pub url: String,
    /// Only what happens at this site or at none.
    pub site: Option<SiteId>,
    /// Words of [`EventName::webhook_words`]; all of them where it is empty.
    pub what: BTreeSet<String>,
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookError {
    #[error("there is no such webhook")]
    NoSuchHook,
    #[error("somebody changed or removed the webhook at this moment: look again")]
    ChangedMeanwhile,
    #[error("there is no such delivery of this webhook")]
    NoSuchDelivery,
    #[error("a webhook needs a name")]
    NameMissing,
    #[error("“{0}” is not an event that webhooks receive. Take one of {list}", list = EventName::webhook_words().collect::<Vec<_>>().join(", "))]
    NoSuchNews(String),
    #[error("the webhook is off: enable it first")]
    Off,
    #[error("there are {} webhooks already: remove one first", MOST)]
    TooMany,
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The service, and what sends.
pub struct Webhooks {
    store: Arc<dyn Outbox>,
    events: Arc<dyn Store>,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    timeline: Arc<Timeline>,
    egress: EgressPolicy,
    /// Made when it is first needed: reading the system's certificates takes longer than the rest of a start.
    http: OnceCell<reqwest::Client>,
    /// Something was put back into the outbox by hand.
    replayed: Notify,
    /// Webhooks of which it was told that they gave up; enough until they take something again.
    told: Mutex<BTreeSet<String>>,
    /// Spreads the pauses of this server. One draw, so that what failed in order comes back in order.
    chance: u16,
}

impl Webhooks {
    /// How many deliveries wait to be sent.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn waiting(&self) -> Result<u64, StoreError> {
        self.store.count_waiting().await
    }

    /// Sends nothing yet: [`run`] does.
    pub fn new(
        store: Arc<dyn Outbox>,
        events: Arc<dyn Store>,
        engine: Arc<Engine>,
        clock: Arc<dyn Clock>,
        timeline: Arc<Timeline>,
        egress: EgressPolicy,
    ) -> Self {
        let [high, low, ..] = token::random();
        Self {
            store,
            events,
            engine,
            clock,
            timeline,
            egress,
            http: OnceCell::new(),
            replayed: Notify::new(),
            told: Mutex::default(),
            chance: u16::from_be_bytes([high, low]),
        }
    }

    /// Origins that may be told anything.
    pub fn allowed(&self) -> &[String] {
        &self.egress.allow
    }

    /// All of them, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> Result<Vec<Hook>, HookError> {
        Ok(self.store.hooks().await?)
    }

    /// # Errors
    /// [`HookError::NoSuchHook`], or when the store cannot be read.
    pub async fn find(&self, id: &str) -> Result<Hook, HookError> {
        self.store.hook(id).await?.ok_or(HookError::NoSuchHook)
    }

    /// What was last sent by it, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn deliveries(&self, hook: &Hook) -> Result<Vec<Delivery>, HookError> {
        Ok(self.store.deliveries_of(&hook.id, SHOWN).await?)
    }

    /// Makes a webhook. From now on, what happens is sent to it.
    ///
    /// # Errors
    /// [`HookError`], whatever does not fit.
    pub async fn add(&self, spec: WebhookSpec, by: &Operator) -> Result<Hook, HookError> {
        let name: String = spec.name.trim().chars().take(100).collect();
        if name.is_empty() {
            return Err(HookError::NameMissing);
        }
        if let Some(unknown) = spec.what.iter().find(|word| !EventName::webhook_words().any(|known| known == *word)) {
            return Err(HookError::NoSuchNews(unknown.chars().take(100).collect()));
        }
        let url = self.egress.check(&spec.url)?;
        if self.store.hooks().await?.len() >= MOST {
            return Err(HookError::TooMany);
        }
        let hook = Hook {
            id: format!("hook-{}", eight_hex_digits()),
            name,
            url: url.to_string(),
            secret: SigningSecret::new(token::random()),
            previous: None,
            site: spec.site,
            what: spec.what,
            created_at: self.clock.now(),
            by: Some(by.actor()),
            disabled: None,
        };
        let url_host = url.host_str().unwrap_or_default().to_owned();
        let kind = EventKind::HookAdded { hook: hook.id.clone(), name: hook.name.clone(), url_host };
        self.store.put_hook(&hook, self.event(by, kind)).await?;
        Ok(hook)
    }

    /// Takes a webhook away, with everything that waits for it.
    ///
    /// # Errors
    /// [`HookError::NoSuchHook`], or when it cannot be stored.
    pub async fn remove(&self, id: &str, by: &Operator) -> Result<(), HookError> {
        let hook = self.find(id).await?;
        let kind = EventKind::HookRemoved { hook: hook.id.clone(), name: hook.name };
        self.store.remove_hook(id, self.event(by, kind)).await.map_err(changed)
    }

    /// Gives a webhook a new secret; the old one signs too for a day more.
    ///
    /// # Errors
    /// [`HookError::NoSuchHook`], or when it cannot be stored.
    pub async fn rotate(&self, id: &str, by: &Operator) -> Result<Hook, HookError> {
        let read = self.find(id).await?;
        let hook = read.clone().rotated(SigningSecret::new(token::random()), self.clock.now());
        let kind = EventKind::HookRotated { hook: hook.id.clone(), name: hook.name.clone() };
        self.store.change_hook(&read, &hook, self.event(by, kind)).await.map_err(changed)?;
        Ok(hook)
    }

    /// Sends again from now on. What was not sent meanwhile stays so until it is replayed.
    ///
    /// # Errors
    /// [`HookError::NoSuchHook`], or when it cannot be stored.
    pub async fn enable(&self, id: &str, by: &Operator) -> Result<Hook, HookError> {
        let read = self.find(id).await?;
        let hook = Hook { disabled: None, ..read.clone() };
        let kind = EventKind::HookEnabled { hook: hook.id.clone(), name: hook.name.clone() };
        self.store.change_hook(&read, &hook, self.event(by, kind)).await.map_err(changed)?;
        Ok(hook)
    }

    /// Sends something that means nothing, now and once, and says what came of it. Works for a webhook
    /// that is off too, and changes nothing about it.
    ///
    /// # Errors
    /// [`HookError::NoSuchHook`], or when the store cannot be read.
    pub async fn test(&self, id: &str) -> Result<Attempt, HookError> {
        let hook = self.find(id).await?;
        let http = self.http().await;
        let now = self.clock.now();
        let delivery = Delivery::test(&hook, &eight_hex_digits(), now);
        Ok(self.send(http, &hook, &delivery, now).await)
    }

    /// Sends a delivery again, whatever became of it, from the first attempt on. Its id stays.
    ///
    /// # Errors
    /// [`HookError::NoSuchHook`], [`HookError::NoSuchDelivery`], [`HookError::Off`], or when it cannot
    /// be stored.
    pub async fn replay(&self, hook: &str, delivery: &str) -> Result<Delivery, HookError> {
        let hook = self.find(hook).await?;
        if hook.disabled.is_some() {
            return Err(HookError::Off);
        }
        let found = self.store.delivery(delivery).await?.filter(|delivery| delivery.hook == hook.id);
        let found = found.ok_or(HookError::NoSuchDelivery)?;
        let again = Delivery { state: DeliveryState::Waiting, attempts: 0, next_at: self.clock.now(), ..found };
        self.store.settle(&again).await?;
        self.replayed.notify_one();
        Ok(again)
    }

    fn event(&self, by: &Operator, kind: EventKind) -> NewEvent {
        NewEvent { at: self.clock.now(), site: None, by: Some(by.actor()), kind }
    }
}

/// Somebody else changed or removed it at the same moment.
fn changed(error: StoreError) -> HookError {
    match error {
        StoreError::Conflict => HookError::ChangedMeanwhile,
        error => HookError::Store(error),
    }
}

fn eight_hex_digits() -> String {
    token::digest(&token::random_text()).chars().take(8).collect()
}

/// Sends what happens, for as long as the server lives.
pub async fn run(webhooks: Arc<Webhooks>) {
    let mut news = webhooks.timeline.subscribe();
    let mut lanes = Lanes::default();
    let mut trouble = None;
    loop {
        let failed = webhooks.round(&mut lanes).await.err();
        // Told once: the next look is in three seconds.
        if failed != trouble {
            note(failed.as_ref());
        }
        trouble = failed;
        tokio::select! {
            () = heard(&mut news) => {}
            () = lanes.ended() => {}
            () = webhooks.replayed.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn note(failed: Option<&StoreError>) {
    match failed {
        None => tracing::debug!("webhooks are sent again"),
        Some(error @ (StoreError::Away(_) | StoreError::OutcomeUnknown(_))) => {
            tracing::debug!(%error, "no webhooks are sent until the shared database is back");
        }
        Some(error) => tracing::error!(%error, "no webhooks are sent"),
    }
}

/// Something happened, here or at another server.
async fn heard(news: &mut broadcast::Receiver<News>) {
    loop {
        match news.recv().await {
            Ok(News::Site(_)) => {}
            Ok(News::Event(_) | News::Timeline) | Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Webhooks {
    async fn round(self: &Arc<Self>, lanes: &mut Lanes) -> Result<(), StoreError> {
        self.gather().await?;
        loop {
            let claimed = self.store.due(self.clock.now(), LEASE, CLAIMS, &lanes.busy()).await?;
            if claimed.is_empty() {
                return Ok(());
            }
            lanes.open(self, claimed);
        }
    }

    /// Makes deliveries of what happened since the last look. Another server may do the same: made twice
    /// is made once.
    async fn gather(&self) -> Result<(), StoreError> {
        let Some(mut cursor) = self.store.hook_cursor().await? else { return self.begin().await };
        loop {
            let events = self.events.events_after(cursor, EVENTS).await?;
            let Some(last) = events.last() else { return Ok(()) };
            cursor = last.seq;
            self.store.add_deliveries(&self.made_of(&events).await?, cursor).await?;
        }
    }

    /// The first look: what happened before is history.
    async fn begin(&self) -> Result<(), StoreError> {
        let newest = self.events.latest_events(1).await?.first().map_or(0, |event| event.seq);
        // Cut off from the others, this server shows its own timeline, which is numbered otherwise.
        if self.events.away_since().is_some() {
            return Ok(());
        }
        self.store.add_deliveries(&[], newest).await
    }

    async fn made_of(&self, events: &[Event]) -> Result<Vec<Delivery>, StoreError> {
        let hooks = self.store.hooks().await?;
        let now = self.clock.now();
        let all = events.iter().flat_map(|event| hooks.iter().map(move |hook| (event, hook)));
        // Whoever follows every site is not told of a drill as if it were one of them.
        let drill = |site: &SiteId| self.engine.status(site).is_ok_and(|status| status.drill);
        let in_earnest = |event: &Event, hook: &Hook| hook.site.is_some() || !event.site.as_ref().is_some_and(drill);
        let wanted = all.filter(|(event, hook)| hook.wants(event) && in_earnest(event, hook));
        Ok(wanted.map(|(event, hook)| Delivery::of(event, hook, now)).collect())
    }

    /// Sends what is due for one webhook, one after the other. What is not sent before the claim ends is
    /// claimed again.
    async fn send_in_order(self: Arc<Self>, hook: String, deliveries: Vec<Delivery>) {
        if let Err(error) = self.try_in_order(&hook, deliveries).await {
            tracing::debug!(%error, hook, "what came of a webhook could not be stored; it is sent again");
        }
    }

    async fn try_in_order(&self, hook: &str, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        let hook = self.store.hook(hook).await?.filter(|hook| hook.disabled.is_none());
        let Some(hook) = hook else { return self.drop_all(deliveries).await };
        let mut about_all: Option<Attempt> = None;
        for delivery in deliveries {
            // Whoever is away keeps nobody waiting a second time.
            let attempt = match &about_all {
                Some(attempt) => attempt.clone(),
                None => match self.attempt(&hook, &delivery).await {
                    Some(attempt) => attempt,
                    None => return Ok(()),
                },
            };
            self.settle(&hook, delivery, &attempt).await?;
            about_all = attempt.is_about_all().then_some(attempt);
        }
        Ok(())
    }

    /// `None` when the claim would end before the attempt does.
    async fn attempt(&self, hook: &Hook, delivery: &Delivery) -> Option<Attempt> {
        let http = self.http().await;
        let now = self.clock.now();
        if now + PATIENCE > delivery.next_at {
            return None;
        }
        Some(self.send(http, hook, delivery, now).await)
    }

    async fn send(
        &self,
        http: Result<&reqwest::Client, String>,
        hook: &Hook,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Attempt {
        match http {
            Ok(http) => deliver::send(http, &self.egress, hook, delivery, now).await,
            Err(error) => Attempt::unanswered(format!("nothing can be sent from here: {error}")),
        }
    }

    /// Made on a thread that nothing else waits for.
    async fn http(&self) -> Result<&reqwest::Client, String> {
        let make = async || {
            let egress = self.egress.clone();
            let made = task::spawn_blocking(move || egress.client(PATIENCE).map_err(|error| error.to_string()));
            made.await.unwrap_or_else(|error| Err(error.to_string()))
        };
        self.http.get_or_try_init(make).await
    }

    async fn settle(&self, hook: &Hook, delivery: Delivery, attempt: &Attempt) -> Result<(), StoreError> {
        if attempt.outcome == Outcome::Gone {
            self.disable(&hook.id, &attempt.said).await?;
        }
        let settled = deliver::after(delivery, attempt, self.clock.now(), self.chance);
        self.store.settle(&settled).await?;
        match settled.state {
            DeliveryState::Delivered { .. } => {
                self.told().remove(&hook.id);
            }
            DeliveryState::GivenUp { .. } if attempt.outcome != Outcome::Gone => {
                self.tell_given_up(hook, &settled).await;
            }
            _ => {}
        }
        Ok(())
    }

    /// Over the webhook as it is now: its secret may have changed since the attempt began.
    async fn disable(&self, id: &str, why: &str) -> Result<(), StoreError> {
        let Some(read) = self.store.hook(id).await?.filter(|hook| hook.disabled.is_none()) else { return Ok(()) };
        let at = self.clock.now();
        let why = why.to_owned();
        let off = Hook { disabled: Some(Disabled { at, why: why.clone() }), ..read.clone() };
        let kind = EventKind::HookDisabled { hook: id.to_owned(), name: read.name.clone(), why };
        let event = NewEvent { at, site: None, by: None, kind };
        match self.store.change_hook(&read, &off, event).await {
            // Changed or removed at this very moment: whoever is gone says so again at the next attempt.
            Err(StoreError::Conflict) => Ok(()),
            done => done,
        }
    }

    /// Once, and not for everything that was waiting behind it.
    async fn tell_given_up(&self, hook: &Hook, delivery: &Delivery) {
        if !self.told().insert(hook.id.clone()) {
            return;
        }
        let last = delivery.last.as_deref().unwrap_or_default();
        let why = format!("{} was tried {} times; at last {last}", delivery.kind, delivery.attempts);
        self.tell(EventKind::HookGaveUp { hook: hook.id.clone(), name: hook.name.clone(), why }).await;
    }

    async fn tell(&self, kind: EventKind) {
        if let Err(error) = self.timeline.record(None, kind).await {
            tracing::error!(%error, "the timeline could not be told of a webhook");
        }
    }

    /// What was made for a webhook that is off or gone by now.
    async fn drop_all(&self, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        let at = self.clock.now();
        for delivery in deliveries {
            let last = Some("not sent: the webhook is off".to_owned());
            let dropped = Delivery { state: DeliveryState::GivenUp { at }, next_at: at, last, ..delivery };
            self.store.settle(&dropped).await?;
        }
        Ok(())
    }

    fn told(&self) -> parking_lot::MutexGuard<'_, BTreeSet<String>> {
        self.told.lock()
    }
}

/// One line of sending a webhook: a slow receiver keeps only its own news waiting.
#[derive(Default)]
struct Lanes {
    tasks: JoinSet<()>,
    busy: BTreeMap<task::Id, String>,
}

impl Lanes {
    /// The webhooks that have a lane now.
    fn busy(&self) -> Vec<String> {
        self.busy.values().cloned().collect()
    }

    fn open(&mut self, webhooks: &Arc<Webhooks>, claimed: Vec<Delivery>) {
        let mut by_hook: BTreeMap<String, Vec<Delivery>> = BTreeMap::new();
        for delivery in claimed {
            by_hook.entry(delivery.hook.clone()).or_default().push(delivery);
        }
        for (hook, mut deliveries) in by_hook {
            deliveries.sort_by_key(|delivery| delivery.seq);
            let lane = self.tasks.spawn(webhooks.clone().send_in_order(hook.clone(), deliveries));
            self.busy.insert(lane.id(), hook);
        }
    }

    /// Waits for a lane to end.
    async fn ended(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            None => return std::future::pending().await,
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => {
                tracing::error!(%error, "sending a webhook broke off");
                error.id()
            }
        };
        self.busy.remove(&id);
    }
}

#[cfg(test)]
mod tests;
