//! What a plan may never do. A plan that could keep somebody from an emergency number is refused,
//! and told what is missing.

use crate::dial_plan::{Destination, DialPlan, Discard, place};
use crate::pattern::Pattern;
use crate::plan::{FreezeError, LockPlan, Patterns, PlanText, StepText};
use crate::reach::{Dialling, DigitAnalysis, End, Route, Wanted};
use crate::step::{Found, Object, StepValue, Target};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// CUCM keeps the joined partition names of a calling search space in a field of this length.
/// Source: AXL schema, `clause` of `RCss`.
const MAX_CSS_CLAUSE: usize = 1024;

/// A plan that may run, and what is worth knowing about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedPlan {
    pub plan: LockPlan,
    pub warnings: Vec<String>,
    pub leaks: Vec<Leak>,
}

/// A way past the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    pub css: String,
    /// The pattern the call leaves (or comes in) by, as `pattern in partition`.
    pub pattern: String,
    /// Digits that show it.
    pub example: String,
    /// Every pattern on the way.
    pub path: Vec<String>,
    pub direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// Why a plan is refused. Every text says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    #[error("The plan has no steps. Add at least one [[site.step]].")]
    NoSteps,
    #[error("The plan protects no number. List the emergency numbers in protected_numbers.")]
    NothingProtected,
    #[error(
        "{number} in protected_numbers is no number. Write it as it is dialled: digits, * and # only, + in front if need be."
    )]
    NoNumber { number: String },
    #[error("{object} is in the protected partition {partition}. Take the step out of the plan.")]
    ProtectedPartition { object: String, partition: String },
    #[error("{object} is the EOC pilot itself. Take the step out of the plan: calls must reach the EOC.")]
    EocPilot { object: String },
    #[error("{object} is flagged as an emergency services number in CUCM. Take the step out of the plan.")]
    EmergencyFlag { object: String },
    #[error("{object} is the emergency number {number}. Take the step out of the plan.")]
    EmergencyNumber { object: String, number: String },
    #[error(
        "{object} goes straight to gateway {gateway}: writing it may reset the gateway and drop calls. Give it a route list, or set acknowledge_gateway = true on the step."
    )]
    Gateway { object: String, gateway: String },
    #[error("{object} has the same value when normal and when locked. Correct the step.")]
    SameValue { object: String },
    #[error("{css} would hold {length} characters of partition names; CUCM keeps 1024. Shorten the list.")]
    CssTooLong { css: String, length: usize },
    #[error(
        "The EOC pilot {pilot} is neither a hunt pilot nor a directory number in CUCM. Correct eoc_pilot, or create it."
    )]
    NoPilot { pilot: String },
    #[error("{what} is not in CUCM, so {object} could not be switched. Create it there, or correct the step.")]
    UnknownName { object: String, what: String },
    #[error(
        "{object} is the schedule of the EOC pilot's own partition: calls must reach the EOC. Take the step out of the plan."
    )]
    PilotPartition { object: String },
    #[error("{object} cannot be judged: {why}. Take the step out of the plan, or write the pattern another way.")]
    Unreadable { object: String, why: String },
    #[error(
        "{digits} dialled from {css} could be taken by {object}, and no route of its own is found. Add a pattern for exactly {digits} in a protected partition that {css} searches."
    )]
    Unproven { digits: String, css: String, object: String },
    #[error(
        "{object} is blocked although nothing is locked: the first all-clear would open it. Name it in `except`, or take the step out of the plan."
    )]
    BlockedAlready { object: String },
    #[error(
        "{digits} dialled from {css} ({dialling}) would no longer take its own way when locked: normally {normal}, then {locked}. Add a pattern for exactly {digits} in a protected partition that {css} searches, or narrow the step's pattern."
    )]
    Diverted { digits: String, css: String, dialling: &'static str, normal: String, locked: String },
}

