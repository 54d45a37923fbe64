//! Where calls go, for a picture: callers that reach the same places, normal and locked.

use super::emergency::is_form_of;
use super::forms::dialled_forms;
use super::{CallerReach, Direction, EmergencyReach, Reach, Reached};
use crate::caller::{CallerKind, Incoming, Start};
use crate::dial_plan::{DialPlan, Endpoint};
use crate::hours::Hours;
use crate::local_routes::LocalRoutes;
use crate::pattern::Pattern;
use crate::plan::{LockPlan, PlanText};
use crate::reach::{DigitAnalysis, End, Route, Wanted, Way};
use crate::steps::Target;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Where a call can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// By anything but a protected number.
    Pstn,
    /// Every protected number that anybody reaches, by the PSTN.
    Emergency,
    /// Not all of them.
    EmergencyInPart,
    Eoc,
    /// A directory number or a hunt pilot.
    Inside,
    OtherCluster,
    /// Or nowhere, or in circles: the caller hears a tone.
    Blocked,
    NotUnderstood,
}

impl Place {
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Pstn => "PSTN",
            Self::Emergency => "Emergency",
            Self::EmergencyInPart => "Emergency (part)",
            Self::Eoc => "EOC",
            Self::Inside => "Inside",
            Self::OtherCluster => "On-net",
            Self::Blocked => "Blocked",
            Self::NotUnderstood => "Not understood",
        }
    }
}

/// Callers of a kind that reach the same places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    pub kind: CallerKind,
    /// Of the EOC: it reaches the PSTN when locked, too.
    pub own: bool,
    /// Devices.
    pub count: usize,
    /// Which of the callers of the check.
    pub callers: Vec<usize>,
    pub normal: BTreeSet<Place>,
    pub locked: BTreeSet<Place>,
    /// Those of `locked` that lead past the lock.
    pub leaks: BTreeSet<Place>,
}

/// Calls that are followed of each list of calling search spaces: one by each pattern.
const FOLLOWED: usize = 200;

/// Of calls that stay inside, from callers of the site: enough to see whether they do more than ring the EOC.
const INSIDE: usize = 12;

/// Groups callers, worst first: with a leak, then by the number of devices.
///
/// Leaks and emergency numbers are as they were proved; where else calls go is found by following one call by each pattern
/// (200 at most) that takes calls in normal times. Grows with the callers that search different partitions.
pub fn flows(text: &PlanText, dial_plan: &DialPlan, reach: &Reach) -> Vec<Flow> {
    let Ok(plan) = text.freeze(dial_plan) else { return Vec::new() };
    let states = States::of(&plan, dial_plan);
    let followed = Followed::new(text, dial_plan, &states);
    let mut known: HashMap<Alike, Places> = HashMap::new();
    let of = |direction| -> HashSet<&str> {
        let leaks = reach.leaks.iter().filter(|leak| leak.direction == direction);
        leaks.map(|leak| leak.caller.as_str()).collect()
    };
    let comes_in = of(Direction::Inbound);
    let gets_out = of(Direction::Outbound);
    let numbers = reached_by_anybody(text, reach);
    let mut flows: Vec<Flow> = Vec::new();
    for (at, caller) in reach.callers.iter().enumerate() {
        let spaces = caller.caller.spaces();
        let start = caller.caller.start(&spaces);
        let places = known.entry(followed.alike(start));
        let places = places.or_insert_with(|| followed.places(start, true).and(&followed.places(start, false)));
        let id = caller.caller.to_string();
        let leaks = gets_out.contains(id.as_str()).then_some(Place::Pstn).into_iter();
        let leaks = leaks.chain(comes_in.contains(id.as_str()).then_some(Place::Inside)).collect();
        let one = flow(text, at, caller, places.clone(), leaks, &numbers);
        match flows.iter_mut().find(|flow| is_alike(flow, &one)) {
            Some(flow) => {
                flow.count += one.count;
                flow.callers.push(at);
            }
            None => flows.push(one),
        }
    }
    flows.sort_by_key(|flow| (flow.leaks.is_empty(), std::cmp::Reverse(flow.count)));
    flows
}

