//! One incident: its report, what can be added, and what happened.

use crate::components::events::Events;
use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::server_functions::incidents::{WriteIncident, incident};
use crate::view::IncidentView;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

#[component]
pub(crate) fn IncidentPage() -> impl IntoView {
    let params = use_params_map();
    let id = move || params.read().get("id").unwrap_or_default();
    let file = Resource::new(id, incident);
    let writing = ServerAction::<WriteIncident>::new();
    let trouble =
        move || writing.value().get().and_then(Result::err).map(|error| view! { <Trouble text=error.to_string()/> });
    view! {
        <Title text="Incident"/>
        <Suspense>
            {move || file.get().map(|answer| match answer {
                Ok(view) => view! {
                    <Frame me=Some(view.me.clone()) here="/incidents">
                        {trouble()}
                        <File view writing/>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=None return_to="/incidents"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn File(view: IncidentView, writing: ServerAction<WriteIncident>) -> impl IntoView {
    let IncidentView { line, commander, present, report, events, attachments, may_write, open, .. } = view;
    let id = line.id.to_string();
    let kind = line.kind.clone().map(|kind| format!(", {kind}")).unwrap_or_default();
    let there = if present.is_empty() { "nobody has checked in".to_owned() } else { present.join(", ") };
    let export = |name: &'static str, text: &'static str| {
        view! { <a class="button quiet" href=format!("/incidents/{id}/{name}")>{text}</a> }
    };
    view! {
        <h1>{line.name.clone()}</h1>
        <p>{format!("{}{kind} · opened {} · {} · {}", line.site, line.opened.clock, line.lasted, line.state)}</p>
        <p>{format!("In command: {}. Present: {there}.", commander.unwrap_or_else(|| "nobody yet".into()))}</p>
        <p class="exports">
            {export("ics-214", "ICS-214 to print")}
            {export("ics-309", "ICS-309 to print")}
            {export("export.csv", "Timeline as CSV")}
            {export("requests.csv", "Requests as CSV")}
            {export("export.json", "Everything as JSON")}
        </p>
        <div class="console">
            <div class="column">
                <section class="card">
                    <h2>{if open { "Report so far" } else { "Draft report" }}</h2>
                    {report.into_iter().map(|(heading, lines)| view! {
                        <h3>{heading}</h3>
                        {lines.is_empty().then(|| view! { <p class="quiet">"Nothing."</p> })}
                        <ul class="plain">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
                    }).collect_view()}
                </section>
                {may_write.then(|| view! { <Add id=line.id.to_string() writing/> })}
                {attachments.into_iter().map(|(name, text)| view! {
                    <details class="card"><summary>{name}</summary><pre>{text}</pre></details>
                }).collect_view()}
            </div>
            <section class="card"><h2>"What happened"</h2><Events events/></section>
        </div>
    }
}

#[component]
fn Add(id: String, writing: ServerAction<WriteIncident>) -> impl IntoView {
    let first = id.clone();
    let second = id.clone();
    let third = id;
    view! {
        <section class="card">
            <h2>"Add to the file"</h2>
            <ActionForm action=writing attr:class="fields">
                <input type="hidden" name="id" value=first/>
                <input type="hidden" name="name" value=""/>
                <label for="text">"Note or decision"</label>
                <textarea id="text" name="text" rows="2" maxlength="1000" required=true></textarea>
                <p class="exports">
                    <button type="submit" class="button" name="what" value="note">"Note"</button>
                    <button type="submit" class="button" name="what" value="decision">"Decision"</button>
                </p>
            </ActionForm>
            <details>
                <summary>"Name it, attach a text"</summary>
                <ActionForm action=writing attr:class="fields">
                    <input type="hidden" name="id" value=second/>
                    <input type="hidden" name="what" value="name"/>
                    <label for="name">"Name of the incident"</label>
                    <input id="name" name="name" type="text" maxlength="120" required=true/>
                    <label for="kind">"Kind"</label>
                    <input id="kind" name="text" type="text" maxlength="120" placeholder="fire, gas, weather…"/>
                    <button type="submit" class="button">"Name it"</button>
                </ActionForm>
                <ActionForm action=writing attr:class="fields">
                    <input type="hidden" name="id" value=third/>
                    <input type="hidden" name="what" value="attach"/>
                    <label for="title">"Title of the text"</label>
                    <input id="title" name="name" type="text" maxlength="120" required=true/>
                    <label for="attachment">"Text"</label>
                    <textarea id="attachment" name="text" rows="4" maxlength="10000" required=true></textarea>
                    <button type="submit" class="button">"Attach it"</button>
                </ActionForm>
            </details>
        </section>
    }
}
