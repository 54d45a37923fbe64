//! The way in, and what went wrong on it.

use crate::components::frame::{Frame, Trouble};
use crate::islands::passkey::PasskeyDoor;
use crate::server_functions::session::sign_in;
use crate::view::SignInView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    let asked = use_query_map();
    let way = Resource::new(|| (), |()| sign_in());
    let trouble = move || asked.read().get("trouble").map(|word| sentence(&word));
    // Only a path of ours: the server looks again where it leads.
    let return_to = move || asked.read().get("return_to").filter(|path| path.starts_with('/'));
    let return_to = move || return_to().unwrap_or_else(|| "/console".to_owned());
    let forgot = move || asked.read().get("trouble").is_some_and(|word| word == "forgot");
    let by_code = move || asked.read().get("trouble").is_some_and(|word| word == "code");
    view! {
        <Title text="Sign in"/>
        <Suspense>
            {move || way.get().map(|answer| {
                let SignInView { me, provider, provider_up, passkeys, codes, reset } =
                    answer.unwrap_or(SignInView { me: None, provider: None, provider_up: false, passkeys: false, codes: false, reset: None });
                view! {
                    <Frame me here="/sign-in">
                        <div class="narrow">
                            <h1>"Sign in"</h1>
                            {move || trouble().map(|text| view! { <Trouble text/> })}
                            {forgot().then_some(reset).flatten().map(|url| view! {
                                <p><a class="button" href=url>"Set a new password"</a></p>
                            })}
                            {match provider {
                                None => view! {
                                    <p>"No identity provider is configured on this server, so nobody can sign in. API keys and the command line work."</p>
                                }.into_any(),
                                Some(name) => view! {
                                    {(!provider_up).then(|| view! {
                                        <Trouble text=format!("{name} cannot be reached from this server right now. Sign-in may fail; people who are signed in stay signed in.")/>
                                    })}
                                    {(passkeys && !provider_up).then(|| view! { <PasskeyDoor return_to=return_to()/> })}
                                    {codes.then(|| view! { <Envelopes return_to=return_to() open=by_code()/> })}
                                    <p>"EOC personnel and administrators sign in with their company account."</p>
                                    <p><a class="button primary" href=format!("/auth/login?anyway=yes&return_to={}", return_to())>"Sign in with " {name}</a></p>
                                    {(passkeys && provider_up).then(|| view! { <PasskeyDoor return_to=return_to()/> })}
                                }.into_any(),
                            }}
                            <p><a href="/">"See the state of the telephones"</a> ": no sign-in needed."</p>
                        </div>
                    </Frame>
                }
            })}
        </Suspense>
    }
}

/// The last door. Seen only while the provider is away.
#[component]
fn Envelopes(return_to: String, open: bool) -> impl IntoView {
    let field = |id: &'static str, label: &'static str, needed: bool| {
        view! {
            <label for=id>{label}</label>
            <input id=id name=id type="text" required=needed autocomplete="off" spellcheck="false" autocapitalize="characters" maxlength="40"/>
        }
    };
    view! {
        <details class="card" open=open>
            <summary>"No passkey at hand? Open a sealed envelope"</summary>
            <form method="post" action="/auth/code" class="fields">
                <p>"One code lets its owner lock, for an hour. Two codes from two envelopes let a senior give the all-clear too. Everybody is told."</p>
                {field("serial", "Number on the envelope", true)}
                {field("code", "Code inside", true)}
                <fieldset>
                    <legend>"Second envelope, for the all-clear"</legend>
                    {field("second_serial", "Number on the envelope", false)}
                    {field("second_code", "Code inside", false)}
                </fieldset>
                <input type="hidden" name="return_to" value=return_to/>
                <button type="submit" class="button">"Sign in with the code"</button>
            </form>
        </details>
    }
}

/// Only words we know: an address can be made by anybody.
fn sentence(word: &str) -> String {
    match word {
        "cancelled" => "You cancelled the sign-in. Nothing happened.",
        "forgot" => "Set a new password first. If there is no button for it below, ask your administrator.",
        "unknown" => "The identity provider does not know this account.",
        "locked" => "The identity provider has locked this account. Ask an administrator, or use another way in.",
        "away" => "The identity provider could not be reached. Try again in a minute.",
        "store" => "The identity provider let you in, but this server could not look you up. Try again in a minute, or use another way in.",
        "expired" => "The sign-in took too long or was begun in another window. Please begin again.",
        "passkey" => "The passkey was not accepted. Try again, or take another one.",
        "code" => "The number and the code do not fit, or the envelope was used. Look again, or take another one.",
        "code_up" => "Sealed codes are good only while the identity provider cannot be reached for some minutes.",
        "code_place" => "Sealed codes are taken on the site's own network only.",
        "wait" => "Too many tries from here. Wait a few minutes, then try again.",
        "handoff_link" => "Press “Sign in” in the gadget itself: a link from elsewhere is not taken.",
        "handoff_late" => "Signing in for the gadget took longer than five minutes. Press “Sign in” in the gadget again.",
        "disabled" => "Your profile is disabled. Ask an administrator.",
        _ => "The sign-in did not succeed. Please try again; the server’s log says why.",
    }
    .to_owned()
}
