use crate::error::ApiError;
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {
    super::people::known,
    crate::backend::{caller, here},
};

/// No sealed code of this person is good any more.
#[server(prefix = "/ui", endpoint = "revoke-codes")]
pub async fn revoke_codes(person: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.revoke_codes(&operator, known(person)?).await
    })
    .await
}

/// My PIN for desk phones: 6 to 12 digits.
#[server(prefix = "/ui", endpoint = "set-pin")]
pub async fn set_pin(pin: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.set_pin(&operator, here(), pin.trim().to_owned()).await
    })
    .await
}

/// Everybody may remove their own; an administrator everybody's.
#[server(prefix = "/ui", endpoint = "remove-pin")]
pub async fn remove_pin(person: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.remove_pin(&operator, here(), known(person)?).await
    })
    .await
}

/// Why a door past the identity provider was used.
#[server(prefix = "/ui", endpoint = "review")]
pub async fn review(event: String, note: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.review(&operator, event, note).await
    })
    .await
}
