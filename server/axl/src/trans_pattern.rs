//! Translation patterns.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransPattern {
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
    pub css: Option<String>,
    pub use_originator_css: bool,
    /// What is dialled after it took a call is not waited for.
    pub at_once: bool,
    /// What comes next is looked up by the number of whoever calls.
    pub by_calling_number: bool,
    pub emergency: bool,
}

const TAGS: [&str; 13] = [
    "pattern",
    "routePartitionName",
    "blockEnable",
    "calledPartyTransformationMask",
    "digitDiscardInstructionName",
    "patternUrgency",
    "prefixDigitsOut",
    "routeFilterName",
    "callingSearchSpaceName",
    "routeNextHopByCgpn",
    "useOriginatorCss",
    "dontWaitForIDTOnSubsequentHops",
    "isEmergencyServiceNumber",
];

impl Client {
    /// All translation patterns of `partition`, or of the whole cluster.
    ///
    /// # Errors
    /// As every read.
    pub async fn trans_patterns(&self, partition: Option<&str>) -> Result<Vec<TransPattern>, Error> {
        let request = match partition {
            Some(name) => Request::read("listTransPattern").search("routePartitionName", name),
            None => Request::read("listTransPattern").search("pattern", "%"),
        };
        let rows = self.list(&request.returned(&TAGS), "transPattern").await?;
        let all = rows.iter().filter_map(TransPattern::read);
        Ok(all.filter(|found| partition.is_none() || found.partition.as_deref() == partition).collect())
    }

    /// Sets "Block this pattern".
    ///
    /// # Errors
    /// As every write; [`Error::OutcomeUnknown`] must be read back.
    pub async fn block_trans_pattern(&self, uuid: &str, blocked: bool) -> Result<(), Error> {
        self.call(&Request::write("updateTransPattern", uuid).flag("blockEnable", blocked)).await.map(|_| ())
    }

    /// Sets mask and calling search space; `None` is written as an explicit null.
    ///
    /// # Errors
    /// As every write; [`Error::OutcomeUnknown`] must be read back.
    pub async fn redirect_trans_pattern(&self, uuid: &str, mask: Option<&str>, css: Option<&str>) -> Result<(), Error> {
        let request = Request::write("updateTransPattern", uuid)
            .text_or_nil("calledPartyTransformationMask", mask)
            .text_or_nil("callingSearchSpaceName", css);
        self.call(&request).await.map(|_| ())
    }
}

impl TransPattern {
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
            css: row.text_of("callingSearchSpaceName"),
            use_originator_css: row.flag("useOriginatorCss"),
            at_once: row.flag("dontWaitForIDTOnSubsequentHops"),
            by_calling_number: row.flag("routeNextHopByCgpn"),
            emergency: row.flag("isEmergencyServiceNumber"),
        })
    }
}
