use super::exchange::{Settled, settle};
use super::*;
use crate::config::Secret;
use crate::identity::{session, token};
use crate::store::Directory;
use crate::store::contract;
use crate::store::records::{Identity, Session};
use lockdown::command::{Activation, Asked, Command, Release};
use lockdown::ids::{ActivationId, OperatorId};
use lockdown::operator::{Actor, Surface};
use lockdown::operator::{Grants, Role};
use lockdown::timeline::EventKind;
use simulators::database::Database;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

struct Server {
    shared: Shared,
    news: broadcast::Receiver<SharedNews>,
    folder: tempfile::TempDir,
}

fn site() -> SiteId {
    SiteId::try_from("north").unwrap()
}

fn actor(name: &str) -> Actor {
    Actor { id: OperatorId::try_from(name).unwrap(), name: name.into(), surface: Surface::Web }
}

fn untouched(version: u64) -> SiteRecord {
    contract::record("north", version)
}

fn locked(version: u64, by: &str) -> SiteRecord {
    let activation = Activation {
        id: ActivationId::try_from("act-1").unwrap(),
        ordered_at: contract::now(),
        by: actor(by),
        reason: None,
        verified_at: None,
        asked: None,
    };
    SiteRecord { command: Command::Locked(activation), ..untouched(version) }
}

fn released(version: u64, by: &str) -> SiteRecord {
    let release = Release {
        activation: ActivationId::try_from("act-1").unwrap(),
        ordered_at: contract::now() + jiff::SignedDuration::from_secs(1),
        by: actor(by),
        reason: None,
        verified_at: None,
        alone: true,
        with: None,
    };
    SiteRecord { command: Command::Normal(release), ..untouched(version) }
}

