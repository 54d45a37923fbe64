//! Digit analysis: which pattern takes a call, by trying every way a pattern can lie on the digits.

use super::model::{
    Cluster, Device, Feature, Forward, Number, RouteGroup, RoutePattern, SipRoutePattern, TranslationPattern,
};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// How the digits come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialling {
    EnBloc,
    DigitByDigit,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub outcome: Outcome,
    /// `pattern@partition` of every pattern on the way.
    pub path: Vec<String>,
    /// How many digits CUCM waited for.
    pub digits_used: usize,
    /// All of them were dialled, and CUCM waited whether more would come.
    pub waited: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "went")]
pub enum Outcome {
    /// Out to the public network, with these digits, by this route list or gateway.
    Pstn {
        digits: String,
        by: String,
    },
    /// To another cluster or voice mail: every device behind the pattern is on-net.
    OnNet {
        by: String,
    },
    /// Rings a line or hunt pilot.
    Rings {
        number: String,
    },
    /// CUCM does something with it, and nobody answers: call park for one.
    Feature {
        number: String,
    },
    /// Reorder tone: the pattern is blocked.
    Blocked,
    /// Reorder tone: nothing matches.
    NoMatch,
    TooManyHops,
}

/// A run of the same kind of digit.
#[derive(Clone)]
struct Piece {
    allowed: String,
    least: usize,
    most: usize,
}

struct Candidate<'c> {
    shapes: Vec<Vec<Piece>>,
    /// Pieces before the dot.
    dot: usize,
    text: &'c str,
    partition: Option<&'c str>,
    position: usize,
    urgent: bool,
    kind: Kind<'c>,
}

