//! The EOC's queue: who files a call request, who works on it, and for how long it is remembered.

pub mod phone;

use crate::config::{self, Residents};
use crate::identity::token;
use crate::services::incidents::Incidents;
use crate::store::Directory;
use crate::store::calls::{Calls, Wanted};
use engine::Engine;
use engine::Timeline;
use engine::ports::{Clock, NewEvent, StoreError};
use jiff::SignedDuration;
use lockdown::call_request::{self, Asked, CallRequest, CannotDo, Deed, Direction, Draft, Phone, Priority, Stage};
use lockdown::ids::{RequestId, SiteId};
use lockdown::operator::{Act, Operator, Refusal};
use lockdown::text::folded;
use lockdown::timeline::EventKind;
use rlibphonenumber::Region;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Somebody else changed it at the same moment: looked at again so often.
const ATTEMPTS: usize = 10;

/// A form's secret is at least so long: shorter ones could be guessed. Characters.
const SECRET: usize = 20;

/// Duplicates of one request that are shown.
const TWINS: usize = 20;

/// Requests that mention somebody.
const KNOWN: usize = 500;

/// Requests looked through for those in one state.
const LOOKED_THROUGH: usize = 10_000;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Why nothing was done. The text is for whoever tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("There is no such request, or it was forgotten.")]
    NoSuchRequest,
    #[error("There is no such site.")]
    NoSuchSite,
    /// Which field, and what to do.
    #[error("{text}")]
    Field { field: &'static str, text: &'static str },
    #[error("Please sign in first: requests are taken from people with an account only.")]
    SignInFirst,
    #[error("Requests are not taken here. Call the EOC.")]
    NotHere,
    #[error("This form was sent before, with other words: it is {0}. Load the page again to send another one.")]
    SentBefore(String),
    #[error("Several people change this request at the same time. Look again.")]
    Busy,
    #[error(transparent)]
    Cannot(#[from] CannotDo),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Refusal> for CallError {
    fn from(refusal: Refusal) -> Self {
        Self::Cannot(refusal.into())
    }
}

pub struct CallRequests {
    pub store: Arc<dyn Calls>,
    pub directory: Arc<dyn Directory>,
    pub engine: Arc<Engine>,
    pub clock: Arc<dyn Clock>,
    pub timeline: Arc<Timeline>,
    pub incidents: Arc<Incidents>,
    pub settings: config::Calls,
    /// Where each site's numbers are dialled from.
    pub countries: BTreeMap<SiteId, Region>,
}

impl CallRequests {
    pub fn residents(&self) -> Residents {
        self.settings.residents
    }

    /// Files what a resident asks for, signed in or not; a call out, always.
    ///
    /// # Errors
    /// [`CallError`]: nothing was filed.
    pub async fn ask(&self, form: &Draft, by: Option<&Operator>) -> Result<CallRequest, CallError> {
        match (self.settings.residents, by) {
            (Residents::Nobody, _) => return Err(CallError::NotHere),
            (Residents::SignedIn, None) => return Err(CallError::SignInFirst),
            _ => {}
        }
        // Drills are practised among the EOC.
        let drill = |site: SiteId| self.engine.status(&site).is_ok_and(|status| status.drill);
        if SiteId::try_from(form.site.as_str()).is_ok_and(drill) {
            return Err(CallError::NoSuchSite);
        }
        let form = Draft {
            direction: Direction::Outbound.word().into(),
            other: String::new(),
            reference: String::new(),
            ..form.clone()
        };
        self.file(&form, by).await
    }

    /// Files what somebody of the EOC takes down.
    ///
    /// # Errors
    /// [`CallError`]: nothing was filed.
    pub async fn take_down(&self, form: &Draft, by: &Operator) -> Result<CallRequest, CallError> {
        let site = SiteId::try_from(form.site.as_str()).map_err(|_| CallError::NoSuchSite)?;
        by.may(Act::TakeCalls, Some(&site))?;
        self.file(form, Some(by)).await
    }

