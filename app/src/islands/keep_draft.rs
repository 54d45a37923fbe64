//! What a resident writes is not lost: it is kept in the browser, and sent by itself, once, when the server
//! can take it again. Without scripts the form is a plain form.

use crate::send::{action, fields};
use gloo_net::http::{Request, Response};
use leptos::html::P;
use leptos::prelude::*;
use leptos::task::spawn_local;
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Event, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement};

/// Between two tries.
const AGAIN: Duration = Duration::from_secs(5);

/// The fields that are kept, by their names.
const FIELDS: [&str; 4] = ["who", "call_back", "reason", "form"];

const KEY: &str = "ask-draft";

#[island]
pub fn KeepDraft(kept: String, sending: String) -> impl IntoView {
    let note = NodeRef::<P>::new();
    let said = RwSignal::new(None::<String>);
    let words = StoredValue::new((kept, sending));
    Effect::new(move || {
        let Some(form) = note.get().and_then(|note| note.closest("form").ok().flatten()) else { return };
        let Ok(form) = form.dyn_into::<HtmlFormElement>() else { return };
        restore(&form);
        let writing = form.clone();
        let sent = form.clone();
        let remember = Closure::<dyn FnMut(Event)>::new(move |_| store(&writing));
        let submit = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            event.prevent_default();
            let form = sent.clone();
            said.set(Some(words.with_value(|(_, sending)| sending.clone())));
            spawn_local(send(form, said, words));
        });
        let listened = form
            .add_event_listener_with_callback("input", remember.as_ref().unchecked_ref())
            .and_then(|()| form.add_event_listener_with_callback("submit", submit.as_ref().unchecked_ref()));
        if listened.is_ok() {
            // As long as the page lives.
            remember.forget();
            submit.forget();
        }
    });
    view! { <p node_ref=note role="status" aria-live="polite" class="notice" hidden=move || said.get().is_none()>{move || said.get()}</p> }
}

/// Sends until the server takes it; the form's own secret makes that once.
async fn send(form: HtmlFormElement, said: RwSignal<Option<String>>, words: StoredValue<(String, String)>) {
    match try_once(&form).await {
        // A server that is not well, or a proxy before one, is asked again.
        Some(answer) if answer.status() < 500 => {
            if answer.redirected() && answer.url().contains("/requests/t/") {
                forget();
                go(&answer.url());
            } else {
                // The answer is the page with what is wrong: the plain way shows it.
                let _ = form.submit();
            }
        }
        Some(_) | None => {
            said.set(Some(words.with_value(|(kept, _)| kept.clone())));
            set_timeout(move || spawn_local(send(form, said, words)), AGAIN);
        }
    }
}

async fn try_once(form: &HtmlFormElement) -> Option<Response> {
    let body = fields(form).ok()?;
    Request::post(&action(form)).body(body).ok()?.send().await.ok()
}

fn storage() -> Option<web_sys::Storage> {
    web_sys::window()?.local_storage().ok()?
}

/// One line or several.
enum Field {
    Line(HtmlInputElement),
    Lines(HtmlTextAreaElement),
}

impl Field {
    fn of(form: &HtmlFormElement, name: &str) -> Option<Self> {
        let element = form.query_selector(&format!("[name='{name}']")).ok()??;
        match element.dyn_into::<HtmlInputElement>() {
            Ok(line) => Some(Self::Line(line)),
            Err(element) => element.dyn_into::<HtmlTextAreaElement>().ok().map(Self::Lines),
        }
    }

    fn value(&self) -> String {
        match self {
            Self::Line(line) => line.value(),
            Self::Lines(lines) => lines.value(),
        }
    }

    fn set(&self, value: &str) {
        match self {
            Self::Line(line) => line.set_value(value),
            Self::Lines(lines) => lines.set_value(value),
        }
    }
}

fn store(form: &HtmlFormElement) {
    let value = |name: &&str| Field::of(form, name).map(|field| field.value()).unwrap_or_default();
    let values: Vec<String> = FIELDS.iter().map(value).collect();
    if let (Some(storage), Ok(text)) = (storage(), serde_json::to_string(&values)) {
        // A browser that keeps nothing has the form itself.
        let _ = storage.set_item(KEY, &text);
    }
}

fn restore(form: &HtmlFormElement) {
    let text = storage().and_then(|storage| storage.get_item(KEY).ok().flatten()).unwrap_or_default();
    let values: Vec<String> = serde_json::from_str(&text).unwrap_or_default();
    for (name, value) in FIELDS.iter().zip(values) {
        // The secret comes with the words: what was sent already is not filed twice.
        let kept = |field: &Field| field.value().is_empty() || *name == "form";
        if let Some(field) = Field::of(form, name).filter(kept) {
            field.set(&value);
        }
    }
}

fn forget() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(KEY);
    }
}

fn go(url: &str) {
    if let Some(window) = web_sys::window() {
        let _ = window.location().set_href(url);
    }
}
