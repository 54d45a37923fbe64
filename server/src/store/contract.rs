//! What every store must do, whatever it is made of.

use super::Directory;
use super::calls::Calls;
use super::documents::Documents;
use super::outbox::Outbox;
use super::records::{Audience, ClientRecord, Contact, Identity, Means, Person, Remembered, Session};
use engine::ports::{NewEvent, SiteRecord, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use lockdown::command::Command;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Role, Scope};
use lockdown::timeline::{EventKind, EventName};

/// `open` opens the same store again each time, as a restart would.
pub(crate) async fn holds_for<S: Store + Directory + Outbox + Calls + Documents>(open: impl AsyncFn() -> S) {
    a_record_is_stored_once_and_only_over_the_version_it_was_read_at(&open).await;
    events_are_numbered_without_gaps_and_survive_a_restart(&open).await;
    a_refused_commit_leaves_no_event(&open).await;
    two_writers_at_once_have_one_winner(&open).await;
    people_are_found_by_identity_and_guarded_by_version(&open).await;
    sessions_end(&open).await;
    keys_and_answers_are_kept(&open).await;
    what_is_used_up_stays_so(&open).await;
    events_are_found_by_their_kind(&open).await;
    super::contract_outbox::outbox_holds(&open).await;
    super::contract_calls::queue_holds(&open).await;
    super::contract_documents::documents(&open().await).await;
}

pub(crate) fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn event() -> NewEvent {
    NewEvent { at: now(), site: None, by: None, kind: EventKind::ServerStarted { version: "1".into() } }
}

pub(crate) fn three_events() -> Vec<NewEvent> {
    vec![event(), event(), event()]
}

pub(crate) fn record(site: &str, version: u64) -> SiteRecord {
    let id = SiteId::try_from(site).unwrap();
    SiteRecord {
        id,
        version,
        command: Command::Untouched { since: now() },
        plan: None,
        refused: vec![],
        snapshot: None,
        reading: None,
    }
}

async fn a_record_is_stored_once_and_only_over_the_version_it_was_read_at<S: Store>(open: impl AsyncFn() -> S) {
    let store = open().await;
    let first = record("once", 1);
    assert_eq!(store.site(&first.id).await, Ok(None));
    assert_eq!(store.commit(&first, None, vec![]).await, Ok(vec![]));
    assert_eq!(store.commit(&first, None, vec![]).await, Err(StoreError::Conflict));
    assert_eq!(store.commit(&record("once", 2), Some(1), vec![]).await, Ok(vec![]));
    assert_eq!(store.commit(&record("once", 3), Some(1), vec![]).await, Err(StoreError::Conflict));
    assert_eq!(open().await.site(&first.id).await, Ok(Some(record("once", 2))));
}

async fn events_are_numbered_without_gaps_and_survive_a_restart<S: Store>(open: impl AsyncFn() -> S) {
    let before = open().await.latest_events(1).await.unwrap().first().map_or(0, |e| e.seq);
    let stored = open().await.append(three_events()).await.unwrap();
    assert_eq!(stored.iter().map(|e| e.seq).collect::<Vec<_>>(), [before + 1, before + 2, before + 3]);
    let store = open().await;
    assert_eq!(store.events_after(before, 2).await.unwrap(), stored[..2]);
    assert_eq!(store.latest_events(1).await.unwrap(), stored[2..]);
}

async fn a_refused_commit_leaves_no_event<S: Store>(open: impl AsyncFn() -> S) {
    let store = open().await;
    store.commit(&record("refused", 1), None, vec![]).await.unwrap();
    let before = store.latest_events(1).await.unwrap();
    assert_eq!(store.commit(&record("refused", 9), Some(8), three_events()).await, Err(StoreError::Conflict));
    assert_eq!(store.latest_events(1).await.unwrap(), before);
}

async fn two_writers_at_once_have_one_winner<S: Store>(open: impl AsyncFn() -> S) {
    let one = open().await;
    let two = open().await;
    one.commit(&record("race", 1), None, vec![]).await.unwrap();
    for version in 1..20 {
        let next = record("race", version + 1);
        let told = if version % 2 == 0 { vec![event()] } else { vec![] };
        let (a, b) =
            tokio::join!(one.commit(&next, Some(version), told.clone()), two.commit(&next, Some(version), told));
        assert_eq!([a, b].iter().filter(|result| result.is_ok()).count(), 1);
    }
}

fn person(id: &str, subject: &str) -> Person {
    Person {
        id: OperatorId::try_from(id).unwrap(),
        version: 1,
        name: format!("Person {id}"),
        email: None,
        identities: vec![Identity { issuer: "https://b2c/".into(), subject: subject.into() }],
        roles: [Role::Eoc].into(),
        site_roles: [(SiteId::try_from("north").unwrap(), [Role::SeniorEoc].into())].into(),
        contact: Contact { extension: Some("4101".into()), ..Contact::default() },
        disabled: false,
        created_at: now(),
        last_seen: Some(now()),
        passkeys: vec![],
        codes: vec![],
        pin: None,
    }
}

async fn people_are_found_by_identity_and_guarded_by_version<S: Directory>(open: impl AsyncFn() -> S) {
    let store = open().await;
    let mut ann = person("ann", "1");
    store.put_person(&ann, event()).await.unwrap();
    assert_eq!(store.put_person(&ann, event()).await, Err(StoreError::Conflict), "made twice");
    assert_eq!(store.put_person(&person("bob", "1"), event()).await, Err(StoreError::Conflict), "identity taken");
    assert_eq!(store.person("bob").await, Ok(None), "a refused person leaves nothing");
    ann.version = 2;
    ann.roles.insert(Role::SeniorEoc);
    store.put_person(&ann, event()).await.unwrap();
    assert_eq!(store.put_person(&ann, event()).await, Err(StoreError::Conflict), "stale");
    assert_eq!(open().await.person_by_identity("https://b2c/", "1").await, Ok(Some(ann.clone())));
    assert_eq!(open().await.person_by_identity("https://else/", "1").await, Ok(None));
    assert_eq!(open().await.people().await, Ok(vec![ann.clone()]));
    let later = now() + SignedDuration::from_hours(1);
    store.note_seen("ann", later).await.unwrap();
    ann.last_seen = Some(later);
    assert_eq!(open().await.person("ann").await, Ok(Some(ann)), "seen, and nothing else changed");
}

