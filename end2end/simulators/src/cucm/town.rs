//! Dial plans of towns that nobody built by hand: some thousand lines, area codes and exchanges as class-of-service lists
//! grow, in four styles, with what goes wrong in each. The same seed makes the same town.
//!
//! Source: the styles are those of Cisco's solution reference network design (class of service on the line; line and device;
//! +E.164 with local normalisation; two tiers).

use super::model::{
    Cluster, Css, Device, DevicePool, Feature, Forward, Number, Partition, Period, RouteGroup, RoutePattern, Schedule,
    TranslationPattern,
};
use fastrand::Rng;
use std::collections::BTreeSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One calling search space for each class, on the line.
    ClassOfService,
    /// The line blocks, the device routes.
    LineAndDevice,
    /// Numbers are written as `+…` before they are routed.
    PlusE164,
    /// What is dialled is translated into a calling search space of routes.
    TwoTiers,
}

impl Style {
    pub const ALL: [Self; 4] = [Self::ClassOfService, Self::LineAndDevice, Self::PlusE164, Self::TwoTiers];
}

/// How a town is made.
#[derive(Debug, Clone, Copy)]
pub struct Town {
    pub style: Style,
    pub lines: usize,
    pub seed: u64,
}

/// Calls out meet the mirrors here first when locked.
pub const LOCK_OUT: &str = "PT-LOCKDOWN-OUT";
/// Calls in.
pub const LOCK_IN: &str = "PT-LOCKDOWN-IN";
pub const NEVER: &str = "TS-NEVER";
/// Emergency numbers: no step touches it.
pub const EMERGENCY: &str = "PT-911";
pub const EOC: &str = "PT-EOC";
pub const EOC_CSS: &str = "CSS-EOC";
pub const INBOUND_CSS: &str = "CSS-IN";
/// The EOC's number, in [`EOC`].
pub const PILOT: &str = "5911";
/// Partitions of route patterns that lead out.
pub const ROUTES: [&str; 4] = ["PT-LOCAL", "PT-LD", "PT-INTL", "PT-SERVICE"];

const EMERGENCY_LIST: &str = "RL-EMERGENCY";
const LOCAL_GROUP: &str = "RG-LOCAL";
const TO_EOC: &str = "CSS-TO-EOC";
/// Of a hundred patterns so many have no mirror.
const FORGOTTEN: u32 = 5;

impl Town {
    pub fn cluster(&self) -> Cluster {
        let mut built = Building {
            town: *self,
            rng: Rng::with_seed(self.seed),
            cluster: Cluster {
                lines: vec![],
                devices: vec![],
                route_groups: vec![],
                route_patterns: vec![],
                translation_patterns: vec![],
                ..Cluster::named("acme-north").unwrap_or_default()
            },
        };
        built.partitions();
        built.routes();
        built.mirrors();
        built.spaces();
        built.inbound();
        built.people();
        built.features();
        built.cluster
    }

    fn sites(&self) -> usize {
        (self.lines / 50).max(2)
    }
}

struct Building {
    town: Town,
    rng: Rng,
    cluster: Cluster,
}

/// Each site gets out by its own gateways, where a local route group is used; but here and there nobody has set them, or they
/// lead to another cluster.
fn pool(site: usize) -> DevicePool {
    let group = match site % 16 {
        1 => None,
        2 => Some("RG-MAIL"),
        _ => Some("RG-PSTN"),
    };
    let local_route_groups = group.map(|group| (LOCAL_GROUP.to_owned(), group.to_owned())).into_iter().collect();
    DevicePool { name: format!("DP-{site}"), local_route_groups }
}

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}

