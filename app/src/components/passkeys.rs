//! The keys somebody has, and how to remove one.

use crate::server_functions::passkeys::RemovePasskey;
use crate::view::PasskeyView;
use leptos::prelude::*;

#[component]
pub(crate) fn Passkeys(
    #[prop(into)] person: Signal<String>,
    passkeys: Vec<PasskeyView>,
    action: ServerAction<RemovePasskey>,
) -> impl IntoView {
    let none = passkeys.is_empty();
    let rows = passkeys.into_iter().map(|passkey| row(person.get_untracked(), passkey, action)).collect_view();
    view! {
        <section class="card">
            <h2>"Passkeys"</h2>
            {none.then(|| view! { <p>"None yet."</p> })}
            <ul class="sessions">{rows}</ul>
        </section>
    }
}

fn row(person: String, passkey: PasskeyView, action: ServerAction<RemovePasskey>) -> impl IntoView {
    let used = passkey.used.map_or_else(|| "never used".to_owned(), |at| format!("last used {}", at.clock));
    view! {
        <li>
            <span>
                <strong>{passkey.label}</strong>
                <small>{format!("added {}, {used}", passkey.added.clock)}</small>
            </span>
            <ActionForm action=action>
                <input type="hidden" name="person" value=person/>
                <input type="hidden" name="passkey" value=passkey.id/>
                <button type="submit" class="button quiet">"Remove"</button>
            </ActionForm>
        </li>
    }
}