/// Freezes the plan against `dial_plan` and proves what can be proved.
///
/// # Errors
/// Everything that is wrong with the plan, not only the first thing.
pub fn check(text: &PlanText, dial_plan: &DialPlan) -> Result<CheckedPlan, Vec<Violation>> {
    let mut violations = check_text(text);
    let plan = match text.freeze(dial_plan) {
        Ok(plan) => plan,
        Err(errors) => {
            violations.extend(errors.into_iter().map(Violation::from));
            return Err(violations);
        }
    };
    let forms = dialled_forms(text, dial_plan);
    violations.extend(plan.steps.iter().flat_map(|step| forbidden_object(text, dial_plan, &forms, &step.object)));
    let same = plan.steps.iter().filter(|step| step.normal == step.locked);
    violations.extend(same.map(|step| Violation::SameValue { object: step.object.to_string() }));
    violations.extend(plan.steps.iter().filter_map(too_long));
    if !has_pilot(text, dial_plan) {
        let pilot = place(&text.eoc_pilot.pattern, Some(&text.eoc_pilot.partition));
        violations.push(Violation::NoPilot { pilot });
    }
    violations.extend(plan.steps.iter().flat_map(|step| dead_end(text, dial_plan, step)));
    violations.extend(diverted(&plan, dial_plan, &forms));
    violations.extend(unproven(&plan, dial_plan, &forms));
    if violations.is_empty() {
        let (leaks, unfinished) = leaks(text, &plan, dial_plan, &forms);
        let mut warnings = warnings(text, &plan, dial_plan, &forms);
        warnings.extend(counted(
            unfinished,
            "Calling search spaces from which not every way could be followed",
            "There may be more ways past the lock from them",
        ));
        Ok(CheckedPlan { plan, warnings, leaks })
    } else {
        violations.dedup();
        Err(violations)
    }
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
    let (pattern, partition) = match step {
        StepText::PartitionSchedule { partition, .. } => (None, partition),
        StepText::RoutePatternBlock { patterns, partition, .. }
        | StepText::TransPatternBlock { patterns, partition, .. } => match patterns {
            Patterns::One(one) => (Some(one), partition),
            Patterns::AllExcept(_) => (None, partition),
        },
        StepText::TransPatternSet { pattern, partition, .. } => (Some(pattern), partition),
        StepText::CssMembers { .. } => return Vec::new(),
    };
    let object = pattern.map_or_else(|| partition.clone(), |p| place(p, Some(partition)));
    forbidden(text, &object, pattern.map(String::as_str), partition, &text.protected_numbers)
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
    if pattern == Some(&text.eoc_pilot.pattern) && partition == text.eoc_pilot.partition {
        violations.push(Violation::EocPilot { object: object.into() });
    }
    let parsed = pattern.and_then(|p| Pattern::parse(p).ok());
    let number = numbers.into_iter().find(|n| parsed.as_ref().is_some_and(|p| p.closeness(n) == Some(1)));
    if let Some(number) = number {
        violations.push(Violation::EmergencyNumber { object: object.into(), number: number.clone() });
    }
    violations
}

fn forbidden_object(
    text: &PlanText,
    dial_plan: &DialPlan,
    forms: &BTreeSet<String>,
    object: &Object,
) -> Vec<Violation> {
    let name = object.to_string();
    let mut violations = object
        .partition()
        .map(|partition| forbidden(text, &name, object.pattern(), partition, forms))
        .unwrap_or_default();
    let route = dial_plan.route_patterns.iter().find(|p| p.uuid == *object.uuid());
    let translation = dial_plan.translation_patterns.iter().find(|p| p.uuid == *object.uuid());
    if route.is_some_and(|p| p.emergency) || translation.is_some_and(|p| p.emergency) {
        violations.push(Violation::EmergencyFlag { object: name.clone() });
    }
    if let Some(Destination::Gateway(gateway)) = route.map(|p| &p.destination)
        && !acknowledged(text, object)
    {
        violations.push(Violation::Gateway { object: name, gateway: gateway.clone() });
    }
    violations
}

/// Does the step this object comes from say `acknowledge_gateway = true`?
fn acknowledged(text: &PlanText, object: &Object) -> bool {
    text.steps.iter().any(|step| match step {
        StepText::RoutePatternBlock { patterns, partition, acknowledge_gateway: true, .. } => {
            object.partition() == Some(partition)
                && match patterns {
                    Patterns::One(one) => object.pattern() == Some(one),
                    Patterns::AllExcept(except) => object.pattern().is_some_and(|p| !except.iter().any(|e| e == p)),
                }
        }
        _ => false,
    })
}

fn too_long(step: &crate::step::Step) -> Option<Violation> {
    let Object::CssMembers { css, .. } = &step.object else { return None };
    [&step.normal, &step.locked].into_iter().find_map(|value| match value {
        StepValue::Members(names) => {
            let length = names.join(":").len();
            (length > MAX_CSS_CLAUSE).then(|| Violation::CssTooLong { css: css.clone(), length })
        }
        _ => None,
    })
}

fn has_pilot(text: &PlanText, dial_plan: &DialPlan) -> bool {
    let pilot = &text.eoc_pilot;
    dial_plan.endpoints.iter().any(|e| e.pattern == pilot.pattern && e.partition.as_ref() == Some(&pilot.partition))
}

