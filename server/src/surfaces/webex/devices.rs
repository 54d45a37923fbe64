//! Room devices that show a lock: woken, told with a sound and a line of text that stays, cleared with the
//! all-clear. They say LOCKED when that was read back, and fall back when CUCM is not seen any more. Best effort, side by side, each with its own result; no order waits for them.
//!
//! *Source*: RoomOS's xAPI, its commands and their limits; `putxml` of the devices' own web service.

use super::client::Client;
use super::{Webex, WebexError};
use crate::config::{Driver, RoomDevice, Secret};
use crate::store::documents::Document;
use engine::SiteStatus;
use engine::ports::{NewEvent, StoreError};
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::say::{means, short, urgency};
use lockdown::standing::Standing;
use lockdown::steps::Target;
use lockdown::timeline::{EventKind, StepNote};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Between two looks, where nothing happens.
const LOOK: Duration = Duration::from_secs(5);

/// A device that did not take it is told again after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// The document with the devices that may show a lock.
const LIT: &str = "devices/lit";

/// A device that answers later is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest texts, in characters.
const ALERT: usize = 255;
const TEXT_LINE: usize = 140;

/// Seconds the alert covers the screen; the line below stays.
const ALERT_SECONDS: u32 = 60;

/// What a device is told, in order.
type Commands = Vec<(&'static str, Map<String, Value>)>;

/// What it shall show.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Lock {
        title: String,
        text: String,
        wall: Option<String>,
        /// It was read back so.
        locked: bool,
    },
}

impl Wanted {
    /// What the timeline hears that a device shows; nothing of what is on its way.
    fn settled(&self) -> Option<Target> {
        match self {
            Self::Nothing => Some(Target::Normal),
            Self::Lock { locked, .. } => locked.then_some(Target::Locked),
        }
    }
}

/// How to reach one.
enum Way {
    Cloud { client: Client, device_id: String },
    Local { http: reqwest::Client, url: String, username: String, password: Secret },
}

struct Device {
    settings: RoomDevice,
    way: Way,
    last: Last,
}

/// What came of telling a device the last time.
enum Last {
    /// It was not told anything by this server yet.
    Nothing,
    Took(Wanted),
    /// Told again then. Where it answered it was woken and sounded, and is left in peace but for the rest.
    Failed {
        wanted: Wanted,
        answered: bool,
        again_at: Timestamp,
    },
}

impl Last {
    fn is_put_off(&self, now: Timestamp, what: &Wanted) -> bool {
        matches!(self, Self::Failed { wanted, again_at, .. } if wanted == what && *again_at > now)
    }

    /// It was woken for this lock already: other words come without a sound.
    fn was_sounded(&self) -> bool {
        matches!(
            self,
            Self::Failed { wanted: Wanted::Lock { .. }, answered: true, .. } | Self::Took(Wanted::Lock { .. })
        )
    }
}

/// Looks after the devices for as long as the server runs.
pub(super) async fn tend(webex: Arc<Webex>) {
    let mut devices = Vec::new();
    for settings in webex.settings.devices.clone() {
        match way(&webex, &settings) {
            Ok(way) => devices.push(Device { settings, way, last: Last::Nothing }),
            Err(error) => tracing::error!(%error, device = settings.name, "a room device cannot be used"),
        }
    }
    if devices.is_empty() {
        return;
    }
    let mut news = webex.services.timeline.subscribe();
    let mut told = Told::new();
    let mut lit = BTreeSet::new();
    loop {
        webex.tell_devices(&mut devices, &mut told, &mut lit).await;
        tokio::select! {
            _ = news.recv() => while news.try_recv().is_ok() {},
            () = webex.services.clock.sleep(LOOK) => {}
        }
    }
}

fn way(webex: &Webex, settings: &RoomDevice) -> Result<Way, WebexError> {
    Ok(match &settings.driver {
        Driver::Cloud { device_id } => Way::Cloud { client: webex.client.clone(), device_id: device_id.clone() },
        Driver::Local { url, username, password, trust } => {
            let odd = |error: &dyn std::fmt::Display| WebexError::Odd(error.to_string());
            let http = reqwest::Client::builder()
                .tls_backend_preconfigured(trust.client_config().map_err(|error| odd(&error))?)
                .timeout(PATIENCE)
                .no_proxy()
                .build();
            let username = username.clone();
            let password = password.clone();
            Way::Local { http: http.map_err(|error| odd(&error))?, url: url.clone(), username, password }
        }
    })
}

