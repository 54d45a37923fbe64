//! The timeline everybody shares: numbered without gaps and chained, whoever writes.

use super::trouble::{Asking, within};
use super::write::Change;
use super::{Mongo, number};
use crate::store::chain::{self, Kept, Verdict};
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::timeline::Event;
use mongodb::ClientSession;
use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::ReturnDocument;

/// The document that knows the last number and the last link.
const CHAIN: &str = "events";

/// An event on its way in.
#[derive(Clone)]
pub(super) enum Entry {
    /// It has no name yet.
    New(NewEvent),
    /// From a server's journal, with the name it got there.
    Told(Event),
}

impl From<NewEvent> for Entry {
    fn from(event: NewEvent) -> Self {
        Self::New(event)
    }
}

impl Entry {
    fn numbered(&self, n: u64) -> Event {
        match self {
            Self::New(event) => event.clone().numbered(format!("shared-{n}"), n),
            Self::Told(event) => Event { seq: n, ..event.clone() },
        }
    }
}

impl Mongo {
    /// Takes over events of a server's journal, each once, however often it is asked.
    ///
    /// # Errors
    /// [`StoreError::Away`] or [`StoreError::OutcomeUnknown`]: ask again.
    pub(in crate::store) async fn take_in(&self, events: &[Event]) -> Result<(), StoreError> {
        let names: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
        let filter = doc! { "_id": { "$in": names } };
        let known = within(Asking::Read, self.collection("events").distinct("_id", filter)).await?;
        let is_new = |event: &&Event| !known.iter().any(|id| id.as_str() == Some(&event.id));
        let entries: Vec<Entry> = events.iter().filter(is_new).cloned().map(Entry::Told).collect();
        if entries.is_empty() {
            return Ok(());
        }
        self.write(&Change::Nothing, &entries).await.map(|_| ())
    }

    /// How many of these it has.
    pub(in crate::store) async fn has(&self, events: &[Event]) -> Result<usize, StoreError> {
        let names: Vec<&str> = events.iter().map(|event| event.id.as_str()).collect();
        let filter = doc! { "_id": { "$in": names } };
        let count = within(Asking::Read, self.collection("events").count_documents(filter)).await?;
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    }

    /// The last number given out.
    pub(in crate::store) async fn last_number(&self) -> Result<u64, StoreError> {
        let found = within(Asking::Read, self.collection("chain").find_one(doc! { "_id": CHAIN })).await?;
        Ok(found.and_then(|chain| chain.get_i64("n").ok()).unwrap_or(0).unsigned_abs())
    }

    /// Inside a transaction. The chain's document makes writers wait for each other.
    pub(super) async fn enter(
        &self,
        session: &mut ClientSession,
        entries: &[Entry],
    ) -> Result<Vec<Event>, super::write::Failure> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let chain = self.collection("chain");
        let count = number(entries.len() as u64);
        let before = chain
            .find_one_and_update(
                doc! { "_id": CHAIN },
                doc! { "$inc": { "n": count }, "$setOnInsert": { "head": chain::ROOT } },
            )
            .upsert(true)
            .return_document(ReturnDocument::After)
            .session(&mut *session)
            .await?
            .ok_or_else(|| StoreError::Failed("the chain's document cannot be read".into()))?;
        let mut n = before.get_i64("n").unwrap_or(count).unsigned_abs() - count.unsigned_abs();
        let mut head = before.get_str("head").unwrap_or(chain::ROOT).to_owned();
        let mut events = Vec::new();
        let mut documents = Vec::new();
        for entry in entries {
            n += 1;
            let event = entry.numbered(n);
            let text = serde_json::to_string(&event).map_err(|error| StoreError::Failed(error.to_string()))?;
            let link = chain::link(&head, &text);
            documents.push(doc! {
                "_id": &event.id, "n": number(n), "at": moment(event.at),
                "site": event.site.as_ref().map(|site| site.as_str().to_owned()), "what": event.kind.name().word(),
                "text": text, "previous": head, "link": &link,
            });
            head = link;
            events.push(event);
        }
        self.collection("events").insert_many(documents).session(&mut *session).await?;
        chain.update_one(doc! { "_id": CHAIN }, doc! { "$set": { "head": head } }).session(session).await?;
        Ok(events)
    }

    pub(super) async fn events(&self, filter: Document, order: i32, limit: usize) -> Result<Vec<Event>, StoreError> {
        let texts = within(Asking::Read, async {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut found = self.collection("events").find(filter).sort(doc! { "n": order }).limit(limit).await?;
            let mut texts = Vec::new();
            while found.advance().await? {
                texts.push(found.current().get_str("text").unwrap_or_default().to_owned());
            }
            Ok(texts)
        });
        let parsed = |text: &String| serde_json::from_str(text).map_err(|error| StoreError::Failed(error.to_string()));
        texts.await?.iter().map(parsed).collect()
    }

    pub(super) async fn walk(&self) -> Result<Verdict, StoreError> {
        let last = self.last_number().await?;
        let failed = |error: &mongodb::error::Error| super::trouble::named(Asking::Read, error);
        let events = self.collection("events");
        let all = events.find(doc! {}).sort(doc! { "n": 1 });
        let mut found = all.await.map_err(|error| failed(&error))?;
        let mut kept = Vec::new();
        while found.advance().await.map_err(|error| failed(&error))? {
            let row = found.current();
            let text = |field: &str| row.get_str(field).unwrap_or_default().to_owned();
            let seq = row.get_i64("n").or_else(|_| row.get_i32("n").map(i64::from)).unwrap_or(0).unsigned_abs();
            kept.push(Kept { seq, text: text("text"), previous: text("previous"), link: text("link") });
        }
        Ok(chain::verify(kept, last))
    }
}

pub(super) fn moment(at: Timestamp) -> DateTime {
    DateTime::from_millis(at.as_millisecond())
}
