//! From a press or a form to a server function, in the browser. One piece of code for all of them: what
//! leptos makes for each form of its own weighs more than the whole page.
//!
//! *Decision*: islands write plain forms (`method="post"`, the function's address) and send them with
//! `gloo-net`. *Reason*: 130 kB less on the wire; the form works without scripts as before. *What would
//! change our mind*: leptos sharing that code between forms.

use crate::error::ApiError;
use gloo_net::http::{Request, RequestBuilder, Response};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::js_sys::Reflect;
use web_sys::{FormData, Headers, HtmlButtonElement, HtmlFormElement, RequestInit, UrlSearchParams};

/// What is on its way, and what came of the last.
#[derive(Clone, Copy)]
pub(crate) struct Sending {
    pub(crate) pending: RwSignal<bool>,
    pub(crate) answer: RwSignal<Option<Result<(), ApiError>>>,
    /// What the server said with the last that was taken.
    pub(crate) said: RwSignal<String>,
}

impl Sending {
    pub(crate) fn new() -> Self {
        Self { pending: RwSignal::new(false), answer: RwSignal::new(None), said: RwSignal::new(String::new()) }
    }

    /// Why the last one was refused.
    pub(crate) fn refused(self) -> Option<ApiError> {
        self.answer.get().and_then(Result::err)
    }

    /// Without a form.
    pub(crate) fn press(self, to: &'static str, fields: &[(&str, &str)]) {
        if let Ok(body) = UrlSearchParams::new() {
            for (name, value) in fields {
                body.append(name, value);
            }
            self.go(to.to_owned(), body);
        }
    }

    /// Instead of the browser's own way.
    pub(crate) fn form(self, event: &SubmitEvent) {
        if let Some((to, body)) = taken(event) {
            self.go(to, body);
        }
    }

    pub(crate) fn go(self, to: String, body: UrlSearchParams) {
        self.go_after(None, to, body);
    }

    /// Once what was pressed before has been answered; where that was refused, its answer is the one that is told.
    pub(crate) fn go_after(self, before: Option<(String, UrlSearchParams)>, to: String, body: UrlSearchParams) {
        self.pending.set(true);
        self.answer.set(None);
        spawn_local(async move {
            let earlier = match before {
                Some((to, body)) => send(&to, &body).await.map(|_| ()),
                None => Ok(()),
            };
            let answer = send(&to, &body).await;
            // The island may be gone by now.
            self.pending.try_set(false);
            if let Ok(said) = &answer {
                self.said.try_set(said.clone());
            }
            self.answer.try_set(Some(answer.map(|_| ()).and(earlier)));
        });
    }
}

/// Where a form goes, and with what, instead of the browser's own way.
pub(crate) fn taken(event: &SubmitEvent) -> Option<(String, UrlSearchParams)> {
    event.prevent_default();
    let form = event.target()?.dyn_into::<HtmlFormElement>().ok()?;
    let body = fields(&form).ok()?;
    let pressed = event.submitter().and_then(|button| button.dyn_into::<HtmlButtonElement>().ok());
    if let Some(button) = pressed.filter(|button| !button.name().is_empty()) {
        body.append(&button.name(), &button.value());
    }
    Some((action(&form), body))
}

/// For a page that is on its way out: the browser sends it although the page is gone (`keepalive`, which web-sys does not
/// name). A beacon has no header, and a frame's post needs one.
pub(crate) fn send_at_last(to: &str, body: &UrlSearchParams) {
    let (Some(window), Ok(headers)) = (web_sys::window(), Headers::new()) else { return };
    if let Some(mark) = mark_of_frame() {
        let _ = headers.set(FRAME, &mark);
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&headers);
    init.set_body(body);
    let _ = Reflect::set(&init, &JsValue::from("keepalive"), &JsValue::TRUE);
    let _ = window.fetch_with_str_and_init(to, &init);
}

/// An order to lock is armed first, where it must be.
async fn send(to: &str, body: &UrlSearchParams) -> Result<String, ApiError> {
    if to == "/ui/activate" {
        body.append("armed", &crate::gadget::armed().await.ok_or(ApiError::Covered)?);
    }
    post(to, body).await
}

/// Asks a server function for something.
pub(crate) async fn ask<T: DeserializeOwned>(to: &str, fields: &[(&str, &str)]) -> Result<T, ApiError> {
    let body = UrlSearchParams::new().map_err(|_| ApiError::Malformed)?;
    for (name, value) in fields {
        body.append(name, value);
    }
    serde_json::from_str(&post(to, &body).await?).map_err(|_| ApiError::OutcomeUnknown)
}

async fn post(to: &str, body: &UrlSearchParams) -> Result<String, ApiError> {
    // The browser may have sent it: what came of it must be looked up, not guessed.
    let lost = |_| ApiError::OutcomeUnknown;
    let request = from_here(Request::post(to)).header("accept", "application/json").body(body).map_err(lost)?;
    let response = request.send().await.map_err(lost)?;
    let text = response.text().await.map_err(lost)?;
    if response.ok() { Ok(text) } else { Err(serde_json::from_str(&text).unwrap_or(ApiError::OutcomeUnknown)) }
}

/// In a frame, what shows that our own page sends it; its cookie alone is not enough there.
fn from_here(request: RequestBuilder) -> RequestBuilder {
    match mark_of_frame() {
        Some(mark) => request.header(FRAME, &mark),
        None => request,
    }
}

/// The header of a frame's requests.
const FRAME: &str = "x-lockdown-gadget";

fn mark_of_frame() -> Option<String> {
    let page = web_sys::window()?.document()?;
    page.query_selector("meta[name='gadget']").ok().flatten()?.get_attribute("content")
}

/// Asks a server function that takes nothing; its answer as it came.
pub(crate) async fn post_nothing(to: &str) -> Result<String, ApiError> {
    post(to, &UrlSearchParams::new().map_err(|_| ApiError::Malformed)?).await
}

/// The status of a post without a word in it; `None` when no answer arrived.
pub(crate) async fn knock(to: &str) -> Option<u16> {
    from_here(Request::post(to)).send().await.ok().map(|answer| answer.status())
}

/// Reads something for a page whose line is dead.
pub(crate) async fn look<T: DeserializeOwned>(at: &str) -> Option<T> {
    let answer = Request::get(at).send().await.ok().filter(Response::ok)?;
    serde_json::from_str(&answer.text().await.ok()?).ok()
}

/// The page anew, as the server knows it now.
pub(crate) fn reload() {
    if let Some(window) = web_sys::window() {
        let _ = window.location().reload();
    }
}

/// Where a form goes. A field of the name `action` would stand before the property.
pub(crate) fn action(form: &HtmlFormElement) -> String {
    form.get_attribute("action").unwrap_or_default()
}

/// What stands in a form, as a browser would send it.
pub(crate) fn fields(form: &HtmlFormElement) -> Result<UrlSearchParams, JsValue> {
    let body = UrlSearchParams::new()?;
    for entry in FormData::new_with_form(form)?.entries() {
        let entry: web_sys::js_sys::Array = entry?.dyn_into()?;
        body.append(&entry.get(0).as_string().unwrap_or_default(), &entry.get(1).as_string().unwrap_or_default());
    }
    Ok(body)
}

/// A secret for a form: nobody guesses it. `None` where the browser has no randomness.
pub(crate) fn secret() -> Option<String> {
    let mut bytes = [0_u8; 24];
    web_sys::window()?.crypto().ok()?.get_random_values_with_u8_array(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
