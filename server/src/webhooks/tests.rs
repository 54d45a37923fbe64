//! What is done with webhooks, and the sending, over a store of its own and a receiver that answers as it is told.

use super::*;
use crate::store::embedded::Embedded;
use async_trait::async_trait;
use engine::Timeline;
use engine::Tuning;
use engine::ports::Clock;
use jiff::Timestamp;
use lockdown::ids::OperatorId;
use lockdown::operator::{Authority, Role, Surface};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Broken\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const GONE: &str = "HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A clock that is moved by hand.
struct ManualClock(Mutex<Timestamp>);

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock()
    }

    async fn sleep(&self, _: Duration) {}

    fn random(&self) -> [u8; 8] {
        [7; 8]
    }
}

struct Receiver {
    url: String,
    answer: Arc<Mutex<&'static str>>,
    asked: Arc<AtomicUsize>,
}

impl Receiver {
    async fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(answer));
        let asked = Arc::new(AtomicUsize::new(0));
        let answers = answer.clone();
        let count = asked.clone();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 8192];
                let _ = stream.read(&mut request).await;
                let answer = *answers.lock();
                let _ = stream.write_all(answer.as_bytes()).await;
                // Closed at once, a client could miss the answer.
                open.push(stream);
            }
        });
        Self { url, answer, asked }
    }

    fn answers(&self, answer: &'static str) {
        *self.answer.lock() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

struct World {
    webhooks: Arc<Webhooks>,
    store: Arc<Embedded>,
    clock: Arc<ManualClock>,
    lanes: Lanes,
    receiver: Receiver,
    _folder: tempfile::TempDir,
}

fn admin() -> Operator {
    Operator {
        id: OperatorId::try_from("ada").unwrap(),
        name: "Ada".into(),
        surface: Surface::Web,
        authority: Authority::Roles([Role::Admin].into()),
    }
}

impl World {
    async fn new(answer: &'static str) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Embedded::open(folder.path()).unwrap());
        let clock = Arc::new(ManualClock(Mutex::new("2026-11-23T12:00:00Z".parse().unwrap())));
        let timeline = Arc::new(Timeline::new(store.clone(), clock.clone()));
        let engine = Engine::start(vec![], store.clone(), clock.clone(), timeline.clone(), Tuning::default());
        let engine = engine.await.unwrap();
        let receiver = Receiver::start(answer).await;
        let egress = EgressPolicy {
            allow: vec![receiver.url.clone()],
            networks: vec!["127.0.0.0/8".parse().unwrap()],
            proxy: None,
        };
        let webhooks = Webhooks::new(store.clone(), store.clone(), engine, clock.clone(), timeline, egress);
        let world =
            Self { webhooks: Arc::new(webhooks), store, clock, lanes: Lanes::default(), receiver, _folder: folder };
        world.happens(EventKind::CucmBack).await;
        world.webhooks.gather().await.unwrap();
        world
    }

    async fn happens(&self, kind: EventKind) {
        self.webhooks.timeline.record(None, kind).await.unwrap();
    }

    fn spec(&self) -> WebhookSpec {
        WebhookSpec {
            name: " siren ".into(),
            url: format!("{}/in", self.receiver.url),
            site: None,
            what: BTreeSet::new(),
        }
    }

    async fn hook(&self) -> Hook {
        self.webhooks.add(self.spec(), &admin()).await.unwrap()
    }

    /// Sends what is due, to the end.
    async fn send(&mut self) {
        self.webhooks.round(&mut self.lanes).await.unwrap();
        while !self.lanes.busy.is_empty() {
            self.lanes.ended().await;
        }
    }

    fn wait(&self, time: SignedDuration) {
        *self.clock.0.lock() += time;
    }

    /// Of the deliveries, oldest first.
    async fn states(&self, hook: &Hook) -> Vec<(&'static str, u32)> {
        let mut all = self.webhooks.deliveries(hook).await.unwrap();
        all.reverse();
        all.iter().map(|delivery| (delivery.state.word(), delivery.attempts)).collect()
    }

    async fn told(&self, name: EventName) -> usize {
        use crate::store::Directory;
        self.store.events_named(&[name], 99).await.unwrap().len()
    }
}

#[tokio::test]
async fn a_webhook_that_does_not_fit_is_refused_with_what_to_do() {
    let world = World::new(OK).await;
    let cases = [
        (WebhookSpec { name: " ".into(), ..world.spec() }, "needs a name"),
        (WebhookSpec { what: ["lock-ordered".to_owned()].into(), ..world.spec() }, "lock_ordered, release_ordered"),
        (
            WebhookSpec { what: ["person_added".to_owned()].into(), ..world.spec() },
            "not an event that webhooks receive",
        ),
        (WebhookSpec { url: "https://evil.example/".into(), ..world.spec() }, "webhooks.allow"),
        (WebhookSpec { url: world.receiver.url.replace("//", "//u:p@"), ..world.spec() }, "user name"),
    ];
    for (spec, want) in cases {
        let refused = world.webhooks.add(spec, &admin()).await.unwrap_err().to_string();
        assert!(refused.contains(want), "{refused}");
    }
    assert_eq!(world.webhooks.list().await, Ok(vec![]));
    assert_eq!(world.told(EventName::HookAdded).await, 0);
}

#[tokio::test]
async fn what_happens_is_sent_once_and_history_and_people_are_not() {
    let mut world = World::new(OK).await;
    let hook = world.hook().await;
    assert_eq!((hook.name.as_str(), world.told(EventName::HookAdded).await), ("siren", 1));
    world.happens(EventKind::SignedIn).await;
    world.happens(EventKind::SharedBack).await;
    world.send().await;
    world.send().await;
    assert_eq!(world.states(&hook).await, [("delivered", 1)]);
    assert_eq!(world.receiver.asked(), 1);
}

#[tokio::test]
async fn what_is_refused_comes_again_in_order_and_is_given_up_and_told_of_once() {
    let mut world = World::new(BROKEN).await;
    let hook = world.hook().await;
    world.happens(EventKind::SharedBack).await;
    world.happens(EventKind::CucmBack).await;
    world.send().await;
    assert_eq!(world.states(&hook).await, [("waiting", 1), ("waiting", 1)]);
    world.send().await;
    assert_eq!(world.receiver.asked(), 2, "not before the pause is over");
    for _ in 0..9 {
        world.wait(SignedDuration::from_hours(30));
        world.send().await;
    }
    assert_eq!(world.states(&hook).await, [("given_up", 10), ("given_up", 10)]);
    assert_eq!((world.receiver.asked(), world.told(EventName::HookGaveUp).await), (20, 1));
    let first = world.webhooks.deliveries(&hook).await.unwrap().pop().unwrap();
    world.receiver.answers(OK);
    world.webhooks.replay(&hook.id, &first.id).await.unwrap();
    world.send().await;
    assert_eq!(world.states(&hook).await, [("delivered", 1), ("given_up", 10)]);
    assert_eq!(world.webhooks.replay(&hook.id, "test-1.hook-1").await, Err(HookError::NoSuchDelivery));
}

#[tokio::test]
async fn a_receiver_that_is_away_is_asked_once_for_everything_that_waits() {
    let mut world = World::new(BUSY).await;
    let hook = world.hook().await;
    for _ in 0..5 {
        world.happens(EventKind::SharedBack).await;
    }
    world.send().await;
    assert_eq!((world.states(&hook).await, world.receiver.asked()), (vec![("waiting", 1); 5], 1));
    world.receiver.answers(OK);
    world.wait(SignedDuration::from_secs(7));
    world.send().await;
    assert_eq!((world.states(&hook).await, world.receiver.asked()), (vec![("delivered", 2); 5], 6));
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_more_until_it_is_enabled() {
    let mut world = World::new(GONE).await;
    let hook = world.hook().await;
    world.happens(EventKind::SharedBack).await;
    world.happens(EventKind::CucmBack).await;
    world.send().await;
    let off = world.webhooks.find(&hook.id).await.unwrap();
    assert!(off.disabled.as_ref().unwrap().why.contains("410"));
    assert_eq!(world.states(&hook).await, [("given_up", 1), ("given_up", 1)]);
    assert_eq!((world.told(EventName::HookDisabled).await, world.told(EventName::HookGaveUp).await), (1, 0));
    world.happens(EventKind::SharedBack).await;
    world.send().await;
    assert_eq!((world.states(&hook).await.len(), world.receiver.asked()), (2, 1));
    let first = world.webhooks.deliveries(&hook).await.unwrap().pop().unwrap();
    assert_eq!(world.webhooks.replay(&hook.id, &first.id).await, Err(HookError::Off));
    world.receiver.answers(OK);
    world.webhooks.enable(&hook.id, &admin()).await.unwrap();
    world.happens(EventKind::CucmBack).await;
    world.send().await;
    assert_eq!(world.states(&hook).await.last(), Some(&("delivered", 1)));
}

#[tokio::test]
async fn a_test_says_what_came_of_it_and_leaves_nothing() {
    let world = World::new(OK).await;
    let hook = world.hook().await;
    assert!(world.webhooks.test(&hook.id).await.unwrap().is_taken());
    world.receiver.answers(GONE);
    let attempt = world.webhooks.test(&hook.id).await.unwrap();
    assert_eq!((attempt.is_taken(), attempt.status), (false, Some(410)));
    assert_eq!(world.webhooks.find(&hook.id).await, Ok(hook.clone()));
    assert!(world.states(&hook).await.is_empty());
}

#[tokio::test]
async fn a_rotation_keeps_the_old_secret_and_a_removed_hook_is_gone() {
    let world = World::new(OK).await;
    let hook = world.hook().await;
    let rotated = world.webhooks.rotate(&hook.id, &admin()).await.unwrap();
    assert_ne!(rotated.secret, hook.secret);
    assert_eq!(rotated.previous.as_ref().map(|old| &old.secret), Some(&hook.secret));
    assert_eq!(world.webhooks.find(&hook.id).await, Ok(rotated));
    world.webhooks.remove(&hook.id, &admin()).await.unwrap();
    assert_eq!((world.told(EventName::HookRotated).await, world.told(EventName::HookRemoved).await), (1, 1));
    assert_eq!(world.webhooks.remove(&hook.id, &admin()).await, Err(HookError::NoSuchHook));
    assert_eq!(world.webhooks.rotate(&hook.id, &admin()).await, Err(HookError::NoSuchHook));
    assert_eq!(world.webhooks.test(&hook.id).await, Err(HookError::NoSuchHook));
}

#[tokio::test]
async fn what_waits_for_a_removed_hook_is_not_sent() {
    let mut world = World::new(OK).await;
    let hook = world.hook().await;
    world.happens(EventKind::SharedBack).await;
    world.webhooks.gather().await.unwrap();
    let waiting = world.webhooks.deliveries(&hook).await.unwrap();
    world.webhooks.remove(&hook.id, &admin()).await.unwrap();
    // As if another server had looked at the webhooks a moment before.
    world.store.add_deliveries(&waiting, 1).await.unwrap();
    world.send().await;
    assert_eq!((world.states(&hook).await, world.receiver.asked()), (vec![("given_up", 0)], 0));
}
