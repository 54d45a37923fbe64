//! The EOC's file that is open: who leads, who is there, whether it is still needed. Written by the server
//! once for all consoles; what is for seniors or for who locked is shown by the card's attributes.

use crate::view::IncidentBrief;
use leptos::prelude::*;

#[component]
pub fn IncidentCard(brief: IncidentBrief) -> impl IntoView {
    let id = brief.id.to_string();
    let there = who_is_there(&brief);
    let review = brief.asked.as_ref().map(|at| {
        view! {
            <div class="notice loud">
                <p>{still_needed(&at.clock)}</p>
                <div data-for="senior"><One id=id.clone() what="still_needed" name="It is still needed"/></div>
            </div>
        }
    });
    let mistake = match brief.mistake.clone() {
        Some(who) => view! {
            <div class="notice loud">
                <p>{by_mistake(&who)}</p>
                <div data-for="senior"><AtOnce brief=brief.clone()/></div>
            </div>
        }
        .into_any(),
        None => view! {
            <div data-for="locker"><One id=id.clone() what="mistake" name="I locked by mistake: tell the seniors"/></div>
        }
        .into_any(),
    };
    let meeting = brief.meeting.clone().map(|url| view! { <p><a href=url rel="noreferrer">"Join the meeting"</a></p> });
    let missing = (!brief.space.is_empty()).then(|| {
        let id = id.clone();
        view! {
            <div class="notice">
                {brief.space.iter().map(|text| view! { <p>{text.clone()}</p> }).collect_view()}
                <form method="post" action="/ui/invite-again" data-for="eoc">
                    <input type="hidden" name="id" value=id/>
                    <button type="submit" class="button quiet">"Try again"</button>
                </form>
            </div>
        }
    });
    view! {
        <h3><a href=format!("/incidents/{id}")>{brief.name}</a></h3>
        {review}
        {mistake}
        <p class="quiet">{there}</p>
        {meeting}
        {missing}
        <div data-for="eoc"><Writing id/></div>
    }
}

/// The all-clear that lies ready: the reason is written, the name filled in. What else an all-clear needs
/// (a passkey, a second senior) it needs here too.
#[component]
fn AtOnce(brief: IncidentBrief) -> impl IntoView {
    view! {
        <form method="post" action="/ui/release">
            <input type="hidden" name="site" value=brief.site.to_string()/>
            <input type="hidden" name="typed" value=brief.site_name/>
            <input type="hidden" name="seen" value=brief.version.to_string()/>
            <input type="hidden" name="reason" value=MISTAKE/>
            <button type="submit" class="button primary">"Give the all-clear"</button>
        </form>
    }
}

/// One thing to say, in one press.
#[component]
fn One(id: String, what: &'static str, name: &'static str) -> impl IntoView {
    view! {
        <form method="post" action="/ui/write-incident">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="what" value=what/>
            <input type="hidden" name="name" value=""/>
            <input type="hidden" name="text" value=""/>
            <button type="submit" class="button">{name}</button>
        </form>
    }
}

/// A note goes into the timeline at once.
#[component]
fn Writing(id: String) -> impl IntoView {
    view! {
        <form method="post" action="/ui/write-incident" class="note-form" autocomplete="off">
            <input type="hidden" name="id" value=id/>
            <input type="hidden" name="name" value=""/>
            <label class="visually-hidden" for="note">"Note or decision"</label>
            <input id="note" name="text" type="text" maxlength="1000" placeholder="Note or decision"/>
            <button type="submit" class="button quiet" name="what" value="note">"Note"</button>
            <button type="submit" class="button quiet" name="what" value="decision">"Decision"</button>
            <button type="submit" class="button quiet" name="what" value="join">"Check in"</button>
            <button type="submit" class="button quiet" name="what" value="command">"Take command"</button>
            <button type="submit" class="button quiet" name="what" value="leave">"Check out"</button>
        </form>
    }
}

fn who_is_there(incident: &IncidentBrief) -> String {
    let commander = incident.commander.as_ref().map_or_else(|| "nobody yet".to_owned(), Clone::clone);
    let present =
        if incident.present.is_empty() { "nobody has checked in".to_owned() } else { incident.present.join(", ") };
    format!("In command: {commander}. Present: {present}.")
}

fn still_needed(at: &str) -> String {
    format!(
        "Asked at {at}: is the lock still needed? A senior says so, or gives the all-clear. Nothing is released by itself."
    )
}

fn by_mistake(who: &str) -> String {
    format!("{who} says that the lock was a mistake. The all-clear lies ready for a senior.")
}

/// The reason that is filled in then.
const MISTAKE: &str = "Raised by mistake";
