//! Our own sessions: a token of 256 bits in a cookie, only its hash in the store.

use super::outage::Outage;
use super::token;
use crate::store::Directory;
use crate::store::records::{Audience, Means, Person, Session};
use engine::ports::StoreError;
use jiff::{SignedDuration, Timestamp};
use lockdown::operator::{Authority, Grants, Operator, Surface};
use std::net::IpAddr;

/// One shift, whatever happens. NIST SP 800-63B asks for a new sign-in after 12 hours at the latest.
pub(super) const SHIFT: SignedDuration = SignedDuration::from_hours(12);

/// After a sealed code: the last resort lasts no longer than what it is for.
const BY_CODE: SignedDuration = SignedDuration::from_mins(60);

/// The browser keeps the cookie while an outage may keep the session alive; the server decides. Seconds.
pub const COOKIE_SECONDS: u32 = 37 * 3600;

/// Without a human act. An open event stream does not count.
const IDLE: SignedDuration = SignedDuration::from_mins(60);

/// The store is not written at every click.
const NOTE_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Over https browsers keep a `__Host-` cookie to this host alone.
pub fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-sess" } else { "sess" }
}

/// The cookie of a frame in another site's page: of its partition alone.
pub const GADGET_COOKIE: &str = "__Host-gsess";

/// How and from where somebody came in.
#[derive(Debug, Clone, Default)]
pub struct From {
    pub means: Means,
    /// The password was typed just now.
    pub again: bool,
    pub address: Option<IpAddr>,
    pub agent: Option<String>,
}

/// Who comes with a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    pub operator: Operator,
    /// From now on it goes on only because the identity provider is away. Said once.
    pub extended: bool,
}

/// Opens a session and returns the token for the cookie.
///
/// # Errors
/// When it cannot be stored.
pub async fn open(store: &dyn Directory, person: &Person, from: &From, now: Timestamp) -> Result<String, StoreError> {
    let token = token::random_text();
    let session = Session {
        id: token::digest(&token),
        person: person.id.clone(),
        created_at: now,
        seen_at: now,
        ends_at: now + longest(from.means),
        means: from.means,
        audience: Audience::Console,
        address: from.address.map(|address| address.to_string()),
        agent: from.agent.clone(),
        proved_until: None,
        proved_for: None,
        typed_at: from.again.then_some(now),
        extended_at: None,
    };
    store.put_session(&session).await?;
    Ok(token)
}

/// A session just opened for a frame.
#[derive(Debug)]
pub struct Opened {
    pub token: String,
    pub session: Session,
    pub ends_at: Timestamp,
}

/// Opens a frame's own session for whoever connected it, and for no longer than theirs.
///
/// # Errors
/// When it cannot be stored.
pub(super) async fn open_gadget(
    store: &dyn Directory,
    waiting: &Session,
    agent: Option<String>,
    now: Timestamp,
) -> Result<Opened, StoreError> {
    let token = token::random_text();
    let id = token::digest(&token);
    let session = Session { id, audience: Audience::Gadget, seen_at: now, created_at: now, agent, ..waiting.clone() };
    store.put_session(&session).await?;
    Ok(Opened { token, ends_at: session.ends_at, session })
}

fn longest(means: Means) -> SignedDuration {
    match means {
        Means::Provider | Means::Passkey => SHIFT,
        Means::Code | Means::TwoCodes => BY_CODE,
    }
}

/// When a session ends if no human acts: idle, or after its shift.
pub fn ends(session: &Session) -> Timestamp {
    session.ends_at.min(session.seen_at + IDLE)
}

/// Who comes with this token to this audience, with the roles they have *now*. `human` extends the session. After its
/// end it goes on as long as an outage of the identity provider keeps it alive, for EOC personnel.
///
/// # Errors
/// When the store cannot be read.
pub async fn operator(
    store: &dyn Directory,
    token: &str,
    audience: Audience,
    now: Timestamp,
    human: bool,
    outage: Option<Outage>,
) -> Result<Option<Present>, StoreError> {
    let found = store.session(&token::digest(token)).await?;
    let Some(session) = found.filter(|session| session.audience == audience) else { return Ok(None) };
    if now.duration_since(session.seen_at) > IDLE {
        return Ok(None);
    }
    let Some(person) = store.person(session.person.as_str()).await?.filter(|person| !person.disabled) else {
        return Ok(None);
    };
    let over = session.ends_at <= now;
    if over && !outage.is_some_and(|outage| outlives(&session, &person, outage, now)) {
        return Ok(None);
    }
    let extended = over && session.extended_at.is_none();
    let grants = rights(session.means, person.grants());
    // What goes on past its end does so for the EOC's work.
    let authority = Authority::Roles(if over { grants.without_admin() } else { grants });
    if extended || (human && now.duration_since(session.seen_at) > NOTE_AFTER) {
        let extended_at = session.extended_at.or(over.then_some(now));
        let seen_at = if human { now } else { session.seen_at };
        // Whoever is known stays so when a disk is full: noting it is no condition.
        if let Err(error) = store.change_session(&session, &Session { seen_at, extended_at, ..session.clone() }).await {
            tracing::error!(%error, "a session's last act could not be noted");
        }
    }
    let surface = if audience == Audience::Gadget { Surface::Gadget } else { Surface::Web };
    let operator = Operator { id: person.id, name: person.name, surface, authority };
    Ok(Some(Present { operator, extended }))
}