/// A device, because of which site, and what it shall show.
type Due<'d> = (&'d mut Device, SiteId, Wanted);

/// What came of telling one.
struct Outcome {
    device: String,
    site: SiteId,
    settled: Option<Target>,
    came: Result<(), WebexError>,
}

async fn tell_one((device, site, wanted): Due<'_>, now: Timestamp) -> Outcome {
    let settled = wanted.settled();
    let outcome = carry_out(&device.way, commands(&wanted), device.last.was_sounded()).await;
    device.last = match &outcome {
        Ok(()) => Last::Took(wanted),
        Err(error) => {
            let answered = matches!(error, WebexError::Refused { .. });
            Last::Failed { wanted, answered, again_at: now + AGAIN }
        }
    };
    Outcome { device: device.settings.name.clone(), site, settled, came: outcome }
}

/// How many of a site's devices took it, and why the others did not.
fn by_site(outcomes: Vec<Outcome>) -> BTreeMap<SiteId, (Target, usize, Vec<StepNote>)> {
    let mut all: BTreeMap<SiteId, (Target, usize, Vec<StepNote>)> = BTreeMap::new();
    for Outcome { device, site, settled, came } in outcomes {
        let Some(target) = settled else { continue };
        let (_, done, failed) = all.entry(site).or_insert((target, 0, vec![]));
        match came {
            Ok(()) => *done += 1,
            Err(error) => failed.push(StepNote { object: device, note: error.to_string() }),
        }
    }
    all
}

/// What was told last of each site's devices: what they should show, and which do not.
type Told = BTreeMap<SiteId, (Target, Vec<StepNote>)>;

impl Webex {
    /// Also while the database is away: telling a device twice is better than not at all.
    async fn tell_devices(&self, devices: &mut [Device], told: &mut Told, lit: &mut BTreeSet<String>) {
        if matches!(self.leases.holds("devices").await, Ok(false)) {
            return;
        }
        if let Ok((_, names)) = self.lit().await {
            lit.extend(names);
        }
        let due = self.due(devices, lit);
        if due.is_empty() {
            return;
        }
        // Before any is told: whoever goes on after a crash knows what may have to be cleared.
        let names = due.iter().filter(|(_, _, wanted)| *wanted != Wanted::Nothing);
        lit.extend(names.map(|(device, ..)| device.settings.name.clone()));
        self.keep_lit(lit).await;
        let now = self.services.clock.now();
        let outcomes = futures_util::future::join_all(due.into_iter().map(|due| tell_one(due, now))).await;
        for one in outcomes.iter().filter(|one| one.settled == Some(Target::Normal) && one.came.is_ok()) {
            lit.remove(&one.device);
        }
        self.keep_lit(lit).await;
        for (site, (target, done, failed)) in by_site(outcomes) {
            let now = (target, failed.clone());
            if done > 0 || told.get(&site) != Some(&now) {
                told.insert(site.clone(), now);
                self.tell_of_devices(site, EventKind::DevicesTold { target, done, failed }).await;
            }
        }
    }

