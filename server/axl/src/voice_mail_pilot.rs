//! Voice mail pilots: the number that a call forwarded to voice mail goes on to, and where that is looked up.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceMailPilot {
    pub number: String,
    pub css: Option<String>,
}

impl Client {
    /// All of the cluster that have a number; the one that stands for "no voice mail" has none.
    ///
    /// # Errors
    /// As every read.
    pub async fn voice_mail_pilots(&self) -> Result<Vec<VoiceMailPilot>, Error> {
        let request = Request::read("listVoiceMailPilot").search("dirn", "%").returned(&["dirn", "cssName"]);
        Ok(self.list(&request, "voiceMailPilot").await?.iter().filter_map(VoiceMailPilot::read).collect())
    }
}

impl VoiceMailPilot {
    fn read(row: &Element) -> Option<Self> {
        let number = row.text_of("dirn").filter(|number| !number.is_empty())?;
        Some(Self { number, css: row.text_of("cssName") })
    }
}
