//! What may be said of a site now, in one sentence for every surface: banner, wall, desk phone, agents' desktops, room
//! devices, bot, card and page. The order and what CUCM was seen to hold are both in it, always; no surface makes a sentence
//! of its own, and none says more than is known here.

use crate::command::Command;
use crate::reading::{Reading, ReadingState};
use crate::standing::{Standing, standing};
use crate::steps::Target;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The word a style sheet goes by; shape and text say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    Locked,
    Normal,
    /// On its way, or changed by somebody.
    Attention,
    Unknown,
    /// Whatever is practised.
    Drill,
}

impl Tone {
    pub fn word(self) -> &'static str {
        match self {
            Self::Locked => "locked",
            Self::Normal => "normal",
            Self::Attention => "attention",
            Self::Unknown => "unknown",
            Self::Drill => "drill",
        }
    }

    /// A sign for it, where there is only text.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Drill => "🟣",
            Self::Locked => "🔴",
            Self::Normal => "🟢",
            Self::Unknown => "⚪",
            Self::Attention => "🟠",
        }
    }
}

/// What is drawn beside the words, so that they are told apart without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Padlock,
    Check,
    Exclamation,
    Question,
}

/// One sentence, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub headline: String,
    /// What was ordered, when and by whom, and what was seen last.
    pub second: String,
    /// What whoever reads it does now; empty where that is nothing.
    pub next_step: String,
    pub tone: Tone,
    pub shape: Shape,
}

/// Whether what is said comes from a server that is there, or from a screen that has lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Open,
    Lost,
}

/// The headline and the next step of a screen that has lost the server, and knows only what is too old.
pub const SCREEN_LOST: &str = "Unknown: this screen has lost the server";
pub const SCREEN_LOST_THEN: &str = "Look at another screen, a desk phone or the bot: the lock may be ordered there.";

/// Which number always helps. `proved`: it was shown to get through from every phone, as the dial plan was last read; that a
/// lock does not touch it holds of every plan that is accepted.
pub fn emergency(number: &str, proved: bool) -> String {
    let then = if proved { "It always works, from every phone." } else { "A lock does not touch it." };
    format!("Emergency: dial {number}. {then}")
}

/// Where two seniors must give the all-clear, and one did.
pub fn asked(by: &str, until: &str) -> String {
    format!("{by} gave the all-clear. It counts when another senior gives it too, before {until}.")
}

/// `12 s ago`, `3 min ago`.
pub fn age(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..=119 => format!("{s} s ago"),
        s @ 120..=7199 => format!("{} min ago", s / 60),
        s => format!("{} h ago", s / 3600),
    }
}

/// What a sentence is made of.
pub struct Facts<'a> {
    pub order: &'a Command,
    pub reading: Option<&'a Reading>,
    pub line: Line,
    pub drill: bool,
    /// Writes made since the order, of how many; `None` before the first.
    pub progress: Option<(usize, usize)>,
    /// Names who ordered.
    pub names: bool,
    pub now: Timestamp,
}

/// The sentence. `clock`: a moment as the site's clock shows it, with the name of its zone.
pub fn say(facts: &Facts<'_>, clock: impl Fn(Timestamp) -> String) -> Said {
    let standing = match facts.line {
        Line::Open => standing(facts.order, facts.reading, facts.now),
        Line::Lost => Standing::unseen(facts.order),
    };
    let headline = match facts.line {
        Line::Lost => SCREEN_LOST.to_owned(),
        Line::Open => headline(standing, facts.progress),
    };
    Said {
        headline: if facts.drill { practised(standing, &headline) } else { headline },
        second: second(standing, facts, clock),
        next_step: next_step(standing, facts.line).to_owned(),
        tone: if facts.drill { Tone::Drill } else { tone(standing) },
        shape: shape(standing),
    }
}

