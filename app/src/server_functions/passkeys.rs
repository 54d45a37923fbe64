#[cfg(feature = "ssr")]
use crate::backend::{ABOUT_KEYS, anyone, caller, here};
use crate::error::ApiError;
use crate::view::QuestionView;
use leptos::prelude::*;

/// A question for a key: `enrol` a new one, prove that it is still me (for a change of my `keys`, or for
/// `release@` and a site), or `sign-in` as anybody (whose answer goes to `/auth/passkey`).
#[server(prefix = "/ui", endpoint = "ask-passkey")]
pub async fn ask_passkey(purpose: String) -> Result<QuestionView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = anyone()?;
        match (purpose.as_str(), operator) {
            ("sign-in", _) => backend.passkey_sign_in().await,
            (_, None) => Err(ApiError::SignInFirst),
            ("enrol", Some(operator)) => backend.enrol_passkey(&operator, here()).await,
            (about, Some(operator)) if about == ABOUT_KEYS || about.starts_with("release@") => {
                backend.prove_begin(&operator, purpose).await
            }
            _ => Err(ApiError::Malformed),
        }
    })
    .await
}

/// The key's answer. A proof is good for one all-clear within five minutes.
#[server(prefix = "/ui", endpoint = "answer-passkey")]
pub async fn answer_passkey(purpose: String, ticket: String, answer: String, label: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        match purpose.as_str() {
            "enrol" => backend.add_passkey(&operator, here(), ticket, answer, label).await,
            // What it is about stands in the ticket.
            _ => backend.prove(&operator, here(), ticket, answer).await,
        }
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
