//! What is said of a site besides what the engine knows: its clock, its emergency numbers, and one sentence for now.

use engine::{PlanState, SiteStatus};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::reading::STALE_AFTER;
use lockdown::say::{Facts, Line, Said, say};

/// What the configuration says of a site besides its plan.
pub struct SiteFacts {
    pub id: SiteId,
    pub zone: TimeZone,
    pub emergency_numbers: Vec<String>,
}

pub struct Sites(Vec<SiteFacts>);

impl Sites {
    pub fn new(facts: Vec<SiteFacts>) -> Self {
        Self(facts)
    }

    fn facts(&self, id: Option<&SiteId>) -> Option<&SiteFacts> {
        match id {
            Some(id) => self.0.iter().find(|facts| facts.id == *id),
            None => self.0.first(),
        }
    }

    /// On whose clock a site's times are shown; those of no site, on the first one's.
    pub fn zone(&self, site: Option<&SiteId>) -> TimeZone {
        self.facts(site).map_or(TimeZone::UTC, |facts| facts.zone.clone())
    }

    /// `14:02:31`, with the date before it when it is not today.
    pub fn clock(&self, site: Option<&SiteId>, at: Timestamp, now: Timestamp) -> String {
        let zone = self.zone(site);
        let local = at.to_zoned(zone.clone());
        let today = now.to_zoned(zone).date();
        let form = if local.date() == today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
        local.strftime(form).to_string()
    }

    /// With its date, for paper.
    pub fn dated(&self, site: Option<&SiteId>, at: Timestamp) -> String {
        at.to_zoned(self.zone(site)).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }

    /// Seconds the site's clock is ahead of UTC, and what its zone is called.
    pub fn offset(&self, site: &SiteId, now: Timestamp) -> (i64, String) {
        let local = now.to_zoned(self.zone(Some(site)));
        (i64::from(local.offset().seconds()), local.strftime("%Z").to_string())
    }

    /// Numbers that a lock never touches, the one to name first.
    pub fn emergency_numbers(&self, site: &SiteId) -> &[String] {
        self.facts(Some(site)).map_or(&[], |facts| &facts.emergency_numbers)
    }

    /// The one to name, and whether it was proved to get through from every phone, as the plan was last read.
    pub fn emergency(&self, status: &SiteStatus) -> Option<(&str, bool)> {
        let number = self.emergency_numbers(&status.id).first()?;
        let proved = matches!(&status.plan, PlanState::Accepted(plan)
            if plan.checked.from_every_phone.iter().any(|one| one == number));
        Some((number, proved))
    }

    /// What is said of a site now; `names` who ordered, for those who work there.
    pub fn said(&self, status: &SiteStatus, names: bool, now: Timestamp) -> Said {
        let facts = Facts {
            order: &status.command,
            reading: status.reading.as_ref(),
            line: Line::Open,
            drill: status.drill,
            progress: status.progress.map(|progress| (progress.applied, progress.of)),
            names,
            now,
        };
        let (_, zone) = self.offset(&status.id, now);
        say(&facts, |at| format!("{} {zone}", self.clock(Some(&status.id), at, now)))
    }

    /// The same when nothing newer was read for too long.
    pub fn unseen(&self, status: &SiteStatus, names: bool, now: Timestamp) -> Said {
        let old = status.reading.as_ref().map(|reading| reading.read_at + STALE_AFTER + SignedDuration::from_secs(1));
        self.said(status, names, old.unwrap_or(now).max(now))
    }
}
