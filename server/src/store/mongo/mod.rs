//! MongoDB: what several servers share. BSON types end at this folder's door.
//!
//! Every call is given up after [`PATIENCE`]: the driver itself would wait for as long as the socket
//! hangs. What changes together (a profile and the event that tells of it) is one transaction; events
//! are numbered and chained by one document, so that their numbers have no gaps and are seen in order.

mod calls;
mod connect;
mod directory;
mod documents;
mod lease;
mod outbox;
mod schema;
mod timeline;
mod trouble;
mod watch;
mod write;

use super::ServerStore;
use super::chain::Verdict;
use async_trait::async_trait;
use engine::ports::{NewEvent, SiteRecord, Store, StoreError};
use lockdown::ids::SiteId;
use lockdown::timeline::Event;
use mongodb::bson::{Document, deserialize_from_document, doc, serialize_to_document};
use mongodb::{Client, Collection, Database};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use trouble::{Asking, within};
use write::Change;

pub use connect::ConnectError;

/// A database that does not answer within this time is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database of several servers.
#[derive(Clone)]
pub struct Mongo {
    client: Client,
    database: Database,
    /// Every transaction ends at the head of the timeline's chain: of one server's, one at a time. At once they
    /// would only send each other back to the beginning.
    line: Arc<Mutex<()>>,
}

impl Mongo {
    /// Sites, people, keys: one collection each.
    fn collection(&self, name: &str) -> Collection<Document> {
        self.database.collection(name)
    }

    /// Is it there?
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        within(Asking::Read, self.database.run_command(doc! { "ping": 1 })).await.map(|_| ())
    }

    async fn one<T: DeserializeOwned>(&self, collection: &str, filter: Document) -> Result<Option<T>, StoreError> {
        let found = within(Asking::Read, self.collection(collection).find_one(filter)).await?;
        found.map(from_document).transpose()
    }

    async fn many<T: DeserializeOwned>(
        &self,
        collection: &str,
        filter: Document,
        sort: Document,
    ) -> Result<Vec<T>, StoreError> {
        let documents = within(Asking::Read, async {
            let mut found = self.collection(collection).find(filter).sort(sort).await?;
            let mut all = Vec::new();
            while found.advance().await? {
                all.push(found.deserialize_current()?);
            }
            Ok(all)
        });
        documents.await?.into_iter().map(from_document).collect()
    }

    /// Every site's record.
    ///
    /// # Errors
    /// [`StoreError::Away`].
    pub(super) async fn sites(&self) -> Result<Vec<SiteRecord>, StoreError> {
        self.many("sites", doc! {}, doc! { "_id": 1 }).await
    }
}

/// Our `id` is MongoDB's `_id`.
fn to_document<T: Serialize>(value: &T) -> Result<Document, StoreError> {
    let mut document = serialize_to_document(value).map_err(|error| StoreError::Failed(error.to_string()))?;
    if let Some(id) = document.remove("id") {
        document.insert("_id", id);
    }
    Ok(document)
}

fn from_document<T: DeserializeOwned>(mut document: Document) -> Result<T, StoreError> {
    if let Some(id) = document.remove("_id") {
        document.insert("id", id);
    }
    deserialize_from_document(document).map_err(|error| StoreError::Failed(error.to_string()))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[async_trait]
impl Store for Mongo {
    async fn site(&self, id: &SiteId) -> Result<Option<SiteRecord>, StoreError> {
        self.one("sites", doc! { "_id": id.as_str() }).await
    }

    async fn commit(
        &self,
        record: &SiteRecord,
        expected: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, StoreError> {
        self.write(&Change::Site { record, expected }, &events.into_iter().map(Into::into).collect::<Vec<_>>()).await
    }

    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, StoreError> {
        self.write(&Change::Nothing, &events.into_iter().map(Into::into).collect::<Vec<_>>()).await
    }

    async fn events_after(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.events(doc! { "n": { "$gt": number(after) } }, 1, limit).await
    }

    async fn latest_events(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.events(doc! {}, -1, limit).await
    }
}

#[async_trait]
impl ServerStore for Mongo {
    async fn verify(&self) -> Result<Verdict, StoreError> {
        self.walk().await
    }
}

#[cfg(test)]
mod tests;
