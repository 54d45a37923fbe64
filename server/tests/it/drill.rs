//! The lock is practised on canary objects: the same orders, and nobody takes it for the real one.

use crate::sign_in::{Browser, signed_in};
use crate::world::{DEMO, World, http};
use reqwest::{Method, StatusCode};
use serde_json::json;
use simulators::cucm::digits::{Dialling, Outcome};

const DRILL_SITE: &str = include_str!("../../../end2end/drill-site.toml");
const PATH: &str = "/api/v1/sites/acme-north-drill";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_every_call_still_goes_out_in_a_drill_is_no_leak() {
    let world = World::stopped(&format!("{DEMO}{DRILL_SITE}"), "").await;
    let output = world.run(&["plan", "check", "--json"]);
    let check: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let leaks: Vec<(&str, usize)> = check["sites"]
        .as_array()
        .unwrap()
        .iter()
        .map(|site| (site["site"].as_str().unwrap(), site["leaks"].as_array().unwrap().len()))
        .collect();
    assert_eq!(leaks, [("acme-north", 1), ("acme-north-drill", 0)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sites_of_one_cucm_are_judged_by_one_reading_of_its_dial_plan() {
    let read = |world: &World| {
        let asked = world.cucm.exchanges();
        asked.iter().filter(|exchange| exchange.operation == "listHuntPilot").count()
    };
    let world = World::stopped(&format!("{DEMO}{DRILL_SITE}"), "").await;
    world.run(&["plan", "check"]);
    assert_eq!(read(&world), 1);
    world.serve().await;
    let key = world.everything();
    for site in ["acme-north", "acme-north-drill"] {
        let path = format!("/api/v1/sites/{site}");
        world
            .until(site, async || {
                let (_, _, body) = world.call(Method::GET, &path, &key, None, &[]).await;
                body["standing"] == "normal"
            })
            .await;
    }
    assert_eq!(read(&world), 2, "the server's two sites read it once together");
}

#[tokio::test]
async fn a_drill_goes_the_way_of_a_lock_and_touches_no_call() {
    let world = World::stopped(&format!("{DEMO}{DRILL_SITE}"), "").await;
    world.serve().await;
    world.until_standing("normal").await;
    let key = world.everything();
    let canary = || world.cucm.dial("CSS-DRILL", "914035550199", Dialling::EnBloc).outcome;
    assert!(matches!(canary(), Outcome::Pstn { .. }));

    let order = Some(json!({ "desired": "locked" }));
    let (code, etag, site) = world.call(Method::PUT, &format!("{PATH}/lockdown?wait=30s"), &key, order, &[]).await;
    assert_eq!((code, &site["standing"], &site["drill"]), (StatusCode::OK, &json!("locked"), &json!(true)), "{site}");
    assert!(site["name"].as_str().unwrap().starts_with("DRILL "), "{site}");
    assert_eq!(canary(), Outcome::Rings { number: "5911".into() });
    world.calls_are_normal();

    let (_, _, status) = world.call(Method::GET, "/api/v1/status", &key, None, &[]).await;
    assert_eq!((status["state"].as_str(), status["sites"].as_array().unwrap().len()), (Some("normal"), 1), "{status}");
    let public = Browser::new(&world).get("/").await.text().await.unwrap();
    assert!(!public.contains("DRILL") && !public.contains("drill"), "the public hears of no drill: {public}");
    let mut senior = signed_in(&world, 3, "senior_eoc").await;
    let first = senior.get("/console").await.text().await.unwrap();
    assert!(first.contains("Normal calling"), "a drill never opens by itself");
    let console = senior.get("/console?site=acme-north-drill").await.text().await.unwrap();
    assert!(console.contains("This is a drill.") && console.contains("DRILL: canaries locked"), "{console}");
    assert!(!console.contains("PSTN LOCKED"), "{console}");
    let asked =
        format!("site=acme-north-drill&who=Ann&call_back=4711&reason=x&priority=urgent&form={}", "a".repeat(32));
    let refused = Browser::new(&world).post("/requests/file", &asked, true).await;
    assert!(refused.status().is_client_error());

    let order = Some(json!({ "desired": "normal" }));
    let if_match = etag.unwrap();
    let headers = [("if-match", if_match.as_str())];
    let (code, ..) = world.call(Method::PUT, &format!("{PATH}/lockdown?wait=30s"), &key, order, &headers).await;
    assert_eq!(code, StatusCode::OK);
    let told = world.events().await;
    let applied: Vec<&str> =
        told.iter().filter(|e| e["detail"]["what"] == "applied").map(|e| e["text"].as_str().unwrap()).collect();
    assert_eq!(applied, ["1 of 2 steps written to become locked", "1 of 2 steps written to become normal"]);
    let incidents = world.call(Method::GET, "/api/v1/incidents", &key, None, &[]).await.2;
    let incident = &incidents["incidents"][0];
    assert_eq!((&incident["drill"], &incident["state"]), (&json!(true), &json!("closed")), "{incidents}");
    let id = incident["id"].as_str().unwrap();
    let paper = senior.get(&format!("/incidents/{id}/ics-214")).await.text().await.unwrap();
    let table = senior.get(&format!("/incidents/{id}/export.csv")).await.text().await.unwrap();
    let mut lines = table.lines();
    let marked = |line: &str| line.ends_with(",\"exercise\"");
    assert!(lines.next().is_some_and(marked) && lines.all(marked), "{table}");
    assert!(paper.contains("DRILL ·"), "{paper}");
    let feed = http().get(format!("{}/api/v1/alerts.atom", world.url)).send().await.unwrap().text().await.unwrap();
    let alerts: Vec<&str> = feed.split("type=\"application/cap+xml\" href=\"").skip(1).collect();
    assert!(alerts.len() >= 4, "{feed}");
    let kept = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cap");
    std::fs::create_dir_all(&kept).unwrap();
    for (n, address) in alerts.iter().map(|rest| rest.split('"').next().unwrap()).enumerate() {
        let alert = http().get(address).send().await.unwrap().text().await.unwrap();
        assert!(alert.contains("<status>Exercise</status>"), "{alert}");
        // `cargo xtask test schemas` holds them against OASIS' schema.
        std::fs::write(kept.join(format!("drill-{n}.xml")), alert).unwrap();
    }
}

#[tokio::test]
async fn a_drill_that_would_touch_a_site_in_earnest_is_not_served() {
    let wrong = [
        (DRILL_SITE.replace("PT-DRILL-PSTN", "PT-PSTN-LD"), "a drill must not touch PT-PSTN-LD"),
        (DRILL_SITE.replace("drill_of = \"acme-north\"", "drill_of = \"atlantis\""), "there is no site “atlantis”"),
        (
            DRILL_SITE.replace("drill_of = \"acme-north\"", "drill_of = \"acme-north-drill\""),
            "that is not itself a drill",
        ),
    ];
    for (drill, sentence) in wrong {
        let world = World::stopped(&format!("{DEMO}{drill}"), "").await;
        let output = world.run(&["plan", "check"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(sentence), "{said}");
    }
}