/// Every way a protected number may be dialled: as listed, and behind each access code that the
/// dial plan itself uses (`9.`, `0.`, …), but never behind two.
pub fn dialled_forms(text: &PlanText, dial_plan: &DialPlan) -> BTreeSet<String> {
    let patterns = dial_plan
        .route_patterns
        .iter()
        .map(|p| &p.pattern)
        .chain(dial_plan.translation_patterns.iter().map(|p| &p.pattern));
    let codes: BTreeSet<String> = patterns
        .filter_map(|p| Pattern::parse(p).ok()?.access_code().map(str::to_owned))
        .filter(|code| code.len() <= 2)
        .collect();
    let listed = &text.protected_numbers;
    let bare = |number: &str| {
        !codes
            .iter()
            .any(|code| number.strip_prefix(code.as_str()).is_some_and(|rest| listed.iter().any(|n| n == rest)))
    };
    let mut forms: BTreeSet<String> = listed.iter().cloned().collect();
    // An access code written without a dot shows in a pattern that is such a number and nothing else.
    let literal = |p: &String| Pattern::parse(p).ok().map(|_| p.replace(['.', '\\'], ""));
    let patterns = dial_plan.route_patterns.iter().map(|p| &p.pattern);
    let patterns = patterns.chain(dial_plan.translation_patterns.iter().map(|p| &p.pattern));
    forms.extend(patterns.filter_map(literal).filter(|p| {
        listed.iter().any(|number| p.strip_suffix(number.as_str()).is_some_and(|code| code.len() <= 2))
            && p.chars().all(|c| c.is_ascii_digit() || c == '+')
    }));
    // Any one digit before the number counts as an access code where dialling that leads anywhere.
    let analysis = DigitAnalysis::new(dial_plan, true);
    let leads = |digits: &String| {
        dial_plan.calling_search_spaces.iter().any(|css| {
            [Dialling::EnBloc, Dialling::DigitByDigit]
                .into_iter()
                .any(|dialling| analysis.route(&css.name, digits, dialling).end != End::NoRoute)
        })
    };
    let behind_a_digit = listed
        .iter()
        .filter(|n| !n.starts_with('+') && bare(n))
        .flat_map(|number| ('0'..='9').map(move |code| format!("{code}{number}")));
    forms.extend(behind_a_digit.filter(leads));
    for number in listed.iter().filter(|n| !n.starts_with('+') && bare(n)) {
        forms.extend(codes.iter().map(|code| format!("{code}{number}")));
    }
    forms
}

/// Values that name what is not there, and the one partition that must stay.
fn dead_end(text: &PlanText, dial_plan: &DialPlan, step: &crate::step::Step) -> Vec<Violation> {
    let object = step.object.to_string();
    let mut violations = Vec::new();
    for value in [&step.normal, &step.locked] {
        let missing = match value {
            StepValue::Schedule(Some(name)) if !dial_plan.schedules.iter().any(|s| s.name == *name) => {
                Some(format!("time schedule {name}"))
            }
            StepValue::Redirect { css: Some(name), .. } if dial_plan.css(name).is_none() => {
                Some(format!("calling search space {name}"))
            }
            _ => None,
        };
        violations.extend(missing.map(|what| Violation::UnknownName { object: object.clone(), what }));
    }
    if matches!(&step.object, Object::PartitionSchedule { partition, .. } if *partition == text.eoc_pilot.partition) {
        violations.push(Violation::PilotPartition { object: object.clone() });
    }
    if let Some(Err(error)) = step.object.pattern().map(Pattern::parse) {
        violations.push(Violation::Unreadable { object, why: error.to_string() });
    }
    violations
}

/// `@` is read as the public numbering plan; CUCM's own may hold more. A step on such a pattern must
/// leave no form of a protected number behind its access code without a route of its own.
fn unproven(plan: &LockPlan, dial_plan: &DialPlan, forms: &BTreeSet<String>) -> Vec<Violation> {
    let normal = plan.applied_to(dial_plan, Target::Normal);
    let analysis = DigitAnalysis::new(&normal, true);
    let mut violations = Vec::new();
    for object in plan.steps.iter().map(|step| &step.object) {
        let Some((head, _)) = object.pattern().and_then(|pattern| pattern.split_once('@')) else { continue };
        let head = head.trim_end_matches('.');
        let partition = object.partition().unwrap_or_default();
        for css in dial_plan.calling_search_spaces.iter().filter(|css| css.members.iter().any(|m| m == partition)) {
            for digits in forms.iter().filter(|form| form.starts_with(head)) {
                if analysis.route(&css.name, digits, Dialling::EnBloc).end == End::NoRoute {
                    let (digits, css) = (digits.clone(), css.name.clone());
                    violations.push(Violation::Unproven { digits, css, object: object.to_string() });
                }
            }
        }
    }
    violations
}

/// Patterns that "all of a partition" selects although they are blocked in normal times: asked before
/// anything was ever ordered.
pub fn blocked_already(text: &PlanText, plan: &LockPlan, dial_plan: &DialPlan) -> Vec<Violation> {
    let by_all = |object: &Object| {
        text.steps.iter().any(|step| {
            matches!(step, StepText::RoutePatternBlock { patterns: Patterns::AllExcept(_), partition, .. }
                if object.partition() == Some(partition))
        })
    };
    let blocked = |object: &Object| dial_plan.route_patterns.iter().any(|p| p.uuid == *object.uuid() && p.blocked);
    let objects = plan.steps.iter().map(|step| &step.object).filter(|object| by_all(object) && blocked(object));
    objects.map(|object| Violation::BlockedAlready { object: object.to_string() }).collect()
}

