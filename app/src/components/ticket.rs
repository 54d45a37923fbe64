//! A resident's request: how far it got, and what was said. Written by the server, in every language.

use crate::texts::Texts;
use crate::view::{Moment, TicketLine, TicketView};
use leptos::prelude::*;

#[component]
#[expect(clippy::needless_pass_by_value, reason = "a component's properties are values")]
pub fn Ticket(ticket: TicketView, texts: Texts) -> impl IntoView {
    let state = state_sentence(&texts, &ticket);
    // Only while somebody will.
    let will_call = ticket.open && !matches!(ticket.state.as_str(), "connected" | "refused");
    let lines: Vec<_> = ticket.story.into_iter().map(|line| step(line, &texts)).collect();
    view! {
        <h1>{texts.filled("ticket", "ticket", &ticket.ticket)}</h1>
        <section class="card ticket" data-state=ticket.state.clone()>
            <p class="ticket-state">{state}</p>
            {will_call.then(|| view! { <p>{texts.filled("we_call", "number", &ticket.call_back)}</p> })}
        </section>
        <p class="notice">{texts.said("keep_link")}</p>
        <section class="card">
            <h2>{texts.said("asked_for")}</h2>
            <p class="request-reason">{ticket.reason.clone()}</p>
            <h2>{texts.said("story")}</h2>
            <ol class="story">
                <Line when=ticket.filed.clone() who=texts.said("you") text=texts.said("filed")/>
                {lines}
            </ol>
        </section>
    }
}

fn step(line: TicketLine, texts: &Texts) -> AnyView {
    let who = texts.said(if line.mine { "you" } else { "eoc" });
    let text = line.said.clone().unwrap_or_else(|| sentence(texts, &line.did, line.note.as_deref(), None));
    view! { <Line when=line.when who text/> }.into_any()
}

#[component]
fn Line(when: Moment, who: String, text: String) -> impl IntoView {
    view! {
        <li>
            <time class="number" datetime=when.iso>{when.clock}</time>
            <span><strong>{who}": "</strong>{text}</span>
        </li>
    }
}

/// How far it got, in a sentence.
pub(crate) fn state_sentence(texts: &Texts, ticket: &TicketView) -> String {
    let at = ticket.again_at.as_ref().map(|at| at.clock.as_str());
    sentence(texts, &ticket.state, ticket.note.as_deref(), at)
}

fn sentence(texts: &Texts, word: &str, note: Option<&str>, at: Option<&str>) -> String {
    match word {
        "claimed" => texts.said("state_claimed"),
        "approved" => texts.said("state_approved"),
        "refused" => texts.filled("state_refused", "reason", note.unwrap_or_default()),
        "connected" => texts.said("state_connected"),
        "no_answer" => texts.said("state_no_answer"),
        "call_back" => texts.filled("state_call_back", "time", at.or(note).unwrap_or_default()),
        "closed" => texts.filled("state_closed", "reason", note.unwrap_or_default()),
        _ => texts.said("state_new"),
    }
}
