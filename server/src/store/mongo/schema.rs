//! What the database itself refuses, finds fast and forgets: validators, indexes, times to live.
//! Made at the first contact of every server, and changed in place where an older one made them.

use super::Mongo;
use super::trouble::{Asking, within};
use engine::ports::StoreError;
use mongodb::IndexModel;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use std::time::Duration;

/// "A namespace of this name is there."
const NAMESPACE_EXISTS: &str = "error 48";

/// "An index of this name, or of these keys, has other options."
const OTHER_INDEX: [&str; 2] = ["error 85", "error 86"];

struct Room {
    name: &'static str,
    schema: Document,
    indexes: Vec<IndexModel>,
}

impl Mongo {
    /// Makes what is missing and corrects what is otherwise. Does nothing the second time.
    ///
    /// # Errors
    /// [`StoreError::Away`], or what the database refuses.
    pub async fn prepare(&self) -> Result<(), StoreError> {
        for room in rooms() {
            self.furnish(room).await?;
        }
        Ok(())
    }

    async fn furnish(&self, room: Room) -> Result<(), StoreError> {
        let validator = doc! { "$jsonSchema": room.schema };
        let made = within(
            Asking::Read,
            self.database.run_command(doc! { "create": room.name, "validator": validator.clone() }),
        );
        match made.await {
            Ok(_) => {}
            Err(StoreError::Failed(why)) if why.contains(NAMESPACE_EXISTS) => {
                let change = doc! { "collMod": room.name, "validator": validator };
                within(Asking::Read, self.database.run_command(change)).await?;
            }
            Err(error) => return Err(error),
        }
        for index in room.indexes {
            self.index(room.name, index).await?;
        }
        Ok(())
    }

    /// An index with other options than before is made anew: they hold no data of their own.
    async fn index(&self, room: &str, index: IndexModel) -> Result<(), StoreError> {
        let collection = self.collection(room);
        match within(Asking::Read, collection.create_index(index.clone())).await {
            Err(StoreError::Failed(why)) if OTHER_INDEX.iter().any(|code| why.contains(code)) => {
                let name = index.options.as_ref().and_then(|options| options.name.clone()).unwrap_or_default();
                within(Asking::Read, collection.drop_index(name)).await?;
                within(Asking::Read, collection.create_index(index)).await.map(|_| ())
            }
            made => made.map(|_| ()),
        }
    }
}

fn index(name: &str, keys: Document) -> IndexModel {
    IndexModel::builder().keys(keys).options(IndexOptions::builder().name(name.to_owned()).build()).build()
}

fn unique(name: &str, keys: Document) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).unique(true).sparse(true).build();
    IndexModel::builder().keys(keys).options(options).build()
}

/// The database forgets documents so long after the moment in `field`, a minute late or so.
fn forgotten(name: &str, field: &str, after: Duration) -> IndexModel {
    let options = IndexOptions::builder().name(name.to_owned()).expire_after(after).build();
    IndexModel::builder().keys(doc! { field: 1 }).options(options).build()
}

