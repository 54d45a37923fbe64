//! Who may do what. Administrators only.

use crate::api::people::{SetRoles, people};
use crate::api::session::sign_in;
use crate::components::frame::{Frame, Trouble};
use crate::pages::Refused;
use crate::view::{PeopleView, PersonView};
use leptos::prelude::*;
use leptos_meta::Title;
use lockdown::operator::Role;

#[component]
pub(crate) fn PeoplePage() -> impl IntoView {
    let set_roles = ServerAction::<SetRoles>::new();
    let known = Resource::new(|| (), |()| sign_in());
    let list = Resource::new(move || set_roles.version().get(), |_| people());
    let trouble = move || set_roles.value().get().and_then(Result::err);
    view! {
        <Title text="People"/>
        <Suspense>
            {move || list.get().map(|answer| match answer {
                Ok(PeopleView { me, people }) => view! {
                    <Frame me=Some(me) here="/admin/people">
                        <div class="narrow wide">
                            <h1>"People"</h1>
                            <p>
                                "EOC personnel may lock; only senior EOC personnel may give the all-clear. \
                                 An administrator may do neither by that role alone. Changes hold at once."
                            </p>
                            {move || trouble().map(|error| view! { <Trouble text=error.to_string()/> })}
                            <ul class="people">
                                {people.into_iter().map(|person| view! { <PersonRow person set_roles/> }).collect_view()}
                            </ul>
                        </div>
                    </Frame>
                }.into_any(),
                Err(error) => view! { <Refused error me=known.get().and_then(Result::ok).and_then(|view| view.me) return_to="/admin/people"/> }.into_any(),
            })}
        </Suspense>
    }
}

#[component]
fn PersonRow(person: PersonView, set_roles: ServerAction<SetRoles>) -> impl IntoView {
    let note = match (&person.email, person.can_sign_in) {
        (Some(email), true) => email.clone(),
        (Some(email), false) => format!("{email} · cannot sign in yet: not linked to an identity"),
        (None, true) => String::new(),
        (None, false) => "cannot sign in yet: not linked to an identity".into(),
    };
    let waiting = person.roles.is_empty();
    let boxes = Role::ALL
        .into_iter()
        .map(|role| {
            let id = format!("{}-{}", person.id, role.word());
            view! {
                <label class="tick" for=id.clone()>
                    <input id=id.clone() type="checkbox" name=role.word() value="on" checked=person.roles.contains(&role)/>
                    {role.title()}
                </label>
            }
        })
        .collect_view();
    view! {
        <li class="card">
            <ActionForm action=set_roles>
                <input type="hidden" name="person" value=person.id.to_string()/>
                <input type="hidden" name="seen" value=person.version.to_string()/>
                <fieldset>
                    <legend>
                        <strong>{person.name}</strong>
                        {waiting.then(|| view! { <em>" waiting for approval"</em> })}
                        <small>{note}</small>
                    </legend>
                    {boxes}
                    <button type="submit" class="button quiet">"Save roles"</button>
                </fieldset>
            </ActionForm>
        </li>
    }
}
