//! What can go wrong, named by what the caller can do about it.

use crate::xml::Element;
use std::time::Duration;

/// An AXL call that did not succeed. The text is for an operator; no variant ever carries
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing was sent, or a read got no answer: trying again is safe.
    #[error("CUCM cannot be reached: {why}")]
    Unreachable { why: String },
    /// A write was sent and no answer came: it may or may not have happened. Read before speaking.
    #[error("CUCM took the change and did not answer ({why}); whether it was made is not known yet")]
    OutcomeUnknown { why: String },
    /// 503, or a fault that says "retry": wait and try again.
    #[error("CUCM is busy: {why}")]
    Busy { why: String, retry_after: Option<Duration> },
    #[error("CUCM's certificate is not trusted: {why}")]
    Certificate { why: String },
    #[error("CUCM refuses the AXL user's name or password, or has locked the account")]
    BadCredentials,
    /// CUCM answers a write by a read-only user with 401. Source: AXL developer guide, FAQ.
    #[error("the AXL user may read but not write: give it the role Standard AXL API Access")]
    MayNotWrite,
    #[error("the AXL user lacks the role Standard AXL API Access")]
    Forbidden,
    #[error("the AXL user may not ask by SQL: give it the role Standard AXL API Access")]
    NoSql,
    #[error(
        "there is no AXL service at this address: activate Cisco AXL Web Service on the publisher, or correct the URL"
    )]
    NoService,
    #[error("this CUCM speaks none of the AXL versions 12.5, 14.0 and 15.0: it offers {offered}")]
    Version { offered: String },
    #[error("not in CUCM: {what}")]
    NotFound { what: String },
    /// More than 8 MB: ask for fewer rows at a time.
    #[error("CUCM's answer would be too large: {why}")]
    TooLarge { why: String, suggested_rows: Option<u64> },
    #[error("CUCM refused ({code}): {message}")]
    Rejected { code: String, message: String },
    #[error("what answered is not AXL (HTTP {status}): {excerpt}")]
    NotAxl { status: u16, excerpt: String },
}

impl Error {
    /// Will the same call probably succeed a little later, with nobody mending anything?
    pub fn is_transient(&self) -> bool {
        // No service: a publisher that restarts its web server answers 404 for some seconds.
        matches!(
            self,
            Self::NoService
                | Self::Unreachable { .. }
                | Self::OutcomeUnknown { .. }
                | Self::Busy { .. }
                | Self::NotAxl { .. }
        )
    }

    /// Can no call at all succeed until somebody mends something?
    pub fn stops_everything(&self) -> bool {
        matches!(
            self,
            Self::Certificate { .. }
                | Self::BadCredentials
                | Self::MayNotWrite
                | Self::Forbidden
                | Self::Version { .. }
        )
    }

    /// Reads a SOAP fault. Codes: AXL developer guide and public AXL clients, see `error` tests.
    pub(crate) fn from_fault(fault: &Element) -> Self {
        let detail = fault.find("axlError").or_else(|| fault.find("error"));
        let field =
            |names: [&str; 2]| detail.and_then(|d| names.iter().find_map(|name| d.text_of(name))).unwrap_or_default();
        let code = field(["axlcode", "code"]);
        let message = match field(["axlmessage", "message"]) {
            text if text.is_empty() => fault.text_of("faultstring").unwrap_or_default(),
            text => text,
        };
        Self::from_code(code, message)
    }

    fn from_code(code: String, message: String) -> Self {
        let busy = |why| Self::Busy { why, retry_after: None };
        match code.as_str() {
            "5007" => Self::NotFound { what: message },
            "5003" if message.contains("not found") => Self::NotFound { what: message },
            "-1" if message.contains("Memory Allocation") => busy(message),
            "-1" if message.contains("too large") => {
                Self::TooLarge { suggested_rows: rows_suggested(&message), why: message }
            }
            // Informix locks and deadlocks. Source: IBM Informix error list.
            "-107" | "-113" | "-143" | "-154" | "-243" | "-244" | "-246" | "-263" => busy(message),
            _ => Self::Rejected { code, message },
        }
    }
}

/// `… Suggestive Row Fetch: less than 4321 rows`.
fn rows_suggested(message: &str) -> Option<u64> {
    let (_, tail) = message.split_once("less than ")?;
    tail.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_by_what_the_caller_can_do() {
        let of = |code: &str, message: &str| Error::from_code(code.into(), message.into());
        assert!(matches!(of("5007", "Item not valid: X"), Error::NotFound { .. }));
        assert!(matches!(of("5003", "Route Pattern not found"), Error::NotFound { .. }));
        assert!(matches!(of("5003", "You do not have the privilege"), Error::Rejected { .. }));
        assert!(of("-1", "Maximum AXL Memory Allocation Consumed.").is_transient());
        assert!(of("-243", "lock").is_transient());
        let large = of(
            "-1",
            "Query request too large. Total rows matched: 9000 rows. Suggestive Row Fetch: less than 4500 rows",
        );
        assert!(matches!(large, Error::TooLarge { suggested_rows: Some(4500), .. }));
        assert!(matches!(of("-239", "duplicate"), Error::Rejected { .. }));
    }
}
