//! Adapters of the `DialPlan` port: `cucm.rs` asks and writes, a file for each object says what it is in the plan's words.

mod by_sql;
mod calling_search_space;
pub mod cucm;
pub mod measured;
mod partition;
pub mod read_only;
mod route_pattern;
mod sip_route_pattern;
mod time_schedule;
mod translation_pattern;

use lockdown::dial_plan::{DigitChange, Discard};

/// What route and translation patterns do to digits, in AXL's words.
fn change(discard: Option<&str>, mask: Option<String>, prefix: Option<String>) -> DigitChange {
    DigitChange { discard: Discard::from_name(discard), mask, prefix }
}
