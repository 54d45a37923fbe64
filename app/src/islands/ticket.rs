//! A resident's request, kept up to date: the server writes it, the page shows it.

use crate::live::listen;
use crate::view::Live;
use leptos::html::Div;
use leptos::prelude::*;

#[island]
pub fn TicketIsland(secret: String, children: Children) -> impl IntoView {
    let room = NodeRef::<Div>::new();
    let line = ["/ui/live?ticket=".to_owned(), secret].concat();
    listen(line, move |news| {
        if let (Live::Ticket(html), Some(room)) = (news, room.get_untracked()) {
            room.set_inner_html(&html);
        }
    });
    view! { <div node_ref=room class="narrow" role="status" aria-live="polite">{children()}</div> }
}
