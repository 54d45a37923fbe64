//! SIP route patterns: calls to addresses (`name@host`) leave by them.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipRoutePattern {
    pub uuid: String,
    /// A host, a domain (`*.example.com`) or an IP address or network; the IPv6 one where there is no other.
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    /// A SIP trunk or a route list.
    pub trunk: Option<String>,
}

const TAGS: [&str; 5] = ["pattern", "routePartitionName", "blockEnable", "sipTrunkName", "dnOrPatternIpv6"];

impl Client {
    /// All SIP route patterns of `partition`, or of the whole cluster.
    ///
    /// # Errors
    /// As every read.
    pub async fn sip_route_patterns(&self, partition: Option<&str>) -> Result<Vec<SipRoutePattern>, Error> {
        let request = match partition {
            Some(name) => Request::read("listSipRoutePattern").search("routePartitionName", name),
            None => Request::read("listSipRoutePattern").search("pattern", "%"),
        };
        let rows = self.list(&request.returned(&TAGS), "sipRoutePattern").await?;
        let all = rows.iter().filter_map(SipRoutePattern::read);
        Ok(all.filter(|found| partition.is_none() || found.partition.as_deref() == partition).collect())
    }

    /// Sets "Block Pattern".
    ///
    /// # Errors
    /// As every write; [`Error::OutcomeUnknown`] must be read back.
    pub async fn block_sip_route_pattern(&self, uuid: &str, blocked: bool) -> Result<(), Error> {
        self.call(&Request::write("updateSipRoutePattern", uuid).flag("blockEnable", blocked)).await.map(|_| ())
    }
}

impl SipRoutePattern {
    fn read(row: &Element) -> Option<Self> {
        Some(Self {
            uuid: row.uuid.clone()?,
            pattern: row.text_of("pattern").or_else(|| row.text_of("dnOrPatternIpv6"))?,
            partition: row.text_of("routePartitionName"),
            blocked: row.flag("blockEnable"),
            trunk: row.text_of("sipTrunkName"),
        })
    }
}