    async fn file(&self, form: &Draft, by: Option<&Operator>) -> Result<CallRequest, CallError> {
        let site = SiteId::try_from(form.site.as_str()).map_err(|_| CallError::NoSuchSite)?;
        let country = *self.countries.get(&site).ok_or(CallError::NoSuchSite)?;
        if form.form.len() < SECRET || form.form.len() > 100 {
            return Err(CallError::Field { field: "form", text: "This form is broken. Load the page again." });
        }
        let asked = asked(form, country)?;
        let digest = token::digest(&form.form);
        if let Some(filed) = self.store.request_of_form(&digest).await? {
            return if is_same(&filed, &asked) { Ok(filed) } else { Err(CallError::SentBefore(filed.ticket())) };
        }
        let now = self.clock.now();
        let Asked { direction, who, call_back, reason, priority, other, reference } = asked;
        let request = CallRequest {
            id: new_id(),
            version: 1,
            number: self.store.next_request_number().await?,
            // Without the file it is filed all the same.
            incident: self.incidents.open_at(&site).await.ok().flatten().map(|incident| incident.id),
            site,
            filed_at: now,
            filed_by: by.map(Operator::actor),
            direction,
            who,
            call_back,
            reason,
            priority,
            other,
            reference,
            stage: Stage::New,
            claim: None,
            story: vec![],
            form: digest,
        };
        let kind = EventKind::RequestFiled { request: request.id.clone(), number: request.number, direction, priority };
        match self.store.put_request(&request, self.event(&request, by, kind)).await {
            Ok(()) => {}
            // Sent twice at the same moment.
            Err(StoreError::Conflict) => {
                return self.store.request_of_form(&request.form).await?.ok_or(CallError::Busy);
            }
            Err(error) => return Err(error.into()),
        }
        self.timeline.announce();
        Ok(request)
    }

    /// Somebody of the EOC does something with a request.
    ///
    /// # Errors
    /// [`CallError`]: nothing changed.
    pub async fn act(&self, by: &Operator, id: &str, deed: &Deed) -> Result<CallRequest, CallError> {
        let hold = SignedDuration::try_from(self.settings.claim).unwrap_or(SignedDuration::from_mins(15));
        self.change(id, Some(by), deed.word(), |request| request.done(by, deed.clone(), self.clock.now(), hold)).await
    }

    /// Whoever asked writes to the EOC.
    ///
    /// # Errors
    /// [`CallError`]: nothing changed.
    pub async fn answer(&self, who: Option<&Operator>, key: &str, text: &str) -> Result<CallRequest, CallError> {
        let request = self.followed(who, key).await?;
        let answered = |request: &CallRequest| request.answered(text.to_owned(), self.clock.now());
        self.change(request.id.as_str(), None, "answered", answered).await
    }

    /// The request whose private link holds this secret, or whose id this is, for whoever filed it with an
    /// account.
    ///
    /// # Errors
    /// [`CallError::NoSuchRequest`], or when the store cannot be read.
    pub async fn followed(&self, who: Option<&Operator>, key: &str) -> Result<CallRequest, CallError> {
        if let Some(request) = self.store.request_of_form(&token::digest(key)).await? {
            return Ok(request);
        }
        let who = who.ok_or(CallError::NoSuchRequest)?;
        let found = self.store.request(key).await?;
        let theirs = |request: &CallRequest| request.filed_by.as_ref().is_some_and(|by| by.id == who.id);
        found.filter(theirs).ok_or(CallError::NoSuchRequest)
    }

    /// # Errors
    /// [`CallError::NoSuchRequest`] also for whoever may not see it.
    pub async fn find(&self, by: &Operator, id: &str) -> Result<CallRequest, CallError> {
        let found = self.store.request(id).await?;
        found.filter(|request| by.may(Act::ReadCalls, Some(&request.site)).is_ok()).ok_or(CallError::NoSuchRequest)
    }

