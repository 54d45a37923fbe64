//! Route patterns.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

/// As a list returns it. Which gateway or route list it leads to only a get tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePattern {
    pub uuid: String,
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    pub urgent: bool,
    pub mask: Option<String>,
    pub discard: Option<String>,
    pub prefix: Option<String>,
    /// Narrows an `@`.
    pub route_filter: Option<String>,
    pub emergency: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    Gateway(String),
    RouteList(String),
    None,
}

const TAGS: [&str; 9] = [
    "pattern",
    "routePartitionName",
    "blockEnable",
    "calledPartyTransformationMask",
    "digitDiscardInstructionName",
    "patternUrgency",
    "prefixDigitsOut",
    "routeFilterName",
    "isEmergencyServiceNumber",
];

impl Client {
    /// All route patterns of `partition`, or of the whole cluster.
    ///
    /// # Errors
    /// As every read.
    pub async fn route_patterns(&self, partition: Option<&str>) -> Result<Vec<RoutePattern>, Error> {
        let request = match partition {
            Some(name) => Request::read("listRoutePattern").search("routePartitionName", name),
            None => Request::read("listRoutePattern").search("pattern", "%"),
        };
        let rows = self.list(&request.returned(&TAGS), "routePattern").await?;
        let all = rows.iter().filter_map(RoutePattern::read);
        Ok(all.filter(|found| partition.is_none() || found.partition.as_deref() == partition).collect())
    }

    /// Where one route pattern leads.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none with that uuid; else as every read.
    pub async fn route_pattern_destination(&self, uuid: &str) -> Result<Destination, Error> {
        let braced = format!("{{{}}}", uuid.trim_matches(['{', '}']));
        let request = Request::read("getRoutePattern").text("uuid", &braced).returned(&["destination"]);
        let answer = self.call(&request).await?;
        let destination = answer.find("destination");
        let named = |name| destination.and_then(|d| d.text_of(name));
        Ok(match (named("gatewayName"), named("routeListName")) {
            (Some(gateway), _) => Destination::Gateway(gateway),
            (None, Some(route_list)) => Destination::RouteList(route_list),
            (None, None) => Destination::None,
        })
    }

    /// Sets "Block this pattern".
    ///
    /// # Errors
    /// As every write; [`Error::OutcomeUnknown`] must be read back.
    pub async fn block_route_pattern(&self, uuid: &str, blocked: bool) -> Result<(), Error> {
        self.call(&Request::write("updateRoutePattern", uuid).flag("blockEnable", blocked)).await.map(|_| ())
    }
}

impl RoutePattern {
    fn read(row: &Element) -> Option<Self> {
        Some(Self {
            uuid: row.uuid.clone()?,
            // Empty where CUCM calls when a receiver is lifted (PLAR).
            pattern: row.text_of("pattern").unwrap_or_default(),
            partition: row.text_of("routePartitionName"),
            blocked: row.flag("blockEnable"),
            urgent: row.flag("patternUrgency"),
            mask: row.text_of("calledPartyTransformationMask"),
            discard: row.text_of("digitDiscardInstructionName"),
            prefix: row.text_of("prefixDigitsOut"),
            route_filter: row.text_of("routeFilterName"),
            emergency: row.flag("isEmergencyServiceNumber"),
        })
    }
}
