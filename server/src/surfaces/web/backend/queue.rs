//! The EOC's queue and the residents' tickets, as pages show them.

use super::{Pages, me, stored};
use crate::config::Residents;
use crate::identity::token;
use crate::services::call_requests::CallError;
use crate::store::calls::Wanted;
use app::ApiError;
use app::backend::{DeedForm, Queue, QueueFilter};
use app::view::{
    AskView, Asking, HolderView, QueueView, RequestNews, RequestView, StoryLine, TicketLine, TicketView, Waiting,
};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lockdown::call_request::Draft;
use lockdown::call_request::{CallRequest, CannotDo, Deed, Phone, Stage};
use lockdown::ids::SiteId;
use lockdown::operator::{Act, Operator};

/// Requests a page shows at once; whoever looks for another one searches.
const SHOWN: usize = 200;

/// A board counts all of them, as far as anybody could.
const COUNTED: usize = 20_000;

/// A resident's own requests.
const MINE: usize = 20;

/// A call-back may be put off so long. Minutes.
const LONGEST_WAIT: i64 = 24 * 60;

impl Pages {
    /// For the EOC, with what else asks for the same.
    pub fn request(&self, request: &CallRequest, among: &[CallRequest], now: Timestamp) -> RequestView {
        let twins = among.iter().filter(|other| other.is_open() && other.is_like(request)).map(CallRequest::ticket);
        RequestView { twins: twins.collect(), ..request_view(self, request, now) }
    }

    /// The open requests a board of `site` begins with.
    pub(super) async fn waiting(&self, who: &Operator, site: &SiteId) -> Result<Vec<Waiting>, ApiError> {
        let sites = Some(vec![site.clone()]);
        let wanted = Wanted { sites, open_only: true, limit: COUNTED, ..Wanted::default() };
        let found = self.calls.list(who, wanted).await.map_err(refused)?;
        let waiting = |request: CallRequest| Waiting {
            id: request.id.to_string(),
            priority: request.priority,
            filed_ms: request.filed_at.as_millisecond(),
        };
        Ok(found.into_iter().map(waiting).collect())
    }

    /// For every open queue.
    pub fn request_news(&self, request: &CallRequest, among: &[CallRequest], now: Timestamp) -> RequestNews {
        RequestNews {
            id: request.id.to_string(),
            site: request.site.clone(),
            version: request.version,
            number: request.number,
            priority: request.priority,
            open: request.is_open(),
            filed_ms: request.filed_at.as_millisecond(),
            html: app::fragments::request(self.request(request, among, now)),
        }
    }

    /// Files what a resident wrote into the form.
    ///
    /// # Errors
    /// [`ApiError`]: nothing was filed.
    pub async fn ask(&self, who: Option<&Operator>, form: &Draft) -> Result<(), ApiError> {
        self.calls.ask(form, who).await.map(|_| ()).map_err(refused)
    }

    /// Whoever asked writes to the EOC.
    ///
    /// # Errors
    /// [`ApiError`]: nothing was written.
    pub async fn answer(&self, who: Option<&Operator>, key: &str, text: &str) -> Result<(), ApiError> {
        self.calls.answer(who, key, text).await.map(|_| ()).map_err(refused)
    }
}

pub fn request_view(pages: &Pages, request: &CallRequest, now: Timestamp) -> RequestView {
    let moment = |at| pages.moment(Some(&request.site), at, now);
    let shown = request.call_back.dialled();
    let typed = &request.call_back.typed;
    RequestView {
        id: request.id.clone(),
        version: request.version,
        ticket: request.ticket(),
        number: request.number,
        site: request.site.clone(),
        direction: request.direction,
        priority: request.priority,
        who: request.who.clone(),
        typed: (shown != *typed).then(|| typed.clone()),
        call_back: shown,
        reason: request.reason.clone(),
        other: request.other.as_ref().map(ToString::to_string),
        reference: request.reference.clone(),
        state: request.word(now).to_owned(),
        open: request.is_open(),
        note: note(&request.stage),
        holder: request.holder(now).map(|claim| HolderView {
            id: claim.by.id.clone(),
            name: claim.by.name.clone(),
            until: moment(claim.until),
        }),
        filed: moment(request.filed_at),
        filed_by: request.filed_by.as_ref().map(ToString::to_string),
        twins: vec![],
        story: request
            .story
            .iter()
            .map(|entry| StoryLine {
                when: moment(entry.at),
                who: entry.by.as_ref().map(|by| by.name.clone()),
                text: told(&entry.did, |at| moment(at).clock),
                said: matches!(entry.did, Deed::Write { .. }),
            })
            .collect(),
    }
}

