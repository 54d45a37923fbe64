//! A handler that takes [`Key`] cannot be reached without a live key.

use super::problem::Problem;
use crate::http::AppState;
use crate::identity::api_key;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use lockdown::ids::SiteId;
use lockdown::operator::{Act, Authority, Operator, Surface};

/// Says which client program it is: the command line shows as `cli` in the timeline.
const SURFACE: &str = "x-lockdown-surface";

/// Whoever holds the key.
pub struct Key(pub Operator);

impl Key {
    /// The only site this key is good for, if there is one.
    pub fn only_site(&self) -> Option<&SiteId> {
        match &self.0.authority {
            Authority::Key { site, .. } => site.as_ref(),
            Authority::Roles(_) => None,
        }
    }

    /// The right to see steps, plan and timeline.
    pub fn may_read(&self, site: Option<&SiteId>) -> Result<(), Problem> {
        self.0.may(Act::Work, site).map_err(Problem::from)
    }
}

impl FromRequestParts<AppState> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let text = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let key = text.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(Problem::unauthorized)?;
        let cli = parts.headers.get(SURFACE).is_some_and(|surface| surface == "cli");
        let surface = if cli { Surface::Cli } else { Surface::Api };
        let operator = api_key::operator(state.directory.as_ref(), key.trim(), surface, state.engine.now()).await;
        match operator {
            Ok(Some(operator)) => Ok(Self(operator)),
            Ok(None) => Err(Problem::unauthorized()),
            Err(error) => Err(Problem::from_store(&error)),
        }
    }
}
