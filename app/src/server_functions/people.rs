use crate::error::ApiError;
use crate::view::{MyView, PeopleView, PersonPageView};
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {
    crate::backend::{Profile, caller},
    lockdown::ids::{OperatorId, SiteId},
    lockdown::operator::{Grants, Role},
};

/// Everybody whose name or e-mail has `find` in it.
#[server(prefix = "/ui", endpoint = "people")]
pub async fn people(find: Option<String>) -> Result<PeopleView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.people(&operator, find).await
    })
    .await
}

/// One person, with sessions.
#[server(prefix = "/ui", endpoint = "person")]
pub async fn person(id: String) -> Result<PersonPageView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.person(&operator, known(id)?, crate::backend::here()).await
    })
    .await
}

/// Gives a person exactly the ticked roles, each `role` or `role@site`. A box that is not ticked is not
/// sent.
#[server(prefix = "/ui", endpoint = "set-roles")]
pub async fn set_roles(person: String, seen: String, #[server(default)] grants: Vec<String>) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let seen = seen.parse().map_err(|_| ApiError::Malformed)?;
        backend.set_roles(&operator, known(person)?, seen, ticked(&grants)?).await
    })
    .await
}

#[server(prefix = "/ui", endpoint = "set-profile")]
pub async fn set_profile(
    person: String,
    seen: String,
    email: String,
    webex: String,
    extension: String,
    phones: String,
    language: String,
) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let seen = seen.parse().map_err(|_| ApiError::Malformed)?;
        let filled =
            |text: String| Some(text.trim().chars().take(200).collect::<String>()).filter(|text| !text.is_empty());
        let profile = Profile {
            email: filled(email),
            webex: filled(webex),
            extension: filled(extension),
            phones: phones.split_whitespace().take(20).map(str::to_owned).collect(),
            language: filled(language),
        };
        backend.set_profile(&operator, known(person)?, seen, profile).await
    })
    .await
}

/// `disabled`: `yes` or `no`.
#[server(prefix = "/ui", endpoint = "set-disabled")]
pub async fn set_disabled(person: String, seen: String, disabled: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let seen = seen.parse().map_err(|_| ApiError::Malformed)?;
        backend.set_disabled(&operator, known(person)?, seen, disabled == "yes").await
    })
    .await
}

/// The profile `gone` is the same person as `kept`.
#[server(prefix = "/ui", endpoint = "merge-people")]
pub async fn merge_people(kept: String, gone: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.merge_people(&operator, known(kept)?, known(gone)?).await
    })
    .await
}

/// Ends one session of a person, or all of them. Everybody may end their own.
#[server(prefix = "/ui", endpoint = "end-sessions")]
pub async fn end_sessions(person: String, session: Option<String>) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend
            .end_sessions(&operator, crate::backend::here(), known(person)?, session.filter(|id| !id.is_empty()))
            .await
    })
    .await
}

/// Looks through a roster (CSV); with `dry_run` = `no` it is taken over.
#[server(prefix = "/ui", endpoint = "import-roster")]
pub async fn import_roster(roster: String, dry_run: String) -> Result<Vec<String>, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.import_roster(&operator, roster, dry_run != "no").await
    })
    .await
}

/// My own profile and sessions.
#[server(prefix = "/ui", endpoint = "me")]
pub async fn me() -> Result<MyView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.me(&operator, crate::backend::here()).await
    })
    .await
}

#[cfg(feature = "ssr")]
pub(super) fn known(id: String) -> Result<OperatorId, ApiError> {
    OperatorId::try_from(id).map_err(|_| ApiError::NoSuchPerson)
}

#[cfg(feature = "ssr")]
fn ticked(words: &[String]) -> Result<Grants, ApiError> {
    let mut grants = Grants::default();
    for word in words {
        let (role, site) = word.split_once('@').map_or((word.as_str(), None), |(role, site)| (role, Some(site)));
        let role = Role::from_word(role).ok_or(ApiError::Malformed)?;
        match site.map(SiteId::try_from).transpose().map_err(|_| ApiError::NoSuchSite)? {
            None => grants.everywhere.insert(role),
            Some(_) if role == Role::Admin => return Err(ApiError::Malformed),
            Some(site) => grants.at.entry(site).or_default().insert(role),
        };
    }
    Ok(grants)
}
