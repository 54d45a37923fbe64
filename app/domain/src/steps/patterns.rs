//! Which patterns of a partition a step selects.

use super::InPlan;
use crate::dial_plan::place;
use crate::violation::FreezeError;

/// One pattern, or all of a partition but some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patterns {
    One(String),
    /// Empty ones (PLAR) are selected by their name alone.
    AllExcept(Vec<String>),
}

impl Patterns {
    pub(super) fn one(&self) -> Option<&str> {
        match self {
            Self::One(pattern) => Some(pattern),
            Self::AllExcept(_) => None,
        }
    }

    /// Of those `found` in the partition. "All" leaves the protected numbers out by itself.
    pub(super) fn select<'a, T>(
        &self,
        in_plan: &InPlan<'_>,
        partition: &str,
        found: impl Iterator<Item = (&'a str, T)>,
    ) -> Result<Vec<T>, FreezeError> {
        let wanted = |pattern: &str| match self {
            Self::One(one) => pattern == one,
            Self::AllExcept(except) => {
                !pattern.is_empty() && !except.iter().any(|e| e == pattern) && !in_plan.protects(pattern)
            }
        };
        let selected: Vec<T> = found.filter(|(pattern, _)| wanted(pattern)).map(|(_, found)| found).collect();
        let step = in_plan.number;
        match (selected.is_empty(), self) {
            (false, _) => Ok(selected),
            (true, Self::One(one)) => {
                Err(FreezeError::Missing { step, what: format!("pattern {}", place(one, Some(partition))) })
            }
            (true, Self::AllExcept(_)) => Err(FreezeError::NothingSelected { step, partition: partition.to_owned() }),
        }
    }
}

impl InPlan<'_> {
    /// Is this pattern a protected number and nothing else?
    fn protects(&self, pattern: &str) -> bool {
        let bare: String = pattern.chars().filter(|c| *c != '.').collect();
        self.protected_numbers
            .iter()
            .any(|number| number.trim_start_matches('+') == bare.trim_start_matches('\\').trim_start_matches('+'))
    }
}