    /// What is wanted, as far as this operator may see it; of the newest or most urgent [`LOOKED_THROUGH`], those
    /// that are in `state` now.
    ///
    /// # Errors
    /// As [`CallRequests::list`].
    pub async fn in_state(&self, by: &Operator, wanted: Wanted, state: &str) -> Result<Vec<CallRequest>, CallError> {
        let limit = wanted.limit;
        let now = self.clock.now();
        // A claim that ended changes the state, and nobody writes that down.
        let mut found = self.list(by, Wanted { limit: LOOKED_THROUGH, ..wanted }).await?;
        found.retain(|request| request.word(now) == state);
        found.truncate(limit);
        Ok(found)
    }

    /// What is wanted, as far as this operator may see it.
    ///
    /// # Errors
    /// [`CallError`], without the right at any site or when the store cannot be read.
    pub async fn list(&self, by: &Operator, wanted: Wanted) -> Result<Vec<CallRequest>, CallError> {
        let theirs: Vec<SiteId> =
            self.countries.keys().filter(|site| by.may(Act::ReadCalls, Some(site)).is_ok()).cloned().collect();
        if theirs.is_empty() {
            by.may(Act::ReadCalls, None)?;
        }
        let sites = match wanted.sites {
            None => theirs,
            Some(asked) => asked.into_iter().filter(|site| theirs.contains(site)).collect(),
        };
        let wanted = Wanted { sites: Some(sites), ..wanted };
        Ok(self.store.requests(&asked_short(wanted)).await?)
    }

