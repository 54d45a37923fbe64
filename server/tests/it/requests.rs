//! Call requests and incidents: by residents without an account, by the EOC, by programs; many at once, and
//! with everything people type.

use crate::sign_in::{Browser, location, signed_in};
use crate::world::{More, SITE, World, http};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::database::Database;
use std::collections::BTreeSet;
use std::sync::Arc;

const FORM: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn form(secret: &str, reason: &str) -> String {
    let encode = |text: &str| -> String {
        reqwest::Url::parse_with_params("http://x/", [("r", text)]).unwrap().query().unwrap()[2..].to_owned()
    };
    format!(
        "site={SITE}&who=Ann+Resident&call_back=780-555-0199&reason={}&priority=urgent&form={secret}",
        encode(reason)
    )
}

async fn queue(world: &World) -> Vec<Value> {
    let body = world
        .call(Method::GET, "/api/v1/call-requests?all=true&limit=500", &world.key("calls:read"), None, &[])
        .await
        .2;
    body["call_requests"].as_array().cloned().unwrap_or_default()
}

fn new_request(who: &str) -> Value {
    json!({ "site": SITE, "who": who, "call_back": "4711", "reason": "family" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resident_without_an_account_asks_and_follows_every_step() {
    let world = World::new().await;
    let mut resident = Browser::new(&world);
    assert!(resident.get("/requests").await.text().await.unwrap().contains("Who are you?"));
    let sent = resident.post("/requests/file", &form(FORM, "My mother, in hospital"), true).await;
    let ticket = location(&sent);
    assert_eq!(ticket, format!("/requests/t/{FORM}"));
    let page = resident.get(&ticket).await.text().await.unwrap();
    assert!(page.contains("R-1") && page.contains("+17805550199"), "{page}");
    assert!(page.contains("Nobody has picked it up yet"));
    let again = resident.post("/requests/file", &form(FORM, "My mother, in hospital"), true).await;
    let other = resident.post("/requests/file", &form(FORM, "another wish"), true).await;
    assert!(other.text().await.unwrap().contains("This form was sent before, with other words: it is R-1."));
    assert_eq!((location(&again), queue(&world).await.len()), (ticket.clone(), 1), "sent twice is filed once");

    let id = queue(&world).await[0]["id"].as_str().unwrap().to_owned();
    let mut eoc = signed_in(&world, 1, "eoc").await;
    for (deed, text, said) in [
        ("claim", "", "Somebody at the EOC is working on it"),
        ("write", "<b>We+call+you+now</b>", "&lt;b&gt;We call you now&lt;/b&gt;"),
        ("approve", "line+4711%2C+20+minutes", "Approved. The EOC places your call."),
        ("close", "talked+to+her+mother", "Closed: talked to her mother"),
    ] {
        let done = eoc.post("/ui/do-request", &format!("id={id}&deed={deed}&text={text}&minutes=15"), false).await;
        assert_eq!(done.status(), StatusCode::OK, "{deed}");
        if deed == "write" {
            let answered = resident.post("/requests/answer", &format!("form={FORM}&text=Thank+you"), true).await;
            assert_eq!(location(&answered), ticket);
        }
        let page = resident.get(&ticket).await.text().await.unwrap();
        assert!(page.contains(said), "{deed}: {page}");
        assert!(!page.contains("line 4711"), "the operator's note is the operator's");
        assert!(!page.contains("EOC 1"), "nobody of the EOC is named to the public");
    }
    let page = resident.get(&ticket).await.text().await.unwrap();
    assert!(page.contains("Thank you"));
    let late = resident.post("/requests/answer", &format!("form={FORM}&text=one+more"), true).await;
    assert!(location(&late).contains("trouble="), "it is closed");
    for guessed in ["/requests/t/bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", &format!("/requests/t/{id}")] {
        let page = resident.get(guessed).await.text().await.unwrap();
        assert!(page.contains("There is no such request") && !page.contains("hospital"), "{guessed}");
    }
    assert_eq!(world.happened("request_changed").await, 5);
}

#[tokio::test]
async fn a_ticket_promises_a_call_only_while_somebody_will_make_it() {
    let world = World::new().await;
    let mut resident = Browser::new(&world);
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let cases: [(&[&str], bool); 5] = [
        (&["claim"], true),
        (&["claim", "approve"], true),
        (&["refuse"], false),
        (&["claim", "connected"], false),
        (&["close"], false),
    ];
    for (number, (deeds, promised)) in cases.into_iter().enumerate() {
        let own = FORM.replace('a', &number.to_string());
        let why = format!("wish {number}");
        let ticket = location(&resident.post("/requests/file", &form(&own, &why), true).await);
        let filed = queue(&world).await.into_iter().find(|one| one["reason"] == why.as_str()).unwrap();
        let id = filed["id"].as_str().unwrap();
        for deed in deeds {
            let done = eoc.post("/ui/do-request", &format!("id={id}&deed={deed}&text=because&minutes=15"), false).await;
            assert_eq!(done.status(), StatusCode::OK, "{deeds:?}");
        }
        let page = resident.get(&ticket).await.text().await.unwrap();
        assert_eq!(page.contains("We will call"), promised, "{deeds:?}: {page}");
    }
}

#[tokio::test]
async fn what_people_type_is_refused_with_a_sentence_and_nothing_is_lost() {
    let world = World::new().await;
    let mut resident = Browser::new(&world);
    let cases = [
        (form(FORM, "why").replace("780-555-0199", "call+me"), "Write a number we can call back"),
        (form(FORM, " "), "Write whom the call is for, and why."),
        (form(FORM, "why").replace("Ann+Resident", ""), "Write who asks"),
        (form(FORM, "why").replace("urgent", "now"), "Choose how urgent it is."),
        (form(FORM, "why").replace(SITE, "atlantis"), "There is no such site."),
        (form("short", "why"), "This form is broken"),
        (format!("{}&website=x", form(FORM, "why")), "Leave the hidden box empty"),
    ];
    for (body, sentence) in cases {
        let answer = resident.post("/requests/file", &body, true).await;
        assert!(answer.status().is_client_error(), "{body}");
        let page = answer.text().await.unwrap();
        assert!(page.contains(sentence), "{sentence}: {page}");
        assert!(body.contains("reason=+") || page.contains(">why</textarea>"), "what was written is still there");
    }
    let long = resident
        .post("/requests/file", &form(FORM, &format!("=HYPERLINK(1)<script>{}", "x".repeat(10_000))), true)
        .await;
    let page = resident.get(&location(&long)).await.text().await.unwrap();
    assert!(!page.contains("<script>xxx"), "markup is text");
    let filed = &queue(&world).await[0];
    assert_eq!(filed["reason"].as_str().unwrap().chars().count(), 1_000, "cut, and kept");
    assert_eq!(queue(&world).await.len(), 1);
    let french = http().get(format!("{}/requests", world.url)).header("accept-language", "fr-CA").send();
    let french = french.await.unwrap().text().await.unwrap();
    assert!(french.contains("<html lang=\"fr\">") && french.contains("Qui êtes-vous ?"), "{french}");
}

#[tokio::test]
async fn whoever_has_an_account_finds_their_own_requests_again_and_nobody_elses() {
    let world = World::new().await;
    let mut filed = Browser::new(&world);
    let mut other = Browser::new(&world);
    filed.sign_in(&world, 1, "/requests").await;
    other.sign_in(&world, 2, "/requests").await;
    filed.post("/requests/file", &form(FORM, "My mother"), true).await;
    let page = filed.get("/requests").await.text().await.unwrap();
    let id = queue(&world).await[0]["id"].as_str().unwrap().to_owned();
    let link = format!("/requests/t/{id}");
    assert!(page.contains(&format!("href=\"{link}\"")), "{page}");
    assert!(filed.get(&link).await.text().await.unwrap().contains("My mother"));
    let answered = filed.post("/requests/answer", &format!("form={id}&text=It+is+urgent+now"), true).await;
    assert_eq!(location(&answered), link);
    assert!(filed.get(&link).await.text().await.unwrap().contains("It is urgent now"));
    assert!(!other.get(&link).await.text().await.unwrap().contains("My mother"));
    let written = other.post("/requests/answer", &format!("form={id}&text=not+mine"), true).await;
    assert!(location(&written).contains("trouble=gone"));
    assert_eq!(world.happened("request_changed").await, 1);
}

#[tokio::test]
async fn the_queue_is_filtered_by_priority_and_state() {
    let world = World::new().await;
    let key = world.key("calls:read,calls:write");
    for (who, priority) in [("Ann", "urgent"), ("Bob", "normal"), ("Cid", "urgent")] {
        let new = json!({ "site": SITE, "who": who, "call_back": "4711", "reason": "family", "priority": priority });
        world.call(Method::POST, "/api/v1/call-requests", &key, Some(new), &[]).await;
    }
    let found = async |query: &str| {
        let path = format!("/api/v1/call-requests?{query}");
        let body = world.call(Method::GET, &path, &key, None, &[]).await.2;
        let all = body["call_requests"].as_array().cloned().unwrap_or_default();
        all.iter().map(|one| one["who"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let ann = queue(&world).await.into_iter().find(|one| one["who"] == "Ann").unwrap();
    let path = format!("/api/v1/call-requests/{}", ann["id"].as_str().unwrap());
    world.call(Method::PATCH, &path, &key, Some(json!({ "deed": "claim" })), &[]).await;
    assert_eq!(found("priority=urgent").await, ["Ann", "Cid"]);
    assert_eq!(found("priority=urgent&state=new").await, ["Cid"]);
    assert_eq!(found("state=claimed").await, ["Ann"]);
    assert_eq!(found("state=claimed&priority=low").await, [""; 0]);
    let wrong = world.call(Method::GET, "/api/v1/call-requests?state=open", &key, None, &[]).await;
    assert_eq!(wrong.0, StatusCode::BAD_REQUEST);
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let page = eoc.get("/requests?priority=urgent&state=claimed").await.text().await.unwrap();
    assert!(page.contains("Ann") && !page.contains("Cid") && !page.contains("Bob"), "{page}");
}

/// Tries again as a page does, as the same request: a database that does not answer in time, or has no end of others to
/// write for, is asked once more.
async fn insist(
    world: &World,
    method: Method,
    path: &str,
    key: &str,
    body: &Value,
    once: &str,
) -> (StatusCode, Option<String>, Value) {
    let mut tries = 30;
    loop {
        let answer = world.call(method.clone(), path, key, Some(body.clone()), &[("idempotency-key", once)]).await;
        tries -= 1;
        let busy = answer.2["type"] == "urn:pstn-lockdown:problem:busy";
        if !(busy || answer.0 == StatusCode::SERVICE_UNAVAILABLE) || tries == 0 {
            return answer;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_people_at_once_lose_nothing_and_hold_nothing_twice() {
    let database = Database::start().await.unwrap();
    let first = World::with_database(&database).await;
    let second = Arc::new(World::beside(&first).await);
    let first = Arc::new(first);
    let keys: Vec<String> = [
        "calls:write",
        "calls:read,calls:write",
        "calls:write,status:read",
        "calls:write,lock:enable",
        "calls:write,hooks:manage",
    ]
    .map(|scopes| first.key(scopes))
    .into();
    let filing = (0..50).map(|n| {
        let world = if n % 2 == 0 { first.clone() } else { second.clone() };
        let key = keys[n % keys.len()].clone();
        tokio::spawn(async move {
            let body = new_request(&format!("Person {n}"));
            insist(&world, Method::POST, "/api/v1/call-requests", &key, &body, &format!("file-{n}")).await
        })
    });
    let mut ids = BTreeSet::new();
    let mut tickets = BTreeSet::new();
    for filed in filing.collect::<Vec<_>>() {
        let (status, _, body) = filed.await.unwrap();
        assert_eq!(status, StatusCode::CREATED, "{body} {} {}", first.log(), second.log());
        ids.insert(body["id"].as_str().unwrap().to_owned());
        tickets.insert(body["ticket"].as_str().unwrap().to_owned());
    }
    assert_eq!((ids.len(), tickets.len(), queue(&first).await.len()), (50, 50, 50), "none lost, none doubled");
    let contested: Vec<String> = ids.into_iter().take(10).collect();
    let claims =
        contested.iter().flat_map(|id| keys.iter().enumerate().map(move |(n, key)| (n, id.clone(), key.clone())));
    let claiming = claims.map(|(n, id, key)| {
        let world = if n % 2 == 0 { first.clone() } else { second.clone() };
        tokio::spawn(async move {
            let body = json!({ "deed": "claim" });
            let once = format!("claim-{n}-{id}");
            let path = format!("/api/v1/call-requests/{id}");
            (id, insist(&world, Method::PATCH, &path, &key, &body, &once).await.0)
        })
    });
    let mut won: Vec<String> = Vec::new();
    for claimed in claiming.collect::<Vec<_>>() {
        match claimed.await.unwrap() {
            (id, StatusCode::OK) => won.push(id),
            (_, status) => assert_eq!(status, StatusCode::CONFLICT),
        }
    }
    won.sort();
    assert_eq!(won, contested, "each is held by one, and by no other");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_sent_while_the_database_is_away_is_filed_once_when_it_is_back() {
    let database = Database::start().await.unwrap();
    let world = World::with_database(&database).await;
    let mut resident = Browser::new(&world);
    resident.get("/requests").await;
    database.kill();
    let answer = resident.post("/requests/file", &form(FORM, "My mother"), true).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let page = answer.text().await.unwrap();
    assert!(page.contains(">My mother</textarea>") && page.contains(FORM), "the form holds it, and its own secret");
    database.resume().await.unwrap();
    world
        .until("the request is taken", async || {
            let answer = resident.post("/requests/file", &form(FORM, "My mother"), true).await;
            answer.status() == StatusCode::SEE_OTHER
        })
        .await;
    resident.post("/requests/file", &form(FORM, "My mother"), true).await;
    assert_eq!(queue(&world).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_opens_an_incident_whose_file_prints_and_the_all_clear_closes_it() {
    let sections = "[incidents]\nreview_after = \"1s\"\nreview_every = \"1s\"\n".into();
    let world = World::with(More { sections, ..More::default() }).await;
    world.until_standing("normal").await;
    let mut resident = Browser::new(&world);
    let mut senior = signed_in(&world, 2, "senior_eoc").await;
    senior.post("/ui/activate", &format!("site={SITE}&reason=fire"), false).await;
    world.until_standing("locked").await;
    resident.post("/requests/file", &form(FORM, "=cmd|' /C calc'!A0"), true).await;
    let incidents = async || {
        world.call(Method::GET, "/api/v1/incidents", &world.everything(), None, &[]).await.2["incidents"].clone()
    };
    let open = incidents().await[0].clone();
    assert_eq!((open["state"].as_str(), open["opened_by"].as_str()), (Some("open"), Some("Senior 1 (web)")), "{open}");
    let id = open["id"].as_str().unwrap().to_owned();
    let write = |what: &str, name: &str, text: &str| format!("id={id}&what={what}&name={name}&text={text}");
    for (what, name, text) in [
        ("note", "", "=1%2B1"),
        ("decision", "", "Evacuate+the+mill"),
        ("name", "Mill+fire", "fire"),
        ("join", "", ""),
        ("command", "", ""),
        ("mistake", "", ""),
        ("still_needed", "", ""),
        ("attach", "Plan", "First+the+mill%2C+then+the+camp"),
    ] {
        let written = senior.post("/ui/write-incident", &write(what, name, text), false).await;
        assert_eq!(written.status(), StatusCode::OK, "{what}");
    }
    let mut eoc = signed_in(&world, 1, "eoc").await;
    assert_eq!(
        eoc.post("/ui/write-incident", &write("still_needed", "", ""), false).await.status(),
        StatusCode::FORBIDDEN
    );
    let not_theirs = eoc.post("/ui/write-incident", &write("mistake", "", ""), false).await;
    assert!(not_theirs.text().await.unwrap().contains("Only who locked"));
    world.until("seniors are asked whether it is still needed", async || world.happened("review_due").await > 0).await;
    assert_eq!(world.standing().await, "locked", "nothing is released by it");
    let console = senior.get("/console").await.text().await.unwrap();
    assert!(console.contains("Mill fire") && console.contains("says that the lock was a mistake"), "{console}");
    let version = world.site().await["version"].clone();
    let released = senior
        .post("/ui/release", &format!("site={SITE}&typed=Acme+North&seen={version}&reason=Raised+by+mistake"), false)
        .await;
    assert_eq!(released.status(), StatusCode::OK);
    world.until("the incident is closed", async || incidents().await[0]["state"] == "closed").await;

    let file = |name: &str| format!("/incidents/{id}/{name}");
    for name in ["export.json", "export.csv", "requests.csv", "ics-214", "ics-309"] {
        assert_eq!(resident.get(&file(name)).await.status(), StatusCode::UNAUTHORIZED, "{name}");
    }
    let csv = senior.get(&file("export.csv")).await.text().await.unwrap();
    assert!(csv.contains("Note: =1+1") && csv.contains("lock_ordered"), "{csv}");
    let requests = senior.get(&file("requests.csv")).await.text().await.unwrap();
    assert!(requests.contains("'=cmd|"), "no formula: {requests}");
    let log = senior.get(&file("ics-214")).await.text().await.unwrap();
    assert!(
        log.contains("1. Incident name") && log.contains("Mill fire") && log.contains("Decision: Evacuate the mill")
    );
    assert!(senior.get(&file("ics-309")).await.text().await.unwrap().contains("R-1: =cmd|&#39; /C calc&#39;!A0"));
    let page = senior.get(&format!("/incidents/{id}")).await.text().await.unwrap();
    assert!(page.contains("Draft report") && page.contains("First the mill, then the camp"), "{page}");
    let report = world.call(Method::GET, &format!("/api/v1/incidents/{id}"), &world.everything(), None, &[]).await.2;
    assert!(report["report"]["locks"][0]["verified_after_ms"].as_u64().is_some(), "{report}");
    assert!(report["report"]["people"]["Senior 1"]["decided"] == 1);
    keep_alerts(&world).await;
    let metrics = http().get(format!("{}/metrics", world.url)).bearer_auth(world.everything()).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    assert!(metrics.contains("lockdown_call_requests_open{site=\"acme-north\",priority=\"urgent\"} 1"), "{metrics}");
    let wall = senior.get("/wall").await.text().await.unwrap();
    assert!(wall.contains("Open requests") && wall.contains("Normal calling"), "{wall}");
}

/// Whoever follows the feed finds every alert. They are kept for `cargo xtask test schemas`, which holds them
/// against OASIS' schema.
async fn keep_alerts(world: &World) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("cap");
    std::fs::create_dir_all(&folder).unwrap();
    let fetch = async |url: String| http().get(url).send().await.unwrap().text().await.unwrap();
    let feed = fetch(format!("{}/api/v1/alerts.atom", world.url)).await;
    let addresses =
        feed.split("type=\"application/cap+xml\" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut kinds = Vec::new();
    for (n, address) in addresses.enumerate() {
        let alert = fetch(address.to_owned()).await;
        kinds.push(alert.split("<msgType>").nth(1).unwrap().split('<').next().unwrap().to_owned());
        assert!(!alert.contains("fire") && !alert.contains("Senior"), "nobody is named, and no reason told: {alert}");
        std::fs::write(folder.join(format!("{n}.xml")), alert).unwrap();
    }
    assert_eq!(kinds, ["Cancel", "Update", "Update", "Alert"], "newest first: {feed}");
}

#[tokio::test]
async fn an_administrator_hands_out_and_erases_what_is_known_of_somebody() {
    let world = World::new().await;
    Browser::new(&world).post("/requests/file", &form(FORM, "private"), true).await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let queue_page = admin.post("/ui/queue", "", false).await;
    assert_eq!(queue_page.status(), StatusCode::FORBIDDEN, "an administrator works on no request");
    let known = admin.get("/admin/requests/export?find=ann+res").await.text().await.unwrap();
    let known: Value = serde_json::from_str(&known).unwrap();
    assert_eq!(known[0]["reason"], "private");
    let id = known[0]["id"].as_str().unwrap();
    assert_eq!(admin.post("/ui/erase-request", &format!("id={id}"), false).await.status(), StatusCode::OK);
    assert_eq!(queue(&world).await.len(), 0);
    assert_eq!(world.happened("request_erased").await, 1);
    let timeline = serde_json::to_string(&world.events().await).unwrap();
    assert!(!timeline.contains("Ann Resident") && !timeline.contains("private"), "the timeline names nobody");
}

#[tokio::test]
async fn one_address_cannot_flood_the_queue() {
    let world = World::new().await;
    let mut flood = Browser::new(&world);
    let mut filed = 0;
    let told = loop {
        let answer = flood.post("/requests/file", &form(&format!("{FORM}{filed}"), "more"), true).await;
        if answer.status() != StatusCode::SEE_OTHER {
            break answer.text().await.unwrap();
        }
        filed += 1;
        assert!(filed < 100, "nobody says stop");
    };
    assert!(told.contains("Too many requests from here") && told.contains(">more</textarea>"), "{told}");
    assert!(filed >= 30, "a family is no flood: {filed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_ask_once_and_believe_the_order_more_than_what_they_cannot_see() {
    let database = Database::start().await.unwrap();
    let sections = "[incidents]\nreview_after = \"1s\"\nreview_every = \"60m\"\n".into();
    let first = World::with_database_and(&database, More { sections, ..More::default() }).await;
    let second = World::beside(&first).await;
    first.lock_verified().await;
    first.until("seniors are asked", async || second.happened("review_due").await > 0).await;
    second.until("both know that it is locked", async || second.standing().await == "locked").await;
    let (status, body) = second.order("normal", "?wait=20s").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(first.happened("review_due").await, 1, "by one of two");
    first.until("the first server has the all-clear", async || first.standing().await == "normal").await;
    database.kill();
    // Half a story is no alert: the feed waits.
    let feed = async || http().get(format!("{}/api/v1/alerts.atom", first.url)).send().await.unwrap().status();
    first.until("it is cut off", async || feed().await == StatusCode::SERVICE_UNAVAILABLE).await;
    let (status, _, left) = first.call(Method::GET, "/api/v1/incidents", &first.everything(), None, &[]).await;
    assert_eq!(status, StatusCode::OK, "{left}");
    let open = left["incidents"].as_array().unwrap().iter().any(|incident| incident["state"] != "closed");
    assert!(!open, "the lock is in its own journal and the all-clear is not: {left}");
    assert!(!left["incidents"].as_array().unwrap().is_empty(), "what it did itself it knows");
}

#[tokio::test]
async fn a_line_that_was_cut_brings_the_requests_that_changed_meanwhile() {
    let world = World::new().await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let before = world.events().await.last().unwrap()["seq"].as_u64().unwrap();
    Browser::new(&world).post("/requests/file", &form(FORM, "My mother"), true).await;
    let first = async |line: reqwest::Response| {
        let mut line = line;
        let mut text = String::new();
        while !text.contains("\"request\"") && !text.contains("\"beat\"") {
            text += &String::from_utf8_lossy(&line.chunk().await.unwrap().unwrap());
        }
        text
    };
    let told = first(eoc.get(&format!("/ui/live?after={before}")).await).await;
    assert!(told.contains("R-1") && told.contains("My mother"), "{told}");
    let stranger = first(Browser::new(&world).get(&format!("/ui/live?after={before}")).await).await;
    assert!(!stranger.contains("My mother") && !stranger.contains("R-1"), "to nobody else: {stranger}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_takes_over_what_was_out_of_sight_and_what_was_open_before_the_lock() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let file = async |who: &str| {
        let key = world.key("calls:write");
        let (status, _, body) =
            world.call(Method::POST, "/api/v1/call-requests", &key, Some(new_request(who)), &[]).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["id"].as_str().unwrap().to_owned()
    };
    let before = file("Before the lock").await;
    world.cucm.stop().await;
    world.until("it is told that CUCM is out of sight", async || world.happened("cucm_lost").await == 1).await;
    world.order("locked", "").await;
    world.cucm.resume().unwrap();
    world.until_standing("locked").await;
    file("In the lock").await;
    let read =
        async |path: &str| world.call(Method::GET, path, &world.key("status:read,calls:read"), None, &[]).await.2;
    let incident = read("/api/v1/incidents").await["incidents"][0]["id"].as_str().unwrap().to_owned();
    let file = read(&format!("/api/v1/incidents/{incident}")).await;
    let report = &file["report"];
    let gap = &report["gaps"][0];
    assert_eq!(gap["what"], "CUCM could not be seen", "{report}");
    assert!(gap["from"].as_str().unwrap() < report["opened_at"].as_str().unwrap(), "it began before: {report}");
    assert_eq!(report["calls"]["all"], 2, "{report}");
    assert_eq!(report["calls"]["open"], json!(["R-1", "R-2"]));
    assert_eq!(report["calls"]["unseen"], 2);
    let mut senior = signed_in(&world, 2, "senior_eoc").await;
    let claim = format!("id={before}&deed=claim&text=&minutes=15");
    assert_eq!(senior.post("/ui/do-request", &claim, false).await.status(), StatusCode::OK);
    for (path, words) in [("ics-309", ["Before the lock", "In the lock"]), ("export.csv", ["R-1", "R-2"])] {
        let text = senior.get(&format!("/incidents/{incident}/{path}")).await.text().await.unwrap();
        assert!(words.iter().all(|word| text.contains(word)), "{path}: {text}");
    }
}
