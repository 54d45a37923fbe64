//! One lock and one all-clear, and what can come between.

use crate::world::{DEMO, World, http};
use simulators::cucm::Faults;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_takes_every_pstn_call_to_the_eoc_and_a_release_gives_them_back() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.calls_are_normal();
    world.lock_verified().await;
    world.calls_are_locked();
    let (code, body) = world.order("normal", "?wait=60s").await;
    assert_eq!((code.as_u16(), body["standing"].as_str()), (200, Some("normal")), "{body}");
    world.calls_are_normal();
    assert_eq!(world.cucm.cluster().calls_dropped, 0, "no apply, no restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_accepted_while_cucm_is_down_and_carried_out_when_it_is_back() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.cucm.stop().await;
    let (code, body) = world.order("locked", "").await;
    assert_eq!(code.as_u16(), 202, "{body}");
    for _ in 0..20 {
        let standing = world.standing().await;
        assert!(standing == "pending" || standing == "unknown", "never {standing} while CUCM is down");
    }
    world.calls_are_normal();
    world.cucm.resume().unwrap();
    world.until_standing("locked").await;
    world.calls_are_locked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_while_cucm_is_down_takes_orders_too() {
    let world = World::stopped(DEMO, "").await;
    world.cucm.stop().await;
    world.serve().await;
    assert_eq!(world.standing().await, "unknown");
    let (code, body) = world.order("locked", "").await;
    assert_eq!((code.as_u16(), body["standing"].as_str()), (202, Some("unknown")));
    world.cucm.resume().unwrap();
    world.until_standing("locked").await;
    world.calls_are_locked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_on_the_way_are_ridden_out() {
    for faults in [
        Faults { throttle: 4, ..Faults::default() },
        Faults { memory: 3, ..Faults::default() },
        Faults { lose_answer: 3, ..Faults::default() },
        Faults { cut: 3, ..Faults::default() },
        Faults { html: 2, ..Faults::default() },
        Faults { half_open: 1, ..Faults::default() },
        Faults { nils: true, versions: vec!["12.5".into()], ..Faults::default() },
    ] {
        let world = World::new().await;
        world.until_standing("normal").await;
        println!("{faults:?}");
        *world.cucm.faults() = faults;
        world.cucm.expire_sessions();
        world.order("locked", "").await;
        world.until_standing("locked").await;
        world.calls_are_locked();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_hand_while_locked_is_seen_repaired_and_after_three_times_left_alone() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    for repair in 1..=3 {
        world.cucm.edit(|cluster| cluster.route_pattern("9.1[2-9]XX[2-9]XXXXXX").unwrap().blocked = false);
        world.until("it is repaired", async || world.happened("repaired").await == repair).await;
        world.until_standing("locked").await;
    }
    world.cucm.edit(|cluster| cluster.route_pattern("9.1[2-9]XX[2-9]XXXXXX").unwrap().blocked = false);
    world.until("it is given up", async || world.happened("repair_given_up").await == 1).await;
    assert_eq!(world.standing().await, "drifted");
    assert_eq!(world.happened("drifted").await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_hand_while_normal_is_reported_and_left_alone() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let writes = world.cucm.writes();
    world.cucm.edit(|cluster| cluster.partition("PT-LOCKDOWN-OUT").unwrap().schedule = None);
    world.until_standing("drifted").await;
    // What is shown is told a moment later, and what would be written is written in the same round.
    world.looked_again().await;
    assert_eq!(world.cucm.writes(), writes, "normal and drifted is not touched");
    let events = world.events().await;
    let drift = events.iter().find(|e| e["detail"]["what"] == "drifted").expect("it is in the timeline");
    assert!(drift["text"].as_str().unwrap().contains("schedule of PT-LOCKDOWN-OUT"), "{drift}");
    world.cucm.edit(|cluster| cluster.partition("PT-LOCKDOWN-OUT").unwrap().schedule = Some("TS-NEVER".into()));
    world.until_standing("normal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_site_found_locked_that_nobody_ordered_is_never_written() {
    let world = World::stopped(DEMO, "").await;
    world.cucm.edit(|cluster| cluster.partition("PT-LOCKDOWN-OUT").unwrap().schedule = None);
    world.serve().await;
    world.until_standing("drifted").await;
    world.looked_again().await;
    assert_eq!(world.cucm.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_differs_is_written_and_a_second_lock_writes_nothing() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.cucm.edit(|cluster| cluster.route_pattern("9.011!").unwrap().blocked = true);
    world.until_standing("drifted").await;
    world.lock_verified().await;
    let steps = world.site().await["steps"].as_array().unwrap().len();
    assert_eq!(world.cucm.writes(), steps - 1);
    assert_eq!(world.happened("snapshot_differs").await, 1, "what was found before is told");
    world.lock_verified().await;
    assert_eq!(world.cucm.writes(), steps - 1);
    let (code, body) = world.order("normal", "?wait=60s").await;
    assert_eq!(code.as_u16(), 200, "{body}");
    assert_eq!(world.happened("snapshot_differs").await, 2, "and told again at the release");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_only_read_is_named_at_once() {
    let world = World::stopped(DEMO, "").await;
    world.configure(DEMO, "", "axl-reader");
    world.serve().await;
    world.until_standing("normal").await;
    world.order("locked", "").await;
    world.until("the trouble is told", async || world.happened("stopped").await == 1).await;
    let site = world.site().await;
    assert_eq!(site["standing"], "pending");
    assert!(site["trouble"].as_str().unwrap().contains("may read but not write"), "{site}");
    world.emergency_calls_go_out();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_mode_writes_nothing_and_says_so() {
    let world = World::stopped(DEMO, "mode = \"read_only\"").await;
    world.serve().await;
    world.until_standing("normal").await;
    world.order("locked", "").await;
    world.until("it is told", async || world.happened("stopped").await == 1).await;
    assert_eq!(world.cucm.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_tried_once_and_does_not_lock_the_account() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.cucm.edit(|cluster| cluster.users[0].password = "changed".into());
    world.cucm.expire_sessions();
    world.until("it is told", async || world.happened("cucm_lost").await == 1).await;
    for _ in 0..30 {
        world.standing().await;
    }
    let failures = world.cucm.cluster().users[0].failures;
    assert!(failures <= 2, "{failures} wrong tries");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_caller_hangs_up_is_carried_out_all_the_same() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let key = world.everything();
    // The order waits for the disk; meanwhile the browser goes away.
    let database = rusqlite::Connection::open(world.data().join("lockdown.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let order = http()
        .put(format!("{}/api/v1/sites/acme-north/lockdown", world.url))
        .bearer_auth(&key)
        .json(&serde_json::json!({ "desired": "locked" }))
        .timeout(std::time::Duration::from_millis(500))
        .send()
        .await;
    assert!(order.is_err(), "the caller hung up");
    database.execute_batch("ROLLBACK").unwrap();
    world.until_standing("locked").await;
    world.calls_are_locked();
    let (code, body) = world.order("normal", "?wait=60s").await;
    assert_eq!(code.as_u16(), 200, "the site takes orders as before: {body}");
}
