//! What the pages may ask for. The server implements it; here is no database and no socket in scope.

use crate::error::ApiError;
use crate::view::{ConsoleView, PeopleView, SignInView, StatusView, TimelineView};
use async_trait::async_trait;
use leptos::context::use_context;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Operator, Role};
use std::sync::Arc;

/// What comes with an all-clear.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub reason: Option<String>,
    /// Although other servers may not hear of it.
    pub break_glass: bool,
}

#[async_trait]
pub trait Backend: Send + Sync + 'static {
    async fn status(&self, who: Option<&Operator>) -> Result<StatusView, ApiError>;

    /// `site`: the one asked for, or the first.
    async fn console(&self, who: &Operator, site: Option<SiteId>) -> Result<ConsoleView, ApiError>;

    async fn activate(&self, who: &Operator, site: SiteId, reason: Option<String>) -> Result<(), ApiError>;

    /// `typed` must be the site's name, `seen` the version of the state on the screen.
    async fn release(&self, who: &Operator, site: SiteId, typed: String, seen: u64, wish: Wish)
    -> Result<(), ApiError>;

    async fn timeline(&self, who: &Operator, before: Option<u64>) -> Result<TimelineView, ApiError>;

    async fn people(&self, who: &Operator) -> Result<PeopleView, ApiError>;

    async fn set_roles(&self, who: &Operator, person: OperatorId, seen: u64, roles: Vec<Role>) -> Result<(), ApiError>;

    async fn sign_in(&self, who: Option<&Operator>) -> Result<SignInView, ApiError>;
}

/// Tells the HTTP layer which status belongs to a refusal.
#[derive(Clone)]
pub struct Reply(Arc<dyn Fn(u16) + Send + Sync>);

impl Reply {
    pub fn new(set: impl Fn(u16) + Send + Sync + 'static) -> Self {
        Self(Arc::new(set))
    }
}

/// The backend, for whoever asks.
pub(crate) fn anyone() -> Result<(Arc<dyn Backend>, Option<Operator>), ApiError> {
    let backend = use_context::<Arc<dyn Backend>>().ok_or(ApiError::Internal)?;
    Ok((backend, use_context::<Operator>()))
}

/// The backend, for somebody who is signed in.
pub(crate) fn caller() -> Result<(Arc<dyn Backend>, Operator), ApiError> {
    let (backend, operator) = anyone()?;
    Ok((backend, operator.ok_or(ApiError::SignInFirst)?))
}

/// Gives a refusal its HTTP status.
pub(crate) async fn answer<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let reply = use_context::<Reply>();
    let result = work.await;
    if let (Err(error), Some(Reply(set))) = (&result, reply) {
        set(error.status());
    }
    result
}
