//! Does every caller get through to every protected number, normal, locked, and at each point between?

use super::words::{callers_in_words, in_words};
use super::{Cancelled, Violation, unless};
use crate::caller::{Caller, CallerKind};
use crate::dial_plan::{Destination, DialPlan, EndpointKind};
use crate::hours::Hours;
use crate::originator::Originator;
use crate::plan::{LockPlan, PlanText};
use crate::reach::{Dialling, DigitAnalysis, End, Route};
use crate::steps::{Found, Setting, Step, StepValue, Target};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicBool;

/// What becomes of a call to a protected number, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    Out,
    /// It gets out, after the inter-digit timer only.
    Waits,
    /// An on-net number answers, or the EOC.
    Inside,
    /// A number of CUCM's own takes it, call park for one: nobody answers.
    Feature,
    Blocked,
    NoRoute,
    /// Also what goes in circles.
    NotUnderstood,
}

/// One dialled form of a protected number from one caller: the worst of all at once and key by key, whatever is active at
/// some hours only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyReach {
    pub number: String,
    pub normal: Reached,
    /// When locked, and at each point on the way.
    pub locked: Reached,
}

impl Reached {
    fn of(route: &Route) -> Self {
        match route.end {
            End::Pstn { .. } if route.waits => Self::Waits,
            End::Pstn { .. } => Self::Out,
            End::Inside { kind: EndpointKind::Feature(_), .. } => Self::Feature,
            End::Inside { .. } | End::OnNet { .. } => Self::Inside,
            End::Blocked { .. } => Self::Blocked,
            End::NoRoute => Self::NoRoute,
            End::Loop | End::NotUnderstood { .. } => Self::NotUnderstood,
        }
    }

    pub fn in_words(self) -> &'static str {
        match self {
            Self::Out => "gets out",
            Self::Waits => "gets out after the inter-digit timer",
            Self::Inside => "inside",
            Self::Feature => "taken by a feature of CUCM",
            Self::Blocked => "blocked",
            Self::NoRoute => "no route",
            Self::NotUnderstood => "not understood",
        }
    }

    /// Somebody answers, sooner or later.
    pub fn is_answered(self) -> bool {
        self <= Self::Inside
    }
}

/// What was found for all callers.
pub(super) struct Emergency {
    pub(super) violations: Vec<Violation>,
    /// By caller.
    pub(super) reached: Vec<Vec<EmergencyReach>>,
}

const DIALLING: [(Dialling, &str); 2] = [(Dialling::EnBloc, "all at once"), (Dialling::DigitByDigit, "digit by digit")];

/// Follows every form from every caller. A plan under which somebody loses the way, is sent another one, or has to wait is
/// refused.
pub(super) fn prove(
    plan: &LockPlan,
    dial_plan: &DialPlan,
    callers: &[Caller],
    forms: &BTreeSet<String>,
    cancelled: &AtomicBool,
) -> Result<Emergency, Cancelled> {
    let normal = plan.applied_to(dial_plan, Target::Normal);
    // Read while locked, what was read is no measure; then normal is compared with locked alone.
    let found = Step::find_all(&plan.steps, dial_plan);
    let is_locked = |(step, found): (&Step, Found)| found == Found::Value(step.value(Target::Locked));
    let read_now = !plan.steps.iter().zip(found).any(is_locked);
    let measure = if read_now { dial_plan } else { &normal };
    let mut proof = Proof::new(callers, forms);
    let base = DigitAnalysis::new(measure, &Hours::All);
    let states = states_on_the_way(plan, &normal);
    for (at, state) in states.iter().chain([&normal]).enumerate() {
        let is_normal = at == states.len();
        for hours in &Hours::of([dial_plan, state]) {
            for reading in Originator::of([dial_plan, &normal, state]) {
                let before = base.at(hours);
                let after = base.in_state(state, hours);
                proof.compare((&before.reading(*reading), &after.reading(*reading)), is_normal, cancelled)?;
            }
        }
    }
    Ok(proof.ended())
}

/// Of so many redirecting steps every combination is looked at; of more each alone, all but each, and one after the other.
pub(super) const WRITTEN_TOGETHER: usize = 4;

