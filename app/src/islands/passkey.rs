//! Adding a passkey, and coming in with one.

use crate::components::frame::Trouble;
use crate::error::ApiError;
use crate::passkey::{Ask, answered_for, ask, prove_it, question};
use leptos::html::{Form, Input};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// A button that asks for any passkey and sends the answer in.
#[island]
pub fn PasskeyDoor(return_to: String) -> impl IntoView {
    let trouble = RwSignal::new(None::<ApiError>);
    let form = NodeRef::<Form>::new();
    let ticket = NodeRef::<Input>::new();
    let answer = NodeRef::<Input>::new();
    let come_in = move |_| {
        trouble.set(None);
        spawn_local(async move {
            let asked = async {
                let question = question("sign-in").await?;
                Ok((ask(Ask::Get, &question).await?, question.ticket))
            };
            match asked.await {
                Ok((said, sealed)) => {
                    let fields = (form.get_untracked(), ticket.get_untracked(), answer.get_untracked());
                    if let (Some(form), Some(ticket), Some(answer)) = fields {
                        ticket.set_value(&sealed);
                        answer.set_value(&said);
                        // Without the browser's checks: there is nothing to check.
                        let _ = form.submit();
                    }
                }
                Err(error) => trouble.set(Some(error)),
            }
        });
    };
    view! {
        <form node_ref=form method="post" action="/auth/passkey" class="passkey">
            <input node_ref=ticket type="hidden" name="ticket"/>
            <input node_ref=answer type="hidden" name="answer"/>
            <input type="hidden" name="return_to" value=return_to/>
            <button type="button" class="button" on:click=come_in>"Sign in with a passkey"</button>
            {move || trouble.get().map(|error| view! { <Trouble text=error.to_string()/> })}
        </form>
    }
}

/// A name for the key, and the button that asks for it.
#[island]
pub fn AddPasskey(has_keys: bool) -> impl IntoView {
    let trouble = RwSignal::new(None::<ApiError>);
    let label = NodeRef::<Input>::new();
    let add = move |_| {
        trouble.set(None);
        let label = label.get_untracked().map(|input| input.value()).unwrap_or_default();
        spawn_local(async move {
            let added = async {
                if has_keys {
                    prove_it("keys").await?;
                }
                answered_for("enrol", Ask::Create, label).await
            };
            match added.await {
                Ok(()) => {
                    if let Some(window) = web_sys::window() {
                        // Shows it in the list; a page that cannot load again keeps the button.
                        let _ = window.location().reload();
                    }
                }
                Err(error) => trouble.set(Some(error)),
            }
        });
    };
    view! {
        <div class="fields">
            <label for="label">"Name of the key"</label>
            <input node_ref=label id="label" type="text" maxlength="60" placeholder="Blue key in the EOC safe"/>
            <button type="button" class="button" on:click=add>"Add a passkey"</button>
            {move || trouble.get().map(|error| view! { <Trouble text=error.to_string()/> })}
        </div>
    }
}
