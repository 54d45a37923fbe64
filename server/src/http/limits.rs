//! How much one client may ask for. Generous for people and programs that work; a flood is told to wait,
//! and can never use up what is kept for the order to lock.

use super::address::Caller;
use crate::surfaces::desk_phone::Counted;
use app::ApiError;
use app::backend::CurrentSession;
use axum::extract::Request;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use limit::{Limit, Place};
use lockdown::ids::{OperatorId, SiteId};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

/// Live lines of one session: a wall board, a console, some tabs.
const LINES_A_SESSION: usize = 12;

/// Live lines of one site's gadgets: two for each of 2000 agents, as many as a Finesse server has.
const LINES_A_GADGET: usize = 4000;

/// For a sealed code after too many.
pub(crate) const CODE_DELAY: Duration = Duration::from_secs(30);

/// For a PIN after too many for the same extension. A phone waits ten seconds for an answer.
pub(crate) const PIN_DELAY: Duration = Duration::from_secs(3);

/// All limits of this server. They are our own choice: those for codes leave nobody a chance to guess one,
/// the others are far above what people and well-meant programs do.
pub(crate) struct Limits {
    /// Calls of one key or program: 60 at once, 20 a second.
    pub(crate) calls: Limit<String>,
    /// Orders to lock, apart from all else: 10 at once, one a second.
    pub(crate) locks: Limit<String>,
    /// What pages of one session, or of nobody from one place, ask for and do, the lock apart: 120 at once, 5 a second.
    pub(crate) pages: Limit<String>,
    /// Profiles made for people who sign in for the first time from one place, where a whole site may be: 500 at once, one
    /// every five seconds.
    pub(crate) first_sign_ins: Limit<Place>,
    /// Keys and tokens that are none, from one place: 30 at once, one every two seconds.
    pub(crate) bad_keys: Limit<Place>,
    /// Answers of the provider that belong to no sign-in begun here, from one place: 60 at once, one a second.
    pub(crate) sign_ins: Limit<Place>,
    /// Those that belong to one: each is a call to the provider. From one place, where a whole site may be: 300 at once, 10
    /// a second.
    pub(crate) arrivals: Limit<Place>,
    /// Of those, one sign-in's: 3 at once, one a minute.
    pub(crate) one_arrival: Limit<String>,
    /// Sessions of one person without any role: 20 at once, one every ten minutes.
    pub(crate) sessions_of_strangers: Limit<OperatorId>,
    /// Answers of passkeys that opened nothing, from one place, so that noise at the provider's door does not close this one.
    pub(crate) passkeys: Limit<Place>,
    /// Call requests and messages from one place: 30 at once, one every ten seconds. A camp may share an
    /// address.
    pub(crate) asked: Limit<Place>,
    /// Alerts and their feed, asked for from one place: 30 at once, one a second.
    pub(crate) feeds: Limit<Place>,
    /// Messages on one ticket: 10 at once, one every ten seconds.
    pub(crate) tickets: Limit<String>,
    /// Sealed codes from one place: 5 in a quarter of an hour.
    pub(crate) codes: Limit<Place>,
    /// Sealed codes of everybody: 20 an hour, then each one waits [`CODE_DELAY`], and none is turned away.
    pub(crate) all_codes: Limit<()>,
    /// PINs typed at one phone of the EOC, as seen from one place: 5 at once, one every twenty seconds. It never stays locked,
    /// and who guesses from another place uses up tries of their own.
    pub(crate) pins_of_phone: Limit<(Counted, Place)>,
    /// PINs typed for one extension, at whatever phone but the person's own, from one place: 10 at once, one every ten
    /// seconds.
    pub(crate) pins_of_person: Limit<(Counted, Place)>,
    /// The same from everywhere: 30 at once, one every five seconds, then each one waits [`PIN_DELAY`], and none is turned
    /// away.
    pub(crate) all_pins: Limit<Counted>,
    /// What strangers do that is told in the timeline, from one place: 10 at once, one a minute.
    pub(crate) told: Limit<Place>,
    /// Of sessions, and of keys.
    pub(crate) session_lines: Lines<String>,
    pub(crate) address_lines: Lines<Place>,
    /// Of the gadgets of a site, in the desktops of agents who are not signed in.
    pub(crate) gadget_lines: Lines<SiteId>,
}

