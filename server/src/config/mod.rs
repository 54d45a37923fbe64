//! One TOML file, one struct a section. Unknown keys are refused with their line; every value can
//! come from `LOCKDOWN__SECTION__KEY`, every secret from a file.

mod calls;
mod finesse;
mod load;
mod phone;
mod problem;
#[cfg(test)]
mod reference;
mod secret;
mod site;
mod webex;

pub use calls::{Calls, Incidents, Residents};
pub use finesse::{Finesse, Notice};
pub use load::is_everybody;
pub use phone::{DeskPhone, Phone, Push, device_name};
pub use problem::Problem;
pub use secret::Secret;
pub use webex::{Driver, Meeting, Release, RoomDevice, Team, Transport, Webex};

use ipnet::IpNet;
use lockdown::ids::SiteId;
use lockdown::operator::Scope;
use lockdown::plan::PlanText;
use rlibphonenumber::Region;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A configuration that can be served. Every default stands in the doc comment of its field.
#[derive(Debug)]
pub struct Config {
    pub http: Http,
    pub store: Store,
    pub cucm: Cucm,
    /// Absent: nobody can sign in, only keys work.
    pub identity: Option<Identity>,
    pub webhooks: Webhooks,
    pub calls: Calls,
    pub incidents: Incidents,
    /// Absent: no bot, no space, no room devices.
    pub webex: Option<Webex>,
    /// Absent: no gadget.
    pub finesse: Option<Finesse>,
    /// Absent: no service on desk phones.
    pub phone: Option<Phone>,
    pub telemetry: Telemetry,
    pub sites: Vec<Site>,
}

#[derive(Debug, Clone)]
pub struct Http {
    /// Default `127.0.0.1:3000`.
    pub listen: SocketAddr,
    pub tls: Option<TlsFiles>,
    /// What browsers type; without the last slash. Default `http://` and `listen`.
    pub public_url: String,
    /// `GET /api/v1/status` without a key. Default true.
    pub public_status: bool,
    /// Proxies whose `X-Forwarded-For` is believed. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// Live lines one address may hold open. Default 600: many people share an address behind a proxy.
    pub lines_per_address: usize,
}

/// Who else is told what the server does.
#[derive(Debug, Default)]
pub struct Telemetry {
    /// Where spans are collected: the base address of OTLP over HTTP, without the last slash. Absent: nowhere.
    pub otlp: Option<String>,
}

/// Where news may be sent. Default nowhere.
#[derive(Debug, Default, Clone)]
pub struct Webhooks {
    /// Origins, such as `https://hooks.acme.example`; plain http only where it is written here so.
    pub allow: Vec<String>,
    /// Networks inside the site that these names may lead to; without them only public addresses.
    pub networks: Vec<IpNet>,
    /// An HTTP proxy for all of them. It looks the names up: where they lead is then for the proxy to refuse.
    pub proxy: Option<String>,
}

#[derive(Debug, Clone)]
pub struct TlsFiles {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

#[derive(Debug)]
pub struct Store {
    pub kind: StoreKind,
    /// Default `var` beside the configuration file.
    pub data_dir: PathBuf,
}

/// The store.
#[derive(Debug, Clone)]
pub enum StoreKind {
    /// One file in the data folder; for one server. The default.
    Embedded,
    /// A database several servers share; the data folder holds this server's journal.
    Mongodb { uri: Secret },
}

#[derive(Debug)]
pub struct Cucm {
    pub url: String,
    /// `None` negotiates (`auto`, the default).
    pub version: Option<axl::Version>,
    pub username: String,
    pub password: Secret,
    /// `read_write` (default) or `read_only`.
    pub read_only: bool,
    pub trust: axl::Trust,
    /// Default 20 s.
    pub timeout: Duration,
    /// 1 (default) to 4.
    pub max_in_flight: usize,
    /// Default 10 s.
    pub sweep: Duration,
}

#[derive(Debug, Clone)]
pub struct Identity {
    pub preset: Preset,
    pub metadata_url: String,
    /// Byte for byte what tokens carry as `iss`.
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Secret,
    /// What the sign-in button says. Default the preset's name.
    pub name: String,
    /// Whether an all-clear from a page needs a passkey. Default [`ReleasePasskey::IfEnrolled`].
    pub release_passkey: ReleasePasskey,
    /// Between two looks at the provider. Default 60 s; it counts as away after three failed ones.
    pub probe: Duration,
    /// Where sealed codes are taken from. Default the private networks.
    pub site_networks: Vec<IpNet>,
    /// Where somebody who forgot the password sets a new one. Absent: they are told to ask.
    pub password_reset_url: Option<String>,
    /// The HTTP proxy by which the provider is reached. Default none.
    pub proxy: Option<String>,
    /// Access tokens of the tenant open `/api/v1`. Absent: off.
    pub api: Option<TokenApi>,
}

/// Which access tokens of the tenant are taken.
#[derive(Debug, Clone)]
pub struct TokenApi {
    /// The API's application id, byte for byte what tokens carry as `aud`; not `client_id`.
    pub audience: String,
    /// Default [`Identity::issuer`].
    pub issuer: String,
    /// Short names of scopes or app roles, and what they open.
    pub scopes: BTreeMap<String, Scope>,
    /// The programs that may call.
    pub clients: Vec<TokenClient>,
}

#[derive(Debug, Clone)]
pub struct TokenClient {
    pub name: String,
    /// The application id tokens carry as `azp`.
    pub azp: String,
    /// The service principal tokens carry as `sub` when the program acts for itself. Absent: it acts for
    /// people only, and may what they may.
    pub subject: Option<String>,
}

/// Whether an all-clear from a page needs a fresh proof by passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReleasePasskey {
    /// Of everybody.
    Required,
    /// Of whoever has one.
    IfEnrolled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Azure AD B2C: the token's `tfp` must be the policy of the metadata URL.
    B2c,
    EntraExternalId,
    Generic,
}

#[derive(Debug)]
pub struct Site {
    pub name: String,
    /// IANA name; times on screens are in this zone. Default UTC.
    pub zone: jiff::tz::TimeZone,
    /// An all-clear needs two different seniors within ten minutes. Default false.
    pub release_by_two: bool,
    /// The site this one is for practising: the same orders on canary objects, which no call depends on.
    pub drill_of: Option<SiteId>,
    /// Where telephone numbers without a country are dialled from, as ISO 3166 says it. Default `US`.
    pub country: Region,
    pub plan: PlanText,
}

pub use load::load;
