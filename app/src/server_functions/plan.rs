use crate::error::ApiError;
use crate::view::PlanView;
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {crate::backend::caller, lockdown::ids::SiteId};

/// Who can call where at `site`, or at the first, as the plan was checked last; and the way of one number.
#[server(prefix = "/ui", endpoint = "plan")]
pub async fn plan(site: Option<String>, from: Option<String>, dial: Option<String>) -> Result<PlanView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let site = site.map(SiteId::try_from).transpose().map_err(|_| ApiError::NoSuchSite)?;
        let asked = from.zip(dial).filter(|(from, dial)| !(from.trim().is_empty() && dial.trim().is_empty()));
        backend.plan(&operator, site, asked).await
    })
    .await
}

/// Reads CUCM and checks the plan anew. Nothing is written there.
#[server(prefix = "/ui", endpoint = "check-plan")]
pub async fn check_plan(site: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let site = SiteId::try_from(site).map_err(|_| ApiError::NoSuchSite)?;
        backend.check_plan(&operator, site).await
    })
    .await
}