#[derive(Clone, Copy)]
enum Kind<'c> {
    Route(&'c RoutePattern),
    Translation(&'c TranslationPattern),
    Answers(&'c Number),
    /// A number that rings somewhere without being a line.
    Rings(&'c str),
    Feature(&'c Feature),
    /// From another cluster, which has the number.
    Learned,
}

/// Kept in the table of numbers for another purpose than calls.
const TAKES_NO_CALLS: [&str; 4] = [
    "Device template",
    "Translation Calling Party Number",
    "Device Intercom Template",
    "Called Party Number Transformation",
];

const TEN: &str = "0123456789";

/// Follows a call from one calling search space.
pub fn dial(cluster: &Cluster, css: &str, digits: &str, dialling: Dialling) -> Call {
    Exchange::new(cluster).dial(css, digits, dialling)
}

/// Follows a call from a device; see [`Exchange::dial_from`].
pub fn dial_from(
    cluster: &Cluster,
    device: &str,
    line: Option<&str>,
    digits: &str,
    dialling: Dialling,
) -> Option<Call> {
    Exchange::new(cluster).dial_from(device, line, digits, dialling)
}

/// A cluster that many calls are placed on: what was spelt out for one is there for the next.
pub struct Exchange<'c> {
    cluster: &'c Cluster,
    spelt_out: RefCell<HashMap<Vec<String>, Rc<Vec<Candidate<'c>>>>>,
}

impl<'c> Exchange<'c> {
    pub fn new(cluster: &'c Cluster) -> Self {
        Self { cluster, spelt_out: RefCell::default() }
    }

    pub fn dial(&self, css: &str, digits: &str, dialling: Dialling) -> Call {
        self.follow(&[css.to_owned()], digits, dialling, None)
    }

    /// From a device, on one of its lines if it has any. What the line may comes before what the device may; a CTI port or
    /// route point has it the other way round, and trunks, gateways and voice mail have no line.
    pub fn dial_from(&self, device: &str, line: Option<&str>, digits: &str, dialling: Dialling) -> Option<Call> {
        let device = self.cluster.devices.iter().find(|one| one.name == device)?;
        let spaces = self.spaces(device, line);
        let kept = digits.len().saturating_sub(device.significant_digits.unwrap_or(usize::MAX));
        let digits = [device.prefix.as_deref().unwrap_or_default(), &digits[kept..]].concat();
        Some(self.follow(&spaces, &digits, dialling, device.pool.as_deref()))
    }

    fn spaces(&self, device: &Device, line: Option<&str>) -> Vec<String> {
        let line = line.and_then(|line| self.cluster.lines.iter().find(|one| one.pattern == line)?.css.clone());
        let order = if matches!(device.class.as_str(), "Trunk" | "Gateway" | "Voice Mail") {
            [device.css.clone(), None]
        } else if device.model == "CTI Port" || device.class == "CTI Route Point" {
            [device.css.clone(), line]
        } else {
            [line, device.css.clone()]
        };
        order.into_iter().flatten().collect()
    }

    /// A call from a device to an address: the SIP route pattern that says most of the host takes it, of those that the
    /// device finds.
    pub fn call_host(&self, device: &str, line: Option<&str>, host: &str) -> Option<Outcome> {
        let device = self.cluster.devices.iter().find(|one| one.name == device)?;
        let spaces = self.spaces(device, line);
        let named = self.cluster.calling_search_spaces.iter().filter(|css| spaces.contains(&css.name));
        let members: Vec<&String> = named.flat_map(|css| &css.members).collect();
        let is_found = |partition: &Option<String>| match partition {
            None => true,
            Some(name) => {
                let held = self.cluster.partitions.iter().find(|held| held.name == *name);
                members.contains(&name) && held.is_some_and(|held| !self.cluster.never(held.schedule.as_deref()))
            }
        };
        let found = self.cluster.sip_route_patterns.iter().filter(|p| is_found(&p.partition) && takes(p, host));
        let Some(best) = found.max_by_key(|p| p.pattern.len()) else { return Some(Outcome::NoMatch) };
        let trunk = self.cluster.devices.iter().find(|device| device.name == best.trunk);
        Some(if best.blocked {
            Outcome::Blocked
        } else if trunk.is_some_and(|trunk| trunk.network_location.as_deref() == Some("OnNet")) {
            Outcome::OnNet { by: best.trunk.clone() }
        } else {
            Outcome::Pstn { digits: host.to_owned(), by: best.trunk.clone() }
        })
    }

    fn searchable(&self, spaces: &[String]) -> Rc<Vec<Candidate<'c>>> {
        let mut known = self.spelt_out.borrow_mut();
        known.entry(spaces.to_vec()).or_insert_with(|| Rc::new(searchable(self.cluster, spaces))).clone()
    }

    /// `pool`: of the device; `None` where it is any.
    fn follow(&self, spaces: &[String], digits: &str, dialling: Dialling, pool: Option<&str>) -> Call {
        let cluster = self.cluster;
        let mut from = spaces.to_vec();
        let mut candidates = self.searchable(&from);
        let (mut digits_used, mut waited) = match dialling {
            Dialling::EnBloc => (digits.len(), false),
            Dialling::DigitByDigit => waits_for(&candidates, digits, 1),
        };
        let mut called = digits[..digits_used].to_owned();
        let mut path = Vec::new();
        let mut translations = 0;
        loop {
            let ended = |outcome, path, waited| Call { outcome, path, digits_used, waited };
            let Some(best) = best(&candidates, &called) else { return ended(Outcome::NoMatch, path, waited) };
            path.push(format!("{}@{}", best.text, best.partition.unwrap_or("<None>")));
            let outcome = match best.kind {
                Kind::Answers(number) if number.dead => Outcome::Blocked,
                Kind::Answers(number) => Outcome::Rings { number: number.pattern.clone() },
                Kind::Rings(number) => Outcome::Rings { number: number.to_owned() },
                Kind::Learned => Outcome::OnNet { by: "ILS".into() },
                Kind::Feature(feature) => Outcome::Feature { number: feature.pattern.clone() },
                Kind::Route(p) if p.blocked => Outcome::Blocked,
                Kind::Translation(p) if p.blocked => Outcome::Blocked,
                Kind::Route(p) => out(cluster, p, transform(best, &called, [&p.discard, &p.mask, &p.prefix]), pool),
                Kind::Translation(_) if translations == 10 => Outcome::TooManyHops,
                Kind::Translation(p) => {
                    translations += 1;
                    called = transform(best, &called, [&p.discard, &p.mask, &p.prefix]);
                    if !p.use_originator_css {
                        from = p.css.iter().cloned().collect();
                    } else if cluster.originator_is_the_device {
                        from = spaces.to_vec();
                    }
                    candidates = self.searchable(&from);
                    if dialling == Dialling::DigitByDigit && !p.at_once {
                        // The finger goes on: what it presses now stands behind what the pattern made of the rest.
                        let heard = called.len();
                        called.push_str(&digits[digits_used..]);
                        let (used, waits) = waits_for(&candidates, &called, heard);
                        called.truncate(used);
                        digits_used += used - heard;
                        waited |= waits;
                    }
                    continue;
                }
            };
            return ended(outcome, path, waited);
        }
    }
}

/// `*.example.com` takes every host of the domain, anything else the host itself.
fn takes(p: &SipRoutePattern, host: &str) -> bool {
    match p.pattern.strip_prefix('*') {
        Some(domain) => host.ends_with(domain),
        None => host == p.pattern,
    }
}

/// The calls that CUCM makes by itself when `number` (a line or hunt pilot) is called: why, and what becomes of each.
pub fn second_legs(cluster: &Cluster, number: &str) -> Vec<(String, Call)> {
    let numbers = cluster.lines.iter().chain(&cluster.hunt_pilots).filter(|one| one.pattern == number);
    let forwards = numbers.flat_map(|one| &one.forwards);
    let exchange = Exchange::new(cluster);
    let follow =
        |one: &Forward| (one.when.clone(), exchange.follow(&one.css, &one.destination, Dialling::EnBloc, None));
    forwards.map(follow).collect()
}

/// By a route pattern: on-net if no device that it can end at is anything else, and nowhere if there is none. A route group
/// without devices is a local one: the caller's device pool says which group stands for it.
fn out(cluster: &Cluster, route: &RoutePattern, digits: String, pool: Option<&str>) -> Outcome {
    let by = route.route_list.clone().or(route.gateway.clone()).unwrap_or_default();
    let of_list: Vec<&RouteGroup> = cluster.route_groups.iter().filter(|group| group.lists.contains(&by)).collect();
    let mut devices: Vec<&String> = match &route.gateway {
        Some(gateway) if route.route_list.is_none() => vec![gateway],
        _ => of_list.iter().flat_map(|group| &group.devices).collect(),
    };
    let pools = cluster.device_pools.iter().filter(|one| pool.is_none_or(|pool| one.name == pool));
    for standing_in in pools.flat_map(|pool| &pool.local_route_groups) {
        if of_list.iter().any(|group| group.devices.is_empty() && group.name == *standing_in.0) {
            let group = cluster.route_groups.iter().filter(|group| group.name == *standing_in.1);
            devices.extend(group.flat_map(|group| &group.devices));
        }
    }
    let is_on_net = |name: &&String| {
        let device = cluster.devices.iter().find(|device| device.name == **name);
        device.is_some_and(|device| device.network_location.as_deref() == Some("OnNet"))
    };
    if (devices.is_empty() && !of_list.is_empty()) || cluster.switched_off.contains(&by) {
        return Outcome::Blocked;
    }
    if !devices.is_empty() && devices.iter().all(is_on_net) {
        return Outcome::OnNet { by };
    }
    Outcome::Pstn { digits, by }
}

/// Everything that calling search spaces find one after the other, with the place of its partition.
fn searchable<'c>(cluster: &'c Cluster, spaces: &[String]) -> Vec<Candidate<'c>> {
    let mut members: Vec<&str> = Vec::new();
    for name in spaces {
        let space = cluster.calling_search_spaces.iter().find(|c| c.name == *name);
        members.extend(space.map(|s| s.members.iter().map(String::as_str)).into_iter().flatten());
    }
    let position = |partition: &Option<String>| match partition {
        None => Some(usize::MAX),
        Some(name) => {
            let at = members.iter().position(|member| member == name)?;
            let held = cluster.partitions.iter().find(|p| p.name == *name)?;
            (!cluster.never(held.schedule.as_deref())).then_some(at)
        }
    };
    let mut found = Vec::new();
    let mut add = |text: &'c str, partition: &'c Option<String>, urgent: bool, kind: Kind<'c>| {
        if let Some(position) = position(partition) {
            let (shapes, dot) = shapes(text);
            found.push(Candidate { shapes, dot, text, partition: partition.as_deref(), position, urgent, kind });
        }
    };
    for p in &cluster.route_patterns {
        add(&p.pattern, &p.partition, p.urgent, Kind::Route(p));
    }
    for p in &cluster.translation_patterns {
        add(&p.pattern, &p.partition, p.urgent, Kind::Translation(p));
    }
    for number in cluster.hunt_pilots.iter().chain(&cluster.lines) {
        add(&number.pattern, &number.partition, number.urgent, Kind::Answers(number));
    }
    for feature in cluster.features.iter().filter(|feature| !TAKES_NO_CALLS.contains(&feature.usage.as_str())) {
        let kind = match feature.usage.as_str() {
            "Alternate Number" | "Voice Mail Port" => Kind::Rings(&feature.pattern),
            usage if usage.starts_with("ILS Learned") => Kind::Learned,
            _ => Kind::Feature(feature),
        };
        add(&feature.pattern, &feature.partition, feature.urgent, kind);
    }
    found
}

