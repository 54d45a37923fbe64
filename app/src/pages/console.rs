//! The EOC's page: the state, the one action, what CUCM holds, what happened.

use crate::api::lockdown::{Activate, Release, console};
use crate::api::session::sign_in;
use crate::components::frame::{Frame, Trouble};
use crate::islands::console::ConsoleIsland;
use crate::pages::Refused;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub(crate) fn ConsolePage() -> impl IntoView {
    let asked = use_query_map();
    let known = Resource::new(|| (), |()| sign_in());
    let board = Resource::new(move || asked.read().get("site"), console);
    // What a plain form could not do comes back in the address of the page.
    let (activate, release) = (ServerAction::<Activate>::new(), ServerAction::<Release>::new());
    let trouble = move || {
        let last = activate.value().get().or_else(|| release.value().get());
        last.and_then(Result::err).map(|error| view! { <Trouble text=error.to_string()/> })
    };
    view! {
        <Title text="Console"/>
        <Suspense>
            {move || board.get().map(|answer| match answer {
                Ok(view) => view! {
                    <Frame me=Some(view.me.clone()) here="/console">
                        {trouble()}
                        <ConsoleIsland view/>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/console"/> }.into_any(),
            })}
        </Suspense>
    }
}