fn outlives(session: &Session, person: &Person, outage: Outage, now: Timestamp) -> bool {
    let signed_in = matches!(session.means, Means::Provider | Means::Passkey);
    let of_the_eoc = !person.grants().only_eoc().is_empty();
    signed_in && of_the_eoc && outage.keeps_alive(session.created_at, session.ends_at, now)
}

/// An envelope opens less than a person does: one code may lock, two may release, none manages people.
fn rights(means: Means, grants: Grants) -> Grants {
    match means {
        Means::Provider | Means::Passkey => grants,
        Means::Code => grants.only_eoc(),
        Means::TwoCodes => grants.without_admin(),
    }
}

/// # Errors
/// When the store cannot be written.
pub async fn close(store: &dyn Directory, token: &str) -> Result<(), StoreError> {
    store.end_session(&token::digest(token)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::embedded::Embedded;
    use engine::ports::NewEvent;
    use lockdown::ids::OperatorId;
    use lockdown::operator::{Act, Role};
    use lockdown::timeline::EventKind;

    #[tokio::test]
    async fn a_session_ends_idle_or_after_a_shift_and_follows_the_roles() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let event = || NewEvent { at: now, site: None, by: None, kind: EventKind::SignedIn };
        let id = OperatorId::try_from("ann").unwrap();
        let ann = crate::services::people::profile("Ann", None, vec![], Grants::from([Role::Eoc]), now).unwrap();
        let mut ann = Person { id, ..ann };
        store.put_person(&ann, event()).await.unwrap();
        let token = open(&store, &ann, &From::default(), now).await.unwrap();
        let after = |minutes| now + SignedDuration::from_mins(minutes);
        let may = async |at, human| operator(&store, &token, Audience::Console, at, human, None).await.unwrap();
        assert!(may(after(59), false).await.is_some());
        assert!(may(after(61), false).await.is_none(), "idle");
        for step in 1..=14 {
            let alive = may(after(step * 50), true).await.is_some();
            assert_eq!(alive, step * 50 < 720, "after {} minutes", step * 50);
        }
        let token = open(&store, &ann, &From::default(), now).await.unwrap();
        ann.version = 2;
        ann.disabled = true;
        store.put_person(&ann, event()).await.unwrap();
        assert_eq!(operator(&store, &token, Audience::Console, now, true, None).await.unwrap(), None, "disabled");
        assert_eq!(operator(&store, "nonsense", Audience::Console, now, true, None).await.unwrap(), None);
    }

    async fn ann(store: &Embedded, roles: &[Role], now: Timestamp) -> Person {
        let grants = Grants { everywhere: roles.iter().copied().collect(), ..Grants::default() };
        let ann = crate::services::people::profile("Ann", None, vec![], grants, now).unwrap();
        let event = NewEvent { at: now, site: None, by: None, kind: EventKind::SignedIn };
        store.put_person(&ann, event).await.unwrap();
        ann
    }

    #[tokio::test]
    async fn a_shift_that_ends_while_the_provider_is_away_goes_on_for_eoc_personnel_alone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let after = |minutes| now + SignedDuration::from_mins(minutes);
        let outage = Some(Outage { began: after(700), ended: None });
        for (roles, stays) in [(&[Role::Eoc][..], true), (&[Role::Admin][..], false), (&[][..], false)] {
            let ann = ann(&store, roles, now).await;
            let token = open(&store, &ann, &From::default(), now).await.unwrap();
            for step in 1..=14 {
                operator(&store, &token, Audience::Console, after(step * 50), true, None).await.unwrap();
            }
            assert_eq!(
                operator(&store, &token, Audience::Console, after(721), true, None).await.unwrap(),
                None,
                "the shift is over"
            );
            let present = operator(&store, &token, Audience::Console, after(722), true, outage).await.unwrap();
            assert_eq!(present.as_ref().map(|present| present.extended), stays.then_some(true), "{roles:?}");
            if stays {
                let again =
                    operator(&store, &token, Audience::Console, after(723), true, outage).await.unwrap().unwrap();
                assert!(!again.extended, "said once");
                assert_eq!(
                    operator(&store, &token, Audience::Console, after(784), true, outage).await.unwrap(),
                    None,
                    "idle"
                );
            }
        }
    }

    #[tokio::test]
    async fn one_code_may_lock_two_may_release_and_none_manages() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let ann = ann(&store, &Role::ALL, now).await;
        for (means, want) in [
            (Means::Provider, [true, true, true]),
            (Means::Passkey, [true, true, true]),
            (Means::TwoCodes, [true, true, false]),
            (Means::Code, [true, false, false]),
        ] {
            let token = open(&store, &ann, &From { means, ..From::default() }, now).await.unwrap();
            let who = operator(&store, &token, Audience::Console, now, true, None).await.unwrap().unwrap().operator;
            let may = [Act::Lock, Act::Release, Act::Manage].map(|act| who.may(act, None).is_ok());
            assert_eq!(may, want, "{means:?}");
            let alive = operator(&store, &token, Audience::Console, now + SignedDuration::from_mins(60), true, None)
                .await
                .unwrap();
            assert_eq!(alive.is_some(), matches!(means, Means::Provider | Means::Passkey), "an hour by code");
        }
    }
}