/// CUCM's pattern language as runs; `@` is the public North American numbering plan.
fn shapes(text: &str) -> (Vec<Vec<Piece>>, usize) {
    if let Some(at) = text.find('@') {
        let plan = [
            "[2-9]11",
            "1[2-9]11",
            "[2-9]XXXXXX",
            "[2-9]XX[2-9]XXXXXX",
            "1[2-9]XX[2-9]XXXXXX",
            "0",
            "00",
            "0[2-9]XX[2-9]XXXXXX",
            "011!",
            "101XXXX0",
            "101XXXX011!",
            "101XXXX0[2-9]XX[2-9]XXXXXX",
            "101XXXX1[2-9]XX[2-9]XXXXXX",
            "101XXXX[2-9]XXXXXX",
        ];
        let all: Vec<_> =
            plan.iter().map(|form| shapes(&format!("{}{form}{}", &text[..at], &text[at + 1..]))).collect();
        let dot = all.first().map_or(0, |(_, dot)| *dot);
        return (all.into_iter().flat_map(|(shape, _)| shape).collect(), dot);
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut dot = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let allowed = match c {
            '.' => {
                dot = pieces.len();
                continue;
            }
            '?' | '+' => {
                if let Some(last) = pieces.last_mut() {
                    last.least = usize::from(c == '+');
                    last.most = usize::MAX;
                }
                continue;
            }
            '\\' => chars.next().map(String::from).unwrap_or_default(),
            'X' | '!' => TEN.to_owned(),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                bracket(&inside)
            }
            other => other.to_string(),
        };
        let most = if c == '!' { usize::MAX } else { 1 };
        pieces.push(Piece { allowed, least: 1, most });
    }
    (vec![pieces], dot)
}

