//! The way of one number from one caller: as CUCM is now, normal and locked.

use crate::caller::Caller;
use crate::dial_plan::{DialPlan, EndpointKind, Feature};
use crate::guard::Via;
use crate::hours::{Clocked, Hours};
use crate::leg::Leg;
use crate::period::{Moment, is_active_at};
use crate::plan::{LockPlan, PlanText};
use crate::reach::{Dialling, DigitAnalysis, End, PatternIndex, Route};
use crate::steps::Target;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

/// Longer than any number that is dialled.
const LONGEST: usize = 64;

/// Whose call it is, as an operator writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// `css:NAME`
    Css(String),
    /// `line:NAME,device:NAME`; either may be empty.
    Spaces { line: Option<String>, device: Option<String> },
    /// `number:5002` or `number:5002/PT-INT`: every device that has it.
    Number { number: String, partition: Option<String> },
    /// `device:SEP…`, `trunk:NAME`: the device of this name, whatever it is.
    Device(String),
}

/// What is not `css:NAME` or another of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{0}” names no caller. Write css:NAME, line:NAME,device:NAME, number:5002, number:5002/PARTITION, device:NAME or trunk:NAME."
)]
pub struct InvalidOrigin(String);

impl Origin {
    /// As people type it into a field: also `5002` and `SEP001122334455` by themselves.
    ///
    /// # Errors
    /// What names nobody.
    pub fn as_typed(text: &str) -> Result<Self, InvalidOrigin> {
        let name = text.trim();
        if name.is_empty() || name.contains(':') {
            return name.parse();
        }
        match dialled(name) {
            Ok(number) => Ok(Self::Number { number, partition: None }),
            Err(_) => Ok(Self::Device(name.to_owned())),
        }
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidOrigin(text.to_owned());
        let (kind, name) = text.trim().split_once(':').ok_or_else(invalid)?;
        let given = |name: &str| Some(name.trim().to_owned()).filter(|name| !name.is_empty());
        match kind {
            "css" => given(name).map(Self::Css).ok_or_else(invalid),
            "line" => {
                let (line, device) = name.split_once(",device:").ok_or_else(invalid)?;
                Ok(Self::Spaces { line: given(line), device: given(device) })
            }
            "number" => {
                let (number, partition) = name.split_once('/').map_or((name, None), |(n, p)| (n, given(p)));
                let number = given(number).ok_or_else(invalid)?;
                Ok(Self::Number { number, partition })
            }
            "device" | "trunk" => given(name).map(Self::Device).ok_or_else(invalid),
            _ => Err(invalid()),
        }
    }
}

/// Why a number cannot be traced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not dialled like that. Write 0 to 9, *, #, A to D, and + in front if need be; 64 of them at most.")]
pub struct InvalidNumber(String);

/// What people write between digits.
const BETWEEN: [char; 6] = [' ', '-', '(', ')', '.', '/'];

/// `9-1-403-555-1234` as the digits that are dialled, without the backslash that a pattern's `\+` has.
///
/// # Errors
/// What no phone can dial.
pub fn dialled(text: &str) -> Result<String, InvalidNumber> {
    let number = text.replace(BETWEEN, "");
    let number = number.trim().trim_start_matches('\\');
    let rest = number.strip_prefix('+').unwrap_or(number);
    let fits = number.len() <= LONGEST && rest.chars().all(|c| matches!(c, '0'..='9' | '*' | '#' | 'A'..='D'));
    if fits { Ok(number.to_owned()) } else { Err(InvalidNumber(text.chars().take(LONGEST).collect())) }
}

/// One number from one caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Traced {
    /// Of several that have the same number, which.
    pub caller: String,
    pub digits: String,
    pub dialling: Vec<Dialled>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dialled {
    pub how: Dialling,
    /// Where some partitions are active at some hours only: as if they were, or were not. Absent where there are none, or
    /// where a moment was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedules: Option<Schedules>,
    /// As CUCM was read.
    pub now: Trace,
    /// Absent where the plan's steps are not in CUCM.
    pub normal: Option<Trace>,
    pub locked: Option<Trace>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedules {
    Active,
    Inactive,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    pub end: Ended,
    /// The last pattern that took the call.
    pub pattern: Option<String>,
    pub partition: Option<String>,
    /// As they are sent on, or as they were looked up last; unknown after an unknown discard instruction.
    pub digits: Option<String>,
    /// Every pattern on the way.
    pub path: Vec<String>,
    /// It is routed only after the inter-digit timer.
    pub waits: bool,
    /// What CUCM calls by itself from where it ends inside.
    pub legs: Vec<LegTrace>,
    /// It ends inside at a number that nobody answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<Feature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LegTrace {
    pub via: Via,
    pub end: Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    Pstn,
    Onnet,
    Inside,
    Blocked,
    NoRoute,
    Loop,
    NotUnderstood,
}

impl Ended {
    /// As a telecom engineer says it.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Pstn => "to the PSTN",
            Self::Onnet => "on-net",
            Self::Inside => "inside",
            Self::Blocked => "blocked",
            Self::NoRoute => "no route",
            Self::Loop => "in circles",
            Self::NotUnderstood => "not understood",
        }
    }
}

