//! Entries of the timeline, newest first.

use crate::view::EventView;
use leptos::prelude::*;

#[component]
pub(crate) fn Events(#[prop(into)] events: Signal<Vec<EventView>>) -> impl IntoView {
    view! {
        <div role="log" aria-label="Timeline, newest first">
            <ol class="events">
                <For each=move || events.get() key=|event| event.id.clone() let(event)>
                    <li data-weight=event.weight inner_html=event.html></li>
                </For>
            </ol>
        </div>
    }
    .into_any()
}
