//! An identity provider with the manners of Azure AD B2C: one metadata document a policy, an issuer
//! that is not where the document lies, no access token for `openid` alone, `emails[]`, `tfp`, and
//! error texts with line breaks in them.

use crate::web::WebServer;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;
use std::io;
use std::sync::Arc;

/// The tenant's GUID, part of every token's issuer.
pub const TENANT: &str = "775527ff-9a37-4307-8b3d-cc311f58d925";
/// The registered application.
pub const CLIENT_ID: &str = "63d19d63-e3fe-4b9c-8e4a-2b2b9a7d3a10";
pub const CLIENT_SECRET: &str = "b2c-demo-secret";
/// The application id of the API, a program registered to call it, and its service principal.
pub const API_ID: &str = "0d9d2a3c-5e0a-4a4e-9f0e-2f1c1f0a7b11";
pub const MACHINE_ID: &str = "7f1b7c60-9a54-4c11-8a6d-7c9f2f7d3e22";
pub const MACHINE_SUBJECT: &str = "5c0f6a1e-3b7d-4f2a-9c8b-1d2e3f4a5b33";
pub const POLICY: &str = "B2C_1_signin";

/// PKCS#8 of an RSA-2048 key begins with this many bytes before the PKCS#1 key that
/// `jsonwebtoken` wants. Source: RFC 5208 with the rsaEncryption algorithm identifier.
const PKCS8_HEAD: usize = 26;

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub oid: String,
    pub name: String,
    pub email: String,
    /// Shown on the sign-in page only: tokens carry no roles.
    pub note: String,
}

/// What is wrong with the next ID token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    NoSignature,
    HmacWithClientSecret,
    ForeignKey,
    UnknownKey,
    WrongAudience,
    WrongIssuer,
    Expired,
    NotYet,
    WrongPolicy,
    WrongNonce,
}

pub struct B2cSim {
    server: WebServer,
    shared: Arc<Shared>,
}

struct Shared {
    origin: Mutex<String>,
    key: Key,
    foreign: Key,
    state: Mutex<Flow>,
    people: Vec<Person>,
}

struct Key {
    signing: EncodingKey,
    public: Jwk,
}

#[derive(Default)]
struct Flow {
    codes: HashMap<String, Grant>,
    made: usize,
    forgery: Option<Forgery>,
    /// What the policy makes of each ID token: a claim with `null` is left out.
    claims: serde_json::Map<String, Value>,
    down: bool,
}

#[derive(Clone)]
struct Grant {
    person: Person,
    asked: Authorize,
    policy: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Authorize {
    client_id: String,
    redirect_uri: String,
    state: String,
    nonce: String,
    #[serde(default)]
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(flatten)]
    asked: Authorize,
    oid: String,
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: String,
    redirect_uri: String,
    client_id: String,
    client_secret: String,
    code_verifier: String,
}

/// The people of the demonstration.
pub fn demo_people() -> Vec<Person> {
    let person = |n: u8, name: &str, email: &str, note: &str| Person {
        oid: format!("00000000-0000-4000-8000-0000000000{n:02}"),
        name: name.into(),
        email: email.into(),
        note: note.into(),
    };
    vec![
        person(1, "EOC 1", "eoc1@acme.example", "EOC: may lock"),
        person(2, "Senior 1", "senior1@acme.example", "senior EOC: may lock and release"),
        person(3, "Senior 2", "senior2@acme.example", "senior EOC: may lock and release"),
        person(4, "Admin 1", "admin1@acme.example", "administrator: people and keys"),
        person(5, "Resident 1", "resident1@acme.example", "no role: may see the state"),
    ]
}

