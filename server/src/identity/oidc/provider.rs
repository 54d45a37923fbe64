//! The provider's metadata and keys: read when needed, once at a time, kept on disk for the day it is away.

use super::SignInError;
use super::exchange::{HttpError, is_for_now};
use crate::identity::outage::{Change, Outage, Seen, Watch};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use parking_lot::Mutex as Lock;
use parking_lot::MutexGuard;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, RwLock};

/// Metadata, keys and token answers are small; more is an attack or a mistake.
const MAX_ANSWER: usize = 256 * 1024;

/// An unknown key id is asked for at most this often, by the whole process.
const KEYS_AGAIN: Duration = Duration::from_secs(60);

/// A provider that was not there is left alone for so long: a crowd that signs in asks once.
const FIRST_AGAIN: Duration = Duration::from_secs(3);

/// Shorter RSA keys are no proof: 2048 bits, as RFC 7518 asks for.
const KEY_BYTES: usize = 256;

pub(super) struct Provider {
    metadata_url: String,
    http: reqwest::Client,
    known: RwLock<Option<Known>>,
    /// Single flight: whoever reads holds it, with when it was last done.
    reading: Mutex<Reading>,
    cache: PathBuf,
    /// What the last look came to; `None` before the first.
    last_look: Lock<Option<Seen>>,
    watch: Lock<Watch>,
    outage: PathBuf,
}

#[derive(Default)]
struct Reading {
    /// For a key that was not known.
    keys: Option<Instant>,
    /// In vain, before the provider was ever seen.
    failed: Option<Instant>,
}

/// Kept on disk, so that the server starts and serves while the provider is away.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) metadata: Metadata,
    keys: Keys,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Metadata {
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) end_session_endpoint: Option<String>,
    jwks_uri: String,
}

/// Each by itself: a key of a kind nobody here knows is no reason to know none.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Keys {
    keys: Vec<serde_json::Value>,
}

impl Keys {
    fn find(&self, kid: &str) -> Option<DecodingKey> {
        let keys = self.keys.iter().filter_map(|key| Jwk::deserialize(key).ok());
        keys.filter(|key| key.common.key_id.as_deref() == Some(kid)).find_map(|key| usable(&key))
    }
}

impl Provider {
    pub(super) fn new(
        metadata_url: String,
        proxy: Option<&str>,
        data_dir: &Path,
        probe: Duration,
    ) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(3))
            .timeout(Duration::from_secs(10))
            // A code is good once: it must not be sent into a connection that the provider is just closing. Servers close
            // idle ones after five seconds and more (Node's default).
            .pool_idle_timeout(Duration::from_secs(2))
            .no_proxy();
        let http = match proxy {
            None => http.build()?,
            Some(proxy) => http.proxy(reqwest::Proxy::all(proxy)?).build()?,
        };
        let cache = data_dir.join("identity-provider.json");
        let outage = data_dir.join("identity-outage.json");
        let known: Option<Known> = std::fs::read(&cache).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // Written by us, but a file all the same.
        let known = known.filter(|known| guard_endpoints(&metadata_url, &known.metadata).is_ok());
        let last: Option<Outage> = std::fs::read(&outage).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let every = SignedDuration::try_from(probe)?;
        Ok(Self {
            metadata_url,
            http,
            known: RwLock::new(known),
            reading: Mutex::default(),
            cache,
            last_look: Lock::default(),
            watch: Lock::new(Watch::new(every, last)),
            outage,
        })
    }

    pub(super) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    /// What the last look came to.
    pub(super) fn last_look(&self) -> Option<Seen> {
        *self.last_look.lock()
    }

    pub(super) fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock()
    }

    /// Looks at the provider, and says whether it went away or came back by that.
    pub(super) async fn probe(&self, now: Timestamp) -> (Result<(), SignInError>, Option<Change>) {
        let looked = self.refresh().await;
        let seen = seen(looked.as_ref().copied());
        let (change, last) = {
            let mut watch = self.watch();
            (watch.note(seen, now), watch.last())
        };
        if change.is_some() {
            keep(&self.outage, &last);
        }
        (looked, change)
    }

    async fn refresh(&self) -> Result<(), SignInError> {
        let read = self.read().await;
        *self.last_look.lock() = Some(seen(read.as_ref().map(|_| ())));
        let known = read?;
        let mut seen = self.known.write().await;
        if seen.as_ref() != Some(&known) {
            keep(&self.cache, &known);
            *seen = Some(known);
        }
        Ok(())
    }

    /// The key to check a signature with.
    pub(super) async fn key(&self, kid: &str) -> Result<DecodingKey, SignInError> {
        if let Some(key) = self.known().await?.keys.find(kid) {
            return Ok(key);
        }
        let mut reading = self.reading.lock().await;
        if reading.keys.is_none_or(|at| at.elapsed() >= KEYS_AGAIN) {
            reading.keys = Some(Instant::now());
            self.refresh().await?;
        }
        drop(reading);
        let known = self.known().await?;
        known.keys.find(kid).ok_or_else(|| SignInError::Refused("the token's key is unknown".into()))
    }

    /// What was read last; read now if it was never read. A crowd waits for one answer.
    pub(super) async fn known(&self) -> Result<Known, SignInError> {
        if let Some(known) = self.seen().await {
            return Ok(known);
        }
        let mut reading = self.reading.lock().await;
        if self.seen().await.is_none() {
            if reading.failed.is_some_and(|at| at.elapsed() < FIRST_AGAIN) {
                return Err(SignInError::Away("it was not there a moment ago".into()));
            }
            let read = self.refresh().await;
            reading.failed = read.is_err().then(Instant::now);
            read?;
        }
        drop(reading);
        self.seen().await.ok_or_else(|| SignInError::Away("never seen".into()))
    }

    pub(super) async fn seen(&self) -> Option<Known> {
        self.known.read().await.clone()
    }

    async fn read(&self) -> Result<Known, SignInError> {
        let metadata: Metadata = self.get(&self.metadata_url).await?;
        guard_endpoints(&self.metadata_url, &metadata)?;
        let keys = self.get(&metadata.jwks_uri).await?;
        Ok(Known { metadata, keys })
    }

    /// Refused by the provider itself is one thing; anything between us and it is being away.
    async fn get<T: serde::de::DeserializeOwned>(&self, url: &str) -> Result<T, SignInError> {
        let away = |error: reqwest::Error| SignInError::Away(error.without_url().to_string());
        let response = self.http.get(url).send().await.map_err(away)?;
        let status = response.status();
        if status.is_client_error() && !is_for_now(status) {
            return Err(SignInError::Refused(format!("the provider answered {status} to {url}")));
        }
        if !status.is_success() {
            return Err(SignInError::Away(format!("it answers {status}")));
        }
        let body = capped(response).await.map_err(|error| SignInError::Away(error.to_string()))?;
        serde_json::from_slice(&body)
            .map_err(|_| SignInError::Away("something else answers in the provider's place".into()))
    }
}

