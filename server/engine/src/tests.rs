//! The engine on a dial plan in memory, with a clock that runs only while everybody waits.

use super::memory::{PlanInMemory, StoreInMemory};
use super::ports::{Clock, DialPlanError, Leadership, NewEvent, SharedNews, SiteRecord, Store, StoreError};
use super::{AllClear, Engine, EngineError, News, PlanState, SiteSetup, SiteStatus, Timeline, Tuning};
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lockdown::dial_plan::{
    Activity, CallingSearchSpace, ChangeMark, Destination, DialPlan as Facts, DigitChange, Endpoint, EndpointKind,
    Partition, RoutePattern, TimeSchedule,
};
use lockdown::ids::{OperatorId, SiteId, Uuid};
use lockdown::operator::{Authority, Operator, Role, Surface};
use lockdown::plan::{Pilot, PlanText};
use lockdown::standing::Standing;
use lockdown::steps::{Group, PartitionScheduleText, Patterns, RoutePatternBlockText, StepText, Target};
use lockdown::timeline::{Event, EventKind};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;

/// Time as tokio tells it: paused, and moved on when nothing else can run.
struct PausedClock {
    begun: tokio::time::Instant,
}

#[async_trait]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let since = SignedDuration::try_from(self.begun.elapsed()).unwrap();
        "2026-11-23T12:00:00Z".parse::<Timestamp>().unwrap() + since
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> [u8; 8] {
        [7; 8]
    }
}

struct World {
    engine: Arc<Engine>,
    cucm: Arc<PlanInMemory>,
    store: Arc<StoreInMemory>,
}

fn facts() -> Facts {
    let partition = |name: &str, schedule: Option<&str>| Partition {
        uuid: Uuid::from(name),
        name: name.into(),
        schedule: schedule.map(str::to_owned),
        zone: None,
    };
    let route = |pattern: &str, partition: &str| RoutePattern {
        uuid: Uuid::from(pattern.replace(['.', '[', ']', '-'], "x")),
        pattern: pattern.into(),
        partition: Some(partition.into()),
        blocked: false,
        urgent: false,
        change: DigitChange::default(),
        emergency: false,
        destination: Destination::RouteList("RL".into()),
        on_net: false,
        dead: false,
        filtered: false,
    };
    Facts {
        partitions: vec![
            partition("LOCK", Some("NEVER")),
            partition("EM", None),
            partition("PSTN", None),
            partition("EOC", None),
        ],
        schedules: vec![TimeSchedule { name: "NEVER".into(), active: Activity::Never, periods: vec![] }],
        calling_search_spaces: vec![CallingSearchSpace {
            uuid: Uuid::from("phone"),
            name: "PHONE".into(),
            members: ["LOCK", "EM", "PSTN", "EOC"].map(str::to_owned).into(),
        }],
        route_patterns: vec![
            route("911", "EM"),
            route("9.1XX", "PSTN"),
            route("9.2XX", "PSTN"),
            route("9.3XX", "PSTN"),
        ],
        translation_patterns: vec![],
        endpoints: vec![Endpoint {
            pattern: "5911".into(),
            partition: Some("EOC".into()),
            kind: EndpointKind::HuntPilot,
            urgent: false,
            dead: false,
        }],
        ..Facts::default()
    }
}

fn plan() -> PlanText {
    PlanText {
        site: site(),
        eoc_pilot: Pilot { pattern: "5911".into(), partition: "EOC".into() },
        protected_numbers: vec!["911".into()],
        protected_partitions: vec!["EM".into()],
        eoc_css: vec![],
        inbound_css: vec![],
        steps: vec![
            StepText::RoutePatternBlock(RoutePatternBlockText {
                group: Group::OutboundBlock,
                patterns: Patterns::AllExcept(vec![]),
                partition: "PSTN".into(),
                acknowledge_gateway: false,
            }),
            StepText::PartitionSchedule(PartitionScheduleText {
                group: Group::OutboundRedirect,
                partition: "LOCK".into(),
                normal: Some("NEVER".into()),
                locked: None,
            }),
        ],
    }
}

fn site() -> SiteId {
    SiteId::try_from("s").unwrap()
}

fn senior() -> Operator {
    Operator {
        id: OperatorId::try_from("senior").unwrap(),
        name: "Senior".into(),
        surface: Surface::Web,
        authority: Authority::Roles([Role::SeniorEoc].into()),
    }
}

