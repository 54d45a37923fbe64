//! Call requests: a queue several people work on at once.

use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::call_request::{CallRequest, Priority};
use lockdown::ids::{IncidentId, OperatorId, SiteId};

/// Which requests are wanted. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// At one of these sites.
    pub sites: Option<Vec<SiteId>>,
    /// Open ones come the most urgent first and then as they were filed; others newest first.
    pub open_only: bool,
    /// Stands in ticket, name, number or reason, as [`lockdown::text::sought`] reads the question.
    pub text: Option<String>,
    /// To be called back at this number: [`CallRequest::number_key`].
    pub number: Option<String>,
    pub incident: Option<IncidentId>,
    pub priority: Option<Priority>,
    pub filed_by: Option<OperatorId>,
    pub limit: usize,
}

#[async_trait]
pub trait Calls: Send + Sync {
    /// For the next ticket. A number that is not used is missing, and that is all.
    async fn next_request_number(&self) -> Result<u64, StoreError>;

    /// Stores a request if the stored version is still one less (1: there is none), together with the event
    /// that tells of it. [`StoreError::Conflict`] also where its form was filed before.
    async fn put_request(&self, request: &CallRequest, event: NewEvent) -> Result<(), StoreError>;

    async fn request(&self, id: &str) -> Result<Option<CallRequest>, StoreError>;

    /// By the digest of its form's secret.
    async fn request_of_form(&self, form: &str) -> Result<Option<CallRequest>, StoreError>;

    async fn requests(&self, wanted: &Wanted) -> Result<Vec<CallRequest>, StoreError>;

    /// Takes a request away with everything it says of people.
    async fn erase_request(&self, id: &str, event: NewEvent) -> Result<(), StoreError>;

    /// Takes away what did not change since `before`; how many.
    async fn forget_requests(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// When it last changed.
pub(super) fn changed_at(request: &CallRequest) -> Timestamp {
    request.story.last().map_or(request.filed_at, |entry| entry.at)
}

/// For sorting: the most urgent is 0.
pub(super) fn rank(priority: Priority) -> i64 {
    priority as i64
}
