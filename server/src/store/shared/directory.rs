//! People, sessions and keys: the database's word, or the last copy of it while it is away. Changes of
//! people and keys wait until it is back; sessions go on.

use super::Shared;
use crate::store::Directory;
use crate::store::records::{ClientRecord, Person, Remembered, Session};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::timeline::{Event, EventName};
use std::collections::BTreeMap;

impl Shared {
    /// The database's answer, or ours where it is away.
    async fn either<T>(
        &self,
        theirs: impl Future<Output = Result<T, StoreError>> + Send,
        ours: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        match self.inner.ask(theirs).await {
            Ok(answer) => Ok(answer),
            // Whatever is wrong there, whoever is known here must be able to lock.
            Err(error) => {
                tracing::warn!(%error, "the shared database does not say; what was copied is used");
                ours.await
            }
        }
    }
}

impl Shared {
    /// What was found is copied, so that whoever was here once is known while the database is away. A
    /// copy that fails is no reason to turn somebody away.
    async fn copied<T: Clone + Send, C: Future<Output = Result<(), StoreError>> + Send>(
        &self,
        theirs: impl Future<Output = Result<Option<T>, StoreError>> + Send,
        copy: impl FnOnce(T) -> C + Send,
    ) -> Result<Option<T>, StoreError> {
        let found = theirs.await?;
        if let Some(found) = found.clone()
            && let Err(error) = copy(found).await
        {
            tracing::warn!(%error, "what the shared database knows could not be copied");
        }
        Ok(found)
    }
}

#[async_trait]
impl Directory for Shared {
    async fn person(&self, id: &str) -> Result<Option<Person>, StoreError> {
        let theirs = self.copied(self.inner.mongo.person(id), |person| self.inner.mirror.copy_person(person));
        self.either(theirs, self.inner.mirror.person(id)).await
    }

    async fn person_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Person>, StoreError> {
        let theirs = self.inner.mongo.person_by_identity(issuer, subject);
        let theirs = self.copied(theirs, |person| self.inner.mirror.copy_person(person));
        self.either(theirs, self.inner.mirror.person_by_identity(issuer, subject)).await
    }

    async fn count_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.ask(self.inner.mongo.count_sessions(now)).await
    }

    async fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.either(self.inner.mongo.people(), self.inner.mirror.people()).await
    }

    async fn put_people(&self, people: &[Person], event: NewEvent) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.put_people(people, event)).await?;
        self.inner.copy_again();
        Ok(())
    }

    async fn note_seen(&self, person: &str, at: Timestamp) -> Result<(), StoreError> {
        self.either(self.inner.mongo.note_seen(person, at), self.inner.local.note_seen(person, at)).await
    }

    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        self.inner.mirror.put_session(session).await?;
        // Kept here is enough to go on with.
        if let Err(error) = self.inner.ask(self.inner.mongo.put_session(session)).await {
            tracing::warn!(%error, "a session is known to this server only");
        }
        Ok(())
    }

    async fn change_session(&self, read: &Session, changed: &Session) -> Result<bool, StoreError> {
        match self.inner.ask(self.inner.mongo.change_session(read, changed)).await {
            Ok(true) => self.inner.mirror.copy_session(changed.clone()).await.map(|()| true),
            // What is known of it here is old: the next look copies it anew.
            Ok(false) => self.inner.local.end_session(&read.id).await.map(|()| false),
            Err(_) => self.inner.mirror.change_session(read, changed).await,
        }
    }

    /// A session that ended elsewhere ends here.
    async fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let theirs = async {
            let copy = |session| self.inner.mirror.copy_session(session);
            let found = self.copied(self.inner.mongo.session(id), copy).await?;
            if found.is_none() {
                self.inner.local.end_session(id).await?;
            }
            Ok(found)
        };
        self.either(theirs, self.inner.mirror.session(id)).await
    }

    async fn end_session(&self, id: &str) -> Result<(), StoreError> {
        self.inner.local.end_session(id).await?;
        match self.inner.ask(self.inner.mongo.end_session(id)).await {
            Err(StoreError::Away(_) | StoreError::OutcomeUnknown(_)) => self.inner.local.ended_alone(id).await,
            ended => ended,
        }
    }

    async fn sessions_of(&self, person: &str) -> Result<Vec<Session>, StoreError> {
        self.either(self.inner.mongo.sessions_of(person), self.inner.local.sessions_of(person)).await
    }

    async fn put_client(&self, client: &ClientRecord, read: Option<&str>, event: NewEvent) -> Result<(), StoreError> {
        self.inner.ask(self.inner.mongo.put_client(client, read, event)).await?;
        self.inner.copy_again();
        Ok(())
    }

    async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        let theirs = self.copied(self.inner.mongo.client(id), |client| self.inner.mirror.copy_client(client));
        self.either(theirs, self.inner.mirror.client(id)).await
    }

    async fn clients(&self) -> Result<Vec<ClientRecord>, StoreError> {
        self.either(self.inner.mongo.clients(), self.inner.mirror.clients()).await
    }

    async fn note_client_used(&self, client: &str, at: Timestamp) -> Result<(), StoreError> {
        self.either(self.inner.mongo.note_client_used(client, at), self.inner.local.note_client_used(client, at)).await
    }

    /// Here first: what was used here while the database was away is never good here again.
    async fn consume_once(&self, what: &str, at: Timestamp) -> Result<bool, StoreError> {
        if !self.inner.local.consume_once(what, at).await? {
            return Ok(false);
        }
        // Our own exchange may have been faster: whoever asks for this server had it.
        let me = self.inner.local.instance().await?;
        match self.inner.ask(self.inner.mongo.consume_once_by(what, at, &me)).await {
            Ok(first) => {
                self.inner.local.spent_passed_on(what).await?;
                Ok(first)
            }
            Err(error) => {
                tracing::warn!(%error, "other servers do not know yet that something was used up");
                Ok(true)
            }
        }
    }

    async fn consumed(&self, what: &[String]) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let mut all = self.inner.local.consumed(what).await?;
        if let Ok(theirs) = self.inner.ask(self.inner.mongo.consumed(what)).await {
            all.extend(theirs);
        }
        Ok(all)
    }

    async fn events_named(&self, names: &[EventName], limit: usize) -> Result<Vec<Event>, StoreError> {
        self.either(self.inner.mongo.events_named(names, limit), self.inner.local.events_named(names, limit)).await
    }

    async fn remembered(&self, client: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        self.either(self.inner.mongo.remembered(client, key), self.inner.local.remembered(client, key)).await
    }

    async fn remember(&self, client: &str, key: &str, answer: &Remembered) -> Result<(), StoreError> {
        self.either(self.inner.mongo.remember(client, key, answer), self.inner.local.remember(client, key, answer))
            .await
    }
}
