//! How often somebody may do something: so many at once, then one every so often. Whoever is asked about is remembered
//! within a bound, whatever a flood calls itself.

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

/// Names that are remembered before those that are idle are forgotten.
const REMEMBERED: usize = 10_000;

type Limiter<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// So many at once, then one every so often, for each `K`.
pub struct Limit<K: Hash + Eq + Clone, C: Clock = MonotonicClock> {
    limiter: Mutex<Limiter<K, C>>,
    quota: Quota,
    clock: C,
}

/// Come back after this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl Wait {
    /// For `Retry-After`: whole seconds, at least one.
    pub fn seconds(self) -> u64 {
        self.0.as_secs() + 1
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    pub fn new(at_once: u32, then_one_every: Duration) -> Self {
        Self::with_clock(at_once, then_one_every, MonotonicClock)
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Limit<K, C> {
    pub fn with_clock(at_once: u32, then_one_every: Duration, clock: C) -> Self {
        let quota = Quota::with_period(then_one_every).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        let quota = quota.allow_burst(NonZeroU32::new(at_once).unwrap_or(NonZeroU32::MIN));
        let limiter = Mutex::new(RateLimiter::hashmap_with_clock(quota, clock.clone()));
        Self { limiter, quota, clock }
    }

    /// # Errors
    /// [`Wait`] where `who` did it too often.
    pub fn take(&self, who: &K) -> Result<(), Wait> {
        let mut limiter = self.limiter.lock();
        if limiter.len() > REMEMBERED {
            limiter.retain_recent();
            // A flood under ever new names: to begin anew gives nobody more than they had by the next name, keeps
            // nobody out, and holds no memory.
            if limiter.len() > REMEMBERED / 2 {
                *limiter = RateLimiter::hashmap_with_clock(self.quota, self.clock.clone());
            }
        }
        limiter.check_key(who).map_err(|not_yet| Wait(not_yet.wait_time_from(self.clock.now())))
    }

    #[cfg(test)]
    fn remembered(&self) -> usize {
        self.limiter.lock().len()
    }
}

/// An address, or the network an IPv6 client can choose its address from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place(Option<IpAddr>);

impl From<Option<IpAddr>> for Place {
    fn from(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_to_wait_and_touches_nobody_else() {
        let limit = Limit::new(3, Duration::from_secs(60));
        assert_eq!([1, 2, 3].map(|_| limit.take(&"a".to_owned())), [Ok(()); 3]);
        let wait = limit.take(&"a".to_owned()).unwrap_err();
        assert!((59..=61).contains(&wait.seconds()), "{wait:?}");
        assert_eq!(limit.take(&"b".to_owned()), Ok(()));
    }

    #[test]
    fn a_flood_under_ever_new_names_holds_no_more_memory_and_keeps_nobody_out() {
        let limit = Limit::new(1, Duration::from_secs(3600));
        for name in 0..5 * REMEMBERED {
            assert_eq!(limit.take(&name), Ok(()), "{name}");
            assert!(limit.remembered() <= REMEMBERED + 1);
        }
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let place = |text: &str| Place::from(text.parse::<IpAddr>().ok());
        assert_eq!(place("2001:db8::1"), place("2001:db8::ffff:1"));
        assert_ne!(place("2001:db8::1"), place("2001:db8:0:1::1"));
        assert_eq!(place("::ffff:10.0.0.1"), place("10.0.0.1"));
        assert_ne!(place("10.0.0.1"), place("10.0.0.2"));
    }
}
