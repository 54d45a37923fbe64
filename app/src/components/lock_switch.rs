//! One gesture: press and hold for 1.5 s, by pointer or keyboard. Two steps for those who cannot
//! hold, and as a plain form before wasm has loaded.

use super::site_live::SiteLive;
use crate::send::Sending;
use crate::words;
use leptos::ev;
use leptos::html::Details;
use leptos::leptos_dom::helpers::TimeoutHandle;
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;

/// How long to hold (`deploy/guide/architecture.md`); the style sheet fills the bar in the same time.
const HOLD: Duration = Duration::from_millis(1500);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gesture {
    Idle,
    Holding,
    LetGo,
}

#[component]
pub(crate) fn LockSwitch(live: SiteLive, activate: Sending) -> impl IntoView {
    let site = live.shown();
    let id = site.id.to_string();
    let name = site.name.clone();
    let drill = site.drill;
    let gesture = RwSignal::new(Gesture::Idle);
    // Before wasm runs, the plain form is the way; afterwards the bar is. It does not close under a finger.
    let awake = RwSignal::new(false);
    let open = RwSignal::new(true);
    let steps = NodeRef::<Details>::new();
    Effect::new(move || {
        if let Some(steps) = steps.get() {
            open.set(steps.matches(":hover, :focus-within").unwrap_or(false));
            awake.set(true);
        }
    });
    let holding = StoredValue::new(None::<TimeoutHandle>);
    let order_id = id.clone();
    let press = move || {
        // The switch may be gone already: somebody else locked.
        let idle = gesture.try_get_untracked().is_some_and(|gesture| gesture != Gesture::Holding);
        if !idle || activate.pending.get_untracked() {
            return;
        }
        gesture.set(Gesture::Holding);
        let site = order_id.clone();
        let done = move || {
            gesture.set(Gesture::Idle);
            activate.press("/ui/activate", &[("site", &site)]);
        };
        holding.set_value(set_timeout_with_handle(done, HOLD).ok());
    };
    let let_go = move || {
        if gesture.try_get_untracked() == Some(Gesture::Holding) {
            if let Some(timer) = holding.try_get_value().flatten() {
                timer.clear();
            }
            gesture.set(Gesture::LetGo);
        }
    };
    on_cleanup(move || {
        if let Some(timer) = holding.try_get_value().flatten() {
            timer.clear();
        }
    });
    let press_key = press.clone();
    let label = {
        let name = name.clone();
        move || match (activate.pending.get(), gesture.get()) {
            (true, _) => words::SENT.to_owned(),
            (false, Gesture::Holding) => words::HOLDING.to_owned(),
            (false, Gesture::LetGo) => words::LET_GO.to_owned(),
            (false, Gesture::Idle) => words::hold_label(&name, drill),
        }
    };
    view! {
        <div class="lock-switch" data-awake=move || awake.get().to_string()>
            <button
                type="button"
                class="hold-bar"
                data-gesture=move || match gesture.get() {
                    Gesture::Holding => "holding",
                    Gesture::Idle | Gesture::LetGo => "idle",
                }
                aria-disabled=move || activate.pending.get().to_string()
                on:pointerdown=move |event: ev::PointerEvent| {
                    if event.is_primary() && event.button() == 0 {
                        capture(&event);
                        press();
                    }
                }
                on:pointerup=move |_| let_go()
                on:pointercancel=move |_| let_go()
                on:blur=move |_| let_go()
                on:contextmenu=move |event: ev::MouseEvent| event.prevent_default()
                on:keydown=move |event: ev::KeyboardEvent| {
                    if matches!(event.key().as_str(), " " | "Enter") {
                        event.prevent_default();
                        if !event.repeat() {
                            press_key();
                        }
                    }
                }
                on:keyup=move |_| let_go()
            >
                <span class="hold-fill" aria-hidden="true"></span>
                <span class="hold-label" aria-live="polite">{label}</span>
            </button>
            <details class="two-steps" node_ref=steps open=move || open.get()>
                <summary>{words::TWO_STEPS}</summary>
                <form method="post" action="/ui/activate" on:submit=move |event| activate.form(&event)>
                    <input type="hidden" name="site" value=id.clone()/>
                    <p>"This locks the PSTN for " <strong>{name.clone()}</strong> "."</p>
                    <button type="submit" class="button danger" disabled=move || activate.pending.get()>
                        {words::CONFIRM_LOCK}
                    </button>
                </form>
            </details>
        </div>
    }
    .into_any()
}

/// Keeps the pointer's messages coming when a finger slides off the bar.
fn capture(event: &ev::PointerEvent) {
    let element = event.current_target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    if let Some(element) = element {
        // Without capture the gesture still works; it only ends sooner.
        let _ = element.set_pointer_capture(event.pointer_id());
    }
}
