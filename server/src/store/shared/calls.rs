//! Call requests are the servers' common business: while the database is away none is taken, and the forms
//! keep what was written until it is back.

use super::Shared;
use crate::store::calls::{Calls, Wanted};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::call_request::CallRequest;

#[async_trait]
impl Calls for Shared {
    async fn next_request_number(&self) -> Result<u64, StoreError> {
        self.inner.ask(self.inner.mongo.next_request_number()).await
    }

    async fn put_request(&self, request: &CallRequest, event: NewEvent) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.put_request(request, event)).await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    async fn request(&self, id: &str) -> Result<Option<CallRequest>, StoreError> {
        self.inner.ask(self.inner.mongo.request(id)).await
    }

    async fn request_of_form(&self, form: &str) -> Result<Option<CallRequest>, StoreError> {
        self.inner.ask(self.inner.mongo.request_of_form(form)).await
    }

    async fn requests(&self, wanted: &Wanted) -> Result<Vec<CallRequest>, StoreError> {
        self.inner.ask(self.inner.mongo.requests(wanted)).await
    }

    async fn erase_request(&self, id: &str, event: NewEvent) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.erase_request(id, event)).await?;
        self.inner.wake.notify_one();
        Ok(())
    }

    async fn forget_requests(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.inner.ask(self.inner.mongo.forget_requests(before)).await
    }
}