/// Steps that send calls elsewhere. All others block.
pub(super) fn redirects(plan: &LockPlan) -> Vec<&Step> {
    plan.steps.iter().filter(|step| !is_block(step)).collect()
}

fn is_block(step: &Step) -> bool {
    matches!(step.value(Target::Locked), StepValue::Blocked(_))
}

/// Every state the dial plan can be in on the way, and when all is locked. Steps are written at the same time, and one that
/// fails keeps no other back, so any of them may be there without any other. Blocks only ever take ways off: with each
/// combination of redirects either none of them is there or all are, and every other state is no worse than one of these.
fn states_on_the_way(plan: &LockPlan, normal: &DialPlan) -> Vec<DialPlan> {
    let redirects = redirects(plan);
    let blocks: Vec<&Step> = plan.steps.iter().filter(|step| is_block(step)).collect();
    let with = |state: &DialPlan, steps: &[&Step]| {
        let mut state = state.clone();
        Setting::put_all(steps.iter().map(|step| step.switch.setting(Target::Locked)), &mut state);
        state
    };
    let mut states = Vec::new();
    for written in combinations(redirects.len()) {
        let written: Vec<&Step> = written.iter().map(|at| redirects[*at]).collect();
        let state = with(normal, &written);
        states.extend((!blocks.is_empty()).then(|| with(&state, &blocks)));
        states.extend((!written.is_empty()).then_some(state));
    }
    states
}

fn combinations(count: usize) -> BTreeSet<Vec<usize>> {
    let chosen = |is_in: &dyn Fn(usize) -> bool| (0..count).filter(|at| is_in(*at)).collect::<Vec<_>>();
    if count <= WRITTEN_TOGETHER {
        return (0..1_usize << count).map(|bits| chosen(&|at| bits >> at & 1 == 1)).collect();
    }
    let each = (0..count).flat_map(|one| [chosen(&|at| at == one), chosen(&|at| at != one), chosen(&|at| at <= one)]);
    each.chain([Vec::new()]).collect()
}

struct Proof<'p> {
    callers: &'p [Caller],
    forms: &'p BTreeSet<String>,
    reached: Vec<Vec<EmergencyReach>>,
    /// What was diverted, the same from many callers once: digits, how dialled, where to normally, where to then.
    diverted: BTreeMap<(String, &'static str, String, String), BTreeSet<usize>>,
}

impl<'p> Proof<'p> {
    fn new(callers: &'p [Caller], forms: &'p BTreeSet<String>) -> Self {
        let best =
            |number: &String| EmergencyReach { number: number.clone(), normal: Reached::Out, locked: Reached::Out };
        let reached = callers.iter().map(|_| forms.iter().map(best).collect()).collect();
        Self { callers, forms, reached, diverted: BTreeMap::new() }
    }

    fn compare(
        &mut self,
        (before, after): (&DigitAnalysis<'_>, &DigitAnalysis<'_>),
        is_normal: bool,
        cancelled: &AtomicBool,
    ) -> Result<(), Cancelled> {
        for (number, caller) in self.callers.iter().enumerate() {
            unless(cancelled)?;
            self.compare_lifted(number, before.lifted_by(caller), after.lifted_by(caller));
            for (form, digits) in self.forms.iter().enumerate() {
                for (dialling, words) in DIALLING {
                    let was = before.route_of(caller, digits, dialling);
                    let is = after.route_of(caller, digits, dialling);
                    let reached = &mut self.reached[number][form];
                    reached.normal = reached.normal.max(Reached::of(if is_normal { &is } else { &was }));
                    reached.locked = reached.locked.max(Reached::of(&is));
                    if is_harm(&was, &is) {
                        let what = (digits.clone(), words, in_words(&was), in_words(&is));
                        self.diverted.entry(what).or_default().insert(number);
                    }
                }
            }
        }
        Ok(())
    }

