//! Would a lock work now? What does not hold stands first, with what to do.

use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::server_functions::practice::{ProveWrite, readiness};
use crate::server_functions::session::sign_in;
use crate::view::{FindingView, ReadinessView};
use leptos::prelude::*;
use leptos_meta::Title;
use lockdown::ids::SiteId;

#[component]
pub(crate) fn ReadinessPage() -> impl IntoView {
    let known = Resource::new(|| (), |()| sign_in());
    let page = Resource::new(|| (), |()| readiness());
    let proving = ServerAction::<ProveWrite>::new();
    let trouble = move || {
        let failed = proving.value().get().and_then(Result::err);
        failed.map(|error| view! { <Trouble text=error.to_string()/> })
    };
    view! {
        <Title text="Readiness"/>
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok(ReadinessView { me, looked, bad, warnings, findings, prove }) => view! {
                    <Frame me=Some(me) here="/readiness">
                        <div class="narrow wide">
                            <h1>"Would a lock work now?"</h1>
                            {trouble()}
                            <p class="notice" class:loud=(bad > 0) role="status">{in_words(bad, warnings)}</p>
                            <p>{format!("Looked at {}", looked.clock)} " · " <a href="/readiness">"Look again"</a>" · " <a href="/card" rel="external">"Card to print"</a></p>
                            <ul class="tickets card">{findings.into_iter().map(|one| view! { <One one/> }).collect_view()}</ul>
                            {prove.into_iter().map(|(site, name)| view! { <Prove site name proving/> }).collect_view()}
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/readiness"/> }.into_any(),
            })}
        </Suspense>
    }
}

fn in_words(bad: usize, warnings: usize) -> String {
    match (bad, warnings) {
        (0, 0) => "✓ Yes. Everything it depends on holds.".into(),
        (0, 1) => "! Yes, but one thing needs a look.".into(),
        (0, n) => format!("! Yes, but {n} things need a look."),
        (1, _) => "✗ Perhaps not: one thing must be mended first.".into(),
        (n, _) => format!("✗ Perhaps not: {n} things must be mended first."),
    }
}

#[component]
fn One(one: FindingView) -> impl IntoView {
    let (mark, word) = match one.verdict.as_str() {
        "good" => ("✓", "Good"),
        "warning" => ("!", "Needs a look"),
        _ => ("✗", "Must be mended"),
    };
    let what = one.site.map_or(one.what.clone(), |site| format!("{}, {site}", one.what));
    view! {
        <li data-verdict=one.verdict>
            <strong><span aria-hidden="true">{mark}</span>" "{what}<span class="visually-hidden">{format!(": {word}.")}</span></strong>
            <span>{one.found}</span>
            {one.fix.map(|fix| view! { <small>{fix}</small> })}
        </li>
    }
}

/// A write that changes nothing, ordered by somebody who may lock.
#[component]
fn Prove(site: SiteId, name: String, proving: ServerAction<ProveWrite>) -> impl IntoView {
    view! {
        <ActionForm action=proving>
            <section class="card">
                <h2>{format!("Can CUCM be written? {name}")}</h2>
                <p>"Gives one object the value it has. No call is touched; who did it stands in the timeline."</p>
                <input type="hidden" name="site" value=site.to_string()/>
                <p><button type="submit" class="button">"Prove it"</button></p>
            </section>
        </ActionForm>
    }
}
