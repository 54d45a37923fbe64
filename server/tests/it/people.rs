//! Who may do what at which site, given and taken by an administrator.

use crate::sign_in::{Browser, location, signed_in};
use crate::world::{DEMO, World, refused};
use reqwest::StatusCode;
use serde_json::Value;

/// A second site on the same cluster, with steps of its own.
pub(crate) fn two_sites() -> String {
    let (before, tollfree) =
        DEMO.split_once("[[site.step]]\nkind = \"route_pattern_block\"\npartition = \"PT-PSTN-TOLLFREE\"").unwrap();
    let (_, after) = tollfree.split_once("all = true\n").unwrap();
    let head = &DEMO[..DEMO.find("[[site.step]]").unwrap()];
    let south = head.replace("acme-north", "acme-south").replace("Acme North", "Acme South");
    format!(
        "{before}{after}\n{south}[[site.step]]\nkind = \"route_pattern_block\"\npartition = \"PT-PSTN-TOLLFREE\"\nall = true\n"
    )
}

async fn world() -> World {
    let world = World::stopped(&two_sites(), "").await;
    world.serve().await;
    world.until_standing("normal").await;
    world
}

fn person(world: &World, name: &str) -> Value {
    let all: Value = serde_json::from_slice(&world.run(&["people", "list", "--json"]).stdout).unwrap();
    all.as_array().unwrap().iter().find(|p| p["name"] == name).unwrap().clone()
}

/// The profile's version as the page shows it.
async fn seen(admin: &mut Browser, id: &str) -> String {
    let page = admin.get(&format!("/admin/people/{id}")).await.text().await.unwrap();
    let (_, rest) = page.split_once("name=\"seen\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_given_at_one_site_locks_that_site_and_no_other() {
    let world = world().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let mut eoc = Browser::new(&world);
    eoc.sign_in(&world, 1, "/console").await;
    assert_eq!(eoc.post("/ui/activate", "site=acme-north", false).await.status(), StatusCode::FORBIDDEN, "no role yet");
    let id = person(&world, "EOC 1")["id"].as_str().unwrap().to_owned();
    let version = seen(&mut admin, &id).await;
    let form = format!("person={id}&seen={version}&grants%5B%5D=eoc%40acme-north");
    assert_eq!(admin.post("/ui/set-roles", &form, false).await.status(), StatusCode::OK);
    assert_eq!(
        admin.post("/ui/set-roles", &form, false).await.status(),
        StatusCode::CONFLICT,
        "a stale form changes nothing"
    );
    assert_eq!(eoc.post("/ui/activate", "site=acme-south", false).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(eoc.get("/console?site=acme-south").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(eoc.post("/ui/activate", "site=acme-north", false).await.status(), StatusCode::OK);
    world.until_standing("locked").await;
    let release = "site=acme-north&typed=Acme+North&seen=2";
    assert_eq!(eoc.post("/ui/release", release, false).await.status(), StatusCode::FORBIDDEN);
    let page = eoc.get("/console").await.text().await.unwrap();
    assert!(page.contains("Acme North") && !page.contains("Acme South"), "the other site is not offered");
    let told = "Roles of EOC 1: none → eoc at acme-north";
    assert!(admin.get("/timeline").await.text().await.unwrap().contains(told));
    assert!(!eoc.get("/timeline").await.text().await.unwrap().contains(told), "about people only administrators read");
    let south = world.run(&["status", "--json"]);
    let sites: Value = serde_json::from_slice(&south.stdout).unwrap();
    assert_eq!(sites["sites"][1]["state"], "normal", "{sites}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_raises_their_own_rights_and_the_disabled_are_out_at_once() {
    let world = world().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let mut eoc = signed_in(&world, 1, "eoc").await;
    let id = person(&world, "EOC 1")["id"].as_str().unwrap().to_owned();
    let version = seen(&mut admin, &id).await;
    let mut tried = 0;
    for (path, form) in [
        ("set-roles", format!("person={id}&seen={version}&grants%5B%5D=senior_eoc&grants%5B%5D=admin")),
        ("set-disabled", format!("person={id}&seen={version}&disabled=no")),
        ("set-profile", format!("person={id}&seen={version}&email=&webex=&extension=&phones=&language=")),
        ("merge-people", format!("kept={id}&gone={}", person(&world, "Admin 1")["id"].as_str().unwrap())),
        ("end-sessions", format!("person={}&session=", person(&world, "Admin 1")["id"].as_str().unwrap())),
        ("import-roster", "roster=name,roles%0AEOC+1,admin&dry_run=no".to_owned()),
        ("people", String::new()),
        ("person", format!("id={id}")),
    ] {
        let answer = eoc.post(&format!("/ui/{path}"), &form, false).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{path}");
        tried += 1;
    }
    refused("role escalations", tried);
    let form = format!("person={id}&seen={version}&disabled=yes");
    assert_eq!(admin.post("/ui/set-disabled", &form, false).await.status(), StatusCode::OK);
    assert_eq!(eoc.post("/ui/activate", "site=acme-north", false).await.status(), StatusCode::UNAUTHORIZED);
    let mut again = Browser::new(&world);
    assert_eq!(location(&again.sign_in(&world, 1, "/console").await), "/sign-in?trouble=disabled");
    let me = person(&world, "Admin 1");
    let (id, version) = (me["id"].as_str().unwrap(), seen(&mut admin, me["id"].as_str().unwrap()).await);
    let form = format!("person={id}&seen={version}&disabled=yes");
    assert_eq!(
        admin.post("/ui/set-disabled", &form, false).await.status(),
        StatusCode::CONFLICT,
        "the last administrator"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checking_a_roster_says_what_would_be_and_changes_nothing() {
    let world = world().await;
    let mut admin = signed_in(&world, 4, "admin").await;
    let form = "roster=name%2Croles%2Csite%0AAnn%2Ceoc%2Cacme-north&dry_run=yes";
    let back = admin.post("/ui/import-roster", form, true).await;
    // The form stands on another page than this browser says it came from.
    let back = location(&back).replace("/console", "/admin/people");
    let page = admin.get_from(&back, "same-origin").await.text().await.unwrap();
    assert!(page.contains("add Ann: eoc at acme-north"), "{page}");
    let list = String::from_utf8(world.run(&["people", "list"]).stdout).unwrap();
    assert!(!list.contains("Ann"), "{list}");
    admin.post("/ui/import-roster", &form.replace("yes", "no"), true).await;
    assert_eq!(person(&world, "Ann")["site_roles"]["acme-north"][0], "eoc");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_sees_and_ends_their_own_sessions() {
    let world = world().await;
    let mut first = signed_in(&world, 1, "eoc").await;
    let mut second = Browser::new(&world);
    second.sign_in(&world, 1, "/console").await;
    let page = first.get("/me").await.text().await.unwrap();
    assert!(
        page.contains("(this one)") && page.matches("name=\"session\"").count() == 3,
        "two, and all of them: {page}"
    );
    let id = person(&world, "EOC 1")["id"].as_str().unwrap().to_owned();
    assert_eq!(first.post("/ui/end-sessions", &format!("person={id}&session="), false).await.status(), StatusCode::OK);
    assert_eq!(second.post("/ui/me", "", false).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(Browser::new(&world).get("/me").await.status(), StatusCode::UNAUTHORIZED);
}
