//! From a window of its own into a frame of another site: a person signs in in the one, and the other is
//! connected. Browsers keep the two apart, so the server hands it over.
//!
//! The frame holds a secret in a cookie of its partition; its digest names the hand-off, and stands in the
//! link that opens the window. Who signed in there presses “Connect”, and the frame that has the secret comes
//! and takes the session: once, within [`GOOD_FOR`].
//!
//! *Source*: the OAuth 2.0 device authorization grant (RFC 8628) has the same shape: a code that a window of its own confirms.

use super::session::{self, Opened};
use super::token;
use crate::store::Directory;
use crate::store::records::{Audience, Session};
use engine::ports::StoreError;
use jiff::{SignedDuration, Timestamp};

/// From the opening of the window to “Connect”, and from there to the frame that takes it.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Letters and digits nobody takes for one another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why nothing was handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    /// Nobody has connected it yet.
    #[error("nobody has signed in for it yet")]
    Waiting,
    #[error("it took longer than five minutes")]
    Late,
    #[error("it was used already")]
    Used,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the link and the window know of the frame's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handoff(String);

impl Handoff {
    pub fn of(secret: &str) -> Self {
        Self(token::digest(&format!("handoff/{secret}")))
    }

    /// As it comes in a link; nothing but what [`Handoff::text`] writes.
    pub fn read(text: &str) -> Option<Self> {
        (text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| Self(text.to_owned()))
    }

    pub fn text(&self) -> &str {
        &self.0
    }

    /// The same on both screens: `K7Q-4XM`.
    pub fn code(&self) -> String {
        let digest = token::digest(&format!("code/{}", self.0));
        let pairs = digest.as_bytes().chunks_exact(2).filter_map(|pair| std::str::from_utf8(pair).ok());
        let bytes = pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok());
        let letters: String = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).take(6).collect();
        format!("{}-{}", &letters[..3], &letters[3..])
    }

    fn name(&self) -> String {
        format!("handoff/{}", self.0)
    }

    /// The person of this session connects the frame.
    ///
    /// # Errors
    /// [`HandoffError::Used`], or when it cannot be stored.
    pub async fn connect(&self, store: &dyn Directory, by: &Session, now: Timestamp) -> Result<(), HandoffError> {
        if !store.consumed(&[self.name()]).await?.is_empty() {
            return Err(HandoffError::Used);
        }
        let ends_at = by.ends_at.min(now + session::SHIFT);
        let waiting = Session {
            id: self.name(),
            created_at: now,
            seen_at: now,
            ends_at,
            audience: Audience::Handoff,
            proved_until: None,
            proved_for: None,
            typed_at: None,
            extended_at: None,
            ..by.clone()
        };
        Ok(store.put_session(&waiting).await?)
    }

    /// The frame takes what is waiting for it: a session of its own.
    ///
    /// # Errors
    /// [`HandoffError`].
    pub async fn claim(
        &self,
        store: &dyn Directory,
        agent: Option<String>,
        now: Timestamp,
    ) -> Result<Opened, HandoffError> {
        let waiting = store.session(&self.name()).await?.filter(|session| session.audience == Audience::Handoff);
        let Some(waiting) = waiting else {
            let used = !store.consumed(&[self.name()]).await?.is_empty();
            return Err(if used { HandoffError::Used } else { HandoffError::Waiting });
        };
        if !store.consume_once(&self.name(), now).await? {
            return Err(HandoffError::Used);
        }
        store.end_session(&self.name()).await?;
        if now.duration_since(waiting.seen_at) > GOOD_FOR {
            return Err(HandoffError::Late);
        }
        Ok(session::open_gadget(store, &waiting, agent, now).await?)
    }
}

/// What every write of a frame carries besides its cookie: only a page of ours can read and send it.
pub fn header_of(token: &str) -> String {
    token::digest(&format!("gadget-header/{token}"))
}

/// For so long a switch in a frame is armed, in seconds.
const ARMED: i64 = 30;

/// Arms the switch of the frame with this session.
pub fn arm(session: &str, now: Timestamp) -> String {
    let at = now.as_second();
    format!("{at}.{}", token::digest(&format!("armed/{session}/{at}")))
}

