//! What a surface keeps for itself between two starts: where its spaces are, what it told there already.

use async_trait::async_trait;
use engine::ports::StoreError;
use serde::{Deserialize, Serialize};

/// One document, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub version: u64,
    /// JSON of whoever keeps it.
    pub text: String,
}

#[async_trait]
pub trait Documents: Send + Sync {
    async fn document(&self, name: &str) -> Result<Option<Document>, StoreError>;

    /// Over the version before (1: there is none). [`StoreError::Conflict`] where another server was first.
    async fn put_document(&self, name: &str, document: &Document) -> Result<(), StoreError>;
}
