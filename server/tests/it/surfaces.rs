//! One table of who may do what, over every surface there is.

use crate::gadget::{Frame, key_of};
use crate::phone::{lock_at, service};
use crate::sign_in::{Browser, location, signed_in};
use crate::webex::Bot;
use crate::world::{DEMO, More, SITE, World, http, program};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use reqwest::{Method, StatusCode};
use serde_json::json;
use simulators::phone::object::Object;
use simulators::{FinesseSim, Phone};

/// By which door, as whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Web,
    PlainForm,
    Rest,
    Cli,
    Bot,
    Gadget,
    Phone,
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

impl Door {
    const ALL: [Self; 7] = [Self::Web, Self::PlainForm, Self::Rest, Self::Cli, Self::Bot, Self::Gadget, Self::Phone];

    /// What can be drawn over, or is proved by some digits, never gives the all-clear.
    fn opens(self, act: Act) -> bool {
        act == Act::Lock || !matches!(self, Self::Gadget | Self::Phone)
    }
}

impl Who {
    fn number(self) -> usize {
        match self {
            Self::Eoc => 1,
            Self::Senior => 2,
            Self::Admin => 4,
            Self::Resident => 5,
        }
    }

    /// What they type at a desk phone, where they have a number at all.
    fn extension(self) -> &'static str {
        match self {
            Self::Eoc => "4701",
            Self::Senior => "4702",
            Self::Admin | Self::Resident => "4799",
        }
    }

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
        Door::Gadget => by_gadget(world, who, act).await,
        Door::Phone => by_phone(world, who, act).await,
        Door::Web => web(world, who, act, false).await,
        Door::PlainForm => web(world, who, act, true).await,
        Door::Rest => rest(world, who, act).await,
        Door::Cli => cli(world, who, act),
    }
}

async fn browser_of(world: &World, who: Who) -> Browser {
    if who == Who::Resident {
        let mut browser = Browser::new(world);
        browser.sign_in(world, who.number(), "/console").await;
        browser
    } else {
        signed_in(world, who.number(), who.role()).await
    }
}

