//! `sip_route_pattern_block`: the block flag of SIP route patterns, by which calls to addresses (`name@host`) leave: they meet
//! no digits, so no mirror.

use super::pattern_object::pattern_object;
use super::{Entry, Group, InPlan, Kind, Patterns, Switch, Switched, Text, Wrong};
use crate::dial_plan::{DialPlan, SipRoutePattern, place};
use crate::violation::FreezeError;

pattern_object! {
    /// The block flag of a SIP route pattern.
    SipRoutePatternBlock, digits: false
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipRoutePatternBlockText {
    pub group: Group,
    pub patterns: Patterns,
    pub partition: String,
}

impl Kind for SipRoutePatternBlock {
    type Text = SipRoutePatternBlockText;
    type Value = bool;
    type Listed = SipRoutePattern;

    const NAME: &'static str = "sip_route_pattern_block";
    const ID: &'static str = "sip-route";
    const KEYS: &'static [&'static str] = &["partition", "pattern", "all", "except"];

    fn read(entry: &Entry) -> Result<SipRoutePatternBlockText, Wrong> {
        Ok(SipRoutePatternBlockText {
            group: entry.group.unwrap_or(Group::OutboundBlock),
            patterns: entry.patterns()?,
            partition: entry.partition()?,
        })
    }

    fn list(plan: &DialPlan) -> &[SipRoutePattern] {
        &plan.sip_route_patterns
    }

    fn list_mut(plan: &mut DialPlan) -> &mut [SipRoutePattern] {
        &mut plan.sip_route_patterns
    }

    fn is(&self, listed: &SipRoutePattern) -> bool {
        listed.pattern == self.pattern && listed.partition.as_ref() == Some(&self.partition)
    }

    fn held(listed: &SipRoutePattern) -> bool {
        listed.blocked
    }

    fn hold(listed: &mut SipRoutePattern, value: &bool) {
        listed.blocked = *value;
    }
}

impl SipRoutePatternBlockText {
    fn all<'p>(&self, plan: &'p DialPlan) -> impl Iterator<Item = &'p SipRoutePattern> {
        plan.sip_route_patterns.iter().filter(|p| p.partition.as_ref() == Some(&self.partition))
    }

    /// In the order of the dial plan.
    fn selected<'p>(&self, in_plan: &InPlan<'_>, plan: &'p DialPlan) -> Result<Vec<&'p SipRoutePattern>, FreezeError> {
        self.patterns.select(in_plan, &self.partition, self.all(plan).map(|p| (p.pattern.as_str(), p)))
    }
}

impl Text for SipRoutePatternBlockText {
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
        None
    }

    fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Switch>, FreezeError> {
        let object = |p: &SipRoutePattern| {
            let uuid = p.uuid.clone();
            let pattern = p.pattern.clone();
            let partition = self.partition.clone();
            SipRoutePatternBlock { uuid, pattern, partition }
        };
        Ok(self.selected(in_plan, plan)?.into_iter().map(|p| Switched::block(object(p)).into()).collect())
    }

    fn blocked_already(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Vec<String> {
        let selected = self.selected(in_plan, plan).unwrap_or_default().into_iter();
        let blocked = selected.filter(|p| self.patterns.one().is_none() && p.blocked);
        blocked.map(|p| place(&p.pattern, Some(&self.partition))).collect()
    }
}
