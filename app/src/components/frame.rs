//! What stands around every page: name, ways, and who is signed in.

use crate::view::Me;
use leptos::prelude::*;

#[component]
pub(crate) fn Frame(#[prop(into)] me: Option<Me>, here: &'static str, children: Children) -> impl IntoView {
    let (works, manages) = me.as_ref().map_or((false, false), |me| (me.may_work, me.may_manage));
    let way = move |to: &'static str, name: &'static str| {
        view! { <a href=to aria-current=(to == here).then_some("page")>{name}</a> }
    };
    view! {
        <a class="skip" href="#main">"Skip to the state"</a>
        <header class="top">
            <a class="brand" href="/">"PSTN Lockdown"</a>
            <nav aria-label="Pages">
                {works.then(|| way("/console", "Console"))}
                {(works || manages).then(|| way("/timeline", "Timeline"))}
                {manages.then(|| way("/admin/people", "People"))}
                {manages.then(|| way("/admin/clients", "Keys"))}
                {manages.then(|| way("/admin/webhooks", "Web-hooks"))}
            </nav>
            <SignedIn me/>
        </header>
        <main id="main">{children()}</main>
    }
}

#[component]
fn SignedIn(me: Option<Me>) -> impl IntoView {
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
        None => view! { <a class="button quiet" href="/sign-in">"Sign in"</a> }.into_any(),
    }
}

/// What went wrong, where a person looks for it.
#[component]
pub(crate) fn Trouble(#[prop(into)] text: String) -> impl IntoView {
    view! { <p class="trouble" role="alert">{text}</p> }
}