impl Limits {
    pub(crate) fn new(lines_per_address: usize) -> Self {
        Self {
            calls: Limit::new(60, Duration::from_millis(50)),
            locks: Limit::new(10, Duration::from_secs(1)),
            pages: Limit::new(120, Duration::from_millis(200)),
            first_sign_ins: Limit::new(500, Duration::from_secs(5)),
            bad_keys: Limit::new(30, Duration::from_secs(2)),
            sign_ins: Limit::new(60, Duration::from_secs(1)),
            arrivals: Limit::new(300, Duration::from_millis(100)),
            one_arrival: Limit::new(3, Duration::from_secs(60)),
            sessions_of_strangers: Limit::new(20, Duration::from_secs(600)),
            passkeys: Limit::new(60, Duration::from_secs(1)),
            asked: Limit::new(30, Duration::from_secs(10)),
            feeds: Limit::new(30, Duration::from_secs(1)),
            tickets: Limit::new(10, Duration::from_secs(10)),
            codes: Limit::new(5, Duration::from_secs(3 * 60)),
            all_codes: Limit::new(20, Duration::from_secs(3 * 60)),
            pins_of_phone: Limit::new(5, Duration::from_secs(20)),
            pins_of_person: Limit::new(10, Duration::from_secs(10)),
            all_pins: Limit::new(30, Duration::from_secs(5)),
            told: Limit::new(10, Duration::from_secs(60)),
            session_lines: Lines::new(LINES_A_SESSION),
            address_lines: Lines::new(lines_per_address),
            gadget_lines: Lines::new(LINES_A_GADGET),
        }
    }

    /// How many lines are open, and whose.
    pub(crate) fn open_lines(&self) -> [(&'static str, usize); 3] {
        [
            ("session", self.session_lines.count()),
            ("address", self.address_lines.count()),
            ("gadget", self.gadget_lines.count()),
        ]
    }
}

/// A page's function that is called too often, whoever calls it. The lock waits for nobody.
pub(crate) fn refused(limits: &Limits, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    let is_lock = matches!(path, "/ui/activate" | "/ui/arm");
    if *request.method() != Method::POST || !path.starts_with("/ui/") || is_lock {
        return None;
    }
    let session = request.extensions().get::<CurrentSession>().map(|CurrentSession(id)| id.clone());
    let place = || format!("{:?}", Place::from(request.extensions().get::<Caller>().and_then(|Caller(from)| *from)));
    let wait = limits.pages.take(&session.unwrap_or_else(place)).err()?;
    let error = ApiError::TooOften;
    let body = serde_json::to_string(&error).unwrap_or_default();
    let headers =
        [(header::CONTENT_TYPE, "application/json".to_owned()), (header::RETRY_AFTER, wait.seconds().to_string())];
    Some((StatusCode::TOO_MANY_REQUESTS, headers, body).into_response())
}

/// Open lines, counted as long as they live.
pub(crate) struct Lines<K: Hash + Eq> {
    open: Arc<Mutex<HashMap<K, usize>>>,
    most: usize,
}

/// One of the open lines.
pub(crate) struct OpenLine<K: Hash + Eq> {
    open: Arc<Mutex<HashMap<K, usize>>>,
    who: K,
}

impl<K: Hash + Eq + Clone> Lines<K> {
    pub(crate) fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    fn count(&self) -> usize {
        self.open.lock().values().sum()
    }

    /// `None` when there are too many already.
    pub(crate) fn open(&self, who: K) -> Option<OpenLine<K>> {
        let mut open = self.open.lock();
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
        let mut open = self.open.lock();
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
    fn calls_never_use_up_what_is_kept_for_the_lock() {
        let limits = Limits::new(1);
        while limits.calls.take(&"k".to_owned()).is_ok() {}
        assert_eq!(limits.locks.take(&"k".to_owned()), Ok(()));
    }

    #[test]
    fn lines_are_counted_as_long_as_they_live() {
        let lines = Lines::new(2);
        let one = lines.open("a").unwrap();
        let _two = lines.open("a").unwrap();
        assert!(lines.open("a").is_none() && lines.open("b").is_some());
        drop(one);
        assert!(lines.open("a").is_some());
    }
}