async fn sessions_end<S: Directory>(open: impl AsyncFn() -> S) {
    let store = open().await;
    let session = Session {
        id: "hash".into(),
        person: OperatorId::try_from("ann").unwrap(),
        created_at: now(),
        seen_at: now(),
        ends_at: now() + SignedDuration::from_hours(12),
        means: Means::Provider,
        audience: Audience::default(),
        address: Some("10.0.0.1".into()),
        agent: None,
        proved_until: Some(now()),
        typed_at: None,
        proved_for: None,
        extended_at: None,
    };
    store.put_session(&session).await.unwrap();
    assert_eq!(open().await.session("hash").await, Ok(Some(session.clone())));
    assert_eq!(open().await.sessions_of("ann").await.map(|all| all.len()), Ok(1));
    assert_eq!(open().await.sessions_of("bob").await, Ok(vec![]));
    let used = Session { proved_until: None, ..session.clone() };
    assert_eq!(open().await.change_session(&session, &used).await, Ok(true));
    assert_eq!(open().await.change_session(&session, &used).await, Ok(false), "a proof is used once");
    let seen = Session { seen_at: now() + SignedDuration::from_mins(2), ..session.clone() };
    assert_eq!(store.change_session(&session, &seen).await, Ok(false), "a used proof does not come back");
    assert_eq!(open().await.session("hash").await, Ok(Some(used.clone())));
    let seen = Session { seen_at: seen.seen_at, ..used.clone() };
    assert_eq!(store.change_session(&used, &seen).await, Ok(true));
    assert_eq!(open().await.session("hash").await, Ok(Some(seen.clone())));
    store.end_session("hash").await.unwrap();
    assert_eq!(store.change_session(&seen, &seen).await, Ok(false), "what ended does not come back");
    assert_eq!(open().await.session("hash").await, Ok(None));
}

async fn what_is_used_up_stays_so<S: Directory>(open: impl AsyncFn() -> S) {
    let one = open().await;
    let two = open().await;
    let (a, b) = tokio::join!(one.consume_once("code/AB", now()), two.consume_once("code/AB", now()));
    assert!(a.unwrap() ^ b.unwrap(), "one of two has it");
    let all = ["code/AB".to_owned(), "code/CD".to_owned()];
    assert_eq!(open().await.consumed(&all).await.unwrap(), [("code/AB".to_owned(), now())].into());
}

async fn events_are_found_by_their_kind<S: Store + Directory>(open: impl AsyncFn() -> S) {
    let store = open().await;
    let kinds = [EventKind::IdentityBack, EventKind::SignedIn, EventKind::IdentityBack, EventKind::SharedBack];
    let told = kinds.map(|kind| NewEvent { kind, ..event() });
    let told = store.append(told.to_vec()).await.unwrap();
    let seqs = async |names: &[EventName], limit| -> Vec<u64> {
        open().await.events_named(names, limit).await.unwrap().iter().map(|event| event.seq).collect()
    };
    assert_eq!(
        seqs(&[EventName::IdentityBack, EventName::SharedBack], 9).await,
        [told[3].seq, told[2].seq, told[0].seq]
    );
    assert_eq!(seqs(&[EventName::IdentityBack], 1).await, [told[2].seq]);
}

async fn keys_and_answers_are_kept<S: Directory>(open: impl AsyncFn() -> S) {
    let store = open().await;
    let client = ClientRecord {
        id: OperatorId::try_from("k1").unwrap(),
        name: "script".into(),
        hash: "h".into(),
        scopes: [Scope::StatusRead].into(),
        site: None,
        created_at: now(),
        expires_at: now(),
        revoked_at: None,
        networks: vec!["10.0.0.0/8".parse().unwrap()],
        previous: None,
        by: None,
        last_used: None,
    };
    store.put_client(&client, None, event()).await.unwrap();
    assert_eq!(store.put_client(&client, None, event()).await, Err(StoreError::Conflict), "made twice");
    assert_eq!(store.put_client(&client, Some("other"), event()).await, Err(StoreError::Conflict), "stale");
    let revoked = ClientRecord { id: OperatorId::try_from("k2").unwrap(), ..client.clone() };
    store.put_client(&revoked, None, event()).await.unwrap();
    let revoked = ClientRecord { revoked_at: Some(now()), ..revoked };
    store.put_client(&revoked, Some("h"), event()).await.unwrap();
    let again = ClientRecord { revoked_at: None, ..revoked.clone() };
    assert_eq!(store.put_client(&again, Some("h"), event()).await, Err(StoreError::Conflict), "it stays revoked");
    assert_eq!(open().await.client("k1").await, Ok(Some(client.clone())));
    store.note_client_used("k1", now()).await.unwrap();
    assert_eq!(open().await.clients().await, Ok(vec![ClientRecord { last_used: Some(now()), ..client }, revoked]));
    let answer = Remembered { request: "r".into(), status: 202, etag: None, body: "{}".into(), at: now() };
    store.remember("k1", "key", &answer).await.unwrap();
    assert_eq!(open().await.remembered("k1", "key").await, Ok(Some(answer)));
    assert_eq!(open().await.remembered("k2", "key").await, Ok(None));
}