fn is_alike(a: &Flow, b: &Flow) -> bool {
    (a.kind, a.own) == (b.kind, b.own) && a.normal == b.normal && a.locked == b.locked && a.leaks == b.leaks
}

/// Protected numbers that get out from somewhere, in some form.
fn reached_by_anybody<'t>(text: &'t PlanText, reach: &Reach) -> Vec<&'t str> {
    let numbers = text.protected_numbers.iter().map(String::as_str);
    numbers.filter(|number| reach.callers.iter().any(|caller| gets_out(caller, number, |one| one.normal))).collect()
}

fn gets_out(caller: &CallerReach, number: &str, state: fn(&EmergencyReach) -> Reached) -> bool {
    let forms = caller.emergency.iter().filter(|one| is_form_of(&one.number, number));
    forms.map(state).any(|reached| reached <= Reached::Waits)
}

/// All of these, some of them, or none.
fn emergency(caller: &CallerReach, numbers: &[&str], state: fn(&EmergencyReach) -> Reached) -> Option<Place> {
    match numbers.iter().filter(|number| gets_out(caller, number, state)).count() {
        0 => None,
        all if all == numbers.len() => Some(Place::Emergency),
        _ => Some(Place::EmergencyInPart),
    }
}

fn flow(
    text: &PlanText,
    at: usize,
    reach: &CallerReach,
    places: Places,
    leaks: BTreeSet<Place>,
    numbers: &[&str],
) -> Flow {
    let Places { mut normal, mut locked } = places;
    // As it was proved.
    for places in [&mut normal, &mut locked] {
        places.remove(&Place::Emergency);
    }
    normal.extend(emergency(reach, numbers, |one| one.normal));
    locked.extend(emergency(reach, numbers, |one| one.locked));
    let own = text.eoc_css.iter().any(|css| reach.caller.uses(css));
    normal.extend(reach.pstn.normal.then_some(Place::Pstn));
    locked.extend(reach.pstn.locked.then_some(Place::Pstn));
    locked.extend(&leaks);
    Flow { kind: reach.caller.kind, own, count: reach.caller.count, callers: vec![at], normal, locked, leaks }
}

#[derive(Clone, Default)]
struct Places {
    normal: BTreeSet<Place>,
    locked: BTreeSet<Place>,
}

impl Places {
    fn and(&self, others: &Self) -> Self {
        Self { normal: &self.normal | &others.normal, locked: &self.locked | &others.locked }
    }
}

struct States {
    normal: DialPlan,
    locked: DialPlan,
}

impl States {
    fn of(plan: &LockPlan, dial_plan: &DialPlan) -> Self {
        let [normal, locked] = [Target::Normal, Target::Locked].map(|target| plan.applied_to(dial_plan, target));
        Self { normal, locked }
    }
}

/// Those that are named, and others with a number that rings.
fn partitions<'s>(text: &'s PlanText, dial_plan: &'s DialPlan, states: &States) -> [BTreeSet<&'s str>; 2] {
    let translations =
        [dial_plan, &states.normal, &states.locked].into_iter().flat_map(|plan| &plan.translation_patterns);
    let returning = translations.filter(|translation| translation.use_originator_css);
    let made: BTreeSet<String> = returning.filter_map(|translation| translation.change.fixed()).collect();
    let takes_one = |one: &Endpoint| {
        let pattern = Pattern::parse(&one.pattern).ok().filter(|_| !made.is_empty());
        pattern.is_some_and(|pattern| made.iter().any(|digits| pattern.closeness(digits).is_some()))
    };
    let partition = |endpoint: &'s Endpoint| Some((endpoint, endpoint.partition.as_deref()?));
    let numbers = dial_plan.endpoints.iter().filter_map(partition);
    let named = numbers.clone().filter(|(one, _)| takes_one(one)).map(|(_, partition)| partition);
    let named = named.chain([text.eoc_pilot.partition.as_str()]).collect();
    [named, numbers.filter(|(one, _)| !one.dead).map(|(_, partition)| partition).collect()]
}

