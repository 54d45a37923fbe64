use super::*;
use crate::config::Secret;
use crate::store::Directory;
use crate::store::contract;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use simulators::database::Database;
use std::time::Instant;

async fn connect(database: &Database, name: &str) -> Mongo {
    let mongo = Mongo::connect(&Secret::new(database.uri(name))).await.unwrap();
    mongo.prepare().await.unwrap();
    mongo
}

#[tokio::test]
async fn the_database_keeps_the_contract() {
    let database = Database::start().await.unwrap();
    contract::holds_for(async || connect(&database, "contract").await).await;
    let mongo = connect(&database, "contract").await;
    assert!(matches!(mongo.verify().await, Ok(Verdict::Whole { events, .. }) if events > 10));
    mongo.drop_database().await;
}

/// Besides the one that is started here: the database of `MONGODB_URI`, in a room of its own that goes again.
#[tokio::test]
#[ignore = "needs a database of its own, named by MONGODB_URI; `cargo xtask test database` runs it where there is one"]
async fn the_database_of_the_environment_keeps_the_contract() {
    let uri = std::env::var("MONGODB_URI").expect("MONGODB_URI names the database");
    let room: String =
        crate::identity::token::digest(&crate::identity::token::random_text()).chars().take(12).collect();
    let mongo = Mongo::connect(&Secret::new(uri)).await.unwrap();
    let own = Mongo { database: mongo.client.database(&format!("lockdown_test_{room}")), ..mongo };
    own.prepare().await.unwrap();
    contract::holds_for(async || own.clone()).await;
    own.database.drop().await.unwrap();
}

#[tokio::test]
async fn what_an_older_server_made_is_changed_in_place() {
    let database = Database::start().await.unwrap();
    let mongo = Mongo::connect(&Secret::new(database.uri("older"))).await.unwrap();
    let old = doc! { "$jsonSchema": { "bsonType": "object", "required": ["_id", "never_written_any_more"] } };
    mongo.database.run_command(doc! { "create": "profiles", "validator": old }).await.unwrap();
    let other = IndexOptions::builder().name("identity".to_owned()).build();
    let other = IndexModel::builder().keys(doc! { "identity_keys": 1 }).options(other).build();
    mongo.collection("profiles").create_index(other).await.unwrap();
    mongo.prepare().await.unwrap();
    contract::holds_for(async || mongo.clone()).await;
}

#[tokio::test]
async fn an_edit_a_gap_and_a_cut_end_are_found_and_the_schema_holds() {
    let database = Database::start().await.unwrap();
    for (at, want) in [("edited", 2), ("gone", 2), ("cut", 3)] {
        let mongo = connect(&database, at).await;
        mongo.append(contract::three_events()).await.unwrap();
        assert!(matches!(mongo.verify().await, Ok(Verdict::Whole { events: 3, .. })), "{at}");
        let events = mongo.collection("events");
        match at {
            "edited" => {
                let changed = doc! { "$set": { "text": "{\"seq\":2}" } };
                events.update_one(doc! { "n": 2 }, changed).await.map(|_| ()).unwrap();
            }
            "gone" => events.delete_one(doc! { "n": 2 }).await.map(|_| ()).unwrap(),
            _ => events.delete_one(doc! { "n": 3 }).await.map(|_| ()).unwrap(),
        }
        let verdict = mongo.verify().await.unwrap();
        assert!(matches!(verdict, Verdict::Broken { seq, .. } if seq == want), "{at}: {verdict:?}");
        let unfit = doc! { "_id": "x", "n": "not a number" };
        let refused = within(Asking::Write, mongo.collection("events").insert_one(unfit)).await;
        assert!(matches!(refused, Err(StoreError::Rejected(why)) if why.contains("121")));
        mongo.prepare().await.unwrap();
    }
}

#[tokio::test]
async fn a_dead_and_a_hung_database_are_away_and_come_back() {
    let database = Database::start().await.unwrap();
    let mongo = connect(&database, "away").await;
    let before = mongo.append(contract::three_events()).await.unwrap();
    database.hang();
    let read = mongo.people().await;
    assert!(matches!(read, Err(StoreError::Away(_))), "{read:?}");
    let written = mongo.append(contract::three_events()).await;
    assert!(matches!(written, Err(StoreError::OutcomeUnknown(_) | StoreError::Away(_))), "{written:?}");
    database.wake();
    database.kill();
    let read = mongo.latest_events(1).await;
    assert!(matches!(read, Err(StoreError::Away(_))), "{read:?}");
    database.resume().await.unwrap();
    let all = answered(&mongo).await;
    assert_eq!(all[..3], before[..], "what was acknowledged is there");
    assert!(matches!(mongo.verify().await, Ok(Verdict::Whole { .. })));
}

/// The driver notices by itself that the database is back, and not at once.
async fn answered(mongo: &Mongo) -> Vec<Event> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match mongo.events_after(0, 100).await {
            Err(StoreError::Away(_)) if Instant::now() < until => tokio::task::yield_now().await,
            answer => return answer.unwrap(),
        }
    }
}

#[tokio::test]
async fn an_address_that_cannot_work_says_what_to_do() {
    for (uri, want) in [
        ("mongodb+srv://u:hunter2@db.example/", "List the servers"),
        ("mongodb://u:hunter2@db.example/?socketTimeoutMS=5", "Take it out"),
        ("mongodb://u:hunter2@:x", "cannot be read"),
        ("hunter2", "cannot be read"),
    ] {
        let refused = Mongo::connect(&Secret::new(uri)).await.map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains(want) && !refused.contains("hunter2"), "{uri}: {refused}");
    }
}
