//! The all-clear: deliberate. Says what will happen, and asks for the site's name.

use super::site_live::SiteLive;
use crate::api::lockdown::Release;
use crate::words;
use leptos::prelude::*;

#[component]
pub(crate) fn ReleaseForm(live: SiteLive, release: ServerAction<Release>) -> impl IntoView {
    let site = live.shown();
    let (id, name) = (site.id.to_string(), site.name);
    let steps = move || live.shown().detail.map_or(0, |detail| detail.steps.len());
    let version = move || live.shown().detail.map_or(0, |detail| detail.version).to_string();
    view! {
        <ActionForm action=release attr:class="release" attr:autocomplete="off">
            <input type="hidden" name="site" value=id/>
            <input type="hidden" name="seen" value=version prop:value=version/>
            <p>
                {move || format!("Puts {} steps back to normal and checks each one. Calls in progress go on.", steps())}
            </p>
            <label for="typed">"Type the site’s name: " <strong>{name}</strong></label>
            <input id="typed" name="typed" type="text" required=true spellcheck="false" autocapitalize="off"/>
            <label for="reason">"Reason (for the timeline)"</label>
            <input id="reason" name="reason" type="text" maxlength="500"/>
            {move || live.shown().detail.and_then(|detail| detail.alone_since).map(|_| view! {
                <label class="check">
                    <input type="checkbox" name="break_glass" value="yes"/>
                    {words::BREAK_GLASS}
                </label>
            })}
            <button type="submit" class="button primary" disabled=move || release.pending().get()>
                {move || if release.pending().get() { "Sent…" } else { "Give the all-clear" }}
            </button>
        </ActionForm>
    }
    .into_any()
}
