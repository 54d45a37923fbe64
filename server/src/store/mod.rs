//! What is remembered, and where. The engine sees its own port only; sign-in and administration
//! see [`Directory`]. Both are kept by one adapter, and one contract suite holds for every adapter:
//! [`embedded`], one file; [`mongo`], the database of several servers; [`shared`], the first as the
//! journal of the second.

pub mod calls;
pub mod chain;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod contract_calls;
#[cfg(test)]
mod contract_documents;
#[cfg(test)]
mod contract_outbox;
pub mod documents;
pub mod embedded;
pub mod migrate;
pub mod mongo;
pub mod outbox;
pub mod records;
pub mod shared;

use async_trait::async_trait;
use calls::Calls;
use chain::Verdict;
use documents::Documents;
use engine::ports::{NewEvent, Store, StoreError};
use jiff::Timestamp;
use lockdown::timeline::{Event, EventName};
use outbox::Outbox;
use records::{ClientRecord, Person, Remembered, Session};
use std::collections::BTreeMap;

/// Everything a store is asked for.
#[async_trait]
pub trait ServerStore: Store + Directory + Outbox + Calls + Documents {
    /// Walks the hash chain of the timeline.
    async fn verify(&self) -> Result<Verdict, StoreError>;
}

/// People, their sessions, and API keys.
#[async_trait]
pub trait Directory: Send + Sync {
    async fn person(&self, id: &str) -> Result<Option<Person>, StoreError>;

    /// By who signed in, never by e-mail.
    async fn person_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Person>, StoreError>;

    /// How many sessions are kept that have not ended.
    async fn count_sessions(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// In the order of their names.
    async fn people(&self) -> Result<Vec<Person>, StoreError>;

    /// Stores a person if the stored version is still one less (0: there is none), together with the
    /// event that tells of it.
    async fn put_person(&self, person: &Person, event: NewEvent) -> Result<(), StoreError> {
        self.put_people(std::slice::from_ref(person), event).await
    }

    /// The same for several at once: all of them, or none.
    async fn put_people(&self, people: &[Person], event: NewEvent) -> Result<(), StoreError>;

    /// When somebody last came in. No change of the profile: its version stays.
    async fn note_seen(&self, person: &str, at: Timestamp) -> Result<(), StoreError>;

    /// A new session.
    async fn put_session(&self, session: &Session) -> Result<(), StoreError>;

    /// Over the session as it was `read`; false where it ended meanwhile, or its proof is another one or
    /// was used. Of two that use up one proof, one gets true.
    async fn change_session(&self, read: &Session, changed: &Session) -> Result<bool, StoreError>;

    /// By the hash of its token.
    async fn session(&self, id: &str) -> Result<Option<Session>, StoreError>;

    async fn end_session(&self, id: &str) -> Result<(), StoreError>;

    /// Of one person, newest first.
    async fn sessions_of(&self, person: &str) -> Result<Vec<Session>, StoreError>;

    /// A key with the event that tells of it: a new one, or over the live one with the hash that was
    /// `read`. A revoked key never comes back.
    async fn put_client(&self, client: &ClientRecord, read: Option<&str>, event: NewEvent) -> Result<(), StoreError>;

    async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError>;

    async fn clients(&self) -> Result<Vec<ClientRecord>, StoreError>;

    /// When a key was last used. No change of the key, and no event.
    async fn note_client_used(&self, client: &str, at: Timestamp) -> Result<(), StoreError>;

    /// Uses up what is good once and for all. Of two at once, one gets true. What is used while other
    /// servers cannot be told is told them later.
    async fn consume_once(&self, what: &str, at: Timestamp) -> Result<bool, StoreError>;

    /// Which of these are used up, and since when.
    async fn consumed(&self, what: &[String]) -> Result<BTreeMap<String, Timestamp>, StoreError>;

    /// The newest events of these kinds (their words in the timeline), newest first.
    async fn events_named(&self, names: &[EventName], limit: usize) -> Result<Vec<Event>, StoreError>;

    /// What was answered to this client's request with this idempotency key.
    async fn remembered(&self, client: &str, key: &str) -> Result<Option<Remembered>, StoreError>;

    /// Forgets what is older than a day.
    async fn remember(&self, client: &str, key: &str, answer: &Remembered) -> Result<(), StoreError>;
}
