//! The queue in the browser. The server writes every line of it, once for all consoles; here a changed line
//! takes its place, keys are pressed, and forms are sent without leaving the page.

use crate::dialog::Prefill;
use crate::error::ApiError;
use crate::live::browser_now;
use crate::send::{Sending, secret, send_at_last, taken};
use crate::view::RequestNews;
use crate::words;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{
    Document, Element, Event, EventTarget, HtmlElement, HtmlFormElement, HtmlInputElement, HtmlTextAreaElement,
    KeyboardEvent, UrlSearchParams,
};

/// What a resident is promised, or reads as the end of it: told after [`HELD`], so that a slip can be taken back.
const TOLD_LATER: [&str; 5] = ["approve", "connected", "no_answer", "refuse", "close"];

const HELD: Duration = Duration::from_secs(8);

thread_local! {
    /// A deed that can still be taken back: which it was, where it goes, and with what.
    static HOLDING: RefCell<Option<(Sending, String, UrlSearchParams)>> = const { RefCell::new(None) };
    /// Counts them: a timer ends only its own.
    static HOLDS: Cell<u32> = const { Cell::new(0) };
}

/// Between two looks at the ages.
const TICK: Duration = Duration::from_secs(5);

pub(crate) fn document() -> Option<Document> {
    web_sys::window()?.document()
}

fn queue() -> Option<Element> {
    document()?.get_element_by_id("queue")
}

pub(crate) fn find(within: &Element, selector: &str) -> Option<Element> {
    within.query_selector(selector).ok().flatten()
}

fn all(within: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = within.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
}

