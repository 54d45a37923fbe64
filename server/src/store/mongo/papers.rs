//! Papers, for several servers.

use super::trouble::{Asking, within};
use super::{Mongo, number};
use crate::store::papers::{Paper, Papers};
use async_trait::async_trait;
use engine::ports::StoreError;
use mongodb::bson::doc;

const ROOM: &str = "papers";

#[async_trait]
impl Papers for Mongo {
    async fn paper(&self, name: &str) -> Result<Option<Paper>, StoreError> {
        self.one(ROOM, doc! { "_id": name }).await
    }

    async fn put_paper(&self, name: &str, paper: &Paper) -> Result<(), StoreError> {
        let papers = self.collection(ROOM);
        let version = number(paper.version);
        if paper.version == 1 {
            let new = doc! { "_id": name, "version": version, "text": &paper.text };
            return within(Asking::Write, papers.insert_one(new)).await.map(|_| ());
        }
        let before = doc! { "_id": name, "version": version - 1 };
        let change = doc! { "$set": { "version": version, "text": &paper.text } };
        match within(Asking::Write, papers.update_one(before, change)).await?.matched_count {
            0 => Err(StoreError::Conflict),
            _ => Ok(()),
        }
    }
}
