//! The pieces put together: what the configuration says becomes clients, engine and state.

use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::dial_plan::cucm::Cucm;
use crate::dial_plan::measured::Measured;
use crate::dial_plan::read_only::ReadOnly;
use crate::identity::oidc::Oidc;
use crate::identity::passkey::Passkeys;
use crate::services::bot::Bot;
use crate::services::call_requests::CallRequests;
use crate::services::incidents::Incidents;
use crate::services::readiness::Readiness;
use crate::services::release::Releases;
use crate::services::sites::{SiteFacts, Sites};
use crate::services::{FinesseFacts, Services};
use crate::store::ServerStore;
use crate::store::embedded::Embedded;
use crate::store::mongo::Mongo;
use crate::store::shared::Shared;
use crate::telemetry::meters::{self, Meters};
use crate::webhooks::Webhooks;
use crate::webhooks::egress::EgressPolicy;
use engine::Timeline;
use engine::ports::{Clock, DialPlan};
use engine::{Engine, SiteSetup, Tuning};
use std::sync::Arc;

/// The client for the one publisher of this configuration.
///
/// # Errors
/// When the CA file cannot be used.
pub fn axl_client(cucm: &config::Cucm) -> Result<axl::Client, axl::Error> {
    axl::Client::new(axl::Config {
        url: cucm.url.clone(),
        credentials: axl::Credentials { username: cucm.username.clone(), password: cucm.password.expose().to_owned() },
        trust: cucm.trust.clone(),
        version: cucm.version,
        timeout: cucm.timeout,
    })
}

/// What the server remembers by, and what to close when it stops.
pub struct OpenStore {
    pub store: Arc<dyn ServerStore>,
    shared: Option<Shared>,
}

impl OpenStore {
    /// Passes on what other servers do not know yet.
    pub async fn close(&self) {
        if let Some(shared) = &self.shared {
            shared.close().await;
        }
    }
}

/// Opens the store of a server.
///
/// # Errors
/// When the data folder or the database's address cannot be used. A database that is away is no error.
pub async fn memory(config: &Config) -> anyhow::Result<OpenStore> {
    let local = Embedded::open(&config.store.data_dir)?;
    match &config.store.kind {
        config::StoreKind::Embedded => Ok(OpenStore { store: Arc::new(local), shared: None }),
        config::StoreKind::Mongodb { uri } => {
            let sites = config.sites.iter().map(|site| site.plan.site.clone()).collect();
            let shared = Shared::open(local, mongo(uri).await?, sites, uri).await?;
            Ok(OpenStore { store: Arc::new(shared.clone()), shared: Some(shared) })
        }
    }
}

/// Opens the store of a command that comes and goes: the file, or the database itself.
///
/// # Errors
/// When it cannot be used; a database that is away is one here.
pub async fn store(config: &Config) -> anyhow::Result<Arc<dyn ServerStore>> {
    match &config.store.kind {
        config::StoreKind::Embedded => Ok(Arc::new(Embedded::open(&config.store.data_dir)?)),
        config::StoreKind::Mongodb { uri } => {
            let mongo = mongo(uri).await?;
            mongo.prepare().await?;
            Ok(Arc::new(mongo))
        }
    }
}

/// A client for the database; nothing is sent yet.
///
/// # Errors
/// What is wrong with the address.
pub async fn mongo(uri: &config::Secret) -> anyhow::Result<Mongo> {
    Mongo::connect(uri).await.map_err(|error| anyhow::anyhow!("store.mongodb_uri: {error}"))
}

