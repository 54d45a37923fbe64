//! A meeting for an incident. Bots cannot make one: a Service App does, for a host of the organisation.
//!
//! *Source*: the API's reference (`POST /meetings` with `hostEmail`; refreshing a Service App's tokens).

use super::WebexError;
use crate::config::{Meeting as Settings, Secret};
use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::sync::Mutex;

const PATIENCE: Duration = Duration::from_secs(10);

/// A meeting is planned for so long; it goes on after that.
const PLANNED: SignedDuration = SignedDuration::from_hours(8);

pub(super) struct Meetings {
    http: reqwest::Client,
    base: Url,
    settings: Settings,
    /// The access token, and when half of its life is over.
    access: Mutex<Option<(Secret, Timestamp)>>,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    expires_in: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Made {
    web_link: String,
}

impl Meetings {
    pub(super) fn new(settings: Settings, api_url: &str, proxy: Option<&str>) -> Result<Self, WebexError> {
        let odd = |error: &dyn std::fmt::Display| WebexError::Odd(error.to_string());
        let mut http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none());
        if let Some(proxy) = proxy {
            http = http.proxy(reqwest::Proxy::all(proxy).map_err(|error| odd(&error))?);
        }
        let base = Url::parse(&format!("{api_url}/")).map_err(|error| odd(&error))?;
        Ok(Self { http: http.build().map_err(|error| odd(&error))?, base, settings, access: Mutex::new(None) })
    }

    /// Where it is joined.
    pub(super) async fn make(&self, title: &str, now: Timestamp) -> Result<String, WebexError> {
        let token = self.token(now).await?;
        // Nothing begins in the past: the host's clock may be behind.
        let start = now + SignedDuration::from_secs(60);
        let body = json!({
            "title": title, "hostEmail": self.settings.host_email, "timezone": "UTC", "enabledJoinBeforeHost": true,
            "start": format!("{start:.0}"), "end": format!("{:.0}", start + PLANNED),
        });
        let request = self.http.post(self.address("meetings")?).bearer_auth(token.expose()).json(&body);
        let made: Made = answered(request).await?;
        if made.web_link.starts_with("https://") {
            Ok(made.web_link)
        } else {
            Err(WebexError::Odd("the meeting has no https address".into()))
        }
    }

    async fn token(&self, now: Timestamp) -> Result<Secret, WebexError> {
        let mut access = self.access.lock().await;
        if let Some((token, _)) = access.as_ref().filter(|(_, until)| now < *until) {
            return Ok(token.clone());
        }
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.settings.client_id.as_str()),
            ("client_secret", self.settings.client_secret.expose()),
            ("refresh_token", self.settings.refresh_token.expose()),
        ];
        let body = Url::parse_with_params("http://x/", form).map_err(|error| WebexError::Odd(error.to_string()))?;
        let request = self
            .http
            .post(self.address("access_token")?)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.query().unwrap_or_default().to_owned());
        let tokens: Tokens = answered(request).await?;
        let token = Secret::new(tokens.access_token);
        *access = Some((token.clone(), now + SignedDuration::from_secs(tokens.expires_in / 2)));
        Ok(token)
    }

    fn address(&self, path: &str) -> Result<Url, WebexError> {
        self.base.join(path).map_err(|error| WebexError::Odd(error.to_string()))
    }
}

async fn answered<T: serde::de::DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, WebexError> {
    let away = |error: reqwest::Error| WebexError::Away(error.without_url().to_string());
    let answer = request.send().await.map_err(away)?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(away)?;
    match status {
        200..=299 => serde_json::from_slice(&body).map_err(|error| WebexError::Odd(error.to_string())),
        500..=599 => Err(WebexError::Away(format!("it answered {status}"))),
        _ => Err(WebexError::Refused { status, why: super::client::reason(&body, status), tracking: String::new() }),
    }
}