/// Was it armed for this session, just now?
pub fn is_armed(session: &str, given: &str, now: Timestamp) -> bool {
    let Some((at, _)) = given.split_once('.') else { return false };
    let Some(at) = at.parse().ok().and_then(|at| Timestamp::from_second(at).ok()) else { return false };
    let age = now.as_second() - at.as_second();
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), arm(session, at).as_bytes());
    (-ARMED..=ARMED).contains(&age) && same.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::Embedded;
    use crate::store::records::Person;
    use engine::ports::NewEvent;
    use lockdown::operator::{Act, Grants, Refusal, Role, Surface};
    use lockdown::timeline::EventKind;

    fn now() -> Timestamp {
        "2026-11-27T12:00:00Z".parse().unwrap()
    }

    /// A senior who is signed in, and the token of the session.
    async fn senior(store: &Embedded) -> (Person, String) {
        let ann =
            crate::services::people::profile("Ann", None, vec![], Grants::from([Role::SeniorEoc, Role::Admin]), now());
        let ann = ann.unwrap();
        let event = NewEvent { at: now(), site: None, by: None, kind: EventKind::SignedIn };
        store.put_person(&ann, event).await.unwrap();
        let token = session::open(store, &ann, &session::From::default(), now()).await.unwrap();
        (ann, token)
    }

    #[tokio::test]
    async fn a_frame_takes_what_was_connected_once_and_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let (_, token) = senior(&store).await;
        let by = store.session(&token::digest(&token)).await.unwrap().unwrap();
        let handoff = Handoff::of("secret");
        let claim = async |handoff: &Handoff, at| handoff.claim(&store, None, at).await;
        assert!(matches!(claim(&handoff, now()).await, Err(HandoffError::Waiting)));
        handoff.connect(&store, &by, now()).await.unwrap();
        let as_a_token = session::operator(&store, &handoff.name(), Audience::Console, now(), true, None).await;
        assert_eq!(as_a_token.unwrap(), None, "what waits is no session yet");
        let opened = claim(&handoff, now()).await.unwrap();
        assert!(matches!(claim(&handoff, now()).await, Err(HandoffError::Used)), "once");
        assert!(matches!(handoff.connect(&store, &by, now()).await, Err(HandoffError::Used)));
        let find =
            async |audience| session::operator(&store, &opened.token, audience, now(), true, None).await.unwrap();
        assert!(find(Audience::Console).await.is_none(), "a gadget's session opens no console");
        let who = find(Audience::Gadget).await.unwrap().operator;
        assert_eq!((who.surface, who.may(Act::Lock, None)), (Surface::Gadget, Ok(())));
        assert_eq!(who.may(Act::Release, None), Err(Refusal::OnTheConsole));
        assert!(who.may(Act::Manage, None).is_err());
        let late = Handoff::of("another");
        late.connect(&store, &by, now()).await.unwrap();
        assert!(matches!(claim(&late, now() + SignedDuration::from_mins(6)).await, Err(HandoffError::Late)));
    }

    #[tokio::test]
    async fn a_gadget_stays_signed_in_no_longer_than_whoever_connected_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let (_, token) = senior(&store).await;
        let by = store.session(&token::digest(&token)).await.unwrap().unwrap();
        let ends_at = now() + SignedDuration::from_mins(20);
        Handoff::of("s").connect(&store, &Session { ends_at, ..by }, now()).await.unwrap();
        let opened = Handoff::of("s").claim(&store, None, now()).await.unwrap();
        assert_eq!(opened.ends_at, ends_at);
        let later = now() + SignedDuration::from_mins(21);
        let after = session::operator(&store, &opened.token, Audience::Gadget, later, true, None).await.unwrap();
        assert_eq!(after, None);
    }

    #[test]
    fn a_switch_is_armed_for_half_a_minute_and_one_session() {
        let armed = arm("s", now());
        let after = |seconds| now() + SignedDuration::from_secs(seconds);
        assert!(is_armed("s", &armed, after(0)) && is_armed("s", &armed, after(30)));
        assert!(!is_armed("s", &armed, after(31)), "late");
        assert!(!is_armed("t", &armed, after(0)), "another session");
        for bad in ["", ".", "x.y", "99999999999999999999.x", &armed[1..]] {
            assert!(!is_armed("s", bad, now()), "{bad}");
        }
    }

    #[test]
    fn a_hand_off_is_read_only_as_it_is_written() {
        let handoff = Handoff::of("s");
        assert_eq!(Handoff::read(handoff.text()), Some(handoff.clone()));
        assert_eq!((handoff.code().len(), &handoff.code()[3..4]), (7, "-"));
        for bad in ["", "zz", &"g".repeat(64), &"0".repeat(65), "../../auth/logout"] {
            assert_eq!(Handoff::read(bad), None, "{bad}");
        }
    }
}
