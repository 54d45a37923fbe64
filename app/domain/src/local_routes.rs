//! Local route groups: a route list may lead through the gateways of the caller's device pool. From one pool it gets out, from
//! another it ends at another cluster, or nowhere.
//!
//! Source: Cisco, Feature Configuration Guide, "Local Route Groups".

use crate::dial_plan::{Destination, RoutePattern};
use crate::reach::{End, Route};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where route lists lead from some device pools, as far as it is not where they lead from others. By itself: where they lead
/// from any pool.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalRoutes {
    /// Pools for which this holds.
    pub pools: BTreeSet<String>,
    /// Route lists behind which there is no gateway or trunk from there: the caller hears reorder.
    pub nowhere: BTreeSet<String>,
    /// Route lists whose every gateway and trunk stays inside from there.
    pub inside: BTreeSet<String>,
}

/// What lies behind a route pattern or a route list, the farthest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Behind {
    Nothing,
    Inside,
    Outside,
}

impl LocalRoutes {
    pub fn behind(&self, route: &RoutePattern) -> Behind {
        match self.of(&route.destination) {
            _ if route.dead => Behind::Nothing,
            Some(behind) => behind,
            None if route.on_net => Behind::Inside,
            None => Behind::Outside,
        }
    }

    /// Where a call ends that somebody of these pools placed.
    pub fn end_of(&self, route: Route) -> Route {
        let destination = match &route.end {
            End::Pstn { destination, .. } | End::OnNet { destination, .. } => self.of(destination),
            _ => None,
        };
        let end = match (destination, route.end) {
            (Some(Behind::Nothing), End::Pstn { pattern, partition, .. } | End::OnNet { pattern, partition, .. }) => {
                End::Blocked { pattern, partition }
            }
            (Some(Behind::Inside), End::Pstn { pattern, partition, destination, .. }) => {
                End::OnNet { pattern, partition, destination }
            }
            (_, end) => end,
        };
        Route { end, ..route }
    }

    fn of(&self, destination: &Destination) -> Option<Behind> {
        let Destination::RouteList(list) = destination else { return None };
        if self.nowhere.contains(list) {
            Some(Behind::Nothing)
        } else {
            self.inside.contains(list).then_some(Behind::Inside)
        }
    }
}