fn bracket(inside: &str) -> String {
    let (negative, inside) = inside.strip_prefix('^').map_or((false, inside), |rest| (true, rest));
    let chars: Vec<char> = inside.chars().collect();
    let mut members = String::new();
    let mut i = 0;
    while i < chars.len() {
        if chars.get(i + 1) == Some(&'-') && i + 2 < chars.len() {
            members.extend(chars[i]..=chars[i + 2]);
            i += 3;
        } else {
            members.push(chars[i]);
            i += 1;
        }
    }
    if negative { TEN.chars().filter(|c| !members.contains(*c)).collect() } else { members }
}

/// In how many ways could a string of this length be spelt that lies on the pieces like this?
/// The smallest number over all ways the digits fit.
fn spellings(pieces: &[Piece], digits: &str) -> Option<u128> {
    let Some((piece, rest)) = pieces.split_first() else {
        return digits.is_empty().then_some(1);
    };
    let run = digits.chars().take_while(|c| piece.allowed.contains(*c)).count().min(piece.most);
    (piece.least..=run)
        .filter_map(|taken| {
            let each = u128::try_from(piece.allowed.chars().count()).ok()?;
            let ways = each.saturating_pow(u32::try_from(taken).ok()?);
            spellings(rest, &digits[taken..]).map(|more| more.saturating_mul(ways))
        })
        .min()
}

