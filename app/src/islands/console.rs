//! The console of one site, awake.

use crate::api::lockdown::{Activate, Release};
use crate::components::banner::{Banner, Voice};
use crate::components::events::Events;
use crate::components::frame::Trouble;
use crate::components::lock_switch::LockSwitch;
use crate::components::release_form::ReleaseForm;
use crate::components::site_live::SiteLive;
use crate::components::steps::StepTable;
use crate::error::ApiError;
use crate::view::{ConsoleView, Me};
use crate::words;
use leptos::prelude::*;
use lockdown::step::Target;

#[island]
pub fn ConsoleIsland(view: ConsoleView) -> impl IntoView {
    let (activate, release) = (ServerAction::<Activate>::new(), ServerAction::<Release>::new());
    let ConsoleView { me, site, sites, events, proves, second, seniors, banners } = view;
    let live = SiteLive::begin(site.clone(), events);
    let others: Vec<_> = sites.into_iter().filter(|(id, _)| *id != site.id).collect();
    view! {
            <div class="console-head">
                <h1>{site.name.clone()}</h1>
                {others.into_iter().map(|(id, name)| view! {
                    <a class="button quiet" href=format!("/console?site={id}")>{name}</a>
                }).collect_view()}
            </div>
            {banners.into_iter().map(|text| view! { <p class="notice">{text}</p> }).collect_view()}
            <Notices live/>
            <Banner live voice=Voice::Console/>
            <div class="console">
                <div class="column">
                    <ActionCard live me proves second seniors activate release/>
                    <PlanNotes live/>
                    <StepTable live/>
                </div>
                <section class="card" aria-labelledby="timeline-title">
                    <h3 id="timeline-title">"Timeline"</h3>
                    <Events events=live.events/>
                </section>
            </div>
    }
    .into_any()
}

/// What everybody shall see at once, in the server's words.
#[component]
fn Notices(live: SiteLive) -> impl IntoView {
    let notices = Memo::new(move |_| live.shown().detail.map(|detail| detail.notices).unwrap_or_default());
    view! {
        <div role="status" aria-live="polite">
            {move || notices.get().into_iter().map(|text| view! { <p class="notice loud">{text}</p> }).collect_view()}
        </div>
    }
}

/// One action at a time: lock when it is normal, release when it is locked.
#[component]
fn ActionCard(
    live: SiteLive,
    me: Me,
    proves: bool,
    second: Option<String>,
    seniors: Vec<String>,
    activate: ServerAction<Activate>,
    release: ServerAction<Release>,
) -> impl IntoView {
    let ordered = Memo::new(move |_| live.shown().ordered);
    let trouble = Memo::new(move |_| live.shown().detail.and_then(|detail| detail.trouble));
    let ask = if seniors.is_empty() {
        "No senior EOC officer is registered yet: an administrator must name one.".to_owned()
    } else {
        format!("Ask: {}.", seniors.join(", "))
    };
    view! {
        <section class="card action" aria-label="Action">
            {move || trouble.get().map(|text| view! { <Trouble text/> })}
            {move || match (ordered.get(), me.may_lock, me.may_release) {
                (Target::Normal, true, _) => view! { <LockSwitch live activate/> }.into_any(),
                (Target::Normal, false, _) => view! { <p class="not-yours">{words::ONLY_EOC}</p> }.into_any(),
                (Target::Locked, _, true) => view! {
                    <h3>"All-clear"</h3>
                    <ReleaseForm live release proves second=second.clone()/>
                }.into_any(),
                (Target::Locked, _, false) => view! {
                    <h3>"All-clear"</h3>
                    <p class="not-yours">"Only senior EOC personnel may give the all-clear. " {ask.clone()}</p>
                }.into_any(),
            }}
            <Answer answer=Signal::derive(move || activate.value().get().or_else(|| release.value().get()))/>
        </section>
    }
    .into_any()
}

/// What came of the last press: only what went wrong; success is the banner's to tell. Told by the
/// browser alone: what a plain form met with stands above, from the page.
#[component]
fn Answer(answer: Signal<Option<Result<(), ApiError>>>) -> impl IntoView {
    let trouble = RwSignal::new(None::<String>);
    Effect::new(move || trouble.set(answer.get().and_then(Result::err).map(|error| error.to_string())));
    move || trouble.get().map(|text| view! { <Trouble text/> })
}

#[component]
fn PlanNotes(live: SiteLive) -> impl IntoView {
    let plan = Memo::new(move |_| live.shown().detail.and_then(|detail| detail.plan));
    move || {
        plan.get().map(|note| {
            view! {
                <details class="notice" open=note.urgent>
                    <summary>{note.title}</summary>
                    <ul>{note.lines.into_iter().map(|text| view! { <li>{text}</li> }).collect_view()}</ul>
                </details>
            }
        })
    }
}
