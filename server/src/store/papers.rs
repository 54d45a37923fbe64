//! What a surface keeps for itself between two starts: where its spaces are, what it told there already.

use async_trait::async_trait;
use engine::ports::StoreError;
use serde::{Deserialize, Serialize};

/// One paper, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    pub version: u64,
    /// JSON of whoever keeps it.
    pub text: String,
}

#[async_trait]
pub trait Papers: Send + Sync {
    async fn paper(&self, name: &str) -> Result<Option<Paper>, StoreError>;

    /// Over the version before (1: there is none). [`StoreError::Conflict`] where another server was first.
    async fn put_paper(&self, name: &str, paper: &Paper) -> Result<(), StoreError>;
}
