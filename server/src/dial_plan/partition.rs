//! Partitions, between AXL's words and the plan's.

use axl::partition::RoutePartition;
use lockdown::dial_plan::{DialPlan as Facts, Partition};
use lockdown::ids::Uuid;

/// All of the cluster: AXL lists them in one answer.
pub(super) async fn read_into(facts: &mut Facts, client: &axl::Client) -> Result<(), axl::Error> {
    facts.partitions = client.partitions().await?.into_iter().map(of).collect();
    Ok(())
}

fn of(found: RoutePartition) -> Partition {
    Partition { uuid: Uuid::from(found.uuid), name: found.name, schedule: found.schedule, zone: found.zone }
}
