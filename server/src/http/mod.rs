//! Every route in one table. Handlers extract, ask, and map; none decides.

mod address;
mod around;
mod ask;
mod body;
mod card;
mod connections;
mod embed;
mod exports;
mod health;
mod language;
mod limits;
mod live;
mod location;
mod once;
mod pages;
mod phone;
mod plan_files;
pub mod rest;
mod same_origin;
mod sign_in;
mod stop;
mod trace;
mod webex;
mod who;

pub use around::Around;
pub use connections::Connections;
pub use stop::Stop;

use crate::backend::Pages;
use crate::config::Config;
use crate::phone::Desk;
use crate::services::Services;
use crate::webex::Front;
use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use ipnet::IpNet;
use leptos::config::{Env, LeptosOptions};
use leptos::server_fn::axum::server_fn_paths;
use std::convert::Infallible;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use tower::{Layer, Service};
use tower_http::compression::CompressionLayer;

/// What handlers work with. Copied with every request, so it is one pointer.
#[derive(Clone)]
pub struct AppState(Arc<Handled>);

impl Deref for AppState {
    type Target = Handled;

    fn deref(&self) -> &Handled {
        &self.0
    }
}

/// The pieces of it.
pub struct Handled {
    pub services: Arc<Services>,
    pub pages: Arc<Pages>,
    pub public_url: Arc<str>,
    pub public_status: bool,
    /// `Strict-Transport-Security` and `Secure` cookies: the public address is https.
    pub https: bool,
    /// Where Webex delivers; `None` where no bot is configured.
    webex: Option<Arc<Front>>,
    /// `None` where there is no service on desk phones.
    phones: Option<Arc<Desk>>,
    /// Pages that may frame `/embed/finesse`.
    frames: Arc<[String]>,
    limits: Arc<limits::Limits>,
    trusted_proxies: Arc<[IpNet]>,
    teller: live::Teller,
    /// Ends every open line.
    pub stop: Stop,
    running: rest::Running,
    brief: rest::Brief,
    leptos: LeptosOptions,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

impl AppState {
    pub fn new(config: &Config, services: Arc<Services>, webex: Option<Arc<Front>>, site_root: &Path) -> Self {
        let names = site_root.join("hash.txt");
        let leptos = LeptosOptions::builder()
            .hash_files(names.exists())
            .hash_file(Arc::<str>::from(names.display().to_string()))
            .output_name("lockdown")
            .site_root(site_root.display().to_string())
            .site_pkg_dir("pkg")
            .env(Env::PROD)
            .build();
        let phones = config.phone.clone().map(|phone| {
            let secret = config.identity.as_ref().map(|identity| &identity.client_secret);
            Arc::new(Desk::new(services.clone(), phone, &config.http.public_url, secret))
        });
        let pages = Arc::new(Pages::new(services.clone()));
        Self(Arc::new(Handled {
            teller: live::Teller::start(pages.clone()),
            stop: Stop::default(),
            pages,
            services,
            webex,
            public_url: config.http.public_url.as_str().into(),
            public_status: config.http.public_status,
            https: config.http.public_url.starts_with("https://"),
            phones,
            frames: config.finesse.as_ref().map(|finesse| finesse.origins.clone()).unwrap_or_default().into(),
            limits: Arc::new(limits::Limits::new(config.http.lines_per_address)),
            trusted_proxies: config.http.trusted_proxies.clone().into(),
            running: rest::Running::default(),
            brief: rest::Brief::default(),
            leptos,
        }))
    }
}

/// What is neither page nor server function nor REST.
fn own() -> Vec<(&'static str, &'static str, MethodRouter<AppState>)> {
    vec![
        ("GET", "/auth/login", get(sign_in::login)),
        ("GET", "/auth/callback", get(sign_in::callback)),
        ("POST", "/auth/passkey", post(sign_in::by_passkey)),
        ("POST", "/auth/code", post(sign_in::by_code)),
        ("POST", "/auth/logout", post(sign_in::logout)),
        ("GET", "/auth/handoff/login", get(embed::login)),
        ("GET", "/auth/handoff", get(embed::window)),
        ("POST", "/auth/handoff", post(embed::connect)),
        ("POST", "/auth/handoff/claim", post(embed::claim)),
        ("GET", "/embed/state", get(embed::state_of)),
        ("POST", "/embed/leave", post(embed::leave)),
        ("GET", "/admin/clients/add", once::back_to("/admin/clients")),
        ("POST", "/admin/clients/add", post(once::add_key)),
        ("GET", "/admin/clients/rotate", once::back_to("/admin/clients")),
        ("POST", "/admin/clients/rotate", post(once::rotate_key)),
        ("GET", "/admin/codes/print", once::back_to("/admin/people")),
        ("POST", "/admin/codes/print", post(once::print_codes)),
        ("GET", "/admin/finesse/file", once::back_to("/admin/finesse")),
        ("POST", "/admin/finesse/file", post(once::make_gadget)),
        ("GET", "/admin/webhooks/add", once::back_to("/admin/webhooks")),
        ("POST", "/admin/webhooks/add", post(once::add_hook)),
        ("GET", "/admin/webhooks/rotate", once::back_to("/admin/webhooks")),
        ("POST", "/admin/webhooks/rotate", post(once::rotate_hook)),
        ("GET", "/admin/webhooks/test", once::back_to("/admin/webhooks")),
        ("POST", "/admin/webhooks/test", post(once::test_hook)),
        ("GET", "/leaked-key/report", once::back_to("/leaked-key")),
        ("POST", "/leaked-key/report", post(once::report_key)),
        ("GET", "/requests/file", once::back_to("/requests")),
        ("POST", "/requests/file", post(ask::file)),
        ("POST", "/requests/answer", post(ask::answer)),
        ("GET", "/admin/requests/export", get(ask::export)),
        ("GET", "/card", get(card::card)),
        ("GET", "/incidents/{id}/{export}", get(exports::page)),
        ("GET", "/plan/{site}/{export}", get(plan_files::page)),
        ("POST", "/hooks/webex", post(webex::delivered)),
        ("GET", "/phone/v1", get(phone::entry)),
        ("GET", "/phone/v1/status", get(phone::status)),
        ("GET", "/phone/v1/lock", get(phone::ask_pin)),
        ("GET", "/phone/v1/lock/{device}/{once}", get(phone::lock)),
        ("POST", "/phone/v1/lock/{device}/{once}", post(phone::lock)),
        ("GET", "/phone/v1/log", get(phone::ask_call)),
        ("GET", "/phone/v1/log/{device}/{form}", get(phone::log_call)),
        ("POST", "/phone/v1/log/{device}/{form}", post(phone::log_call)),
        ("GET", "/ui/live", get(live::page_line)),
        ("GET", "/healthz", get(health::healthz)),
        ("GET", "/readyz", get(health::readyz)),
    ]
}

/// Every way in there is, as `METHOD /path`, in order. Files of the browser side apart.
pub fn routes() -> Vec<String> {
    let pages = pages::paths().into_iter().map(|path| format!("GET {path}"));
    let functions = server_fn_paths().map(|(path, method)| format!("{method} {path}"));
    let own = own().into_iter().map(|(method, path, _)| format!("{method} {path}"));
    let mut all: Vec<String> = pages.chain(functions).chain(own).chain(rest::routes()).collect();
    all.sort();
    all
}

/// All of it, to be served.
pub fn door(
    state: &AppState,
) -> Around<impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + use<>> {
    let own = own().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler));
    let own = own.merge(rest::router()).with_state(state.clone());
    let compressed = pages::router(state).layer(CompressionLayer::new());
    // Bounded where it comes in: see `body`.
    let handlers = DefaultBodyLimit::disable().layer(own.merge(compressed));
    Around { state: state.clone(), handlers }
}
