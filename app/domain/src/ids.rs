//! Names of things, parsed once where they come in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What is wrong with an identifier, in words for the person who typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{given}” is no valid {what}: use 1 to 64 lower-case letters, digits and hyphens")]
pub struct InvalidId {
    what: &'static str,
    given: String,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                let fits = (1..=64).contains(&text.len())
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
                if fits { Ok(Self(text)) } else { Err(InvalidId { what: $what, given: text }) }
            }
        }

        impl TryFrom<&str> for $name {
            type Error = InvalidId;
            fn try_from(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One facility with one lockdown plan, as `[[site]] id` names it.
    SiteId,
    "site id"
);
id!(
    /// One lock, from the order to the all-clear.
    ActivationId,
    "activation id"
);
id!(
    /// A person's profile or an API key.
    OperatorId,
    "operator id"
);
id!(
    /// The EOC's file about an activation.
    IncidentId,
    "incident id"
);
id!(
    /// One call request.
    RequestId,
    "request id"
);
id!(
    /// One CUCM object a plan switches; derived from what it is, so a re-check keeps it.
    StepId,
    "step id"
);

impl ActivationId {
    /// How the id of a drill begins: its name alone tells it from a live lock, in every list and export.
    pub const DRILL: &str = "drill-";

    pub fn is_drill(&self) -> bool {
        self.0.starts_with(Self::DRILL)
    }
}

/// A CUCM object's primary key: lower case, without braces, so that two spellings compare equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Uuid(String);

impl Uuid {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for Uuid {
    fn from(text: String) -> Self {
        Self(text.trim_matches(['{', '}']).to_ascii_lowercase())
    }
}

impl From<&str> for Uuid {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<Uuid> for String {
    fn from(uuid: Uuid) -> Self {
        uuid.0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_id_with_a_slash_or_space_is_refused() {
        for bad in ["", "a/b", "Acme", "a b", &"x".repeat(65)] {
            assert!(SiteId::try_from(bad).is_err(), "{bad}");
        }
        assert_eq!(SiteId::try_from("acme-north").unwrap().as_str(), "acme-north");
    }

    #[test]
    fn two_spellings_of_a_uuid_are_equal() {
        assert_eq!(Uuid::from("{6B5F1A2C-0D3E}"), Uuid::from("6b5f1a2c-0d3e"));
    }
}