/// Could the digits go on and still match?
fn may_go_on(pieces: &[Piece], digits: &str) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return false };
    let run = digits.chars().take_while(|c| piece.allowed.contains(*c)).count().min(piece.most);
    if run == digits.len() && run < piece.most {
        return true;
    }
    (piece.least..=run).any(|taken| may_go_on(rest, &digits[taken..]))
}

impl Candidate<'_> {
    fn ways(&self, digits: &str) -> Option<u128> {
        self.shapes.iter().filter_map(|pieces| spellings(pieces, digits)).min()
    }

    fn goes_on(&self, digits: &str) -> bool {
        self.shapes.iter().any(|pieces| may_go_on(pieces, digits))
    }

    fn before_dot(&self, digits: &str) -> usize {
        for pieces in &self.shapes {
            let (head, tail) = pieces.split_at(self.dot);
            for cut in 0..=digits.len() {
                if spellings(head, &digits[..cut]).is_some() && spellings(tail, &digits[cut..]).is_some() {
                    return cut;
                }
            }
        }
        0
    }
}

fn best<'v, 'c>(candidates: &'v [Candidate<'c>], digits: &str) -> Option<&'v Candidate<'c>> {
    let mut winner: Option<(u128, &Candidate<'c>)> = None;
    for candidate in candidates {
        let Some(ways) = candidate.ways(digits) else { continue };
        let better = winner.is_none_or(|(fewest, held)| {
            (ways, candidate.position, candidate.text) < (fewest, held.position, held.text)
        });
        if better {
            winner = Some((ways, candidate));
        }
    }
    winner.map(|(_, candidate)| candidate)
}

/// How many digits until CUCM stops waiting for more, and whether it waits even after the last.
/// `heard` of them are there before anything else is pressed.
fn waits_for(candidates: &[Candidate<'_>], digits: &str, heard: usize) -> (usize, bool) {
    let used = (heard..digits.len()).find(|used| !hesitates(candidates, &digits[..*used]));
    used.map_or((digits.len(), hesitates(candidates, digits)), |used| (used, false))
}

/// Nothing urgent fits, and something longer could.
fn hesitates(candidates: &[Candidate<'_>], heard: &str) -> bool {
    let urgent = best(candidates, heard).is_some_and(|candidate| candidate.urgent);
    !urgent && candidates.iter().any(|candidate| candidate.goes_on(heard))
}

fn transform(by: &Candidate<'_>, digits: &str, [discard, mask, prefix]: [&Option<String>; 3]) -> String {
    let discard = discard.as_deref().unwrap_or_default();
    let mut kept = digits.to_owned();
    if discard.contains("PreDot") {
        kept = kept[by.before_dot(digits)..].to_owned();
    }
    if discard.contains("Trailing-#") {
        kept = kept.trim_end_matches('#').to_owned();
    }
    if let Some(mask) = mask {
        let spare = kept.len().saturating_sub(mask.len());
        let right: Vec<char> = kept[spare..].chars().collect();
        let short = mask.len() - right.len();
        kept = mask
            .chars()
            .enumerate()
            .filter_map(|(at, m)| match m {
                'X' => at.checked_sub(short).and_then(|at| right.get(at)).copied(),
                literal => Some(literal),
            })
            .collect();
    }
    format!("{}{kept}", prefix.as_deref().unwrap_or_default())
}