pub fn ticket_view(pages: &Pages, request: &CallRequest, now: Timestamp) -> TicketView {
    let moment = |at| pages.moment(Some(&request.site), at, now);
    let line = |entry: &lockdown::call_request::Entry| TicketLine {
        when: moment(entry.at),
        mine: entry.by.is_none(),
        said: match &entry.did {
            Deed::Write { text } => Some(text.clone()),
            _ => None,
        },
        did: entry.did.word().to_owned(),
        note: match &entry.did {
            Deed::Refuse { reason } => Some(reason.clone()),
            Deed::Close { disposition } => Some(disposition.clone()),
            Deed::CallBackAt { at } => Some(moment(*at).clock),
            _ => None,
        },
    };
    TicketView {
        id: request.id.to_string(),
        ticket: request.ticket(),
        state: request.word(now).to_owned(),
        open: request.is_open(),
        note: note(&request.stage).filter(|_| !matches!(request.stage, Stage::Approved { .. })),
        again_at: match request.stage {
            Stage::CallBackAt { at } => Some(moment(at)),
            _ => None,
        },
        filed: moment(request.filed_at),
        call_back: typed_and_dialled(&request.call_back),
        reason: request.reason.clone(),
        // Who takes it up and puts it down again is the EOC's own business.
        story: request.story.iter().filter(|entry| entry.did != Deed::GiveBack).map(line).collect(),
    }
}

fn note(stage: &Stage) -> Option<String> {
    match stage {
        Stage::Approved { note } => note.clone(),
        Stage::Refused { reason } => Some(reason.clone()),
        Stage::Closed { disposition } => Some(disposition.clone()),
        Stage::New | Stage::Connected | Stage::NoAnswer | Stage::CallBackAt { .. } => None,
    }
}

fn told(did: &Deed, clock: impl Fn(Timestamp) -> String) -> String {
    match did {
        Deed::Claim => "claimed".into(),
        Deed::GiveBack => "given back".into(),
        Deed::Approve { note: None } => "approved".into(),
        Deed::Approve { note: Some(note) } => format!("approved: {note}"),
        Deed::Refuse { reason } => format!("refused: {reason}"),
        Deed::Connected => "connected".into(),
        Deed::NoAnswer => "no answer".into(),
        Deed::CallBackAt { at } => format!("call back at {}", clock(*at)),
        Deed::Close { disposition } => format!("closed: {disposition}"),
        Deed::Write { text } => text.clone(),
    }
}

pub(super) fn refused(error: CallError) -> ApiError {
    match error {
        CallError::NoSuchRequest => ApiError::NoSuchRequest,
        CallError::NoSuchSite => ApiError::NoSuchSite,
        CallError::SignInFirst => ApiError::SignInFirst,
        CallError::Busy => ApiError::Stale,
        CallError::Cannot(CannotDo::Refused(refusal)) => ApiError::Refused(refusal),
        CallError::Store(error) => stored(error),
        error => ApiError::Told(error.to_string()),
    }
}

