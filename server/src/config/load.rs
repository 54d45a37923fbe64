//! From text and environment to a [`Config`].

use super::calls::{RawCalls, RawIncidents};
use super::finesse::RawFinesse;
use super::phone::RawPhone;
use super::problem::{Problem, Source};
use super::site::{RawSite, check_drills};
use super::webex::{RawWebex, proxy};
use super::{
    Config, Cucm, Http, Identity, Preset, ReleasePasskey, Secret, Store, StoreKind, Telemetry, TlsFiles, TokenApi,
    TokenClient, Webhooks,
};
use crate::identity::api_key::network;
use ipnet::IpNet;
use jiff::SignedDuration;
use lockdown::ids::SiteId;
use lockdown::operator::Scope;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value};

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Raw {
    http: RawHttp,
    store: RawStore,
    cucm: RawCucm,
    identity: Option<RawIdentity>,
    webhooks: RawWebhooks,
    calls: RawCalls,
    incidents: RawIncidents,
    webex: Option<RawWebex>,
    finesse: Option<RawFinesse>,
    phone: Option<RawPhone>,
    telemetry: RawTelemetry,
    site: Vec<RawSite>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
struct RawHttp {
    /// Address and port the server listens on. Default `127.0.0.1:3000`.
    listen: Option<String>,
    /// Certificate and key, where the server speaks TLS itself. Absent: plain HTTP, for a proxy on this machine.
    tls: Option<RawTlsFiles>,
    /// What browsers type, without a path; `https://` but for this machine. Default `http://` (with `tls`, `https://`) and `listen`.
    public_url: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses or networks. Default none.
    trusted_proxies: Vec<String>,
    /// Whether the state is told without a key. Default `true`.
    public_status: Option<bool>,
    /// Live lines one address may hold open; connections six times as many. Default 600.
    lines_per_address: Option<usize>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
struct RawWebhooks {
    /// Origins webhooks may be sent to, such as `https://hooks.acme.example`. Default none: nothing is sent.
    allow: Vec<String>,
    /// Networks inside the site that these names may lead to. Default none: public addresses only.
    networks: Vec<String>,
    /// HTTP proxy for all of them; it looks the names up, and where they lead is then for the proxy to refuse.
    proxy: Option<String>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
struct RawTelemetry {
    /// Where spans go by OTLP over HTTP; `/v1/traces` is appended. Absent: nowhere.
    otlp: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct RawTlsFiles {
    /// PEM, the server's own certificate first.
    #[cfg_attr(test, schema(value_type = String))]
    cert_file: PathBuf,
    /// PEM.
    #[cfg_attr(test, schema(value_type = String))]
    key_file: PathBuf,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
struct RawStore {
    /// `embedded` (a file in `data_dir`, for one server) or `mongodb` (a database that several servers share). Default `embedded`.
    kind: Option<String>,
    /// The file, or each server's journal. Default `var`.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    data_dir: Option<PathBuf>,
    /// The database, with its name: a replica set, of one at least.
    mongodb_uri: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    mongodb_uri_file: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
struct RawCucm {
    /// The publisher's AXL: `https://<publisher>:8443/axl/`. Required.
    url: Option<String>,
    /// `auto`, `12.5`, `14.0` or `15.0`. Default `auto`.
    version: Option<String>,
    /// The AXL user. Required.
    username: Option<String>,
    /// Its password.
    password: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    password_file: Option<PathBuf>,
    /// `read_write`, or `read_only`: everything works but writes. Default `read_write`.
    mode: Option<String>,
    /// How CUCM's certificate is checked. Absent: as the system does.
    tls: Option<RawTrust>,
    /// For one AXL request. Default `20s`.
    timeout: Option<String>,
    /// Writes at the same time, 1 to 4. Default 1.
    max_in_flight: Option<usize>,
    /// Between two readings of what the steps hold, at most `15s`. Default `10s`.
    sweep: Option<String>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTrust {
    /// PEM of the authority that signed it.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    ca_file: Option<PathBuf>,
    /// SHA-256 fingerprints of the certificates that are taken, in hex.
    pin_sha256: Option<Vec<String>>,
    /// Any certificate is taken: for a lab. Default `false`.
    insecure: bool,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
struct RawIdentity {
    /// `b2c`, `entra_external_id` or `generic` (any OpenID Connect). Default `b2c`.
    preset: Option<String>,
    /// What the sign-in button says. Default the preset's name.
    name: Option<String>,
    /// Where the provider describes itself. Required.
    metadata_url: Option<String>,
    /// Byte for byte what tokens carry as `iss`. Required.
    issuer: Option<String>,
    /// The application's id. Required.
    client_id: Option<String>,
    /// Its secret.
    client_secret: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    client_secret_file: Option<PathBuf>,
    /// Whether an all-clear on a page needs a passkey: `required` of everybody, `if_enrolled` of who has one. Default `if_enrolled`.
    release_passkey: Option<String>,
    /// Between two looks at the provider; it is away after three failed ones. Default `60s`.
    probe: Option<String>,
    /// Where sealed codes are taken from. Default the private networks.
    site_networks: Option<Vec<String>>,
    /// Where somebody who forgot the password sets a new one. Absent: they are told to ask.
    password_reset_url: Option<String>,
    /// HTTP proxy by which the provider is reached. Default none.
    proxy: Option<String>,
    /// Access tokens of the tenant on `/api/v1`, besides API keys. Absent: off.
    api: Option<RawTokenApi>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct RawTokenApi {
    /// The API's application id, byte for byte what tokens carry as `aud`; not `client_id`.
    audience: String,
    /// What these tokens carry as `iss`. Default `identity.issuer`.
    issuer: Option<String>,
    /// Names of scopes or app roles, and the scope of ours each stands for.
    scopes: BTreeMap<String, String>,
    /// A program that may call.
    #[serde(default)]
    client: Vec<RawTokenClient>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct RawTokenClient {
    /// What it is called in the timeline.
    name: String,
    /// The application id tokens carry as `azp`.
    azp: String,
    /// The service principal tokens carry as `sub` when it acts for itself. Absent: it acts for people only.
    subject: Option<String>,
}

/// What RFC 1918 and RFC 4193 keep for inside. Not loopback: that is where a proxy sits that nobody named.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];

const EXAMPLE: &str = "deploy/lockdown.example.toml";

/// Reads `file` and `LOCKDOWN__SECTION__KEY` from `environment`.
///
/// # Errors
/// The first [`Problem`], with file, line, key and remedy.
pub fn load(file: &Path, environment: impl Iterator<Item = (String, String)>) -> Result<Config, Problem> {
    let text = std::fs::read_to_string(file).map_err(|error| Problem {
        file: file.to_owned(),
        line: None,
        key: None,
        text: format!(
            "cannot be read ({error}). Copy {EXAMPLE} there, fill in [cucm] and one [[site]], or name another file with --config"
        ),
    })?;
    let source = Source { file: file.to_owned(), text };
    let raw: Raw = toml::from_str(&source.text).map_err(|error| source.parse_problem(&error))?;
    let overrides: Vec<(String, String)> =
        environment.filter_map(|(key, value)| Some((key.strip_prefix("LOCKDOWN__")?.to_lowercase(), value))).collect();
    let raw = if overrides.is_empty() { raw } else { overridden(&source, &overrides)? };
    read(raw, &source)
}

/// A value from the environment is TOML where that fits the key (`3`, `true`, `["a"]`), else text.
fn overridden(source: &Source, overrides: &[(String, String)]) -> Result<Raw, Problem> {
    let mut table: Table = source.text.parse().map_err(|error| source.parse_problem(&error))?;
    for (path, text) in overrides {
        let keys: Vec<&str> = path.split("__").collect();
        let as_text = Value::String(text.clone());
        let candidates = text.parse::<Value>().ok().into_iter().chain([as_text]);
        let fits = candidates
            .into_iter()
            .map(|value| with(&table, &keys, value))
            .find(|t| Raw::deserialize(t.clone()).is_ok());
        table = fits.ok_or_else(|| Problem {
            file: PathBuf::from("environment"),
            line: None,
            key: Some(format!("LOCKDOWN__{}", path.to_uppercase())),
            text: "there is no such key, or the value does not fit it".into(),
        })?;
    }
    Raw::deserialize(table).map_err(|error| source.parse_problem(&error))
}

fn with(table: &Table, keys: &[&str], value: Value) -> Table {
    let mut table = table.clone();
    match keys {
        [] => {}
        [last] => {
            table.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = table.get(*first).and_then(Value::as_table).cloned().unwrap_or_default();
            table.insert((*first).to_owned(), Value::Table(with(&inner, rest, value)));
        }
    }
    table
}

fn read(raw: Raw, source: &Source) -> Result<Config, Problem> {
    let mut sites = Vec::new();
    for (index, site) in raw.site.into_iter().enumerate() {
        sites.push(site.read(index + 1, source)?);
    }
    if sites.is_empty() {
        return Err(source.problem("site", format!("missing: describe one site with [[site]]; see {EXAMPLE}")));
    }
    if let Some(twice) = sites.iter().enumerate().find(|(i, s)| sites[..*i].iter().any(|e| e.plan.site == s.plan.site))
    {
        return Err(source.problem(&format!("site[{}].id", twice.0 + 1), "this id is used by an earlier site"));
    }
    check_drills(&sites, source)?;
    let http = http(raw.http, source)?;
    let live: Vec<SiteId> =
        sites.iter().filter(|site| site.drill_of.is_none()).map(|site| site.plan.site.clone()).collect();
    Ok(Config {
        store: store(raw.store, source)?,
        cucm: cucm(raw.cucm, source)?,
        identity: raw.identity.map(|identity| self::identity(identity, source)).transpose()?,
        webhooks: webhooks(&raw.webhooks, source)?,
        calls: raw.calls.read(source)?,
        incidents: raw.incidents.read(source)?,
        webex: raw.webex.map(|webex| webex.read(source)).transpose()?,
        finesse: raw.finesse.map(|finesse| finesse.read(&http.public_url, source)).transpose()?,
        phone: raw.phone.map(|phone| phone.read(&http.public_url, &live, source)).transpose()?,
        telemetry: telemetry(raw.telemetry, source)?,
        http,
        sites,
    })
}

fn telemetry(raw: RawTelemetry, source: &Source) -> Result<Telemetry, Problem> {
    let is_address = |text: &str| {
        let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        url.is_some_and(|url| url.has_host() && url.username().is_empty() && url.password().is_none())
    };
    match raw.otlp {
        Some(text) if !is_address(&text) => {
            Err(source.problem("telemetry.otlp", "write where OTLP over HTTP is taken, such as http://127.0.0.1:4318"))
        }
        otlp => Ok(Telemetry { otlp: otlp.map(|text| text.trim_end_matches('/').to_owned()) }),
    }
}

fn http(raw: RawHttp, source: &Source) -> Result<Http, Problem> {
    let listen = raw.listen.unwrap_or_else(|| "127.0.0.1:3000".into());
    let listen = listen
        .parse()
        .map_err(|_| source.problem("http.listen", "write an address and a port, such as 127.0.0.1:3000"))?;
    let scheme = if raw.tls.is_some() { "https" } else { "http" };
    let public_url = match raw.public_url {
        None => format!("{scheme}://{listen}"),
        Some(text) => public_address(&text).map_err(|why| source.problem("http.public_url", why))?,
    };
    let tls = raw
        .tls
        .map(|tls| TlsFiles { cert_file: beside(source, &tls.cert_file), key_file: beside(source, &tls.key_file) });
    let trusted_proxies = networks(&raw.trusted_proxies, "http.trusted_proxies", source)?;
    if trusted_proxies.iter().any(is_everybody) {
        let why = "names everybody a proxy: each client could write the address it comes from itself. Name the proxies";
        return Err(source.problem("http.trusted_proxies", why));
    }
    Ok(Http {
        listen,
        tls,
        public_url,
        public_status: raw.public_status.unwrap_or(true),
        trusted_proxies,
        lines_per_address: raw.lines_per_address.unwrap_or(600).max(1),
    })
}

/// A network that holds every address there is.
pub fn is_everybody(network: &IpNet) -> bool {
    network.prefix_len() == 0
}

/// As browsers write it: a scheme, a name and perhaps a port, and nothing after them. Plain http is for this machine:
/// elsewhere its cookies would travel for everybody to read.
fn public_address(text: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    let url = url.ok_or("must begin with https:// (or http:// on this machine alone)")?;
    let origin = url.origin().ascii_serialization();
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("has more in it than browsers go by: write {origin}"));
    }
    let here = match url.host_str().unwrap_or_default() {
        "localhost" => true,
        host => host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback()),
    };
    if url.scheme() == "http" && !here {
        return Err(format!("is not on this machine: write https:// before {}", url.host_str().unwrap_or_default()));
    }
    Ok(origin)
}

/// `10.0.0.0/8`, or a single address.
pub(super) fn networks(texts: &[String], key: &str, source: &Source) -> Result<Vec<IpNet>, Problem> {
    let all = texts.iter().map(|text| {
        network(text)
            .ok_or_else(|| source.problem(key, format!("“{text}” is no network: write 10.0.0.0/8 or an address")))
    });
    all.collect()
}

fn webhooks(raw: &RawWebhooks, source: &Source) -> Result<Webhooks, Problem> {
    let origin = |text: &String| {
        let url = reqwest::Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "https" | "http") && matches!(url.path(), "" | "/"));
        url.map(|url| url.origin().ascii_serialization()).ok_or_else(|| {
            source.problem("webhooks.allow", "write origins, such as https://hooks.acme.example or https://hooks:8443")
        })
    };
    Ok(Webhooks {
        allow: raw.allow.iter().map(origin).collect::<Result<_, _>>()?,
        networks: networks(&raw.networks, "webhooks.networks", source)?,
        proxy: raw.proxy.clone().map(|text| proxy(text, "webhooks.proxy", source)).transpose()?,
    })
}

fn store(raw: RawStore, source: &Source) -> Result<Store, Problem> {
    let kind = match raw.kind.as_deref() {
        None | Some("embedded") if raw.mongodb_uri.is_none() && raw.mongodb_uri_file.is_none() => StoreKind::Embedded,
        None | Some("embedded") => {
            return Err(
                source.problem("store.mongodb_uri", "belongs to store.kind = \"mongodb\", not to the embedded store")
            );
        }
        Some("mongodb") => {
            StoreKind::Mongodb { uri: secret(raw.mongodb_uri, raw.mongodb_uri_file, "store.mongodb_uri", source)? }
        }
        Some(_) => return Err(source.problem("store.kind", "write \"embedded\" or \"mongodb\"")),
    };
    let data_dir = raw.data_dir.unwrap_or_else(|| PathBuf::from("var"));
    Ok(Store { kind, data_dir: beside(source, &data_dir) })
}

fn cucm(raw: RawCucm, source: &Source) -> Result<Cucm, Problem> {
    let needed = |value: Option<String>, key: &str, what: &str| {
        value
            .filter(|text| !text.is_empty())
            .ok_or_else(|| source.problem(&format!("cucm.{key}"), format!("missing: {what}")))
    };
    let url = needed(raw.url, "url", "write https://<publisher>:8443/axl/")?;
    if !url.starts_with("https://") {
        return Err(source.problem("cucm.url", "AXL is spoken over https:// only"));
    }
    let version = match raw.version.as_deref() {
        None | Some("auto") => None,
        Some(word) => Some(
            axl::Version::from_word(word)
                .ok_or_else(|| source.problem("cucm.version", "write \"auto\", \"12.5\", \"14.0\" or \"15.0\""))?,
        ),
    };
    let read_only = match raw.mode.as_deref() {
        None | Some("read_write") => false,
        Some("read_only") => true,
        Some(_) => return Err(source.problem("cucm.mode", "write \"read_write\" or \"read_only\"")),
    };
    let max_in_flight = raw.max_in_flight.unwrap_or(1);
    if !(1..=4).contains(&max_in_flight) {
        return Err(
            source.problem("cucm.max_in_flight", "write 1 to 4: more than four writes at a time harm a publisher")
        );
    }
    Ok(Cucm {
        url,
        version,
        username: needed(raw.username, "username", "the AXL user's name")?,
        password: secret(raw.password, raw.password_file, "cucm.password", source)?,
        read_only,
        trust: trust(raw.tls, "cucm.tls", source)?,
        timeout: duration(raw.timeout.as_deref(), 20, "cucm.timeout", source)?,
        max_in_flight,
        sweep: sweep(raw.sweep.as_deref(), source)?,
    })
}

/// `key` names the table it stands in.
pub(super) fn trust(raw: Option<RawTrust>, key: &str, source: &Source) -> Result<axl::Trust, Problem> {
    let Some(raw) = raw else { return Ok(axl::Trust::System) };
    match (raw.ca_file, raw.pin_sha256, raw.insecure) {
        (Some(file), None, false) => {
            let path = beside(source, &file);
            let pem = std::fs::read(&path).map_err(|error| {
                source.problem(&format!("{key}.ca_file"), format!("{} cannot be read: {error}", path.display()))
            })?;
            Ok(axl::Trust::Ca(pem))
        }
        (None, Some(pins), false) => {
            let pins: Option<Vec<_>> = pins.iter().map(|pin| axl::Trust::pin_from_hex(pin)).collect();
            let pins = pins.filter(|pins| !pins.is_empty());
            pins.map(axl::Trust::Pins).ok_or_else(|| {
                source.problem(
                    &format!("{key}.pin_sha256"),
                    "each pin is a SHA-256 of 64 hex digits, with or without colons. `doctor` prints the server's",
                )
            })
        }
        (None, None, true) => Ok(axl::Trust::Insecure),
        (None, None, false) => Ok(axl::Trust::System),
        _ => Err(source.problem(key, "give one of ca_file, pin_sha256 and insecure, not several")),
    }
}

fn identity(raw: RawIdentity, source: &Source) -> Result<Identity, Problem> {
    let needed = |value: Option<String>, key: &str| {
        value.filter(|text| !text.is_empty()).ok_or_else(|| source.problem(&format!("identity.{key}"), "missing"))
    };
    let (preset, name) = match raw.preset.as_deref() {
        None | Some("b2c") => (Preset::B2c, "Azure AD B2C"),
        Some("entra_external_id") => (Preset::EntraExternalId, "Microsoft Entra External ID"),
        Some("generic") => (Preset::Generic, "the identity provider"),
        Some(_) => {
            return Err(source.problem("identity.preset", "write \"b2c\", \"entra_external_id\" or \"generic\""));
        }
    };
    let issuer = needed(raw.issuer, "issuer")?;
    let client_id = needed(raw.client_id, "client_id")?;
    let private: Vec<String> = PRIVATE.map(str::to_owned).into();
    Ok(Identity {
        preset,
        metadata_url: needed(raw.metadata_url, "metadata_url")?,
        probe: duration(raw.probe.as_deref(), 60, "identity.probe", source)?,
        site_networks: networks(&raw.site_networks.unwrap_or(private), "identity.site_networks", source)?,
        password_reset_url: raw
            .password_reset_url
            .map(|url| {
                let wrong = || source.problem("identity.password_reset_url", "must begin with https://");
                if url.starts_with("https://") { Ok(url) } else { Err(wrong()) }
            })
            .transpose()?,
        proxy: raw.proxy.map(|text| proxy(text, "identity.proxy", source)).transpose()?,
        api: raw.api.map(|api| token_api(api, &issuer, &client_id, source)).transpose()?,
        issuer,
        client_id,
        client_secret: secret(raw.client_secret, raw.client_secret_file, "identity.client_secret", source)?,
        name: raw.name.unwrap_or_else(|| name.to_owned()),
        release_passkey: match raw.release_passkey.as_deref() {
            None | Some("if_enrolled") => ReleasePasskey::IfEnrolled,
            Some("required") => ReleasePasskey::Required,
            Some(_) => {
                return Err(source.problem("identity.release_passkey", "write \"if_enrolled\" or \"required\""));
            }
        },
    })
}

fn token_api(raw: RawTokenApi, issuer: &str, client_id: &str, source: &Source) -> Result<TokenApi, Problem> {
    if raw.audience.is_empty() || raw.audience == client_id {
        let what = "write the application id of the API itself: tokens for client_id are for signing in";
        return Err(source.problem("identity.api.audience", what));
    }
    if raw.client.is_empty() {
        return Err(source.problem("identity.api", "name at least one program with [[identity.api.client]]"));
    }
    let known = |(name, word): (String, String)| {
        let all: Vec<&str> = Scope::ALL.iter().map(|scope| scope.word()).collect();
        let wrong = || source.problem("identity.api.scopes", format!("“{word}” is none of {}", all.join(", ")));
        Scope::from_word(&word).map(|scope| (name, scope)).ok_or_else(wrong)
    };
    let client = |client: RawTokenClient| TokenClient { name: client.name, azp: client.azp, subject: client.subject };
    Ok(TokenApi {
        audience: raw.audience,
        issuer: raw.issuer.unwrap_or_else(|| issuer.to_owned()),
        scopes: raw.scopes.into_iter().map(known).collect::<Result<_, _>>()?,
        clients: raw.client.into_iter().map(client).collect(),
    })
}

pub(super) fn secret(
    inline: Option<String>,
    file: Option<PathBuf>,
    key: &str,
    source: &Source,
) -> Result<Secret, Problem> {
    match (inline, file) {
        (Some(text), None) if !text.is_empty() => Ok(Secret::new(text)),
        (None, Some(file)) => {
            let path = beside(source, &file);
            let key = format!("{key}_file");
            let text = std::fs::read_to_string(&path)
                .map_err(|error| source.problem(&key, format!("{} cannot be read: {error}", path.display())))?;
            // Some editors put a mark before a text that no password begins with.
            let text = text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
            if text.is_empty() { Err(source.problem(&key, "the file is empty")) } else { Ok(Secret::new(text)) }
        }
        (Some(_), Some(_)) => Err(source.problem(key, format!("give either this or {key}_file, not both"))),
        _ => {
            Err(source.problem(key, format!("missing: write it, or {key}_file with the path of a file that holds it")))
        }
    }
}

/// A reading of 30 s is stale: sweeps must be closer together than that.
fn sweep(text: Option<&str>, source: &Source) -> Result<Duration, Problem> {
    let sweep = duration(text, 10, "cucm.sweep", source)?;
    if sweep > Duration::from_secs(15) {
        return Err(source.problem("cucm.sweep", "write 15s or less: a reading older than 30 s says nothing any more"));
    }
    Ok(sweep)
}

/// `20s`, `500ms`, `5m`.
pub(super) fn duration(
    text: Option<&str>,
    default_seconds: u64,
    key: &str,
    source: &Source,
) -> Result<Duration, Problem> {
    let Some(text) = text else { return Ok(Duration::from_secs(default_seconds)) };
    let read = text.parse::<SignedDuration>().ok().and_then(|read| Duration::try_from(read).ok());
    read.filter(|read| !read.is_zero())
        .ok_or_else(|| source.problem(key, "write a duration such as \"20s\", \"500ms\" or \"2m\""))
}

/// Relative paths are beside the configuration file, wherever the server is started.
fn beside(source: &Source, path: &Path) -> PathBuf {
    source.file.parent().map_or_else(|| path.to_owned(), |folder| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[cucm]
url = "https://cucm:8443/axl/"
username = "axl"
password = "hunter2"

[[site]]
id = "s"
name = "S"
eoc_pilot = { pattern = "5911", partition = "PT-EOC" }
protected_numbers = ["911"]
protected_partitions = ["PT-EM"]

[[site.step]]
kind = "partition_schedule"
group = "outbound_redirect"
partition = "PT-L"
normal = "TS-NEVER"
locked = ""
"#;

    fn load_text(text: &str, environment: &[(&str, &str)]) -> Result<Config, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lockdown.toml");
        std::fs::write(&file, text).unwrap();
        load(&file, environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    fn refused(text: &str) -> String {
        let problem = load_text(text, &[]).map(|_| ()).unwrap_err();
        problem.to_string()
    }

    #[test]
    fn a_good_file_is_read_and_prints_no_secret() {
        let config = load_text(GOOD, &[]).unwrap();
        assert_eq!(config.http.public_url, "http://127.0.0.1:3000");
        let printed = format!("{config:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn every_refusal_names_the_line_the_key_and_the_remedy() {
        let table: [(&str, &str, &str); 20] = [
            ("username = \"axl\"", "usrname = \"axl\"", "lockdown.toml:4: unknown field"),
            ("username = \"axl\"", "", "cucm.username: missing"),
            ("url = \"https://cucm:8443/axl/\"", "url = \"http://cucm\"", "lockdown.toml:3: cucm.url"),
            ("partition = \"PT-L\"", "partition = \"PT-EM\"", "protected partition PT-EM"),
            ("locked = \"\"", "", "site[1].step[1].locked: write the name of a time schedule"),
            ("[\"911\"]", "[]", "protects no number"),
            ("id = \"s\"", "id = \"S S\"", "lockdown.toml:8: site[1].id"),
            ("[cucm]", "[cucm]\nmode = \"rw\"", "cucm.mode: write"),
            ("[cucm]", "[store]\nkind = \"mongo\"\n[cucm]", "lockdown.toml:3: store.kind"),
            (
                "[cucm]",
                "[http]\ntrusted_proxies = [\"10.0.0.0/33\"]\n[cucm]",
                "lockdown.toml:3: http.trusted_proxies: “10.0",
            ),
            (
                "[cucm]",
                "[http]\ntrusted_proxies = [\"0.0.0.0/0\"]\n[cucm]",
                "lockdown.toml:3: http.trusted_proxies: names everybody a proxy",
            ),
            (
                "[cucm]",
                "[http]\npublic_url = \"https://lockdown.example/console\"\n[cucm]",
                "lockdown.toml:3: http.public_url: has more in it than browsers go by: write https://lockdown.example",
            ),
            (
                "[cucm]",
                "[http]\npublic_url = \"http://lockdown.example\"\n[cucm]",
                "lockdown.toml:3: http.public_url: is not on this machine: write https:// before lockdown.example",
            ),
            (
                "[cucm]",
                "[http]\npublic_url = \"lockdown.example\"\n[cucm]",
                "lockdown.toml:3: http.public_url: must begin with https://",
            ),
            ("name = \"S\"", "name = \" \\u200b\"", "site[1].name: missing"),
            (
                "[cucm]",
                "[webhooks]\nallow = [\"hooks.example/x\"]\n[cucm]",
                "lockdown.toml:3: webhooks.allow: write origins",
            ),
            ("[cucm]", "[calls]\nresidents = \"all\"\n[cucm]", "lockdown.toml:3: calls.residents: write \"anyone\""),
            ("[cucm]", "[calls]\nretention_days = 0\n[cucm]", "lockdown.toml:3: calls.retention_days: write 1 to 3650"),
            (
                "[cucm]",
                "[telemetry]\notlp = \"collector\"\n[cucm]",
                "lockdown.toml:3: telemetry.otlp: write where OTLP over HTTP is taken",
            ),
            (
                "[cucm]",
                "[incidents]\nreview_after = \"soon\"\n[cucm]",
                "lockdown.toml:3: incidents.review_after: write a duration",
            ),
        ];
        for (from, to, want) in table {
            let said = refused(&GOOD.replace(from, to));
            assert!(said.contains(want), "{want}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_never_shown() {
        for (from, to) in [("\"hunter2\"", "12345678"), ("\"hunter2\"", "[\"hunter2\"]"), ("\"hunter2\"", "true")] {
            let said = refused(&GOOD.replace(from, to));
            assert!(!said.contains("12345678") && !said.contains("hunter2"), "{said}");
            assert!(said.contains("lockdown.toml:5"), "{said}");
        }
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let set = [("LOCKDOWN__CUCM__PASSWORD", "12345"), ("LOCKDOWN__CUCM__MAX_IN_FLIGHT", "4"), ("HOME", "/x")];
        let config = load_text(GOOD, &set).unwrap();
        assert_eq!((config.cucm.password.expose(), config.cucm.max_in_flight), ("12345", 4));
        let unknown = load_text(GOOD, &[("LOCKDOWN__CUCM__PASWORD", "x")]).map(|_| ()).unwrap_err();
        assert!(unknown.to_string().contains("LOCKDOWN__CUCM__PASWORD"), "{unknown}");
    }

    #[test]
    fn the_example_can_be_served() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("lockdown.toml", include_str!("../../../deploy/lockdown.example.toml")),
            ("axl-password", "hunter2\n"),
            ("cucm-ca.pem", ""),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let config = load(&folder.path().join("lockdown.toml"), std::iter::empty()).unwrap();
        assert_eq!((config.sites.len(), config.cucm.read_only, config.cucm.password.expose()), (1, true, "hunter2"));
    }

    #[test]
    fn a_mark_that_an_editor_puts_before_a_secret_is_no_part_of_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("axl-password"), "\u{feff}hunter3\r\n").unwrap();
        let text = GOOD.replace("password = \"hunter2\"", "password_file = \"axl-password\"");
        std::fs::write(folder.path().join("lockdown.toml"), text).unwrap();
        let config = load(&folder.path().join("lockdown.toml"), std::iter::empty()).unwrap();
        assert_eq!(config.cucm.password.expose(), "hunter3");
    }

    #[test]
    fn the_public_address_is_kept_as_browsers_write_it() {
        for (text, kept) in [
            ("https://Lockdown.Example:443/", "https://lockdown.example"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("http://localhost:3000/", "http://localhost:3000"),
        ] {
            let file = GOOD.replace("[cucm]", &format!("[http]\npublic_url = \"{text}\"\n[cucm]"));
            assert_eq!(load_text(&file, &[]).unwrap().http.public_url, kept);
        }
    }

    #[test]
    fn a_missing_file_names_the_example() {
        let problem = load(Path::new("/nonexistent/lockdown.toml"), std::iter::empty()).map(|_| ()).unwrap_err();
        assert!(problem.to_string().contains("lockdown.example.toml"), "{problem}");
    }
}
