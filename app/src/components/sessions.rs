//! Where somebody is signed in, and how to end it.

use crate::server_functions::people::EndSessions;
use crate::view::SessionView;
use leptos::prelude::*;

#[component]
pub(crate) fn Sessions(person: String, sessions: Vec<SessionView>, action: ServerAction<EndSessions>) -> impl IntoView {
    let several = sessions.len() > 1;
    let none = sessions.is_empty();
    let rows = sessions.into_iter().map(|session| row(person.clone(), session, action)).collect_view();
    view! {
        <section class="card">
            <h2>"Sessions"</h2>
            {none.then(|| view! { <p>"Not signed in anywhere."</p> })}
            <ul class="sessions">{rows}</ul>
            {several.then(|| view! {
                <ActionForm action=action>
                    <input type="hidden" name="person" value=person/>
                    <input type="hidden" name="session" value=""/>
                    <button type="submit" class="button quiet">"End all sessions"</button>
                </ActionForm>
            })}
        </section>
    }
}

fn row(person: String, session: SessionView, action: ServerAction<EndSessions>) -> impl IntoView {
    let times = format!("since {}, last used {}{}", session.since.clock, session.seen.clock, session.from);
    view! {
        <li>
            <span>
                <strong>{session.device}</strong>
                {session.is_this.then_some(" (this one)")}
                <small>{times}</small>
            </span>
            <ActionForm action=action>
                <input type="hidden" name="person" value=person/>
                <input type="hidden" name="session" value=session.id/>
                <button type="submit" class="button quiet">"End"</button>
            </ActionForm>
        </li>
    }
}