    /// A phone that calls an emergency number when its receiver is lifted (PLAR).
    fn compare_lifted(&mut self, number: usize, was: Option<Route>, is: Option<Route>) {
        let Some(was) = was.filter(|was| self.is_emergency(was)) else { return };
        let tone = Route { path: vec![], taken: 0, waits: false, called: String::new(), end: End::NoRoute };
        let is = is.unwrap_or(tone);
        if is_harm(&was, &is) {
            let what = (was.called.clone(), "by lifting the receiver", in_words(&was), in_words(&is));
            self.diverted.entry(what).or_default().insert(number);
        }
    }

    fn is_emergency(&self, route: &Route) -> bool {
        let is_sent = matches!(&route.end, End::Pstn { digits, .. } if self.forms.contains(digits));
        is_sent || self.forms.contains(&route.called)
    }

    fn ended(self) -> Emergency {
        let violations = self.diverted.into_iter().map(|((digits, dialling, normal, locked), numbers)| {
            let callers: Vec<&Caller> = numbers.iter().map(|number| &self.callers[*number]).collect();
            Violation::Diverted { digits, from: callers_in_words(&callers), dialling, normal, locked }
        });
        Emergency { violations: violations.collect(), reached: self.reached }
    }
}

/// Whoever got through does so no longer, with other digits or elsewhere, or has to wait; or nobody knows what becomes of the
/// call. What never got anywhere loses nothing.
fn is_harm(was: &Route, is: &Route) -> bool {
    let elsewhere = match (&was.end, &is.end) {
        (End::NoRoute | End::Blocked { .. } | End::Inside { kind: EndpointKind::Feature(_), .. }, _) => return false,
        (_, End::NotUnderstood { .. } | End::Loop) => true,
        (End::Pstn { digits: was_sent, .. }, End::Pstn { digits: is_sent, .. }) => {
            was_sent != is_sent || !leaves_alike(&was.end, &is.end)
        }
        (was, is) => was != is,
    };
    elsewhere || (is.waits && !was.waits)
}

/// To the same gateways; where that is not known, by the same pattern.
fn leaves_alike(was: &End, is: &End) -> bool {
    match (was, is) {
        (End::Pstn { destination: was_to, .. }, End::Pstn { destination: is_to, .. })
            if *was_to != Destination::NotRead && *is_to != Destination::NotRead =>
        {
            was_to == is_to
        }
        (was, is) => was == is,
    }
}

/// `@` is read as the public numbering plan; CUCM's own may hold more. A step on such a pattern must
/// leave no form of a protected number behind its access code without a route of its own.
pub(super) fn unproven(
    plan: &LockPlan,
    dial_plan: &DialPlan,
    callers: &[Caller],
    forms: &BTreeSet<String>,
) -> Vec<Violation> {
    let normal = plan.applied_to(dial_plan, Target::Normal);
    let analysis = DigitAnalysis::new(&normal, &Hours::All);
    let sees = |caller: &Caller, partition: &str| {
        let mut spaces = caller.spaces().into_iter().filter_map(|name| dial_plan.css(name));
        spaces.any(|css| css.members.iter().any(|member| member == partition))
    };
    let mut violations = Vec::new();
    for object in plan.steps.iter().map(Step::object) {
        let Some((head, _)) = object.pattern().and_then(|pattern| pattern.split_once('@')) else { continue };
        let head = head.trim_end_matches('.');
        let partition = object.partition().unwrap_or_default();
        for digits in forms.iter().filter(|form| form.starts_with(head)) {
            let lost = callers
                .iter()
                .filter(|caller| sees(caller, partition))
                .filter(|caller| analysis.route_of(caller, digits, Dialling::EnBloc).end == End::NoRoute);
            let lost: Vec<&Caller> = lost.collect();
            if !lost.is_empty() {
                let digits = digits.clone();
                let from = callers_in_words(&lost);
                violations.push(Violation::Unproven { digits, from, object: object.to_string() });
            }
        }
    }
    violations
}