    /// Nobody's rights are asked for: the caller shows only what whoever reads it may see.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_unchecked(&self, wanted: &Wanted) -> Result<Vec<CallRequest>, StoreError> {
        self.store.requests(wanted).await
    }

    /// What somebody with an account filed.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn of_person(&self, by: &Operator, limit: usize) -> Result<Vec<CallRequest>, CallError> {
        Ok(self.store.requests(&Wanted { filed_by: Some(by.id.clone()), limit, ..Wanted::default() }).await?)
    }

    /// As it is now, with those that are like it, for whoever follows the queue.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn as_it_is(&self, id: &str) -> Result<Option<(CallRequest, Vec<CallRequest>)>, StoreError> {
        let Some(request) = self.store.request(id).await? else { return Ok(None) };
        let twins = if request.is_open() { self.twins(&request).await? } else { Vec::new() };
        Ok(Some((request, twins)))
    }

    /// # Errors
    /// When the store cannot be read.
    pub async fn by_digest(&self, digest: &str) -> Result<Option<CallRequest>, StoreError> {
        self.store.request_of_form(digest).await
    }

    /// Open requests of people who are to be called back at the same number.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn twins(&self, of: &CallRequest) -> Result<Vec<CallRequest>, StoreError> {
        let sites = Some(vec![of.site.clone()]);
        let number = Some(of.number_key());
        let open =
            self.store.requests(&Wanted { sites, number, open_only: true, limit: TWINS, ..Wanted::default() }).await?;
        Ok(open.into_iter().filter(|other| other.is_like(of)).collect())
    }

    /// For whoever must answer what is known of somebody: every request that mentions `text`, whole.
    ///
    /// # Errors
    /// [`CallError`], for anybody but an administrator.
    pub async fn mentioning(&self, by: &Operator, text: &str) -> Result<Vec<CallRequest>, CallError> {
        by.may(Act::Manage, None)?;
        if folded(text).chars().count() < 3 {
            return Err(CallError::Field { field: "find", text: "Write three letters or digits at least." });
        }
        let wanted = Wanted { text: Some(text.to_owned()), limit: KNOWN, ..Wanted::default() };
        Ok(self.store.requests(&asked_short(wanted)).await?)
    }

    /// Takes a request away with everything it says of people. The timeline keeps that it was.
    ///
    /// # Errors
    /// [`CallError`], for anybody but an administrator.
    pub async fn erase(&self, by: &Operator, id: &str) -> Result<(), CallError> {
        by.may(Act::Manage, None)?;
        let request = self.store.request(id).await?.ok_or(CallError::NoSuchRequest)?;
        let kind = EventKind::RequestErased { request: request.id.clone(), number: request.number };
        match self.store.erase_request(id, self.event(&request, Some(by), kind)).await {
            Err(StoreError::Conflict) => Err(CallError::NoSuchRequest),
            done => Ok(done?),
        }?;
        self.timeline.announce();
        Ok(())
    }

    async fn change(
        &self,
        id: &str,
        by: Option<&Operator>,
        did: &str,
        change: impl Fn(&CallRequest) -> Result<CallRequest, CannotDo>,
    ) -> Result<CallRequest, CallError> {
        for _ in 0..ATTEMPTS {
            let seen = self.store.request(id).await?;
            let may = |request: &CallRequest| by.is_none_or(|by| by.may(Act::TakeCalls, Some(&request.site)).is_ok());
            let seen = seen.filter(may).ok_or(CallError::NoSuchRequest)?;
            let changed = change(&seen)?;
            let kind = EventKind::RequestChanged { request: seen.id.clone(), number: seen.number, did: did.to_owned() };
            match self.store.put_request(&changed, self.event(&seen, by, kind)).await {
                Ok(()) => {
                    self.timeline.announce();
                    return Ok(changed);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(CallError::Busy)
    }

    fn event(&self, request: &CallRequest, by: Option<&Operator>, kind: EventKind) -> NewEvent {
        let at = self.clock.now();
        let site = Some(request.site.clone());
        NewEvent { at, site, by: by.map(Operator::actor), kind }
    }

    /// Forgets what did not change for as long as the retention says. One server a day.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn forget_old(&self) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let today = format!("requests-forgotten/{}", now.as_second() / 86_400);
        if !self.directory.consume_once(&today, now).await? {
            return Ok(0);
        }
        let before = now - SignedDuration::from_hours(24 * i64::from(self.settings.retention_days));
        let count = self.store.forget_requests(before).await?;
        if count > 0 {
            self.timeline.record(None, EventKind::RequestsForgotten { count }).await?;
        }
        Ok(count)
    }
}

/// Forgets old requests for as long as the server runs.
pub async fn forget(desk: Arc<CallRequests>) {
    loop {
        if let Err(error) = desk.forget_old().await {
            tracing::debug!(%error, "old call requests are forgotten later");
        }
        desk.clock.sleep(DAY / 24).await;
    }
}

/// As much of the question as anything that is kept could have in it.
fn asked_short(wanted: Wanted) -> Wanted {
    let text = wanted.text.map(|text| text.chars().take(call_request::LONGEST_TEXT).collect());
    Wanted { text, ..wanted }
}

fn is_same(filed: &CallRequest, asked: &Asked) -> bool {
    filed.who == asked.who
        && filed.call_back == asked.call_back
        && filed.reason == asked.reason
        && filed.priority == asked.priority
}

fn new_id() -> RequestId {
    let random: String = token::digest(&token::random_text()).chars().take(16).collect();
    RequestId::try_from(format!("req-{random}")).expect("hex digits make a valid id")
}

fn asked(form: &Draft, country: Region) -> Result<Asked, CallError> {
    let field = |field, text| CallError::Field { field, text };
    let who = call_request::line(&form.who).ok_or_else(|| field("who", "Write who asks: a name is enough."))?;
    let call_back = phone::phone(&form.call_back, country)
        .ok_or_else(|| field("call_back", "Write a number we can call back: digits, with + for another country."))?;
    let reason =
        call_request::text(&form.reason).ok_or_else(|| field("reason", "Write whom the call is for, and why."))?;
    let priority = Priority::from_word(&form.priority).ok_or_else(|| field("priority", "Choose how urgent it is."))?;
    let direction =
        Direction::from_word(&form.direction).ok_or_else(|| field("direction", "Choose a call out or a call in."))?;
    let other = call_request::line(&form.other)
        .map(|typed| phone::phone(&typed, country).unwrap_or_else(|| Phone::unread(typed)));
    let reference = call_request::line(&form.reference);
    Ok(Asked { direction, who, call_back, reason, priority, other, reference })
}
