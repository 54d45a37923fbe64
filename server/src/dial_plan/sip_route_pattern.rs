//! SIP route patterns, between AXL's words and the plan's.

use axl::sip_route_pattern::SipRoutePattern as AxlSipRoutePattern;
use lockdown::dial_plan::{DialPlan as Facts, SipRoutePattern};
use lockdown::ids::Uuid;
use std::collections::BTreeSet;

/// Those of one partition. Where they lead is not asked: a sweep looks at what a lock changes.
pub(super) async fn read_into(facts: &mut Facts, client: &axl::Client, partition: &str) -> Result<(), axl::Error> {
    let found = client.sip_route_patterns(Some(partition)).await?.into_iter();
    facts.sip_route_patterns.extend(found.map(|one| of(one, &BTreeSet::new())));
    Ok(())
}

/// `on_net`: trunks that stay inside.
pub(super) fn of(found: AxlSipRoutePattern, on_net: &BTreeSet<String>) -> SipRoutePattern {
    SipRoutePattern {
        uuid: Uuid::from(found.uuid),
        pattern: found.pattern,
        partition: found.partition,
        blocked: found.blocked,
        on_net: found.trunk.is_some_and(|trunk| on_net.contains(&trunk)),
    }
}
