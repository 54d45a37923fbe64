//! The public page: is it locked, since when, what does it mean, which number always works.

use crate::api::lockdown::status;
use crate::components::frame::{Frame, Trouble};
use crate::islands::public_site::PublicSite;
use crate::view::StatusView;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn StatusPage() -> impl IntoView {
    let board = Resource::new(|| (), |()| status());
    view! {
        <Title text="State of the telephones"/>
        <Suspense>
            {move || board.get().map(|answer| match answer {
                Ok(StatusView { sites, me }) => view! {
                    <Frame me here="/">
                        <h1 class="visually-hidden">"State of the telephones"</h1>
                        <div class="public">
                            {sites.into_iter().map(|site| view! { <PublicSite site/> }).collect_view()}
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Frame me=None here="/"><Trouble text=error.to_string()/></Frame> }.into_any(),
            })}
        </Suspense>
    }
}