/// Protected numbers that do not find their own way as it was read, when normal, or at some point
/// between normal and locked.
fn diverted(plan: &LockPlan, dial_plan: &DialPlan, forms: &BTreeSet<String>) -> Vec<Violation> {
    let normal = plan.applied_to(dial_plan, Target::Normal);
    let mut violations: Vec<Violation> = Vec::new();
    // Read while locked, what was read is no measure; then normal is compared with locked alone.
    let read_now = plan.steps.iter().all(|step| step.find_in(dial_plan) != Found::Value(step.locked.clone()));
    let mut states = states_on_the_way(plan, &normal);
    states.push(normal.clone());
    let base = DigitAnalysis::new(if read_now { dial_plan } else { &normal }, true);
    for state in states {
        let part_time = dial_plan.is_part_time() || state.is_part_time();
        for sometimes_active in [false, true].into_iter().filter(|active| *active || part_time) {
            let before = base.seen(sometimes_active);
            let after = base.in_state(&state, sometimes_active);
            for css in &dial_plan.calling_search_spaces {
                for digits in forms {
                    if let Some(violation) = compare(&before, &after, &css.name, digits)
                        && !violations.contains(&violation)
                    {
                        violations.push(violation);
                    }
                }
            }
        }
    }
    violations
}

/// The dial plan after each redirecting step, and when all is locked. Blocking steps only ever take
/// a way off, so the state with all of them stands for each.
fn states_on_the_way(plan: &LockPlan, normal: &DialPlan) -> Vec<DialPlan> {
    let mut state = normal.clone();
    let mut states = Vec::new();
    for step in &plan.steps {
        step.put_into(&mut state, &step.locked);
        if !matches!(step.locked, StepValue::Blocked(_)) {
            states.push(state.clone());
        }
    }
    states.push(state);
    states
}

fn compare(before: &DigitAnalysis<'_>, after: &DigitAnalysis<'_>, css: &str, digits: &str) -> Option<Violation> {
    [(Dialling::EnBloc, "all at once"), (Dialling::DigitByDigit, "digit by digit")].into_iter().find_map(
        |(dialling, words)| {
            let (normal, locked) = (before.route(css, digits, dialling), after.route(css, digits, dialling));
            let understood = !matches!(locked.end, End::NotUnderstood { .. } | End::Loop);
            (normal != locked || !understood).then(|| Violation::Diverted {
                digits: digits.to_owned(),
                css: css.to_owned(),
                dialling: words,
                normal: in_words(&normal),
                locked: in_words(&locked),
            })
        },
    )
}

/// A route as a telecom engineer would say it.
pub fn in_words(route: &Route) -> String {
    let end = match &route.end {
        End::Pstn { digits, .. } => format!("to the PSTN as {digits}"),
        End::Inside { pattern, partition, .. } => format!("to {}", place(pattern, partition.as_deref())),
        End::Blocked { .. } => "blocked".into(),
        End::NoRoute => "no route".into(),
        End::Loop => "in circles".into(),
        End::NotUnderstood { what, .. } => format!("not understood: {what}"),
    };
    if route.path.is_empty() { end } else { format!("{end} by {}", route.path.join(" → ")) }
}

/// Every path that still reaches the PSTN, or comes in past the EOC, when locked.
/// Besides, the calling search spaces from which there may be more.
fn leaks(text: &PlanText, plan: &LockPlan, dial_plan: &DialPlan, forms: &BTreeSet<String>) -> (Vec<Leak>, Vec<String>) {
    let locked = plan.applied_to(dial_plan, Target::Locked);
    let analyses = [true, false].into_iter().filter(|seen| *seen || locked.is_part_time());
    let open = DigitAnalysis::new(&locked, true);
    let analyses: Vec<DigitAnalysis<'_>> = analyses.map(|seen| open.seen(seen)).collect();
    let watched = locked.calling_search_spaces.iter().filter(|css| !text.eoc_css.contains(&css.name));
    let (mut leaks, mut unfinished) = (Vec::new(), Vec::new());
    for css in watched {
        let mut found: Vec<Leak> = Vec::new();
        for analysis in &analyses {
            let (more, complete) = leaks_from(text, analysis, &css.name, forms);
            found.extend(
                more.into_iter()
                    .filter(|leak| !found.iter().any(|known| known.pattern == leak.pattern))
                    .collect::<Vec<_>>(),
            );
            unfinished.extend((!complete && !unfinished.contains(&css.name)).then(|| css.name.clone()));
        }
        leaks.extend(found);
    }
    (leaks, unfinished)
}

fn leaks_from(text: &PlanText, analysis: &DigitAnalysis<'_>, css: &str, forms: &BTreeSet<String>) -> (Vec<Leak>, bool) {
    let inbound = text.inbound_css.iter().any(|name| name == css);
    let wanted = Wanted { inside: inbound, but: forms, but_partitions: &text.protected_partitions };
    let ways = analysis.ways(css, &wanted);
    let mut found: Vec<Leak> = Vec::new();
    // A dispatcher's call back to an emergency caller, and all else that is protected on its way, is not asked for.
    for (example, route) in ways.found {
        let Some((pattern, direction)) = leaked(text, &route.end, inbound) else { continue };
        if !found.iter().any(|leak| leak.pattern == pattern) {
            found.push(Leak { css: css.into(), pattern, example, path: route.path, direction });
        }
    }
    (found, ways.complete)
}