fn number(of: &Element, attribute: &str) -> i64 {
    of.get_attribute(attribute).and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Wakes the queue of this page: its keys, its forms, its ages. Nothing where there is none.
pub(crate) fn wake() {
    let Some(queue) = queue() else { return };
    let deeds = Sending::new();
    let filing = Sending::new();
    let said = StoredValue::new_local(None::<HtmlTextAreaElement>);
    // What was said is said; what was not taken stays to be said again.
    Effect::new(move || {
        if deeds.answer.get() == Some(Ok(()))
            && let Some(text) = said.get_value()
        {
            text.set_value("");
        }
    });
    Effect::new(move || told(deeds.refused().or_else(|| filing.refused()).as_ref()));
    Effect::new(move || {
        if filing.answer.get() == Some(Ok(())) {
            filed();
        }
    });
    listen(&queue, "submit", move |event| submitted(&event, deeds, filing, said));
    listen(&queue, "click", |event| {
        ask_for_words(&event);
        let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if pressed.is_some_and(|pressed| pressed.closest(".undo").ok().flatten().is_some()) {
            HOLDING.take();
            show_held(None);
        }
    });
    if let Some(window) = web_sys::window() {
        listen(&window, "pagehide", |_| {
            if let Some((_, to, body)) = HOLDING.take() {
                show_held(None);
                send_at_last(&to, &body);
            }
        });
    }
    listen(&queue, "input", |event| touched(&event));
    listen(&queue, "keydown", |event| {
        if let Ok(key) = event.dyn_into::<KeyboardEvent>() {
            press(&key);
        }
    });
    count(&queue);
    let begun = browser_now();
    let answered = number(&queue, "data-answered");
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since the page was opened")]
    let tick = move || ages(answered + (browser_now() - begun) as i64);
    tick();
    if let Ok(ticking) = set_interval_with_handle(tick, TICK) {
        on_cleanup(move || ticking.clear());
    }
}

/// As long as the page lives.
pub(crate) fn listen(on: &EventTarget, what: &str, act: impl FnMut(Event) + 'static) {
    let act = Closure::<dyn FnMut(Event)>::new(act);
    if on.add_event_listener_with_callback(what, act.as_ref().unchecked_ref()).is_ok() {
        act.forget();
    }
}

fn ages(now: i64) {
    let Some(queue) = queue() else { return };
    for time in all(&queue, ".request-age") {
        time.set_text_content(Some(&lockdown::say::age((now - number(&time, "data-ms")) / 1000)));
    }
}

/// Is it on this page?
pub(crate) fn shows(id: &str) -> bool {
    document().is_some_and(|document| document.get_element_by_id(id).is_some())
}

/// It was erased: nothing of it stays.
pub(crate) fn forget(id: &str) {
    if let Some(line) = document().and_then(|document| document.get_element_by_id(id)) {
        line.remove();
    }
    if let Some(queue) = queue() {
        count(&queue);
    }
}

/// A request changed. What is older than what is shown is no news.
pub(crate) fn take(news: &RequestNews) {
    let (Some(queue), Some(document)) = (queue(), document()) else { return };
    let known = document.get_element_by_id(&news.id);
    let shown = known.as_ref().map_or(-1, |line| number(line, "data-version"));
    if i64::try_from(news.version).unwrap_or(i64::MAX) < shown {
        return;
    }
    let keeps_closed = queue.get_attribute("data-closed").as_deref() == Some("true");
    match (known, news.open || keeps_closed) {
        (Some(line), true) => renew(&document, &line, news),
        (Some(line), false) => line.remove(),
        (None, true) => insert(&queue, news),
        (None, false) => {}
    }
    count(&queue);
}

/// Head and story change; a form in which somebody writes stays as it is.
fn renew(document: &Document, line: &Element, news: &RequestNews) {
    let Ok(fresh) = document.create_element("ul") else { return };
    fresh.set_inner_html(&news.html);
    let Some(new) = find(&fresh, "li") else { return };
    for part in [".request-head", ".request-told"] {
        if let (Some(old), Some(new)) = (find(line, part), find(&new, part)) {
            old.set_inner_html(&new.inner_html());
        }
    }
    for name in ["data-state", "data-holder", "data-version"] {
        let _ = line.set_attribute(name, &new.get_attribute(name).unwrap_or_default());
    }
    if !news.open
        && let Some(form) = find(line, ".deeds")
    {
        form.remove();
    }
}

fn insert(queue: &Element, news: &RequestNews) {
    let Some(lane) = find(queue, &format!(".lane[data-priority='{}'] ul", news.priority.word())) else { return };
    let later = all(&lane, "li.request")
        .into_iter()
        .find(|line| number(line, "data-number") > i64::try_from(news.number).unwrap_or(i64::MAX));
    let _ = match later {
        Some(line) => line.insert_adjacent_html("beforebegin", &news.html),
        None => lane.insert_adjacent_html("beforeend", &news.html),
    };
}

fn count(queue: &Element) {
    let me = queue.get_attribute("data-me").unwrap_or_default();
    let lines = all(queue, "li.request");
    let has = |line: &&Element, name: &str, value: &str| line.get_attribute(name).as_deref() == Some(value);
    let new = lines.iter().filter(|line| has(line, "data-state", "new")).count();
    let mine = lines.iter().filter(|line| has(line, "data-holder", &me)).count();
    for line in &lines {
        let theirs = !has(&line, "data-holder", "") && !has(&line, "data-holder", &me);
        let _ = line.set_attribute("data-theirs", if theirs { "true" } else { "false" });
    }
    if let Some(counts) = find(queue, ".counts") {
        counts.set_text_content(Some(&words::queue_counts((new, mine))));
    }
    for lane in all(queue, ".lane") {
        let here = all(&lane, "li.request").len();
        show(&lane, here > 0);
        if let Some(count) = find(&lane, ".lane-count") {
            count.set_text_content(Some(&here.to_string()));
        }
    }
    if let Some(nobody) = find(queue, ".nobody") {
        show(&nobody, lines.is_empty());
    }
}

pub(crate) fn show(element: &Element, shown: bool) {
    let _ = if shown { element.remove_attribute("hidden") } else { element.set_attribute("hidden", "") };
}

/// What went wrong with the last press; nothing when it went well.
fn told(refused: Option<&ApiError>) {
    let Some(trouble) = queue().and_then(|queue| find(&queue, ".trouble")) else { return };
    trouble.set_text_content(refused.map(ToString::to_string).as_deref());
    show(&trouble, refused.is_some());
}

/// A form that was taken is emptied; one that was not keeps every word.
fn filed() {
    let Some(queue) = queue() else { return };
    if let Some(form) = find(&queue, ".request-form").and_then(|form| form.dyn_into::<HtmlFormElement>().ok()) {
        form.reset();
        let _ = form.remove_attribute("data-touched");
        for name in ["other", "reference"] {
            fill(&form, name, "");
        }
        if let (Some(name), Some(secret)) = (find(&form, "[name='form']"), secret()) {
            let _ = name.set_attribute("value", &secret);
        }
    }
    new_form(&queue, false);
}

/// Fills the form from a call in the agent's desktop. What somebody has begun to write stays, unless `asked`.
pub(crate) fn prefill(call: &Prefill, asked: bool) {
    let Some(queue) = queue() else { return };
    let Some(form) = find(&queue, ".request-form") else { return };
    if !asked && form.has_attribute("data-touched") {
        return;
    }
    for (name, value) in [("call_back", &call.call_back), ("other", &call.other), ("reference", &call.reference)] {
        fill(&form, name, value);
    }
    let way = call.direction.and_then(|way| find(&form, &format!("[value='{way}']")));
    if let Some(way) = way.and_then(|way| way.dyn_into::<HtmlInputElement>().ok()) {
        way.set_checked(true);
    }
    if asked {
        let _ = form.set_attribute("data-touched", "");
        new_form(&queue, true);
    }
}

pub(crate) fn fill(form: &Element, name: &str, value: &str) {
    let field = find(form, &format!("[name='{name}']")).and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    if let Some(field) = field {
        field.set_value(value);
    }
}

/// Somebody writes into the form: it is theirs from now on.
fn touched(event: &Event) {
    let field = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    if let Some(form) = field.and_then(|field| field.closest(".request-form").ok().flatten()) {
        let _ = form.set_attribute("data-touched", "");
    }
}

fn new_form(queue: &Element, open: bool) {
    let Some(room) = find(queue, ".new-request") else { return };
    if open {
        let _ = room.set_attribute("open", "");
        focus(find(&room, "[name='who']"));
    } else {
        let _ = room.remove_attribute("open");
        focus(Some(queue.clone()));
    }
}

fn submitted(
    event: &Event,
    deeds: Sending,
    filing: Sending,
    said: StoredValue<Option<HtmlTextAreaElement>, LocalStorage>,
) {
    let Some(event) = event.dyn_ref::<SubmitEvent>() else { return };
    let form = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    match form.map(|form| form.class_name()) {
        Some(class) if class.contains("deeds") => {
            let text = event.target().and_then(|form| find(form.dyn_ref::<Element>()?, "textarea"));
            said.set_value(text.and_then(|text| text.dyn_into().ok()));
            if let Some((to, body)) = taken(event) {
                do_or_hold(deeds, to, body, event.submitter());
            }
        }
        Some(class) if class.contains("request-form") => filing.form(event),
        _ => {}
    }
}

/// What can be taken back is held for some seconds; whatever was held before goes out first. The same once more is a
/// second press of the same key, and nothing new.
fn do_or_hold(deeds: Sending, to: String, body: UrlSearchParams, pressed: Option<HtmlElement>) {
    if HOLDING.with_borrow(|held| held.as_ref().is_some_and(|(_, _, held)| is_same_deed(held, &body))) {
        return;
    }
    let before = HOLDING.take();
    let deed = body.get("deed").unwrap_or_default();
    if !TOLD_LATER.contains(&deed.as_str()) {
        show_held(None);
        // In the order in which they were pressed.
        deeds.go_after(before.map(|(_, to, body)| (to, body)), to, body);
        return;
    }
    if let Some((deeds, to, body)) = before {
        deeds.go(to, body);
    }
    let line = pressed.as_ref().and_then(|button| button.closest("li.request").ok().flatten());
    let ticket = line.and_then(|line| find(&line, ".ticket")).and_then(|ticket| ticket.text_content());
    let word = pressed.and_then(|button| button.first_child()).and_then(|word| word.text_content());
    show_held(Some(&format!("{}: {}", ticket.unwrap_or_default(), word.unwrap_or(deed).trim())));
    HOLDING.set(Some((deeds, to, body)));
    let mine = HOLDS.get() + 1;
    HOLDS.set(mine);
    set_timeout(
        move || {
            if HOLDS.get() == mine {
                release();
            }
        },
        HELD,
    );
}

fn is_same_deed(one: &UrlSearchParams, other: &UrlSearchParams) -> bool {
    ["id", "deed"].iter().all(|name| one.get(name) == other.get(name))
}

/// What was held is done now.
fn release() {
    if let Some((deeds, to, body)) = HOLDING.take() {
        show_held(None);
        deeds.go(to, body);
    }
}

fn show_held(what: Option<&str>) {
    let Some(bar) = queue().and_then(|queue| find(&queue, ".undo-bar")) else { return };
    if let Some(text) = find(&bar, "span") {
        text.set_text_content(what);
    }
    show(&bar, what.is_some());
}

/// A message, a refusal and an end are said in words: an empty box is asked for them.
fn ask_for_words(event: &Event) {
    let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let button = pressed.and_then(|pressed| pressed.closest("button[data-needs='true']").ok().flatten());
    let form = button.and_then(|button| button.closest("form").ok().flatten());
    let text =
        form.and_then(|form| find(&form, "textarea")).and_then(|text| text.dyn_into::<HtmlTextAreaElement>().ok());
    if let Some(text) = text.filter(|text| text.value().trim().is_empty()) {
        event.prevent_default();
        text.set_placeholder("Write it here first");
        focus(Some(text.into()));
    }
}

/// The queue's keys. Inside a field they are letters.
fn press(event: &KeyboardEvent) {
    let Some(queue) = queue() else { return };
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let typing = target.is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
    if event.key() == "Escape" {
        new_form(&queue, false);
        return;
    }
    if typing || event.ctrl_key() || event.alt_key() || event.meta_key() {
        return;
    }
    match event.key().to_ascii_lowercase().as_str() {
        "n" => {
            event.prevent_default();
            new_form(&queue, true);
        }
        "u" => {
            if let Some(undo) = find(&queue, ".undo").and_then(|undo| undo.dyn_into::<HtmlElement>().ok()) {
                undo.click();
            }
        }
        "j" | "arrowdown" => step(&queue, 1, event),
        "k" | "arrowup" => step(&queue, -1, event),
        key if key.len() == 1 && key.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            let button = line(&queue, event).and_then(|line| find(&line, &format!("button[data-key='{key}']")));
            if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
                event.prevent_default();
                button.click();
            }
        }
        _ => {}
    }
}

