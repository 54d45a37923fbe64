//! A desk phone with a screen: asks a service as an 8800 does, shows what its parser takes, is driven by keys. And
//! its own web service, where a server pushes.
//!
//! *Source*: Cisco, Unified IP Phone Services Application Development Notes.

pub mod object;
mod page;
mod picture;

use crate::web::WebServer;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::Object;
use parking_lot::{Mutex, MutexGuard};
use std::io;
use std::sync::Arc;

/// Who may push: a user the device is associated with.
pub const PUSHER: (&str, &str) = ("phone-push", "phone-demo");

/// A phone on a desk.
#[derive(Debug, Clone)]
pub struct Phone {
    pub device: String,
    pub model: String,
    shown: Option<Shown>,
    /// Pages one comes back to.
    back: Vec<String>,
    /// What is typed into each field, and the field that is typed into.
    typed: Vec<String>,
    field: usize,
    /// Stays on the screen over everything else.
    banner: Option<String>,
    /// Every address that was asked for.
    asked: Vec<String>,
    /// Keys that were pressed, each digit one.
    pressed: usize,
}

#[derive(Debug, Clone)]
struct Shown {
    object: Object,
    refresh: Option<(u32, String)>,
}

impl Phone {
    pub fn new(device: &str, model: &str) -> Self {
        Self {
            device: device.to_owned(),
            model: model.to_owned(),
            shown: None,
            back: vec![],
            typed: vec![],
            field: 0,
            banner: None,
            asked: vec![],
            pressed: 0,
        }
    }

    /// What is on the screen.
    pub fn object(&self) -> Option<&Object> {
        self.shown.as_ref().map(|shown| &shown.object)
    }

    pub fn banner(&self) -> Option<&str> {
        self.banner.as_deref()
    }

    /// Every address that was asked for, in order.
    pub fn asked(&self) -> &[String] {
        &self.asked
    }

    /// How many keys were pressed on it so far, each digit one.
    pub fn pressed(&self) -> usize {
        self.pressed
    }

    /// Seconds until it asks again by itself.
    pub fn refreshes(&self) -> Option<u32> {
        self.shown.as_ref()?.refresh.as_ref().map(|(seconds, _)| *seconds)
    }

    /// Opens the service, as the Services key does: `#DEVICENAME#` is the phone's name.
    ///
    /// # Errors
    /// What the phone would show instead.
    pub async fn open(&mut self, service: &str) -> Result<(), String> {
        self.back.clear();
        let url = service.replace("#DEVICENAME#", &self.device);
        self.go(&url, None).await
    }

    async fn go(&mut self, url: &str, body: Option<String>) -> Result<(), String> {
        self.asked.push(url.to_owned());
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
        let http = http.map_err(|error| error.to_string())?;
        let request = match &body {
            None => http.get(url),
            Some(body) => http.post(url).header("content-type", "application/x-www-form-urlencoded").body(body.clone()),
        };
        let answer = request
            .header("x-CiscoIPPhoneModelName", &self.model)
            .header("x-CiscoIPPhoneDisplay", "559,265,24,C")
            .header("x-CiscoIPPhoneSDKVersion", "9.0.1")
            .header("accept-language", "en")
            .send()
            .await
            .map_err(|error| format!("Host not found: {error}"))?;
        let text = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let kind = text("content-type").unwrap_or_default();
        let refresh = text("refresh");
        let expires = text("expires");
        if answer.status() != 200 {
            return Err(format!("HTTP error {}", answer.status().as_u16()));
        }
        let object = Object::read(&kind, &answer.text().await.map_err(|error| error.to_string())?)?;
        let refresh = refresh.and_then(|text| {
            let (seconds, url) = text.split_once("; url=")?;
            Some((seconds.parse().ok()?, url.to_owned()))
        });
        // What has expired already is never come back to.
        if expires.is_none() && body.is_none() {
            self.back.push(url.to_owned());
        }
        self.typed = match &object {
            Object::Input { fields, .. } => vec![String::new(); fields.len()],
            _ => vec![],
        };
        self.field = 0;
        self.shown = Some(Shown { object, refresh });
        Ok(())
    }

    /// Asks again where the page said, as it does by itself after a while.
    ///
    /// # Errors
    /// As [`Phone::open`].
    pub async fn refresh(&mut self) -> Result<(), String> {
        let refresh = self.shown.as_ref().and_then(|shown| shown.refresh.clone());
        let (_, url) = refresh.ok_or("this page does not ask again")?;
        self.go(&url, None).await
    }

