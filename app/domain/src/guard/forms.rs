//! How a number is dialled.

use crate::caller::Caller;
use crate::dial_plan::DialPlan;
use crate::hours::Hours;
use crate::pattern::Pattern;
use crate::plan::PlanText;
use crate::reach::{Dialling, DigitAnalysis, End, Route};
use std::collections::BTreeSet;

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
    // Any one digit before the number counts as an access code where dialling that leads to the number.
    let open = DigitAnalysis::new(dial_plan, &Hours::All);
    let analyses: Vec<DigitAnalysis<'_>> = Hours::of([dial_plan]).iter().map(|hours| open.at(hours)).collect();
    let mut callers = dial_plan.callers();
    callers.extend(dial_plan.unused_spaces());
    let by = |analysis: &DigitAnalysis<'_>, caller: &Caller, form: &String, number: &str| {
        [Dialling::EnBloc, Dialling::DigitByDigit].into_iter().any(|dialling| {
            leads_to(&analysis.route(&caller.spaces(), &caller.incoming.looked_up(form), dialling), form, number)
        })
    };
    let leads = |form: &String, number: &str| {
        analyses.iter().any(|analysis| callers.iter().any(|caller| by(analysis, caller, form, number)))
    };
    let behind_a_digit = listed
        .iter()
        .filter(|n| !n.starts_with('+') && bare(n))
        .flat_map(|number| ('0'..='9').map(move |code| (format!("{code}{number}"), number)));
    forms.extend(behind_a_digit.filter(|(form, number)| leads(form, number)).map(|(form, _)| form));
    for number in listed.iter().filter(|n| !n.starts_with('+') && bare(n)) {
        forms.extend(codes.iter().map(|code| format!("{code}{number}")));
    }
    forms
}

/// Out with the number or the form itself, or inside at the number: an extension 4911, or one that is lengthened to a whole
/// number, is no emergency call. What leaves with digits that are not known may be one.
fn leads_to(route: &Route, form: &str, number: &str) -> bool {
    match &route.end {
        End::Pstn { digits, .. } => digits == number || digits == form,
        End::Inside { .. } | End::OnNet { .. } => route.called == number,
        End::NotUnderstood { leaves_by, .. } => leaves_by.is_some(),
        End::Blocked { .. } | End::NoRoute | End::Loop => false,
    }
}
