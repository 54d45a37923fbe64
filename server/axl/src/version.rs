//! AXL versions. The operations used here are the same in 12.5, 14.0 and 15.0, so staying on any
//! accepted version is safe; only the namespace differs.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V12_5,
    V14_0,
    V15_0,
}

impl Version {
    pub const ALL: [Self; 3] = [Self::V12_5, Self::V14_0, Self::V15_0];

    /// Accepted by CUCM 14 and 15 alike (each release takes two older ones), so the best first try.
    pub const FIRST_TRY: Self = Self::V14_0;

    pub fn word(self) -> &'static str {
        match self {
            Self::V12_5 => "12.5",
            Self::V14_0 => "14.0",
            Self::V15_0 => "15.0",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.word() == word)
    }

    pub(crate) fn namespace(self) -> String {
        format!("http://www.cisco.com/AXL/API/{}", self.word())
    }

    /// The highest we know among those the text of an HTTP 599 offers, such as
    /// `Supported axl versions are 12.x, 14.0 and 15.0`.
    pub(crate) fn best_offered(text: &str) -> Option<Self> {
        let offered = text.to_ascii_lowercase();
        let (_, offered) = offered.split_once("supported axl versions")?;
        Self::ALL.into_iter().rev().find(|version| {
            let (major, _) = version.word().split_once('.').unwrap_or((version.word(), ""));
            offered
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'))
                .map(|word| word.trim_end_matches('.'))
                .any(|word| word == version.word() || word == format!("{major}.x") || word == major)
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Client {
    /// The release CUCM says it is, such as `15.0.1.12900(234)`; also settles the AXL version.
    ///
    /// # Errors
    /// As every read.
    pub async fn ccm_version(&self) -> Result<String, Error> {
        let answer = self.call(&Request::read("getCCMVersion")).await?;
        let version = answer.find("version").and_then(Element::value);
        version.ok_or_else(|| Error::NotAxl { status: 200, excerpt: "no version in the answer".into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_offered_version_is_read_from_either_wording() {
        let best = Version::best_offered;
        assert_eq!(best("Incorrect axl version. Supported axl versions are 12.x, 14.0 and 15.0"), Some(Version::V15_0));
        assert_eq!(best("<b>Supported axl versions: [11.0, 11.5, 12.0, 12.5]</b>"), Some(Version::V12_5));
        assert_eq!(best("Supported axl versions are 9.x and 10.0"), None);
        assert_eq!(best("nonsense 15.0"), None);
    }
}
