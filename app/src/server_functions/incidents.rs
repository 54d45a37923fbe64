use crate::error::ApiError;
use crate::view::{IncidentView, IncidentsView, WallView};
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {crate::backend::caller, lockdown::ids::SiteId, lockdown::incident::Entry};

/// All incidents, newest first.
#[server(prefix = "/ui", endpoint = "incidents")]
pub async fn incidents() -> Result<IncidentsView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.incidents(&operator).await
    })
    .await
}

/// One incident, whole.
#[server(prefix = "/ui", endpoint = "incident")]
pub async fn incident(id: String) -> Result<IncidentView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.incident(&operator, id).await
    })
    .await
}

/// Adds to an incident: `what` is a word of the rule book.
#[server(prefix = "/ui", endpoint = "write-incident")]
pub async fn write_incident(id: String, what: String, name: String, text: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let entry = Entry::of(&what, name, text).ok_or(ApiError::Malformed)?;
        backend.write_incident(&operator, id, entry).await
    })
    .await
}

/// Invites those again who could not be invited to the incident's Webex space.
#[server(prefix = "/ui", endpoint = "invite-again")]
pub async fn invite_again(id: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.invite_again(&operator, id).await
    })
    .await
}

/// The board of `site`, or of the first.
#[server(prefix = "/ui", endpoint = "wall")]
pub async fn wall(site: Option<String>) -> Result<WallView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let site = site.map(SiteId::try_from).transpose().map_err(|_| ApiError::NoSuchSite)?;
        backend.wall(&operator, site).await
    })
    .await
}
