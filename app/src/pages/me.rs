//! My own profile and where I am signed in.

use crate::components::frame::{Frame, Trouble};
use crate::components::passkeys::Passkeys;
use crate::components::sessions::Sessions;
use crate::islands::passkey::AddPasskey;
use crate::pages::Refused;
use crate::server_functions::fallback_sign_in::{RemovePin, SetPin};
use crate::server_functions::passkeys::RemovePasskey;
use crate::server_functions::people::{EndSessions, me};
use crate::server_functions::session::sign_in;
use crate::view::{ContactView, MyView};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn MePage() -> impl IntoView {
    let known = Resource::new(|| (), |()| sign_in());
    let page = Resource::new(|| (), |()| me());
    let end = ServerAction::<EndSessions>::new();
    let remove = ServerAction::<RemovePasskey>::new();
    let set_pin = ServerAction::<SetPin>::new();
    let remove_pin = ServerAction::<RemovePin>::new();
    view! {
        <Title text="My profile"/>
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok(MyView { me, id, email, contact, rights, sessions, passkeys, may_enrol, pin_set, link }) => {
                    let first = passkeys.is_empty();
                    view! {
                    <Frame me=Some(me.clone()) here="/me">
                        <div class="narrow wide">
                            <h1>{me.name.clone()}</h1>
                            {end.value().get().or_else(|| remove.value().get()).or_else(|| set_pin.value().get()).or_else(|| remove_pin.value().get()).and_then(Result::err).map(|error| view! { <Trouble text=error.to_string()/> })}
                            <section class="card">
                                <h2>"What I may do"</h2>
                                <p>{if rights.is_empty() {
                                    "See the state. An administrator has not given you a role yet.".to_owned()
                                } else {
                                    rights.join(", ")
                                }}</p>
                            </section>
                            <Reached email contact/>
                            {link.map(|line| view! {
                                <section class="card"><h2>"Webex"</h2>
                                    <p>"Write this to the bot, alone or in a space where you mention it. Then it knows you by your Webex account. Good for ten minutes, once."</p>
                                    <p><code>{line}</code></p>
                                </section>
                            })}
                            <Passkeys person=id.to_string() passkeys action=remove/>
                            {may_enrol.then(|| view! {
                                <section class="card"><h2>"Another way in"</h2>
                                    <p>"A passkey works without the internet, and confirms an all-clear. Have two: one with you, one in the safe."</p>
                                    {if first {
                                        view! { <p><a class="button quiet" href="/auth/login?again=yes&return_to=/me">"Sign in again with your password"</a>" first, then add the key within ten minutes."</p> }.into_any()
                                    } else {
                                        view! { <p>"You are asked for a key you have first. To remove one, do so within five minutes of that."</p> }.into_any()
                                    }}
                                    <AddPasskey has_keys=!first/>
                                </section>
                            })}
                            {me.may_lock.then(|| view! {
                                <PinCard person=id.to_string() since=pin_set.map(|at| at.clock) set=set_pin remove=remove_pin/>
                            })}
                            <Sessions person=id.to_string() sessions action=end/>
                        </div>
                    </Frame>
                    }.into_any()
                }
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/me"/> }.into_any(),
            })}
        </Suspense>
    }
}

/// For desk phones, which know no better proof: a PIN locks there, and opens nothing else.
#[component]
fn PinCard(
    person: String,
    since: Option<String>,
    set: ServerAction<SetPin>,
    remove: ServerAction<RemovePin>,
) -> impl IntoView {
    let there_is = since.is_some();
    let state = since.map_or_else(|| "None yet.".to_owned(), |since| format!("Set {since}."));
    view! {
        <section class="card">
            <h2>"PIN for desk phones"</h2>
            <p>{state} " It is for locking from a phone of the EOC, once the phones ask for it. It never gives the all-clear."</p>
            <ActionForm action=set attr:class="fields">
                <label for="pin">"New PIN: 6 to 12 digits"</label>
                <input id="pin" name="pin" type="password" inputmode="numeric" minlength="6" maxlength="12" required=true autocomplete="new-password"/>
                <button type="submit" class="button">"Set the PIN"</button>
            </ActionForm>
            {there_is.then(|| view! {
                <ActionForm action=remove>
                    <input type="hidden" name="person" value=person/>
                    <button type="submit" class="button quiet">"Remove the PIN"</button>
                </ActionForm>
            })}
        </section>
    }
}

/// How the EOC reaches me, as an administrator wrote it down.
#[component]
fn Reached(email: Option<String>, contact: ContactView) -> impl IntoView {
    let ContactView { webex, extension, phones, language } = contact;
    let phones = (!phones.is_empty()).then(|| phones.join(", "));
    let rows = [
        ("E-mail", email),
        ("Webex", webex),
        ("Extension", extension),
        ("Desk phones", phones),
        ("Language", language),
    ];
    let rows = rows
        .into_iter()
        .map(|(name, value)| view! { <dt>{name}</dt><dd>{value.unwrap_or_else(|| "–".to_owned())}</dd> })
        .collect_view();
    view! {
        <section class="card">
            <h2>"How I am reached"</h2>
            <dl class="reached">{rows}</dl>
            <p>"Ask an administrator to change this."</p>
        </section>
    }
}
