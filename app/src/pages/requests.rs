//! Call requests: the whole queue for the EOC, the form for everybody else.

use crate::components::frame::{Frame, Trouble};
use crate::components::queue::Queue;
use crate::islands::queue::QueueIsland;
use crate::pages::ask::AskPage;
use crate::server_functions::requests::{asking, queue};
use crate::view::QueueView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockdown::call_request::{CallRequest, Priority};

#[component]
pub(crate) fn RequestsPage() -> impl IntoView {
    let asked = use_query_map();
    let wanted = move || {
        let asked = asked.read();
        let [site, find, all, priority, state] =
            ["site", "find", "all", "priority", "state"].map(|name| asked.get(name));
        (site, find, all, priority, state)
    };
    let page = Resource::new(wanted, |(site, find, all, priority, state)| async move {
        let ask = asking().await?;
        if !ask.me.as_ref().is_some_and(|me| me.may_work) {
            return Ok((None, ask));
        }
        Ok((Some(queue(site, find, all, priority, state).await?), ask))
    });
    view! {
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok((Some(view), _)) => view! { <EocPage view/> }.into_any(),
                Ok((None, view)) => view! { <AskPage view/> }.into_any(),
                Err(error) => {
                    let error: crate::error::ApiError = error;
                    view! { <Frame me=None here="/requests"><Trouble text=error.to_string()/></Frame> }.into_any()
                }
            })}
        </Suspense>
    }
}

#[component]
fn EocPage(view: QueueView) -> impl IntoView {
    let find = view.find.clone();
    let all = view.all;
    let searched = !find.trim().is_empty() || view.priority.is_some() || view.state.is_some();
    let priority = view.priority.map(Priority::word);
    let state = view.state.clone();
    view! {
        <Title text="Requests"/>
        <Frame me=Some(view.me.clone()) here="/requests">
            <h1>"Call requests"</h1>
            <form class="search" method="get" action="/requests" role="search">
                <label class="visually-hidden" for="find">"Find by ticket, name, number or reason"</label>
                <input id="find" name="find" type="search" value=find placeholder="Ticket, name, number or reason"/>
                <Choice name="priority" label="Priority" words=Priority::ALL.map(Priority::word).to_vec() chosen=priority.map(str::to_owned)/>
                <Choice name="state" label="State" words=CallRequest::WORDS.to_vec() chosen=state/>
                <label class="check"><input type="checkbox" name="all" value="yes" checked=all/>"closed ones too"</label>
                <button type="submit" class="button">"Find"</button>
            </form>
            {view.more.then(|| view! { <p class="notice">"There are more than these. Search for what you need."</p> })}
            <Queue requests=view.requests my_id=view.my_id sites=view.sites form=view.form closed=all answered_ms=view.answered_ms/>
            <QueueIsland searched/>
        </Frame>
    }
}

/// One of some words, or any.
#[component]
fn Choice(name: &'static str, label: &'static str, words: Vec<&'static str>, chosen: Option<String>) -> impl IntoView {
    let one = move |word: &'static str| {
        let selected = chosen.as_deref() == Some(word);
        view! { <option value=word selected=selected>{word.replace('_', " ")}</option> }
    };
    view! {
        <select name=name aria-label=label>
            <option value="">{format!("{label}: any")}</option>
            {words.into_iter().map(one).collect_view()}
        </select>
    }
}
