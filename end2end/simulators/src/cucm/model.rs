//! What a cluster holds. Names refer to names, as in CUCM's own administration pages.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    pub name: String,
    pub partitions: Vec<Partition>,
    pub schedules: Vec<Schedule>,
    pub periods: Vec<Period>,
    pub calling_search_spaces: Vec<Css>,
    pub route_lists: Vec<String>,
    /// Route lists that nobody gets out by.
    pub switched_off: Vec<String>,
    pub route_patterns: Vec<RoutePattern>,
    pub translation_patterns: Vec<TranslationPattern>,
    pub sip_route_patterns: Vec<SipRoutePattern>,
    pub hunt_pilots: Vec<Number>,
    pub lines: Vec<Number>,
    pub features: Vec<Feature>,
    pub voice_mail_pilots: Vec<VoiceMailPilot>,
    pub devices: Vec<Device>,
    pub route_groups: Vec<RouteGroup>,
    pub device_pools: Vec<DevicePool>,
    /// By name, as CUCM's processes know them.
    pub service_parameters: BTreeMap<String, String>,
    #[serde(default = "users")]
    pub users: Vec<User>,
    #[serde(skip)]
    pub changes: Vec<Change>,
    /// Cisco's texts disagree about translations behind translations: does "the originator's calling search space" mean the
    /// originating device's, instead of the one that is in effect?
    pub originator_is_the_device: bool,
    /// Calls that were dropped because somebody applied or restarted a partition.
    #[serde(skip)]
    pub calls_dropped: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Partition {
    pub name: String,
    pub description: String,
    pub schedule: Option<String>,
    /// On whose clock it follows its schedule; nothing: that of the device that calls.
    pub zone: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    pub name: String,
    pub periods: Vec<String>,
}

/// `start` and `end` as CUCM writes them: `08:00`, `24:00` or `No Office Hours`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Period {
    pub name: String,
    pub start: String,
    pub end: String,
    /// `Mon`, or nothing: every day.
    pub start_day: Option<String>,
    pub end_day: Option<String>,
    /// `Dec 24`, or nothing.
    pub on: Option<String>,
    pub until: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Css {
    pub name: String,
    pub members: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RoutePattern {
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    pub urgent: bool,
    pub discard: Option<String>,
    pub mask: Option<String>,
    pub prefix: Option<String>,
    pub route_filter: Option<String>,
    pub emergency: bool,
    pub route_list: Option<String>,
    pub gateway: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TranslationPattern {
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    pub urgent: bool,
    pub discard: Option<String>,
    pub mask: Option<String>,
    pub prefix: Option<String>,
    pub route_filter: Option<String>,
    pub css: Option<String>,
    pub use_originator_css: bool,
    /// "Do Not Wait For Interdigit Timeout On Subsequent Hops".
    pub at_once: bool,
    /// What comes next is looked up by the number of whoever calls; calls are not followed through it.
    pub by_calling_number: bool,
    pub emergency: bool,
}

/// A host, a domain or an IP address that calls to addresses leave by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SipRoutePattern {
    pub pattern: String,
    pub partition: Option<String>,
    pub blocked: bool,
    /// A SIP trunk or a route list.
    pub trunk: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Number {
    pub pattern: String,
    pub partition: Option<String>,
    /// Of a line: what it may call, together with its device's.
    pub css: Option<String>,
    pub urgent: bool,
    /// Blocked, or not active.
    pub dead: bool,
    pub forwards: Vec<Forward>,
}

/// The number that calls sent to voice mail go on to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VoiceMailPilot {
    pub number: String,
    pub css: Option<String>,
}

/// A number that does something in CUCM, or that CUCM keeps for another purpose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feature {
    pub pattern: String,
    pub partition: Option<String>,
    /// CUCM's pattern usage, `Call Park` for one.
    pub usage: String,
    pub urgent: bool,
}