impl Trace {
    /// Where it ends, as a telecom engineer says it, with the digits that go out.
    pub fn end_in_words(&self, text: &PlanText) -> String {
        let at_eoc = self.pattern.as_ref().is_some_and(|pattern| text.eoc_pilot.is(pattern, self.partition.as_deref()));
        if let Some(feature) = self.feature {
            return format!("taken by CUCM ({})", feature.in_words());
        }
        match (self.end, &self.digits) {
            (Ended::Pstn, Some(digits)) => format!("{} as {digits}", self.end.in_words()),
            (Ended::Inside | Ended::Onnet, _) if at_eoc => "to the EOC".to_owned(),
            (Ended::NoRoute, None) => "a dial tone: nobody is called".to_owned(),
            (end, _) => end.in_words().to_owned(),
        }
    }

    fn of(route: Route) -> Self {
        let Route { path, waits, called, end, .. } = route;
        let feature = match &end {
            End::Inside { kind: EndpointKind::Feature(feature), .. } => Some(*feature),
            _ => None,
        };
        let (end, place, digits) = match end {
            End::Pstn { pattern, partition, digits, .. } => (Ended::Pstn, Some((pattern, partition)), Some(digits)),
            End::OnNet { pattern, partition, .. } => (Ended::Onnet, Some((pattern, partition)), Some(called)),
            End::Inside { pattern, partition, .. } => (Ended::Inside, Some((pattern, partition)), Some(called)),
            End::Blocked { pattern, partition } => (Ended::Blocked, Some((pattern, partition)), Some(called)),
            End::NoRoute => (Ended::NoRoute, None, Some(called)),
            End::Loop => (Ended::Loop, None, Some(called)),
            End::NotUnderstood { leaves_by, .. } => (Ended::NotUnderstood, leaves_by, None),
        };
        let (pattern, partition) = place.map_or((None, None), |(pattern, partition)| (Some(pattern), partition));
        Self { end, pattern, partition, digits, path, waits, legs: Vec::new(), feature }
    }

    /// A dial tone, and nobody is called.
    fn dial_tone() -> Self {
        Self {
            end: Ended::NoRoute,
            pattern: None,
            partition: None,
            digits: None,
            path: Vec::new(),
            waits: false,
            legs: Vec::new(),
            feature: None,
        }
    }

    fn from(analysis: &DigitAnalysis<'_>, facts: &DialPlan, caller: &Caller, digits: &str, how: Dialling) -> Self {
        let mut trace = if digits.is_empty() {
            analysis.lifted_by(caller).map_or_else(Self::dial_tone, Self::of)
        } else {
            Self::of(analysis.route_of(caller, digits, how))
        };
        if let (Ended::Inside, Some(pattern)) = (trace.end, &trace.pattern) {
            let owners = [format!("number:{pattern}"), format!("pilot:{pattern}")];
            let legs =
                facts.legs.all().iter().filter(|leg| owners.contains(&leg.owner) && leg.partition == trace.partition);
            trace.legs = legs.filter_map(|leg| LegTrace::of(analysis, leg)).collect();
        }
        trace
    }
}

impl LegTrace {
    fn of(analysis: &DigitAnalysis<'_>, leg: &Leg) -> Option<Self> {
        let spaces: Vec<&str> = leg.spaces.iter().map(String::as_str).collect();
        let route = analysis.route(&spaces, leg.destination.as_ref()?, Dialling::EnBloc);
        Some(Self { via: leg.via, end: Trace::of(route).end })
    }
}

/// A dial plan and its states under a lock plan, made ready for many numbers.
pub struct Tracer {
    /// As it was read; then normal and locked, where the plan's steps are in it.
    states: Vec<Arc<DialPlan>>,
    index: Arc<PatternIndex>,
}

impl Tracer {
    /// Takes as long as a few hundredths of a second in a town; each number then some thousandths.
    pub fn new(text: &PlanText, facts: &Arc<DialPlan>) -> Self {
        let plan: Option<LockPlan> = text.freeze(facts).ok();
        let state = |target: Target| Some(Arc::new(plan.as_ref()?.applied_to(facts, target)));
        let states = [Some(facts.clone()), state(Target::Normal), state(Target::Locked)];
        Self { states: states.into_iter().flatten().collect(), index: Arc::new(PatternIndex::of(facts)) }
    }

