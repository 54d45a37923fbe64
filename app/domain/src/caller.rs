//! Who can place a call: everything that searches the same partitions in the same order.

use crate::dial_plan::DialPlan;
use crate::local_routes::LocalRoutes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A kind of device with its calling search spaces, and how many there are of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Caller {
    pub kind: CallerKind,
    /// Of the directory number.
    pub line_css: Option<String>,
    /// Of the device, or of the port.
    pub device_css: Option<String>,
    /// Devices, not lines of them.
    pub count: usize,
    /// The name of one of them.
    pub example: Option<String>,
    /// Of a trunk.
    #[serde(default)]
    pub incoming: Incoming,
    /// Where route lists lead from its device pool.
    #[serde(default)]
    pub local: LocalRoutes,
}

/// What a trunk makes of the digits that come in before they are looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incoming {
    /// So many of the last ones are kept ("significant digits"); `None`: all.
    pub significant: Option<usize>,
    /// Put before them.
    pub prefix: String,
}

impl Incoming {
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What comes in where one of these is looked up.
    pub fn dialled(&self, looked_up: &BTreeSet<String>) -> BTreeSet<String> {
        looked_up.iter().filter_map(|number| number.strip_prefix(&self.prefix)).map(str::to_owned).collect()
    }

    pub fn looked_up(&self, digits: &str) -> String {
        let cut = self.significant.map_or(0, |kept| digits.chars().count().saturating_sub(kept));
        let kept: String = digits.chars().skip(cut).collect();
        format!("{}{kept}", self.prefix)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerKind {
    Phone,
    /// CTI ports and route points.
    Cti,
    Trunk,
    Gateway,
    VoiceMail,
    RemoteDestination,
    /// Not read who uses it: the calling search space by itself.
    Css,
}

/// From where a call is placed, as far as it bears on where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Start<'c> {
    /// Calling search spaces, first searched first.
    pub spaces: &'c [&'c str],
    pub incoming: &'c Incoming,
    pub local: &'c LocalRoutes,
}

/// Who the callers are, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Callers {
    Read(Vec<Caller>),
    NotRead { why: String },
}

impl Callers {
    /// Nobody at all is nobody who was read: a plan is proved for no one then.
    pub fn of(callers: Vec<Caller>) -> Self {
        if callers.is_empty() { Self::NotRead { why: "CUCM names no device".into() } } else { Self::Read(callers) }
    }
}

impl Default for Callers {
    fn default() -> Self {
        Self::NotRead { why: "nobody asked".into() }
    }
}

impl CallerKind {
    /// What so many of them are called.
    pub fn in_words(self, count: usize) -> &'static str {
        let (one, many) = match self {
            Self::Phone => ("phone", "phones"),
            Self::Cti => ("CTI port", "CTI ports"),
            Self::Trunk => ("trunk", "trunks"),
            Self::Gateway => ("gateway port", "gateway ports"),
            Self::VoiceMail => ("voice mail port", "voice mail ports"),
            Self::RemoteDestination => ("remote destination profile", "remote destination profiles"),
            Self::Css => ("calling search space", "calling search spaces"),
        };
        if count == 1 { one } else { many }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Cti => "cti",
            Self::Trunk => "trunk",
            Self::Gateway => "gateway",
            Self::VoiceMail => "voice_mail",
            Self::RemoteDestination => "remote_destination",
            Self::Css => "css",
        }
    }
}

impl Caller {
    /// The calling search space `name` by itself.
    pub fn css(name: &str) -> Self {
        let device_css = Some(name.to_owned());
        Self {
            kind: CallerKind::Css,
            line_css: None,
            device_css,
            count: 0,
            example: None,
            incoming: Incoming::default(),
            local: LocalRoutes::default(),
        }
    }