    /// The devices that do not show what they should, as far as is known.
    fn due<'d>(&self, devices: &'d mut [Device], lit: &BTreeSet<String>) -> Vec<Due<'d>> {
        let now = self.services.clock.now();
        let due = devices.iter_mut().filter_map(|device| {
            let (site, wanted) = self.wanted(&device.settings)?;
            let fits = match &wanted {
                // Nothing is cleared that shows nothing of ours.
                Wanted::Nothing => !lit.contains(&device.settings.name),
                lock @ Wanted::Lock { .. } => matches!(&device.last, Last::Took(shown) if shown == lock),
            };
            (!fits && !device.last.is_put_off(now, &wanted)).then_some((device, site, wanted))
        });
        due.collect()
    }

    async fn tell_of_devices(&self, site: SiteId, kind: EventKind) {
        let event = NewEvent { at: self.services.clock.now(), site: Some(site), by: None, kind };
        if let Err(error) = self.services.timeline.append(event).await {
            tracing::error!(%error, "what the room devices show could not be put into the timeline");
        }
    }

    /// Names of the devices that may show a lock, with the version of the document they stand on.
    async fn lit(&self) -> Result<(u64, BTreeSet<String>), StoreError> {
        let document = self.services.documents.document(LIT).await?;
        let version = document.as_ref().map_or(0, |document| document.version);
        let names = document.and_then(|document| serde_json::from_str(&document.text).ok()).unwrap_or_default();
        Ok((version, names))
    }

    /// As far as it can be written down now; what is not is cleared once more than needed.
    async fn keep_lit(&self, names: &BTreeSet<String>) {
        let kept = async {
            let (version, before) = self.lit().await?;
            if before == *names {
                return Ok(());
            }
            let text = serde_json::to_string(names).map_err(|error| StoreError::Failed(error.to_string()))?;
            self.services.documents.put_document(LIT, &Document { version: version + 1, text }).await
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "which devices may show a lock could not be written down");
        }
    }

    /// What it shall show, and because of which site; `None` while this server does not know yet.
    fn wanted(&self, device: &RoomDevice) -> Option<(SiteId, Wanted)> {
        let statuses: Vec<SiteStatus> = match &device.site {
            Some(site) => self.services.engine.status(site).into_iter().collect(),
            None => self.services.engine.live_statuses(),
        };
        let standings: Option<Vec<_>> =
            statuses.iter().map(|status| Some((status, self.services.engine.standing_to_show(status)?))).collect();
        let shown = standings?.into_iter().filter_map(|(status, standing)| Some((status, standing, short(standing)?)));
        let Some((status, standing, words)) = shown.min_by_key(|(.., words)| urgency(words)) else {
            return Some((statuses.first()?.id.clone(), Wanted::Nothing));
        };
        let (name, numbers) = self.services.public_facts(&status.id);
        let number = numbers.first().map_or_else(String::new, |number| format!(" Emergency: dial {number}."));
        let (mark, lead) = if status.drill { ("DRILL: ", "No call is touched.") } else { ("", means(standing)) };
        let wanted = Wanted::Lock {
            title: format!("{mark}{words} · {name}"),
            text: format!("{lead}{number}"),
            wall: device.wall.then(|| format!("{}/wall?site={}", self.public_url, status.id)),
            locked: standing == Standing::Locked,
        };
        Some((status.id.clone(), wanted))
    }
}

fn commands(wanted: &Wanted) -> Commands {
    let with = |arguments: Value| arguments.as_object().cloned().unwrap_or_default();
    match wanted {
        Wanted::Lock { title, text, wall, .. } => {
            let cut = |text: &str, longest: usize| text.chars().take(longest).collect::<String>();
            let mut all = vec![
                ("Standby.Deactivate", Map::new()),
                ("Audio.Sound.Play", with(json!({ "Sound": "Alert" }))),
                (
                    "UserInterface.Message.Alert.Display",
                    with(json!({ "Title": cut(title, ALERT), "Text": cut(text, ALERT), "Duration": ALERT_SECONDS })),
                ),
                (
                    "UserInterface.Message.TextLine.Display",
                    with(json!({ "Text": cut(&format!("{title}. {text}"), TEXT_LINE), "Duration": 0 })),
                ),
            ];
            all.extend(
                wall.as_ref()
                    .map(|url| ("UserInterface.WebView.Display", with(json!({ "Url": url, "Title": "Lockdown" })))),
            );
            all
        }
        Wanted::Nothing => [
            "Audio.Sound.Stop",
            "UserInterface.Message.Alert.Clear",
            "UserInterface.Message.TextLine.Clear",
            "UserInterface.WebView.Clear",
        ]
        .map(|command| (command, Map::new()))
        .into(),
    }
}

