//! Every way in, and who gets through. The list of ways is the program's own: one that is missing here
//! fails the test. The table is printed in `server/RIGHTS.md`.

use crate::sign_in::{Browser, signed_in};
use crate::world::{DEMO, SITE, World, http, package, refused};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Who gets through, by page or by key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Everybody,
    SignedIn,
    /// EOC and senior EOC, here at this site.
    Eoc,
    Senior,
    Admin,
    /// EOC, senior EOC and administrators.
    Staff,
    /// Senior EOC and administrators: they answer for the plan.
    Planners,
    /// A key with this scope, and nothing else.
    Key(&'static str),
    AnyKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Persona {
    Nobody,
    Resident,
    Eoc,
    Senior,
    Admin,
}

const PERSONAS: [Persona; 5] = [Persona::Nobody, Persona::Resident, Persona::Eoc, Persona::Senior, Persona::Admin];

const SCOPES: [&str; 4] = ["status:read", "lock:enable", "lock:release", "hooks:manage"];

impl Persona {
    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Resident => "signed in",
            Self::Eoc => "EOC",
            Self::Senior => "senior EOC",
            Self::Admin => "administrator",
        }
    }
}

impl Who {
    fn lets(self, persona: Persona) -> bool {
        match self {
            Self::Everybody => true,
            Self::SignedIn => persona != Persona::Nobody,
            Self::Eoc => matches!(persona, Persona::Eoc | Persona::Senior),
            Self::Senior => persona == Persona::Senior,
            Self::Admin => persona == Persona::Admin,
            Self::Staff => matches!(persona, Persona::Eoc | Persona::Senior | Persona::Admin),
            Self::Planners => matches!(persona, Persona::Senior | Persona::Admin),
            Self::Key(_) | Self::AnyKey => false,
        }
    }
}

/// A way in, what is sent, and who gets through.
type Row = (&'static str, &'static str, Who);

