//! One transaction: a change, and the events that tell of it.

use super::calls::searchable;
use super::timeline::Entry;
use super::trouble::{Asking, is_transient, named, silent};
use super::{Mongo, PATIENCE, number, to_document};
use crate::store::records::{ClientRecord, Identity, Person};
use crate::webhooks::hook::Hook;
use engine::ports::{SiteRecord, StoreError};
use lockdown::call_request::CallRequest;
use lockdown::timeline::Event;
use mongodb::ClientSession;
use mongodb::bson::{Document, doc};
use std::time::Duration;

/// Two servers that write at the same moment: one begins again. More often than this is no chance.
const ATTEMPTS: u32 = 40;

/// Longer each time: a database that is making collections or changing its leader needs a moment.
const PAUSE: Duration = Duration::from_millis(4);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// For so long a write waits for those of this server before it; then it counts as one that came too late.
const QUEUE: Duration = Duration::from_secs(10);

/// An answer to a commit that was lost is asked for again so often.
const COMMITS: usize = 3;

/// What changes together with the timeline.
pub(super) enum Change<'a> {
    Nothing,
    Site {
        record: &'a SiteRecord,
        expected: Option<u64>,
    },
    /// In this order: what one gives up, a later one may take.
    People(&'a [Person]),
    Client {
        client: &'a ClientRecord,
        /// The hash of the live key it goes over.
        read: Option<&'a str>,
    },
    Hook(&'a Hook),
    /// Over the one that was `read`.
    HookChanged {
        read: &'a Hook,
        changed: &'a Hook,
    },
    HookGone(&'a str),
    /// Over the version before, or where there was none.
    Request(&'a CallRequest),
    RequestGone(&'a str),
}

pub(super) enum Failure {
    Again,
    Driver(mongodb::error::Error),
    Store(StoreError),
}

impl From<mongodb::error::Error> for Failure {
    fn from(error: mongodb::error::Error) -> Self {
        if is_transient(&error) { Self::Again } else { Self::Driver(error) }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Mongo {
    /// All of it, or nothing. A database that falls silent is noticed within [`PATIENCE`]; one that answers, but
    /// is busy with the writes of other servers, is tried for twice as long.
    pub(super) async fn write(&self, change: &Change<'_>, entries: &[Entry]) -> Result<Vec<Event>, StoreError> {
        // An order of a site waits for nobody. Waiting here says nothing about the database.
        let _line = match change {
            Change::Site { .. } => None,
            _ => Some(tokio::time::timeout(QUEUE, self.line.lock()).await.map_err(|_| StoreError::Conflict)?),
        };
        let trying = async {
            for attempt in 0..ATTEMPTS {
                match self.attempt(change, entries).await {
                    Err(Failure::Again) => tokio::time::sleep((PAUSE * attempt).min(LONGEST_PAUSE)).await,
                    Err(Failure::Driver(error)) => return Err(named(Asking::Write, &error)),
                    Err(Failure::Store(error)) => return Err(error),
                    Ok(events) => return Ok(events),
                }
            }
            Err(StoreError::Conflict)
        };
        tokio::time::timeout(PATIENCE * 2, trying).await.unwrap_or_else(|_| Err(silent(Asking::Write)))
    }

    async fn attempt(&self, change: &Change<'_>, entries: &[Entry]) -> Result<Vec<Event>, Failure> {
        let mut session = self.client.start_session().await?;
        session.start_transaction().await?;
        let events = in_time(self.fill(&mut session, change, entries)).await?;
        in_time(commit(&mut session)).await?;
        Ok(events)
    }

    async fn fill(
        &self,
        session: &mut ClientSession,
        change: &Change<'_>,
        entries: &[Entry],
    ) -> Result<Vec<Event>, Failure> {
        let filling = async {
            self.apply(session, change).await?;
            self.enter(session, entries).await
        };
        let filled = filling.await;
        if filled.is_err() {
            // It ends by itself too; what is told is why.
            let _ = session.abort_transaction().await;
        }
        filled
    }

    async fn apply(&self, session: &mut ClientSession, change: &Change<'_>) -> Result<(), Failure> {
        match change {
            Change::Nothing => Ok(()),
            Change::Site { record, expected } => {
                self.put(session, "sites", record.id.as_str(), to_document(record)?, *expected).await
            }
            Change::People(people) => {
                for person in *people {
                    self.put_person(session, person).await?;
                }
                Ok(())
            }
            Change::Client { client, read } => self.put_client_over(session, client, *read).await,
            Change::Hook(hook) => self.insert_hook(session, hook).await,
            Change::HookChanged { read, changed } => self.replace_hook(session, read, changed).await,
            Change::Request(request) => {
                let expected = (request.version > 1).then(|| request.version - 1);
                self.put(session, "call_requests", request.id.as_str(), searchable(request)?, expected).await
            }
            Change::RequestGone(id) => {
                let requests = self.collection("call_requests");
                let gone = requests.delete_one(doc! { "_id": id }).session(session).await?;
                if gone.deleted_count == 0 { Err(StoreError::Conflict.into()) } else { Ok(()) }
            }
            Change::HookGone(id) => self.delete_hook(session, id).await,
        }
    }

    async fn put_client_over(
        &self,
        session: &mut ClientSession,
        client: &ClientRecord,
        read: Option<&str>,
    ) -> Result<(), Failure> {
        let clients = self.collection("clients");
        let document = to_document(client)?;
        let Some(read) = read else {
            clients.insert_one(document).session(session).await?;
            return Ok(());
        };
        let live = doc! { "_id": client.id.as_str(), "hash": read, "revoked_at": null };
        let replaced = clients.replace_one(live, document).session(session).await?;
        if replaced.matched_count == 1 { Ok(()) } else { Err(StoreError::Conflict.into()) }
    }

    async fn put_person(&self, session: &mut ClientSession, person: &Person) -> Result<(), Failure> {
        let expected = (person.version > 1).then(|| person.version - 1);
        let mut document = to_document(person)?;
        let key = |identity: &Identity| identity_key(&identity.issuer, &identity.subject);
        let keys: Vec<String> = person.identities.iter().map(key).collect();
        if !keys.is_empty() {
            document.insert("identity_keys", keys);
        }
        self.put(session, "profiles", person.id.as_str(), document, expected).await
    }

    /// Over the version it was read at, or where there was none.
    async fn put(
        &self,
        session: &mut ClientSession,
        collection: &str,
        id: &str,
        document: Document,
        expected: Option<u64>,
    ) -> Result<(), Failure> {
        let collection = self.collection(collection);
        let Some(expected) = expected else {
            collection.insert_one(document).session(session).await?;
            return Ok(());
        };
        let filter = doc! { "_id": id, "version": number(expected) };
        let replaced = collection.replace_one(filter, document).session(session).await?;
        if replaced.matched_count == 1 { Ok(()) } else { Err(StoreError::Conflict.into()) }
    }
}

async fn in_time<T>(part: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(PATIENCE, part).await.unwrap_or_else(|_| Err(silent(Asking::Write).into()))
}

/// One field for the unique index: an address never holds a line break.
pub(super) fn identity_key(issuer: &str, subject: &str) -> String {
    format!("{issuer}\n{subject}")
}

async fn commit(session: &mut ClientSession) -> Result<(), Failure> {
    for _ in 1..COMMITS {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(mongodb::error::UNKNOWN_TRANSACTION_COMMIT_RESULT) => {}
            result => return Ok(result?),
        }
    }
    Ok(session.commit_transaction().await?)
}
