//! From the engine's words to what a page shows.

use crate::webex::Front;
use app::fragments;
use app::view::{EventView, IncidentBrief, Moment, PlanNote, SiteDetail, SiteView, StepView, Weight};
use app::words;
use engine::{PlanState, SiteStatus};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::reading::{Reading, ReadingState, STALE_AFTER};
use lockdown::say::{Facts, Line, Said, say};
use lockdown::steps::{Found, Target};
use lockdown::timeline::{Event, EventKind};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Does this number get through from every phone, as the plan was last read?
fn is_proved(status: &SiteStatus, number: &str) -> bool {
    matches!(&status.plan, PlanState::Accepted(plan) if plan.checked.from_every_phone.iter().any(|one| one == number))
}

/// What the configuration says of a site besides its plan.
pub struct SiteFacts {
    pub id: SiteId,
    pub zone: TimeZone,
    pub emergency_numbers: Vec<String>,
}

/// What is said of all sites besides what the engine knows.
pub struct Sites {
    facts: Vec<SiteFacts>,
    /// On every console: sign-ins past the identity provider that nobody reviewed.
    alarms: RwLock<Vec<String>>,
    /// The EOC's files that are open.
    incidents: RwLock<BTreeMap<SiteId, IncidentBrief>>,
    /// What the bot has to say of itself.
    webex: Option<Arc<Front>>,
}

impl Sites {
    pub fn new(facts: Vec<SiteFacts>, webex: Option<Arc<Front>>) -> Self {
        Self { facts, alarms: RwLock::default(), incidents: RwLock::default(), webex }
    }

    fn facts(&self, id: Option<&SiteId>) -> Option<&SiteFacts> {
        match id {
            Some(id) => self.facts.iter().find(|facts| facts.id == *id),
            None => self.facts.first(),
        }
    }

    /// On whose clock a site's times are shown.
    pub fn zone(&self, site: &SiteId) -> TimeZone {
        self.facts(Some(site)).map_or(TimeZone::UTC, |facts| facts.zone.clone())
    }

    pub fn moment(&self, site: Option<&SiteId>, at: Timestamp, now: Timestamp) -> Moment {
        let zone = self.facts(site).map_or(TimeZone::UTC, |facts| facts.zone.clone());
        let (local, today) = (at.to_zoned(zone.clone()), now.to_zoned(zone).date());
        let form = if local.date() == today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
        Moment { ms: at.as_millisecond(), iso: format!("{at:.3}"), clock: local.strftime(form).to_string() }
    }

