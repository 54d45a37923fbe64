//! Call requests, in the file.

use super::{Embedded, Trouble, append, conflict_unless, number, parsed, text};
use crate::store::calls::{Calls, Wanted, changed_at, rank};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::call_request::CallRequest;
use lockdown::ids::IncidentId;
use lockdown::text::sought;
use rusqlite::types::Value;
use rusqlite::{Transaction, params, params_from_iter};

/// Moments are milliseconds since 1970. What stands beside the document is there to be searched by.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, version INTEGER NOT NULL, number INTEGER NOT NULL, site TEXT NOT NULL, open INTEGER NOT NULL, rank INTEGER NOT NULL, form TEXT NOT NULL UNIQUE, filed_by TEXT, incident TEXT, haystack TEXT NOT NULL, number_key TEXT NOT NULL, changed_at INTEGER NOT NULL, doc TEXT NOT NULL CHECK (json_valid(doc)));
    CREATE INDEX IF NOT EXISTS requests_open ON requests (open, rank, number);
    CREATE INDEX IF NOT EXISTS requests_newest ON requests (number);
    CREATE INDEX IF NOT EXISTS requests_of_person ON requests (filed_by, number);
    CREATE INDEX IF NOT EXISTS requests_of_incident ON requests (incident, number);
    CREATE INDEX IF NOT EXISTS requests_of_number ON requests (number_key, open);
    CREATE INDEX IF NOT EXISTS requests_age ON requests (changed_at);
";

/// Where the journal notes the last ticket's number.
const NUMBER: &str = "request_number";

#[async_trait]
impl Calls for Embedded {
    async fn next_request_number(&self) -> Result<u64, StoreError> {
        self.write(move |transaction| {
            let sql = "INSERT INTO journal (key, value) VALUES (?1, '1')
                ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING CAST(value AS INTEGER)";
            let n: i64 = transaction.query_row(sql, [NUMBER], |row| row.get(0))?;
            Ok(n.unsigned_abs())
        })
        .await
    }

    async fn put_request(&self, request: &CallRequest, event: NewEvent) -> Result<(), StoreError> {
        let request = request.clone();
        let events = [event];
        self.write(move |transaction| {
            put(transaction, &request)?;
            append(transaction, &events).map(|_| ())
        })
        .await
    }

    async fn request(&self, id: &str) -> Result<Option<CallRequest>, StoreError> {
        self.one("SELECT doc FROM requests WHERE id = ?1", vec![id.to_owned()]).await
    }

    async fn request_of_form(&self, form: &str) -> Result<Option<CallRequest>, StoreError> {
        self.one("SELECT doc FROM requests WHERE form = ?1", vec![form.to_owned()]).await
    }

    async fn requests(&self, wanted: &Wanted) -> Result<Vec<CallRequest>, StoreError> {
        let (sql, keys) = query(wanted);
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows: Vec<String> =
                statement.query_map(params_from_iter(&keys), |row| row.get(0))?.collect::<Result<_, _>>()?;
            rows.iter().map(|text| parsed(text)).collect()
        })
        .await
    }

    async fn erase_request(&self, id: &str, event: NewEvent) -> Result<(), StoreError> {
        let id = id.to_owned();
        let events = [event];
        self.write(move |transaction| {
            conflict_unless(transaction.execute("DELETE FROM requests WHERE id = ?1", [&id])?)?;
            append(transaction, &events).map(|_| ())
        })
        .await
    }

    async fn forget_requests(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.write(move |transaction| {
            let gone = transaction.execute("DELETE FROM requests WHERE changed_at < ?1", [before.as_millisecond()])?;
            Ok(gone as u64)
        })
        .await
    }
}

/// Over the version before, or where there was none.
fn put(transaction: &Transaction<'_>, request: &CallRequest) -> Result<(), Trouble> {
    let id = request.id.as_str();
    let version = number(request.version);
    let ticket = number(request.number);
    let site = request.site.as_str();
    let incident = request.incident.as_ref().map(IncidentId::as_str);
    let filed_by = request.filed_by.as_ref().map(|by| by.id.as_str());
    let haystack = request.haystack();
    let changed = changed_at(request).as_millisecond();
    let values = params![
        id,
        version,
        ticket,
        site,
        request.is_open(),
        rank(request.priority),
        request.form,
        filed_by,
        incident,
        haystack,
        changed,
        text(request)?,
        request.number_key()
    ];
    let sql = if request.version == 1 {
        "INSERT OR IGNORE INTO requests (id, version, number, site, open, rank, form, filed_by, incident, haystack, changed_at, doc, number_key)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    } else {
        "UPDATE requests SET version = ?2, number = ?3, site = ?4, open = ?5, rank = ?6, form = ?7, filed_by = ?8,
            incident = ?9, haystack = ?10, changed_at = ?11, doc = ?12, number_key = ?13 WHERE id = ?1 AND version = ?2 - 1"
    };
    conflict_unless(transaction.prepare_cached(sql)?.execute(values)?)
}

fn query(wanted: &Wanted) -> (String, Vec<Value>) {
    let (mut conditions, mut keys): (Vec<String>, Vec<Value>) = (vec!["1 = 1".into()], vec![]);
    let mut equal = |column: &str, value: String| {
        keys.push(Value::Text(value));
        conditions.push(format!("{column} = ?{}", keys.len()));
    };
    if let Some(incident) = &wanted.incident {
        equal("incident", incident.to_string());
    }
    if let Some(number) = &wanted.number {
        equal("number_key", number.clone());
    }
    if let Some(person) = &wanted.filed_by {
        equal("filed_by", person.to_string());
    }
    let texts = wanted.text.as_deref().map(sought).unwrap_or_default();
    if !texts.is_empty() {
        let stands = texts.into_iter().map(|text| {
            keys.push(Value::Text(text));
            format!("instr(haystack, ?{}) > 0", keys.len())
        });
        conditions.push(format!("({})", stands.collect::<Vec<_>>().join(" OR ")));
    }
    if let Some(sites) = &wanted.sites {
        let places: Vec<String> = sites
            .iter()
            .map(|site| {
                keys.push(Value::Text(site.to_string()));
                format!("?{}", keys.len())
            })
            .collect();
        conditions.push(format!("site IN ({})", places.join(", ")));
    }
    if let Some(priority) = wanted.priority {
        keys.push(Value::Integer(rank(priority)));
        conditions.push(format!("rank = ?{}", keys.len()));
    }
    let order = if wanted.open_only {
        conditions.push("open = 1".into());
        "rank, number"
    } else {
        "number DESC"
    };
    keys.push(Value::Integer(i64::try_from(wanted.limit).unwrap_or(i64::MAX)));
    let sql =
        format!("SELECT doc FROM requests WHERE {} ORDER BY {order} LIMIT ?{}", conditions.join(" AND "), keys.len());
    (sql, keys)
}