const TABLE: [Row; 153] = [
    ("GET /readiness", "", Who::Staff),
    ("POST /ui/readiness", "", Who::Staff),
    ("POST /ui/prove-write", "site=acme-north", Who::Eoc),
    ("GET /plan", "", Who::Planners),
    ("GET /plan/{site}/{export}", "", Who::Planners),
    ("POST /ui/plan", "", Who::Planners),
    ("POST /ui/check-plan", "site=acme-north", Who::Planners),
    ("GET /drill", "", Who::Eoc),
    ("GET /card", "", Who::Eoc),
    ("POST /ui/drills", "", Who::Eoc),
    // The frame of the gadget: its key shows what everybody may see. A gadget's own session is tried in `gadget.rs`.
    ("GET /embed/finesse", "", Who::Everybody),
    ("GET /embed/state?embed=x", "", Who::Everybody),
    ("POST /embed/leave", "", Who::Everybody),
    ("POST /ui/gadget", "key=x", Who::Everybody),
    ("POST /ui/arm", "", Who::SignedIn),
    ("GET /connect", "", Who::Everybody),
    ("GET /auth/handoff", "", Who::Everybody),
    ("GET /auth/handoff/login?h=x", "", Who::Everybody),
    ("POST /auth/handoff", "", Who::Everybody),
    ("POST /auth/handoff/claim", "", Who::Everybody),
    ("GET /admin/finesse", "", Who::Admin),
    ("POST /admin/finesse/file", "site=acme-north", Who::Admin),
    ("POST /ui/finesse", "", Who::Admin),
    // Believed by device, network and PIN; without [phone] they are not there. Tried in `phone.rs`.
    ("GET /phone/v1", "", Who::Everybody),
    ("GET /phone/v1/status", "", Who::Everybody),
    ("GET /phone/v1/lock", "", Who::Everybody),
    ("GET /phone/v1/lock/{device}/{once}", "", Who::Everybody),
    ("POST /phone/v1/lock/{device}/{once}", "", Who::Everybody),
    ("GET /phone/v1/log", "", Who::Everybody),
    ("GET /phone/v1/log/{device}/{form}", "", Who::Everybody),
    ("POST /phone/v1/log/{device}/{form}", "", Who::Everybody),
    ("GET /admin/finesse/file", "", Who::Everybody),
    ("GET /", "", Who::Everybody),
    ("GET /sign-in", "", Who::Everybody),
    ("GET /console", "", Who::Eoc),
    ("GET /timeline", "", Who::Staff),
    ("GET /requests", "", Who::Everybody),
    ("GET /requests/t/{secret}", "", Who::Everybody),
    ("POST /requests/file", "", Who::Everybody),
    ("POST /requests/answer", "form=x&text=x", Who::Everybody),
    ("GET /incidents", "", Who::Eoc),
    ("GET /incidents/{id}", "", Who::Eoc),
    ("GET /incidents/{id}/{export}", "", Who::Eoc),
    ("GET /wall", "", Who::Eoc),
    ("GET /admin/requests", "", Who::Admin),
    ("GET /admin/requests/export", "", Who::Admin),
    ("POST /ui/queue", "", Who::Eoc),
    (
        "POST /ui/take-down-request",
        "site=acme-north&direction=outbound&who=x&call_back=x&reason=x&priority=normal&form=x",
        Who::Eoc,
    ),
    ("POST /ui/do-request", "id=x&deed=claim&text=&minutes=15", Who::Eoc),
    ("POST /ui/asking", "", Who::Everybody),
    ("POST /ui/ticket", "secret=x", Who::Everybody),
    ("POST /ui/known-of", "find=nobody", Who::Admin),
    ("POST /ui/erase-request", "id=x", Who::Admin),
    ("POST /ui/incidents", "", Who::Eoc),
    ("POST /ui/incident", "id=x", Who::Eoc),
    ("POST /ui/write-incident", "id=x&what=note&name=&text=x", Who::Eoc),
    ("POST /ui/invite-again", "id=x", Who::Eoc),
    ("POST /ui/wall", "", Who::Eoc),
    // Believed by its signature alone; without a bot it is not there.
    ("POST /hooks/webex", "{}", Who::Everybody),
    ("GET /me", "", Who::SignedIn),
    ("GET /admin/people", "", Who::Admin),
    ("GET /admin/people/{id}", "", Who::Admin),
    ("GET /admin/clients", "", Who::Admin),
    ("POST /admin/clients/add", "name=x&scope=status%3Aread&networks=&days=1", Who::Admin),
    ("POST /admin/clients/rotate", "key=x&overlap=1", Who::Admin),
    ("POST /admin/codes/print", "person=p-0&count=1", Who::Admin),
    ("GET /admin/webhooks", "", Who::Admin),
    ("POST /admin/webhooks/add", "name=x&url=x", Who::Admin),
    ("POST /admin/webhooks/rotate", "hook=x", Who::Admin),
    ("POST /admin/webhooks/test", "hook=x", Who::Admin),
    ("POST /ui/webhooks", "", Who::Admin),
    ("POST /ui/remove-webhook", "hook=x", Who::Admin),
    ("POST /ui/enable-webhook", "hook=x", Who::Admin),
    ("POST /ui/replay-webhook", "hook=x&delivery=x", Who::Admin),
    ("GET /leaked-key", "", Who::Everybody),
    ("POST /leaked-key/report", "key=x", Who::Everybody),
    ("POST /auth/code", "serial=x&code=x", Who::Everybody),
    ("GET /auth/login", "", Who::Everybody),
    ("GET /auth/callback", "", Who::Everybody),
    ("POST /auth/passkey", "ticket=x&answer=x", Who::Everybody),
    ("POST /auth/logout", "", Who::Everybody),
    ("GET /healthz", "", Who::Everybody),
    ("GET /readyz", "", Who::Everybody),
    ("GET /ui/live", "", Who::Everybody),
    ("POST /ui/status", "", Who::Everybody),
    ("POST /ui/sign-in", "", Who::Everybody),
    ("POST /ui/console", "", Who::Eoc),
    ("POST /ui/activate", "site=acme-north", Who::Eoc),
    ("POST /ui/release", "site=acme-north&typed=Acme+North&seen=0", Who::Senior),
    ("POST /ui/timeline", "", Who::Staff),
    ("POST /ui/people", "", Who::Admin),
    ("POST /ui/person", "id=p-0", Who::Admin),
    ("POST /ui/set-roles", "person=p-0&seen=0", Who::Admin),
    ("POST /ui/set-profile", "person=p-0&seen=0&email=&webex=&extension=&phones=&language=", Who::Admin),
    ("POST /ui/set-disabled", "person=p-0&seen=0&disabled=yes", Who::Admin),
    ("POST /ui/merge-people", "kept=p-0&gone=p-1", Who::Admin),
    ("POST /ui/end-sessions", "person=p-0&session=", Who::Admin),
    ("POST /ui/import-roster", "roster=name&dry_run=yes", Who::Admin),
    ("POST /ui/me", "", Who::SignedIn),
    ("POST /ui/keys", "", Who::Admin),
    ("POST /ui/revoke-key", "key=x", Who::Admin),
    ("POST /ui/revoke-codes", "person=p-0", Who::Admin),
    ("POST /ui/review", "event=x&note=x", Who::Admin),
    ("POST /ui/set-pin", "pin=1", Who::SignedIn),
    ("POST /ui/remove-pin", "person=p-0", Who::Admin),
    ("POST /ui/ask-passkey", "purpose=keys", Who::SignedIn),
    ("POST /ui/ask-passkey", "purpose=sign-in", Who::Everybody),
    ("POST /ui/answer-passkey", "purpose=keys&ticket=x&answer=x&label=x", Who::SignedIn),
    ("POST /ui/remove-passkey", "person=p-0&passkey=x", Who::Admin),
    ("GET /api/docs", "", Who::Everybody),
    ("GET /api/v1/openapi.json", "", Who::Everybody),
    ("GET /api/v1/status", "", Who::Everybody),
    ("GET /api/v1/sites/{id}", "", Who::Key("status:read")),
    ("GET /api/v1/sites/{id}/plan", "", Who::Key("status:read")),
    ("POST /api/v1/sites/{id}/plan/check", "", Who::Key("status:read")),
    ("POST /api/v1/sites/{id}/plan/trace", "", Who::Key("status:read")),
    ("DELETE /api/v1/keys/self", "", Who::AnyKey),
    ("GET /api/v1/webhooks", "", Who::Key("hooks:manage")),
    ("POST /api/v1/webhooks", "", Who::Key("hooks:manage")),
    ("GET /api/v1/webhooks/{id}", "", Who::Key("hooks:manage")),
    ("DELETE /api/v1/webhooks/{id}", "", Who::Key("hooks:manage")),
    ("POST /api/v1/webhooks/{id}/test", "", Who::Key("hooks:manage")),
    ("POST /api/v1/webhooks/{id}/rotate", "", Who::Key("hooks:manage")),
    ("POST /api/v1/webhooks/{id}/enable", "", Who::Key("hooks:manage")),
    ("POST /api/v1/webhooks/{id}/deliveries/{delivery}/replay", "", Who::Key("hooks:manage")),
    ("GET /api/v1/call-requests", "", Who::Key("calls:read")),
    ("POST /api/v1/call-requests", "", Who::Key("calls:write")),
    ("GET /api/v1/call-requests/{id}", "", Who::Key("calls:read")),
    ("PATCH /api/v1/call-requests/{id}", "", Who::Key("calls:write")),
    ("GET /metrics", "", Who::Key("status:read")),
    ("GET /api/v1/alerts.atom", "", Who::Everybody),
    ("GET /api/v1/alerts/{id}", "", Who::Everybody),
    ("GET /api/v1/incidents", "", Who::Key("status:read")),
    ("GET /api/v1/incidents/{id}", "", Who::Key("status:read")),
    ("GET /api/v1/incidents/{id}/export.json", "", Who::Key("status:read")),
    ("GET /api/v1/incidents/{id}/export.csv", "", Who::Key("status:read")),
    ("GET /api/v1/incidents/{id}/ics-214", "", Who::Key("status:read")),
    ("GET /api/v1/incidents/{id}/ics-309", "", Who::Key("status:read")),
    ("GET /api/v1/events", "", Who::Key("status:read")),
    ("GET /api/v1/events/stream", "", Who::Key("status:read")),
    ("PUT /api/v1/sites/{id}/lockdown", "{\"desired\":\"locked\"}", Who::Key("lock:enable")),
    ("PUT /api/v1/sites/{id}/lockdown", "{\"desired\":\"normal\"}", Who::Key("lock:release")),
    // Addresses of forms whose answer is a page: they lead back to it.
    ("GET /admin/clients/add", "", Who::Everybody),
    ("GET /admin/clients/rotate", "", Who::Everybody),
    ("GET /admin/codes/print", "", Who::Everybody),
    ("GET /admin/webhooks/add", "", Who::Everybody),
    ("GET /admin/webhooks/rotate", "", Who::Everybody),
    ("GET /admin/webhooks/test", "", Who::Everybody),
    ("GET /leaked-key/report", "", Who::Everybody),
    ("GET /requests/file", "", Who::Everybody),
    // Files and addresses that are not there: no secret, and no way further.
    ("GET /icon.svg", "", Who::Everybody),
    ("GET /nowhere", "", Who::Everybody),
    ("GET /api/v1/nowhere", "", Who::Everybody),
];

