//! Time schedules, between AXL's words and the plan's.

use axl::time_schedule::{NO_OFFICE_HOURS, TimePeriod, TimeSchedule as AxlTimeSchedule};
use lockdown::dial_plan::{Activity, TimeSchedule};
use lockdown::period::{Days, Period};

/// Never active is only one whose every period has no office hours.
pub(super) fn of(found: AxlTimeSchedule) -> TimeSchedule {
    let known = found.whole && !found.periods.is_empty();
    let never = known && found.periods.iter().all(is_never);
    let periods: Option<Vec<Period>> = found.periods.iter().map(period).collect();
    let active = if never { Activity::Never } else { Activity::Sometimes };
    TimeSchedule { name: found.name, active, periods: periods.filter(|_| known).unwrap_or_default() }
}

fn is_never(period: &TimePeriod) -> bool {
    [&period.start, &period.end].into_iter().all(|time| time.as_deref() == Some(NO_OFFICE_HOURS))
}

/// `None` where it is written in a way that is not understood.
fn period(found: &TimePeriod) -> Option<Period> {
    let time = |text: &Option<String>| minutes(text.as_deref()?);
    let hours = if is_never(found) { None } else { Some((time(&found.start)?, time(&found.end)?)) };
    Some(Period { hours, days: days(found)? })
}

/// `08:15`; midnight at the end of a day is `24:00`.
fn minutes(time: &str) -> Option<u16> {
    let (hour, minute) = time.split_once(':')?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour <= 24 && minute < 60).then_some(hour * 60 + minute)
}

fn days(found: &TimePeriod) -> Option<Days> {
    if let Some(month) = &found.month {
        let from = day_of_year(month, found.day_of_month.as_deref())?;
        let to = found.month_end.as_ref();
        let to = to.map_or(Some(from), |month| day_of_year(month, found.day_of_month_end.as_deref()))?;
        return Some(Days::OfYear { from, to });
    }
    let from = found.start_day.as_ref().or(found.end_day.as_ref());
    let to = found.end_day.as_ref().or(from);
    let Some((from, to)) = from.zip(to) else { return Some(Days::Every) };
    Some(Days::OfWeek { from: place(&WEEK, from)?, to: place(&WEEK, to)? })
}

const WEEK: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn place(names: &[&str], name: &str) -> Option<i8> {
    names.iter().position(|known| *known == name).and_then(|at| i8::try_from(at).ok())
}

fn day_of_year(month: &str, day: Option<&str>) -> Option<(i8, i8)> {
    let day = day?.parse().ok().filter(|day| (1..=31).contains(day))?;
    Some((place(&MONTHS, month)? + 1, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_cucm_writes_them() {
        let office = TimePeriod {
            start: Some("08:00".into()),
            end: Some("24:00".into()),
            start_day: Some("Mon".into()),
            end_day: Some("Fri".into()),
            ..TimePeriod::default()
        };
        let days = Days::OfWeek { from: 1, to: 5 };
        assert_eq!(period(&office), Some(Period { hours: Some((480, 1440)), days }));
        let holiday = TimePeriod {
            start: Some(NO_OFFICE_HOURS.into()),
            end: Some(NO_OFFICE_HOURS.into()),
            month: Some("Dec".into()),
            day_of_month: Some("24".into()),
            month_end: Some("Jan".into()),
            day_of_month_end: Some("2".into()),
            ..TimePeriod::default()
        };
        let days = Days::OfYear { from: (12, 24), to: (1, 2) };
        assert_eq!(period(&holiday), Some(Period { hours: None, days }));
    }

    #[test]
    fn what_is_not_understood_or_not_whole_counts_as_active_at_some_hours_that_nobody_knows() {
        let odd = TimePeriod { start: Some("8 o'clock".into()), end: Some("17:00".into()), ..TimePeriod::default() };
        let never = TimePeriod {
            start: Some(NO_OFFICE_HOURS.into()),
            end: Some(NO_OFFICE_HOURS.into()),
            ..TimePeriod::default()
        };
        for (periods, whole) in [(vec![odd], true), (vec![never.clone()], false), (vec![], true)] {
            let read = of(AxlTimeSchedule { name: "S".into(), periods, whole });
            assert_eq!((read.active, read.periods), (Activity::Sometimes, vec![]));
        }
        let read = of(AxlTimeSchedule { name: "S".into(), periods: vec![never], whole: true });
        assert_eq!(read.active, Activity::Never);
    }
}
