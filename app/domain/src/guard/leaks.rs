//! Ways past the lock.

use super::addresses;
use super::words::caller_in_words;
use super::{Cancelled, unless};
use crate::caller::{Caller, CallerKind, Incoming, Start};
use crate::dial_plan::{DialPlan, EndpointKind, Feature, place};
use crate::hours::Hours;
use crate::leg::Leg;
use crate::local_routes::LocalRoutes;
use crate::originator::Originator;
use crate::plan::{LockPlan, PlanText};
use crate::reach::{Dialling, DigitAnalysis, End, Route, Wanted, Way};
use crate::steps::Target;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;

/// A way past the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leak {
    /// Who can go it, by id: `phone:CSS-LINE+CSS-DEVICE`. It is kept by the name that servers of before know.
    #[serde(rename = "css")]
    pub caller: String,
    #[serde(default)]
    pub via: Via,
    /// The pattern the call leaves (or comes in) by.
    pub pattern: String,
    #[serde(default)]
    pub partition: Option<String>,
    /// Digits that show it.
    pub example: String,
    /// Every pattern on the way.
    pub path: Vec<String>,
    pub direction: Direction,
    /// Devices behind it.
    #[serde(default)]
    pub count: usize,
}

/// Who dials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The caller.
    #[default]
    Direct,
    ForwardAll,
    ForwardBusy,
    ForwardNoAnswer,
    ForwardNoCoverage,
    ForwardCtiFailure,
    ForwardUnregistered,
    /// Nobody of a hunt group answers, or all are busy.
    HuntOverflow,
    /// A mobile rings along, or its owner calls by it.
    Mobility,
    /// There is no bandwidth for a call inside, and CUCM tries it over the PSTN (automated alternate routing).
    Aar,
    /// The far end of a trunk transfers or redirects a call.
    Refer,
    /// The receiver is lifted, and CUCM calls (private line, automatic ringdown).
    Plar,
    /// A call that is forwarded to voice mail goes on to the pilot's number.
    VoiceMail,
    /// An address is dialled (`name@host`).
    SipRoutePattern,
    /// Kept by a newer server.
    #[serde(other)]
    Other,
}

impl Via {
    /// As it stands behind the one it belongs to.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Direct => "dialled",
            Self::ForwardAll => "forwarded (all)",
            Self::ForwardBusy => "forwarded (busy)",
            Self::ForwardNoAnswer => "forwarded (no answer)",
            Self::ForwardNoCoverage => "forwarded (no coverage)",
            Self::ForwardCtiFailure => "forwarded (CTI failure)",
            Self::ForwardUnregistered => "forwarded (unregistered)",
            Self::HuntOverflow => "hunt overflow",
            Self::Mobility => "mobility",
            Self::Aar => "alternate routing (AAR)",
            Self::Refer => "transferred by the far end",
            Self::Plar => "lifted (PLAR)",
            Self::VoiceMail => "sent to voice mail",
            Self::SipRoutePattern => "dialled as an address",
            Self::Other => "in a way that this version does not know",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Inbound,
    Outbound,
}

impl Leak {
    /// The pattern by which it leaves, as a telecom engineer names it.
    pub fn place(&self) -> String {
        match &self.partition {
            // Kept by a server of before: the pattern with its partition.
            None if self.pattern.contains(" in ") => self.pattern.clone(),
            partition => place(&self.pattern, partition.as_deref()),
        }
    }
}

/// Can a caller reach the PSTN by anything but a protected number?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pstn {
    pub normal: bool,
    pub locked: bool,
}

/// What was found for all callers.
pub(super) struct Found {
    pub(super) leaks: Vec<Leak>,
    /// By caller.
    pub(super) pstn: Vec<Pstn>,
    /// Callers from which there may be more.
    pub(super) unfinished: Vec<String>,
    /// Callers from which there are more than are listed.
    pub(super) cut: Vec<Caller>,
}

/// Ways that are listed of one caller: more tell nobody more, and there may be thousands where nothing is mirrored.
pub(super) const LISTED: usize = 200;