/// What becomes of a protected number from each caller, in the form that fares best.
fn fates<'c>(number: &str, callers: &'c [Caller], reached: &[Vec<EmergencyReach>]) -> Vec<(&'c Caller, Reached)> {
    let best = |all: &Vec<EmergencyReach>| {
        let forms: Vec<Reached> =
            all.iter().filter(|one| is_form_of(&one.number, number)).map(|one| one.normal).collect();
        let best = forms.iter().min().copied().unwrap_or(Reached::NoRoute);
        // One that is not understood may get through.
        let unknown = !best.is_answered() && forms.contains(&Reached::NotUnderstood);
        if unknown { Reached::NotUnderstood } else { best }
    };
    callers.iter().zip(reached.iter().map(best)).collect()
}

fn is_dialled_by_people(caller: &Caller) -> bool {
    matches!(caller.kind, CallerKind::Phone | CallerKind::Cti)
}

fn goes_nowhere(reached: Reached) -> bool {
    matches!(reached, Reached::Feature | Reached::Blocked | Reached::NoRoute)
}

/// Phones from which a protected number gets nowhere although it does from others.
pub(super) fn devices_without(
    text: &PlanText,
    forms: &BTreeSet<String>,
    callers: &[Caller],
    reached: &[Vec<EmergencyReach>],
) -> usize {
    let numbers = text.protected_numbers.iter().filter(|number| forms.contains(*number));
    let without: BTreeSet<&Caller> = numbers
        .map(|number| fates(number, callers, reached))
        .filter(|each| each.iter().any(|(_, reached)| *reached != Reached::NoRoute))
        .flatten()
        .filter(|(caller, reached)| is_dialled_by_people(caller) && goes_nowhere(*reached))
        .map(|(caller, _)| caller)
        .collect();
    without.iter().map(|caller| caller.count).sum()
}

/// Callers from which a protected number gets nowhere in any form although it does from others, or only after the
/// inter-digit timer; and numbers that nobody reaches.
pub(super) fn warnings(
    text: &PlanText,
    forms: &BTreeSet<String>,
    callers: &[Caller],
    reached: &[Vec<EmergencyReach>],
) -> Vec<String> {
    let mut warnings = Vec::new();
    for number in text.protected_numbers.iter().filter(|number| forms.contains(*number)) {
        let each = fates(number, callers, reached);
        if each.iter().all(|(_, reached)| *reached == Reached::NoRoute) {
            warnings.push(format!("{number} is protected, but nobody has a route for it."));
            continue;
        }
        let mut tell = |what: &str, found: &dyn Fn(Reached) -> bool| {
            let concerned = each.iter().filter(|(caller, reached)| is_dialled_by_people(caller) && found(*reached));
            let found: Vec<&Caller> = concerned.map(|(caller, _)| *caller).collect();
            let devices: usize = found.iter().map(|caller| caller.count).sum();
            if devices > 0 {
                warnings.push(format!("{number} {what} from {devices} devices: {}.", callers_in_words(&found)));
            }
        };
        tell("does not get through, normally or locked,", &goes_nowhere);
        tell("may not get through: what becomes of it is not understood,", &|reached| {
            reached == Reached::NotUnderstood
        });
        tell("gets out only after the inter-digit timer", &|reached| reached == Reached::Waits);
    }
    warnings
}

/// Protected numbers that are answered, dialled just so, from every phone.
pub(super) fn from_every_phone(text: &PlanText, callers: &[Caller], reached: &[Vec<EmergencyReach>]) -> Vec<String> {
    let phones: Vec<&Vec<EmergencyReach>> = callers
        .iter()
        .zip(reached)
        .filter(|(caller, _)| caller.kind == CallerKind::Phone)
        .map(|(_, all)| all)
        .collect();
    let is_answered = |number: &&String| {
        let answered = |one: &EmergencyReach| one.normal.is_answered() && one.locked.is_answered();
        phones.iter().all(|all| all.iter().any(|one| one.number == **number && answered(one)))
    };
    let numbers = text.protected_numbers.iter().filter(|_| !phones.is_empty());
    numbers.filter(is_answered).cloned().collect()
}

/// As it is, or behind an access code.
pub(super) fn is_form_of(form: &str, number: &str) -> bool {
    form.strip_suffix(number).is_some_and(|code| code.len() <= 2)
}