impl B2cSim {
    /// Starts on `port` of loopback (0: a free one) with the demo people.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            origin: Mutex::default(),
            key: Key::new("key-1")?,
            foreign: Key::new("key-1")?,
            state: Mutex::default(),
            people: demo_people(),
        });
        let server = WebServer::start(router(shared.clone()), None, port)?;
        *lock(&shared.origin) = format!("http://{}", server.address());
        Ok(Self { server, shared })
    }

    pub fn origin(&self) -> String {
        lock(&self.shared.origin).clone()
    }

    pub fn metadata_url(&self) -> String {
        format!("{}/acme.onmicrosoft.com/{POLICY}/v2.0/.well-known/openid-configuration", self.origin())
    }

    /// What tokens carry: the tenant's GUID and no policy, not where the metadata lies.
    pub fn issuer(&self) -> String {
        issuer()
    }

    /// A token for the API of the tenant, as B2C gives one to a program that acts for itself; `change`
    /// makes it another one.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn access_token(&self, change: impl FnOnce(&mut Value)) -> io::Result<String> {
        let now = get_current_timestamp();
        let mut claims = json!({
            "iss": self.issuer(), "aud": API_ID, "exp": now + 3600, "nbf": now, "iat": now, "ver": "1.0",
            "sub": MACHINE_SUBJECT, "oid": MACHINE_SUBJECT, "azp": MACHINE_ID, "scp": "Status.Read Lock.Enable",
        });
        change(&mut claims);
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some("key-1".into());
        encode(&header, &claims, &self.shared.key.signing).map_err(io::Error::other)
    }

    /// The same, signed by somebody else under the same key id.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn forged_access_token(&self, claims: &Value) -> io::Result<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some("key-1".into());
        encode(&header, claims, &self.shared.foreign.signing).map_err(io::Error::other)
    }

    /// The next ID token is wrong in this way.
    pub fn forge(&self, forgery: Forgery) {
        lock(&self.shared.state).forgery = Some(forgery);
    }

    /// From now on every ID token has these claims; those that are `null` are left out of it.
    pub fn set_claims(&self, claims: &Value) {
        lock(&self.shared.state).claims = claims.as_object().cloned().unwrap_or_default();
    }

    pub async fn stop(&self) {
        self.server.stop().await;
    }

    /// # Errors
    /// When somebody took the port.
    pub fn resume(&self) -> io::Result<()> {
        self.server.resume()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

/// The same wherever this listens: people who were given roles are known again after the next start.
fn issuer() -> String {
    format!("https://acme.b2clogin.com/{TENANT}/v2.0/")
}

impl Key {
    fn new(kid: &str) -> io::Result<Self> {
        let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).map_err(io::Error::other)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(io::Error::other)?;
        let signing = EncodingKey::from_rsa_der(&der.as_ref()[PKCS8_HEAD..]);
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::RS256).map_err(io::Error::other)?;
        public.common.key_id = Some(kid.into());
        Ok(Self { signing, public })
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{tenant}/{policy}/v2.0/.well-known/openid-configuration", get(metadata))
        .route("/{tenant}/{policy}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/{policy}/oauth2/v2.0/authorize", get(authorize))
        .route("/{tenant}/{policy}/oauth2/v2.0/choose", post(choose))
        .route("/{tenant}/{policy}/oauth2/v2.0/token", post(token))
        .route("/{tenant}/{policy}/oauth2/v2.0/logout", get(logout))
        .layer(axum::middleware::from_fn_with_state(shared.clone(), away))
        // For other processes: the provider breaks down, and comes back.
        .route("/sim/down", post(async |State(shared): State<Arc<Shared>>| lock(&shared.state).down = true))
        .route("/sim/up", post(async |State(shared): State<Arc<Shared>>| lock(&shared.state).down = false))
        .with_state(shared)
}

/// Broken down, as far as a browser and our server can see.
async fn away(
    State(shared): State<Arc<Shared>>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let down = lock(&shared.state).down;
    if down { StatusCode::SERVICE_UNAVAILABLE.into_response() } else { next.run(request).await }
}

