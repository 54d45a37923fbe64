//! What the pages ask for, answered by engine and store.

pub mod fallback_sign_in;
mod files;
mod gadget;
mod keys;
mod passkeys;
mod people;
pub(crate) mod plan;
mod practice;
pub mod queue;
mod views;
mod webhooks;

use views::Notices;

use crate::services::Services;
use crate::services::release::{Proof, ReleaseError, Way};
use crate::store::records::{Means, Person};
use app::ApiError;
use app::backend::{Backend, CurrentSession, ReleaseRequest};
use app::view::{ConsoleView, Me, SignInView, SiteView, StatusView, TimelineView};
use app::words;
use async_trait::async_trait;
use engine::ports::StoreError;
use engine::{AllClear, EngineError};
use lockdown::ids::SiteId;
use lockdown::operator::{Act, Authority, Operator};
use lockdown::timeline::{Event, Weight};
use std::ops::Deref;
use std::sync::Arc;

/// Entries of the timeline a page shows at once.
const PAGE: usize = 50;

/// Entries looked through for what a console shows, at first and at most: not everything is for everybody.
const LOOKED_THROUGH: usize = 200;
const LOOKED_THROUGH_AT_MOST: usize = 1000;

/// Entries the console begins with; the timeline page has them all.
const RECENT: usize = 20;

/// What the pages ask for.
pub struct Pages {
    services: Arc<Services>,
    notices: Notices,
}

impl Pages {
    pub fn new(services: Arc<Services>) -> Self {
        Self { services, notices: Notices::default() }
    }
}

impl Deref for Pages {
    type Target = Services;

    fn deref(&self) -> &Services {
        &self.services
    }
}

#[async_trait]
impl Backend for Pages {
    async fn status(&self, who: Option<&Operator>) -> Result<StatusView, ApiError> {
        let now = self.clock.now();
        let sites = self.engine.live_statuses();
        Ok(StatusView { sites: sites.iter().map(|s| self.public_site(s, now)).collect(), me: who.map(me) })
    }

    async fn console(
        &self,
        who: &Operator,
        session: Option<CurrentSession>,
        site: Option<SiteId>,
    ) -> Result<ConsoleView, ApiError> {
        who.may(Act::Work, site.as_ref()).map_err(ApiError::Refused)?;
        let now = self.clock.now();
        let mut statuses = self.engine.statuses();
        // What is practised on never opens by itself.
        statuses.sort_by_key(|status| status.drill);
        statuses.retain(|status| who.may(Act::Work, Some(&status.id)).is_ok());
        let status = match &site {
            None => statuses.first(),
            Some(id) => statuses.iter().find(|status| status.id == *id),
        };
        let status = status.ok_or(ApiError::NoSuchSite)?;
        let here =
            self.recent(RECENT, |e| e.site.as_ref().is_none_or(|site| *site == status.id) && e.is_for(who)).await;
        let seniors = self.seniors(&status.id).await;
        let proves = !matches!(self.releases.proof_of(who).await, Ok(Proof::NotNeeded | Proof::Impossible))
            && !self.is_by_two_envelopes(session).await;
        Ok(ConsoleView {
            me: me_at(who, Some(&status.id)),
            site: self.detailed_site(status, now),
            sites: statuses.iter().map(|s| (s.id.clone(), s.name.clone())).collect(),
            events: here.iter().map(|event| self.event_view(event, now)).collect(),
            proves,
            second: status
                .two_seniors
                .then(|| words::second(&names(seniors.iter().filter(|senior| senior.id != who.id)))),
            seniors: names(seniors.iter()),
            my_id: who.id.clone(),
            banners: self.banners.clone(),
        })
    }

    async fn activate(&self, who: &Operator, site: SiteId, reason: Option<String>) -> Result<SiteView, ApiError> {
        self.engine.activate(who, &site, reason).await.map_err(refused)?;
        self.as_it_is(&site)
    }

    async fn release(
        &self,
        who: &Operator,
        site: SiteId,
        typed: String,
        seen: u64,
        wish: ReleaseRequest,
    ) -> Result<SiteView, ApiError> {
        let ReleaseRequest { here, reason, break_glass } = wish;
        let wish = AllClear { reason, seen: Some(seen), break_glass, first_lost_role: false };
        // Where nobody needs a proof, nobody's session is looked for one.
        let session = if self.releases.rule.is_some() { self.session(here).await? } else { None };
        let way = Way::Page { typed: &typed, session: session.as_ref() };
        self.releases.give(who, &site, wish, way).await.map_err(not_released)?;
        self.as_it_is(&site)
    }

    async fn timeline(&self, who: &Operator, before: Option<u64>) -> Result<TimelineView, ApiError> {
        if who.may(Act::Work, None).is_err() {
            who.may(Act::Manage, None).map_err(ApiError::Refused)?;
        }
        let now = self.clock.now();
        let events = match before {
            None => self.store.latest_events(PAGE).await,
            Some(before) => {
                let after = before.saturating_sub(1 + PAGE as u64);
                let count = usize::try_from(before.saturating_sub(1 + after)).unwrap_or(PAGE);
                self.store.events_after(after, count).await.map(|events| events.into_iter().rev().collect())
            }
        };
        let mut events = events.map_err(stored)?;
        let older = events.last().map(|event| event.seq).filter(|seq| *seq > 1);
        events.retain(|event| event.is_for(who));
        Ok(TimelineView { me: me(who), events: events.iter().map(|e| self.event_view(e, now)).collect(), older })
    }

