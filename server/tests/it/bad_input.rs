//! Bad input and trouble: one clear sentence, a proper exit code, nothing lost.

use crate::world::{DEMO, SITE, World, free_port, http, program};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::cucm::{Clause, Sql};
use std::process::Output;

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_without_a_configuration_names_the_example() {
    let folder = tempfile::tempdir().unwrap();
    let output = program().arg("serve").current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("lockdown.example.toml"), "{}", said(&output));
    assert_eq!(program().arg("servee").output().unwrap().status.code(), Some(2), "wrong usage");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_configuration_is_refused_with_file_line_key_and_remedy() {
    let world = World::stopped(DEMO, "").await;
    let good = std::fs::read_to_string(world.config()).unwrap();
    for (from, to, want) in [
        ("timeout =", "timeuot =", "unknown field"),
        ("timeout = \"2s\"", "timeout = \"fast\"", "cucm.timeout: write a duration"),
        ("partition = \"PT-PSTN-LD\"", "partition = \"PT-EMERGENCY\"", "protected partition PT-EMERGENCY"),
        ("all = true", "pattern = \"911\"", "is the emergency number 911"),
    ] {
        std::fs::write(world.config(), good.replacen(from, to, 1)).unwrap();
        let output = world.run(&["serve"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("lockdown.toml:") && said.contains(want), "{want}: {said}");
        assert!(!said.contains("axl-demo"), "no secret: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_names_a_missing_pattern_locks_nothing_and_says_what_is_missing() {
    let site =
        DEMO.replace("partition = \"PT-PSTN-LD\"\nall = true", "partition = \"PT-PSTN-LD\"\npattern = \"9.1XX\"");
    let world = World::stopped(&site, "").await;
    let output = world.run(&["plan", "check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("pattern 9.1XX in PT-PSTN-LD is not in CUCM"), "{}", said(&output));
    world.serve().await;
    world.until("the refusal is told", async || world.happened("plan_refused").await == 1).await;
    world.order("locked", "").await;
    let site = world.site().await;
    assert!(site["trouble"].as_str().unwrap_or_default().contains("9.1XX") || site["standing"] == "unknown", "{site}");
    assert_eq!(world.cucm.writes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_could_block_an_emergency_number_is_refused_against_the_real_dial_plan() {
    let world = World::stopped(DEMO, "").await;
    world.cucm.edit(|cluster| cluster.route_pattern("9.911").unwrap().partition = Some("PT-PSTN-LOCAL".into()));
    world.configure(&DEMO.replace("\"9911\", ", ""), "", "axl-lockdown");
    let output = world.run(&["plan", "check"]);
    // "All of a partition" leaves protected numbers out by themselves; the proof then holds.
    let text = said(&output);
    assert!(output.status.code() == Some(0) || text.contains("emergency"), "{text}");
    let explicit = DEMO
        .replace("\"9911\", ", "")
        .replace("partition = \"PT-PSTN-LOCAL\"\nall = true", "partition = \"PT-PSTN-LOCAL\"\npattern = \"9.911\"");
    world.configure(&explicit, "", "axl-lockdown");
    let output = world.run(&["plan", "check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("emergency"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_while_the_plan_is_read_is_skipped_and_named() {
    let world = World::stopped(DEMO, "").await;
    let gone = ["TS-OFFICE", "CSS-FORWARD", "9.1[2-9]XX[2-9]XXXXXX"];
    assert!(world.cucm.cluster().route_patterns.iter().any(|pattern| pattern.pattern == gone[2]));
    // Otherwise neither route patterns nor calling search spaces are asked for one by one.
    world.cucm.faults().sql = Sql::Refused;
    world.cucm.faults().clause = Clause::Missing;
    // Otherwise what changed meanwhile is read again.
    world.cucm.faults().refused = vec!["listChange".into()];
    world.cucm.faults().deleted_meanwhile = gone.map(str::to_owned).into();
    let output = world.run(&["plan", "check"]);
    let said = said(&output);
    for name in gone {
        assert!(said.contains("Deleted while the plan was read: 3 (") && said.contains(name), "{name}: {said}");
    }
    assert_eq!(output.status.code(), Some(0), "what is left may run: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_changed_while_the_plan_is_read_is_read_again_and_said_where_it_goes_on() {
    let world = World::stopped(DEMO, "").await;
    let check = |edits: u32| {
        world.cucm.faults().edited_meanwhile = edits;
        let output = world.run(&["plan", "check", "--json"]);
        let check: Value = serde_json::from_slice(&output.stdout).unwrap();
        let site = check["sites"][0].clone();
        (
            site["read"]["requests"].as_u64().unwrap(),
            site["warnings"].to_string().contains("something was changed while it was read"),
        )
    };
    let (once, _) = check(0);
    assert_eq!(check(1), (2 * once, false), "read twice, and at rest then");
    assert_eq!(check(9), (2 * once, true), "it is not read for ever");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_warns_of_networks_that_are_everybodys() {
    let world = World::stopped(DEMO, "").await;
    let identity = "site_networks = [\"0.0.0.0/0\"]".to_owned();
    let sections = "[phone]\nnetworks = [\"::/0\"]\n".to_owned();
    world.set_more(crate::world::More { identity, sections, ..crate::world::More::default() });
    let said = said(&world.run(&["doctor"]));
    for found in ["identity.site_networks has 0.0.0.0/0", "phone.networks has ::/0"] {
        assert!(said.contains(&format!("{found}: it gives the whole internet")), "{found}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_steer_no_terminal() {
    let world = World::stopped(DEMO, "").await;
    let name = "Ann\u{1b}[31m\r\nid-of-another Senior\u{202e}1";
    assert!(world.run(&["people", "add", "--name", name, "--subject", "one"]).status.success());
    let listed = String::from_utf8(world.run(&["people", "list"]).stdout).unwrap();
    assert_eq!(listed.lines().count(), 1, "{listed:?}");
    assert!(listed.contains("Ann") && !listed.contains(['\u{1b}', '\r', '\u{202e}']), "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_each_finding_with_its_fix() {
    let world = World::stopped(DEMO, "").await;
    let output = world.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    world.configure(
        DEMO,
        "tls = { pin_sha256 = [\"0000000000000000000000000000000000000000000000000000000000000000\"] }",
        "axl-lockdown",
    );
    let text = said(&world.run(&["doctor"]));
    assert!(text.contains("not pinned") && text.contains("pin_sha256 = [\""), "{text}");
    world.configure(DEMO, "", "stranger");
    let output = world.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("name or password"), "{}", said(&output));
    world.configure(DEMO, "", "axl-lockdown");
    world.cucm.faults().html = 100;
    assert!(said(&world.run(&["doctor"])).contains("is not AXL"));
    *world.cucm.faults() = simulators::cucm::Faults::default();
    world.cucm.stop().await;
    assert!(said(&world.run(&["doctor"])).contains("cannot be reached"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_folder_or_port_is_refused() {
    let world = World::new().await;
    let output = world.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("another server is running"), "{}", said(&output));
    let folder = tempfile::tempdir().unwrap();
    let text =
        std::fs::read_to_string(world.config()).unwrap().replace("\"data\"", &format!("{:?}", folder.path().join("d")));
    let file = folder.path().join("lockdown.toml");
    std::fs::write(&file, text).unwrap();
    let output = program().args(["serve", "--config"]).arg(&file).output().unwrap();
    assert!(said(&output).contains("cannot listen on"), "{}", said(&output));
    assert!(world.standing().await != "no answer", "the first one goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_over_http_is_answered_and_survived() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let key = world.everything();
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    for body in
        [json!(null), json!([]), json!({ "desired": "open" }), json!({ "desired": "locked", "x": 1 }), json!("locked")]
    {
        let (code, _, problem) = world.call(Method::PUT, &path, &key, Some(body.clone()), &[]).await;
        assert_eq!(code, StatusCode::BAD_REQUEST, "{body}");
        assert!(problem["detail"].as_str().unwrap().contains("desired"), "{problem}");
    }
    let (code, _, _) = world
        .call(Method::PUT, "/api/v1/sites/nowhere/lockdown", &key, Some(json!({ "desired": "locked" })), &[])
        .await;
    assert_eq!(code, StatusCode::NOT_FOUND);
    let (code, _, _) =
        world.call(Method::PUT, &format!("{path}?wait=forever"), &key, Some(json!({ "desired": "locked" })), &[]).await;
    assert_eq!(code, StatusCode::BAD_REQUEST);
    let (code, _, problem) = world.call(Method::GET, "/api/v1/nonsense", &key, None, &[]).await;
    assert_eq!((code, problem["status"].as_u64()), (StatusCode::NOT_FOUND, Some(404)));
    for key in ["", "tpb_live_x", "🦀"] {
        let answer = http()
            .get(format!("{}/api/v1/events", world.url))
            .header("authorization", format!("Bearer {key}").into_bytes())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{key}");
    }
    let large = "x".repeat(200_000);
    let (code, _, _) =
        world.call(Method::PUT, &path, &key, Some(json!({ "desired": "locked", "reason": large })), &[]).await;
    assert_eq!(code, StatusCode::PAYLOAD_TOO_LARGE);
    for (method, path, status) in
        [(Method::GET, "/api/v1/events?after=x", 400), (Method::DELETE, "/api/v1/events", 405)]
    {
        let (code, _, problem) = world.call(method, path, &key, None, &[]).await;
        assert_eq!((code.as_u16(), problem["status"].as_u64()), (status, Some(u64::from(status))), "{path}: {problem}");
    }
    let client = http();
    let delete = client.delete(format!("{}/api/v1/events", world.url)).bearer_auth(&key).send().await.unwrap();
    assert_eq!(delete.headers()["allow"], "GET,HEAD", "which methods there are");
    let head = client.head(format!("{}/api/v1/events?after=x", world.url)).bearer_auth(&key).send().await.unwrap();
    assert_eq!((head.status(), head.content_length()), (StatusCode::BAD_REQUEST, Some(0)), "a head has no body");
    assert_ne!(head.headers()["content-length"], "0", "it says what there would be");
    let (code, _, problem) = world.call(Method::GET, "/api/v1/", &key, None, &[]).await;
    assert_eq!((code, &problem["type"]), (StatusCode::NOT_FOUND, &json!("urn:pstn-lockdown:problem:no-such-call")));
    assert_eq!(world.standing().await, "normal", "nothing of this was an order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_says_pending_with_exit_code_3_and_unreachable_with_1() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let file = world.data().join("key");
    std::fs::write(&file, world.everything()).unwrap();
    let run = |words: &[&str], url: &str| {
        program().args(words).args(["--url", url, "--key-file"]).arg(&file).output().unwrap()
    };
    world.cucm.stop().await;
    let output = run(&["lock", "--wait", "1", "--json"], &world.url);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_ne!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["standing"], "locked");
    world.cucm.resume().unwrap();
    world.until_standing("locked").await;
    assert_eq!(run(&["status"], &world.url).status.code(), Some(0));
    assert_eq!(run(&["release"], &world.url).status.code(), Some(0));
    let output = run(&["lock"], &format!("http://127.0.0.1:{}", free_port()));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("is it running?"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_timeline_is_found() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    assert_eq!(world.run(&["events", "verify"]).status.code(), Some(0));
    world.kill();
    let file = world.data().join("lockdown.db");
    let database = rusqlite::Connection::open(file).unwrap();
    database
        .execute(
            "UPDATE events SET doc = replace(doc, 'lock_ordered', 'lock_odrered') WHERE doc LIKE '%lock_ordered%'",
            [],
        )
        .unwrap();
    drop(database);
    let output = world.run(&["events", "verify"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("tampered"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unwritable_store_takes_no_order_says_so_and_loses_nothing() {
    let world = World::new().await;
    world.until_standing("normal").await;
    // Another process holds the file for longer than the server waits.
    let database = rusqlite::Connection::open(world.data().join("lockdown.db")).unwrap();
    let key = world.everything();
    database.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    let (code, _, problem) = world.call(Method::PUT, &path, &key, Some(json!({ "desired": "locked" })), &[]).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
    assert_eq!(world.cucm.writes(), 0, "what is not remembered is not done");
    database.execute_batch("ROLLBACK").unwrap();
    world.lock_verified().await;
}
