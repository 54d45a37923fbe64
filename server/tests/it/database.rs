//! MongoDB comes, goes, and is shared: the real program, a real database process.

use crate::wire::Wire;
use crate::world::{More, SITE, World, http, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::database::Database;

impl World {
    /// An all-clear with this body besides.
    async fn release(&self, more: Value) -> (StatusCode, Value) {
        let key = self.everything();
        let path = format!("/api/v1/sites/{SITE}");
        let (_, etag, _) = self.call(Method::GET, &path, &key, None, &[]).await;
        let mut body = json!({ "desired": "normal" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let path = format!("{path}/lockdown?wait=60s");
        let (code, _, answer) = self.call(Method::PUT, &path, &key, Some(body), &[("if-match", &etag.unwrap())]).await;
        (code, answer)
    }

    /// Does it reach the database, as far as it knows?
    pub(crate) async fn sees_database(&self) -> bool {
        !http().get(format!("{}/readyz", self.url)).send().await.unwrap().text().await.unwrap().contains("database")
    }

    /// Until both have the database, and one order: of two that were given apart, the exchange makes one.
    pub(crate) async fn agrees_with(&self, other: &World) {
        let order = async |world: &World| {
            let key = world.everything();
            let path = format!("/api/v1/sites/{SITE}");
            let (_, version, site) = world.call(Method::GET, &path, &key, None, &[]).await;
            (version, site["command"]["activation"].clone(), site["standing"].clone())
        };
        let agree = async || {
            self.sees_database().await && other.sees_database().await && order(self).await == order(other).await
        };
        self.until("both servers have the same order", agree).await;
    }

    fn verified(&self) -> bool {
        self.run(&["events", "verify"]).status.success()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_dies_during_a_lock_and_nothing_is_lost() {
    let database = Database::start().await.unwrap();
    let world = World::with_database(&database).await;
    world.until_standing("normal").await;
    world.cucm.faults().latency_ms = 40;
    let (locking, ()) = tokio::join!(world.order("locked", "?wait=60s"), async {
        world.until("the first write", async || world.cucm.writes() > 0).await;
        database.kill();
    });
    assert_eq!((locking.0, locking.1["standing"].as_str()), (StatusCode::OK, Some("locked")), "{}", world.log());
    world.calls_are_locked();
    let (code, said) = world.release(json!({})).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{said}");
    assert!(said["type"].as_str().unwrap().ends_with("others-unreachable"), "{said}");
    let (code, said) = world.release(json!({ "break_glass": true })).await;
    assert_eq!(code, StatusCode::UNPROCESSABLE_ENTITY, "{said}");
    world.calls_are_locked();
    let (code, said) = world.release(json!({ "break_glass": true, "reason": "the fire is out" })).await;
    assert_eq!((code, said["standing"].as_str()), (StatusCode::OK, Some("normal")), "{said}");
    world.calls_are_normal();
    world.lock_verified().await;
    // Killed and started while the database is still away: the journal knows.
    world.kill();
    world.serve().await;
    world.until_standing("locked").await;
    database.resume().await.unwrap();
    world.until("all is told", async || world.happened("shared_back").await > 0).await;
    for (what, count) in [("lock_ordered", 2), ("release_ordered", 1)] {
        assert_eq!(world.happened(what).await, count, "{what}");
    }
    assert!(world.happened("verified").await >= 3);
    let told = world.events().await;
    let alone = told.iter().find(|event| event["detail"]["what"] == "release_ordered").unwrap();
    assert_eq!(
        (alone["detail"]["alone"].as_bool(), alone["detail"]["reason"].as_str()),
        (Some(true), Some("the fire is out"))
    );
    assert!(world.verified(), "{}", world.log());
    let (code, _) = world.release(json!({})).await;
    assert_eq!(code, StatusCode::OK, "with the database it needs no glass to break");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_holds_up_no_lock() {
    let database = Database::start().await.unwrap();
    let world = World::with_database(&database).await;
    world.until_standing("normal").await;
    world.everything();
    database.hang();
    world.lock_verified().await;
    world.calls_are_locked();
    database.wake();
    world.until("all is told", async || world.happened("lock_ordered").await == 1).await;
    assert!(world.verified());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_dies_during_an_all_clear_and_it_counts_once() {
    let database = Database::start().await.unwrap();
    let world = World::with_database(&database).await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    world.cucm.faults().latency_ms = 40;
    let before = world.cucm.writes();
    let ((code, said), ()) = tokio::join!(world.release(json!({})), async {
        world.until("the first write", async || world.cucm.writes() > before).await;
        database.kill();
    });
    assert_eq!((code, said["standing"].as_str()), (StatusCode::OK, Some("normal")), "agreed on, then carried out");
    world.calls_are_normal();
    world.kill();
    world.serve().await;
    world.until_standing("normal").await;
    database.resume().await.unwrap();
    world.until("all is told", async || world.happened("release_ordered").await == 1).await;
    world.until_standing("normal").await;
    assert_eq!(world.happened("release_ordered").await, 1);
    assert!(world.verified(), "{}", world.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_show_the_same_and_the_living_one_goes_on() {
    let database = Database::start().await.unwrap();
    let one = World::with_database(&database).await;
    one.until_standing("normal").await;
    one.everything();
    let two = World::beside(&one).await;
    two.until_standing("normal").await;
    let before = one.cucm.writes();
    two.lock_verified().await;
    one.until_standing("locked").await;
    let steps = one.site().await["steps"].as_array().unwrap().len();
    assert_eq!(one.cucm.writes() - before, steps, "whoever was asked writes, and nobody else");
    let etag = |site: &Value| site["version"].as_u64();
    assert_eq!(etag(&one.site().await), etag(&two.site().await));
    two.kill();
    one.cucm.edit(|cluster| cluster.route_pattern("9.1[2-9]XX[2-9]XXXXXX").unwrap().blocked = false);
    one.until("it is repaired by the other", async || one.happened("repaired").await > 0).await;
    one.calls_are_locked();
    two.serve().await;
    two.until_standing("locked").await;
    let (code, _) = two.release(json!({})).await;
    assert_eq!(code, StatusCode::OK);
    one.until_standing("normal").await;
    assert!(one.verified());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_given_where_the_database_is_out_of_reach_counts_for_all_once_it_is_back() {
    let database = Database::start().await.unwrap();
    let (one, two, wire) = Wire::between_two(&database, More::default()).await;
    wire.cut();
    two.lock_verified().await;
    // Nobody told this one: it says what it sees, and undoes nothing.
    one.until_standing("drifted").await;
    one.calls_are_locked();
    let (code, said) = two.release(json!({})).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{said}");
    assert!(said["type"].as_str().unwrap().ends_with("others-unreachable"), "{said}");
    wire.mend();
    one.until_standing("locked").await;
    one.calls_are_locked();
    one.until("it is told", async || one.happened("lock_ordered").await == 1).await;
    assert_eq!(one.release(json!({})).await.0, StatusCode::OK);
    two.until_standing("normal").await;
    assert!(one.verified());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_does_not_undo_the_all_clear_it_missed() {
    let database = Database::start().await.unwrap();
    let (one, two, wire) = Wire::between_two(&database, More::default()).await;
    one.lock_verified().await;
    two.until_standing("locked").await;
    wire.cut();
    two.until("it knows that it is cut off", async || !two.sees_database().await).await;
    let (code, said) = one.release(json!({})).await;
    assert_eq!((code, said["standing"].as_str()), (StatusCode::OK, Some("normal")), "{said}");
    let written = one.cucm.writes();
    two.until_standing("drifted").await;
    two.looked_again().await;
    wire.mend();
    two.until_standing("normal").await;
    one.calls_are_normal();
    assert_eq!(one.cucm.writes(), written, "{}", two.log());
    assert!(one.verified());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_all_clear_is_refused_by_the_server_that_missed_the_news() {
    let database = Database::start().await.unwrap();
    let one = World::with_database(&database).await;
    one.until_standing("normal").await;
    one.everything();
    let two = World::beside(&one).await;
    two.lock_verified().await;
    one.until_standing("locked").await;
    let (_, etag, _) = one.call(Method::GET, &format!("/api/v1/sites/{SITE}"), &one.everything(), None, &[]).await;
    let etag = etag.unwrap();
    assert_eq!(two.release(json!({})).await.0, StatusCode::OK);
    two.lock_verified().await;
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    one.until("its database answers", async || one.sees_database().await).await;
    let stale = [
        json!({ "desired": "normal" }),
        json!({ "desired": "normal", "reason": "x" }),
        json!({ "desired": "normal", "break_glass": true, "reason": "x" }),
    ];
    for body in &stale {
        let if_match = [("if-match", etag.as_str())];
        // While a busy database does not answer in time it says what it knows, and orders nothing: below it is still locked.
        one.until("it is refused", async || {
            let answer = one.call(Method::PUT, &path, &one.everything(), Some(body.clone()), &if_match).await;
            answer.0 == StatusCode::PRECONDITION_FAILED
        })
        .await;
    }
    refused("stale versions", stale.len());
    one.until_standing("locked").await;
    one.calls_are_locked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_moves_into_the_database_once_however_often_it_is_tried() {
    let database = Database::start().await.unwrap();
    let mut world = World::new().await;
    world.until_standing("normal").await;
    world.run(&["people", "add", "--name", "Ann", "--subject", "oid-ann", "--role", "eoc"]);
    world.lock_verified().await;
    let events = world.events().await.len();
    world.kill();
    world.use_database(&database);
    let kept = world.run(&["serve"]);
    assert!(String::from_utf8_lossy(&kept.stderr).contains("store migrate"), "people are not thrown away");
    for _ in 0..2 {
        let moved = world.run(&["store", "migrate", "--from", "embedded", "--to", "mongodb", "--json"]);
        let report: Value = serde_json::from_slice(&moved.stdout).unwrap();
        assert!(moved.status.success(), "{report}");
        for (what, count) in [("people", 1), ("sites", 1), ("events", events)] {
            assert_eq!(report[what], json!({ "here": count, "there": count }), "{what}");
        }
    }
    world.serve().await;
    world.until_standing("locked").await;
    world.until("the same timeline goes on", async || world.events().await.len() > events).await;
    assert!(world.verified());
    assert_eq!(world.release(json!({})).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_file_brings_everything_back() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.run(&["people", "add", "--name", "Ann", "--role", "eoc"]);
    world.lock_verified().await;
    let copy = world.data().join("../copy.db");
    let to = copy.to_str().unwrap();
    assert!(world.run(&["store", "backup", "--to", to]).status.success());
    assert!(!world.run(&["store", "backup", "--to", to]).status.success(), "a copy is not overwritten");
    assert!(!world.run(&["store", "restore", "--from", to]).status.success(), "not under a running server");
    world.kill();
    std::fs::remove_dir_all(world.data()).unwrap();
    assert!(world.run(&["store", "restore", "--from", to]).status.success());
    assert!(world.run(&["store", "restore", "--from", to]).status.success(), "what was there is kept aside");
    world.serve().await;
    world.until_standing("locked").await;
    let people = String::from_utf8(world.run(&["people", "list", "--json"]).stdout).unwrap();
    assert!(people.contains("Ann"), "{people}");
    assert!(world.verified());
    std::fs::write(&copy, "not a store").unwrap();
    world.kill();
    assert!(!world.run(&["store", "restore", "--from", to]).status.success());
}
