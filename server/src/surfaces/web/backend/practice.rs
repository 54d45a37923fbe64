//! Readiness and drills, as the pages show them.

use super::{Pages, me, refused, stored};
use crate::services::readiness::{Finding, Verdict};
use app::ApiError;
use app::backend::Practice;
use app::view::{DrillLine, DrillPlace, DrillsView, FindingView, ReadinessView};
use async_trait::async_trait;
use lockdown::drill::{self, Practised};
use lockdown::ids::SiteId;
use lockdown::operator::{Act, Operator};
use lockdown::steps::Target;

/// Drills a page shows.
const SHOWN: usize = 24;

/// How many the middle is taken of.
const COMPARED: usize = 6;

#[async_trait]
impl Practice for Pages {
    async fn readiness(&self, who: &Operator) -> Result<ReadinessView, ApiError> {
        who.may(Act::Work, None).or_else(|_| who.may(Act::Manage, None)).map_err(ApiError::Refused)?;
        let mut found = self.readiness.look(self).await;
        let theirs = |site: &SiteId| who.may(Act::Work, Some(site)).is_ok() || who.may(Act::Manage, None).is_ok();
        found.retain(|finding| finding.site.as_ref().is_none_or(theirs));
        let count = |wanted: Verdict| found.iter().filter(|finding| finding.verdict == wanted).count();
        let mut prove = self.engine.live_statuses();
        prove.retain(|status| who.may(Act::Lock, Some(&status.id)).is_ok());
        Ok(ReadinessView {
            me: me(who),
            looked: self.moment(None, self.clock.now(), self.clock.now()),
            bad: count(Verdict::Bad),
            warnings: count(Verdict::Warning),
            prove: prove.into_iter().map(|status| (status.id, status.name)).collect(),
            findings: found.into_iter().map(shown).collect(),
        })
    }

    async fn prove_write(&self, who: &Operator, site: SiteId) -> Result<(), ApiError> {
        self.engine.prove_write(who, &site).await.map_err(|error| match error {
            engine::EngineError::CucmAway(why) => ApiError::Told(format!("CUCM did not take it. {why}")),
            error => refused(error),
        })
    }

    async fn drills(&self, who: &Operator) -> Result<DrillsView, ApiError> {
        who.may(Act::Work, None).map_err(ApiError::Refused)?;
        let (incidents, events) = self.incidents.told().await.map_err(stored)?;
        let now = self.clock.now();
        let mut all = drill::history(&incidents, &events, now);
        all.retain(|drill| who.may(Act::Work, Some(&drill.site)).is_ok());
        let mut places = self.engine.statuses();
        places.retain(|status| status.drill && who.may(Act::Work, Some(&status.id)).is_ok());
        let place = |status: &engine::SiteStatus| {
            let last = all.iter().find(|drill| drill.site == status.id && drill.lock_ms.is_some());
            let last = last.map(|drill| self.moment(Some(&drill.site), drill.at, now).clock);
            DrillPlace {
                id: status.id.clone(),
                name: status.name.clone(),
                headline: self.sites.said(status, true, now).headline,
                running: status.command.target() == Target::Locked,
                last: last.map_or_else(|| "There was no drill yet.".to_owned(), |at| format!("The last one: {at}")),
            }
        };
        let recent = &all[..all.len().min(COMPARED)];
        Ok(DrillsView {
            me: me(who),
            places: places.iter().map(place).collect(),
            median: drill::median_lock_ms(recent).map(seconds),
            history: all.iter().take(SHOWN).map(|drill| self.drill_line(drill)).collect(),
        })
    }
}

impl Pages {
    fn drill_line(&self, drill: &Practised) -> DrillLine {
        let now = self.clock.now();
        let end = drill.end_ms.map(seconds);
        DrillLine {
            incident: drill.incident.clone(),
            site: self.engine.status(&drill.site).map_or_else(|_| drill.site.to_string(), |status| status.name),
            at: self.moment(Some(&drill.site), drill.at, now),
            by: drill.by.clone(),
            locked: drill
                .lock_ms
                .map_or_else(|| "not verified".into(), |ms| format!("{}, {} objects", seconds(ms), drill.steps)),
            ended: end.unwrap_or_else(|| if drill.over { "not timed" } else { "still on" }.into()),
        }
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:02} s", ms / 1000, ms % 1000 / 10)
}

fn shown(finding: Finding) -> FindingView {
    let mut letters = finding.what.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    FindingView {
        what: first.chain(letters).collect(),
        site: finding.site.map(|site| site.to_string()),
        verdict: finding.verdict.word().to_owned(),
        found: finding.found,
        // A command is marked so on a terminal; a page has nothing to mark.
        fix: finding.fix.map(|fix| fix.replace('`', "")),
    }
}
