//! Route partitions and the time schedule that makes them seen.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePartition {
    pub uuid: String,
    pub name: String,
    /// `None`: "remains active at all times". Source: CUCM Administration Guide, partitions.
    pub schedule: Option<String>,
    /// On whose clock; `None`: that of the device that calls.
    pub zone: Option<String>,
}

/// A zone stands there by default, too: it counts only where the flag is off, and the flag is on by default.
fn is_own(row: &Element) -> bool {
    let flag = "useOriginatingDeviceTimeZone";
    row.text_of(flag).is_some() && !row.flag(flag)
}

impl Client {
    /// Every partition of the cluster.
    ///
    /// # Errors
    /// As every read.
    pub async fn partitions(&self) -> Result<Vec<RoutePartition>, Error> {
        let tags = ["name", "timeScheduleIdName", "useOriginatingDeviceTimeZone", "timeZone"];
        let request = Request::read("listRoutePartition").search("name", "%").returned(&tags);
        let rows = self.list(&request, "routePartition").await?;
        let read = rows.iter().filter_map(|row| {
            Some(RoutePartition {
                uuid: row.uuid.clone()?,
                name: row.text_of("name")?,
                schedule: row.text_of("timeScheduleIdName"),
                zone: row.text_of("timeZone").filter(|_| is_own(row)),
            })
        });
        Ok(read.collect())
    }

    /// Gives a partition a time schedule, or clears it with an explicit null.
    ///
    /// # Errors
    /// As every write; [`Error::OutcomeUnknown`] must be read back.
    pub async fn set_partition_schedule(&self, uuid: &str, schedule: Option<&str>) -> Result<(), Error> {
        let request = Request::write("updateRoutePartition", uuid).text_or_nil("timeScheduleIdName", schedule);
        self.call(&request).await.map(|_| ())
    }
}
