//! Copies of people, keys and sessions for the day the database is away, signed: whoever can write the file,
//! but does not know the database's address with its password, makes nobody a senior and no session.
//!
//! A person or key whose copy is not genuine may lock and no more. So somebody who edits the address in the
//! middle of an outage, or starts a newer program then, keeps nobody from locking.
//!
//! Not held: a copy that was genuine once and is put back, and, where the address has no password, anything
//! against somebody who guesses it. When somebody was last seen is noted in the copy and not signed.

use crate::config::Secret;
use crate::store::chain::hex;
use crate::store::embedded::{Embedded, Signed};
use crate::store::records::{ClientRecord, Person, Session};
use aws_lc_rs::hmac;
use engine::ports::StoreError;
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
        self.local.signed_person(id).await?.map(|copy| self.own_person(copy)).transpose()
    }

    pub(super) async fn person_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Person>, StoreError> {
        // Found by an index that is not signed: what it leads to must say so itself.
        let says = |copy: &Signed<Person>| {
            copy.record.identities.iter().any(|known| known.issuer == issuer && known.subject == subject)
        };
        let found = self.local.signed_person_by_identity(issuer, subject).await?.filter(says);
        found.map(|copy| self.own_person(copy)).transpose()
    }

    pub(super) async fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.local.signed_people().await?.into_iter().map(|copy| self.own_person(copy)).collect()
    }

    pub(super) async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        self.local.signed_client(id).await?.map(|copy| self.own_client(copy)).transpose()
    }

    pub(super) async fn clients(&self) -> Result<Vec<ClientRecord>, StoreError> {
        self.local.signed_clients().await?.into_iter().map(|copy| self.own_client(copy)).collect()
    }

    fn own_person(&self, copy: Signed<Person>) -> Result<Person, StoreError> {
        let signature = self.of_person(&copy.record)?;
        if is_genuine(PERSON, copy.record.id.as_str(), &copy.signature, &signature) {
            return Ok(copy.record);
        }
        let lock = copy.record.grants().only_eoc();
        Ok(copy.record.with_grants(lock))
    }

    fn own_client(&self, copy: Signed<ClientRecord>) -> Result<ClientRecord, StoreError> {
        let signature = self.of_client(&copy.record)?;
        let mut client = copy.record;
        if !is_genuine(KEY, client.id.as_str(), &copy.signature, &signature) {
            client.scopes.retain(|scope| matches!(scope, Scope::StatusEmbed | Scope::StatusRead | Scope::LockEnable));
        }
        Ok(client)
    }

    /// A session that somebody wrote into the file is none.
    fn own_session(&self, copy: Signed<Session>) -> Result<Option<Session>, StoreError> {
        let signature = self.sign(SESSION, &copy.record)?;
        let genuine = is_genuine(SESSION, &copy.record.id, &copy.signature, &signature);
        Ok(genuine.then_some(copy.record))
    }

    /// Signed and kept in one step.
    pub(super) async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        self.local.put_signed_session(self.signed_session(session)?).await
    }

    /// As it is at the others, but for the proof: copied, it could be used twice.
    pub(super) async fn copy_session(&self, session: Session) -> Result<(), StoreError> {
        let session = Session { proved_until: None, proved_for: None, ..session };
        let known = self.session(&session.id).await?;
        if known.as_ref() == Some(&session) { Ok(()) } else { self.put_session(&session).await }
    }

    /// As [`Directory::change_session`], of a genuine one.
    pub(super) async fn change_session(&self, read: &Session, changed: &Session) -> Result<bool, StoreError> {
        if self.session(&read.id).await?.is_none() {
            return Ok(false);
        }
        self.local.change_signed_session(read, self.signed_session(changed)?).await
    }

    pub(super) async fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        let found = self.local.signed_session(id).await?.map(|copy| self.own_session(copy)).transpose()?;
        Ok(found.flatten())
    }

    /// All that are genuine.
    pub(super) async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let all = self.local.signed_sessions().await?.into_iter();
        all.filter_map(|copy| self.own_session(copy).transpose()).collect()
    }

    fn signed_session(&self, session: &Session) -> Result<Signed<Session>, StoreError> {
        Ok(Signed { signature: self.sign(SESSION, session)?, record: session.clone() })
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

fn is_genuine(kind: &'static str, id: &str, kept: &str, signature: &str) -> bool {
    let same = aws_lc_rs::constant_time::verify_slices_are_equal(kept.as_bytes(), signature.as_bytes()).is_ok();
    if !same {
        tracing::error!(kind, id, "a copy in the data folder is not as it was copied: it opens no more than the lock");
    }
    same
}
