//! What Prometheus is told, and that alerts and dashboard ask for nothing else.

use crate::world::{DEMO, SITE, World, http};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

async fn told(world: &World) -> String {
    let asked = http().get(format!("{}/metrics", world.url)).bearer_auth(world.everything());
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    answer.text().await.unwrap()
}

/// Each sample by its name and labels.
fn samples(told: &str) -> BTreeMap<&str, f64> {
    let lines = told.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap()).map(|(name, value)| (name, value.parse().unwrap())).collect()
}

/// Each fault is told as 0 before the first one.
fn fault_counted(told: &str) -> bool {
    samples(told).iter().any(|(name, value)| name.contains("fault=\"transient\"") && *value > 0.0)
}

#[tokio::test]
async fn standing_orders_latencies_and_faults_are_told_as_they_are() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let before = told(&world).await;
    assert!(before.ends_with("# EOF\n"));
    let is = |text: &str, what: &str| samples(text).get(what).copied();
    let standing = |word: &str| format!("lockdown_standing{{site=\"{SITE}\",drill=\"0\",standing=\"{word}\"}}");
    assert_eq!(is(&before, &standing("normal")), Some(1.0), "{before}");
    assert_eq!(is(&before, &standing("locked")), Some(0.0));
    assert_eq!(is(&before, &format!("lockdown_plan_accepted{{site=\"{SITE}\",drill=\"0\"}}")), Some(1.0));
    // The phone of the drill gets out, and every phone reaches 911.
    for (name, want) in
        [("leaks", 1.0), ("leaking_devices", 1.0), ("devices_without_emergency", 0.0), ("callers_read", 1.0)]
    {
        assert_eq!(is(&before, &format!("lockdown_plan_{name}{{site=\"{SITE}\"}}")), Some(want), "{name}: {before}");
    }

    let order = Some(json!({ "desired": "locked" }));
    let path = format!("/api/v1/sites/{SITE}/lockdown?wait=30s");
    world.call(Method::PUT, &path, &world.everything(), order, &[]).await;
    let after = told(&world).await;
    assert_eq!(is(&after, &standing("locked")), Some(1.0), "{after}");
    assert_eq!(is(&after, &standing("normal")), Some(0.0));
    assert_eq!(is(&after, &format!("lockdown_ordered_locked{{site=\"{SITE}\"}}")), Some(1.0));
    assert_eq!(is(&after, &format!("lockdown_steps{{site=\"{SITE}\",as_ordered=\"no\"}}")), Some(0.0));
    let counted = async || told(&world).await.contains("event=\"verified\"");
    world.until("the order was counted", counted).await;
    let after = told(&world).await;
    let ordered = format!("lockdown_events_total{{event=\"lock_ordered\",site=\"{SITE}\",surface=\"api\"}}");
    assert_eq!(is(&after, &ordered), Some(1.0), "{after}");
    let took = format!("lockdown_order_seconds_count{{site=\"{SITE}\",target=\"locked\"}}");
    assert_eq!(is(&after, &took), Some(1.0));
    let writes = "lockdown_dial_plan_seconds_count{act=\"write\"}";
    assert!(is(&after, writes).is_some_and(|writes| writes >= 3.0) && is(&before, writes).is_none(), "{after}");
    assert!(is(&after, "lockdown_reading_age_seconds{site=\"acme-north\"}").is_some_and(|age| age < 30.0));
    assert!(is(&after, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6));

    world.cucm.faults().throttle = 3;
    world.until("a fault is counted", async || fault_counted(&told(&world).await)).await;
}

#[tokio::test]
async fn a_plan_that_was_never_checked_is_told_neither_as_accepted_nor_as_refused() {
    let world = World::stopped(DEMO, "").await;
    world.cucm.faults().throttle = u32::MAX;
    world.serve().await;
    world.until("CUCM was asked", async || fault_counted(&told(&world).await)).await;
    let unchecked = told(&world).await;
    let unknown = format!("lockdown_standing{{site=\"{SITE}\",drill=\"0\",standing=\"unknown\"}}");
    assert_eq!(samples(&unchecked).get(unknown.as_str()), Some(&1.0), "{unchecked}");
    let plan = format!("lockdown_plan_accepted{{site=\"{SITE}\",drill=\"0\"}}");
    assert_eq!(samples(&unchecked).get(plan.as_str()), None, "{unchecked}");

    world.cucm.faults().throttle = 0;
    let accepted = async || samples(&told(&world).await).get(plan.as_str()) == Some(&1.0);
    world.until("the plan was checked", accepted).await;
}

#[tokio::test]
async fn a_key_for_one_site_sees_no_other_and_nothing_of_the_server() {
    let world = World::stopped(&crate::people::two_sites(), "").await;
    world.serve().await;
    world.until_standing("normal").await;
    let made =
        world.run(&["clients", "add", "--name", "n", "--scope", "status:read", "--site", "acme-south", "--json"]);
    let key = serde_json::from_slice::<serde_json::Value>(&made.stdout).unwrap()["key"].as_str().unwrap().to_owned();
    let ask = |key: &str| http().get(format!("{}/metrics", world.url)).bearer_auth(key).send();
    let text = ask(&key).await.unwrap().text().await.unwrap();
    assert!(text.contains("acme-south") && !text.contains("acme-north"), "{text}");
    assert!(!text.contains("lockdown_events") && !text.contains("process_"), "{text}");
    let none = http().get(format!("{}/metrics", world.url)).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::UNAUTHORIZED);
}

/// `lockdown_…` in a file of ours.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| c.is_ascii_lowercase() || c == '_';
    let found = text.match_indices("lockdown_").map(|(at, _)| &text[at..]);
    let found = found.map(|rest| &rest[..rest.find(|c| !word(c)).unwrap_or(rest.len())]);
    let ends = ["_bucket", "_total", "_count", "_sum", "_info"];
    found.map(|name| ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name).to_owned()).collect()
}

#[tokio::test]
async fn alerts_and_dashboard_ask_for_numbers_that_there_are() {
    let section = "[webex]\nbot_token = \"t\"\napi_url = \"http://127.0.0.1:9\"\ntransport = \"websocket\"";
    let more = crate::world::More { sections: section.into(), ..Default::default() };
    let world = World::with(more).await;
    world.until_standing("normal").await;
    let order = Some(json!({ "desired": "locked" }));
    world.call(Method::PUT, &format!("/api/v1/sites/{SITE}/lockdown?wait=30s"), &world.everything(), order, &[]).await;
    world.until("the order was counted", async || told(&world).await.contains("lockdown_order_seconds")).await;
    let served = told(&world).await;
    let help = |name: &String| served.contains(&format!("# HELP {name} "));
    for (file, text) in [
        ("alerts.yml", include_str!("../../../deploy/prometheus/alerts.yml")),
        ("pstn-lockdown.json", include_str!("../../../deploy/grafana/pstn-lockdown.json")),
    ] {
        let missing: Vec<String> = named(text).into_iter().filter(|name| !help(name)).collect();
        assert!(missing.is_empty(), "{file} asks for {missing:?}, and there is only\n{served}");
        assert!(named(text).len() > 8, "{file} is looked at");
    }
}
