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
    /// Those that make a difference somewhere in this plan.
    pub fn of(plan: &DialPlan) -> &'static [Self] {
        if unsure(plan).is_empty() { &[Self::InEffect] } else { &[Self::InEffect, Self::Caller] }
    }
}

/// Translation patterns that look up their digits where the originator does, and can be met behind one that names a calling
/// search space.
pub fn unsure(plan: &DialPlan) -> Vec<&TranslationPattern> {
    let named = plan.translation_patterns.iter().filter(|one| !one.use_originator_css).map(|one| one.css.as_deref());
    let named: BTreeSet<&str> = named.flatten().collect();
    let spaces = plan.calling_search_spaces.iter().filter(|css| named.contains(css.name.as_str()));
    let seen: BTreeSet<&str> = spaces.flat_map(|css| css.members.iter().map(String::as_str)).collect();
    // Everybody sees what is in no partition.
    let is_seen = |one: &&TranslationPattern| one.partition.as_deref().is_none_or(|name| seen.contains(name));
    let behind = plan.translation_patterns.iter().filter(|one| one.use_originator_css);
    behind.filter(is_seen).filter(|_| !named.is_empty()).collect()
}
