//! The frame in the agents' Finesse desktop. The state is there without scripts and without signing in; a
//! slim one is for a strip above every tab.

use crate::components::frame::Trouble;
use crate::components::queue::Queue;
use crate::islands::console::ConsoleIsland;
use crate::islands::public_site::PublicSite;
use crate::server_functions::gadget::gadget;
use crate::texts::Texts;
use crate::view::{GadgetView, Me, QueueView};
use crate::words;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use leptos_router::hooks::use_query_map;
use lockdown::operator::Role;
use lockdown::steps::Target;

#[component]
pub(crate) fn EmbedPage() -> impl IntoView {
    let asked = use_query_map().get_untracked();
    let key = asked.get("key").unwrap_or_default();
    let slim = asked.get("view").as_deref() == Some("slim");
    let key = StoredValue::new(key);
    let board = Resource::new(move || key.get_value(), gadget);
    let texts = StoredValue::new(use_context::<Texts>().unwrap_or_default());
    let (frame, mark) = frame();
    let frame = StoredValue::new(frame);
    view! {
        <Title text="Gadget"/>
        <Meta name="gadget" content=mark/>
        <main id="main" class="embed">
            <Suspense>
                {move || board.get().map(|answer| match answer {
                    Ok(GadgetView { me, site, console: view, queue, ends }) => {
                        let key = key.get_value();
                        let frame = frame.get_value();
                        let console = format!("/console?site={}", site.id);
                        let works = view.is_some();
                        let ordered = if site.ordered == Target::Locked { "locked" } else { "normal" };
                        let around = frame.origins.join(" ");
                        view! {
                            <div class="gadget" data-slim=slim.to_string() data-key=key data-ordered=ordered
                                data-origins=around data-ends=ends.unwrap_or_default().to_string()>
                                {match view {
                                    Some(view) => view! { <ConsoleIsland view><span></span></ConsoleIsland> }.into_any(),
                                    None => view! { <PublicSite site texts=texts.get_value()/> }.into_any(),
                                }}
                                <Acts me console frame/>
                                {works.then(|| view! { <ul class="gadget-calls" aria-label="Calls in this desktop"></ul> })}
                                {queue.filter(|_| !slim).map(|queue| view! { <Own queue/> })}
                            </div>
                        }.into_any()
                    }
                    Err(error) => view! { <Trouble text=error.to_string()/> }.into_any(),
                })}
            </Suspense>
        </main>
    }
}

/// What the server knows of this frame.
#[derive(Clone, Default)]
struct Place {
    origins: Vec<String>,
    handoff: String,
    code: String,
}

/// With the mark its writes carry.
fn frame() -> (Place, String) {
    #[cfg(feature = "ssr")]
    if let Some(framed) = use_context::<crate::backend::Framed>() {
        let crate::backend::Framed { handoff, code, header, origins } = framed;
        return (Place { origins, handoff, code }, header.unwrap_or_else(|| "nobody".into()));
    }
    (Place::default(), "nobody".into())
}

/// What can be done besides the switch. `crate::gadget` tends it, and shows one of the hidden sentences.
#[component]
fn Acts(me: Option<Me>, console: String, frame: Place) -> impl IntoView {
    let Some(Me { name, roles, may_lock, may_work, .. }) = me else {
        return view! {
            <div class="gadget-acts">
                <a class="button primary" href=format!("/auth/handoff/login?h={}", frame.handoff) target="_blank" data-act="sign-in">"Sign in"</a>
                <p role="status">
                    <span data-say="idle">"The EOC signs in here to lock and to take requests."</span>
                    <span data-say="waiting" hidden=true>"Sign in in the other window, and connect the gadget with the code " <strong class="number">{frame.code}</strong>"."</span>
                    <span data-say="late" hidden=true>"That took too long, or was used already. Press “Sign in” again."</span>
                </p>
            </div>
        }
        .into_any();
    };
    let way = if roles.contains(&Role::SeniorEoc) { "All-clear: on the console" } else { "Open the console" };
    view! {
        <p class="trouble" role="alert" data-say="covered" hidden=true>"Something covers the switch. Move it away, or lock on the console."</p>
        <p class="notice" role="status" data-say="ending" hidden=true>
            "You are signed out here in a few minutes. " <button type="button" class="button" data-act="stay">"Stay signed in"</button>
        </p>
        <div class="gadget-acts">
            <p class="not-yours" data-for="locked">"A lock is ordered. The all-clear is given on the console, on a page of its own."</p>
            {(!may_lock).then(|| view! { <p class="not-yours" data-for="normal">{words::ONLY_EOC}</p> })}
            <p class="gadget-me">
                {may_work.then(|| view! { <a class="button quiet" href=console target="_blank" rel="noopener">{way}</a> })}
                <span>{name}</span>
                <button type="button" class="button quiet" data-act="leave">"Sign out"</button>
            </p>
        </div>
    }
    .into_any()
}

/// The queue, of which an agent sees what they work on or may take.
#[component]
fn Own(queue: QueueView) -> impl IntoView {
    view! {
        <label class="check not-theirs"><input type="checkbox" checked=true/>"Hide what others work on"</label>
        <Queue requests=queue.requests my_id=queue.my_id sites=queue.sites form=queue.form closed=false answered_ms=queue.answered_ms/>
    }
}