fn is_volatile(states: &States) -> bool {
    let schedule = |plan: &DialPlan, name: Option<&str>| {
        name.and_then(|name| plan.partition(name)).and_then(|partition| partition.schedule.clone())
    };
    let translations = states.normal.translation_patterns.iter().zip(&states.locked.translation_patterns);
    let mut returning = translations.filter(|(normal, _)| normal.use_originator_css && normal.change.fixed().is_none());
    returning.any(|(normal, locked)| {
        let partition = normal.partition.as_deref();
        normal != locked || schedule(&states.normal, partition) != schedule(&states.locked, partition)
    })
}

struct Followed<'s> {
    text: &'s PlanText,
    forms: BTreeSet<String>,
    normal: DigitAnalysis<'s>,
    /// At all hours that are looked at.
    locked: Vec<DigitAnalysis<'s>>,
    /// Partitions whose numbers are told apart from others: the pilot's, and those of what a translation makes that looks up
    /// its digits from where the caller does.
    named: BTreeSet<&'s str>,
    /// Others with a number that rings.
    ringing: BTreeSet<&'s str>,
    /// A lock changes what some translation makes of digits, or whether it is seen, and nobody knows which digits it looks up
    /// where the caller does.
    volatile: bool,
}

/// What callers find in one state of the plan, as far as it can make a difference to where calls end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Found {
    /// Partitions that bear on ways out, or whose numbers are told apart from others, in their order.
    in_order: Vec<String>,
    /// A number besides that rings.
    rings: bool,
}

/// Callers for whom this is the same reach the same places, in each state. Of callers from outside also what they search at
/// all: for each number it is looked at where they end.
type Alike = (Vec<Found>, Option<Vec<String>>, Incoming, LocalRoutes);

impl<'s> Followed<'s> {
    fn new(text: &'s PlanText, dial_plan: &'s DialPlan, states: &'s States) -> Self {
        let mut forms = dialled_forms(text, dial_plan);
        forms.extend(dialled_forms(text, &states.normal));
        let normal = DigitAnalysis::new(&states.normal, &Hours::All);
        let hours = Hours::of([&states.locked]);
        let locked = hours.iter().map(|hours| normal.in_state(&states.locked, hours)).collect();
        let [named, ringing] = partitions(text, dial_plan, states);
        let volatile = is_volatile(states);
        Self { text, forms, normal, locked, named, ringing, volatile }
    }

