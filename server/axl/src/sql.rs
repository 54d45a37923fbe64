//! Reads of CUCM's own tables, for what no list of AXL's holds.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use std::collections::BTreeMap;

/// Rows asked for at once. A row of ours is some 300 bytes: well under the 8 MB an answer may have.
const PAGE: usize = 2000;

/// More rows than any cluster has of what is asked for; a server that ignores `skip` would never end.
const MAX_ROWS: usize = 200_000;

/// A row by its columns, without those that hold nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row(BTreeMap<String, String>);

impl Row {
    pub fn text(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(String::as_str)
    }

    /// A count; what is no number counts nothing.
    pub fn number(&self, column: &str) -> usize {
        self.text(column).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// CUCM writes `t` and `f`.
    pub fn flag(&self, column: &str) -> bool {
        self.text(column) == Some("t")
    }
}

impl FromIterator<(String, String)> for Row {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(columns: T) -> Self {
        Self(columns.into_iter().collect())
    }
}

impl Client {
    /// All rows of a query, page by page. `query` is what stands behind `select`, with an order that tells every two rows
    /// apart.
    ///
    /// # Errors
    /// [`Error::NoSql`] where the account may not ask; otherwise as every read. [`Error::Rejected`] names a column or table
    /// that this version does not have.
    pub async fn sql(&self, query: &str) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        loop {
            let page = format!("select skip {} first {PAGE} {query}", rows.len());
            let answer = self.call(&Request::read("executeSQLQuery").text("sql", &page)).await;
            let answer = answer.map_err(|error| self.refused_sql(error))?;
            let found = answer.child("return").map_or(&[][..], |all| &all.children);
            let count = found.len();
            rows.extend(found.iter().map(|row| {
                let column = |column: &crate::Element| Some((column.name.to_ascii_lowercase(), column.value()?));
                row.children.iter().filter_map(column).collect::<Row>()
            }));
            if count < PAGE {
                return Ok(rows);
            }
            if rows.len() > MAX_ROWS {
                return Err(Error::TooLarge { why: "the list does not end".into(), suggested_rows: None });
            }
        }
    }

    /// Whoever has read by lists is known: then it is this way of asking that is refused.
    fn refused_sql(&self, error: Error) -> Error {
        match error {
            Error::BadCredentials | Error::Forbidden if self.has_read() => Error::NoSql,
            error => error,
        }
    }
}
