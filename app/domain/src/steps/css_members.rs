//! `css_members`: the ordered members of a calling search space.

use super::{Entry, Group, InPlan, Kind, Object, Switch, Switched, Text, Wrong};
use crate::dial_plan::{CallingSearchSpace, DialPlan};
use crate::ids::Uuid;
use crate::violation::{FreezeError, Violation};
use serde::{Deserialize, Serialize};
use std::fmt;

/// CUCM keeps the joined partition names of a calling search space in a field of this length.
/// Source: AXL schema, `clause` of `RCss`.
const MAX_CLAUSE: usize = 1024;

/// The ordered members of a calling search space.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CssMembers {
    pub uuid: Uuid,
    pub css: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CssMembersText {
    pub group: Group,
    pub css: String,
    /// Partitions, searched first stands first.
    pub normal: Vec<String>,
    pub locked: Vec<String>,
}

impl fmt::Display for CssMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "members of {}", self.css)
    }
}

impl Object for CssMembers {
    fn uuid(&self) -> &Uuid {
        &self.uuid
    }

    fn partition(&self) -> Option<&str> {
        None
    }

    fn pattern(&self) -> Option<&str> {
        None
    }
}

impl Kind for CssMembers {
    type Text = CssMembersText;
    type Value = Vec<String>;
    type Listed = CallingSearchSpace;

    const NAME: &'static str = "css_members";
    const ID: &'static str = "css";
    const KEYS: &'static [&'static str] = &["css", "normal", "locked"];

    fn read(entry: &Entry) -> Result<CssMembersText, Wrong> {
        let group = entry.group()?;
        let css = entry.css()?;
        let (normal, locked) = entry.members()?;
        Ok(CssMembersText { group, css, normal, locked })
    }

    fn list(plan: &DialPlan) -> &[CallingSearchSpace] {
        &plan.calling_search_spaces
    }

    fn list_mut(plan: &mut DialPlan) -> &mut [CallingSearchSpace] {
        &mut plan.calling_search_spaces
    }

    fn is(&self, listed: &CallingSearchSpace) -> bool {
        listed.name == self.css
    }

    fn held(listed: &CallingSearchSpace) -> Vec<String> {
        listed.members.clone()
    }

    fn hold(listed: &mut CallingSearchSpace, value: &Vec<String>) {
        listed.members.clone_from(value);
    }
}

impl Text for CssMembersText {
    fn group(&self) -> Group {
        self.group
    }

    fn place(&self) -> &str {
        &self.css
    }

    fn partition(&self) -> Option<&str> {
        None
    }

    fn pattern(&self) -> Option<&str> {
        None
    }

    fn freeze(&self, in_plan: &InPlan<'_>, plan: &DialPlan) -> Result<Vec<Switch>, FreezeError> {
        let missing = |what: String| FreezeError::Missing { step: in_plan.number, what };
        let found = plan.css(&self.css).ok_or_else(|| missing(format!("calling search space {}", self.css)))?;
        let unknown = self.normal.iter().chain(&self.locked).find(|name| plan.partition(name).is_none());
        if let Some(name) = unknown {
            return Err(missing(format!("partition {name}")));
        }
        let object = CssMembers { uuid: found.uuid.clone(), css: self.css.clone() };
        Ok(vec![Switched { object, normal: self.normal.clone(), locked: self.locked.clone() }.into()])
    }

    fn violations(&self, _in_plan: &InPlan<'_>, _plan: &DialPlan) -> Vec<Violation> {
        let lengths = [&self.normal, &self.locked].map(|names| names.join(":").len());
        let too_long = lengths.into_iter().find(|length| *length > MAX_CLAUSE);
        too_long.map(|length| Violation::CssTooLong { css: self.css.clone(), length }).into_iter().collect()
    }
}