fn headline(standing: Standing, progress: Option<(usize, usize)>) -> String {
    match standing {
        Standing::Locked => "PSTN LOCKED".into(),
        Standing::Normal => "Normal calling".into(),
        Standing::Unknown { ordered: Target::Locked, confirmed: false } => {
            "LOCK ORDERED, not confirmed: cannot see CUCM".into()
        }
        Standing::Unknown { ordered: Target::Normal, confirmed: false } => {
            "All-clear ordered, not confirmed: cannot see CUCM".into()
        }
        Standing::Unknown { .. } => "Unknown: cannot see CUCM".into(),
        Standing::Drifted { off: 1, .. } => "Changed in CUCM: 1 object is not as ordered".into(),
        Standing::Drifted { off, .. } => format!("Changed in CUCM: {off} objects are not as ordered"),
        // Taken and remembered; the first write is still to come.
        Standing::Pending { ordered: Target::Locked, .. } if progress.is_none() => "Lock accepted".into(),
        Standing::Pending { ordered: Target::Normal, .. } if progress.is_none() => "All-clear accepted".into(),
        Standing::Pending { ordered, done, of } => {
            let (done, of) = progress.map_or((done, of), |(applied, total)| (applied.max(done), total));
            let verb = if ordered == Target::Locked { "Locking…" } else { "Releasing…" };
            format!("{verb} {done} of {of}")
        }
    }
}

/// No exercise reads like the real thing.
fn practised(standing: Standing, headline: &str) -> String {
    match standing {
        Standing::Locked => "DRILL: canaries locked".into(),
        Standing::Normal => "DRILL: canaries normal".into(),
        _ => format!("DRILL: {headline}"),
    }
}

fn second(standing: Standing, facts: &Facts<'_>, clock: impl Fn(Timestamp) -> String) -> String {
    let by = facts.order.by().filter(|_| facts.names).map(|by| format!(" by {by}")).unwrap_or_default();
    let since = clock(facts.order.since());
    let ordered = match facts.order {
        Command::Untouched { .. } => "no lock is ordered".to_owned(),
        Command::Locked(_) => format!("ordered locked{by} at {since}"),
        Command::Normal(_) => format!("ordered normal{by} at {since}"),
    };
    let then = match standing {
        Standing::Locked | Standing::Normal => facts.order.verified_at().map(|at| format!("verified at {}", clock(at))),
        Standing::Pending { .. } => Some("not verified yet".into()),
        // Without a time: it would change with every look, and with it whatever shows the sentence.
        Standing::Drifted { .. } => Some("changed by somebody since".into()),
        Standing::Unknown { .. } => Some(seen_last(facts.reading, clock)),
    };
    capitalised(&[Some(ordered), then].into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn seen_last(reading: Option<&Reading>, clock: impl Fn(Timestamp) -> String) -> String {
    let Some(reading) = reading else { return "CUCM was not seen yet".into() };
    let word = match reading.state() {
        ReadingState::Locked => "locked",
        ReadingState::Normal => "normal",
        ReadingState::Mixed => "in between",
        ReadingState::Unknown => return "CUCM was not read whole".into(),
    };
    format!("CUCM was last seen {word} at {}", clock(reading.read_at))
}

fn next_step(standing: Standing, line: Line) -> &'static str {
    match (line, standing) {
        (Line::Lost, _) => SCREEN_LOST_THEN,
        (_, Standing::Unknown { ordered: Target::Locked, confirmed: false }) => {
            "It is tried again by itself. Until it is confirmed, outside calls may go out: call the telecom engineer."
        }
        (_, Standing::Unknown { confirmed: false, .. }) => "It is tried again by itself. Call the telecom engineer.",
        (_, Standing::Unknown { .. }) => "A lock that was carried out stays in CUCM. Call the telecom engineer.",
        (_, Standing::Drifted { .. }) => "Call the telecom engineer: the console names what was changed.",
        (_, Standing::Locked | Standing::Normal | Standing::Pending { .. }) => "",
    }
}

fn tone(standing: Standing) -> Tone {
    match standing {
        Standing::Locked => Tone::Locked,
        Standing::Normal => Tone::Normal,
        Standing::Unknown { .. } => Tone::Unknown,
        Standing::Pending { .. } | Standing::Drifted { .. } => Tone::Attention,
    }
}

fn shape(standing: Standing) -> Shape {
    match standing {
        Standing::Locked => Shape::Padlock,
        Standing::Normal => Shape::Check,
        Standing::Unknown { .. } => Shape::Question,
        Standing::Pending { .. } | Standing::Drifted { .. } => Shape::Exclamation,
    }
}

/// The words of a small display, which shows nothing while all is normal: a desk phone's banner (32 characters with the
/// site's name behind it), the line in the agents' desktops, a room device.
pub fn short(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Locked => Some("PSTN LOCKED"),
        Standing::Pending { ordered: Target::Locked, .. } => Some("PSTN lock ordered"),
        Standing::Unknown { ordered: Target::Locked, .. } => Some("PSTN lock unconfirmed"),
        Standing::Drifted { ordered: Target::Locked, .. } => Some("PSTN lock changed"),
        Standing::Pending { ordered: Target::Normal, .. } => Some("PSTN lock ending"),
        Standing::Unknown { ordered: Target::Normal, confirmed: false } => Some("PSTN all-clear unconfirmed"),
        Standing::Normal | Standing::Unknown { .. } | Standing::Drifted { .. } => None,
    }
}

