//! The bot, as people meet it: what they write and press, what it does, and what goes wrong.

use crate::proxy::SiteProxy;
use crate::sign_in::{Browser, signed_in};
use crate::world::{DEMO, More, SITE, World, http, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::webex::local::LocalDevice;
use simulators::webex::model::{Message, id};
use simulators::webex::{BOT_EMAIL, BOT_TOKEN, WebexSim};
use std::sync::Arc;

const EOC: &str = "eoc1@acme.example";
const SENIOR: &str = "senior1@acme.example";
const RESIDENT: &str = "resident1@acme.example";

/// A server whose bot is the simulator's.
pub(crate) struct Bot {
    pub(crate) world: World,
    pub(crate) sim: Arc<WebexSim>,
}

/// Lines of the configuration.
fn section(sim: &WebexSim, more: &str) -> String {
    format!(
        "[webex]\nbot_token = \"{BOT_TOKEN}\"\napi_url = \"{}\"\nu2c_url = \"{}\"\ndomains = [\"127.0.0.1\"]\nping = \"500ms\"\n{more}\n",
        sim.api_url(),
        sim.u2c_url()
    )
}

impl Bot {
    pub(crate) async fn new() -> Self {
        Self::with("", DEMO).await
    }

    /// With sections besides the bot's.
    pub(crate) async fn beside(sections: &str) -> Self {
        Self::with(sections, DEMO).await
    }

    async fn with(more: &str, site: &str) -> Self {
        Self::under("", more, site).await
    }

    /// The same with `identity` in that section of the configuration.
    pub(crate) async fn under(identity: &str, more: &str, site: &str) -> Self {
        let sim = Arc::new(WebexSim::start(0).unwrap());
        let world = World::stopped(site, "").await;
        world.set_more(More { identity: identity.into(), sections: section(&sim, more), ..More::default() });
        world.configure(site, "", "axl-lockdown");
        for (name, oid, role, email) in [("EOC 1", 1, "eoc", EOC), ("Senior 1", 2, "senior_eoc", SENIOR)] {
            let subject = &simulators::b2c::demo_people()[oid - 1].oid;
            let added =
                world.run(&["people", "add", "--name", name, "--subject", subject, "--role", role, "--email", email]);
            assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        }
        world.serve().await;
        let bot = Self { world, sim };
        bot.link_all().await;
        bot
    }

    /// An administrator writes down whose account is whose.
    async fn link_all(&self) {
        self.world.until_standing("normal").await;
        let mut admin = signed_in(&self.world, 4, "admin").await;
        Browser::new(&self.world).sign_in(&self.world, 5, "/").await;
        let people: Vec<Value> = serde_json::from_slice(&self.world.run(&["people", "list", "--json"]).stdout).unwrap();
        let all = [("EOC 1", EOC), ("Senior 1", SENIOR), ("Admin 1", "admin1@acme.example"), ("Resident 1", RESIDENT)];
        for (name, email) in all {
            let person = people.iter().find(|person| person["name"] == name).unwrap();
            let form = format!(
                "person={}&seen=1&email={email}&webex={email}&extension=&phones=&language=",
                person["id"].as_str().unwrap()
            );
            let answer = admin.post("/ui/set-profile", &form, false).await;
            assert_eq!(answer.status(), StatusCode::OK, "{}", answer.text().await.unwrap());
        }
    }

    async fn listening(&self) {
        self.world.until("the bot listens", async || self.sim.listeners() > 0).await;
    }

    /// The bot's next answer in a space after `seen` of them.
    pub(crate) async fn answer(&self, room: &str, seen: usize) -> Message {
        self.world.until("the bot answers", async || self.sim.said_in(room).len() > seen).await;
        self.sim.said_in(room).remove(seen)
    }

    /// Somebody writes to the bot alone, and it answers.
    pub(crate) async fn ask(&self, email: &str, text: &str) -> Message {
        self.listening().await;
        let room = self.sim.direct(email);
        let seen = self.sim.said_in(&room).len();
        self.sim.write(email, text);
        self.answer(&room, seen).await
    }

    /// Presses the first button of a card, as a client does: its data, and what is typed.
    pub(crate) fn press(&self, email: &str, card: &Message, typed: &Value) {
        let mut inputs = card.attachments.as_ref().unwrap()[0]["content"]["actions"][0]["data"].clone();
        for (name, value) in typed.as_object().unwrap() {
            inputs[name] = value.clone();
        }
        self.sim.press(email, &card.uuid, inputs).unwrap();
    }

    /// Messages somebody wrote and cards somebody pressed.
    pub(crate) fn acts_of(&self, email: &str) -> usize {
        let model = self.sim.model();
        let uuid = &model.accounts.iter().find(|account| account.email == email).unwrap().uuid;
        let wrote = model.messages.iter().filter(|message| message.person == *uuid).count();
        wrote + model.actions.iter().filter(|action| action.person == *uuid).count()
    }

    /// The space of the incident that is open or was last.
    async fn space(&self) -> String {
        let find = || self.sim.model().rooms.iter().rev().find(|room| !room.direct).map(|room| room.uuid.clone());
        self.world.until("there is a space", async || find().is_some()).await;
        find().unwrap()
    }

    fn told(&self, room: &str) -> String {
        self.sim.said_in(room).iter().map(|one| format!("{}\n", one.markdown.clone().unwrap_or_default())).collect()
    }

    async fn until_told(&self, room: &str, text: &str) {
        self.world.until(&format!("the space is told “{text}”"), async || self.told(room).contains(text)).await;
    }

    async fn count(&self, what: &str) -> usize {
        let numbers = http().get(format!("{}/metrics", self.world.url)).bearer_auth(self.world.everything());
        let numbers = numbers.send().await.unwrap().text().await.unwrap();
        let line =
            numbers.lines().find(|line| line.starts_with(&format!("lockdown_webex_ignored_total{{why=\"{what}\"}}")));
        line.unwrap_or_else(|| panic!("{numbers}")).rsplit(' ').next().unwrap().parse().unwrap()
    }
}

/// What went over the wire is kept for `cargo xtask test reference`, which holds it against the API's description.
impl Drop for Bot {
    fn drop(&mut self) {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("webex");
        let name = self.world.url.rsplit(':').next().unwrap_or_default();
        let kept = serde_json::to_vec(&self.sim.exchanges()).unwrap();
        let _ =
            std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join(format!("{name}.json")), kept));
    }
}