/// The request a key is for: the one it was pressed in, or the only one that is open.
fn line(queue: &Element, event: &KeyboardEvent) -> Option<Element> {
    let pressed = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let within = pressed.and_then(|pressed| pressed.closest("li.request details[open]").ok().flatten());
    within.or_else(|| {
        let mut open = all(queue, "li.request details[open]");
        if open.len() == 1 { open.pop() } else { None }
    })
}

/// To the next request, or the one before: one is open at a time.
fn step(queue: &Element, by: isize, event: &KeyboardEvent) {
    let lines = all(queue, "li.request > details");
    let here = lines.iter().position(|line| line.has_attribute("open"));
    let next = here.map_or(0, |here| here.saturating_add_signed(by).min(lines.len().saturating_sub(1)));
    for (at, line) in lines.iter().enumerate() {
        let _ = if at == next { line.set_attribute("open", "") } else { line.remove_attribute("open") };
    }
    if let Some(line) = lines.get(next) {
        event.prevent_default();
        focus(find(line, "summary"));
    }
}

/// New HTML for a room; what stands in the field `kept`, and whether somebody is writing there, stays.
pub(crate) fn replace(room: &Element, html: &str, kept: &str) {
    let field = |room: &Element| find(room, kept).and_then(|field| field.dyn_into::<HtmlInputElement>().ok());
    let written = field(room).map(|field| field.value()).unwrap_or_default();
    let active = document().and_then(|document| document.active_element());
    let writing =
        active.is_some_and(|active| field(room).is_some_and(|field| AsRef::<Element>::as_ref(&field) == &active));
    room.set_inner_html(html);
    if let Some(field) = field(room) {
        field.set_value(&written);
        if writing {
            focus(Some(field.into()));
        }
    }
}

pub(crate) fn empty(room: &Element, field: &str) {
    if let Some(field) = find(room, field).and_then(|field| field.dyn_into::<HtmlInputElement>().ok()) {
        field.set_value("");
    }
}

fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // Where it cannot be focused, the eye still finds it.
        let _ = element.focus();
    }
}
