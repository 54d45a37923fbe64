//! Orders that were refused: which of them the timeline hears of. Whoever may not order could otherwise fill it, and the
//! disk with it, and push the lock out of everybody's sight.

use super::ports::Clock;
use governor::clock::Clock as Ticks;
use governor::nanos::Nanos;
use limit::Limit;
use lockdown::ids::OperatorId;
use lockdown::operator::Operator;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Of one operator: so many at once, then one every so often.
const AT_ONCE: u32 = 10;
const THEN_ONE_EVERY: Duration = Duration::from_secs(60);

pub(super) struct Refusals {
    told: Limit<OperatorId, PortClock>,
    untold: AtomicU64,
}

impl Refusals {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { told: Limit::with_clock(AT_ONCE, THEN_ONE_EVERY, PortClock(clock)), untold: AtomicU64::new(0) }
    }

    /// Does the timeline hear of it? What it does not hear of is counted.
    pub(super) fn is_told(&self, by: &Operator) -> bool {
        let told = !by.is_stranger() && self.told.take(&by.id).is_ok();
        if !told {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
        told
    }

    /// Since the start.
    pub(super) fn untold(&self) -> u64 {
        self.untold.load(Ordering::Relaxed)
    }
}

/// The engine's clock, as a limiter reads it.
#[derive(Clone)]
struct PortClock(Arc<dyn Clock>);

impl Ticks for PortClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let since = self.0.now().as_nanosecond();
        Nanos::new(u64::try_from(since).unwrap_or_default())
    }
}
