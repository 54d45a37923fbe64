//! From the engine's words to what a page shows.

use super::Pages;
use app::fragments;
use app::view::{EventView, IncidentBrief, Moment, PlanNote, SiteDetail, SiteView, StepView};
use app::words;
use engine::{PlanState, SiteStatus};
use jiff::Timestamp;
use lockdown::ids::SiteId;
use lockdown::steps::Found;
use lockdown::timeline::Event;
use parking_lot::RwLock;
use std::collections::BTreeMap;

/// What stands on every console besides the state.
#[derive(Default)]
pub(super) struct Notices {
    /// Sign-ins past the identity provider that nobody reviewed.
    alarms: RwLock<Vec<String>>,
    /// The EOC's files that are open.
    incidents: RwLock<BTreeMap<SiteId, IncidentBrief>>,
}

impl Pages {
    pub fn moment(&self, site: Option<&SiteId>, at: Timestamp, now: Timestamp) -> Moment {
        Moment { ms: at.as_millisecond(), iso: format!("{at:.3}"), clock: self.sites.clock(site, at, now) }
    }

    /// A site for everybody.
    pub fn public_site(&self, status: &SiteStatus, now: Timestamp) -> SiteView {
        let read = status.reading.as_ref();
        let last_seen = read.and_then(|reading| reading.state().target());
        let (offset_s, zone) = self.sites.offset(&status.id, now);
        SiteView {
            said: words::said(self.sites.said(status, false, now)),
            unseen: words::said(self.sites.unseen(status, false, now)),
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
            emergency_proved: self.sites.emergency(status).is_some_and(|(_, proved)| proved),
            emergency_numbers: self.sites.emergency_numbers(&status.id).to_vec(),
            answered_ms: now.as_millisecond(),
            detail: None,
        }
    }

    /// A site for EOC personnel.
    pub fn detailed_site(&self, status: &SiteStatus, now: Timestamp) -> SiteView {
        let moment = |at| self.moment(Some(&status.id), at, now);
        let steps = steps(status);
        let detail = SiteDetail {
            version: status.version,
            by: status.command.by().map(ToString::to_string),
            verified: status.command.verified_at().map(moment),
            progress: status.progress.map(|progress| (progress.applied, progress.of)),
            trouble: status.trouble.as_ref().map(|trouble| trouble.why.clone()),
            alone: status.alone_since.is_some(),
            notices: self.notices_of(status, now),
            done: (steps.iter().filter(|step| step.as_ordered).count(), steps.len()),
            steps: fragments::steps(steps),
            incident: self.incident_card(status),
            by_id: status.command.by().map(|by| by.id.clone()),
            plan: self.plan_note(status, now),
        };
        let said = words::said(self.sites.said(status, true, now));
        let unseen = words::said(self.sites.unseen(status, true, now));
        SiteView { detail: Some(detail), said, unseen, ..self.public_site(status, now) }
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
    pub(super) fn set_open_incidents(&self, new: BTreeMap<SiteId, IncidentBrief>) -> bool {
        let mut incidents = self.notices.incidents.write();
        let changed = *incidents != new;
        *incidents = new;
        changed
    }

    /// The EOC's files that are open, as far as is known.
    pub(super) fn open_incidents(&self) -> BTreeMap<SiteId, IncidentBrief> {
        self.notices.incidents.read().clone()
    }

    /// Its card, for the state as it is now.
    fn incident_card(&self, status: &SiteStatus) -> Option<String> {
        let known = self.notices.incidents.read().get(&status.id).cloned();
        known.map(|brief| {
            let space = self.bot.as_ref().map(|bot| bot.space_notes(&status.id)).unwrap_or_default();
            fragments::incident(IncidentBrief { version: status.version, space, ..brief })
        })
    }

    /// Whether they are others than before.
    pub(super) fn set_alarms(&self, new: Vec<String>) -> bool {
        let mut alarms = self.notices.alarms.write();
        let changed = *alarms != new;
        *alarms = new;
        changed
    }

    fn notices_of(&self, status: &SiteStatus, now: Timestamp) -> Vec<String> {
        let clock = |at| self.moment(Some(&status.id), at, now).clock;
        let alone = status.alone_since.map(|since| words::alone(&clock(since)));
        let asked = status.command.asked(now).map(|asked| lockdown::say::asked(&asked.by.name, &clock(asked.until())));
        let alarms = self.notices.alarms.read();
        let drill = status.drill.then(|| words::DRILL.to_owned());
        let bot = self.bot.as_ref().and_then(|bot| bot.trouble());
        drill.into_iter().chain(alone).chain(bot).chain(asked).chain(alarms.iter().cloned()).collect()
    }

    pub fn event_view(&self, event: &Event, now: Timestamp) -> EventView {
        EventView {
            id: event.id.clone(),
            seq: event.seq,
            ms: event.at.as_millisecond(),
            site: event.site.clone(),
            weight: event.kind.weight().word().to_owned(),
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
