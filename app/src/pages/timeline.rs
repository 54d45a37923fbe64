//! Everything that happened, newest first, in pages.

use crate::components::events::Events;
use crate::components::frame::Frame;
use crate::pages::Refused;
use crate::server_functions::session::sign_in;
use crate::server_functions::timeline::timeline;
use crate::view::TimelineView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub(crate) fn TimelinePage() -> impl IntoView {
    let asked = use_query_map();
    let known = Resource::new(|| (), |()| sign_in());
    let page = Resource::new(move || asked.read().get("before"), timeline);
    view! {
        <Title text="Timeline"/>
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok(TimelineView { me, events, older }) => view! {
                    <Frame me=Some(me) here="/timeline">
                        <div class="narrow wide">
                            <h1>"Timeline"</h1>
                            <Events events=Signal::stored(events)/>
                            {older.map(|seq| view! {
                                <p><a class="button quiet" href=format!("/timeline?before={seq}")>"Older"</a></p>
                            })}
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/timeline"/> }.into_any(),
            })}
        </Suspense>
    }
}
