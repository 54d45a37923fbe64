use crate::error::ApiError;
use crate::view::{DrillsView, ReadinessView};
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {crate::backend::caller, lockdown::ids::SiteId};

/// Would a lock work now? Everything is looked at anew.
#[server(prefix = "/ui", endpoint = "readiness")]
pub async fn readiness() -> Result<ReadinessView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.readiness(&operator).await
    })
    .await
}

/// Writes to CUCM what it holds already.
#[server(prefix = "/ui", endpoint = "prove-write")]
pub async fn prove_write(site: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let site = SiteId::try_from(site).map_err(|_| ApiError::NoSuchSite)?;
        backend.prove_write(&operator, site).await
    })
    .await
}

/// Where the lock is practised, and how long it took each time.
#[server(prefix = "/ui", endpoint = "drills")]
pub async fn drills() -> Result<DrillsView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.drills(&operator).await
    })
    .await
}
