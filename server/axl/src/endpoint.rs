//! Where calls end inside: directory numbers and hunt pilots.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;

/// A pattern somebody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub pattern: String,
    pub partition: Option<String>,
}

impl Client {
    /// Hunt pilots whose pattern is like `pattern` (`%` for all).
    ///
    /// # Errors
    /// As every read.
    pub async fn hunt_pilots(&self, pattern: &str) -> Result<Vec<Endpoint>, Error> {
        self.endpoints("listHuntPilot", "huntPilot", pattern).await
    }

    /// Directory numbers whose pattern is like `pattern` (`%` for all).
    ///
    /// # Errors
    /// As every read.
    pub async fn lines(&self, pattern: &str) -> Result<Vec<Endpoint>, Error> {
        self.endpoints("listLine", "line", pattern).await
    }

    async fn endpoints(
        &self,
        operation: &'static str,
        row: &'static str,
        pattern: &str,
    ) -> Result<Vec<Endpoint>, Error> {
        let request = Request::read(operation).search("pattern", pattern).returned(&["pattern", "routePartitionName"]);
        let rows = self.list(&request, row).await?;
        let read = rows.iter().filter_map(|row| {
            Some(Endpoint { pattern: row.text_of("pattern")?, partition: row.text_of("routePartitionName") })
        });
        Ok(read.collect())
    }
}