    /// A key of the number pad: chooses a line of a menu, or is typed.
    ///
    /// # Errors
    /// As [`Phone::open`].
    pub async fn key(&mut self, key: char) -> Result<(), String> {
        self.pressed += 1;
        match self.object() {
            Some(Object::Menu { items, .. }) => {
                let line = key.to_digit(10).and_then(|digit| (digit as usize).checked_sub(1));
                let url = line.and_then(|line| items.get(line)).map(|(_, url)| url.clone());
                let url = url.ok_or_else(|| format!("there is no line {key}"))?;
                self.go(&url, None).await
            }
            Some(Object::Input { fields, .. }) => {
                let flags = fields.get(self.field).map(|field| field.flags.clone()).unwrap_or_default();
                let fits = if flags.starts_with('N') { key.is_ascii_digit() } else { !key.is_control() };
                if fits {
                    self.typed[self.field].push(key);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Types several, one after the other.
    ///
    /// # Errors
    /// As [`Phone::open`].
    pub async fn keys(&mut self, keys: &str) -> Result<(), String> {
        for key in keys.chars() {
            self.key(key).await?;
        }
        Ok(())
    }

    /// The arrow down: the next field.
    pub fn down(&mut self) {
        self.pressed += 1;
        self.field = (self.field + 1).min(self.typed.len().saturating_sub(1));
    }

    /// A soft key by its name: the page's own, or the phone's where the page has none.
    ///
    /// # Errors
    /// As [`Phone::open`].
    pub async fn soft(&mut self, name: &str) -> Result<(), String> {
        self.pressed += 1;
        let own = match self.object() {
            Some(Object::Text { keys, .. }) => keys.clone(),
            _ => vec![],
        };
        let key = own.iter().find(|key| key.name == name).map(|key| key.url.clone());
        let does = match key {
            Some(url) => url,
            None if own.is_empty() => format!("SoftKey:{name}"),
            None => return Err(format!("there is no key {name}")),
        };
        match does.as_str() {
            "SoftKey:Submit" => self.submit().await,
            "SoftKey:Update" => self.refresh().await,
            "SoftKey:Exit" | "SoftKey:Back" | "SoftKey:Cancel" => {
                if let Some(url) = self.back.pop() {
                    return self.go(&url, None).await;
                }
                self.shown = None;
                Ok(())
            }
            url if url.starts_with("http") => self.go(url, None).await,
            odd => Err(format!("{odd} does nothing here")),
        }
    }

    async fn submit(&mut self) -> Result<(), String> {
        let Some(Object::Input { url, post, fields, .. }) = self.object().cloned() else {
            return Err("there is nothing to submit".into());
        };
        let pairs = fields.iter().zip(&self.typed).map(|(field, typed)| (field.parameter.as_str(), typed.as_str()));
        let mut sent = reqwest::Url::parse(&url).map_err(|error| error.to_string())?;
        sent.query_pairs_mut().extend_pairs(pairs);
        // 9800s and old models know no other way than the address.
        let posts = self.model.starts_with("CP-78") || self.model.starts_with("CP-88");
        if post && posts {
            let body = sent.query().unwrap_or_default().to_owned();
            self.go(&url, Some(body)).await
        } else {
            self.go(sent.as_str(), None).await
        }
    }
}

/// The phones of a site, with the web service of each.
pub struct PhoneSim {
    phones: Vec<(Arc<Mutex<Phone>>, WebServer)>,
    page: WebServer,
}

impl PhoneSim {
    /// Phones of these names and models, and a page to be at one of them; `service` is their Services key.
    ///
    /// # Errors
    /// When a port is taken.
    pub fn start(port: u16, phones: &[(&str, &str)]) -> io::Result<Self> {
        let phones = phones.iter().map(|(device, model)| {
            let phone = Arc::new(Mutex::new(Phone::new(device, model)));
            let app = Router::new().route("/CGI/Execute", post(pushed)).with_state(phone.clone());
            Ok((phone, WebServer::start(app, None, 0)?))
        });
        let phones: Vec<_> = phones.collect::<io::Result<_>>()?;
        let all = phones.iter().map(|(phone, _)| phone.clone()).collect();
        Ok(Self { page: WebServer::start(page::routes(all), None, port)?, phones })
    }

    pub fn page_url(&self) -> String {
        format!("http://{}", self.page.address())
    }

    /// Where the web service of a phone is.
    pub fn address(&self, number: usize) -> String {
        format!("http://{}", self.phones[number].1.address())
    }

    pub fn banner(&self, number: usize) -> Option<String> {
        held(&self.phones[number].0).banner.clone()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.phones.len()
    }

    /// The phone is unplugged, or plugged in again.
    ///
    /// # Errors
    /// When somebody else took the port.
    pub async fn set_up(&self, number: usize, up: bool) -> io::Result<()> {
        if up {
            self.phones[number].1.resume()
        } else {
            self.phones[number].1.stop().await;
            Ok(())
        }
    }
}

fn held(phone: &Mutex<Phone>) -> MutexGuard<'_, Phone> {
    phone.lock()
}

/// A push: Basic sign-in, one form field, an object that can be pushed.
async fn pushed(State(phone): State<Arc<Mutex<Phone>>>, headers: HeaderMap, body: Bytes) -> Response {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let known = STANDARD.encode(format!("{}:{}", PUSHER.0, PUSHER.1));
    if basic != Some(known.as_str()) {
        return answered("<CiscoIPPhoneError Number=\"4\"/>");
    }
    let sent = reqwest::Url::parse(&format!("phone:?{}", String::from_utf8_lossy(&body)));
    let xml =
        sent.ok().and_then(|sent| sent.query_pairs().find(|(name, _)| name == "XML").map(|(_, xml)| xml.into_owned()));
    let Some(xml) = xml.filter(|xml| xml.len() <= 512) else { return answered("<CiscoIPPhoneError Number=\"1\"/>") };
    match Object::read("text/xml; charset=UTF-8", &xml) {
        Ok(Object::Status { text }) => held(&phone).banner = Some(text),
        Ok(Object::Execute { urls }) if urls == ["Init:AppStatus"] => held(&phone).banner = None,
        _ => return answered("<CiscoIPPhoneError Number=\"1\"/>"),
    }
    answered("<CiscoIPPhoneResponse><ResponseItem Status=\"0\" Data=\"Success\" URL=\"\"/></CiscoIPPhoneResponse>")
}

fn answered(xml: &str) -> Response {
    ([(header::CONTENT_TYPE, "text/xml")], xml.to_owned()).into_response()
}
