//! The console of one site, awake.

use crate::components::banner::{Banner, Voice};
use crate::components::events::Events;
use crate::components::frame::Trouble;
use crate::components::lock_switch::LockSwitch;
use crate::components::release_form::ReleaseForm;
use crate::components::site_live::SiteLive;
use crate::components::steps::StepTable;
use crate::send::{Sending, action};
use crate::view::{ConsoleView, Me};
use crate::words;
use leptos::ev::SubmitEvent;
use leptos::html::Div;
use leptos::prelude::*;
use lockdown::ids::OperatorId;
use lockdown::steps::Target;
use wasm_bindgen::JsCast;

#[island]
pub fn ConsoleIsland(view: ConsoleView, children: Children) -> impl IntoView {
    let activate = Sending::new();
    let release = Sending::new();
    let ConsoleView { me, site, sites, events, proves, second, seniors, banners, my_id } = view;
    let live = SiteLive::begin(site.clone(), events, vec![]);
    Effect::new(crate::queue::wake);
    for order in [activate, release] {
        Effect::new(move || order.said.with(|said| live.ordered(said)));
    }
    let sees_plan = me.may_see_plan();
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
                    <ActionCard live me=me.clone() proves second seniors activate release/>
                    <Incident live me my_id release/>
                    <PlanNotes live sees_plan/>
                    <StepTable live/>
                </div>
                <div class="column">
                    {children()}
                    <section class="card" aria-labelledby="timeline-title">
                        <h3 id="timeline-title">"Timeline"</h3>
                        <Events events=live.events/>
                    </section>
                </div>
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
    activate: Sending,
    release: Sending,
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
            <Answer activate release ordered=ordered.into()/>
        </section>
    }
    .into_any()
}

/// What came of the last press: only what went wrong; success is the banner's to tell. The next press or another state ends
/// it. Told by the browser alone: what a plain form met with stands above, from the page.
#[component]
fn Answer(activate: Sending, release: Sending, ordered: Signal<Target>) -> impl IntoView {
    Effect::new(move |before: Option<Target>| {
        let now = ordered.get();
        if before.is_some_and(|before| before != now) {
            for pressed in [activate, release] {
                pressed.answer.set(None);
            }
        }
        now
    });
    let refused = move || activate.refused().or_else(|| release.refused());
    move || refused().map(|error| view! { <Trouble text=error.to_string()/> })
}

#[component]
fn PlanNotes(live: SiteLive, sees_plan: bool) -> impl IntoView {
    let plan = Memo::new(move |_| live.shown().detail.and_then(|detail| detail.plan));
    let page = move || {
        sees_plan.then(|| {
            let address = format!("/plan?site={}", live.shown().id);
            view! { <p><a href=address>"See who can call where"</a></p> }
        })
    };
    move || {
        plan.get().map(|note| {
            view! {
                <details class="notice" open=note.urgent>
                    <summary>{note.title}</summary>
                    <ul>{note.lines.into_iter().map(|text| view! { <li>{text}</li> }).collect_view()}</ul>
                    {page()}
                </details>
            }
        })
    }
}

/// The EOC's file that is open, as the server wrote it.
#[component]
fn Incident(live: SiteLive, me: Me, my_id: OperatorId, release: Sending) -> impl IntoView {
    let writing = Sending::new();
    let card = Memo::new(move |_| live.shown().detail.and_then(|detail| detail.incident));
    let mine = move || live.shown().detail.and_then(|detail| detail.by_id).as_ref() == Some(&my_id);
    let sent = move |event: SubmitEvent| {
        let form = event.target().and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok());
        let sending = if form.is_some_and(|form| action(&form) == "/ui/release") { release } else { writing };
        sending.form(&event);
    };
    let room = NodeRef::<Div>::new();
    let first = card.get_untracked().unwrap_or_default();
    // A note that somebody is writing outlives the card around it; one that was taken is gone.
    Effect::new(move |before: Option<Option<String>>| {
        let now = card.get();
        if let (Some(room), true) = (room.get(), before.is_some_and(|before| before != now)) {
            crate::queue::replace(&room, now.as_deref().unwrap_or_default(), "#note");
        }
        now
    });
    Effect::new(move || {
        if let (Some(Ok(())), Some(room)) = (writing.answer.get(), room.get_untracked()) {
            crate::queue::empty(&room, "#note");
        }
    });
    view! {
        <section class="card incident" aria-label="Incident" hidden=move || card.with(Option::is_none)
            data-senior=me.may_release.to_string() data-eoc=me.may_lock.to_string() data-locker=move || mine().to_string()
            on:submit=sent>
            <div class="incident-card" node_ref=room inner_html=first></div>
            {move || writing.refused().map(|error| view! { <Trouble text=error.to_string()/> })}
        </section>
    }
    .into_any()
}
