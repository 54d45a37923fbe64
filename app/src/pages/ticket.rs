//! A resident's own request: how far it got, and a few words with the EOC.

use crate::components::frame::{Frame, Trouble};
use crate::components::ticket::Ticket;
use crate::error::ApiError;
use crate::islands::ticket::TicketIsland;
use crate::server_functions::requests::ticket;
use crate::texts::Texts;
use crate::view::TicketView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

#[component]
pub(crate) fn TicketPage() -> impl IntoView {
    let texts = StoredValue::new(use_context::<Texts>().unwrap_or_default());
    let params = use_params_map();
    let query = use_query_map();
    let secret = move || params.read().get("secret").unwrap_or_default();
    let found = Resource::new(secret, ticket);
    // Only words we know: an address can be made by anybody.
    let trouble = move || {
        let word = query.read().get("trouble")?;
        let texts = texts.get_value();
        let text = match word.as_str() {
            "away" => texts.said("ticket_away"),
            "not_taken" => texts.said("not_taken"),
            _ => return None,
        };
        Some(view! { <Trouble text/> })
    };
    view! {
        <Title text=texts.get_value().said("ask")/>
        <Suspense>
            {move || found.get().map(|answer| view! {
                <Frame me=None here="/requests">
                    <div class="narrow">
                        {trouble()}
                        {match answer {
                            Ok(ticket) => view! { <Followed ticket texts=texts.get_value() secret=secret()/> }.into_any(),
                            Err(error) => view! { <Trouble text=not_shown(&texts.get_value(), &error)/> }.into_any(),
                        }}
                        <p><a href="/requests">{texts.get_value().said("ask_again")}</a></p>
                    </div>
                </Frame>
            })}
        </Suspense>
    }
}

#[component]
fn Followed(ticket: TicketView, texts: Texts, secret: String) -> impl IntoView {
    let label = texts.said("write");
    let button = texts.said("write_button");
    view! {
        <TicketIsland secret=secret.clone()><Ticket ticket texts/></TicketIsland>
        <form method="post" action="/requests/answer" class="fields" autocomplete="off">
            <input type="hidden" name="form" value=secret/>
            <label for="text">{label}</label>
            <textarea id="text" name="text" rows="2" maxlength="1000" required=true></textarea>
            <button type="submit" class="button">{button}</button>
        </form>
    }
}

/// What is not there is one thing; what cannot be looked up now another.
fn not_shown(texts: &Texts, error: &ApiError) -> String {
    if *error == ApiError::NoSuchRequest { texts.said("no_ticket") } else { texts.said("ticket_away") }
}