/// A poisoned document must not steer our secret elsewhere: every endpoint lies where the
/// metadata lies, over https (plain http on loopback only).
fn guard_endpoints(metadata_url: &str, metadata: &Metadata) -> Result<(), SignInError> {
    let home = origin_of(metadata_url);
    let mut all = vec![&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
    all.extend(&metadata.end_session_endpoint);
    let strange = all.into_iter().find(|endpoint| origin_of(endpoint) != home || home.is_none());
    match strange {
        None => Ok(()),
        Some(endpoint) => Err(SignInError::Refused(format!("the metadata names an endpoint elsewhere: {endpoint}"))),
    }
}

fn seen(looked: Result<(), &SignInError>) -> Seen {
    match looked {
        Ok(()) => Seen::Good,
        Err(SignInError::Refused(_)) => Seen::Refused,
        Err(_) => Seen::Away,
    }
}

/// For the next start; where it cannot be written, the next start knows less. Beside it first: a full disk
/// or a power cut leaves the last good set as it was.
fn keep<T: Serialize>(file: &Path, value: &T) {
    let beside = file.with_extension("new");
    let written = serde_json::to_vec(value)
        .map_err(std::io::Error::from)
        .and_then(|text| std::fs::write(&beside, text))
        .and_then(|()| std::fs::rename(&beside, file));
    if let Err(error) = written {
        tracing::warn!(%error, file = %file.display(), "what is known of the identity provider could not be kept");
    }
}

/// Scheme, host and port; `None` unless https, or http on loopback.
pub(super) fn origin_of(url: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).ok()?;
    let loopback = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    (url.scheme() == "https" || (url.scheme() == "http" && loopback)).then(|| url.origin().ascii_serialization())
}

/// RSA for signatures only, and long enough: a key of another kind in the set is not ours to use.
fn usable(key: &Jwk) -> Option<DecodingKey> {
    let signs = key.common.public_key_use.as_ref().is_none_or(|kind| *kind == PublicKeyUse::Signature);
    let AlgorithmParameters::RSA(rsa) = &key.algorithm else { return None };
    (signs && long_enough(&rsa.n)).then(|| DecodingKey::from_jwk(key).ok()).flatten()
}

fn long_enough(modulus: &str) -> bool {
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(modulus.trim_end_matches('='));
    bytes.is_ok_and(|bytes| bytes.iter().skip_while(|byte| **byte == 0).count() >= KEY_BYTES)
}

/// The body, or nothing of it when it is too long.
pub(super) async fn capped(mut response: reqwest::Response) -> Result<Vec<u8>, HttpError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(HttpError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
