//! The site's rule that an all-clear needs two different seniors.

use crate::sign_in::signed_in;
use crate::world::{DEMO, SITE, World};
use reqwest::StatusCode;

async fn world() -> World {
    let site = DEMO.replacen("name = \"Acme North\"", "name = \"Acme North\"\nrelease_by_two = true", 1);
    let world = World::stopped(&site, "").await;
    world.serve().await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    world
}

fn form(version: u64) -> String {
    format!("site={SITE}&typed=Acme+North&seen={version}&reason=")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_senior_asks_and_another_one_releases() {
    let world = world().await;
    let version = async || world.site().await["version"].as_u64().unwrap();
    let mut first = signed_in(&world, 2, "senior_eoc").await;
    let mut second = signed_in(&world, 3, "senior_eoc").await;
    let writes = world.cucm.writes();
    assert_eq!(first.post("/ui/release", &form(version().await), false).await.status(), StatusCode::OK);
    assert_eq!(world.standing().await, "locked", "one alone only asks");
    let page = first.get("/console").await.text().await.unwrap();
    assert!(page.contains("Senior 1 gave the all-clear. It counts when another senior gives it too"), "{page}");
    assert!(page.contains("within ten minutes; besides you: Senior 2."), "the first sees who is asked: {page}");
    assert_eq!(first.post("/ui/release", &form(version().await), false).await.status(), StatusCode::OK);
    world.until_standing("locked").await;
    assert_eq!(world.cucm.writes(), writes, "nothing was written");
    assert_eq!(world.happened("release_asked").await, 1, "nobody is two people, however often");
    let asked = &world.site().await["command"]["release_asked"];
    assert_eq!(asked["by"], "Senior 1 (web)", "{asked}");
    assert_eq!(second.post("/ui/release", &form(version().await - 1), false).await.status(), StatusCode::CONFLICT);
    assert_eq!(second.post("/ui/release", &form(version().await), false).await.status(), StatusCode::OK);
    world.until_standing("normal").await;
    let events = world.events().await;
    let told = events.iter().find(|event| event["detail"]["what"] == "release_ordered").unwrap();
    assert_eq!(
        (told["by"].as_str(), told["detail"]["with"]["name"].as_str()),
        (Some("Senior 2 (web)"), Some("Senior 1"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_neither_of_them_and_a_new_lock_forgets_who_asked() {
    let world = world().await;
    let mut senior = signed_in(&world, 2, "senior_eoc").await;
    let version = async || world.site().await["version"].as_u64().unwrap();
    assert_eq!(senior.post("/ui/release", &form(version().await), false).await.status(), StatusCode::OK);
    let (code, problem) = world.order("normal", "?wait=5s").await;
    assert_eq!((code, world.standing().await.as_str()), (StatusCode::FORBIDDEN, "locked"), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("a key or a program cannot"), "{problem}");
    let mut other = signed_in(&world, 3, "senior_eoc").await;
    assert_eq!(other.post("/ui/release", &form(version().await), false).await.status(), StatusCode::OK);
    world.until_standing("normal").await;
    world.lock_verified().await;
    assert!(world.site().await["command"]["release_asked"].is_null());
    assert_eq!(other.post("/ui/release", &form(version().await), false).await.status(), StatusCode::OK);
    assert_eq!(world.standing().await, "locked", "a new lock needs two again");
}