/// A call that CUCM makes by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Forward {
    /// Of a line `all`, `busy`, `no_answer`, `no_coverage`, `cti_failure` or `unregistered`; of a hunt pilot `no_answer`,
    /// `busy`, `queue_full`, `max_wait` or `no_agent`.
    pub when: String,
    pub destination: String,
    /// Searched first stands first; only `all` has two.
    pub css: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Device {
    pub name: String,
    /// CUCM's class of devices: `Phone` where nothing is written.
    pub class: String,
    /// `CTI Port` is the model of a phone that searches its own calling search space first.
    pub model: String,
    pub css: Option<String>,
    /// Directory numbers by their digits.
    pub lines: Vec<String>,
    /// Of a remote destination profile: with what its mobiles are rung. Of a trunk: where calls that the far end redirects
    /// are looked up.
    pub reroute_css: Option<String>,
    /// With what calls are tried over the PSTN for which there is no bandwidth inside.
    pub aar_css: Option<String>,
    /// Of a trunk: where calls that the far end transfers are looked up.
    pub refer_css: Option<String>,
    pub remote_destinations: Vec<String>,
    /// Of a trunk: so many of the last digits that come in are looked up, ...
    pub significant_digits: Option<usize>,
    /// ... behind these.
    pub prefix: Option<String>,
    /// `OnNet` or `OffNet`, of gateways and trunks.
    pub network_location: Option<String>,
    pub pool: Option<String>,
}

/// What devices of one place have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DevicePool {
    pub name: String,
    /// By local route group the route group that stands for it here.
    pub local_route_groups: BTreeMap<String, String>,
}

/// Gateways and trunks, and the route lists that use them. One without any is a local route group: those of the caller's
/// device pool are used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouteGroup {
    pub name: String,
    pub lists: Vec<String>,
    pub devices: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub name: String,
    pub password: String,
    pub role: AxlRole,
    /// Wrong passwords in a row; ten lock the account, as a credential policy does.
    #[serde(default)]
    pub failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AxlRole {
    ReadWrite,
    ReadOnly,
    None,
}

/// One entry of the change log.
#[derive(Debug, Clone)]
pub struct Change {
    pub kind: &'static str,
    pub uuid: String,
    pub at: SystemTime,
}

fn users() -> Vec<User> {
    let user = |name: &str, role| User { name: name.into(), password: "axl-demo".into(), role, failures: 0 };
    vec![user("axl-lockdown", AxlRole::ReadWrite), user("axl-reader", AxlRole::ReadOnly), user("nobody", AxlRole::None)]
}

/// The same object has the same uuid at every start: made of its kind and its first name.
pub fn uuid(kind: &str, name: &str) -> String {
    let hash = Sha256::digest(format!("{kind}/{name}"));
    let part = |from: usize, to: usize| hash[from..to].iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    format!("{{{:08X}-{:04X}-{:04X}-{:04X}-{:012X}}}", part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 16))
}

pub fn same_uuid(a: &str, b: &str) -> bool {
    a.trim_matches(['{', '}']).eq_ignore_ascii_case(b.trim_matches(['{', '}']))
}

impl RoutePattern {
    pub fn uuid(&self) -> String {
        uuid("RoutePattern", &format!("{}@{}", self.pattern, self.partition.as_deref().unwrap_or("")))
    }
}

impl TranslationPattern {
    pub fn uuid(&self) -> String {
        uuid("TransPattern", &format!("{}@{}", self.pattern, self.partition.as_deref().unwrap_or("")))
    }
}

impl SipRoutePattern {
    pub fn uuid(&self) -> String {
        uuid("SipRoutePattern", &format!("{}@{}", self.pattern, self.partition.as_deref().unwrap_or("")))
    }
}

impl Cluster {
    /// Deletes a calling search space, schedule or route pattern of this name where it has this id.
    pub(crate) fn delete_if(&mut self, name: &str, id: &str) {
        if same_uuid(&uuid("Css", name), id) {
            self.calling_search_spaces.retain(|css| css.name != name);
        }
        if same_uuid(&uuid("TimeSchedule", name), id) {
            self.schedules.retain(|schedule| schedule.name != name);
        }
        self.route_patterns.retain(|pattern| pattern.pattern != name || !same_uuid(&pattern.uuid(), id));
    }

    /// One of the dial plans that come with the simulator.
    pub fn named(name: &str) -> Option<Self> {
        let text = match name {
            "acme-north" => include_str!("../../plans/acme-north.json"),
            "acme-sued" => include_str!("../../plans/acme-sued.json"),
            _ => return None,
        };
        serde_json::from_str(text).ok()
    }

