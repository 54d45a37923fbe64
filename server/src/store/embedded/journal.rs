//! The embedded store as the journal of a shared database: what others agreed on, how far events
//! were passed on, and copies of what is needed while the database is away.

use super::{Embedded, Trouble, change_session, conflict_unless, instance, number, parsed, put_session, text};
use crate::store::Directory;
use crate::store::outbox::Outbox;
use crate::store::records::{ClientRecord, Person, Session};
use engine::ports::{SiteRecord, StoreError};
use jiff::Timestamp;
use lockdown::ids::SiteId;
use lockdown::timeline::Event;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::de::DeserializeOwned;

/// A copy, and what shows that nobody changed it since.
pub(in crate::store) struct Signed<T> {
    pub(in crate::store) record: T,
    /// Hex.
    pub(in crate::store) signature: String,
}

impl Embedded {
    /// Names this server's journal. Eight hex digits.
    pub(in crate::store) async fn instance(&self) -> Result<String, StoreError> {
        self.write(|transaction| instance(transaction)).await
    }

    pub(in crate::store) async fn sites(&self) -> Result<Vec<SiteRecord>, StoreError> {
        self.many("SELECT doc FROM sites ORDER BY id").await
    }

    /// What this server and the others last agreed on.
    pub(in crate::store) async fn agreed(&self, site: &SiteId) -> Result<Option<SiteRecord>, StoreError> {
        self.one("SELECT doc FROM agreed WHERE site = ?1", vec![site.to_string()]).await
    }

    /// The others know `record`.
    pub(in crate::store) async fn set_agreed(&self, record: &SiteRecord) -> Result<(), StoreError> {
        let record = record.clone();
        self.write(move |transaction| {
            let sql = "INSERT OR REPLACE INTO agreed (site, doc) VALUES (?1, ?2)";
            transaction.execute(sql, params![record.id.as_str(), text(&record)?])?;
            Ok(())
        })
        .await
    }

    /// `agreed` counts now, if the record still is `seen` (`None`: there is none).
    pub(in crate::store) async fn take_over(
        &self,
        seen: Option<&SiteRecord>,
        agreed: &SiteRecord,
    ) -> Result<(), StoreError> {
        let seen = seen.cloned();
        let agreed = agreed.clone();
        self.write(move |transaction| {
            let id = agreed.id.as_str();
            let doc = text(&agreed)?;
            let here: Option<String> =
                transaction.query_row("SELECT doc FROM sites WHERE id = ?1", [id], |row| row.get(0)).optional()?;
            let here: Option<SiteRecord> = here.map(|doc| parsed(&doc)).transpose()?;
            conflict_unless(usize::from(here == seen))?;
            let sql = "INSERT OR REPLACE INTO sites (id, version, doc) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, params![id, number(agreed.version), doc])?;
            transaction.execute("INSERT OR REPLACE INTO agreed (site, doc) VALUES (?1, ?2)", params![id, doc])?;
            Ok(())
        })
        .await
    }

    /// Events the others do not have yet, oldest first.
    pub(in crate::store) async fn waiting(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        let passed_on = self.note("passed_on").await?.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.events("SELECT doc FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2", passed_on, limit).await
    }

    /// How many of them there are.
    pub(in crate::store) async fn count_unshared(&self) -> Result<u64, StoreError> {
        let passed_on: u64 = self.note("passed_on").await?.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.run(move |connection| {
            let sql = "SELECT COUNT(*) FROM events WHERE seq > ?1";
            Ok(connection.query_row(sql, [number(passed_on)], |row| row.get::<_, i64>(0))?.unsigned_abs())
        })
        .await
    }

    /// The others have all events up to this number.
    pub(in crate::store) async fn passed_on(&self, seq: u64) -> Result<(), StoreError> {
        self.set_note("passed_on", seq.to_string()).await
    }

    /// An event the shared database will never take: kept here, and out of the way of the others.
    pub(in crate::store) async fn dead_letter(&self, seq: u64, why: &str) -> Result<(), StoreError> {
        let why = why.to_owned();
        self.write(move |transaction| {
            let sql = "INSERT OR REPLACE INTO dead_letters (seq, why) VALUES (?1, ?2)";
            transaction.execute(sql, params![number(seq), why])?;
            Ok(())
        })
        .await
    }

    /// From now on this file is the journal of a database: its people and keys are copies.
    pub(in crate::store) async fn becomes_journal(&self) -> Result<(), StoreError> {
        self.set_note("copies", "yes".into()).await
    }

    /// Would people and keys that are nowhere else be replaced by copies?
    pub(in crate::store) async fn has_originals(&self) -> Result<bool, StoreError> {
        if self.note("copies").await?.is_some() {
            return Ok(false);
        }
        let nobody =
            self.people().await?.is_empty() && self.clients().await?.is_empty() && self.hooks().await?.is_empty();
        Ok(!nobody)
    }

    /// A small fact about the exchange with the others.
    pub(in crate::store) async fn note(&self, key: &'static str) -> Result<Option<String>, StoreError> {
        self.run(move |connection| {
            let sql = "SELECT value FROM journal WHERE key = ?1";
            Ok(connection.query_row(sql, [key], |row| row.get(0)).optional()?)
        })
        .await
    }

