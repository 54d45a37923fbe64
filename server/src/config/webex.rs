//! `[webex]`: the bot, the incident space, room devices. Absent: off.

use super::load::{RawTrust, duration, secret, trust};
use super::problem::{Problem, Source};
use super::secret::Secret;
use lockdown::ids::SiteId;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// Commercial Webex; Webex for Government has other hosts, which are settings for that reason.
const API: &str = "https://webexapis.com/v1";
const U2C: &str = "https://u2c.wbx2.com/u2c/api/v1";
const DOMAINS: [&str; 3] = ["webex.com", "wbx2.com", "ciscospark.com"];

#[derive(Debug, Clone)]
pub struct Webex {
    pub bot_token: Secret,
    pub transport: Transport,
    /// Default `https://webexapis.com/v1`. Without the last slash.
    pub api_url: String,
    /// Service catalogue of the websocket. Default `https://u2c.wbx2.com/u2c/api/v1`.
    pub u2c_url: String,
    /// The token goes to hosts of these domains only, besides the two above.
    pub domains: Vec<String>,
    /// An HTTP proxy for everything, the websocket too (CONNECT).
    pub proxy: Option<String>,
    /// Names this installation's webhooks and devices. Default `pstn-lockdown`.
    pub instance: String,
    /// Whether seniors may give the all-clear to the bot, or on the console only. Default the bot.
    pub release: Release,
    /// Incident spaces are made in this team. Default: each stands alone.
    pub team: Option<Team>,
    /// Where call requests go while no incident is open.
    pub room_id: Option<String>,
    /// Between two signs of life on the websocket. Default 15 s.
    pub ping: Duration,
    /// A bridge that is always there, told in the space and on the console.
    pub meeting_url: Option<String>,
    /// A meeting made for each incident instead; where that fails, the bridge.
    pub meeting: Option<Meeting>,
    pub devices: Vec<RoomDevice>,
}

/// A team of the organisation.
#[derive(Debug, Clone)]
pub enum Team {
    Id(String),
    /// Made by the bot where it is in none of this name.
    Named(String),
}

/// The Service App that makes meetings, and for whom.
#[derive(Debug, Clone)]
pub struct Meeting {
    pub host_email: String,
    pub client_id: String,
    pub client_secret: Secret,
    pub refresh_token: Secret,
}

/// How the bot hears.
#[derive(Debug, Clone)]
pub enum Transport {
    /// From inside, no public address needed. The default.
    Websocket,
    /// Webex calls `/hooks/webex` of the public address.
    Webhook { secret: Secret },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    Bot,
    Console,
}

/// A room device that shows the lock.
#[derive(Debug, Clone)]
pub struct RoomDevice {
    pub name: String,
    /// Of one site; of every site where none is named.
    pub site: Option<SiteId>,
    pub driver: Driver,
    /// Shows the wall board too.
    pub wall: bool,
}

