//! Webhooks and their outbox, in the file.

use super::{Embedded, Trouble, append, conflict_unless, holds_originals, number, parsed, text};
use crate::store::outbox::Outbox;
use crate::webhooks::hook::{Delivery, Hook, KEPT};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

/// Moments are milliseconds since 1970.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS hooks (id TEXT PRIMARY KEY, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, hook TEXT NOT NULL, seq INTEGER NOT NULL, next_at INTEGER NOT NULL, state TEXT NOT NULL, made_at INTEGER NOT NULL, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE INDEX IF NOT EXISTS outbox_due ON outbox (state, next_at);
    CREATE INDEX IF NOT EXISTS outbox_of_hook ON outbox (hook, made_at);
    CREATE INDEX IF NOT EXISTS outbox_age ON outbox (made_at);
";

/// Where the journal notes up to which event deliveries were made.
const CURSOR: &str = "hook_cursor";

#[async_trait]
impl Outbox for Embedded {
    async fn put_hook(&self, hook: &Hook, event: NewEvent) -> Result<(), StoreError> {
        let hook = hook.clone();
        let events = [event];
        self.write(move |transaction| {
            holds_originals(transaction)?;
            let sql = "INSERT OR IGNORE INTO hooks (id, doc) VALUES (?1, ?2)";
            conflict_unless(transaction.execute(sql, params![hook.id, text(&hook)?])?)?;
            append(transaction, &events).map(|_| ())
        })
        .await
    }

    async fn hook(&self, id: &str) -> Result<Option<Hook>, StoreError> {
        self.one("SELECT doc FROM hooks WHERE id = ?1", vec![id.to_owned()]).await
    }

    async fn hooks(&self) -> Result<Vec<Hook>, StoreError> {
        self.many("SELECT doc FROM hooks ORDER BY rowid").await
    }

    async fn remove_hook(&self, id: &str, event: NewEvent) -> Result<(), StoreError> {
        let id = id.to_owned();
        let events = [event];
        self.write(move |transaction| {
            conflict_unless(transaction.execute("DELETE FROM hooks WHERE id = ?1", [&id])?)?;
            transaction.execute("DELETE FROM outbox WHERE hook = ?1", [&id])?;
            append(transaction, &events).map(|_| ())
        })
        .await
    }

    async fn change_hook(&self, read: &Hook, changed: &Hook, event: NewEvent) -> Result<(), StoreError> {
        let read = read.clone();
        let changed = changed.clone();
        let events = [event];
        self.write(move |transaction| {
            let sql = "SELECT doc FROM hooks WHERE id = ?1";
            let stored: Option<String> = transaction.query_row(sql, [&read.id], |row| row.get(0)).optional()?;
            let stored: Option<Hook> = stored.map(|text| parsed(&text)).transpose()?;
            conflict_unless(usize::from(stored.as_ref() == Some(&read)))?;
            transaction.execute("UPDATE hooks SET doc = ?2 WHERE id = ?1", params![read.id, text(&changed)?])?;
            append(transaction, &events).map(|_| ())
        })
        .await
    }

    async fn hook_cursor(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.note(CURSOR).await?.and_then(|text| text.parse().ok()))
    }

    async fn add_deliveries(&self, deliveries: &[Delivery], cursor: u64) -> Result<(), StoreError> {
        let deliveries = deliveries.to_vec();
        self.write(move |transaction| {
            forget(transaction, &deliveries)?;
            for delivery in &deliveries {
                insert(transaction, delivery)?;
            }
            move_on(transaction, cursor)
        })
        .await
    }

    async fn due(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        limit: usize,
        busy: &[String],
    ) -> Result<Vec<Delivery>, StoreError> {
        let busy = busy.to_vec();
        self.write(move |transaction| {
            let mut claimed = waiting(transaction, now, limit, &busy)?;
            for delivery in &mut claimed {
                delivery.next_at = now + lease;
                update(transaction, delivery)?;
            }
            Ok(claimed)
        })
        .await
    }

    async fn count_waiting(&self) -> Result<u64, StoreError> {
        self.run(|connection| {
            let sql = "SELECT COUNT(*) FROM outbox WHERE state = 'waiting'";
            Ok(connection.query_row(sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs())
        })
        .await
    }

    async fn settle(&self, delivery: &Delivery) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        self.write(move |transaction| update(transaction, &delivery)).await
    }

    async fn deliveries_of(&self, hook: &str, limit: usize) -> Result<Vec<Delivery>, StoreError> {
        let hook = hook.to_owned();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.run(move |connection| {
            let sql = "SELECT doc FROM outbox WHERE hook = ?1 ORDER BY made_at DESC, seq DESC LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows: Vec<String> =
                statement.query_map(params![hook, limit], |row| row.get(0))?.collect::<Result<_, _>>()?;
            rows.iter().map(|text| parsed(text)).collect()
        })
        .await
    }

    async fn delivery(&self, id: &str) -> Result<Option<Delivery>, StoreError> {
        self.one("SELECT doc FROM outbox WHERE id = ?1", vec![id.to_owned()]).await
    }
}

