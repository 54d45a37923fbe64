//! The rows of the step table. Written by the server; `steps.rs` shows them.

use crate::view::StepView;
use leptos::prelude::*;
use lockdown::steps::StepState;

/// Both words stand there, and the table says which one holds: the browser greys it out by itself.
#[component]
pub(crate) fn StepRows(steps: Vec<StepView>) -> impl IntoView {
    let row = |step: StepView| {
        view! {
            <tr data-ok=step.as_ordered.to_string()>
                <th scope="row"><code>{step.object}</code><small>{step.group}</small></th>
                <td>{step.now}</td>
                <td class="state">
                    <span class="fresh">{step_state(step.state, step.as_ordered)}</span>
                    <span class="old">"? as last seen"</span>
                </td>
            </tr>
        }
    };
    steps.into_iter().map(row).collect_view()
}

/// Words and shape.
fn step_state(state: StepState, as_ordered: bool) -> &'static str {
    match (state, as_ordered) {
        (StepState::NotRead, _) => "? not read",
        (StepState::Missing, _) => "! not in CUCM",
        (StepState::Changed, _) => "! changed by someone",
        (_, true) => "✓ as ordered",
        (_, false) => "… not yet",
    }
}