async fn metadata(State(shared): State<Arc<Shared>>, Path((tenant, policy)): Path<(String, String)>) -> Response {
    if !policy.eq_ignore_ascii_case(POLICY) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let origin = lock(&shared.origin).clone();
    let at = |path: &str| format!("{origin}/{tenant}/{policy}/{path}");
    Json(json!({
        "issuer": issuer(),
        "authorization_endpoint": at("oauth2/v2.0/authorize"),
        "token_endpoint": at("oauth2/v2.0/token"),
        "end_session_endpoint": at("oauth2/v2.0/logout"),
        "jwks_uri": at("discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code", "id_token", "code id_token"],
        "scopes_supported": ["openid"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }))
    .into_response()
}

async fn keys(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut key = serde_json::to_value(&shared.key.public).unwrap_or_default();
    key["use"] = "sig".into();
    Json(json!({ "keys": [key] }))
}

/// The sign-in page: a button for each person, forgotten password, and cancel.
async fn authorize(
    State(shared): State<Arc<Shared>>,
    Path((tenant, policy)): Path<(String, String)>,
    Query(asked): Query<Authorize>,
) -> Response {
    if asked.client_id != CLIENT_ID {
        return (StatusCode::BAD_REQUEST, "AADB2C90068: no such application").into_response();
    }
    if asked.code_challenge.is_empty() || asked.code_challenge_method != "S256" {
        return refused(&asked, "AADB2C99059", "The supplied request must present a code_challenge.");
    }
    let hidden: String = [
        ("client_id", &asked.client_id),
        ("redirect_uri", &asked.redirect_uri),
        ("state", &asked.state),
        ("nonce", &asked.nonce),
        ("code_challenge", &asked.code_challenge),
        ("code_challenge_method", &asked.code_challenge_method),
    ]
    .iter()
    .fold(String::new(), |mut all, (name, value)| {
        let _ =
            write!(all, r#"<input type="hidden" name="{name}" value="{}">"#, quick_xml::escape::escape(value.as_str()));
        all
    });
    let button = |oid: &str, text: &str, note: &str| {
        format!(r#"<button name="oid" value="{oid}"><b>{text}</b><span>{note}</span></button>"#)
    };
    let people: String = shared.people.iter().map(|p| button(&p.oid, &p.name, &p.note)).collect();
    Html(format!(
        r#"<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Sign in (simulated)</title>
<style>body{{font:1rem/1.5 system-ui;max-width:26rem;margin:8vh auto;padding:0 1rem;color:#1b2733;background:#f4f6f8}}form{{display:grid;gap:.5rem}}
button{{display:flex;justify-content:space-between;gap:1rem;padding:.75rem 1rem;font:inherit;background:#fff;border:1px solid #9aa7b4;border-radius:.4rem;text-align:left;cursor:pointer}}
button:hover,button:focus-visible{{border-color:#0b5cad;outline:2px solid #0b5cad}}span{{color:#4d5b68}}</style>
<h1>Who are you?</h1><p>A simulated identity provider: no password, nobody real.</p>
<form method="post" action="/{tenant}/{policy}/oauth2/v2.0/choose">{hidden}{people}{}{}</form></html>"#,
        button("forgot", "I forgot my password", ""),
        button("cancel", "Cancel", "")
    ))
    .into_response()
}

async fn choose(
    State(shared): State<Arc<Shared>>,
    Path((_, policy)): Path<(String, String)>,
    Form(choice): Form<Choice>,
) -> Response {
    let person = match choice.oid.as_str() {
        "cancel" => {
            return refused(&choice.asked, "AADB2C90091", "The user has cancelled entering self-asserted information.");
        }
        "forgot" => return refused(&choice.asked, "AADB2C90118", "The user has forgotten their password."),
        oid => shared.people.iter().find(|p| p.oid == oid).cloned(),
    };
    let Some(person) = person else {
        return refused(&choice.asked, "AADB2C99002", "User does not exist.");
    };
    let mut flow = lock(&shared.state);
    flow.made += 1;
    let code = URL_SAFE_NO_PAD.encode(Sha256::digest(format!("code {} {}", flow.made, choice.asked.nonce)));
    let target = format!("{}?state={}&code={code}", choice.asked.redirect_uri, escape_query(&choice.asked.state));
    flow.codes.insert(code, Grant { person, asked: choice.asked, policy });
    Redirect::to(&target).into_response()
}

/// B2C's descriptions carry line breaks, a correlation id and a time stamp.
fn refused(asked: &Authorize, code: &str, text: &str) -> Response {
    let description = format!(
        "{code}: {text}\r\nCorrelation ID: 4d9d6ad5-0000-4000-8000-000000000000\r\nTimestamp: 2026-11-23 00:00:00Z\r\n"
    );
    Redirect::to(&format!(
        "{}?error=access_denied&error_description={}&state={}",
        asked.redirect_uri,
        escape_query(&description),
        escape_query(&asked.state)
    ))
    .into_response()
}

fn escape_query(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

async fn token(State(shared): State<Arc<Shared>>, Form(request): Form<TokenRequest>) -> Response {
    let bad = |error: &str, text: &str| {
        (StatusCode::BAD_REQUEST, Json(json!({ "error": error, "error_description": text }))).into_response()
    };
    if request.client_id != CLIENT_ID || request.client_secret != CLIENT_SECRET {
        return bad("invalid_client", "AADB2C90081: The specified client_secret does not match");
    }
    let (grant, forgery) = {
        let mut flow = lock(&shared.state);
        (flow.codes.remove(&request.code), flow.forgery.take())
    };
    let Some(grant) = grant.filter(|g| g.asked.redirect_uri == request.redirect_uri) else {
        return bad("invalid_grant", "AADB2C90080: The provided grant has expired.");
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&request.code_verifier));
    if request.grant_type != "authorization_code" || challenge != grant.asked.code_challenge {
        return bad("invalid_grant", "AADB2C90183: The supplied code_verifier is invalid");
    }
    match id_token(&shared, &grant, forgery) {
        Some(id_token) => Json(json!({
            "id_token": id_token, "token_type": "Bearer", "not_before": get_current_timestamp().to_string(),
            "id_token_expires_in": "3600", "profile_info": "e30", "scope": "openid",
        }))
        .into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn id_token(shared: &Shared, grant: &Grant, forgery: Option<Forgery>) -> Option<String> {
    let now = get_current_timestamp();
    let mut claims = json!({
        "iss": issuer(), "aud": CLIENT_ID, "exp": now + 3600, "nbf": now, "iat": now, "ver": "1.0",
        "sub": grant.person.oid, "oid": grant.person.oid, "name": grant.person.name,
        "emails": [grant.person.email], "tfp": grant.policy, "nonce": grant.asked.nonce, "auth_time": now,
    });
    for (name, value) in lock(&shared.state).claims.clone() {
        let all = claims.as_object_mut()?;
        if value.is_null() {
            all.remove(&name)
        } else {
            all.insert(name, value)
        };
    }
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some("key-1".into());
    let mut key = &shared.key.signing;
    match forgery {
        None => {}
        Some(Forgery::NoSignature) => {
            let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
            return Some(format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&claims)));
        }
        Some(Forgery::HmacWithClientSecret) => {
            return encode(
                &Header::new(Algorithm::HS256),
                &claims,
                &EncodingKey::from_secret(CLIENT_SECRET.as_bytes()),
            )
            .ok();
        }
        Some(Forgery::ForeignKey) => key = &shared.foreign.signing,
        Some(Forgery::UnknownKey) => header.kid = Some("key-2".into()),
        Some(Forgery::WrongAudience) => claims["aud"] = "another-application".into(),
        Some(Forgery::WrongIssuer) => claims["iss"] = "https://elsewhere.example/v2.0/".into(),
        Some(Forgery::Expired) => claims["exp"] = (now - 3600).into(),
        Some(Forgery::NotYet) => claims["nbf"] = (now + 3600).into(),
        Some(Forgery::WrongPolicy) => claims["tfp"] = "B2C_1_weaker".into(),
        Some(Forgery::WrongNonce) => claims["nonce"] = "somebody else's".into(),
    }
    encode(&header, &claims, key).ok()
}

#[derive(Deserialize)]
struct Logout {
    post_logout_redirect_uri: Option<String>,
}

async fn logout(Query(asked): Query<Logout>) -> Response {
    match asked.post_logout_redirect_uri {
        Some(target) => Redirect::to(&target).into_response(),
        None => Html("Signed out").into_response(),
    }
}
