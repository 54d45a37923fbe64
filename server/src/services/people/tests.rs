use super::roster::{Plan, RosterError, import};
use super::*;
use crate::store::embedded::Embedded;
use crate::store::records::{Audience, Contact, Means, Session};
use engine::ports::Store;
use lockdown::ids::SiteId;
use lockdown::operator::Role;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn desk(store: &Embedded) -> PeopleService<'_> {
    PeopleService { store, by: None, now: now() }
}

fn identity(subject: &str) -> Vec<Identity> {
    vec![Identity { issuer: "https://b2c/".into(), subject: subject.into() }]
}

async fn add(store: &Embedded, name: &str, role: Role) -> Person {
    desk(store).add(name, None, Contact::default(), identity(name), Grants::from([role])).await.unwrap()
}

#[tokio::test]
async fn the_last_administrator_stays_and_can_neither_be_disabled_nor_merged_away() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let desk = desk(&store);
    let admin = add(&store, "Ann", Role::Admin).await;
    let eoc = add(&store, "Bob", Role::Eoc).await;
    let id = admin.id.as_str();
    assert_eq!(desk.grant(id, None, Grants::default()).await.map(|_| ()), Err(PeopleError::LastAdmin));
    assert_eq!(desk.set_disabled(id, None, true).await, Err(PeopleError::LastAdmin));
    assert_eq!(desk.merge(eoc.id.as_str(), id).await, Err(PeopleError::LastAdmin));
    desk.add("Nobody", None, Contact::default(), vec![], Grants::from([Role::Admin])).await.unwrap();
    assert_eq!(desk.set_disabled(id, None, true).await, Err(PeopleError::LastAdmin), "who cannot sign in is no other");
    let second = add(&store, "Cid", Role::Admin).await;
    desk.set_disabled(id, None, true).await.unwrap();
    assert_eq!(desk.set_disabled(second.id.as_str(), None, true).await, Err(PeopleError::LastAdmin));
}

#[tokio::test]
async fn whoever_was_written_down_in_another_spelling_is_known_and_nobody_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let oid = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
    let written = [oid.to_uppercase(), format!("{{{}}}", oid.replace("4d", "4e")), oid.replace("4d", "4f")];
    for (n, subject) in written.iter().enumerate() {
        // As an older version wrote it.
        let identity = Identity { issuer: "https://b2c/".into(), subject: subject.clone() };
        let grants = Grants::from([Role::SeniorEoc]);
        desk(&store).add(&format!("P {n}"), None, Contact::default(), vec![identity], grants).await.unwrap();
        let arrived = Identity::new("https://b2c/".into(), subject);
        let found = known(&store, &arrived).await.unwrap().unwrap();
        assert_eq!(found.name, format!("P {n}"));
    }
    for (issuer, subject) in [("https://else/", oid), ("https://b2c/", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c50")] {
        let arrived = Identity::new(issuer.into(), subject);
        assert_eq!(known(&store, &arrived).await, Ok(None), "{issuer} {subject}");
    }
}

#[tokio::test]
async fn disabling_ends_every_session_and_merging_moves_identities_but_no_roles() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let desk = desk(&store);
    let kept = add(&store, "Bob", Role::Eoc).await;
    let gone = add(&store, "Bobby", Role::SeniorEoc).await;
    let session = |id: &str| Session {
        id: id.into(),
        person: gone.id.clone(),
        created_at: now(),
        seen_at: now(),
        ends_at: now() + jiff::SignedDuration::from_hours(1),
        means: Means::Provider,
        audience: Audience::default(),
        address: None,
        agent: None,
        proved_until: None,
        typed_at: None,
        proved_for: None,
        extended_at: None,
    };
    store.put_session(&session("one")).await.unwrap();
    desk.merge(kept.id.as_str(), gone.id.as_str()).await.unwrap();
    let merged = store.person_by_identity("https://b2c/", "Bobby").await.unwrap().unwrap();
    assert_eq!(
        (merged.id, merged.roles),
        (kept.id.clone(), [Role::Eoc].into()),
        "the other's rights are not taken over"
    );
    let empty = store.person(gone.id.as_str()).await.unwrap().unwrap();
    assert!(empty.disabled && empty.grants().is_empty() && empty.identities.is_empty());
    let told = store.latest_events(1).await.unwrap().remove(0).kind.to_string();
    let was = "Bob (eoc; 1 way to sign in), Bobby (senior_eoc; 1 way to sign in)";
    let is = "Bob (eoc; 2 ways to sign in), Bobby (no role; 0 ways to sign in)";
    assert_eq!(told, format!("Bobby was the same person as Bob, merged: {was} → {is}"));
    assert_eq!(store.session("one").await, Ok(None));
    store.put_session(&Session { person: kept.id.clone(), ..session("two") }).await.unwrap();
    desk.set_disabled(kept.id.as_str(), None, true).await.unwrap();
    assert_eq!(store.session("two").await, Ok(None));
}

#[tokio::test]
async fn a_roster_with_one_bad_line_changes_nothing_and_a_good_one_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Embedded::open(folder.path()).unwrap();
    let desk = desk(&store);
    let sites = [SiteId::try_from("north").unwrap()];
    let issuer = Some("https://b2c/");
    for (text, line, want) in [
        ("name,roles\nAnn,eoc\nBob,boss\n", 3, "“boss” is no role"),
        ("name,roles,site\nAnn,eoc,south\n", 2, "no site “south”"),
        ("name,roles,site\nAnn,admin,north\n", 2, "applies to every site"),
        ("name,roles\n,eoc\n", 2, "name is empty"),
        ("roles\neoc\n", 1, "one of them “name”"),
        ("name,roles\nAnn,eoc\nAnn,eoc\n", 3, "twice"),
    ] {
        let Err(RosterError::Lines(bad)) = import(&desk, text, issuer, &sites, false).await else { panic!("{text}") };
        assert_eq!(bad[0].line, line, "{bad:?}");
        assert!(bad[0].what.contains(want), "{bad:?}");
        assert!(store.people().await.unwrap().is_empty(), "{text}");
    }
    let text = "name,email,subject,roles,site,extension\nAnn,ann@acme.example,oid-1,eoc,north,4101\nBob,,oid-2,senior_eoc eoc,,\n";
    let planned = import(&desk, text, issuer, &sites, true).await.unwrap();
    assert!(store.people().await.unwrap().is_empty(), "a dry run only says");
    assert_eq!(planned[0], Plan::Add { name: "Ann".into(), roles: vec!["eoc at north".into()] });
    assert_eq!(import(&desk, text, issuer, &sites, false).await.unwrap(), planned);
    let again = import(&desk, text, issuer, &sites, false).await.unwrap();
    assert!(again.iter().all(|plan| matches!(plan, Plan::Same { .. })), "{again:?}");
    let ann = store.person_by_identity("https://b2c/", "oid-1").await.unwrap().unwrap();
    assert_eq!(ann.contact.extension.as_deref(), Some("4101"));
    // As spreadsheets of other regions write the same.
    for text in [
        "\u{feff}Name;Email;Subject;Roles;Site\r\nAnn;;oid-1;eoc;north\r\n",
        "sep=;\nNAME;Subject;Roles;site\nAnn;oid-1;eoc;north",
    ] {
        let again = import(&desk, text, issuer, &sites, true).await.unwrap();
        assert!(matches!(again[..], [Plan::Same { .. }]), "{text:?}: {again:?}");
    }
}
