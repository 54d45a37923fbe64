//! As a service: what the manager is told, and what browsers keep.

use crate::world::{DEMO, More, World, http};
use reqwest::StatusCode;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

fn heard(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).expect("something within the time limit");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_manager_hears_when_it_answers_that_it_lives_and_when_it_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let path: &'static str = path.to_str().unwrap().to_owned().leak();
    let world = World::stopped(DEMO, "").await;
    world.set_more(More { environment: vec![("NOTIFY_SOCKET", path), ("WATCHDOG_USEC", "400000")], ..More::default() });
    world.serve().await;
    let mut said: Vec<String> = Vec::new();
    while said.iter().filter(|text| text.contains("WATCHDOG=1")).count() < 3 {
        said.push(heard(&socket));
    }
    assert!(said.iter().any(|text| text.contains("READY=1")), "{said:?}");
    world.stop();
    while !heard(&socket).contains("STOPPING=1") {}
}

#[tokio::test]
async fn files_named_by_their_content_are_kept_for_good_and_pages_never() {
    let world = World::stopped(DEMO, "").await;
    let site = world.config().with_file_name("pkg");
    std::fs::create_dir_all(&site).unwrap();
    std::fs::write(site.join("lockdown.0123.css"), "a {}").unwrap();
    std::fs::write(world.config().with_file_name("hash.txt"), "wasm: 4567\njs: 89ab\ncss: 0123\n").unwrap();
    world.serve().await;
    let get = async |path: &str| http().get(format!("{}{path}", world.url)).send().await.unwrap();
    let file = get("/pkg/lockdown.0123.css").await;
    assert_eq!(file.headers()["cache-control"], "public, max-age=31536000, immutable");
    let gone = get("/pkg/lockdown.ffff.css").await;
    assert_eq!(
        (gone.status(), &gone.headers()["cache-control"]),
        (StatusCode::NOT_FOUND, &"no-cache".parse().unwrap())
    );
    let page = get("/").await;
    assert_eq!(page.headers()["cache-control"], "no-store");
    let text = page.text().await.unwrap();
    for name in ["/pkg/lockdown.0123.css", "/pkg/lockdown.4567.wasm", "/pkg/lockdown.89ab.js"] {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[tokio::test]
async fn what_a_request_writes_into_the_log_has_the_id_of_the_answer() {
    let world = World::new().await;
    let client = http();
    let mut browser = crate::sign_in::Browser::new(&world);
    assert_eq!(browser.get("/healthz").await.headers()["x-request-id"].len(), 32);
    // Somebody comes back who never went to the provider.
    let id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let asked = client.get(format!("{}/auth/callback?code=x&state=x", world.url));
    let answer = asked.header("traceparent", format!("00-{id}-00f067aa0ba902b7-01")).send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], id);
    world.until("the log has it", async || world.log().contains(id)).await;
    let line = world.log().lines().find(|line| line.contains(id)).unwrap().to_owned();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&told["trace.id"], &told["path"]), (&id.into(), &"/auth/callback".into()), "{line}");
}
