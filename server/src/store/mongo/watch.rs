//! News from the database as it happens. Only a wake-up: what changed is looked up, so that a missed
//! one costs a second and nothing else.

use super::Mongo;
use mongodb::bson::Document;
use mongodb::bson::doc;
use mongodb::change_stream::event::ChangeStreamEvent;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// A database without change streams (no replica set) is asked again this much later; meanwhile the
/// exchange looks every second.
const AGAIN: Duration = Duration::from_secs(30);

/// After a stream that broke.
const SOON: Duration = Duration::from_secs(1);

impl Mongo {
    /// Wakes whoever waits, until the task is ended.
    pub(in crate::store) async fn wake(self, changed: Arc<Notify>) {
        loop {
            let pause = match self.follow(&changed).await {
                Ok(()) => SOON,
                Err(error) => {
                    tracing::debug!(kind = %super::trouble::named(super::Asking::Read, &error), "no change stream");
                    AGAIN
                }
            };
            changed.notify_one();
            tokio::time::sleep(pause).await;
        }
    }

    async fn follow(&self, changed: &Notify) -> mongodb::error::Result<()> {
        let ours = doc! { "$match": { "ns.coll": { "$in": ["sites", "events", "profiles", "clients", "leases"] } } };
        let bare = doc! { "$project": { "fullDocument": 0, "updateDescription": 0 } };
        let mut stream = self.database.watch().pipeline([ours, bare]).await?.with_type::<ChangeStreamEvent<Document>>();
        while stream.is_alive() {
            if stream.next_if_any().await?.is_some() {
                changed.notify_one();
            }
        }
        Ok(())
    }
}
