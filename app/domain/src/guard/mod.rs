//! What a plan may never do. A plan that could keep somebody from an emergency number is refused,
//! and told what is missing.

mod addresses;
mod cause;
mod emergency;
mod flow;
mod forms;
mod leaks;
mod unread;
mod words;

use crate::caller::Caller;
use crate::dial_plan::{DialPlan, Endpoint, EndpointKind, place};
use crate::hours::Hours;
use crate::ids::Uuid;
use crate::pattern::Pattern;
use crate::plan::{LockPlan, PlanText};
use crate::reach::DigitAnalysis;
use crate::steps::{Object, Step, StepText, Target};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use words::counted;

pub use crate::violation::Violation;
pub use cause::{Cause, causes};
pub use emergency::{EmergencyReach, Reached};
pub use flow::{Flow, Place, flows};
pub use forms::dialled_forms;
pub use leaks::{Direction, Leak, Pstn, Via};
pub use words::{caller_in_words, in_words};

/// A plan that may run, and what is worth knowing about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedPlan {
    pub plan: LockPlan,
    pub warnings: Vec<String>,
    /// The worst, as many as are kept with the site: where nothing is mirrored, each pattern is one of each caller.
    pub leaks: Vec<Leak>,
    /// How many were found besides.
    #[serde(default)]
    pub more_leaks: usize,
    /// Protected numbers that get through from every phone, normally, locked and in between, as the plan was last read.
    #[serde(default)]
    pub from_every_phone: Vec<String>,
    #[serde(default)]
    pub devices: Concerned,
    /// Otherwise each calling search space stood for a caller, and nothing is proved for anybody.
    #[serde(default)]
    pub callers_read: bool,
    /// Not every way could be followed, or something was not read: there may be more ways past the lock.
    #[serde(default)]
    pub unfinished: bool,
}

/// Devices that a check found something about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concerned {
    /// Behind ways past the lock; of calls that CUCM makes by itself the numbers that are forwarded.
    pub leaking: usize,
    /// Phones from which a protected number gets nowhere, normally or locked, although it does from others.
    pub without_emergency: usize,
}

/// Leaks that are remembered with a plan; a check tells all of them.
const KEPT: usize = 100;

impl CheckedPlan {
    pub fn count_leaks(&self) -> usize {
        self.leaks.len() + self.more_leaks
    }

    /// Of the leaks that were found, the first.
    pub fn keep(&mut self, leaks: &[Leak]) {
        self.leaks = leaks.iter().take(KEPT).cloned().collect();
        self.more_leaks = leaks.len() - self.leaks.len();
        let callers: BTreeMap<&str, usize> = leaks.iter().map(|leak| (leak.caller.as_str(), leak.count)).collect();
        self.devices.leaking = callers.values().sum();
    }
}

/// What a check found: whether the plan may run, and who can call where. The second stands also where the plan is refused.
#[derive(Debug, Clone)]
pub struct Checked {
    pub verdict: Result<CheckedPlan, Vec<Violation>>,
    /// Also of a plan that is refused.
    pub warnings: Vec<String>,
    /// None where the steps of the plan are not in CUCM: then nobody knows what a lock would do.
    pub reach: Option<Reach>,
}

const NOT_JUDGED: &str = "Who can call where when locked was not judged: the plan names objects that are not in CUCM.";

/// Who can call where, normal and locked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    pub callers: Vec<CallerReach>,
    pub leaks: Vec<Leak>,
    /// What no analysis of a dial plan can say.
    pub limits: Vec<String>,
    /// Otherwise each calling search space stands for a caller.
    pub callers_read: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerReach {
    pub caller: Caller,
    /// Searched first stands first.
    pub partitions: Vec<String>,
    pub emergency: Vec<EmergencyReach>,
    pub pstn: Pstn,
}

/// Whether the plan may run against `dial_plan`.
///
/// # Errors
/// Everything that is wrong with the plan, not only the first thing.
pub fn check(text: &PlanText, dial_plan: &DialPlan) -> Result<CheckedPlan, Vec<Violation>> {
    judge(text, dial_plan).verdict
}

/// Freezes the plan against `dial_plan`, proves what can be proved, and says who can call where.
pub fn judge(text: &PlanText, dial_plan: &DialPlan) -> Checked {
    judge_until(text, dial_plan, &AtomicBool::new(false))
        .unwrap_or_else(|_: Cancelled| unreachable!("nobody cancels it"))
}

/// Nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

