//! What is known of somebody, for the administrator who must answer for it: to hand out, or to erase.

use crate::components::frame::{Frame, Trouble};
use crate::server_functions::requests::{EraseRequest, mentioning};
use crate::server_functions::session::sign_in;
use crate::view::RequestView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub(crate) fn KnownPage() -> impl IntoView {
    let asked = use_query_map();
    let find = move || asked.read().get("find").filter(|text| !text.trim().is_empty());
    let known = Resource::new(|| (), |()| sign_in());
    let found = Resource::new(find, |find| async move { mentioning(find).await });
    let erasing = ServerAction::<EraseRequest>::new();
    let me = move || known.get().and_then(Result::ok).and_then(|view| view.me);
    let list = move |found: Vec<RequestView>| {
        let nobody = found.is_empty();
        let none = found.is_empty() && find().is_some();
        view! {
            {none.then(|| view! { <p>"Nothing is known."</p> })}
            <ul class="tickets card" hidden=nobody>{found.into_iter().map(|one| view! { <One one erasing/> }).collect_view()}</ul>
        }
    };
    view! {
        <Title text="Personal data"/>
        <Suspense>
            {move || found.get().map(|answer| view! {
                <Frame me=me() here="/admin/requests">
                    <h1>"Personal data in call requests"</h1>
                    <p>"Finds every request that mentions somebody. Hand it out with the link below, or erase it. The timeline keeps only that there was a request."</p>
                    <form class="search" method="get" action="/admin/requests" role="search">
                        <label class="visually-hidden" for="find">"Name, number or ticket"</label>
                        <input id="find" name="find" type="search" value=find() placeholder="Name, number or ticket"/>
                        <button type="submit" class="button">"Find"</button>
                    </form>
                    {find().map(|text| view! {
                        <form method="get" action="/admin/requests/export"><input type="hidden" name="find" value=text/><button type="submit" class="button quiet">"Save all of these as JSON"</button></form>
                    })}
                    {match answer {
                        Ok(found) => list(found).into_any(),
                        Err(error) => view! { <Trouble text=error.to_string()/> }.into_any(),
                    }}
                </Frame>
            })}
        </Suspense>
    }
}

#[component]
fn One(one: RequestView, erasing: ServerAction<EraseRequest>) -> impl IntoView {
    view! {
        <li>
            <span><strong class="number">{one.ticket}</strong>" "{one.who}", "{one.call_back}</span>
            <small>{format!("{} · {} · {}", one.filed.clock, one.state, one.reason)}</small>
            <ActionForm action=erasing>
                <input type="hidden" name="id" value=one.id.to_string()/>
                <button type="submit" class="button quiet">"Erase"</button>
            </ActionForm>
        </li>
    }
}
