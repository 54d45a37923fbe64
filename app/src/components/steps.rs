//! What CUCM holds now, step by step.

use super::site_live::SiteLive;
use crate::words;
use leptos::prelude::*;
use lockdown::standing::Standing;

#[component]
pub(crate) fn StepTable(live: SiteLive) -> impl IntoView {
    let steps = Memo::new(move |_| live.shown().detail.map(|detail| detail.steps).unwrap_or_default());
    let stale = Memo::new(move |_| live.shown().standing == Standing::Unknown);
    let done = move || steps.with(|steps| steps.iter().filter(|step| step.as_ordered).count());
    view! {
        <section class="card" aria-labelledby="steps-title">
            <h3 id="steps-title">
                {move || words::steps_title(stale.get(), done(), steps.with(Vec::len))}
            </h3>
            <div class="scroll" tabindex="0" role="region" aria-labelledby="steps-title">
                <table class="steps">
                    <thead>
                        <tr><th scope="col">"Object in CUCM"</th><th scope="col">"Holds now"</th><th scope="col">"State"</th></tr>
                    </thead>
                    <tbody>
                        {move || steps.get().into_iter().map(|step| view! {
                            <tr data-ok=step.as_ordered.to_string()>
                                <th scope="row"><code>{step.object}</code><small>{step.group}</small></th>
                                <td>{step.now}</td>
                                <td class="state">{words::step_state(step.state, step.as_ordered, stale.get())}</td>
                            </tr>
                        }).collect_view()}
                    </tbody>
                </table>
            </div>
        </section>
    }
    .into_any()
}
