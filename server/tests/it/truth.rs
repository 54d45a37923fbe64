//! No surface says more than is known: not that it is locked before every step was read back, not that it is normal unless
//! it was read so, and each falls back by itself when CUCM is not seen any more.

use crate::gadget;
use crate::phone::service;
use crate::sign_in::{Browser, signed_in};
use crate::webex::Bot;
use crate::world::{World, http};
use simulators::phone::{PUSHER, Phone, PhoneSim};
use simulators::webex::model::id;
use simulators::{CucmSim, FinesseSim};
use std::collections::BTreeMap;
use std::sync::Arc;

const PHONE: &str = "SEP001122334401";

/// Everything somebody can look at.
struct Everywhere {
    bot: Bot,
    finesse: Arc<FinesseSim>,
    phones: PhoneSim,
    eoc: Browser,
}

impl Everywhere {
    async fn new() -> Self {
        let finesse = Arc::new(FinesseSim::start(0).unwrap());
        let phones = PhoneSim::start(0, &[(PHONE, "CP-8845")]).unwrap();
        let device = id("us", "DEVICE", "dddd0001-0000-4000-8000-000000000001");
        let sections = format!(
            "[[webex.device]]\nname = \"EOC room\"\ndevice_id = \"{device}\"\n{}[phone]\nnetworks = [\"127.0.0.1\"]\n\
             [phone.push]\nusername = \"{}\"\npassword = \"{}\"\n[[phone.device]]\nname = \"{PHONE}\"\naddress = \"{}\"\n",
            gadget::section(&finesse),
            PUSHER.0,
            PUSHER.1,
            phones.address(0)
        );
        let bot = Bot::beside(&sections).await;
        let eoc = signed_in(&bot.world, 1, "eoc").await;
        Self { bot, finesse, phones, eoc }
    }

    fn world(&self) -> &World {
        &self.bot.world
    }

    fn cucm(&self) -> &CucmSim {
        &self.bot.world.cucm
    }

    /// What the bot answers. It answers nobody who asks all the time.
    async fn bot_says(&self) -> String {
        self.bot.ask("eoc1@acme.example", "status").await.markdown.unwrap_or_default()
    }

    /// What each of them says, as somebody reads it.
    async fn said(&mut self) -> BTreeMap<&'static str, String> {
        let mut said = BTreeMap::new();
        let public = http().get(&self.bot.world.url).send().await.unwrap().text().await.unwrap();
        said.insert("public page", format!("{} {}", of(&public, "banner-headline"), after(&public, "card how")));
        for (name, page) in [("console", "/console"), ("wall", "/wall")] {
            let text = self.eoc.get(page).await.text().await.unwrap();
            said.insert(name, of(&text, "banner-headline"));
        }
        let mut phone = Phone::new("SEP00112233FFFF", "CP-8845");
        phone.open(&service(&self.bot.world)).await.unwrap();
        said.insert("any desk phone", phone.text());
        let mut phone = Phone::new(PHONE, "CP-8845");
        phone.open(&service(&self.bot.world)).await.unwrap();
        said.insert("a phone of the EOC", phone.text());
        said.insert("a phone's banner", self.phones.banner(0).unwrap_or_default());
        let lines: Vec<String> = self.finesse.messages().into_iter().map(|one| one.content).collect();
        said.insert("agents' desktops", lines.join("\n"));
        let device = self.bot.sim.model().endpoints[0].shows.get("UserInterface.Message.TextLine").cloned();
        said.insert("a room device", device.map(|line| line["Text"].to_string()).unwrap_or_default());
        let feed = loop {
            let feed = http().get(format!("{}/api/v1/alerts.atom", self.bot.world.url)).send().await.unwrap();
            // Once a second, the public may ask.
            if feed.status() != reqwest::StatusCode::TOO_MANY_REQUESTS {
                break feed.text().await.unwrap();
            }
        };
        // The newest stands first.
        said.insert("alerts", after(&feed, "<entry>"));
        said.insert("REST", self.bot.world.standing().await);
        said.insert("REST's words", self.bot.world.site().await["said"]["headline"].as_str().unwrap().to_owned());
        said
    }

    async fn until_all(&mut self, what: &str, holds: impl Fn(&str, &str) -> bool) {
        let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let said = self.said().await;
            let wrong: Vec<_> = said.iter().filter(|(surface, text)| !holds(surface, text)).collect();
            if wrong.is_empty() {
                let bot = self.bot_says().await;
                assert!(holds("bot", &bot), "{what}: the bot says {bot}");
                return;
            }
            assert!(std::time::Instant::now() < end, "{what}: {wrong:#?}\n{}", self.world().log());
            tokio::task::yield_now().await;
        }
    }
}

