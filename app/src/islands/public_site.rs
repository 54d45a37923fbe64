//! What residents see of a site, kept up to date.

use crate::components::banner::{Banner, Voice};
use crate::components::site_live::SiteLive;
use crate::texts::Texts;
use crate::view::SiteView;
use leptos::prelude::*;

#[island]
pub fn PublicSite(site: SiteView, texts: Texts) -> impl IntoView {
    let name = site.name.clone();
    let numbers = site.emergency_numbers.clone();
    let live = SiteLive::begin(site, vec![], vec![]);
    let texts = StoredValue::new(texts);
    let emergency = texts.with_value(|texts| texts.emergency(&numbers));
    view! {
        <article class="public-site">
            <h2 class="site-name">{name}</h2>
            <Banner live voice=Voice::Public(texts)/>
            <p class="emergency">{emergency}</p>
            <p>{move || texts.with_value(|texts| texts.meaning(&live.shown()).to_owned())}</p>
        </article>
    }
}
