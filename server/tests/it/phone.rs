//! The service on desk phones, driven by keys as somebody at a phone would.

use crate::sign_in::{Browser, signed_in};
use crate::world::{More, World, http, refused};
use lockdown::ids::OperatorId;
use reqwest::StatusCode;
use serde_json::Value;
use simulators::phone::object::Object;
use simulators::phone::{PUSHER, Phone, PhoneSim};

/// EOC 1's own, and one of the EOC that is nobody's.
const OWN: &str = "SEP001122334401";
const SHARED: &str = "SEP001122334402";

const PIN: &str = "428913";

/// EOC 1's directory number.
const EXTENSION: &str = "4701";

/// `more` stands in the section, besides two phones.
pub(crate) fn section(networks: &str, more: &str) -> String {
    format!(
        "[phone]\nnetworks = [\"{networks}\"]\n{more}\n[[phone.device]]\nname = \"{OWN}\"\n[[phone.device]]\nname = \"{SHARED}\"\n"
    )
}

async fn world() -> World {
    let world = World::with(More { sections: section("127.0.0.1", ""), ..More::default() }).await;
    world.until_standing("normal").await;
    ready(&world).await;
    world
}

/// EOC 1 has a phone, an extension and a PIN; so has the senior, but for the phone.
pub(crate) async fn ready(world: &World) {
    for (number, role, extension, phone) in [(1, "eoc", EXTENSION, OWN), (2, "senior_eoc", "4702", "")] {
        let person = &simulators::b2c::demo_people()[number - 1];
        let phone = if phone.is_empty() { vec![] } else { vec!["--phone", phone] };
        let words = [
            "people",
            "add",
            "--name",
            &person.name,
            "--subject",
            &person.oid,
            "--role",
            role,
            "--extension",
            extension,
        ];
        world.run(&[&words[..], &phone].concat());
        let mut browser = Browser::new(world);
        browser.sign_in(world, number, "/me").await;
        let set = browser.post("/ui/set-pin", &format!("pin={PIN}"), false).await;
        assert_eq!(set.status(), StatusCode::OK, "{}", set.text().await.unwrap());
    }
}

pub(crate) fn service(world: &World) -> String {
    format!("{}/phone/v1?d=#DEVICENAME#", world.url)
}

/// At EOC 1's phone or, with an extension, at the one everybody uses: LOCK, PIN, Submit.
pub(crate) async fn lock_at(world: &World, extension: Option<&str>, pin: &str) -> Phone {
    let (device, model) = if extension.is_some() { (SHARED, "DP-9841") } else { (OWN, "CP-8845") };
    let mut phone = Phone::new(device, model);
    phone.open(&service(world)).await.unwrap();
    phone.key('2').await.unwrap();
    if let Some(extension) = extension {
        phone.keys(extension).await.unwrap();
        phone.down();
    }
    phone.keys(pin).await.unwrap();
    phone.soft("Submit").await.unwrap();
    phone
}

/// What somebody would read out, however its lines are broken.
fn said(phone: &Phone) -> String {
    phone.text().replace('\n', " ")
}