fn path(row: &Row) -> String {
    let path = row.0.split_once(' ').unwrap().1;
    let id = if path.starts_with("/api/") { SITE } else { "p-0" };
    path.replace("{id}", id).replace("{secret}", "x").replace("{site}", SITE).replace("{export}", "export.csv")
}

/// Was somebody turned away because of who they are? A refusal of a passkey is not about rights,
/// and the key of a gadget is nobody's.
async fn through(response: reqwest::Response) -> bool {
    match response.status() {
        // Whoever knocks without a key too often is told to wait, and is not through either.
        StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS => false,
        StatusCode::FORBIDDEN => {
            let said = response.text().await.unwrap();
            ["passkey_refused", "fresh_sign_in_needed", "passkey_needed", "no_such_gadget", "key is not good any more"]
                .iter()
                .any(|word| said.contains(word))
        }
        _ => true,
    }
}

async fn by_page(browser: &mut Browser, row: &Row) -> bool {
    let path = path(row);
    let method = row.0.split_once(' ').unwrap().0;
    let response = if path.starts_with("/api/") {
        browser.call(method.parse().unwrap(), &path, row.1).await
    } else if method == "GET" {
        browser.get(&path).await
    } else if path.starts_with("/phone/") {
        // A phone is no browser, and says nothing of pages.
        http().post(browser.address(&path)).body(row.1.to_owned()).send().await.unwrap()
    } else {
        browser.post(&path, row.1, false).await
    };
    through(response).await
}

