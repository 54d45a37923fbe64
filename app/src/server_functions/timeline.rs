use crate::error::ApiError;
use crate::view::TimelineView;
use leptos::prelude::*;

/// The newest entries, or those before one.
#[server(prefix = "/ui", endpoint = "timeline")]
pub async fn timeline(before: Option<String>) -> Result<TimelineView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::caller()?;
        let before = before.map(|text| text.parse()).transpose().map_err(|_| ApiError::Malformed)?;
        backend.timeline(&operator, before).await
    })
    .await
}