/// A store of several servers, of which the others can be out of reach.
struct Several {
    store: Arc<StoreInMemory>,
    leadership: Mutex<Leadership>,
    away: Mutex<Option<Timestamp>>,
    /// Asking the others takes so long.
    slow: Mutex<Duration>,
    /// What is agreed comes back as news, before whoever asked has written it.
    echo: Mutex<bool>,
    /// Another server is in the middle of something.
    others_write: Mutex<bool>,
    /// A database that does not answer that.
    others_hang: Mutex<bool>,
    /// Another server locked, and this one has not heard of it.
    others_locked: Mutex<bool>,
    news: broadcast::Sender<SharedNews>,
}

#[async_trait]
impl Store for Several {
    async fn site(&self, id: &SiteId) -> Result<Option<SiteRecord>, StoreError> {
        self.store.site(id).await
    }

    async fn commit(
        &self,
        record: &SiteRecord,
        expected: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, StoreError> {
        self.store.commit(record, expected, events).await
    }

    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, StoreError> {
        self.store.append(events).await
    }

    async fn events_after(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.store.events_after(after, limit).await
    }

    async fn latest_events(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.store.latest_events(limit).await
    }

    async fn agree(&self, seen: &SiteRecord, order: &SiteRecord) -> Result<(), StoreError> {
        let slow = *self.slow.lock().unwrap();
        let echo = *self.echo.lock().unwrap();
        if echo {
            let agreed = Box::new(order.clone());
            self.news.send(SharedNews::Site { seen: Box::new(seen.clone()), agreed }).unwrap();
        }
        tokio::time::sleep(slow).await;
        Ok(())
    }

    async fn confirm(&self, _seen: &SiteRecord) -> Result<(), StoreError> {
        if self.away.lock().unwrap().is_some() {
            return Err(StoreError::Away("cut off".into()));
        }
        if *self.others_locked.lock().unwrap() { Err(StoreError::Conflict) } else { Ok(()) }
    }

    async fn adopt(&self, seen: &SiteRecord, agreed: &SiteRecord) -> Result<(), StoreError> {
        self.store.commit(agreed, Some(seen.version), vec![]).await.map(|_| ())
    }

    fn shared_news(&self) -> Option<broadcast::Receiver<SharedNews>> {
        Some(self.news.subscribe())
    }

    fn leadership(&self, _site: &SiteId) -> Leadership {
        *self.leadership.lock().unwrap()
    }

    async fn peers_may_write(&self, _site: &SiteId, _version: u64) -> Result<bool, StoreError> {
        if *self.others_hang.lock().unwrap() {
            std::future::pending::<()>().await;
        }
        Ok(*self.others_write.lock().unwrap())
    }

    fn away_since(&self) -> Option<Timestamp> {
        *self.away.lock().unwrap()
    }
}

async fn world() -> World {
    world_of_several().await.0
}

async fn world_of_several() -> (World, Arc<Several>) {
    world_with(None).await
}

async fn world_with(drill_of: Option<SiteId>) -> (World, Arc<Several>) {
    let store = Arc::<StoreInMemory>::default();
    let several = Arc::new(Several {
        store: store.clone(),
        leadership: Mutex::new(Leadership::Leader),
        away: Mutex::default(),
        slow: Mutex::default(),
        echo: Mutex::default(),
        others_write: Mutex::default(),
        others_hang: Mutex::default(),
        others_locked: Mutex::default(),
        news: broadcast::channel(9).0,
    });
    let cucm = Arc::new(PlanInMemory::new(facts()));
    let engine = started(drill_of, cucm.clone(), several.clone()).await;
    let world = World { engine, cucm, store };
    world.until(|standing| standing == Standing::Normal).await;
    (world, several)
}

/// At its very beginning: the plan was never checked.
async fn world_over(cucm: Arc<PlanInMemory>, store: Arc<StoreInMemory>) -> World {
    let engine = started(None, cucm.clone(), store.clone()).await;
    World { engine, cucm, store }
}

async fn started(drill_of: Option<SiteId>, dial_plan: Arc<PlanInMemory>, store: Arc<dyn Store>) -> Arc<Engine> {
    let clock = Arc::new(PausedClock { begun: tokio::time::Instant::now() });
    let setup = SiteSetup { name: "S".into(), plan: plan(), two_seniors: false, drill_of, dial_plan };
    start(vec![setup], store, clock).await
}

async fn start(setups: Vec<SiteSetup>, store: Arc<dyn Store>, clock: Arc<PausedClock>) -> Arc<Engine> {
    let timeline = Arc::new(Timeline::new(store.clone(), clock.clone()));
    Engine::start(setups, store, clock, timeline, Tuning::default()).await.unwrap()
}

impl Engine {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn subscribe(&self) -> broadcast::Receiver<News> {
        self.timeline.subscribe()
    }
}

impl World {
    fn status(&self) -> SiteStatus {
        self.engine.status(&site()).unwrap()
    }

