//! What may be done, whichever surface asks for it. A service knows the rules, the engine and the store; it knows no page
//! and no transport.

pub mod bot;
pub mod call_requests;
pub mod gadget_files;
pub mod gadget_shell;
pub mod incidents;
pub mod lease;
pub mod people;
pub mod plan_bodies;
pub mod readiness;
pub mod release;
pub mod sites;

use crate::identity::oidc::Oidc;
use crate::identity::passkey::Passkeys;
use crate::services::call_requests::CallRequests;
use crate::services::incidents::Incidents;
use crate::services::readiness::Readiness;
use crate::store::Directory;
use crate::store::documents::Documents;
use crate::telemetry::meters::Meters;
use crate::webhooks::Webhooks;
use bot::Bot;
use engine::ports::{Clock, Store};
use engine::{Engine, Timeline};
use ipnet::IpNet;
use lockdown::ids::SiteId;
use release::Releases;
use sites::Sites;
use std::sync::Arc;

/// All of them, with what they stand on: every surface has this and nothing else of the server.
pub struct Services {
    pub clock: Arc<dyn Clock>,
    pub timeline: Arc<Timeline>,
    pub engine: Arc<Engine>,
    pub store: Arc<dyn Store>,
    pub directory: Arc<dyn Directory>,
    pub documents: Arc<dyn Documents>,
    pub sites: Sites,
    pub releases: Releases,
    pub calls: Arc<CallRequests>,
    pub incidents: Arc<Incidents>,
    pub readiness: Readiness,
    pub webhooks: Arc<Webhooks>,
    pub oidc: Option<Arc<Oidc>>,
    /// `None` where this server's address has no passkeys.
    pub passkeys: Option<Passkeys>,
    /// `None` where no bot is configured.
    pub bot: Option<Arc<dyn Bot>>,
    /// `None` where there is no gadget.
    pub finesse: Option<FinesseFacts>,
    /// The configured provider's issuer: what a roster's subjects belong to.
    pub issuer: Option<String>,
    /// Where sealed codes are taken from.
    pub site_networks: Vec<IpNet>,
    /// Standing notices for the console: no certificate check, read-only, no sign-in.
    pub banners: Vec<String>,
    /// What is counted for Prometheus.
    pub meters: Arc<Meters>,
}

/// What the configuration says of the gadget.
pub struct FinesseFacts {
    /// Our own address, as the gadget's file names it.
    pub address: String,
    /// Pages that may frame it.
    pub origins: Vec<String>,
}

impl Services {
    /// What everybody may know of a site: its name, and the numbers that a lock never touches.
    pub fn public_facts(&self, site: &SiteId) -> (String, &[String]) {
        (self.site_name(site), self.sites.emergency_numbers(site))
    }

    /// Its id where it is not known here.
    pub fn site_name(&self, site: &SiteId) -> String {
        self.engine.status(site).map_or_else(|_| site.to_string(), |status| status.name)
    }
}
