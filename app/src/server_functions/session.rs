use crate::error::ApiError;
use crate::view::SignInView;
use leptos::prelude::*;

/// Who is signed in, and how one can.
#[server(prefix = "/ui", endpoint = "sign-in")]
pub async fn sign_in() -> Result<SignInView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = crate::backend::anyone()?;
        backend.sign_in(operator.as_ref()).await
    })
    .await
}
