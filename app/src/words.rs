//! What the screens say about the switch and what just happened; of the state they say what [`lockdown::say`] does. Short sentences a frightened
//! person understands at first reading.

use crate::view::RequestView;
#[cfg(feature = "ssr")]
use crate::view::SaidView;
use lockdown::call_request::Priority;
#[cfg(feature = "ssr")]
use lockdown::say::{Said, Shape};

/// For a page.
#[cfg(feature = "ssr")]
pub fn said(said: Said) -> SaidView {
    SaidView {
        tone: said.tone.word().to_owned(),
        outline: outline(said.shape).to_owned(),
        headline: said.headline,
        second: said.second,
        next_step: said.next_step,
    }
}

/// The outline of a shape, for a box of 24 by 24.
#[cfg(feature = "ssr")]
fn outline(shape: Shape) -> &'static str {
    match shape {
        Shape::Padlock => "M7 10V7a5 5 0 0 1 10 0v3h1.5v11h-13V10H7zm2.5 0h5V7a2.5 2.5 0 0 0-5 0v3z",
        Shape::Check => "M9.5 17.6 3.9 12l1.9-1.9 3.7 3.7 8.7-8.7L20.1 7 9.5 17.6z",
        Shape::Question => {
            "M10.6 14.9v-1c0-1.5.7-2.4 2-3.3 1-.7 1.4-1.1 1.4-1.9 0-1-.8-1.6-2-1.6s-2 .6-2.2 2H7C7.200 6.200 9.200 4.700 12.100 4.700c2.900 0 5 1.500 5 3.900 0 1.600-.8 2.500-2.200 3.500-1.100.7-1.500 1.100-1.500 2v.8h-2.800zm-.3 4.800v-3.100h3.200v3.100h-3.200z"
        }
        Shape::Exclamation => "M10.500 4h3.200l-.4 10.500h-2.400L10.500 4zm-.1 16v-3.300h3.400V20h-3.400z",
    }
}

pub const PLAN_UNCHECKED: &str = "The plan was not checked yet: CUCM was not seen.";
pub const PLAN_REFUSED: &str = "The plan is refused. Nothing can be locked until it is mended:";
pub const PLAN_SEE_ALL: &str = "The page Plan shows seniors and administrators whom this concerns.";

pub(crate) fn devices(count: usize) -> String {
    if count == 1 { "1 device".to_owned() } else { format!("{count} devices") }
}

pub fn plan_checked(at: &str, leaks: usize) -> String {
    format!("Plan checked at {at}: {}", lockdown::timeline::ways(leaks))
}

/// On the console of a drill, always.
pub const DRILL: &str = "This is a drill. No telephone call is touched, whatever is ordered here.";

/// On every console until an administrator wrote down why.
pub fn past_the_provider(at: &str, who: &str, what: &str) -> String {
    format!("{at} {who}: {what}. Nobody has reviewed it yet.")
}

/// In the form, for the first of two seniors and for the second.
pub fn second(others: &[String]) -> String {
    let whom = if others.is_empty() { "no other is registered yet".to_owned() } else { others.join(", ") };
    format!("Two seniors must give it within ten minutes; besides you: {whom}.")
}

/// What the lock switch says.
pub(crate) fn hold_label(site: &str, drill: bool) -> String {
    if drill {
        return format!("Hold to practise the lock: {site}");
    }
    format!("Hold to lock the PSTN for {site}")
}

/// A call in the agent's desktop.
pub(crate) fn on_the_line(number: &str, direction: Option<&str>) -> String {
    match direction {
        Some("outbound") => format!("On the line: {number}, from inside"),
        Some(_) => format!("On the line: {number}, from outside"),
        None => format!("On the line: {number}"),
    }
}

pub(crate) const HOLDING: &str = "Keep holding…";
pub(crate) const LET_GO: &str = "Let go too early: nothing was ordered";
pub(crate) const SENT: &str = "Sent. Waiting for the server…";
pub(crate) const TWO_STEPS: &str = "Lock in two steps";
pub(crate) const CONFIRM_LOCK: &str = "Lock now";
pub(crate) const SIGNED_OUT: &str =
    "You are signed out, or a role was taken away. What you see is no longer kept up to date.";
/// The box beside an all-clear while the shared database is away.
pub(crate) const BREAK_GLASS: &str = "Give it although other servers may not hear of it. Say why above.";

/// On every console while the shared database is away.
pub fn alone(since: &str) -> String {
    format!(
        "The shared database cannot be reached since {since}. Locking works; what happens here is kept and passed on."
    )
}

/// The shape and the word of a lane.
pub(crate) fn priority(priority: Priority) -> (&'static str, &'static str) {
    match priority {
        Priority::Urgent => ("▲", "Urgent"),
        Priority::Normal => ("■", "Normal"),
        Priority::Low => ("○", "Low"),
    }
}

pub(crate) fn queue_counts((new, mine): (usize, usize)) -> String {
    format!("{new} new · {mine} yours")
}

/// How far it got, and who holds it.
pub(crate) fn request_state(request: &RequestView) -> String {
    let state = request.state.replace('_', " ");
    match &request.holder {
        Some(holder) if request.state == "claimed" => holder.name.clone(),
        Some(holder) => format!("{state}, {}", holder.name),
        None => state,
    }
}

pub(crate) fn wall_lost(since: Option<&str>) -> String {
    let since = since.map(|clock| format!(" since {clock}")).unwrap_or_default();
    format!("THIS BOARD IS NOT LIVE{since}. Do not believe what it shows.")
}

pub(crate) const ONLY_EOC: &str = "Only EOC personnel may lock. Call the EOC.";

pub(crate) fn not_live(since: Option<&str>) -> String {
    since.map_or_else(|| "Connecting…".into(), |clock| format!("Not live since {clock}. Reconnecting…"))
}

/// `00:12:41`.
pub(crate) fn elapsed(seconds: i64) -> String {
    let s = seconds.max(0);
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// Above the step table: an old reading is no news of what CUCM holds.
pub(crate) fn steps_title(stale: bool, (done, of): (usize, usize)) -> String {
    if stale { "Steps, as they were last seen".into() } else { format!("Steps: {done} of {of} as ordered") }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn clocks_are_short() {
        assert_eq!(elapsed(761), "00:12:41");
    }
}
