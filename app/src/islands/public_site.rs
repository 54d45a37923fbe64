//! What residents see of a site, kept up to date.

use crate::components::banner::{Banner, Voice};
use crate::components::site_live::SiteLive;
use crate::queue::document;
use crate::texts::Texts;
use crate::view::SiteView;
use leptos::prelude::*;

#[island]
pub fn PublicSite(site: SiteView, texts: Texts) -> impl IntoView {
    let how = how_of(&site);
    let name = site.name.clone();
    let numbers = site.emergency_numbers.clone();
    let proved = site.emergency_proved;
    let live = SiteLive::begin(site, vec![], vec![]);
    let texts = StoredValue::new(texts);
    let emergency = texts.with_value(|texts| texts.emergency(&numbers, proved));
    // Written with the page; here only what changes of it.
    Effect::new(move || {
        let text = texts.with_value(|texts| texts.how(&live.shown()).to_owned());
        if let Some(place) = document().and_then(|document| document.get_element_by_id(&how)) {
            place.set_text_content(Some(&text));
        }
    });
    view! {
        <article class="public-site">
            <h2 class="site-name">{name}</h2>
            <Banner live voice=Voice::Public(texts)/>
            <p class="emergency">{emergency}</p>
            <p>{move || texts.with_value(|texts| texts.meaning(&live.shown()).to_owned())}</p>
        </article>
    }
}

/// The place on a page that says how to get a call through.
pub(crate) fn how_of(site: &SiteView) -> String {
    format!("how-{}", site.id)
}
