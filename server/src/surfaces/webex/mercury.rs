//! The websocket of the apps: heard from inside, without a public address. Content is never taken from it
//! (it is encrypted): what happened is fetched from the API.
//!
//! *Source*: what Cisco's JavaScript SDK does; it is no published contract, hence behind [`super::Inbound`] and
//! replaceable by webhooks.

use super::client::Client;
use super::{Inbound, WebexError, What, ids};
use crate::config;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message as Frame};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Until a line stands.
const PATIENCE: Duration = Duration::from_secs(15);

/// A proxy's answer to CONNECT is short.
const LONGEST_HEAD: usize = 8 * 1024;

const TOO_MUCH: &str = "more comes than can be worked on";

/// Another server of this installation took the line: not fought over.
const REPLACED: u16 = 4000;

pub(super) const REPLACED_BY_ANOTHER: &str =
    "another server of the same name took the line: give each its own webex.instance";

/// The cloud does not want this account.
const UNWANTED: [u16; 3] = [1003, 4400, 4403];

trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

type Socket = WebSocketStream<Box<dyn Wire>>;

#[derive(Deserialize)]
struct Catalog {
    #[serde(rename = "serviceLinks", default)]
    links: Links,
}

#[derive(Deserialize, Default)]
struct Links {
    wdm: Option<String>,
}

#[derive(Deserialize)]
struct Devices {
    #[serde(default)]
    devices: Vec<Device>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Device {
    url: String,
    web_socket_url: String,
    #[serde(default)]
    name: String,
}

/// How a line ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// To be opened again.
    Lost(String),
    /// The device is gone: to be registered anew.
    Stale,
}

/// One line to the cloud.
pub(super) struct Mercury<'a> {
    pub client: &'a Client,
    pub settings: &'a config::Webex,
    /// This server among those of the installation.
    pub server: &'a str,
}

