//! The EOC's page: the state, the one action, what CUCM holds, what happened.

use crate::components::frame::{Frame, Trouble};
use crate::components::queue::Queue;
use crate::error::ApiError;
use crate::islands::console::ConsoleIsland;
use crate::pages::Refused;
use crate::server_functions::lockdown::{Activate, Release, console};
use crate::server_functions::requests::queue;
use crate::server_functions::session::sign_in;
use crate::view::QueueView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockdown::ids::SiteId;

#[component]
pub(crate) fn ConsolePage() -> impl IntoView {
    let asked = use_query_map();
    let known = Resource::new(|| (), |()| sign_in());
    // The lock switch does not fall with the queue beside it.
    let board = Resource::new(
        move || asked.read().get("site"),
        |site| async move {
            let view = console(site).await?;
            let waiting = queue(Some(view.site.id.to_string()), None, None, None, None).await;
            Ok((view, waiting))
        },
    );
    // What a plain form could not do comes back in the address of the page.
    let activate = ServerAction::<Activate>::new();
    let release = ServerAction::<Release>::new();
    let trouble = move || {
        let last = activate.value().get().or_else(|| release.value().get());
        last.and_then(Result::err).map(|error| view! { <Trouble text=error.to_string()/> })
    };
    view! {
        <Title text="Console"/>
        <Suspense>
            {move || board.get().map(|answer| match answer {
                Ok((view, waiting)) => view! {
                    <Frame me=Some(view.me.clone()) here="/console">
                        {trouble()}
                        <ConsoleIsland view=view.clone()><Waiting waiting site=(view.site.id, view.site.name)/></ConsoleIsland>
                    </Frame>
                }.into_any(),
                Err(error) => { let error: ApiError = error; view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/console"/> }.into_any() }
            })}
        </Suspense>
    }
}

#[component]
fn Waiting(waiting: Result<QueueView, ApiError>, site: (SiteId, String)) -> impl IntoView {
    match waiting {
        Ok(QueueView { requests, my_id, form, answered_ms, more, .. }) => {
            view! {
                {more.then(|| view! { <p class="notice loud">"More are waiting than stand here. "<a href="/requests">"See them all"</a></p> })}
                <Queue requests my_id sites=vec![site] form closed=false answered_ms/>
            }.into_any()
        }
        // True when the page was written, and it stays there: it says what to do, not what is so.
        Err(ApiError::DatabaseAway) => {
            let again = format!("/console?site={}", site.0);
            view! {
                <p class="notice">
                    "The queue could not be read when this page was opened. " <a href=again>"Load the page again"</a>
                </p>
            }
            .into_any()
        }
        Err(error) => view! { <p class="notice">{error.to_string()}</p> }.into_any(),
    }
}