    pub(in crate::store) async fn set_note(&self, key: &'static str, value: String) -> Result<(), StoreError> {
        self.write(move |transaction| {
            transaction.execute("INSERT OR REPLACE INTO journal (key, value) VALUES (?1, ?2)", params![key, value])?;
            Ok(())
        })
        .await
    }

    /// Copies everybody's profile and every key, as they are at the others.
    pub(in crate::store) async fn mirror(
        &self,
        people: Vec<Signed<Person>>,
        clients: Vec<Signed<ClientRecord>>,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| {
            holds_copies(transaction)?;
            transaction.execute_batch(
                "DELETE FROM identities; DELETE FROM profiles; DELETE FROM clients;
                 DELETE FROM signatures WHERE kind <> 'session' OR id NOT IN (SELECT id FROM sessions);",
            )?;
            for person in &people {
                copy_person(transaction, person)?;
            }
            for client in &clients {
                copy_client(transaction, client)?;
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn copy_person(&self, person: Signed<Person>) -> Result<(), StoreError> {
        if self.has_copy("person", person.record.id.as_str(), &person.signature).await? {
            return Ok(());
        }
        self.write(move |transaction| {
            holds_copies(transaction)?;
            transaction.execute("DELETE FROM identities WHERE profile = ?1", [person.record.id.as_str()])?;
            copy_person(transaction, &person)
        })
        .await
    }

    pub(in crate::store) async fn copy_client(&self, client: Signed<ClientRecord>) -> Result<(), StoreError> {
        if self.has_copy("key", client.record.id.as_str(), &client.signature).await? {
            return Ok(());
        }
        self.write(move |transaction| {
            holds_copies(transaction)?;
            copy_client(transaction, &client)
        })
        .await
    }

    async fn has_copy(&self, kind: &'static str, id: &str, signature: &str) -> Result<bool, StoreError> {
        Ok(self.signature(kind, id).await?.as_deref() == Some(signature))
    }

    /// What a copy was signed with.
    async fn signature(&self, kind: &'static str, id: &str) -> Result<Option<String>, StoreError> {
        let id = id.to_owned();
        self.run(move |connection| {
            let sql = "SELECT mac FROM signatures WHERE kind = ?1 AND id = ?2";
            Ok(connection.prepare_cached(sql)?.query_row(params![kind, id], |row| row.get(0)).optional()?)
        })
        .await
    }

    /// Copies with what they were signed with, read at one moment; `sql` asks for `doc` and `mac`.
    async fn signed<T: DeserializeOwned + Send + 'static>(
        &self,
        sql: &'static str,
        keys: Vec<String>,
    ) -> Result<Vec<Signed<T>>, StoreError> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(&keys), |row| Ok((row.get(0)?, row.get(1)?)))?;
            let rows: Vec<(String, Option<String>)> = rows.collect::<Result<_, _>>()?;
            let signed = |(doc, mac): (String, Option<String>)| {
                Ok(Signed { record: parsed(&doc)?, signature: mac.unwrap_or_default() })
            };
            rows.into_iter().map(signed).collect()
        })
        .await
    }

    pub(in crate::store) async fn signed_person(&self, id: &str) -> Result<Option<Signed<Person>>, StoreError> {
        let sql = "SELECT doc, mac FROM profiles p LEFT JOIN signatures s ON s.kind = 'person' AND s.id = p.id
            WHERE p.id = ?1";
        Ok(self.signed(sql, vec![id.to_owned()]).await?.pop())
    }

    pub(in crate::store) async fn signed_person_by_identity(
        &self,
        issuer: &str,
        subject: &str,
    ) -> Result<Option<Signed<Person>>, StoreError> {
        let sql = "SELECT doc, mac FROM identities i JOIN profiles p ON i.profile = p.id
            LEFT JOIN signatures s ON s.kind = 'person' AND s.id = p.id WHERE i.issuer = ?1 AND i.subject = ?2";
        Ok(self.signed(sql, vec![issuer.to_owned(), subject.to_owned()]).await?.pop())
    }

    /// In the order of their names.
    pub(in crate::store) async fn signed_people(&self) -> Result<Vec<Signed<Person>>, StoreError> {
        let sql = "SELECT doc, mac FROM profiles p LEFT JOIN signatures s ON s.kind = 'person' AND s.id = p.id
            ORDER BY p.name, p.id";
        self.signed(sql, vec![]).await
    }

    pub(in crate::store) async fn signed_client(&self, id: &str) -> Result<Option<Signed<ClientRecord>>, StoreError> {
        let sql = "SELECT doc, mac FROM clients c LEFT JOIN signatures s ON s.kind = 'key' AND s.id = c.id
            WHERE c.id = ?1";
        Ok(self.signed(sql, vec![id.to_owned()]).await?.pop())
    }

    pub(in crate::store) async fn signed_clients(&self) -> Result<Vec<Signed<ClientRecord>>, StoreError> {
        let sql = "SELECT doc, mac FROM clients c LEFT JOIN signatures s ON s.kind = 'key' AND s.id = c.id
            ORDER BY c.id";
        self.signed(sql, vec![]).await
    }

    pub(in crate::store) async fn signed_session(&self, id: &str) -> Result<Option<Signed<Session>>, StoreError> {
        let sql = "SELECT doc, mac FROM sessions x LEFT JOIN signatures s ON s.kind = 'session' AND s.id = x.id
            WHERE x.id = ?1";
        Ok(self.signed(sql, vec![id.to_owned()]).await?.pop())
    }

    pub(in crate::store) async fn signed_sessions(&self) -> Result<Vec<Signed<Session>>, StoreError> {
        let sql = "SELECT doc, mac FROM sessions x LEFT JOIN signatures s ON s.kind = 'session' AND s.id = x.id";
        self.signed(sql, vec![]).await
    }

    /// As [`Directory::change_session`], with the new signature in the same step.
    pub(in crate::store) async fn change_signed_session(
        &self,
        read: &Session,
        changed: Signed<Session>,
    ) -> Result<bool, StoreError> {
        let read = read.clone();
        self.write(move |transaction| {
            let same = change_session(transaction, &read, &changed.record)?;
            if same {
                sign(transaction, "session", &read.id, &changed.signature)?;
            }
            Ok(same)
        })
        .await
    }

    pub(in crate::store) async fn put_signed_session(&self, session: Signed<Session>) -> Result<(), StoreError> {
        self.write(move |transaction| {
            put_session(transaction, &session.record)?;
            sign(transaction, "session", &session.record.id, &session.signature)
        })
        .await
    }

    pub(in crate::store) async fn ended_alone(&self, session: &str) -> Result<(), StoreError> {
        let session = session.to_owned();
        self.write(move |transaction| {
            transaction.execute("INSERT OR IGNORE INTO ended (session) VALUES (?1)", [&session])?;
            Ok(())
        })
        .await
    }

    /// Sessions that ended here, which the others do not know of.
    pub(in crate::store) async fn ended(&self) -> Result<Vec<String>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare_cached("SELECT session FROM ended")?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub(in crate::store) async fn ended_everywhere(&self, session: &str) -> Result<(), StoreError> {
        let session = session.to_owned();
        self.write(move |transaction| {
            Ok(transaction.execute("DELETE FROM ended WHERE session = ?1", [&session]).map(|_| ())?)
        })
        .await
    }

    /// What was used up here and the others do not know of.
    pub(in crate::store) async fn spent_alone(&self) -> Result<Vec<(String, Timestamp)>, StoreError> {
        self.run(|connection| {
            let mut statement = connection.prepare_cached("SELECT what, at FROM spent WHERE passed_on = 0")?;
            let rows: Vec<(String, String)> =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
            Ok(rows.into_iter().filter_map(|(what, at)| Some((what, at.parse().ok()?))).collect())
        })
        .await
    }

    /// The others know that `what` is used up.
    pub(in crate::store) async fn spent_passed_on(&self, what: &str) -> Result<(), StoreError> {
        let what = what.to_owned();
        self.write(move |transaction| {
            Ok(transaction.execute("UPDATE spent SET passed_on = 1 WHERE what = ?1", [&what]).map(|_| ())?)
        })
        .await
    }
}