/// As [`judge`], until `cancelled` is set: a caller is looked at to the end, and no other after that.
///
/// # Errors
/// When it was cancelled.
pub fn judge_until(text: &PlanText, dial_plan: &DialPlan, cancelled: &AtomicBool) -> Result<Checked, Cancelled> {
    let mut violations = check_text(text);
    let plan = match text.freeze(dial_plan) {
        Ok(plan) => plan,
        Err(errors) => {
            violations.extend(errors.into_iter().map(Violation::from));
            return Ok(Checked { verdict: Err(violations), warnings: vec![NOT_JUDGED.into()], reach: None });
        }
    };
    let mut forms = dialled_forms(text, dial_plan);
    // Read while locked, a form may lead to the EOC.
    forms.extend(dialled_forms(text, &plan.applied_to(dial_plan, Target::Normal)));
    violations.extend(objects(text, &plan, dial_plan, &forms));
    let callers = dial_plan.callers();
    let mut everybody = callers.clone();
    everybody.extend(dial_plan.unused_spaces());
    let emergency = emergency::prove(&plan, dial_plan, &everybody, &forms, cancelled)?;
    violations.extend(emergency.violations);
    violations.extend(emergency::unproven(&plan, dial_plan, &everybody, &forms));
    violations.dedup();
    let found = leaks::find(text, &plan, dial_plan, &everybody, (&forms, cancelled))?;
    let mut warnings = warnings(text, &plan, dial_plan);
    warnings.extend(emergency::warnings(text, &forms, &callers, &emergency.reached));
    let open = DigitAnalysis::new(dial_plan, &Hours::All);
    let unfinished = !found.unfinished.is_empty() || unread::hides_ways(&open, dial_plan);
    warnings.extend(counted(
        found.unfinished,
        "Callers from which not every way could be followed",
        "There may be more ways past the lock from them",
    ));
    warnings.extend(counted(
        found.cut.iter().map(caller_in_words).collect(),
        "Callers from which very many ways lead past the lock",
        &format!("The first {} of each are listed", leaks::LISTED),
    ));
    let from_every_phone = if unread::proves_emergency(&open, &plan, dial_plan) {
        emergency::from_every_phone(text, &callers, &emergency.reached)
    } else {
        Vec::new()
    };
    let without_emergency = emergency::devices_without(text, &forms, &callers, &emergency.reached);
    let mut accepted = CheckedPlan {
        plan,
        warnings: warnings.clone(),
        leaks: Vec::new(),
        more_leaks: 0,
        from_every_phone,
        devices: Concerned { leaking: 0, without_emergency },
        callers_read: dial_plan.callers_read(),
        unfinished,
    };
    accepted.keep(&found.leaks);
    let each = callers.into_iter().zip(emergency.reached).zip(found.pstn);
    let reach = Reach {
        callers: each.map(|((caller, reached), pstn)| caller_reach(text, dial_plan, caller, reached, pstn)).collect(),
        leaks: found.leaks,
        limits: unread::limits(dial_plan),
        callers_read: dial_plan.callers_read(),
    };
    let verdict = if violations.is_empty() { Ok(accepted) } else { Err(violations) };
    Ok(Checked { verdict, warnings, reach: Some(reach) })
}

fn unless(cancelled: &AtomicBool) -> Result<(), Cancelled> {
    if cancelled.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
}

/// A form that is not in the plan's list is told where it leads anywhere.
fn caller_reach(
    text: &PlanText,
    dial_plan: &DialPlan,
    caller: Caller,
    mut emergency: Vec<EmergencyReach>,
    pstn: Pstn,
) -> CallerReach {
    emergency.retain(|one| one.normal.is_answered() || text.protected_numbers.contains(&one.number));
    let mut partitions: Vec<String> = Vec::new();
    for member in caller.spaces().into_iter().filter_map(|name| dial_plan.css(name)).flat_map(|css| &css.members) {
        if !partitions.contains(member) {
            partitions.push(member.clone());
        }
    }
    CallerReach { caller, partitions, emergency, pstn }
}

/// What the plan may not touch, and values that lead nowhere.
fn objects(text: &PlanText, plan: &LockPlan, dial_plan: &DialPlan, forms: &BTreeSet<String>) -> Vec<Violation> {
    let flagged = flagged_emergency(dial_plan);
    let objects = plan.steps.iter().map(Step::object);
    let mut violations: Vec<Violation> =
        objects.flat_map(|object| forbidden_object(text, &flagged, forms, object)).collect();
    let same = plan.steps.iter().filter(|step| step.value(Target::Normal) == step.value(Target::Locked));
    violations.extend(same.map(|step| Violation::SameValue { object: step.object().to_string() }));
    violations.extend(pilot_is_missing(text, dial_plan));
    violations.extend(text.violations(dial_plan));
    violations.extend(plan.steps.iter().filter_map(unreadable));
    violations
}

