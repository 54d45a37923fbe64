//! Everybody, and what they may. Administrators only.

use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::server_functions::fallback_sign_in::Review;
use crate::server_functions::people::{ImportRoster, people};
use crate::server_functions::session::sign_in;
use crate::view::{PeopleView, PersonView, ReviewView};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub(crate) fn PeoplePage() -> impl IntoView {
    let asked = use_query_map();
    let known = Resource::new(|| (), |()| sign_in());
    let list = Resource::new(move || asked.read().get("find"), people);
    let review = ServerAction::<Review>::new();
    let find = move || asked.read().get("find").unwrap_or_default();
    view! {
        <Title text="People"/>
        <Suspense>
            {move || list.get().map(|answer| match answer {
                Ok(PeopleView { me, people, reviews }) => view! {
                    <Frame me=Some(me) here="/admin/people">
                        <div class="narrow wide">
                            <h1>"People"</h1>
                            <p>
                                "EOC personnel may lock; only senior EOC personnel may give the all-clear. \
                                 An administrator may do neither by that role alone. Changes hold at once."
                            </p>
                            {review.value().get().and_then(Result::err).map(|error| view! { <Trouble text=error.to_string()/> })}
                            <Reviews reviews action=review/>
                            <form class="find" method="get" action="/admin/people" role="search">
                                <label for="find">"Find by name or e-mail"</label>
                                <input id="find" name="find" type="search" value=find()/>
                                <button type="submit" class="button quiet">"Find"</button>
                            </form>
                            <ul class="people">
                                {people.is_empty().then(|| view! { <li>"Nobody."</li> })}
                                {people.into_iter().map(|person| view! { <PersonRow person/> }).collect_view()}
                            </ul>
                            <RosterForm/>
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/admin/people"/> }.into_any(),
            })}
        </Suspense>
    }
}

/// Stays until somebody writes down what it was about.
#[component]
fn Reviews(reviews: Vec<ReviewView>, action: ServerAction<Review>) -> impl IntoView {
    let rows = reviews.into_iter().map(|review| {
        let id = format!("note-{}", review.event);
        view! {
            <li>
                <p><span class="number">{review.when.clock}</span> " " <strong>{review.who}</strong> ": " {review.text}</p>
                <ActionForm action=action attr:class="one-line">
                    <input type="hidden" name="event" value=review.event/>
                    <label class="visually-hidden" for=id.clone()>"Why it was used"</label>
                    <input id=id name="note" type="text" required=true maxlength="500" placeholder="Why it was used"/>
                    <button type="submit" class="button quiet">"Reviewed"</button>
                </ActionForm>
            </li>
        }
    });
    let rows = rows.collect_view();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="notice" aria-labelledby="to-review">
                <h2 id="to-review">"To review: signed in past the identity provider"</h2>
                <ul class="reviews">{rows}</ul>
            </section>
        }
    })
}

#[component]
fn PersonRow(person: PersonView) -> impl IntoView {
    let note = match (&person.email, person.can_sign_in) {
        (Some(email), true) => email.clone(),
        (Some(email), false) => format!("{email} · cannot sign in yet: not linked to an identity"),
        (None, true) => String::new(),
        (None, false) => "cannot sign in yet: not linked to an identity".into(),
    };
    let rights = match (person.disabled, person.rights.is_empty()) {
        (true, _) => "disabled".to_owned(),
        (false, true) => "waiting for approval".to_owned(),
        (false, false) => person.rights.join(", "),
    };
    let tone = if person.disabled || person.rights.is_empty() { "attention" } else { "plain" };
    view! {
        <li>
            <a class="card person" href=format!("/admin/people/{}", person.id)>
                <strong>{person.name}</strong>
                <span class="rights" data-tone=tone>{rights}</span>
                <small>{note}</small>
                <small class="seen">{person.last_seen.map_or_else(|| "never signed in".to_owned(), |at| format!("last signed in {}", at.clock))}</small>
            </a>
        </li>
    }
}

/// A roster is looked through first; the second button takes it over.
#[component]
fn RosterForm() -> impl IntoView {
    let import = ServerAction::<ImportRoster>::new();
    let answer = move || import.value().get();
    view! {
        <details class="card roster" open=move || answer().is_some()>
            <summary>"Import a roster"</summary>
            <ActionForm action=import>
                <p>
                    "Paste CSV with the columns " <code>"name, email, subject, roles, site, extension"</code>
                    ". Roles are added, none is taken away; one bad line changes nothing."
                </p>
                <label for="roster">"Roster"</label>
                <textarea id="roster" name="roster" rows="6" required=true spellcheck="false"></textarea>
                <div class="buttons">
                    <button type="submit" name="dry_run" value="yes" class="button quiet">"Check only"</button>
                    <button type="submit" name="dry_run" value="no" class="button primary">"Import"</button>
                </div>
            </ActionForm>
            {move || answer().map(|answer| match answer {
                Ok(lines) => view! {
                    <ul role="status">{lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}</ul>
                }.into_any(),
                Err(error) => view! { <Trouble text=error.to_string()/> }.into_any(),
            })}
        </details>
    }
}
