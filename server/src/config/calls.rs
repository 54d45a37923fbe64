//! `[calls]` and `[incidents]`: the EOC's queue and its files.

use super::load::duration;
use super::problem::{Problem, Source};
use serde::Deserialize;
use std::time::Duration;

/// Call requests.
#[derive(Debug, Clone)]
pub struct Calls {
    /// Who may file one. Default everybody.
    pub residents: Residents,
    /// For how long somebody holds what they do something with. Default 15 minutes.
    pub claim: Duration,
    /// What did not change for so many days is forgotten: it is personal. Default 90.
    pub retention_days: u32,
}

/// Who may ask for a call on the public page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Residents {
    /// With an account or without.
    Anyone,
    SignedIn,
    /// They call the EOC, which takes it down.
    Nobody,
}

/// When seniors are asked whether a lock is still needed. It never releases anything.
#[derive(Debug, Clone)]
pub struct Incidents {
    /// Default 60 minutes.
    pub review_after: Duration,
    /// And then. Default 30 minutes.
    pub review_every: Duration,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCalls {
    /// Who may ask for a call on `/requests`: `anyone`, `signed_in` or `nobody`. Default `anyone`.
    residents: Option<String>,
    /// For so long whoever works on a request holds it. Default `15m`.
    claim: Option<String>,
    /// Requests that did not change for so many days are deleted, 1 to 3650. Default 90.
    retention_days: Option<u32>,
}

#[derive(Deserialize, Default)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawIncidents {
    /// Seniors are asked then whether a lock is still needed; nothing is ever released by it. Default `60m`.
    review_after: Option<String>,
    /// And again after that. Default `30m`.
    review_every: Option<String>,
}

impl RawCalls {
    pub(super) fn read(&self, source: &Source) -> Result<Calls, Problem> {
        let residents = match self.residents.as_deref() {
            None | Some("anyone") => Residents::Anyone,
            Some("signed_in") => Residents::SignedIn,
            Some("nobody") => Residents::Nobody,
            Some(_) => {
                return Err(source.problem("calls.residents", "write \"anyone\", \"signed_in\" or \"nobody\""));
            }
        };
        let retention_days = self.retention_days.unwrap_or(90);
        if !(1..=3_650).contains(&retention_days) {
            return Err(source.problem("calls.retention_days", "write 1 to 3650 days"));
        }
        Ok(Calls { residents, claim: duration(self.claim.as_deref(), 15 * 60, "calls.claim", source)?, retention_days })
    }
}

impl RawIncidents {
    pub(super) fn read(&self, source: &Source) -> Result<Incidents, Problem> {
        Ok(Incidents {
            review_after: duration(self.review_after.as_deref(), 60 * 60, "incidents.review_after", source)?,
            review_every: duration(self.review_every.as_deref(), 30 * 60, "incidents.review_every", source)?,
        })
    }
}
