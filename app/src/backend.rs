//! What the pages may ask for. The server implements it; here is no database and no socket in scope.

use crate::error::ApiError;
use crate::view::{
    AskView, ConsoleView, DrillsView, FinesseView, GadgetView, HooksView, IncidentView, IncidentsView, KeysView,
    MyView, PeopleView, PersonPageView, PlanView, QuestionView, QueueView, ReadinessView, RequestView, SignInView,
    SiteView, StatusView, TicketView, TimelineView, WallView,
};
use async_trait::async_trait;
use leptos::context::use_context;
use lockdown::call_request::{Draft, Priority};
use lockdown::ids::{OperatorId, SiteId};
use lockdown::incident::Entry;
use lockdown::operator::{Grants, Operator};
use std::sync::Arc;

/// What comes with an all-clear.
#[derive(Debug, Clone, Default)]
pub struct ReleaseRequest {
    pub reason: Option<String>,
    /// Although other servers may not hear of it.
    pub break_glass: bool,
    /// The session it comes from: a passkey may have been proved there.
    pub here: Option<CurrentSession>,
}

/// The session a page was asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentSession(pub String);

/// What an administrator may write into a profile, besides roles.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    pub email: Option<String>,
    pub webex: Option<String>,
    pub extension: Option<String>,
    pub phones: Vec<String>,
    pub language: Option<String>,
}

/// People, their roles and their sessions. Only administrators get further than themselves.
#[async_trait]
pub trait People: Send + Sync + 'static {
    async fn people(&self, who: &Operator, find: Option<String>) -> Result<PeopleView, ApiError>;

    async fn person(
        &self,
        who: &Operator,
        id: OperatorId,
        here: Option<CurrentSession>,
    ) -> Result<PersonPageView, ApiError>;

    async fn set_roles(&self, who: &Operator, id: OperatorId, seen: u64, grants: Grants) -> Result<(), ApiError>;

    async fn set_profile(&self, who: &Operator, id: OperatorId, seen: u64, profile: Profile) -> Result<(), ApiError>;

    async fn set_disabled(&self, who: &Operator, id: OperatorId, seen: u64, disabled: bool) -> Result<(), ApiError>;

    async fn merge_people(&self, who: &Operator, kept: OperatorId, gone: OperatorId) -> Result<(), ApiError>;

    /// One, or all of them. Everybody may end their own.
    async fn end_sessions(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        id: OperatorId,
        only: Option<String>,
    ) -> Result<(), ApiError>;

    /// What each line comes to; changes nothing when `dry_run`.
    async fn import_roster(&self, who: &Operator, roster: String, dry_run: bool) -> Result<Vec<String>, ApiError>;

    async fn me(&self, who: &Operator, here: Option<CurrentSession>) -> Result<MyView, ApiError>;
}

/// What a proof before a change of one's own keys is about.
pub const ABOUT_KEYS: &str = "keys";

/// Keys that prove a person without the internet.
#[async_trait]
pub trait PasskeyPages: Send + Sync + 'static {
    async fn enrol_passkey(&self, who: &Operator, here: Option<CurrentSession>) -> Result<QuestionView, ApiError>;

    async fn add_passkey(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        ticket: String,
        answer: String,
        label: String,
    ) -> Result<(), ApiError>;

    /// One's own; an administrator everybody's.
    async fn remove_passkey(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        of: OperatorId,
        key: String,
    ) -> Result<(), ApiError>;

    /// A proof that is good for `about`: [`ABOUT_KEYS`], or `release@` and a site.
    async fn prove_begin(&self, who: &Operator, about: String) -> Result<QuestionView, ApiError>;

    async fn prove(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        ticket: String,
        answer: String,
    ) -> Result<(), ApiError>;

    async fn passkey_sign_in(&self) -> Result<QuestionView, ApiError>;
}

/// Signing in without the identity provider, besides passkeys.
#[async_trait]
pub trait FallbackSignIn: Send + Sync + 'static {
    /// No envelope of this person opens anything any more.
    async fn revoke_codes(&self, who: &Operator, of: OperatorId) -> Result<(), ApiError>;

    async fn set_pin(&self, who: &Operator, here: Option<CurrentSession>, pin: String) -> Result<(), ApiError>;

    /// One's own; an administrator everybody's.
    async fn remove_pin(&self, who: &Operator, here: Option<CurrentSession>, of: OperatorId) -> Result<(), ApiError>;

    /// Why a door past the provider was used: `event` is the sign-in it is about.
    async fn review(&self, who: &Operator, event: String, note: String) -> Result<(), ApiError>;
}

/// What an API key is to be, as it is written into the form.
#[derive(Debug, Clone, Default)]
pub struct NewKeyForm {
    pub name: String,
    pub scopes: Vec<String>,
    pub site: String,
    pub networks: String,
    pub days: String,
}

/// API keys. Making one shows a secret and is no server function: it answers with a page of its own.
#[async_trait]
pub trait Keys: Send + Sync + 'static {
    async fn keys(&self, who: &Operator) -> Result<KeysView, ApiError>;

    async fn revoke_key(&self, who: &Operator, id: String) -> Result<(), ApiError>;
}

/// What a webhook is to be, as it is written into the form.
#[derive(Debug, Clone, Default)]
pub struct NewHookForm {
    pub name: String,
    pub url: String,
    pub site: String,
    pub what: String,
}

