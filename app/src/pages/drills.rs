//! Where the lock is practised: the way in, and how long it took each time. Another place, word and colour than the
//! console in earnest.

use crate::components::frame::Frame;
use crate::pages::Refused;
use crate::server_functions::practice::drills;
use crate::server_functions::session::sign_in;
use crate::view::{DrillLine, DrillPlace, DrillsView};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn DrillsPage() -> impl IntoView {
    let known = Resource::new(|| (), |()| sign_in());
    let page = Resource::new(|| (), |()| drills());
    view! {
        <Title text="Drills"/>
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok(DrillsView { me, places, median, history }) => view! {
                    <Frame me=Some(me) here="/drill">
                        <div class="narrow wide">
                            <h1>"Drills"</h1>
                            <p>"The same switch, the same way through server and CUCM, on objects that no call depends on. Once a month keeps it proven."</p>
                            {places.is_empty().then(|| view! {
                                <p class="notice">"No drill is set up yet: an engineer adds a site with " <code>"drill_of"</code> " and canary objects to the configuration. The guide for engineers shows how."</p>
                            })}
                            {places.into_iter().map(|place| view! { <Place place/> }).collect_view()}
                            <History median history/>
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/drill"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn Place(place: DrillPlace) -> impl IntoView {
    let way = format!("/console?site={}", place.id);
    let verb = if place.running { "Go on with the drill" } else { "Go to the drill’s switch" };
    view! {
        <section class="card drill-place">
            <h2>{place.name}</h2>
            <p><strong>{place.headline}</strong></p>
            <p>{place.last}</p>
            <p><a class="button drill" href=way>{verb}</a></p>
        </section>
    }
}

#[component]
fn History(median: Option<String>, history: Vec<DrillLine>) -> impl IntoView {
    if history.is_empty() {
        return view! { <p>"There was no drill yet."</p> }.into_any();
    }
    let row = |line: DrillLine| {
        view! {
            <tr>
                <th scope="row"><a href=format!("/incidents/{}", line.incident)>{line.at.clock}</a><small>{line.site}</small></th>
                <td data-is="began">{line.by}</td>
                <td data-is="locked">{line.locked}</td>
                <td data-is="ended">{line.ended}</td>
            </tr>
        }
    };
    view! {
        <section>
            <h2>"Stopwatch"</h2>
            {median.map(|median| view! { <p>"From the press to every object read back, the middle of these: " <strong>{median}</strong></p> })}
            <table class="steps drills">
                <thead><tr><th scope="col">"Drill"</th><th scope="col">"Begun by"</th><th scope="col">"Locked after"</th><th scope="col">"Ended after"</th></tr></thead>
                <tbody>{history.into_iter().map(row).collect_view()}</tbody>
            </table>
        </section>
    }
    .into_any()
}
