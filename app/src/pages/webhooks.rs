//! Webhooks: machines outside that are told what happens. Administrators only.

use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::pages::keys::Shown;
use crate::server_functions::session::sign_in;
use crate::server_functions::webhooks::{EnableWebhook, RemoveWebhook, ReplayWebhook, webhooks};
use crate::view::{DeliveryView, HookView, HooksView, Outcome};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockdown::ids::SiteId;

#[derive(Clone, Copy)]
struct Acts {
    remove: ServerAction<RemoveWebhook>,
    enable: ServerAction<EnableWebhook>,
    replay: ServerAction<ReplayWebhook>,
}

#[component]
pub(crate) fn WebhooksPage() -> impl IntoView {
    let asked = use_query_map();
    let known = Resource::new(|| (), |()| sign_in());
    let list = Resource::new(move || asked.read().get("of"), webhooks);
    let acts = Acts { remove: ServerAction::new(), enable: ServerAction::new(), replay: ServerAction::new() };
    let trouble = move || {
        let answers = [acts.remove.value().get(), acts.enable.value().get(), acts.replay.value().get()];
        answers.into_iter().flatten().find_map(Result::err)
    };
    let outcome = StoredValue::new(use_context::<Outcome>());
    view! {
        <Title text="Webhooks"/>
        <Suspense>
            {move || list.get().map(|answer| match answer {
                Ok(HooksView { me, hooks, allowed, news, sites }) => view! {
                    <Frame me=Some(me) here="/admin/webhooks">
                        <div class="narrow wide">
                            <h1>"Webhooks"</h1>
                            <p>"Systems elsewhere that receive what happens here, signed as Standard Webhooks describes and retried for three days."</p>
                            {trouble().map(|error| view! { <Trouble text=error.to_string()/> })}
                            {outcome.get_value().map(|outcome| view! { <Shown outcome/> })}
                            <ul class="people">
                                {hooks.is_empty().then(|| view! { <li>"No webhooks yet."</li> })}
                                {hooks.into_iter().map(|hook| view! { <Row hook acts/> }).collect_view()}
                            </ul>
                            <NewHook allowed news sites/>
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/admin/webhooks"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn Row(hook: HookView, acts: Acts) -> impl IntoView {
    let HookView { id, name, url, about, state, off, deliveries } = hook;
    let tone = if off { "attention" } else { "plain" };
    let log = format!("/admin/webhooks?of={id}");
    let id = StoredValue::new(id);
    let shown = deliveries.map(|all| view! { <Deliveries hook=id.get_value() all off action=acts.replay/> });
    view! {
        <li class="card key">
            <div class="key-words">
                <strong>{name}</strong>
                <span class="rights" data-tone=tone>{state}</span>
                <code>{url}</code>
                <small>{about}</small>
            </div>
            <div class="buttons">
                <Press id=id.get_value() to="/admin/webhooks/test" text="Send a test"/>
                <Press id=id.get_value() to="/admin/webhooks/rotate" text="New secret"/>
                <a class="button quiet" href=log>"What was sent"</a>
                {off.then(|| view! {
                    <ActionForm action=acts.enable>
                        <input type="hidden" name="hook" value=id.get_value()/>
                        <button type="submit" class="button">"Switch on"</button>
                    </ActionForm>
                })}
                <ActionForm action=acts.remove>
                    <input type="hidden" name="hook" value=id.get_value()/>
                    <button type="submit" class="button danger">"Remove"</button>
                </ActionForm>
            </div>
            {shown}
        </li>
    }
}

/// A form whose answer is a page of its own.
#[component]
fn Press(id: String, to: &'static str, text: &'static str) -> impl IntoView {
    view! {
        <form method="post" action=to>
            <input type="hidden" name="hook" value=id/>
            <button type="submit" class="button quiet">{text}</button>
        </form>
    }
}

#[component]
fn Deliveries(hook: String, all: Vec<DeliveryView>, off: bool, action: ServerAction<ReplayWebhook>) -> impl IntoView {
    let none = all.is_empty();
    let rows = all.into_iter().map(|delivery| {
        let hook = hook.clone();
        view! {
            <li>
                <span>
                    <strong>{delivery.kind}</strong> " " {delivery.state}
                    <small>{delivery.made.clock} " " {delivery.last}</small>
                </span>
                {(!off).then(|| view! {
                    <ActionForm action=action>
                        <input type="hidden" name="hook" value=hook/>
                        <input type="hidden" name="delivery" value=delivery.id/>
                        <button type="submit" class="button quiet">"Send again"</button>
                    </ActionForm>
                })}
            </li>
        }
    });
    let rows = rows.collect_view();
    view! {
        {none.then(|| view! { <p>"Nothing yet."</p> })}
        <ul class="sessions">{rows}</ul>
    }
}

#[component]
fn NewHook(allowed: Vec<String>, news: Vec<String>, sites: Vec<(SiteId, String)>) -> impl IntoView {
    if allowed.is_empty() {
        return view! {
            <p class="notice">
                "No destination is allowed yet: list the origins of your receivers as " <code>"webhooks.allow"</code>
                " in the server’s configuration."
            </p>
        }
        .into_any();
    }
    let choices =
        sites.into_iter().map(|(id, name)| view! { <option value=id.to_string()>{name}</option> }).collect_view();
    view! {
        <section class="card">
            <h2>"Add a webhook"</h2>
            <form method="post" action="/admin/webhooks/add" class="fields">
                <label for="name">"What it is"</label>
                <input id="name" name="name" type="text" maxlength="100" required=true autocomplete="off"/>
                <label for="url">"Address (allowed: " {allowed.join(", ")} ")"</label>
                <input id="url" name="url" type="url" required=true autocomplete="off"/>
                <label for="site">"About"</label>
                <select id="site" name="site"><option value="">"every site"</option>{choices}</select>
                <label for="what">"Only these kinds of events (empty: all)"</label>
                <input id="what" name="what" type="text" autocomplete="off" placeholder="lock_ordered verified"/>
                <p><small>{news.join(" ")}</small></p>
                <button type="submit" class="button primary">"Add the webhook"</button>
            </form>
        </section>
    }
    .into_any()
}
