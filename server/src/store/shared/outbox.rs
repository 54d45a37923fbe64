//! Webhooks are the servers' common business: while the database is away nothing is sent, and what
//! happens meanwhile is sent when it is back.

use super::Shared;
use crate::store::outbox::Outbox;
use crate::webhooks::hook::{Delivery, Hook};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::{SignedDuration, Timestamp};

#[async_trait]
impl Outbox for Shared {
    async fn put_hook(&self, hook: &Hook, event: NewEvent) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.put_hook(hook, event)).await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    async fn hook(&self, id: &str) -> Result<Option<Hook>, StoreError> {
        self.inner.ask(self.inner.mongo.hook(id)).await
    }

    async fn hooks(&self) -> Result<Vec<Hook>, StoreError> {
        self.inner.ask(self.inner.mongo.hooks()).await
    }

    async fn remove_hook(&self, id: &str, event: NewEvent) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.remove_hook(id, event)).await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    async fn change_hook(&self, read: &Hook, changed: &Hook, event: NewEvent) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.change_hook(read, changed, event)).await
    }

    async fn hook_cursor(&self) -> Result<Option<u64>, StoreError> {
        self.inner.ask(self.inner.mongo.hook_cursor()).await
    }

    async fn add_deliveries(&self, deliveries: &[Delivery], cursor: u64) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.add_deliveries(deliveries, cursor)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        limit: usize,
        busy: &[String],
    ) -> Result<Vec<Delivery>, StoreError> {
        self.inner.ask(self.inner.mongo.due(now, lease, limit, busy)).await
    }

    async fn count_waiting(&self) -> Result<u64, StoreError> {
        self.inner.ask(self.inner.mongo.count_waiting()).await
    }

    async fn settle(&self, delivery: &Delivery) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.settle(delivery)).await
    }

    async fn deliveries_of(&self, hook: &str, limit: usize) -> Result<Vec<Delivery>, StoreError> {
        self.inner.ask(self.inner.mongo.deliveries_of(hook, limit)).await
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        self.inner.ask(self.inner.mongo.delivery(id)).await
    }
}
