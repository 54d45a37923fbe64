use crate::components::frame::Frame;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn NotFound() -> impl IntoView {
    view! {
        <Title text="Not found"/>
        <Frame me=None here="">
            <div class="narrow">
                <h1>"There is no such page"</h1>
                <p>"Perhaps the address was mistyped."</p>
                <p><a href="/">"See the state of the telephones"</a></p>
            </div>
        </Frame>
    }
}
