//! What CUCM holds now, step by step.

use super::site_live::SiteLive;
use crate::words;
use leptos::prelude::*;
use lockdown::standing::Standing;

#[component]
pub(crate) fn StepTable(live: SiteLive) -> impl IntoView {
    let steps = Memo::new(move |_| live.shown().detail.map(|detail| (detail.done, detail.steps)).unwrap_or_default());
    let stale = Memo::new(move |_| matches!(live.shown().standing, Standing::Unknown { .. }));
    view! {
        <section class="card" aria-labelledby="steps-title">
            <h3 id="steps-title">{move || words::steps_title(stale.get(), steps.get().0)}</h3>
            <div class="scroll" tabindex="0" role="region" aria-labelledby="steps-title">
                <table class="steps" data-stale=move || stale.get().to_string()>
                    <thead>
                        <tr><th scope="col">"Object in CUCM"</th><th scope="col">"Holds now"</th><th scope="col">"State"</th></tr>
                    </thead>
                    <tbody inner_html=move || steps.get().1></tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
