//! What residents see of a site, kept up to date.

use crate::components::banner::{Banner, Voice};
use crate::components::site_live::SiteLive;
use crate::view::SiteView;
use crate::words;
use leptos::prelude::*;

#[island]
pub fn PublicSite(site: SiteView) -> impl IntoView {
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
