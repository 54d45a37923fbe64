//! A handler that takes [`Key`] cannot be reached without a live key.

use super::problem::Problem;
use crate::http::AppState;
use crate::http::address::Caller;
use crate::identity::api_key::{self, Holder};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, header};
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Act, Authority, Operator, Surface};
use lockdown::timeline::Event;

/// Says which client program it is: the command line shows as `cli` in the timeline.
const SURFACE: &str = "x-lockdown-surface";

/// Whoever holds the key.
pub struct Key(pub Operator);

impl Key {
    /// The only site this key is good for, if there is one.
    pub fn only_site(&self) -> Option<&SiteId> {
        match &self.0.authority {
            Authority::Key { site, .. } => site.as_ref(),
            Authority::Roles(_) | Authority::Delegated { .. } => None,
        }
    }

    /// A key for one site hears of that site, and of what concerns none; of people only a key for all
    /// does. A program on behalf of a person hears what that person does, people apart.
    pub fn hears(&self, event: &Event) -> bool {
        let Authority::Key { site, .. } = &self.0.authority else { return event.is_for(&self.0) };
        let about_others = event.site.is_none() && event.kind.name().is_about_people();
        site.is_none() || (event.site.is_none() && !about_others) || event.site == *site
    }

    /// The right to see steps, plan and timeline.
    pub fn may_read(&self, site: Option<&SiteId>) -> Result<(), Problem> {
        self.0.may(Act::Work, site).map_err(Problem::from)
    }

    /// The right to make and see webhooks.
    pub fn may_manage_hooks(&self, site: Option<&SiteId>) -> Result<(), Problem> {
        self.0.may(Act::Hook, site).map_err(Problem::from)
    }
}

impl FromRequestParts<AppState> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let from = parts.extensions.get::<Caller>().and_then(|Caller(from)| *from);
        let text = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = text.and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
        let cli = parts.headers.get(SURFACE).is_some_and(|surface| surface == "cli");
        let surface = if cli { Surface::Cli } else { Surface::Api };
        let found = match key {
            None => Holder::Nobody,
            Some(token) if is_token(token) => by_token(state, token, surface).await?,
            Some(key) => {
                api_key::holder(state.services.directory.as_ref(), key, from, surface, state.services.clock.now())
                    .await
                    .map_err(|error| Problem::from_store(&error))?
            }
        };
        let refused = match found {
            Holder::Known { operator, unnoted } => {
                if unnoted {
                    note_used(state, &operator);
                }
                return within_limits(parts, state, operator);
            }
            Holder::Elsewhere => Problem::elsewhere(),
            Holder::Nobody => Problem::unauthorized(),
        };
        // Whoever knocks with nonsense is told to wait; a good key from the same place is not.
        state.limits.bad_keys.take(&from.into()).map_err(Problem::too_many)?;
        Err(refused)
    }
}

/// Once a day, and never in the way of what the key is used for.
fn note_used(state: &AppState, holder: &Operator) {
    let directory = state.services.directory.clone();
    let id = holder.id.clone();
    let now = state.services.clock.now();
    tokio::spawn(async move {
        if let Err(error) = directory.note_client_used(id.as_str(), now).await {
            tracing::warn!(%error, "the use of a key could not be noted");
        }
    });
}

/// An order says in its body whether it is a lock, which has a reserve of its own: it is counted there.
fn within_limits(parts: &Parts, state: &AppState, operator: Operator) -> Result<Key, Problem> {
    let is_order = parts.method == Method::PUT && parts.uri.path().ends_with("/lockdown");
    if !is_order {
        state.limits.calls.take(&operator.id.to_string()).map_err(Problem::too_many)?;
    }
    Ok(Key(operator))
}

/// Signed tokens have three parts; our keys have none.
fn is_token(text: &str) -> bool {
    text.split('.').count() == 3
}

/// A program of the tenant: by itself with its scopes, or on behalf of a person with what both may.
async fn by_token(state: &AppState, token: &str, surface: Surface) -> Result<Holder, Problem> {
    let Some(oidc) = &state.services.oidc else { return Ok(Holder::Nobody) };
    let program = match oidc.program(token).await {
        Ok(program) => program,
        Err(error) => {
            tracing::warn!(%error, "an access token was refused");
            return Ok(Holder::Nobody);
        }
    };
    let (authority, id, name) = match &program.person {
        None => (Authority::Key { scopes: program.scopes, site: None }, format!("azp-{}", program.azp), program.name),
        Some(identity) => {
            let found = crate::services::people::known(state.services.directory.as_ref(), identity).await;
            let person = found.map_err(|error| Problem::from_store(&error))?.filter(|person| !person.disabled);
            let Some(person) = person else { return Ok(Holder::Nobody) };
            let name = format!("{} by {}", person.name, program.name);
            let authority = Authority::Delegated { grants: person.grants().without_admin(), scopes: program.scopes };
            (authority, person.id.to_string(), name)
        }
    };
    Ok(OperatorId::try_from(id.to_ascii_lowercase()).map_or(Holder::Nobody, |id| Holder::Known {
        operator: Operator { id, name, surface, authority },
        unnoted: false,
    }))
}
