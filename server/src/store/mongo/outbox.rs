//! Webhooks and their outbox, for several servers. Besides the documents' own moments, `next` and
//! `made` hold the same as dates: to find what is due, and for the database to forget what is old.

use super::timeline::moment;
use super::trouble::{Asking, within};
use super::write::{Change, Failure};
use super::{Mongo, from_document, number, to_document};
use crate::store::outbox::Outbox;
use crate::webhooks::hook::{Delivery, Hook};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::{SignedDuration, Timestamp};
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

/// The document that knows up to which event deliveries were made.
const CURSOR: &str = "webhooks";

/// Stored at once: many more would not be answered in time, and the database would count as away.
const BATCH: usize = 200;

impl Mongo {
    /// Inside a transaction.
    pub(super) async fn insert_hook(&self, session: &mut ClientSession, hook: &Hook) -> Result<(), Failure> {
        self.collection("hooks").insert_one(to_document(hook)?).session(session).await?;
        Ok(())
    }

    /// As it is elsewhere; one that is there already stays as it is.
    pub(in crate::store) async fn copy_hook(&self, hook: &Hook) -> Result<(), StoreError> {
        if self.hook(&hook.id).await?.is_some() {
            return Ok(());
        }
        self.write(&Change::Hook(hook), &[]).await.map(|_| ())
    }

    /// Inside a transaction.
    pub(super) async fn replace_hook(
        &self,
        session: &mut ClientSession,
        read: &Hook,
        changed: &Hook,
    ) -> Result<(), Failure> {
        let hooks = self.collection("hooks");
        let this = doc! { "_id": &read.id };
        let stored: Option<Hook> =
            hooks.find_one(this.clone()).session(&mut *session).await?.map(from_document).transpose()?;
        if stored.as_ref() != Some(read) {
            return Err(StoreError::Conflict.into());
        }
        hooks.replace_one(this, to_document(changed)?).session(session).await?;
        Ok(())
    }

    /// Inside a transaction.
    pub(super) async fn delete_hook(&self, session: &mut ClientSession, id: &str) -> Result<(), Failure> {
        let gone = self.collection("hooks").delete_one(doc! { "_id": id }).session(session).await?;
        if gone.deleted_count == 0 { Err(StoreError::Conflict.into()) } else { Ok(()) }
    }

    async fn claim_due(
        &self,
        now: Timestamp,
        until: Timestamp,
        busy: &[String],
    ) -> Result<Option<Delivery>, StoreError> {
        let due = doc! { "state.is": "waiting", "next": { "$lte": moment(now) }, "hook": { "$nin": busy.to_vec() } };
        let claim = doc! { "$set": { "next": moment(until), "next_at": until.to_string() } };
        let outbox = self.collection("outbox");
        let longest = outbox.find_one_and_update(due, claim).sort(doc! { "next": 1, "seq": 1 });
        // An answer that is lost costs nothing but the time of the claim.
        let found = within(Asking::Read, longest.return_document(ReturnDocument::After)).await?;
        found.map(from_document).transpose()
    }
}

fn to_dated(delivery: &Delivery) -> Result<Document, StoreError> {
    let mut document = to_document(delivery)?;
    document.insert("next", moment(delivery.next_at));
    document.insert("made", moment(delivery.made_at));
    Ok(document)
}

#[async_trait]
impl Outbox for Mongo {
    async fn put_hook(&self, hook: &Hook, event: NewEvent) -> Result<(), StoreError> {
        self.write(&Change::Hook(hook), &[event.into()]).await.map(|_| ())
    }

    async fn hook(&self, id: &str) -> Result<Option<Hook>, StoreError> {
        self.one("hooks", doc! { "_id": id }).await
    }

    async fn hooks(&self) -> Result<Vec<Hook>, StoreError> {
        self.many("hooks", doc! {}, doc! { "created_at": 1, "_id": 1 }).await
    }

    async fn remove_hook(&self, id: &str, event: NewEvent) -> Result<(), StoreError> {
        self.write(&Change::HookGone(id), &[event.into()]).await?;
        // A month of news may be more than one transaction takes; what is left, nobody sends any more.
        let outbox = self.collection("outbox");
        let left = outbox.delete_many(doc! { "hook": id });
        if let Err(error) = within(Asking::Write, left).await {
            tracing::info!(%error, "the deliveries of a removed webhook are forgotten with their month");
        }
        Ok(())
    }

    async fn change_hook(&self, read: &Hook, changed: &Hook, event: NewEvent) -> Result<(), StoreError> {
        self.write(&Change::HookChanged { read, changed }, &[event.into()]).await.map(|_| ())
    }

    async fn hook_cursor(&self) -> Result<Option<u64>, StoreError> {
        let found = within(Asking::Read, self.collection("cursors").find_one(doc! { "_id": CURSOR })).await?;
        Ok(found.and_then(|cursor| cursor.get_i64("n").ok()).map(i64::unsigned_abs))
    }

    /// Deliveries before the cursor: broken off in between, they are made again.
    async fn add_deliveries(&self, deliveries: &[Delivery], cursor: u64) -> Result<(), StoreError> {
        let documents: Vec<Document> = deliveries.iter().map(to_dated).collect::<Result<_, _>>()?;
        for some in documents.chunks(BATCH) {
            let outbox = self.collection("outbox");
            let added = outbox.insert_many(some).ordered(false);
            match within(Asking::Write, added).await {
                // Out of order, those that are new are stored all the same.
                Ok(_) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        let further = doc! { "$max": { "n": number(cursor) } };
        let cursors = self.collection("cursors");
        match within(Asking::Write, cursors.update_one(doc! { "_id": CURSOR }, further).upsert(true)).await {
            // Two made the document at the same moment; whatever is looked at twice is made once.
            Ok(_) | Err(StoreError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One by one: each claim is for one server only.
    async fn due(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        limit: usize,
        busy: &[String],
    ) -> Result<Vec<Delivery>, StoreError> {
        let mut claimed = Vec::new();
        while claimed.len() < limit {
            match self.claim_due(now, now + lease, busy).await {
                Ok(Some(delivery)) => claimed.push(delivery),
                Err(error) if claimed.is_empty() => return Err(error),
                // What is claimed already can be sent.
                Ok(None) | Err(_) => break,
            }
        }
        Ok(claimed)
    }

    async fn count_waiting(&self) -> Result<u64, StoreError> {
        let outbox = self.collection("outbox");
        within(Asking::Read, outbox.count_documents(doc! { "state.is": "waiting" })).await
    }

    async fn settle(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let outbox = self.collection("outbox");
        let settled = outbox.replace_one(doc! { "_id": &delivery.id }, to_dated(delivery)?);
        within(Asking::Write, settled).await.map(|_| ())
    }

    async fn deliveries_of(&self, hook: &str, limit: usize) -> Result<Vec<Delivery>, StoreError> {
        let documents = within(Asking::Read, async {
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let newest = doc! { "made": -1, "seq": -1 };
            let mut found = self.collection("outbox").find(doc! { "hook": hook }).sort(newest).limit(limit).await?;
            let mut all = Vec::new();
            while found.advance().await? {
                all.push(found.deserialize_current()?);
            }
            Ok(all)
        });
        documents.await?.into_iter().map(from_document).collect()
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        self.one("outbox", doc! { "_id": id }).await
    }
}
