//! One publisher, one account: sessions, versions, time-outs.

use crate::envelope::Request;
use crate::error::Error;
use crate::tls::{self, Trust};
use crate::version::Version;
use crate::xml::{self, Element};
use parking_lot::Mutex;
use reqwest::{StatusCode, header};
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// AXL caps answers at 8 MB; twice that is nothing a publisher sends.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A publisher that takes longer to be connected to is as good as down.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// "Updating a single CSS … can spike the CPU for many seconds". Source: a Cisco engineer, AXL write impact, DOC-40347.
const CSS_TIMEOUT: Duration = Duration::from_secs(60);

/// More rows than any cluster has patterns; a server that ignores `skip` would never end.
const MAX_ROWS: usize = 500_000;

/// HTTP status of "Incorrect axl version". Source: seen from CUCM by public clients.
const WRONG_VERSION: u16 = 599;

/// How to reach the publisher.
#[derive(Debug, Clone)]
pub struct Config {
    /// `https://host:8443/axl/`; a missing last slash is added.
    pub url: String,
    pub credentials: Credentials,
    pub trust: Trust,
    /// `None` negotiates.
    pub version: Option<Version>,
    /// From sending to the last byte of the answer. Cisco's samples use 20 s.
    pub timeout: Duration,
}

/// The AXL user. Prints neither name nor password.
#[derive(Clone)]
pub struct Credentials {
    pub username: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Speaks AXL to one publisher. Cheap to share by reference; calls may run at the same time.
pub struct Client {
    http: reqwest::Client,
    url: String,
    credentials: Credentials,
    timeout: Duration,
    fixed: bool,
    version: Mutex<Version>,
    cookie: Mutex<Option<String>>,
    /// A read went through with these credentials: then 401 on a write means "read-only".
    has_read: AtomicBool,
}

tokio::task_local! {
    static SENT: Cell<usize>;
}

/// What `work` comes to, and how many requests it sends: of clients that others use at the same time, too.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, usize) {
    SENT.scope(Cell::new(0), async {
        let done = work.await;
        (done, SENT.with(Cell::get))
    })
    .await
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Client {
    /// Prepares the client; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Certificate`] when the CA file cannot be used.
    pub fn new(config: Config) -> Result<Self, Error> {
        tls::install_provider();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(config.trust.client_config()?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(config.timeout)
            .tcp_nodelay(true)
            .no_proxy()
            .http1_only()
            .build()
            .map_err(|error| Error::Unreachable { why: tls::root_cause(&error) })?;
        Ok(Self {
            http,
            url: format!("{}/", config.url.trim_end_matches('/')),
            credentials: config.credentials,
            timeout: config.timeout,
            fixed: config.version.is_some(),
            version: Mutex::new(config.version.unwrap_or(Version::FIRST_TRY)),
            cookie: Mutex::new(None),
            has_read: AtomicBool::new(false),
        })
    }

    /// The AXL version in use.
    pub fn version(&self) -> Version {
        *self.version.lock()
    }

    pub(crate) fn has_read(&self) -> bool {
        self.has_read.load(Ordering::Relaxed)
    }

    /// Sends one request and returns the operation's response element.
    pub(crate) async fn call(&self, request: &Request) -> Result<Element, Error> {
        let version = self.version();
        let answer = self.send_with_session(request, version).await?;
        if answer.status.as_u16() != WRONG_VERSION {
            return self.judge(request, &answer);
        }
        let text = excerpt(&answer.body);
        let offered = Version::best_offered(&text).filter(|best| !self.fixed && *best != version);
        let Some(best) = offered else { return Err(Error::Version { offered: text }) };
        *self.version.lock() = best;
        let answer = self.send_with_session(request, best).await?;
        self.judge(request, &answer)
    }

    /// A list, in pages where CUCM says that it would be too large at once.
    pub(crate) async fn list(&self, request: &Request, row: &str) -> Result<Vec<Element>, Error> {
        let rows = |answer: &Element| -> Vec<Element> {
            answer.child("return").into_iter().flat_map(|all| all.children_named(row).cloned()).collect()
        };
        match self.call(request).await {
            Err(Error::TooLarge { suggested_rows: Some(fewer), .. }) if fewer > 1 => {
                let page = fewer / 2;
                let mut all = Vec::new();
                loop {
                    let skip = all.len().to_string();
                    let paged = request.clone().text("skip", &skip).text("first", &page.max(1).to_string());
                    let found = rows(&self.call(&paged).await?);
                    if found.is_empty() {
                        return Ok(all);
                    }
                    if all.len() > MAX_ROWS {
                        let why = "the list does not end".into();
                        return Err(Error::TooLarge { why, suggested_rows: None });
                    }
                    all.extend(found);
                }
            }
            answer => answer.map(|answer| rows(&answer)),
        }
    }

    /// An expired session answers 401 or 404: once more without the cookie, never in a loop, since
    /// wrong passwords lock the account.
    async fn send_with_session(&self, request: &Request, version: Version) -> Result<Answer, Error> {
        let cookie = self.session().clone();
        let had_cookie = cookie.is_some();
        let answer = self.send(request, version, cookie).await?;
        if had_cookie && matches!(answer.status.as_u16(), 401 | 404) {
            *self.session() = None;
            return self.send(request, version, None).await;
        }
        Ok(answer)
    }

    async fn send(&self, request: &Request, version: Version, cookie: Option<String>) -> Result<Answer, Error> {
        let action = format!("\"CUCM:DB ver={version} {}\"", request.operation);
        let mut post = self
            .http
            .post(&self.url)
            .basic_auth(&self.credentials.username, Some(&self.credentials.password))
            .header(header::CONTENT_TYPE, "text/xml; charset=utf-8")
            .header(header::ACCEPT, "text/xml")
            .header("SOAPAction", action)
            .body(request.envelope(version));
        if request.operation == "updateCss" {
            post = post.timeout(self.timeout.max(CSS_TIMEOUT));
        }
        if let Some(cookie) = cookie {
            post = post.header(header::COOKIE, cookie);
        }
        // Outside of `counted` nobody asks.
        let _ = SENT.try_with(|sent| sent.set(sent.get() + 1));
        let response = post.send().await.map_err(|error| failed(request, &error))?;
        self.keep_session(response.headers());
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(seconds);
        let body = capped(request, response).await?;
        tracing::debug!(operation = request.operation, status = status.as_u16(), bytes = body.len(), "axl answered");
        Ok(Answer { status, retry_after, body })
    }

    fn judge(&self, request: &Request, answer: &Answer) -> Result<Element, Error> {
        let status = answer.status.as_u16();
        let not_axl = || Error::NotAxl { status, excerpt: excerpt(&answer.body) };
        match status {
            401 if request.writes && self.has_read.load(Ordering::Relaxed) => return Err(Error::MayNotWrite),
            401 => return Err(Error::BadCredentials),
            403 => return Err(Error::Forbidden),
            404 => return Err(Error::NoService),
            503 => {
                let why = "it asks for a pause (503)".into();
                return Err(Error::Busy { why, retry_after: answer.retry_after });
            }
            200..=299 | 500 => {}
            _ => return Err(not_axl()),
        }
        let envelope = xml::parse(&answer.body).map_err(|_| lost(request, not_axl()))?;
        let body = envelope.child("Body").ok_or_else(|| lost(request, not_axl()))?;
        if let Some(fault) = body.child("Fault") {
            return Err(Error::from_fault(fault));
        }
        let response = body.children.first().filter(|e| e.name == format!("{}Response", request.operation));
        let response = response.ok_or_else(|| lost(request, not_axl()))?;
        self.has_read.fetch_or(!request.writes, Ordering::Relaxed);
        Ok(response.clone())
    }

    fn session(&self) -> parking_lot::MutexGuard<'_, Option<String>> {
        self.cookie.lock()
    }

    fn keep_session(&self, headers: &header::HeaderMap) {
        let set = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let session = set
            .filter_map(|cookie| cookie.split(';').next())
            .find(|pair| pair.trim_start().starts_with("JSESSIONIDSSO="));
        if let Some(session) = session {
            *self.session() = Some(session.trim().to_owned());
        }
    }
}

/// An answer to a write that cannot be read leaves open whether the write was made.
fn lost(request: &Request, error: Error) -> Error {
    if request.writes { Error::OutcomeUnknown { why: "the answer was cut off or garbled".into() } } else { error }
}

fn failed(request: &Request, error: &reqwest::Error) -> Error {
    if let Some(why) = tls::certificate_trouble(error) {
        return Error::Certificate { why };
    }
    let why = if error.is_timeout() { "no answer in time".into() } else { tls::root_cause(error) };
    if request.writes && !error.is_connect() { Error::OutcomeUnknown { why } } else { Error::Unreachable { why } }
}

async fn capped(request: &Request, mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failed(request, &error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Error::TooLarge { why: "over 16 MB".into(), suggested_rows: None });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn seconds(value: &header::HeaderValue) -> Option<Duration> {
    value.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The first words of an answer that is no AXL, without its markup.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut inside = false;
    let plain: String = text
        .chars()
        .filter(|c| {
            let keep = !inside && *c != '<';
            inside = (inside || *c == '<') && *c != '>';
            keep
        })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_client_nor_config_prints_credentials() {
        let config = Config {
            url: "https://cucm:8443/axl".into(),
            credentials: Credentials { username: "axl-user".into(), password: "hunter2".into() },
            trust: Trust::Insecure,
            version: None,
            timeout: Duration::from_secs(1),
        };
        let printed = format!("{config:?} {:?}", Client::new(config.clone()).unwrap());
        assert!(!printed.contains("hunter2") && !printed.contains("axl-user"), "{printed}");
    }

    #[test]
    fn an_excerpt_has_no_markup() {
        assert_eq!(excerpt(b"<html><title>No</title> <b>axl</b>\n here"), "No axl here");
    }
}
