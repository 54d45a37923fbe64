//! Copies of people, keys and sessions for the day the database is away, signed: whoever can write the file,
//! but does not know the database's address with its password, makes nobody a senior and no session.
//!
//! A person or key whose copy is not genuine may lock and no more. So somebody who edits the address in the
//! middle of an outage, or starts a newer program then, keeps nobody from locking.
//!
//! Not held: a copy that was genuine once and is put back, and, where the address has no password, anything
//! against somebody who guesses it. When somebody was last seen is noted in the copy and not signed.

use crate::config::Secret;
use crate::engine::ports::StoreError;
use crate::store::Directory;
use crate::store::chain::hex;
use crate::store::embedded::{Embedded, Signed};
use crate::store::records::{ClientRecord, Person, Session};
use aws_lc_rs::hmac;
use lockdown::operator::Scope;
use serde::Serialize;

const PERSON: &str = "person";
const KEY: &str = "key";
const SESSION: &str = "session";

pub(super) struct Mirror {
    local: Embedded,
    key: hmac::Key,
}

impl Mirror {
    pub(super) fn new(local: Embedded, secret: &Secret) -> Self {
        Self { local, key: hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()) }
    }

    pub(super) async fn copy_person(&self, person: Person) -> Result<(), StoreError> {
        let signature = self.of_person(&person)?;
        self.local.copy_person(Signed { record: person, signature }).await
    }

    pub(super) async fn copy_client(&self, client: ClientRecord) -> Result<(), StoreError> {
        let signature = self.of_client(&client)?;
        self.local.copy_client(Signed { record: client, signature }).await
    }

    /// In place of all that was copied before.
    pub(super) async fn copy_all(&self, people: Vec<Person>, clients: Vec<ClientRecord>) -> Result<(), StoreError> {
        let signed = |person: Person| Ok(Signed { signature: self.of_person(&person)?, record: person });
        let people = people.into_iter().map(signed).collect::<Result<_, StoreError>>()?;
        let signed = |client: ClientRecord| Ok(Signed { signature: self.of_client(&client)?, record: client });
        let clients = clients.into_iter().map(signed).collect::<Result<_, StoreError>>()?;
        self.local.mirror(people, clients).await
    }

    pub(super) async fn person(&self, id: &str) -> Result<Option<Person>, StoreError> {
        self.own_person(self.local.person(id).await?).await
    }

    pub(super) async fn person_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Person>, StoreError> {
        // Found by an index that is not signed: what it leads to must say so itself.
        let found = self.local.person_by_identity(issuer, subject).await?;
        let says =
            |person: &Person| person.identities.iter().any(|known| known.issuer == issuer && known.subject == subject);
        self.own_person(found.filter(says)).await
    }

    pub(super) async fn people(&self) -> Result<Vec<Person>, StoreError> {
        let mut own = Vec::new();
        for person in self.local.people().await? {
            own.extend(self.own_person(Some(person)).await?);
        }
        Ok(own)
    }

    pub(super) async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        self.own_client(self.local.client(id).await?).await
    }

    pub(super) async fn clients(&self) -> Result<Vec<ClientRecord>, StoreError> {
        let mut own = Vec::new();
        for client in self.local.clients().await? {
            own.extend(self.own_client(Some(client)).await?);
        }
        Ok(own)
    }

    async fn own_person(&self, found: Option<Person>) -> Result<Option<Person>, StoreError> {
        let Some(person) = found else { return Ok(None) };
        let signature = self.of_person(&person)?;
        if self.is_genuine(PERSON, person.id.as_str(), &signature).await? {
            return Ok(Some(person));
        }
        let lock = person.grants().only_eoc();
        Ok(Some(person.with_grants(lock)))
    }

    async fn own_client(&self, found: Option<ClientRecord>) -> Result<Option<ClientRecord>, StoreError> {
        let Some(client) = found else { return Ok(None) };
        let signature = self.of_client(&client)?;
        if self.is_genuine(KEY, client.id.as_str(), &signature).await? {
            return Ok(Some(client));
        }
        let mut lock = client;
        lock.scopes.retain(|scope| matches!(scope, Scope::StatusRead | Scope::LockEnable));
        Ok(Some(lock))
    }

    /// Signed and kept in one step.
    pub(super) async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        let signature = self.sign(SESSION, session)?;
        self.local.put_signed_session(Signed { record: session.clone(), signature }).await
    }

    /// A session that somebody wrote into the file is none.
    pub(super) async fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let Some(session) = self.local.session(id).await? else { return Ok(None) };
        let signature = self.sign(SESSION, &session)?;
        let genuine = self.is_genuine(SESSION, id, &signature).await?;
        Ok(genuine.then_some(session))
    }

    /// All that are genuine.
    pub(super) async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let mut own = Vec::new();
        for session in self.local.sessions().await? {
            own.extend(self.session(&session.id).await?);
        }
        Ok(own)
    }

    /// Uses up the proof of a genuine session.
    pub(super) async fn take_proof(&self, id: &str) -> Result<bool, StoreError> {
        let Some(session) = self.session(id).await? else { return Ok(false) };
        let taken = self.local.take_proof(id).await?;
        if taken {
            self.put_session(&Session { proved_until: None, ..session }).await?;
        }
        Ok(taken)
    }

    async fn is_genuine(&self, kind: &'static str, id: &str, signature: &str) -> Result<bool, StoreError> {
        let kept = self.local.signature(kind, id).await?.unwrap_or_default();
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(kept.as_bytes(), signature.as_bytes()).is_ok();
        if !same {
            tracing::error!(
                kind,
                id,
                "a copy in the data folder is not as it was copied: it opens no more than the lock"
            );
        }
        Ok(same)
    }

    fn of_person(&self, person: &Person) -> Result<String, StoreError> {
        self.sign(PERSON, &Person { last_seen: None, ..person.clone() })
    }

    fn of_client(&self, client: &ClientRecord) -> Result<String, StoreError> {
        self.sign(KEY, &ClientRecord { last_used: None, ..client.clone() })
    }

    fn sign<T: Serialize>(&self, kind: &str, record: &T) -> Result<String, StoreError> {
        let text = serde_json::to_string(record).map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(hex(hmac::sign(&self.key, format!("{kind}\n{text}").as_bytes()).as_ref()))
    }
}
