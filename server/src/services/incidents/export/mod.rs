//! An incident on paper and in other programs.

pub mod csv;
pub mod html;
pub mod ics;

use super::File;
use jiff::Timestamp;
use lockdown::call_request::CallRequest;
use lockdown::timeline::Event;
use serde::Serialize;

/// Everything, for programs.
#[derive(Serialize)]
struct Whole<'a> {
    report: lockdown::report::Report,
    events: &'a [Event],
    /// `null` for whoever may not see them.
    call_requests: Option<&'a [CallRequest]>,
}

/// The report, the timeline and the queue as JSON.
///
/// # Errors
/// Never for what a store gave; the caller has an answer for it all the same.
pub fn json(file: &File, now: Timestamp) -> serde_json::Result<String> {
    let whole = Whole { report: file.report(now), events: &file.events, call_requests: file.requests.as_deref() };
    serde_json::to_string_pretty(&whole)
}
