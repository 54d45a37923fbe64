#[cfg(feature = "ssr")]
use crate::backend::{anyone, caller, here};
use crate::error::ApiError;
use crate::view::QuestionView;
use leptos::prelude::*;

/// A question for a key that shall be added to my profile.
#[server(prefix = "/ui", endpoint = "enrol-passkey")]
pub async fn enrol_passkey() -> Result<QuestionView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.enrol_passkey(&operator, here()).await
    })
    .await
}

/// The new key's answer.
#[server(prefix = "/ui", endpoint = "add-passkey")]
pub async fn add_passkey(ticket: String, answer: String, label: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.add_passkey(&operator, here(), ticket, answer, label).await
    })
    .await
}

/// Everybody may remove their own; an administrator everybody's.
#[server(prefix = "/ui", endpoint = "remove-passkey")]
pub async fn remove_passkey(person: String, passkey: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let person = person.try_into().map_err(|_| ApiError::NoSuchPerson)?;
        backend.remove_passkey(&operator, here(), person, passkey).await
    })
    .await
}

/// A question for one of my keys: is it still me?
#[server(prefix = "/ui", endpoint = "prove-begin")]
pub async fn prove_begin() -> Result<QuestionView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.prove_begin(&operator).await
    })
    .await
}

/// The key's answer. Good for one all-clear within five minutes.
#[server(prefix = "/ui", endpoint = "prove")]
pub async fn prove(ticket: String, answer: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.prove(&operator, here(), ticket, answer).await
    })
    .await
}

/// A question for anybody's key. The answer goes to `/auth/passkey`.
#[server(prefix = "/ui", endpoint = "passkey-sign-in")]
pub async fn passkey_sign_in() -> Result<QuestionView, ApiError> {
    crate::backend::answer(async {
        let (backend, _) = anyone()?;
        backend.passkey_sign_in().await
    })
    .await
}
