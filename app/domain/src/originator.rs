//! "Use Originator's Calling Search Space" on a translation pattern that is met behind another one: Cisco's texts disagree
//! about whose that is, and nobody has tried it on a CUCM. Both readings are looked at, and the worse one counts.
//!
//! Source: the solution reference network design has "the calling search space in effect when the pattern was engaged"; the
//! online help of the pattern has the originating device's.

use crate::dial_plan::{DialPlan, TranslationPattern};
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Originator {
    /// Whatever was searched when the pattern was met.
    #[default]
    InEffect,
    /// The caller's, however far the call has come.
    Caller,
}

impl Originator {
    /// Those that make a difference somewhere in a state of the plan.
    pub fn of<'p>(states: impl IntoIterator<Item = &'p DialPlan>) -> &'static [Self] {
        let differs = states.into_iter().any(|state| !unsure(state).is_empty());
        if differs { &[Self::InEffect, Self::Caller] } else { &[Self::InEffect] }
    }
}

/// Translation patterns that look up their digits where the originator does, and can be met behind one that looks them up
/// elsewhere.
pub fn unsure(plan: &DialPlan) -> Vec<&TranslationPattern> {
    let elsewhere: Vec<_> = plan.translation_patterns.iter().filter(|one| !one.use_originator_css).collect();
    let named: BTreeSet<&str> = elsewhere.iter().filter_map(|one| one.css.as_deref()).collect();
    let spaces = plan.calling_search_spaces.iter().filter(|css| named.contains(css.name.as_str()));
    let seen: BTreeSet<&str> = spaces.flat_map(|css| css.members.iter().map(String::as_str)).collect();
    // Everybody sees what is in no partition.
    let is_seen = |one: &&TranslationPattern| one.partition.as_deref().is_none_or(|name| seen.contains(name));
    let behind = plan.translation_patterns.iter().filter(|one| one.use_originator_css);
    behind.filter(is_seen).filter(|_| !elsewhere.is_empty()).collect()
}
