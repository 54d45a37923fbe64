//! What crosses the wire to a page. Clock times come ready in the site's zone, so that server and
//! browser write the same words; ages are worked out by the browser from `answered_ms`.

use lockdown::call_request::{Direction, Priority};
use lockdown::ids::{IncidentId, OperatorId, RequestId, SiteId};
use lockdown::operator::{Grants, Role};
use lockdown::standing::Standing;
use lockdown::steps::{StepState, Target};
use serde::{Deserialize, Serialize};

mod plan;

pub use plan::{CallerView, CauseView, EndView, FlowView, PlanCheckView, PlanView, TracedEnd, TracedView, TracedWay};

/// A moment: exact, and as the site's clock shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// Milliseconds since 1970.
    pub ms: i64,
    /// RFC 3339.
    pub iso: String,
    /// `14:02:31`, with the date before it when it is not today.
    pub clock: String,
}

/// What [`lockdown::say`] says, as a page shows it. Words, since each enum of a view is code in the browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaidView {
    pub headline: String,
    pub second: String,
    pub next_step: String,
    /// The word of a tone.
    pub tone: String,
    /// Of the shape beside it, for a box of 24 by 24.
    pub outline: String,
}

/// What everybody may know of a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteView {
    pub id: SiteId,
    pub name: String,
    /// For practising: no call depends on it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    pub standing: Standing,
    pub ordered: Target,
    /// Since when it is ordered so.
    pub since: Moment,
    /// When CUCM was last seen, and what it held then as a whole.
    pub read: Option<Moment>,
    pub last_seen: Option<Target>,
    /// What is said of it in the EOC's words.
    pub said: SaidView,
    /// The same once the reading is too old: for a page that hears nothing newer.
    pub unseen: SaidView,
    /// The site's clock: seconds it is ahead of UTC now, and what it is called.
    pub offset_s: i64,
    pub zone: String,
    pub emergency_numbers: Vec<String>,
    /// The first of them was proved to get through from every phone.
    pub emergency_proved: bool,
    /// The server's clock when this was written, in milliseconds since 1970.
    pub answered_ms: i64,
    /// For EOC personnel only.
    pub detail: Option<SiteDetail>,
}

/// What EOC personnel see besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteDetail {
    pub version: u64,
    pub by: Option<String>,
    pub verified: Option<Moment>,
    /// Writes made of writes due, while an order is carried out.
    pub progress: Option<(usize, usize)>,
    pub trouble: Option<String>,
    /// Other servers cannot be told of an all-clear.
    pub alone: bool,
    /// What everybody at this console shall know now, in words.
    pub notices: Vec<String>,
    /// How many steps are as ordered, of how many.
    pub done: (usize, usize),
    /// What CUCM holds, a row of the table each, as HTML.
    pub steps: String,
    /// The card of the EOC's file that is open now, as HTML.
    pub incident: Option<String>,
    /// Who ordered it.
    pub by_id: Option<OperatorId>,
    /// The guard refuses the plan, or warns of something; `None` where there is nothing to say.
    pub plan: Option<PlanNote>,
}

/// What is to be said of the plan, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanNote {
    pub title: String,
    pub lines: Vec<String>,
    /// Nothing can be locked by it: shown whole.
    pub urgent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    pub group: String,
    pub object: String,
    /// What CUCM holds now.
    pub now: String,
    pub state: StepState,
    pub as_ordered: bool,
}

/// An entry of the timeline, as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// The same however often it is told.
    pub id: String,
    pub seq: u64,
    /// Milliseconds since 1970.
    pub ms: i64,
    pub site: Option<SiteId>,
    /// How much it should catch the eye; see [`Weight::word`](lockdown::timeline::Weight::word).
    pub weight: String,
    pub html: String,
}

/// Who is signed in, and what the screens offer them. The server asks the rule book again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    pub name: String,
    pub roles: Vec<Role>,
    pub may_lock: bool,
    pub may_release: bool,
    pub may_work: bool,
    pub may_manage: bool,
}

impl Me {
    /// Who can call where is for those who answer for the plan.
    pub fn may_see_plan(&self) -> bool {
        self.may_release || self.may_manage
    }
}

/// The public page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusView {
    pub sites: Vec<SiteView>,
    pub me: Option<Me>,
}

