//! Killed anywhere, a restart finishes the job.

use crate::world::{World, http};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_after_any_write_of_a_lock_a_restart_ends_locked_and_verified() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let steps = world.site().await["steps"].as_array().unwrap().len();
    for write in 0..=steps {
        let before = world.cucm.writes();
        world.cucm.faults().writes_left = Some(u32::try_from(write).unwrap());
        world.order("locked", "").await;
        let reached = before + write;
        world.until("so many writes are made", async || world.cucm.writes() >= reached).await;
        world.kill();
        assert_eq!(world.cucm.writes(), reached, "killed after write {write}");
        world.cucm.faults().writes_left = None;
        world.serve().await;
        world.until_standing("locked").await;
        world.calls_are_locked();
        let (code, body) = world.order("normal", "?wait=60s").await;
        assert_eq!(code.as_u16(), 200, "{body}");
    }
    assert!(world.run(&["events", "verify"]).status.success(), "the chain is whole after {} kills", steps + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_a_release_a_restart_ends_normal() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    let before = world.cucm.writes();
    world.cucm.faults().writes_left = Some(5);
    world.order("normal", "").await;
    world.until("five writes are made", async || world.cucm.writes() == before + 5).await;
    world.kill();
    world.cucm.faults().writes_left = None;
    world.serve().await;
    world.until_standing("normal").await;
    world.calls_are_normal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_the_server_for_good_leaves_the_lock_in_cucm() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    world.kill();
    world.calls_are_locked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_watches_hears_of_a_change_at_once() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut line = http().get(format!("{}/ui/live", world.url)).send().await.unwrap();
    world.order("locked", "").await;
    let mut heard = String::new();
    let hear = async {
        while !heard.contains("\"standing\":\"locked\"") {
            heard.push_str(&String::from_utf8_lossy(&line.chunk().await.unwrap().expect("the line stays open")));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), hear).await.expect("the lock is told on the line");
    assert!(!heard.contains("\"steps\""), "a line without sign-in tells no detail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn open_lines_end_at_once_when_the_server_is_asked_to_stop_and_say_when_to_come_back() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let key = world.everything();
    let page = http().get(format!("{}/ui/live", world.url)).send().await.unwrap();
    let program = http().get(format!("{}/api/v1/events/stream", world.url)).bearer_auth(&key);
    let program = program.send().await.unwrap();
    world.cucm.faults().latency_ms = 3_600_000;
    // What waits for an answer is given its time; lines have none to wait for.
    let mut waiting = Box::pin(world.order("locked", "?wait=60s"));
    let lines = async {
        world.until("it is ordered", async || world.happened("lock_ordered").await == 1).await;
        world.terminate();
        (page.text().await.unwrap(), program.text().await.unwrap())
    };
    let (page, program) = tokio::select! {
        told = lines => told,
        answer = &mut waiting => panic!("answered before the lines ended: {answer:?}"),
    };
    for told in [page, program] {
        let again = told.lines().find_map(|line| line.strip_prefix("retry: ")).expect("when to come back");
        assert!((500..=1500).contains(&again.parse::<u32>().unwrap()), "{told}");
    }
}
