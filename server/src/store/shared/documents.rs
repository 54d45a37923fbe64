//! Documents are the servers' common business: while the database is away nothing is written down, and what a
//! surface would have told it tells later.

use super::Shared;
use crate::store::documents::{Document, Documents};
use async_trait::async_trait;
use engine::ports::StoreError;

#[async_trait]
impl Documents for Shared {
    async fn document(&self, name: &str) -> Result<Option<Document>, StoreError> {
        self.inner.ask(self.inner.mongo.document(name)).await
    }

    async fn put_document(&self, name: &str, document: &Document) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.put_document(name, document)).await
    }
}