/// The first command that does not succeed ends it; waking, sounding and the board are not what it is about, and
/// are left out for one that was `sounded` already. Clearing is: only a device that has no board is excused.
async fn carry_out(way: &Way, commands: Commands, sounded: bool) -> Result<(), WebexError> {
    for (command, arguments) in commands {
        let beside = command.starts_with("Audio.") || command.starts_with("Standby.") || command.contains("WebView");
        let clears = command.ends_with("Clear") || command.ends_with("Stop");
        if sounded && beside && !clears {
            continue;
        }
        let done = match way {
            Way::Cloud { client, device_id } => {
                let body = json!({ "deviceId": device_id, "arguments": arguments });
                client.post::<Value>(&format!("xapi/command/{command}"), &body).await.map(|_| ())
            }
            Way::Local { http, url, username, password } => {
                put_xml(http, url, username, password, &document(command, &arguments)).await
            }
        };
        if let Err(error) = done
            && !(beside && (!clears || matches!(error, WebexError::Refused { .. })))
        {
            return Err(error);
        }
    }
    Ok(())
}

async fn put_xml(
    http: &reqwest::Client,
    url: &str,
    username: &str,
    password: &Secret,
    xml: &str,
) -> Result<(), WebexError> {
    let away = |error: reqwest::Error| WebexError::Away(error.without_url().to_string());
    let request = http.post(format!("{url}/putxml")).basic_auth(username, Some(password.expose()));
    let answer = request.header("content-type", "text/xml").body(xml.to_owned()).send().await.map_err(away)?;
    let status = answer.status();
    let said = answer.text().await.map_err(away)?;
    let refused =
        |why: &str| WebexError::Refused { status: status.as_u16(), why: why.to_owned(), tracking: String::new() };
    match status.as_u16() {
        401 | 403 => Err(refused("the device does not take this user or its password")),
        200..=299 if said.contains("status=\"Error\"") => Err(refused("the device does not carry the command out")),
        200..=299 => Ok(()),
        _ => Err(WebexError::Away(format!("the device answered {status}"))),
    }
}

/// `<Command><UserInterface>…<Display><Text>…`, as the devices' web service takes it.
fn document(command: &str, arguments: &Map<String, Value>) -> String {
    let mut writer = Writer::new(Vec::new());
    let path: Vec<&str> = ["Command"].into_iter().chain(command.split('.')).collect();
    // Writing into memory does not fail.
    let _ = element(&mut writer, &path, arguments);
    String::from_utf8_lossy(&writer.into_inner()).into_owned()
}

fn element(writer: &mut Writer<Vec<u8>>, path: &[&str], arguments: &Map<String, Value>) -> std::io::Result<()> {
    let Some((name, rest)) = path.split_first() else {
        for (name, value) in arguments {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            writer.create_element(name.as_str()).write_text_content(BytesText::new(&text))?;
        }
        return Ok(());
    };
    writer.create_element(*name).write_inner_content(|writer| element(writer, rest, arguments))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(name: &str) -> Wanted {
        Wanted::Lock {
            title: format!("PSTN LOCKED · {name}"),
            text: "Emergency: dial 911.".into(),
            wall: Some("https://x/wall".into()),
            locked: true,
        }
    }

    #[test]
    fn whatever_a_site_is_called_no_text_is_longer_than_a_device_takes() {
        for name in ["Acme", &"ø".repeat(400)] {
            for (command, arguments) in commands(&lock(name)) {
                let longest = if command.contains("TextLine") { TEXT_LINE } else { ALERT };
                for text in arguments.values().filter_map(Value::as_str) {
                    assert!(text.chars().count() <= longest, "{command}");
                }
            }
        }
    }

    #[test]
    fn a_command_becomes_the_element_of_its_path() {
        let arguments = json!({ "Text": "a < b & c", "Duration": 0 }).as_object().cloned().unwrap();
        let xml = document("UserInterface.Message.TextLine.Display", &arguments);
        assert_eq!(
            xml,
            "<Command><UserInterface><Message><TextLine><Display><Duration>0</Duration><Text>a &lt; b &amp; c</Text></Display></TextLine></Message></UserInterface></Command>"
        );
        assert_eq!(
            document("Standby.Deactivate", &Map::new()),
            "<Command><Standby><Deactivate></Deactivate></Standby></Command>"
        );
    }
}
