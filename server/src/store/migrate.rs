//! From the file of one machine to the database of several: counted, compared, and safe to run twice.

use super::Directory;
use super::ServerStore;
use super::calls::{Calls, Wanted};
use super::chain::Verdict;
use super::embedded::Embedded;
use super::mongo::Mongo;
use super::outbox::Outbox;
use engine::ports::{Store, StoreError};
use serde::Serialize;

/// Events copied at once.
const BATCH: usize = 500;

/// What is there now of what was here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    pub here: usize,
    pub there: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub people: Count,
    pub keys: Count,
    pub hooks: Count,
    pub call_requests: Count,
    pub sites: Count,
    pub events: Count,
    /// Head of the database's chain; the same as the file's where the database was empty.
    pub head: String,
}

impl Report {
    /// Is everything there?
    pub fn is_whole(&self) -> bool {
        let all = [self.people, self.keys, self.hooks, self.call_requests, self.sites, self.events];
        all.iter().all(|count| count.here == count.there)
    }
}

/// Copies what is missing there, then counts.
///
/// # Errors
/// When either cannot be read or written; what was copied stays, and running it again goes on.
pub async fn to_mongo(file: &Embedded, mongo: &Mongo) -> Result<Report, StoreError> {
    if let Verdict::Broken { seq, why } = file.verify().await? {
        return Err(StoreError::Failed(format!(
            "the file's timeline is broken at event {seq}: {why}. Nothing was copied"
        )));
    }
    mongo.prepare().await?;
    let people = file.people().await?;
    let keys = file.clients().await?;
    let sites = file.sites().await?;
    for person in &people {
        mongo.copy_person(person).await?;
    }
    for key in &keys {
        mongo.copy_client(key).await?;
    }
    let hooks = file.hooks().await?;
    for hook in &hooks {
        mongo.copy_hook(hook).await?;
    }
    let requests = file.requests(&Wanted { limit: usize::MAX, ..Wanted::default() }).await?;
    for request in &requests {
        mongo.copy_request(request).await?;
    }
    for site in &sites {
        if mongo.site(&site.id).await?.is_none() {
            mongo.commit(site, None, vec![]).await?;
        }
    }
    let events = copy_events(file, mongo).await?;
    let mut report = Report {
        people: Count { here: people.len(), there: 0 },
        keys: Count { here: keys.len(), there: 0 },
        hooks: Count { here: hooks.len(), there: 0 },
        call_requests: Count { here: requests.len(), there: 0 },
        sites: Count { here: sites.len(), there: 0 },
        events,
        head: String::new(),
    };
    for person in &people {
        report.people.there +=
            usize::from(mongo.person(person.id.as_str()).await?.is_some_and(|p| p.identities == person.identities));
    }
    for key in &keys {
        report.keys.there += usize::from(mongo.client(key.id.as_str()).await?.is_some_and(|k| k.hash == key.hash));
    }
    for hook in &hooks {
        report.hooks.there += usize::from(mongo.hook(&hook.id).await?.is_some());
    }
    for request in &requests {
        report.call_requests.there += usize::from(mongo.request(request.id.as_str()).await?.is_some());
    }
    for site in &sites {
        report.sites.there += usize::from(mongo.site(&site.id).await?.is_some_and(|s| s.version >= site.version));
    }
    match mongo.verify().await? {
        Verdict::Whole { head, .. } => report.head = head,
        Verdict::Broken { seq, why } => {
            return Err(StoreError::Failed(format!("the database's timeline is broken at event {seq}: {why}")));
        }
    }
    if report.is_whole() {
        file.becomes_journal().await?;
    }
    Ok(report)
}

async fn copy_events(file: &Embedded, mongo: &Mongo) -> Result<Count, StoreError> {
    let mut count = Count { here: 0, there: 0 };
    let mut after = 0;
    loop {
        let events = file.events_after(after, BATCH).await?;
        let Some(last) = events.last() else { return Ok(count) };
        after = last.seq;
        mongo.take_in(&events).await?;
        count.here += events.len();
        count.there += mongo.has(&events).await?;
        file.passed_on(after).await?;
    }
}
