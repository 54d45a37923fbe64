//! The gadget: our page in a frame of the agents' Finesse desktop, in the browser. What the shell around it tells
//! (versioned JSON of a closed set of types, from exact origins, never HTML, never a secret), and the switch that
//! must be armed there. On every other page all of it does nothing.
//!
//! *Decision*: no island of its own; the console's and the public page's run in the frame, and what stands around
//! them is HTML that this tends. *Reason*: 25 kB less on the wire. *What would change our mind*: leptos sharing
//! code between islands.
//!
//! *Source*: the messages are our own contract with the file that Finesse loads (`public/finesse-shell.xml`).

use crate::components::site_live::SiteLive;
use crate::dialog::{Dialog, Prefill};
use crate::live::{Line, browser_now};
use crate::send::{knock, look, post_nothing, reload};
use crate::{queue, words};
use leptos::prelude::*;
use leptos::task::spawn_local;
use lockdown::steps::Target;
use std::cell::{Cell, RefCell};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::js_sys::{Array, JSON, Reflect};
use web_sys::{Element, Event, MessageEvent, Window};

/// A longer message is none of the shell's. Bytes.
const LONGEST: usize = 4096;

const VERSION: f64 = 1.0;

/// Seconds between two signs of life for the shell.
const BEAT: u32 = 10;

/// Seconds between two looks for somebody in the window, and for how long.
const LOOK: u32 = 2;
const LOOKS: u32 = 300;

/// Seconds between two questions while the line is dead.
const POLL: u32 = 10;

/// Nothing may have lain over the switch for so long. Milliseconds.
const FREE: f64 = 500.0;

/// So long before the end of a session it is said. Milliseconds.
const ENDS_SOON: i64 = 300_000;

thread_local! {
    /// The calls on the page.
    static CALLS: RefCell<Vec<Prefill>> = const { RefCell::new(Vec::new()) };
    /// Since when nothing lies over the switch, by the browser's clock.
    static FREE_SINCE: Cell<f64> = const { Cell::new(0.0) };
    /// The page is on its way out.
    static GONE: Cell<bool> = const { Cell::new(false) };
    /// A question whether somebody has signed in is on its way.
    static CLAIMING: Cell<bool> = const { Cell::new(false) };
    /// Seconds since the page was opened.
    static TICKS: Cell<u32> = const { Cell::new(0) };
    /// When the window was opened, in such seconds.
    static SINCE: Cell<u32> = const { Cell::new(0) };
    /// Agents who lost their line together do not ask together.
    static APART: Cell<u32> = const { Cell::new(0) };
    /// What was ordered when the shell was told last.
    static TOLD: Cell<Option<Target>> = const { Cell::new(None) };
}

fn room() -> Option<Element> {
    queue::document()?.query_selector(".gadget").ok().flatten()
}

/// The browser's clock, in whole milliseconds since 1970. Whole numbers: reading others from text costs 9 kB.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970")]
fn millis() -> i64 {
    browser_now() as i64
}

fn of_room(attribute: &str) -> String {
    room().and_then(|room| room.get_attribute(attribute)).unwrap_or_default()
}

/// What the address of the page's line ends with: a frame's key opens its own.
pub(crate) fn key_of_line() -> String {
    match of_room("data-key") {
        key if key.is_empty() => key,
        key => format!("&embed={key}"),
    }
}

/// Wakes what stands around the switch; nothing where there is no frame.
pub(crate) fn wake(live: SiteLive) {
    let Some(room) = room() else { return };
    TOLD.set(Some(untrack(|| live.shown()).ordered));
    APART.set(u32::try_from(millis() % i64::from(POLL)).unwrap_or_default());
    listen();
    on_resize();
    tell("\"type\":\"hello\"");
    queue::listen(&room, "click", |event| pressed(&event));
}

