//! A Unified CM publisher with one subscriber, as far as a lockdown can see it.

mod axl;
mod control;
pub mod digits;
mod faults;
pub mod model;
mod operations;
pub(crate) mod soap;
mod sql;
pub mod town;

pub use faults::{Clause, Faults, Sql};
pub use model::Cluster;

use crate::tls::Identity;
use crate::web::WebServer;
use digits::{Call, Dialling};
use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest, Sha256};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// The simulated cluster: a value to look into and to meddle with, and servers on loopback.
pub struct CucmSim {
    state: Arc<State>,
    identity: Identity,
    publisher: WebServer,
    subscriber: WebServer,
    control: Option<WebServer>,
}

pub(crate) struct State {
    /// The dial plan as it came.
    first: Cluster,
    cluster: Mutex<Cluster>,
    /// What the subscriber holds while replication is paused.
    replica: Mutex<Option<Cluster>>,
    faults: Mutex<Faults>,
    sessions: Mutex<axl::Sessions>,
    log: Mutex<Vec<Exchange>>,
}

/// One AXL request and its answer, without the envelope.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub operation: String,
    pub request: String,
    pub response: String,
}

impl CucmSim {
    /// Starts a cluster with a dial plan of `plans/` by name, AXL on a free port.
    ///
    /// # Errors
    /// When there is no such plan or no port is free.
    pub async fn start(plan: &str) -> io::Result<Self> {
        Self::start_on(plan, 0, None).await
    }

    /// Like [`CucmSim::start`], with a fixed AXL port and a control port for other processes.
    ///
    /// # Errors
    /// When there is no such plan or a port is taken.
    pub async fn start_on(plan: &str, port: u16, control: Option<u16>) -> io::Result<Self> {
        let cluster = Cluster::named(plan)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no dial plan {plan}")))?;
        Self::with_cluster(cluster, port, control).await
    }

    /// Starts with a dial plan of one's own.
    ///
    /// # Errors
    /// When a port is taken.
    pub async fn with_cluster(cluster: Cluster, port: u16, control: Option<u16>) -> io::Result<Self> {
        let identity = Identity::new("cucm-pub.acme.example", true).map_err(io::Error::other)?;
        let state = Arc::new(State {
            first: cluster.clone(),
            cluster: Mutex::new(cluster),
            replica: Mutex::new(None),
            faults: Mutex::default(),
            sessions: Mutex::default(),
            log: Mutex::default(),
        });
        let tls = identity.server().await?;
        let publisher = WebServer::start(axl::router(state.clone(), true), Some(tls.clone()), port)?;
        let subscriber = WebServer::start(axl::router(state.clone(), false), Some(tls), 0)?;
        let mut sim = Self { state, identity, publisher, subscriber, control: None };
        if let Some(port) = control {
            sim.control = Some(WebServer::start(control::router(&sim), None, port)?);
        }
        Ok(sim)
    }

    /// `https://127.0.0.1:port/axl/` of the publisher.
    pub fn url(&self) -> String {
        format!("https://{}/axl/", self.publisher.address())
    }

    pub fn subscriber_url(&self) -> String {
        format!("https://{}/axl/", self.subscriber.address())
    }

    pub fn control_address(&self) -> Option<SocketAddr> {
        self.control.as_ref().map(WebServer::address)
    }

    /// SHA-256 of the certificate, for pinning.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.identity.certificate_der).into()
    }

    pub fn certificate_pem(&self) -> &str {
        &self.identity.certificate_pem
    }

    /// Looks at the cluster.
    pub fn cluster(&self) -> MutexGuard<'_, Cluster> {
        lock(&self.state.cluster)
    }

    /// An administrator changes something by hand. Change notifications follow.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Cluster) -> T) -> T {
        self.cluster().edited(change)
    }

    /// Faults to come; set what you want on the value.
    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.state.faults)
    }

    /// Which pattern takes these digits from this calling search space now, and where do they go?
    pub fn dial(&self, css: &str, digits: &str, dialling: Dialling) -> Call {
        digits::dial(&self.cluster(), css, digits, dialling)
    }

    /// All AXL requests so far, oldest first.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.state.log).clone()
    }

    /// How many writes were applied so far.
    pub fn writes(&self) -> usize {
        self.exchanges().iter().filter(|exchange| exchange.operation.starts_with("update")).count()
    }

    /// Every session cookie expires now.
    pub fn expire_sessions(&self) {
        lock(&self.state.sessions).expire();
    }

    /// The publisher goes away: connections are refused.
    pub async fn stop(&self) {
        self.publisher.stop().await;
    }

    /// The publisher is back, on the same port.
    ///
    /// # Errors
    /// When somebody took the port.
    pub fn resume(&self) -> io::Result<()> {
        self.publisher.resume()
    }

    /// The subscriber keeps what it has now until replication goes on.
    pub fn pause_replication(&self) {
        let held = self.cluster().clone();
        *lock(&self.state.replica) = Some(held);
    }

    pub fn resume_replication(&self) {
        *lock(&self.state.replica) = None;
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
