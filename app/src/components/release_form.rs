//! The all-clear: deliberate. Says what will happen, and asks for the site's name.

use super::site_live::SiteLive;
use crate::components::frame::Trouble;
use crate::error::ApiError;
use crate::passkey::prove_it;
use crate::send::Sending;
use crate::words;
use leptos::ev;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;

#[component]
pub(crate) fn ReleaseForm(live: SiteLive, release: Sending, proves: bool, second: Option<String>) -> impl IntoView {
    let site = live.shown();
    let id = site.id.to_string();
    let name = site.name;
    let steps = move || live.shown().detail.map_or(0, |detail| detail.done.1);
    let version = move || live.shown().detail.map_or(0, |detail| detail.version).to_string();
    let trouble = RwSignal::new(None::<ApiError>);
    let form = NodeRef::<Input>::new();
    let needs = RwSignal::new(proves);
    let proved = RwSignal::new(false);
    // Keys come and go while a page is open: the server's word counts.
    Effect::new(move || {
        if release.refused() == Some(ApiError::PasskeyNeeded) {
            needs.set(true);
            proved.set(false);
        }
    });
    let about = StoredValue::new(format!("release@{id}"));
    let confirm = move |event: ev::MouseEvent| {
        trouble.set(None);
        let filled = form.get_untracked().is_none_or(|name| !name.value().trim().is_empty());
        if !needs.get_untracked() || proved.get_untracked() || !filled {
            proved.set(false);
            return;
        }
        event.prevent_default();
        let button = event.current_target().and_then(|target| target.dyn_into::<web_sys::HtmlElement>().ok());
        spawn_local(async move {
            match prove_it(&about.get_value()).await {
                done @ (Ok(()) | Err(ApiError::NoKeyEnrolled)) => {
                    needs.set(done.is_ok());
                    proved.set(true);
                    if let Some(button) = button {
                        button.click();
                    }
                }
                Err(error) => trouble.set(Some(error)),
            }
        });
    };
    view! {
        <form method="post" action="/ui/release" class="release" autocomplete="off" on:submit=move |event| release.form(&event)>
            <input type="hidden" name="site" value=id/>
            <input type="hidden" name="seen" value=version prop:value=version/>
            <p>
                {move || format!("Puts {} steps back to normal and checks each one. Calls in progress go on.", steps())}
                {proves.then_some(" Your passkey is asked for.")}
                " " {second}
            </p>
            <label for="typed">"Type the site’s name: " <strong>{name}</strong></label>
            <input node_ref=form id="typed" name="typed" type="text" required=true spellcheck="false" autocapitalize="off"/>
            <label for="reason">"Reason (for the timeline)"</label>
            <input id="reason" name="reason" type="text" maxlength="500"/>
            {move || live.shown().detail.is_some_and(|detail| detail.alone).then(|| view! {
                <label class="check">
                    <input type="checkbox" name="break_glass" value="yes"/>
                    {words::BREAK_GLASS}
                </label>
            })}
            {move || trouble.get().map(|error| view! { <Trouble text=error.to_string()/> })}
            <button type="submit" class="button primary" on:click=confirm disabled=move || release.pending.get()>
                {move || if release.pending.get() { "Sent…" } else { "Give the all-clear" }}
            </button>
        </form>
    }
    .into_any()
}