/// The console of one site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleView {
    pub me: Me,
    pub site: SiteView,
    pub sites: Vec<(SiteId, String)>,
    /// Newest first.
    pub events: Vec<EventView>,
    /// An all-clear of mine is confirmed with a passkey first.
    pub proves: bool,
    /// Where two seniors must give it: who else can.
    pub second: Option<String>,
    /// The people who may give the all-clear.
    pub seniors: Vec<String>,
    /// Who asks.
    pub my_id: OperatorId,
    /// CUCM's certificate is not checked, nothing is written, or nobody can sign in.
    pub banners: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineView {
    pub me: Me,
    /// Newest first.
    pub events: Vec<EventView>,
    /// Ask for entries before this one to go on.
    pub older: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleView {
    pub me: Me,
    pub people: Vec<PersonView>,
    /// Sign-ins past the identity provider that nobody wrote anything about yet.
    pub reviews: Vec<ReviewView>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewView {
    /// The sign-in it is about.
    pub event: String,
    pub when: Moment,
    pub who: String,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysView {
    pub me: Me,
    pub keys: Vec<KeyView>,
    /// Words a key may have.
    pub scopes: Vec<String>,
    pub sites: Vec<(SiteId, String)>,
}

/// An API key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    pub id: String,
    pub name: String,
    pub live: bool,
    pub ends_soon: bool,
    /// `until 2027-02-22 10:00:00`, `revoked …`.
    pub state: String,
    pub scopes: Vec<String>,
    pub site: Option<String>,
    pub networks: Vec<String>,
    pub by: String,
    /// The day it was last used.
    pub used: Option<String>,
    /// The secret before the last rotation is good until then.
    pub old_until: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksView {
    pub me: Me,
    pub hooks: Vec<HookView>,
    /// Origins that may be told anything.
    pub allowed: Vec<String>,
    /// Words a webhook can hear of.
    pub news: Vec<String>,
    pub sites: Vec<(SiteId, String)>,
}

/// A webhook, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookView {
    pub id: String,
    pub name: String,
    pub url: String,
    /// `every site; all news; made by Admin 1 (web)`.
    pub about: String,
    pub state: String,
    pub off: bool,
    /// Newest first, where they were asked for.
    pub deliveries: Option<Vec<DeliveryView>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    pub id: String,
    pub kind: String,
    pub made: Moment,
    pub state: String,
    /// What came of the last attempt.
    pub last: String,
}

/// A secret on the one page that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyShown {
    pub name: String,
    pub secret: String,
}

/// What a form came to whose answer is a page of its own: it holds what is shown only once.
#[derive(Clone, PartialEq, Eq)]
pub enum Outcome {
    Key(KeyShown),
    /// Serials and codes.
    Envelopes(Vec<(String, String)>),
    /// A key that was found was reported.
    Reported,
    /// What came of a test, in words.
    Tested(String),
    /// A call could not be asked for: what was written is written again.
    Ask(AskDraft),
    /// Whose gadget is connected, or can be.
    Connect(ConnectView),
    Refused(crate::error::ApiError),
}

/// The window in which somebody signs in for a gadget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectView {
    pub name: String,
    /// The same stands in the gadget.
    pub code: String,
    pub done: bool,
}

/// The frame in the agents' desktop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GadgetView {
    pub me: Option<Me>,
    pub site: SiteView,
    /// For whoever works there.
    pub console: Option<ConsoleView>,
    /// For whoever takes calls.
    pub queue: Option<QueueView>,
    /// When the session ends if nobody does anything, in milliseconds since 1970.
    pub ends: Option<i64>,
}

/// Would a lock work now?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadinessView {
    pub me: Me,
    pub looked: Moment,
    pub bad: usize,
    pub warnings: usize,
    /// Worst first.
    pub findings: Vec<FindingView>,
    /// Sites where whoever asks may prove that CUCM can be written.
    pub prove: Vec<(SiteId, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    pub what: String,
    pub site: Option<String>,
    /// `good`, `warning` or `bad`.
    pub verdict: String,
    pub found: String,
    pub fix: Option<String>,
}

