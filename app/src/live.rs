//! The line to the server: news as it happens, and the truth about the line itself.

use crate::view::Live;
use leptos::prelude::*;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, EventSource, MessageEvent};

/// The server sends at least a beat every three seconds; two missed ones and a bit are a dead line.
const SILENCE_MS: f64 = 8_000.0;

/// How often it is looked whether the line is alive; a dead one is opened anew.
const LOOK: Duration = Duration::from_secs(1);

/// Between two tries, where every answer is a refusal: as long as the server asks for after too many lines.
const LONGEST_S: f64 = 10.0;

/// Is what the page shows live?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    Opening,
    Open,
    Lost,
}

/// The browser's clock, in milliseconds since 1970.
pub(crate) fn browser_now() -> f64 {
    web_sys::js_sys::Date::now()
}

struct Connection {
    source: EventSource,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _error: Closure<dyn FnMut(Event)>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.set_onmessage(None);
        self.source.set_onerror(None);
        self.source.close();
    }
}

#[derive(Clone, Copy)]
struct Signals {
    line: RwSignal<Line>,
    heard: RwSignal<f64>,
    attempt: RwSignal<u32>,
}

/// Keeps a line open while the calling component lives. `on_news` gets everything but beats.
pub(crate) fn listen(url: String, on_news: impl Fn(Live) + 'static) -> ReadSignal<Line> {
    keep_open(url, Rc::new(on_news))
}

/// Written once, whoever listens: each copy would travel to every browser.
fn keep_open(url: String, on_news: Rc<dyn Fn(Live)>) -> ReadSignal<Line> {
    let signals = Signals { line: RwSignal::new(Line::Opening), heard: RwSignal::new(0.0), attempt: RwSignal::new(0) };
    Effect::new(move || {
        signals.attempt.track();
        signals.heard.set(browser_now());
        match connect(&(url.clone() + &crate::gadget::key_of_line()), signals, on_news.clone()) {
            // Owned by this effect: closed when it runs again or the page goes.
            Ok(connection) => {
                StoredValue::new_local(connection);
            }
            Err(_) => signals.line.set(Line::Lost),
        }
    });
    Effect::new(move || watch_silence(signals));
    signals.line.read_only()
}

/// A line may be dead without the browser noticing: then it is said, and opened anew.
fn watch_silence(signals: Signals) {
    let check = move || {
        if browser_now() - signals.heard.get_untracked() > SILENCE_MS {
            signals.line.set(Line::Lost);
            signals.attempt.update(|n| *n += 1);
        }
    };
    if let Ok(ticking) = set_interval_with_handle(check, LOOK) {
        on_cleanup(move || ticking.clear());
    }
}

fn connect(url: &str, signals: Signals, on_news: Rc<dyn Fn(Live)>) -> Result<Connection, JsValue> {
    let source = EventSource::new(url)?;
    let message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        signals.heard.set(browser_now());
        signals.line.set(Line::Open);
        *signals.attempt.write_untracked() = 0;
        let text = event.data().as_string().unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(Live::Beat) | Err(_) => {}
            Ok(news) => on_news(news),
        }
    });
    let watched = source.clone();
    let error = Closure::<dyn FnMut(Event)>::new(move |_| {
        // The server ends each line after a while, and the browser opens the next: lost is what cannot be opened.
        let opens = watched.ready_state() == EventSource::CONNECTING;
        let was_open = signals.line.get_untracked() == Line::Open;
        signals.line.set(if opens && was_open { Line::Opening } else { Line::Lost });
        if !opens {
            // The browser gave up: the next one is opened in a second, and later each time.
            let patience = f64::from(signals.attempt.get_untracked()).min(LONGEST_S) * 1000.0;
            signals.heard.set(browser_now() - SILENCE_MS + patience);
        }
    });
    source.set_onmessage(Some(message.as_ref().unchecked_ref()));
    source.set_onerror(Some(error.as_ref().unchecked_ref()));
    Ok(Connection { source, _message: message, _error: error })
}
