//! `plan check`, a dry run, and `plan trace`. They read CUCM and write nothing.

use super::{Context, Ended, Sorry};
use crate::assemble::axl_client;
use crate::clock::SystemClock;
use crate::config::{Config, Site};
use crate::dial_plan::cucm::Cucm;
use crate::services::plan_bodies::{PlanCheckBody, TracesBody};
use engine::ports::Hurry;
use engine::{PlanCheck, Survey, Traces};
use jiff::civil::DateTime;
use lockdown::guard::{self, CheckedPlan, Leak, Violation};
use lockdown::plan::PlanText;
use lockdown::reach::Dialling;
use lockdown::reading::Reading;
use lockdown::steps::{Found, Target};
use lockdown::trace::{self, Schedules, Traced, Tracer};
use serde_json::json;
use std::fmt::Write;
use std::sync::Arc;

pub(super) async fn check(context: &Context) -> Result<Ended, Sorry> {
    let config = context.load()?;
    let cucm = Cucm::new(Arc::new(axl_client(&config.cucm)?), config.sites.iter().map(|site| &site.plan));
    let unchecked = |error| Sorry(format!("the plan cannot be checked: {error}"));
    let survey = Arc::new(Survey::read(&cucm, &SystemClock, &Hurry::default()).await.map_err(unchecked)?);
    let mut all = Vec::new();
    let mut words = String::new();
    let mut accepted = true;
    for site in &config.sites {
        let mut check = engine::judge(site.plan.clone(), survey.clone(), &SystemClock).await.map_err(unchecked)?;
        if site.drill_of.is_some() {
            check.of_canaries();
        }
        if let Ok(checked) = &mut check.checked.verdict {
            let blocked = guard::blocked_already(&site.plan, &survey.facts);
            checked.warnings.extend(blocked.iter().map(|found| format!("If nothing is locked now: {found}")));
        }
        accepted &= check.checked.verdict.is_ok();
        words.push_str(&in_words(&site.plan, &check));
        all.push(PlanCheckBody::of(&site.plan.site, &check));
    }
    context.print(&json!({ "accepted": accepted, "sites": all }), words.trim_end());
    Ok(if accepted { Ended::Done } else { Ended::Refused })
}

fn in_words(text: &PlanText, check: &PlanCheck) -> String {
    let site = text.site.as_str();
    let mut words = match &check.checked.verdict {
        Ok(checked) => good(site, checked, check.found().as_ref()),
        Err(violations) => bad(site, violations),
    };
    if check.checked.verdict.is_err() {
        words.push_str(&marked(&check.checked.warnings));
    }
    let Some(reach) = &check.checked.reach else { return words };
    let _ = writeln!(words, "  {}.", lockdown::timeline::ways(reach.leaks.len()));
    words.push_str(&leaks_in_words(text, &reach.leaks));
    for limit in &reach.limits {
        let _ = writeln!(words, "  · {limit}");
    }
    words
}

fn marked(warnings: &[String]) -> String {
    warnings.iter().fold(String::new(), |words, warning| format!("{words}  ! {warning}\n"))
}

fn good(site: &str, checked: &CheckedPlan, reading: Option<&Reading>) -> String {
    let mut words = format!("{site}: the plan may run. A lock would write, in this order:\n");
    for (at, step) in checked.plan.steps.iter().enumerate() {
        let now = match reading.and_then(|reading| reading.steps.get(at)).map(|step| &step.found) {
            Some(Found::Value(value)) => value.to_string(),
            _ => "?".into(),
        };
        let group = step.group.to_string();
        let object = step.object().to_string();
        let _ = writeln!(words, "  {group:<18} {object:<40} {now} → {}", step.value(Target::Locked));
    }
    words.push_str(&marked(&checked.warnings));
    words
}

fn bad(site: &str, violations: &[Violation]) -> String {
    let mut words = format!("{site}: the plan is refused.\n");
    for violation in violations {
        let _ = writeln!(words, "  ✗ {violation}");
    }
    words
}

/// By what lets calls through, with who can go that way and what to do; most devices first.
fn leaks_in_words(text: &PlanText, leaks: &[Leak]) -> String {
    let mut words = String::new();
    for cause in guard::causes(text, leaks) {
        let ((example, path), place) = (cause.example(), &cause.place);
        let _ = writeln!(words, "  ! {place}, e.g. {example}: {path}. {} devices:", cause.devices());
        for leak in &cause.leaks {
            let _ = writeln!(words, "      {} {} ({})", leak.caller, leak.via.in_words(), leak.count);
        }
        let _ = writeln!(words, "    → {}", cause.fix);
    }
    words
}