    async fn until(&self, right: impl Fn(Standing) -> bool) {
        becomes(&self.engine, &site(), |status| right(status.standing(self.engine.now()))).await;
    }

    async fn lock(&self) {
        self.engine.activate(&senior(), &site(), None).await.unwrap();
    }

    async fn release(&self) {
        let seen = self.status().version;
        self.engine.release(&senior(), &site(), AllClear { seen: Some(seen), ..AllClear::default() }).await.unwrap();
    }

    async fn told(&self, count: impl Fn(&EventKind) -> bool) -> usize {
        let events = self.store.latest_events(100).await.unwrap();
        events.iter().filter(|event| count(&event.kind)).count()
    }
}

fn transient() -> DialPlanError {
    DialPlanError::Transient { why: "busy".into(), after: None }
}

#[tokio::test(start_paused = true)]
async fn a_lock_redirects_before_it_blocks_and_a_release_goes_exactly_backwards() {
    let world = world().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    let locked = world.cucm.written();
    assert_eq!(locked[0], "schedule of LOCK → no schedule (always active)");
    assert_eq!(locked.len(), 4);
    world.release().await;
    world.until(|standing| standing == Standing::Normal).await;
    let objects =
        |writes: &[String]| writes.iter().map(|w| w.split(" → ").next().unwrap().to_owned()).collect::<Vec<_>>();
    let mut backwards = objects(&world.cucm.written()[4..]);
    backwards.reverse();
    assert_eq!(backwards, objects(&locked));
}

#[tokio::test(start_paused = true)]
async fn a_step_that_cannot_be_written_leaves_it_pending_and_is_told_once_after_the_deadline() {
    let world = world().await;
    let refusals = (0..20).map(|_| DialPlanError::Refused { why: "a database rule".into() });
    world.cucm.fail_writes(refusals);
    world.lock().await;
    world.until(|standing| matches!(standing, Standing::Pending { .. })).await;
    world.until(|standing| standing == Standing::Locked).await;
    assert_eq!(world.told(|kind| matches!(kind, EventKind::Verified { target: Target::Locked, .. })).await, 1);
    let taken = Some(world.cucm.written().len());
    let counts = |kind: &EventKind| matches!(kind, EventKind::Verified { written, .. } if *written == taken);
    assert_eq!(world.told(counts).await, 1, "{taken:?} were taken; those that were refused do not count");
    world.release().await;
    world.until(|standing| standing == Standing::Normal).await;
    world.cucm.fail_writes((0..500).map(|_| DialPlanError::Refused { why: "a database rule".into() }));
    world.lock().await;
    let begun = world.engine.now();
    while world.told(|kind| matches!(kind, EventKind::Incomplete { .. })).await == 0 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(matches!(world.status().standing(world.engine.now()), Standing::Pending { .. }));
    }
    assert!(world.engine.now().duration_since(begun).as_secs() >= 60, "not before the deadline");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(world.told(|kind| matches!(kind, EventKind::Incomplete { .. })).await, 1, "told once");
    assert!(world.status().trouble.unwrap().why.contains("a database rule"));
}

