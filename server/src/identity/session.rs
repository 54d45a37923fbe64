//! Our own sessions: a token of 256 bits in a cookie, only its hash in the store.

use super::token;
use crate::engine::ports::StoreError;
use crate::store::Directory;
use crate::store::records::{Means, Person, Session};
use jiff::{SignedDuration, Timestamp};
use lockdown::operator::{Authority, Operator, Surface};

/// One shift, whatever happens. Identity reference, session times.
const LONGEST: SignedDuration = SignedDuration::from_hours(12);

/// Without a human act. An open event stream does not count.
const IDLE: SignedDuration = SignedDuration::from_mins(60);

/// The store is not written at every click.
const NOTE_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// Over https browsers keep a `__Host-` cookie to this host alone.
pub fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-sess" } else { "sess" }
}

/// How and from where somebody came in.
#[derive(Debug, Clone, Default)]
pub struct From {
    pub means: Means,
    /// The password was typed just now.
    pub again: bool,
    pub address: Option<String>,
    pub agent: Option<String>,
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
        ends_at: now + LONGEST,
        means: from.means,
        address: from.address.clone(),
        agent: from.agent.clone(),
        proved_until: None,
        typed_at: from.again.then_some(now),
    };
    store.put_session(&session).await?;
    Ok(token)
}

/// Who comes with this token, with the roles they have *now*. `human` extends the session.
///
/// # Errors
/// When the store cannot be read.
pub async fn operator(
    store: &dyn Directory,
    token: &str,
    now: Timestamp,
    human: bool,
) -> Result<Option<Operator>, StoreError> {
    let Some(session) = store.session(&token::digest(token)).await? else { return Ok(None) };
    if session.ends_at <= now || now.duration_since(session.seen_at) > IDLE {
        return Ok(None);
    }
    let Some(person) = store.person(session.person.as_str()).await?.filter(|person| !person.disabled) else {
        return Ok(None);
    };
    if human && now.duration_since(session.seen_at) > NOTE_AFTER {
        // Whoever is known stays so when a disk is full: noting it is no condition.
        if let Err(error) = store.put_session(&Session { seen_at: now, ..session }).await {
            tracing::error!(%error, "a session's last act could not be noted");
        }
    }
    let authority = Authority::Roles(person.grants());
    Ok(Some(Operator { id: person.id, name: person.name, surface: Surface::Web, authority }))
}

/// # Errors
/// When the store cannot be written.
pub async fn close(store: &dyn Directory, token: &str) -> Result<(), StoreError> {
    store.end_session(&token::digest(token)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ports::NewEvent;
    use crate::store::embedded::Embedded;
    use lockdown::ids::OperatorId;
    use lockdown::operator::{Grants, Role};
    use lockdown::timeline::EventKind;

    #[tokio::test]
    async fn a_session_ends_idle_or_after_a_shift_and_follows_the_roles() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let event = || NewEvent { at: now, site: None, by: None, kind: EventKind::SignedIn };
        let id = OperatorId::try_from("ann").unwrap();
        let ann = crate::people::profile("Ann", None, vec![], Grants::from([Role::Eoc]), now).unwrap();
        let mut ann = Person { id, ..ann };
        store.put_person(&ann, event()).await.unwrap();
        let token = open(&store, &ann, &From::default(), now).await.unwrap();
        let after = |minutes| now + SignedDuration::from_mins(minutes);
        let may = async |at, human| operator(&store, &token, at, human).await.unwrap();
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
        assert_eq!(operator(&store, &token, now, true).await.unwrap(), None, "disabled");
        assert_eq!(operator(&store, "nonsense", now, true).await.unwrap(), None);
    }
}
