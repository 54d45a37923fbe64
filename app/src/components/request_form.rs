//! Taking down what somebody tells the EOC: four fields, in fifteen seconds.

use leptos::prelude::*;
use lockdown::ids::SiteId;

#[component]
pub(crate) fn NewRequest(sites: Vec<(SiteId, String)>, form: String) -> impl IntoView {
    view! {
        <form method="post" action="/ui/take-down-request" class="fields request-form" autocomplete="off">
            <input type="hidden" name="form" value=form/>
            <input type="hidden" name="other" value=""/>
            <input type="hidden" name="reference" value=""/>
            <fieldset class="ways">
                <legend class="visually-hidden">"Which way"</legend>
                <label class="check"><input type="radio" name="direction" value="outbound" checked=true/>"Wants to call out"</label>
                <label class="check"><input type="radio" name="direction" value="inbound"/>"Called in from outside"</label>
            </fieldset>
            <label for="rf-who">"Who"</label>
            <input id="rf-who" name="who" type="text" required=true maxlength="120"/>
            <label for="rf-back">"Call back at"</label>
            <input id="rf-back" name="call_back" type="text" inputmode="tel" required=true maxlength="40"/>
            <label for="rf-why">"For whom, and why"</label>
            <input id="rf-why" name="reason" type="text" required=true maxlength="1000"/>
            <label for="rf-how">"Priority"</label>
            <select id="rf-how" name="priority">
                <option value="normal">"■ Normal"</option>
                <option value="urgent">"▲ Urgent: life, health, safety"</option>
                <option value="low">"○ Low: can wait"</option>
            </select>
            <Where sites/>
            <button type="submit" class="button primary">"File the request"</button>
        </form>
    }
}

/// Asked only where there are several.
#[component]
fn Where(sites: Vec<(SiteId, String)>) -> impl IntoView {
    if sites.len() > 1 {
        let option = |(id, name): (SiteId, String)| view! { <option value=id.to_string()>{name}</option> };
        view! {
            <label for="rf-site">"Site"</label>
            <select id="rf-site" name="site">{sites.into_iter().map(option).collect_view()}</select>
        }
        .into_any()
    } else {
        let only = sites.first().map(|(id, _)| id.to_string()).unwrap_or_default();
        view! { <input type="hidden" name="site" value=only/> }.into_any()
    }
}