/// Every way that still reaches the PSTN, or comes in past the EOC, when locked: for each caller, most devices first.
/// Callers for whom the same partitions bear on ways out are looked at once.
pub(super) fn find(
    text: &PlanText,
    plan: &LockPlan,
    dial_plan: &DialPlan,
    callers: &[Caller],
    (forms, cancelled): (&BTreeSet<String>, &AtomicBool),
) -> Result<Found, Cancelled> {
    let normal = plan.applied_to(dial_plan, Target::Normal);
    let locked = plan.applied_to(dial_plan, Target::Locked);
    let by_address = addresses::leaks(text, &locked, callers);
    let open = DigitAnalysis::new(&locked, &Hours::All);
    let hours = Hours::of([&locked]);
    let readings = Originator::of([dial_plan, &normal, &locked]);
    let at = |hours| readings.iter().map(move |reading| (hours, *reading));
    let locked = hours.iter().flat_map(at).map(|(hours, reading)| open.at(hours).reading(reading)).collect();
    let usual = open.in_state(&normal, &Hours::All);
    let normal = Hours::of([&normal]).iter().map(|hours| usual.at(hours)).collect();
    let search = Search { text, forms, normal, locked };
    let mut known: HashMap<Alike, Ways> = HashMap::new();
    let mut found = Found { leaks: Vec::new(), pstn: Vec::new(), unfinished: Vec::new(), cut: Vec::new() };
    for caller in callers {
        unless(cancelled)?;
        let spaces = caller.spaces();
        let ways = search.known_ways(&mut known, caller.start(&spaces));
        let lifted = search.lifted(caller);
        // No step opens such a way: what is open when locked is open in normal times.
        let besides = lifted.is_some() || by_address.iter().any(|leak| leak.caller == caller.to_string());
        let locked = besides || ways.leaks.iter().any(is_outbound);
        found.pstn.push(Pstn { normal: besides || ways.normally, locked });
        if text.eoc_css.iter().any(|css| caller.uses(css)) {
            continue;
        }
        let of_caller = |leak: &Leak| Leak { caller: caller.to_string(), count: caller.count, ..leak.clone() };
        found.leaks.extend(ways.leaks.iter().map(of_caller));
        found.unfinished.extend((!ways.complete).then(|| caller_in_words(caller)));
        found.cut.extend(ways.cut.then(|| caller.clone()));
        found.leaks.extend(lifted);
    }
    found.leaks.extend(by_address);
    for leg in dial_plan.legs.all() {
        unless(cancelled)?;
        let (leak, complete) = match &leg.destination {
            Some(digits) => (search.leg_to(leg, digits), true),
            None => search.leg_anywhere(leg, &mut known),
        };
        found.unfinished.extend((leak.is_none() && !complete).then(|| leg.owner.clone()));
        found.leaks.extend(leak);
    }
    found
        .leaks
        .sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.caller, a.direction).cmp(&(&b.caller, b.direction))));
    Ok(found)
}

fn is_outbound(leak: &Leak) -> bool {
    leak.direction == Direction::Outbound
}

/// From one list of calling search spaces.
struct Ways {
    normally: bool,
    leaks: Vec<Leak>,
    complete: bool,
    /// There are more than were looked for.
    cut: bool,
}

struct Search<'s> {
    text: &'s PlanText,
    forms: &'s BTreeSet<String>,
    /// At all hours that are looked at.
    normal: Vec<DigitAnalysis<'s>>,
    /// At all hours that are looked at, by all readings of the originator.
    locked: Vec<DigitAnalysis<'s>>,
}

/// Callers for whom this is the same have the same ways.
type Alike = (Vec<Vec<usize>>, Option<Vec<String>>, Incoming, LocalRoutes);