async fn web(world: &World, who: Who, act: Act, plain: bool) -> bool {
    let mut browser = browser_of(world, who).await;
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

/// Signed in by the window, the switch armed and held.
async fn by_gadget(world: &World, who: Who, act: Act) -> bool {
    let key = key_of(world);
    let frame = Frame::connected(world, &key, &mut browser_of(world, who).await).await;
    let answer = match act {
        Act::Lock => {
            let armed = frame.armed().await.unwrap();
            frame.post("/ui/activate", &format!("site={SITE}&armed={armed}")).await
        }
        // There is no button for it; whoever sends it all the same is nobody there.
        Act::Release => frame.post("/ui/release", &format!("site={SITE}&typed=Acme+North&seen=1&reason=")).await,
    };
    match answer.status() {
        StatusCode::OK => true,
        StatusCode::FORBIDDEN => {
            assert!(answer.text().await.unwrap().contains("lock_needs_eoc"), "the same words as on the page");
            false
        }
        StatusCode::UNAUTHORIZED if act == Act::Release => false,
        other => panic!("{who:?} {act:?}: {other} {}", answer.text().await.unwrap()),
    }
}

/// With extension and PIN, at a phone everybody uses. There is no key for the all-clear.
async fn by_phone(world: &World, who: Who, act: Act) -> bool {
    let mut phone = Phone::new("SEP001122334402", "CP-8845");
    phone.open(&service(world)).await.unwrap();
    if act == Act::Release {
        let Some(Object::Menu { items, .. }) = phone.object() else { panic!("{:?}", phone.object()) };
        assert!(
            !items.iter().any(|(name, _)| name.to_lowercase().contains("clear") || name.contains("LOCK")),
            "{items:?}"
        );
        return false;
    }
    // Tries are counted: this is not about guessing.
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let phone = lock_at(world, Some(who.extension()), "428913").await;
        let text = phone.text();
        if !text.contains("Wait") {
            return !text.contains("do not fit");
        }
        assert!(std::time::Instant::now() < end, "{text}");
        tokio::task::yield_now().await;
    }
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
            let why = String::from_utf8_lossy(&output.stderr);
            assert!(why.contains("lacks the scope"), "{who:?} {act:?} is refused for another reason: {why}");
            false
        }
        other => panic!("{who:?} {act:?}: exit {other:?} {}", String::from_utf8_lossy(&output.stderr)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_rights_hold_on_every_surface() {
    let finesse = FinesseSim::start(0).unwrap();
    let sections = format!("{}{}", crate::gadget::section(&finesse), crate::phone::section("127.0.0.1", ""));
    let bot = Bot::beside(&sections).await;
    let world = &bot.world;
    world.until_standing("normal").await;
    give_pins(world).await;
    for door in Door::ALL {
        for who in [Who::Resident, Who::Admin, Who::Eoc, Who::Senior] {
            for act in [Act::Lock, Act::Release] {
                let from = if act == Act::Lock { "normal" } else { "locked" };
                world.order(from, "?wait=60s").await;
                world.until_standing(from).await;
                let refusals = world.happened("refused").await;
                let done = attempt(&bot, door, who, act).await;
                assert_eq!(done, who.may(act) && door.opens(act), "{door:?} {who:?} {act:?}");
                let to = if act == Act::Lock { "locked" } else { "normal" };
                world.until_standing(if done { to } else { from }).await;
                let refused_there = world.happened("refused").await - refusals;
                // The command line looks at the state first, and is refused there already.
                // At a gadget and a phone there is nothing to press, and whoever types a wrong PIN is nobody.
                let refused_before_ordering = (door == Door::Cli && act == Act::Release)
                    || door == Door::Phone
                    || (door == Door::Gadget && act == Act::Release);
                // A key of the resident's row may read calls: it is no stranger, as the person is.
                let stranger = who == Who::Resident && !matches!(door, Door::Rest | Door::Cli);
                if !done && !refused_before_ordering {
                    let told = usize::from(!stranger);
                    assert_eq!(refused_there, told, "{door:?} {who:?} {act:?}: a refusal is in the timeline");
                }
            }
        }
    }
}

/// How an all-clear ended that a senior gave.
#[derive(Debug, PartialEq, Eq)]
enum Given {
    Done,
    /// Another senior must give it, too.
    Asked,
    NeedsPasskey,
    /// Where two people must give it, a program is none of them.
    NotByProgram,
    /// There is no way to give it there.
    NotHere,
}

/// Senior 1 or 2 gives the all-clear.
async fn given(bot: &Bot, door: Door, senior: usize) -> Given {
    let world = &bot.world;
    let refused_for = |text: &str| match text {
        text if text.contains("asskey") => Given::NeedsPasskey,
        text if text.contains("a key or a program cannot") => Given::NotByProgram,
        text => panic!("{door:?}: refused for another reason: {text}"),
    };
    let refused = match door {
        Door::Gadget | Door::Phone => {
            return if attempt(bot, door, Who::Senior, Act::Release).await { Given::Done } else { Given::NotHere };
        }
        Door::Web | Door::PlainForm => given_on_page(world, senior, door == Door::PlainForm).await,
        Door::Bot => given_to_bot(bot, senior).await,
        Door::Rest => {
            let (code, body) = world.order("normal", "?wait=60s").await;
            (!code.is_success()).then(|| body["detail"].as_str().unwrap().to_owned())
        }
        Door::Cli => {
            let file = world.data().join("key");
            std::fs::write(&file, world.key(Who::Senior.scopes())).unwrap();
            let mut command = program();
            command.args(["release", "--url", &world.url, "--site", SITE, "--key-file"]).arg(&file);
            let output = command.output().unwrap();
            (output.status.code() != Some(0)).then(|| String::from_utf8(output.stderr).unwrap())
        }
    };
    match refused {
        Some(why) => refused_for(&why),
        None if world.site().await["command"]["release_asked"].is_null() => Given::Done,
        None => Given::Asked,
    }
}

/// Why it was refused; `None` where it was taken.
async fn given_on_page(world: &World, senior: usize, plain: bool) -> Option<String> {
    let mut browser = signed_in(world, senior + 1, "senior_eoc").await;
    let version = world.site().await["version"].as_u64().unwrap();
    let form = format!("site={SITE}&typed=Acme+North&seen={version}&reason=");
    let answer = browser.post("/ui/release", &form, plain).await;
    if !plain {
        return if answer.status() == StatusCode::OK { None } else { Some(answer.text().await.unwrap()) };
    }
    let back = reqwest::Url::parse(&world.url).unwrap().join(&location(&answer)).unwrap();
    let error = back.query_pairs().find(|(name, _)| name == "__err").map(|(_, error)| error.into_owned())?;
    Some(String::from_utf8(URL_SAFE.decode(error).unwrap()).unwrap())
}

async fn given_to_bot(bot: &Bot, senior: usize) -> Option<String> {
    drop(signed_in(&bot.world, senior + 1, "senior_eoc").await);
    let email = format!("senior{senior}@acme.example");
    let mut answer = bot.ask(&email, "release").await;
    if answer.attachments.is_some() {
        let room = bot.sim.direct(&email);
        let seen = bot.sim.said_in(&room).len();
        bot.press(&email, &answer, &json!({ "typed": "Acme North" }));
        answer = bot.answer(&room, seen).await;
    }
    let text = answer.markdown.unwrap_or(answer.text);
    text.contains("asskey").then_some(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_passkey_is_required_no_person_gives_the_all_clear_without_one_on_any_surface() {
    let finesse = FinesseSim::start(0).unwrap();
    let sections = format!("{}{}", crate::gadget::section(&finesse), crate::phone::section("127.0.0.1", ""));
    let bot = Bot::under("release_passkey = \"required\"", &sections, DEMO).await;
    let world = &bot.world;
    world.until_standing("normal").await;
    give_pins(world).await;
    for door in Door::ALL {
        world.order("locked", "?wait=60s").await;
        world.until_standing("locked").await;
        let expected = match door {
            Door::Web | Door::PlainForm | Door::Bot => Given::NeedsPasskey,
            Door::Gadget | Door::Phone => Given::NotHere,
            // A key acts for itself, and shows none.
            Door::Rest | Door::Cli => Given::Done,
        };
        assert_eq!(given(&bot, door, 1).await, expected, "{door:?}");
        world.until_standing(if expected == Given::Done { "normal" } else { "locked" }).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_two_seniors_must_give_the_all_clear_two_people_do_on_every_surface() {
    let finesse = FinesseSim::start(0).unwrap();
    let sections = format!("{}{}", crate::gadget::section(&finesse), crate::phone::section("127.0.0.1", ""));
    let site = DEMO.replacen("name = \"Acme North\"", "name = \"Acme North\"\nrelease_by_two = true", 1);
    let bot = Bot::under("", &sections, &site).await;
    let world = &bot.world;
    world.until_standing("normal").await;
    give_pins(world).await;
    drop(signed_in(world, 3, "senior_eoc").await);
    set_contact(world, &mut signed_in(world, 4, "admin").await, "Senior 2", "4703").await;
    for door in Door::ALL {
        world.order("locked", "?wait=60s").await;
        world.until_standing("locked").await;
        let by_person = matches!(door, Door::Web | Door::PlainForm | Door::Bot);
        let expected = match door {
            Door::Rest | Door::Cli => Given::NotByProgram,
            Door::Gadget | Door::Phone => Given::NotHere,
            _ => Given::Asked,
        };
        assert_eq!(given(&bot, door, 1).await, expected, "{door:?}");
        assert_eq!(world.standing().await, "locked", "{door:?}: one alone only asks");
        if by_person {
            assert_eq!(given(&bot, door, 1).await, Given::Asked, "{door:?}: nobody is two people");
            assert_eq!(given(&bot, door, 2).await, Given::Done, "{door:?}");
            world.until_standing("normal").await;
        }
    }
}

/// EOC and senior have a number and a PIN.
async fn give_pins(world: &World) {
    let mut admin = signed_in(world, 4, "admin").await;
    for (who, name) in [(Who::Eoc, "EOC 1"), (Who::Senior, "Senior 1")] {
        let set = browser_of(world, who).await.post("/ui/set-pin", "pin=428913", false).await;
        assert_eq!(set.status(), StatusCode::OK, "{}", set.text().await.unwrap());
        set_contact(world, &mut admin, name, who.extension()).await;
    }
}

/// An administrator writes down the number, and the Webex account of the same address.
async fn set_contact(world: &World, admin: &mut Browser, name: &str, extension: &str) {
    let people: Vec<serde_json::Value> =
        serde_json::from_slice(&world.run(&["people", "list", "--json"]).stdout).unwrap();
    let person = people.iter().find(|person| person["name"] == name).unwrap();
    let id = person["id"].as_str().unwrap();
    let email = format!("{}@acme.example", name.to_lowercase().replace(' ', ""));
    for seen in 1..9 {
        let form =
            format!("person={id}&seen={seen}&email={email}&webex={email}&extension={extension}&phones=&language=");
        if admin.post("/ui/set-profile", &form, false).await.status() == StatusCode::OK {
            return;
        }
    }
    panic!("the profile of {name} could not be changed");
}

/// What a person does between meaning to lock and the order, counted by the simulated phone and the simulated Webex.
/// The gestures on a page and in the gadget are counted by the browser: `lock.spec.mjs`, `finesse.spec.mjs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_intention_to_order_there_are_few_steps_on_every_surface() {
    let world = World::with(More { sections: crate::phone::section("127.0.0.1", ""), ..More::default() }).await;
    world.until_standing("normal").await;
    crate::phone::ready(&world).await;
    let mut phone = Phone::new("SEP001122334401", "CP-8845");
    phone.open(&service(&world)).await.unwrap();
    let pin = "428913";
    phone.key('2').await.unwrap();
    phone.keys(pin).await.unwrap();
    phone.soft("Submit").await.unwrap();
    world.until("it is ordered", async || world.happened("lock_ordered").await == 1).await;
    assert_eq!(phone.pressed(), pin.len() + 2, "the PIN and two keys");
    let bot = Bot::new().await;
    let answer = bot.ask("eoc1@acme.example", "lock").await;
    bot.press("eoc1@acme.example", &answer, &json!({}));
    bot.world.until_standing("locked").await;
    assert_eq!(bot.acts_of("eoc1@acme.example"), 2, "the command, and the card's button");
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
    let key_with_cookie = http()
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
    let key = world.everything();
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    let order = |desired: &str| Some(json!({ "desired": desired }));
    let once = [("idempotency-key", "k-1")];
    let first = world.call(Method::PUT, &path, &key, order("locked"), &once).await;
    world.until_standing("locked").await;
    world.release_verified().await;
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
    let page = async |path: &str| http().get(format!("{}{path}", world.url)).send().await.unwrap();
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
    let framed = http().get(&world.url).header("sec-fetch-dest", "iframe").send().await.unwrap();
    assert_eq!(framed.status(), StatusCode::FORBIDDEN);
    assert_eq!(page("/no/such/page").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_gives_roles_that_hold_at_once_and_keeps_the_last_admin() {
    let world = World::new().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let mut resident = Browser::new(&world);
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
        http().get(format!("{}/api/v1/openapi.json", world.url)).send().await.unwrap().json().await.unwrap();
    assert!(contract["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<&String> = contract["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.len(), 26, "{paths:?}");
    let reader = http().get(format!("{}/api/docs/", world.url)).send().await.unwrap();
    let policy = reader.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let html = reader.text().await.unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
}
