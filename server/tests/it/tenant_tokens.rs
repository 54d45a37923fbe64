//! Access tokens of the tenant on `/api/v1`, where they are switched on.

use crate::sign_in::signed_in;
use crate::world::{More, SITE, World, refused};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use simulators::b2c::{API_ID, CLIENT_ID, MACHINE_ID, MACHINE_SUBJECT, demo_people};

fn switched_on() -> More {
    let api = format!(
        "[identity.api]\naudience = \"{API_ID}\"\nscopes = {{ \"Status.Read\" = \"status:read\", \"Lock.Enable\" = \"lock:enable\", \"Lock.Release\" = \"lock:release\" }}\n[[identity.api.client]]\nname = \"control room\"\nazp = \"{MACHINE_ID}\"\nsubject = \"{MACHINE_SUBJECT}\"\n"
    );
    More { identity: api, ..More::default() }
}

async fn get(world: &World, token: &str) -> StatusCode {
    world.call(Method::GET, &format!("/api/v1/sites/{SITE}"), token, None, &[]).await.0
}

async fn lock(world: &World, token: &str) -> StatusCode {
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    world.call(Method::PUT, &path, token, Some(json!({ "desired": "locked" })), &[]).await.0
}

/// When a token was made, in seconds since 1970: what its own middle part says.
fn issued(token: &str) -> i64 {
    use base64::Engine;
    let part = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["iat"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_of_the_tenant_may_what_its_scopes_say() {
    let world = World::with(switched_on()).await;
    world.until_standing("normal").await;
    let token = world.b2c.access_token(|_| {}).unwrap();
    assert_eq!(get(&world, &token).await, StatusCode::OK);
    let reader = world.b2c.access_token(|claims| claims["scp"] = "Status.Read".into()).unwrap();
    assert_eq!(lock(&world, &reader).await, StatusCode::FORBIDDEN);
    let stranger = world.b2c.access_token(|claims| claims["scp"] = "Something.Else".into()).unwrap();
    assert_eq!(get(&world, &stranger).await, StatusCode::FORBIDDEN);
    assert!(lock(&world, &token).await.is_success());
    world.until_standing("locked").await;
    let events = world.events().await;
    let told = events.iter().find(|event| event["detail"]["what"] == "lock_ordered").unwrap();
    assert_eq!(told["by"], "control room (api)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_behalf_of_a_person_a_program_may_what_both_may() {
    let world = World::with(switched_on()).await;
    world.until_standing("normal").await;
    signed_in(&world, 1, "eoc").await;
    let token = |who: usize, scp: &str| {
        let oid = demo_people()[who - 1].oid.clone();
        world
            .b2c
            .access_token(|claims| {
                (claims["sub"], claims["oid"], claims["scp"]) = (oid.clone().into(), oid.into(), scp.into());
            })
            .unwrap()
    };
    assert_eq!(get(&world, &token(5, "Status.Read Lock.Enable")).await, StatusCode::UNAUTHORIZED, "nobody we know");
    assert_eq!(lock(&world, &token(1, "Status.Read")).await, StatusCode::FORBIDDEN, "the program lacks it");
    assert_eq!(get(&world, &token(1, "Status.Read")).await, StatusCode::OK);
    let path = format!("/api/v1/sites/{SITE}/lockdown");
    let body = Some(json!({ "desired": "normal" }));
    let release = world.call(Method::PUT, &path, &token(1, "Lock.Release"), body, &[("if-match", "\"1\"")]).await;
    assert_eq!(release.0, StatusCode::FORBIDDEN, "the person lacks it: {}", release.2);
    assert!(lock(&world, &token(1, "Lock.Enable")).await.is_success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_forged_access_token_and_every_id_token_is_refused() {
    let world = World::with(switched_on()).await;
    let change = |change: fn(&mut Value)| world.b2c.access_token(change).unwrap();
    let honest = world.b2c.access_token(|_| {}).unwrap();
    let now = issued(&honest);
    let tokens = [
        ("another audience", change(|claims| claims["aud"] = "another".into())),
        ("the sign-in's audience", change(|claims| claims["aud"] = CLIENT_ID.into())),
        ("a list of audiences", change(|claims| claims["aud"] = json!([API_ID, "another"]))),
        ("another issuer", change(|claims| claims["iss"] = "https://elsewhere.example/v2.0/".into())),
        ("a list of issuers", change(|claims| claims["iss"] = json!([claims["iss"], "x"]))),
        ("a program that is not listed", change(|claims| claims["azp"] = "00000000-0000".into())),
        ("no program", change(|claims| claims["azp"] = Value::Null)),
        ("an ID token's nonce", change(|claims| claims["nonce"] = "n".into())),
        ("no scope", change(|claims| claims["scp"] = Value::Null)),
        ("expired", world.b2c.access_token(|claims| claims["exp"] = (now - 3600).into()).unwrap()),
        ("not yet", world.b2c.access_token(|claims| claims["nbf"] = (now + 3600).into()).unwrap()),
        ("no issuer", change(|claims| claims["iss"] = Value::Null)),
        ("no audience", change(|claims| claims["aud"] = Value::Null)),
        ("no beginning", change(|claims| claims["nbf"] = Value::Null)),
        ("no end", change(|claims| claims["exp"] = Value::Null)),
        (
            "a foreign key",
            world
                .b2c
                .forged_access_token(&json!({
                    "iss": world.b2c.issuer(), "aud": API_ID, "exp": now + 3600, "nbf": now, "sub": MACHINE_SUBJECT,
                    "azp": MACHINE_ID, "scp": "Status.Read",
                }))
                .unwrap(),
        ),
        ("nonsense", "a.b.c".to_owned()),
    ];
    for (what, token) in &tokens {
        assert_eq!(get(&world, token).await, StatusCode::UNAUTHORIZED, "{what}");
    }
    refused("forged access tokens", tokens.len());
    assert_eq!(get(&world, &change(|_| {})).await, StatusCode::OK, "an honest one");
    let off = World::new().await;
    let honest = off.b2c.access_token(|_| {}).unwrap();
    assert_eq!(get(&off, &honest).await, StatusCode::UNAUTHORIZED, "switched off by default");
}
