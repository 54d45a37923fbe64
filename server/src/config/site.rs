//! `[[site]]` and `[[site.step]]` as they are written.

use super::Site;
use super::problem::{Problem, Source};
use lockdown::guard;
use lockdown::ids::SiteId;
use lockdown::plan::{Pilot, PlanText};
use lockdown::steps::{Entry, StepText, Wrong};
use lockdown::text::plain;
use rlibphonenumber::Region;
use serde::Deserialize;

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RawSite {
    /// In addresses and API calls: small letters, digits and hyphens. Required.
    id: String,
    /// What people call it, typed to give the all-clear. Required.
    name: String,
    /// IANA name, such as `America/Edmonton`. Default `UTC`.
    time_zone: Option<String>,
    /// Two letters: where numbers without a country are dialled from. Default `US`.
    country: Option<String>,
    /// An all-clear needs two different seniors within ten minutes. Default `false`.
    #[serde(default)]
    release_by_two: bool,
    /// The site this one is for practising: the same orders on canary objects.
    drill_of: Option<String>,
    /// The EOC's number: `{ pattern, partition }`. Required.
    #[cfg_attr(test, schema(value_type = String))]
    eoc_pilot: Pilot,
    /// Emergency numbers, as they are dialled: no lock may touch them. Required.
    protected_numbers: Vec<String>,
    /// Partitions no step may touch. Default none.
    #[serde(default)]
    protected_partitions: Vec<String>,
    /// Calling search spaces of the EOC's own phones: their way out is no leak. Default none.
    #[serde(default)]
    eoc_css: Vec<String>,
    /// Calling search spaces by which calls from the PSTN come in. Default none.
    #[serde(default)]
    inbound_css: Vec<String>,
    /// What a lock switches, in order: see [telecom](telecom.md), section 6.
    #[cfg_attr(test, schema(value_type = Vec<String>), serde(skip_serializing))]
    #[serde(default)]
    step: Vec<Entry>,
}

impl RawSite {
    pub(super) fn read(self, number: usize, source: &Source) -> Result<Site, Problem> {
        let at = |key: &str| format!("site[{number}].{key}");
        let id = SiteId::try_from(self.id).map_err(|error| source.problem(&at("id"), error.to_string()))?;
        let zone = match &self.time_zone {
            None => jiff::tz::TimeZone::UTC,
            Some(name) => jiff::tz::TimeZone::get(name).map_err(|_| {
                source.problem(
                    &at("time_zone"),
                    format!("“{name}” is no time zone. Write an IANA name such as America/Edmonton"),
                )
            })?,
        };
        let country = match &self.country {
            None => Region::US,
            Some(name) => Region::from_code(name).map_err(|_| {
                source.problem(&at("country"), format!("“{name}” is no country. Write two capital letters such as CA"))
            })?,
        };
        let drill_of = self.drill_of.map(SiteId::try_from).transpose();
        let drill_of = drill_of.map_err(|error| source.problem(&at("drill_of"), error.to_string()))?;
        // As it is shown: it is typed back to give the all-clear.
        let name = plain(&self.name);
        if name.is_empty() {
            return Err(source.problem(&at("name"), "missing: write what people call the site"));
        }
        let mut steps = Vec::new();
        for (index, step) in self.step.into_iter().enumerate() {
            let key = format!("site[{number}].step[{}]", index + 1);
            let wrong = |Wrong { key: part, what }| source.problem(&format!("{key}.{part}"), what);
            steps.push(StepText::read(&step).map_err(wrong)?);
        }
        let plan = PlanText {
            site: id,
            eoc_pilot: self.eoc_pilot,
            protected_numbers: self.protected_numbers,
            protected_partitions: self.protected_partitions,
            eoc_css: self.eoc_css,
            inbound_css: self.inbound_css,
            steps,
        };
        match guard::check_text(&plan).first() {
            None => Ok(Site {
                // Never to be taken for the real one, on any surface.
                name: if drill_of.is_some() { format!("DRILL {name}") } else { name },
                zone,
                release_by_two: self.release_by_two,
                drill_of,
                country,
                plan,
            }),
            Some(violation) => Err(source.problem(&at("step"), violation.to_string())),
        }
    }
}

/// A drill practises one of the other sites, and touches nothing that a site in earnest touches.
pub(super) fn check_drills(sites: &[Site], source: &Source) -> Result<(), Problem> {
    for (at, drill) in sites.iter().enumerate() {
        let Some(practised) = &drill.drill_of else { continue };
        let key = |name: &str| format!("site[{}].{name}", at + 1);
        if !sites.iter().any(|site| site.drill_of.is_none() && site.plan.site == *practised) {
            let text = format!("there is no site “{practised}” that is not itself a drill");
            return Err(source.problem(&key("drill_of"), text));
        }
        let earnest: Vec<&str> =
            sites.iter().filter(|site| site.drill_of.is_none()).flat_map(|site| touched(&site.plan)).collect();
        if let Some(shared) = touched(&drill.plan).into_iter().find(|name| earnest.contains(name)) {
            let text =
                format!("a drill must not touch {shared}: a site in earnest has steps there. Make canaries of its own");
            return Err(source.problem(&key("step"), text));
        }
    }
    Ok(())
}

/// Partitions and calling search spaces.
fn touched(plan: &PlanText) -> Vec<&str> {
    plan.steps.iter().map(|step| step.text().place()).collect()
}
