//! SIP trunks: what they make of the digits that come in, and where calls that they transfer are looked up.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipTrunk {
    pub name: String,
    pub css: Option<String>,
    pub pool: Option<String>,
    /// So many of the last digits are looked up; `None`: all.
    pub significant_digits: Option<usize>,
    /// Put before them.
    pub prefix: Option<String>,
    /// Where calls are looked up that the far end transfers or redirects.
    pub refer_css: Option<String>,
    pub reroute_css: Option<String>,
    /// It stays inside: to another cluster, say.
    pub on_net: bool,
}

const TAGS: [&str; 8] = [
    "name",
    "callingSearchSpaceName",
    "devicePoolName",
    "networkLocation",
    "rerouteCallingSearchSpaceName",
    "referCallingSearchSpaceName",
    "sigDigits",
    "prefixDn",
];

/// Source: AXL schema, `sigDigits` of `RSipTrunk`: "99 is corresponding to All".
const ALL: usize = 99;

impl Client {
    /// Trunks whose name is like `name` (`%` for all).
    ///
    /// # Errors
    /// As every read.
    pub async fn sip_trunks(&self, name: &str) -> Result<Vec<SipTrunk>, Error> {
        let request = Request::read("listSipTrunk").search("name", name).returned(&TAGS);
        Ok(self.list(&request, "sipTrunk").await?.iter().filter_map(SipTrunk::read).collect())
    }
}

impl SipTrunk {
    fn read(row: &Element) -> Option<Self> {
        let significant = row.text_of("sigDigits").and_then(|digits| digits.parse().ok());
        // None at all would leave a trunk that reaches nothing: where it says so it is taken for one that changes nothing.
        let significant = significant.filter(|digits| *digits != 0);
        Some(Self {
            name: row.text_of("name")?,
            css: row.text_of("callingSearchSpaceName"),
            pool: row.text_of("devicePoolName"),
            significant_digits: significant.filter(|digits| *digits != ALL),
            prefix: row.text_of("prefixDn"),
            refer_css: row.text_of("referCallingSearchSpaceName"),
            reroute_css: row.text_of("rerouteCallingSearchSpaceName"),
            on_net: row.text_of("networkLocation").as_deref() == Some("OnNet"),
        })
    }
}
