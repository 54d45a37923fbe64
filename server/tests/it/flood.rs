//! What a stranger can make the server write and hold: bounded, and never at the cost of an order.

use crate::phone::{lock_at, ready, section};
use crate::sign_in::{Browser, location, signed_in};
use crate::world::{DEMO, More, SITE, World, http, program};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_a_stranger_are_counted_and_those_of_a_key_are_told_a_few_times() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut resident = Browser::new(&world);
    resident.sign_in(&world, 5, "/me").await;
    for _ in 0..50 {
        let refused = resident.post("/ui/activate", &format!("site={SITE}"), false).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(world.happened("refused").await, 0, "anybody can sign up, and do that all day");
    let embed = world.key("status:embed");
    let key = world.key("calls:read");
    let lock = async |key: &str| {
        let path = format!("/api/v1/sites/{SITE}/lockdown");
        world.call(Method::PUT, &path, key, Some(json!({ "desired": "locked" })), &[]).await.0
    };
    for _ in 0..30 {
        assert_eq!(lock(&embed).await, StatusCode::FORBIDDEN);
        assert_eq!(lock(&key).await, StatusCode::FORBIDDEN);
    }
    assert_eq!(world.happened("refused").await, 10, "ten at once, then one a minute");
    let metrics = http().get(format!("{}/metrics", world.url)).bearer_auth(world.everything());
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("lockdown_refusals_untold_total 100"), "{metrics}");
    world.lock_verified().await;
}

