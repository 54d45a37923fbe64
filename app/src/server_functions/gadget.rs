use crate::error::ApiError;
use crate::view::{FinesseView, GadgetView};
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {
    crate::backend::{Switch, anyone, caller, here},
    std::sync::Arc,
};

/// The frame of a gadget with this key.
#[server(prefix = "/ui", endpoint = "gadget")]
pub async fn gadget(key: String) -> Result<GadgetView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = anyone()?;
        backend.gadget(operator.as_ref(), here(), key).await
    })
    .await
}

/// Arms the switch of the frame that asks, for half a minute.
#[server(prefix = "/ui", endpoint = "arm")]
pub async fn arm() -> Result<String, ApiError> {
    crate::backend::answer(async {
        caller()?;
        use_context::<Arc<dyn Switch>>().map(|switch| switch.arm()).ok_or(ApiError::Malformed)
    })
    .await
}

/// In a frame, an order is taken from a switch that was armed. Our own pages need no arming.
#[cfg(feature = "ssr")]
pub(super) fn check_armed(given: Option<String>) -> Result<(), ApiError> {
    match use_context::<Arc<dyn Switch>>() {
        Some(switch) if !given.is_some_and(|given| switch.is_armed(&given)) => Err(ApiError::NotArmed),
        _ => Ok(()),
    }
}

/// Gadget files, and how to put one into Finesse.
#[server(prefix = "/ui", endpoint = "finesse")]
pub async fn finesse() -> Result<FinesseView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.finesse(&operator).await
    })
    .await
}