/// What is too old, as seen from the newest that comes in.
fn forget(transaction: &Transaction<'_>, deliveries: &[Delivery]) -> Result<(), Trouble> {
    let Some(newest) = deliveries.iter().map(|delivery| delivery.made_at).max() else { return Ok(()) };
    let oldest = (newest - KEPT).as_millisecond();
    Ok(transaction.execute("DELETE FROM outbox WHERE made_at < ?1", [oldest]).map(|_| ())?)
}

fn insert(transaction: &Transaction<'_>, delivery: &Delivery) -> Result<(), Trouble> {
    let sql = "INSERT OR IGNORE INTO outbox (id, hook, seq, next_at, state, made_at, doc)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let Delivery { id, hook, state, .. } = delivery;
    let next_at = delivery.next_at.as_millisecond();
    let made_at = delivery.made_at.as_millisecond();
    let seq = number(delivery.seq);
    let doc = text(delivery)?;
    let mut statement = transaction.prepare_cached(sql)?;
    Ok(statement.execute(params![id, hook, seq, next_at, state.word(), made_at, doc]).map(|_| ())?)
}

fn update(transaction: &Transaction<'_>, delivery: &Delivery) -> Result<(), Trouble> {
    let sql = "UPDATE outbox SET next_at = ?2, state = ?3, doc = ?4 WHERE id = ?1";
    let next_at = delivery.next_at.as_millisecond();
    let doc = text(delivery)?;
    let mut statement = transaction.prepare_cached(sql)?;
    Ok(statement.execute(params![delivery.id, next_at, delivery.state.word(), doc]).map(|_| ())?)
}

fn waiting(
    transaction: &Transaction<'_>,
    now: Timestamp,
    limit: usize,
    busy: &[String],
) -> Result<Vec<Delivery>, Trouble> {
    let sql = "SELECT doc FROM outbox WHERE state = 'waiting' AND next_at <= ?1
        AND hook NOT IN (SELECT value FROM json_each(?2)) ORDER BY next_at, seq LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let busy = text(&busy)?;
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = statement.query_map(params![now.as_millisecond(), busy, limit], |row| row.get(0))?;
    let rows: Vec<String> = rows.collect::<Result<_, _>>()?;
    rows.iter().map(|text| parsed(text)).collect()
}

fn move_on(transaction: &Transaction<'_>, cursor: u64) -> Result<(), Trouble> {
    let sql = "SELECT value FROM journal WHERE key = ?1";
    let known: Option<String> = transaction.query_row(sql, [CURSOR], |row| row.get(0)).optional()?;
    if known.and_then(|text| text.parse::<u64>().ok()).is_none_or(|known| known < cursor) {
        let sql = "INSERT OR REPLACE INTO journal (key, value) VALUES (?1, ?2)";
        transaction.execute(sql, params![CURSOR, cursor.to_string()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::contract_outbox::{delivery, hook, now};

    #[tokio::test]
    async fn what_is_older_than_a_month_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Embedded::open(folder.path()).unwrap();
        let hook = hook("hook-00000001");
        let old = delivery(&hook, 1);
        store.add_deliveries(std::slice::from_ref(&old), 1).await.unwrap();
        let days = |days: i64| now() + SignedDuration::from_hours(24 * days);
        store.add_deliveries(&[Delivery { made_at: days(30), ..delivery(&hook, 2) }], 2).await.unwrap();
        assert_eq!(store.delivery(&old.id).await, Ok(Some(old.clone())));
        store.add_deliveries(&[Delivery { made_at: days(31), ..delivery(&hook, 3) }], 3).await.unwrap();
        assert_eq!(store.delivery(&old.id).await, Ok(None));
        assert_eq!(store.deliveries_of(&hook.id, 9).await.map(|kept| kept.len()), Ok(2));
    }
}
