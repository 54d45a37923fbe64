//! A resident's own request: how far it got, and a few words with the EOC.

use crate::api::requests::ticket;
use crate::components::frame::{Frame, Trouble};
use crate::components::ticket::Ticket;
use crate::islands::ticket::TicketIsland;
use crate::texts::Texts;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

#[component]
pub(crate) fn TicketPage() -> impl IntoView {
    let texts = use_context::<Texts>().unwrap_or_default();
    let params = use_params_map();
    let query = use_query_map();
    let secret = move || params.read().get("secret").unwrap_or_default();
    let found = Resource::new(secret, ticket);
    let trouble = move || query.read().get("trouble");
    let title = texts.said("ask");
    view! {
        <Title text=title/>
        <Suspense>
            {move || {
                let texts = texts.clone();
                found.get().map(|answer| match answer {
                    Ok(view) => { let shown = texts.clone(); view! {
                        <Frame me=None here="/requests">
                            <div class="narrow">
                                {trouble().map(|text| view! { <Trouble text/> })}
                                <TicketIsland secret=secret()><Ticket ticket=view texts=shown/></TicketIsland>
                                <form method="post" action="/requests/answer" class="fields" autocomplete="off">
                                    <input type="hidden" name="form" value=secret()/>
                                    <label for="text">{texts.said("write")}</label>
                                    <textarea id="text" name="text" rows="2" maxlength="1000" required=true></textarea>
                                    <button type="submit" class="button">{texts.said("write_button")}</button>
                                </form>
                                <p><a href="/requests">{texts.said("ask_again")}</a></p>
                            </div>
                        </Frame>
                    }.into_any() }
                    Err(_) => view! {
                        <Frame me=None here="/requests">
                            <div class="narrow">
                                <Trouble text=texts.said("no_ticket")/>
                                <p><a href="/requests">{texts.said("ask_again")}</a></p>
                            </div>
                        </Frame>
                    }.into_any(),
                })
            }}
        </Suspense>
    }
}