/// What is there of people and keys, the database has too.
fn holds_copies(transaction: &Transaction<'_>) -> Result<(), Trouble> {
    let sql = "INSERT OR IGNORE INTO journal (key, value) VALUES ('copies', 'yes')";
    Ok(transaction.execute(sql, []).map(|_| ())?)
}

fn sign(transaction: &Transaction<'_>, kind: &str, id: &str, signature: &str) -> Result<(), Trouble> {
    let sql = "INSERT OR REPLACE INTO signatures (kind, id, mac) VALUES (?1, ?2, ?3)";
    Ok(transaction.execute(sql, params![kind, id, signature]).map(|_| ())?)
}

fn copy_client(transaction: &Transaction<'_>, client: &Signed<ClientRecord>) -> Result<(), Trouble> {
    let Signed { record, signature } = client;
    let sql = "INSERT OR REPLACE INTO clients (id, doc) VALUES (?1, ?2)";
    transaction.execute(sql, params![record.id.as_str(), text(record)?])?;
    sign(transaction, "key", record.id.as_str(), signature)
}

fn copy_person(transaction: &Transaction<'_>, person: &Signed<Person>) -> Result<(), Trouble> {
    let Signed { record: person, signature } = person;
    let sql = "INSERT INTO profiles (id, version, name, doc) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (id) DO UPDATE SET version = ?2, name = ?3, doc = ?4";
    let id = person.id.as_str();
    let version = number(person.version);
    transaction.execute(sql, params![id, version, person.name, text(person)?])?;
    for identity in &person.identities {
        let sql = "INSERT OR REPLACE INTO identities (issuer, subject, profile) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, params![identity.issuer, identity.subject, id])?;
    }
    sign(transaction, "person", id, signature)
}
