//! SQLite in one file of the data folder: proven to survive a crash, nothing to install.
//!
//! *Decision*: rusqlite with the bundled library, WAL and `synchronous=FULL`, so that a commit has
//! reached the disk when the call returns. *Reason*: real transactions over several tables, one
//! fsync a commit, and a file every operator has a tool for. *What would change our mind*: a site
//! that may not compile C.

mod calls;
mod documents;
mod journal;
mod migrations;
mod outbox;
mod reserve;

pub(super) use journal::Signed;

use super::chain::{self, Kept, Verdict};
use super::records::{ClientRecord, Person, Remembered, Session};
use super::{Directory, ServerStore};
use crate::identity::token;
use async_trait::async_trait;
use engine::ports::{NewEvent, SiteRecord, Store, StoreError};
use jiff::Timestamp;
use lockdown::ids::SiteId;
use lockdown::timeline::{Event, EventName};
use migrations::Unprepared;
use parking_lot::Mutex;
use reserve::Reserve;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long another process (a command-line tool) may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// The store of a single machine.
#[derive(Clone)]
pub struct Embedded {
    connection: Arc<Mutex<Connection>>,
    reserve: Reserve,
}

/// Why the data folder cannot be used. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the data folder {0} cannot be used: {1}. Make it, and give this user the right to write there")]
    Folder(PathBuf, std::io::Error),
    #[error("another server is running on the data folder {0}. Stop it, or give this one another store.data_dir")]
    InUse(PathBuf),
    #[error("the store in {0} cannot be opened: {1}")]
    Store(PathBuf, StoreError),
    #[error(
        "the store in {0} was written by a newer version of this program: start that one, or restore a copy that this one made"
    )]
    Newer(PathBuf),
}

/// While it lives, no other server uses the folder.
pub struct FolderLock(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

/// Claims the folder for one server; command-line tools need no claim.
///
/// # Errors
/// [`OpenError`] when it is taken or cannot be written.
pub fn claim(folder: &Path) -> Result<FolderLock, OpenError> {
    let unusable = |error| OpenError::Folder(folder.to_owned(), error);
    std::fs::create_dir_all(folder).map_err(unusable)?;
    let file = File::options().create(true).truncate(false).write(true).open(folder.join("lock")).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

impl Embedded {
    /// Opens or makes the store in `folder`.
    ///
    /// # Errors
    /// [`OpenError`] with what to do.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        std::fs::create_dir_all(folder).map_err(|error| OpenError::Folder(folder.to_owned(), error))?;
        let file = folder.join("lockdown.db");
        let reserve = Reserve::in_folder(folder);
        let opened = match prepared(&file) {
            // A server that does not start locks nothing: what is set aside is for this, too.
            Err(Unprepared::Sqlite(error)) if may_be_full(&error) && reserve.give_up() => prepared(&file),
            opened => opened,
        };
        reserve.fill();
        let connection = opened.map_err(|error| error.of(folder))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), reserve })
    }

    /// Opens a copy made by [`Embedded::backup`].
    ///
    /// # Errors
    /// [`OpenError`] when it is none.
    pub fn open_copy(file: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Store(file.to_owned(), store_error(&error));
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
        connection.query_row("SELECT count(*) FROM events", [], |_| Ok(())).map_err(failed)?;
        migrations::known(&connection).map_err(|error| error.of(file))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), reserve: Reserve::default() })
    }

    /// Writes a copy of everything as it is at one moment, while others go on reading and writing.
    ///
    /// # Errors
    /// When the copy is there already or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Failed(format!("{} is there already: it is not overwritten", to.display())));
        }
        let name = to.to_string_lossy().into_owned();
        self.run(move |connection| Ok(connection.execute("VACUUM INTO ?1", [&name]).map(|_| ())?)).await?;
        private(to);
        Ok(())
    }

    /// Runs on a thread that may block.
    async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = self.connection.clone();
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock();
            work(&mut connection).map_err(StoreError::from)
        });
        done.await.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string())))
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.run(move |connection| transact(connection, &work)).await
    }

    /// Orders, and what becomes of them: on a full disk the reserve is given up for them, and it is tried again. What
    /// they leave of it is set aside anew, so that nothing else takes it before the next order.
    async fn write_at_any_cost<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reserve = self.reserve.clone();
        self.run(move |connection| match transact(connection, &work) {
            Err(Trouble::Sqlite(error)) if is_full(&error) && reserve.give_up() => {
                let done = transact(connection, &work);
                reserve.fill();
                done
            }
            result => result,
        })
        .await
    }

    async fn one<T: DeserializeOwned + Send + 'static>(
        &self,
        sql: &'static str,
        keys: Vec<String>,
    ) -> Result<Option<T>, StoreError> {
        self.run(move |connection| {
            let found: Option<String> = connection
                .prepare_cached(sql)?
                .query_row(rusqlite::params_from_iter(&keys), |row| row.get(0))
                .optional()?;
            found.map(|text| parsed(&text)).transpose()
        })
        .await
    }

    async fn many<T: DeserializeOwned + Send + 'static>(&self, sql: &'static str) -> Result<Vec<T>, StoreError> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            rows.iter().map(|text| parsed(text)).collect()
        })
        .await
    }

    async fn events(&self, sql: &'static str, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.run(move |connection| {
            let keys = (i64::try_from(after).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
            let mut statement = connection.prepare_cached(sql)?;
            let rows: Vec<String> = statement.query_map(keys, |row| row.get(0))?.collect::<Result<_, _>>()?;
            rows.iter().map(|text| parsed(text)).collect()
        })
        .await
    }
}