    /// Its calling search spaces, first searched first. A phone searches its line's before its device's; a CTI port the
    /// other way round; trunks, gateways and ports for voice mail have no line of their own.
    ///
    /// Source: Cisco's phone configuration fields ("DN CSS takes precedence over device CSS"); the solution reference network
    /// design for CTI ports.
    pub fn spaces(&self) -> Vec<&str> {
        let line = self.line_css.as_deref();
        let device = self.device_css.as_deref();
        let order = match self.kind {
            CallerKind::Phone | CallerKind::RemoteDestination => [line, device],
            CallerKind::Cti => [device, line],
            CallerKind::Trunk | CallerKind::Gateway | CallerKind::VoiceMail | CallerKind::Css => [device, None],
        };
        order.into_iter().flatten().collect()
    }

    /// `spaces` are its own.
    pub fn start<'c>(&'c self, spaces: &'c [&'c str]) -> Start<'c> {
        Start { spaces, incoming: &self.incoming, local: &self.local }
    }

    pub fn uses(&self, css: &str) -> bool {
        self.spaces().contains(&css)
    }
}

/// `phone:CSS-LINE+CSS-DEVICE`, `css:NAME`; a missing one is `-`. Behind a trunk, `/4` and `/PREFIX` where it changes digits;
/// `@POOL`, the first of them, where route lists lead elsewhere from its device pool.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |css: &Option<String>| css.clone().unwrap_or_else(|| "-".into());
        match self.kind {
            CallerKind::Css => write!(f, "css:{}", name(&self.device_css)),
            kind => write!(f, "{}:{}+{}", kind.word(), name(&self.line_css), name(&self.device_css)),
        }?;
        let kept = self.incoming.significant;
        let prefix = &self.incoming.prefix;
        kept.map_or(Ok(()), |kept| write!(f, "/{kept}"))?;
        if !prefix.is_empty() {
            write!(f, "/{prefix}")?;
        }
        self.local.pools.first().map_or(Ok(()), |pool| write!(f, "@{pool}"))
    }
}

impl DialPlan {
    /// Those who call; where they were not read, each calling search space by itself.
    pub fn callers(&self) -> Vec<Caller> {
        match &self.callers {
            Callers::Read(callers) => callers.clone(),
            Callers::NotRead { .. } => self.calling_search_spaces.iter().map(|css| Caller::css(&css.name)).collect(),
        }
    }

    pub fn callers_read(&self) -> bool {
        matches!(self.callers, Callers::Read(_))
    }

    /// Calling search spaces that nobody is known to use: some call that CUCM makes by itself, and that was not read, may. Those
    /// of empty patterns (PLAR) are among them: more keys may be pressed behind what such a pattern makes.
    pub fn unused_spaces(&self) -> Vec<Caller> {
        let Callers::Read(callers) = &self.callers else { return Vec::new() };
        let is_used = |name: &String| {
            callers.iter().any(|caller| caller.uses(name))
                || self.legs.all().iter().any(|leg| leg.spaces.contains(name))
                || self.translation_patterns.iter().any(|one| one.css.as_ref() == Some(name) && !one.pattern.is_empty())
        };
        let unused = self.calling_search_spaces.iter().filter(|css| !is_used(&css.name));
        unused.map(|css| Caller::css(&css.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cti_port_searches_its_devices_space_first_and_a_trunk_no_lines() {
        let caller = |kind| Caller { kind, line_css: Some("L".into()), ..Caller::css("D") };
        assert_eq!(caller(CallerKind::Phone).spaces(), ["L", "D"]);
        assert_eq!(caller(CallerKind::Cti).spaces(), ["D", "L"]);
        assert_eq!(caller(CallerKind::Trunk).spaces(), ["D"]);
        let bare = Caller { device_css: None, line_css: None, ..caller(CallerKind::Phone) };
        assert_eq!((bare.to_string(), bare.spaces().len()), ("phone:-+-".into(), 0));
        assert_eq!(Caller::css("X").to_string(), "css:X");
        let incoming = Incoming { significant: Some(4), prefix: "55".into() };
        assert_eq!(incoming.looked_up("4035551234"), "551234");
        assert_eq!(incoming.looked_up("12"), "5512");
        assert_eq!(Caller { incoming, ..caller(CallerKind::Trunk) }.to_string(), "trunk:L+D/4/55");
    }
}