impl Search<'_> {
    /// What bears on ways out in each state; of a caller from outside also what it searches at all.
    fn alike(&self, Start { spaces, incoming, local }: Start<'_>) -> Alike {
        let states = self.normal.iter().chain(&self.locked);
        let out = states.map(|analysis| analysis.bearing_on_ways_out(spaces)).collect();
        let searched = self.comes_in(spaces).then(|| spaces.iter().map(|name| (*name).to_owned()).collect());
        (out, searched, incoming.clone(), local.clone())
    }

    fn comes_in(&self, spaces: &[&str]) -> bool {
        self.text.inbound_css.iter().any(|name| spaces.contains(&name.as_str()))
    }

    fn known_ways<'k>(&self, known: &'k mut HashMap<Alike, Ways>, start: Start<'_>) -> &'k Ways {
        known.entry(self.alike(start)).or_insert_with(|| self.ways(start))
    }

    /// Ways out; of a caller from outside also one way in, if there is any: each number of the site would be one.
    fn ways(&self, start: Start<'_>) -> Ways {
        let but = start.incoming.dialled(self.forms);
        let wanted = self.wanted(false, 1, &but, start);
        let normally = self.normal.iter().any(|analysis| !analysis.ways(start.spaces, &wanted).found.is_empty());
        let mut ways = Ways { normally, leaks: Vec::new(), complete: true, cut: false };
        let inbound = self.comes_in(start.spaces);
        for analysis in &self.locked {
            self.add(&mut ways, analysis, start, (false, &but));
            if inbound {
                self.add(&mut ways, analysis, start, (true, &but));
            }
        }
        ways
    }

    fn add(
        &self,
        ways: &mut Ways,
        analysis: &DigitAnalysis<'_>,
        start: Start<'_>,
        (inbound, but): (bool, &BTreeSet<String>),
    ) {
        let more = analysis.ways(start.spaces, &self.wanted(inbound, LISTED, but, start));
        ways.complete &= more.complete;
        ways.cut |= !inbound && more.found.len() >= LISTED;
        // A dispatcher's call back to an emergency caller, and all else that is protected on its way, is not asked for.
        for way in more.found {
            let Some((pattern, partition, direction)) = leaked(self.text, &way.route.end, inbound) else { continue };
            let is_known = |leak: &Leak| match direction {
                Direction::Inbound => leak.direction == Direction::Inbound,
                Direction::Outbound => (&leak.pattern, &leak.partition) == (&pattern, &partition),
            };
            if !ways.leaks.iter().any(is_known) {
                let Way { digits: example, route, .. } = analysis.telling(start, but, way);
                let caller = String::new();
                let via = Via::Direct;
                let path = route.path;
                ways.leaks.push(Leak { caller, via, pattern, partition, example, path, direction, count: 0 });
            }
        }
    }

    /// A way out of a call that CUCM makes by itself. Also with the EOC's own calling search space: whoever rings that number
    /// gets out.
    fn leg_to(&self, leg: &Leg, digits: &str) -> Option<Leak> {
        let spaces: Vec<&str> = leg.spaces.iter().map(String::as_str).collect();
        let mut routes = self.locked.iter().map(|analysis| analysis.route(&spaces, digits, Dialling::EnBloc));
        routes.find_map(|route| self.leak((leg.owner.clone(), leg.count), leg.via, digits.to_owned(), route))
    }

    /// The same where nobody knows whom it calls, and whether everything was looked at.
    fn leg_anywhere(&self, leg: &Leg, known: &mut HashMap<Alike, Ways>) -> (Option<Leak>, bool) {
        let spaces: Vec<&str> = leg.spaces.iter().map(String::as_str).collect();
        // Which pool counts is not known: the caller's, or that of whoever forwards.
        let incoming = Incoming::default();
        let local = LocalRoutes::default();
        let ways = self.known_ways(known, Start { spaces: &spaces, incoming: &incoming, local: &local });
        let caller = &leg.owner;
        let via = leg.via;
        let count = leg.count;
        let of_leg = |leak: &Leak| Leak { caller: caller.clone(), via, count, ..leak.clone() };
        (ways.leaks.iter().find(|leak| is_outbound(leak)).map(of_leg), ways.complete)
    }

    /// What rings outside when the receiver is lifted, unless it is a protected number.
    fn lifted(&self, caller: &Caller) -> Option<Leak> {
        if !matches!(caller.kind, CallerKind::Phone | CallerKind::Gateway | CallerKind::Css) {
            return None;
        }
        let routes = self.locked.iter().filter_map(|analysis| analysis.lifted_by(caller));
        let mut others = routes.filter(|route| !self.forms.contains(&route.called));
        others.find_map(|route| self.leak((caller.to_string(), caller.count), Via::Plar, String::new(), route))
    }

    fn leak(&self, (caller, count): (String, usize), via: Via, example: String, route: Route) -> Option<Leak> {
        let is_protected = self.text.protected_partitions.iter().any(|partition| route.passes(partition));
        let (pattern, partition, direction) = leaked(self.text, &route.end, false).filter(|_| !is_protected)?;
        Some(Leak { caller, via, pattern, partition, example, path: route.path, direction, count })
    }

    fn wanted<'w>(
        &'w self,
        inside: bool,
        most: usize,
        but: &'w BTreeSet<String>,
        Start { incoming, local, .. }: Start<'w>,
    ) -> Wanted<'w> {
        let but_partitions = &self.text.protected_partitions;
        Wanted { outside: true, inside, most, but, but_partitions, incoming, local }
    }
}

fn leaked(text: &PlanText, end: &End, inbound: bool) -> Option<(String, Option<String>, Direction)> {
    match end {
        End::Pstn { pattern, partition, .. } => Some((pattern.clone(), partition.clone(), Direction::Outbound)),
        // It lights a lamp: nobody talks to anybody.
        End::Inside { kind: EndpointKind::Feature(Feature::MessageWaiting), .. } => None,
        End::Inside { pattern, partition, .. } | End::OnNet { pattern, partition, .. } if inbound => {
            let at_eoc = text.eoc_pilot.is(pattern, partition.as_deref());
            (!at_eoc).then(|| (pattern.clone(), partition.clone(), Direction::Inbound))
        }
        // It goes out all the same; only its digits are not known.
        End::NotUnderstood { leaves_by: Some((pattern, partition)), .. } => {
            Some((pattern.clone(), partition.clone(), Direction::Outbound))
        }
        _ => None,
    }
}
