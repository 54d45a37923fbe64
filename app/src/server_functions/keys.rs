#[cfg(feature = "ssr")]
use crate::backend::caller;
use crate::error::ApiError;
use crate::view::KeysView;
use leptos::prelude::*;

/// All API keys, without their secrets.
#[server(prefix = "/ui", endpoint = "keys")]
pub async fn keys() -> Result<KeysView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.keys(&operator).await
    })
    .await
}

/// Takes a key back, at once.
#[server(prefix = "/ui", endpoint = "revoke-key")]
pub async fn revoke_key(key: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.revoke_key(&operator, key).await
    })
    .await
}