impl Building {
    fn partitions(&mut self) {
        let named = |name: String, schedule: Option<&str>| Partition {
            name,
            schedule: schedule.map(str::to_owned),
            ..Partition::default()
        };
        let period = |name: &str, start: &str, end: &str| Period {
            name: name.into(),
            start: start.into(),
            end: end.into(),
            ..Period::default()
        };
        let schedule = |name: &str, of: &str| Schedule { name: name.into(), periods: vec![of.into()] };
        self.cluster.periods =
            vec![period("P-NEVER", "No Office Hours", "No Office Hours"), period("P-NIGHT", "18:00", "24:00")];
        self.cluster.schedules = vec![schedule(NEVER, "P-NEVER"), schedule("TS-NIGHT", "P-NIGHT")];
        let always = [EMERGENCY, EOC, "PT-EOC-PSTN", "PT-DIAL", "PT-NORMAL", "PT-IN", "PT-BLOCK-0", "PT-BLOCK-1"];
        let inside = (0..self.town.sites()).map(|site| format!("PT-INT-{site}"));
        let all = always.map(str::to_owned).into_iter().chain(ROUTES.map(str::to_owned)).chain(inside);
        self.cluster.partitions = all.map(|name| named(name, None)).collect();
        self.cluster.partitions.push(named(LOCK_OUT.into(), Some(NEVER)));
        self.cluster.partitions.push(named(LOCK_IN.into(), Some(NEVER)));
        self.cluster.partitions.push(named("PT-NIGHT".into(), Some("TS-NIGHT")));
    }

    /// As it stands in a route pattern: with an access code, or with a plus.
    fn written(&self, national: &str) -> String {
        match self.town.style {
            Style::PlusE164 => format!("\\+1{national}"),
            // The access code went off on the first tier.
            Style::TwoTiers => format!("1{national}"),
            Style::ClassOfService | Style::LineAndDevice => format!("9.1{national}"),
        }
    }

    fn route(&mut self, pattern: &str, partition: &str, urgent: bool) {
        let discard = match (pattern.contains('.'), pattern.ends_with('#')) {
            (true, true) => Some("PreDot Trailing-#"),
            (true, false) => Some("PreDot"),
            (false, true) => Some("Trailing-#"),
            (false, false) => None,
        };
        self.cluster.route_patterns.push(RoutePattern {
            pattern: pattern.into(),
            partition: Some(partition.into()),
            urgent,
            discard: discard.map(str::to_owned),
            route_list: Some(if partition == EMERGENCY { EMERGENCY_LIST } else { "RL-PSTN" }.into()),
            emergency: partition == EMERGENCY && self.rng.bool(),
            ..RoutePattern::default()
        });
    }

