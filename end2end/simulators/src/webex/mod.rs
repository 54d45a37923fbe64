//! Webex, as a bot meets it: the API, webhooks with their signature, the websocket of the apps, room
//! devices; and people of two organisations who write and press.
//!
//! *Source*: the API's published reference; what Cisco's own JavaScript SDK does on the websocket. Nothing here
//! was compared with Cisco's cloud.

pub mod endpoint;
mod hooks;
pub mod local;
mod mercury;
pub mod model;
mod people_page;
mod rest;

pub use hooks::signature;

use crate::web::WebServer;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use model::{Account, Action, Endpoint, Happened, Kind, Message, Model, Room, read_mentions};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The organisation of the demonstration, and a stranger's.
pub const ORG: &str = "acme0000-0000-4000-8000-000000000000";
pub const STRANGERS: &str = "ffff0000-0000-4000-8000-000000000000";

/// The bot's token has three parts, as the real ones have; the last is the organisation's.
pub const BOT_TOKEN: &str = "Ym90LXRva2Vu_A52D_acme0000-0000-4000-8000-000000000000";
pub const MACHINE_TOKEN: &str = "c2VydmljZQ_A52D_acme0000-0000-4000-8000-000000000000";
pub const MACHINE_SECRET: &str = "service-app-secret";
pub const MACHINE_REFRESH: &str = "service-app-refresh";
pub const BOT_EMAIL: &str = "lockdown@webex.bot";

/// What goes wrong.
#[derive(Debug, Default)]
pub struct Faults {
    /// Answers to the next requests: a status, and `Retry-After` as it is (or is not) sent.
    pub next: VecDeque<(u16, Option<String>)>,
    /// Every request gets 503.
    pub down: bool,
    /// Tokens that were taken back.
    pub revoked: BTreeSet<String>,
    /// The next page's address forgets what was asked for.
    pub lose_filters: bool,
    /// The next page lies on this host.
    pub next_host: Option<String>,
    /// Cards are never edited.
    pub no_card_edits: bool,
    /// The websocket takes and says nothing, and stays open.
    pub half_open: bool,
    /// Each event is told so many times more.
    pub repeats: usize,
    /// People whom a policy lets nobody invite.
    pub uninvited: BTreeSet<String>,
    /// Where new rooms live.
    pub cluster: String,
    /// Each request takes so long.
    pub latency: Duration,
}

/// Everything the handlers share.
pub struct Cloud {
    model: Mutex<Model>,
    faults: Mutex<Faults>,
    origin: OnceLock<String>,
    lines: mercury::Lines,
    http: reqwest::Client,
    /// Seconds by which its clock is behind everybody else's.
    behind: AtomicI64,
    /// Every request to the API with its answer, for whoever holds them against the reference.
    exchanges: Mutex<Vec<Value>>,
}

pub struct WebexSim {
    server: WebServer,
    cloud: Arc<Cloud>,
}

#[expect(clippy::disallowed_methods, reason = "the world outside has its own clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// The demonstration's people have the addresses they sign in with; besides, a stranger.
fn accounts() -> Vec<Account> {
    let person = |n: usize, name: &str, email: &str, org: &str, kind: Kind, token: String| Account {
        uuid: format!("0000{n:04}-0000-4000-8000-{n:012}"),
        name: name.into(),
        email: email.into(),
        org: org.into(),
        kind,
        token,
    };
    let people = crate::b2c::demo_people().into_iter().enumerate().map(|(n, one)| {
        let token = format!("person{}_A52D_{ORG}", n + 1);
        person(n + 1, &one.name, &one.email, ORG, Kind::Person, token)
    });
    let mut all: Vec<Account> = people.collect();
    all.push(person(
        90,
        "Stranger",
        "stranger@elsewhere.example",
        STRANGERS,
        Kind::Person,
        format!("stranger_A52D_{STRANGERS}"),
    ));
    all.push(person(91, "Other bot", "other@webex.bot", ORG, Kind::Bot, format!("other_A52D_{ORG}")));
    all.push(person(98, "Lockdown service", "service@acme.example", ORG, Kind::Machine, MACHINE_TOKEN.into()));
    all.push(person(99, "Lockdown", BOT_EMAIL, ORG, Kind::Bot, BOT_TOKEN.into()));
    all
}

fn endpoints() -> Vec<Endpoint> {
    let one = |n: usize, name: &str| Endpoint {
        uuid: format!("dddd{n:04}-0000-4000-8000-{n:012}"),
        name: name.into(),
        online: true,
        shows: BTreeMap::default(),
        took: vec![],
    };
    vec![one(1, "EOC room"), one(2, "Canteen")]
}

