//! Where calls end inside: directory numbers and hunt pilots.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

/// A pattern somebody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub pattern: String,
    pub partition: Option<String>,
    /// Of a hunt pilot; of a directory number no list says it.
    pub urgent: bool,
    /// As `urgent`.
    pub blocked: bool,
    /// Of a hunt pilot: where a call goes that nobody answers, or that finds all busy.
    pub overflows: Vec<Overflow>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overflow {
    pub destination: String,
    pub css: Option<String>,
}

impl Client {
    /// Hunt pilots whose pattern is like `pattern` (`%` for all).
    ///
    /// # Errors
    /// As every read.
    pub async fn hunt_pilots(&self, pattern: &str) -> Result<Vec<Endpoint>, Error> {
        let tags = ["pattern", "routePartitionName", "blockEnable", "patternUrgency"];
        let request = Request::read("listHuntPilot").search("pattern", pattern).group("returnedTags", |request| {
            let request = request.tags(&tags);
            OVERFLOWS.iter().fold(request, |request, name| {
                request.group(name, |request| request.tags(&["destination", "callingSearchSpaceName"]))
            })
        });
        Ok(self.list(&request, "huntPilot").await?.iter().filter_map(Endpoint::read).collect())
    }

    /// Directory numbers whose pattern is like `pattern` (`%` for all).
    ///
    /// # Errors
    /// As every read.
    pub async fn lines(&self, pattern: &str) -> Result<Vec<Endpoint>, Error> {
        let request = Request::read("listLine").search("pattern", pattern).returned(&["pattern", "routePartitionName"]);
        Ok(self.list(&request, "line").await?.iter().filter_map(Endpoint::read).collect())
    }
}

const OVERFLOWS: [&str; 2] = ["forwardHuntNoAnswer", "forwardHuntBusy"];

impl Endpoint {
    fn read(row: &Element) -> Option<Self> {
        let overflow = |name: &&str| {
            let to = row.child(name)?;
            Some(Overflow { destination: to.text_of("destination")?, css: to.text_of("callingSearchSpaceName") })
        };
        Some(Self {
            pattern: row.text_of("pattern")?,
            partition: row.text_of("routePartitionName"),
            urgent: row.flag("patternUrgency"),
            blocked: row.flag("blockEnable"),
            overflows: OVERFLOWS.iter().filter_map(overflow).collect(),
        })
    }
}
