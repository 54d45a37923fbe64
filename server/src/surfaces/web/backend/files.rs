//! The EOC's files and the board on its wall, as pages show them.

use super::{Pages, me, stored};
use crate::services::incidents::IncidentError;
use app::ApiError;
use app::backend::Files;
use app::view::{IncidentBrief, IncidentLine, IncidentView, IncidentsView, WallView};
use async_trait::async_trait;
use jiff::Timestamp;
use lockdown::ids::SiteId;
use lockdown::incident::{Entry, Incident, Phase};
use lockdown::operator::{Act, Operator};
use lockdown::report::{Ordered, Report};
use lockdown::steps::Target;
use lockdown::timeline::{Event, EventKind};
use std::collections::BTreeMap;

/// Events the board shows.
const ON_THE_WALL: usize = 5;

impl Pages {
    /// Puts the open incidents onto every console; whether they are others than before. What cannot be
    /// looked up stays as it was.
    pub async fn refresh_incidents(&self) -> bool {
        match self.incidents.all().await {
            Ok(all) => {
                let now = self.clock.now();
                let open = all.iter().filter(|incident| incident.is_open());
                let told = open.map(|one| (one.site.clone(), self.brief(one, now)));
                let kept = if self.incidents.is_partial() { self.still_locked() } else { BTreeMap::new() };
                self.set_open_incidents(kept.into_iter().chain(told).collect())
            }
            Err(error) => {
                tracing::debug!(%error, "incidents cannot be looked up");
                false
            }
        }
    }

    /// What was known before the database went away, where it is locked still.
    fn still_locked(&self) -> BTreeMap<SiteId, IncidentBrief> {
        let mut known = self.open_incidents();
        let locked =
            |site: &SiteId| self.engine.status(site).is_ok_and(|status| status.command.target() == Target::Locked);
        known.retain(|site, _| locked(site));
        known
    }

    fn brief(&self, incident: &Incident, now: Timestamp) -> IncidentBrief {
        IncidentBrief {
            id: incident.id.clone(),
            name: self.incident_name(incident, now),
            commander: incident.commander.as_ref().map(|who| who.name.clone()),
            present: incident.present.iter().map(|who| who.name.clone()).collect(),
            asked: incident
                .asked_at
                .filter(|_| incident.is_asked())
                .map(|at| self.moment(Some(&incident.site), at, now)),
            mistake: incident.mistake.as_ref().map(|who| who.name.clone()),
            site_name: self.site_name(&incident.site),
            site: incident.site.clone(),
            version: 0,
            space: vec![],
            meeting: incident.meeting.clone().or_else(|| self.bot.as_ref()?.meeting_url().map(str::to_owned)),
        }
    }

    fn incident_name(&self, incident: &Incident, now: Timestamp) -> String {
        let opened = self.moment(Some(&incident.site), incident.opened_at, now).clock;
        let what = if incident.is_drill() { "Drill" } else { "Lock" };
        let given = incident.name.clone().map(|name| if incident.is_drill() { format!("DRILL {name}") } else { name });
        given.unwrap_or_else(|| format!("{what} of {opened}"))
    }

    fn line(&self, incident: &Incident, now: Timestamp) -> IncidentLine {
        let state = match incident.phase {
            Phase::Open => "open",
            Phase::Ending { .. } => "all-clear under way",
            Phase::Closed { .. } => "closed",
        };
        IncidentLine {
            id: incident.id.clone(),
            name: self.incident_name(incident, now),
            site: self.site_name(&incident.site),
            kind: incident.kind.clone(),
            state: state.to_owned(),
            opened: self.moment(Some(&incident.site), incident.opened_at, now),
            lasted: span(incident.lasted(now).as_secs()),
        }
    }
}

/// `2 h 05 min`, `3 min 12 s`.
fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..=3_599 => format!("{} min {:02} s", s / 60, s % 60),
        s => format!("{} h {:02} min", s / 3_600, s / 60 % 60),
    }
}

fn refused(error: IncidentError) -> ApiError {
    match error {
        IncidentError::NoSuchIncident => ApiError::NoSuchIncident,
        IncidentError::Refused(refusal) => ApiError::Refused(refusal),
        IncidentError::Store(error) => stored(error),
        error => ApiError::Told(error.to_string()),
    }
}

