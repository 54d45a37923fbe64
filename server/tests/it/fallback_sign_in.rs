//! The doors that need no identity provider: sealed codes, and what an outage leaves behind.

use crate::sign_in::{Browser, location, signed_in};
use crate::world::{More, SITE, World, refused};
use reqwest::StatusCode;
use serde_json::Value;
use simulators::database::Database;

/// Three looks at the provider are a third of a second.
fn quick() -> More {
    More { identity: "probe = \"100ms\"\nsite_networks = [\"127.0.0.1\"]".into(), ..More::default() }
}

fn id_of(world: &World, name: &str) -> String {
    let all: Value = serde_json::from_slice(&world.run(&["people", "list", "--json"]).stdout).unwrap();
    all.as_array().unwrap().iter().find(|p| p["name"] == name).unwrap()["id"].as_str().unwrap().to_owned()
}

/// Serial and code of fresh envelopes.
fn envelopes(world: &World, person: &str, count: &str) -> Vec<(String, String)> {
    let printed = world.run(&["people", "codes", person, "--count", count, "--json"]);
    let all: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    all.as_array().unwrap().iter().map(|one| (text(&one["serial"]), text(&one["code"]))).collect()
}

fn form(one: &(String, String), two: Option<&(String, String)>) -> String {
    let code = |code: &str| code.replace(' ', "+");
    let second = two.map(|(serial, text)| format!("&second_serial={serial}&second_code={}", code(text)));
    format!("serial={}&code={}{}", one.0, code(&one.1), second.unwrap_or_default())
}

