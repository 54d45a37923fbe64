//! `trans_pattern_set`: mask and calling search space of a translation pattern, such as that of a range of numbers from
//! outside.

use super::pattern_object::pattern_object;
use super::{Entry, Group, InPlan, Kind, Redirect, Switch, Switched, Text, Wrong};
use crate::dial_plan::{DialPlan, TranslationPattern, place};
use crate::violation::{FreezeError, Violation};

pattern_object! {
    /// Mask and calling search space of a translation pattern.
    TransPatternSet, digits: true
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransPatternSetText {
    pub group: Group,
    pub pattern: String,
    pub partition: String,
    pub normal: Redirect,
    pub locked: Redirect,
}

impl Kind for TransPatternSet {
    type Text = TransPatternSetText;
    type Value = Redirect;
    type Listed = TranslationPattern;

    const NAME: &'static str = "trans_pattern_set";
    const ID: &'static str = "redirect";
    const KEYS: &'static [&'static str] = &["partition", "pattern", "normal", "locked"];

    fn read(entry: &Entry) -> Result<TransPatternSetText, Wrong> {
        let group = entry.group()?;
        let pattern = entry.translation_pattern()?;
        let partition = entry.partition()?;
        let (normal, locked) = entry.redirects()?;
        Ok(TransPatternSetText { group, pattern, partition, normal, locked })
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

    fn held(listed: &TranslationPattern) -> Redirect {
        Redirect { mask: listed.change.mask.clone(), css: listed.css.clone() }
    }

    fn hold(listed: &mut TranslationPattern, value: &Redirect) {
        listed.change.mask.clone_from(&value.mask);
        listed.css.clone_from(&value.css);
    }
}

impl Text for TransPatternSetText {
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
        Some(&self.pattern)
    }

    fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Switch>, FreezeError> {
        let found = plan.translation_pattern(&self.pattern, &self.partition).ok_or_else(|| {
            let what = format!("translation pattern {}", place(&self.pattern, Some(&self.partition)));
            FreezeError::Missing { step: in_plan.number, what }
        })?;
        let uuid = found.uuid.clone();
        let pattern = self.pattern.clone();
        let partition = self.partition.clone();
        let object = TransPatternSet { uuid, pattern, partition };
        Ok(vec![Switched { object, normal: self.normal.clone(), locked: self.locked.clone() }.into()])
    }

    /// Calling search spaces that are not there.
    fn violations(&self, _in_plan: &InPlan<'_>, plan: &DialPlan) -> Vec<Violation> {
        let object = place(&self.pattern, Some(&self.partition));
        let names = [&self.normal, &self.locked].into_iter().filter_map(|redirect| redirect.css.as_ref());
        let unknown = names.filter(|name| plan.css(name).is_none());
        let what = unknown.map(|name| format!("calling search space {name}"));
        what.map(|what| Violation::UnknownName { object: object.clone(), what }).collect()
    }
}
