//! Entries of the timeline, newest first.

use crate::view::{EventView, Weight};
use leptos::prelude::*;

#[component]
pub(crate) fn Events(#[prop(into)] events: Signal<Vec<EventView>>) -> impl IntoView {
    view! {
        <div role="log" aria-label="Timeline, newest first">
            <ol class="events">
                <For each=move || events.get() key=|event| event.id.clone() let(event)>
                    <Entry event/>
                </For>
            </ol>
        </div>
    }
    .into_any()
}

#[component]
fn Entry(event: EventView) -> impl IntoView {
    let weight = match event.weight {
        Weight::Quiet => "quiet",
        Weight::Plain => "plain",
        Weight::Attention => "attention",
    };
    view! {
        <li data-weight=weight>
            <time class="number" datetime=event.when.iso>{event.when.clock}</time>
            <span class="what">{event.text}</span>
            <span class="who">{event.who.unwrap_or_default()}</span>
        </li>
    }
}