    /// Follows every number from every caller, at once and key by key; at a moment of the site's clock, or for partitions of
    /// some hours as if these were and were not.
    pub fn trace(&self, callers: &[Caller], numbers: &[String], at: Option<&Moment>) -> Vec<Traced> {
        let ready = |(schedules, hours): (Option<Schedules>, Hours)| {
            let states = self.states.iter().map(|state| DigitAnalysis::over(&self.index, state, &hours));
            (schedules, states.collect::<Vec<_>>())
        };
        let analyses: Vec<_> = self.hours(at).into_iter().map(ready).collect();
        let each = callers.iter().flat_map(|caller| numbers.iter().map(move |digits| (caller, digits)));
        let traced = each.map(|(caller, digits)| Traced {
            caller: caller.to_string(),
            digits: digits.clone(),
            dialling: [Dialling::EnBloc, Dialling::DigitByDigit]
                .into_iter()
                .flat_map(|how| analyses.iter().map(move |(schedules, states)| (how, *schedules, states)))
                .map(|(how, schedules, states)| self.dialled(how, schedules, states, caller, digits))
                .collect(),
        });
        traced.collect()
    }

    fn hours(&self, at: Option<&Moment>) -> Vec<(Option<Schedules>, Hours)> {
        let all: BTreeSet<Clocked> = self.states.iter().flat_map(|state| state.part_time()).collect();
        // The schedule may have been read in one state of the plan alone.
        let is_active = |one: &Clocked| match at {
            None => Some(true),
            Some(at) => is_active_at(self.states.iter().map(|state| &**state), one, at),
        };
        let only =
            |holds: &dyn Fn(&Clocked) -> bool| Hours::Only(all.iter().filter(|one| holds(one)).cloned().collect());
        let certain = at.is_some() && all.iter().all(|one| is_active(one).is_some());
        if all.is_empty() || certain {
            return vec![(None, only(&|one| is_active(one) == Some(true)))];
        }
        let at_least = only(&|one| at.is_some() && is_active(one) == Some(true));
        vec![
            (Some(Schedules::Active), only(&|one| is_active(one) != Some(false))),
            (Some(Schedules::Inactive), at_least),
        ]
    }

    fn dialled(
        &self,
        how: Dialling,
        schedules: Option<Schedules>,
        states: &[DigitAnalysis<'_>],
        caller: &Caller,
        digits: &str,
    ) -> Dialled {
        let of = |state: usize| Some(Trace::from(states.get(state)?, &self.states[0], caller, digits, how));
        let now = of(0).expect("the dial plan as it was read stands first");
        Dialled { how, schedules, now, normal: of(1), locked: of(2) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_caller_is_named_in_one_of_six_ways() {
        let name = |text: &str| Some(text.to_owned());
        for (text, want) in [
            ("css:CSS-A", Origin::Css("CSS-A".into())),
            ("line:L,device:D", Origin::Spaces { line: name("L"), device: name("D") }),
            ("line:,device:D", Origin::Spaces { line: None, device: name("D") }),
            ("line:L,device:", Origin::Spaces { line: name("L"), device: None }),
            ("number:5002", Origin::Number { number: "5002".into(), partition: None }),
            ("number:\\+1403/PT INT", Origin::Number { number: "\\+1403".into(), partition: name("PT INT") }),
            ("device:SEP001122334455", Origin::Device("SEP001122334455".into())),
            ("trunk:T", Origin::Device("T".into())),
        ] {
            assert_eq!(text.parse(), Ok(want), "{text}");
        }
        for text in ["", "5002", "css:", "line:L", "number:", "number:/P", "phone:X", "device: "] {
            let refused = text.parse::<Origin>().unwrap_err().to_string();
            assert!(refused.contains("names no caller. Write css:NAME"), "{refused}");
        }
    }

    #[test]
    fn what_people_write_between_digits_is_not_dialled() {
        for (text, want) in
            [("9-1-403-555-1234", "914035551234"), (" (403) 555.1234 ", "4035551234"), ("\\+44 20", "+4420")]
        {
            assert_eq!(dialled(text).unwrap(), want, "{text}");
        }
        assert!(dialled("911 please").is_err());
    }

    #[test]
    fn a_bare_number_or_name_is_that_of_a_line_or_a_device() {
        let number = |number: &str| Origin::Number { number: number.into(), partition: None };
        for (text, want) in [
            ("5002", number("5002")),
            (" +14035551234 ", number("+14035551234")),
            ("SEP001122334455", Origin::Device("SEP001122334455".into())),
            ("css:CSS-A", Origin::Css("CSS-A".into())),
        ] {
            assert_eq!(Origin::as_typed(text), Ok(want), "{text}");
        }
        assert!(Origin::as_typed("").is_err() && Origin::as_typed("css:").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_an_origin_and_a_number_or_is_refused_with_a_sentence(text in any::<String>()) {
            let _ = text.parse::<Origin>();
            if let Ok(number) = dialled(&text) {
                prop_assert!(number.len() <= LONGEST && number.is_ascii());
            }
        }
    }
}
