//! The wall board, awake. When it is not live it says so across the whole screen.

use crate::components::banner::{Banner, Voice};
use crate::components::events::Events;
use crate::components::site_live::SiteLive;
use crate::live::Line;
use crate::view::{Waiting, WallView};
use crate::words;
use leptos::prelude::*;
use lockdown::call_request::Priority;

/// Events it has room for.
const SHOWN: usize = 5;

#[island]
pub fn WallIsland(view: WallView) -> impl IntoView {
    let WallView { site, waiting, events } = view;
    let name = site.name.clone();
    let live = SiteLive::begin(site, events, waiting);
    let lane = move |priority: Priority| {
        let (shape, word) = words::priority(priority);
        let count = move || live.waiting.with(|all| all.iter().filter(|one| one.priority == priority).count());
        let oldest = move || live.waiting.with(|all| oldest(all, priority, live.now.get()));
        view! {
            <li data-priority=priority.word()>
                <span aria-hidden="true">{shape}" "</span>{word}" "
                <strong class="number">{count}</strong>
                <small class="number">{oldest}</small>
            </li>
        }
    };
    let events = Signal::derive(move || live.events.get().into_iter().take(SHOWN).collect::<Vec<_>>());
    view! {
        <header class="wall-head"><h1>{name}</h1><p class="number">{move || live.now.get().map(|_| live.clock())}</p></header>
        <Banner live voice=Voice::Console/>
        <div class="wall-lost" role="alert" hidden=move || live.line.get() != Line::Lost>
            {move || words::wall_lost(live.lost_at.get().as_deref())}
        </div>
        <section class="wall-queue" aria-label="Open requests">
            <h2>"Open requests"</h2>
            <ul>{Priority::ALL.map(lane)}</ul>
        </section>
        <section class="wall-events" aria-label="Last events"><Events events/></section>
    }
    .into_any()
}

/// When the first of them was filed.
fn oldest(all: &[Waiting], priority: Priority, now: Option<i64>) -> String {
    let first = all.iter().filter(|one| one.priority == priority).map(|one| one.filed_ms).min();
    first
        .zip(now)
        .map(|(filed, now)| format!("oldest {}", lockdown::say::age((now - filed) / 1000)))
        .unwrap_or_default()
}
