//! The EOC's files: what the timeline says about each lock, and what people add to it.

pub mod cap;
pub mod export;
mod review;

pub use review::watch;

use crate::config;
use crate::store::Directory;
use crate::store::calls::{Calls, Wanted};
use engine::Engine;
use engine::Timeline;
use engine::ports::{Clock, NewEvent, Store, StoreError};
use lockdown::call_request::{self, CallRequest};
use lockdown::ids::{IncidentId, SiteId};
use lockdown::incident::{Entry, Incident, Phase, SHAPING, incidents};
use lockdown::operator::{Act, Operator, Refusal};
use lockdown::report::{OUTAGES, Report, open_outages};
use lockdown::steps::Target;
use lockdown::timeline::{Event, EventKind, EventName};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events of one kind looked through: thousands of locks.
const LOOKED_THROUGH: usize = 5_000;

/// Events read at once.
const PAGE: usize = 1_000;

/// An incident's own requests, for its report.
const REQUESTS: usize = 20_000;

/// The newest of a site that are looked through for those that were open when an incident began.
const EARLIER: usize = 2_000;

/// A text may be attached up to so many characters: a page or two.
const LONGEST_ATTACHMENT: usize = 10_000;

/// What people write down after an incident too.
const WRITTEN: &[EventName] = &[EventName::Noted, EventName::Decided, EventName::Attached, EventName::IncidentNamed];

/// Why nothing was written. The text is for whoever tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IncidentError {
    #[error("There is no such incident.")]
    NoSuchIncident,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("Only who locked can say that it was a mistake. Write a note, or ask a senior for the all-clear.")]
    NotYours,
    #[error("It is over: nobody has to say this any more.")]
    Over,
    #[error("Write something first.")]
    Empty,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An incident with all that belongs to it.
pub struct File {
    pub incident: Incident,
    /// In the order of their numbers.
    pub events: Vec<Event>,
    /// Outages that had begun and not ended when it was opened.
    pub before: Vec<Event>,
    /// `None` for whoever may not see them, and where they cannot be had now.
    pub requests: Option<Vec<CallRequest>>,
}

impl File {
    pub fn report(&self, now: jiff::Timestamp) -> Report {
        Report::of(&self.incident, &self.before, &self.events, self.requests.as_deref(), now)
    }
}

pub struct Incidents {
    pub store: Arc<dyn Store>,
    pub directory: Arc<dyn Directory>,
    pub calls: Arc<dyn Calls>,
    pub engine: Arc<Engine>,
    pub clock: Arc<dyn Clock>,
    pub timeline: Arc<Timeline>,
    pub settings: config::Incidents,
}

impl Incidents {
    /// Every incident, oldest first.
    ///
    /// # Errors
    /// When the timeline cannot be read.
    pub async fn all(&self) -> Result<Vec<Incident>, StoreError> {
        Ok(self.told().await?.0)
    }

    /// The same with the events they are made of, in the order of their numbers.
    ///
    /// # Errors
    /// When the timeline cannot be read.
    pub async fn told(&self) -> Result<(Vec<Incident>, Vec<Event>), StoreError> {
        let mut events = self.directory.events_named(SHAPING, LOOKED_THROUGH).await?;
        events.sort_by_key(|event| event.seq);
        let mut all = incidents(&events);
        for incident in &mut all {
            self.hold_against_the_order(incident);
        }
        Ok((all, events))
    }

    /// The same with every event that puts in doubt what was read back, or ends the doubt: for alerts.
    ///
    /// # Errors
    /// When the timeline cannot be read.
    pub async fn told_with_doubts(&self) -> Result<(Vec<Incident>, Vec<Event>), StoreError> {
        let (all, mut events) = self.told().await?;
        events.extend(self.directory.events_named(&cap::DOUBTS, LOOKED_THROUGH).await?);
        events.sort_by_key(|event| event.seq);
        Ok((all, events))
    }

    /// What is ordered and verified counts more than what is told: events of another server may come late, or
    /// not be here while the database is away.
    fn hold_against_the_order(&self, incident: &mut Incident) {
        let Ok(status) = self.engine.status(&incident.site) else { return };
        let over = status.command.target() == Target::Normal && status.command.is_settled();
        if over && incident.is_open() {
            incident.phase = Phase::Closed { at: status.command.verified_at().unwrap_or(status.command.since()) };
        }
    }

    /// Other servers' part of the timeline cannot be seen now.
    pub fn is_partial(&self) -> bool {
        self.store.away_since().is_some()
    }

    /// The one that is open at a site.
    ///
    /// # Errors
    /// When the timeline cannot be read.
    pub async fn open_at(&self, site: &SiteId) -> Result<Option<Incident>, StoreError> {
        Ok(self.all().await?.into_iter().rev().find(|incident| incident.site == *site && incident.is_open()))
    }

    /// # Errors
    /// [`IncidentError::NoSuchIncident`] also for whoever may not see it.
    pub async fn find(&self, by: &Operator, id: &str) -> Result<Incident, IncidentError> {
        let all = self.all().await?;
        let found = all.into_iter().find(|incident| incident.id.as_str() == id);
        found.filter(|incident| by.may(Act::Work, Some(&incident.site)).is_ok()).ok_or(IncidentError::NoSuchIncident)
    }

    /// With its events and, for whoever may see them, its call requests.
    ///
    /// # Errors
    /// [`IncidentError`].
    pub async fn file(&self, by: &Operator, id: &str) -> Result<File, IncidentError> {
        let incident = self.find(by, id).await?;
        let events = self.events_of(by, &incident).await?;
        let requests = if by.may(Act::ReadCalls, Some(&incident.site)).is_ok() {
            // A file without the queue is better than none while the database is away.
            self.requests_of(&incident).await.ok()
        } else {
            None
        };
        let before = self.outages_before(&incident).await?;
        Ok(File { incident, events, before, requests })
    }

