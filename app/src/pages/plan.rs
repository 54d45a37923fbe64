//! Who can call where, normal and locked: for those who answer for the plan.

use crate::components::flow_picture::FlowPicture;
use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::server_functions::plan::{CheckPlan, plan};
use crate::server_functions::session::sign_in;
use crate::view::{CallerView, CauseView, PlanCheckView, PlanView, TracedEnd, TracedView, TracedWay};
use crate::words;
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use lockdown::ids::SiteId;

/// Who dials, and what, as they stand in the page's address.
type Asked = (Option<String>, Option<String>);

#[component]
pub(crate) fn PlanPage() -> impl IntoView {
    let query = use_query_map();
    let asked = move || {
        let query = query.read();
        (query.get("site"), query.get("from"), query.get("dial"))
    };
    let known = Resource::new(|| (), |()| sign_in());
    let page = Resource::new(asked, |(site, from, dial)| plan(site, from, dial));
    let checking = ServerAction::<CheckPlan>::new();
    let trouble = move || {
        let failed = checking.value().get().and_then(Result::err);
        failed.map(|error| view! { <Trouble text=error.to_string()/> })
    };
    let written = move || {
        let (_, from, dial) = asked();
        (from, dial)
    };
    view! {
        <Title text="Plan"/>
        <Suspense>
            {move || page.get().map(|answer| match answer {
                Ok(PlanView { me, site, name, sites, check, traced }) => view! {
                    <Frame me=Some(me) here="/plan">
                        <div class="narrow wide plan">
                            <h1>{format!("Who can call where: {name}")}</h1>
                            <Sites sites here=site.clone()/>
                            {trouble()}
                            <Verdict site=site.clone() check=check.clone() checking/>
                            <Dial site=site.clone() written=written() traced/>
                            {check.map(|check| view! { <Checked site check/> })}
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/plan"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn Sites(sites: Vec<(SiteId, String)>, here: SiteId) -> impl IntoView {
    let link = move |(id, name): (SiteId, String)| {
        let current = (id == here).then_some("true");
        view! { <a class="button quiet" href=format!("/plan?site={id}") aria-current=current>{name}</a> }
    };
    (sites.len() > 1)
        .then(|| view! { <nav class="buttons" aria-label="Sites">{sites.into_iter().map(link).collect_view()}</nav> })
}

#[component]
fn Verdict(site: SiteId, check: Option<PlanCheckView>, checking: ServerAction<CheckPlan>) -> impl IntoView {
    let (loud, verdict, read) = check.map_or_else(
        || (true, words::PLAN_UNCHECKED.to_owned(), None),
        |check| {
            let read = format!("CUCM was read at {} ({}). {}", check.read.clock, check.cost, check.changed);
            (!check.accepted || !check.causes.is_empty(), check.verdict, Some(read))
        },
    );
    view! {
        <p class="notice" class:loud=loud role="status">{verdict}</p>
        <ActionForm action=checking>
            <input type="hidden" name="site" value=site.to_string()/>
            <p class="buttons">{read}<button type="submit" class="button quiet">"Read CUCM and check again"</button></p>
        </ActionForm>
    }
}

/// “From … dial …”.
#[component]
fn Dial(site: SiteId, written: Asked, traced: Option<Result<Vec<TracedView>, String>>) -> impl IntoView {
    let (from, dial) = written;
    let answer = traced.map(|traced| match traced {
        Ok(traced) => traced.into_iter().map(|one| view! { <Traced one/> }).collect_view().into_any(),
        Err(why) => view! { <Trouble text=why/> }.into_any(),
    });
    view! {
        <section class="card" aria-labelledby="dial-title">
            <h2 id="dial-title">"Where does a call go?"</h2>
            <form class="dial" method="get" action="/plan">
                <input type="hidden" name="site" value=site.to_string()/>
                <label for="from">"From"</label>
                <input id="from" name="from" type="text" required autocomplete="off" spellcheck="false" value=from placeholder="5002"/>
                <label for="dial">"dial"</label>
                <input id="dial" name="dial" type="text" required autocomplete="off" inputmode="tel" value=dial placeholder="9-1-403-555-1234"/>
                <button type="submit" class="button">"Trace the call"</button>
            </form>
            <small>"From: an extension, the name of a device or trunk, or css: and the name of a calling search space."</small>
            {answer}
        </section>
    }
}

#[component]
fn Traced(one: TracedView) -> impl IntoView {
    let way = |way: TracedWay| {
        let state =
            |(state, end): (String, TracedEnd)| view! { <tr><th scope="row">{state}</th><td>{drawn(end)}</td></tr> };
        view! {
            <table class="steps traced">
                <caption>{way.how}</caption>
                <tbody>{way.states.into_iter().map(state).collect_view()}</tbody>
            </table>
        }
    };
    view! {
        <h3>{format!("{} from {}", one.digits, one.caller)}</h3>
        {one.ways.into_iter().map(way).collect_view()}
    }
}

fn drawn(end: TracedEnd) -> impl IntoView {
    let hop = |hop: String| view! { <li><code>{hop}</code></li> };
    view! {
        <strong>{end.end}</strong>
        <ol class="path">{end.path.into_iter().map(hop).collect_view()}</ol>
        {end.besides.into_iter().map(|one| view! { <small>{one}</small> }).collect_view()}
    }
}

#[component]
fn Checked(site: SiteId, check: PlanCheckView) -> impl IntoView {
    let export = |name: &'static str, text: &'static str| {
        view! { <a class="button quiet" rel="external" href=format!("/plan/{site}/{name}")>{text}</a> }
    };
    let picture = (!check.flows.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="flows-title">
                <h2 id="flows-title">"Where calls go"</h2>
                <FlowPicture flows=check.flows/>
            </section>
        }
    });
    view! {
        {words_of("The plan is refused", check.violations)}
        {picture}
        <Leaks causes=check.causes/>
        {words_of("Worth knowing", check.warnings)}
        {words_of("What no look at a dial plan can show", check.limits)}
        <Callers callers=check.callers/>
        <p class="exports">{export("check.json", "All of it as JSON")}{export("leaks.csv", "Leaks as CSV")}{export("callers.csv", "Callers as CSV")}</p>
    }
}

fn words_of(title: &'static str, lines: Vec<String>) -> impl IntoView {
    (!lines.is_empty()).then(|| {
        view! {
            <section class="card">
                <h2>{title}</h2>
                <ul class="plain">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
            </section>
        }
    })
}

#[component]
fn Leaks(causes: Vec<CauseView>) -> impl IntoView {
    let count = causes.len();
    view! {
        <section class="card" id="leaks" tabindex="-1" aria-labelledby="leaks-title">
            <h2 id="leaks-title">"Ways past the lock"</h2>
            {(count == 0).then(|| view! { <p>"None was found."</p> })}
            <ol class="tickets">{causes.into_iter().map(|cause| view! { <Cause cause/> }).collect_view()}</ol>
        </section>
    }
}

#[component]
fn Cause(cause: CauseView) -> impl IntoView {
    let way = if cause.inbound { "comes in by" } else { "goes out by" };
    let who = |(who, count): (String, usize)| view! { <li>{format!("{who} ({count})")}</li> };
    let more = (cause.more > 0).then(|| view! { <li>{format!("and {} more: see the CSV file", cause.more)}</li> });
    view! {
        <li class="leak-cause">
            <strong>{format!("{} · {way} ", words::devices(cause.devices))}<code>{cause.place}</code></strong>
            <span>"For example "<code>{cause.example}</code>{format!(": {}", cause.path)}</span>
            <span>{cause.fix}</span>
            <details>
                <summary>"Who can do this"</summary>
                <ul class="plain">{cause.who.into_iter().map(who).collect_view()}{more}</ul>
            </details>
        </li>
    }
}

#[component]
fn Callers(callers: Vec<CallerView>) -> impl IntoView {
    let reaches = |reaches: bool| if reaches { "yes" } else { "no" };
    let row = move |caller: CallerView| {
        let emergency = caller
            .emergency
            .into_iter()
            .map(|(number, text)| view! { <li><span class="number">{number}</span>{format!(": {text}")}</li> });
        let example = caller.example.map(|name| format!("for example {name}"));
        view! {
            <tr>
                <th scope="row">{caller.who}<small>{example}</small><small>{caller.partitions}</small></th>
                <td data-is="PSTN">{format!("{}, locked {}", reaches(caller.pstn.0), reaches(caller.pstn.1))}</td>
                <td data-is="emergency"><ul>{emergency.collect_view()}</ul></td>
            </tr>
        }
    };
    view! {
        <details class="card">
            <summary>{format!("All callers ({})", callers.len())}</summary>
            <table class="steps callers">
                <thead><tr><th scope="col">"Caller, and what it searches"</th><th scope="col">"Reaches the PSTN"</th><th scope="col">"Emergency numbers"</th></tr></thead>
                <tbody>{callers.into_iter().map(row).collect_view()}</tbody>
            </table>
        </details>
    }
}