#[tokio::test(start_paused = true)]
async fn a_release_in_the_middle_of_a_lock_overtakes_it() {
    let world = world().await;
    world.cucm.fail_writes((0..9).map(|_| transient()));
    world.lock().await;
    world.until(|standing| matches!(standing, Standing::Pending { ordered: Target::Locked, .. })).await;
    world.release().await;
    world.until(|standing| standing == Standing::Normal).await;
    assert!(world.cucm.facts().route_patterns.iter().all(|pattern| !pattern.blocked));
    assert_eq!(world.told(|kind| matches!(kind, EventKind::Verified { target: Target::Locked, .. })).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_read_back_before_anything_is_said() {
    let world = world().await;
    world.cucm.fail_writes([DialPlanError::OutcomeUnknown { why: "no answer".into() }]);
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    assert_eq!(world.cucm.written().len(), 4, "the unknown one was read, found undone, and written");
}

#[tokio::test(start_paused = true)]
async fn a_refused_account_is_not_tried_again_at_every_sweep() {
    let world = world().await;
    world.cucm.fail_reads((0..3).map(|_| DialPlanError::Stop { why: "wrong password".into() }));
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.until(|standing| standing.word() == "unknown").await;
    let lost_at = world.engine.now();
    world.until(|standing| standing == Standing::Normal).await;
    let took = world.engine.now().duration_since(lost_at).as_secs();
    assert!(took >= 2 * 300, "three tries five minutes apart, not {took} s");
}

#[tokio::test(start_paused = true)]
async fn a_reading_grows_old_by_itself() {
    let world = world().await;
    world.cucm.fail_reads((0..10).map(|_| transient()));
    world.until(|standing| standing.word() == "unknown").await;
    world.until(|standing| standing == Standing::Normal).await;
    assert_eq!(world.told(|kind| matches!(kind, EventKind::CucmLost { .. })).await, 1);
    assert_eq!(world.told(|kind| matches!(kind, EventKind::CucmBack)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_all_clear_that_others_may_have_overtaken_waits_until_they_can_be_asked() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    let written = world.cucm.written().len();
    *several.leadership.lock().unwrap() = Leadership::Isolated;
    world.release().await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(world.cucm.written().len(), written, "nothing is opened");
    assert!(matches!(world.status().standing(world.engine.now()), Standing::Pending { .. }));
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    world.release().await;
    *several.leadership.lock().unwrap() = Leadership::Leader;
    world.until(|standing| standing == Standing::Normal).await;
}

#[tokio::test(start_paused = true)]
async fn an_all_clear_waits_until_no_other_server_writes_and_not_for_one_that_never_says_so() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    let written = world.cucm.written().len();
    *several.others_write.lock().unwrap() = true;
    world.release().await;
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert_eq!(world.cucm.written().len(), written, "CUCM takes what comes last");
    *several.others_write.lock().unwrap() = false;
    let begun = world.engine.now();
    world.until(|standing| standing == Standing::Normal).await;
    assert!(world.engine.now() < begun + Duration::from_secs(1));
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    *several.others_write.lock().unwrap() = true;
    let begun = world.engine.now();
    world.release().await;
    world.until(|standing| standing == Standing::Normal).await;
    assert!(world.engine.now() < begun + Duration::from_secs(77));
}

#[tokio::test(start_paused = true)]
async fn an_all_clear_that_reads_normal_already_waits_for_the_others_too() {
    let (world, several) = world_of_several().await;
    *several.leadership.lock().unwrap() = Leadership::Follower;
    // Another server has read, and is about to write.
    world.lock().await;
    *several.others_write.lock().unwrap() = true;
    world.release().await;
    *several.leadership.lock().unwrap() = Leadership::Leader;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(matches!(world.status().standing(world.engine.now()), Standing::Pending { .. }));
    world.cucm.facts().route_patterns[1].blocked = true;
    *several.others_write.lock().unwrap() = false;
    world.until(|standing| standing == Standing::Normal).await;
    assert!(!world.cucm.facts().route_patterns[1].blocked);
}

#[tokio::test(start_paused = true)]
async fn a_lock_waits_for_no_server_and_is_soon_mended_where_one_overwrites_it() {
    let (world, several) = world_of_several().await;
    *several.others_write.lock().unwrap() = true;
    let begun = world.engine.now();
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    assert!(world.engine.now() < begun + Duration::from_secs(1));
    for _ in 0..5 {
        world.cucm.facts().route_patterns[1].blocked = false;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(world.cucm.facts().route_patterns[1].blocked);
    }
    assert_eq!(world.told(|kind| matches!(kind, EventKind::Drifted { .. })).await, 0, "nobody changed it by hand");
    // A lock that is pressed while an all-clear waits for others waits for nobody.
    world.release().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.lock().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.status().standing(world.engine.now()), Standing::Locked);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_looks_writes_and_tells_nothing() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    *several.leadership.lock().unwrap() = Leadership::Follower;
    let written = world.cucm.written().len();
    let told = world.told(|_| true).await;
    world.cucm.facts().route_patterns[1].blocked = false;
    world.until(|standing| matches!(standing, Standing::Drifted { .. })).await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!((world.cucm.written().len(), world.told(|_| true).await), (written, told));
    *several.leadership.lock().unwrap() = Leadership::Leader;
    world.until(|standing| standing == Standing::Locked).await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_pressed_where_the_lock_may_be_outdated_is_a_new_order() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    let first = world.status();
    world.lock().await;
    assert_eq!(world.status().version, first.version, "ordered already, and surely still so");
    tokio::time::sleep(Duration::from_secs(1)).await;
    *several.away.lock().unwrap() = Some(world.engine.now());
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.lock().await;
    assert_eq!(world.status().version, first.version + 1, "another server may have released it");
    world.lock().await;
    assert_eq!(world.status().version, first.version + 1, "pressed since: that counts");
}

#[tokio::test(start_paused = true)]
async fn a_lock_pressed_while_others_are_asked_about_an_all_clear_is_taken_at_once_and_wins() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    *several.slow.lock().unwrap() = Duration::from_secs(4);
    let seen = Some(world.status().version);
    let asked = world.engine.now();
    let who = senior();
    let site = site();
    let release = world.engine.release(&who, &site, AllClear { seen, ..AllClear::default() });
    let press = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.lock().await;
        world.engine.now().duration_since(asked).as_secs()
    };
    let (released, pressed_after) = tokio::join!(release, press);
    assert!(matches!(released, Err(EngineError::VersionStale { .. })), "{released:?}");
    assert_eq!(pressed_after, 1, "the press did not wait for the others");
    world.until(|standing| standing == Standing::Locked).await;
}

