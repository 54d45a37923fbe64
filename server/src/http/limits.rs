//! How much one client may ask for. Generous for people and programs that work; a flood is told to wait,
//! and can never use up what is kept for the order to lock.

use crate::phone::Counted;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use lockdown::ids::SiteId;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Names a limiter remembers before it forgets those that are idle.
const REMEMBERED: usize = 10_000;

/// Live lines of one session: a wall board, a console, some tabs.
const LINES_A_SESSION: usize = 12;

/// Live lines of one site's gadgets: two for each of 2000 agents, as many as a Finesse server has.
const LINES_A_GADGET: usize = 4000;

/// For a sealed code after too many.
pub(super) const CODE_DELAY: Duration = Duration::from_secs(30);

type Limiter<K> =
    RateLimiter<K, HashMapStateStore<K>, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

/// So many at once, then one every so often.
pub(super) struct Limit<K: Hash + Eq + Clone>(Limiter<K>);

/// Come back after this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait(pub(super) Duration);

impl Wait {
    /// For `Retry-After`: whole seconds, at least one.
    pub(super) fn seconds(self) -> u64 {
        self.0.as_secs() + 1
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(at_once: u32, then_one_every: Duration) -> Self {
        let quota = Quota::with_period(then_one_every).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN));
        let quota = quota.allow_burst(NonZeroU32::new(at_once).unwrap_or(NonZeroU32::MIN));
        Self(RateLimiter::hashmap_with_clock(quota, MonotonicClock))
    }

    pub(super) fn take(&self, who: &K) -> Result<(), Wait> {
        if self.0.len() > REMEMBERED {
            self.0.retain_recent();
        }
        self.0.check_key(who).map_err(|not_yet| Wait(not_yet.wait_time_from(MonotonicClock.now())))
    }
}

/// An address, or the network an IPv6 client can choose its address from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(Option<IpAddr>);

impl From<Option<IpAddr>> for Place {
    fn from(address: Option<IpAddr>) -> Self {
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }
}

/// All limits of this server. Those for codes, *source*: identity reference, section 5.6; the others are our
/// own choice, far above what people and well-meant programs do.
pub(super) struct Limits {
    /// Calls of one key or program: 60 at once, 20 a second.
    pub(super) calls: Limit<String>,
    /// Orders to lock, apart from all else: 10 at once, one a second.
    pub(super) locks: Limit<String>,
    /// Keys and tokens that are none, from one place: 30 at once, one every two seconds.
    pub(super) bad_keys: Limit<Place>,
    /// Sign-ins begun or answered from one place: 60 at once, one a second.
    pub(super) sign_ins: Limit<Place>,
    /// Answers of passkeys from one place, so that noise at the provider's door does not close this one.
    pub(super) passkeys: Limit<Place>,
    /// Call requests and messages from one place: 30 at once, one every ten seconds. A camp may share an
    /// address.
    pub(super) asked: Limit<Place>,
    /// Alerts and their feed, asked for from one place without a key: 30 at once, one a second.
    pub(super) feeds: Limit<Place>,
    /// Messages on one ticket: 10 at once, one every ten seconds.
    pub(super) tickets: Limit<String>,
    /// Sealed codes from one place: 5 in a quarter of an hour.
    pub(super) codes: Limit<Place>,
    /// Sealed codes of everybody: 20 an hour, then each one waits [`CODE_DELAY`], and none is turned away.
    pub(super) all_codes: Limit<()>,
    /// PINs typed at one phone of the EOC: 5 at once, one every twenty seconds. It never stays locked.
    pub(super) pins_of_phone: Limit<Counted>,
    /// PINs typed for one extension, at whatever phone but the person's own: 10 at once, one every ten seconds.
    pub(super) pins_of_person: Limit<Counted>,
    /// What strangers do that is told in the timeline, from one place: 10 at once, one a minute.
    pub(super) told: Limit<Place>,
    /// Of sessions, and of keys.
    pub(super) session_lines: Lines<String>,
    pub(super) address_lines: Lines<Place>,
    /// Of the gadgets of a site, in the desktops of agents who are not signed in.
    pub(super) gadget_lines: Lines<SiteId>,
}

impl Limits {
    pub(super) fn new(lines_per_address: usize) -> Self {
        Self {
            calls: Limit::new(60, Duration::from_millis(50)),
            locks: Limit::new(10, Duration::from_secs(1)),
            bad_keys: Limit::new(30, Duration::from_secs(2)),
            sign_ins: Limit::new(60, Duration::from_secs(1)),
            passkeys: Limit::new(60, Duration::from_secs(1)),
            asked: Limit::new(30, Duration::from_secs(10)),
            feeds: Limit::new(30, Duration::from_secs(1)),
            tickets: Limit::new(10, Duration::from_secs(10)),
            codes: Limit::new(5, Duration::from_secs(3 * 60)),
            all_codes: Limit::new(20, Duration::from_secs(3 * 60)),
            pins_of_phone: Limit::new(5, Duration::from_secs(20)),
            pins_of_person: Limit::new(10, Duration::from_secs(10)),
            told: Limit::new(10, Duration::from_secs(60)),
            session_lines: Lines::new(LINES_A_SESSION),
            address_lines: Lines::new(lines_per_address),
            gadget_lines: Lines::new(LINES_A_GADGET),
        }
    }

    /// How many lines are open, and whose.
    pub(super) fn open_lines(&self) -> [(&'static str, usize); 3] {
        [
            ("session", self.session_lines.count()),
            ("address", self.address_lines.count()),
            ("gadget", self.gadget_lines.count()),
        ]
    }
}

/// Open lines, counted as long as they live.
pub(super) struct Lines<K: Hash + Eq> {
    open: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
}

/// One of the open lines.
pub(super) struct OpenLine<K: Hash + Eq> {
    open: Arc<Mutex<HashMap<K, usize>>>,
    who: K,
}

impl<K: Hash + Eq + Clone> Lines<K> {
    fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    fn count(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// `None` when there are too many already.
    pub(super) fn open(&self, who: K) -> Option<OpenLine<K>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(who.clone()).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(OpenLine { open: self.open.clone(), who })
    }
}

impl<K: Hash + Eq> Drop for OpenLine<K> {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.who) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.who);
            }
        }
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
    fn calls_never_use_up_what_is_kept_for_the_lock() {
        let limits = Limits::new(1);
        while limits.calls.take(&"k".to_owned()).is_ok() {}
        assert_eq!(limits.locks.take(&"k".to_owned()), Ok(()));
    }

    #[test]
    fn lines_are_counted_as_long_as_they_live() {
        let lines = Lines::new(2);
        let (one, _two) = (lines.open("a").unwrap(), lines.open("a").unwrap());
        assert!(lines.open("a").is_none() && lines.open("b").is_some());
        drop(one);
        assert!(lines.open("a").is_some());
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