fn markdown(message: &Message) -> String {
    message.markdown.clone().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_eoc_locks_by_card_the_space_gathers_and_only_a_senior_releases() {
    let bot = Bot::new().await;
    let card = bot.ask(EOC, "lock fire in the mill").await;
    assert!(markdown(&card).contains("Lock the PSTN for Acme North?"), "{card:?}");
    assert_eq!(bot.world.standing().await, "normal", "nothing is done before it is confirmed");
    bot.press(EOC, &card, &json!({}));
    bot.world.until_standing("locked").await;
    bot.world.calls_are_locked();
    let direct = bot.sim.direct(EOC);
    bot.world
        .until("the same message tells the end", async || {
            let said = bot.sim.said_in(&direct);
            said.len() == 2 && markdown(&said[1]).contains("PSTN LOCKED") && markdown(&said[1]).contains("Done after")
        })
        .await;
    assert!(
        bot.world
            .events()
            .await
            .iter()
            .any(|event| event["text"] == "Lock ordered: “fire in the mill”" && event["by"] == "EOC 1 (bot)")
    );

    bot.press(EOC, &card, &json!({}));
    assert!(markdown(&bot.answer(&direct, 2).await).contains("out of date"), "a card is good once");
    assert_eq!(bot.world.happened("lock_ordered").await, 1);

    let room = bot.space().await;
    bot.until_told(&room, "Verified locked").await;
    bot.until_told(&room, "PSTN LOCKED").await;
    {
        let model = bot.sim.model();
        let space = model.room(&room).unwrap();
        assert!(space.locked && space.title.contains("Acme North: lockdown of"), "{space:?}");
        let member = |email: &str| {
            let person = model.by_email(email).unwrap().uuid.clone();
            model.memberships.iter().find(|one| one.room == room && one.person == person).map(|one| one.moderator)
        };
        assert_eq!((member(EOC), member(SENIOR), member(RESIDENT)), (Some(false), Some(true), None));
    }

    let no = bot.ask(EOC, "release").await;
    assert!(markdown(&no).contains("Only senior EOC personnel may give the all-clear"), "{no:?}");
    assert_eq!(bot.world.happened("refused").await, 1);
    let card = bot.ask(SENIOR, "release").await;
    bot.press(SENIOR, &card, &json!({ "typed": "Acme South" }));
    let direct = bot.sim.direct(SENIOR);
    assert!(markdown(&bot.answer(&direct, 1).await).contains("Type the site’s name"));
    assert_eq!(bot.world.standing().await, "locked");
    bot.press(SENIOR, &card, &json!({ "typed": "acme north" }));
    bot.world.until_standing("normal").await;
    bot.world.calls_are_normal();
    bot.until_told(&room, "All-clear ordered").await;
    bot.world
        .until("the space is closed", async || bot.sim.model().room(&room).unwrap().title.starts_with("[CLOSED]"))
        .await;
    assert_eq!(bot.told(&room).matches("Lock ordered").count(), 1, "{}", bot.told(&room));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_can_be_typed_and_in_a_space_the_bot_is_mentioned() {
    let bot = Bot::new().await;
    let card = bot.ask(EOC, "LOCK").await;
    let code = markdown(&card).split("`confirm ").nth(1).unwrap()[..8].to_owned();
    let wrong = bot.ask(SENIOR, &format!("confirm {code}")).await;
    assert!(markdown(&wrong).contains("out of date"), "another person's code is none: {wrong:?}");
    bot.ask(EOC, &format!("confirm {code} gas leak")).await;
    bot.world.until_standing("locked").await;
    let again = bot.ask(EOC, &format!("confirm {code}")).await;
    assert!(markdown(&again).contains("out of date"), "once: {again:?}");
    let room = bot.space().await;
    bot.until_told(&room, "gas leak").await;
    bot.world
        .until("the senior is in", async || {
            let model = bot.sim.model();
            model.is_in(&model.by_email(SENIOR).unwrap().uuid, &room)
        })
        .await;

    let asked = bot.sim.mention(SENIOR, &room, None, "status");
    // The timeline goes on beside it.
    let answers = |one: &Message| one.parent.as_ref() == Some(&asked.uuid) && markdown(one).contains("PSTN LOCKED");
    bot.world.until("it is answered in its thread", async || bot.sim.said_in(&room).iter().any(answers)).await;
    bot.sim.mention(SENIOR, &room, None, "the mill is empty now");
    bot.world.until("it is noted", async || bot.world.happened("noted").await == 1).await;
    let help = markdown(&bot.ask(RESIDENT, "what is this?").await);
    assert!(help.contains("`status`") && !help.contains("`lock"), "{help}");
    let help = markdown(&bot.ask(EOC, "help").await);
    assert!(help.contains("`lock") && !help.contains("`release`"), "{help}");
    let logged = bot.ask(EOC, "log out 780 555 0199, <@all> Ann, her [mother](http://x)").await;
    assert!(markdown(&logged).contains("R-1") && !markdown(&logged).contains("<@all>"), "{logged:?}");
    assert!(markdown(&bot.ask(EOC, "requests").await).contains("R-1"));
    assert!(markdown(&bot.ask(EOC, "approve 1 line 4711").await).contains("approved"));
    assert!(markdown(&bot.ask(EOC, "close 1").await).contains("No."), "an end is said in words");
    assert!(markdown(&bot.ask(EOC, "who").await).contains("nobody has taken command"));
    assert!(markdown(&bot.ask(EOC, "report").await).contains("Locked by EOC 1 (bot)"));
    let card = bot.ask(SENIOR, "release").await;
    let code = markdown(&card).split("`confirm ").nth(1).unwrap()[..8].to_owned();
    bot.ask(SENIOR, &format!("confirm {code} Acme North")).await;
    bot.world.until_standing("normal").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forged_replayed_stale_or_from_strangers_does_nothing() {
    let bot = Bot::new().await;
    bot.listening().await;
    let card = bot.ask(EOC, "lock").await;
    let room = bot.sim.direct(EOC);
    let data = card.attachments.as_ref().unwrap()[0]["content"]["actions"][0]["data"].clone();
    let mut forged = 0;
    for (name, value) in [
        ("code", json!("AAAAAAAA")),
        ("site", json!("acme-south")),
        ("act", json!("release")),
        ("slot", json!("9999999999999")),
        ("version", json!({ "no": 1 })),
        ("slot", json!([1])),
        ("do", json!(17)),
    ] {
        let mut inputs = data.clone();
        inputs[name] = value;
        let seen = bot.sim.said_in(&room).len();
        bot.sim.press(EOC, &card.uuid, inputs).unwrap();
        bot.answer(&room, seen).await;
        forged += 1;
    }
    assert_eq!(bot.world.standing().await, "normal");
    assert!(bot.count("forged").await >= 5);

    // Pressed by somebody else: a space where both are.
    let shared = bot.sim.group(&[EOC, SENIOR, "stranger@elsewhere.example", "other@webex.bot"]);
    bot.sim.mention(EOC, &shared, None, "lock");
    let card = bot.answer(&shared, 0).await;
    bot.press(SENIOR, &card, &json!({}));
    assert!(markdown(&bot.answer(&shared, 1).await).contains("made for somebody else"));
    assert_eq!(bot.world.standing().await, "normal");

    bot.sim.mention("stranger@elsewhere.example", &shared, None, "lock");
    bot.sim.mention("other@webex.bot", &shared, None, "status");
    bot.world.until("strangers get nothing", async || bot.count("stranger").await == 2).await;
    assert_eq!(bot.sim.said_in(&shared).len(), 2);

    let old = simulators::webex::model::stamp_before(300);
    let direct = bot.sim.direct(EOC);
    let seen = bot.sim.said_in(&direct).len();
    bot.sim.write_at(EOC, "lock", old);
    assert!(markdown(&bot.answer(&direct, seen).await).contains("5 min late: nothing was done"));
    bot.sim.faults().repeats = 3;
    let seen = bot.sim.said_in(&direct).len();
    let message = bot.sim.write(EOC, "status");
    bot.answer(&direct, seen).await;
    bot.sim.tell_again("messages", &message.uuid, &direct, &message.person);
    bot.world.until("replays are counted", async || bot.count("replayed").await >= 6).await;
    assert_eq!(bot.sim.said_in(&direct).len(), seen + 1, "answered once");
    bot.sim.faults().repeats = 0;

    let long = format!("lock {}", "<@all> é".repeat(800));
    let card = bot.ask(EOC, &long[..7000]).await;
    assert!(card.markdown.as_ref().unwrap().len() <= 7439 && !card.markdown.as_ref().unwrap().contains("<@all>"));
    assert_eq!(bot.world.standing().await, "normal");
    refused("forged or misused bot cards", forged + 1);
    refused("bot commands replayed", bot.count("replayed").await);
    refused("bot commands too old", bot.count("stale").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resident_is_answered_from_the_card() {
    let bot = Bot::new().await;
    bot.world.lock_verified().await;
    let room = bot.space().await;
    let mut resident = Browser::new(&bot.world);
    let secret = "b".repeat(32);
    let form = format!("site={SITE}&who=Ann&call_back=780-555-0199&reason=her+mother&priority=urgent&form={secret}");
    resident.post("/requests/file", &form, true).await;
    bot.until_told(&room, "R-1").await;
    let card = bot.sim.said_in(&room).into_iter().find(|one| markdown(one).contains("asks for a call")).unwrap();
    let buttons = card.attachments.as_ref().unwrap()[0]["content"]["actions"].clone();
    let button =
        |title: &str| buttons.as_array().unwrap().iter().find(|one| one["title"] == title).unwrap()["data"].clone();
    let mut answer = button("Answer");
    answer["text"] = json!("We call you in five minutes");
    bot.world.until("the EOC is in", async || bot.sim.press(EOC, &card.uuid, answer.clone()).is_some()).await;
    let page =
        async |resident: &mut Browser| resident.get(&format!("/requests/t/{secret}")).await.text().await.unwrap();
    bot.world
        .until("the resident reads it", async || {
            page(&mut Browser::new(&bot.world)).await.contains("We call you in five minutes")
        })
        .await;
    resident.post("/requests/answer", &format!("form={secret}&text=Thank+you"), true).await;
    bot.until_told(&room, "Thank you").await;
    let thanks = bot.sim.said_in(&room).into_iter().find(|one| markdown(one).contains("Thank you")).unwrap();
    assert_eq!(thanks.parent.as_ref(), Some(&card.uuid), "in the request's thread");
    bot.sim.mention(EOC, &room, Some(&card.uuid), "the line is free now");
    bot.world
        .until("the reply reaches the page", async || {
            page(&mut Browser::new(&bot.world)).await.contains("the line is free now")
        })
        .await;
    bot.sim.press(EOC, &card.uuid, button("Accept")).unwrap();
    bot.world.until("approved", async || page(&mut Browser::new(&bot.world)).await.contains("Approved")).await;
    bot.sim.press(SENIOR, &card.uuid, button("Close"));
    bot.until_told(&room, "No.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webex_that_was_away_during_a_lock_is_told_all_of_it_later_and_once() {
    let bot = Bot::new().await;
    bot.listening().await;
    bot.sim.stop().await;
    bot.world.lock_verified().await;
    bot.world.until("it is said", async || bot.world.happened("webex_lost").await == 1).await;
    let mut eoc = signed_in(&bot.world, 1, "eoc").await;
    assert!(eoc.get("/console").await.text().await.unwrap().contains("The Webex bot is unavailable"));
    bot.world.release_verified().await;
    bot.world.until_standing("normal").await;
    bot.sim.resume().unwrap();
    let room = bot.space().await;
    bot.world
        .until("the space is closed", async || bot.sim.model().room(&room).unwrap().title.starts_with("[CLOSED]"))
        .await;
    let told = bot.told(&room);
    for text in ["Lock ordered", "Verified locked", "All-clear ordered", "Verified normal"] {
        assert_eq!(told.matches(text).count(), 1, "{text}: {told}");
    }
    assert_eq!(bot.sim.model().rooms.iter().filter(|room| !room.direct).count(), 1);
    bot.world.until("it is said", async || bot.world.happened("webex_back").await == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_gives_no_sign_of_life_is_opened_anew_and_nothing_is_lost() {
    let bot = Bot::new().await;
    bot.listening().await;
    bot.sim.faults().half_open = true;
    let room = bot.sim.direct(EOC);
    bot.sim.write(EOC, "status");
    bot.sim.faults().half_open = false;
    // The old line stays silent for what was told; a new one brings it.
    let answer = bot.answer(&room, 0).await;
    assert!(markdown(&answer).contains("Normal calling"), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_said_and_the_lock_works() {
    let bot = Bot::new().await;
    bot.listening().await;
    bot.sim.faults().revoked.insert(BOT_TOKEN.into());
    bot.world.lock_verified().await;
    bot.sim.stop().await;
    bot.sim.resume().unwrap();
    bot.world
        .until("it is said", async || {
            bot.world
                .events()
                .await
                .iter()
                .any(|event| event["text"].as_str().unwrap().contains("does not take the bot’s token"))
        })
        .await;
    bot.sim.faults().revoked.clear();
    bot.world.until("it is back", async || bot.world.happened("webex_back").await == 1).await;
    bot.until_told(&bot.space().await, "Verified locked").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_webhook_only_what_webex_signed_is_heard() {
    let bot = Bot::with("transport = \"webhook\"\nwebhook_secret = \"hush\"\ninstance = \"test\"", DEMO).await;
    let hooks = || bot.sim.model().hooks.clone();
    bot.world.until("webhooks are registered", async || hooks().len() == 2).await;
    assert!(
        hooks()
            .iter()
            .all(|hook| hook.name.starts_with("test:") && hook.target == format!("{}/hooks/webex", bot.world.url))
    );
    let room = bot.sim.direct(EOC);
    bot.sim.write(EOC, "status");
    assert!(markdown(&bot.answer(&room, 0).await).contains("Normal calling"));

    let message = bot.sim.write(RESIDENT, "status");
    let body =
        json!({ "resource": "messages", "event": "created", "data": { "id": id("us", "MESSAGE", &message.uuid) } })
            .to_string();
    let deliver = async |signature: Option<String>, body: String| {
        let mut request = http().post(format!("{}/hooks/webex", bot.world.url));
        if let Some(signature) = signature {
            request = request.header("X-Spark-Signature", signature);
        }
        request.body(body).send().await.unwrap().status()
    };
    let good = simulators::webex::signature("hush", body.as_bytes());
    let forgeries =
        [None, Some(String::new()), Some("0".repeat(40)), Some(simulators::webex::signature("other", body.as_bytes()))];
    let tried = forgeries.len() + 1;
    for forged in forgeries {
        assert_eq!(deliver(forged.clone(), body.clone()).await, StatusCode::UNAUTHORIZED, "{forged:?}");
    }
    assert_eq!(deliver(Some(good.clone()), format!("{body} ")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(bot.count("forged").await, tried);
    assert_eq!(deliver(Some(good), body).await, StatusCode::NO_CONTENT);
    refused("forged webhook deliveries", tried);

    bot.sim.model().hooks.iter_mut().for_each(|hook| hook.active = false);
    bot.world.until("what was switched off is on again", async || hooks().iter().all(|hook| hook.active)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_cannot_be_invited_is_named_on_the_console_and_invited_again() {
    let bot = Bot::new().await;
    bot.sim.faults().uninvited.insert(SENIOR.into());
    bot.world.lock_verified().await;
    let room = bot.space().await;
    let mut eoc = signed_in(&bot.world, 1, "eoc").await;
    let mut console = async || eoc.get("/console").await.text().await.unwrap();
    bot.world
        .until("the console names the senior", async || console().await.contains("Not in the Webex space: Senior 1"))
        .await;
    bot.sim.faults().uninvited.clear();
    let incidents = bot.world.call(Method::GET, "/api/v1/incidents", &bot.world.everything(), None, &[]).await.2;
    let incident = incidents["incidents"][0]["id"].as_str().unwrap();
    let mut eoc = signed_in(&bot.world, 1, "eoc").await;
    let again = eoc.post("/ui/invite-again", &format!("id={incident}"), false).await;
    assert_eq!(again.status(), StatusCode::OK);
    bot.world
        .until("the senior is in", async || {
            let model = bot.sim.model();
            model.is_in(&model.by_email(SENIOR).unwrap().uuid, &room)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_links_the_account_with_the_code_of_the_own_page() {
    let bot = Bot::new().await;
    assert!(markdown(&bot.ask("senior2@acme.example", "lock").await).contains("I do not know you yet"));
    let mut senior = signed_in(&bot.world, 3, "senior_eoc").await;
    let page = senior.get("/me").await.text().await.unwrap();
    let line = page.split("<code>link ").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let linked = bot.ask("senior2@acme.example", &format!("link {line}")).await;
    assert!(markdown(&linked).contains("You are Senior 2"), "{linked:?}");
    assert!(markdown(&bot.ask("senior2@acme.example", "lock").await).contains("Lock the PSTN"));
    let twice = bot.ask(RESIDENT, &format!("link {line}")).await;
    assert!(markdown(&twice).contains("belongs to another profile"), "{twice:?}");
    let other = bot.ask("senior2@acme.example", "link AAAAAAAA").await;
    assert!(markdown(&other).contains("invalid or has expired"), "{other:?}");
    assert!(bot.sim.model().by_email(BOT_EMAIL).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_devices_show_the_lock_until_the_all_clear_each_by_its_way() {
    let local = LocalDevice::start().await.unwrap();
    let sim_id = |n: usize| id("us", "DEVICE", &format!("dddd{n:04}-0000-4000-8000-{n:012}"));
    let devices = format!(
        "[[webex.device]]\nname = \"EOC room\"\ndevice_id = \"{}\"\nwall = true\n[[webex.device]]\nname = \"Canteen\"\ndevice_id = \"{}\"\n[[webex.device]]\nname = \"Gate house\"\nurl = \"{}\"\nusername = \"lockdown\"\npassword = \"device-demo\"\ntls = {{ pin_sha256 = [\"{}\"] }}\n",
        sim_id(1),
        sim_id(2),
        local.url(),
        local.fingerprint()
    );
    let bot = Bot::with(&devices, DEMO).await;
    bot.sim.model().endpoints[1].online = false;
    bot.world.lock_verified().await;
    let shows = |what: &str| bot.sim.model().endpoints[0].shows.get(what).cloned();
    bot.world.until("it is told", async || bot.world.happened("devices_told").await == 1).await;
    let line = shows("UserInterface.Message.TextLine").unwrap();
    assert!(line["Text"].as_str().unwrap().contains("Emergency: dial 911"), "{line}");
    assert_eq!(line["Duration"], 0, "until it is cleared");
    assert!(shows("UserInterface.WebView").unwrap()["Url"].as_str().unwrap().contains("/wall?site=acme-north"));
    assert!(local.endpoint().shows.contains_key("UserInterface.Message.TextLine"));
    assert_eq!(local.endpoint().took[0], "Standby.Deactivate", "woken first");
    let told = bot.world.events().await.into_iter().find(|event| event["detail"]["what"] == "devices_told").unwrap();
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("2 of 3 room devices show the lock") && text.contains("Canteen"), "{text}");
    bot.world.release_verified().await;
    bot.world
        .until("they are cleared", async || {
            bot.sim.model().endpoints[0].shows.is_empty() && local.endpoint().shows.is_empty()
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_app_makes_one_meeting_for_each_incident_and_the_bridge_stands_in() {
    let meeting = "meeting_url = \"https://bridge.acme.example\"\n[webex.meeting]\nhost_email = \"senior1@acme.example\"\nclient_id = \"c\"\nclient_secret = \"service-app-secret\"\nrefresh_token = \"service-app-refresh\"\n";
    let bot = Bot::with(meeting, DEMO).await;
    bot.world.lock_verified().await;
    let room = bot.space().await;
    bot.until_told(&room, "The meeting is at https://acme.webex.example/").await;
    assert_eq!(bot.sim.model().meetings.len(), 1);
    let mut eoc = signed_in(&bot.world, 1, "eoc").await;
    assert!(eoc.get("/console").await.text().await.unwrap().contains("https://acme.webex.example/"));

    let bot = Bot::with(&meeting.replace("service-app-refresh", "expired"), DEMO).await;
    bot.world.lock_verified().await;
    let room = bot.space().await;
    bot.until_told(&room, "Meeting: https://bridge.acme.example").await;
    assert_eq!(bot.sim.model().meetings.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cloud_that_is_busy_forgetful_and_elsewhere_is_dealt_with() {
    let bot = Bot::new().await;
    bot.listening().await;
    for _ in 0..120 {
        bot.sim.group(&[EOC]);
    }
    {
        let mut faults = bot.sim.faults();
        faults.cluster = "urn:TEAM:eu-central-1_k".into();
        faults.no_card_edits = true;
        faults.lose_filters = true;
        faults.next = [(503, None), (429, Some("1")), (429, Some("rand(30),add(30)")), (423, Some("1")), (502, None)]
            .map(|(status, after): (u16, Option<&str>)| (status, after.map(str::to_owned)))
            .into();
    }
    let answer = bot.ask(EOC, "status").await;
    assert!(markdown(&answer).contains("Normal calling"), "a busy cloud is asked again: {answer:?}");
    bot.world.lock_verified().await;
    let spaces =
        || bot.sim.model().rooms.iter().filter(|room| room.title.contains("lockdown of")).cloned().collect::<Vec<_>>();
    bot.world.until("the space is there", async || !spaces().is_empty()).await;
    let room = spaces()[0].uuid.clone();
    assert_eq!(spaces()[0].cluster, "urn:TEAM:eu-central-1_k");
    bot.until_told(&room, "Verified locked").await;
    bot.world
        .until("the EOC is in", async || {
            let model = bot.sim.model();
            model.is_in(&model.by_email(EOC).unwrap().uuid, &room)
        })
        .await;
    let seen = bot.sim.said_in(&room).len();
    bot.sim.mention(EOC, &room, None, "status");
    assert!(markdown(&bot.answer(&room, seen).await).contains("PSTN LOCKED"));
    bot.sim.faults().next_host = Some("http://127.0.0.1:9".into());
    bot.world.release_verified().await;
    bot.world.until("the space is closed", async || spaces()[0].title.starts_with("[CLOSED]")).await;
    let cards = || bot.sim.said_in(&room).iter().filter(|one| one.attachments.is_some()).count();
    assert_eq!((cards(), spaces().len()), (1, 1), "a card that cannot be edited is written anew, and the old one goes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_make_one_space_and_answer_once() {
    let database = simulators::database::Database::start().await.unwrap();
    let sim = Arc::new(WebexSim::start(0).unwrap());
    let more = More { sections: section(&sim, ""), ..More::default() };
    let first = World::with_database_and(&database, more).await;
    let second = World::beside(&first).await;
    first.until("both listen", async || sim.listeners() == 2).await;
    for (name, number, role) in [("EOC 1", 1, "eoc"), ("Senior 1", 2, "senior_eoc")] {
        let person = &simulators::b2c::demo_people()[number - 1];
        let words =
            ["people", "add", "--name", name, "--subject", &person.oid, "--role", role, "--webex", &person.email];
        assert!(first.run(&words).status.success());
    }
    first.until_standing("normal").await;
    second.lock_verified().await;
    first.until_standing("locked").await;
    first.release_verified().await;
    let bot = Bot { world: first, sim };
    let room = bot.space().await;
    bot.world
        .until("the space is closed", async || bot.sim.model().room(&room).unwrap().title.starts_with("[CLOSED]"))
        .await;
    assert_eq!(bot.sim.model().rooms.iter().filter(|room| !room.direct).count(), 1);
    let told = bot.told(&room);
    for text in ["Lock ordered", "Verified locked", "All-clear ordered", "Verified normal"] {
        assert_eq!(told.matches(text).count(), 1, "{text}: {told}");
    }
    let direct = bot.sim.direct(EOC);
    let answer = bot.ask(EOC, "status").await;
    assert!(markdown(&answer).contains("Normal calling"));
    bot.world
        .until("the other server heard it too", async || {
            let count = async |world: &World| {
                let numbers = http().get(format!("{}/metrics", world.url)).bearer_auth(bot.world.everything());
                numbers
                    .send()
                    .await
                    .unwrap()
                    .text()
                    .await
                    .unwrap()
                    .contains("lockdown_webex_ignored_total{why=\"replayed\"} 1")
            };
            count(&bot.world).await || count(&second).await
        })
        .await;
    assert_eq!(bot.sim.said_in(&direct).len(), 1, "answered once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_meant_is_what_is_asked_and_kept() {
    let site = format!(
        "{}{}",
        DEMO.replace("id = \"acme-north\"", "id = \"acme-north\"\nrelease_by_two = true"),
        include_str!("../../../end2end/drill-site.toml")
    );
    let bot = Bot::with("", &site).await;
    for words in ["lock acme-north-drill", "drill"] {
        let drill = bot.ask(EOC, words).await;
        assert!(markdown(&drill).contains("Practise the lock: DRILL Acme North?"), "{words}: {drill:?}");
    }
    let card = bot.ask(EOC, "drill").await;
    bot.press(EOC, &card, &json!({}));
    let direct = bot.sim.direct(EOC);
    bot.world
        .until("it is practised", async || {
            bot.sim.said_in(&direct).last().is_some_and(|one| markdown(one).contains("DRILL: canaries locked"))
        })
        .await;
    assert_eq!(bot.world.standing().await, "normal");

    let card = bot.ask(EOC, "lock fire in the mill").await;
    let code = markdown(&card).split("`confirm ").nth(1).unwrap()[..8].to_owned();
    bot.ask(EOC, &format!("confirm {code}")).await;
    bot.world.until_standing("locked").await;
    let events = bot.world.events().await;
    assert!(
        events.iter().any(|event| event["text"] == "Lock ordered: “fire in the mill”"),
        "a typed code keeps the reason"
    );
    let card = bot.ask(SENIOR, "release it is out").await;
    let code = markdown(&card).split("`confirm ").nth(1).unwrap()[..8].to_owned();
    let first = bot.ask(SENIOR, &format!("confirm {code} Acme North")).await;
    assert!(markdown(&first).contains("It counts when another senior gives it too"), "{first:?}");
    assert_eq!(bot.world.standing().await, "locked");
    let again = bot.ask(EOC, "lock smoke again").await;
    assert!(markdown(&again).contains("Lock the PSTN"), "a lock takes the asked-for all-clear back: {again:?}");
    bot.press(EOC, &again, &json!({}));
    bot.world.until("it is ordered again", async || bot.world.happened("lock_ordered").await == 3).await;

    let spaces = || {
        bot.sim
            .model()
            .rooms
            .iter()
            .filter(|room| room.title.starts_with("Acme North"))
            .map(|room| room.uuid.clone())
            .collect::<Vec<_>>()
    };
    bot.world.until("the space is there", async || !spaces().is_empty()).await;
    let room = spaces()[0].clone();
    let form = format!(
        "site={SITE}&who=%5BSign+in+again%5D(https%3A%2F%2Fevil.example)&call_back=4711&reason=%3C%40all%3E&priority=urgent&form={}",
        "c".repeat(32)
    );
    Browser::new(&bot.world).post("/requests/file", &form, true).await;
    bot.until_told(&room, "R-1").await;
    let card = bot.sim.said_in(&room).into_iter().find(|one| markdown(one).contains("asks for a call")).unwrap();
    let everything = format!("{}{}", markdown(&card), card.attachments.unwrap());
    assert!(!everything.contains("](") && !everything.contains("<@"), "nobody's words are a link: {everything}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_not_answered_a_megabyte_is_and_a_stop_leaves_nothing_behind() {
    let bot = Bot::with("team_name = \"EOC\"", DEMO).await;
    let room = bot.sim.direct(EOC);
    let huge = bot.ask(EOC, &format!("lock {}", "a".repeat(1_000_000))).await;
    assert!(markdown(&huge).len() <= 7439 && huge.attachments.unwrap().to_string().len() < 15_000);
    for _ in 0..60 {
        bot.sim.write(EOC, "status");
    }
    bot.world.until("the rest is left alone", async || bot.count("throttled").await >= 20).await;
    assert!(bot.sim.said_in(&room).len() <= 41, "{}", bot.sim.said_in(&room).len());
    bot.world.lock_verified().await;
    let space = bot.space().await;
    let team = bot.sim.model().room(&space).unwrap().team.clone();
    assert_eq!(bot.sim.model().teams, [(team.unwrap(), "EOC".to_owned())], "a team that is asked for by name is made");
    assert_eq!(bot.sim.registered(), 1);
    bot.world.stop();
    assert_eq!((bot.sim.registered(), bot.sim.listeners()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_was_removed_from_the_space_says_so_and_begins_anew_when_asked() {
    let bot = Bot::new().await;
    bot.world.lock_verified().await;
    let room = bot.space().await;
    bot.until_told(&room, "Verified locked").await;
    {
        let mut model = bot.sim.model();
        let me = model.by_email(BOT_EMAIL).unwrap().uuid.clone();
        model.memberships.retain(|one| one.room != room || one.person != me);
    }
    let mut eoc = signed_in(&bot.world, 1, "eoc").await;
    let incidents = bot.world.call(Method::GET, "/api/v1/incidents", &bot.world.everything(), None, &[]).await.2;
    let incident = incidents["incidents"][0]["id"].as_str().unwrap().to_owned();
    eoc.post("/ui/write-incident", &format!("id={incident}&what=note&name=&text=smoke"), false).await;
    let mut console = async || eoc.get("/console").await.text().await.unwrap();
    bot.world.until("the console says so", async || console().await.contains("The Webex space cannot be told")).await;
    let mut eoc = signed_in(&bot.world, 1, "eoc").await;
    assert_eq!(eoc.post("/ui/invite-again", &format!("id={incident}"), false).await.status(), StatusCode::OK);
    bot.world.until("there is another space", async || bot.space().await != room).await;
    let anew = bot.space().await;
    bot.until_told(&anew, "Note: smoke").await;
    assert_eq!(bot.told(&anew).matches("Lock ordered").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_websocket_goes_through_the_sites_proxy() {
    let proxy = SiteProxy::start().await;
    let bot = Bot::with(&format!("proxy = \"{}\"", proxy.url()), DEMO).await;
    assert!(markdown(&bot.ask(EOC, "status").await).contains("Normal calling"));
    assert!(proxy.tunnels() >= 1, "by CONNECT");

    proxy.stop().await;
    bot.world.lock_verified().await;
    bot.world.calls_are_locked();
    proxy.resume().await;
    let room = bot.space().await;
    bot.until_told(&room, "Lock ordered").await;
    assert!(markdown(&bot.ask(EOC, "status").await).contains("PSTN LOCKED"), "it listens again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_taken_by_webex_clock_and_doctor_names_ours() {
    let bot = Bot::new().await;
    bot.sim.run_behind(180);
    let card = bot.ask(EOC, "lock fire in the mill").await;
    assert!(markdown(&card).contains("Lock the PSTN for Acme North?"), "{card:?}");
    bot.press(EOC, &card, &json!({}));
    bot.world.until_standing("locked").await;
    let said = String::from_utf8(bot.world.run(&["doctor"]).stdout).unwrap();
    let ahead = ["180", "181"].map(|seconds| format!("the clock here is {seconds} s ahead of Webex’"));
    assert!(ahead.iter().any(|words| said.contains(words)), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_line_that_a_senior_is_shown_can_be_copied_as_it_is() {
    for name in ["Acme_North *West*", "St. John\u{2019}s [mill] ~1~", "Acme `North` #2"] {
        let site = DEMO.replace("name = \"Acme North\"", &format!("name = \"{name}\""));
        let bot = Bot::with("", &site).await;
        bot.world.lock_verified().await;
        let card = markdown(&bot.ask(SENIOR, "release").await);
        let line = card.split("write `").nth(1).unwrap().split('`').next().unwrap().to_owned();
        bot.ask(SENIOR, &line).await;
        bot.world.until_standing("normal").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_database_the_bot_locks_and_the_devices_show_it_and_the_space_comes_later() {
    let database = simulators::database::Database::start().await.unwrap();
    let sim = Arc::new(WebexSim::start(0).unwrap());
    let device = format!("[[webex.device]]\nname = \"EOC room\"\ndevice_id = \"{}\"", sim.device());
    let world = World::with_database_and(&database, More { sections: section(&sim, &device), ..More::default() }).await;
    let person = &simulators::b2c::demo_people()[0];
    let words = ["people", "add", "--name", "EOC 1", "--subject", &person.oid, "--role", "eoc", "--webex", EOC];
    assert!(world.run(&words).status.success());
    world.until_standing("normal").await;
    let bot = Bot { world, sim };
    // The first message binds the account, the second finds it bound: then there is a copy here.
    for _ in 0..2 {
        assert!(markdown(&bot.ask(EOC, "help").await).contains("`lock"));
    }
    database.kill();
    let card = bot.ask(EOC, "lock").await;
    bot.press(EOC, &card, &json!({}));
    bot.world
        .until("it is locked", async || {
            bot.world.dial("CSS-PHONE-LD", "914165551234")
                == simulators::cucm::digits::Outcome::Rings { number: "5911".into() }
        })
        .await;
    bot.world.until("the device shows it", async || !bot.sim.model().endpoints[0].shows.is_empty()).await;
    database.resume().await.unwrap();
    let room = bot.space().await;
    bot.until_told(&room, "Lock ordered").await;
    assert_eq!(bot.told(&room).matches("Lock ordered").count(), 1);
}
