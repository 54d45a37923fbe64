#![expect(clippy::too_many_arguments, reason = "a form has as many fields as it has")]

use crate::error::ApiError;
use crate::view::{AskView, QueueView, RequestView, TicketView};
use leptos::prelude::*;
#[cfg(feature = "ssr")]
use {
    crate::backend::{DeedForm, QueueFilter, anyone, caller},
    lockdown::call_request::{CallRequest, Draft, Priority},
    lockdown::ids::SiteId,
};

/// The EOC's queue: of one site or of all, open ones or all, those in which `find` stands, of one priority, in
/// one state. A word that is none of ours filters nothing.
#[server(prefix = "/ui", endpoint = "queue")]
pub async fn queue(
    site: Option<String>,
    find: Option<String>,
    all: Option<String>,
    priority: Option<String>,
    state: Option<String>,
) -> Result<QueueView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let said = |text: Option<String>| text.filter(|text| !text.is_empty());
        let wish = QueueFilter {
            site: said(site).map(SiteId::try_from).transpose().map_err(|_| ApiError::NoSuchSite)?,
            find,
            all: all.is_some(),
            priority: said(priority).and_then(|word| Priority::from_word(&word)),
            state: said(state).filter(|word| CallRequest::WORDS.contains(&word.as_str())),
        };
        backend.queue(&operator, wish).await
    })
    .await
}

/// Takes down what somebody tells the EOC. The same `form` is filed once.
#[server(prefix = "/ui", endpoint = "take-down-request")]
pub async fn take_down_request(
    site: String,
    direction: String,
    who: String,
    call_back: String,
    reason: String,
    priority: String,
    form: String,
    other: Option<String>,
    reference: Option<String>,
) -> Result<RequestView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let other = other.unwrap_or_default();
        let reference = reference.unwrap_or_default();
        let form = Draft { site, direction, who, call_back, reason, priority, other, reference, form };
        backend.take_down(&operator, form).await
    })
    .await
}

/// Changes a request: `deed` is a word of the rule book, `text` what is said with it, `minutes`
/// how long until a call-back.
#[server(prefix = "/ui", endpoint = "do-request")]
pub async fn do_request(id: String, deed: String, text: String, minutes: String) -> Result<RequestView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        let done = DeedForm { deed, text, minutes: minutes.parse().unwrap_or(15) };
        backend.do_request(&operator, id, done).await
    })
    .await
}

/// The page a resident asks for a call on.
#[server(prefix = "/ui", endpoint = "asking")]
pub async fn asking() -> Result<AskView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = anyone()?;
        backend.asking(operator.as_ref()).await
    })
    .await
}

/// One's own request, by the secret in its address, or by its id for whoever filed it with an account.
#[server(prefix = "/ui", endpoint = "ticket")]
pub async fn ticket(secret: String) -> Result<TicketView, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = anyone()?;
        backend.ticket(operator.as_ref(), secret).await
    })
    .await
}

/// Every request that mentions somebody: what an administrator must be able to answer.
#[server(prefix = "/ui", endpoint = "known-of")]
pub async fn mentioning(find: Option<String>) -> Result<Vec<RequestView>, ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.mentioning(&operator, find.unwrap_or_default()).await
    })
    .await
}

/// Takes a request away with everything it says of people.
#[server(prefix = "/ui", endpoint = "erase-request")]
pub async fn erase_request(id: String) -> Result<(), ApiError> {
    crate::backend::answer(async {
        let (backend, operator) = caller()?;
        backend.erase_request(&operator, id).await
    })
    .await
}
