//! Who has something for a while, by the database's clock.

use super::Mongo;
use super::trouble::{Asking, within};
use engine::ports::StoreError;
use lockdown::ids::SiteId;
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;
use std::collections::BTreeMap;
use std::time::Duration;

impl Mongo {
    /// Takes or keeps a lease that is free, over, or ours. Whether it is ours now.
    pub(in crate::store) async fn lease(&self, name: &str, me: &str, time: Duration) -> Result<bool, StoreError> {
        let free = doc! { "$or": [
            { "$eq": ["$holder", me] },
            { "$lt": [{ "$toLong": { "$ifNull": ["$until", mongodb::bson::DateTime::from_millis(0)] } }, { "$toLong": "$$NOW" }] },
        ] };
        self.claim(name, me, time, free).await
    }

    /// Takes a lease from whoever has it: an order was given here.
    pub(in crate::store) async fn seize(&self, name: &str, me: &str, time: Duration) -> Result<(), StoreError> {
        self.claim(name, me, time, doc! { "$literal": true }).await.map(|_| ())
    }

    /// `me` lives, and writes nothing any more that was ordered before these versions of its sites.
    pub(in crate::store) async fn sign_of_life(
        &self,
        me: &str,
        time: Duration,
        rests: &BTreeMap<SiteId, u64>,
    ) -> Result<(), StoreError> {
        let rest = |(site, version): (&SiteId, &u64)| doc! { "site": site.as_str(), "version": whole(*version) };
        let rests: Vec<Document> = rests.iter().map(rest).collect();
        let steps = vec![doc! { "$set": {
            "until": from_now(time), "holder": { "$literal": me }, "rests": { "$literal": rests },
        } }];
        let leases = self.collection("leases");
        let sign = leases.update_one(doc! { "_id": format!("server/{me}") }, steps).upsert(true);
        within(Asking::Read, sign).await.map(|_| ())
    }

    /// Does another server of this site than `me` show signs of life that may still write what was ordered before
    /// `version`?
    pub(in crate::store) async fn others_before(
        &self,
        me: &str,
        site: &SiteId,
        version: u64,
    ) -> Result<bool, StoreError> {
        let mut before = alive_but(me);
        before.insert("rests", doc! { "$elemMatch": { "site": site.as_str(), "version": { "$lt": whole(version) } } });
        within(Asking::Read, self.collection("leases").find_one(before)).await.map(|found| found.is_some())
    }

    async fn claim(&self, name: &str, me: &str, time: Duration, free: Document) -> Result<bool, StoreError> {
        let until = from_now(time);
        let steps = vec![
            doc! { "$set": { "free": free } },
            doc! { "$set": {
                "until": { "$cond": ["$free", until, "$until"] },
                "holder": { "$cond": ["$free", me, "$holder"] },
            } },
            doc! { "$unset": "free" },
        ];
        let leases = self.collection("leases");
        let claim =
            leases.find_one_and_update(doc! { "_id": name }, steps).upsert(true).return_document(ReturnDocument::After);
        match within(Asking::Read, claim).await {
            Ok(lease) => Ok(lease.is_some_and(|lease| lease.get_str("holder").is_ok_and(|holder| holder == me))),
            // Two made the document at the same moment: the other one did.
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Who has it, whether or not its time is over.
    pub(in crate::store) async fn holder(&self, name: &str) -> Result<Option<String>, StoreError> {
        let found = within(Asking::Read, self.collection("leases").find_one(doc! { "_id": name })).await?;
        Ok(found.and_then(|lease| lease.get_str("holder").ok().map(str::to_owned)))
    }

    /// Gives a lease back, so that another server need not wait for its end.
    pub(in crate::store) async fn give_back(&self, name: &str, me: &str) -> Result<(), StoreError> {
        within(Asking::Read, self.collection("leases").delete_one(doc! { "_id": name, "holder": me })).await.map(|_| ())
    }

    /// Does another server than `me` show signs of life?
    pub(in crate::store) async fn others_alive(&self, me: &str) -> Result<bool, StoreError> {
        within(Asking::Read, self.collection("leases").find_one(alive_but(me))).await.map(|found| found.is_some())
    }
}

fn from_now(time: Duration) -> Document {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    doc! { "$dateAdd": { "startDate": "$$NOW", "unit": "millisecond", "amount": millis } }
}

fn alive_but(me: &str) -> Document {
    doc! {
        "_id": { "$regex": "^server/" }, "holder": { "$ne": me },
        "$expr": { "$gt": [{ "$toLong": "$until" }, { "$toLong": "$$NOW" }] },
    }
}

fn whole(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