/// Where the door leads.
async fn knock(browser: &mut Browser, form: &str) -> String {
    location(&browser.post("/auth/code", form, true).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_code_opens_the_door_once_and_only_while_the_provider_is_away() {
    let world = World::with(quick()).await;
    world.until_standing("normal").await;
    let mut admin = signed_in(&world, 4, "admin").await;
    world.run(&["people", "add", "--name", "Senior 9", "--role", "senior_eoc"]);
    let codes = envelopes(&world, &id_of(&world, "Senior 9"), "4");
    let mut senior = Browser::new(&world);
    assert_eq!(knock(&mut senior, &form(&codes[0], None)).await, "/sign-in?trouble=code_up");

    world.b2c.stop().await;
    world
        .until("the door is offered", async || {
            Browser::new(&world).get("/sign-in").await.text().await.unwrap().contains("sealed envelope")
        })
        .await;
    assert_eq!(world.happened("identity_lost").await, 1);
    assert_eq!(knock(&mut senior, &form(&codes[0], None).to_lowercase()).await, "/console", "typed in small letters");
    let lock = senior.post("/ui/activate", &format!("site={SITE}"), false).await;
    assert_eq!(lock.status(), StatusCode::OK);
    world.until_standing("locked").await;
    let version = world.site().await["version"].as_u64().unwrap();
    let release = format!("site={SITE}&typed=Acme+North&seen={version}");
    let alone = senior.post("/ui/release", &release, false).await;
    assert_eq!(alone.status(), StatusCode::FORBIDDEN, "one envelope only locks");
    assert_eq!(knock(&mut Browser::new(&world), &form(&codes[0], None)).await, "/sign-in?trouble=code", "used");
    assert_eq!(
        knock(&mut Browser::new(&world), &form(&codes[1], Some(&codes[1]))).await,
        "/sign-in?trouble=code",
        "twice the same is one envelope"
    );
    assert_eq!(knock(&mut senior, &form(&codes[1], Some(&codes[2]))).await, "/console");
    assert_eq!(senior.post("/ui/release", &release, false).await.status(), StatusCode::OK, "two may release");
    world.until_standing("normal").await;
    assert_eq!(senior.get("/admin/people").await.status(), StatusCode::FORBIDDEN, "none manages people");

    let wrong = form(&("ABCDEF".into(), "0".repeat(20)), None);
    let mut tried = 0;
    let mut said = String::new();
    while said != "/sign-in?trouble=wait" && tried < 6 {
        said = knock(&mut Browser::new(&world), &wrong).await;
        tried += 1;
    }
    assert_eq!(said, "/sign-in?trouble=wait", "five in a quarter of an hour");
    refused("sealed codes", 4 + tried);
    assert!(world.happened("envelope_refused").await >= 3, "whoever tries is seen");

    let page = admin.get("/admin/people").await.text().await.unwrap();
    assert_eq!(page.matches("Signed in by sealed code").count(), 2, "{page}");
    let event = page.split("name=\"event\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let note = format!("event={event}&note=the+night+of+the+fire");
    assert_eq!(admin.post("/ui/review", &format!("event={event}&note=+"), false).await.status(), 422);
    assert_eq!(admin.post("/ui/review", &note, false).await.status(), StatusCode::OK);
    assert_eq!(admin.post("/ui/review", &note, false).await.status(), StatusCode::CONFLICT, "done already");
    let page = admin.get("/admin/people").await.text().await.unwrap();
    assert_eq!(page.matches("Signed in by sealed code").count(), 1);

    world.b2c.resume().unwrap();
    world.until("the provider is back", async || world.happened("identity_back").await == 1).await;
    assert_eq!(knock(&mut Browser::new(&world), &form(&codes[3], None)).await, "/sign-in?trouble=code_up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envelope_used_while_the_database_was_away_is_used_at_every_server() {
    let database = Database::start().await.unwrap();
    let one = World::with_database_and(&database, quick()).await;
    one.until_standing("normal").await;
    one.everything();
    one.run(&["people", "add", "--name", "EOC 9", "--role", "eoc"]);
    let codes = envelopes(&one, &id_of(&one, "EOC 9"), "2");
    one.until("people are copied", async || {
        let file = rusqlite::Connection::open(one.data().join("lockdown.db")).unwrap();
        let known: i64 = file
            .query_row("SELECT count(*) FROM profiles WHERE doc LIKE ?1", [format!("%{}%", codes[1].0)], |row| {
                row.get(0)
            })
            .unwrap();
        known == 1
    })
    .await;
    one.b2c.stop().await;
    one.until("codes are good", async || {
        Browser::new(&one).get("/sign-in").await.text().await.unwrap().contains("sealed envelope")
    })
    .await;
    database.kill();
    let mut eoc = Browser::new(&one);
    assert_eq!(knock(&mut eoc, &form(&codes[0], None)).await, "/console", "{}", one.log());
    let lock = eoc.post("/ui/activate", &format!("site={SITE}"), false).await;
    assert_eq!(lock.status(), StatusCode::OK, "with neither provider nor database");
    database.resume().await.unwrap();
    one.until("all is told", async || one.happened("shared_back").await > 0).await;
    let two = World::beside(&one).await;
    two.until("codes are good there", async || {
        Browser::new(&two).get("/sign-in").await.text().await.unwrap().contains("sealed envelope")
    })
    .await;
    assert_eq!(knock(&mut Browser::new(&two), &form(&codes[0], None)).await, "/sign-in?trouble=code");
    assert_eq!(knock(&mut Browser::new(&two), &form(&codes[1], None)).await, "/console");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_code_is_taken_on_the_sites_network_only_and_closes_no_other_door() {
    let elsewhere = "probe = \"100ms\"\nsite_networks = [\"10.1.0.0/16\"]".to_owned();
    let http = "trusted_proxies = [\"127.0.0.1\"]".to_owned();
    let world = World::with(More { identity: elsewhere, http, ..More::default() }).await;
    let mut at_work = signed_in(&world, 2, "senior_eoc").await;
    let id = id_of(&world, "Senior 1");
    let codes = envelopes(&world, &id, "1");
    world.b2c.stop().await;
    world
        .until("codes are good", async || {
            Browser::new(&world).get("/sign-in").await.text().await.unwrap().contains("sealed envelope")
        })
        .await;
    let mut browser = Browser::new(&world);
    assert_eq!(knock(&mut browser, &form(&codes[0], None)).await, "/sign-in?trouble=code_place");
    browser.comes_from("198.51.100.7");
    assert_eq!(knock(&mut browser, &form(&codes[0], None)).await, "/sign-in?trouble=code_place");
    browser.comes_from("10.1.2.3");
    assert_eq!(knock(&mut browser, &form(&codes[0], None)).await, "/console");
    let end = browser.post("/ui/end-sessions", &format!("person={id}&session="), false).await;
    assert_eq!(end.status(), StatusCode::FORBIDDEN, "not the owner's own session");
    assert_eq!(browser.post("/ui/remove-pin", &format!("person={id}"), false).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(at_work.get("/console").await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_and_pins_are_made_only_by_who_came_in_through_the_provider() {
    let world = World::with(quick()).await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let id = id_of(&world, "EOC 1");
    let print = format!("person={id}&count=2");
    let page = admin.post("/admin/codes/print", &print, true).await.text().await.unwrap();
    assert_eq!(page.matches("Inside: ").count(), 2, "{page}");
    assert!(!admin.get(&format!("/admin/people/{id}")).await.text().await.unwrap().contains("Inside: "), "once");
    assert_eq!(eoc.post("/admin/codes/print", &print, true).await.status(), StatusCode::FORBIDDEN);
    let weak = eoc.post("/ui/set-pin", "pin=123456", false).await;
    assert_eq!(weak.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(eoc.post("/ui/set-pin", "pin=428913", false).await.status(), StatusCode::OK);
    assert!(eoc.get("/me").await.text().await.unwrap().contains("Remove the PIN"));
    let kept = String::from_utf8_lossy(&std::fs::read(world.data().join("lockdown.db")).unwrap()).into_owned();
    let log = String::from_utf8_lossy(&std::fs::read(world.data().join("lockdown.db-wal")).unwrap()).into_owned();
    assert!(!kept.contains("428913") && !log.contains("428913"), "only its hash is kept");
    world.b2c.stop().await;
    world
        .until("it is seen", async || admin.get("/sign-in").await.text().await.unwrap().contains("cannot be reached"))
        .await;
    let late = admin.post("/admin/codes/print", &print, true).await.text().await.unwrap();
    assert!(late.contains("Sign in through the identity provider first"), "{late}");
    assert_eq!(eoc.post("/ui/set-pin", "pin=813942", false).await.status(), StatusCode::FORBIDDEN);
}
