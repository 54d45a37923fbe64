//! Outgoing webhooks: signed, sent again, and never where nobody allowed it.

use crate::proxy::SiteProxy;
use crate::world::{More, SITE, World, refused};
use aws_lc_rs::hmac;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::database::Database;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const HOOKS: &str = "hooks:manage";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Status(u16),
    /// To another address of the same receiver.
    Moved,
    Slow,
}

/// What came in, and what was answered.
#[derive(Clone)]
struct Got {
    path: String,
    id: String,
    at: i64,
    signatures: Vec<String>,
    text: String,
    body: Value,
    taken: bool,
}

impl Got {
    /// `lockdown.…`
    fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap()
    }

    fn signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let signed = format!("{}.{}.{}", self.id, self.at, self.text);
        self.signatures.iter().any(|signature| {
            let tag = STANDARD.decode(signature.strip_prefix("v1,").unwrap()).unwrap();
            hmac::verify(&key, signed.as_bytes(), &tag).is_ok()
        })
    }
}

/// Somebody outside.
#[derive(Clone)]
struct Receiver {
    url: String,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let receiver = Self { url, got: Arc::default(), answer: Arc::new(Mutex::new(Answer::Status(204))) };
        let app = axum::Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        receiver
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    fn all(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn of(&self, kind: &str) -> Vec<Got> {
        self.all().into_iter().filter(|got| got.kind() == kind).collect()
    }
}

/// The section of the configuration by which these receivers may be sent to.
fn open_to(receivers: &[&Receiver]) -> String {
    let allow: Vec<&str> = receivers.iter().map(|receiver| receiver.url.as_str()).collect();
    format!("[webhooks]\nallow = {allow:?}\nnetworks = [\"127.0.0.0/8\", \"::1/128\"]\n")
}

async fn take(State(receiver): State<Receiver>, uri: Uri, headers: HeaderMap, text: String) -> Response {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    let answer = *receiver.answer.lock().unwrap();
    let got = Got {
        path: uri.path().to_owned(),
        id: header("webhook-id"),
        at: header("webhook-timestamp").parse().unwrap(),
        signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
        body: serde_json::from_str(&text).unwrap(),
        text,
        taken: matches!(answer, Answer::Status(200..=299)),
    };
    receiver.got.lock().unwrap().push(got);
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Moved => {
            (StatusCode::TEMPORARY_REDIRECT, [("location", format!("{}/elsewhere", receiver.url))]).into_response()
        }
        Answer::Slow => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// A running server with these lines in its configuration.
async fn world(sections: String) -> World {
    let world = World::with(More { sections, ..More::default() }).await;
    world.until_standing("normal").await;
    world
}

impl World {
    async fn calls(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let (status, _, answer) = self.call(method, &format!("/api/v1/webhooks{path}"), key, body, &[]).await;
        (status, answer)
    }

    async fn hooks(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        self.calls(&self.key(HOOKS), method, path, body).await
    }

    /// Id and secret.
    async fn hook(&self, url: &str) -> (String, String) {
        let (status, made) = self.hooks(Method::POST, "", Some(json!({ "name": "siren", "url": url }))).await;
        assert_eq!(status, StatusCode::CREATED, "{made}\n{}", self.log());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made["webhook"]["id"]), text(&made["secret"]))
    }

    /// What a test came to.
    async fn test_of(&self, hook: &str) -> Value {
        self.hooks(Method::POST, &format!("/{hook}/test"), None).await.1
    }

