//! Documents, for several servers.

use super::trouble::{Asking, within};
use super::{Mongo, number};
use crate::store::documents::{Document, Documents};
use async_trait::async_trait;
use engine::ports::StoreError;
use mongodb::bson::doc;

const ROOM: &str = "papers";

#[async_trait]
impl Documents for Mongo {
    async fn document(&self, name: &str) -> Result<Option<Document>, StoreError> {
        self.one(ROOM, doc! { "_id": name }).await
    }

    async fn put_document(&self, name: &str, document: &Document) -> Result<(), StoreError> {
        let documents = self.collection(ROOM);
        let version = number(document.version);
        if document.version == 1 {
            let new = doc! { "_id": name, "version": version, "text": &document.text };
            return within(Asking::Write, documents.insert_one(new)).await.map(|_| ());
        }
        let before = doc! { "_id": name, "version": version - 1 };
        let change = doc! { "$set": { "version": version, "text": &document.text } };
        match within(Asking::Write, documents.update_one(before, change)).await?.matched_count {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }
}
