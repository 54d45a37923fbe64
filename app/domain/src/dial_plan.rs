//! What was read of a CUCM dial plan: the facts the guard and the digit analysis reason about.
//!
//! The words are CUCM's. A `None` partition is CUCM's `<None>`.

use crate::caller::Callers;
use crate::ids::Uuid;
use crate::leg::Legs;
use crate::local_routes::LocalRoutes;
use crate::period::Period;
use serde::{Deserialize, Serialize};

/// A whole dial plan as one reading found it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialPlan {
    pub partitions: Vec<Partition>,
    pub schedules: Vec<TimeSchedule>,
    pub calling_search_spaces: Vec<CallingSearchSpace>,
    pub route_patterns: Vec<RoutePattern>,
    pub translation_patterns: Vec<TranslationPattern>,
    pub endpoints: Vec<Endpoint>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sip_route_patterns: Vec<SipRoutePattern>,
    #[serde(default)]
    pub callers: Callers,
    /// Of device pools from which some route list leads elsewhere than from others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_routes: Vec<LocalRoutes>,
    #[serde(default)]
    pub legs: Legs,
    /// Objects that somebody deleted while the plan was read: listed, and gone when they were asked for one by one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Numbers besides lines, pilots and patterns were not read, or are of a kind that is not known: one of them may take a
    /// call that seems to get through.
    #[serde(default)]
    pub numbers_unknown: bool,
    /// SIP route patterns were not read, or not all was read as it stood at one time: calls may get out by what was not seen.
    #[serde(default)]
    pub ways_unknown: bool,
    /// What CUCM would not tell, and what is taken for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_read: Vec<String>,
    /// What reading it took.
    #[serde(default)]
    pub requests: usize,
    /// Where CUCM's list of changes stood before it was read; `None` where CUCM keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<ChangeMark>,
}

/// A place in CUCM's list of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeMark {
    pub queue: String,
    pub next: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    pub uuid: Uuid,
    pub name: String,
    /// `None`: no schedule, always active.
    pub schedule: Option<String>,
    /// The zone on whose clock it follows its schedule, `America/Edmonton` for one; `None`: that of whoever calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeSchedule {
    pub name: String,
    pub active: Activity,
    /// Empty where they were not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub periods: Vec<Period>,
}

/// When a time schedule lets its partition be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    Never,
    /// At some hours: the analysis proves things for both cases.
    Sometimes,
    Always,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallingSearchSpace {
    pub uuid: Uuid,
    pub name: String,
    /// Partition names, first searched first.
    pub members: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutePattern {
    pub uuid: Uuid,
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    pub urgent: bool,
    pub change: DigitChange,
    /// CUCM's "is an emergency services number": a hint only, its absence proves nothing.
    pub emergency: bool,
    pub destination: Destination,
    /// Every device behind it stays inside, from whatever device pool: another cluster, voice mail.
    #[serde(default)]
    pub on_net: bool,
    /// No gateway or trunk is behind it, from whatever device pool.
    #[serde(default)]
    pub dead: bool,
    /// Its `@` is narrowed by a route filter.
    #[serde(default)]
    pub filtered: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Destination {
    RouteList(String),
    /// Straight at a gateway or trunk: writing such a pattern may reset the device and drop calls.
    Gateway(String),
    /// Lists do not carry it, and nobody asked for this one.
    NotRead,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslationPattern {
    pub uuid: Uuid,
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    pub urgent: bool,
    pub change: DigitChange,
    /// Where the translated digits are looked up; `None` with `use_originator_css` off is `<None>`.
    pub css: Option<String>,
    pub use_originator_css: bool,
    /// What is dialled after it took a call is not waited for ("Do Not Wait For Interdigit Timeout On Subsequent Hops").
    pub at_once: bool,
    pub emergency: bool,
    /// Its `@` is narrowed by a route filter.
    #[serde(default)]
    pub filtered: bool,
    /// What comes next is looked up by the number of whoever calls ("Route Next Hop By Calling Party Number").
    #[serde(default)]
    pub by_calling_number: bool,
}

/// By which calls to addresses (`name@host`) leave: a host, a domain or an IP address, looked for in the partitions that a
/// caller searches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipRoutePattern {
    pub uuid: Uuid,
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    /// Its trunk stays inside: another cluster.
    pub on_net: bool,
}

/// What a pattern does to the called digits: discard, then mask, then prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigitChange {
    pub discard: Discard,
    pub mask: Option<String>,
    pub prefix: Option<String>,
}

impl DigitChange {
    /// What it makes of all digits alike: a mask that lets none of them through.
    pub fn fixed(&self) -> Option<String> {
        let mask = self.mask.as_deref().filter(|mask| !mask.contains(['X', 'x']))?;
        Some(format!("{}{mask}", self.prefix.as_deref().unwrap_or_default()))
    }
}

/// CUCM's digit discard instructions, as far as they are understood here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Discard {
    #[default]
    Nothing,
    PreDot,
    PreDotTrailingPound,
    TrailingPound,
    /// Kept as written; a call that meets it is reported as not understood, never guessed.
    Other(String),
}

