//! `plan check` and `plan trace`, by the command line and by REST.

use crate::sign_in::signed_in;
use crate::world::{DEMO, SITE, World, http};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::cucm::Sql;
use simulators::cucm::model::Forward;
use std::collections::BTreeSet;

impl World {
    /// What the command line says for programs.
    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--json"]].concat());
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }

    async fn ask(&self, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let key = self.key("status:read");
        let (code, _, answer) = self.call(Method::POST, &format!("/api/v1/sites/{SITE}/{path}"), &key, body, &[]).await;
        (code, answer)
    }
}

/// Without what another run takes.
fn timeless(mut check: Value) -> Value {
    check["analysis_seconds"] = Value::Null;
    check["read"]["seconds"] = Value::Null;
    check["read"]["requests"] = Value::Null;
    check
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_says_who_can_call_where_the_same_by_command_line_and_rest() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let (code, by_rest) = world.ask("plan/check", None).await;
    assert_eq!(code, StatusCode::OK, "{by_rest}");
    let by_words = world.json(&["plan", "check"]);
    assert_eq!(by_words["accepted"], true);
    assert_eq!(timeless(by_words["sites"][0].clone()), timeless(by_rest.clone()));
    assert_eq!(by_rest["site"], SITE);
    assert_eq!(by_rest["read"]["callers"], true);
    assert!(by_rest["read"]["requests"].as_u64().unwrap() <= 25, "{}", by_rest["read"]);
    let callers = by_rest["callers"].as_array().unwrap();
    let devices: u64 = callers.iter().map(|caller| caller["count"].as_u64().unwrap()).sum();
    assert_eq!(devices, world.cucm.cluster().devices.len() as u64);
    let lobby = callers.iter().find(|caller| caller["id"] == "phone:CSS-PHONE-LOCAL+-").unwrap();
    assert_eq!(lobby["line_css"], "CSS-PHONE-LOCAL");
    assert_eq!(lobby["device_css"], Value::Null);
    assert_eq!(lobby["partitions"][0], "PT-LOCKDOWN-OUT");
    assert_eq!(lobby["pstn"], json!({ "normal": true, "locked": false }));
    let emergency = lobby["emergency"].as_array().unwrap();
    let of = |number: &str| emergency.iter().find(|one| one["number"] == number).unwrap_or(&Value::Null);
    assert_eq!(of("911"), &json!({ "number": "911", "normal": "out", "locked": "out" }));
    // The one planted way past the lock, with the phone that has it.
    let leaks = by_rest["leaks"].as_array().unwrap();
    assert_eq!(leaks.len(), 1, "{leaks:?}");
    let want = json!({
        "caller": "phone:-+CSS-DRILL", "via": "direct", "pattern": "9.1403555019X", "partition": "PT-DRILL-PSTN",
        "example": "914035550190", "path": ["9.1403555019X in PT-DRILL-PSTN"], "direction": "outbound", "count": 1
    });
    assert_eq!(leaks[0], want);
    // Steps with what they hold.
    let steps = by_rest["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["state"] == "normal" && step["now"].is_string()), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_plan_is_answered_with_callers_too() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.cucm.edit(|cluster| {
        let pilot = cluster.hunt_pilots.iter_mut().find(|pilot| pilot.pattern == "5911").unwrap();
        pilot.dead = true;
    });
    let (code, check) = world.ask("plan/check", None).await;
    assert_eq!((code, &check["accepted"]), (StatusCode::OK, &json!(false)));
    assert!(check["violations"][0].as_str().unwrap().contains("Nothing rings at the EOC pilot"), "{check}");
    assert!(check["callers"].as_array().unwrap().len() > 5 && check["leaks"].as_array().unwrap().len() == 1, "{check}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_sql_says_nothing_calling_search_spaces_are_judged_and_it_is_said() {
    let world = World::stopped(DEMO, "").await;
    for (sql, why) in [
        (Sql::Refused, "the AXL user may not ask by SQL"),
        (Sql::Empty, "CUCM names no device"),
        (Sql::Broken, "what answered is not AXL (HTTP 406)"),
    ] {
        world.cucm.faults().sql = sql;
        let check = world.json(&["plan", "check"])["sites"][0].clone();
        assert_eq!((&check["accepted"], &check["read"]["callers"]), (&json!(true), &json!(false)), "{sql:?}");
        let callers = check["callers"].as_array().unwrap();
        assert_eq!(callers.len(), world.cucm.cluster().calling_search_spaces.len());
        assert!(callers.iter().all(|caller| caller["kind"] == "css" && caller["count"] == 0), "{callers:?}");
        let warnings = check["warnings"].to_string();
        for said in [&format!("Who calls from where was not read ({why}"), "Not read: where"] {
            assert!(warnings.contains(said), "{said}: {warnings}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_locks_where_sql_says_nothing() {
    let world = World::stopped(DEMO, "").await;
    world.cucm.faults().sql = Sql::Broken;
    let doctor = world.json(&["doctor"]);
    let mut findings = doctor["findings"].as_array().unwrap().iter();
    let emergency = findings.find(|finding| finding["what"] == "emergency numbers").unwrap();
    assert_eq!(emergency["verdict"], "warning", "nothing is proved for every phone: {emergency}");
    world.serve().await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    world.calls_are_locked();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_that_this_version_lacks_costs_its_own_forwards_alone() {
    let world = World::stopped(DEMO, "").await;
    world.cucm.edit(|cluster| {
        let forward = |when: &str| Forward {
            when: when.into(),
            destination: "914035550100".into(),
            css: vec!["CSS-PHONE-LD".into()],
        };
        cluster.lines[0].forwards = ["all", "busy", "unregistered"].map(forward).into();
    });
    let number = world.cucm.cluster().lines[0].pattern.clone();
    let legs = || {
        let traced = world.json(&["plan", "trace", &number, "--from", "css:CSS-PHONE-LD"]);
        let legs = traced["traces"][0]["dialling"][0]["now"]["legs"].as_array().unwrap().clone();
        legs.iter().map(|leg| leg["via"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(legs(), ["forward_all", "forward_busy", "forward_unregistered"]);
    world.cucm.faults().missing_columns = vec!["numplan.cfurdestination".into()];
    assert_eq!(legs(), ["forward_all", "forward_busy"]);
    let warnings = world.json(&["plan", "check"])["sites"][0]["warnings"].to_string();
    assert!(warnings.contains("forwards of cfurdestination (this version has not all columns of them)"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_lock_waits_for_no_sql_that_hangs_and_the_check_is_made_again_after_it() {
    let world = World::stopped(DEMO, "").await;
    // Longer than an order is waited for below.
    let config = std::fs::read_to_string(world.config()).unwrap();
    let patient = config.replace("timeout = \"2s\"", "timeout = \"10m\"");
    assert_ne!(patient, config);
    std::fs::write(world.config(), patient).unwrap();
    world.cucm.faults().sql = Sql::Hangs;
    world.serve().await;
    world.lock_verified().await;
    world.calls_are_locked();
    let asked = || http().get(format!("{}/metrics", world.url)).bearer_auth(world.everything()).send();
    let says = |read: u8| format!("lockdown_plan_callers_read{{site=\"{SITE}\"}} {read}");
    let proved = |all: u8| format!("lockdown_plan_proved{{site=\"{SITE}\"}} {all}");
    let metrics = async || asked().await.unwrap().text().await.unwrap();
    let left_out = metrics().await;
    assert!(left_out.contains(&says(0)) && left_out.contains(&proved(0)), "what was left out is said: {left_out}");
    world.cucm.faults().sql = Sql::Answers;
    world.release_verified().await;
    world.until("who calls from where was read", async || metrics().await.contains(&says(1))).await;
    assert!(metrics().await.contains(&proved(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_whose_objects_are_gone_claims_nothing_of_who_gets_out() {
    let world = World::stopped(DEMO, "").await;
    world.cucm.edit(|cluster| cluster.partitions.retain(|partition| partition.name != "PT-LOCKDOWN-OUT"));
    let check = world.json(&["plan", "check"])["sites"][0].clone();
    assert_eq!((&check["accepted"], &check["read"]["callers"]), (&json!(false), &json!(true)));
    assert!(check["warnings"][0].as_str().unwrap().contains("was not judged"), "{check}");
    let words = String::from_utf8(world.run(&["plan", "check"]).stdout).unwrap();
    assert!(words.contains("was not judged") && !words.contains("past the lock"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_followed_from_a_lobby_phone_normally_and_locked() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let asked = json!({ "from": "number:7001", "digits": ["914035551234", "911"] });
    let (code, traced) = world.ask("plan/trace", Some(asked)).await;
    assert_eq!(code, StatusCode::OK, "{traced}");
    assert_eq!(traced["from"], "number:7001");
    let [out, emergency] = &traced["traces"].as_array().unwrap()[..] else { panic!("{traced}") };
    // PT-NIGHT is active at some hours only: each way of dialling is answered for both.
    let dialling = out["dialling"].as_array().unwrap();
    let told: Vec<_> =
        dialling.iter().map(|one| (one["how"].as_str().unwrap(), one["schedules"].as_str().unwrap())).collect();
    let want =
        [("en_bloc", "active"), ("en_bloc", "inactive"), ("digit_by_digit", "active"), ("digit_by_digit", "inactive")];
    assert_eq!(told, want);
    for one in dialling {
        assert_eq!((&one["normal"]["end"], &one["normal"]["digits"]), (&json!("pstn"), &json!("14035551234")), "{one}");
        assert_eq!((&one["locked"]["end"], &one["locked"]["pattern"]), (&json!("inside"), &json!("5911")), "{one}");
        assert_eq!(one["now"], one["normal"], "nothing is locked");
    }
    assert!(emergency["dialling"].as_array().unwrap().iter().all(|one| one["locked"]["end"] == "pstn"), "{emergency}");
    let by_words = world.json(&["plan", "trace", "914035551234", "911", "--from", "number:7001"]);
    assert_eq!(by_words["traces"], traced["traces"]);
    let words =
        String::from_utf8(world.run(&["plan", "trace", "914035551234", "--from", "number:7001"]).stdout).unwrap();
    assert!(words.contains("normal to the PSTN as 14035551234 by 9.1403[2-9]XXXXXX in PT-PSTN-LOCAL"), "{words}");
    assert!(words.contains("locked to the EOC by 9.1403[2-9]XXXXXX in PT-LOCKDOWN-OUT → 5911 in PT-EOC"), "{words}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_from_nobody_or_of_no_number_is_refused_with_what_to_write() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let many: Vec<String> = (0..10_001).map(|n| format!("9{n}")).collect();
    for (body, code, said) in [
        (
            json!({ "from": "number:9999", "digits": "911" }),
            StatusCode::NOT_FOUND,
            "Nothing in CUCM is called like that",
        ),
        (json!({ "from": "css:CSS-NOBODY", "digits": "911" }), StatusCode::NOT_FOUND, "capital letters"),
        (json!({ "from": "number:' or '1'='1", "digits": "911" }), StatusCode::NOT_FOUND, "Nothing in CUCM"),
        (json!({ "from": "7001", "digits": "911" }), StatusCode::BAD_REQUEST, "names no caller. Write css:NAME"),
        (json!({ "from": "number:7001", "digits": "9x1" }), StatusCode::BAD_REQUEST, "is not dialled like that"),
        (json!({ "from": "number:7001", "digits": many }), StatusCode::BAD_REQUEST, "10000 at most"),
        (json!({ "from": "number:7001" }), StatusCode::BAD_REQUEST, "digits"),
    ] {
        let (answered, problem) = world.ask("plan/trace", Some(body)).await;
        assert_eq!(answered, code, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(said), "{said}: {problem}");
    }
    let output = world.run(&["plan", "trace", "911", "--from", "device:SEP"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing in CUCM is called device:SEP"));
    // A line and a device by their spaces, a trunk by its name.
    for from in ["line:CSS-PHONE-LD,device:CSS-DRILL", "trunk:TRUNK-PSTN", "device:SEP00AC3E001B59", "css:CSS-EOC"] {
        let (code, traced) = world.ask("plan/trace", Some(json!({ "from": from, "digits": "911" }))).await;
        assert_eq!((code, traced["traces"].as_array().map(Vec::len)), (StatusCode::OK, Some(1)), "{from}: {traced}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_time_of_the_sites_clock_the_reception_answers_or_it_does_not() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let end = |traced: &Value| {
        let dialling = traced["traces"][0]["dialling"].as_array().unwrap();
        let ends: BTreeSet<String> =
            dialling.iter().map(|one| one["now"]["end"].as_str().unwrap().to_owned()).collect();
        let both = dialling.iter().any(|one| one.get("schedules").is_some());
        (ends.into_iter().collect::<Vec<_>>().join(" "), both)
    };
    let words = ["plan", "trace", "0", "--from", "css:CSS-PHONE-LD", "--at"];
    for (at, want) in [("2026-12-01T12:00", "inside"), ("2026-12-01T03:00", "no_route")] {
        let body = json!({ "from": "css:CSS-PHONE-LD", "digits": "0", "at": at });
        let (code, traced) = world.ask("plan/trace", Some(body)).await;
        assert_eq!((code, end(&traced)), (StatusCode::OK, (want.to_owned(), false)), "{traced}");
        assert_eq!(end(&world.json(&[&words[..], &[at]].concat())), (want.to_owned(), false));
    }
    let (_, traced) = world.ask("plan/trace", Some(json!({ "from": "css:CSS-PHONE-LD", "digits": "0" }))).await;
    assert_eq!(end(&traced), ("inside no_route".to_owned(), true));
    let output = world.run(&[&words[..], &["tomorrow"]].concat());
    assert_eq!(output.status.code(), Some(2), "no time");
    let (code, problem) =
        world.ask("plan/trace", Some(json!({ "from": "css:CSS-PHONE-LD", "digits": "0", "at": "3 am" }))).await;
    assert_eq!(code, StatusCode::BAD_REQUEST, "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_the_planted_leak_with_its_phone_and_follows_a_call() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    let page = senior.get("/plan").await.text().await.unwrap();
    assert!(page.contains("Who can call where: Acme North"), "{page}");
    assert!(page.contains("1 device · goes out by <code>9.1403555019X in PT-DRILL-PSTN"), "{page}");
    assert!(page.contains("past the lock: PSTN") && page.contains("data-leak=\"true\""), "{page}");
    assert!(page.contains("line or phone was changed, besides what the plan switches."), "{page}");
    world.cucm.edit(|cluster| {
        let desks = cluster.calling_search_spaces.iter_mut().find(|css| css.name == "CSS-PHONE-LD");
        desks.unwrap().members.pop();
        cluster.route_pattern("9.011!").unwrap().blocked = true;
    });
    let page = senior.get("/plan").await.text().await.unwrap();
    let said = "Changed in CUCM since: calling search space CSS-PHONE-LD. Read it again.";
    assert!(page.contains(said), "what the plan switches is told elsewhere: {page}");
    let followed = senior.get("/plan?from=7001&dial=9-1-403-555-1234").await.text().await.unwrap();
    let followed = followed.replace("<!>", "");
    let table = followed.split_once("class=\"steps traced\"").expect("the way is drawn").1;
    let of = |state: &str| {
        let row = table.split_once(&format!("{state}</th>")).unwrap_or_else(|| panic!("{state}: {table}")).1;
        row.split("</tr>").next().unwrap().to_owned()
    };
    assert!(of("Normal").contains("<strong>to the PSTN as 14035551234</strong>"), "{}", of("Normal"));
    assert!(of("Locked").contains("<strong>to the EOC</strong>") && of("Locked").contains("5911 in PT-EOC"), "{table}");
    let nobody = senior.get("/plan?from=4999&dial=911").await.text().await.unwrap();
    assert!(nobody.contains("role=\"alert\"") && !nobody.contains("However it is dialled"), "{nobody}");
    let unwritable = senior.get("/plan?from=7001&dial=help").await.text().await.unwrap();
    assert!(unwritable.contains("“help” is not dialled like that"), "{unwritable}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_cucm_is_away_the_page_keeps_the_last_check_and_a_new_one_is_refused_with_why() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    world.cucm.stop().await;
    let refused = senior.post("/ui/check-plan", &format!("site={SITE}"), false).await.text().await.unwrap();
    assert!(refused.contains("CUCM cannot be read now."), "{refused}");
    let page = senior.get("/plan").await.text().await.unwrap();
    assert!(page.contains("1 device · goes out by <code>9.1403555019X in PT-DRILL-PSTN"), "{page}");
    assert!(page.contains("CUCM does not say what was changed since."), "{page}");
    world.cucm.resume().unwrap();
    world.until_standing("normal").await;
    let checked = senior.post("/ui/check-plan", &format!("site={SITE}"), false).await;
    assert!(checked.status().is_success(), "{}", checked.text().await.unwrap());
    let page = senior.get("/plan").await.text().await.unwrap();
    assert!(page.contains("line or phone was changed, besides what the plan switches."), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_shows_is_saved_as_files_that_say_what_rest_says() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let by_rest = world.ask("plan/check", None).await.1;
    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    let json: Value = senior.get(&format!("/plan/{SITE}/check.json")).await.json().await.unwrap();
    assert_eq!(json, by_rest, "the same check, not another one");
    let leaks = senior.get(&format!("/plan/{SITE}/leaks.csv")).await.text().await.unwrap();
    assert_eq!(leaks.lines().count(), 2, "{leaks}");
    assert!(leaks.contains("\"phone:-+CSS-DRILL\",\"1\",\"dialled\""), "{leaks}");
    let callers = senior.get(&format!("/plan/{SITE}/callers.csv")).await.text().await.unwrap();
    assert_eq!(callers.lines().count(), 1 + by_rest["callers"].as_array().unwrap().len());
    assert_eq!(senior.get(&format!("/plan/{SITE}/else.csv")).await.status(), StatusCode::NOT_FOUND);
    let mut eoc = signed_in(&world, 1, "eoc").await;
    assert_eq!(eoc.get(&format!("/plan/{SITE}/leaks.csv")).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_ordered_on_the_page_sees_what_changed_in_cucm() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    world.cucm.edit(|cluster| cluster.route_pattern("9.1403555019X").unwrap().blocked = true);
    let before = senior.get("/plan").await.text().await.unwrap();
    assert!(before.contains("9.1403555019X"), "as it was read last");
    let checked = senior.post("/ui/check-plan", &format!("site={SITE}"), false).await;
    assert_eq!(checked.status(), StatusCode::OK, "{}", checked.text().await.unwrap());
    let after = senior.get("/plan").await.text().await.unwrap();
    assert!(after.contains("None was found") && !after.contains("9.1403555019X"), "{after}");
}
