//! Route patterns, between AXL's words and the plan's.

use super::change;
use axl::route_pattern::RoutePattern as AxlRoutePattern;
use lockdown::dial_plan::{Destination, DialPlan as Facts, RoutePattern};
use lockdown::ids::Uuid;

/// Those of one partition. Where they lead is not asked: a sweep looks at what a lock changes.
pub(super) async fn read_into(facts: &mut Facts, client: &axl::Client, partition: &str) -> Result<(), axl::Error> {
    facts.route_patterns.extend(client.route_patterns(Some(partition)).await?.into_iter().map(of));
    Ok(())
}

pub(super) fn of(found: AxlRoutePattern) -> RoutePattern {
    RoutePattern {
        uuid: Uuid::from(found.uuid),
        pattern: found.pattern,
        partition: found.partition,
        blocked: found.blocked,
        urgent: found.urgent,
        change: change(found.discard.as_deref(), found.mask, found.prefix),
        emergency: found.emergency,
        destination: Destination::NotRead,
        on_net: false,
        dead: false,
        filtered: found.route_filter.is_some(),
    }
}
