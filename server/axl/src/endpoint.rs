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
    /// Of a hunt pilot: where a call goes that nobody answers, that finds all busy, or that waited in its queue in vain.
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
            let request = OVERFLOWS.iter().fold(request, |request, name| {
                request.group(name, |request| request.tags(&["destination", "callingSearchSpaceName"]))
            });
            let queue: Vec<&str> = QUEUE.iter().flat_map(|(to, css)| [*to, *css]).collect();
            request.group("queueCalls", |request| request.tags(&queue))
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

/// Where calls go that find the queue full, that wait too long, or that find nobody logged in.
const QUEUE: [(&str, &str); 3] = [
    ("queueFullDestination", "callingSearchSpacePilotQueueFull"),
    ("maxWaitTimeDestination", "callingSearchSpaceMaxWaitTime"),
    ("noAgentDestination", "callingSearchSpaceNoAgent"),
];

impl Endpoint {
    fn read(row: &Element) -> Option<Self> {
        let overflow = |name: &&str| {
            let to = row.child(name)?;
            Some(Overflow { destination: to.text_of("destination")?, css: to.text_of("callingSearchSpaceName") })
        };
        let queue = row.child("queueCalls");
        let of_queue =
            |(to, css): &(&str, &str)| Some(Overflow { destination: queue?.text_of(to)?, css: queue?.text_of(css) });
        Some(Self {
            pattern: row.text_of("pattern")?,
            partition: row.text_of("routePartitionName"),
            urgent: row.flag("patternUrgency"),
            blocked: row.flag("blockEnable"),
            overflows: OVERFLOWS.iter().filter_map(overflow).chain(QUEUE.iter().filter_map(of_queue)).collect(),
        })
    }
}