    fn routes(&mut self) {
        let mut codes = BTreeSet::new();
        while codes.len() < self.town.lines / 5 {
            codes.insert(self.rng.u32(200..1000));
            // There are 800 of three digits.
            if codes.len() >= 700 {
                break;
            }
        }
        for code in &codes {
            let pattern = self.written(&format!("{code}[2-9]XXXXXX"));
            self.route(&pattern, "PT-LD", false);
        }
        // Of five lines two patterns: what is left are blocks of a thousand numbers of the own area.
        let mut blocks = BTreeSet::new();
        while blocks.len() + codes.len() < self.town.lines * 2 / 5 {
            blocks.insert(self.rng.u32(2000..10_000));
        }
        for block in blocks {
            let pattern = match self.town.style {
                Style::PlusE164 => format!("\\+1403{block}XXX"),
                Style::TwoTiers => format!("{block}XXX"),
                Style::ClassOfService | Style::LineAndDevice => format!("9.{block}XXX"),
            };
            if !self.cluster.route_patterns.iter().any(|one| one.pattern == pattern) {
                self.route(&pattern, "PT-LOCAL", false);
            }
        }
        let international = match self.town.style {
            Style::PlusE164 => ["\\+!", "\\+!#"],
            Style::TwoTiers => ["011!", "011!#"],
            Style::ClassOfService | Style::LineAndDevice => ["9.011!", "9.011!#"],
        };
        for pattern in international {
            self.route(pattern, "PT-INTL", false);
        }
        let service = if self.town.style == Style::TwoTiers { "[2-8]11" } else { "9.[2-8]11" };
        self.route(service, "PT-SERVICE", false);
        for number in ["911", "9.911"] {
            self.route(number, EMERGENCY, true);
        }
        self.route("9.1[2-9]XX[2-9]XXXXXX", "PT-EOC-PSTN", false);
        self.cluster.route_patterns.push(RoutePattern {
            pattern: "8000".into(),
            partition: Some("PT-INT-0".into()),
            route_list: Some("RL-MAIL".into()),
            ..RoutePattern::default()
        });
        self.cluster.route_lists = names(["RL-PSTN", EMERGENCY_LIST, "RL-MAIL"]);
        let group = |name: &str, lists: &[&str], device: Option<&str>| RouteGroup {
            name: name.into(),
            lists: lists.iter().map(|list| (*list).to_owned()).collect(),
            devices: device.map(str::to_owned).into_iter().collect(),
        };
        let mail = group("RG-MAIL", &["RL-MAIL"], Some("TRUNK-MAIL"));
        self.cluster.route_groups = if self.town.style == Style::PlusE164 {
            vec![group("RG-PSTN", &[EMERGENCY_LIST], Some("TRUNK-A")), group(LOCAL_GROUP, &["RL-PSTN"], None), mail]
        } else {
            vec![group("RG-PSTN", &["RL-PSTN", EMERGENCY_LIST], Some("TRUNK-A")), mail]
        };
        self.cluster.device_pools = (0..self.town.sites()).map(pool).collect();
    }

    /// A mirror of each route pattern that leads out, but for those that somebody forgot.
    fn mirrors(&mut self) {
        let out = self
            .cluster
            .route_patterns
            .iter()
            .filter(|one| one.partition.as_deref().is_some_and(|partition| ROUTES.contains(&partition)));
        let patterns: Vec<String> = out.map(|one| one.pattern.clone()).collect();
        for pattern in patterns {
            if self.rng.u32(0..100) < FORGOTTEN {
                continue;
            }
            let urgent = !pattern.contains('!') || pattern.ends_with('#');
            self.translate(&pattern, LOCK_OUT, urgent, (Some(PILOT), None, None), Some(TO_EOC));
        }
    }

    /// `change`: mask, discard, prefix. Without a calling search space it is the originator's.
    fn translate(
        &mut self,
        pattern: &str,
        partition: &str,
        urgent: bool,
        (mask, discard, prefix): (Option<&str>, Option<&str>, Option<&str>),
        css: Option<&str>,
    ) {
        let text = |text: Option<&str>| text.map(str::to_owned);
        self.cluster.translation_patterns.push(TranslationPattern {
            pattern: pattern.into(),
            partition: Some(partition.into()),
            urgent,
            mask: text(mask),
            discard: text(discard),
            prefix: text(prefix),
            css: text(css),
            use_originator_css: css.is_none(),
            ..TranslationPattern::default()
        });
    }

    fn space(&mut self, name: String, members: Vec<String>) {
        self.cluster.calling_search_spaces.push(Css { name, members });
    }

    fn spaces(&mut self) {
        self.cluster.calling_search_spaces.clear();
        self.space(TO_EOC.into(), names([EOC]));
        self.space(EOC_CSS.into(), names([EMERGENCY, EOC, "PT-EOC-PSTN", "PT-INT-0"]));
        self.space(INBOUND_CSS.into(), names([LOCK_IN, "PT-IN", "PT-INT-0"]));
        self.space("CSS-INSIDE".into(), (0..self.town.sites()).map(|site| format!("PT-INT-{site}")).collect());
        self.space("CSS-ROUTES".into(), [names([LOCK_OUT]), names(ROUTES)].concat());
        // By night the front desk answers for the long-distance operator.
        self.translate("9.0", "PT-NIGHT", true, (Some("40000"), None, None), Some("CSS-INSIDE"));
        match self.town.style {
            Style::PlusE164 => self.normalise(),
            Style::TwoTiers => self.first_tier(),
            Style::ClassOfService => {}
            Style::LineAndDevice => self.line_blocks(),
        }
        for site in 0..self.town.sites() {
            for class in 0..3 {
                self.site_space(site, class);
            }
        }
    }

