//! The layout of the file. SQLite keeps the number of the last migration that a file went through (`user_version`).
//!
//! By hand: the migration library there is follows a new rusqlite some months behind.

use super::{OpenError, calls, documents, outbox, store_error};
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

const LATEST: u32 = 1;

/// Each goes once through every file, in their order, and is never changed after a release. The first one is also for files
/// of before migrations were counted.
const MIGRATIONS: [&[&str]; LATEST as usize] = [&[FIRST, outbox::SCHEMA, calls::SCHEMA, documents::SCHEMA]];

const FIRST: &str = "
    CREATE TABLE IF NOT EXISTS sites (id TEXT PRIMARY KEY, version INTEGER NOT NULL, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT NULL, previous TEXT NOT NULL, link TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS profiles (id TEXT PRIMARY KEY, version INTEGER NOT NULL, name TEXT NOT NULL, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE TABLE IF NOT EXISTS identities (issuer TEXT NOT NULL, subject TEXT NOT NULL, profile TEXT NOT NULL REFERENCES profiles (id), PRIMARY KEY (issuer, subject));
    CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY, ends_at TEXT NOT NULL, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE TABLE IF NOT EXISTS clients (id TEXT PRIMARY KEY, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE TABLE IF NOT EXISTS remembered (client TEXT NOT NULL, key TEXT NOT NULL, at TEXT NOT NULL, doc TEXT NOT NULL CHECK (json_valid(doc)), PRIMARY KEY (client, key));
    CREATE TABLE IF NOT EXISTS journal (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS agreed (site TEXT PRIMARY KEY, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE TABLE IF NOT EXISTS ended (session TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS dead_letters (seq INTEGER PRIMARY KEY, why TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS spent (what TEXT PRIMARY KEY, at TEXT NOT NULL, passed_on INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE IF NOT EXISTS signatures (kind TEXT NOT NULL, id TEXT NOT NULL, mac TEXT NOT NULL, PRIMARY KEY (kind, id));
    CREATE INDEX IF NOT EXISTS events_named ON events (json_extract(doc, '$.kind.what'), seq);
";

/// Why a file is not ready.
pub(super) enum Unprepared {
    Sqlite(rusqlite::Error),
    /// It went through migrations that are not known here.
    Newer,
}

impl From<rusqlite::Error> for Unprepared {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Unprepared {
    pub(super) fn of(&self, place: &Path) -> OpenError {
        match self {
            Self::Sqlite(error) => OpenError::Store(place.to_owned(), store_error(error)),
            Self::Newer => OpenError::Newer(place.to_owned()),
        }
    }
}

/// How many migrations the file went through.
pub(super) fn known(connection: &Connection) -> Result<usize, Unprepared> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    usize::try_from(version).ok().filter(|version| *version <= MIGRATIONS.len()).ok_or(Unprepared::Newer)
}

/// All that it did not go through, or none.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Unprepared> {
    if known(connection)? == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been quicker.
    for migration in &MIGRATIONS[known(&transaction)?..] {
        for batch in *migration {
            transaction.execute_batch(batch)?;
        }
    }
    transaction.pragma_update(None, "user_version", LATEST)?;
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::super::Embedded;
    use super::*;

    fn version(folder: &Path) -> u32 {
        let connection = Connection::open(folder.join("lockdown.db")).unwrap();
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    fn count_hooks(folder: &Path) -> i64 {
        let connection = Connection::open(folder.join("lockdown.db")).unwrap();
        connection.query_row("SELECT count(*) FROM hooks", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_file_of_before_migrations_were_counted_keeps_what_is_in_it() {
        let folder = tempfile::tempdir().unwrap();
        drop(Embedded::open(folder.path()).unwrap());
        let connection = Connection::open(folder.path().join("lockdown.db")).unwrap();
        connection.execute("INSERT INTO hooks (id, doc) VALUES ('hook-1', '{}')", []).unwrap();
        connection.pragma_update(None, "user_version", 0).unwrap();
        drop(connection);
        drop(Embedded::open(folder.path()).unwrap());
        assert_eq!((version(folder.path()), count_hooks(folder.path())), (LATEST, 1));
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        drop(Embedded::open(folder.path()).unwrap());
        let newer = LATEST + 1;
        let file = folder.path().join("lockdown.db");
        Connection::open(&file).unwrap().pragma_update(None, "user_version", newer).unwrap();
        for refused in [Embedded::open(folder.path()), Embedded::open_copy(&file)] {
            let why = refused.err().unwrap();
            assert!(matches!(why, OpenError::Newer(_)), "{why}");
        }
        assert_eq!(version(folder.path()), newer);
    }
}