/// Systems elsewhere that receive what happens here.
#[async_trait]
pub trait Hooks: Send + Sync + 'static {
    /// With the deliveries of `chosen`.
    async fn hooks(&self, who: &Operator, chosen: Option<String>) -> Result<HooksView, ApiError>;

    async fn remove_hook(&self, who: &Operator, id: String) -> Result<(), ApiError>;

    async fn enable_hook(&self, who: &Operator, id: String) -> Result<(), ApiError>;

    async fn replay(&self, who: &Operator, hook: String, delivery: String) -> Result<(), ApiError>;
}

/// What is done with a request, as a form says it.
#[derive(Debug, Clone, Default)]
pub struct DeedForm {
    /// A word of the rule book.
    pub deed: String,
    pub text: String,
    /// Until a call-back.
    pub minutes: i64,
}

/// Which requests are wanted. What is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct QueueFilter {
    pub site: Option<SiteId>,
    /// Stands in ticket, name, number or reason.
    pub find: Option<String>,
    /// Closed ones too.
    pub all: bool,
    pub priority: Option<Priority>,
    /// A word of [`lockdown::call_request::CallRequest::word`].
    pub state: Option<String>,
}

/// Call requests. Only the EOC gets further than its own tickets.
#[async_trait]
pub trait Queue: Send + Sync + 'static {
    async fn queue(&self, who: &Operator, wish: QueueFilter) -> Result<QueueView, ApiError>;

    /// Takes down what somebody tells the EOC.
    async fn take_down(&self, who: &Operator, form: Draft) -> Result<RequestView, ApiError>;

    async fn do_request(&self, who: &Operator, id: String, done: DeedForm) -> Result<RequestView, ApiError>;

    /// The page to ask on.
    async fn asking(&self, who: Option<&Operator>) -> Result<AskView, ApiError>;

    /// By the secret of its form or, of whoever is signed in, by the id of their own.
    async fn ticket(&self, who: Option<&Operator>, key: String) -> Result<TicketView, ApiError>;

    /// Everything that is known of somebody: for administrators who must answer for it.
    async fn mentioning(&self, who: &Operator, find: String) -> Result<Vec<RequestView>, ApiError>;

    async fn erase_request(&self, who: &Operator, id: String) -> Result<(), ApiError>;
}

/// The EOC's files.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    async fn incidents(&self, who: &Operator) -> Result<IncidentsView, ApiError>;

    async fn incident(&self, who: &Operator, id: String) -> Result<IncidentView, ApiError>;

    async fn write_incident(&self, who: &Operator, id: String, entry: Entry) -> Result<(), ApiError>;

    /// To the incident's space, those who could not be invited.
    async fn invite_again(&self, who: &Operator, id: String) -> Result<(), ApiError>;

    /// The board of `site`, or of the first: for whoever works there.
    async fn wall(&self, who: &Operator, site: Option<SiteId>) -> Result<WallView, ApiError>;
}

/// What a frame in another site's page knows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framed {
    pub handoff: String,
    pub code: String,
    /// What its writes carry; `None` where nobody is signed in.
    pub header: Option<String>,
    pub origins: Vec<String>,
}

/// The lock switch in a frame: armed while it is held, so that no order can be sent by itself.
pub trait Switch: Send + Sync {
    fn arm(&self) -> String;

    fn is_armed(&self, given: &str) -> bool;
}

/// The gadget in the agents' desktop.
#[async_trait]
pub trait Gadget: Send + Sync + 'static {
    /// `key`: of the gadget's file, good for one site.
    async fn gadget(
        &self,
        who: Option<&Operator>,
        here: Option<CurrentSession>,
        key: String,
    ) -> Result<GadgetView, ApiError>;

    async fn finesse(&self, who: &Operator) -> Result<FinesseView, ApiError>;
}

/// Would it work, and when did it last?
#[async_trait]
pub trait Practice: Send + Sync + 'static {
    async fn readiness(&self, who: &Operator) -> Result<ReadinessView, ApiError>;

    async fn prove_write(&self, who: &Operator, site: SiteId) -> Result<(), ApiError>;

    async fn drills(&self, who: &Operator) -> Result<DrillsView, ApiError>;
}

/// The plan: who can call where.
#[async_trait]
pub trait Plans: Send + Sync + 'static {
    /// Of `site`, or of the first, as it was checked last. `asked`: who dials, and what.
    async fn plan(
        &self,
        who: &Operator,
        site: Option<SiteId>,
        asked: Option<(String, String)>,
    ) -> Result<PlanView, ApiError>;

    async fn check_plan(&self, who: &Operator, site: SiteId) -> Result<(), ApiError>;
}

#[async_trait]
pub trait Backend:
    People + PasskeyPages + FallbackSignIn + Keys + Hooks + Queue + Files + Gadget + Practice + Plans
{
    async fn status(&self, who: Option<&Operator>) -> Result<StatusView, ApiError>;

    /// `site`: the one asked for, or the first.
    async fn console(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        site: Option<SiteId>,
    ) -> Result<ConsoleView, ApiError>;

    /// Gives back the site as it stands then.
    async fn activate(&self, who: &Operator, site: SiteId, reason: Option<String>) -> Result<SiteView, ApiError>;

    /// `typed` must be the site's name, `seen` the version of the state on the screen. Gives back the site as it stands then.
    async fn release(
        &self,
        who: &Operator,
        site: SiteId,
        typed: String,
        seen: u64,
        wish: ReleaseRequest,
    ) -> Result<SiteView, ApiError>;

    async fn timeline(&self, who: &Operator, before: Option<u64>) -> Result<TimelineView, ApiError>;

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

/// The session this request came with.
pub(crate) fn here() -> Option<CurrentSession> {
    use_context::<CurrentSession>()
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
