//! When a piece of news that was not taken is sent again.

use jiff::SignedDuration;

/// Between one attempt and the next, about three days and four hours in all; the first attempt is made
/// at once. Source: standard-webhooks, spec/standard-webhooks.md, "Deliverability and reliability".
const PAUSES: [SignedDuration; 9] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// A receiver may ask for this much patience and no more.
const LONGEST: SignedDuration = SignedDuration::from_hours(24);

/// How long to wait after `attempts` that failed; `None` when it was tried often enough.
///
/// Spread by 20 % either way, drawn with `chance`, so that senders that failed together do not come back
/// together. `asked` is what the receiver wants (`Retry-After`): it is never come back to earlier.
pub fn pause(attempts: u32, asked: Option<SignedDuration>, chance: u16) -> Option<SignedDuration> {
    let made = usize::try_from(attempts).ok()?;
    let planned = spread(*PAUSES.get(made.saturating_sub(1))?, chance);
    Some(asked.map_or(planned, |asked| planned.max(asked.min(LONGEST))))
}

/// 800 to 1200 thousandths of it.
fn spread(pause: SignedDuration, chance: u16) -> SignedDuration {
    let thousandths = 800 + i64::from(chance) * 400 / i64::from(u16::MAX);
    SignedDuration::from_millis(pause.as_secs() * thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIDDLE: u16 = 32_768;

    #[test]
    fn it_is_tried_ten_times_within_some_days() {
        let pauses: Vec<SignedDuration> = (1..).map_while(|attempts| pause(attempts, None, MIDDLE)).collect();
        assert_eq!(pauses.len(), 9, "and the first attempt");
        let all: i64 = pauses.iter().map(SignedDuration::as_secs).sum();
        assert_eq!(all, 5 + 5 * 60 + 30 * 60 + 75 * 3600);
        assert!(pauses.is_sorted());
    }

    #[test]
    fn the_receiver_is_given_the_time_it_asks_for_up_to_a_day() {
        let asked = |seconds| pause(1, Some(SignedDuration::from_secs(seconds)), MIDDLE).map(|pause| pause.as_secs());
        assert_eq!(asked(1), Some(5), "not earlier than planned");
        assert_eq!(asked(120), Some(120));
        assert_eq!(asked(1_000_000), Some(24 * 3600));
        assert_eq!(pause(10, Some(SignedDuration::from_secs(1)), MIDDLE), None, "asking makes no more attempts");
    }

    proptest! {
        #[test]
        fn a_pause_is_spread_by_a_fifth_at_most(attempts in 1u32..10, chance: u16) {
            let planned = PAUSES[attempts as usize - 1].as_millis();
            let paused = pause(attempts, None, chance).unwrap().as_millis();
            prop_assert!((planned * 8..=planned * 12).contains(&(paused * 10)), "{paused} of {planned}");
        }
    }
}