/// Where the lock is practised, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillsView {
    pub me: Me,
    pub places: Vec<DrillPlace>,
    /// The middle of the last few, from press to verified.
    pub median: Option<String>,
    /// Newest first.
    pub history: Vec<DrillLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillPlace {
    pub id: SiteId,
    pub name: String,
    pub headline: String,
    pub running: bool,
    pub last: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillLine {
    pub incident: IncidentId,
    pub site: String,
    pub at: Moment,
    pub by: String,
    pub locked: String,
    pub ended: String,
}

/// Gadget files that were made, and how to put one into Finesse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinesseView {
    pub me: Me,
    /// Finesse servers; none: it is not configured.
    pub origins: Vec<String>,
    /// Our own address, as the gadget names it.
    pub address: String,
    pub version: String,
    pub sites: Vec<(SiteId, String)>,
    pub files: Vec<GadgetFileView>,
}

/// A gadget file that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GadgetFileView {
    pub name: String,
    /// SHA-256 of the file, hex.
    pub hash: String,
    pub made: Moment,
    /// Until when its key is good, or why it is not.
    pub state: String,
    pub live: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    pub id: OperatorId,
    pub version: u64,
    pub name: String,
    pub email: Option<String>,
    /// In words: `Senior EOC at Acme North`.
    pub rights: Vec<String>,
    pub disabled: bool,
    pub can_sign_in: bool,
    pub last_seen: Option<Moment>,
}

/// One person, for an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPageView {
    pub me: Me,
    pub person: PersonView,
    pub grants: Grants,
    pub sites: Vec<(SiteId, String)>,
    /// Who else could be the same person.
    pub others: Vec<(OperatorId, String)>,
    pub sessions: Vec<SessionView>,
    pub passkeys: Vec<PasskeyView>,
    /// Serials of sealed codes, and whether each was used.
    pub envelopes: Vec<(String, bool)>,
    pub has_pin: bool,
    pub contact: ContactView,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactView {
    pub webex: Option<String>,
    pub extension: Option<String>,
    pub phones: Vec<String>,
    /// BCP 47.
    pub language: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    pub id: String,
    /// `Chromium on Linux`, as far as the browser says.
    pub device: String,
    pub since: Moment,
    pub seen: Moment,
    /// `, from 10.0.0.7`, or nothing.
    pub from: String,
    /// The one that asks.
    pub is_this: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyView {
    pub me: Me,
    pub id: OperatorId,
    pub email: Option<String>,
    pub contact: ContactView,
    pub rights: Vec<String>,
    pub sessions: Vec<SessionView>,
    pub passkeys: Vec<PasskeyView>,
    /// This server's address is one that passkeys work for.
    pub may_enrol: bool,
    /// Since when there is a PIN for desk phones.
    pub pin_set: Option<Moment>,
    /// What to write to the Webex bot to be known by it, where there is one.
    pub link: Option<String>,
}

/// What a browser asks its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionView {
    /// WebAuthn's options, as JSON.
    pub options: String,
    /// To answer with.
    pub ticket: String,
}

/// A key somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasskeyView {
    pub id: String,
    pub label: String,
    pub added: Moment,
    pub used: Option<Moment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInView {
    pub me: Option<Me>,
    /// `None`: no identity provider is configured, only API keys work.
    pub provider: Option<String>,
    pub provider_up: bool,
    /// This server's address is one that passkeys work for.
    pub passkeys: bool,
    /// The provider is away for long enough that sealed codes are taken.
    pub codes: bool,
    /// Where a new password is set.
    pub reset: Option<String>,
}

/// A call request, for the EOC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    pub id: RequestId,
    pub version: u64,
    /// `R-104`.
    pub ticket: String,
    pub number: u64,
    pub site: SiteId,
    pub direction: Direction,
    pub priority: Priority,
    pub who: String,
    pub call_back: String,
    /// As it was typed, where that is not the same.
    pub typed: Option<String>,
    pub reason: String,
    pub other: Option<String>,
    /// What the telephone system calls the call.
    pub reference: Option<String>,
    /// A word of [`lockdown::call_request::CallRequest::word`].
    pub state: String,
    pub open: bool,
    /// What was said with the last step: the note of an approval, the reason of a refusal.
    pub note: Option<String>,
    /// Who works on it, until when.
    pub holder: Option<HolderView>,
    pub filed: Moment,
    pub filed_by: Option<String>,
    /// Other open requests of the same number.
    pub twins: Vec<String>,
    pub story: Vec<StoryLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HolderView {
    pub id: OperatorId,
    pub name: String,
    pub until: Moment,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryLine {
    pub when: Moment,
    /// `None`: whoever asked.
    pub who: Option<String>,
    pub text: String,
    /// It is a message, and no step.
    pub said: bool,
}

/// A changed request, for every open queue: what it is sorted and counted by, and its line as HTML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestNews {
    pub id: String,
    pub site: SiteId,
    pub version: u64,
    pub number: u64,
    pub priority: Priority,
    pub open: bool,
    pub filed_ms: i64,
    pub html: String,
}

