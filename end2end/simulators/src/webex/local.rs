//! A room device on the site's own network: its web service takes commands as XML, with a user and a password,
//! behind a certificate it made itself.

use super::endpoint::carry_out;
use super::model::{Endpoint, Model};
use crate::cucm::soap::tree;
use crate::tls::Identity;
use crate::web::WebServer;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

pub const USER: &str = "lockdown";
pub const PASSWORD: &str = "device-demo";

const ONLY: &str = "local";

pub struct LocalDevice {
    server: WebServer,
    model: Arc<Mutex<Model>>,
    identity: Identity,
}

impl LocalDevice {
    /// # Errors
    /// When no port is free.
    pub async fn start() -> io::Result<Self> {
        let identity = Identity::new("roombar.acme.example", false).map_err(io::Error::other)?;
        let endpoint = Endpoint {
            uuid: ONLY.into(),
            name: "Gate house".into(),
            online: true,
            shows: BTreeMap::new(),
            took: vec![],
        };
        let model = Arc::new(Mutex::new(Model::of(vec![], vec![endpoint])));
        let app = Router::new().route("/putxml", post(put)).with_state(model.clone());
        let server = WebServer::start(app, Some(identity.server().await?), 0)?;
        Ok(Self { server, model, identity })
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.server.address())
    }

    /// SHA-256 of its certificate, hex.
    pub fn fingerprint(&self) -> String {
        Sha256::digest(&self.identity.certificate_der).iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// As it is now.
    pub fn endpoint(&self) -> Endpoint {
        self.model.lock().endpoints[0].clone()
    }
}

async fn put(State(model): State<Arc<Mutex<Model>>>, headers: HeaderMap, body: String) -> Response {
    let wanted = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    if headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(wanted.as_str()) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some((command, arguments)) = read(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let mut model = model.lock();
    let xml = match carry_out(&mut model, ONLY, &command, &Value::Object(arguments)) {
        Ok(()) => "<Command><Result status=\"OK\"/></Command>".to_owned(),
        Err((_, why)) => format!("<Command><Result status=\"Error\"><Reason>{why}</Reason></Result></Command>"),
    };
    ([(header::CONTENT_TYPE, "text/xml")], xml).into_response()
}

/// The command of nested elements, and its arguments: the innermost ones, which hold text.
fn read(body: &str) -> Option<(String, Map<String, Value>)> {
    let root = tree(body)?;
    let mut node = Some(&root).filter(|root| root.name == "Command")?;
    let mut path = Vec::new();
    while let Some(next) = node.children.first().filter(|child| child.text.trim().is_empty()) {
        path.push(next.name.clone());
        node = next;
    }
    let arguments = node.children.iter().map(|child| (child.name.clone(), json!(child.text.trim())));
    Some((path.join("."), arguments.collect()))
}
