//! One page a file.

pub(crate) mod ask;
pub(crate) mod connect;
pub(crate) mod console;
pub(crate) mod drills;
pub(crate) mod embed;
pub(crate) mod finesse;
pub(crate) mod incident;
pub(crate) mod incidents;
pub(crate) mod keys;
pub(crate) mod known;
pub(crate) mod leaked_key;
pub(crate) mod me;
pub(crate) mod not_found;
pub(crate) mod people;
pub(crate) mod person;
pub(crate) mod plan;
pub(crate) mod readiness;
pub(crate) mod requests;
pub(crate) mod sign_in;
pub(crate) mod status;
pub(crate) mod ticket;
pub(crate) mod timeline;
pub(crate) mod wall;
pub(crate) mod webhooks;

use crate::components::frame::{Frame, Trouble};
use crate::error::ApiError;
use crate::view::Me;
use leptos::prelude::*;

/// A page that could not be made: sign in, or the reason.
#[component]
pub(crate) fn Refused(error: ApiError, me: Option<Me>, return_to: &'static str) -> impl IntoView {
    let heading = match &error {
        ApiError::SignInFirst | ApiError::Refused(_) => "This page is not for everybody",
        ApiError::NoSuchSite => "There is no such site",
        _ => "This page cannot be shown now",
    };
    let sign_in = (error == ApiError::SignInFirst).then(|| {
        view! {
            <p>
                <a class="button primary" href=format!("/auth/login?return_to={return_to}")>"Sign in"</a>
            </p>
        }
    });
    let manages = me.as_ref().is_some_and(|me| me.may_manage);
    view! {
        <Frame me here="">
            <div class="narrow">
                <h1>{heading}</h1>
                <Trouble text=error.to_string()/>
                {sign_in}
                {manages.then(|| view! { <p><a class="button primary" href="/admin/people">"Manage people and keys"</a></p> })}
                <p><a href="/">"See the state of the telephones"</a></p>
            </div>
        </Frame>
    }
}