/// All that [`short`] can say: whatever begins so on somebody's display is ours.
///
/// The first comes before the others where a display has room for one site.
pub const SHORT: [&str; 6] = [
    "PSTN LOCKED",
    "PSTN lock ordered",
    "PSTN lock unconfirmed",
    "PSTN lock changed",
    "PSTN lock ending",
    "PSTN all-clear unconfirmed",
];

/// Which of [`SHORT`] it is: the lowest is shown where there is room for one.
pub fn urgency(words: &str) -> usize {
    SHORT.iter().position(|short| *short == words).unwrap_or(SHORT.len())
}

/// What it means for whoever calls, behind the words of a small display.
pub fn means(standing: Standing) -> &'static str {
    match standing {
        Standing::Locked => "Outside calls go through the EOC.",
        Standing::Pending { ordered: Target::Locked, .. }
        | Standing::Unknown { ordered: Target::Locked, .. }
        | Standing::Drifted { ordered: Target::Locked, .. } => "Outside calls may go through the EOC.",
        Standing::Pending { .. } | Standing::Unknown { .. } | Standing::Drifted { .. } => {
            "Outside calls may not work as usual."
        }
        Standing::Normal => "Phones work normally.",
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Activation, Release};
    use crate::ids::{ActivationId, OperatorId, StepId};
    use crate::operator::{Actor, Surface};
    use crate::reading::StepReading;
    use crate::steps::{Found, StepState, StepValue};
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn clock(at: Timestamp) -> String {
        at.strftime("%H:%M:%S UTC").to_string()
    }

    fn order(kind: u8, verified: bool) -> Command {
        let id = ActivationId::try_from("a").unwrap();
        let ordered_at = at(-90);
        let by = Actor { id: OperatorId::try_from("p").unwrap(), name: "Ann".into(), surface: Surface::Web };
        let reason = None;
        let verified_at = verified.then(|| at(-60));
        match kind {
            0 => Command::Untouched { since: ordered_at },
            1 => Command::Locked(Activation { id, ordered_at, by, reason, verified_at, asked: None }),
            _ => Command::Normal(Release {
                activation: id,
                ordered_at,
                by,
                reason,
                verified_at,
                alone: false,
                with: None,
            }),
        }
    }

    fn reading(states: &[StepState], age: i64) -> Reading {
        let step = |(n, state): (usize, &StepState)| StepReading {
            step: StepId::try_from(format!("s{n}")).unwrap(),
            found: Found::Value(StepValue::Blocked(*state == StepState::Locked)),
            state: *state,
        };
        Reading { read_at: at(-age), steps: states.iter().enumerate().map(step).collect() }
    }

    fn facts<'a>(order: &'a Command, reading: Option<&'a Reading>) -> Facts<'a> {
        Facts { order, reading, line: Line::Open, drill: false, progress: None, names: true, now: at(0) }
    }

    #[test]
    fn ages_are_short() {
        assert_eq!([age(-3), age(12), age(180), age(7300)], ["0 s ago", "12 s ago", "3 min ago", "2 h ago"]);
    }

    #[test]
    fn a_lock_that_is_ordered_while_cucm_is_not_seen_is_not_forgotten() {
        let order = order(1, false);
        let seen = reading(&[StepState::Normal], 60);
        let said = say(&facts(&order, Some(&seen)), clock);
        assert_eq!(said.headline, "LOCK ORDERED, not confirmed: cannot see CUCM");
        assert_eq!(
            said.second,
            "Ordered locked by Ann (web) at 07:58:30 UTC, CUCM was last seen normal at 07:59:00 UTC"
        );
        assert!(said.next_step.contains("tried again"), "{}", said.next_step);
    }

    #[test]
    fn a_screen_that_lost_the_server_suspects_the_server() {
        let order = order(1, true);
        let seen = reading(&[StepState::Locked], 2);
        let said = say(&Facts { line: Line::Lost, ..facts(&order, Some(&seen)) }, clock);
        assert_eq!(said.headline, "Unknown: this screen has lost the server");
        assert_eq!(said.tone, Tone::Unknown);
    }

    #[test]
    fn an_order_is_accepted_before_it_is_carried_out() {
        let order = order(1, false);
        let seen = reading(&[StepState::Normal, StepState::Normal], 1);
        let said = |progress| say(&Facts { progress, ..facts(&order, Some(&seen)) }, clock).headline;
        assert_eq!(said(None), "Lock accepted");
        assert_eq!(said(Some((0, 2))), "Locking… 0 of 2");
    }

    #[test]
    fn nobody_is_named_to_the_public() {
        let order = order(1, true);
        let seen = reading(&[StepState::Locked], 2);
        let said = say(&Facts { names: false, ..facts(&order, Some(&seen)) }, clock);
        assert_eq!(said.second, "Ordered locked at 07:58:30 UTC, verified at 07:59:00 UTC");
    }

    fn any_states() -> impl Strategy<Value = Vec<StepState>> {
        use StepState::{Changed, Locked, Missing, Normal, NotRead};
        let any = prop::sample::select(vec![Normal, Locked, Changed, Missing, NotRead]);
        let alike =
            prop::sample::select(vec![Normal, Locked]).prop_flat_map(|state| prop::collection::vec(Just(state), 1..4));
        prop_oneof![alike, prop::collection::vec(any, 0..5)]
    }

    proptest! {
        #[test]
        fn nobody_says_more_than_is_known(
            kind in 0u8..3, verified: bool, states in any_states(), age in -40i64..90, read: bool, lost: bool, drill: bool,
            progress in prop::option::of((0usize..5, Just(5usize))),
        ) {
            let order = order(kind, verified);
            let seen = reading(&states, age);
            let line = if lost { Line::Lost } else { Line::Open };
            let facts = Facts { line, drill, progress, ..facts(&order, read.then_some(&seen)) };
            let said = say(&facts, clock);
            let all = |state| !states.is_empty() && states.iter().all(|one| *one == state);
            let known = !lost && read && (-5..=30).contains(&age) && (kind == 0 || verified);
            let locked = known && kind == 1 && all(StepState::Locked);
            let normal = known && kind != 1 && all(StepState::Normal);
            // Said only where it is so, and always where it is.
            let head = said.headline.to_lowercase();
            prop_assert_eq!(head.contains("locked"), locked, "{:?}", said);
            prop_assert_eq!(head.contains("normal"), normal, "{:?}", said);
            prop_assert_eq!(said.shape == Shape::Padlock, locked);
            prop_assert_eq!(said.shape == Shape::Check, normal);
            prop_assert_eq!(said.tone == Tone::Locked, locked && !drill);
            prop_assert_eq!(said.tone == Tone::Normal, normal && !drill);
            // The order and the reading are both in it.
            let ordered = ["no lock is ordered", "ordered locked", "ordered normal"][usize::from(kind)];
            prop_assert!(said.second.to_lowercase().starts_with(ordered), "{:?}", said);
            // Our own trouble is not CUCM's.
            prop_assert!(!lost || !head.contains("cucm"), "{:?}", said);
            prop_assert_eq!(drill, said.headline.starts_with("DRILL"));
            let standing = standing(&order, facts.reading, facts.now);
            prop_assert_eq!(short(standing) == Some("PSTN LOCKED"), standing == Standing::Locked);
            prop_assert!(short(standing).is_none_or(|words| SHORT.contains(&words) && words.chars().count() <= 26));
            prop_assert_eq!(means(standing) == "Outside calls go through the EOC.", standing == Standing::Locked);
        }
    }
}