/// By which way a device is reached.
#[derive(Debug, Clone)]
pub enum Driver {
    /// Through Webex, as an administrator granted it to the bot.
    Cloud { device_id: String },
    /// HTTPS inside the site.
    Local { url: String, username: String, password: Secret, trust: axl::Trust },
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebex {
    /// The bot's token.
    bot_token: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    bot_token_file: Option<PathBuf>,
    /// `websocket` (from inside, no public address needed) or `webhook` (Webex calls `/hooks/webex` of the public address). Default `websocket`.
    transport: Option<String>,
    /// Signs what Webex delivers to the webhook.
    webhook_secret: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    webhook_secret_file: Option<PathBuf>,
    /// Webex's API; another one for Webex for Government. Default `https://webexapis.com/v1`.
    api_url: Option<String>,
    /// The websocket's catalogue of services. Default `https://u2c.wbx2.com/u2c/api/v1`.
    u2c_url: Option<String>,
    /// The token goes to hosts of these only, besides the two above. Default `webex.com`, `wbx2.com` and `ciscospark.com`.
    domains: Option<Vec<String>>,
    /// HTTP proxy for everything, the websocket too. Default none.
    proxy: Option<String>,
    /// Names this installation's webhooks and devices, up to 40 characters. Default `pstn-lockdown`.
    instance: Option<String>,
    /// `bot`, or `console`: the all-clear is never given to the bot. Default `bot`.
    release: Option<String>,
    /// Incident spaces are made in this team. Absent: each stands alone.
    team_id: Option<String>,
    /// The same by its name; the bot makes the team where it is in none of this name.
    team_name: Option<String>,
    /// Where call requests go while no incident is open.
    room_id: Option<String>,
    /// Between two signs of life on the websocket. Default `15s`.
    ping: Option<String>,
    /// A meeting that is always there, told in the space and on the console.
    meeting_url: Option<String>,
    /// A meeting made for each incident; where that fails, `meeting_url`.
    meeting: Option<RawMeeting>,
    /// A room device that shows the lock.
    #[serde(default)]
    device: Vec<RawDevice>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct RawMeeting {
    /// For whom the meetings are made. Required.
    host_email: String,
    /// Of the Service App. Required.
    client_id: String,
    /// Its secret.
    client_secret: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    client_secret_file: Option<PathBuf>,
    /// Its refresh token.
    refresh_token: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    refresh_token_file: Option<PathBuf>,
}

impl RawMeeting {
    fn read(self, source: &Source) -> Result<Meeting, Problem> {
        let key = |name: &str| format!("webex.meeting.{name}");
        Ok(Meeting {
            host_email: self.host_email,
            client_id: self.client_id,
            client_secret: secret(self.client_secret, self.client_secret_file, &key("client_secret"), source)?,
            refresh_token: secret(self.refresh_token, self.refresh_token_file, &key("refresh_token"), source)?,
        })
    }
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[cfg_attr(test, schema(as = RawRoomDevice))]
#[serde(deny_unknown_fields)]
struct RawDevice {
    /// What it is called here. Required.
    name: String,
    /// Shows the lock of this site. Absent: of every site.
    site: Option<String>,
    /// Shows the wall board too. Default `false`.
    #[serde(default)]
    wall: bool,
    /// Through Webex, as an administrator granted it to the bot in Control Hub.
    device_id: Option<String>,
    /// Or inside the site, by HTTPS.
    url: Option<String>,
    /// A local user with the role Integrator.
    username: Option<String>,
    /// The password.
    password: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    password_file: Option<PathBuf>,
    /// How the device's certificate is checked. Absent: as the system does.
    tls: Option<RawTrust>,
}

impl RawWebex {
    pub(super) fn read(self, source: &Source) -> Result<Webex, Problem> {
        let transport = match self.transport.as_deref() {
            None | Some("websocket") => Transport::Websocket,
            Some("webhook") => {
                let inline = self.webhook_secret;
                let file = self.webhook_secret_file;
                Transport::Webhook { secret: secret(inline, file, "webex.webhook_secret", source)? }
            }
            Some(_) => return Err(source.problem("webex.transport", "write \"websocket\" or \"webhook\"")),
        };
        let release = match self.release.as_deref() {
            None | Some("bot") => Release::Bot,
            Some("console") => Release::Console,
            Some(_) => return Err(source.problem("webex.release", "write \"bot\" or \"console\"")),
        };
        let instance = self.instance.unwrap_or_else(|| "pstn-lockdown".into());
        if !(1..=40).contains(&instance.len()) || instance.contains(':') {
            return Err(source.problem("webex.instance", "write 1 to 40 letters, without a colon"));
        }
        let team = match (self.team_id, self.team_name) {
            (Some(_), Some(_)) => return Err(source.problem("webex.team_name", "give either this or team_id")),
            (Some(id), None) => Some(Team::Id(id)),
            (None, name) => name.map(Team::Named),
        };
        let mut devices = Vec::new();
        for (index, device) in self.device.into_iter().enumerate() {
            devices.push(device.read(index + 1, source)?);
        }
        Ok(Webex {
            bot_token: secret(self.bot_token, self.bot_token_file, "webex.bot_token", source)?,
            transport,
            api_url: address(self.api_url.as_deref().unwrap_or(API), "webex.api_url", source)?,
            u2c_url: address(self.u2c_url.as_deref().unwrap_or(U2C), "webex.u2c_url", source)?,
            domains: self.domains.unwrap_or_else(|| DOMAINS.map(str::to_owned).into()),
            proxy: self.proxy.map(|text| proxy(text, "webex.proxy", source)).transpose()?,
            instance,
            release,
            team,
            room_id: self.room_id,
            ping: duration(self.ping.as_deref(), 15, "webex.ping", source)?,
            meeting_url: self.meeting_url,
            meeting: self.meeting.map(|meeting| meeting.read(source)).transpose()?,
            devices,
        })
    }
}

impl RawDevice {
    fn read(self, number: usize, source: &Source) -> Result<RoomDevice, Problem> {
        let at = |key: &str| format!("webex.device[{number}].{key}");
        let site = self.site.map(SiteId::try_from).transpose();
        let site = site.map_err(|error| source.problem(&at("site"), error.to_string()))?;
        let driver = match (self.device_id, self.url) {
            (Some(device_id), None) => Driver::Cloud { device_id },
            (None, Some(url)) => {
                let missing = || source.problem(&at("username"), "missing: a local user with the role Integrator");
                let trust = trust(self.tls, &at("tls"), source)?;
                if matches!(trust, axl::Trust::Insecure) {
                    return Err(source.problem(&at("tls"), "a device is recognised by pin_sha256 or ca_file"));
                }
                Driver::Local {
                    url: address(&url, &at("url"), source)?,
                    username: self.username.ok_or_else(missing)?,
                    password: secret(self.password, self.password_file, &at("password"), source)?,
                    trust,
                }
            }
            _ => return Err(source.problem(&at("device_id"), "give either device_id (cloud) or url (local)")),
        };
        Ok(RoomDevice { name: self.name, site, driver, wall: self.wall })
    }
}

/// https, or plain http on this machine alone; without the last slash.
pub(super) fn address(text: &str, key: &str, source: &Source) -> Result<String, Problem> {
    let url = reqwest::Url::parse(text).ok();
    let here = |url: &reqwest::Url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let fits = url.is_some_and(|url| url.scheme() == "https" || (url.scheme() == "http" && here(&url)));
    if fits {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err(source.problem(key, "write an address that begins with https://"))
    }
}

/// By which proxy something outside is reached, with a name and a password where it wants them.
pub(super) fn proxy(text: String, key: &str, source: &Source) -> Result<String, Problem> {
    let fits = reqwest::Url::parse(&text).is_ok_and(|url| url.scheme() == "http" && url.host_str().is_some());
    if fits { Ok(text) } else { Err(source.problem(key, "write http://proxy.acme.example:3128")) }
}
