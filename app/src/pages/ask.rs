//! Where a resident asks for a call: plain words, emergency first, and nothing that needs a script.

use crate::components::frame::{Frame, Trouble};
use crate::components::ticket::state_sentence;
use crate::islands::keep_draft::KeepDraft;
use crate::texts::Texts;
use crate::view::{AskDraft, AskView, Asking, Outcome, TicketView};
use leptos::prelude::*;
use leptos_meta::Title;
use lockdown::ids::SiteId;

#[component]
pub(crate) fn AskPage(view: AskView) -> impl IntoView {
    let texts = use_context::<Texts>().unwrap_or_default();
    let AskView { me, asking, sites, emergency_numbers, form, mine } = view;
    let danger = emergency_numbers.first().map(|number| texts.filled("ask_danger", "number", number));
    let kept = match use_context::<Outcome>() {
        Some(Outcome::Ask(draft)) => draft,
        _ => AskDraft { form, priority: "normal".into(), ..AskDraft::default() },
    };
    let body = match asking {
        Asking::Open => view! { <AskForm texts=texts.clone() sites kept/> }.into_any(),
        Asking::SignInFirst => view! {
            <p>{texts.said("ask_sign_in")}</p>
            <p><a class="button primary" href="/auth/login?return_to=/requests">{texts.said("sign_in")}</a></p>
        }
        .into_any(),
        Asking::Closed => view! { <p>{texts.said("ask_nobody")}</p> }.into_any(),
    };
    view! {
        <Title text=texts.said("ask")/>
        <Frame me here="/requests">
            <div class="narrow">
                <h1>{texts.said("ask")}</h1>
                {danger.map(|text| view! { <p class="emergency">{text}</p> })}
                {(asking == Asking::Open).then(|| view! { <p>{texts.said("ask_intro")}</p> })}
                {body}
                <Mine texts mine/>
            </div>
        </Frame>
    }
}

#[component]
fn AskForm(texts: Texts, sites: Vec<(SiteId, String)>, kept: AskDraft) -> impl IntoView {
    let several = sites.len() > 1;
    let first = sites.first().map(|(id, _)| id.to_string()).unwrap_or_default();
    let chosen = kept.site.clone();
    let site = move |(id, name): (SiteId, String)| {
        let selected = id.as_str() == chosen;
        view! { <option value=id.to_string() selected=selected>{name}</option> }
    };
    let place = if several {
        view! {
            <label for="site">{texts.said("place")}</label>
            <select id="site" name="site">{sites.into_iter().map(site).collect_view()}</select>
        }
        .into_any()
    } else {
        view! { <input type="hidden" name="site" value=first/> }.into_any()
    };
    let priority = kept.priority.clone();
    let how = move |word: &'static str, name: String| {
        view! {
            <label class="check"><input type="radio" name="priority" value=word checked=word == priority/>{name}</label>
        }
    };
    view! {
        <form id="ask" method="post" action="/requests/file" class="fields" autocomplete="off">
            {(!kept.trouble.is_empty()).then(|| view! { <Trouble text=kept.trouble.clone()/> })}
            <input type="hidden" name="form" value=kept.form.clone()/>
            {place}
            <label for="who">{texts.said("who")}</label>
            <input id="who" name="who" type="text" required=true maxlength="120" value=kept.who autocomplete="name"/>
            <label for="call_back">{texts.said("call_back")}</label>
            <small id="back-hint">{texts.said("call_back_hint")}</small>
            <input id="call_back" name="call_back" type="text" inputmode="tel" required=true maxlength="40" value=kept.call_back aria-describedby="back-hint"/>
            <label for="reason">{texts.said("reason")}</label>
            <textarea id="reason" name="reason" rows="3" required=true maxlength="1000">{kept.reason}</textarea>
            <fieldset class="ways">
                <legend>{texts.said("urgency")}</legend>
                {how("urgent", format!("▲ {}", texts.said("urgent")))}
                {how("normal", format!("■ {}", texts.said("ordinary")))}
                {how("low", format!("○ {}", texts.said("low")))}
            </fieldset>
            <div class="trap" aria-hidden="true">
                <label for="website">{texts.said("leave_empty")}</label>
                <input id="website" name="website" type="text" tabindex="-1" autocomplete="off"/>
            </div>
            <KeepDraft kept=texts.said("kept") sending=texts.said("sending")/>
            <button type="submit" class="button primary">{texts.said("send")}</button>
        </form>
    }
}

/// What somebody with an account asked for before.
#[component]
fn Mine(texts: Texts, mine: Vec<TicketView>) -> impl IntoView {
    let heading = texts.said("yours");
    (!mine.is_empty()).then(move || {
        let line = move |ticket: TicketView| {
            view! {
                <li>
                    <span>
                        <a class="number" href=format!("/requests/t/{}", ticket.id)>{ticket.ticket.clone()}</a>
                        " "{ticket.reason.clone()}
                    </span>
                    <small>{state_sentence(&texts, &ticket)}</small>
                </li>
            }
        };
        view! {
            <section class="card">
                <h2>{heading}</h2>
                <ul class="tickets">{mine.into_iter().map(line).collect_view()}</ul>
            </section>
        }
    })
}
