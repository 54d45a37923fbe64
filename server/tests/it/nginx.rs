//! Behind a real nginx, with the configuration that `deploy/nginx` gives. Which nginx: `LOCKDOWN_NGINX`, as
//! `cargo xtask test nginx` sets it, else the one on the path; without one these tests cannot say anything and fail.

use crate::sign_in::{Browser, location};
use crate::world::{More, SITE, World, free_port};
use reqwest::{Certificate, Client, Method, StatusCode};
use serde_json::{Value, json};
use simulators::database::Database;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const MAIN: &str = include_str!("../../../deploy/nginx/pstn-lockdown.conf");
const ONE: &str = include_str!("../../../deploy/nginx/upstream-one.conf");
const SEVERAL: &str = include_str!("../../../deploy/nginx/upstream-several.conf");

struct Nginx {
    process: Child,
    folder: tempfile::TempDir,
    url: String,
    certificate: Certificate,
}

/// Replaces what a site fills in; a name that is not there any more fails.
fn filled(text: &str, names: &[(&str, &str)]) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| {
        assert!(text.contains(name), "deploy/nginx names no {name}");
        text.replace(name, value)
    })
}

impl Nginx {
    fn start(port: u16, upstream: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (certificate, key) = simulators::tls::certificate_and_key().unwrap();
        std::fs::write(at("cert.pem"), &certificate).unwrap();
        std::fs::write(at("key.pem"), key).unwrap();
        let site = filled(
            MAIN,
            &[
                ("listen 80;", &format!("listen 127.0.0.1:{};", free_port())),
                ("listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl")),
                ("lockdown.acme.example", "localhost"),
                ("/etc/ssl/pstn-lockdown", folder.path().to_str().unwrap()),
                ("/var/log/nginx/access.log", at("access.log").to_str().unwrap()),
                // The test is no voice network.
                ("allow 10.20.0.0/16", "allow 127.0.0.2"),
            ],
        );
        let root = folder.path().display();
        let places: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|what| format!("{what}_temp_path {root}/{what};\n"))
            .concat();
        let text = format!(
            "daemon off;\nmaster_process off;\npid {root}/pid;\nerror_log {root}/error.log info;\nevents {{}}\nhttp {{\n{places}{upstream}\n{site}\n}}\n"
        );
        std::fs::write(at("nginx.conf"), text).unwrap();
        let program = std::env::var_os("LOCKDOWN_NGINX").unwrap_or_else(|| "nginx".into());
        let run = || {
            let mut command = Command::new(&program);
            command.arg("-p").arg(folder.path()).arg("-c").arg(at("nginx.conf")).arg("-e").arg(at("error.log"));
            command
        };
        let checked = run().arg("-t").output().expect("nginx is there: `cargo xtask test nginx` installs it");
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        assert!(!String::from_utf8_lossy(&checked.stderr).contains("[warn]"), "{checked:?}");
        let process = run().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let certificate = Certificate::from_pem(certificate.as_bytes()).unwrap();
        Self { process, folder, url: format!("https://localhost:{port}"), certificate }
    }

    fn client(&self) -> Client {
        let client = Client::builder().tls_certs_only([self.certificate.clone()]);
        client.redirect(reqwest::redirect::Policy::none()).build().unwrap()
    }

    fn browser(&self) -> Browser {
        Browser::at(self.client(), &self.url)
    }

    fn log(&self) -> String {
        ["error.log", "access.log"].map(|name| self.told(name)).concat()
    }

    fn told(&self, log: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(log)).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn address(world: &World) -> &str {
    world.url.trim_start_matches("http://")
}

/// What `doctor` says of it.
fn our_certificate(world: &World) -> Option<Value> {
    let told: Value = serde_json::from_slice(&world.run(&["doctor", "--json"]).stdout).unwrap();
    let mut findings = told["findings"].as_array().unwrap().iter();
    findings.find(|finding| finding["what"] == "our certificate").map(|finding| finding["verdict"].clone())
}

