//! API keys: what programs hold, and what they may do with it. Administrators only.

use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::server_functions::keys::{RevokeKey, keys};
use crate::server_functions::session::sign_in;
use crate::view::{KeyShown, KeyView, KeysView, Outcome};
use leptos::prelude::*;
use leptos_meta::Title;
use lockdown::ids::SiteId;

#[component]
pub(crate) fn KeysPage() -> impl IntoView {
    let known = Resource::new(|| (), |()| sign_in());
    let list = Resource::new(|| (), |()| keys());
    let revoke = ServerAction::<RevokeKey>::new();
    let outcome = StoredValue::new(use_context::<Outcome>());
    view! {
        <Title text="API keys"/>
        <Suspense>
            {move || list.get().map(|answer| match answer {
                Ok(KeysView { me, keys, scopes, sites }) => view! {
                    <Frame me=Some(me) here="/admin/clients">
                        <div class="narrow wide">
                            <h1>"API keys"</h1>
                            {revoke.value().get().and_then(Result::err).map(|error| view! { <Trouble text=error.to_string()/> })}
                            {outcome.get_value().map(|outcome| view! { <Shown outcome/> })}
                            <ul class="people">
                                {keys.is_empty().then(|| view! { <li>"No key yet."</li> })}
                                {keys.into_iter().map(|key| view! { <Row key action=revoke/> }).collect_view()}
                            </ul>
                            <NewKey scopes sites/>
                            <p>
                                "Whoever finds a key where it does not belong can take it back on "
                                <a href="/leaked-key">"this page"</a> ", without signing in."
                            </p>
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/admin/clients"/> }.into_any(),
            })}
        </Suspense>
    }
}

/// The one moment a secret can be read.
#[component]
pub(crate) fn Shown(outcome: Outcome) -> impl IntoView {
    match outcome {
        Outcome::Key(KeyShown { name, secret }) => view! {
            <section class="card once" role="status">
                <h2>"The secret of " {name}</h2>
                <p><code class="secret">{secret}</code></p>
                <p>"Copy it now: it is not shown again."</p>
            </section>
        }
        .into_any(),
        Outcome::Refused(error) => view! { <Trouble text=error.to_string()/> }.into_any(),
        Outcome::Tested(said) => view! { <p class="notice" role="status">"Test: " {said}</p> }.into_any(),
        Outcome::Envelopes(_) | Outcome::Ask(_) | Outcome::Connect(_) | Outcome::Reported => ().into_any(),
    }
}

#[component]
fn Row(key: KeyView, action: ServerAction<RevokeKey>) -> impl IntoView {
    let place = key.site.map_or_else(|| "every site".to_owned(), |site| format!("site {site}"));
    let from =
        if key.networks.is_empty() { "from anywhere".into() } else { format!("from {}", key.networks.join(", ")) };
    let used = key.used.map_or_else(|| "never used".to_owned(), |day| format!("last used {day}"));
    let tone = if key.ends_soon || !key.live { "attention" } else { "plain" };
    let soon = key.ends_soon.then_some(if key.live { " · ends soon: rotate it" } else { "" });
    let id = key.id.clone();
    let live = key.live;
    view! {
        <li class="card key">
            <div class="key-words">
                <strong>{key.name}</strong>
                <span class="rights" data-tone=tone>{key.state} {soon}</span>
                <span><code>{key.scopes.join(" ")}</code></span>
                <small>{format!("{place}, {from}; {used}; made by {}; id {}", key.by, key.id)}</small>
                {key.old_until.map(|until| view! { <small>"The secret before is good until " {until.clock}</small> })}
            </div>
            {live.then(|| view! {
                <div class="buttons">
                    <form method="post" action="/admin/clients/rotate">
                        <input type="hidden" name="key" value=id.clone()/>
                        <label class="visually-hidden" for=format!("overlap-{id}")>"Old secret stays good"</label>
                        <select id=format!("overlap-{id}") name="overlap">
                            <option value="7">"old secret 7 days more"</option>
                            <option value="1">"old secret 1 day more"</option>
                            <option value="0">"old secret ends now"</option>
                        </select>
                        <button type="submit" class="button quiet">"New secret"</button>
                    </form>
                    <ActionForm action=action>
                        <input type="hidden" name="key" value=id.clone()/>
                        <button type="submit" class="button danger">"Revoke"</button>
                    </ActionForm>
                </div>
            })}
        </li>
    }
}

#[component]
fn NewKey(scopes: Vec<String>, sites: Vec<(SiteId, String)>) -> impl IntoView {
    let ticks = scopes
        .into_iter()
        .map(|scope| {
            let word = scope.clone();
            view! {
                <label class="tick" for=format!("scope-{word}")>
                    <input id=format!("scope-{word}") type="checkbox" name="scope" value=word.clone()/>
                    {meaning(&scope)} <code>{scope}</code>
                </label>
            }
        })
        .collect_view();
    let choices =
        sites.into_iter().map(|(id, name)| view! { <option value=id.to_string()>{name}</option> }).collect_view();
    view! {
        <section class="card">
            <h2>"Make a key"</h2>
            <form method="post" action="/admin/clients/add" class="fields">
                <label for="name">"What it is for"</label>
                <input id="name" name="name" type="text" maxlength="100" required=true autocomplete="off"/>
                <fieldset><legend>"It may"</legend>{ticks}</fieldset>
                <label for="site">"At"</label>
                <select id="site" name="site"><option value="">"every site"</option>{choices}</select>
                <label for="networks">"From these networks (empty: from anywhere)"</label>
                <input id="networks" name="networks" type="text" placeholder="10.20.0.0/16" autocomplete="off"/>
                <label for="days">"Good for (days, 1 to 365)"</label>
                <input id="days" name="days" type="number" min="1" max="365" value="90" required=true/>
                <button type="submit" class="button primary">"Make the key"</button>
            </form>
        </section>
    }
}

fn meaning(scope: &str) -> &'static str {
    match scope {
        "status:embed" => "show the state of one site, in a gadget",
        "status:read" => "see steps, plan and timeline",
        "lock:enable" => "lock",
        "lock:release" => "give the all-clear",
        "calls:read" => "read call requests",
        "calls:write" => "enter and work call requests",
        "hooks:manage" => "manage webhooks",
        _ => "",
    }
}
