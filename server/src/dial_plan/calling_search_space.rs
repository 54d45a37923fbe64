//! Calling search spaces, between AXL's words and the plan's.

use axl::calling_search_space::Css;
use lockdown::dial_plan::{CallingSearchSpace, DialPlan as Facts};
use lockdown::ids::Uuid;

/// The one of this uuid, if it is still there.
pub(super) async fn read_into(facts: &mut Facts, client: &axl::Client, uuid: &str) -> Result<(), axl::Error> {
    match client.css(uuid).await {
        Ok(found) => facts.calling_search_spaces.push(of(found)),
        Err(axl::Error::NotFound { .. }) => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

pub(super) fn of(found: Css) -> CallingSearchSpace {
    CallingSearchSpace { uuid: Uuid::from(found.uuid), name: found.name, members: found.members }
}