async fn until_it_says(world: &World, phone: &mut Phone, what: &str) {
    let mut tries = 0;
    world
        .until(&format!("the phone says {what}"), async || {
            tries += 1;
            phone.refresh().await.unwrap();
            phone.text().contains(what)
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_eoc_locks_from_its_own_phone_by_pin_and_two_keys_and_sees_it_verified() {
    let world = world().await;
    let mut phone = Phone::new(OWN, "CP-8845");
    phone.open(&service(&world)).await.unwrap();
    assert_eq!(
        phone.text(),
        "PSTN Acme North\nNormal calling\n1  Status\n2  LOCK the PSTN: Acme North\n3  Log a call\n[Select] [Exit]"
    );
    assert!(phone.svg().contains("LOCK the PSTN"), "as a picture too");
    phone.key('2').await.unwrap();
    assert!(phone.text().contains("> PIN: "), "{}", phone.text());
    phone.keys(PIN).await.unwrap();
    assert!(phone.text().contains("PIN: ******"), "nobody reads along");
    phone.soft("Submit").await.unwrap();
    until_it_says(&world, &mut phone, "PSTN LOCKED").await;
    assert!(said(&phone).contains("verified at") && said(&phone).contains("by EOC 1 (phone)"), "{}", phone.text());
    assert!(said(&phone).contains("Emergency: dial 911"));
    world.until_standing("locked").await;
    world.calls_are_locked();
    // Not again from the phone, and no way to give the all-clear there.
    phone.open(&service(&world)).await.unwrap();
    assert_eq!(phone.text(), "PSTN Acme North\nPSTN LOCKED\n1  Status\n2  Log a call\n[Select] [Exit]");
    assert!(!phone.asked().iter().any(|url| url.contains(PIN)), "an 8800 sends it in a body");
    let log = world.log();
    assert!(!log.contains(PIN), "in no log: {log}");
}

#[tokio::test]
async fn a_phone_that_may_stand_anywhere_shows_every_site() {
    let world = World::stopped(&format!("{}{}", section("127.0.0.1", ""), crate::people::two_sites()), "").await;
    world.serve().await;
    world.until_standing("normal").await;
    let mut phone = Phone::new("SEP00112233FFFF", "CP-8845");
    phone.open(&service(&world)).await.unwrap();
    until_it_says(&world, &mut phone, "Acme South: Phones").await;
    assert!(said(&phone).contains("Acme North: Phones work normally, checked"), "{}", phone.text());
    assert!(said(&phone).contains("Emergency: dial 911"), "{}", phone.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_phone_of_everybody_extension_and_pin_are_asked_and_no_log_has_them() {
    let world = world().await;
    let mut phone = lock_at(&world, Some(EXTENSION), PIN).await;
    until_it_says(&world, &mut phone, "PSTN LOCKED").await;
    assert!(phone.asked().iter().any(|url| url.contains(PIN)), "a 9800 knows no other way");
    assert!(!world.log().contains(PIN), "{}", world.log());
    let locked = world.events().await.into_iter().find(|event| event["detail"]["what"] == "lock_ordered").unwrap();
    assert_eq!(locked["by"], "EOC 1 (phone)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_other_phone_sees_the_state_in_plain_words_and_orders_nothing() {
    let world = world().await;
    for (device, model) in [("SEP001122334499", "CP-7841"), ("", ""), ("#DEVICENAME#", "CP-8875"), ("x<y>&\"", "?")] {
        let mut phone = Phone::new("n", model);
        let device = device.replace('#', "%23").replace('&', "%26");
        phone.open(&format!("{}/phone/v1?d={device}", world.url)).await.unwrap();
        assert!(matches!(phone.object(), Some(Object::Text { .. })), "{device}");
        assert!(phone.text().contains("Phones work normally"), "{}", phone.text());
        assert_eq!(phone.refreshes(), Some(15));
        phone.open(&format!("{}/phone/v1/lock?d={device}", world.url)).await.unwrap();
        assert!(said(&phone).contains("not one of the EOC's"), "{}", phone.text());
        phone.open(&format!("{}/phone/v1/log?d={device}", world.url)).await.unwrap();
        assert!(said(&phone).contains("not one of the EOC's"), "{}", phone.text());
    }
    world.lock_verified().await;
    let mut phone = Phone::new("SEP001122334499", "CP-7841");
    phone.open(&service(&world)).await.unwrap();
    assert!(said(&phone).contains("Emergency Operations Centre"), "{}", phone.text());
    assert!(world.happened("phone_refused").await >= 4, "whoever tries is told of");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_only_says_it_is_one_of_the_eocs_orders_nothing() {
    let world = World::with(More { sections: section("10.20.0.0/16", ""), ..More::default() }).await;
    world.until_standing("normal").await;
    ready(&world).await;
    let mut phone = Phone::new(OWN, "CP-8845");
    phone.open(&service(&world)).await.unwrap();
    assert!(matches!(phone.object(), Some(Object::Text { .. })), "the state, and no menu");
    phone.open(&format!("{}/phone/v1/lock?d={OWN}", world.url)).await.unwrap();
    assert!(said(&phone).contains("does not call from the EOC's network"), "{}", phone.text());
    let forged = http()
        .post(format!("{}/phone/v1/lock/{OWN}/1.x.y", world.url))
        .header("x-forwarded-for", "10.20.3.4")
        .body(format!("pin={PIN}"))
        .send()
        .await
        .unwrap();
    assert!(forged.text().await.unwrap().contains("does not call from the EOC&apos;s network"));
    assert_eq!(world.standing().await, "normal");
    assert!(world.happened("phone_refused").await >= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_pins_are_delayed_told_and_never_keep_the_owner_out_of_the_own_phone() {
    let world = world().await;
    let mut tried = 0;
    for pin in ["000000", "428914", "", "42891", "４２８９１３"] {
        let phone = lock_at(&world, Some(EXTENSION), pin).await;
        assert!(phone.text().contains("do not fit"), "{pin}: {}", phone.text());
        tried += 1;
    }
    for extension in ["4711", "", "4702' OR 1"] {
        let phone = lock_at(&world, Some(extension), "428914").await;
        assert!(!phone.text().contains("PSTN LOCKED"), "{}", phone.text());
        tried += 1;
    }
    // From nowhere near, without what a phone was given: nobody's tries are used up.
    for path in [format!("{OWN}/x"), format!("{OWN}/1.x.y"), format!("{SHARED}/x")] {
        for _ in 0..20 {
            http().get(format!("{}/phone/v1/lock/{path}?pin=1&code=", world.url)).send().await.unwrap();
        }
    }
    let page = http().get(format!("{}/phone/v1/log/{SHARED}/x", world.url));
    let page = page.header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::FORBIDDEN, "a page somewhere is no phone");
    let delayed = lock_at(&world, Some(EXTENSION), PIN).await;
    assert!(delayed.text().contains("Wait"), "even the right one, for some seconds: {}", delayed.text());
    assert_eq!(world.standing().await, "normal");
    assert!(world.happened("phone_refused").await >= 5);
    refused("wrong PINs", tried);
    let mut own = lock_at(&world, None, PIN).await;
    until_it_says(&world, &mut own, "PSTN LOCKED").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_good_once_for_a_minute_and_for_its_phone() {
    let world = world().await;
    let mut phone = Phone::new(OWN, "CP-8845");
    phone.open(&format!("{}/phone/v1/lock?d={OWN}", world.url)).await.unwrap();
    let Some(Object::Input { url, post: true, .. }) = phone.object().cloned() else { panic!("{:?}", phone.object()) };
    let send = async |url: &str| {
        let answer = http().post(url).body(format!("code=&pin={PIN}")).send().await.unwrap();
        answer.text().await.unwrap()
    };
    for odd in [url.replace(OWN, SHARED), format!("{url}0"), url.replace("/lock/", "/lock/../lock/") + "x"] {
        assert!(send(&odd).await.contains("Not locked"), "{odd}");
    }
    assert_eq!(world.standing().await, "normal");
    assert!(!send(&url).await.contains("Not locked"));
    world.until_standing("locked").await;
    world.release_verified().await;
    world.until_standing("normal").await;
    send(&url).await;
    assert_eq!(world.standing().await, "normal", "the same order again does nothing");
    assert_eq!(world.happened("lock_ordered").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_logged_from_a_phone_of_the_eoc() {
    let world = world().await;
    let mut phone = Phone::new(SHARED, "CP-8845");
    phone.open(&service(&world)).await.unwrap();
    phone.key('3').await.unwrap();
    for typed in ["7805550199", "Ann Miller", "Her mother, in hospital", "1"] {
        phone.keys(typed).await.unwrap();
        phone.down();
    }
    phone.soft("Submit").await.unwrap();
    assert!(phone.text().contains("R-1: we call"), "{}", phone.text());
    let (_, _, listed) =
        world.call(reqwest::Method::GET, "/api/v1/call-requests", &world.key("calls:read"), None, &[]).await;
    let one = &listed["call_requests"][0];
    let one = if one.is_null() { &listed["requests"][0] } else { one };
    assert_eq!((one["who"].as_str(), one["priority"].as_str()), (Some("Ann Miller"), Some("urgent")), "{listed}");
    let mut odd = Phone::new(SHARED, "CP-8845");
    odd.open(&format!("{}/phone/v1/log?d={SHARED}", world.url)).await.unwrap();
    odd.soft("Submit").await.unwrap();
    assert!(odd.text().contains("Write"), "says what is missing: {}", odd.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phones_of_the_eoc_show_a_banner_until_the_all_clear_also_those_that_were_unplugged() {
    let phones = PhoneSim::start(0, &[(OWN, "CP-8845"), (SHARED, "CP-8845")]).unwrap();
    let section = format!(
        "[phone]\nnetworks = [\"127.0.0.1\"]\n[phone.push]\nusername = \"{}\"\npassword = \"{}\"\n[[phone.device]]\nname = \"{OWN}\"\naddress = \"{}\"\n[[phone.device]]\nname = \"{SHARED}\"\naddress = \"{}\"\n",
        PUSHER.0,
        PUSHER.1,
        phones.address(0),
        phones.address(1)
    );
    let world = World::with(More { sections: section, ..More::default() }).await;
    world.until_standing("normal").await;
    phones.set_up(1, false).await.unwrap();
    world.lock_verified().await;
    world.until("the phone shows it", async || phones.banner(0).as_deref() == Some("PSTN LOCKED Acme North")).await;
    let missing =
        async || {
            world.events().await.iter().any(|event| {
                event["detail"]["what"] == "phones_told" && event["detail"]["failed"][0]["object"] == SHARED
            })
        };
    world.until("the other one is told of", missing).await;
    phones.set_up(1, true).await.unwrap();
    world.stop();
    world.serve().await;
    world.until("it shows it too", async || phones.banner(1).is_some()).await;
    world.release_verified().await;
    world.until("both are cleared", async || phones.banner(0).is_none() && phones.banner(1).is_none()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_object_is_taken_by_a_strict_parser_in_every_state() {
    let world = world().await;
    let mut seen = 0;
    let mut pages = vec!["", "/status", "/lock", "/log"];
    pages.push("/status");
    for state in ["normal", "locked"] {
        if state == "locked" {
            world.lock_verified().await;
        }
        for page in &pages {
            for (device, model) in [(OWN, "CP-8845"), (SHARED, "CP-8875"), ("SEP0", "CP-7841")] {
                let mut phone = Phone::new(device, model);
                phone
                    .open(&format!("{}/phone/v1{page}?d={device}&locale=en", world.url))
                    .await
                    .unwrap_or_else(|why| panic!("{page} {device}: {why}"));
                seen += 1;
            }
        }
    }
    world.cucm.stop().await;
    let mut phone = Phone::new(OWN, "CP-8845");
    world
        .until("the phone says that it cannot tell", async || {
            phone.open(&service(&world)).await.unwrap();
            phone.text().contains("Unknown: cannot see CUCM")
        })
        .await;
    assert_eq!(seen, 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_lost_the_role_or_the_pin_locks_from_no_phone() {
    let world = world().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let people: Vec<Value> = serde_json::from_slice(&world.run(&["people", "list", "--json"]).stdout).unwrap();
    let eoc = people.iter().find(|person| person["name"] == "EOC 1").unwrap()["id"].as_str().unwrap().to_owned();
    assert!(OperatorId::try_from(eoc.clone()).is_ok());
    let removed = admin.post("/ui/remove-pin", &format!("person={eoc}"), false).await;
    assert_eq!(removed.status(), StatusCode::OK);
    let mut phone = Phone::new(OWN, "CP-8845");
    phone.open(&format!("{}/phone/v1/lock?d={OWN}", world.url)).await.unwrap();
    assert!(phone.text().contains("Your extension"), "the phone is nobody's now: {}", phone.text());
    let other = lock_at(&world, Some(EXTENSION), PIN).await;
    assert!(other.text().contains("do not fit"), "{}", other.text());
    assert_eq!(world.standing().await, "normal");
}
