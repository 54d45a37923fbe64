//! Webex: the bot, its spaces, and what it hears by. Everything here is beside the product: the lock never waits
//! for it, and it says on the console when it is not there.

mod api;
mod bot;
mod client;
mod codes;
mod command;
pub(crate) mod deliveries;
mod devices;
mod eoc;
mod event_transport;
pub mod hooks;
mod ids;
mod meeting;
mod mercury;
mod order;
mod people;
mod relay;
mod say;
mod space;
mod words;

use crate::clock::SystemClock;
use crate::config::{self, Transport};
use crate::identity::token;
use crate::services::Services;
use crate::services::bot::Bot;
use crate::services::lease::Leases;
use crate::store::documents::Documents;
use api::Person;
use async_trait::async_trait;
use client::Client;
use codes::ConfirmationCodes;
use engine::ports::StoreError;
use event_transport::EventTransport;
use jiff::{SignedDuration, Timestamp};
use limit::Limit;
use lockdown::ids::{IncidentId, OperatorId, SiteId};
use lockdown::timeline::EventKind;
use meeting::Meetings;
use mercury::Mercury;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, OnceCell, mpsc};

/// What waits to be worked on. More is told again by the websocket, and refused to the webhook.
const BACKLOG: usize = 256;

/// Messages and presses of one account at once, and then one a second: what answers every answer is stopped by it.
const BURST: u32 = 20;

/// Why something with Webex did not work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebexError {
    #[error("Webex does not take the bot’s token. Make a new one, and write it into webex.bot_token_file")]
    Token,
    /// Not to be tried again as it is.
    #[error("Webex refuses: {why} ({status}, tracking id {tracking})")]
    Refused { status: u16, why: String, tracking: String },
    #[error("Webex asks to wait for {} s", .after.as_secs())]
    Busy { after: Duration },
    #[error("Webex cannot be reached: {0}")]
    Away(String),
    #[error("Webex answers otherwise than it says it would: {0}")]
    Odd(String),
}

/// Something happened; what, is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    pub what: What,
    /// The API's id, or the activity's.
    pub id: String,
    /// The conversation service that knows the API's id of the activity.
    pub service: Option<String>,
    /// The key of whoever did it, where that is told. Nothing is done on its word.
    pub actor: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Message,
    Action,
}

/// What was heard and not acted upon, for `/metrics` and the tests.
#[derive(Debug, Default)]
pub struct Counts {
    pub forged: AtomicU64,
    pub replayed: AtomicU64,
    pub stale: AtomicU64,
    pub strangers: AtomicU64,
    /// Of an account that says more than a person does.
    pub throttled: AtomicU64,
}

impl Counts {
    /// Each with its name.
    pub fn by_name(&self) -> [(&'static str, u64); 5] {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [
            ("forged", read(&self.forged)),
            ("replayed", read(&self.replayed)),
            ("stale", read(&self.stale)),
            ("stranger", read(&self.strangers)),
            ("throttled", read(&self.throttled)),
        ]
    }
}

/// What the rest of the server knows of Webex.
pub struct BotHandle {
    pub(crate) codes: ConfirmationCodes,
    pub counts: Counts,
    /// Deliveries of webhooks; `None` on the websocket.
    hooked: Option<(config::Secret, mpsc::Sender<Inbound>)>,
    health: Mutex<Health>,
    /// A bridge that is always there.
    bridge: Option<String>,
    /// What is not well with the space of a site's incident.
    spaces: Mutex<BTreeMap<SiteId, Vec<String>>>,
    pub(crate) again: Notify,
    documents: Arc<dyn Documents>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// Not known yet.
    Starting,
    Well,
    Ill(String),
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Taken,
    /// Not Webex's.
    Forged,
    /// Too much is waiting.
    Full,
    /// No webhooks here.
    NotHere,
}

/// Both ends of what is heard.
pub struct Inbox {
    sender: mpsc::Sender<Inbound>,
    receiver: mpsc::Receiver<Inbound>,
}

impl BotHandle {
    /// With the other end of what is heard, for [`run`].
    pub fn new(settings: &config::Webex, documents: Arc<dyn Documents>) -> (Self, Inbox) {
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let hooked = match &settings.transport {
            Transport::Websocket => None,
            Transport::Webhook { secret } => Some((secret.clone(), sender.clone())),
        };
        let front = Self {
            codes: ConfirmationCodes::new(&settings.bot_token),
            counts: Counts::default(),
            hooked,
            health: Mutex::new(Health::Starting),
            bridge: settings.meeting_url.clone(),
            spaces: Mutex::default(),
            again: Notify::new(),
            documents,
        };
        (front, Inbox { sender, receiver })
    }

    /// A delivery of a webhook: its signature over the body as it came.
    pub fn delivered(&self, signature: Option<&str>, body: &[u8]) -> Taken {
        let Some((secret, sender)) = &self.hooked else { return Taken::NotHere };
        if !hooks::is_signed(secret, signature, body) {
            self.counts.forged.fetch_add(1, Ordering::Relaxed);
            return Taken::Forged;
        }
        match hooks::heard(body).map(|heard| sender.try_send(heard)) {
            None | Some(Ok(())) => Taken::Taken,
            Some(Err(_)) => Taken::Full,
        }
    }