impl Mercury<'_> {
    /// Registers this server as a device of the bot's, or finds it registered.
    pub(super) async fn device(&self) -> Result<Device, WebexError> {
        let catalog: Catalog =
            self.ask(Method::GET, &format!("{}/catalog?format=hostmap", self.settings.u2c_url), None).await?;
        let wdm = catalog.links.wdm.ok_or_else(|| WebexError::Odd("its catalogue names no wdm service".into()))?;
        let devices = format!("{wdm}/devices");
        match self.registered(&devices).await? {
            // The address may be another one by now.
            Some(device) => match self.ask::<Device>(Method::PUT, &device.url, Some(&self.about_us())).await {
                Ok(fresh) => Ok(fresh),
                Err(WebexError::Odd(_)) => Ok(device),
                Err(WebexError::Refused { status: 404, .. }) => self.register(&devices).await,
                Err(error) => Err(error),
            },
            None => self.register(&devices).await,
        }
    }

    async fn registered(&self, devices: &str) -> Result<Option<Device>, WebexError> {
        let name = self.name();
        match self.ask::<Devices>(Method::GET, devices, None).await {
            Ok(found) => Ok(found.devices.into_iter().find(|device| device.name == name)),
            Err(WebexError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where too many are registered, those of this installation make room: they register anew.
    async fn register(&self, devices: &str) -> Result<Device, WebexError> {
        match self.ask(Method::POST, devices, Some(&self.about_us())).await {
            Err(WebexError::Refused { status: 403, why, .. }) if why.contains("excessive") => {
                let prefix = format!("{}@", self.settings.instance);
                let known: Devices = self.ask(Method::GET, devices, None).await?;
                for device in known.devices.iter().filter(|device| device.name.starts_with(&prefix)) {
                    self.unregister(device).await;
                }
                self.ask(Method::POST, devices, Some(&self.about_us())).await
            }
            registered => registered,
        }
    }

    /// The server stops: the cloud need not wait for it.
    pub(super) async fn unregister(&self, device: &Device) {
        if let Err(error) = self.ask::<Value>(Method::DELETE, &device.url, None).await {
            tracing::debug!(%error, "the device stays registered with webex");
        }
    }

    /// One device a server: they hear the same, and what one takes no other does.
    fn name(&self) -> String {
        format!("{}@{}", self.settings.instance, self.server)
    }

    fn about_us(&self) -> Value {
        json!({
            "deviceName": self.name(), "deviceType": "DESKTOP", "localizedModel": "pstn-lockdown", "model": "pstn-lockdown",
            "name": self.name(), "systemName": "pstn-lockdown", "systemVersion": env!("CARGO_PKG_VERSION"),
        })
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
    ) -> Result<T, WebexError> {
        let url = Url::parse(url).map_err(|error| WebexError::Odd(error.to_string()))?;
        self.may_have_the_token(&url)?;
        let answer = self.client.send(method, url, body).await?;
        super::client::read(&answer)
    }

    /// What the cloud names is believed within its own domains only.
    fn may_have_the_token(&self, url: &Url) -> Result<(), WebexError> {
        let host = url.host_str().unwrap_or_default();
        let ours = Url::parse(&self.settings.u2c_url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let within =
            self.settings.domains.iter().any(|domain| {
                host == domain || host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'))
            });
        if within || Some(host) == self.client.host() || Some(host) == ours.as_deref() {
            Ok(())
        } else {
            Err(WebexError::Odd(format!("it names the host {host}, which is not in webex.domains")))
        }
    }

    /// Opens the line, says who we are, and passes on what happens until it ends. `ready` is called when the
    /// line stands.
    pub(super) async fn listen(
        &self,
        device: &Device,
        heard: &mpsc::Sender<Inbound>,
        ready: impl FnOnce(),
    ) -> Result<End, WebexError> {
        let mut socket = match self.open(&device.web_socket_url).await? {
            Ok(socket) => socket,
            Err(end) => return Ok(end),
        };
        let token = format!("Bearer {}", self.client.token().expose());
        let hello = json!({ "id": super::random_id(), "type": "authorization", "data": { "token": token }, "trackingId": "pstn-lockdown_1" });
        if let Err(error) = socket.send(Frame::text(hello.to_string())).await {
            return Ok(End::Lost(error.to_string()));
        }
        let first = tokio::time::timeout(PATIENCE, socket.next()).await;
        let Ok(Some(Ok(Frame::Text(first)))) = first else {
            return match first {
                Ok(Some(Ok(Frame::Close(Some(close))))) => ended(&close),
                _ => Ok(End::Lost("the line did not begin".into())),
            };
        };
        ready();
        if !self.pass_on(&mut socket, &first, heard).await {
            return Ok(End::Lost(TOO_MUCH.into()));
        }
        self.follow(socket, heard).await
    }

    async fn follow(&self, mut socket: Socket, heard: &mpsc::Sender<Inbound>) -> Result<End, WebexError> {
        let mut beat = tokio::time::interval(self.settings.ping);
        beat.tick().await;
        let mut waiting: Option<String> = None;
        loop {
            tokio::select! {
                frame = socket.next() => match frame {
                    Some(Ok(Frame::Text(text))) => {
                        let said: Value = serde_json::from_str(&text).unwrap_or_default();
                        if said["type"] == "pong" && said["id"].as_str() == waiting.as_deref() {
                            waiting = None;
                        }
                        if !self.pass_on(&mut socket, &text, heard).await {
                            return Ok(End::Lost(TOO_MUCH.into()));
                        }
                    }
                    Some(Ok(Frame::Close(Some(close)))) => return ended(&close),
                    Some(Ok(Frame::Close(None))) | None => return Ok(End::Lost("it was closed".into())),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Ok(End::Lost(error.to_string())),
                },
                _ = beat.tick() => {
                    if waiting.is_some() {
                        return Ok(End::Lost("it gives no sign of life".into()));
                    }
                    let id = super::random_id();
                    if let Err(error) = socket.send(Frame::text(json!({ "id": id, "type": "ping" }).to_string())).await {
                        return Ok(End::Lost(error.to_string()));
                    }
                    waiting = Some(id);
                }
            }
        }
    }

    /// Acknowledges a frame, and passes on what it tells of. False where more comes than can be worked on: the line
    /// is closed then, and what was not acknowledged is told again.
    async fn pass_on(&self, socket: &mut Socket, text: &str, heard: &mpsc::Sender<Inbound>) -> bool {
        let Ok(frame) = serde_json::from_str::<Value>(text) else { return true };
        let Some(id) = frame["id"].as_str().filter(|_| frame.get("data").is_some()) else { return true };
        if let Some(told) = told(&frame)
            && heard.try_send(told).is_err()
        {
            return false;
        }
        let _ = socket.send(Frame::text(json!({ "type": "ack", "messageId": id }).to_string())).await;
        true
    }

    /// The API's id of an activity: the conversation service knows it; else it is made from the activity's own.
    pub(super) async fn id_of(&self, heard: &Inbound) -> String {
        let Some(service) = &heard.service else { return heard.id.clone() };
        let (path, kind) = match heard.what {
            What::Message => ("messages", "MESSAGE"),
            What::Action => ("attachment/actions", "ATTACHMENT_ACTION"),
        };
        let found = self.ask::<Value>(Method::GET, &format!("{service}/{path}/{}", heard.id), None).await.ok();
        let id = found.and_then(|found| found["id"].as_str().map(str::to_owned));
        id.unwrap_or_else(|| ids::of(kind, &heard.id))
    }

    async fn open(&self, address: &str) -> Result<Result<Socket, End>, WebexError> {
        let mut url = Url::parse(address).map_err(|error| WebexError::Odd(error.to_string()))?;
        self.may_have_the_token(&url)?;
        url.query_pairs_mut().extend_pairs([
            ("outboundWireFormat", "text"),
            ("bufferStates", "true"),
            ("aliasHttpStatus", "true"),
        ]);
        let opened = tokio::time::timeout(PATIENCE, async {
            let wire = self.wire(&url).await?;
            match client_async(url.as_str(), wire).await {
                Ok((socket, _)) => Ok(Ok(socket)),
                Err(SocketError::Http(answer)) if answer.status() == 404 => Ok(Err(End::Stale)),
                Err(error) => Err(WebexError::Away(error.to_string())),
            }
        });
        opened.await.unwrap_or_else(|_| Err(WebexError::Away("the line could not be opened in time".into())))
    }

    /// TCP, through the proxy if there is one, and TLS over it.
    async fn wire(&self, url: &Url) -> Result<Box<dyn Wire>, WebexError> {
        let away = |error: std::io::Error| WebexError::Away(error.to_string());
        let host = url.host_str().unwrap_or_default().to_owned();
        let port = url.port().unwrap_or(if url.scheme() == "wss" { 443 } else { 80 });
        let tcp = match &self.settings.proxy {
            None => TcpStream::connect((host.as_str(), port)).await.map_err(away)?,
            Some(proxy) => through(proxy, &host, port).await?,
        };
        if url.scheme() != "wss" {
            return Ok(Box::new(tcp));
        }
        let config = axl::Trust::System.client_config().map_err(|error| WebexError::Odd(error.to_string()))?;
        let name = rustls::pki_types::ServerName::try_from(host).map_err(|error| WebexError::Odd(error.to_string()))?;
        let tls = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(away)?;
        Ok(Box::new(tls))
    }
}

/// `CONNECT`, as RFC 9110 has it.
async fn through(proxy: &str, host: &str, port: u16) -> Result<TcpStream, WebexError> {
    let away = |error: std::io::Error| WebexError::Away(format!("the proxy: {error}"));
    let url = Url::parse(proxy).map_err(|error| WebexError::Odd(error.to_string()))?;
    let proxy = (url.host_str().unwrap_or_default().to_owned(), url.port().unwrap_or(80));
    let mut tcp = TcpStream::connect(proxy).await.map_err(away)?;
    let known = authorization(&url).map(|line| format!("Proxy-Authorization: {line}\r\n")).unwrap_or_default();
    tcp.write_all(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{known}\r\n").as_bytes())
        .await
        .map_err(away)?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head belongs to the other end.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST_HEAD {
            return Err(WebexError::Away("the proxy answers with no end".into()));
        }
        head.push(tcp.read_u8().await.map_err(away)?);
    }
    match String::from_utf8_lossy(&head).split(' ').nth(1) {
        Some("200") => Ok(tcp),
        Some("407") => Err(WebexError::Away("the proxy wants another name or password: correct webex.proxy".into())),
        _ => Err(WebexError::Away("the proxy does not let the websocket through".into())),
    }
}

/// Basic, as every other request by this proxy has it; nothing where the address names nobody.
fn authorization(proxy: &Url) -> Option<String> {
    if proxy.username().is_empty() {
        return None;
    }
    let decoded = |text: &str| {
        let url = Url::parse(&format!("x:?{}", text.replace('+', "%2B"))).ok();
        url.and_then(|url| url.query_pairs().next().map(|(name, _)| name.into_owned())).unwrap_or_default()
    };
    let name = decoded(proxy.username());
    let password = decoded(proxy.password().unwrap_or_default());
    Some(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
}

fn ended(close: &CloseFrame) -> Result<End, WebexError> {
    match u16::from(close.code) {
        4401 => Err(WebexError::Token),
        code if UNWANTED.contains(&code) => Err(WebexError::Refused {
            status: code,
            why: format!("the websocket is not for this account ({})", close.reason),
            tracking: String::new(),
        }),
        REPLACED => Ok(End::Lost(REPLACED_BY_ANOTHER.into())),
        code => Ok(End::Lost(format!("it was closed ({code} {})", close.reason))),
    }
}

fn told(frame: &Value) -> Option<Inbound> {
    let data = &frame["data"];
    if data["eventType"] != "conversation.activity" {
        return None;
    }
    let activity = &data["activity"];
    // Somebody corrected what was heard before: that was an order, or none, as it stood then.
    if activity["parent"]["type"] == "edit" {
        return None;
    }
    let what = match activity["verb"].as_str()? {
        "post" | "share" => What::Message,
        "cardAction" => What::Action,
        _ => return None,
    };
    let service = activity["target"]["url"].as_str().and_then(|url| url.split_once("/conversations/"));
    let service = service.map(|(service, _)| service.to_owned());
    let actor = activity["actor"]["entryUUID"].as_str().map(str::to_ascii_lowercase);
    Some(Inbound { what, id: activity["id"].as_str()?.to_owned(), service, actor })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_frame_only_what_happened_and_where_is_taken() {
        let frame = |verb: &str| {
            json!({ "id": "f", "data": { "eventType": "conversation.activity", "activity": {
            "id": "a-1", "verb": verb, "actor": { "entryUUID": "P-1" }, "object": { "displayName": "secret" },
            "target": { "url": "https://c/v1/conversations/r" } } } })
        };
        let heard = |what: What| Inbound {
            what,
            id: "a-1".into(),
            service: Some("https://c/v1".into()),
            actor: Some("p-1".into()),
        };
        assert_eq!(told(&frame("post")), Some(heard(What::Message)));
        assert_eq!(told(&frame("cardAction")), Some(heard(What::Action)));
        assert_eq!(told(&frame("acknowledge")), None);
        let mut edit = frame("post");
        edit["data"]["activity"]["parent"] = json!({ "type": "edit", "id": "a-0" });
        assert_eq!(told(&edit), None, "what was heard is heard once");
        let mut reply = frame("post");
        reply["data"]["activity"]["parent"] = json!({ "type": "reply", "id": "a-0" });
        assert_eq!(told(&reply), Some(heard(What::Message)));
        assert_eq!(told(&json!({ "data": { "eventType": "mercury.buffer_state" } })), None);
        assert_eq!(told(&json!(null)), None);
    }
}
