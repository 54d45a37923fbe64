//! The public page: is it locked, since when, what does it mean, which number always works.

use crate::components::frame::{Frame, Trouble};
use crate::islands::public_site::{PublicSite, how_of};
use crate::server_functions::lockdown::status;
use crate::texts::Texts;
use crate::view::StatusView;
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub(crate) fn StatusPage() -> impl IntoView {
    let texts = StoredValue::new(use_context::<Texts>().unwrap_or_default());
    let board = Resource::new(|| (), |()| status());
    view! {
        <Title text=texts.get_value().said("title")/>
        <Suspense>
            {move || board.get().map(|answer| match answer {
                Ok(StatusView { sites, me }) => view! {
                    <Frame me here="/">
                        <h1 class="visually-hidden">{texts.get_value().said("title")}</h1>
                        <div class="public">
                            {sites.into_iter().map(|site| {
                                let place = how_of(&site);
                                let text = texts.with_value(|texts| texts.how(&site).to_owned());
                                view! {
                                    <PublicSite site texts=texts.get_value()/>
                                    <section class="card how">
                                        <h3>{texts.get_value().said("how_title")}</h3>
                                        <p id=place>{text}</p>
                                        <p><a class="button primary" href="/requests">{texts.get_value().said("ask")}</a></p>
                                    </section>
                                }
                            }).collect_view()}
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Frame me=None here="/"><Trouble text=error.to_string()/></Frame> }.into_any(),
            })}
        </Suspense>
    }
}
