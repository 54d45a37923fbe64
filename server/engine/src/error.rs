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
    /// The others would not hear of an all-clear. A lock never ends here.
    #[error(
        "The shared database cannot be reached, so other servers would not hear of the all-clear. To give it all the same, say why and tick “although other servers may not know”."
    )]
    OthersUnreachable,
    /// An all-clear given without the others must say why.
    #[error("An all-clear that other servers may not hear of needs a reason: it is kept in the timeline.")]
    ReasonMissing,
    #[error(
        "The shared database did not answer in time: the all-clear may have been taken. Look at the state before you order it again."
    )]
    OutcomeUnknown,
    #[error("Nothing in CUCM is called like that. Look at the name, and at capital letters.")]
    NoSuchCaller,
    /// Nothing was sent to CUCM.
    #[error("Not tried: {0}.")]
    NotNow(String),
    #[error("CUCM cannot be asked now: {0}.")]
    CucmAway(String),
}
