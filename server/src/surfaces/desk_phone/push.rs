//! A line on the EOC's phones while a lock is ordered, pushed to each: it says LOCKED when that was read back, and falls back
//! when CUCM is not seen any more. Best effort; no order waits for it.
//!
//! *Source*: Cisco, Phone Services Application Development Notes, HTTP: `POST /CGI/Execute` with the form field
//! `XML`, Basic sign-in of a user the device is associated with; `CiscoIPPhoneError` 4 is a refused sign-in.

use super::screen::{banner, no_banner};
use crate::config::{DeskPhone, Push};
use crate::services::lease::Leases;
use crate::store::documents::Document;
use engine::ports::NewEvent;
use jiff::{SignedDuration, Timestamp};
use lockdown::say::{short, urgency};
use lockdown::standing::Standing;
use lockdown::steps::Target;
use lockdown::timeline::{EventKind, StepNote};
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two looks, where nothing happens.
const LOOK: Duration = Duration::from_secs(5);

/// A phone that did not take it is told again after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// A phone that answers later is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// The document with what each phone shows.
const DOCUMENT: &str = "phones/shown";

pub struct Pushes {
    phones: Vec<(DeskPhone, String)>,
    settings: Push,
    http: reqwest::Client,
    leases: Leases,
}

/// What each phone shows, by its name; nothing is an empty text.
type Shown = BTreeMap<String, String>;

/// Phones that did not take something, by their name.
type PutOff = BTreeMap<String, Failed>;

/// What a phone did not take, when it is told that again, and whether the timeline heard of it.
struct Failed {
    text: String,
    again: Timestamp,
    told: bool,
}

impl Pushes {
    /// # Errors
    /// When the settings make no client.
    pub fn new(settings: Push, phones: Vec<DeskPhone>, leases: Leases) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(settings.trust.client_config()?)
            .timeout(PATIENCE)
            .no_proxy()
            .build()?;
        let phones = phones.into_iter().filter_map(|phone| Some((phone.clone(), phone.address?))).collect();
        Ok(Self { phones, settings, http, leases })
    }

    /// What a phone should show, and what that says is so: `None` for what is on its way, or cannot be seen. Nothing while
    /// this server does not know yet.
    fn wanted(&self, phone: &DeskPhone) -> Option<(String, Option<Target>)> {
        let engine = &self.leases.services.engine;
        let mut statuses = engine.live_statuses();
        statuses.retain(|status| phone.site.as_ref().is_none_or(|site| *site == status.id));
        let standings: Option<Vec<_>> =
            statuses.iter().map(|status| Some((status, engine.standing_to_show(status)?))).collect();
        let shown = standings?.into_iter().filter_map(|(status, standing)| Some((status, standing, short(standing)?)));
        let Some((status, standing, words)) = shown.min_by_key(|(.., words)| urgency(words)) else {
            return Some((String::new(), Some(Target::Normal)));
        };
        let locked = (standing == Standing::Locked).then_some(Target::Locked);
        Some((format!("{words} {}", status.name), locked))
    }

    async fn shown(&self) -> Shown {
        let document = self.leases.services.documents.document(DOCUMENT).await.ok().flatten();
        document.and_then(|document| serde_json::from_str(&document.text).ok()).unwrap_or_default()
    }

    /// What is not written down is told once more than needed.
    async fn keep(&self, shown: &Shown) {
        let kept = async {
            let version =
                self.leases.services.documents.document(DOCUMENT).await?.map_or(0, |document| document.version);
            let text = serde_json::to_string(shown).unwrap_or_default();
            self.leases.services.documents.put_document(DOCUMENT, &Document { version: version + 1, text }).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "what the phones show could not be written down");
        }
    }

    async fn push(&self, address: &str, xml: &str) -> Result<(), String> {
        let form = reqwest::Url::parse_with_params("phone:/", [("XML", xml)]).map_err(|error| error.to_string())?;
        let request = self.http.post(format!("{address}/CGI/Execute"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request
            .body(form.query().unwrap_or_default().to_owned())
            .basic_auth(&self.settings.username, Some(self.settings.password.expose()));
        let answer = request.send().await.map_err(|error| format!("not reached: {}", error.without_url()))?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        match text.split("CiscoIPPhoneError Number=\"").nth(1).and_then(|rest| rest.chars().next()) {
            Some('4') => Err("it refuses the user: associate the device with it in CUCM".into()),
            Some(number) => Err(format!("it answers error {number}")),
            None if status.is_success() => Ok(()),
            None => Err(format!("it answers {status}")),
        }
    }

    /// Tells those that show something else; which are to be told again.
    async fn tell(&self, shown: &mut Shown, put_off: &mut PutOff, now: Timestamp) {
        let due: Vec<_> = self
            .phones
            .iter()
            .filter_map(|(phone, address)| Some((phone, address, self.wanted(phone)?)))
            .filter(|(phone, _, (text, _))| shown.get(&phone.name).map_or("", String::as_str) != text)
            .filter(|(phone, _, (text, _))| {
                put_off.get(&phone.name).is_none_or(|failed| failed.text != *text || failed.again <= now)
            })
            .collect();
        if due.is_empty() {
            return;
        }
        let each = due.iter().map(|(_, address, (text, _))| async move {
            let xml = if text.is_empty() { no_banner() } else { banner(text) };
            self.push(address, &xml).await
        });
        let outcomes = futures_util::future::join_all(each).await;
        let mut told: BTreeMap<_, (Target, usize, Vec<StepNote>)> = BTreeMap::new();
        for ((phone, _, (text, settled)), outcome) in due.into_iter().zip(outcomes) {
            let site =
                phone.site.clone().or_else(|| Some(self.leases.services.engine.live_statuses().first()?.id.clone()));
            if outcome.is_ok() {
                shown.insert(phone.name.clone(), text);
                put_off.remove(&phone.name);
            } else {
                let before = put_off.get(&phone.name).is_some_and(|failed| failed.told);
                let failed = Failed { text, again: now + AGAIN, told: before || settled.is_some() };
                put_off.insert(phone.name.clone(), failed);
                // Said once; tried again until it takes it.
                if before {
                    continue;
                }
            }
            // What is on its way is no news of its own.
            let Some(target) = settled else { continue };
            let (_, done, failed) = told.entry(site).or_insert((target, 0, vec![]));
            match outcome {
                Ok(()) => *done += 1,
                Err(note) => failed.push(StepNote { object: phone.name.clone(), note }),
            }
        }
        self.keep(shown).await;
        for (site, (target, done, failed)) in told {
            let kind = EventKind::PhonesTold { target, done, failed };
            if let Err(error) = self.leases.services.timeline.append(NewEvent { at: now, site, by: None, kind }).await {
                tracing::error!(%error, "what the phones show could not be put into the timeline");
            }
        }
    }
}

/// Looks after the phones for as long as the server runs.
pub async fn tend(pushes: Pushes) {
    let mut news = pushes.leases.services.timeline.subscribe();
    let mut shown = pushes.shown().await;
    let mut put_off = BTreeMap::new();
    loop {
        let now = pushes.leases.services.clock.now();
        if matches!(pushes.leases.holds("phones").await, Ok(false)) {
            shown = pushes.shown().await;
        } else {
            pushes.tell(&mut shown, &mut put_off, now).await;
        }
        tokio::select! {
            _ = news.recv() => while news.try_recv().is_ok() {},
            () = pushes.leases.services.clock.sleep(LOOK) => {}
        }
    }
}