/// Every second.
pub(crate) fn tick(live: SiteLive) {
    let Some(room) = room() else { return };
    let now = TICKS.get() + 1;
    TICKS.set(now);
    // The session ended, or a role was taken away: the page as it is now. Once: each one would begin anew.
    if live.signed_out.get_untracked() && !GONE.replace(true) {
        reload();
    }
    // A switch is made anew after each order.
    if let Some(switch) = queue::find(&room, ".lock-switch:not([data-watched])") {
        let _ = switch.set_attribute("data-watched", "");
        watch_cover(&switch);
    }
    if now.is_multiple_of(BEAT) {
        tell("\"type\":\"hello\"");
    }
    let site = untrack(|| live.shown());
    let ordered = if site.ordered == Target::Locked { "locked" } else { "normal" };
    let _ = room.set_attribute("data-ordered", ordered);
    if TOLD.replace(Some(site.ordered)) != Some(site.ordered) {
        let title = quoted(&site.said.headline);
        let body = quoted(&site.name);
        tell(&format!("\"type\":\"notify\",\"title\":{title},\"body\":{body}"));
    }
    let ends: i64 = of_room("data-ends").parse().unwrap_or_default();
    reveal("ending", ends > 0 && millis() > ends - ENDS_SOON);
    if is_revealed("waiting") && now.is_multiple_of(LOOK) {
        claim(now);
    }
    if live.line.get_untracked() == Line::Lost && now % POLL == APART.get() {
        spawn_local(async move {
            if let Some(site) = look(&format!("/embed/state?embed={}", of_room("data-key"))).await {
                live.heard(site);
            }
        });
    }
}

/// What an order from a frame carries besides: the server arms the switch for it, so that no order can be sent by
/// itself. `None` while something lies over the switch, or did a moment ago. On every other page nothing is needed.
pub(crate) async fn armed() -> Option<String> {
    if room().is_none() {
        return Some(String::new());
    }
    if browser_now() - FREE_SINCE.get() < FREE {
        return None;
    }
    // JSON of a text without anything in it that is escaped. What the server refuses, it says at the order.
    let armed = post_nothing("/ui/arm").await.unwrap_or_default();
    Some(armed.get(1..armed.len().saturating_sub(1)).unwrap_or_default().to_owned())
}

fn reveal(what: &str, shown: bool) {
    if let Some(place) = sentence(what) {
        queue::show(&place, shown);
    }
}

fn sentence(what: &str) -> Option<Element> {
    queue::find(&room()?, &format!("[data-say='{what}']"))
}

fn is_revealed(what: &str) -> bool {
    sentence(what).is_some_and(|place| !place.has_attribute("hidden"))
}

/// Has somebody signed in in the window, and connected this gadget?
fn claim(now: u32) {
    if CLAIMING.replace(true) {
        return;
    }
    spawn_local(async move {
        let answer = knock("/auth/handoff/claim").await;
        CLAIMING.set(false);
        match answer {
            // Also what came too late, or was taken by another frame: the page anew brings a new link.
            Some(204 | 410) => reload(),
            _ if now > LOOKS + SINCE.get() => waiting(false),
            _ => {}
        }
    });
}

fn waiting(is: bool) {
    reveal("idle", false);
    reveal("waiting", is);
    reveal("late", !is);
    SINCE.set(TICKS.get());
}

fn pressed(event: &Event) {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let Some(button) = target.and_then(|target| target.closest("[data-act]").ok().flatten()) else { return };
    match button.get_attribute("data-act").as_deref() {
        Some("sign-in") => {
            let url = button.get_attribute("href").unwrap_or_default();
            let opened = web_sys::window().and_then(|window| {
                let features = "popup,width=520,height=680";
                window.open_with_url_and_target_and_features(&url, "_blank", features).ok().flatten()
            });
            // A browser that opens none follows the link into a tab.
            if opened.is_some() {
                event.prevent_default();
            }
            waiting(true);
        }
        Some("stay") => reload(),
        Some("leave") => spawn_local(async {
            knock("/embed/leave").await;
            reload();
        }),
        Some("log") => CALLS.with_borrow(|calls| {
            if let Some(call) =
                calls.get(button.get_attribute("data-call").and_then(|at| at.parse::<usize>().ok()).unwrap_or_default())
            {
                queue::prefill(call, true);
            }
        }),
        _ => {}
    }
}

/// Hears the page right around this one, from one of the origins that may be there.
fn listen() {
    let Some(window) = web_sys::window() else { return };
    let mut extension = String::new();
    let mut known = Vec::<Dialog>::new();
    let hear = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let around = parent().map(JsValue::from);
        let ours = event.source().map(JsValue::from) == around
            && of_room("data-origins").split(' ').any(|origin| origin == event.origin());
        let text = event.data().as_string().filter(|text| ours && text.len() <= LONGEST);
        let Some(message) = text.and_then(|text| JSON::parse(&text).ok()) else { return };
        if field(&message, "v").as_f64() != Some(VERSION) {
            return;
        }
        match field(&message, "type").as_string().as_deref() {
            Some("ctx") => extension = text_of(&message, "extension"),
            Some("dialogs") => {
                known = Array::from(&field(&message, "dialogs")).iter().map(|one| dialog(&one)).collect();
            }
            _ => return,
        }
        show_calls(known.iter().filter_map(|dialog| dialog.prefill(&extension)).collect());
    });
    if window.add_event_listener_with_callback("message", hear.as_ref().unchecked_ref()).is_ok() {
        hear.forget();
    }
}