fn behind(port: u16) -> More {
    More {
        http: format!("public_url = \"https://localhost:{port}\"\ntrusted_proxies = [\"127.0.0.1\"]"),
        sections: "[finesse]\norigins = [\"https://finesse.acme.example:8445\"]\n[phone]\nnetworks = []".into(),
        ..More::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_news_orders_and_the_gadget_go_through_it() {
    let port = free_port();
    let world = World::with(behind(port)).await;
    world.until_standing("normal").await;
    assert_eq!(our_certificate(&world), None, "nobody is at the public address, and there is no file");
    let nginx = Nginx::start(port, &filled(ONE, &[("127.0.0.1:3000", address(&world))]));
    world.until("nginx answers", async || nginx.client().get(&nginx.url).send().await.is_ok()).await;

    let mut browser = nginx.browser();
    let person = &simulators::b2c::demo_people()[0];
    world.run(&["people", "add", "--name", &person.name, "--subject", &person.oid, "--role", "eoc"]);
    let back = browser.sign_in(&world, 1, "/console").await;
    assert_eq!(location(&back), "/console", "{}", nginx.log());
    assert!(browser.cookie_header().contains("__Host-"), "{}", browser.cookie_header());
    let console = browser.get("/console").await;
    assert_eq!(console.headers()["strict-transport-security"], "max-age=31536000; includeSubDomains");
    assert!(console.text().await.unwrap().contains("Normal calling"));

    let line = nginx.client().get(format!("{}/ui/live", nginx.url)).header("cookie", browser.cookie_header());
    let mut news = line.send().await.unwrap();
    let begun = Instant::now();
    let first = news.chunk().await.unwrap().unwrap();
    assert!(!first.is_empty() && begun.elapsed() < Duration::from_secs(3), "it is not held back");
    let order = browser.post("/ui/activate", &format!("site={SITE}"), false).await;
    assert_eq!(order.status(), StatusCode::OK, "{}", order.text().await.unwrap());
    let mut heard = String::new();
    while !heard.contains("PSTN LOCKED") && !heard.contains("\"standing\":\"locked\"") {
        let piece = tokio::time::timeout(Duration::from_secs(20), news.chunk()).await.expect("news").unwrap().unwrap();
        heard.push_str(&String::from_utf8_lossy(&piece));
    }

    // Whose certificate ends is the proxy's: it is looked at where browsers get it.
    assert_eq!(our_certificate(&world), Some(json!("good")));

    let frame = browser.get("/embed/finesse").await;
    let policy = frame.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("frame-ancestors https://finesse.acme.example:8445"), "{policy}");
    let status = async |path: &str| nginx.client().get(format!("{}{path}", nginx.url)).send().await.unwrap().status();
    assert_eq!(status("/metrics").await, StatusCode::FORBIDDEN);
    assert_eq!(status("/phone/v1").await, StatusCode::FORBIDDEN, "not from the voice network");
    assert_eq!(status("/hooks/webex").await, StatusCode::FORBIDDEN, "only delivered to");
    assert_eq!(status("/healthz").await, StatusCode::OK);
    for hidden in ["/phone%2fv1", "/embed/..%2fphone/v1", "/x%5cphone/v1", "/x%2e/phone/v1", "/phone%252fv1"] {
        assert_eq!(status(hidden).await, StatusCode::BAD_REQUEST, "{hidden}");
    }
    assert_eq!(status("/?to=%2Fconsole").await, StatusCode::OK, "in a query they are what they seem");

    // Whatever a client says of its address, the server sees the one nginx saw.
    let made =
        world.run(&["clients", "add", "--name", "n", "--scope", "status:read", "--network", "10.0.0.0/8", "--json"]);
    let key = serde_json::from_slice::<Value>(&made.stdout).unwrap()["key"].as_str().unwrap().to_owned();
    let site = format!("{}/api/v1/sites/{SITE}", nginx.url);
    // From an address that is no proxy of ours, as every client's is.
    let voice = Client::builder().tls_certs_only([nginx.certificate.clone()]).local_address("127.0.0.2".parse().ok());
    let voice = voice.build().unwrap();
    let forged = voice.get(site).bearer_auth(key).header("x-forwarded-for", "10.1.2.3");
    let forged = forged.send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::UNAUTHORIZED, "{}", forged.text().await.unwrap());

    // Without a server behind it, it says what can be said.
    world.kill();
    for secret in
        ["/phone/v1/pin?device=SEP001122334455&pin=739154", "/requests/t/AB12-secret", "/ui/live?ticket=AB12-secret"]
    {
        let asked = voice
            .get(format!("{}{secret}", nginx.url))
            .header("referer", format!("{}/requests/t/AB12-secret", nginx.url));
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::BAD_GATEWAY, "{secret}");
    }
    for path in ["/pkg/x.js?v=AB12-secret", "/requests/answer", "/icon.svg", "/auth/callback?code=AB12-secret"] {
        let asked = nginx.client().get(format!("{}{path}", nginx.url));
        asked.header("referer", format!("{}/requests/t/AB12-secret", nginx.url)).send().await.unwrap();
    }
    let away = nginx.client().get(&nginx.url).send().await.unwrap();
    assert_eq!(away.status(), StatusCode::BAD_GATEWAY);
    assert!(away.text().await.unwrap().contains("What was locked stays locked"));
    world.serve().await;
    assert_eq!(status("/").await, StatusCode::OK, "back at once: {}", nginx.log());
    for secret in
        ["/phone/v1/pin?device=SEP001122334455&pin=739154", "/requests/t/AB12-secret", "/ui/live?ticket=AB12-secret"]
    {
        voice.get(format!("{}{secret}", nginx.url)).send().await.unwrap();
    }
    let told = nginx.told("access.log");
    assert!(told.contains("\"GET /healthz HTTP/2.0\" 200"), "{told}");
    for log in ["access.log", "error.log"] {
        let told = nginx.told(log);
        assert!(!told.contains("AB12") && !told.contains("739154"), "{log}: {told}");
    }
}

