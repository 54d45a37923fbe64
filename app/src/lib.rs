#![doc = include_str!("../README.md")]
// Views are types within types.
#![recursion_limit = "256"]

#[cfg(not(erase_components))]
compile_error!(
    "the flag `--cfg erase_components` is missing: .cargo/config.toml sets it, and RUSTFLAGS in the environment replaces it"
);

#[cfg(feature = "ssr")]
pub mod backend;
mod components;
mod dialog;
mod error;
#[cfg(feature = "ssr")]
pub mod fragments;
mod gadget;
pub mod islands;
mod live;
mod pages;
mod passkey;
mod queue;
mod send;
pub mod server_functions;
pub mod texts;
pub mod view;
pub mod words;

pub use error::ApiError;

use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::SsrMode;
use leptos_router::components::{Route, Router, Routes};
use leptos_router::path;

/// Leptos wakes islands when the browser is idle: in a frame that was seconds, and sometimes never. A switch and
/// the age of the state wait for nothing.
const AT_ONCE: &str = "window.requestIdleCallback=wake=>setTimeout(wake)";

/// The document around every page.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang=texts::page_language()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/icon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone()/>
                <script nonce=use_nonce() inner_html=AT_ONCE></script>
                <HydrationScripts options islands=true/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// All pages. Complete without scripts: rendered in order, status and headers first.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|title: String| format!("{title} · PSTN Lockdown")/>
        <Router>
            <Routes fallback=|| view! { <pages::not_found::NotFound/> }>
                <Route path=path!("/") view=pages::status::StatusPage ssr=SsrMode::Async/>
                <Route path=path!("/console") view=pages::console::ConsolePage ssr=SsrMode::Async/>
                <Route path=path!("/requests") view=pages::requests::RequestsPage ssr=SsrMode::Async/>
                <Route path=path!("/requests/t/:secret") view=pages::ticket::TicketPage ssr=SsrMode::Async/>
                <Route path=path!("/incidents") view=pages::incidents::IncidentsPage ssr=SsrMode::Async/>
                <Route path=path!("/incidents/:id") view=pages::incident::IncidentPage ssr=SsrMode::Async/>
                <Route path=path!("/wall") view=pages::wall::WallPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/requests") view=pages::known::KnownPage ssr=SsrMode::Async/>
                <Route path=path!("/timeline") view=pages::timeline::TimelinePage ssr=SsrMode::Async/>
                <Route path=path!("/readiness") view=pages::readiness::ReadinessPage ssr=SsrMode::Async/>
                <Route path=path!("/plan") view=pages::plan::PlanPage ssr=SsrMode::Async/>
                <Route path=path!("/drill") view=pages::drills::DrillsPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/people") view=pages::people::PeoplePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/people/:id") view=pages::person::PersonPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/clients") view=pages::keys::KeysPage ssr=SsrMode::Async/>
                <Route path=path!("/admin/webhooks") view=pages::webhooks::WebhooksPage ssr=SsrMode::Async/>
                <Route path=path!("/leaked-key") view=pages::leaked_key::LeakedKeyPage ssr=SsrMode::Async/>
                <Route path=path!("/me") view=pages::me::MePage ssr=SsrMode::Async/>
                <Route path=path!("/admin/finesse") view=pages::finesse::FinessePage ssr=SsrMode::Async/>
                <Route path=path!("/embed/finesse") view=pages::embed::EmbedPage ssr=SsrMode::Async/>
                <Route path=path!("/connect") view=pages::connect::ConnectPage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in") view=pages::sign_in::SignInPage ssr=SsrMode::Async/>
            </Routes>
        </Router>
    }
}
