//! `trans_pattern_block`: the block flag of translation patterns.

use super::pattern_object::pattern_object;
use super::{Entry, Group, InPlan, Kind, Patterns, Switch, Switched, Text, Wrong};
use crate::dial_plan::{DialPlan, TranslationPattern};
use crate::violation::FreezeError;

pattern_object! {
    /// The block flag of a translation pattern.
    TransPatternBlock, digits: true
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransPatternBlockText {
    pub group: Group,
    pub patterns: Patterns,
    pub partition: String,
}

impl Kind for TransPatternBlock {
    type Text = TransPatternBlockText;
    type Value = bool;
    type Listed = TranslationPattern;

    const NAME: &'static str = "trans_pattern_block";
    const ID: &'static str = "trans";
    const KEYS: &'static [&'static str] = &["partition", "pattern", "all", "except"];

    fn read(entry: &Entry) -> Result<TransPatternBlockText, Wrong> {
        Ok(TransPatternBlockText { group: entry.group()?, patterns: entry.patterns()?, partition: entry.partition()? })
    }

    fn list(plan: &DialPlan) -> &[TranslationPattern] {
        &plan.translation_patterns
    }

    fn list_mut(plan: &mut DialPlan) -> &mut [TranslationPattern] {
        &mut plan.translation_patterns
    }

    fn is(&self, listed: &TranslationPattern) -> bool {
        listed.pattern == self.pattern && listed.partition.as_ref() == Some(&self.partition)
    }

    fn held(listed: &TranslationPattern) -> bool {
        listed.blocked
    }

    fn hold(listed: &mut TranslationPattern, value: &bool) {
        listed.blocked = *value;
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
            let uuid = p.uuid.clone();
            let pattern = p.pattern.clone();
            let partition = self.partition.clone();
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