    /// Those that were filed in it, and those that were open when it began: they are worked on in it, too.
    async fn requests_of(&self, incident: &Incident) -> Result<Vec<CallRequest>, StoreError> {
        let own = Wanted { incident: Some(incident.id.clone()), limit: REQUESTS, ..Wanted::default() };
        let mut all = self.calls.requests(&own).await?;
        let at_site = Wanted { sites: Some(vec![incident.site.clone()]), limit: EARLIER, ..Wanted::default() };
        let mut earlier = self.calls.requests(&at_site).await?;
        let of_another = |request: &CallRequest| request.incident.as_ref() != Some(&incident.id);
        earlier.retain(|request| of_another(request) && was_open(request, incident.opened_at));
        all.extend(earlier);
        all.sort_by_key(|request| request.number);
        Ok(all)
    }

    async fn outages_before(&self, incident: &Incident) -> Result<Vec<Event>, StoreError> {
        let mut told = self.directory.events_named(&OUTAGES, LOOKED_THROUGH).await?;
        told.retain(|event| {
            event.seq < incident.first && event.site.as_ref().is_none_or(|site| *site == incident.site)
        });
        told.sort_by_key(|event| event.seq);
        Ok(open_outages(&told))
    }

    async fn events_of(&self, by: &Operator, incident: &Incident) -> Result<Vec<Event>, StoreError> {
        let mut found: BTreeMap<u64, Event> = BTreeMap::new();
        let mut after = incident.first.saturating_sub(1);
        loop {
            let events = self.store.events_after(after, PAGE).await?;
            let Some(last) = events.last().map(|event| event.seq) else { break };
            let held = events.into_iter().filter(|event| incident.holds(event) && is_for(by, event));
            found.extend(held.map(|event| (event.seq, event)));
            after = last;
            if incident.last.is_some_and(|end| after >= end) {
                break;
            }
        }
        let written = self.directory.events_named(WRITTEN, LOOKED_THROUGH).await?;
        found.extend(written.into_iter().filter(|event| incident.holds(event)).map(|event| (event.seq, event)));
        Ok(found.into_values().collect())
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`IncidentError`]: nothing was written.
    pub async fn write(&self, by: &Operator, id: &str, entry: Entry) -> Result<(), IncidentError> {
        let incident = self.find(by, id).await?;
        let site = incident.site.clone();
        // Seeing is not writing: a key that reads the timeline writes nothing into it.
        by.may(if entry == Entry::StillNeeded { Act::Release } else { Act::Lock }, Some(&site))?;
        if entry == Entry::Mistake && self.locked_by(&site).as_ref() != Some(&by.id) {
            return Err(IncidentError::NotYours);
        }
        let after_the_end =
            matches!(entry, Entry::Note(_) | Entry::Decision(_) | Entry::Attachment { .. } | Entry::Name { .. });
        if !incident.is_open() && !after_the_end {
            return Err(IncidentError::Over);
        }
        let kind = told(incident.id, entry)?;
        let event = NewEvent { at: self.clock.now(), site: Some(site), by: Some(by.actor()), kind };
        Ok(self.timeline.append(event).await?)
    }

    fn locked_by(&self, site: &SiteId) -> Option<lockdown::ids::OperatorId> {
        let status = self.engine.status(site).ok()?;
        let locked = status.command.target() == Target::Locked;
        status.command.by().filter(|_| locked).map(|by| by.id.clone())
    }
}

/// Was it filed before then, and not over?
fn was_open(request: &CallRequest, at: jiff::Timestamp) -> bool {
    let after = request.story.iter().any(|entry| entry.at >= at);
    request.filed_at < at && (request.is_open() || after)
}

/// What concerns no site tells of people elsewhere: only outages are everybody's.
fn is_for(by: &Operator, event: &Event) -> bool {
    let outage = matches!(
        event.kind,
        EventKind::SharedLost { .. } | EventKind::SharedBack | EventKind::IdentityLost { .. } | EventKind::IdentityBack
    );
    !event.kind.name().is_about_people() && (outage || by.may(Act::Work, event.site.as_ref()).is_ok())
}

fn told(incident: IncidentId, entry: Entry) -> Result<EventKind, IncidentError> {
    let text = |text: &str| call_request::text(text).ok_or(IncidentError::Empty);
    Ok(match entry {
        Entry::Note(said) => EventKind::Noted { incident, text: text(&said)? },
        Entry::Decision(said) => EventKind::Decided { incident, text: text(&said)? },
        Entry::Attachment { name, text } => {
            let name = call_request::line(&name).ok_or(IncidentError::Empty)?;
            let text: String = text.trim().chars().take(LONGEST_ATTACHMENT).collect();
            if text.is_empty() {
                return Err(IncidentError::Empty);
            }
            EventKind::Attached { incident, name, text }
        }
        Entry::Name { name, kind } => {
            EventKind::IncidentNamed { incident, name: call_request::line(&name), kind: call_request::line(&kind) }
        }
        Entry::TakeCommand => EventKind::CommandTaken { incident },
        Entry::Join => EventKind::Joined { incident },
        Entry::Leave => EventKind::Left { incident },
        Entry::StillNeeded => EventKind::StillNeeded { incident },
        Entry::Mistake => EventKind::RaisedByMistake { incident },
    })
}