fn warnings(text: &PlanText, plan: &LockPlan, dial_plan: &DialPlan) -> Vec<String> {
    let normal = plan.applied_to(dial_plan, Target::Normal);
    let mut warnings: Vec<String> = unread::callers_not_read(dial_plan).into_iter().collect();
    warnings.extend(unread::schedules(dial_plan));
    warnings.extend(unread::originators(&[dial_plan, &normal, &plan.applied_to(dial_plan, Target::Locked)]));
    warnings.extend(unread::unread(&DigitAnalysis::new(&normal, &Hours::All), dial_plan));
    warnings.extend(unread::orders(plan));
    warnings.extend(unread::dead_ends(dial_plan));
    warnings.extend(unread::astray(text, plan, dial_plan));
    warnings
}

/// What can be refused by reading the plan alone, with CUCM away.
pub fn check_text(text: &PlanText) -> Vec<Violation> {
    let mut violations = Vec::new();
    if text.steps.is_empty() {
        violations.push(Violation::NoSteps);
    }
    if text.protected_numbers.is_empty() {
        violations.push(Violation::NothingProtected);
    }
    violations.extend(text.protected_numbers.iter().filter_map(|number| {
        let digits = number.strip_prefix('+').unwrap_or(number);
        let fits = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#');
        (!fits).then(|| Violation::NoNumber { number: number.clone() })
    }));
    violations.extend(text.steps.iter().flat_map(|step| forbidden_text(text, step)));
    violations
}

fn forbidden_text(text: &PlanText, step: &StepText) -> Vec<Violation> {
    let pattern = step.text().pattern();
    let partition = step.text().partition();
    let Some(partition) = partition else { return Vec::new() };
    let object = pattern.map_or_else(|| partition.to_owned(), |pattern| place(pattern, Some(partition)));
    forbidden(text, &object, pattern, partition, &text.protected_numbers)
}

fn forbidden<'n>(
    text: &PlanText,
    object: &str,
    pattern: Option<&str>,
    partition: &str,
    numbers: impl IntoIterator<Item = &'n String>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    if text.protected_partitions.iter().any(|p| p == partition) {
        violations.push(Violation::ProtectedPartition { object: object.into(), partition: partition.into() });
    }
    if pattern.is_some_and(|pattern| text.eoc_pilot.is(pattern, Some(partition))) {
        violations.push(Violation::EocPilot { object: object.into() });
    }
    let parsed = pattern.and_then(|p| Pattern::parse(p).ok());
    let number = numbers.into_iter().find(|n| parsed.as_ref().is_some_and(|p| p.closeness(n) == Some(1)));
    if let Some(number) = number {
        violations.push(Violation::EmergencyNumber { object: object.into(), number: number.clone() });
    }
    violations
}

/// Patterns that CUCM itself calls those of emergency numbers.
fn flagged_emergency(dial_plan: &DialPlan) -> HashSet<&Uuid> {
    let routes = dial_plan.route_patterns.iter().filter(|p| p.emergency).map(|p| &p.uuid);
    routes.chain(dial_plan.translation_patterns.iter().filter(|p| p.emergency).map(|p| &p.uuid)).collect()
}

fn forbidden_object(
    text: &PlanText,
    flagged: &HashSet<&Uuid>,
    forms: &BTreeSet<String>,
    object: &dyn Object,
) -> Vec<Violation> {
    let name = object.to_string();
    let mut violations = object
        .partition()
        .map(|partition| forbidden(text, &name, object.pattern(), partition, forms))
        .unwrap_or_default();
    if flagged.contains(object.uuid()) {
        violations.push(Violation::EmergencyFlag { object: name });
    }
    violations
}

fn pilot_is_missing(text: &PlanText, dial_plan: &DialPlan) -> Option<Violation> {
    let pilot = &text.eoc_pilot;
    let answers = |e: &Endpoint| !matches!(e.kind, EndpointKind::Feature(_));
    let is_pilot = |e: &&Endpoint| answers(e) && pilot.is(&e.pattern, e.partition.as_deref());
    let name = || place(&pilot.pattern, Some(&pilot.partition));
    match dial_plan.endpoints.iter().find(is_pilot) {
        None => Some(Violation::NoPilot { pilot: name() }),
        Some(found) if found.dead => Some(Violation::DeadPilot { pilot: name() }),
        Some(_) => None,
    }
}

/// An empty pattern takes no digits, and is judged by itself.
fn unreadable(step: &Step) -> Option<Violation> {
    let error = Pattern::parse(step.object().pattern().filter(|pattern| !pattern.is_empty())?).err()?;
    Some(Violation::Unreadable { object: step.object().to_string(), why: error.to_string() })
}

/// Patterns that "all of a partition" selects although they are blocked in normal times: asked before
/// anything was ever ordered.
pub fn blocked_already(text: &PlanText, dial_plan: &DialPlan) -> Vec<Violation> {
    text.blocked_already(dial_plan).into_iter().map(|object| Violation::BlockedAlready { object }).collect()
}

#[cfg(test)]
mod tests;