/// Puts `copy` in place of the folder's store; the old file stays beside it and is returned. The
/// folder must be claimed.
///
/// # Errors
/// When the folder cannot be written; then everything is as it was.
pub async fn replace(folder: &Path, copy: &Embedded) -> Result<Option<PathBuf>, StoreError> {
    let failed = |error: std::io::Error| StoreError::Failed(error.to_string());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let store = folder.join("lockdown.db");
    let new = folder.join("lockdown.db.new");
    let _ = std::fs::remove_file(&new);
    copy.backup(&new).await?;
    // Its events get names of their own from now on: those of the old file were given already.
    rename_instance(&new).map_err(|error| store_error(&error))?;
    let mut old = None;
    if store.exists() {
        let aside = aside(folder);
        // What is still in the log belongs to the old file.
        let current = Embedded::open(folder).map_err(|error| StoreError::Failed(error.to_string()))?;
        current.backup(&aside).await?;
        drop(current);
        for name in ["lockdown.db-wal", "lockdown.db-shm"] {
            let _ = std::fs::remove_file(folder.join(name));
        }
        old = Some(aside);
    }
    std::fs::rename(&new, &store).map_err(failed)?;
    Ok(old)
}

fn rename_instance(file: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(file)?;
    connection.execute("DELETE FROM journal WHERE key = 'instance'", [])?;
    connection.close().map_err(|(_, error)| error)
}

/// A name for the old file that no older one has.
fn aside(folder: &Path) -> PathBuf {
    let mut n = 1;
    loop {
        let path = folder.join(format!("lockdown.db.before-restore-{n}"));
        if !path.exists() {
            return path;
        }
        n += 1;
    }
}

fn transact<T>(
    connection: &mut Connection,
    work: impl Fn(&Transaction<'_>) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let result = work(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

fn prepared(file: &Path) -> Result<Connection, Unprepared> {
    let mut connection = Connection::open(file)?;
    private(file);
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    migrations::migrate(&mut connection)?;
    Ok(connection)
}

fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// Where the file of the log or its index cannot be made, SQLite says no more than that.
fn may_be_full(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DiskFull | ErrorCode::CannotOpen | ErrorCode::SystemIoFailure))
}