/// Engine and services over an open store.
///
/// # Errors
/// When CUCM's CA file or the store cannot be used.
pub async fn services(
    config: &Config,
    store: Arc<dyn ServerStore>,
    tuning: Tuning,
    bot: Option<Arc<dyn Bot>>,
) -> anyhow::Result<Arc<Services>> {
    let client = Arc::new(axl_client(&config.cucm)?);
    let meters = Arc::new(Meters::default());
    let cucm = Cucm::new(client.clone(), config.sites.iter().map(|site| &site.plan));
    let cucm = Measured { inner: cucm, meters: meters.clone() };
    let dial_plan: Arc<dyn DialPlan> = if config.cucm.read_only { Arc::new(ReadOnly(cucm)) } else { Arc::new(cucm) };
    let setups = config.sites.iter().map(|site| SiteSetup {
        name: site.name.clone(),
        plan: site.plan.clone(),
        two_seniors: site.release_by_two,
        drill_of: site.drill_of.clone(),
        dial_plan: dial_plan.clone(),
    });
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let timeline = Arc::new(Timeline::new(store.clone(), clock.clone()));
    let engine = Engine::start(setups.collect(), store.clone(), clock.clone(), timeline.clone(), tuning).await?;
    tokio::spawn(meters::count(meters.clone(), timeline.subscribe()));
    let facts = config.sites.iter().map(|site| SiteFacts {
        id: site.plan.site.clone(),
        zone: site.zone.clone(),
        emergency_numbers: site.plan.protected_numbers.clone(),
    });
    let oidc = match &config.identity {
        None => None,
        Some(identity) => Some(Arc::new(Oidc::new(identity.clone(), &config.http.public_url, &config.store.data_dir)?)),
    };
    let config::Webhooks { allow, networks, proxy } = config.webhooks.clone();
    let egress = EgressPolicy { allow, networks, proxy };
    let webhooks = Webhooks::new(store.clone(), store.clone(), engine.clone(), clock.clone(), timeline.clone(), egress);
    let webhooks = Arc::new(webhooks);
    let (incidents, calls) = eoc(config, &engine, &clock, &timeline, &store);
    let secret = config.identity.as_ref().map(|identity| identity.client_secret.expose());
    let passkeys = Passkeys::new(&config.http.public_url, secret);
    let releases = Releases {
        engine: engine.clone(),
        clock: clock.clone(),
        directory: store.clone(),
        rule: config.identity.as_ref().map(|identity| identity.release_passkey),
        has_passkeys: passkeys.is_some(),
    };
    Ok(Arc::new(Services {
        documents: store.clone(),
        bot,
        engine,
        clock,
        timeline,
        webhooks,
        calls,
        incidents,
        store: store.clone(),
        directory: store,
        oidc,
        sites: Sites::new(facts.collect()),
        passkeys,
        releases,
        issuer: config.identity.as_ref().map(|identity| identity.issuer.clone()),
        site_networks: config.identity.as_ref().map(|identity| identity.site_networks.clone()).unwrap_or_default(),
        finesse: config
            .finesse
            .as_ref()
            .map(|finesse| FinesseFacts { address: config.http.public_url.clone(), origins: finesse.origins.clone() }),
        banners: banners(config),
        readiness: Readiness::new(config),
        meters,
    }))
}

/// The EOC's files and its queue.
fn eoc(
    config: &Config,
    engine: &Arc<Engine>,
    clock: &Arc<dyn Clock>,
    timeline: &Arc<Timeline>,
    store: &Arc<dyn ServerStore>,
) -> (Arc<Incidents>, Arc<CallRequests>) {
    let incidents = Arc::new(Incidents {
        store: store.clone(),
        directory: store.clone(),
        calls: store.clone(),
        engine: engine.clone(),
        clock: clock.clone(),
        timeline: timeline.clone(),
        settings: config.incidents.clone(),
    });
    let calls = CallRequests {
        store: store.clone(),
        directory: store.clone(),
        engine: engine.clone(),
        clock: clock.clone(),
        timeline: timeline.clone(),
        incidents: incidents.clone(),
        settings: config.calls.clone(),
        countries: config.sites.iter().map(|site| (site.plan.site.clone(), site.country)).collect(),
    };
    (incidents, Arc::new(calls))
}

/// From the configuration: how the engine goes about it.
pub fn tuning(cucm: &config::Cucm) -> Tuning {
    Tuning { sweep: cucm.sweep, max_in_flight: cucm.max_in_flight, ..Tuning::default() }
}

fn banners(config: &Config) -> Vec<String> {
    let notices = [
        (
            matches!(config.cucm.trust, axl::Trust::Insecure),
            "CUCM’s certificate is not checked (cucm.tls.insecure). For a lab only.",
        ),
        (config.cucm.read_only, "Read-only: CUCM is watched and never changed (cucm.mode)."),
        (config.identity.is_none(), "No identity provider is configured: only API keys work."),
    ];
    notices.into_iter().filter(|(holds, _)| *holds).map(|(_, text)| text.to_owned()).collect()
}
