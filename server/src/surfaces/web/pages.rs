//! The pages and their server functions, with who is signed in and a fresh policy for scripts.

use crate::http::AppState;
use crate::http::session_auth::GadgetToken;
use app::backend::{Backend, CurrentSession, Framed, Reply};
use axum::Router;
use axum::http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use leptos::context::{provide_context, use_context};
use leptos::nonce::use_nonce;
use leptos_axum::{AxumRouteListing, LeptosRoutes, ResponseOptions, generate_route_list};
use lockdown::operator::Operator;
use std::sync::{Arc, LazyLock};
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::services::fs::ServeFileSystemResponseBody;
use tower_http::set_header::SetResponseHeaderLayer;

/// Once a process: while the list is made, leptos keeps every Resource of the process from loading.
static ROUTES: LazyLock<Vec<AxumRouteListing>> = LazyLock::new(|| generate_route_list(app::App));

/// The addresses of all pages.
pub(crate) fn paths() -> Vec<String> {
    let server_function = |path: &&AxumRouteListing| path.path().starts_with("/ui/");
    let mut all: Vec<String> =
        ROUTES.iter().filter(|path| !server_function(path)).map(|route| route.path().to_owned()).collect();
    all.dedup();
    all
}

pub(crate) fn router(state: &AppState) -> Router {
    let context = {
        let state = state.clone();
        move || provide(&state)
    };
    let shell = {
        let options = state.leptos.clone();
        move || app::shell(options.clone())
    };
    let package = format!("{}/pkg", state.leptos.site_root);
    // Named by their content, they never change.
    let keep = state.leptos.hash_files;
    let kept = ServiceBuilder::new().layer(SetResponseHeaderLayer::overriding(
        header::CACHE_CONTROL,
        move |response: &Response<ServeFileSystemResponseBody>| {
            let good = keep && response.status().is_success();
            Some(HeaderValue::from_static(if good { "public, max-age=31536000, immutable" } else { "no-cache" }))
        },
    ));
    Router::new()
        .leptos_routes_with_context(state, ROUTES.clone(), context.clone(), shell)
        .nest_service("/pkg", kept.service(ServeDir::new(package).precompressed_br()))
        .fallback(leptos_axum::file_and_error_handler_with_context::<AppState, _>(context, app::shell))
        .with_state(state.clone())
}

/// For pages and server functions; a static file has neither parts nor a response to set.
pub(crate) fn provide(state: &AppState) {
    let backend: Arc<dyn Backend> = state.pages.clone();
    provide_context(backend);
    let (Some(parts), Some(response)) = (use_context::<Parts>(), use_context::<ResponseOptions>()) else { return };
    if let Some(operator) = parts.extensions.get::<Operator>() {
        provide_context(operator.clone());
    }
    if let Some(here) = parts.extensions.get::<CurrentSession>() {
        provide_context(here.clone());
    }
    if let Some(framed) = parts.extensions.get::<Framed>() {
        provide_context(framed.clone());
    }
    if let Some(token) = parts.extensions.get::<GadgetToken>() {
        provide_context(crate::surfaces::web::embed::switch(state, token));
    }
    crate::http::language::provide(&parts, &response);
    provide_context(reply(&parts, response.clone()));
    response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(nonce) = use_nonce() {
        // Signing out at the provider is a form that is redirected there.
        let provider = state.services.oidc.as_ref().and_then(|oidc| oidc.origin()).unwrap_or_default();
        // Every page around ours must be one of these.
        let around = if parts.uri.path() == "/embed/finesse" && !state.frames.is_empty() {
            state.frames.join(" ")
        } else {
            "'none'".to_owned()
        };
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self' {provider}; \
             base-uri 'none'; object-src 'none'; frame-ancestors {around}"
        );
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// A page and a fetch get their status. A plain form is answered by a redirect to its page,
/// and a status set here would overwrite it.
fn reply(parts: &Parts, response: ResponseOptions) -> Reply {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let plain_form = parts.method == Method::POST && accept.is_some_and(|accept| accept.contains("text/html"));
    Reply::new(move |status| {
        if let (false, Ok(status)) = (plain_form, StatusCode::from_u16(status)) {
            response.set_status(status);
        }
    })
}