fn leaked(text: &PlanText, end: &End, inbound: bool) -> Option<(String, Direction)> {
    match end {
        End::Pstn { pattern, partition, .. } => Some((place(pattern, partition.as_deref()), Direction::Outbound)),
        End::Inside { pattern, partition, .. } if inbound => {
            let pilot = &text.eoc_pilot;
            let at_eoc = *pattern == pilot.pattern && partition.as_ref() == Some(&pilot.partition);
            (!at_eoc).then(|| (place(pattern, partition.as_deref()), Direction::Inbound))
        }
        // It goes out all the same; only its digits are not known.
        End::NotUnderstood { leaves_by: Some(pattern), .. } => Some((pattern.clone(), Direction::Outbound)),
        _ => None,
    }
}

/// Redirects that lead callers anywhere but to the EOC: a mistyped mask, a space without the pilot.
fn astray(text: &PlanText, plan: &LockPlan, dial_plan: &DialPlan) -> Vec<String> {
    let locked = plan.applied_to(dial_plan, Target::Locked);
    let analysis = DigitAnalysis::new(&locked, true);
    let switched = |partition: Option<&str>| {
        plan.steps
            .iter()
            .any(|step| matches!(step.object, Object::PartitionSchedule { .. }) && step.object.partition() == partition)
    };
    let at_pilot = |end: &End| {
        matches!(end, End::Inside { pattern, partition, .. }
            if *pattern == text.eoc_pilot.pattern && partition.as_ref() == Some(&text.eoc_pilot.partition))
    };
    let redirects = locked.translation_patterns.iter().filter(|t| switched(t.partition.as_deref()));
    redirects
        .filter_map(|t| {
            // A mask with an X sends different calls to different places: nothing to hold it to.
            let mask = t.change.mask.as_ref().filter(|mask| !mask.contains(['X', 'x']))?;
            let digits = format!("{}{mask}", t.change.prefix.as_deref().unwrap_or_default());
            let route = analysis.route(t.css.as_deref().unwrap_or_default(), &digits, Dialling::EnBloc);
            let name = place(&t.pattern, t.partition.as_deref());
            (!at_pilot(&route.end)).then(|| format!("{name} redirects to {}, not to the EOC pilot.", in_words(&route)))
        })
        .collect()
}

/// Patterns that one warning names; more would be no sentence.
const NAMED: usize = 5;