#[tokio::test(start_paused = true)]
async fn a_lock_pressed_while_an_all_clear_asks_a_database_that_hangs_is_carried_out_at_once() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    *several.others_hang.lock().unwrap() = true;
    world.release().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(matches!(world.status().standing(world.engine.now()), Standing::Pending { .. }));
    world.cucm.facts().route_patterns[1].blocked = false;
    let pressed = world.engine.now();
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    assert!(world.engine.now() < pressed + Duration::from_secs(1));
    assert!(world.cucm.facts().route_patterns[1].blocked, "written, with nobody to ask");
}

#[tokio::test(start_paused = true)]
async fn an_all_clear_that_comes_back_from_the_others_first_is_taken_and_told_once() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    *several.slow.lock().unwrap() = Duration::from_secs(1);
    *several.echo.lock().unwrap() = true;
    world.release().await;
    world.until(|standing| standing == Standing::Normal).await;
    assert_eq!(world.told(|kind| matches!(kind, EventKind::ReleaseOrdered { .. })).await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_all_clear_of_a_lock_that_this_server_has_not_heard_of_is_refused_as_stale() {
    let (world, several) = world_of_several().await;
    let seen = world.status().version;
    let all_clear = async || {
        let wish = AllClear { seen: Some(seen), ..AllClear::default() };
        world.engine.release(&senior(), &site(), wish).await
    };
    assert!(all_clear().await.is_ok(), "nothing to do, and nobody knows better");
    *several.others_locked.lock().unwrap() = true;
    let refused = all_clear().await;
    assert!(matches!(refused, Err(EngineError::VersionStale { .. })), "{refused:?}");
    *several.away.lock().unwrap() = Some(world.engine.now());
    assert!(all_clear().await.is_ok(), "nothing is ordered, so nobody must be reached");
    assert_eq!(world.status().version, seen);
}

#[tokio::test(start_paused = true)]
async fn whether_an_all_clear_would_be_taken_is_answered_without_ordering_it() {
    let (world, several) = world_of_several().await;
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    let seen = world.status().version;
    let would = async |seen, break_glass| {
        let wish = AllClear { seen, break_glass, ..AllClear::default() };
        world.engine.would_release(&senior(), &site(), &wish).await
    };
    assert!(would(Some(seen), false).await.is_ok());
    assert!(matches!(would(Some(seen - 1), false).await, Err(EngineError::VersionStale { .. })));
    assert!(matches!(would(None, false).await, Err(EngineError::VersionMissing)));
    *several.away.lock().unwrap() = Some(world.engine.now());
    assert!(matches!(would(Some(seen), false).await, Err(EngineError::OthersUnreachable)));
    assert!(matches!(would(Some(seen), true).await, Err(EngineError::ReasonMissing)));
    assert_eq!(world.status().version, seen, "nothing was ordered");
}

#[tokio::test(start_paused = true)]
async fn a_proof_writes_what_is_there_and_says_who_asked() {
    let world = world_with(SiteId::try_from("practised").ok()).await.0;
    world.until(|standing| standing == Standing::Normal).await;
    let before = world.cucm.facts().clone();
    world.engine.prove_write(&senior(), &site()).await.unwrap();
    assert_eq!(world.cucm.written().len(), 1);
    assert_eq!(*world.cucm.facts(), before, "nothing changed");
    let resident = Operator { authority: Authority::Roles([].into()), ..senior() };
    assert!(matches!(world.engine.prove_write(&resident, &site()).await, Err(EngineError::Refused(_))));
    assert_eq!(world.cucm.written().len(), 1);
    world.cucm.fail_writes([DialPlanError::NoWrites { why: "the AXL user may only read".into() }]);
    let failed = world.engine.prove_write(&senior(), &site()).await.unwrap_err();
    assert_eq!(failed, EngineError::CucmAway("the AXL user may only read".into()));
    let worked = |kind: &EventKind| matches!(kind, EventKind::WriteProved { failed: None, .. });
    let failed = |kind: &EventKind| matches!(kind, EventKind::WriteProved { failed: Some(_), .. });
    assert_eq!((world.told(worked).await, world.told(failed).await), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_proved_while_a_lock_is_ordered_or_where_other_servers_may_order() {
    let world = world().await;
    world.until(|standing| standing == Standing::Normal).await;
    let refused = world.engine.prove_write(&senior(), &site()).await;
    assert!(matches!(refused, Err(EngineError::NotNow(ref why)) if why.contains("several servers")), "{refused:?}");
    world.lock().await;
    let written = world.cucm.written();
    let refused = world.engine.prove_write(&senior(), &site()).await;
    assert!(matches!(refused, Err(EngineError::NotNow(ref why)) if why.contains("locked")), "{refused:?}");
    assert_eq!(world.cucm.written(), written, "nothing was written");
    assert_eq!(
        world.told(|kind| matches!(kind, EventKind::WriteProved { .. })).await,
        0,
        "what was not tried is not told"
    );
}

#[tokio::test(start_paused = true)]
async fn two_proofs_at_once_are_one_write_and_a_cucm_that_is_busy_proves_nothing_wrong() {
    let world = world_with(SiteId::try_from("practised").ok()).await.0;
    let who = senior();
    let site = site();
    let (one, two) = tokio::join!(world.engine.prove_write(&who, &site), world.engine.prove_write(&who, &site));
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert_eq!(world.cucm.written().len(), 1);
    for busy in [
        DialPlanError::Transient { why: "it asks for a pause".into(), after: None },
        DialPlanError::OutcomeUnknown { why: "no answer in time".into() },
    ] {
        world.cucm.fail_writes([busy]);
        let refused = world.engine.prove_write(&who, &site).await;
        assert!(matches!(refused, Err(EngineError::NotNow(_))), "{refused:?}");
    }
    world.cucm.fail_reads((0..9).map(|_| DialPlanError::Transient { why: "away".into(), after: None }));
    let refused = world.engine.prove_write(&who, &site).await;
    assert!(matches!(refused, Err(EngineError::NotNow(_))), "{refused:?}");
    let failed = |kind: &EventKind| matches!(kind, EventKind::WriteProved { failed: Some(_), .. });
    assert_eq!(world.told(failed).await, 0, "nobody is sent to mend a role that is right");
}

#[tokio::test(start_paused = true)]
async fn of_two_checks_at_once_the_one_that_read_later_counts_whichever_ends_first() {
    let world = world().await;
    for (slow, quick) in [(10, 1), (1, 10)] {
        world.cucm.slow_surveys([slow, quick].map(Duration::from_secs));
        let engine = world.engine.clone();
        let first = tokio::spawn(async move { engine.check_plan(&site()).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(10)).await;
        let second = world.engine.check_plan(&site()).await.unwrap();
        let first = first.await.unwrap();
        assert!(first.survey.read_at < second.survey.read_at);
        let kept = world.engine.last_check(&site()).unwrap().unwrap();
        assert_eq!(kept.survey.read_at, second.survey.read_at, "{slow} s and {quick} s");
    }
}

/// Sites of one CUCM, each never checked before.
async fn sites_over(cucm: &Arc<PlanInMemory>, count: usize) -> (Arc<Engine>, Vec<SiteId>) {
    let ids: Vec<SiteId> = (0..count).map(|at| SiteId::try_from(format!("site-{at}").as_str()).unwrap()).collect();
    let setup = |id: &SiteId| SiteSetup {
        name: "S".into(),
        plan: PlanText { site: id.clone(), ..plan() },
        two_seniors: false,
        drill_of: None,
        dial_plan: cucm.clone(),
    };
    let clock = Arc::new(PausedClock { begun: tokio::time::Instant::now() });
    let store = Arc::<StoreInMemory>::default();
    let engine = start(ids.iter().map(setup).collect(), store, clock).await;
    (engine, ids)
}

/// Follows the news until a site's status is right; an hour of the engine's time at most.
async fn becomes(engine: &Engine, id: &SiteId, right: impl Fn(&SiteStatus) -> bool) {
    let mut news = engine.subscribe();
    let follow = async {
        while !right(&engine.status(id).unwrap()) {
            // Growing old is no news: look again each second.
            let _ = tokio::time::timeout(Duration::from_secs(1), news.recv()).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3600), follow).await.expect("it comes");
}

fn is_accepted(status: &SiteStatus) -> bool {
    matches!(status.plan, PlanState::Accepted(_))
}

#[tokio::test(start_paused = true)]
async fn sites_of_one_cucm_are_checked_by_one_survey_at_the_start_and_at_every_recheck() {
    let cucm = Arc::new(PlanInMemory::new(facts()));
    cucm.slow_surveys([Duration::from_secs(2)]);
    let (engine, ids) = sites_over(&cucm, 5).await;
    for id in &ids {
        becomes(&engine, id, is_accepted).await;
    }
    assert_eq!(cucm.surveys(), 1);
    tokio::time::sleep(Tuning::default().recheck + Duration::from_secs(30)).await;
    assert_eq!(cucm.surveys(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_somebody_asks_for_is_of_a_survey_that_was_begun_after_they_asked() {
    let cucm = Arc::new(PlanInMemory::new(facts()));
    let (engine, ids) = sites_over(&cucm, 3).await;
    for id in &ids {
        becomes(&engine, id, is_accepted).await;
    }
    cucm.slow_surveys([Duration::from_secs(3)]);
    let asking = engine.clone();
    let first = ids[0].clone();
    let before = tokio::spawn(async move { asking.check_plan(&first).await.unwrap() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    cucm.facts().endpoints.clear();
    let asked = engine.now();
    let (second, third) = tokio::join!(engine.check_plan(&ids[1]), engine.check_plan(&ids[2]));
    for check in [second.unwrap(), third.unwrap()] {
        assert!(check.survey.read_at >= asked);
        assert!(check.checked.verdict.is_err(), "what was changed before they asked is seen");
    }
    assert!(before.await.unwrap().checked.verdict.is_ok());
    assert_eq!(cucm.surveys(), 3, "who waits for the same thing shares it");
}

#[tokio::test(start_paused = true)]
async fn neither_an_order_nor_a_person_waits_for_the_survey_of_another_site_that_hangs() {
    let cucm = Arc::new(PlanInMemory::new(facts()));
    cucm.slow_surveys([Duration::from_secs(100_000), Duration::from_secs(100_000)]);
    let (engine, ids) = sites_over(&cucm, 2).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let ordered = engine.now();
    engine.activate(&senior(), &ids[1], None).await.unwrap();
    becomes(&engine, &ids[1], |status| status.standing(engine.now()) == Standing::Locked).await;
    assert!(engine.now() <= ordered + Duration::from_secs(3));
    let asked = engine.now();
    assert!(engine.check_plan(&ids[1]).await.unwrap().checked.verdict.is_ok());
    assert!(engine.now() <= asked + Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_delays_no_reading_of_any_site_and_no_order() {
    let cucm = Arc::new(PlanInMemory::new(facts()));
    let (engine, ids) = sites_over(&cucm, 3).await;
    for id in &ids {
        becomes(&engine, id, is_accepted).await;
    }
    cucm.slow_surveys([Duration::from_secs(100_000); 9]);
    let checked = cucm.surveys();
    let end = engine.now() + Tuning::default().recheck + Duration::from_secs(120);
    while engine.now() < end {
        tokio::time::sleep(Duration::from_secs(5)).await;
        for id in &ids {
            let standing = engine.status(id).unwrap().standing(engine.now());
            assert_eq!(standing, Standing::Normal, "{id} at {}", engine.now());
        }
    }
    assert!(cucm.surveys() > checked, "a check hangs");
    cucm.facts().partitions[0].schedule = None;
    becomes(&engine, &ids[0], |status| matches!(status.standing(engine.now()), Standing::Drifted { .. })).await;
    assert!(engine.now() <= end + Duration::from_secs(15), "a change by hand is seen by the next sweep");
    let begun = cucm.surveys();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(cucm.surveys() <= begun + ids.len(), "it is told once, and the check goes on");
    let ordered = engine.now();
    engine.activate(&senior(), &ids[0], None).await.unwrap();
    becomes(&engine, &ids[0], |status| status.standing(engine.now()) == Standing::Locked).await;
    assert!(engine.now() <= ordered + Duration::from_secs(3), "nor does an order wait");
}

#[tokio::test(start_paused = true)]
async fn that_cucm_cannot_be_read_is_learned_once_for_all_who_wait() {
    let cucm = Arc::new(PlanInMemory::new(facts()));
    let (engine, ids) = sites_over(&cucm, 4).await;
    for id in &ids {
        becomes(&engine, id, is_accepted).await;
    }
    let surveys = cucm.surveys();
    cucm.slow_surveys([Duration::from_secs(3)]);
    let asking = engine.clone();
    let first = ids[0].clone();
    let before = tokio::spawn(async move { asking.check_plan(&first).await });
    tokio::time::sleep(Duration::from_millis(10)).await;
    cucm.fail_surveys([transient()]);
    let others = ids[1..].iter().map(|id| engine.check_plan(id));
    for failed in futures_util::future::join_all(others).await {
        assert!(matches!(failed, Err(EngineError::CucmAway(_))));
    }
    assert!(before.await.unwrap().is_ok());
    assert_eq!(cucm.surveys(), surveys + 2);
}

#[tokio::test(start_paused = true)]
async fn a_first_lock_waits_a_little_for_a_check_that_takes_long_and_then_goes_on_without() {
    let unchecked = |survey: Duration| async move {
        let cucm = Arc::new(PlanInMemory::new(facts()));
        cucm.slow_surveys([survey]);
        let store = Arc::<StoreInMemory>::default();
        world_over(cucm, store).await
    };
    for (survey, before_order) in [(3600, 0), (3600, 10), (1, 0)] {
        let world = unchecked(Duration::from_secs(survey)).await;
        tokio::time::sleep(Duration::from_secs(before_order)).await;
        let ordered = world.engine.now();
        world.lock().await;
        world.until(|standing| standing == Standing::Locked).await;
        let waited = world.engine.now().duration_since(ordered).as_millis();
        assert!(waited <= 2000, "{survey} s after {before_order} s: {waited} ms");
    }
    // What is refused for what was left out is looked at again in full.
    let world = unchecked(Duration::from_secs(3600)).await;
    world.cucm.cut_short(Facts { endpoints: vec![], ..facts() });
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    assert_eq!(world.told(|kind| matches!(kind, EventKind::PlanRefused { .. })).await, 0);
    let idle = unchecked(Duration::from_secs(60)).await;
    tokio::time::sleep(Duration::from_secs(59)).await;
    assert!(matches!(idle.status().plan, PlanState::Unchecked), "nobody waits: it takes its time");
    idle.until(|standing| standing == Standing::Normal).await;
}

#[tokio::test(start_paused = true)]
async fn a_cucm_that_keeps_its_changes_back_delays_a_page_two_seconds_and_a_lock_not_at_all() {
    let world = world().await;
    world.cucm.facts().mark = Some(ChangeMark { queue: "q".into(), next: 7 });
    let check = world.engine.check_plan(&site()).await.unwrap();
    assert_eq!(world.engine.changed_since(&site(), &check).await.unwrap(), Some(BTreeSet::new()));
    world.cucm.keep_changes_back();
    let asked = world.engine.now();
    let engine = world.engine.clone();
    let of = check.clone();
    let page = tokio::spawn(async move { engine.changed_since(&site(), &of).await.unwrap() });
    world.lock().await;
    world.until(|standing| standing == Standing::Locked).await;
    assert!(world.engine.now() < asked + Duration::from_secs(1));
    assert_eq!(page.await.unwrap(), None);
    assert!(world.engine.now() <= asked + Duration::from_secs(3));
}

#[test]
fn what_a_server_of_before_remembered_is_read_and_what_is_remembered_it_can_read() {
    let old = r#"{"plan":{"site":"s","steps":[]},"warnings":[],"leaks":[{"css":"PHONE","pattern":"9.X in PSTN","example":"91","path":["9.X in PSTN"],"direction":"outbound"}]}"#;
    let read: lockdown::guard::CheckedPlan = serde_json::from_str(old).unwrap();
    assert_eq!((read.leaks[0].caller.as_str(), read.leaks[0].place()), ("PHONE", "9.X in PSTN".to_owned()));
    let written = serde_json::to_value(&read.leaks[0]).unwrap();
    for field in ["css", "pattern", "example", "path", "direction"] {
        assert!(!written[field].is_null(), "{field}: {written}");
    }
}
