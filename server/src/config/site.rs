//! `[[site]]` and `[[site.step]]` as they are written.

use super::Site;
use super::problem::{Problem, Source};
use lockdown::guard;
use lockdown::ids::SiteId;
use lockdown::plan::{Patterns, Pilot, PlanText, Redirect, StepText};
use lockdown::step::Group;
use lockdown::text::plain;
use rlibphonenumber::Region;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSite {
    id: String,
    name: String,
    time_zone: Option<String>,
    country: Option<String>,
    #[serde(default)]
    release_by_two: bool,
    drill_of: Option<String>,
    eoc_pilot: Pilot,
    protected_numbers: Vec<String>,
    #[serde(default)]
    protected_partitions: Vec<String>,
    /// Calling search spaces of the EOC's own phones: their way out is no leak.
    #[serde(default)]
    eoc_css: Vec<String>,
    /// Calling search spaces calls from the PSTN come in by.
    #[serde(default)]
    inbound_css: Vec<String>,
    #[serde(default)]
    step: Vec<RawStep>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStep {
    kind: Kind,
    group: Option<Group>,
    partition: Option<String>,
    pattern: Option<String>,
    #[serde(default)]
    all: bool,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    acknowledge_gateway: bool,
    css: Option<String>,
    normal: Option<RawValue>,
    locked: Option<RawValue>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    PartitionSchedule,
    RoutePatternBlock,
    TransPatternBlock,
    TransPatternSet,
    CssMembers,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum RawValue {
    Schedule(String),
    Members(Vec<String>),
    Redirect(RawRedirect),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRedirect {
    mask: Option<String>,
    css: Option<String>,
}

/// A step that cannot be read: which key, and what to write instead.
struct Wrong(&'static str, &'static str);

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
            steps.push(step.read().map_err(|Wrong(part, what)| source.problem(&format!("{key}.{part}"), what))?);
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
    plan.steps.iter().map(place).collect()
}

fn place(step: &StepText) -> &str {
    match step {
        StepText::PartitionSchedule { partition, .. }
        | StepText::RoutePatternBlock { partition, .. }
        | StepText::TransPatternBlock { partition, .. }
        | StepText::TransPatternSet { partition, .. } => partition,
        StepText::CssMembers { css, .. } => css,
    }
}

impl RawStep {
    fn read(self) -> Result<StepText, Wrong> {
        match self.kind {
            Kind::PartitionSchedule => Ok(StepText::PartitionSchedule {
                group: self.group()?,
                partition: self.partition()?,
                normal: schedule(self.normal.as_ref(), "normal")?,
                locked: schedule(self.locked.as_ref(), "locked")?,
            }),
            Kind::RoutePatternBlock => Ok(StepText::RoutePatternBlock {
                group: self.group.unwrap_or(Group::OutboundBlock),
                patterns: self.patterns()?,
                partition: self.partition()?,
                acknowledge_gateway: self.acknowledge_gateway,
            }),
            Kind::TransPatternBlock => Ok(StepText::TransPatternBlock {
                group: self.group()?,
                patterns: self.patterns()?,
                partition: self.partition()?,
            }),
            Kind::TransPatternSet => Ok(StepText::TransPatternSet {
                group: self.group()?,
                pattern: self.pattern.clone().ok_or(Wrong("pattern", "missing: name the translation pattern"))?,
                partition: self.partition()?,
                normal: redirect(self.normal.as_ref(), "normal")?,
                locked: redirect(self.locked.as_ref(), "locked")?,
            }),
            Kind::CssMembers => Ok(StepText::CssMembers {
                group: self.group()?,
                css: self.css.clone().ok_or(Wrong("css", "missing: name the calling search space"))?,
                normal: members(self.normal.as_ref(), "normal")?,
                locked: members(self.locked.as_ref(), "locked")?,
            }),
        }
    }

    fn group(&self) -> Result<Group, Wrong> {
        self.group.ok_or(Wrong("group", "missing: write inbound_redirect, outbound_redirect or outbound_block"))
    }

    fn partition(&self) -> Result<String, Wrong> {
        self.partition.clone().ok_or(Wrong("partition", "missing: name the partition"))
    }

    fn patterns(&self) -> Result<Patterns, Wrong> {
        match (&self.pattern, self.all) {
            (Some(pattern), false) => Ok(Patterns::One(pattern.clone())),
            (None, true) => Ok(Patterns::AllExcept(self.except.clone())),
            (Some(_), true) => Err(Wrong("all", "give either pattern or all = true, not both")),
            (None, false) => Err(Wrong("pattern", "missing: name a pattern, or write all = true")),
        }
    }
}

fn schedule(value: Option<&RawValue>, key: &'static str) -> Result<Option<String>, Wrong> {
    match value {
        Some(RawValue::Schedule(name)) => Ok((!name.is_empty()).then(|| name.clone())),
        _ => Err(Wrong(key, "write the name of a time schedule, or \"\" for none (always active)")),
    }
}

fn redirect(value: Option<&RawValue>, key: &'static str) -> Result<Redirect, Wrong> {
    let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match value {
        Some(RawValue::Redirect(raw)) => Ok(Redirect { mask: some(&raw.mask), css: some(&raw.css) }),
        _ => Err(Wrong(key, "write { mask = \"…\", css = \"…\" }")),
    }
}

fn members(value: Option<&RawValue>, key: &'static str) -> Result<Vec<String>, Wrong> {
    match value {
        Some(RawValue::Members(names)) if !names.is_empty() => Ok(names.clone()),
        _ => Err(Wrong(key, "write the ordered list of partitions")),
    }
}
