//! Would a lock work now? The page, `doctor` and Prometheus say the same.

use crate::sign_in::signed_in;
use crate::world::{DEMO, SITE, World, http};
use reqwest::StatusCode;
use serde_json::{Value, json};
use simulators::cucm::digits::Dialling;
use simulators::database::Database;

const DRILL_SITE: &str = include_str!("../../../end2end/drill-site.toml");

fn findings(doctor: &std::process::Output) -> Value {
    serde_json::from_slice(&doctor.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&doctor.stderr)))
}

/// The verdict on one thing, whatever the site.
fn verdict(said: &Value, what: &str) -> Value {
    let all = said["findings"].as_array().unwrap();
    let found = all.iter().find(|finding| finding["what"] == what);
    found.unwrap_or_else(|| panic!("nothing about {what}: {said}"))["verdict"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_to_write_is_proved_on_canaries_told_in_the_timeline_and_shown() {
    let world = World::stopped(&format!("{DEMO}{DRILL_SITE}"), "").await;
    world.serve().await;
    world.until_standing("normal").await;
    let before = findings(&world.run(&["doctor", "--json"]));
    assert_eq!(verdict(&before, "right to write"), json!("warning"), "{before}");
    assert_eq!(verdict(&before, "last drill"), json!("warning"));
    assert_eq!(verdict(&before, "CUCM’s certificate"), json!("good"));
    assert_eq!(verdict(&before, "clock"), json!("good"));
    assert_eq!(verdict(&before, "emergency numbers"), json!("good"));
    assert_eq!(verdict(&before, "plan"), json!("warning"), "the drill's phone gets out: {before}");
    assert_eq!((verdict(&before, "seniors"), &before["ok"]), (json!("warning"), &json!(true)), "a lock would work");

    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    let page = senior.get("/readiness").await.text().await.unwrap();
    assert!(page.contains("Would a lock work now?") && page.contains("CUCM was never written"), "{page}");
    assert!(page.contains("Prove it"), "{page}");
    let proved = senior.post("/ui/prove-write", &format!("site={SITE}"), false).await;
    assert_eq!(proved.status(), StatusCode::OK, "{}", proved.text().await.unwrap());
    let told = world.events().await;
    let proof = told.iter().find(|event| event["detail"]["what"] == "write_proved").unwrap();
    assert_eq!((&proof["site"], &proof["by"]), (&json!("acme-north-drill"), &json!("Senior 2 (web)")));
    let page = senior.get("/readiness").await.text().await.unwrap();
    assert!(page.contains("seen 0 min ago: CUCM can be written"), "{page}");
    let after = findings(&world.run(&["doctor", "--json"]));
    assert_eq!(verdict(&after, "right to write"), json!("good"), "{after}");
    assert_eq!(verdict(&after, "seniors"), json!("warning"), "one is not two");
    world.calls_are_normal();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_only_read_is_found_before_it_matters() {
    let world = World::stopped(DEMO, "").await;
    world.configure(DEMO, "", "axl-reader");
    world.serve().await;
    world.until_standing("normal").await;
    let beside = findings(&world.run(&["doctor", "--prove-write", "--json"]));
    assert_eq!(verdict(&beside, "right to write"), json!("warning"), "nothing is written beside a server: {beside}");
    world.stop();
    let said = findings(&world.run(&["doctor", "--prove-write", "--json"]));
    assert_eq!((verdict(&said, "right to write"), &said["ok"]), (json!("bad"), &json!(false)), "{said}");
    world.serve().await;
    world.until_standing("normal").await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let refused = eoc.post("/ui/prove-write", &format!("site={SITE}"), false).await;
    assert!(refused.status().is_client_error() || refused.status().is_server_error());
    let why = refused.text().await.unwrap();
    assert!(why.contains("CUCM did not take it") && why.contains("may read but not write"), "{why}");
    let page = eoc.get("/readiness").await.text().await.unwrap();
    assert!(page.contains("Perhaps not") && page.contains("did not take a write"), "{page}");
    let ready = http().get(format!("{}/readyz", world.url)).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::OK, "no other server would do better");
    assert!(ready.text().await.unwrap().contains("did not take a write"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_it_says_so_and_what_can_be_seen_is_seen() {
    let database = Database::start().await.unwrap();
    let world = World::with_database(&database).await;
    world.until_standing("normal").await;
    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    let key = world.everything();
    database.kill();
    let ready = async || http().get(format!("{}/readyz", world.url)).send().await.unwrap().text().await.unwrap();
    world.until("it is noticed", async || ready().await.contains("the shared database is away")).await;
    let page = senior.get("/readiness").await.text().await.unwrap();
    assert!(page.contains("Shared database") && page.contains("locking works"), "{page}");
    assert!(page.contains("CUCM seen") && page.contains("s ago"), "{page}");
    let told = http().get(format!("{}/metrics", world.url)).bearer_auth(&key).send().await.unwrap();
    let told = told.text().await.unwrap();
    assert!(told.contains("lockdown_database_away 1.0") && told.contains("standing=\"normal\"} 1.0"), "{told}");
    assert!(!told.contains("lockdown_call_requests_open{"), "no false 0: {told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_from_the_command_line_is_timed_and_stands_in_the_history() {
    let world = World::stopped(&format!("{DEMO}{DRILL_SITE}"), "").await;
    world.serve().await;
    world.until_standing("normal").await;
    let key = world.config().with_file_name("key");
    std::fs::write(&key, world.everything()).unwrap();
    let drill = |words: &[&str]| {
        let server = ["--url", &world.url, "--key-file", key.to_str().unwrap(), "--json"];
        world.run(&[&["drill"], words, &server].concat())
    };
    let output = drill(&[]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!((&report["site"], &report["of"]), (&json!("acme-north-drill"), &json!(SITE)), "{report}");
    assert!(report["lock_ms"].as_u64().is_some_and(|ms| ms > 0) && report["end_ms"].as_u64().is_some(), "{report}");
    world.calls_are_normal();
    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    let page = senior.get("/drill").await.text().await.unwrap();
    assert!(page.contains("Stopwatch") && page.contains("2 objects") && page.contains("DRILL Acme North"), "{page}");
    assert!(page.contains("/console?site=acme-north-drill"), "{page}");
    assert_eq!(verdict(&findings(&world.run(&["doctor", "--json"])), "last drill"), json!("good"));

    // Begun and left on: the page says so, and it is ended by the same command.
    assert!(drill(&["--keep"]).status.success());
    let rings = world.cucm.dial("CSS-DRILL", "914035550199", Dialling::EnBloc).outcome;
    assert_eq!(rings, simulators::cucm::digits::Outcome::Rings { number: "5911".into() });
    assert!(senior.get("/drill").await.text().await.unwrap().contains("Go on with the drill"));
    assert!(drill(&["--over"]).status.success());
    world.calls_are_normal();
    let missing = world.run(&["drill", "--site", "atlantis", "--url", &world.url, "--key-file", key.to_str().unwrap()]);
    assert!(!missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("atlantis"));
}