#[async_trait]
impl Queue for Pages {
    async fn queue(&self, who: &Operator, filter: QueueFilter) -> Result<QueueView, ApiError> {
        who.may(Act::ReadCalls, filter.site.as_ref()).map_err(ApiError::Refused)?;
        let wanted = Wanted {
            sites: filter.site.map(|site| vec![site]),
            open_only: !filter.all,
            text: filter.find.clone().filter(|text| !text.trim().is_empty()),
            priority: filter.priority,
            limit: SHOWN + 1,
            ..Wanted::default()
        };
        let found = match &filter.state {
            Some(state) => self.calls.in_state(who, wanted, state).await,
            None => self.calls.list(who, wanted).await,
        };
        let mut found = found.map_err(refused)?;
        let now = self.clock.now();
        let more = found.len() > SHOWN;
        found.truncate(SHOWN);
        let theirs =
            self.engine.live_statuses().into_iter().filter(|site| who.may(Act::TakeCalls, Some(&site.id)).is_ok());
        Ok(QueueView {
            me: me(who),
            my_id: who.id.clone(),
            sites: theirs.map(|site| (site.id, site.name)).collect(),
            requests: found.iter().map(|request| self.request(request, &found, now)).collect(),
            find: filter.find.unwrap_or_default(),
            all: filter.all,
            priority: filter.priority,
            state: filter.state,
            more,
            form: token::random_text(),
            answered_ms: now.as_millisecond(),
        })
    }

    async fn take_down(&self, who: &Operator, form: Draft) -> Result<RequestView, ApiError> {
        let filed = self.calls.take_down(&form, who).await.map_err(refused)?;
        let twins = self.calls.twins(&filed).await.unwrap_or_default();
        Ok(self.request(&filed, &twins, self.clock.now()))
    }

    async fn do_request(&self, who: &Operator, id: String, done: DeedForm) -> Result<RequestView, ApiError> {
        who.may(Act::TakeCalls, None).map_err(ApiError::Refused)?;
        // The browser says how long, the server when: clocks differ.
        let at = self.clock.now() + SignedDuration::from_mins(done.minutes.clamp(1, LONGEST_WAIT));
        let deed = Deed::of(&done.deed, done.text, Some(at)).ok_or(ApiError::Malformed)?;
        let changed = self.calls.act(who, &id, &deed).await.map_err(refused)?;
        let twins = self.calls.twins(&changed).await.unwrap_or_default();
        Ok(self.request(&changed, &twins, self.clock.now()))
    }

    async fn asking(&self, who: Option<&Operator>) -> Result<AskView, ApiError> {
        let asking = match (self.calls.residents(), who) {
            (Residents::Nobody, _) => Asking::Closed,
            (Residents::SignedIn, None) => Asking::SignInFirst,
            (Residents::Anyone | Residents::SignedIn, _) => Asking::Open,
        };
        let now = self.clock.now();
        let mine = match who {
            // The form is there although the list is not.
            Some(who) => self.calls.of_person(who, MINE).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let statuses = self.engine.live_statuses();
        let numbers = statuses.first().map(|first| self.public_site(first, now).emergency_numbers).unwrap_or_default();
        Ok(AskView {
            me: who.map(me),
            asking,
            sites: statuses.into_iter().map(|site| (site.id, site.name)).collect(),
            emergency_numbers: numbers,
            form: token::random_text(),
            mine: mine.iter().map(|request| ticket_view(self, request, now)).collect(),
        })
    }

    async fn ticket(&self, who: Option<&Operator>, key: String) -> Result<TicketView, ApiError> {
        let request = self.calls.followed(who, &key).await.map_err(refused)?;
        Ok(ticket_view(self, &request, self.clock.now()))
    }

    async fn mentioning(&self, who: &Operator, find: String) -> Result<Vec<RequestView>, ApiError> {
        who.may(Act::Manage, None).map_err(ApiError::Refused)?;
        if find.trim().is_empty() {
            return Ok(Vec::new());
        }
        let found = self.calls.mentioning(who, &find).await.map_err(refused)?;
        let now = self.clock.now();
        Ok(found.iter().map(|request| request_view(self, request, now)).collect())
    }

    async fn erase_request(&self, who: &Operator, id: String) -> Result<(), ApiError> {
        self.calls.erase(who, &id).await.map_err(refused)
    }
}

/// Whoever asked sees what was made of the number, and may find it wrong.
fn typed_and_dialled(call_back: &Phone) -> String {
    let dialled = call_back.dialled();
    if dialled == call_back.typed { dialled } else { format!("{} ({dialled})", call_back.typed) }
}
