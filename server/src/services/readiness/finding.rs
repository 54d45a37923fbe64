//! One thing that was looked at, and what to do about it.

use lockdown::ids::SiteId;
use serde::Serialize;
use std::fmt;

/// Would a lock work, as far as this goes?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No: mend it now.
    Bad,
    /// Yes, but less is left to go wrong than should be.
    Warning,
    Good,
}

impl Verdict {
    pub const ALL: [Self; 3] = [Self::Bad, Self::Warning, Self::Good];

    pub fn word(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Warning => "warning",
            Self::Good => "good",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    pub verdict: Verdict,
    pub found: String,
    /// What to do; nothing for what is good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Finding {
    pub fn good(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.into(), site: None, verdict: Verdict::Good, found: found.into(), fix: None }
    }

    pub fn warning(what: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..Self::bad(what, found, fix) }
    }

    pub fn bad(what: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        let found = found.into();
        let fix = Some(fix.into());
        Self { what: what.into(), site: None, verdict: Verdict::Bad, found, fix }
    }

    #[must_use]
    pub fn at(self, site: &SiteId) -> Self {
        Self { site: Some(site.clone()), ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdict::Good => "✓",
            Verdict::Warning => "!",
            Verdict::Bad => "✗",
        };
        let of = self.site.as_ref().map(|site| format!(" of {site}")).unwrap_or_default();
        write!(f, "{mark} {}{of}: {}", self.what, self.found)?;
        self.fix.as_ref().map_or(Ok(()), |fix| write!(f, "\n    → {fix}"))
    }
}