    /// With its date, for paper.
    pub fn dated(&self, site: Option<&SiteId>, at: Timestamp) -> String {
        let zone = self.facts(site).map_or(TimeZone::UTC, |facts| facts.zone.clone());
        at.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// For everybody.
    pub fn public(&self, status: &SiteStatus, now: Timestamp) -> SiteView {
        let read = status.reading.as_ref();
        let last_seen = read.and_then(|reading| match reading.state() {
            ReadingState::Normal => Some(Target::Normal),
            ReadingState::Locked => Some(Target::Locked),
            ReadingState::Mixed | ReadingState::Unknown => None,
        });
        let (offset_s, zone) = self.offset(&status.id, now);
        let emergency_numbers = self.facts(Some(&status.id)).map(|f| f.emergency_numbers.clone()).unwrap_or_default();
        SiteView {
            said: words::said(self.said(status, false, now)),
            unseen: words::said(self.unseen(status, false, now)),
            offset_s,
            zone,
            id: status.id.clone(),
            name: status.name.clone(),
            drill: status.drill,
            standing: status.standing(now),
            ordered: status.command.target(),
            since: self.moment(Some(&status.id), status.command.since(), now),
            read: read.map(|reading| self.moment(Some(&status.id), reading.read_at, now)),
            last_seen,
            emergency_proved: emergency_numbers.first().is_some_and(|number| is_proved(status, number)),
            emergency_numbers,
            answered_ms: now.as_millisecond(),
            detail: None,
        }
    }

    /// For EOC personnel.
    pub fn detailed(&self, status: &SiteStatus, now: Timestamp) -> SiteView {
        let moment = |at| self.moment(Some(&status.id), at, now);
        let steps = steps(status);
        let detail = SiteDetail {
            version: status.version,
            by: status.command.by().map(ToString::to_string),
            verified: status.command.verified_at().map(moment),
            progress: status.progress.map(|progress| (progress.applied, progress.of)),
            trouble: status.trouble.as_ref().map(|trouble| trouble.why.clone()),
            alone: status.alone_since.is_some(),
            notices: self.notices(status, now),
            done: (steps.iter().filter(|step| step.as_ordered).count(), steps.len()),
            steps: fragments::steps(steps),
            incident: self.incident(status),
            by_id: status.command.by().map(|by| by.id.clone()),
            plan: self.plan_note(status, now),
        };
        let said = words::said(self.said(status, true, now));
        let unseen = words::said(self.unseen(status, true, now));
        SiteView { detail: Some(detail), said, unseen, ..self.public(status, now) }
    }

    /// What is said of a site now; `names` who ordered, for those who work there.
    pub fn said(&self, status: &SiteStatus, names: bool, now: Timestamp) -> Said {
        self.sentence(status, status.reading.as_ref(), names, now)
    }

    /// The same when nothing newer was read for too long.
    fn unseen(&self, status: &SiteStatus, names: bool, now: Timestamp) -> Said {
        let old = status.reading.as_ref().map(|reading| reading.read_at + STALE_AFTER + SignedDuration::from_secs(1));
        self.sentence(status, status.reading.as_ref(), names, old.unwrap_or(now).max(now))
    }

    fn sentence(&self, status: &SiteStatus, reading: Option<&Reading>, names: bool, now: Timestamp) -> Said {
        let facts = Facts {
            order: &status.command,
            reading,
            line: Line::Open,
            drill: status.drill,
            progress: status.progress.map(|progress| (progress.applied, progress.of)),
            names,
            now,
        };
        let (_, zone) = self.offset(&status.id, now);
        say(&facts, |at| format!("{} {zone}", self.moment(Some(&status.id), at, now).clock))
    }

    /// Seconds the site's clock is ahead of UTC, and what its zone is called.
    fn offset(&self, site: &SiteId, now: Timestamp) -> (i64, String) {
        let zone = self.zone(site);
        let local = now.to_zoned(zone);
        (i64::from(local.offset().seconds()), local.strftime("%Z").to_string())
    }

    fn plan_note(&self, status: &SiteStatus, now: Timestamp) -> Option<PlanNote> {
        match &status.plan {
            PlanState::Unchecked => Some(PlanNote { title: words::PLAN_UNCHECKED.into(), lines: vec![], urgent: true }),
            PlanState::Refused { violations, .. } => {
                Some(PlanNote { title: words::PLAN_REFUSED.into(), lines: violations.clone(), urgent: true })
            }
            PlanState::Accepted(plan) if plan.checked.leaks.is_empty() && plan.checked.warnings.is_empty() => None,
            PlanState::Accepted(plan) => {
                let at = self.moment(Some(&status.id), plan.at, now).clock;
                let title = words::plan_checked(&at, plan.checked.count_leaks());
                let see_all = words::PLAN_SEE_ALL.to_owned();
                let lines = plan.checked.warnings.iter().cloned().chain([see_all]).collect();
                Some(PlanNote { title, lines, urgent: false })
            }
        }
    }

    /// Whether they are others than before.
    pub fn set_incidents(&self, new: BTreeMap<SiteId, IncidentBrief>) -> bool {
        let mut incidents = self.incidents.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *incidents != new;
        *incidents = new;
        changed
    }

    /// The EOC's files that are open, as far as is known.
    pub fn incidents(&self) -> BTreeMap<SiteId, IncidentBrief> {
        self.incidents.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its card, for the state as it is now.
    fn incident(&self, status: &SiteStatus) -> Option<String> {
        let known = self.incidents.read().unwrap_or_else(PoisonError::into_inner).get(&status.id).cloned();
        known.map(|brief| {
            let space = self.webex.as_ref().map(|webex| webex.space_notes(&status.id)).unwrap_or_default();
            fragments::incident(IncidentBrief { version: status.version, space, ..brief })
        })
    }

    /// Whether they are others than before.
    pub fn set_alarms(&self, new: Vec<String>) -> bool {
        let mut alarms = self.alarms.write().unwrap_or_else(PoisonError::into_inner);
        let changed = *alarms != new;
        *alarms = new;
        changed
    }

    fn notices(&self, status: &SiteStatus, now: Timestamp) -> Vec<String> {
        let clock = |at| self.moment(Some(&status.id), at, now).clock;
        let alone = status.alone_since.map(|since| words::alone(&clock(since)));
        let asked = status.command.asked(now).map(|asked| words::asked(&asked.by.name, &clock(asked.until())));
        let alarms = self.alarms.read().unwrap_or_else(PoisonError::into_inner);
        let drill = status.drill.then(|| words::DRILL.to_owned());
        let webex = self.webex.as_ref().and_then(|webex| webex.trouble());
        drill.into_iter().chain(alone).chain(webex).chain(asked).chain(alarms.iter().cloned()).collect()
    }

    pub fn event(&self, event: &Event, now: Timestamp) -> EventView {
        EventView {
            id: event.id.clone(),
            seq: event.seq,
            ms: event.at.as_millisecond(),
            site: event.site.clone(),
            weight: weight(&event.kind).word().to_owned(),
            html: fragments::event(
                self.moment(event.site.as_ref(), event.at, now),
                event.kind.to_string(),
                event.by.as_ref().map(ToString::to_string),
            ),
        }
    }
}

fn steps(status: &SiteStatus) -> Vec<StepView> {
    let Some(plan) = status.plan.last_accepted() else { return Vec::new() };
    let target = status.command.target();
    let found = |step: &lockdown::steps::Step| {
        status.reading.as_ref().and_then(|r| r.steps.iter().find(|s| s.step == step.id)).cloned()
    };
    let shown = |step: &lockdown::steps::Step| {
        let reading = found(step);
        StepView {
            group: step.group.to_string(),
            object: step.object().to_string(),
            now: match reading.as_ref().map(|r| &r.found) {
                Some(Found::Value(value)) => value.to_string(),
                Some(Found::Missing) => "–".into(),
                Some(Found::NotRead) | None => "?".into(),
            },
            state: reading.as_ref().map_or(lockdown::steps::StepState::NotRead, |r| r.state),
            as_ordered: reading.is_some_and(|r| r.is_at(target)),
        }
    };
    plan.checked.plan.steps.iter().map(shown).collect()
}

/// How much an entry should catch the eye.
pub(super) fn weight(kind: &EventKind) -> Weight {
    match kind {
        EventKind::Incomplete { .. }
        | EventKind::Stopped { .. }
        | EventKind::Drifted { .. }
        | EventKind::RepairGivenUp { .. }
        | EventKind::CucmLost { .. }
        | EventKind::PlanRefused { .. }
        | EventKind::SnapshotDiffers { .. }
        | EventKind::SharedLost { .. }
        | EventKind::OrdersDisagreed { .. }
        | EventKind::IdentityLost { .. }
        | EventKind::WebexLost { .. }
        | EventKind::WriteProved { failed: Some(_), .. }
        | EventKind::IdentityMisconfigured { .. }
        | EventKind::EnvelopeRefused { .. }
        | EventKind::PhoneRefused { .. }
        | EventKind::HandoffRefused { .. }
        | EventKind::AgentsTold { failed: Some(_), .. }
        | EventKind::SignedInLocally { .. }
        | EventKind::ReleaseAsked { .. }
        | EventKind::ReviewDue { .. }
        | EventKind::RaisedByMistake { .. }
        | EventKind::ClientEnds { .. }
        | EventKind::HookGaveUp { .. }
        | EventKind::HookDisabled { .. }
        | EventKind::ClientRevoked { leaked: true, .. }
        | EventKind::Refused { .. } => Weight::Attention,
        EventKind::LockOrdered { .. }
        | EventKind::ReleaseOrdered { .. }
        | EventKind::Verified { .. }
        | EventKind::Repaired { .. }
        | EventKind::PersonDisabled { .. }
        | EventKind::PeopleMerged { .. }
        | EventKind::PasskeyAdded { .. }
        | EventKind::PasskeyRemoved { .. }
        | EventKind::PinSet { .. }
        | EventKind::PinRemoved { .. }
        | EventKind::CodesMade { .. }
        | EventKind::CodesRevoked { .. }
        | EventKind::SessionExtended
        | EventKind::Reviewed { .. }
        | EventKind::RequestErased { .. }
        | EventKind::IncidentNamed { .. }
        | EventKind::CommandTaken { .. }
        | EventKind::Noted { .. }
        | EventKind::Decided { .. }
        | EventKind::Attached { .. }
        | EventKind::StillNeeded { .. }
        | EventKind::RolesGranted { .. } => Weight::Plain,
        EventKind::DriftEnded
        | EventKind::Applied { .. }
        | EventKind::CucmBack
        | EventKind::SharedBack
        | EventKind::PasskeyProved
        | EventKind::PlanAccepted { .. }
        | EventKind::PersonAdded { .. }
        | EventKind::PersonEnabled { .. }
        | EventKind::ProfileChanged { .. }
        | EventKind::SessionsEnded { .. }
        | EventKind::ClientAdded { .. }
        | EventKind::ClientRevoked { .. }
        | EventKind::ClientRotated { .. }
        | EventKind::HookAdded { .. }
        | EventKind::HookRemoved { .. }
        | EventKind::HookRotated { .. }
        | EventKind::HookEnabled { .. }
        | EventKind::IdentityBack
        | EventKind::WebexBack
        | EventKind::WriteProved { failed: None, .. }
        | EventKind::DevicesTold { .. }
        | EventKind::PhonesTold { .. }
        | EventKind::AgentsTold { failed: None, .. }
        | EventKind::MeetingMade { .. }
        | EventKind::SignedIn
        | EventKind::SignedOut
        | EventKind::RequestFiled { .. }
        | EventKind::RequestChanged { .. }
        | EventKind::RequestsForgotten { .. }
        | EventKind::Joined { .. }
        | EventKind::Left { .. }
        | EventKind::ServerStarted { .. } => Weight::Quiet,
    }
}
