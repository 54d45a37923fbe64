//! The browser's side of passkeys. Options and answers are JSON on both ends; the browser itself turns
//! them into what its key wants. Source: WebAuthn level 3, `parseCreationOptionsFromJSON`, `toJSON`.

use crate::error::ApiError;
use crate::send;
use crate::view::QuestionView;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::js_sys::{Function, JSON, Object, Promise, Reflect};

#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// For a new key.
    Create,
    /// For one that is known.
    Get,
}

/// Asks the browser, which asks its user. The answer as JSON.
pub(crate) async fn ask(ask: Ask, question: &QuestionView) -> Result<String, ApiError> {
    answered(ask, question).await.map_err(|_| ApiError::NoPasskey)
}

async fn answered(ask: Ask, question: &QuestionView) -> Result<String, JsValue> {
    let (parse, method) = match ask {
        Ask::Create => ("parseCreationOptionsFromJSON", "create"),
        Ask::Get => ("parseRequestOptionsFromJSON", "get"),
    };
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let options = property(&JSON::parse(&question.options)?, "publicKey")?;
    let kind = property(&window, "PublicKeyCredential")?;
    let options = call(&kind, parse, &options)?;
    let wish = Object::new();
    Reflect::set(&wish, &"publicKey".into(), &options)?;
    let keys = property(&property(&window, "navigator")?, "credentials")?;
    let credential = JsFuture::from(call(&keys, method, &wish)?.dyn_into::<Promise>()?).await?;
    let json = call(&credential, "toJSON", &JsValue::UNDEFINED)?;
    JSON::stringify(&json)?.as_string().ok_or(JsValue::NULL)
}

fn property(of: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    let value = Reflect::get(of, &name.into())?;
    if value.is_undefined() { Err(JsValue::NULL) } else { Ok(value) }
}

fn call(on: &JsValue, method: &str, with: &JsValue) -> Result<JsValue, JsValue> {
    property(on, method)?.dyn_into::<Function>()?.call1(on, with)
}

/// What a key is to be asked, for this purpose.
pub(crate) async fn question(purpose: &str) -> Result<QuestionView, ApiError> {
    send::ask("/ui/ask-passkey", &[("purpose", purpose)]).await
}

/// Asks for one of the person's keys, as a proof that is good for `about` and nothing else.
pub(crate) async fn prove_it(about: &str) -> Result<(), ApiError> {
    answered_for(about, Ask::Get, String::new()).await
}

/// From question to taken answer.
pub(crate) async fn answered_for(purpose: &str, ask_for: Ask, label: String) -> Result<(), ApiError> {
    let question = question(purpose).await?;
    let answer = ask(ask_for, &question).await?;
    let ticket = question.ticket.as_str();
    let answer = answer.as_str();
    let fields = [("purpose", purpose), ("ticket", ticket), ("answer", answer), ("label", label.as_str())];
    send::ask("/ui/answer-passkey", &fields).await
}
