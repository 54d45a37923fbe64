//! For whoever finds a key where it does not belong. No sign-in: the key is the proof.

use crate::components::frame::{Frame, Trouble};
use crate::view::Outcome;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn LeakedKeyPage() -> impl IntoView {
    let outcome = use_context::<Outcome>().map(|outcome| match outcome {
        Outcome::Refused(error) => view! { <Trouble text=error.to_string()/> }.into_any(),
        _ => view! {
            <p class="notice" role="status">
                "Thank you. If it was a key of ours that does anything, it opens nothing any more, and the administrators \
                 see that. A key that only shows the state in a gadget is no secret: it stays good."
            </p>
        }
        .into_any(),
    });
    view! {
        <Title text="A key was found"/>
        <Frame me=None here="">
            <div class="narrow">
                <h1>"You found a key?"</h1>
                {outcome}
                <p>
                    "A key begins with " <code>"tpb_live_"</code> ". Whoever has it can do what it is for. Paste it here, \
                     and it takes itself back."
                </p>
                <form method="post" action="/leaked-key/report" class="fields">
                    <label for="key">"The key"</label>
                    <input id="key" name="key" type="text" required=true spellcheck="false" autocomplete="off" maxlength="200"/>
                    <button type="submit" class="button primary">"Take it back"</button>
                </form>
                <p>"By a program: " <code>"DELETE /api/v1/keys/self"</code> " with the key itself."</p>
            </div>
        </Frame>
    }
}
