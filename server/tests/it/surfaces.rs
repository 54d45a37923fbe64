//! One table of who may do what, over every surface there is.

use crate::sign_in::{location, signed_in};
use crate::webex::Bot;
use crate::world::{SITE, World, program};
use reqwest::{Method, StatusCode};
use serde_json::json;

/// By which door, as whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Web,
    PlainForm,
    Rest,
    Cli,
    Bot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Resident,
    Eoc,
    Senior,
    Admin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Lock,
    Release,
}

impl Who {
    fn may(self, act: Act) -> bool {
        match act {
            Act::Lock => matches!(self, Self::Eoc | Self::Senior),
            Act::Release => self == Self::Senior,
        }
    }

    /// The scopes of a key with the same rights.
    fn scopes(self) -> &'static str {
        match self {
            Self::Resident => "calls:read",
            Self::Eoc => "status:read,lock:enable",
            Self::Senior => "status:read,lock:enable,lock:release",
            Self::Admin => "hooks:manage",
        }
    }

    fn role(self) -> &'static str {
        match self {
            Self::Resident | Self::Eoc => "eoc",
            Self::Senior => "senior_eoc",
            Self::Admin => "admin",
        }
    }
}

/// Was it done? A refusal is `false`; anything else that goes wrong is a failure of the test.
async fn attempt(bot: &Bot, door: Door, who: Who, act: Act) -> bool {
    let world = &bot.world;
    match door {
        Door::Bot => by_bot(bot, who, act).await,
        Door::Web => web(world, who, act, false).await,
        Door::PlainForm => web(world, who, act, true).await,
        Door::Rest => rest(world, who, act).await,
        Door::Cli => cli(world, who, act),
    }
}

async fn web(world: &World, who: Who, act: Act, plain: bool) -> bool {
    let number = match who {
        Who::Eoc => 1,
        Who::Senior => 2,
        Who::Admin => 4,
        Who::Resident => 5,
    };
    let mut browser = if who == Who::Resident {
        let mut browser = crate::sign_in::Browser::new(world);
        browser.sign_in(world, number, "/console").await;
        browser
    } else {
        signed_in(world, number, who.role()).await
    };
    let version = world.site().await["version"].as_u64().unwrap();
    let answer = match act {
        Act::Lock => browser.post("/ui/activate", &format!("site={SITE}"), plain).await,
        Act::Release => {
            browser.post("/ui/release", &format!("site={SITE}&typed=Acme+North&seen={version}&reason="), plain).await
        }
    };
    if plain {
        let back = location(&answer);
        assert_eq!(answer.status(), StatusCode::FOUND, "a plain form goes back to its page");
        return !back.contains("__err");
    }
    match answer.status() {
        StatusCode::OK => true,
        StatusCode::FORBIDDEN => false,
        other => panic!("{who:?} {act:?}: {other} {}", answer.text().await.unwrap()),
    }
}

/// The command, and the card that confirms it.
async fn by_bot(bot: &Bot, who: Who, act: Act) -> bool {
    let email = match who {
        Who::Eoc => "eoc1@acme.example",
        Who::Senior => "senior1@acme.example",
        Who::Admin => "admin1@acme.example",
        Who::Resident => "resident1@acme.example",
    };
    let answer = bot.ask(email, if act == Act::Lock { "lock" } else { "release" }).await;
    if answer.attachments.is_none() {
        assert!(answer.text.contains("No. Only"), "a refusal says why: {answer:?}");
        return false;
    }
    let room = bot.sim.direct(email);
    let seen = bot.sim.said_in(&room).len();
    bot.press(email, &answer, &json!({ "typed": "Acme North" }));
    assert!(!bot.answer(&room, seen).await.text.contains("No."));
    true
}