/// What is to be followed, and from where.
#[derive(clap::Args)]
pub(super) struct Trace {
    /// As they are dialled: 914035551234, 911, +442079460000
    #[arg(required = true)]
    digits: Vec<String>,
    /// css:NAME, line:NAME,device:NAME, number:5002, number:5002/PARTITION, device:NAME or trunk:NAME
    #[arg(long, value_name = "FROM")]
    from: String,
    /// The site whose lock is looked at; the first one where it is not named
    #[arg(long, value_name = "ID")]
    site: Option<String>,
    /// On the site's clock, where partitions are active at some hours only: 2026-12-01T03:00
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime>,
}

pub(super) async fn follow(context: &Context, asked: &Trace) -> Result<Ended, Sorry> {
    let config = context.load()?;
    let site = site_of(&config, asked.site.as_deref())?;
    let origin = asked.from.parse().map_err(|error: trace::InvalidOrigin| Sorry(error.to_string()))?;
    let numbers: Result<Vec<String>, _> = asked.digits.iter().map(|number| trace::dialled(number)).collect();
    let numbers = numbers?;
    let cucm = Cucm::new(Arc::new(axl_client(&config.cucm)?), [&site.plan]);
    let away = |error| Sorry(format!("the dial plan cannot be read: {error}"));
    let Survey { facts, read_at, .. } = Survey::read(&cucm, &SystemClock, &Hurry::default()).await.map_err(away)?;
    let callers = engine::callers_of(&cucm, &facts, &origin).await.map_err(away)?;
    if callers.is_empty() {
        return Err(Sorry(format!(
            "nothing in CUCM is called {}. Look at the name, and at capital letters",
            asked.from
        )));
    }
    let at = asked.at.map(|at| at.to_zoned(site.zone.clone())).transpose();
    let at = at.map_err(|error| Sorry(format!("--at: {error}")))?.map(|at| engine::moment(&at, &facts));
    let traces = Tracer::new(&site.plan, &facts).trace(&callers, &numbers, at.as_ref());
    let words = traced_in_words(&site.plan, &traces);
    let body = TracesBody::of(asked.from.clone(), Traces { read_at, traces });
    context.print(&json!(body), words.trim_end());
    Ok(Ended::Done)
}

fn site_of<'c>(config: &'c Config, id: Option<&str>) -> Result<&'c Site, Sorry> {
    let named = |site: &&Site| id.is_none_or(|id| site.plan.site.as_str() == id);
    let found = config.sites.iter().find(named);
    found.ok_or_else(|| Sorry(format!("there is no site “{}” in the configuration", id.unwrap_or_default())))
}

fn traced_in_words(text: &PlanText, traces: &[Traced]) -> String {
    let mut words = String::new();
    for one in traces {
        let _ = writeln!(words, "{} from {}:", one.digits, one.caller);
        for dialled in &one.dialling {
            let how = match dialled.how {
                Dialling::EnBloc => "all at once",
                Dialling::DigitByDigit => "digit by digit",
            };
            let schedules = match dialled.schedules {
                None => "",
                Some(Schedules::Active) => ", schedules active",
                Some(Schedules::Inactive) => ", schedules not active",
            };
            let _ = writeln!(words, "  {how}{schedules}");
            let states =
                [("now", Some(&dialled.now)), ("normal", dialled.normal.as_ref()), ("locked", dialled.locked.as_ref())];
            for (state, trace) in states {
                let said = trace
                    .map_or_else(|| "not known: steps of the plan are not in CUCM".into(), |trace| traced(text, trace));
                let _ = writeln!(words, "    {state:<7}{said}");
            }
        }
    }
    words
}

fn traced(text: &PlanText, trace: &trace::Trace) -> String {
    let mut words = trace.end_in_words(text);
    if !trace.path.is_empty() {
        let _ = write!(words, " by {}", trace.path.join(" → "));
    }
    if trace.waits {
        words.push_str(", after the inter-digit timer");
    }
    for leg in &trace.legs {
        let _ = write!(words, "; {}: {}", leg.via.in_words(), leg.end.in_words());
    }
    words
}
