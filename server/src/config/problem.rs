//! What is wrong with a configuration: file, line, key and remedy. Never the line's own text, which
//! may hold a secret.

use std::fmt;
use std::path::PathBuf;
use toml::de::{DeTable, DeValue};

/// One sentence for the person at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub file: PathBuf,
    pub line: Option<usize>,
    pub key: Option<String>,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match &self.key {
            Some(key) => write!(f, ": {key}: {}", self.text),
            None => write!(f, ": {}", self.text),
        }
    }
}

impl std::error::Error for Problem {}

/// Where things stand in a file.
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) text: String,
}

impl Source {
    pub(super) fn problem(&self, key: &str, text: impl Into<String>) -> Problem {
        Problem { file: self.file.clone(), line: self.line_of(key), key: Some(key.into()), text: text.into() }
    }

    pub(super) fn parse_problem(&self, error: &toml::de::Error) -> Problem {
        let line = error.span().map(|span| self.line_at(span.start));
        Problem { file: self.file.clone(), line, key: None, text: explained(error.message()) }
    }

    fn line_at(&self, offset: usize) -> usize {
        self.text[..offset.min(self.text.len())].matches('\n').count() + 1
    }

    /// The line of `section.key`, `site[1].step[2].pattern`, or of what holds it.
    fn line_of(&self, key: &str) -> Option<usize> {
        let document = DeTable::parse(&self.text).ok()?;
        let mut table = document.get_ref();
        let mut line = None;
        for part in key.split('.') {
            let (name, index) = match part.split_once('[') {
                Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
                None => (part, None),
            };
            let Some((found, value)) = table.get_key_value(name) else { break };
            line = Some(self.line_at(found.span().start));
            let value = match (value.get_ref(), index) {
                (DeValue::Array(items), Some(index)) => {
                    let Some(item) = items.get(index.saturating_sub(1)) else { break };
                    line = Some(self.line_at(item.span().start));
                    item.get_ref()
                }
                (value, _) => value,
            };
            let DeValue::Table(inner) = value else { break };
            table = inner;
        }
        line
    }
}

/// serde's message, and what to do about it.
fn explained(message: &str) -> String {
    let first = message.trim().lines().next().unwrap_or_default();
    // `invalid type: integer `1234`, expected a string`: the value may be a secret.
    if let Some((kind, rest)) = first.split_once('`').filter(|_| first.starts_with("invalid")) {
        let expected = rest.split_once("`, ").map_or("", |(_, expected)| expected);
        return format!("{}, {expected}", kind.trim_end());
    }
    if first.starts_with("unknown field") {
        format!(
            "{first}. Correct the key or take it out: unknown keys are refused, so that a mistyped one is not overlooked"
        )
    } else {
        first.to_owned()
    }
}