async fn rest(world: &World, who: Who, act: Act) -> bool {
    let key = world.key(who.scopes());
    let etag = format!("\"{}\"", world.site().await["version"]);
    let desired = if act == Act::Lock { "locked" } else { "normal" };
    let (code, _, body) = world
        .call(
            Method::PUT,
            &format!("/api/v1/sites/{SITE}/lockdown"),
            &key,
            Some(json!({ "desired": desired })),
            &[("if-match", &etag)],
        )
        .await;
    match code {
        StatusCode::OK | StatusCode::ACCEPTED => true,
        StatusCode::FORBIDDEN => {
            assert_eq!(body["type"], "urn:pstn-lockdown:problem:forbidden");
            false
        }
        other => panic!("{who:?} {act:?}: {other} {body}"),
    }
}

fn cli(world: &World, who: Who, act: Act) -> bool {
    let file = world.data().join(format!("key-{who:?}"));
    std::fs::write(&file, world.key(who.scopes())).unwrap();
    let verb = if act == Act::Lock { "lock" } else { "release" };
    let output = program().args([verb, "--url", &world.url, "--site", SITE, "--key-file"]).arg(&file).output().unwrap();
    match output.status.code() {
        Some(0) => true,
        Some(1) => {
            assert!(!output.stderr.is_empty(), "a refusal says why");
            false
        }
        other => panic!("{who:?} {act:?}: exit {other:?} {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_rights_hold_on_every_surface() {
    let bot = Bot::new().await;
    let world = &bot.world;
    world.until_standing("normal").await;
    for door in [Door::Web, Door::PlainForm, Door::Rest, Door::Cli, Door::Bot] {
        for who in [Who::Resident, Who::Admin, Who::Eoc, Who::Senior] {
            for act in [Act::Lock, Act::Release] {
                let from = if act == Act::Lock { "normal" } else { "locked" };
                world.order(from, "?wait=60s").await;
                world.until_standing(from).await;
                let refusals = world.happened("refused").await;
                let done = attempt(&bot, door, who, act).await;
                assert_eq!(done, who.may(act), "{door:?} {who:?} {act:?}");
                let to = if act == Act::Lock { "locked" } else { "normal" };
                world.until_standing(if done { to } else { from }).await;
                let refused_there = world.happened("refused").await - refusals;
                // The command line looks at the state first, and is refused there already.
                let refused_before_ordering = door == Door::Cli && act == Act::Release;
                if !done && !refused_before_ordering {
                    assert_eq!(refused_there, 1, "{door:?} {who:?} {act:?}: a refusal is in the timeline");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_page_cannot_press() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut browser = signed_in(&world, 1, "eoc").await;
    for site in ["cross-site", "same-site", "none"] {
        let answer = browser.post_from("/ui/activate", &format!("site={SITE}"), true, site).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{site}");
    }
    let key_with_cookie = reqwest::Client::new()
        .put(format!("{}/api/v1/sites/{SITE}/lockdown", world.url))
        .header("cookie", "sess=whatever")
        .json(&json!({ "desired": "locked" }))
        .send()
        .await
        .unwrap();
    assert_eq!(key_with_cookie.status(), StatusCode::UNAUTHORIZED, "a cookie is no key");
    assert_eq!(world.standing().await, "normal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_needs_the_right_name_and_the_state_that_was_seen() {
    let world = World::new().await;
    world.until_standing("normal").await;
    world.lock_verified().await;
    let mut senior = signed_in(&world, 2, "senior_eoc").await;
    let version = world.site().await["version"].as_u64().unwrap();
    let form = |name: &str, seen: u64| format!("site={SITE}&typed={name}&seen={seen}&reason=");
    assert_eq!(
        senior.post("/ui/release", &form("Acme+South", version), false).await.status(),
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        senior.post("/ui/release", &form("Acme+North", version - 1), false).await.status(),
        StatusCode::CONFLICT
    );
    let key = world.everything();
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    let body = Some(json!({ "desired": "normal" }));
    assert_eq!(world.call(Method::PUT, &path, &key, body.clone(), &[]).await.0, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(
        world.call(Method::PUT, &path, &key, body, &[("if-match", "\"1\"")]).await.0,
        StatusCode::PRECONDITION_FAILED
    );
    assert_eq!(world.standing().await, "locked");
    assert_eq!(senior.post("/ui/release", &form("acme+north", version), false).await.status(), StatusCode::OK);
    world.until_standing("normal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_carries_a_request_out_once() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let (key, path) = (world.everything(), format!("/api/v1/sites/{SITE}/lockdown"));
    let order = |desired: &str| Some(json!({ "desired": desired }));
    let once = [("idempotency-key", "k-1")];
    let first = world.call(Method::PUT, &path, &key, order("locked"), &once).await;
    world.until_standing("locked").await;
    world.order("normal", "?wait=60s").await;
    let again = world.call(Method::PUT, &path, &key, order("locked"), &once).await;
    assert_eq!(first, again, "the same answer");
    assert_eq!(world.standing().await, "normal", "and nothing was ordered again");
    let other = world.call(Method::PUT, &path, &key, order("normal"), &once).await;
    assert_eq!(other.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_say_the_truth_without_scripts() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let page = async |path: &str| reqwest::get(format!("{}{path}", world.url)).await.unwrap();
    let public = page("/").await;
    let policy = public.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("'nonce-"), "{policy}");
    let html = public.text().await.unwrap();
    assert!(html.contains("Phones work normally") && html.contains("dial 911"), "{html}");
    world.lock_verified().await;
    assert!(page("/").await.text().await.unwrap().contains("Outside calls go through the Emergency Operations Centre"));
    world.cucm.stop().await;
    world
        .until("the page says it cannot tell", async || {
            page("/").await.text().await.unwrap().contains("We cannot confirm the state")
        })
        .await;
    let framed = reqwest::Client::new().get(&world.url).header("sec-fetch-dest", "iframe").send().await.unwrap();
    assert_eq!(framed.status(), StatusCode::FORBIDDEN);
    assert_eq!(page("/no/such/page").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_gives_roles_that_hold_at_once_and_keeps_the_last_admin() {
    let world = World::new().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let mut resident = crate::sign_in::Browser::new(&world);
    resident.sign_in(&world, 5, "/console").await;
    let people: Vec<serde_json::Value> =
        serde_json::from_slice(&world.run(&["people", "list", "--json"]).stdout).unwrap();
    let id = |name: &str| people.iter().find(|p| p["name"] == name).unwrap()["id"].as_str().unwrap().to_owned();
    let grant = format!("person={}&seen=1&grants%5B%5D=eoc", id("Resident 1"));
    assert_eq!(resident.post("/ui/set-roles", &grant, false).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(admin.post("/ui/set-roles", &grant, false).await.status(), StatusCode::OK);
    assert_eq!(admin.post("/ui/set-roles", &grant, false).await.status(), StatusCode::CONFLICT, "stale");
    assert_eq!(resident.post("/ui/activate", &format!("site={SITE}"), false).await.status(), StatusCode::OK);
    let last = format!("person={}&seen=1", id("Admin 1"));
    assert_eq!(
        admin.post("/ui/set-roles", &last, false).await.status(),
        StatusCode::CONFLICT,
        "the last administrator"
    );
    let told = world.events().await.iter().any(|e| e["text"] == "Roles of Resident 1: none → eoc");
    assert!(told, "before and after are in the timeline");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_names_every_call_and_the_reader_downloads_nothing() {
    let world = World::new().await;
    let contract: serde_json::Value =
        reqwest::get(format!("{}/api/v1/openapi.json", world.url)).await.unwrap().json().await.unwrap();
    assert!(contract["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<&String> = contract["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.len(), 25, "{paths:?}");
    let reader = reqwest::get(format!("{}/api/docs/", world.url)).await.unwrap();
    let policy = reader.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let html = reader.text().await.unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
}
