//! What one client may make the server hold, and what the server never writes down.

use crate::sign_in::{Browser, signed_in};
use crate::world::{More, SITE, World, http};
use reqwest::StatusCode;
use std::io::{Read, Write};
use std::net::TcpStream;

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(40))).unwrap();
    stream
}

/// All the server says until it hangs up; a server that does not within the patience is a failure.
fn said(mut stream: TcpStream) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the server did not hang up: {error}"),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_or_is_huge_is_cut_off_and_others_are_served() {
    let world = World::new().await;
    let mut slow = connect(&world);
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").unwrap();
    let mut huge = connect(&world);
    let line = format!("x-{}: {}\r\n", "a", "b".repeat(4000));
    huge.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").unwrap();
    for _ in 0..20 {
        if huge.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    let _ = huge.write_all(b"\r\n");
    let mut many = connect(&world);
    many.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").unwrap();
    for n in 0..100 {
        let _ = many.write_all(format!("x-{n}: y\r\n").as_bytes());
    }
    let _ = many.write_all(b"\r\n");
    let mut body = connect(&world);
    let head = "POST /auth/code HTTP/1.1\r\nhost: x\r\nsec-fetch-site: same-origin\r\nconnection: close\r\n\
                content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\nserial=";
    body.write_all(head.as_bytes()).unwrap();
    assert_eq!(http().get(format!("{}/healthz", world.url)).send().await.unwrap().status(), StatusCode::OK);
    let [huge, many, slow, body] =
        [huge, many, slow, body].map(|stream| tokio::task::spawn_blocking(move || said(stream)));
    for (what, answer) in [("huge", huge.await.unwrap()), ("many", many.await.unwrap())] {
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{what}: {answer}");
    }
    assert!(!slow.await.unwrap().contains("200 OK"), "the slow one is let go");
    let answer = body.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 4"), "a body that does not come: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_says_how_it_may_be_used() {
    let https = "public_url = \"https://lockdown.acme.example\"".to_owned();
    let world = World::with(More { http: https, ..More::default() }).await;
    let page = http().get(&world.url).send().await.unwrap();
    for (name, want) in [
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), microphone=(), geolocation=()"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(page.headers().get(name).map(|value| value.to_str().unwrap()), Some(want), "{name}");
    }
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    for part in ["default-src 'none'", "'nonce-", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_lines_are_counted_by_session_and_by_address() {
    let world = World::with(More { http: "lines_per_address = 2".into(), ..More::default() }).await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let mut open = Vec::new();
    for _ in 0..12 {
        let line = eoc.get("/ui/live").await;
        assert_eq!(line.status(), StatusCode::OK);
        open.push(line);
    }
    assert_eq!(eoc.get("/ui/live").await.status(), StatusCode::TOO_MANY_REQUESTS, "twelve a session");
    let mut stranger = Browser::new(&world);
    open.push(stranger.get("/ui/live").await);
    open.push(stranger.get("/ui/live").await);
    assert!(open.iter().all(|line| line.status() == StatusCode::OK));
    assert_eq!(
        stranger.get("/ui/live").await.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "two an address, and the twelve do not count"
    );
    drop(open);
    world.until("closed lines make room", async || eoc.get("/ui/live").await.status() == StatusCode::OK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_written_into_the_log_at_any_level() {
    let more = More {
        environment: vec![("RUST_LOG", "trace")],
        identity: "probe = \"100ms\"\nsite_networks = [\"127.0.0.1\"]".into(),
        ..More::default()
    };
    let world = World::with(more).await;
    world.until_standing("normal").await;
    let mut senior = signed_in(&world, 2, "senior_eoc").await;
    let mut secrets = vec![
        "axl-demo".to_owned(),
        // user:password as HTTP sends it
        "YXhsLWxvY2tkb3duOmF4bC1kZW1v".to_owned(),
        simulators::b2c::CLIENT_SECRET.to_owned(),
        world.everything(),
        "428913".to_owned(),
    ];
    secrets.extend(senior.secrets());
    assert_eq!(senior.post("/ui/set-pin", "pin=428913", false).await.status(), StatusCode::OK);
    world.run(&["people", "add", "--name", "EOC 9", "--role", "eoc"]);
    let people: serde_json::Value = serde_json::from_slice(&world.run(&["people", "list", "--json"]).stdout).unwrap();
    let id = people.as_array().unwrap().iter().find(|p| p["name"] == "EOC 9").unwrap()["id"].as_str().unwrap();
    let printed = world.run(&["people", "codes", id, "--count", "1", "--json"]);
    let code: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    let serial = code[0]["serial"].as_str().unwrap();
    let code = code[0]["code"].as_str().unwrap();
    world.b2c.stop().await;
    world
        .until("codes are good", async || {
            Browser::new(&world).get("/sign-in").await.text().await.unwrap().contains("sealed envelope")
        })
        .await;
    let mut eoc = Browser::new(&world);
    eoc.post("/auth/code", &format!("serial={serial}&code={}", code.replace(' ', "+")), true).await;
    secrets.extend(eoc.secrets());
    secrets.extend([code.to_owned(), code.replace(' ', "+"), code.replace(' ', "")]);
    assert_eq!(eoc.post("/ui/activate", &format!("site={SITE}"), false).await.status(), StatusCode::OK);
    world.until_standing("locked").await;
    let ticket = "feedfacefeedfacefeedfacefeedface";
    let form = format!("site={SITE}&who=Ann&call_back=4711&reason=family&priority=normal&form={ticket}");
    assert_eq!(eoc.post("/requests/file", &form, true).await.status(), StatusCode::SEE_OTHER);
    assert!(eoc.get(&format!("/requests/t/{ticket}")).await.text().await.unwrap().contains("R-1"));
    assert_eq!(eoc.get(&format!("/ui/live?ticket={ticket}")).await.status(), StatusCode::OK);
    secrets.push(ticket.to_owned());
    let log = world.log();
    assert!(log.contains("TRACE"), "it was asked to say everything");
    for secret in &secrets {
        assert!(secret.len() >= 6, "{secret}");
        let found = log.lines().find(|line| line.contains(secret.as_str()));
        assert!(found.is_none(), "{secret} is in the log: {}", found.unwrap_or_default());
    }
}
