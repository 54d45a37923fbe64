//! People, sessions, keys.

use super::timeline::moment;
use super::trouble::{Asking, within};
use super::write::{Change, identity_key};
use super::{Mongo, to_document};
use crate::identity::token;
use crate::store::Directory;
use crate::store::records::{ClientRecord, Person, Remembered, Session};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::timeline::{Event, EventName};
use mongodb::bson::{Document, doc};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Spent {
    id: String,
    at: Timestamp,
}

impl Mongo {
    /// As it is elsewhere; somebody who is there already stays as they are.
    pub(in crate::store) async fn copy_person(&self, person: &Person) -> Result<(), StoreError> {
        match self.write(&Change::People(&[Person { version: 1, ..person.clone() }]), &[]).await {
            Err(StoreError::Conflict) if self.person(person.id.as_str()).await?.is_some() => Ok(()),
            done => done.map(|_| ()),
        }
    }

    pub(in crate::store) async fn copy_client(&self, client: &ClientRecord) -> Result<(), StoreError> {
        if self.client(client.id.as_str()).await?.is_some() {
            return Ok(());
        }
        self.write(&Change::Client { client, read: None }, &[]).await.map(|_| ())
    }
}

#[async_trait]
impl Directory for Mongo {
    async fn person(&self, id: &str) -> Result<Option<Person>, StoreError> {
        self.one("profiles", doc! { "_id": id }).await
    }

    async fn person_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Person>, StoreError> {
        self.one("profiles", doc! { "identity_keys": identity_key(issuer, subject) }).await
    }

    async fn count_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sessions = self.collection("sessions");
        within(Asking::Read, sessions.count_documents(doc! { "ends": { "$gte": moment(now) } })).await
    }

    async fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.many("profiles", doc! {}, doc! { "name": 1, "_id": 1 }).await
    }

    async fn put_people(&self, people: &[Person], event: NewEvent) -> Result<(), StoreError> {
        self.write(&Change::People(people), &[event.into()]).await.map(|_| ())
    }

    async fn note_seen(&self, person: &str, at: Timestamp) -> Result<(), StoreError> {
        let profiles = self.collection("profiles");
        let seen = doc! { "$set": { "last_seen": at.to_string() } };
        within(Asking::Write, profiles.update_one(doc! { "_id": person }, seen)).await.map(|_| ())
    }

    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        let sessions = self.collection("sessions");
        let put = sessions.replace_one(doc! { "_id": &session.id }, session_document(session)?).upsert(true);
        within(Asking::Write, put).await.map(|_| ())
    }

    async fn change_session(&self, read: &Session, changed: &Session) -> Result<bool, StoreError> {
        let proof = read.proved_until.map(|until| until.to_string());
        let as_read = doc! { "_id": &read.id, "proved_until": proof };
        let sessions = self.collection("sessions");
        let changed = sessions.replace_one(as_read, session_document(changed)?);
        Ok(within(Asking::Write, changed).await?.matched_count == 1)
    }

    async fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.one("sessions", doc! { "_id": id }).await
    }

    async fn end_session(&self, id: &str) -> Result<(), StoreError> {
        within(Asking::Write, self.collection("sessions").delete_one(doc! { "_id": id })).await.map(|_| ())
    }

    async fn sessions_of(&self, person: &str) -> Result<Vec<Session>, StoreError> {
        self.many("sessions", doc! { "person": person }, doc! { "created_at": -1 }).await
    }

    async fn put_client(&self, client: &ClientRecord, read: Option<&str>, event: NewEvent) -> Result<(), StoreError> {
        self.write(&Change::Client { client, read }, &[event.into()]).await.map(|_| ())
    }

    async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        self.one("clients", doc! { "_id": id }).await
    }

    async fn clients(&self) -> Result<Vec<ClientRecord>, StoreError> {
        self.many("clients", doc! {}, doc! { "_id": 1 }).await
    }

    async fn note_client_used(&self, client: &str, at: Timestamp) -> Result<(), StoreError> {
        let used = doc! { "$set": { "last_used": at.to_string() } };
        within(Asking::Write, self.collection("clients").update_one(doc! { "_id": client }, used)).await.map(|_| ())
    }

    async fn consume_once(&self, what: &str, at: Timestamp) -> Result<bool, StoreError> {
        self.consume_once_by(what, at, &token::random_text()).await
    }

    async fn consumed(&self, what: &[String]) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let found: Vec<Spent> = self.many("spent", doc! { "_id": { "$in": what.to_vec() } }, doc! { "_id": 1 }).await?;
        Ok(found.into_iter().map(|consumed| (consumed.id, consumed.at)).collect())
    }

    async fn events_named(&self, names: &[EventName], limit: usize) -> Result<Vec<Event>, StoreError> {
        let words: Vec<&str> = names.iter().map(|name| name.word()).collect();
        self.events(doc! { "what": { "$in": words } }, -1, limit).await
    }

    async fn remembered(&self, client: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        self.one("remembered", doc! { "_id": slot(client, key) }).await
    }

    async fn remember(&self, client: &str, key: &str, answer: &Remembered) -> Result<(), StoreError> {
        let mut document = to_document(answer)?;
        document.insert("made", moment(answer.at));
        let id = slot(client, key);
        let remembered = self.collection("remembered");
        let put = remembered.replace_one(doc! { "_id": &id }, document).upsert(true);
        within(Asking::Write, put).await.map(|_| ())
    }
}

fn slot(client: &str, key: &str) -> String {
    format!("{client} {key}")
}

/// With the date after which the database forgets it by itself.
fn session_document(session: &Session) -> Result<Document, StoreError> {
    let mut document = to_document(session)?;
    document.insert("ends", moment(session.forgotten_at()));
    Ok(document)
}

impl Mongo {
    /// Uses something up for `who`: true for whoever was first, however often he asks.
    pub(in crate::store) async fn consume_once_by(
        &self,
        what: &str,
        at: Timestamp,
        who: &str,
    ) -> Result<bool, StoreError> {
        let consumed = self.collection("spent");
        let entry = doc! { "_id": what, "at": at.to_string(), "by": who };
        match within(Asking::Write, consumed.insert_one(entry)).await {
            Err(StoreError::Conflict) => {
                let ours = consumed.find_one(doc! { "_id": what, "by": who });
                Ok(within(Asking::Read, ours).await?.is_some())
            }
            done => done.map(|_| true),
        }
    }
}
