//! What the screens say about the state, the switch and what just happened. Short sentences a frightened
//! person understands at first reading.

use crate::view::{RequestView, SiteView};
use lockdown::call_request::Priority;
use lockdown::standing::Standing;
use lockdown::step::Target;

/// The word that a style sheet goes by; text and shape say the same.
pub(crate) fn tone(site: &SiteView) -> &'static str {
    match site.standing {
        _ if site.drill => "drill",
        Standing::Locked => "locked",
        Standing::Normal => "normal",
        Standing::Unknown => "unknown",
        Standing::Pending { .. } | Standing::Drifted { .. } => "attention",
    }
}

/// A sign for each tone, where there is only text.
#[cfg(feature = "ssr")]
pub fn mark(site: &SiteView) -> &'static str {
    match site.standing {
        _ if site.drill => "🟣",
        Standing::Locked => "🔴",
        Standing::Normal => "🟢",
        Standing::Unknown => "⚪",
        Standing::Pending { .. } | Standing::Drifted { .. } => "🟠",
    }
}

/// A shape for each tone, so that a black-and-white print tells them apart.
pub(crate) fn shape(standing: Standing) -> &'static str {
    match standing {
        Standing::Locked => "M7 10V7a5 5 0 0 1 10 0v3h1.5v11h-13V10H7zm2.5 0h5V7a2.5 2.5 0 0 0-5 0v3z",
        Standing::Normal => "M9.5 17.6 3.9 12l1.9-1.9 3.7 3.7 8.7-8.7L20.1 7 9.5 17.6z",
        Standing::Unknown => {
            "M10.6 14.9v-1c0-1.5.7-2.4 2-3.3 1-.7 1.4-1.1 1.4-1.9 0-1-.8-1.6-2-1.6s-2 .6-2.2 2H7C7.200 6.200 9.200 4.700 12.100 4.700c2.900 0 5 1.500 5 3.900 0 1.600-.8 2.500-2.200 3.500-1.100.7-1.500 1.100-1.500 2v.8h-2.800zm-.3 4.800v-3.100h3.200v3.100h-3.200z"
        }
        Standing::Pending { .. } | Standing::Drifted { .. } => {
            "M10.500 4h3.200l-.4 10.500h-2.400L10.500 4zm-.1 16v-3.300h3.400V20h-3.400z"
        }
    }
}

pub fn console_headline(site: &SiteView) -> String {
    let progress = site.detail.as_ref().and_then(|detail| detail.progress);
    match site.standing {
        Standing::Locked if site.drill => "DRILL: canaries locked".into(),
        Standing::Normal if site.drill => "DRILL: canaries normal".into(),
        Standing::Locked => "PSTN LOCKED".into(),
        Standing::Normal => "Normal calling".into(),
        Standing::Unknown => "Unknown: cannot see CUCM".into(),
        Standing::Drifted { ordered: Target::Locked, off } => format!("Locked, but {}", changed(off)),
        Standing::Drifted { ordered: Target::Normal, off } => format!("Normal, but {}", changed(off)),
        // Taken and remembered; the first write is still to come.
        Standing::Pending { ordered, .. } if site.detail.is_some() && progress.is_none() => match ordered {
            Target::Locked => "Lock accepted".into(),
            Target::Normal => "All-clear accepted".into(),
        },
        Standing::Pending { ordered, done, of } => {
            let (done, of) = progress.map_or((done, of), |(applied, total)| (applied.max(done), total));
            let verb = if ordered == Target::Locked { "Locking…" } else { "Releasing…" };
            format!("{verb} {done} of {of}")
        }
    }
}

fn changed(off: usize) -> String {
    if off == 1 { "1 object was changed".into() } else { format!("{off} objects were changed") }
}

/// The line below the headline.
pub fn console_second_line(site: &SiteView) -> String {
    let by = site.detail.as_ref().and_then(|detail| detail.by.clone());
    let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
    let verified = site.detail.as_ref().and_then(|detail| detail.verified.as_ref());
    match site.standing {
        Standing::Locked => verified.map_or_else(String::new, |at| format!("verified at {}{by}", at.clock)),
        Standing::Normal => {
            verified.map_or_else(|| "nothing is ordered".into(), |at| format!("verified at {}", at.clock))
        }
        Standing::Unknown => match (site.last_seen, &site.read) {
            (Some(target), Some(read)) => format!("last seen {} at {}", target_word(target), read.clock),
            (None, Some(read)) => format!("last seen in between at {}", read.clock),
            _ => "not seen since this server started".into(),
        },
        Standing::Pending { .. } => format!("accepted at {}{by}", site.since.clock),
        Standing::Drifted { .. } => format!("ordered {} at {}{by}", target_word(site.ordered), site.since.clock),
    }
}

pub(crate) fn target_word(target: Target) -> &'static str {
    match target {
        Target::Locked => "Locked",
        Target::Normal => "Normal",
    }
}

/// Above the all-clear where two seniors must give it and one did.
pub fn asked(by: &str, until: &str) -> String {
    format!("{by} gave the all-clear. It counts when another senior gives it too, before {until}.")
}

pub const PLAN_UNCHECKED: &str = "The plan was not checked yet: CUCM was not seen.";
pub const PLAN_REFUSED: &str = "The plan is refused. Nothing can be locked until it is mended:";
pub const PLAN_SEE_ALL: &str = "See them all with `pstn-lockdown plan check`.";

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

/// `12 s ago`, `3 min ago`.
pub fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..=119 => format!("{s} s ago"),
        s @ 120..=7199 => format!("{} min ago", s / 60),
        s => format!("{} h ago", s / 3600),
    }
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
    use crate::view::{Moment, SiteDetail};

    fn locking(progress: Option<(usize, usize)>) -> SiteView {
        let moment = Moment { ms: 0, iso: String::new(), clock: "10:00:00".into() };
        SiteView {
            id: "north".try_into().unwrap(),
            name: "North".into(),
            drill: false,
            standing: Standing::Pending { ordered: Target::Locked, done: 0, of: 18 },
            ordered: Target::Locked,
            since: moment,
            read: None,
            last_seen: None,
            emergency_numbers: vec![],
            answered_ms: 0,
            detail: Some(SiteDetail {
                version: 2,
                by: Some("EOC 1 (web)".into()),
                verified: None,
                progress,
                trouble: None,
                alone: false,
                notices: vec![],
                done: (0, 18),
                steps: String::new(),
                incident: None,
                by_id: None,
                plan: None,
            }),
        }
    }

    #[test]
    fn an_order_is_accepted_before_it_is_carried_out() {
        assert_eq!(console_headline(&locking(None)), "Lock accepted");
        assert_eq!(console_second_line(&locking(None)), "accepted at 10:00:00 by EOC 1 (web)");
        assert_eq!(console_headline(&locking(Some((0, 18)))), "Locking… 0 of 18");
    }

    #[test]
    fn a_drill_never_reads_like_a_lock() {
        let locked = SiteView { standing: Standing::Locked, ..locking(None) };
        let drill = SiteView { drill: true, ..locked.clone() };
        assert_ne!(console_headline(&drill), console_headline(&locked));
        assert_ne!(tone(&drill), tone(&locked));
    }

    #[test]
    fn ages_and_clocks_are_short() {
        assert_eq!([age(-3), age(12), age(180), age(7300)], ["0 s ago", "12 s ago", "3 min ago", "2 h ago"]);
        assert_eq!(elapsed(761), "00:12:41");
    }
}
