//! `trans_pattern_block`: the block flag of translation patterns.

use super::{Entry, Group, InPlan, Kind, Object, Patterns, Switch, Switched, Text, Wrong};
use crate::dial_plan::{DialPlan, TranslationPattern, place};
use crate::ids::Uuid;
use crate::violation::FreezeError;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The block flag of a translation pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransPatternBlock {
    pub uuid: Uuid,
    pub pattern: String,
    pub partition: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransPatternBlockText {
    pub group: Group,
    pub patterns: Patterns,
    pub partition: String,
}

impl fmt::Display for TransPatternBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(&self.pattern, Some(&self.partition)))
    }
}

impl Object for TransPatternBlock {
    fn uuid(&self) -> &Uuid {
        &self.uuid
    }

    fn partition(&self) -> Option<&str> {
        Some(&self.partition)
    }

    fn pattern(&self) -> Option<&str> {
        Some(&self.pattern)
    }
}

impl Kind for TransPatternBlock {
    type Text = TransPatternBlockText;
    type Value = bool;

    const NAME: &'static str = "trans_pattern_block";
    const ID: &'static str = "trans";
    const KEYS: &'static [&'static str] = &["partition", "pattern", "all", "except"];

    fn read(entry: &Entry) -> Result<TransPatternBlockText, Wrong> {
        Ok(TransPatternBlockText { group: entry.group()?, patterns: entry.patterns()?, partition: entry.partition()? })
    }

    fn found(&self, plan: &DialPlan) -> Option<bool> {
        let is_it = |p: &&TranslationPattern| {
            p.uuid == self.uuid && p.pattern == self.pattern && p.partition.as_ref() == Some(&self.partition)
        };
        plan.translation_patterns.iter().find(is_it).map(|p| p.blocked)
    }

    fn put(&self, value: &bool, plan: &mut DialPlan) {
        for pattern in plan.translation_patterns.iter_mut().filter(|p| p.uuid == self.uuid) {
            pattern.blocked = *value;
        }
    }
}

impl Text for TransPatternBlockText {
    fn group(&self) -> Group {
        self.group
    }

    fn place(&self) -> &str {
        &self.partition
    }

    fn partition(&self) -> Option<&str> {
        Some(&self.partition)
    }

    fn pattern(&self) -> Option<&str> {
        self.patterns.one()
    }

    fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Switch>, FreezeError> {
        let object = |p: &TranslationPattern| {
            let (uuid, pattern, partition) = (p.uuid.clone(), p.pattern.clone(), self.partition.clone());
            TransPatternBlock { uuid, pattern, partition }
        };
        let all = plan.translation_patterns.iter().filter(|p| p.partition.as_ref() == Some(&self.partition));
        let all = all.map(|p| (p.pattern.as_str(), p));
        Ok(self
            .patterns
            .select(in_plan, &self.partition, all)?
            .into_iter()
            .map(|p| Switched::block(object(p)).into())
            .collect())
    }
}
