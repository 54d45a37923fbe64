//! What residents see of a site, kept up to date.

use crate::components::banner::{Banner, Voice};
use crate::components::site_live::SiteLive;
use crate::texts::Texts;
use crate::view::SiteView;
use leptos::prelude::*;

#[island]
pub fn PublicSite(site: SiteView, texts: Texts, how: bool) -> impl IntoView {
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
            {how.then(|| view! {
                <section class="card how">
                    <h3>{texts.with_value(|texts| texts.said("how_title"))}</h3>
                    <p>{move || texts.with_value(|texts| texts.how(&live.shown()).to_owned())}</p>
                    <p><a class="button primary" href="/requests">{texts.with_value(|texts| texts.said("ask"))}</a></p>
                </section>
            })}
        </article>
    }
    .into_any()
}
