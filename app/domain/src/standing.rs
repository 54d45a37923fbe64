//! The word on the screen, worked out from what was ordered and what was read.

use crate::command::Command;
use crate::reading::{Reading, ReadingState};
use crate::steps::Target;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Worst first. Never `Locked` or `Normal` unless the order was read back as carried out and a fresh
/// reading shows every step so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "standing")]
pub enum Standing {
    /// CUCM was not seen within the last 30 s, or only in part.
    Unknown {
        ordered: Target,
        /// The order was once seen carried out.
        confirmed: bool,
    },
    /// It was as ordered, and somebody has changed CUCM since.
    Drifted {
        ordered: Target,
        off: usize,
    },
    /// Ordered, and not every step is read back yet.
    Pending {
        ordered: Target,
        done: usize,
        of: usize,
    },
    Locked,
    Normal,
}

impl Standing {
    /// Every word there is, worst first.
    pub const WORDS: [&'static str; 5] = ["unknown", "drifted", "pending", "locked", "normal"];

    /// The word of the REST interface.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown",
            Self::Drifted { .. } => "drifted",
            Self::Pending { .. } => "pending",
            Self::Locked => "locked",
            Self::Normal => "normal",
        }
    }

    /// How a site stands while CUCM is not seen.
    pub fn unseen(order: &Command) -> Self {
        Self::Unknown { ordered: order.target(), confirmed: order.is_settled() }
    }
}

/// The standing of a site at `now`.
pub fn standing(command: &Command, reading: Option<&Reading>, now: Timestamp) -> Standing {
    let Some(reading) = reading.filter(|reading| reading.is_fresh(now)) else {
        return Standing::unseen(command);
    };
    let ordered = command.target();
    match (reading.state(), ordered) {
        (ReadingState::Unknown, _) => Standing::unseen(command),
        // The reading may be older than the order or than its last write: only whoever read back
        // after both settles it.
        _ if !command.is_settled() => {
            Standing::Pending { ordered, done: reading.done(ordered), of: reading.steps.len() }
        }
        (ReadingState::Locked, Target::Locked) => Standing::Locked,
        (ReadingState::Normal, Target::Normal) => Standing::Normal,
        _ => Standing::Drifted { ordered, off: reading.off(ordered).count() },
    }
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

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
    }

    fn actor() -> Actor {
        Actor { id: OperatorId::try_from("p").unwrap(), name: "P".into(), surface: Surface::Web }
    }

    fn command(kind: u8, verified: bool) -> Command {
        let id = ActivationId::try_from("a").unwrap();
        let verified_at = verified.then(|| at(-60_000));
        match kind {
            0 => Command::Untouched { since: at(-90_000) },
            1 => Command::Locked(Activation {
                id,
                ordered_at: at(-90_000),
                by: actor(),
                reason: None,
                verified_at,
                asked: None,
            }),
            _ => Command::Normal(Release {
                alone: false,
                with: None,
                activation: id,
                ordered_at: at(-90_000),
                by: actor(),
                reason: None,
                verified_at,
            }),
        }
    }

    fn reading(states: &[StepState], read_at: Timestamp) -> Reading {
        let steps = states.iter().enumerate().map(|(n, state)| StepReading {
            step: StepId::try_from(format!("s{n}")).unwrap(),
            found: Found::Value(StepValue::Blocked(*state == StepState::Locked)),
            state: *state,
        });
        Reading { read_at, steps: steps.collect() }
    }

    #[test]
    fn a_reading_of_29_seconds_counts_and_one_of_31_does_not() {
        let locked = command(1, true);
        let seen = reading(&[StepState::Locked], at(0));
        assert_eq!(standing(&locked, Some(&seen), at(29_000)), Standing::Locked);
        let unseen = Standing::Unknown { ordered: Target::Locked, confirmed: true };
        assert_eq!(standing(&locked, Some(&seen), at(31_000)), unseen);
        assert_eq!(standing(&locked, Some(&seen), at(-6_000)), unseen, "clock ran back");
        assert_eq!(standing(&locked, None, at(0)), unseen);
    }

    #[test]
    fn before_it_is_verified_a_difference_is_pending_and_afterwards_it_is_drift() {
        let seen = reading(&[StepState::Locked, StepState::Normal], at(0));
        let ordered = Target::Locked;
        assert_eq!(standing(&command(1, false), Some(&seen), at(0)), Standing::Pending { ordered, done: 1, of: 2 });
        assert_eq!(standing(&command(1, true), Some(&seen), at(0)), Standing::Drifted { ordered, off: 1 });
    }

    #[test]
    fn a_reading_from_before_the_order_does_not_make_it_verified() {
        let seen = reading(&[StepState::Locked, StepState::Locked], at(0));
        let pending = standing(&command(1, false), Some(&seen), at(0));
        assert_eq!(pending, Standing::Pending { ordered: Target::Locked, done: 2, of: 2 });
    }

    #[test]
    fn a_site_nobody_touched_that_is_found_locked_has_drifted() {
        let seen = reading(&[StepState::Locked], at(0));
        assert_eq!(
            standing(&command(0, false), Some(&seen), at(0)),
            Standing::Drifted { ordered: Target::Normal, off: 1 }
        );
    }

    fn any_state() -> impl Strategy<Value = StepState> {
        use StepState::{Changed, Locked, Missing, Normal, NotRead};
        prop::sample::select(vec![Normal, Locked, Changed, Missing, NotRead])
    }

    proptest! {
        #[test]
        fn it_is_never_normal_or_locked_on_a_stale_failed_or_partial_reading(
            kind in 0u8..3, verified: bool, states in prop::collection::vec(any_state(), 0..6), age in -40_000i64..90_000,
        ) {
            let now = at(0);
            let seen = reading(&states, at(-age));
            let settled = kind == 0 || verified;
            let word = standing(&command(kind, verified), Some(&seen), now);
            let target = command(kind, verified).target();
            let all = |state| !states.is_empty() && states.iter().all(|s| *s == state);
            let fresh = (-5_000..=30_000).contains(&age);
            prop_assert_eq!(word == Standing::Locked, settled && fresh && target == Target::Locked && all(StepState::Locked));
            prop_assert_eq!(word == Standing::Normal, settled && fresh && target == Target::Normal && all(StepState::Normal));
            if states.contains(&StepState::NotRead) || !fresh { prop_assert_eq!(word.word(), "unknown"); }
        }
    }
}
