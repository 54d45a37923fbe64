//! Time schedules, as far as to tell the ones that are never active.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use std::collections::BTreeMap;

/// The start and end of a period that never is. Source: AXL schema, default of `startTime`.
const NEVER: &str = "No Office Hours";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSchedule {
    pub name: String,
    /// It has periods, and not one of them has office hours.
    pub never: bool,
}

impl Client {
    /// Every time schedule, and the names of those that were deleted between the list and their own get: one list of
    /// schedules, one of periods, and one get a schedule.
    ///
    /// # Errors
    /// As every read.
    pub async fn time_schedules(&self) -> Result<(Vec<TimeSchedule>, Vec<String>), Error> {
        let periods = self.periods_that_never_are().await?;
        let request = Request::read("listTimeSchedule").search("name", "%").returned(&["name"]);
        let rows = self.list(&request, "timeSchedule").await?;
        let mut schedules = Vec::new();
        let mut gone = Vec::new();
        for row in &rows {
            let (Some(name), Some(uuid)) = (row.text_of("name"), &row.uuid) else { continue };
            let members = match self.schedule_periods(uuid).await {
                Err(Error::NotFound { .. }) => {
                    gone.push(name);
                    continue;
                }
                members => members?,
            };
            let never = !members.is_empty() && members.iter().all(|m| periods.get(m) == Some(&true));
            schedules.push(TimeSchedule { name, never });
        }
        Ok((schedules, gone))
    }

    async fn periods_that_never_are(&self) -> Result<BTreeMap<String, bool>, Error> {
        let request = Request::read("listTimePeriod").search("name", "%").returned(&["name", "startTime", "endTime"]);
        let rows = self.list(&request, "timePeriod").await?;
        let never = |field: Option<String>| field.as_deref() == Some(NEVER);
        let read = rows.iter().filter_map(|row| {
            Some((row.text_of("name")?, never(row.text_of("startTime")) && never(row.text_of("endTime"))))
        });
        Ok(read.collect())
    }

    /// By its id: a name may end with a blank, and is not found by what is read of it.
    async fn schedule_periods(&self, uuid: &str) -> Result<Vec<String>, Error> {
        let request = Request::read("getTimeSchedule")
            .text("uuid", uuid)
            .raw("<returnedTags><name/><members><member><timePeriodName/></member></members></returnedTags>");
        let answer = self.call(&request).await?;
        let members = answer.find("members");
        let members = members.into_iter().flat_map(|m| m.children_named("member"));
        Ok(members.filter_map(|member| member.text_of("timePeriodName")).collect())
    }
}
