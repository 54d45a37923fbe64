//! Why an order was not taken.

use super::ports::StoreError;
use lockdown::ids::SiteId;
use lockdown::operator::Refusal;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    #[error("There is no site “{0}”.")]
    NoSuchSite(SiteId),
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A release must name the version of the state its senior saw.
    #[error("The all-clear needs the version of the state you saw. Load the page again and look.")]
    VersionMissing,
    #[error("The state has changed since you looked (version {seen}, now {now}). Look again, then decide.")]
    VersionStale { seen: u64, now: u64 },
    #[error("The order could not be remembered, so it was not carried out: {0}.")]
    NotRemembered(StoreError),
    #[error("CUCM cannot be asked now: {0}.")]
    CucmAway(String),
}
