use crate::error::ApiError;
use crate::view::PeopleView;
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use lockdown::{ids::OperatorId, operator::Role};

#[server(prefix = "/ui", endpoint = "people")]
pub async fn people() -> Result<PeopleView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::caller()?;
        backend.people(&operator).await
    })
    .await
}

/// Gives a person exactly the ticked roles. A box that is not ticked is not sent.
#[server(prefix = "/ui", endpoint = "set-roles")]
pub async fn set_roles(
    person: String,
    seen: String,
    eoc: Option<String>,
    senior_eoc: Option<String>,
    admin: Option<String>,
) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::caller()?;
        let person = OperatorId::try_from(person).map_err(|_| ApiError::NoSuchPerson)?;
        let seen = seen.parse().map_err(|_| ApiError::Malformed)?;
        let ticked = [(eoc, Role::Eoc), (senior_eoc, Role::SeniorEoc), (admin, Role::Admin)];
        let roles = ticked.into_iter().filter_map(|(tick, role)| tick.map(|_| role)).collect();
        backend.set_roles(&operator, person, seen, roles).await
    })
    .await
}