/// The report in words, under its headings; `partial` where other servers' part of the timeline cannot be seen.
fn told(report: &Report, partial: bool, clock: impl Fn(Timestamp) -> String) -> Vec<(String, Vec<String>)> {
    let order = |what: &str, order: &Ordered| {
        let took = order.verified_after_ms.map_or_else(
            || "not verified".to_owned(),
            |ms| format!("verified after {}.{:02} s", ms / 1000, ms % 1000 / 10),
        );
        let why = order.reason.as_ref().map(|reason| format!(": “{reason}”")).unwrap_or_default();
        format!("{} {what} by {}, {took}{why}", clock(order.at), order.by)
    };
    let times = report.locks.iter().map(|lock| order("locked", lock));
    let times = times.chain(report.all_clears.iter().map(|clear| order("all-clear", clear)));
    let did = |(name, words): (&String, &BTreeMap<String, usize>)| {
        let words: Vec<String> = words.iter().map(|(word, n)| format!("{} × {n}", word.replace('_', " "))).collect();
        format!("{name}: {}", words.join(", "))
    };
    let gaps = report.gaps.iter().map(|gap| {
        let to = gap.to.map_or_else(|| "the end".to_owned(), &clock);
        format!("{} to {to}: {}", clock(gap.from), gap.what)
    });
    let partial = partial.then(|| "what other servers did: the shared database cannot be reached".to_owned());
    let drift = [
        format!("changed by somebody: {}", report.drifts),
        format!("repaired: {}", report.repairs),
        format!("orders refused: {}", report.refusals),
    ];
    vec![
        (format!("Orders, in {}", span(report.lasted_s)), times.collect()),
        ("Who did what".into(), report.people.iter().map(did).collect()),
        calls(report),
        ("CUCM".into(), drift.into()),
        ("What could not be known".into(), gaps.chain(partial).collect()),
    ]
}

fn calls(report: &Report) -> (String, Vec<String>) {
    let Some(calls) = &report.calls else {
        return ("Call requests".into(), vec!["They are not for you, or cannot be had now.".into()]);
    };
    let states = calls.by_state.iter().map(|(word, n)| format!("{}: {n}", word.replace('_', " ")));
    let waited = calls.longest_wait_s.map(|s| format!("the longest wait until somebody looked: {}", span(s)));
    let unseen = (calls.unseen > 0).then(|| format!("nobody looked at: {}", calls.unseen));
    let open = (!calls.open.is_empty()).then(|| format!("still open: {}", calls.open.join(", ")));
    (format!("Call requests: {}", calls.all), states.chain(waited).chain(unseen).chain(open).collect())
}

#[async_trait]
impl Files for Pages {
    async fn incidents(&self, who: &Operator) -> Result<IncidentsView, ApiError> {
        who.may(Act::Work, None).map_err(ApiError::Refused)?;
        let mut all = self.incidents.all().await.map_err(stored)?;
        let now = self.clock.now();
        all.retain(|incident| who.may(Act::Work, Some(&incident.site)).is_ok());
        Ok(IncidentsView { me: me(who), incidents: all.iter().rev().map(|one| self.line(one, now)).collect() })
    }

    async fn incident(&self, who: &Operator, id: String) -> Result<IncidentView, ApiError> {
        who.may(Act::Work, None).map_err(ApiError::Refused)?;
        let file = self.incidents.file(who, &id).await.map_err(refused)?;
        let now = self.clock.now();
        let incident = &file.incident;
        let clock = |at| self.moment(Some(&incident.site), at, now).clock;
        let attached = file.events.iter().filter_map(|event| match &event.kind {
            EventKind::Attached { name, text, .. } => Some((name.clone(), text.clone())),
            _ => None,
        });
        Ok(IncidentView {
            me: me(who),
            line: self.line(incident, now),
            commander: incident.commander.as_ref().map(|by| by.name.clone()),
            present: incident.present.iter().map(|by| by.name.clone()).collect(),
            report: told(&file.report(now), self.incidents.is_partial(), clock),
            attachments: attached.collect(),
            may_write: who.may(Act::Lock, Some(&incident.site)).is_ok(),
            open: incident.is_open(),
            events: file.events.iter().map(|event| self.event_view(event, now)).collect(),
        })
    }

    async fn write_incident(&self, who: &Operator, id: String, entry: Entry) -> Result<(), ApiError> {
        who.may(Act::Lock, None).map_err(ApiError::Refused)?;
        self.incidents.write(who, &id, entry).await.map_err(refused)
    }

    async fn invite_again(&self, who: &Operator, id: String) -> Result<(), ApiError> {
        who.may(Act::Lock, None).map_err(ApiError::Refused)?;
        let incident = self.incidents.find(who, &id).await.map_err(refused)?;
        who.may(Act::Lock, Some(&incident.site)).map_err(ApiError::Refused)?;
        match &self.bot {
            Some(bot) => bot.invite_again(&incident.id).await.map_err(stored),
            None => Ok(()),
        }
    }

    async fn wall(&self, who: &Operator, site: Option<SiteId>) -> Result<WallView, ApiError> {
        let mut statuses = self.engine.statuses();
        statuses.sort_by_key(|status| status.drill);
        statuses.retain(|status| who.may(Act::Work, Some(&status.id)).is_ok());
        if statuses.is_empty() {
            who.may(Act::Work, site.as_ref()).map_err(ApiError::Refused)?;
        }
        let wanted = |status: &&engine::SiteStatus| site.as_ref().is_none_or(|site| *site == status.id);
        let status = statuses.iter().find(wanted).ok_or(ApiError::NoSuchSite)?;
        let now = self.clock.now();
        let here = |event: &Event| event.site.as_ref() == Some(&status.id) && event.is_for(who);
        let events = self.recent(ON_THE_WALL, here).await;
        Ok(WallView {
            site: self.detailed_site(status, now),
            waiting: self.waiting(who, &status.id).await.unwrap_or_default(),
            events: events.iter().map(|event| self.event_view(event, now)).collect(),
        })
    }
}
