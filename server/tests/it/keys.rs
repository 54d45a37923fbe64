//! API keys from their first day to their last, and how much one of them may ask for.

use crate::sign_in::signed_in;
use crate::world::{SITE, World, http, refused};
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

fn made(world: &World, words: &[&str]) -> Value {
    let output = world.run(&[&["clients"], words, &["--json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn key(value: &Value) -> String {
    value["key"].as_str().unwrap().to_owned()
}

async fn events(world: &World, key: &str, headers: &[(&str, &str)]) -> StatusCode {
    world.call(Method::GET, "/api/v1/events", key, None, headers).await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_makes_rotates_and_revokes_keys_on_a_page() {
    let world = World::new().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let secret = |page: &str| {
        let found = page.split("tpb_live_").nth(1).unwrap_or_else(|| panic!("no secret: {page}"));
        format!("tpb_live_{}", found.split('<').next().unwrap())
    };
    let form = "name=watcher&scope=status%3Aread&scope=lock%3Aenable&site=&networks=127.0.0.0%2F8&days=30";
    let first = admin.post("/admin/clients/add", form, true).await;
    assert_eq!(first.headers()["cache-control"], "no-store");
    let first = secret(&first.text().await.unwrap());
    assert_eq!(events(&world, &first, &[]).await, StatusCode::OK);
    let page = admin.get("/admin/clients").await.text().await.unwrap();
    assert!(page.contains("watcher") && page.contains("127.0.0.0/8") && !page.contains(&first), "{page}");
    let id = first.split('_').nth(2).unwrap().to_owned();
    let rotated = admin.post("/admin/clients/rotate", &format!("key={id}&overlap=1"), true).await;
    let second = secret(&rotated.text().await.unwrap());
    assert_ne!(first, second);
    for live in [&first, &second] {
        assert_eq!(events(&world, live, &[]).await, StatusCode::OK, "two live secrets");
    }
    assert_eq!(admin.post("/ui/revoke-key", &format!("key={id}"), false).await.status(), StatusCode::OK);
    for dead in [&first, &second] {
        assert_eq!(events(&world, dead, &[]).await, StatusCode::UNAUTHORIZED);
    }
    for (bad, want) in [
        ("name=x&scope=status%3Aread&networks=10.0.0.0%2F33&days=30", "is no network"),
        ("name=x&scope=status%3Aread&networks=&days=366", "1 to 365 days"),
        ("name=x&networks=&days=30", "at least one scope"),
        ("name=x&scope=status%3Aread&site=nowhere&networks=&days=30", "no such site"),
    ] {
        let page = admin.post("/admin/clients/add", bad, true).await.text().await.unwrap();
        assert!(page.contains(want), "{want}: {page}");
    }
    let told = admin.get("/timeline").await.text().await.unwrap();
    for what in ["API key watcher made: status:read, lock:enable", "got a new secret", "API key watcher revoked"] {
        assert!(told.contains(what), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_good_from_its_networks_and_a_proxy_of_ours_is_believed() {
    let world = World::with(crate::world::More {
        http: "trusted_proxies = [\"127.0.0.1\"]".into(),
        ..crate::world::More::default()
    })
    .await;
    let inside = key(&made(&world, &["add", "--name", "n", "--scope", "status:read", "--network", "10.1.0.0/16"]));
    assert_eq!(events(&world, &inside, &[]).await, StatusCode::UNAUTHORIZED, "this machine is elsewhere");
    assert_eq!(events(&world, &inside, &[("x-forwarded-for", "10.1.2.3")]).await, StatusCode::OK);
    let (code, _, problem) =
        world.call(Method::GET, "/api/v1/events", &inside, None, &[("x-forwarded-for", "10.1.2.3, 203.0.113.9")]).await;
    assert_eq!(code, StatusCode::UNAUTHORIZED, "what the client wrote itself counts for nothing");
    assert_eq!(problem["type"], "urn:pstn-lockdown:problem:wrong-network");
    let listed = made(&world, &["list"]);
    assert!(listed[0]["last_used"].is_string() && listed[0]["networks"][0] == "10.1.0.0/16", "{listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_finds_a_key_takes_it_back_with_itself() {
    let world = World::new().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let [one, two] = ["one", "two"].map(|name| key(&made(&world, &["add", "--name", name, "--scope", "calls:read"])));
    let gone = world.call(Method::DELETE, "/api/v1/keys/self", &one, None, &[]).await;
    assert_eq!(gone.0, StatusCode::NO_CONTENT);
    let again = world.call(Method::DELETE, "/api/v1/keys/self", &one, None, &[]).await;
    assert_eq!(again.0, StatusCode::UNAUTHORIZED);
    let mut stranger = crate::sign_in::Browser::new(&world);
    for found in [two.as_str(), "tpb_live_nonsense"] {
        let page = stranger.post("/leaked-key/report", &format!("key={found}"), true).await.text().await.unwrap();
        assert!(page.contains("Thank you"), "the same for everything: {page}");
    }
    assert_eq!(events(&world, &two, &[]).await, StatusCode::UNAUTHORIZED);
    let told = admin.get("/timeline").await.text().await.unwrap();
    assert_eq!(told.matches("was reported as leaked and has been revoked").count(), 2, "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_told_to_wait_and_the_lock_goes_through_it() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let noisy = key(&made(&world, &["add", "--name", "noisy", "--scope", "status:read,lock:enable"]));
    // All at once: one after the other, a busy machine may ask no faster than it is let.
    let client = http();
    let url = format!("{}/api/v1/events?limit=1", world.url);
    let flood = join_all((0..300).map(|_| client.get(&url).bearer_auth(&noisy).send())).await;
    let mut turned_away = 0;
    for answer in flood.into_iter().map(Result::unwrap) {
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.json::<Value>().await.unwrap()["type"], "urn:pstn-lockdown:problem:too-many");
            turned_away += 1;
        }
    }
    assert!((5..=240).contains(&turned_away), "sixty at once, then twenty a second: {turned_away} of 300");
    assert_eq!(events(&world, &world.everything(), &[]).await, StatusCode::OK, "others are not kept waiting");
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    let lock = world.call_once(Method::PUT, &path, &noisy, Some(json!({ "desired": "locked" })), &[]).await;
    assert!(lock.0.is_success(), "the lock has a reserve: {}", lock.2);
    let mut knocks = 0;
    loop {
        knocks += 1;
        let answer =
            http().get(format!("{}/api/v1/events", world.url)).bearer_auth("tpb_live_nonsense").send().await.unwrap();
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
            break;
        }
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(knocks < 200, "nonsense is never told to wait");
    }
    assert_eq!(events(&world, &world.everything(), &[]).await, StatusCode::OK, "a good key from the same place is not");
    refused("calls over the limit", turned_away + 1);
}