/// The text of the first element of this class.
fn of(page: &str, class: &str) -> String {
    let rest = page.split(&format!("class=\"{class}\">")).nth(1).unwrap_or_default();
    rest.split("</").next().unwrap_or_default().to_owned()
}

fn after(page: &str, mark: &str) -> String {
    page.split(mark).nth(1).unwrap_or_default().chars().take(600).collect()
}

/// Says that outside calls go through the EOC.
fn claims_locked(said: &str) -> bool {
    ["PSTN LOCKED", "Outside calls go through the"].iter().any(|words| said.contains(words)) || said == "locked"
}

/// Says that calls are as usual.
fn claims_normal(said: &str) -> bool {
    ["Normal calling", "Phones work normally", "Just dial. The lines are open."]
        .iter()
        .any(|words| said.contains(words))
        || said == "normal"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_surface_says_locked_before_it_was_read_back_and_each_falls_back_when_cucm_is_gone() {
    let mut all = Everywhere::new().await;
    all.world().until_standing("normal").await;
    // An order whose first write never comes back: calls still go out.
    all.cucm().faults().writes_left = Some(0);
    all.world().order("locked", "").await;
    all.until_all("the order is seen, and nobody calls it done", |surface, said| {
        let told = match surface {
            "REST" => said == "pending",
            "alerts" => said.contains("ordered"),
            _ => ["Lock accepted", "Locking", "lock ordered", "being routed"].iter().any(|words| said.contains(words)),
        };
        assert!(!claims_locked(said), "{surface} says that it is locked: {said}");
        told && !claims_normal(said)
    })
    .await;
    assert!(matches!(
        all.cucm().dial("CSS-PHONE-LD", "914165551234", simulators::cucm::digits::Dialling::EnBloc).outcome,
        simulators::cucm::digits::Outcome::Pstn { .. }
    ));

    all.cucm().faults().writes_left = None;
    all.until_all("every surface says that it is locked", |_, said| claims_locked(said) && !claims_normal(said)).await;
    all.world().calls_are_locked();

    all.cucm().stop().await;
    all.until_all("every surface says that it cannot be seen", |surface, said| {
        let unseen = match surface {
            "REST" => said == "unknown",
            "alerts" => said.contains("cannot be confirmed now"),
            _ => ["cannot see CUCM", "cannot confirm", "unconfirmed"].iter().any(|words| said.contains(words)),
        };
        unseen && !claims_locked(said) && !claims_normal(said)
    })
    .await;

    all.cucm().resume().unwrap();
    all.until_all("and again that it is locked", |_, said| claims_locked(said)).await;
    all.world().release_verified().await;
    all.until_all("and in the end that it is normal", |surface, said| {
        let quiet = matches!(surface, "a phone's banner" | "agents' desktops" | "a room device");
        !claims_locked(said) && if quiet { said.is_empty() } else { claims_normal(said) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_ordered_while_cucm_is_gone_is_told_everywhere_as_ordered_and_not_confirmed() {
    let mut all = Everywhere::new().await;
    all.world().until_standing("normal").await;
    all.cucm().stop().await;
    all.world().until_standing("unknown").await;
    all.world().order("locked", "").await;
    all.until_all("the order is told, and that it is not confirmed", |surface, said| {
        let told = match surface {
            "REST" => said == "unknown",
            "alerts" => said.contains("not confirmed") || said.contains("cannot be confirmed"),
            _ => ["LOCK ORDERED, not confirmed", "lock unconfirmed", "A lock of outside calls is ordered"]
                .iter()
                .any(|words| said.contains(words)),
        };
        told && !claims_locked(said) && !claims_normal(said)
    })
    .await;
}
