//! One person: roles, contact, sessions, and what cannot be undone by a click.

use crate::components::frame::{Frame, Trouble};
use crate::components::passkeys::Passkeys;
use crate::components::sessions::Sessions;
use crate::error::ApiError;
use crate::pages::Refused;
use crate::server_functions::fallback_sign_in::{RemovePin, RevokeCodes};
use crate::server_functions::passkeys::RemovePasskey;
use crate::server_functions::people::{EndSessions, MergePeople, SetDisabled, SetProfile, SetRoles, person};
use crate::server_functions::session::sign_in;
use crate::view::{ContactView, Outcome, PersonPageView, PersonView};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Grants, Role};

#[component]
pub(crate) fn PersonPage() -> impl IntoView {
    let asked = use_params_map();
    let known = Resource::new(|| (), |()| sign_in());
    let page = Resource::new(move || asked.read().get("id").unwrap_or_default(), person);
    let roles = ServerAction::<SetRoles>::new();
    let profile = ServerAction::<SetProfile>::new();
    let disabled = ServerAction::<SetDisabled>::new();
    let merge = ServerAction::<MergePeople>::new();
    let end = ServerAction::<EndSessions>::new();
    let remove = ServerAction::<RemovePasskey>::new();
    let revoke_codes = ServerAction::<RevokeCodes>::new();
    let remove_pin = ServerAction::<RemovePin>::new();
    let outcome = StoredValue::new(use_context::<Outcome>());
    let trouble = move || {
        let answers = [
            roles.value().get(),
            profile.value().get(),
            disabled.value().get(),
            merge.value().get(),
            end.value().get(),
            remove.value().get(),
            revoke_codes.value().get(),
            remove_pin.value().get(),
        ];
        answers.into_iter().flatten().find_map(Result::err)
    };
    view! {
        <Title text="Person"/>
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok(PersonPageView { me, person, grants, sites, others, sessions, passkeys, envelopes, has_pin, contact }) => {
                    let id = person.id.to_string();
                    view! {
                        <Frame me=Some(me) here="/admin/people">
                            <div class="narrow wide">
                                <p><a href="/admin/people">"People"</a></p>
                                <h1>{person.name.clone()}</h1>
                                <Note trouble=trouble()/>
                                {outcome.get_value().map(|outcome| view! { <Printed name=person.name.clone() outcome/> })}
                                <State person=person.clone()/>
                                <Roles person=person.clone() grants sites action=roles/>
                                <Contact person=person.clone() contact action=profile/>
                                <Passkeys person=id.clone() passkeys action=remove/>
                                <Envelopes person=id.clone() envelopes revoke=revoke_codes/>
                                {has_pin.then(|| view! { <Pin person=id.clone() action=remove_pin/> })}
                                <Sessions person=id.clone() sessions action=end/>
                                <Disable person action=disabled/>
                                <Merge kept=id others action=merge/>
                            </div>
                        </Frame>
                    }.into_any()
                }
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/admin/people"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn Note(trouble: Option<ApiError>) -> impl IntoView {
    trouble.map(|error| view! { <Trouble text=error.to_string()/> })
}

#[component]
fn State(person: PersonView) -> impl IntoView {
    let state = match (person.disabled, person.rights.is_empty(), person.can_sign_in) {
        (true, _, _) => "Disabled.",
        (false, true, true) => "Waiting for approval: no role yet.",
        (false, _, false) => "Cannot sign in yet: not linked to an identity.",
        (false, false, true) => "",
    };
    (!state.is_empty()).then(|| view! { <p class="notice">{state}</p> })
}

/// Which profile was looked at: a change of somebody else's is not overwritten.
#[component]
fn Seen(person: PersonView) -> impl IntoView {
    view! {
        <input type="hidden" name="person" value=person.id.to_string()/>
        <input type="hidden" name="seen" value=person.version.to_string()/>
    }
}

#[component]
fn Contact(person: PersonView, contact: ContactView, action: ServerAction<SetProfile>) -> impl IntoView {
    let email = person.email.clone();
    view! {
        <section class="card">
            <h2>"Contact"</h2>
            <ActionForm action=action attr:class="fields">
                <Seen person/>
                <Field name="email" label="E-mail" value=email/>
                <Field name="webex" label="Webex person" value=contact.webex/>
                <Field name="extension" label="Extension" value=contact.extension/>
                <Field name="language" label="Language (such as en or fr-CA)" value=contact.language/>
                <Field name="phones" label="Desk phones (SEP…, with a blank between)" value=Some(contact.phones.join(" "))/>
                <button type="submit" class="button quiet">"Save contact"</button>
            </ActionForm>
        </section>
    }
}

/// Envelopes with codes, each good once while the identity provider is away.
#[component]
fn Envelopes(person: String, envelopes: Vec<(String, bool)>, revoke: ServerAction<RevokeCodes>) -> impl IntoView {
    let none = envelopes.is_empty();
    let rows = envelopes
        .into_iter()
        .map(
            |(serial, used)| view! { <li><code>{serial}</code> {if used { " used" } else { " in its envelope" }}</li> },
        )
        .collect_view();
    view! {
        <section class="card">
            <h2>"Sealed codes"</h2>
            <p>"For the night the identity provider is away and no passkey is at hand. Print them, seal each in an envelope with its number outside, and keep them in different places."</p>
            <ul class="serials">{rows}</ul>
            <div class="buttons">
                <form method="post" action="/admin/codes/print">
                    <input type="hidden" name="person" value=person.clone()/>
                    <input type="hidden" name="count" value="2"/>
                    <button type="submit" class="button quiet">"Make two envelopes"</button>
                </form>
                {(!none).then(|| view! {
                    <ActionForm action=revoke>
                        <input type="hidden" name="person" value=person/>
                        <button type="submit" class="button quiet">"Take all back"</button>
                    </ActionForm>
                })}
            </div>
        </section>
    }
}

/// What goes into the envelopes, shown once.
#[component]
fn Printed(name: String, outcome: Outcome) -> impl IntoView {
    match outcome {
        Outcome::Envelopes(envelopes) => view! {
            <section class="card once" role="status">
                <h2>"Sealed codes of " {name}</h2>
                <p>"Print this page now, cut it, and seal each code: they are not shown again."</p>
                {envelopes.into_iter().map(|(serial, code)| view! {
                    <div class="envelope">
                        <span>"Outside: " <code>{serial}</code></span>
                        <span>"Inside: " <code class="secret">{code}</code></span>
                    </div>
                }).collect_view()}
            </section>
        }
        .into_any(),
        Outcome::Refused(error) => view! { <Trouble text=error.to_string()/> }.into_any(),
        Outcome::Key(_) | Outcome::Ask(_) | Outcome::Connect(_) | Outcome::Reported | Outcome::Tested(_) => {
            ().into_any()
        }
    }
}

#[component]
fn Pin(person: String, action: ServerAction<RemovePin>) -> impl IntoView {
    view! {
        <section class="card">
            <h2>"PIN for desk phones"</h2>
            <ActionForm action=action>
                <input type="hidden" name="person" value=person/>
                <button type="submit" class="button quiet">"Remove the PIN"</button>
            </ActionForm>
        </section>
    }
}

#[component]
fn Disable(person: PersonView, action: ServerAction<SetDisabled>) -> impl IntoView {
    let (title, meaning, button, wanted) = if person.disabled {
        ("Enable", "Roles are as they were; the person can sign in again.", "Enable this person", "no")
    } else {
        (
            "Disable",
            "Every session ends within 30 seconds, and no way of signing in works any more. Roles stay for the day of return.",
            "Disable this person",
            "yes",
        )
    };
    view! {
        <section class="card">
            <h2>{title}</h2>
            <ActionForm action=action>
                <Seen person/>
                <input type="hidden" name="disabled" value=wanted/>
                <p>{meaning}</p>
                <button type="submit" class="button danger">{button}</button>
            </ActionForm>
        </section>
    }
}

#[component]
fn Merge(kept: String, others: Vec<(OperatorId, String)>, action: ServerAction<MergePeople>) -> impl IntoView {
    let choices =
        others.into_iter().map(|(id, name)| view! { <option value=id.to_string()>{name}</option> }).collect_view();
    view! {
        <section class="card">
            <h2>"The same person twice?"</h2>
            <ActionForm action=action attr:class="fields">
                <input type="hidden" name="kept" value=kept/>
                <p>
                    "This profile gets the other one’s way to sign in and keeps its own roles. The other one is disabled, and its passkeys, envelopes and PIN open nothing any more."
                </p>
                <label for="gone">"The other profile"</label>
                <select id="gone" name="gone" required=true>
                    <option value="">"Choose…"</option>
                    {choices}
                </select>
                <button type="submit" class="button danger">"Merge into this one"</button>
            </ActionForm>
        </section>
    }
}

#[component]
fn Field(name: &'static str, label: &'static str, value: Option<String>) -> impl IntoView {
    view! {
        <label for=name>{label}</label>
        <input id=name name=name type="text" maxlength="200" autocomplete="off" value=value.unwrap_or_default()/>
    }
}

#[component]
fn Roles(
    person: PersonView,
    grants: Grants,
    sites: Vec<(SiteId, String)>,
    action: ServerAction<SetRoles>,
) -> impl IntoView {
    let tick = |word: String, role: Role, checked: bool| {
        view! {
            <label class="tick" for=word.clone()>
                <input id=word.clone() type="checkbox" name="grants[]" value=word.clone() checked=checked/>
                {role.title()}
            </label>
        }
    };
    let everywhere = Role::ALL
        .into_iter()
        .map(|role| tick(role.word().to_owned(), role, grants.everywhere.contains(&role)))
        .collect_view();
    let at = sites
        .into_iter()
        .map(|(site, name)| {
            let roles = grants.at.get(&site).cloned().unwrap_or_default();
            let ticks = [Role::Eoc, Role::SeniorEoc]
                .map(|role| tick(format!("{}@{site}", role.word()), role, roles.contains(&role)));
            view! { <fieldset><legend>{name}</legend>{ticks.collect_view()}</fieldset> }
        })
        .collect_view();
    view! {
        <section class="card">
            <h2>"Roles"</h2>
            <ActionForm action=action>
                <Seen person/>
                <fieldset><legend>"At every site"</legend>{everywhere}</fieldset>
                {at}
                <button type="submit" class="button primary">"Save roles"</button>
            </ActionForm>
        </section>
    }
}
