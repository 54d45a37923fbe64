//! What handlers work with.

use super::Shutdown;
use super::limits::Limits;
use crate::config::Config;
use crate::services::Services;
use crate::surfaces::desk_phone::DeskPhones;
use crate::surfaces::rest;
use crate::surfaces::web::backend::Pages;
use crate::surfaces::web::live::Broadcaster;
use crate::surfaces::webex::BotHandle;
use axum::extract::FromRef;
use ipnet::IpNet;
use leptos::config::{Env, LeptosOptions};
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

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
    pub(crate) webex: Option<Arc<BotHandle>>,
    /// `None` where there is no service on desk phones.
    pub(crate) phones: Option<Arc<DeskPhones>>,
    /// Pages that may frame `/embed/finesse`.
    pub(crate) frames: Arc<[String]>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    pub(crate) broadcaster: Broadcaster,
    /// Ends every open line.
    pub stop: Shutdown,
    pub(crate) running: rest::Running,
    pub(crate) brief: rest::Brief,
    pub(crate) leptos: LeptosOptions,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

impl AppState {
    pub fn new(config: &Config, services: Arc<Services>, webex: Option<Arc<BotHandle>>, site_root: &Path) -> Self {
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
            Arc::new(DeskPhones::new(services.clone(), phone, &config.http.public_url, secret))
        });
        let pages = Arc::new(Pages::new(services.clone()));
        Self(Arc::new(Handled {
            broadcaster: Broadcaster::start(pages.clone()),
            stop: Shutdown::default(),
            pages,
            services,
            webex,
            public_url: config.http.public_url.as_str().into(),
            public_status: config.http.public_status,
            https: config.http.public_url.starts_with("https://"),
            phones,
            frames: config.finesse.as_ref().map(|finesse| finesse.origins.clone()).unwrap_or_default().into(),
            limits: Arc::new(Limits::new(config.http.lines_per_address)),
            trusted_proxies: config.http.trusted_proxies.clone().into(),
            running: rest::Running::default(),
            brief: rest::Brief::default(),
            leptos,
        }))
    }
}
