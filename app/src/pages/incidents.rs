//! The EOC's files, newest first.

use crate::components::frame::Frame;
use crate::pages::Refused;
use crate::server_functions::incidents::incidents;
use crate::view::{IncidentLine, IncidentsView};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn IncidentsPage() -> impl IntoView {
    let all = Resource::new(|| (), |()| incidents());
    view! {
        <Title text="Incidents"/>
        <Suspense>
            {move || all.get().map(|answer| match answer {
                Ok(IncidentsView { me, incidents }) => view! {
                    <Frame me=Some(me) here="/incidents">
                        <h1>"Incidents"</h1>
                        {incidents.is_empty().then(|| view! { <p>"Nothing was locked yet."</p> })}
                        <ul class="tickets card">{incidents.into_iter().map(|line| view! { <Line line/> }).collect_view()}</ul>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=None return_to="/incidents"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn Line(line: IncidentLine) -> impl IntoView {
    let kind = line.kind.map(|kind| format!(", {kind}")).unwrap_or_default();
    view! {
        <li>
            <a href=format!("/incidents/{}", line.id)>{line.name}</a>
            <small>{format!("{}{kind} · opened {} · {} · {}", line.site, line.opened.clock, line.lasted, line.state)}</small>
        </li>
    }
}