impl Discard {
    /// From CUCM's name of the instruction; empty and `NoDigits` discard nothing.
    pub fn from_name(name: Option<&str>) -> Self {
        match name.map(str::trim) {
            None | Some("" | "<None>" | "NoDigits") => Self::Nothing,
            Some("PreDot") => Self::PreDot,
            Some("PreDot Trailing-#") => Self::PreDotTrailingPound,
            Some("Trailing-#") => Self::TrailingPound,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

/// Somewhere a call ends inside: a directory number, a hunt pilot, or a number that does something in CUCM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    pub pattern: String,
    pub partition: Option<String>,
    pub kind: EndpointKind,
    /// It rings at once, although a longer pattern could follow.
    #[serde(default)]
    pub urgent: bool,
    /// Nothing rings: it is blocked, or no device has it.
    #[serde(default)]
    pub dead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointKind {
    DirectoryNumber,
    HuntPilot,
    /// Nobody answers: CUCM does something with the call.
    Feature(Feature),
}

/// What a number does that takes calls as any other number does, and that nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    CallPark,
    MeetMe,
    Pickup,
    MessageWaiting,
    /// Handoff, enterprise feature access, mobile voice access.
    Mobility,
}

impl Feature {
    pub fn in_words(self) -> &'static str {
        match self {
            Self::CallPark => "call park",
            Self::MeetMe => "meet-me conference",
            Self::Pickup => "call pickup",
            Self::MessageWaiting => "message waiting",
            Self::Mobility => "mobility feature",
        }
    }
}

/// What a plan can switch.
pub trait Listed {
    fn uuid(&self) -> &Uuid;
}

macro_rules! listed {
    ($($name:ident),*) => {
        $(impl Listed for $name {
            fn uuid(&self) -> &Uuid {
                &self.uuid
            }
        })*
    };
}

listed!(Partition, CallingSearchSpace, RoutePattern, SipRoutePattern, TranslationPattern);

impl DialPlan {
    pub fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.iter().find(|partition| partition.name == name)
    }

    pub fn css(&self, name: &str) -> Option<&CallingSearchSpace> {
        self.calling_search_spaces.iter().find(|css| css.name == name)
    }

    pub fn translation_pattern(&self, pattern: &str, partition: &str) -> Option<&TranslationPattern> {
        self.translation_patterns.iter().find(|p| p.pattern == pattern && p.partition.as_deref() == Some(partition))
    }

    /// The object of this uuid, as a telecom engineer names it.
    pub fn name_of(&self, uuid: &Uuid) -> Option<String> {
        let routes = self.route_patterns.iter().map(|p| (&p.uuid, &p.pattern, &p.partition));
        let translations = self.translation_patterns.iter().map(|p| (&p.uuid, &p.pattern, &p.partition));
        let sip = self.sip_route_patterns.iter().map(|p| (&p.uuid, &p.pattern, &p.partition));
        let mut patterns = routes.chain(translations).chain(sip).filter(|(known, ..)| *known == uuid);
        let pattern = patterns.next().map(|(_, pattern, partition)| place(pattern, partition.as_deref()));
        let partition = || Some(format!("partition {}", self.partitions.iter().find(|p| p.uuid == *uuid)?.name));
        let css = || {
            let found = self.calling_search_spaces.iter().find(|css| css.uuid == *uuid)?;
            Some(format!("calling search space {}", found.name))
        };
        pattern.or_else(partition).or_else(css)
    }

    /// When a partition with this schedule can be seen; a schedule nobody read counts as both.
    pub fn activity(&self, schedule: Option<&str>) -> Activity {
        schedule.map_or(Activity::Always, |name| {
            self.schedules.iter().find(|s| s.name == name).map_or(Activity::Sometimes, |s| s.active)
        })
    }
}

/// `pattern in partition`, the way a telecom engineer names a pattern.
pub fn place(pattern: &str, partition: Option<&str>) -> String {
    let pattern = if pattern.is_empty() { "an empty pattern" } else { pattern };
    format!("{pattern} in {}", partition.unwrap_or("<None>"))
}
