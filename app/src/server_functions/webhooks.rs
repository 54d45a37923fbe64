#[cfg(feature = "ssr")]
use crate::backend::caller;
use crate::error::ApiError;
use crate::view::HooksView;
use leptos::prelude::*;

/// All webhooks, without their secrets; the deliveries of `chosen`.
#[server(prefix = "/ui", endpoint = "webhooks")]
pub async fn webhooks(chosen: Option<String>) -> Result<HooksView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.hooks(&operator, chosen).await
    })
    .await
}

/// Takes a webhook away, with everything that waits for it.
#[server(prefix = "/ui", endpoint = "remove-webhook")]
pub async fn remove_webhook(hook: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.remove_hook(&operator, hook).await
    })
    .await
}

/// Sends again to a webhook that is off.
#[server(prefix = "/ui", endpoint = "enable-webhook")]
pub async fn enable_webhook(hook: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.enable_hook(&operator, hook).await
    })
    .await
}

/// Sends one delivery again.
#[server(prefix = "/ui", endpoint = "replay-webhook")]
pub async fn replay_webhook(hook: String, delivery: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.replay(&operator, hook, delivery).await
    })
    .await
}