    pub(crate) fn set_space_notes(&self, site: &SiteId, notes: Vec<String>) {
        self.spaces.lock().insert(site.clone(), notes);
    }

    /// Whether it is otherwise than before.
    fn set(&self, now: Health) -> bool {
        let mut health = self.health.lock();
        let changed = match (&*health, &now) {
            (Health::Ill(_), Health::Ill(_)) | (Health::Starting, Health::Well) => false,
            (before, now) => before != now,
        };
        *health = now;
        changed
    }
}

#[async_trait]
impl Bot for BotHandle {
    fn trouble(&self) -> Option<String> {
        match &*self.health.lock() {
            Health::Ill(why) => Some(format!("The Webex bot is unavailable: {why}. Everything else works.")),
            Health::Starting | Health::Well => None,
        }
    }

    fn space_notes(&self, site: &SiteId) -> Vec<String> {
        self.spaces.lock().get(site).cloned().unwrap_or_default()
    }

    fn meeting_url(&self) -> Option<&str> {
        self.bridge.as_deref()
    }

    fn link_code(&self, person: &OperatorId, now: Timestamp) -> String {
        self.codes.link(person, now)
    }

    fn ignored(&self) -> Vec<(&'static str, u64)> {
        self.counts.by_name().into()
    }

    async fn invite_again(&self, incident: &IncidentId) -> Result<(), StoreError> {
        space::invite_again(self.documents.as_ref(), incident).await?;
        self.again.notify_one();
        Ok(())
    }
}

pub struct Webex {
    pub(crate) settings: config::Webex,
    pub(crate) client: Client,
    pub(crate) services: Arc<Services>,
    pub(crate) front: Arc<BotHandle>,
    pub(crate) public_url: String,
    leases: Leases,
    meetings: Option<Meetings>,
    me: OnceCell<Person>,
    /// How much one account may say.
    pace: Limit<String>,
    /// Reasons that were written with an order, until its code is typed.
    pub(crate) reasons: Mutex<BTreeMap<String, (String, Timestamp)>>,
    transport: Box<dyn EventTransport>,
}

impl Webex {
    /// # Errors
    /// When the settings make no client.
    pub fn new(
        settings: config::Webex,
        services: Arc<Services>,
        front: Arc<BotHandle>,
        http: &config::Http,
    ) -> Result<Self, WebexError> {
        let client = Client::new(&settings, Arc::new(SystemClock))?;
        let leases = Leases::new(services.clone(), http.listen);
        let meetings = settings.meeting.clone();
        let meetings = meetings.map(|meeting| Meetings::new(meeting, &settings.api_url, settings.proxy.as_deref()));
        let meetings = meetings.transpose()?;
        Ok(Self {
            transport: event_transport::by(&settings.transport),
            settings,
            client,
            services,
            front,
            public_url: http.public_url.clone(),
            leases,
            meetings,
            pace: Limit::new(BURST, Duration::from_secs(1)),
            reasons: Mutex::default(),
            me: OnceCell::new(),
        })
    }

    /// The bot itself.
    pub(crate) async fn me(&self) -> Result<&Person, WebexError> {
        self.me.get_or_try_init(|| self.client.get("people/me")).await
    }

    /// The server stops: nothing is left registered.
    pub async fn leave(&self) {
        self.transport.leave(self).await;
    }

    pub(crate) async fn tell(&self, health: Health) {
        let kind = match &health {
            Health::Ill(why) => Some(EventKind::WebexLost { why: why.clone() }),
            Health::Well => Some(EventKind::WebexBack),
            Health::Starting => None,
        };
        if let (true, Some(kind)) = (self.front.set(health), kind)
            && let Err(error) = self.services.timeline.record(None, kind).await
        {
            tracing::error!(%error, "news of webex could not be put into the timeline");
        }
    }
}

/// Whose token it is, for `doctor`.
///
/// # Errors
/// What is wrong with it, for the operator.
pub async fn whoami(settings: &config::Webex) -> Result<(String, SignedDuration), String> {
    let client = Client::new(settings, Arc::new(SystemClock)).map_err(|error| error.to_string())?;
    let me: Person = client.get("people/me").await.map_err(|error| error.to_string())?;
    Ok((me.emails.into_iter().next().unwrap_or(me.id), client.clock_ahead()))
}

/// Hears and answers for as long as the server runs.
pub async fn run(webex: Arc<Webex>, Inbox { sender, receiver }: Inbox) {
    tokio::join!(
        webex.transport.keep(&webex, &sender),
        bot::answer(webex.clone(), receiver),
        space::tend(webex.clone()),
        devices::tend(webex.clone())
    );
}

impl Webex {
    fn mercury(&self) -> Mercury<'_> {
        Mercury { client: &self.client, settings: &self.settings, server: &self.leases.server }
    }
}

pub(crate) fn random_id() -> String {
    let hex = token::digest(&token::random_text());
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..32])
}
