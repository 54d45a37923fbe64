//! Entries of the timeline, newest first.

use crate::view::{EventView, Weight};
use leptos::prelude::*;

#[component]
pub(crate) fn Events(#[prop(into)] events: Signal<Vec<EventView>>) -> impl IntoView {
    view! {
        <ol class="events" role="log" aria-label="Timeline, newest first">
            {move || events.get().into_iter().map(|event| {
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
            }).collect_view()}
        </ol>
    }
    .into_any()
}
