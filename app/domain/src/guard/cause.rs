//! Leaks with the same cause, and what closes them.

use super::leaks::{Direction, Leak, Via};
use crate::plan::PlanText;
use crate::steps::{Group, StepText};
use std::collections::BTreeMap;

/// Leaks by one pattern in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause<'l> {
    /// The pattern, as a telecom engineer names it.
    pub place: String,
    pub direction: Direction,
    /// Most devices first.
    pub leaks: Vec<&'l Leak>,
    /// What to do, as a sentence.
    pub fix: String,
}

impl<'l> Cause<'l> {
    pub fn devices(&self) -> usize {
        self.leaks.iter().map(|leak| leak.count).sum()
    }

    /// Digits that show it, and the patterns on their way.
    pub fn example(&self) -> (&'l str, String) {
        let dialled = self.leaks.iter().find(|leak| !leak.example.is_empty()).or(self.leaks.first());
        let shown =
            |leak: &'l Leak| if leak.example.is_empty() { "lifting the receiver" } else { leak.example.as_str() };
        dialled.map_or(("", String::new()), |leak| (shown(leak), leak.path.join(" → ")))
    }
}

/// By pattern and direction, most devices first.
pub fn causes<'l>(text: &PlanText, leaks: &'l [Leak]) -> Vec<Cause<'l>> {
    let mut by_pattern: BTreeMap<(String, Direction), Vec<&Leak>> = BTreeMap::new();
    for leak in leaks {
        by_pattern.entry((leak.place(), leak.direction)).or_default().push(leak);
    }
    let cause = |((place, direction), leaks): ((String, Direction), Vec<&'l Leak>)| {
        let fix = fix(text, &place, direction, &leaks);
        Cause { place, direction, leaks, fix }
    };
    let mut causes: Vec<Cause<'_>> = by_pattern.into_iter().map(cause).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.devices()));
    causes
}

fn fix(text: &PlanText, place: &str, direction: Direction, leaks: &[&Leak]) -> String {
    if direction == Direction::Inbound {
        return "Let the plan redirect what takes this call (trans_pattern_set), or put a partition with a mirror before it \
                into this calling search space (css_members)."
            .to_owned();
    }
    let block = format!("block {place} in the plan (route_pattern_block)");
    if leaks.iter().any(|leak| leak.via == Via::SipRoutePattern) {
        return format!("No mirror takes an address (name@host): block {place} in the plan (sip_route_pattern_block).");
    }
    let locks = lock_partitions(text);
    let some = |holds: fn(Via) -> bool| leaks.iter().any(|leak| holds(leak.via));
    let dialled = some(|via| via == Via::Direct);
    let lifted = some(|via| via == Via::Plar);
    let others = some(|via| !matches!(via, Via::Direct | Via::Plar));
    match (dialled, lifted, others) {
        (true, false, false) => {}
        (false, true, false) => {
            return format!(
                "CUCM calls this when the receiver is lifted: {block}, or let the empty pattern look it up where the mirrors are."
            );
        }
        (false, false, true) => {
            return format!(
                "CUCM makes this call by itself, past the callers' mirrors: {block}, or clear the forward."
            );
        }
        _ => return format!("Mirrors stop no call that CUCM makes by itself: {block}."),
    }
    let mirror =
        if locks.is_empty() { String::new() } else { format!("Put a mirror of it into {}, or ", locks.join(" or ")) };
    let sentence =
        format!("{mirror}{block}. Where these are phones of the EOC, name their calling search space in eoc_css.");
    if mirror.is_empty() { sentence.replacen("block", "Block", 1) } else { sentence }
}

/// Partitions that become active with a lock and take calls that go out.
fn lock_partitions(text: &PlanText) -> Vec<&str> {
    text.steps
        .iter()
        .filter_map(|step| match step {
            StepText::PartitionSchedule(text) if text.group == Group::OutboundRedirect => Some(text.partition.as_str()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::super::tests::{block, caller, dial_plan, route, schedule_step, text};
    use super::*;
    use crate::caller::{Caller, Callers};

    #[test]
    fn leaks_by_one_pattern_are_one_cause_and_the_most_devices_stand_first() {
        let mut plan = dial_plan();
        plan.route_patterns.push(route("8.[2-9]XXXXXX", "PSTN"));
        let line = Caller { count: 40, ..caller(Some("PHONE"), None) };
        plan.callers = Callers::Read(vec![caller(None, Some("PHONE")), line]);
        let text = text(vec![schedule_step()]);
        let leaks = check(&text, &plan).unwrap().leaks;
        let found = causes(&text, &leaks);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].devices(), found[0].leaks[0].count), (47, 40));
        assert_eq!(found[0].place, "8.[2-9]XXXXXX in PSTN");
        assert!(found[0].fix.starts_with("Put a mirror of it into LOCK, or block 8."), "{}", found[0].fix);
    }

    #[test]
    fn where_no_partition_locks_only_a_block_is_advised() {
        let mut plan = dial_plan();
        plan.translation_patterns.clear();
        plan.route_patterns.push(route("8.[2-9]XXXXXX", "PSTN"));
        let text = text(vec![block("9.[2-9]XXXXXX", "PSTN")]);
        let leaks = check(&text, &plan).unwrap().leaks;
        assert!(causes(&text, &leaks)[0].fix.starts_with("Block 8."));
    }
}