impl WebexSim {
    /// Listens on `port` of loopback; 0 takes a free one.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16) -> io::Result<Self> {
        // Another part of the same program may have chosen it already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(3)).build().map_err(io::Error::other)?;
        let cloud = Arc::new(Cloud {
            model: Mutex::new(Model::of(accounts(), endpoints())),
            faults: Mutex::new(Faults { cluster: "us".into(), ..Faults::default() }),
            origin: OnceLock::new(),
            lines: mercury::Lines::default(),
            http,
            behind: AtomicI64::default(),
            exchanges: Mutex::default(),
        });
        let api = rest::routes().layer(middleware::from_fn_with_state(cloud.clone(), noted));
        let app = Router::new()
            .nest("/v1", api)
            .merge(mercury::routes())
            .merge(people_page::routes())
            .layer(middleware::from_fn_with_state(cloud.clone(), dated))
            .with_state(cloud.clone());
        let server = WebServer::start(app, None, port)?;
        let _ = cloud.origin.set(format!("http://{}", server.address()));
        Ok(Self { server, cloud })
    }

    pub fn api_url(&self) -> String {
        format!("{}/v1", self.cloud.origin())
    }

    pub fn u2c_url(&self) -> String {
        format!("{}/u2c/api/v1", self.cloud.origin())
    }

    /// Where a person types and presses.
    pub fn page_url(&self) -> String {
        self.cloud.origin()
    }

    /// The id of the first room device.
    pub fn device(&self) -> String {
        model::id("us", "DEVICE", &self.cloud.model().endpoints[0].uuid)
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.cloud.faults()
    }

    /// What the cloud holds now.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.cloud.model()
    }

    /// From now on its clock is so many seconds behind everybody else's.
    pub fn run_behind(&self, seconds: i64) {
        self.cloud.behind.store(seconds, Ordering::Relaxed);
    }

    /// Closes the port and every connection.
    pub async fn stop(&self) {
        self.cloud.lines.close_all();
        self.server.stop().await;
    }

    /// # Errors
    /// When somebody else took the port.
    pub fn resume(&self) -> io::Result<()> {
        self.server.resume()
    }

    /// Websockets that are open and authorised.
    pub fn listeners(&self) -> usize {
        self.cloud.lines.open()
    }

    /// Devices that apps and bots listen by.
    pub fn registered(&self) -> usize {
        self.cloud.lines.registered()
    }

    /// Somebody writes to the bot alone.
    pub fn write(&self, email: &str, text: &str) -> Message {
        self.write_at(email, text, self.cloud.now())
    }

    /// The same at another time.
    pub fn write_at(&self, email: &str, text: &str, at: Timestamp) -> Message {
        let room = self.direct(email);
        let person = self.uuid(email);
        let message = self.cloud.post_at(&person, &room, None, Some(text.into()), None, None, at);
        message.expect("a direct space takes what its people write")
    }

    /// The space of somebody and the bot alone.
    pub fn direct(&self, email: &str) -> String {
        let person = self.uuid(email);
        let bot = self.uuid(BOT_EMAIL);
        self.cloud.model().direct_room(&person, &bot, now())
    }

    /// Somebody writes in a space, and mentions the bot.
    pub fn mention(&self, email: &str, room: &str, parent: Option<&str>, text: &str) -> Message {
        let markdown = format!("<@personEmail:{BOT_EMAIL}|Lockdown> {text}");
        let message = self.cloud.post(&self.uuid(email), room, parent.map(str::to_owned), None, Some(markdown), None);
        message.expect("whoever is in a space writes there")
    }

    /// Somebody presses a card.
    pub fn press(&self, email: &str, message: &str, inputs: Value) -> Option<Action> {
        self.cloud.pressed(&self.uuid(email), message, inputs).ok()
    }

    /// A space of these people and the bot.
    pub fn group(&self, emails: &[&str]) -> String {
        let people: Vec<String> = emails.iter().copied().chain([BOT_EMAIL]).map(|email| self.uuid(email)).collect();
        let mut model = self.cloud.model();
        let uuid = model.new_uuid();
        model.rooms.push(Room {
            uuid: uuid.clone(),
            title: "A space".into(),
            direct: false,
            locked: false,
            team: None,
            creator: people[0].clone(),
            cluster: "us".into(),
            created: now(),
            archived: false,
        });
        for person in people {
            model.join(&uuid, &person, false, now());
        }
        uuid
    }

    fn uuid(&self, email: &str) -> String {
        let uuid = self.cloud.model().by_email(email).map(|account| account.uuid.clone());
        uuid.unwrap_or_else(|| panic!("there is no {email}"))
    }

    /// What the bot wrote in a space, oldest first.
    pub fn said_in(&self, room: &str) -> Vec<Message> {
        let bot = self.uuid(BOT_EMAIL);
        self.cloud.model().messages.iter().filter(|one| one.room == room && one.person == bot).cloned().collect()
    }

    /// The same event once more, as a replay tells it.
    pub fn tell_again(&self, resource: &'static str, uuid: &str, room: &str, actor: &str) {
        self.cloud.happened(resource, "created", uuid, room, actor);
    }

    /// Takes every request and its answer so far.
    pub fn exchanges(&self) -> Vec<Value> {
        std::mem::take(&mut *self.cloud.exchanges.lock())
    }
}