/// What is none of the message's own is nothing.
fn field(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

fn text_of(of: &JsValue, name: &str) -> String {
    field(of, name).as_string().unwrap_or_default()
}

fn dialog(one: &JsValue) -> Dialog {
    let text = |name| text_of(one, name);
    Dialog { id: text("id"), from: text("from"), to: text("to"), call_type: text("call_type") }
}

/// One press fills the form; a single call fills it by itself.
fn show_calls(calls: Vec<Prefill>) {
    match calls.as_slice() {
        // What is left of a call that ended belongs to no other request.
        [] => queue::prefill(&Prefill::default(), false),
        [only] => queue::prefill(only, false),
        _ => {}
    }
    let list = room().and_then(|room| queue::find(&room, ".gadget-calls"));
    if let Some(list) = list {
        // Numbers are digits, `+`, `*` and `#`: nothing of them is HTML.
        let row = |(at, call): (usize, &Prefill)| {
            let text = words::on_the_line(&call.call_back, call.direction);
            format!(
                "<li><span class=\"number\">{text}</span><button type=\"button\" class=\"button\" data-act=\"log\" data-call=\"{at}\">Log this call</button></li>"
            )
        };
        list.set_inner_html(&calls.iter().enumerate().map(row).collect::<String>());
    }
    CALLS.set(calls);
}

fn parent() -> Option<Window> {
    let window = web_sys::window()?;
    let parent = window.parent().ok().flatten()?;
    (parent != window).then_some(parent)
}

/// As a JSON text.
fn quoted(text: &str) -> String {
    JSON::stringify(&text.into()).map_or_else(|_| "\"\"".to_owned(), String::from)
}

/// Tells the shell; a page of another origin gets nothing. Where the browser does not say who frames us, each
/// may be it.
fn tell(fields: &str) {
    let (Some(around), text) = (parent(), JsValue::from(format!("{{\"v\":1,{fields}}}"))) else { return };
    // After a reload it may be our own address.
    let from = queue::document().map(|document| document.referrer()).unwrap_or_default();
    let all = of_room("data-origins");
    let known = all.split(' ').find(|origin| from.starts_with(origin));
    for origin in known.unwrap_or(&all).split(' ') {
        let _ = around.post_message(&text, origin);
    }
}

/// The shell learns how high the page is, in CSS pixels, whenever that changes.
fn on_resize() {
    let Some(body) = queue::document().and_then(|document| document.body()) else { return };
    let measured = body.clone();
    let act = Closure::<dyn FnMut()>::new(move || {
        tell(&format!("\"type\":\"height\",\"px\":{}", measured.offset_height()));
    });
    if let Ok(observer) = web_sys::ResizeObserver::new(act.as_ref().unchecked_ref()) {
        observer.observe(&body);
        act.forget();
    }
}

/// Notes whether the browser says that something lies over `what`. Browsers that cannot tell say nothing.
fn watch_cover(what: &Element) {
    let seen = Closure::<dyn FnMut(Array)>::new(move |entries: Array| {
        let last = entries.get(entries.length().saturating_sub(1));
        let visible = field(&last, "isVisible").as_bool();
        // What is scrolled away is not covered, and cannot be held either.
        let covered = visible == Some(false) && field(&last, "isIntersecting").as_bool() == Some(true);
        match (covered, FREE_SINCE.get().is_infinite()) {
            (true, _) => FREE_SINCE.set(f64::INFINITY),
            (false, true) => FREE_SINCE.set(browser_now()),
            (false, false) => {}
        }
        reveal("covered", covered);
    });
    let options = web_sys::IntersectionObserverInit::new();
    for (name, value) in [("trackVisibility", JsValue::TRUE), ("delay", 100.into()), ("threshold", 1.into())] {
        let _ = Reflect::set(&options, &name.into(), &value);
    }
    let made = web_sys::IntersectionObserver::new_with_options(seen.as_ref().unchecked_ref(), &options);
    if let Ok(observer) = made {
        observer.observe(what);
        seen.forget();
    }
}