    fn alike(&self, Start { spaces, incoming, local }: Start<'_>) -> Alike {
        let states = || std::iter::once(&self.normal).chain(&self.locked);
        let names = |analysis: &DigitAnalysis<'_>| -> BTreeSet<String> {
            analysis.searched_by_name(spaces).filter(|(_, quiet)| *quiet).map(|(name, _)| name.to_owned()).collect()
        };
        let normally = names(&self.normal);
        // Whose numbers come and go with the lock, each of them counts.
        let each_counts = self.volatile || states().any(|analysis| names(analysis) != normally);
        let found = |analysis: &DigitAnalysis<'_>| {
            let searched = analysis.searched_by_name(spaces);
            let counts = |(name, quiet): &(&str, bool)| each_counts || !quiet || self.named.contains(name);
            let (in_order, others): (Vec<_>, Vec<_>) = searched.partition(counts);
            let rings = others.iter().any(|(name, _)| self.ringing.contains(name));
            Found { in_order: in_order.into_iter().map(|(name, _)| name.to_owned()).collect(), rings }
        };
        let all = || spaces.iter().map(|name| (*name).to_owned()).collect();
        (states().map(found).collect(), self.comes_in(spaces).then(all), incoming.clone(), local.clone())
    }

    fn comes_in(&self, spaces: &[&str]) -> bool {
        self.text.inbound_css.iter().any(|name| spaces.contains(&name.as_str()))
    }

    /// Of calls that go out in normal times, or of those that stay inside.
    fn places(&self, start: Start<'_>, outside: bool) -> Places {
        let Start { spaces, incoming, local } = start;
        let most = if outside || self.comes_in(spaces) { FOLLOWED } else { INSIDE };
        let mut places = Places::default();
        let but = incoming.dialled(&self.forms);
        let wanted = self.wanted(outside, most, &but, start);
        for Way { digits, how, route } in self.normal.ways(spaces, &wanted).found {
            let digits = incoming.looked_up(&digits);
            places.normal.insert(self.place(&route));
            let routes = self.locked.iter().map(|analysis| local.end_of(analysis.route(spaces, &digits, how)));
            places.locked.extend(routes.map(|route| self.place(&route)));
        }
        places
    }

    fn wanted<'w>(
        &'w self,
        outside: bool,
        most: usize,
        but: &'w BTreeSet<String>,
        Start { incoming, local, .. }: Start<'w>,
    ) -> Wanted<'w> {
        let but_partitions = &self.text.protected_partitions;
        Wanted { outside, inside: !outside, most, but, but_partitions, incoming, local }
    }

    fn place(&self, route: &Route) -> Place {
        let protected = self.text.protected_partitions.iter().any(|partition| route.passes(partition));
        match &route.end {
            End::Pstn { .. } if protected || self.forms.contains(&route.called) => Place::Emergency,
            End::Pstn { .. } | End::NotUnderstood { leaves_by: Some(_), .. } => Place::Pstn,
            End::Inside { pattern, partition, .. } | End::OnNet { pattern, partition, .. }
                if self.text.eoc_pilot.is(pattern, partition.as_deref()) =>
            {
                Place::Eoc
            }
            End::Inside { .. } => Place::Inside,
            End::OnNet { .. } => Place::OtherCluster,
            End::Blocked { .. } | End::NoRoute | End::Loop => Place::Blocked,
            End::NotUnderstood { .. } => Place::NotUnderstood,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::judge;
    use super::super::tests::{block, caller, dial_plan, route, schedule_step, text};
    use super::*;
    use crate::caller::{Caller, Callers};
    use crate::dial_plan::{
        CallingSearchSpace, DigitChange, Discard, Endpoint, EndpointKind, Partition, TranslationPattern,
    };
    use crate::ids::Uuid;
    use crate::steps::{CssMembersText, Group};
    use Place::{Blocked, Emergency, Eoc, Inside, Pstn};

    /// Devices, normal, locked, leaks.
    type Row = (usize, Vec<Place>, Vec<Place>, Vec<Place>);

    fn drawn(text: &PlanText, plan: &DialPlan) -> Vec<Row> {
        let reach = judge(text, plan).reach.expect("the plan's objects are there");
        let list = |places: BTreeSet<Place>| places.into_iter().collect();
        let row = |flow: Flow| (flow.count, list(flow.normal), list(flow.locked), list(flow.leaks));
        flows(text, plan, &reach).into_iter().map(row).collect()
    }

    #[test]
    fn what_went_out_ends_at_the_eoc_and_an_emergency_number_still_gets_out() {
        let rows = drawn(&text(vec![schedule_step()]), &dial_plan());
        assert_eq!(rows, [(7, vec![Pstn, Emergency], vec![Emergency, Eoc], vec![])]);
    }

    #[test]
    fn what_has_no_mirror_and_is_blocked_ends_with_a_tone() {
        let mut plan = dial_plan();
        plan.translation_patterns.clear();
        let rows = drawn(&text(vec![block("9.[2-9]XXXXXX", "PSTN")]), &plan);
        assert_eq!(rows, [(7, vec![Pstn, Emergency], vec![Emergency, Blocked], vec![])]);
    }

    #[test]
    fn callers_with_a_leak_stand_first_and_the_eocs_own_are_none() {
        let mut plan = dial_plan();
        plan.route_patterns.push(route("8.[2-9]XXXXXX", "PSTN"));
        let space = |name: &str, members: &[&str]| CallingSearchSpace {
            uuid: Uuid::from(name),
            name: name.into(),
            members: members.iter().map(|member| (*member).into()).collect(),
        };
        plan.calling_search_spaces.push(space("DESK", &["PSTN"]));
        plan.calling_search_spaces.push(space("BARE", &[]));
        let bare = Caller { count: 90, ..caller(None, Some("BARE")) };
        plan.callers = Callers::Read(vec![bare, caller(None, Some("PHONE")), caller(Some("DESK"), None)]);
        let text = PlanText { eoc_css: vec!["DESK".into()], ..text(vec![schedule_step()]) };
        assert_eq!(
            drawn(&text, &plan),
            [
                (7, vec![Pstn, Emergency], vec![Pstn, Emergency, Eoc], vec![Pstn]),
                (90, vec![], vec![], vec![]),
                (7, vec![Pstn], vec![Pstn], vec![]),
            ]
        );
    }

    #[test]
    fn a_call_that_comes_in_past_the_eoc_is_a_leak_inside() {
        let mut plan = dial_plan();
        let inside = |pattern: &str| Endpoint {
            pattern: pattern.into(),
            partition: Some("EOC".into()),
            kind: EndpointKind::DirectoryNumber,
            urgent: false,
            dead: false,
        };
        plan.endpoints.push(inside("5002"));
        let trunk = Caller { kind: CallerKind::Trunk, count: 1, ..caller(None, Some("TO-EOC")) };
        plan.callers = Callers::Read(vec![trunk]);
        let text = PlanText { inbound_css: vec!["TO-EOC".into()], ..text(vec![schedule_step()]) };
        assert_eq!(drawn(&text, &plan), [(1, vec![Eoc, Inside], vec![Eoc, Inside], vec![Inside])]);
    }

    #[test]
    fn whose_numbers_a_lock_takes_away_is_drawn_by_itself() {
        let mut plan = dial_plan();
        let space = |name: &str, members: &[&str]| CallingSearchSpace {
            uuid: Uuid::from(name),
            name: name.into(),
            members: members.iter().map(|member| (*member).into()).collect(),
        };
        let number = |pattern: &str, partition: &str| Endpoint {
            pattern: pattern.into(),
            partition: Some(partition.into()),
            kind: EndpointKind::DirectoryNumber,
            urgent: false,
            dead: false,
        };
        let partition =
            |name: &str| Partition { uuid: Uuid::from(name), name: name.into(), schedule: None, zone: None };
        plan.partitions.extend(["INT", "FEW"].map(partition));
        plan.endpoints.extend([number("5001", "INT"), number("5900", "FEW")]);
        plan.calling_search_spaces.extend([space("STAFF", &["INT"]), space("LOBBY", &["INT"])]);
        plan.callers = Callers::Read(vec![caller(None, Some("STAFF")), caller(None, Some("LOBBY"))]);
        let few = CssMembersText {
            group: Group::OutboundRedirect,
            css: "LOBBY".into(),
            normal: vec!["INT".into()],
            locked: vec!["FEW".into()],
        };
        let rows = drawn(&text(vec![few.into()]), &plan);
        assert_eq!(rows, [(7, vec![Inside], vec![Inside], vec![]), (7, vec![Inside], vec![Blocked], vec![])]);
    }

    #[test]
    fn whom_a_mirror_of_the_callers_own_space_rings_is_told_apart() {
        let mut plan = dial_plan();
        let own = TranslationPattern {
            pattern: "8.1XXX".into(),
            change: DigitChange { discard: Discard::PreDot, ..DigitChange::default() },
            use_originator_css: true,
            css: None,
            ..plan.translation_patterns[0].clone()
        };
        plan.translation_patterns.push(TranslationPattern { uuid: Uuid::from("own"), ..own });
        plan.route_patterns.push(route("8.1XXX", "PSTN"));
        for (number, partition) in [("1000", "A"), ("2000", "B")] {
            plan.partitions.push(Partition {
                uuid: Uuid::from(partition),
                name: partition.into(),
                schedule: None,
                zone: None,
            });
            plan.endpoints.push(Endpoint {
                pattern: number.into(),
                partition: Some(partition.into()),
                kind: EndpointKind::DirectoryNumber,
                urgent: false,
                dead: false,
            });
            plan.calling_search_spaces.push(CallingSearchSpace {
                uuid: Uuid::from(format!("css {partition}")),
                name: format!("CSS-{partition}"),
                members: ["LOCK", "911", "PSTN", partition].map(str::to_owned).into(),
            });
        }
        plan.callers = Callers::Read(vec![caller(None, Some("CSS-A")), caller(None, Some("CSS-B"))]);
        let rows = drawn(&text(vec![schedule_step()]), &plan);
        assert_eq!(rows.len(), 2, "1000 rings for one, and nothing for the other: {rows:?}");
    }
}
