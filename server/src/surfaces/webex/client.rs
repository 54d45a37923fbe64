//! Webex's API, as far as it is needed here: one token, waits when it is told to, follows pages, and never
//! takes the token to a foreign host.
//!
//! *Source*: the API's published reference and guides; faults seen by others in the field (a `Retry-After` that
//! is no number, pages that forget their filters) are answered for.

use super::WebexError;
use super::api::{Items, Told};
use crate::config;
use engine::ports::Clock;
use jiff::SignedDuration;
use jiff::fmt::rfc2822;
use reqwest::{Method, StatusCode, Url, header};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked to wait longer than this is not waited for, but tried again later by whoever asked.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Where nothing says how long to wait.
const DEFAULT_WAIT: Duration = Duration::from_secs(15);

/// The longest wait that is believed.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// No answer of ours is longer. Bytes.
const LONGEST: usize = 4 * 1024 * 1024;

const ATTEMPTS: usize = 3;

/// Pages of one list.
const PAGES: usize = 50;

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: config::Secret,
    clock: Arc<dyn Clock>,
    /// Seconds Webex' clock is ahead of ours, by its last answer.
    ahead: Arc<AtomicI64>,
}

impl Client {
    /// # Errors
    /// When the settings make no client.
    pub fn new(settings: &config::Webex, clock: Arc<dyn Clock>) -> Result<Self, WebexError> {
        let odd = |error: &dyn std::fmt::Display| WebexError::Odd(error.to_string());
        let mut http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = &settings.proxy {
            http = http.proxy(reqwest::Proxy::all(proxy).map_err(|error| odd(&error))?);
        }
        Ok(Self {
            http: http.build().map_err(|error| odd(&error))?,
            base: Url::parse(&format!("{}/", settings.api_url)).map_err(|error| odd(&error))?,
            token: settings.bot_token.clone(),
            clock,
            ahead: Arc::default(),
        })
    }

