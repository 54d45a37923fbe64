//! Papers are the servers' common business: while the database is away nothing is written down, and what a
//! surface would have told it tells later.

use super::Shared;
use crate::store::papers::{Paper, Papers};
use async_trait::async_trait;
use engine::ports::StoreError;

#[async_trait]
impl Papers for Shared {
    async fn paper(&self, name: &str) -> Result<Option<Paper>, StoreError> {
        self.inner.ask(self.inner.mongo.paper(name)).await
    }

    async fn put_paper(&self, name: &str, paper: &Paper) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.put_paper(name, paper)).await
    }
}