    fn normalise(&mut self) {
        self.translate("9.1[2-9]XX[2-9]XXXXXX", "PT-NORMAL", true, (None, Some("PreDot"), Some("+")), None);
        self.translate("9.[2-9]XXXXXX", "PT-NORMAL", true, (None, Some("PreDot"), Some("+1403")), None);
        // Urgent, so that the first digit of the country takes it, and the others follow.
        self.translate("9011.!", "PT-NORMAL", true, (None, Some("PreDot"), Some("+")), None);
    }

    fn first_tier(&mut self) {
        self.translate("9.!", "PT-DIAL", false, (None, Some("PreDot"), None), Some("CSS-ROUTES"));
        self.translate("9.1[2-9]XX[2-9]XXXXXX", "PT-DIAL", true, (None, Some("PreDot"), None), Some("CSS-ROUTES"));
        self.translate("9.[2-9]XXXXXX", "PT-DIAL", true, (None, Some("PreDot"), None), Some("CSS-ROUTES"));
    }

    /// What a class may not dial meets a blocked translation on the line.
    fn line_blocks(&mut self) {
        for (partition, patterns) in
            [("PT-BLOCK-0", &["9.011!", "9.1[2-9]XX[2-9]XXXXXX"][..]), ("PT-BLOCK-1", &["9.011!"])]
        {
            for pattern in patterns {
                self.translate(pattern, partition, !pattern.contains('!'), (None, None, None), None);
                if let Some(last) = self.cluster.translation_patterns.last_mut() {
                    last.blocked = true;
                }
            }
        }
        for class in 0..3 {
            let block = (class < 2).then(|| format!("PT-BLOCK-{class}"));
            self.space(format!("CSS-LINE-{class}"), [names([LOCK_OUT]), block.into_iter().collect()].concat());
        }
    }

    fn site_space(&mut self, site: usize, class: usize) {
        let inside = format!("PT-INT-{site}");
        // One site in thirty was built without the lock.
        let lock = if self.rng.u32(0..30) == 0 { vec![] } else { names([LOCK_OUT]) };
        let classes = ROUTES[..=class].iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let common = [names([EMERGENCY, "PT-NIGHT"]), vec![inside], names([EOC])].concat();
        let members = match self.town.style {
            Style::ClassOfService => [lock, common, classes].concat(),
            Style::LineAndDevice => [common, names(ROUTES)].concat(),
            Style::PlusE164 => [lock, common, names(["PT-NORMAL"]), classes].concat(),
            Style::TwoTiers => [lock, common, names(["PT-DIAL"])].concat(),
        };
        self.space(format!("CSS-{site}-{class}"), members);
    }

