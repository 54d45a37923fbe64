//! `plan check`: a dry run. Reads CUCM and writes nothing.

use super::{Context, Ended, Sorry};
use crate::assemble::axl_client;
use crate::dial_plan::cucm::Cucm;
use engine::ports::DialPlan;
use lockdown::guard::{self, CheckedPlan, Violation};
use lockdown::plan::LockPlan;
use lockdown::step::{Found, Target};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

pub(super) async fn check(context: &Context) -> Result<Ended, Sorry> {
    let config = context.load()?;
    let client = Arc::new(axl_client(&config.cucm)?);
    let (mut all, mut words, mut accepted) = (Vec::new(), String::new(), true);
    for site in &config.sites {
        let cucm = Cucm::new(client.clone(), &site.plan);
        let facts = cucm.survey().await.map_err(|error| Sorry(format!("the plan cannot be checked: {error}")))?;
        let mut checked = guard::check(&site.plan, &facts);
        if let Ok(checked) = &mut checked {
            let blocked = guard::blocked_already(&site.plan, &checked.plan, &facts);
            checked.warnings.extend(blocked.iter().map(|found| format!("If nothing is locked now: {found}")));
        }
        accepted &= checked.is_ok();
        let found = |plan: &LockPlan| plan.steps.iter().map(|s| (s.id.to_string(), s.find_in(&facts))).collect();
        let (value, text) = match &checked {
            Ok(checked) => good(site.plan.site.as_str(), checked, &found(&checked.plan)),
            Err(violations) => bad(site.plan.site.as_str(), violations),
        };
        all.push(value);
        words.push_str(&text);
    }
    context.print(&json!({ "accepted": accepted, "sites": all }), words.trim_end());
    Ok(if accepted { Ended::Done } else { Ended::Refused })
}

fn good(site: &str, checked: &CheckedPlan, found: &BTreeMap<String, Found>) -> (Value, String) {
    let mut words = format!("{site}: the plan may run. A lock would write, in this order:\n");
    let mut steps = Vec::new();
    for step in &checked.plan.steps {
        let now = match found.get(step.id.as_str()) {
            Some(Found::Value(value)) => value.to_string(),
            _ => "?".into(),
        };
        let writes = found.get(step.id.as_str()) != Some(&Found::Value(step.value(Target::Locked).clone()));
        let _ =
            writeln!(words, "  {:<18} {:<40} {now} → {}", step.group.to_string(), step.object.to_string(), step.locked);
        steps.push(json!({ "kind": step.object.kind(), "group": step.group, "object": step.object.to_string(), "now": now, "locked": step.locked.to_string(), "normal": step.normal.to_string(), "writes": writes }));
    }
    for warning in &checked.warnings {
        let _ = writeln!(words, "  ! {warning}");
    }
    let _ = writeln!(words, "  {}.", lockdown::timeline::ways(checked.leaks.len()));
    for leak in &checked.leaks {
        let _ =
            writeln!(words, "  ! {} from {}, e.g. {}: {}", leak.pattern, leak.css, leak.example, leak.path.join(" → "));
    }
    let value =
        json!({ "site": site, "accepted": true, "steps": steps, "warnings": checked.warnings, "leaks": checked.leaks });
    (value, words)
}

fn bad(site: &str, violations: &[Violation]) -> (Value, String) {
    let texts: Vec<String> = violations.iter().map(ToString::to_string).collect();
    let mut words = format!("{site}: the plan is refused.\n");
    for text in &texts {
        let _ = writeln!(words, "  ✗ {text}");
    }
    (json!({ "site": site, "accepted": false, "violations": texts }), words)
}