/// An open request, for the wall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub id: String,
    pub priority: Priority,
    pub filed_ms: i64,
}

/// The EOC's queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    pub me: Me,
    pub my_id: OperatorId,
    pub sites: Vec<(SiteId, String)>,
    pub requests: Vec<RequestView>,
    pub find: String,
    pub all: bool,
    pub priority: Option<Priority>,
    pub state: Option<String>,
    /// There are more than are shown.
    pub more: bool,
    pub form: String,
    /// The server's clock when this was written, in milliseconds since 1970.
    pub answered_ms: i64,
}

/// Who may ask for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asking {
    Open,
    SignInFirst,
    Closed,
}

/// The page a resident asks for a call on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskView {
    pub me: Option<Me>,
    pub asking: Asking,
    pub sites: Vec<(SiteId, String)>,
    pub emergency_numbers: Vec<String>,
    /// Secret of the form.
    pub form: String,
    /// What somebody with an account asked for before.
    pub mine: Vec<TicketView>,
}

/// What was written into a form that could not be taken.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskDraft {
    pub site: String,
    pub who: String,
    pub call_back: String,
    pub reason: String,
    pub priority: String,
    pub form: String,
    pub trouble: String,
}

/// A call request, for whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketView {
    /// Its id: opens it for whoever filed it with an account.
    pub id: String,
    pub ticket: String,
    pub state: String,
    pub open: bool,
    /// The reason of a refusal, or how it ended.
    pub note: Option<String>,
    pub again_at: Option<Moment>,
    pub filed: Moment,
    pub call_back: String,
    pub reason: String,
    pub story: Vec<TicketLine>,
}

/// A step or a message. Nobody of the EOC is named to the public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketLine {
    pub when: Moment,
    pub mine: bool,
    /// Words of a message; `None` for a step.
    pub said: Option<String>,
    /// A word of [`lockdown::call_request::Deed::word`].
    pub did: String,
    pub note: Option<String>,
}

/// What a console shows of the incident that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentBrief {
    pub id: IncidentId,
    pub name: String,
    pub commander: Option<String>,
    pub present: Vec<String>,
    /// Seniors were asked then whether it is still needed.
    pub asked: Option<Moment>,
    /// Who says that it was a mistake.
    pub mistake: Option<String>,
    pub site: SiteId,
    pub site_name: String,
    /// Of the state an all-clear would be given for.
    pub version: u64,
    /// What is not well with its Webex space, in sentences.
    pub space: Vec<String>,
    /// Where the EOC meets.
    pub meeting: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentsView {
    pub me: Me,
    /// Newest first.
    pub incidents: Vec<IncidentLine>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentLine {
    pub id: IncidentId,
    pub name: String,
    pub site: String,
    pub kind: Option<String>,
    pub state: String,
    pub opened: Moment,
    pub lasted: String,
}

/// An incident, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentView {
    pub me: Me,
    pub line: IncidentLine,
    pub commander: Option<String>,
    pub present: Vec<String>,
    /// The draft of the report: heading and what it says, in words.
    pub report: Vec<(String, Vec<String>)>,
    /// In the order they happened.
    pub events: Vec<EventView>,
    /// Texts that were attached: name and text.
    pub attachments: Vec<(String, String)>,
    pub may_write: bool,
    pub open: bool,
}

/// The board on the wall of the EOC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallView {
    pub site: SiteView,
    pub waiting: Vec<Waiting>,
    pub events: Vec<EventView>,
}

/// One message on the live line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Live {
    Site(Box<SiteView>),
    Event(EventView),
    /// A call request changed.
    Request(Box<RequestNews>),
    /// A call request was erased.
    Gone(String),
    /// The ticket a line was opened for changed: as HTML.
    Ticket(String),
    /// Nothing happened; the line is alive.
    Beat,
}
