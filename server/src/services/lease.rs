//! Of several servers one tends what is outside: what is posted cannot be posted once by two.

use crate::services::Services;
use crate::store::documents::Document;
use engine::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::sync::Arc;

/// Longer than any single thing that is done under it takes; whoever holds it renews it at half time.
const LEASE: SignedDuration = SignedDuration::from_secs(90);

#[derive(Serialize, Deserialize)]
struct Lease {
    server: String,
    until: Timestamp,
}

/// This server among those of the installation.
pub struct Leases {
    pub(crate) services: Arc<Services>,
    pub(crate) server: String,
}

impl Leases {
    pub fn new(services: Arc<Services>, listen: SocketAddr) -> Self {
        let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
        Self { services, server: format!("{}{listen}", host.trim()) }
    }

    /// Is it this server that does `what`, for half a minute at least?
    ///
    /// # Errors
    /// When the store cannot be asked.
    pub async fn holds(&self, what: &str) -> Result<bool, StoreError> {
        // A store of one server has nobody to agree with.
        if self.services.store.shared_news().is_none() {
            return Ok(true);
        }
        let name = format!("lease/{what}");
        let now = self.services.clock.now();
        let document = self.services.documents.document(&name).await?;
        let version = document.as_ref().map_or(0, |document| document.version);
        let held = document.and_then(|document| serde_json::from_str::<Lease>(&document.text).ok());
        match &held {
            Some(lease) if lease.server != self.server && lease.until > now => return Ok(false),
            Some(lease) if lease.server == self.server && lease.until > now + LEASE / 2 => return Ok(true),
            _ => {}
        }
        let lease = Lease { server: self.server.clone(), until: now + LEASE };
        let text = serde_json::to_string(&lease).map_err(|error| StoreError::Failed(error.to_string()))?;
        match self.services.documents.put_document(&name, &Document { version: version + 1, text }).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
