//! The public page: is it locked, since when, what does it mean, which number always works.

use crate::api::lockdown::status;
use crate::components::banner::{Banner, Voice};
use crate::components::frame::{Frame, Trouble};
use crate::components::site_live::SiteLive;
use crate::view::{SiteView, StatusView};
use crate::words;
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
                    <Frame me>
                        <h1 class="visually-hidden">"State of the telephones"</h1>
                        <div class="public">
                            {sites.into_iter().map(|site| view! { <PublicSite site/> }).collect_view()}
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Frame me=None><Trouble text=error.to_string()/></Frame> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn PublicSite(site: SiteView) -> impl IntoView {
    let name = site.name.clone();
    let numbers = site.emergency_numbers.clone();
    let live = SiteLive::begin(site, vec![]);
    view! {
        <article class="public-site">
            <h2 class="site-name">{name}</h2>
            <Banner live voice=Voice::Public/>
            <p class="emergency">{words::emergency(&numbers)}</p>
            <p>{move || words::public_meaning(&live.shown())}</p>
        </article>
    }
}
