//! The EOC's queue: what people ask for, the most urgent first, worked on with one key each. Written by the
//! server alone; `crate::queue` keeps it up to date in the browser.

use crate::components::request_form::NewRequest;
use crate::view::{RequestView, StoryLine};
use crate::words;
use leptos::prelude::*;
use lockdown::call_request::{Direction, Priority};
use lockdown::ids::{OperatorId, SiteId};

/// `closed`: closed ones stay on the page. `answered_ms`: the server's clock, for the ages.
#[component]
pub(crate) fn Queue(
    requests: Vec<RequestView>,
    my_id: OperatorId,
    sites: Vec<(SiteId, String)>,
    form: String,
    closed: bool,
    answered_ms: i64,
) -> impl IntoView {
    let mine = |one: &&RequestView| one.holder.as_ref().is_some_and(|holder| holder.id == my_id);
    let counts = (requests.iter().filter(|one| one.state == "new").count(), requests.iter().filter(mine).count());
    let none = requests.is_empty();
    let mut left = requests;
    let mut lane = |priority: Priority| {
        let (here, others) = left.drain(..).partition(|one| one.priority == priority);
        left = others;
        view! { <Lane priority requests=here/> }
    };
    let lanes = Priority::ALL.map(&mut lane).collect_view();
    view! {
        <section class="card queue" id="queue" aria-labelledby="queue-title" tabindex="-1"
            data-me=String::from(my_id) data-closed=closed.to_string() data-answered=answered_ms.to_string()>
            <div class="queue-head">
                <h3 id="queue-title">"Requests"</h3>
                <p class="counts" role="status">{words::queue_counts(counts)}</p>
                <details class="new-request">
                    <summary class="button">"New " <kbd>"N"</kbd></summary>
                    <NewRequest sites form/>
                </details>
            </div>
            <p class="trouble" role="alert" hidden=true></p>
            <p class="notice undo-bar" role="status" hidden=true>
                <span></span>" · The caller is told in 8 s. "
                <button type="button" class="button undo">"Undo "<kbd>"U"</kbd></button>
            </p>
            {lanes}
            <p class="quiet nobody" hidden=!none>"No requests are open."</p>
        </section>
    }
    .into_any()
}

#[component]
fn Lane(priority: Priority, requests: Vec<RequestView>) -> impl IntoView {
    let (shape, name) = words::priority(priority);
    let count = requests.len();
    view! {
        <div class="lane" data-priority=priority.word() hidden=count == 0>
            <h4><span aria-hidden="true">{shape}" "</span>{name}" "<span class="number lane-count">{count}</span></h4>
            <ul>{requests.into_iter().map(|request| view! { <Row request/> }).collect_view()}</ul>
        </div>
    }
}

/// One request as a line that opens. The browser replaces head and story, and leaves what is being written.
#[component]
pub fn Row(request: RequestView) -> impl IntoView {
    let holder = request.holder.as_ref().map(|holder| holder.id.to_string()).unwrap_or_default();
    let state = words::request_state(&request);
    let id = request.id.to_string();
    let RequestView { ticket, who, reason, filed, number, version, .. } = request.clone();
    let now = request.state.clone();
    let deeds = request.open.then(|| view! { <Deeds id=id.clone()/> });
    let told = view! { <Told request/> };
    view! {
        <li class="request" id=id data-state=now data-holder=holder data-number=number.to_string() data-version=version.to_string()>
            <details>
                <summary class="request-head">
                    <span class="ticket number">{ticket}</span>
                    <span class="request-who">{who}</span>
                    <span class="request-why">{reason}</span>
                    <span class="request-state">{state}</span>
                    <time class="request-age number" datetime=filed.iso data-ms=filed.ms.to_string()>{filed.clock}</time>
                </summary>
                <div class="request-body">
                    <div class="request-told">{told}</div>
                    {deeds}
                </div>
            </details>
        </li>
    }
    .into_any()
}

#[component]
fn Told(request: RequestView) -> impl IntoView {
    let way = if request.direction == Direction::Outbound { "wants to call out" } else { "called in" };
    let typed = request.typed.map(|typed| format!(" (typed {typed})"));
    let who = request.who;
    let twins = (!request.twins.is_empty()).then(|| format!("Same number: {}", request.twins.join(", ")));
    view! {
        <p class="request-name">{who}</p>
        <p class="request-reason">{request.reason}</p>
        <dl class="request-facts">
            <div><dt>"Call back"</dt><dd class="number">{request.call_back}{typed}</dd></div>
            <div><dt>"Direction"</dt><dd>{way}{request.other.map(|other| format!(", {other}"))}</dd></div>
            {request.reference.map(|call| view! { <div><dt>"Call"</dt><dd class="number">{call}</dd></div> })}
            <div><dt>"Filed"</dt><dd><span class="number">{request.filed.clock}</span>{request.filed_by.map(|by| format!(" by {by}"))}</dd></div>
        </dl>
        {twins.map(|text| view! { <p class="notice">{text}</p> })}
        <Story lines=request.story/>
    }
}

#[component]
fn Story(lines: Vec<StoryLine>) -> impl IntoView {
    let line = |line: StoryLine| {
        let who = line.who.unwrap_or_else(|| "caller".into());
        view! {
            <li data-said=line.said.to_string()>
                <time class="number" datetime=line.when.iso>{line.when.clock}</time>
                <span><strong>{who}": "</strong>{line.text}</span>
            </li>
        }
    };
    view! { <ol class="story">{lines.into_iter().map(line).collect_view()}</ol> }
}

/// One key each; what must be said with it stands in the box.
#[component]
fn Deeds(id: String) -> impl IntoView {
    let text = format!("text-{id}");
    let minutes = format!("minutes-{id}");
    let deed = |deed: &'static str, key: &'static str, name: &'static str| {
        let needs = matches!(deed, "write" | "refuse" | "close");
        view! {
            <button type="submit" class="button quiet" name="deed" value=deed data-key=key data-needs=needs.to_string()>
                {name}" "<kbd>{key.to_uppercase()}</kbd>
            </button>
        }
    };
    view! {
        <form method="post" action="/ui/do-request" class="deeds">
            <input type="hidden" name="id" value=id/>
            <label for=text.clone()>"Message, note or reason"</label>
            <textarea id=text name="text" rows="2" maxlength="1000"></textarea>
            <div class="deed-row">
                {deed("claim", "t", "Take")}
                {deed("approve", "a", "Approve")}
                {deed("connected", "c", "Connected")}
                {deed("no_answer", "x", "No answer")}
                {deed("write", "w", "Write back")}
                {deed("refuse", "r", "Refuse")}
                {deed("close", "z", "Close")}
                {deed("give_back", "g", "Give back")}
                <span class="call-back">
                    {deed("call_back", "b", "Call back in")}
                    <label class="visually-hidden" for=minutes.clone()>"Minutes until the call-back"</label>
                    <select id=minutes name="minutes">
                        <option value="15">"15 min"</option>
                        <option value="30">"30 min"</option>
                        <option value="60">"1 h"</option>
                        <option value="240">"4 h"</option>
                    </select>
                </span>
            </div>
        </form>
    }
}