impl Server {
    async fn start(database: &Database) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let local = Embedded::open(folder.path()).unwrap();
        let secret = Secret::new(database.uri("shared"));
        let mongo = Mongo::connect(&secret).await.unwrap();
        let shared = Shared::open(local, mongo, vec![site()], &secret).await.unwrap();
        let news = shared.shared_news().unwrap();
        Self { shared, news, folder }
    }

    /// What an engine does with the news.
    async fn follow(&mut self) {
        while let Ok(news) = self.news.try_recv() {
            if let SharedNews::Site { seen, agreed } = news {
                let _ = self.shared.adopt(&seen, &agreed).await;
            }
        }
    }

    async fn until(&mut self, what: &str, mut holds: impl AsyncFnMut(&Shared) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(&self.shared).await {
            assert!(Instant::now() < end, "never came true: {what}");
            self.follow().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn put(&self, record: &SiteRecord, expected: Option<u64>) -> Result<(), StoreError> {
        self.shared.commit(record, expected, contract::three_events()).await.map(|_| ())
    }

    /// For a failure to show.
    async fn state(&self) -> String {
        let ours = self.shared.site(&site()).await;
        let base = self.shared.inner.local.agreed(&site()).await;
        let theirs = self.shared.inner.mongo.site(&site()).await;
        format!("{:?} ours {ours:?} base {base:?} theirs {theirs:?}", self.shared.inner.reach().clone())
    }

    async fn version(&self) -> Option<u64> {
        self.shared.site(&site()).await.unwrap().map(|record| record.version)
    }
}

#[test]
fn what_differs_is_settled_and_locked_wins() {
    let base = untouched(3);
    let locked_here = locked(4, "here");
    let released_there = released(4, "there");
    assert_eq!(settle(Some(&base), &locked_here, &base), Settled::Ours, "only we ordered");
    assert_eq!(settle(Some(&base), &base, &locked_here), Settled::Theirs, "only they ordered");
    assert_eq!(settle(Some(&base), &locked_here, &locked_here), Settled::Ours, "our order arrived, its answer did not");
    let mut verified = locked_here.clone();
    verified.command = verified.command.verified(contract::now());
    let Settled::Merged { record, .. } = settle(Some(&base), &verified, &released_there) else {
        panic!("both ordered")
    };
    assert!(!record.command.is_settled(), "what CUCM holds now, nobody knows");
    assert_eq!(
        settle(Some(&base), &locked_here, &released(5, "there")),
        Settled::Theirs,
        "our lock, seen and ended there"
    );
    assert_eq!(
        settle(Some(&untouched(9)), &untouched(9), &untouched(8)),
        Settled::Ours,
        "a database put back from a copy"
    );
    let Settled::Merged { .. } = settle(Some(&base), &released(4, "one"), &released(4, "two")) else {
        panic!("the same moment and number, and another person");
    };
    assert_eq!(settle(None, &untouched(1), &locked_here), Settled::Theirs, "a new server knows nothing");
    let mut asked = locked(5, "here");
    if let Command::Locked(activation) = &mut asked.command {
        activation.asked = Some(Asked { by: activation.by.clone(), at: contract::now() });
    }
    let Settled::Merged { record, .. } = settle(Some(&locked_here), &locked(5, "there"), &asked) else {
        panic!("both ordered")
    };
    assert_eq!(record.command.asked(contract::now()), None, "a lock in between forgets who asked");
    for (ours, theirs, prevails) in [(&locked_here, &released_there, true), (&released_there, &locked_here, false)] {
        let Settled::Merged { record, ours } = settle(Some(&base), ours, theirs) else { panic!("both ordered") };
        assert_eq!((record.version, record.command.clone(), ours), (5, locked_here.command.clone(), prevails));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_while_the_database_is_away_arrives_exactly_once() {
    let database = Database::start().await.unwrap();
    let mut server = Server::start(&database).await;
    server.put(&untouched(1), None).await.unwrap();
    server.until("shared", async |shared| shared.latest_events(9).await.is_ok_and(|all| all.len() == 3)).await;
    database.kill();
    server.put(&locked(2, "here"), Some(1)).await.unwrap();
    server.until("noticed", async |shared| shared.away_since().is_some()).await;
    let asked = server.shared.agree(&locked(2, "here"), &released(3, "here")).await;
    assert!(matches!(asked, Err(StoreError::Away(_))), "{asked:?}");
    assert_eq!(server.version().await, Some(2), "an all-clear that others cannot hear of is not taken");
    for _ in 0..100 {
        server.shared.append(contract::three_events()).await.unwrap();
    }
    // It comes back, dies in the middle of the replay, and comes back again.
    for _ in 0..2 {
        database.resume().await.unwrap();
        let some = async |shared: &Shared| shared.events_after(0, 1000).await.is_ok_and(|all| all.len() > 3);
        server.until("some arrived", some).await;
        database.kill();
    }
    database.resume().await.unwrap();
    let mut events = Vec::new();
    let all = async |shared: &Shared| {
        events = shared.events_after(0, 1000).await.unwrap_or_default();
        events.len() == 306
    };
    server.until("all arrived", all).await;
    let names: std::collections::BTreeSet<_> = events.iter().map(|event| &event.id).collect();
    assert_eq!(names.len(), 306, "each once");
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=306).collect::<Vec<_>>());
    let whole = async |shared: &Shared| matches!(shared.verify().await, Ok(Verdict::Whole { events: 306, .. }));
    server.until("the chain is whole", whole).await;
    assert_eq!(server.inner_site().await, Some(locked(2, "here")));
}

impl Server {
    /// What the database holds. A busy one is asked again.
    async fn inner_site(&self) -> Option<SiteRecord> {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.shared.inner.mongo.site(&site()).await {
                Ok(found) => return found,
                Err(error) => assert!(Instant::now() < end, "{error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_that_ordered_differently_end_locked_and_say_so() {
    let database = Database::start().await.unwrap();
    let mut one = Server::start(&database).await;
    one.put(&locked(1, "both"), None).await.unwrap();
    let mut two = Server::start(&database).await;
    two.until("it knows", async |shared| shared.site(&site()).await.unwrap().is_some()).await;
    database.kill();
    one.put(&released(2, "one"), Some(1)).await.unwrap();
    // The other one released and locked again.
    two.put(&released(2, "two"), Some(1)).await.unwrap();
    two.put(&locked(3, "two"), Some(2)).await.unwrap();
    database.resume().await.unwrap();
    let settled = async |shared: &Shared| {
        shared.site(&site()).await.unwrap().is_some_and(|r| r.version > 3 && matches!(r.command, Command::Locked(_)))
    };
    let end = Instant::now() + PATIENCE;
    while !(settled(&one.shared).await && settled(&two.shared).await) {
        let states = [one.state().await, two.state().await];
        assert!(Instant::now() < end, "never settled: {states:#?}");
        one.follow().await;
        two.follow().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let told = async |shared: &Shared| {
        let all = shared.events_after(0, 100).await.unwrap_or_default();
        all.iter().any(|event| matches!(event.kind, EventKind::OrdersDisagreed { .. }))
    };
    one.until("it is told", told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_here_is_confirmed_until_another_server_orders() {
    let database = Database::start().await.unwrap();
    let mut server = Server::start(&database).await;
    server.put(&untouched(1), None).await.unwrap();
    server.until("shared", async |shared| shared.inner.mongo.site(&site()).await.unwrap().is_some()).await;
    server.shared.confirm(&untouched(1)).await.unwrap();
    server.shared.confirm(&locked(2, "here")).await.expect("ours is newer: the others are about to hear of it");
    server.shared.inner.mongo.commit(&locked(2, "there"), Some(1), vec![]).await.unwrap();
    let overtaken = server.shared.confirm(&untouched(1)).await;
    assert!(matches!(overtaken, Err(StoreError::Conflict)), "{overtaken:?}");
    server.until("it heard", async |shared| shared.site(&site()).await.unwrap() == Some(locked(2, "there"))).await;
    server.shared.confirm(&locked(2, "there")).await.unwrap();
    database.kill();
    let away = server.shared.confirm(&locked(2, "there")).await;
    assert!(matches!(away, Err(StoreError::Away(_))), "{away:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_drives_until_it_dies_or_an_order_is_given_elsewhere() {
    let database = Database::start().await.unwrap();
    let mut one = Server::start(&database).await;
    let mut two = Server::start(&database).await;
    one.until("the first drives", async |shared| shared.leadership(&site()) == Leadership::Leader).await;
    two.until("the second looks", async |shared| shared.leadership(&site()) == Leadership::Follower).await;
    two.shared.take_over(&site());
    assert_eq!(two.shared.leadership(&site()), Leadership::Leader, "at once");
    one.until("it noticed", async |shared| shared.leadership(&site()) == Leadership::Follower).await;
    two.shared.tasks.lock().abort_all();
    one.until("it takes over from the dead", async |shared| shared.leadership(&site()) == Leadership::Leader).await;
    let mut three = Server::start(&database).await;
    three.until("it heard of the other", async |shared| shared.inner.leadership().others).await;
    database.kill();
    three.until("it noticed", async |shared| shared.away_since().is_some()).await;
    assert_eq!(three.shared.leadership(&site()), Leadership::Isolated, "the others may have released");
    database.resume().await.unwrap();
    one.shared.close().await;
    three.until("handed over without waiting", async |shared| shared.leadership(&site()) == Leadership::Leader).await;
}

#[tokio::test]
async fn a_copy_that_somebody_changed_opens_no_more_than_the_lock() {
    let database = Database::start().await.unwrap();
    let mut server = Server::start(&database).await;
    let grants = Grants::from([Role::Eoc]);
    let identity = Identity { issuer: "https://b2c/".into(), subject: "1".into() };
    let ann = crate::services::people::profile("Ann", None, vec![identity], grants, contract::now()).unwrap();
    let event = NewEvent { at: contract::now(), site: None, by: None, kind: EventKind::SignedIn };
    server.shared.put_person(&ann, event).await.unwrap();
    server.until("she is copied", async |shared| shared.person(ann.id.as_str()).await.is_ok_and(|p| p.is_some())).await;
    database.kill();
    server.until("the database is away", async |shared| shared.away_since().is_some()).await;
    let later = contract::now() + jiff::SignedDuration::from_hours(1);
    server.shared.note_seen(ann.id.as_str(), later).await.unwrap();
    let known = async |server: &Server| {
        let by_id = server.shared.person(ann.id.as_str()).await.unwrap().is_some();
        let by_identity = server.shared.person_by_identity("https://b2c/", "1").await.unwrap().is_some();
        [by_id, by_identity, server.shared.people().await.unwrap().len() == 1]
    };
    assert_eq!(known(&server).await, [true; 3], "seen later, and still the same");
    let file = rusqlite::Connection::open(server.folder.path().join("lockdown.db")).unwrap();
    let promote = "UPDATE profiles SET doc = replace(doc, '\"eoc\"', '\"senior_eoc\"')";
    assert_eq!(file.execute(promote, []).unwrap(), 1);
    let ann = server.shared.person(ann.id.as_str()).await.unwrap().unwrap();
    assert_eq!(ann.grants().words(), ["eoc"], "a senior by her own hand is none, and may lock");
    let opened = session::open(&server.shared, &ann, &session::From::default(), later).await.unwrap();
    let id = token::digest(&opened);
    assert!(server.shared.session(&id).await.unwrap().is_some());
    let forged = "INSERT INTO sessions SELECT 'forged', ends_at, json_set(doc, '$.id', 'forged') FROM sessions";
    assert_eq!(file.execute(forged, []).unwrap(), 1);
    assert_eq!(server.shared.session("forged").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_noted_while_it_is_read_is_still_genuine() {
    let database = Database::start().await.unwrap();
    let mut server = Server::start(&database).await;
    let ann =
        crate::services::people::profile("Ann", None, vec![], Grants::from([Role::Eoc]), contract::now()).unwrap();
    database.kill();
    server.until("the database is away", async |shared| shared.away_since().is_some()).await;
    let opened = session::open(&server.shared, &ann, &session::From::default(), contract::now()).await.unwrap();
    let id = token::digest(&opened);
    let noting = async {
        for second in 0..200 {
            let read = server.shared.session(&id).await.unwrap().unwrap();
            let seen_at = contract::now() + jiff::SignedDuration::from_secs(second);
            assert!(server.shared.change_session(&read, &Session { seen_at, ..read.clone() }).await.unwrap());
        }
    };
    let reading = async {
        for _ in 0..400 {
            assert!(server.shared.session(&id).await.unwrap().is_some());
        }
    };
    tokio::join!(noting, reading);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_our_own_exchange_passed_on_first_is_used_by_whoever_used_it_here() {
    let database = Database::start().await.unwrap();
    let server = Server::start(&database).await;
    let inner = &server.shared.inner;
    let at = contract::now();
    let me = inner.local.instance().await.unwrap();
    assert!(inner.mongo.consume_once_by("code/AB", at, &me).await.unwrap());
    assert!(server.shared.consume_once("code/AB", at).await.unwrap());
    assert!(!server.shared.consume_once("code/AB", at).await.unwrap(), "and once");
    assert!(inner.mongo.consume_once_by("code/CD", at, "another").await.unwrap());
    assert!(!server.shared.consume_once("code/CD", at).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_still_write_an_older_order_is_known_to_the_others_until_it_is_at_rest_or_gone() {
    let database = Database::start().await.unwrap();
    let mut one = Server::start(&database).await;
    let other = Server::start(&database).await;
    let may_write = async |shared: &Shared, version| shared.peers_may_write(&site(), version).await == Ok(true);
    one.until("the other is alive", async |shared| may_write(shared, 4).await).await;
    other.shared.at_rest(&site(), 3);
    assert!(may_write(&one.shared, 4).await, "an order behind");
    other.shared.at_rest(&site(), 4);
    one.until("it is at rest", async |shared| !may_write(shared, 4).await).await;
    assert!(may_write(&one.shared, 5).await);
    let elsewhere = SiteId::try_from("elsewhere").unwrap();
    assert_eq!(one.shared.peers_may_write(&elsewhere, 5).await, Ok(false), "it does not have that site");
    other.shared.close().await;
    one.until("it is gone", async |shared| !may_write(shared, 5).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_exchange_is_held_up_still_says_what_it_is_at_rest_with() {
    let database = Database::start().await.unwrap();
    let mut one = Server::start(&database).await;
    let other = Server::start(&database).await;
    let may_write = async |shared: &Shared, version| shared.peers_may_write(&site(), version).await == Ok(true);
    one.until("the other is alive", async |shared| may_write(shared, 4).await).await;
    // As when the exchange waits for an answer: nothing but the signs goes on.
    let mut tasks = std::mem::take(&mut *other.shared.tasks.lock());
    tasks.shutdown().await;
    tasks.spawn(other.shared.inner.clone().give_signs());
    other.shared.at_rest(&site(), 4);
    one.until("it is at rest", async |shared| !may_write(shared, 4).await).await;
    assert!(may_write(&one.shared, 5).await, "and alive");
}