    async fn deliveries(&self, hook: &str) -> Vec<Value> {
        let (status, page) = self.hooks(Method::GET, &format!("/{hook}"), None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        page["deliveries"].as_array().unwrap().clone()
    }

    async fn until_nothing_waits(&self, hook: &str) {
        self.until("nothing waits", async || {
            let all = self.deliveries(hook).await;
            !all.is_empty() && all.iter().all(|delivery| delivery["state"] != "waiting")
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_arrives_signed_and_the_secret_is_shown_once() {
    let receiver = Receiver::start().await;
    let world = world(open_to(&[&receiver])).await;
    let (hook, secret) = world.hook(&format!("{}/in", receiver.url)).await;
    world.lock_verified().await;
    world.until("it arrives", async || !receiver.of("lockdown.verified").is_empty()).await;
    let got = receiver.of("lockdown.lock_ordered").remove(0);
    assert!(got.signed_with(&secret) && got.path == "/in", "{}", got.text);
    assert_eq!(got.body["data"]["site"], SITE);
    assert_eq!(got.body["data"]["detail"]["what"], "lock_ordered");
    assert_eq!(got.body["timestamp"], got.body["data"]["at"]);
    let event = world.events().await.into_iter().find(|event| event["detail"]["what"] == "lock_ordered").unwrap();
    for part in ["seq", "at", "by", "text"] {
        assert_eq!(got.body["data"][part], event[part], "as the timeline tells it: {part}");
    }
    for (path, method) in [("", Method::GET), (hook.as_str(), Method::GET)] {
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        let (_, shown) = world.hooks(method, &path, None).await;
        assert!(!shown.to_string().contains("whsec_"), "{shown}");
    }
    assert!(!world.log().contains(&secret[6..]), "no secret in the log");
    assert_eq!(world.hooks(Method::DELETE, &format!("/{hook}"), None).await.0, StatusCode::NO_CONTENT);
    let (status, problem) = world.hooks(Method::GET, &format!("/{hook}"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(problem["type"].as_str().unwrap().ends_with("no-such-webhook"), "{problem}");
    assert_eq!(world.run(&["events", "verify"]).status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_receiver_is_told_again_in_order_with_the_same_ids() {
    let receiver = Receiver::start().await;
    let world = world(open_to(&[&receiver])).await;
    let (hook, secret) = world.hook(&receiver.url).await;
    receiver.answers(Answer::Status(500));
    world.lock_verified().await;
    world.until("it was tried", async || !receiver.of("lockdown.verified").is_empty()).await;
    receiver.answers(Answer::Status(200));
    world.until("it is taken", async || receiver.of("lockdown.verified").iter().any(|got| got.taken)).await;
    world.until_nothing_waits(&hook).await;
    let all = receiver.all();
    let mut tried = BTreeSet::new();
    let first: Vec<&Got> = all.iter().filter(|got| tried.insert(&got.id)).collect();
    let taken: Vec<&Got> = all.iter().filter(|got| got.taken).collect();
    for line in [&first, &taken] {
        assert!(line.iter().map(|got| got.body["data"]["seq"].as_u64()).is_sorted(), "in the order of the timeline");
    }
    assert_eq!(first.len(), taken.len(), "each is taken once");
    for got in &taken {
        let earlier: Vec<&Got> = all.iter().filter(|other| other.id == got.id).collect();
        assert!(earlier.iter().all(|other| other.text == got.text && other.signed_with(&secret)));
        assert!(earlier.is_sorted_by_key(|other| other.at), "each attempt has its own time");
    }
    assert!(all.iter().any(|got| !got.taken), "it was failing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_wants_no_more_is_left_alone_until_it_is_enabled() {
    let receiver = Receiver::start().await;
    let witness = Receiver::start().await;
    let world = world(open_to(&[&receiver, &witness])).await;
    let (hook, _) = world.hook(&receiver.url).await;
    world.hook(&witness.url).await;
    receiver.answers(Answer::Status(410));
    world.lock_verified().await;
    let page = async || world.hooks(Method::GET, &format!("/{hook}"), None).await.1;
    world.until("it is off", async || page().await["webhook"]["disabled"].is_object()).await;
    world.until_nothing_waits(&hook).await;
    let page = page().await;
    assert!(page["webhook"]["disabled"]["why"].as_str().unwrap().contains("410"), "{page}");
    world.until("it is told", async || world.happened("hook_disabled").await == 1).await;
    let before = receiver.all();
    receiver.answers(Answer::Status(200));
    let all_clear = async || world.order("normal", "?wait=60s").await.0 == StatusCode::OK;
    world.until("the all-clear", all_clear).await;
    world.until("others hear of it", async || witness.of("lockdown.verified").len() > 1).await;
    let replay = format!("/{hook}/deliveries/{}/replay", before[0].id);
    let (status, problem) = world.hooks(Method::POST, &replay, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    assert_eq!(world.hooks(Method::POST, &format!("/{hook}/enable"), None).await.0, StatusCode::OK);
    assert_eq!(world.hooks(Method::POST, &replay, None).await.0, StatusCode::ACCEPTED);
    world.until("it is replayed", async || receiver.all().len() > before.len()).await;
    let again = receiver.all().pop().unwrap();
    assert_eq!((&again.id, &again.text), (&before[0].id, &before[0].text));
    assert!(receiver.of("lockdown.release_ordered").is_empty(), "nothing was sent while it was off");
    let (status, problem) = world.hooks(Method::POST, &format!("/{hook}/deliveries/x/replay"), None).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_says_what_came_of_it_and_no_redirect_is_followed() {
    let receiver = Receiver::start().await;
    let world = world(open_to(&[&receiver])).await;
    let (hook, old) = world.hook(&receiver.url).await;
    assert_eq!(world.test_of(&hook).await["ok"], true);
    assert!(receiver.of("lockdown.test")[0].signed_with(&old));
    let (_, rotated) = world.hooks(Method::POST, &format!("/{hook}/rotate"), None).await;
    let new = rotated["secret"].as_str().unwrap();
    world.test_of(&hook).await;
    let both = receiver.of("lockdown.test").pop().unwrap();
    assert!(both.signatures.len() == 2 && both.signed_with(&old) && both.signed_with(new) && old != new);
    for (answer, want) in [(Answer::Moved, 307), (Answer::Status(500), 500), (Answer::Status(410), 410)] {
        receiver.answers(answer);
        let said = world.test_of(&hook).await;
        assert_eq!((said["ok"].as_bool(), said["status"].as_u64()), (Some(false), Some(want)), "{said}");
    }
    assert!(receiver.all().iter().all(|got| got.path == "/"), "nobody went elsewhere");
    let (_, page) = world.hooks(Method::GET, &format!("/{hook}"), None).await;
    assert_eq!(page["webhook"]["disabled"], Value::Null, "a test switches nothing off");
    receiver.answers(Answer::Slow);
    let said = world.test_of(&hook).await;
    assert_eq!((said["ok"].as_bool(), &said["status"]), (Some(false), &Value::Null));
    assert_eq!(said["said"], "no answer within 15 s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_sent_where_nobody_allowed_it() {
    let receiver = Receiver::start().await;
    let named = receiver.url.replace("127.0.0.1", "localhost");
    // The origins are allowed; that loopback may be reached is not.
    let world = world(format!("[webhooks]\nallow = [\"{}\", \"{named}\"]\n", receiver.url)).await;
    let mut tried = 0;
    for (url, want) in [
        ("https://evil.example/".to_owned(), "webhooks.allow"),
        (receiver.url.replace("http:", "https:"), "webhooks.allow"),
        (receiver.url.replace("127.0.0.1", "127.0.0.2"), "webhooks.allow"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "webhooks.allow"),
        (receiver.url.replace("//", "//user:hunter2@"), "user name"),
        (receiver.url.clone(), "webhooks.networks"),
        (receiver.url.replace("127.0.0.1", "2130706433"), "webhooks.networks"),
        (receiver.url.replace("127.0.0.1", "0x7f.1"), "webhooks.networks"),
        ("file:///etc/passwd".to_owned(), "https://"),
        ("gopher://127.0.0.1/".to_owned(), "https://"),
    ] {
        let (status, problem) = world.hooks(Method::POST, "", Some(json!({ "name": "x", "url": url }))).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{url}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(want) && !detail.contains("hunter2"), "{url}: {detail}");
        tried += 1;
    }
    refused("webhook addresses", tried);
    // A name is looked up when something is sent, and not believed before.
    let (hook, _) = world.hook(&named).await;
    let said = world.test_of(&hook).await;
    assert_eq!(said["ok"], false);
    assert!(said["said"].as_str().unwrap().contains("webhooks.networks"), "{said}");
    world.lock_verified().await;
    world.until("it was tried", async || world.deliveries(&hook).await.iter().any(|d| d["attempts"] != 0)).await;
    assert!(receiver.all().is_empty(), "nothing arrived");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_for_a_site_makes_and_sees_webhooks_of_that_site_only() {
    let receiver = Receiver::start().await;
    let world = world(open_to(&[&receiver])).await;
    let (everywhere, _) = world.hook(&receiver.url).await;
    let made = world.run(&["clients", "add", "--name", "north", "--scope", HOOKS, "--site", SITE, "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let bound = made["key"].as_str().unwrap().to_owned();
    let call = async |method: Method, path: &str, body: Option<Value>| world.calls(&bound, method, path, body).await;
    let wish = json!({ "name": "ours", "url": receiver.url, "what": ["lock_ordered"] });
    let (status, ours) = call(Method::POST, "", Some(wish)).await;
    assert_eq!((status, &ours["webhook"]["site"]), (StatusCode::CREATED, &json!(SITE)), "{ours}");
    let (_, listed) = call(Method::GET, "", None).await;
    assert_eq!(listed["webhooks"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(world.hooks(Method::GET, "", None).await.1["webhooks"].as_array().map(Vec::len), Some(2));
    for (method, path) in [
        (Method::GET, format!("/{everywhere}")),
        (Method::DELETE, format!("/{everywhere}")),
        (Method::POST, format!("/{everywhere}/test")),
        (Method::POST, format!("/{everywhere}/rotate")),
        (Method::POST, format!("/{everywhere}/enable")),
    ] {
        assert_eq!(call(method, &path, None).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let elsewhere = json!({ "name": "theirs", "url": receiver.url, "site": "acme-south" });
    assert_eq!(call(Method::POST, "", Some(elsewhere.clone())).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.hooks(Method::POST, "", Some(elsewhere)).await.0, StatusCode::NOT_FOUND, "no such site");
    for bad in [
        json!({ "name": "x" }),
        json!({ "name": "", "url": receiver.url }),
        json!({ "name": "x", "url": receiver.url, "what": ["signed_in"] }),
        json!({ "name": "x", "url": receiver.url, "secret": "mine" }),
    ] {
        let (status, problem) = call(Method::POST, "", Some(bad)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    }
    world.lock_verified().await;
    let heard = |hook: &str| -> Vec<String> {
        let mine = format!(".{hook}");
        receiver.all().iter().filter(|got| got.id.ends_with(&mine)).map(|got| got.kind().to_owned()).collect()
    };
    let ours = ours["webhook"]["id"].as_str().unwrap();
    world.until("ours heard", async || !heard(ours).is_empty()).await;
    world.until("both heard", async || heard(&everywhere).contains(&"lockdown.verified".to_owned())).await;
    assert_eq!(heard(ours), ["lockdown.lock_ordered"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_sent_before_a_power_cut_is_sent_after_it() {
    let receiver = Receiver::start().await;
    let world = world(open_to(&[&receiver])).await;
    let (hook, _) = world.hook(&receiver.url).await;
    receiver.answers(Answer::Status(500));
    world.lock_verified().await;
    world
        .until("it was tried", async || {
            let all = world.deliveries(&hook).await;
            all.len() > 1 && all.iter().all(|delivery| delivery["attempts"] != 0)
        })
        .await;
    world.kill();
    receiver.answers(Answer::Status(200));
    world.serve().await;
    world.until("it arrives", async || receiver.of("lockdown.verified").iter().any(|got| got.taken)).await;
    world.until_nothing_waits(&hook).await;
    assert!(receiver.of("lockdown.lock_ordered").iter().any(|got| got.taken));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_send_everything_once() {
    let database = Database::start().await.unwrap();
    let receiver = Receiver::start().await;
    let one = World::with_database(&database).await;
    one.until_standing("normal").await;
    one.everything();
    one.key(HOOKS);
    let two = World::beside(&one).await;
    for world in [&one, &two] {
        world.kill();
        world.set_more(More { sections: open_to(&[&receiver]), ..More::default() });
        world.serve().await;
        world.until_standing("normal").await;
    }
    let (hook, secret) = one.hook(&receiver.url).await;
    assert_eq!(two.hooks(Method::GET, "", None).await.1["webhooks"][0]["id"], json!(hook), "both know it");
    two.lock_verified().await;
    one.until_standing("locked").await;
    assert_eq!(one.order("normal", "?wait=60s").await.0, StatusCode::OK);
    one.until("the end arrives", async || receiver.of("lockdown.verified").len() > 1).await;
    one.until_nothing_waits(&hook).await;
    let all = receiver.all();
    let ids: BTreeSet<&str> = all.iter().map(|got| got.id.as_str()).collect();
    assert_eq!(ids.len(), all.len(), "each once");
    assert!(all.iter().all(|got| got.signed_with(&secret)));
    for kind in ["lockdown.lock_ordered", "lockdown.release_ordered"] {
        assert_eq!(receiver.of(kind).len(), 1, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_go_through_the_sites_proxy_and_wait_for_it() {
    let receiver = Receiver::start().await;
    let proxy = SiteProxy::start().await;
    let world = world(format!("{}proxy = \"{}\"\n", open_to(&[&receiver]), proxy.url())).await;
    world.hook(&receiver.url).await;
    proxy.stop().await;
    world.lock_verified().await;
    assert!(receiver.all().is_empty(), "there is no other way out");
    proxy.resume().await;
    for kind in ["lockdown.lock_ordered", "lockdown.verified"] {
        world.until("it arrives", async || receiver.of(kind).len() == 1).await;
    }
    assert!(proxy.passed() > 0 && proxy.refused() == 0, "by the proxy, with its password");
}