/// A key has 20 calls a second: far more than what it takes until the next one is free.
const TRIES: usize = 10_000;

async fn by_key(world: &World, row: &Row, scope: &str) -> bool {
    let method: Method = row.0.split_once(' ').unwrap().0.parse().unwrap();
    for _ in 0..TRIES {
        let request = http()
            .request(method.clone(), format!("{}{}", world.url, path(row)))
            .bearer_auth(world.key(scope))
            .header("if-match", "\"0\"")
            .header("content-type", "application/json")
            .body(row.1.to_owned());
        let response = request.send().await.unwrap();
        if response.status() != StatusCode::TOO_MANY_REQUESTS {
            return through(response).await;
        }
        tokio::task::yield_now().await;
    }
    panic!("{} with {scope}: too many calls, {TRIES} times in a row", row.0);
}

fn printed() -> String {
    let mut text = "# Who gets through\n\nMade and checked by `tests/it/rights.rs`: every way in the program has is tried by everybody below. A cookie opens\nno call of `/api/v1`, a key no page. Whoever gets through may still be refused: a stale version, a site that is not\ntheirs, a passkey that is missing. Everybody may end their own sessions and remove their own PIN and passkeys.\n\n| way in |".to_owned();
    let heads: Vec<&str> = PERSONAS.iter().map(|persona| persona.name()).chain(["key with"]).collect();
    let _ = write!(text, " {} |\n|{}\n", heads.join(" | "), "---|".repeat(heads.len() + 1));
    for row in &TABLE {
        let cells: Vec<&str> = PERSONAS.iter().map(|persona| if row.2.lets(*persona) { "yes" } else { "–" }).collect();
        let key = match row.2 {
            Who::Key(scope) => scope,
            Who::AnyKey => "any",
            _ => "",
        };
        let what = if row.1.contains("\"normal\"") || row.1.contains("desired=normal") {
            " (all-clear)"
        } else if row.1.contains("sign-in") {
            " (to come in)"
        } else if row.1.contains("locked") {
            " (lock)"
        } else {
            ""
        };
        let _ = writeln!(text, "| `{}`{what} | {} | {key} |", row.0, cells.join(" | "));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_in_lets_through_whom_the_table_says_and_nobody_else() {
    let world = World::stopped(DEMO, "").await;
    world.serve().await;
    world.until_standing("normal").await;
    let listed = world.run(&["routes", "--json"]);
    let ways: BTreeSet<String> = serde_json::from_slice(&listed.stdout).unwrap();
    let known: BTreeSet<String> =
        TABLE.iter().map(|row| row.0.split('?').next().unwrap().replace("{id}", ":")).collect();
    let named = |way: &str| way.replace("{id}", ":").replace(":id", ":");
    let missing: Vec<&String> = ways.iter().filter(|way| !known.contains(&named(way))).collect();
    assert!(missing.is_empty(), "nobody says who may: {missing:?}");

    let mut browsers = vec![Browser::new(&world), {
        let mut resident = Browser::new(&world);
        resident.sign_in(&world, 5, "/me").await;
        resident
    }];
    for (who, role) in [(1, "eoc"), (2, "senior_eoc"), (4, "admin")] {
        browsers.push(signed_in(&world, who, role).await);
    }
    let mut tried = 0;
    for row in TABLE.iter().filter(|row| row.0 != "POST /auth/logout") {
        for (browser, persona) in browsers.iter_mut().zip(PERSONAS) {
            assert_eq!(by_page(browser, row).await, row.2.lets(persona), "{} as {}", row.0, persona.name());
            tried += 1;
        }
        if let Who::Key(needed) = row.2 {
            for scope in SCOPES {
                assert_eq!(by_key(&world, row, scope).await, scope == needed, "{} with {scope}", row.0);
                tried += 1;
            }
        }
    }
    let keys = String::from_utf8(world.run(&["clients", "list", "--json"]).stdout).unwrap();
    assert_eq!(keys.matches("\"name\":\"x\"").count(), 1, "only the administrator's form made a key: {keys}");
    refused("ways in × everybody", tried);
    let file = &package().join("RIGHTS.md");
    let there = std::fs::read_to_string(file).unwrap_or_default();
    if there != printed() {
        std::fs::write(file, printed()).unwrap();
        panic!("server/RIGHTS.md was not what is so: it is now; look at it and commit it");
    }
}

/// What a program may call: what it is for, as the contract says, and with which right, as the table above does.
async fn calls(world: &World) -> String {
    let contract: Value =
        http().get(format!("{}/api/v1/openapi.json", world.url)).send().await.unwrap().json().await.unwrap();
    let mut text = "| call | what | right |\n|---|---|---|\n".to_owned();
    for (way, body, who) in TABLE.iter().filter(|row| row.0.contains(" /api/v1/") || row.0 == "GET /metrics") {
        let (method, path) = way.split_once(' ').unwrap();
        let Some(what) = contract["paths"][path][method.to_lowercase()]["summary"].as_str() else { continue };
        let right = match who {
            Who::Key(scope) => format!("`{scope}`"),
            Who::AnyKey => "any".to_owned(),
            _ => "anyone".to_owned(),
        };
        let body = if body.is_empty() { String::new() } else { format!(" `{body}`") };
        let _ = writeln!(text, "| `{way}`{body} | {} | {right} |", what.trim_end_matches('.').replace('\n', " "));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_readme_lists_every_call_of_the_contract_with_its_right() {
    let world = World::new().await;
    let contract: Value =
        http().get(format!("{}/api/v1/openapi.json", world.url)).send().await.unwrap().json().await.unwrap();
    let table = calls(&world).await;
    for (path, methods) in contract["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let way = format!("`{} {path}`", method.to_uppercase());
            assert!(table.contains(&way), "nobody says who may {way}");
        }
    }
    let file = &package().join("README.md");
    let there = std::fs::read_to_string(file).unwrap();
    let (before, rest) = there.split_once("<!-- calls -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /calls -->\n").unwrap();
    let so = format!("{before}<!-- calls -->\n{table}<!-- /calls -->\n{after}");
    if there != so {
        std::fs::write(file, so).unwrap();
        panic!("the calls in server/README.md were not what is so: they are now; look at them and commit them");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_comes_in_from_another_site() {
    let world = World::new().await;
    world.until_standing("normal").await;
    let mut senior = signed_in(&world, 2, "senior_eoc").await;
    let mut tried = 0;
    // No cookie is looked at there.
    let cookieless =
        |row: &&Row| ["POST /api/", "POST /hooks/", "POST /phone/"].iter().any(|path| row.0.starts_with(path));
    for row in TABLE.iter().filter(|row| row.0.starts_with("POST /") && !cookieless(row)) {
        for from in ["cross-site", "same-site", "none"] {
            let answer = senior.post_from(&path(row), row.1, false, from).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{} from {from}", row.0);
            assert!(answer.text().await.unwrap().contains("cross_site"), "{} from {from}", row.0);
            tried += 1;
        }
    }
    refused("cross-site posts", tried);
    world.until_standing("normal").await;
}
