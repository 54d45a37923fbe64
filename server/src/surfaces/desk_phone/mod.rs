#![doc = include_str!("README.md")]

pub(crate) mod handlers;
mod push;
pub mod screen;

pub use push::{Pushes, tend};

use crate::config::{self, DeskPhone, Secret, device_name};
use crate::identity::api_key::within;
use crate::identity::{slow_hash, token};
use crate::services::Services;
use crate::store::records::Person;
use app::texts::texts;
use aws_lc_rs::hmac;
use engine::ports::NewEvent;
use engine::{EngineError, SiteStatus};
use jiff::Timestamp;
use limit::{Limit, Place};
use lockdown::call_request::Draft;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Authority, Operator, Scope, Surface};
use lockdown::reading::Reading;
use lockdown::say::{age, emergency};
use lockdown::standing::Standing;
use lockdown::steps::Target;
use lockdown::timeline::EventKind;
use screen::{Field, Flags, Item, Key, Screen};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// For so long the field for the PIN is good, in seconds.
const GOOD_FOR: i64 = 60;

/// Refusals of one place that are told at once; then one a minute. A flood fills no disk.
const TOLD: u32 = 20;

/// People with the same extension that are tried.
const ALIKE: usize = 4;

/// A phone, as far as it tells of itself. The name is a label, no proof.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    pub device: String,
    pub from: Option<IpAddr>,
    /// `CP-8845`.
    pub model: String,
}

/// What was typed on it.
#[derive(Debug, Default)]
pub struct Typed {
    pub code: String,
    pub pin: String,
}

impl Typed {
    /// Neither is longer than anybody's.
    pub fn new(code: &str, pin: &str) -> Self {
        let cut = |text: &str| text.trim().chars().take(20).collect();
        Self { code: cut(code), pin: cut(pin) }
    }
}

/// Whose tries are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Counted {
    Phone(String),
    /// At the phone that is theirs alone: guesses made elsewhere never keep them out there.
    Own(OperatorId),
    Person(String),
}

/// The service on desk phones: the state for every one, the lock on those of the EOC, never the all-clear.
pub struct DeskPhones {
    services: Arc<Services>,
    settings: config::Phone,
    /// Our own address.
    base: String,
    key: hmac::Key,
    /// How often refusals of one place are told.
    pace: Limit<Place>,
}

