//! In which language a resident's page is written: as was chosen, as the browser asks, or English.

use app::texts::{Languages, PageLanguage, languages, texts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use leptos::context::provide_context;
use leptos_axum::ResponseOptions;

const COOKIE: &str = "lang";

/// A year: nobody chooses a language every day. Seconds.
const REMEMBERED: u32 = 365 * 24 * 3600;

/// Residents' pages; the others speak English.
fn is_for_residents(path: &str) -> bool {
    path == "/" || path == "/requests" || path.starts_with("/requests/")
}

/// Puts the texts of the page into its context, and remembers a language that was chosen.
pub(crate) fn provide(parts: &Parts, response: &ResponseOptions) {
    let chosen = chosen(parts.uri.query().unwrap_or_default());
    let wanted = chosen.map(str::to_owned).into_iter().chain(wished(&parts.headers));
    let texts = texts(wanted.collect::<Vec<_>>().iter().map(String::as_str));
    let language = if is_for_residents(parts.uri.path()) { texts.say("lang").to_owned() } else { "en".into() };
    provide_context(texts.clone());
    provide_context(PageLanguage(language));
    provide_context(Languages(languages().map(|(tag, name)| (tag.to_owned(), name.to_owned())).collect()));
    if chosen.is_some()
        && let Ok(cookie) = HeaderValue::from_str(&format!(
            "{COOKIE}={}; Path=/; SameSite=Lax; Max-Age={REMEMBERED}",
            texts.say("lang")
        ))
    {
        response.append_header(header::SET_COOKIE, cookie);
    }
}

/// `?lang=fr`.
fn chosen(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("lang=")).filter(|tag| tag.len() <= 8)
}

/// The cookie, then what the browser asks for, in its order.
pub(crate) fn wished(headers: &HeaderMap) -> Vec<String> {
    let cookie = super::session_auth::cookie(headers, COOKIE).map(str::to_owned);
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    cookie.into_iter().chain(asked.split(',').take(10).map(|tag| tag.trim().to_owned())).collect()
}
