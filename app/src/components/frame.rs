//! What stands around every page: name, ways, and who is signed in.

use crate::texts::{self, Texts};
use crate::view::Me;
use leptos::prelude::*;

#[component]
pub(crate) fn Frame(#[prop(into)] me: Option<Me>, here: &'static str, children: Children) -> impl IntoView {
    let (works, manages) = me.as_ref().map_or((false, false), |me| (me.may_work, me.may_manage));
    let plans = me.as_ref().is_some_and(Me::may_see_plan);
    let way = move |to: &'static str, name: &'static str| {
        view! { <a href=to aria-current=(to == here).then_some("page")>{name}</a> }
    };
    let texts = use_context::<Texts>().unwrap_or_default();
    let resident = !works;
    let phones = texts.said("phones");
    let ask = texts.said("ask");
    view! {
        <a class="skip" href="#main">"Skip to the state"</a>
        <header class="top">
            <a class="brand" href="/">"PSTN Lockdown"</a>
            <nav aria-label="Pages">
                {resident.then(|| view! { <a href="/" aria-current=(here == "/").then_some("page")>{phones}</a> })}
                {resident.then(|| view! { <a href="/requests" aria-current=(here == "/requests").then_some("page")>{ask}</a> })}
                {works.then(|| way("/console", "Console"))}
                {works.then(|| way("/requests", "Requests"))}
                {works.then(|| way("/incidents", "Incidents"))}
                {(works || manages).then(|| way("/timeline", "Timeline"))}
                {works.then(|| way("/drill", "Drills"))}
                {(works || manages).then(|| way("/readiness", "Readiness"))}
                {plans.then(|| way("/plan", "Plan"))}
                {manages.then(|| way("/admin/people", "People"))}
                {manages.then(|| way("/admin/clients", "Keys"))}
                {manages.then(|| way("/admin/webhooks", "Webhooks"))}
                {manages.then(|| way("/admin/finesse", "Finesse"))}
                {manages.then(|| way("/admin/requests", "Personal data"))}
                {works.then(|| way("/wall", "Wall"))}
            </nav>
            {resident.then(|| view! { <Languages here now=texts.said("lang")/> })}
            <SignedIn me sign_in=texts.said("sign_in")/>
        </header>
        <main id="main">{children()}</main>
    }
}

#[component]
fn SignedIn(me: Option<Me>, sign_in: String) -> impl IntoView {
    match me {
        Some(me) => {
            let roles: Vec<&str> = me.roles.iter().map(|role| role.title()).collect();
            let roles = if roles.is_empty() { "waiting for approval".to_owned() } else { roles.join(", ") };
            view! {
                <form class="who-am-i" method="post" action="/auth/logout">
                    <a class="me" href="/me"><strong>{me.name}</strong><small>{roles}</small></a>
                    <button type="submit" class="button quiet">"Sign out"</button>
                </form>
            }
            .into_any()
        }
        None => view! { <a class="button quiet" href="/sign-in">{if sign_in.is_empty() { "Sign in".to_owned() } else { sign_in }}</a> }.into_any(),
    }
}

/// The other languages the residents' pages speak.
#[component]
fn Languages(here: &'static str, now: String) -> impl IntoView {
    let others = use_context::<texts::Languages>().map(|texts::Languages(all)| all).unwrap_or_default();
    let others = others.into_iter().filter(|(tag, _)| *tag != now);
    let link = move |(tag, name): (String, String)| {
        view! { <a class="language" href=format!("{here}?lang={tag}") lang=tag.clone() hreflang=tag>{name}</a> }
    };
    others.map(link).collect_view()
}

/// What went wrong, where a person looks for it.
#[component]
pub(crate) fn Trouble(#[prop(into)] text: String) -> impl IntoView {
    view! { <p class="trouble" role="alert">{text}</p> }
}
