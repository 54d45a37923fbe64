//! `route_pattern_block`: the block flag of route patterns.

use super::pattern_object::pattern_object;
use super::{Entry, Group, InPlan, Kind, Patterns, Switch, Switched, Text, Wrong};
use crate::dial_plan::{Destination, DialPlan, RoutePattern, place};
use crate::violation::{FreezeError, Violation};

pattern_object! {
    /// The block flag of a route pattern.
    RoutePatternBlock, digits: true
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePatternBlockText {
    pub group: Group,
    pub patterns: Patterns,
    pub partition: String,
    /// Patterns that lead straight to a gateway may be written.
    pub acknowledge_gateway: bool,
}

impl Kind for RoutePatternBlock {
    type Text = RoutePatternBlockText;
    type Value = bool;
    type Listed = RoutePattern;

    const NAME: &'static str = "route_pattern_block";
    const ID: &'static str = "route";
    const KEYS: &'static [&'static str] = &["partition", "pattern", "all", "except", "acknowledge_gateway"];

    fn read(entry: &Entry) -> Result<RoutePatternBlockText, Wrong> {
        Ok(RoutePatternBlockText {
            group: entry.group.unwrap_or(Group::OutboundBlock),
            patterns: entry.patterns()?,
            partition: entry.partition()?,
            acknowledge_gateway: entry.acknowledges_gateway(),
        })
    }

    fn list(plan: &DialPlan) -> &[RoutePattern] {
        &plan.route_patterns
    }

    fn list_mut(plan: &mut DialPlan) -> &mut [RoutePattern] {
        &mut plan.route_patterns
    }

    fn is(&self, listed: &RoutePattern) -> bool {
        listed.pattern == self.pattern && listed.partition.as_ref() == Some(&self.partition)
    }

    fn held(listed: &RoutePattern) -> bool {
        listed.blocked
    }

    fn hold(listed: &mut RoutePattern, value: &bool) {
        listed.blocked = *value;
    }
}

impl RoutePatternBlockText {
    fn all<'p>(&self, plan: &'p DialPlan) -> impl Iterator<Item = &'p RoutePattern> {
        plan.route_patterns.iter().filter(|p| p.partition.as_ref() == Some(&self.partition))
    }

    /// In the order of the dial plan.
    fn selected<'p>(&self, in_plan: &InPlan<'_>, plan: &'p DialPlan) -> Result<Vec<&'p RoutePattern>, FreezeError> {
        self.patterns.select(in_plan, &self.partition, self.all(plan).map(|p| (p.pattern.as_str(), p)))
    }
}

impl Text for RoutePatternBlockText {
    fn group(&self) -> Group {
        self.group
    }

    fn place(&self) -> &str {
        &self.partition
    }

    fn partition(&self) -> Option<&str> {
        Some(&self.partition)
    }

    fn pattern(&self) -> Option<&str> {
        self.patterns.one()
    }

    fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Switch>, FreezeError> {
        let object = |p: &RoutePattern| {
            let uuid = p.uuid.clone();
            let pattern = p.pattern.clone();
            let partition = self.partition.clone();
            RoutePatternBlock { uuid, pattern, partition }
        };
        Ok(self.selected(in_plan, plan)?.into_iter().map(|p| Switched::block(object(p)).into()).collect())
    }

    fn violations(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Vec<Violation> {
        let selected = self.selected(in_plan, plan).unwrap_or_default().into_iter();
        let straight = selected.filter(|_| !self.acknowledge_gateway).filter_map(|p| match &p.destination {
            Destination::Gateway(gateway) => Some((place(&p.pattern, Some(&self.partition)), gateway.clone())),
            Destination::RouteList(_) | Destination::NotRead => None,
        });
        straight.map(|(object, gateway)| Violation::Gateway { object, gateway }).collect()
    }

    fn blocked_already(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Vec<String> {
        let selected = self.selected(in_plan, plan).unwrap_or_default().into_iter();
        let blocked = selected.filter(|p| self.patterns.one().is_none() && p.blocked);
        blocked.map(|p| place(&p.pattern, Some(&self.partition))).collect()
    }
}