/// The file holds names and roles: for this user only. An engineer who works as root makes it for whose folder it is,
/// or the service could not open it.
fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        let owners = path.parent().map(std::fs::metadata).zip(Some(std::fs::metadata(path)));
        if let Some((Ok(folder), Ok(file))) = owners
            && folder.uid() != file.uid()
            && let Err(error) = chown(path, Some(folder.uid()), Some(folder.gid()))
        {
            tracing::warn!(%error, "the store's file could not be given to the owner of its folder");
        }
        if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
            tracing::warn!(%error, "the store's file could not be made private");
        }
    }
}

/// Inside a transaction: SQLite's trouble, or ours.
enum Trouble {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Sqlite(error) => store_error(&error),
            Trouble::Store(error) => error,
        }
    }
}

fn store_error(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StoreError::ReadOnly(error.to_string())
        }
        _ => StoreError::Failed(error.to_string()),
    }
}

fn text<T: Serialize>(value: &T) -> Result<String, Trouble> {
    serde_json::to_string(value).map_err(|error| Trouble::Store(StoreError::Failed(error.to_string())))
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Trouble> {
    serde_json::from_str(text).map_err(|error| Trouble::Store(StoreError::Failed(error.to_string())))
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn conflict_unless(changed: usize) -> Result<(), Trouble> {
    if changed == 1 { Ok(()) } else { Err(Trouble::Store(StoreError::Conflict)) }
}

/// People and keys written here are nowhere else: no database's copies may take their place.
fn holds_originals(transaction: &Transaction<'_>) -> Result<(), Trouble> {
    Ok(transaction.execute("DELETE FROM journal WHERE key = 'copies'", []).map(|_| ())?)
}

/// Over the version before, or where there was none.
fn put_person(transaction: &Transaction<'_>, person: &Person) -> Result<(), Trouble> {
    let id = person.id.as_str();
    let version = number(person.version);
    let name = &person.name;
    let doc = text(person)?;
    let changed = if person.version == 1 {
        transaction.execute(
            "INSERT OR IGNORE INTO profiles (id, version, name, doc) VALUES (?1, ?2, ?3, ?4)",
            params![id, version, name, doc],
        )?
    } else {
        transaction.execute(
            "UPDATE profiles SET version = ?2, name = ?3, doc = ?4 WHERE id = ?1 AND version = ?2 - 1",
            params![id, version, name, doc],
        )?
    };
    conflict_unless(changed)
}

/// Forgets at the same time what is over for good.
fn put_session(transaction: &Transaction<'_>, session: &Session) -> Result<(), Trouble> {
    transaction.execute("DELETE FROM sessions WHERE ends_at < ?1", [session.seen_at.to_string()])?;
    let sql = "INSERT OR REPLACE INTO sessions (id, ends_at, doc) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, params![session.id, session.forgotten_at().to_string(), text(session)?])?;
    Ok(())
}

fn change_session(transaction: &Transaction<'_>, read: &Session, changed: &Session) -> Result<bool, Trouble> {
    let sql = "SELECT doc FROM sessions WHERE id = ?1";
    let kept: Option<String> = transaction.query_row(sql, [&read.id], |row| row.get(0)).optional()?;
    let kept: Option<Session> = kept.map(|text| parsed(&text)).transpose()?;
    let same = kept.is_some_and(|kept| kept.proved_until == read.proved_until);
    if same {
        put_session(transaction, changed)?;
    }
    Ok(same)
}

/// Names this store, so that its events have names nobody else gives. Made once.
fn instance(connection: &Connection) -> Result<String, Trouble> {
    let fresh: String = token::digest(&token::random_text()).chars().take(8).collect();
    connection.execute("INSERT OR IGNORE INTO journal (key, value) VALUES ('instance', ?1)", [fresh])?;
    Ok(connection.query_row("SELECT value FROM journal WHERE key = 'instance'", [], |row| row.get(0))?)
}

/// Numbers, links and stores events at the end of the chain.
fn append(transaction: &Transaction<'_>, events: &[NewEvent]) -> Result<Vec<Event>, Trouble> {
    let last: Option<(i64, String)> = transaction
        .query_row("SELECT seq, link FROM events ORDER BY seq DESC LIMIT 1", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (mut seq, mut head) = last.map_or((0, chain::ROOT.to_owned()), |(seq, head)| (seq.unsigned_abs(), head));
    let mut stored = Vec::with_capacity(events.len());
    let origin = instance(transaction)?;
    for new in events {
        seq += 1;
        let event = new.clone().numbered(format!("{origin}-{seq}"), seq);
        let doc = text(&event)?;
        let link = chain::link(&head, &doc);
        transaction
            .prepare_cached("INSERT INTO events (seq, doc, previous, link) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![number(seq), doc, head, link])?;
        head = link;
        stored.push(event);
    }
    Ok(stored)
}

#[async_trait]
impl Store for Embedded {
    async fn site(&self, id: &SiteId) -> Result<Option<SiteRecord>, StoreError> {
        self.one("SELECT doc FROM sites WHERE id = ?1", vec![id.to_string()]).await
    }

    async fn commit(
        &self,
        record: &SiteRecord,
        expected: Option<u64>,
        events: Vec<NewEvent>,
    ) -> Result<Vec<Event>, StoreError> {
        let record = record.clone();
        self.write_at_any_cost(move |transaction| {
            let id = record.id.as_str();
            let version = number(record.version);
            let doc = text(&record)?;
            let changed = match expected {
                None => transaction.execute(
                    "INSERT OR IGNORE INTO sites (id, version, doc) VALUES (?1, ?2, ?3)",
                    params![id, version, doc],
                )?,
                Some(expected) => transaction.execute(
                    "UPDATE sites SET version = ?2, doc = ?3 WHERE id = ?1 AND version = ?4",
                    params![id, version, doc, number(expected)],
                )?,
            };
            conflict_unless(changed)?;
            append(transaction, &events)
        })
        .await
    }

    async fn append(&self, events: Vec<NewEvent>) -> Result<Vec<Event>, StoreError> {
        self.write(move |transaction| append(transaction, &events)).await
    }

    async fn events_after(&self, after: u64, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.events("SELECT doc FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2", after, limit).await
    }

    async fn latest_events(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.events("SELECT doc FROM events WHERE seq > ?1 ORDER BY seq DESC LIMIT ?2", 0, limit).await
    }
}

#[async_trait]
impl ServerStore for Embedded {
    async fn verify(&self) -> Result<Verdict, StoreError> {
        self.run(|connection| {
            let last: Option<i64> = connection
                .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'events'", [], |row| row.get(0))
                .optional()?;
            let mut statement = connection.prepare("SELECT seq, doc, previous, link FROM events ORDER BY seq")?;
            let rows = statement.query_map([], |row| {
                Ok(Kept {
                    seq: row.get::<_, i64>(0)?.unsigned_abs(),
                    text: row.get(1)?,
                    previous: row.get(2)?,
                    link: row.get(3)?,
                })
            })?;
            let rows: Vec<Kept> = rows.collect::<Result<_, _>>()?;
            Ok(chain::verify(rows, last.unwrap_or(0).unsigned_abs()))
        })
        .await
    }
}

#[async_trait]
impl Directory for Embedded {
    async fn person(&self, id: &str) -> Result<Option<Person>, StoreError> {
        self.one("SELECT doc FROM profiles WHERE id = ?1", vec![id.to_owned()]).await
    }

    async fn person_by_identity(&self, issuer: &str, subject: &str) -> Result<Option<Person>, StoreError> {
        let sql = "SELECT doc FROM profiles JOIN identities ON profile = id WHERE issuer = ?1 AND subject = ?2";
        self.one(sql, vec![issuer.to_owned(), subject.to_owned()]).await
    }

    async fn count_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.run(move |connection| {
            let sql = "SELECT COUNT(*) FROM sessions WHERE ends_at >= ?1";
            Ok(connection.query_row(sql, [now.to_string()], |row| row.get::<_, i64>(0))?.unsigned_abs())
        })
        .await
    }

    async fn people(&self) -> Result<Vec<Person>, StoreError> {
        self.many("SELECT doc FROM profiles ORDER BY name, id").await
    }

    async fn put_people(&self, people: &[Person], event: NewEvent) -> Result<(), StoreError> {
        let people = people.to_vec();
        let events = [event];
        self.write(move |transaction| {
            holds_originals(transaction)?;
            for person in &people {
                put_person(transaction, person)?;
                transaction.execute("DELETE FROM identities WHERE profile = ?1", [person.id.as_str()])?;
            }
            // An identity may move from one of them to another.
            for person in &people {
                for identity in &person.identities {
                    let added = transaction.execute(
                        "INSERT OR IGNORE INTO identities (issuer, subject, profile) VALUES (?1, ?2, ?3)",
                        params![identity.issuer, identity.subject, person.id.as_str()],
                    )?;
                    conflict_unless(added)?;
                }
            }
            append(transaction, &events).map(|_| ())
        })
        .await
    }

    async fn note_seen(&self, person: &str, at: Timestamp) -> Result<(), StoreError> {
        let person = person.to_owned();
        self.write(move |transaction| {
            let sql = "UPDATE profiles SET doc = json_set(doc, '$.last_seen', ?2) WHERE id = ?1";
            Ok(transaction.execute(sql, params![person, at.to_string()]).map(|_| ())?)
        })
        .await
    }

    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        let session = session.clone();
        self.write(move |transaction| put_session(transaction, &session)).await
    }

    async fn change_session(&self, read: &Session, changed: &Session) -> Result<bool, StoreError> {
        let read = read.clone();
        let changed = changed.clone();
        self.write(move |transaction| change_session(transaction, &read, &changed)).await
    }

    async fn session(&self, id: &str) -> Result<Option<Session>, StoreError> {
        self.one("SELECT doc FROM sessions WHERE id = ?1", vec![id.to_owned()]).await
    }

    async fn end_session(&self, id: &str) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |transaction| {
            Ok(transaction.execute("DELETE FROM sessions WHERE id = ?1", [&id]).map(|_| ())?)
        })
        .await
    }

    async fn sessions_of(&self, person: &str) -> Result<Vec<Session>, StoreError> {
        let mut found: Vec<Session> = self.many("SELECT doc FROM sessions").await?;
        found.retain(|session| session.person.as_str() == person);
        found.sort_by_key(|session| std::cmp::Reverse(session.created_at));
        Ok(found)
    }

    async fn put_client(&self, client: &ClientRecord, read: Option<&str>, event: NewEvent) -> Result<(), StoreError> {
        let client = client.clone();
        let read = read.map(str::to_owned);
        let events = [event];
        self.write(move |transaction| {
            holds_originals(transaction)?;
            let id = client.id.as_str();
            let doc = text(&client)?;
            let put = match &read {
                None => {
                    transaction.execute("INSERT OR IGNORE INTO clients (id, doc) VALUES (?1, ?2)", params![id, doc])?
                }
                Some(read) => transaction.execute(
                    "UPDATE clients SET doc = ?2 WHERE id = ?1 AND json_extract(doc, '$.hash') = ?3
                        AND json_extract(doc, '$.revoked_at') IS NULL",
                    params![id, doc, read],
                )?,
            };
            conflict_unless(put)?;
            append(transaction, &events).map(|_| ())
        })
        .await
    }

    async fn client(&self, id: &str) -> Result<Option<ClientRecord>, StoreError> {
        self.one("SELECT doc FROM clients WHERE id = ?1", vec![id.to_owned()]).await
    }

    async fn clients(&self) -> Result<Vec<ClientRecord>, StoreError> {
        self.many("SELECT doc FROM clients ORDER BY id").await
    }

    async fn note_client_used(&self, client: &str, at: Timestamp) -> Result<(), StoreError> {
        let client = client.to_owned();
        self.write(move |transaction| {
            let sql = "UPDATE clients SET doc = json_set(doc, '$.last_used', ?2) WHERE id = ?1";
            Ok(transaction.execute(sql, params![client, at.to_string()]).map(|_| ())?)
        })
        .await
    }

    async fn consume_once(&self, what: &str, at: Timestamp) -> Result<bool, StoreError> {
        let what = what.to_owned();
        self.write(move |transaction| {
            let sql = "INSERT OR IGNORE INTO spent (what, at) VALUES (?1, ?2)";
            Ok(transaction.execute(sql, params![what, at.to_string()])? == 1)
        })
        .await
    }

    async fn consumed(&self, what: &[String]) -> Result<BTreeMap<String, Timestamp>, StoreError> {
        let what = what.to_vec();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached("SELECT at FROM spent WHERE what = ?1")?;
            let mut found = BTreeMap::new();
            for one in &what {
                let at: Option<String> = statement.query_row([one], |row| row.get(0)).optional()?;
                if let Some(at) = at.and_then(|text| text.parse().ok()) {
                    found.insert(one.clone(), at);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn events_named(&self, names: &[EventName], limit: usize) -> Result<Vec<Event>, StoreError> {
        let names = names.to_vec();
        self.run(move |connection| {
            let sql = "SELECT doc FROM events WHERE json_extract(doc, '$.kind.what') = ?1 ORDER BY seq DESC LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let mut found: Vec<Event> = Vec::new();
            for name in &names {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let rows: Vec<String> =
                    statement.query_map(params![name.word(), limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
                for row in &rows {
                    found.push(parsed(row)?);
                }
            }
            found.sort_by_key(|event| std::cmp::Reverse(event.seq));
            found.truncate(limit);
            Ok(found)
        })
        .await
    }

    async fn remembered(&self, client: &str, key: &str) -> Result<Option<Remembered>, StoreError> {
        let sql = "SELECT doc FROM remembered WHERE client = ?1 AND key = ?2";
        self.one(sql, vec![client.to_owned(), key.to_owned()]).await
    }

    async fn remember(&self, client: &str, key: &str, answer: &Remembered) -> Result<(), StoreError> {
        let client = client.to_owned();
        let key = key.to_owned();
        let answer = answer.clone();
        self.write(move |transaction| {
            let day_ago = answer.at - jiff::SignedDuration::from_hours(24);
            transaction.execute("DELETE FROM remembered WHERE at < ?1", [day_ago.to_string()])?;
            transaction.execute(
                "INSERT OR REPLACE INTO remembered (client, key, at, doc) VALUES (?1, ?2, ?3, ?4)",
                params![client, key, answer.at.to_string(), text(&answer)?],
            )?;
            Ok(())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract;

    #[tokio::test]
    async fn the_embedded_store_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Embedded::open(folder.path()).unwrap();
        contract::holds_for(async || open()).await;
    }

    #[tokio::test]
    async fn an_edit_a_gap_and_a_cut_end_are_found() {
        for (sql, want) in [
            ("UPDATE events SET doc = replace(doc, '2026', '2025') WHERE seq = 2", 2),
            ("DELETE FROM events WHERE seq = 2", 2),
            ("DELETE FROM events WHERE seq = 3", 3),
            ("UPDATE events SET link = previous WHERE seq = 1", 1),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let store = Embedded::open(folder.path()).unwrap();
            store.append(contract::three_events()).await.unwrap();
            assert!(matches!(store.verify().await, Ok(Verdict::Whole { events: 3, .. })));
            store.run(move |connection| Ok(connection.execute(sql, [])?)).await.unwrap();
            let verdict = store.verify().await.unwrap();
            assert!(matches!(verdict, Verdict::Broken { seq, .. } if seq == want), "{sql}: {verdict:?}");
        }
    }

    #[tokio::test]
    async fn a_second_server_on_the_same_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = claim(folder.path()).unwrap();
        let refused = claim(folder.path()).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("another server"), "{refused}");
        drop(first);
        assert!(claim(folder.path()).is_ok());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_says_what_to_do() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = Embedded::open(&file.path().join("var")).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("give this user the right"), "{refused}");
    }
}