    /// How far Webex' clock is ahead of ours; negative where ours is. Zero before its first answer.
    pub fn clock_ahead(&self) -> SignedDuration {
        SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed))
    }

    /// To the second: no header says more.
    fn note_clock(&self, date: Option<&str>) {
        if let Some(theirs) = date.and_then(|text| rfc2822::parse(text).ok()) {
            let ahead = theirs.timestamp().duration_since(self.clock.now()).as_secs();
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }

    /// # Errors
    /// [`WebexError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, WebexError> {
        read(&self.send(Method::GET, self.address(path)?, None).await?)
    }

    /// # Errors
    /// [`WebexError`].
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, WebexError> {
        read(&self.send(Method::POST, self.address(path)?, Some(body)).await?)
    }

    /// Posts what must not be there twice: where no answer comes it is looked for before it is tried again.
    ///
    /// # Errors
    /// [`WebexError`].
    pub async fn post_once<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, WebexError> {
        read(&self.once(Method::POST, self.address(path)?, Some(body)).await?)
    }

    /// # Errors
    /// [`WebexError`].
    pub async fn put<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, WebexError> {
        read(&self.send(Method::PUT, self.address(path)?, Some(body)).await?)
    }

    /// What is not there any more is deleted.
    ///
    /// # Errors
    /// [`WebexError`].
    pub async fn delete(&self, path: &str) -> Result<(), WebexError> {
        match self.send(Method::DELETE, self.address(path)?, None).await {
            Err(WebexError::Refused { status: 404, .. }) => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// Every item of a list. The next page's address is asked with our own filters, and on our own host only.
    ///
    /// # Errors
    /// [`WebexError`].
    pub async fn all<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<T>, WebexError> {
        let mut url = self.address(path)?;
        url.query_pairs_mut().extend_pairs(query);
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let answer = self.send(Method::GET, url.clone(), None).await?;
            let next = answer.next.as_deref().and_then(|text| Url::parse(text).ok());
            let page: Items<T> = read(&answer)?;
            all.extend(page.items);
            let Some(next) = next else { break };
            if next.origin() != self.base.origin() {
                tracing::warn!(host = next.host_str(), "webex names a page on a foreign host; it is not followed");
                break;
            }
            url = with_filters(&next, query);
        }
        Ok(all)
    }

    fn address(&self, path: &str) -> Result<Url, WebexError> {
        self.base.join(path).map_err(|error| WebexError::Odd(error.to_string()))
    }

    /// Asks again where Webex says later, or did not answer. What is posted may be posted twice so, and is
    /// never lost.
    pub(super) async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, WebexError> {
        let mut last = WebexError::Away(String::new());
        for attempt in 1..=ATTEMPTS {
            let error = match self.once(method.clone(), url.clone(), body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let wait = match &error {
                WebexError::Busy { after } if *after <= LONGEST_WAIT => *after,
                WebexError::Away(_) => Duration::from_millis(300) * u32::try_from(attempt).unwrap_or(1),
                _ => return Err(error),
            };
            last = error;
            if attempt < ATTEMPTS {
                tokio::time::sleep(wait).await;
            }
        }
        Err(last)
    }

    async fn once(&self, method: Method, url: Url, body: Option<&Value>) -> Result<Answer, WebexError> {
        let mut request = self.http.request(method, url).bearer_auth(self.token.expose());
        if let Some(body) = body {
            request = request.json(body);
        }
        let away = |error: reqwest::Error| WebexError::Away(error.without_url().to_string());
        let mut response = request.send().await.map_err(away)?;
        let status = response.status();
        let heading =
            |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let tracking = heading("trackingid").unwrap_or_default();
        let next = next_page(heading("link").as_deref());
        let after = wait(heading(header::RETRY_AFTER.as_str()).as_deref());
        self.note_clock(heading(header::DATE.as_str()).as_deref());
        let mut body = Vec::new();
        while let Some(more) = response.chunk().await.map_err(away)? {
            if body.len() + more.len() > LONGEST {
                return Err(WebexError::Odd(format!("an answer of more than {LONGEST} bytes")));
            }
            body.extend_from_slice(&more);
        }
        match status.as_u16() {
            200..=299 => Ok(Answer { body, next }),
            401 => Err(WebexError::Token),
            423 | 429 => Err(WebexError::Busy { after }),
            500..=599 => Err(WebexError::Away(format!("it answered {status} (tracking id {tracking})"))),
            status => Err(WebexError::Refused { status, why: reason(&body, status), tracking }),
        }
    }

    pub(super) fn token(&self) -> &config::Secret {
        &self.token
    }

    pub(super) fn host(&self) -> Option<&str> {
        self.base.host_str()
    }
}

pub(super) struct Answer {
    body: Vec<u8>,
    next: Option<String>,
}

pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, WebexError> {
    let body = if answer.body.is_empty() { b"null".as_slice() } else { &answer.body };
    serde_json::from_slice(body).map_err(|error| WebexError::Odd(error.to_string()))
}

/// The page that Webex names, with what we asked for even where it forgot that.
fn with_filters(next: &Url, query: &[(&str, &str)]) -> Url {
    let mut url = next.clone();
    let theirs: Vec<(String, String)> = next
        .query_pairs()
        .filter(|(name, value)| !query.iter().any(|(ours, _)| ours == name) && value != "null")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.query_pairs_mut().clear().extend_pairs(theirs).extend_pairs(query);
    url
}

/// `<https://…>; rel="next"`.
fn next_page(link: Option<&str>) -> Option<String> {
    let one = |part: &str| {
        let (address, rest) = part.trim().strip_prefix('<')?.split_once('>')?;
        rest.contains("rel=\"next\"").then(|| address.to_owned())
    };
    link?
        .split(",<")
        .map(|part| if part.starts_with('<') { part.to_owned() } else { format!("<{part}") })
        .find_map(|part| one(&part))
}

/// Missing, broken and endless ones are answered for.
fn wait(retry_after: Option<&str>) -> Duration {
    let seconds = retry_after.and_then(|text| text.trim().parse::<u64>().ok());
    seconds.map_or(DEFAULT_WAIT, |seconds| Duration::from_secs(seconds.max(1)).min(MAX_WAIT))
}

/// The cloud's own words, or the status: a gateway answers in HTML.
pub(super) fn reason(body: &[u8], status: u16) -> String {
    let told = serde_json::from_slice::<Told>(body).ok().map(|told| told.message);
    let known = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    told.filter(|text| !text.is_empty()).unwrap_or_else(|| known.unwrap_or("refused").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_is_missing_broken_or_endless_is_answered_for() {
        assert_eq!(wait(None), DEFAULT_WAIT);
        assert_eq!(wait(Some("rand(30),add(30)")), DEFAULT_WAIT);
        assert_eq!(wait(Some("0")), Duration::from_secs(1));
        assert_eq!(wait(Some(" 7 ")), Duration::from_secs(7));
        assert_eq!(wait(Some("99999999")), MAX_WAIT);
    }

    #[test]
    fn the_next_page_is_asked_with_our_own_filters() {
        let link = "<https://x/v1/messages?cursor=2&max=null>; rel=\"next\", <https://x/v1/messages>; rel=\"first\"";
        let next = Url::parse(&next_page(Some(link)).unwrap()).unwrap();
        let url = with_filters(&next, &[("roomId", "r"), ("mentionedPeople", "me")]);
        assert_eq!(url.query(), Some("cursor=2&roomId=r&mentionedPeople=me"));
        assert_eq!(next_page(Some("<https://x/v1>; rel=\"prev\"")), None);
        assert_eq!(next_page(None), None);
    }
}