impl Cloud {
    pub(crate) fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock()
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock()
    }

    /// By its own clock.
    pub(crate) fn now(&self) -> Timestamp {
        now() - SignedDuration::from_secs(self.behind.load(Ordering::Relaxed))
    }

    pub(crate) fn origin(&self) -> String {
        self.origin.get().cloned().unwrap_or_default()
    }

    pub(crate) fn post(
        self: &Arc<Self>,
        person: &str,
        room: &str,
        parent: Option<String>,
        plain: Option<String>,
        markdown: Option<String>,
        attachments: Option<Value>,
    ) -> Result<Message, String> {
        self.post_at(person, room, parent, plain, markdown, attachments, self.now())
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of a message")]
    fn post_at(
        self: &Arc<Self>,
        person: &str,
        room: &str,
        parent: Option<String>,
        plain: Option<String>,
        markdown: Option<String>,
        attachments: Option<Value>,
        created: Timestamp,
    ) -> Result<Message, String> {
        let mut model = self.model();
        if !model.is_in(person, room) {
            return Err("not a member of the space".into());
        }
        if let Some(parent) = &parent {
            let top = |one: &&Message| one.uuid == *parent && one.room == room && one.parent.is_none();
            if !model.messages.iter().any(|one| top(&one)) {
                return Err("parentId must be a top-level message of the same space".into());
            }
        }
        let (text, html, mut mentioned) =
            read_mentions(&model, markdown.as_deref().or(plain.as_deref()).unwrap_or_default());
        mentioned.retain(|one| model.is_in(one, room));
        let message = Message {
            uuid: model.new_uuid(),
            room: room.to_owned(),
            parent,
            person: person.to_owned(),
            text: if markdown.is_some() { text } else { plain.unwrap_or_default() },
            html: markdown.as_ref().map(|_| html),
            markdown,
            mentioned,
            attachments,
            created,
            edits: 0,
        };
        model.messages.push(message.clone());
        drop(model);
        self.happened("messages", "created", &message.uuid, room, person);
        Ok(message)
    }

    pub(crate) fn pressed(self: &Arc<Self>, person: &str, message: &str, inputs: Value) -> Result<Action, String> {
        let mut model = self.model();
        let card = model.messages.iter().find(|one| one.uuid == message && one.attachments.is_some()).cloned();
        let card = card.ok_or("Could not find the card")?;
        if !model.is_in(person, &card.room) {
            return Err("Could not find the card".into());
        }
        let action = Action {
            uuid: model.new_uuid(),
            message: message.to_owned(),
            person: person.to_owned(),
            room: card.room.clone(),
            inputs,
            created: self.now(),
        };
        model.actions.push(action.clone());
        drop(model);
        self.happened("attachmentActions", "created", &action.uuid, &card.room, person);
        Ok(action)
    }

    /// Tells whoever listens: by webhook and by websocket.
    pub(crate) fn happened(
        self: &Arc<Self>,
        resource: &'static str,
        event: &'static str,
        uuid: &str,
        room: &str,
        actor: &str,
    ) {
        let for_bots = {
            let model = self.model();
            let bots = model.accounts.iter().filter(|one| one.kind == Kind::Bot && model.is_in(&one.uuid, room));
            let hears = |bot: &&Account| match resource {
                "messages" => model.messages.iter().any(|one| one.uuid == uuid && model.sees(bot, one)),
                "attachmentActions" => model.actions.iter().filter(|one| one.uuid == uuid).any(|action| {
                    model.messages.iter().any(|card| card.uuid == action.message && card.person == bot.uuid)
                }),
                _ => true,
            };
            bots.filter(hears).map(|bot| bot.uuid.clone()).collect()
        };
        let told = Happened {
            resource,
            event,
            uuid: uuid.to_owned(),
            room: room.to_owned(),
            actor: actor.to_owned(),
            for_bots,
        };
        let times = 1 + self.faults().repeats;
        for _ in 0..times {
            self.lines.tell(self, &told);
            hooks::tell(self, &told);
        }
    }
}

/// Every answer says what time it is here.
async fn dated(State(cloud): State<Arc<Cloud>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let date = cloud.now().to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// Faults first; then the exchange is written down.
async fn noted(State(cloud): State<Arc<Cloud>>, request: Request, next: Next) -> Response {
    let (latency, fault) = {
        let mut faults = cloud.faults();
        let fault = if faults.down { Some((503, None)) } else { faults.next.pop_front() };
        (faults.latency, fault)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if let Some((status, retry_after)) = fault {
        return spoiled(status, retry_after);
    }
    let method = request.method().to_string();
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let Ok(asked) = to_bytes(body, 1 << 20).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let response = next.run(Request::from_parts(parts, Body::from(asked.clone()))).await;
    let (parts, body) = response.into_parts();
    let Ok(answered) = to_bytes(body, 1 << 22).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or(Value::Null);
    let exchange = json!({
        "method": method, "path": path.trim_start_matches("/v1"), "query": query,
        "request": read(&asked), "status": parts.status.as_u16(), "response": read(&answered),
    });
    cloud.exchanges.lock().push(exchange);
    Response::from_parts(parts, Body::from(answered))
}

/// As a gateway answers: HTML, and `Retry-After` as it is.
fn spoiled(status: u16, retry_after: Option<String>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, [(header::CONTENT_TYPE, "text/html")], "<html>Try later</html>").into_response();
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(&text).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}
