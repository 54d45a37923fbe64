//! One CUCM object the plan switches, and the values it can hold.

use crate::dial_plan::DialPlan;
use crate::ids::{StepId, Uuid};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Normal or locked: what a step is switched to, and what an order asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Normal,
    Locked,
}

/// In the order of a lock; a release goes exactly backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    InboundRedirect,
    OutboundRedirect,
    OutboundBlock,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InboundRedirect => "inbound redirect",
            Self::OutboundRedirect => "outbound redirect",
            Self::OutboundBlock => "outbound block",
        })
    }
}

/// Which object of CUCM, by the key that all writes use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// The `timeScheduleIdName` of a partition.
    PartitionSchedule { uuid: Uuid, partition: String },
    /// The block flag of a route pattern.
    RoutePatternBlock { uuid: Uuid, pattern: String, partition: String },
    /// The block flag of a translation pattern.
    TransPatternBlock { uuid: Uuid, pattern: String, partition: String },
    /// Mask and calling search space of a translation pattern.
    TransPatternSet { uuid: Uuid, pattern: String, partition: String },
    /// The ordered members of a calling search space.
    CssMembers { uuid: Uuid, css: String },
}

/// What such an object holds or shall hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepValue {
    /// `None`: no schedule, always active.
    Schedule(Option<String>),
    Blocked(bool),
    /// CUCM tells "none" from "empty"; so do we, since a release restores exactly.
    Redirect {
        mask: Option<String>,
        css: Option<String>,
    },
    Members(Vec<String>),
}

/// One step of a plan, frozen with its uuid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub id: StepId,
    pub group: Group,
    pub object: Object,
    pub normal: StepValue,
    pub locked: StepValue,
}

/// What a reading found where a step's object should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    Value(StepValue),
    /// CUCM answered, and the object is not there (or is another one under that uuid).
    Missing,
    /// CUCM did not answer for this object.
    NotRead,
}

/// How what was found compares with the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Normal,
    Locked,
    /// A third value, neither of the plan's two.
    Changed,
    Missing,
    NotRead,
}

impl Object {
    pub fn uuid(&self) -> &Uuid {
        match self {
            Self::PartitionSchedule { uuid, .. }
            | Self::RoutePatternBlock { uuid, .. }
            | Self::TransPatternBlock { uuid, .. }
            | Self::TransPatternSet { uuid, .. }
            | Self::CssMembers { uuid, .. } => uuid,
        }
    }

    /// CUCM's name for what is written.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::PartitionSchedule { .. } => "partition_schedule",
            Self::RoutePatternBlock { .. } => "route_pattern_block",
            Self::TransPatternBlock { .. } => "trans_pattern_block",
            Self::TransPatternSet { .. } => "trans_pattern_set",
            Self::CssMembers { .. } => "css_members",
        }
    }

    /// The partition it belongs to, where it has one.
    pub fn partition(&self) -> Option<&str> {
        match self {
            Self::PartitionSchedule { partition, .. }
            | Self::RoutePatternBlock { partition, .. }
            | Self::TransPatternBlock { partition, .. }
            | Self::TransPatternSet { partition, .. } => Some(partition),
            Self::CssMembers { .. } => None,
        }
    }

    pub fn pattern(&self) -> Option<&str> {
        match self {
            Self::RoutePatternBlock { pattern, .. }
            | Self::TransPatternBlock { pattern, .. }
            | Self::TransPatternSet { pattern, .. } => Some(pattern),
            Self::PartitionSchedule { .. } | Self::CssMembers { .. } => None,
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PartitionSchedule { partition, .. } => write!(f, "schedule of {partition}"),
            Self::RoutePatternBlock { pattern, partition, .. }
            | Self::TransPatternBlock { pattern, partition, .. }
            | Self::TransPatternSet { pattern, partition, .. } => write!(f, "{pattern} in {partition}"),
            Self::CssMembers { css, .. } => write!(f, "members of {css}"),
        }
    }
}

impl fmt::Display for StepValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".into());
        match self {
            Self::Schedule(None) => f.write_str("no schedule (always active)"),
            Self::Schedule(Some(name)) => write!(f, "schedule {name}"),
            Self::Blocked(true) => f.write_str("blocked"),
            Self::Blocked(false) => f.write_str("not blocked"),
            Self::Redirect { mask, css } => write!(f, "mask {}, css {}", or_none(mask), or_none(css)),
            Self::Members(names) => f.write_str(&names.join(" : ")),
        }
    }
}

impl Step {
    pub fn value(&self, target: Target) -> &StepValue {
        match target {
            Target::Normal => &self.normal,
            Target::Locked => &self.locked,
        }
    }

    pub fn state(&self, found: &Found) -> StepState {
        match found {
            Found::Value(value) if *value == self.normal => StepState::Normal,
            Found::Value(value) if *value == self.locked => StepState::Locked,
            Found::Value(_) => StepState::Changed,
            Found::Missing => StepState::Missing,
            Found::NotRead => StepState::NotRead,
        }
    }

    /// What `plan` holds for this step's object.
    pub fn find_in(&self, plan: &DialPlan) -> Found {
        let value = match &self.object {
            Object::PartitionSchedule { uuid, partition } => plan
                .partitions
                .iter()
                .find(|p| p.uuid == *uuid && p.name == *partition)
                .map(|p| StepValue::Schedule(p.schedule.clone())),
            Object::RoutePatternBlock { uuid, pattern, partition } => plan
                .route_patterns
                .iter()
                .find(|p| p.uuid == *uuid && p.pattern == *pattern && p.partition.as_ref() == Some(partition))
                .map(|p| StepValue::Blocked(p.blocked)),
            Object::TransPatternBlock { uuid, pattern, partition }
            | Object::TransPatternSet { uuid, pattern, partition } => plan
                .translation_patterns
                .iter()
                .find(|p| p.uuid == *uuid && p.pattern == *pattern && p.partition.as_ref() == Some(partition))
                .map(|p| match self.object {
                    Object::TransPatternBlock { .. } => StepValue::Blocked(p.blocked),
                    _ => StepValue::Redirect { mask: p.change.mask.clone(), css: p.css.clone() },
                }),
            Object::CssMembers { uuid, css } => plan
                .calling_search_spaces
                .iter()
                .find(|c| c.uuid == *uuid && c.name == *css)
                .map(|c| StepValue::Members(c.members.clone())),
        };
        value.map_or(Found::Missing, Found::Value)
    }

    /// Puts `value` into `plan`, as a write would.
    pub fn put_into(&self, plan: &mut DialPlan, value: &StepValue) {
        let uuid = self.object.uuid();
        match value {
            StepValue::Schedule(schedule) => {
                for partition in plan.partitions.iter_mut().filter(|p| p.uuid == *uuid) {
                    partition.schedule.clone_from(schedule);
                }
            }
            StepValue::Blocked(blocked) => {
                for pattern in plan.route_patterns.iter_mut().filter(|p| p.uuid == *uuid) {
                    pattern.blocked = *blocked;
                }
                for pattern in plan.translation_patterns.iter_mut().filter(|p| p.uuid == *uuid) {
                    pattern.blocked = *blocked;
                }
            }
            StepValue::Redirect { mask, css } => {
                for pattern in plan.translation_patterns.iter_mut().filter(|p| p.uuid == *uuid) {
                    pattern.change.mask.clone_from(mask);
                    pattern.css.clone_from(css);
                }
            }
            StepValue::Members(members) => {
                for css in plan.calling_search_spaces.iter_mut().filter(|c| c.uuid == *uuid) {
                    css.members.clone_from(members);
                }
            }
        }
    }
}