/// What the analysis does not understand, with the number of patterns.
fn unread(analysis: &DigitAnalysis<'_>, dial_plan: &DialPlan) -> Vec<String> {
    let odd = analysis.unreadable.iter().filter(|error| !error.pattern.is_empty());
    let odd = odd.map(|error| format!("“{}” ({})", error.pattern, error.why)).collect();
    let place_of = |pattern: &str, partition: Option<&String>| place(pattern, partition.map(String::as_str));
    let routes = dial_plan.route_patterns.iter().map(|p| (&p.pattern, &p.partition, &p.change));
    let translations = dial_plan.translation_patterns.iter().map(|p| (&p.pattern, &p.partition, &p.change));
    let all = routes.clone().chain(translations);
    let empty = all.clone().filter(|(pattern, ..)| pattern.is_empty());
    let empty = empty.map(|(_, partition, _)| place_of("an empty pattern", partition.as_ref())).collect();
    let others = all.filter_map(|(pattern, partition, change)| match &change.discard {
        Discard::Other(name) => Some(format!("{} ({name})", place_of(pattern, partition.as_ref()))),
        _ => None,
    });
    let wide = routes.filter(|(pattern, ..)| pattern.contains('@'));
    let wide = wide.map(|(pattern, partition, _)| place_of(pattern, partition.as_ref())).collect();
    [
        counted(
            dial_plan.gone.clone(),
            "Deleted while the plan was read",
            "The findings below describe the plan without them",
        ),
        counted(odd, "Patterns that cannot be read", "Nothing is claimed about calls they take"),
        counted(
            empty,
            "Patterns that are empty (PLAR: a phone rings when it is lifted)",
            "Nothing is claimed about those calls",
        ),
        counted(
            others.collect(),
            "Patterns that discard digits in a way that is not understood here",
            "Calls that leave by them count as ways past the lock; nothing is claimed about calls they translate",
        ),
        counted(
            wide,
            "Patterns that stand for CUCM's numbering plan",
            "It takes more than is tried here: carrier codes such as 101XXXX, operator-assisted 01 calls, 1411",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `Patterns that cannot be read: 3 (a, b, c). Nothing is claimed …`
fn counted(mut found: Vec<String>, what: &str, then: &str) -> Option<String> {
    let count = found.len();
    found.sort();
    found.dedup();
    found.truncate(NAMED);
    (count > 0).then(|| format!("{what}: {count} ({}). {then}.", found.join(", ")))
}

fn warnings(text: &PlanText, plan: &LockPlan, dial_plan: &DialPlan, forms: &BTreeSet<String>) -> Vec<String> {
    let normal = plan.applied_to(dial_plan, Target::Normal);
    let analysis = DigitAnalysis::new(&normal, true);
    let mut warnings = unread(&analysis, dial_plan);
    warnings.extend(astray(text, plan, dial_plan));
    for number in text.protected_numbers.iter().filter(|number| forms.contains(*number)) {
        let reached = dial_plan
            .calling_search_spaces
            .iter()
            .any(|css| !matches!(analysis.route(&css.name, number, Dialling::EnBloc).end, End::NoRoute));
        if !reached {
            warnings.push(format!("{number} is protected, but no calling search space has a route for it."));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial_plan::{
        Activity, CallingSearchSpace, DigitChange, Discard, Endpoint, EndpointKind, Partition, RoutePattern,
        TimeSchedule, TranslationPattern,
    };
    use crate::ids::{SiteId, Uuid};
    use crate::plan::{Patterns, Pilot};
    use crate::step::Group;

    fn route(pattern: &str, partition: &str) -> RoutePattern {
        RoutePattern {
            uuid: Uuid::from(format!("{pattern}@{partition}")),
            pattern: pattern.into(),
            partition: Some(partition.into()),
            blocked: false,
            urgent: false,
            change: DigitChange::default(),
            emergency: false,
            destination: Destination::RouteList("RL".into()),
        }
    }

    fn mirror(pattern: &str) -> TranslationPattern {
        TranslationPattern {
            uuid: Uuid::from(format!("mirror {pattern}")),
            pattern: pattern.into(),
            partition: Some("LOCK".into()),
            blocked: false,
            urgent: true,
            change: DigitChange { mask: Some("5911".into()), ..DigitChange::default() },
            css: Some("TO-EOC".into()),
            use_originator_css: false,
            emergency: false,
        }
    }

    fn dial_plan() -> DialPlan {
        let partition = |name: &str, schedule: Option<&str>| Partition {
            uuid: Uuid::from(name),
            name: name.into(),
            schedule: schedule.map(str::to_owned),
        };
        let css = |name: &str, members: &[&str]| CallingSearchSpace {
            uuid: Uuid::from(name),
            name: name.into(),
            members: members.iter().map(|m| (*m).into()).collect(),
        };
        DialPlan {
            partitions: vec![
                partition("LOCK", Some("TS-NEVER")),
                partition("911", None),
                partition("PSTN", None),
                partition("EOC", None),
            ],
            schedules: vec![TimeSchedule { name: "TS-NEVER".into(), active: Activity::Never }],
            calling_search_spaces: vec![css("PHONE", &["LOCK", "911", "PSTN"]), css("TO-EOC", &["EOC"])],
            route_patterns: vec![route("911", "911"), route("9.911", "911"), route("9.[2-9]XXXXXX", "PSTN")],
            translation_patterns: vec![mirror("9.[2-9]XXXXXX")],
            endpoints: vec![Endpoint {
                pattern: "5911".into(),
                partition: Some("EOC".into()),
                kind: EndpointKind::HuntPilot,
            }],
            gone: vec![],
        }
    }

    fn schedule_step() -> StepText {
        StepText::PartitionSchedule {
            group: Group::OutboundRedirect,
            partition: "LOCK".into(),
            normal: Some("TS-NEVER".into()),
            locked: None,
        }
    }

    fn block(pattern: &str, partition: &str) -> StepText {
        StepText::RoutePatternBlock {
            group: Group::OutboundBlock,
            patterns: Patterns::One(pattern.into()),
            partition: partition.into(),
            acknowledge_gateway: false,
        }
    }

    fn text(steps: Vec<StepText>) -> PlanText {
        PlanText {
            site: SiteId::try_from("s").unwrap(),
            eoc_pilot: Pilot { pattern: "5911".into(), partition: "EOC".into() },
            protected_numbers: vec!["911".into(), "9911".into()],
            protected_partitions: vec!["911".into()],
            eoc_css: vec![],
            inbound_css: vec![],
            steps,
        }
    }

    fn refused(text: &PlanText, plan: &DialPlan) -> String {
        let violations = check(text, plan).expect_err("the plan is refused");
        violations.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn a_sound_plan_passes_without_leaks() {
        let checked = check(&text(vec![schedule_step(), block("9.[2-9]XXXXXX", "PSTN")]), &dial_plan()).unwrap();
        assert_eq!((checked.plan.steps.len(), checked.leaks, checked.warnings), (2, vec![], vec![]));
    }

    #[test]
    fn an_emergency_number_in_any_dialled_form_cannot_be_a_step() {
        let mut plan = dial_plan();
        plan.route_patterns.push(route("0.911", "PSTN"));
        plan.route_patterns.push(route("9.9[1]1", "PSTN"));
        for pattern in ["0.911", "9.9[1]1"] {
            assert!(
                refused(&text(vec![block(pattern, "PSTN")]), &plan).contains("is the emergency number"),
                "{pattern}"
            );
        }
        assert!(refused(&text(vec![block("911", "911")]), &plan).contains("protected partition"));
    }

    #[test]
    fn a_flagged_pattern_a_gateway_and_the_pilot_cannot_be_steps() {
        let mut plan = dial_plan();
        plan.route_patterns[2].emergency = true;
        assert!(refused(&text(vec![block("9.[2-9]XXXXXX", "PSTN")]), &plan).contains("flagged"));
        let mut plan = dial_plan();
        plan.route_patterns[2].destination = Destination::Gateway("GW-1".into());
        assert!(refused(&text(vec![block("9.[2-9]XXXXXX", "PSTN")]), &plan).contains("gateway GW-1"));
        let mut pilot = text(vec![block("5911", "EOC")]);
        pilot.protected_partitions.clear();
        plan.route_patterns.push(route("5911", "EOC"));
        assert!(refused(&pilot, &plan).contains("EOC pilot itself"));
    }

    #[test]
    fn an_acknowledged_gateway_is_accepted() {
        let mut plan = dial_plan();
        plan.route_patterns[2].destination = Destination::Gateway("GW-1".into());
        let mut step = block("9.[2-9]XXXXXX", "PSTN");
        if let StepText::RoutePatternBlock { acknowledge_gateway, .. } = &mut step {
            *acknowledge_gateway = true;
        }
        assert!(check(&text(vec![step]), &plan).is_ok());
    }

    #[test]
    fn a_wide_block_is_accepted_only_while_emergency_numbers_have_their_own_route() {
        let mut plan = dial_plan();
        plan.route_patterns[2].pattern = "9.!".into();
        assert!(check(&text(vec![block("9.!", "PSTN")]), &plan).is_ok());
        plan.route_patterns.remove(1);
        let why = refused(&text(vec![block("9.!", "PSTN")]), &plan);
        assert!(why.contains("9911 dialled from PHONE") && why.contains("Add a pattern"), "{why}");
    }

    #[test]
    fn an_urgent_wide_redirect_that_swallows_911_is_refused() {
        let mut plan = dial_plan();
        plan.translation_patterns = vec![mirror("9.!")];
        let why = refused(&text(vec![schedule_step()]), &plan);
        assert!(why.contains("digit by digit"), "{why}");
    }

    #[test]
    fn a_number_that_would_be_caught_half_way_is_refused() {
        let mut plan = dial_plan();
        plan.translation_patterns.push(mirror("911"));
        let undo = StepText::TransPatternBlock {
            group: Group::OutboundBlock,
            patterns: Patterns::One("9.[2-9]XXXXXX".into()),
            partition: "LOCK".into(),
        };
        assert!(refused(&text(vec![schedule_step(), undo]), &plan).contains("911 dialled from PHONE"));
    }

    #[test]
    fn a_missing_object_is_named_with_its_step() {
        let why = refused(&text(vec![schedule_step(), block("9.X", "PSTN")]), &dial_plan());
        assert!(why.contains("pattern 9.X in PSTN is not in CUCM") && why.contains("step 2"), "{why}");
    }

    #[test]
    fn a_missing_pilot_and_an_empty_protection_are_refused() {
        let mut nowhere = text(vec![schedule_step()]);
        nowhere.eoc_pilot.pattern = "5912".into();
        assert!(refused(&nowhere, &dial_plan()).contains("eoc_pilot"));
        nowhere.protected_numbers.clear();
        assert!(refused(&nowhere, &dial_plan()).contains("protects no number"));
    }

    #[test]
    fn the_same_object_in_two_steps_is_refused() {
        let twice = vec![block("9.[2-9]XXXXXX", "PSTN"), block("9.[2-9]XXXXXX", "PSTN")];
        assert!(refused(&text(twice), &dial_plan()).contains("two steps"));
    }

    #[test]
    fn a_name_that_is_not_in_cucm_and_the_pilots_own_partition_are_refused() {
        let StepText::PartitionSchedule { group, .. } = schedule_step() else { unreachable!("it is one") };
        let step = |partition: &str, normal: &str| StepText::PartitionSchedule {
            group,
            partition: partition.into(),
            normal: Some(normal.into()),
            locked: None,
        };
        assert!(refused(&text(vec![step("LOCK", "TS-NEVRE")]), &dial_plan()).contains("time schedule TS-NEVRE"));
        assert!(refused(&text(vec![step("EOC", "TS-NEVER")]), &dial_plan()).contains("EOC pilot's own partition"));
    }

    #[test]
    fn a_normal_value_that_takes_an_emergency_route_away_is_refused_by_what_was_read() {
        let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let step = StepText::CssMembers {
            group: Group::OutboundRedirect,
            css: "PHONE".into(),
            normal: members(&["PSTN"]),
            locked: members(&["LOCK", "PSTN"]),
        };
        let why = refused(&text(vec![step]), &dial_plan());
        assert!(why.contains("911 dialled from PHONE") && why.contains("then no route"), "{why}");
    }

    #[test]
    fn a_step_on_an_at_pattern_needs_a_route_of_its_own_for_every_protected_form() {
        let mut plan = dial_plan();
        plan.route_patterns[2].pattern = "9.@".into();
        let mut wide = text(vec![block("9.@", "PSTN")]);
        assert!(check(&wide, &plan).is_ok(), "911 and 9911 have their own");
        wide.protected_numbers.push("988".into());
        assert!(refused(&wide, &plan).contains("9988 dialled from PHONE could be taken by 9.@"));
    }

    #[test]
    fn an_access_code_without_a_dot_is_seen() {
        let mut plan = dial_plan();
        plan.route_patterns[1].pattern = "8911".into();
        plan.route_patterns[1].partition = Some("PSTN".into());
        let mut one = text(vec![block("8911", "PSTN")]);
        one.protected_numbers = vec!["911".into()];
        assert!(refused(&one, &plan).contains("is the emergency number 8911"));
    }

    #[test]
    fn a_pattern_blocked_before_anything_was_ordered_is_named() {
        let mut plan = dial_plan();
        plan.route_patterns[2].blocked = true;
        let all = StepText::RoutePatternBlock {
            group: Group::OutboundBlock,
            patterns: Patterns::AllExcept(vec![]),
            partition: "PSTN".into(),
            acknowledge_gateway: false,
        };
        let text = text(vec![all]);
        let checked = check(&text, &plan).unwrap();
        assert_eq!(blocked_already(&text, &checked.plan, &plan).len(), 1);
    }

    #[test]
    fn a_redirect_that_does_not_end_at_the_pilot_is_warned_of() {
        let mut plan = dial_plan();
        plan.translation_patterns[0].change.mask = Some("5912".into());
        let checked = check(&text(vec![schedule_step()]), &plan).unwrap();
        assert!(checked.warnings[0].contains("redirects to no route, not to the EOC pilot"), "{:?}", checked.warnings);
    }

    #[test]
    fn what_is_not_understood_is_named_with_the_number_of_patterns() {
        let mut plan = dial_plan();
        for number in 0..7 {
            plan.route_patterns.push(route(&format!("8[{number}"), "PSTN"));
        }
        plan.translation_patterns.push(TranslationPattern { pattern: String::new(), ..mirror("") });
        plan.route_patterns.push(route("9.@", "PSTN"));
        plan.route_patterns.push(RoutePattern {
            change: DigitChange { discard: Discard::Other("11D/10D->7D".into()), ..DigitChange::default() },
            ..route("6.XXXXXXX", "PSTN")
        });
        plan.gone = vec!["time schedule TS-X".into()];
        let warnings = unread(&DigitAnalysis::new(&plan, true), &plan);
        let found = |text: &str| warnings.iter().find(|warning| warning.starts_with(text));
        let begins = |text: &str| found(text).unwrap_or_else(|| panic!("{text}: {warnings:?}"));
        let odd = begins("Patterns that cannot be read: 7 (");
        assert_eq!(odd.matches("8[").count(), NAMED, "{odd}");
        assert!(begins("Patterns that are empty (PLAR: a phone rings when it is lifted): 1 (").contains("in LOCK"));
        assert!(begins("Patterns that stand for CUCM's numbering plan: 1 (9.@ in PSTN)").contains("101XXXX"));
        assert!(
            begins(
                "Patterns that discard digits in a way that is not understood here: 1 (6.XXXXXXX in PSTN (11D/10D->7D))"
            )
            .contains("ways past the lock")
        );
        assert!(begins("Deleted while the plan was read: 1 (time schedule TS-X)").ends_with("without them."));
        assert_eq!(warnings.len(), 5, "{warnings:?}");
    }

    #[test]
    fn a_pattern_the_plan_forgot_is_a_leak_with_an_example() {
        let mut plan = dial_plan();
        plan.route_patterns.push(route("9.1[2-9]XX[2-9]XXXXXX", "PSTN"));
        let checked = check(&text(vec![schedule_step()]), &plan).unwrap();
        assert_eq!(checked.leaks.len(), 1);
        assert_eq!(checked.leaks[0].pattern, "9.1[2-9]XX[2-9]XXXXXX in PSTN");
        assert_eq!(checked.leaks[0].example.len(), 12);
    }

    #[test]
    fn a_way_that_is_open_by_day_only_is_a_leak() {
        let mut plan = dial_plan();
        plan.schedules.push(TimeSchedule { name: "NIGHTS".into(), active: Activity::Sometimes });
        plan.partitions.push(Partition {
            uuid: Uuid::from("NIGHT"),
            name: "NIGHT".into(),
            schedule: Some("NIGHTS".into()),
        });
        plan.calling_search_spaces[0].members.insert(1, "NIGHT".into());
        plan.route_patterns.push(route("8.XXX", "PSTN"));
        plan.route_patterns.push(RoutePattern { blocked: true, ..route("8.XXX", "NIGHT") });
        let checked = check(&text(vec![schedule_step()]), &plan).unwrap();
        assert_eq!(checked.leaks.iter().map(|leak| leak.pattern.as_str()).collect::<Vec<_>>(), ["8.XXX in PSTN"]);
    }

    #[test]
    fn the_eocs_own_way_out_is_no_leak() {
        let mut plan = dial_plan();
        plan.calling_search_spaces[1].members.push("PSTN".into());
        let mut own = text(vec![schedule_step()]);
        assert_eq!(check(&own, &plan).unwrap().leaks.len(), 1);
        own.eoc_css.push("TO-EOC".into());
        assert_eq!(check(&own, &plan).unwrap().leaks, vec![]);
    }
}
