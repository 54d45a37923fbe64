//! Documents, in the file.

use super::{Embedded, conflict_unless, number};
use crate::store::documents::{Document, Documents};
use async_trait::async_trait;
use engine::ports::StoreError;
use rusqlite::{OptionalExtension, params};

pub(super) const SCHEMA: &str =
    "CREATE TABLE IF NOT EXISTS papers (name TEXT PRIMARY KEY, version INTEGER NOT NULL, text TEXT NOT NULL);";

#[async_trait]
impl Documents for Embedded {
    async fn document(&self, name: &str) -> Result<Option<Document>, StoreError> {
        let name = name.to_owned();
        self.run(move |connection| {
            let mut statement = connection.prepare_cached("SELECT version, text FROM papers WHERE name = ?1")?;
            let document = statement.query_row([&name], |row| {
                Ok(Document { version: row.get::<_, i64>(0)?.unsigned_abs(), text: row.get(1)? })
            });
            Ok(document.optional()?)
        })
        .await
    }

    async fn put_document(&self, name: &str, document: &Document) -> Result<(), StoreError> {
        let name = name.to_owned();
        let document = document.clone();
        self.write(move |transaction| {
            let sql = if document.version == 1 {
                "INSERT OR IGNORE INTO papers (name, version, text) VALUES (?1, ?2, ?3)"
            } else {
                "UPDATE papers SET version = ?2, text = ?3 WHERE name = ?1 AND version = ?2 - 1"
            };
            conflict_unless(transaction.execute(sql, params![name, number(document.version), document.text])?)
        })
        .await
    }
}
