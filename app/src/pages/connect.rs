//! The window in which somebody signs in for a gadget: whose, with which code, and the button.

use crate::components::frame::Trouble;
use crate::view::{ConnectView, Outcome};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn ConnectPage() -> impl IntoView {
    let shown = match use_context::<Outcome>() {
        Some(Outcome::Connect(ConnectView { name, code, done: false })) => view! {
            <h1>"Connect the gadget"</h1>
            <p>"You are signed in as " <strong>{name}</strong> "."</p>
            <p>"The gadget in your Finesse desktop shows the same code:"</p>
            <p class="secret number">{code}</p>
            <form method="post" action="/auth/handoff" class="buttons">
                <button type="submit" class="button primary">"Connect my gadget"</button>
                <a class="button quiet" href="/auth/login?again=yes&return_to=/auth/handoff">"I am somebody else"</a>
            </form>
            <p>"Another code, or no gadget of yours? Close this window: nothing is connected."</p>
        }
        .into_any(),
        Some(Outcome::Connect(ConnectView { name, done: true, .. })) => view! {
            <h1>"Connected"</h1>
            <p role="status">"The gadget belongs to " <strong>{name}</strong> " now. You can close this window."</p>
            <p>"This window is signed in too. On a computer that others use, sign out here; the gadget stays connected."</p>
            <form method="post" action="/auth/logout"><button type="submit" class="button quiet">"Sign out of this window"</button></form>
        }
        .into_any(),
        Some(Outcome::Refused(error)) => view! { <h1>"Not connected"</h1><Trouble text=error.to_string()/> }.into_any(),
        _ => view! {
            <h1>"Not connected"</h1>
            <Trouble text="Press “Sign in” in the gadget: this page is opened from there."/>
        }
        .into_any(),
    };
    view! {
        <Title text="Connect the gadget"/>
        <main id="main"><div class="narrow">{shown}</div></main>
    }
}
