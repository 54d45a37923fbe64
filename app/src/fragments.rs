//! Pieces of pages the server writes by themselves: they go to open pages on the live line, written once
//! for all of them.

use crate::components::incident_card::IncidentCard;
use crate::components::queue::Row;
use crate::components::step_rows::StepRows;
use crate::components::ticket::Ticket;
use crate::texts::Texts;
use crate::view::{IncidentBrief, Moment, RequestView, StepView, TicketView};
use leptos::prelude::*;

/// An entry of the timeline.
pub fn event(when: Moment, text: String, who: Option<String>) -> String {
    written(|| {
        view! {
            <time class="number" datetime=when.iso>{when.clock}</time>
            <span class="what">{text}</span>
            <span class="who">{who.unwrap_or_default()}</span>
        }
    })
}

/// Rows of the step table.
pub fn steps(steps: Vec<StepView>) -> String {
    written(|| view! { <StepRows steps/> })
}

/// A line of the queue.
pub fn request(request: RequestView) -> String {
    written(|| view! { <Row request/> })
}

/// A resident's ticket.
pub fn ticket(ticket: TicketView, texts: Texts) -> String {
    written(|| view! { <Ticket ticket texts/> })
}

/// The card of the incident that is open.
pub fn incident(brief: IncidentBrief) -> String {
    written(|| view! { <IncidentCard brief/> })
}

fn written<V: IntoView>(view: impl FnOnce() -> V) -> String {
    Owner::new().with(|| view().into_view().to_html())
}