impl DeskPhones {
    /// `secret`: one that every server of the installation has, and nobody can guess; without it what one server
    /// gave out is good there alone.
    pub fn new(services: Arc<Services>, settings: config::Phone, base: &str, secret: Option<&Secret>) -> Self {
        let secret = secret.map_or_else(token::random_text, |secret| secret.expose().to_owned());
        let key = token::digest(&format!("phone/{secret}"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let pace = Limit::new(TOLD, Duration::from_secs(60));
        Self { services, settings, base: base.to_owned(), key, pace }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/phone/v1{path}", self.base)
    }

    /// A phone of the EOC, where it should be.
    fn of_the_eoc(&self, asking: &Asking) -> Result<&DeskPhone, &'static str> {
        let name = device_name(&asking.device);
        let phone = self.settings.devices.iter().find(|phone| Some(&phone.name) == name.as_ref());
        let phone = phone.ok_or("This phone is not one of the EOC's.")?;
        let there = asking.from.is_some_and(|from| within(&self.settings.networks, from));
        if there { Ok(phone) } else { Err("This phone does not call from the EOC's network.") }
    }

    fn site(&self, phone: Option<&DeskPhone>) -> Option<SiteId> {
        let chosen = phone.and_then(|phone| phone.site.clone());
        chosen.or_else(|| self.services.engine.live_statuses().first().map(|status| status.id.clone()))
    }

    /// The first page: what the EOC can do there, or how it stands.
    pub fn entry(&self, asking: &Asking) -> Screen {
        let (Ok(phone), Some(site)) = (self.of_the_eoc(asking), self.site(self.of_the_eoc(asking).ok())) else {
            return self.status(asking);
        };
        let Ok(status) = self.services.engine.status(&site) else { return self.status(asking) };
        let item =
            |name: &str, path: &str| Item { name: name.into(), url: self.url(&format!("{path}?d={}", phone.name)) };
        let mut items = vec![item("Status", "/status")];
        if status.command.target() == Target::Normal {
            items.push(item(&format!("LOCK the PSTN: {}", status.name), "/lock"));
        }
        items.push(item("Log a call", "/log"));
        let prompt = self.services.sites.said(&status, true, self.services.clock.now()).headline;
        Screen::Menu { title: format!("PSTN {}", status.name), prompt, items }
    }

    /// How it stands, for every phone; with the steps on those of the EOC.
    pub fn status(&self, asking: &Asking) -> Screen {
        let phone = self.of_the_eoc(asking).ok();
        let live = self.services.engine.live_statuses();
        if phone.is_none() && live.len() > 1 {
            return self.every_site(asking, &live);
        }
        let status = self.site(phone).and_then(|site| self.services.engine.status(&site).ok());
        let Some(status) = status else { return say(asking, "PSTN", "Nothing is known here.") };
        let now = self.services.clock.now();
        let (headline, second) = if phone.is_some() {
            let said = self.services.sites.said(&status, true, now);
            (said.headline, said.second)
        } else {
            (headline(&status, now), self.second_line(&status, now))
        };
        let checked = checked(&status, now);
        let emergency = self.services.sites.emergency(&status).map(|(number, proved)| emergency(number, proved));
        let lines = [Some(headline.clone()), Some(second).filter(|text| !text.is_empty()), Some(checked), emergency];
        let again = if matches!(status.standing(now), Standing::Pending { .. }) { 2 } else { 15 };
        let here = self.url(&format!("/status?d={}", device_name(&asking.device).unwrap_or_default()));
        Screen::Text {
            title: format!("PSTN {}", status.name),
            prompt: Some(headline).filter(|text| text.chars().count() <= screen::LINE).unwrap_or_default(),
            text: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            keys: keys(asking),
            refresh: Some((again, here)),
        }
    }

    /// Since when, or what was seen last where nothing can be said now.
    fn second_line(&self, status: &SiteStatus, now: Timestamp) -> String {
        let (_, zone) = self.services.sites.offset(&status.id, now);
        let clock = |at| format!("{} {zone}", self.services.sites.clock(Some(&status.id), at, now));
        let read = status.reading.as_ref().map(|reading| clock(reading.read_at));
        let seen = status.reading.as_ref().and_then(|reading| reading.state().target()).zip(read.as_deref());
        texts(["en"]).second_line(status.standing(now), seen, &clock(status.command.since()))
    }

    /// Nothing says at which site an ordinary phone stands: it sees all of them.
    fn every_site(&self, asking: &Asking, live: &[SiteStatus]) -> Screen {
        let now = self.services.clock.now();
        let told =
            |status: &SiteStatus| format!("{}: {}, {}", status.name, headline(status, now), checked(status, now));
        let number = |status| self.services.sites.emergency(status).map(|(number, proved)| emergency(number, proved));
        let emergency = live.iter().find_map(number);
        Screen::Text {
            title: "PSTN".into(),
            prompt: String::new(),
            text: live.iter().map(told).chain(emergency).collect::<Vec<_>>().join("\n"),
            keys: keys(asking),
            refresh: Some((15, self.url("/status"))),
        }
    }

    /// The field for the PIN. What it is sent to is good once, for this phone, and for a minute.
    pub async fn ask_pin(&self, asking: &Asking) -> Screen {
        let phone = match self.of_the_eoc(asking) {
            Ok(phone) => phone,
            Err(why) => return self.refused(asking, "Not locked", why).await,
        };
        let Some(status) = self.site(Some(phone)).and_then(|site| self.services.engine.status(&site).ok()) else {
            return say(asking, "PSTN", "Nothing is known here.");
        };
        if status.command.target() == Target::Locked {
            return self.status(asking);
        }
        let pin = Field { name: "PIN", parameter: "pin", flags: Flags::Pin };
        let code = Field { name: "Your extension", parameter: "code", flags: Flags::Number };
        let owner = self.owner(&phone.name).await.is_some();
        Screen::Input {
            title: format!("LOCK {}", status.name),
            prompt: "PIN, then Submit locks at once".into(),
            url: self.url(&format!("/lock/{}/{}", phone.name, self.once(&phone.name, self.services.clock.now()))),
            post: can_post(&asking.model),
            fields: if owner { vec![pin] } else { vec![code, pin] },
        }
    }

    fn once(&self, device: &str, now: Timestamp) -> String {
        let at = now.as_second();
        let chance = &token::random_text()[..12];
        format!("{at}.{chance}.{}", self.signed(device, at, chance))
    }

    fn signed(&self, device: &str, at: i64, chance: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{device}/{at}/{chance}").as_bytes());
        crate::store::chain::hex(&tag.as_ref()[..16])
    }

    fn is_good(&self, device: &str, given: &str, now: Timestamp) -> bool {
        let mut parts = given.splitn(3, '.');
        let (Some(at), Some(chance), Some(tag)) = (parts.next(), parts.next(), parts.next()) else { return false };
        let Ok(at) = at.parse::<i64>() else { return false };
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(
            tag.as_bytes(),
            self.signed(device, at, chance).as_bytes(),
        );
        (0..=GOOD_FOR).contains(&(now.as_second() - at)) && same.is_ok()
    }

    /// The only person whose phone this is.
    async fn owner(&self, device: &str) -> Option<Person> {
        let mut people = self.services.directory.people().await.ok()?;
        people.retain(|person| {
            locks(person) && person.contact.phones.iter().any(|name| name.eq_ignore_ascii_case(device))
        });
        if people.len() == 1 { people.pop() } else { None }
    }

    /// A phone of the EOC, where it should be, with what it was given for this order.
    pub fn could_lock(&self, asking: &Asking, once: &str) -> bool {
        let phone = self.of_the_eoc(asking).ok();
        phone.is_some_and(|phone| self.is_good(&phone.name, once, self.services.clock.now()))
    }

    /// Whose tries these are.
    pub async fn counted(&self, asking: &Asking, typed: &Typed) -> Vec<Counted> {
        let device = device_name(&asking.device).unwrap_or_default();
        match self.owner(&device).await {
            Some(owner) if typed.code.is_empty() => vec![Counted::Own(owner.id)],
            _ => vec![Counted::Phone(device), Counted::Person(typed.code.clone())],
        }
    }

    /// A try that comes too soon after others.
    pub async fn too_often(&self, asking: &Asking, seconds: u64) -> Screen {
        self.tell(asking, "Too many PINs were tried.").await;
        say(asking, "Not locked", &format!("Too many tries. Wait {seconds} seconds, then try again."))
    }

    /// Orders the lock for whoever the PIN belongs to.
    pub async fn lock(&self, asking: &Asking, once: &str, typed: Typed) -> Screen {
        let phone = match self.of_the_eoc(asking) {
            Ok(phone) => phone,
            Err(why) => return self.refused(asking, "Not locked", why).await,
        };
        let now = self.services.clock.now();
        if !self.is_good(&phone.name, once, now) {
            return say(asking, "Not locked", "That took longer than a minute. Choose LOCK again.");
        }
        let person = match self.whose(&phone.name, typed).await {
            Ok(Some(person)) => person,
            Ok(None) => return self.refused(asking, "Not locked", "Extension and PIN do not fit.").await,
            Err(error) => {
                tracing::error!(%error, "a PIN could not be looked at");
                return say(asking, "Not locked", "The PIN could not be checked now. Use the console.");
            }
        };
        // Pressed twice, or asked for again by the phone: ordered once. A store that cannot tell keeps no lock back.
        match self.services.directory.consume_once(&format!("phone/{once}"), now).await {
            Ok(true) => {}
            Ok(false) => return self.status(asking),
            Err(error) => tracing::error!(%error, "could not check for a repeated order from a phone"),
        }
        let authority = Authority::Roles(person.grants().only_eoc());
        let who = Operator { id: person.id, name: person.name, surface: Surface::Phone, authority };
        let Some(site) = self.site(Some(phone)) else {
            return say(asking, "Not locked", "There is no such site.");
        };
        match self.services.engine.activate(&who, &site, None).await {
            Ok(_) => self.status(asking),
            Err(EngineError::Refused(refusal)) => say(asking, "Not locked", &refusal.to_string()),
            Err(error) => {
                tracing::error!(%error, "an order from a phone was not carried out");
                say(asking, "Not locked", "The order could not be remembered. Use the console.")
            }
        }
    }

    /// Whose PIN it is; takes the same time where it is nobody's.
    async fn whose(&self, device: &str, typed: Typed) -> anyhow::Result<Option<Person>> {
        let code = typed.code;
        let pin = Secret::new(typed.pin);
        let people = match self.owner(device).await {
            Some(owner) if code.is_empty() => vec![owner],
            _ => {
                let mut all = self.services.directory.people().await?;
                all.retain(|person| locks(person) && person.contact.extension.as_deref() == Some(code.as_str()));
                all.truncate(ALIKE);
                all
            }
        };
        if people.is_empty() {
            slow_hash::verify(pin, None).await?;
            return Ok(None);
        }
        for person in people {
            let hash = person.pin.as_ref().map(|pin| pin.hash.clone());
            if slow_hash::verify(Secret::new(pin.expose().to_owned()), hash).await? {
                return Ok(Some(person));
            }
        }
        Ok(None)
    }

    /// The fields of a call request.
    pub async fn ask_call(&self, asking: &Asking) -> Screen {
        let phone = match self.of_the_eoc(asking) {
            Ok(phone) => phone,
            Err(why) => return self.refused(asking, "Not filed", why).await,
        };
        let field = |name, parameter, flags| Field { name, parameter, flags };
        Screen::Input {
            title: "Log a call".into(),
            prompt: "Who wants to reach whom?".into(),
            url: self.url(&format!("/log/{}/{}", phone.name, token::random_text())),
            post: can_post(&asking.model),
            fields: vec![
                field("Call back at", "back", Flags::Telephone),
                field("Who", "who", Flags::Letters),
                field("For whom, and why", "why", Flags::Letters),
                field("1 urgent 2 normal 3 low", "how", Flags::Number),
            ],
        }
    }

    /// Files a call request as the phone: who holds it stands in what was typed.
    pub async fn log_call(
        &self,
        asking: &Asking,
        form: String,
        back: String,
        who: String,
        why: String,
        how: &str,
    ) -> Screen {
        let phone = match self.of_the_eoc(asking) {
            Ok(phone) => phone,
            Err(why) => return self.refused(asking, "Not filed", why).await,
        };
        let Some(site) = self.site(Some(phone)) else { return say(asking, "Not filed", "There is no such site.") };
        let priority = match how.trim() {
            "1" => "urgent",
            "3" => "low",
            _ => "normal",
        };
        let direction = "outbound".to_owned();
        let priority = priority.to_owned();
        let form = Draft {
            site: site.to_string(),
            direction,
            who,
            call_back: back,
            reason: why,
            priority,
            form,
            ..Draft::default()
        };
        let authority = Authority::Key { scopes: [Scope::CallsWrite].into(), site: Some(site) };
        let id = OperatorId::try_from(format!("phone-{}", phone.name.to_ascii_lowercase()));
        let id = id.expect("letters and digits make an id");
        let by = Operator { id, name: format!("Phone {}", phone.name), surface: Surface::Phone, authority };
        match self.services.calls.take_down(&form, &by).await {
            Ok(filed) => say(asking, "Filed", &format!("{}: we call {} back.", filed.ticket(), filed.call_back)),
            Err(error) => say(asking, "Not filed", &error.to_string()),
        }
    }

    async fn refused(&self, asking: &Asking, title: &str, why: &str) -> Screen {
        self.tell(asking, why).await;
        say(asking, title, why)
    }

    async fn tell(&self, asking: &Asking, why: &str) {
        // Whatever it calls itself: cut, and without what could look like something else.
        let device: String = asking.device.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
        tracing::warn!(device, from = ?asking.from, why, "a desk phone was refused");
        if self.pace.take(&asking.from.into()).is_err() {
            return;
        }
        let from = asking.from.map(|from| from.to_string());
        let why = why.to_owned();
        let at = self.services.clock.now();
        let kind = EventKind::PhoneRefused { device, from, why };
        if let Err(error) = self.services.timeline.append(NewEvent { at, site: None, by: None, kind }).await {
            tracing::error!(%error, "a phone that was refused could not be told");
        }
    }
}

fn say(asking: &Asking, title: &str, text: &str) -> Screen {
    let title = title.to_owned();
    let prompt = String::new();
    Screen::Text { title, prompt, text: text.to_owned(), keys: keys(asking), refresh: None }
}

/// Somebody whose PIN may lock.
fn locks(person: &Person) -> bool {
    !person.disabled && person.pin.is_some() && !person.grants().only_eoc().is_empty()
}

/// Models of which Cisco says that they send an input in a body. What says nothing of itself gets an address.
fn can_post(model: &str) -> bool {
    let number = model.trim_start_matches("CP-");
    (number.starts_with("78") || number.starts_with("88")) && !number.starts_with("8875") && !number.starts_with("8821")
}

/// The phone's own, and the way back. On an 8875 they do nothing: it keeps its own.
fn keys(asking: &Asking) -> Vec<Key> {
    if asking.model.contains("8875") {
        return Vec::new();
    }
    let key = |name, url: &str| Key { name, url: url.to_owned() };
    vec![key("Update", "SoftKey:Update"), key("Exit", "SoftKey:Exit")]
}

/// In the residents' words.
fn headline(status: &SiteStatus, now: Timestamp) -> String {
    texts(["en"]).headline(status.standing(now), status.command.target()).to_owned()
}

fn checked(status: &SiteStatus, now: Timestamp) -> String {
    let age = |reading: &Reading| age(now.duration_since(reading.read_at).as_secs());
    status.reading.as_ref().map_or_else(|| "never checked".to_owned(), |reading| format!("checked {}", age(reading)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_models_that_can_send_a_pin_in_a_body() {
        for (model, posts) in [
            ("CP-8845", true),
            ("CP-7841", true),
            ("CP-8875", false),
            ("CP-8821", false),
            ("DP-9841", false),
            ("", false),
        ] {
            assert_eq!(can_post(model), posts, "{model}");
        }
    }
}