fn rooms() -> Vec<Room> {
    let whole = doc! { "bsonType": ["int", "long"] };
    vec![
        Room {
            name: "sites",
            schema: doc! {
                "bsonType": "object", "required": ["_id", "version", "command"],
                "properties": {
                    "_id": { "bsonType": "string" }, "version": whole.clone(),
                    "command": { "bsonType": "object", "required": ["ordered"], "properties": {
                        "ordered": { "enum": ["untouched", "locked", "normal"] } } },
                },
            },
            indexes: vec![],
        },
        Room {
            name: "events",
            schema: doc! {
                "bsonType": "object", "required": ["_id", "n", "at", "text", "previous", "link"],
                "additionalProperties": false,
                "properties": {
                    "_id": { "bsonType": "string" }, "n": whole.clone(), "at": { "bsonType": "date" },
                    "site": { "bsonType": ["string", "null"] }, "what": { "bsonType": "string" },
                    "text": { "bsonType": "string" }, "previous": { "bsonType": "string" }, "link": { "bsonType": "string" },
                },
            },
            indexes: vec![
                unique("number", doc! { "n": 1 }),
                index("newest", doc! { "at": -1 }),
                index("of_site", doc! { "site": 1, "n": -1 }),
                index("of_kind", doc! { "what": 1, "n": -1 }),
            ],
        },
        Room {
            name: "chain",
            schema: doc! { "bsonType": "object", "required": ["_id", "n", "head"] },
            indexes: vec![],
        },
        Room {
            name: "profiles",
            schema: doc! {
                "bsonType": "object", "required": ["_id", "version", "name", "identities", "disabled"],
                "properties": {
                    "_id": { "bsonType": "string" }, "version": whole.clone(), "name": { "bsonType": "string" },
                    "disabled": { "bsonType": "bool" }, "identities": { "bsonType": "array" },
                },
            },
            indexes: vec![unique("identity", doc! { "identity_keys": 1 }), index("name", doc! { "name": 1 })],
        },
        Room {
            name: "sessions",
            schema: doc! {
                "bsonType": "object", "required": ["_id", "person", "ends", "ends_at"],
                "properties": { "_id": { "bsonType": "string" }, "person": { "bsonType": "string" }, "ends": { "bsonType": "date" } },
            },
            indexes: vec![forgotten("end", "ends", Duration::ZERO), index("person", doc! { "person": 1 })],
        },
        Room {
            name: "clients",
            schema: doc! { "bsonType": "object", "required": ["_id", "name", "hash", "scopes", "expires_at"] },
            indexes: vec![],
        },
        Room {
            name: "remembered",
            schema: doc! { "bsonType": "object", "required": ["_id", "made", "request", "status", "body"] },
            indexes: vec![forgotten("a_day", "made", Duration::from_secs(24 * 3600))],
        },
        Room {
            name: "hooks",
            schema: doc! {
                "bsonType": "object", "required": ["_id", "name", "url", "secret", "created_at"],
                "properties": { "_id": { "bsonType": "string" }, "url": { "bsonType": "string" }, "secret": { "bsonType": "string" } },
            },
            indexes: vec![],
        },
        Room {
            name: "outbox",
            schema: doc! {
                "bsonType": "object", "required": ["_id", "hook", "kind", "body", "state", "seq", "next", "made"],
                "properties": {
                    "_id": { "bsonType": "string" }, "hook": { "bsonType": "string" }, "body": { "bsonType": "string" },
                    "seq": whole.clone(), "next": { "bsonType": "date" }, "made": { "bsonType": "date" },
                    "state": { "bsonType": "object", "required": ["is"], "properties": {
                        "is": { "enum": ["waiting", "delivered", "given_up"] } } },
                },
            },
            indexes: vec![
                index("due", doc! { "state.is": 1, "next": 1, "seq": 1 }),
                index("of_hook", doc! { "hook": 1, "made": -1, "seq": -1 }),
                forgotten("a_month", "made", Duration::from_secs(30 * 24 * 3600)),
            ],
        },
        Room {
            name: "call_requests",
            schema: doc! {
                "bsonType": "object",
                "required": ["_id", "version", "number", "site", "direction", "who", "call_back", "reason", "priority", "stage", "story", "form", "open", "rank", "haystack", "number_key", "changed"],
                "properties": {
                    "_id": { "bsonType": "string" }, "version": whole.clone(), "number": whole.clone(),
                    "site": { "bsonType": "string" }, "form": { "bsonType": "string" },
                    "direction": { "enum": ["outbound", "inbound"] }, "priority": { "enum": ["urgent", "normal", "low"] },
                    "open": { "bsonType": "bool" }, "rank": whole.clone(), "changed": { "bsonType": "date" },
                    "stage": { "bsonType": "object", "required": ["is"], "properties": {
                        "is": { "enum": ["new", "approved", "refused", "connected", "no_answer", "call_back_at", "closed"] } } },
                },
            },
            indexes: vec![
                unique("form", doc! { "form": 1 }),
                index("queue", doc! { "open": 1, "rank": 1, "number": 1 }),
                index("newest", doc! { "number": -1 }),
                index("of_number", doc! { "number_key": 1, "open": 1 }),
                index("of_person", doc! { "filed_by.id": 1, "number": -1 }),
                index("of_incident", doc! { "incident": 1, "number": -1 }),
                index("age", doc! { "changed": 1 }),
            ],
        },
        Room {
            name: "papers",
            schema: doc! {
                "bsonType": "object", "required": ["_id", "version", "text"],
                "properties": { "_id": { "bsonType": "string" }, "version": whole.clone(), "text": { "bsonType": "string" } },
            },
            indexes: vec![],
        },
        Room {
            name: "cursors",
            schema: doc! { "bsonType": "object", "required": ["_id", "n"], "properties": { "n": whole.clone() } },
            indexes: vec![],
        },
        Room {
            name: "spent",
            schema: doc! { "bsonType": "object", "required": ["_id", "at"], "properties": { "_id": { "bsonType": "string" } } },
            indexes: vec![],
        },
        Room {
            name: "leases",
            schema: doc! { "bsonType": "object", "required": ["_id", "holder", "until"] },
            indexes: vec![],
        },
    ]
}
