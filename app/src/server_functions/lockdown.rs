use crate::error::ApiError;
use crate::view::{ConsoleView, SiteView, StatusView};
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {crate::backend::ReleaseRequest, lockdown::ids::SiteId};

/// What everybody may see.
#[server(prefix = "/ui", endpoint = "status")]
pub async fn status() -> Result<StatusView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::anyone()?;
        backend.status(operator.as_ref()).await
    })
    .await
}

/// The console of `site`, or of the first.
#[server(prefix = "/ui", endpoint = "console")]
pub async fn console(site: Option<String>) -> Result<ConsoleView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::caller()?;
        let site = site.map(SiteId::try_from).transpose().map_err(|_| ApiError::NoSuchSite)?;
        backend.console(&operator, crate::backend::here(), site).await
    })
    .await
}

/// Orders the PSTN lock. Nobody approves first, and no reason is needed. From a frame the switch must have
/// been armed just now. Gives back the site as it stands then: a page whose live line is dead shows the order at once.
#[server(prefix = "/ui", endpoint = "activate")]
pub async fn activate(site: String, reason: Option<String>, armed: Option<String>) -> Result<SiteView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::caller()?;
        super::gadget::check_armed(armed)?;
        let site = SiteId::try_from(site).map_err(|_| ApiError::NoSuchSite)?;
        backend.activate(&operator, site, said(reason)).await
    })
    .await
}

/// Orders the all-clear for the state of version `seen`, by typing the site's name.
#[server(prefix = "/ui", endpoint = "release")]
pub async fn release(
    site: String,
    typed: String,
    seen: String,
    reason: Option<String>,
    break_glass: Option<String>,
) -> Result<SiteView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::caller()?;
        let site = SiteId::try_from(site).map_err(|_| ApiError::NoSuchSite)?;
        let seen = seen.parse().map_err(|_| ApiError::Malformed)?;
        let wish =
            ReleaseRequest { reason: said(reason), break_glass: break_glass.is_some(), here: crate::backend::here() };
        backend.release(&operator, site, typed, seen, wish).await
    })
    .await
}

/// An empty box is no reason; a very long one is cut.
#[cfg(feature = "ssr")]
fn said(reason: Option<String>) -> Option<String> {
    let text: String = reason?.trim().chars().take(500).collect();
    (!text.is_empty()).then_some(text)
}