/// The database, two servers on it, and nginx before both.
async fn two_servers() -> (Database, World, World, Nginx) {
    let port = free_port();
    let database = Database::start().await.unwrap();
    let first = World::with_database_and(&database, behind(port)).await;
    first.until_standing("normal").await;
    let second = World::beside(&first).await;
    let names = [("lockdown-a.acme.example:3000", address(&first)), ("lockdown-b.acme.example:3000", address(&second))];
    let nginx = Nginx::start(port, &filled(SEVERAL, &names));
    first.until("nginx answers", async || nginx.client().get(&nginx.url).send().await.is_ok()).await;
    (database, first, second, nginx)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_behind_it_loses_no_request() {
    let (_database, first, second, nginx) = two_servers().await;
    let key = first.everything();

    let going_on = Arc::new(AtomicBool::new(true));
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let client = nginx.client();
        let url = format!("{}/api/v1/status", nginx.url);
        let going_on = going_on.clone();
        asking.spawn(async move {
            let mut answers = Vec::new();
            while going_on.load(Ordering::Relaxed) {
                answers.push(client.get(&url).send().await.unwrap().status());
            }
            answers
        });
    }
    let order = async |desired: &str| {
        let site = format!("{}/api/v1/sites/{SITE}", nginx.url);
        let seen = nginx.client().get(&site).bearer_auth(&key).send().await.unwrap();
        let etag = seen.headers()["etag"].clone();
        let order = nginx.client().request(Method::PUT, format!("{site}/lockdown?wait=60s")).bearer_auth(&key);
        order.header("if-match", etag).json(&json!({ "desired": desired })).send().await.unwrap().status()
    };
    assert_eq!(order("locked").await, StatusCode::OK);
    first.kill();
    // Asked before it has heard of the lock, it answers that the state has changed.
    second.until_standing("locked").await;
    assert_eq!(order("normal").await, StatusCode::OK, "{}", nginx.log());
    // One after the other, as when they are upgraded: nginx still leaves the first one out.
    first.serve().await;
    second.kill();
    assert_eq!(order("locked").await, StatusCode::OK, "{}", nginx.log());
    first.calls_are_locked();
    going_on.store(false, Ordering::Relaxed);
    let answers: Vec<StatusCode> = asking.join_all().await.concat();
    let lost = answers.iter().filter(|status| !status.is_success()).count();
    assert_eq!(lost, 0, "of {} requests: {}", answers.len(), nginx.log());
    assert!(answers.len() > 100, "{} requests were made", answers.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hung_a_moment_ago_is_asked_again_when_the_other_one_is_gone() {
    let (_database, first, second, nginx) = two_servers().await;
    let status = async || nginx.client().get(format!("{}/api/v1/status", nginx.url)).send().await.unwrap().status();
    // Both fail within seconds, one after the other, and each is there again.
    second.kill();
    for _ in 0..2 {
        assert_eq!(status().await, StatusCode::OK, "{}", nginx.log());
    }
    second.serve().await;
    first.hang();
    for answer in futures_util::future::join_all((0..8).map(|_| status())).await {
        assert_eq!(answer, StatusCode::OK, "{}", nginx.log());
    }
    first.wake();
    second.kill();
    // Lines stay open: one that is let through to try a server says nothing for long.
    let mut lines = Vec::new();
    for _ in 0..10 {
        lines.push(nginx.client().get(format!("{}/ui/live", nginx.url)).send().await.unwrap());
        assert_eq!(status().await, StatusCode::OK, "{}", nginx.log());
    }
    assert!(lines.iter().all(|line| line.status() == StatusCode::OK), "{}", nginx.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_hangs_behind_it_keeps_no_lock_and_no_state_back() {
    let (_database, first, second, nginx) = two_servers().await;
    let person = &simulators::b2c::demo_people()[0];
    first.run(&["people", "add", "--name", &person.name, "--subject", &person.oid, "--role", "eoc"]);
    let mut browser = nginx.browser();
    browser.sign_in(&first, 1, "/console").await;
    first.hang();
    // Whichever server each press meets first.
    for _ in 0..2 {
        let order = browser.post("/ui/activate", &format!("site={SITE}"), false).await;
        assert_eq!(order.status(), StatusCode::OK, "{}", nginx.log());
    }
    second.until_standing("locked").await;
    second.calls_are_locked();
    for path in ["/api/v1/status", "/", "/ui/live"] {
        for _ in 0..2 {
            let asked = nginx.client().get(format!("{}{path}", nginx.url)).timeout(Duration::from_secs(30));
            assert_eq!(asked.send().await.map(|answer| answer.status()).ok(), Some(StatusCode::OK), "{path}");
        }
    }
}
