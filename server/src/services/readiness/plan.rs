//! The plan: does it hold, what stays open, and does everybody still get through to emergency numbers?

use super::finding::Finding;
use engine::{PlanState, SiteStatus};
use jiff::{SignedDuration, Timestamp};
use lockdown::guard::CheckedPlan;
use lockdown::steps::Target;
use lockdown::timeline::ways;

/// A plan is checked every quarter of an hour while nothing is locked.
const FRESH: SignedDuration = SignedDuration::from_mins(60);

const WHERE: &str = "See them on the page Plan, or with `pstn-lockdown plan check`.";

pub(super) fn of(status: &SiteStatus, now: Timestamp) -> Vec<Finding> {
    let what = "plan";
    let found = match &status.plan {
        PlanState::Unchecked => vec![Finding::bad(what, "never checked", "It is checked as soon as CUCM is seen.")],
        PlanState::Refused { violations, .. } => {
            vec![Finding::bad(what, "the guard refuses it: a lock would not be carried out", violations.join(" "))]
        }
        PlanState::Accepted(plan) => {
            let age = now.duration_since(plan.at);
            let quiet = status.command.target() == Target::Normal && status.command.is_settled();
            let old = quiet && age > FRESH;
            let found = format!("{}, checked {} min ago", in_words(&plan.checked), age.as_mins());
            vec![steps(&plan.checked, found, old), emergency(&plan.checked)]
        }
    };
    found.into_iter().map(|finding| finding.at(&status.id)).collect()
}

/// Of a plan that was checked just now.
pub fn checked(plan: &CheckedPlan, drill: bool) -> Vec<Finding> {
    let steps = steps(plan, in_words(plan), false);
    // Canaries stop no call, and nobody's emergency number either.
    if drill { vec![steps] } else { vec![steps, emergency(plan)] }
}

fn in_words(plan: &CheckedPlan) -> String {
    let devices = match plan.devices.leaking {
        0 => String::new(),
        1 => " (1 device)".into(),
        many => format!(" ({many} devices)"),
    };
    let unsure = if plan.unfinished { ", but not every way could be followed" } else { "" };
    format!("{} steps, {}{devices}{unsure}", plan.plan.steps.len(), ways(plan.count_leaks()))
}

fn steps(plan: &CheckedPlan, found: String, old: bool) -> Finding {
    let what = "plan";
    if plan.count_leaks() > 0 || plan.unfinished {
        Finding::warning(what, found, WHERE)
    } else if old {
        Finding::warning(what, found, "It is checked by itself while CUCM answers: see the log.")
    } else {
        Finding::good(what, found)
    }
}

fn emergency(plan: &CheckedPlan) -> Finding {
    let what = "emergency numbers";
    match plan.devices.without_emergency {
        _ if !plan.callers_read => {
            let fix = "The AXL user must be able to ask by SQL: guide “telecom”, step 6.";
            Finding::warning(what, "not proved for every phone: who calls from where was not read", fix)
        }
        0 => Finding::good(what, "no phone was found from which a protected number cannot be reached"),
        devices => {
            let found = format!("a protected number cannot be reached from {devices} of the devices, locked or not");
            Finding::warning(what, found, WHERE)
        }
    }
}
