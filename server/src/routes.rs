//! Every route in one table. Handlers extract, ask, and map; none decides.

use crate::http::exports;
use crate::http::{AppState, Middleware, health};
use crate::surfaces::desk_phone::handlers as phone;
use crate::surfaces::rest;
use crate::surfaces::web::{ask, card, embed, live, one_time_page, pages, plan_files, sign_in};
use crate::surfaces::webex::deliveries as webex;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use leptos::server_fn::axum::server_fn_paths;
use std::convert::Infallible;
use tower::{Layer, Service};
use tower_http::compression::CompressionLayer;

/// What is neither page nor server function nor REST.
fn own() -> Vec<(&'static str, &'static str, MethodRouter<AppState>)> {
    vec![
        ("GET", "/auth/login", get(sign_in::login)),
        ("GET", "/auth/callback", get(sign_in::callback)),
        ("POST", "/auth/passkey", post(sign_in::by_passkey)),
        ("POST", "/auth/code", post(sign_in::by_code)),
        ("POST", "/auth/logout", post(sign_in::logout)),
        ("GET", "/auth/handoff/login", get(embed::login)),
        ("GET", "/auth/handoff", get(embed::window)),
        ("POST", "/auth/handoff", post(embed::connect)),
        ("POST", "/auth/handoff/claim", post(embed::claim)),
        ("GET", "/embed/state", get(embed::state_of)),
        ("POST", "/embed/leave", post(embed::leave)),
        ("GET", "/admin/clients/add", one_time_page::back_to("/admin/clients")),
        ("POST", "/admin/clients/add", post(one_time_page::add_key)),
        ("GET", "/admin/clients/rotate", one_time_page::back_to("/admin/clients")),
        ("POST", "/admin/clients/rotate", post(one_time_page::rotate_key)),
        ("GET", "/admin/codes/print", one_time_page::back_to("/admin/people")),
        ("POST", "/admin/codes/print", post(one_time_page::print_codes)),
        ("GET", "/admin/finesse/file", one_time_page::back_to("/admin/finesse")),
        ("POST", "/admin/finesse/file", post(one_time_page::make_gadget)),
        ("GET", "/admin/webhooks/add", one_time_page::back_to("/admin/webhooks")),
        ("POST", "/admin/webhooks/add", post(one_time_page::add_hook)),
        ("GET", "/admin/webhooks/rotate", one_time_page::back_to("/admin/webhooks")),
        ("POST", "/admin/webhooks/rotate", post(one_time_page::rotate_hook)),
        ("GET", "/admin/webhooks/test", one_time_page::back_to("/admin/webhooks")),
        ("POST", "/admin/webhooks/test", post(one_time_page::test_hook)),
        ("GET", "/leaked-key/report", one_time_page::back_to("/leaked-key")),
        ("POST", "/leaked-key/report", post(one_time_page::report_key)),
        ("GET", "/requests/file", one_time_page::back_to("/requests")),
        ("POST", "/requests/file", post(ask::file)),
        ("POST", "/requests/answer", post(ask::answer)),
        ("GET", "/admin/requests/export", get(ask::export)),
        ("GET", "/card", get(card::card)),
        ("GET", "/incidents/{id}/{export}", get(exports::page)),
        ("GET", "/plan/{site}/{export}", get(plan_files::page)),
        ("POST", "/hooks/webex", post(webex::delivered)),
        ("GET", "/phone/v1", get(phone::entry)),
        ("GET", "/phone/v1/status", get(phone::status)),
        ("GET", "/phone/v1/lock", get(phone::ask_pin)),
        ("GET", "/phone/v1/lock/{device}/{once}", get(phone::lock)),
        ("POST", "/phone/v1/lock/{device}/{once}", post(phone::lock)),
        ("GET", "/phone/v1/log", get(phone::ask_call)),
        ("GET", "/phone/v1/log/{device}/{form}", get(phone::log_call)),
        ("POST", "/phone/v1/log/{device}/{form}", post(phone::log_call)),
        ("GET", "/ui/live", get(live::page_line)),
        ("GET", "/healthz", get(health::healthz)),
        ("GET", "/readyz", get(health::readyz)),
    ]
}

/// Every way in there is, as `METHOD /path`, in order. Files of the browser side apart.
pub fn routes() -> Vec<String> {
    let pages = pages::paths().into_iter().map(|path| format!("GET {path}"));
    let functions = server_fn_paths().map(|(path, method)| format!("{method} {path}"));
    let own = own().into_iter().map(|(method, path, _)| format!("{method} {path}"));
    let mut all: Vec<String> = pages.chain(functions).chain(own).chain(rest::routes()).collect();
    all.sort();
    all
}

/// All of it, to be served.
pub fn service(
    state: &AppState,
) -> Middleware<impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + use<>> {
    let own = own().into_iter().fold(Router::new(), |router, (_, path, handler)| router.route(path, handler));
    let own = own.merge(rest::router()).with_state(state.clone());
    let compressed = pages::router(state).layer(CompressionLayer::new());
    // Bounded where it comes in: see `body`.
    let handlers = DefaultBodyLimit::disable().layer(own.merge(compressed));
    Middleware { state: state.clone(), handlers }
}