    /// A site with `count` route patterns in one partition, for measuring.
    pub fn with_route_patterns(count: usize) -> Self {
        let mut cluster = Self::named("acme-north").unwrap_or_default();
        cluster.partitions.push(Partition { name: "PT-MANY".into(), ..Partition::default() });
        cluster.route_patterns.extend((0..count).map(|n| RoutePattern {
            pattern: format!("9.1403555{n:04}"),
            partition: Some("PT-MANY".into()),
            route_list: Some("RL-PSTN".into()),
            discard: Some("PreDot".into()),
            ..RoutePattern::default()
        }));
        cluster
    }

    pub fn route_pattern(&mut self, pattern: &str) -> Option<&mut RoutePattern> {
        self.route_patterns.iter_mut().find(|p| p.pattern == pattern)
    }

    pub fn partition(&mut self, name: &str) -> Option<&mut Partition> {
        self.partitions.iter_mut().find(|p| p.name == name)
    }

    /// Is a schedule one whose every period has no office hours? `None` is always active.
    pub(crate) fn never(&self, schedule: Option<&str>) -> bool {
        let Some(schedule) = schedule.and_then(|name| self.schedules.iter().find(|s| s.name == name)) else {
            return false;
        };
        let period = |name: &String| self.periods.iter().find(|p| p.name == *name);
        !schedule.periods.is_empty()
            && schedule.periods.iter().filter_map(period).all(|p| p.start == "No Office Hours" && p.end == p.start)
    }

    /// Changes something and writes the change log.
    pub(crate) fn edited<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.clone();
        let result = change(self);
        self.log_changes_since(&before);
        result
    }

    /// One transaction: refused, it leaves everything as it was.
    pub(crate) fn transact<T, E>(&mut self, change: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        let before = self.clone();
        let result = change(self);
        match result {
            Ok(_) => self.log_changes_since(&before),
            Err(_) => *self = before,
        }
        result
    }

    #[expect(clippy::disallowed_methods, reason = "the world outside has its own clock")]
    fn log_changes_since(&mut self, before: &Self) {
        let mut found = Vec::new();
        let at = SystemTime::now();
        let mut note = |kind: &'static str, uuid: String| found.push(Change { kind, uuid, at });
        for now in differing(&before.route_patterns, &self.route_patterns) {
            note("RoutePattern", now.uuid());
        }
        for now in differing(&before.translation_patterns, &self.translation_patterns) {
            note("TransPattern", now.uuid());
        }
        for now in differing(&before.sip_route_patterns, &self.sip_route_patterns) {
            note("SipRoutePattern", now.uuid());
        }
        for now in differing(&before.partitions, &self.partitions) {
            note("RoutePartition", uuid("RoutePartition", &now.name));
        }
        for now in differing(&before.calling_search_spaces, &self.calling_search_spaces) {
            note("Css", uuid("Css", &now.name));
        }
        for gone in gone(&before.route_patterns, &self.route_patterns, RoutePattern::uuid) {
            note("RoutePattern", gone);
        }
        for gone in gone(&before.calling_search_spaces, &self.calling_search_spaces, |css| uuid("Css", &css.name)) {
            note("Css", gone);
        }
        for gone in gone(&before.schedules, &self.schedules, |schedule| uuid("TimeSchedule", &schedule.name)) {
            note("TimeSchedule", gone);
        }
        self.changes.extend(found);
    }
}

/// Uuids of what is there no more.
fn gone<T>(before: &[T], now: &[T], uuid: impl Fn(&T) -> String) -> Vec<String> {
    if now.len() >= before.len() {
        return Vec::new();
    }
    let left: BTreeSet<String> = now.iter().map(&uuid).collect();
    before.iter().map(uuid).filter(|uuid| !left.contains(uuid)).collect()
}

/// What is new or changed. Most edits change one row in place: its neighbours are compared where they stand.
fn differing<'a, T: PartialEq>(before: &'a [T], now: &'a [T]) -> impl Iterator<Item = &'a T> {
    let differs = |(at, row): &(usize, &T)| before.get(*at) != Some(row) && !before.contains(row);
    now.iter().enumerate().filter(differs).map(|(_, row)| row)
}