/// The program with its data folder on a disk of so many megabytes, as a mount of its own shows it.
fn on_a_small_disk(world: &World, megabytes: u32, script: &str) -> Child {
    let mount = format!("mount -t tmpfs -o size={megabytes}m tmpfs \"$1\" && shift && {script}");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount, "sh"]).arg(world.data());
    command.arg(program().get_program()).arg(world.config()).env("LEPTOS_SITE_ROOT", world.data());
    let log = std::fs::File::create(world.data().with_file_name("log")).unwrap();
    command.stdin(Stdio::null()).stderr(log);
    command.spawn().unwrap_or_else(|error| panic!("unshare (util-linux) is needed for a small disk: {error}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_starts_the_server_and_takes_a_lock_after_strangers_filled_it() {
    let world = World::stopped(DEMO, "").await;
    std::fs::create_dir_all(world.data()).unwrap();
    let everything = "status:read,lock:enable,lock:release";
    // The store and its reserve are made while there is room; then somebody else takes all of it.
    let script = format!(
        "\"$1\" clients add --name all --scope {everything} --json --config \"$2\" > \"$(dirname \"$2\")/key\" && \
         {{ cat /dev/zero > \"$(dirname \"$2\")/data/filler\" 2>/dev/null; exec \"$1\" serve --config \"$2\"; }}"
    );
    let mut server = on_a_small_disk(&world, 14, &script);
    let answers = async || http().get(format!("{}/healthz", world.url)).send().await.is_ok();
    world.until("it starts on a full disk", answers).await;
    let made = std::fs::read(world.data().with_file_name("key")).unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
    let key = made["key"].as_str().unwrap();
    let standing = async || {
        let site = world.call(Method::GET, &format!("/api/v1/sites/{SITE}"), key, None, &[]).await.2;
        site["standing"].as_str().unwrap_or_default().to_owned()
    };
    world.until("it sees CUCM", async || standing().await == "normal").await;
    // Residents sign in and out until nothing of them is taken any more.
    for _ in 0..20 {
        Browser::new(&world).sign_in(&world, 5, "/me").await;
    }
    let path = format!("/api/v1/sites/{SITE}/lockdown?wait=60s");
    for desired in ["locked", "normal", "locked"] {
        let etag = world.call(Method::GET, &format!("/api/v1/sites/{SITE}"), key, None, &[]).await.1.unwrap();
        let body = Some(json!({ "desired": desired }));
        let (code, _, said) = world.call(Method::PUT, &path, key, body, &[("if-match", &etag)]).await;
        assert_eq!(code, StatusCode::OK, "{desired}: {said}\n{}", world.log());
    }
    world.calls_are_locked();
    assert!(world.log().contains("its reserve on the disk was given up"), "{}", world.log());
    server.kill().unwrap();
    server.wait().unwrap();
}

fn resident_kilobytes(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_comes_byte_by_byte_holds_what_was_sent_and_no_more() {
    const LINES: usize = 10;
    const BYTES: usize = 3000;
    let world = World::new().await;
    world.until_standing("normal").await;
    let before = resident_kilobytes(&world);
    let drip = |address: String| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let head = "POST /requests/file HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\n\
                    content-type: application/x-www-form-urlencoded\r\ncontent-length: 60000\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..BYTES {
            stream.write_all(b"x").unwrap();
        }
        stream
    };
    let address = world.url.trim_start_matches("http://").to_owned();
    let drips = (0..LINES).map(|_| {
        tokio::task::spawn_blocking({
            let address = address.clone();
            move || drip(address)
        })
    });
    let mut open: Vec<TcpStream> = Vec::new();
    for one in drips.collect::<Vec<_>>() {
        open.push(one.await.unwrap());
    }
    // Answered after all of them were read.
    assert_eq!(world.standing().await, "normal");
    let more = resident_kilobytes(&world).saturating_sub(before);
    assert!(more < 40_000, "{LINES} × {BYTES} bytes hold {more} kB");
    // Each is given up in the end, whatever it sends.
    let mut last = open.pop().unwrap();
    drop(open);
    last.set_read_timeout(Some(std::time::Duration::from_secs(40))).unwrap();
    let said = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        let _ = last.read_to_string(&mut said);
        said
    });
    assert!(said.await.unwrap().starts_with("HTTP/1.1 408"), "a body that does not come is no body");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_large_or_unreadable_is_the_callers_fault_on_every_way() {
    let world = World::new().await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let large = "x".repeat(70 * 1024);
    assert_eq!(eoc.post("/ui/write-incident", &large, false).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let key = world.everything();
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    let (code, _, said) = world.call(Method::PUT, &path, &key, Some(json!({ "desired": large })), &[]).await;
    assert_eq!((code, said["status"].as_u64()), (StatusCode::PAYLOAD_TOO_LARGE, Some(413)), "{said}");
    for broken in ["%ff%fe", "site", "=&=&=", "a[b"] {
        let answer = eoc.post("/ui/release", broken, false).await;
        assert!(answer.status().is_client_error(), "{broken}: {}", answer.status());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_puts_nobodys_words_on_a_page_and_hides_no_way() {
    let world = World::new().await;
    let mut senior = signed_in(&world, 2, "senior_eoc").await;
    // {"told":"give the all-clear now"}
    let refusal = "__path=/ui/release&__err=eyJ0b2xkIjoiZ2l2ZSB0aGUgYWxsLWNsZWFyIG5vdyJ9";
    for page in ["/console", "/me", "/readiness"] {
        for site in ["cross-site", "same-site", "none", ""] {
            let answer = senior.get_from(&format!("{page}?{refusal}"), site).await;
            assert_eq!((answer.status(), location(&answer).as_str()), (StatusCode::SEE_OTHER, page), "{site}");
        }
        let own = senior.get_from(&format!("{page}?{refusal}"), "same-origin").await;
        assert_eq!(own.status(), StatusCode::OK, "{page}: our own redirect tells it");
    }
    let led = senior.get(&format!("/auth/login?return_to=/console%3F{}", refusal.replace('&', "%26"))).await;
    assert_eq!(led.status(), StatusCode::SEE_OTHER);
    for hidden in ["/phone/v1/log/SEP/..%2f..%2fx", "/console%2e%2e", "/a%5Cb", "//evil.example/%2e"] {
        let answer = http().get(format!("{}{hidden}", world.url)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{hidden}");
    }
    let page = http().get(format!("{}/phone/v1/lock?d=SEP1", world.url)).header("sec-fetch-site", "same-origin");
    assert_eq!(page.send().await.unwrap().status(), StatusCode::FORBIDDEN, "no phone says where a page is");
    let rebound = http().post(format!("{}/requests/file", world.url)).header("sec-fetch-site", "same-origin");
    let rebound = rebound.header("host", "evil.example").header("origin", "http://evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST, "a name that was made to lead here");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_of_a_gadgets_file_is_revoked_by_nobody_who_reads_it() {
    let world = World::new().await;
    let key = world.key("status:embed");
    let revoked = http().delete(format!("{}/api/v1/keys/self", world.url)).bearer_auth(&key).send().await.unwrap();
    assert_eq!(revoked.status(), StatusCode::FORBIDDEN);
    let mut finder = Browser::new(&world);
    let told = finder.post("/leaked-key/report", &format!("key={key}"), true).await;
    assert_eq!(told.status(), StatusCode::OK);
    let still = http().get(format!("{}/api/v1/status", world.url)).bearer_auth(&key).send().await.unwrap();
    assert_eq!(still.status(), StatusCode::OK);
    let other = world.key("calls:read");
    finder.post("/leaked-key/report", &format!("key={other}"), true).await;
    assert_eq!(world.call(Method::GET, "/api/v1/call-requests", &other, None, &[]).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_and_goes_pushes_no_order_out_of_sight_and_is_told_to_administrators_alone() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    eoc.post("/ui/activate", &format!("site={SITE}&reason=REAL-LOCK"), false).await;
    world.until_standing("locked").await;
    for _ in 0..12 {
        let mut resident = Browser::new(&world);
        resident.sign_in(&world, 5, "/me").await;
        resident.post("/auth/logout", "", true).await;
        let mut other = signed_in(&world, 2, "senior_eoc").await;
        other.post("/auth/logout", "", true).await;
    }
    for page in ["/console", "/wall"] {
        let text = eoc.get(page).await.text().await.unwrap();
        assert!(text.contains("REAL-LOCK"), "{page}");
        assert!(!text.contains("Signed in"), "{page}: who is on site when is for administrators");
    }
    let events = world.events().await;
    let by =
        |name: &str| events.iter().filter(|event| event["by"].as_str().is_some_and(|by| by.starts_with(name))).count();
    assert_eq!(by("Resident 1"), 0, "there may be any number of them");
    let south = world.key("status:read");
    let told = world.call(Method::GET, "/api/v1/events?limit=500", &south, None, &[]).await.2;
    assert!(told["events"].as_array().is_some_and(|all| !all.is_empty()), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_again_ends_the_session_that_came_with_it() {
    let world = World::new().await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let old = eoc.cookie_header();
    eoc.sign_in(&world, 1, "/console").await;
    let ask = async |cookies: &str| {
        let asked = http().post(format!("{}/ui/me", world.url)).header("cookie", cookies);
        let asked =
            asked.header("sec-fetch-site", "same-origin").header("content-type", "application/x-www-form-urlencoded");
        asked.header("accept", "application/json").send().await.unwrap().status()
    };
    assert_eq!(ask(&old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(&eoc.cookie_header()).await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_keeps_a_site_from_signing_in_by_leaving_for_the_provider() {
    let world = World::new().await;
    for _ in 0..80 {
        let left = Browser::new(&world).get("/auth/login").await;
        assert!(location(&left).contains("/authorize?"));
        Browser::new(&world).get("/auth/callback?state=made-up&code=x").await;
    }
    signed_in(&world, 1, "eoc").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_from_elsewhere_keep_the_right_pin_out_of_no_phone() {
    let world = World::with(More { sections: section("127.0.0.0/8", ""), ..More::default() }).await;
    world.until_standing("normal").await;
    ready(&world).await;
    let guesser = Client::builder().local_address(Some("127.0.0.66".parse().unwrap())).build().unwrap();
    let shared = "SEP001122334402";
    let mut refused = 0;
    for _ in 0..15 {
        let form =
            guesser.get(format!("{}/phone/v1/lock?d={shared}", world.url)).send().await.unwrap().text().await.unwrap();
        let url = form.split("/phone/v1/lock/").nth(1).unwrap().split('<').next().unwrap();
        let url = format!("{}/phone/v1/lock/{}", world.url, url.replace("&amp;", "&"));
        let said = guesser.post(url).body("code=4701&pin=000000").send().await.unwrap().text().await.unwrap();
        refused += usize::from(said.contains("Too many tries"));
    }
    assert!(refused >= 5, "the guesser is told to wait: {refused}");
    let phone = lock_at(&world, Some("4701"), "428913").await;
    assert!(!phone.text().contains("Too many tries"), "{}", phone.text());
    world.until_standing("locked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_whom_the_provider_does_not_tell_apart_are_both_refused() {
    let world = World::new().await;
    world.b2c.set_claims(&json!({ "oid": null, "sub": "Not supported currently. Use oid claim." }));
    for who in [1, 5] {
        let back = Browser::new(&world).sign_in(&world, who, "/console").await;
        assert_eq!(location(&back), "/sign-in?trouble=refused");
    }
    assert_eq!(world.happened("identity_misconfigured").await, 1);
    world.b2c.set_claims(&json!({ "emails": "ann@acme.example", "name": "", "auth_time": "soon" }));
    assert_eq!(location(&Browser::new(&world).sign_in(&world, 5, "/console").await), "/console");
    let people = String::from_utf8(world.run(&["people", "list"]).stdout).unwrap();
    assert!(people.contains("ann@acme.example"), "{people}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_id_is_the_same_person_however_a_portal_writes_it() {
    let world = World::new().await;
    let oid = simulators::b2c::demo_people()[0].oid.to_uppercase();
    world.run(&["people", "add", "--name", "EOC 1", "--subject", &format!("{{{oid}}}"), "--role", "eoc"]);
    let mut eoc = Browser::new(&world);
    eoc.sign_in(&world, 1, "/console").await;
    assert_eq!(eoc.post("/ui/activate", &format!("site={SITE}"), false).await.status(), StatusCode::OK);
}

/// Is whoever comes from this address of this machine answered?
async fn is_answered(world: &World, from: [u8; 4]) -> bool {
    let client = Client::builder().local_address(std::net::IpAddr::from(from)).build().unwrap();
    client.get(format!("{}/healthz", world.url)).send().await.is_ok_and(|answer| answer.status().is_success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_with_too_many_connections_gets_no_more_and_others_do() {
    let world = World::with(More { http: "lines_per_address = 1".into(), ..More::default() }).await;
    let to = world.url.trim_start_matches("http://").to_owned();
    // It may have 200: some of these are let go at once.
    let mut held: Vec<TcpStream> = (0..250).map(|_| TcpStream::connect(&to).unwrap()).collect();
    // One that is let in is open until its head is due; one that is not is closed at once.
    world.until("the address holds all it may", async || !is_answered(&world, [127, 0, 0, 1]).await).await;
    assert!(is_answered(&world, [127, 0, 0, 2]).await, "another address");
    held.truncate(100);
    // Sooner than the rest is let go because its heads are due.
    let again = world.until("there is room again", async || is_answered(&world, [127, 0, 0, 1]).await);
    tokio::time::timeout(std::time::Duration::from_secs(5), again).await.unwrap();
}
