//! Time schedules and their periods.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;
use std::collections::BTreeMap;

/// The start and end of a period that never is. Source: AXL schema, default of `startTime`.
pub const NO_OFFICE_HOURS: &str = "No Office Hours";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSchedule {
    pub name: String,
    /// Those that were there when they were looked for.
    pub periods: Vec<TimePeriod>,
    /// All of its periods are among them.
    pub whole: bool,
}

/// As CUCM writes it: `08:00`, `Mon`, `Jan`, the day of the month from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TimePeriod {
    pub start: Option<String>,
    pub end: Option<String>,
    pub start_day: Option<String>,
    pub end_day: Option<String>,
    pub month: Option<String>,
    pub day_of_month: Option<String>,
    pub month_end: Option<String>,
    pub day_of_month_end: Option<String>,
}

const TAGS: [&str; 9] = [
    "name",
    "startTime",
    "endTime",
    "startDay",
    "endDay",
    "monthOfYear",
    "dayOfMonth",
    "dayOfMonthEnd",
    "monthOfYearEnd",
];

impl Client {
    /// Every time schedule, and the names of those that were deleted between the list and their own get: one list of
    /// schedules, one of periods, and one get a schedule.
    ///
    /// # Errors
    /// As every read.
    pub async fn time_schedules(&self) -> Result<(Vec<TimeSchedule>, Vec<String>), Error> {
        let periods = self.time_periods().await?;
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
            let found: Vec<TimePeriod> = members.iter().filter_map(|member| periods.get(member).cloned()).collect();
            schedules.push(TimeSchedule { name, whole: found.len() == members.len(), periods: found });
        }
        Ok((schedules, gone))
    }

    async fn time_periods(&self) -> Result<BTreeMap<String, TimePeriod>, Error> {
        let rows =
            self.list(&Request::read("listTimePeriod").search("name", "%").returned(&TAGS), "timePeriod").await?;
        Ok(rows.iter().filter_map(|row| Some((row.text_of("name")?, TimePeriod::read(row)))).collect())
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

impl TimePeriod {
    fn read(row: &Element) -> Self {
        // `None` and 0 are CUCM's words for none.
        let text = |tag: &str| row.text_of(tag).filter(|text| text != "None" && text != "0");
        Self {
            start: text("startTime"),
            end: text("endTime"),
            start_day: text("startDay"),
            end_day: text("endDay"),
            month: text("monthOfYear"),
            day_of_month: text("dayOfMonth"),
            month_end: text("monthOfYearEnd"),
            day_of_month_end: text("dayOfMonthEnd"),
        }
    }
}