    async fn sign_in(&self, who: Option<&Operator>) -> Result<SignInView, ApiError> {
        // One that refuses us was reached: whoever tries is told more.
        let provider_up = self.oidc.as_ref().is_some_and(|oidc| !oidc.is_away());
        let provider = self.oidc.as_ref().map(|oidc| oidc.name().to_owned());
        Ok(SignInView {
            me: who.map(me),
            provider,
            provider_up,
            passkeys: self.passkeys.is_some(),
            codes: self.codes_are_good(),
            reset: self.oidc.as_ref().and_then(|oidc| oidc.password_reset_url()),
        })
    }
}

impl Pages {
    /// A site for whoever ordered something there. The time is taken first: whatever the live line brings of what happens after
    /// the status was read is newer, and is not replaced by this.
    fn as_it_is(&self, site: &SiteId) -> Result<SiteView, ApiError> {
        let now = self.clock.now();
        let status = self.engine.status(site).map_err(refused)?;
        Ok(self.detailed_site(&status, now))
    }

    /// The newest `count` entries that are worth somebody's look, newest first: nobody pushes the lock out of sight by
    /// coming and going.
    async fn recent(&self, count: usize, is_shown: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut looked = LOOKED_THROUGH;
        loop {
            // The lock switch does not fall with what stands beside it.
            let mut events = self.store.latest_events(looked).await.unwrap_or_else(|error| {
                tracing::error!(%error, "a page shows no events");
                Vec::new()
            });
            let whole = events.len() < looked;
            events.retain(|event| event.kind.weight() != Weight::Quiet && is_shown(event));
            events.truncate(count);
            if whole || events.len() == count || looked >= LOOKED_THROUGH_AT_MOST {
                return events;
            }
            looked = LOOKED_THROUGH_AT_MOST;
        }
    }

    async fn is_by_two_envelopes(&self, here: Option<CurrentSession>) -> bool {
        matches!(self.session(here).await, Ok(Some(session)) if session.means == Means::TwoCodes)
    }

    async fn seniors(&self, site: &SiteId) -> Vec<Person> {
        let mut people = self.directory.people().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the console names no seniors");
            Vec::new()
        });
        people.retain(|person| person.is_senior(site));
        people
    }
}

fn names<'p>(people: impl Iterator<Item = &'p Person>) -> Vec<String> {
    people.map(|person| person.name.clone()).collect()
}

/// An error's words as a sentence for a page.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

fn me(who: &Operator) -> Me {
    me_at(who, None)
}

/// With the rights at one site, or anywhere.
fn me_at(who: &Operator, site: Option<&SiteId>) -> Me {
    let roles = match &who.authority {
        Authority::Roles(grants) | Authority::Delegated { grants, .. } => grants.all().into_iter().collect(),
        Authority::Key { .. } => Vec::new(),
    };
    let may = |act: Act| who.may(act, site.filter(|_| act != Act::Manage)).is_ok();
    Me {
        name: who.name.clone(),
        roles,
        may_lock: may(Act::Lock),
        may_release: may(Act::Release),
        may_work: may(Act::Work),
        may_manage: may(Act::Manage),
    }
}

fn refused(error: EngineError) -> ApiError {
    match error {
        EngineError::NoSuchSite(_) => ApiError::NoSuchSite,
        EngineError::Refused(refusal) => ApiError::Refused(refusal),
        EngineError::VersionMissing | EngineError::VersionStale { .. } => ApiError::Stale,
        EngineError::OthersUnreachable => ApiError::OthersUnreachable,
        EngineError::ReasonMissing => ApiError::ReasonMissing,
        EngineError::OutcomeUnknown => ApiError::OutcomeUnknown,
        EngineError::NotRemembered(error) => {
            tracing::error!(%error, "an order could not be remembered");
            ApiError::NotRemembered
        }
        error @ (EngineError::NotNow(_) | EngineError::NoSuchCaller) => ApiError::Told(error.to_string()),
        EngineError::CucmAway(_) => ApiError::Internal,
    }
}

pub(crate) fn not_released(error: ReleaseError) -> ApiError {
    match error {
        ReleaseError::WrongName => ApiError::NameMismatch,
        ReleaseError::NoSession => ApiError::SignInFirst,
        ReleaseError::PasskeyNeeded => ApiError::PasskeyNeeded,
        ReleaseError::PasskeyImpossible => ApiError::NoPasskey,
        ReleaseError::NoSuchPerson => ApiError::NoSuchPerson,
        ReleaseError::Engine(error) => refused(error),
        ReleaseError::Store(error) => stored(error),
    }
}

fn stored(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict => ApiError::Stale,
        StoreError::Away(_) => ApiError::DatabaseAway,
        error => {
            tracing::error!(%error, "the store failed");
            ApiError::Internal
        }
    }
}