    /// What comes in is cut to the extension; the lock has mirrors of all but one range.
    fn inbound(&mut self) {
        for range in 0..5 {
            let pattern = format!("40355{range}XXXX");
            self.translate(&pattern, "PT-IN", true, (Some("4XXXX"), None, None), Some("CSS-INSIDE"));
            if range != 4 {
                self.translate(&pattern, LOCK_IN, true, (Some(PILOT), None, None), Some(TO_EOC));
            }
        }
        let trunk = |name: &str, location: &str, css: Option<&str>| Device {
            name: name.into(),
            class: "Trunk".into(),
            model: "SIP Trunk".into(),
            css: css.map(str::to_owned),
            network_location: Some(location.into()),
            ..Device::default()
        };
        self.cluster.devices.push(trunk("TRUNK-A", "OffNet", Some(INBOUND_CSS)));
        self.cluster.devices.push(trunk("TRUNK-MAIL", "OnNet", Some("CSS-INSIDE")));
        let port = |name: &str, class: &str, css: &str| Device {
            name: name.into(),
            class: class.into(),
            model: class.into(),
            css: Some(css.into()),
            ..Device::default()
        };
        self.cluster.devices.extend([
            port("GATEWAY-A", "Gateway", INBOUND_CSS),
            port("MAIL-1", "Voice Mail", "CSS-INSIDE"),
            port("MAIL-2", "Voice Mail", "CSS-0-2"),
            Device {
                lines: vec!["40001".into()],
                reroute_css: Some("CSS-1-2".into()),
                remote_destinations: vec!["914035550000".into()],
                ..port("MOBILE-1", "Remote Destination Profile", "CSS-1-1")
            },
        ]);
        let pilot = |pattern: &str, partition: &str| Number {
            pattern: pattern.into(),
            partition: Some(partition.into()),
            ..Number::default()
        };
        self.cluster.hunt_pilots = vec![pilot(PILOT, EOC), pilot("45900", "PT-INT-0")];
    }

    fn people(&mut self) {
        for line in 0..self.town.lines {
            let site = line % self.town.sites();
            let class = self.rng.usize(0..3);
            let (line_css, device_css) = self.rights(site, class);
            let number = format!("4{line:04}");
            let forwards = if self.rng.u32(0..50) == 0 { vec![self.forward(site)] } else { vec![] };
            self.cluster.lines.push(Number {
                pattern: number.clone(),
                partition: Some(format!("PT-INT-{site}")),
                css: line_css,
                forwards,
                ..Number::default()
            });
            let port = self.rng.u32(0..60) == 0;
            self.cluster.devices.push(Device {
                pool: Some(pool(site).name),
                name: if port { format!("CTI{line:05}") } else { format!("SEP{line:012X}") },
                model: if port { "CTI Port".into() } else { String::new() },
                css: device_css,
                lines: vec![number],
                ..Device::default()
            });
        }
    }

    /// Numbers that do something; one of them lies across a route, and one can begin an emergency call.
    fn features(&mut self) {
        let feature = |pattern: &str, usage: &str, partition: &str| Feature {
            pattern: pattern.into(),
            partition: Some(partition.into()),
            usage: usage.into(),
            ..Feature::default()
        };
        self.cluster.features = vec![
            feature("81X", "CallPark", "PT-INT-0"),
            feature("82X", "Directed Call Park", "PT-INT-1"),
            feature("9140355512XX", "Conference", "PT-INT-0"),
            feature("9112", "Conference", "PT-INT-1"),
            feature("**3", "Call Pick Up Group", "PT-INT-1"),
            feature("899[89]", "Message Waiting", "PT-INT-0"),
            feature("8500", "Voice Mail Port", "PT-INT-0"),
            feature("8600", "Mobility IVR", "PT-INT-0"),
            feature("914165551XXX", "Alternate Number", "PT-INT-1"),
            feature("9.!", "Called Party Number Transformation", "PT-INT-0"),
        ];
    }

    fn rights(&mut self, site: usize, class: usize) -> (Option<String>, Option<String>) {
        let of_site = Some(format!("CSS-{site}-{class}"));
        match self.town.style {
            // The EOC's phones, and a few that somebody gave no rights.
            _ if self.rng.u32(0..100) == 0 => (Some(EOC_CSS.into()), None),
            _ if self.rng.u32(0..200) == 0 => (None, None),
            Style::LineAndDevice => (Some(format!("CSS-LINE-{class}")), of_site),
            Style::ClassOfService | Style::PlusE164 | Style::TwoTiers => (of_site, None),
        }
    }

    fn forward(&mut self, site: usize) -> Forward {
        let destination = if self.rng.bool() { "914035551234" } else { "45900" };
        let css = vec![format!("CSS-{site}-2")];
        Forward { when: "all".into(), destination: destination.into(), css }
    }
}
