//! Webhooks, and what waits to be sent by them.

use crate::webhooks::hook::{Delivery, Hook};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::{SignedDuration, Timestamp};

/// What outgoing webhooks are remembered by.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// A new webhook with the event that tells of it; [`StoreError::Conflict`] where its id is taken.
    async fn put_hook(&self, hook: &Hook, event: NewEvent) -> Result<(), StoreError>;

    async fn hook(&self, id: &str) -> Result<Option<Hook>, StoreError>;

    /// Oldest first.
    async fn hooks(&self) -> Result<Vec<Hook>, StoreError>;

    /// Takes a webhook away with its deliveries and the event that tells of it;
    /// [`StoreError::Conflict`] where there is none.
    async fn remove_hook(&self, id: &str, event: NewEvent) -> Result<(), StoreError>;

    /// A new secret, or whether it is on, with the event that tells of it: over the webhook as it was
    /// `read`. [`StoreError::Conflict`] where it is another by now, or none.
    async fn change_hook(&self, read: &Hook, changed: &Hook, event: NewEvent) -> Result<(), StoreError>;

    /// Up to which event deliveries were made; `None` before the first look.
    async fn hook_cursor(&self) -> Result<Option<u64>, StoreError>;

    /// Stores deliveries that are not there yet, and that everything up to the event `cursor` was looked
    /// at. The cursor never goes back. What is older than [`crate::webhooks::hook::KEPT`] is forgotten.
    async fn add_deliveries(&self, deliveries: &[Delivery], cursor: u64) -> Result<(), StoreError>;

    /// Claims what is due at `now`, the longest due first, except for the webhooks in `busy`: until
    /// `lease` is over, nobody else gets it. Of two at once, each gets others.
    async fn due(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        limit: usize,
        busy: &[String],
    ) -> Result<Vec<Delivery>, StoreError>;

    /// How many deliveries wait to be sent.
    async fn count_waiting(&self) -> Result<u64, StoreError>;

    /// What became of a delivery; nothing where it was removed meanwhile.
    async fn settle(&self, delivery: &Delivery) -> Result<(), StoreError>;

    /// Newest first.
    async fn deliveries_of(&self, hook: &str, limit: usize) -> Result<Vec<Delivery>, StoreError>;

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError>;
}
