//! The search over all numbers at once against a count of every number there is, one by one, up to six digits. What counts
//! here reads patterns and follows calls in its own, slow way, and shares nothing with what it judges.

#![expect(clippy::unwrap_used, reason = "a test may")]

use lockdown::caller::Incoming;
use lockdown::dial_plan::{
    CallingSearchSpace, Destination, DialPlan, DigitChange, Discard, Endpoint, EndpointKind, Partition, RoutePattern,
    TranslationPattern,
};
use lockdown::hours::Hours;
use lockdown::ids::Uuid;
use lockdown::local_routes::LocalRoutes;
use lockdown::reach::{Dialling, DigitAnalysis, End, Wanted, Way};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Patterns name 1, 2, 9 and # only: 3 stands for all other digits.
const DIALLED: [char; 5] = ['1', '2', '3', '9', '#'];
const LONGEST: usize = 6;
const LONGEST_BY_KEYS: usize = 5;

/// Calling search spaces that are searched one after the other.
const CALLERS: &[&[&str]] = &[&["PHONE"], &["PHONE", "OTHER"], &["OTHER", "PHONE"], &[]];

#[derive(Clone)]
enum Piece {
    OneOf(Vec<char>),
    Many,
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = pattern.chars();
    while let Some(symbol) = rest.next() {
        match symbol {
            '.' => {}
            'X' => pieces.push(Piece::OneOf(('0'..='9').collect())),
            '!' => pieces.push(Piece::Many),
            '[' => pieces.push(Piece::OneOf(rest.by_ref().take_while(|c| *c != ']').collect())),
            digit => pieces.push(Piece::OneOf(vec![digit])),
        }
    }
    pieces
}

/// How many numbers of this length it takes, if it takes this one.
fn takes(pieces: &[Piece], digits: &[char]) -> Option<u128> {
    match (pieces.split_first(), digits.split_first()) {
        (None, None) => Some(1),
        (Some((Piece::OneOf(set), rest)), Some((digit, others))) if set.contains(digit) => {
            takes(rest, others).map(|count| count.saturating_mul(set.len() as u128))
        }
        (Some((Piece::Many, rest)), Some((digit, others))) if digit.is_ascii_digit() => {
            let ended = takes(rest, others);
            let goes_on = takes(pieces, others);
            ended.into_iter().chain(goes_on).min().map(|count: u128| count.saturating_mul(10))
        }
        _ => None,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Out(String),
    Inside(String),
    Elsewhere,
}

/// What a pattern of any kind is to the slow one.
struct One<'p> {
    text: &'p str,
    pieces: Vec<Piece>,
    partition: &'p str,
    does: Does<'p>,
}

enum Does<'p> {
    Out(&'p RoutePattern),
    On(&'p TranslationPattern),
    In(&'p Endpoint),
}

fn all(plan: &DialPlan) -> Vec<One<'_>> {
    let out = plan.route_patterns.iter().map(|p| One {
        text: &p.pattern,
        pieces: pieces(&p.pattern),
        partition: p.partition.as_deref().unwrap(),
        does: Does::Out(p),
    });
    let on = plan.translation_patterns.iter().map(|p| One {
        text: &p.pattern,
        pieces: pieces(&p.pattern),
        partition: p.partition.as_deref().unwrap(),
        does: Does::On(p),
    });
    let inside = plan.endpoints.iter().map(|p| One {
        text: &p.pattern,
        pieces: pieces(&p.pattern),
        partition: p.partition.as_deref().unwrap(),
        does: Does::In(p),
    });
    out.chain(on).chain(inside).collect()
}

/// Could it take more than these digits?
fn takes_more(pieces: &[Piece], digits: &[char]) -> bool {
    match (pieces.split_first(), digits.split_first()) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some((Piece::OneOf(set), rest)), Some((digit, others))) => set.contains(digit) && takes_more(rest, others),
        (Some((Piece::Many, rest)), Some((digit, others))) => {
            digit.is_ascii_digit() && (others.is_empty() || takes_more(pieces, others) || takes_more(rest, others))
        }
    }
}

fn closest<'o, 'p>(all: &'o [One<'p>], searched: &[String], digits: &[char]) -> Option<&'o One<'p>> {
    let matches = all.iter().filter_map(|one| {
        let rank = searched.iter().position(|name| name == one.partition)?;
        Some((takes(&one.pieces, digits)?, rank, one.text, one))
    });
    matches.min_by_key(|(count, rank, text, _)| (*count, *rank, *text)).map(|(_, _, _, one)| one)
}

/// Presses keys until some pattern takes the call.
fn press(all: &[One<'_>], searched: &[String], digits: &mut Vec<char>, keys: &mut Vec<char>) {
    loop {
        let urgent = closest(all, searched, digits).is_some_and(|one| match one.does {
            Does::Out(route) => route.urgent,
            Does::On(translation) => translation.urgent,
            Does::In(endpoint) => endpoint.urgent,
        });
        let sees = |one: &&One<'_>| searched.iter().any(|name| name == one.partition);
        let waits = all.iter().filter(sees).any(|one| takes_more(&one.pieces, digits));
        if !digits.is_empty() && (urgent || !waits) || keys.is_empty() {
            return;
        }
        digits.push(keys.remove(0));
    }
}

/// Where a call ends, whether it met the protected partition, and how many keys were taken.
type Followed = (Ended, bool, usize);

/// Dialled all at once, or key by key.
fn follow(plan: &DialPlan, all: &[One<'_>], spaces: &[&str], dialled: &str, by_keys: bool) -> Followed {
    let members = |css: &str| plan.calling_search_spaces.iter().find(|c| c.name == css).unwrap().members.clone();
    let mut searched: Vec<String> = spaces.iter().flat_map(|css| members(css)).collect();
    let all_keys: Vec<char> = dialled.chars().collect();
    let (mut digits, mut keys) = if by_keys { (vec![], all_keys) } else { (all_keys, vec![]) };
    let mut protected = false;
    let mut listens = by_keys;
    // The one after ten translations may still be an end.
    for _ in 0..=10 {
        if listens {
            press(all, &searched, &mut digits, &mut keys);
        }
        let Some(won) = closest(all, &searched, &digits) else {
            return (Ended::Elsewhere, protected, dialled.len() - keys.len());
        };
        protected |= won.partition == "P";
        let place = format!("{} in {}", won.text, won.partition);
        let translation = match won.does {
            Does::Out(route) if !route.blocked && route.on_net => {
                return (Ended::Inside(place), protected, dialled.len() - keys.len());
            }
            Does::Out(route) if !route.blocked => return (Ended::Out(place), protected, dialled.len() - keys.len()),
            Does::In(endpoint) if !endpoint.dead => {
                return (Ended::Inside(place), protected, dialled.len() - keys.len());
            }
            Does::On(translation) if !translation.blocked => translation,
            _ => return (Ended::Elsewhere, protected, dialled.len() - keys.len()),
        };
        let mut kept = digits.clone();
        if matches!(translation.change.discard, Discard::PreDot | Discard::PreDotTrailingPound) {
            kept.drain(..won.text.split_once('.').map_or(0, |(head, _)| pieces(head).len()));
        }
        if matches!(translation.change.discard, Discard::PreDotTrailingPound | Discard::TrailingPound) {
            while kept.last() == Some(&'#') {
                kept.pop();
            }
        }
        if let Some(mask) = &translation.change.mask {
            let mask = mask.chars().collect::<Vec<_>>();
            let mut masked = Vec::new();
            for (from_right, symbol) in mask.iter().rev().enumerate() {
                if *symbol != 'X' {
                    masked.insert(0, *symbol);
                } else if from_right < kept.len() {
                    masked.insert(0, kept[kept.len() - 1 - from_right]);
                }
            }
            kept = masked;
        }
        digits = translation.change.prefix.iter().flat_map(|prefix| prefix.chars()).chain(kept).collect();
        if !translation.use_originator_css {
            searched = members(translation.css.as_deref().unwrap());
        }
        listens = by_keys && !translation.at_once;
    }
    (Ended::Elsewhere, protected, dialled.len() - keys.len())
}

/// Every number of up to so many of these digits.
fn every_number(longest: usize) -> impl Iterator<Item = String> {
    (1..=longest).flat_map(|length| {
        (0..DIALLED.len().pow(u32::try_from(length).unwrap())).map(move |mut number| {
            (0..length)
                .map(|_| {
                    let digit = DIALLED[number % DIALLED.len()];
                    number /= DIALLED.len();
                    digit
                })
                .collect()
        })
    })
}

fn pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        "[129]{1,3}X{0,2}",
        "9\\.[129X]{1,3}",
        "9\\.!",
        "9\\.[12]?!",
        "9\\.!#",
        "\\[129\\][X12]{1,2}",
        "[129]!",
        "XX{0,3}"
    ]
}

fn partition() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["A", "B", "C", "P"][..])
}

fn uuid(text: &str, partition: &str, kind: &str) -> Uuid {
    Uuid::from(format!("{kind}-{text}-{partition}"))
}

fn route() -> impl Strategy<Value = RoutePattern> {
    let list = |name: &str| Destination::RouteList(name.into());
    let destination = prop::sample::select(vec![Destination::NotRead, list(HERE_NOWHERE), list(HERE_INSIDE)]);
    let far = prop::sample::select(&[(false, false), (false, false), (false, false), (true, false), (false, true)][..]);
    let states = (prop::bool::weighted(0.2), far, prop::bool::weighted(0.3), destination);
    (pattern(), partition(), states).prop_map(|(pattern, partition, (blocked, far, urgent, destination))| {
        RoutePattern {
            uuid: uuid(&pattern, partition, "r"),
            pattern,
            partition: Some(partition.into()),
            blocked,
            urgent,
            change: DigitChange::default(),
            emergency: false,
            destination,
            on_net: far.0,
            dead: far.1,
            filtered: false,
        }
    })
}

/// Route lists that lead nowhere, or stay inside, from the device pool that is looked at.
const HERE_NOWHERE: &str = "RL-NOWHERE";
const HERE_INSIDE: &str = "RL-INSIDE";

fn here() -> LocalRoutes {
    LocalRoutes {
        pools: ["HERE".to_owned()].into(),
        nowhere: [HERE_NOWHERE.to_owned()].into(),
        inside: [HERE_INSIDE.to_owned()].into(),
    }
}

/// As if it were so from everywhere; and what has nothing behind it might as well be blocked.
fn as_from_there(plan: &DialPlan, is_here: bool) -> DialPlan {
    let mut plan = plan.clone();
    for route in &mut plan.route_patterns {
        let is = |name: &str| is_here && route.destination == Destination::RouteList(name.into());
        let blocked = route.blocked || route.dead || is(HERE_NOWHERE);
        let on_net = route.on_net || is(HERE_INSIDE);
        route.blocked = blocked;
        route.on_net = on_net;
    }
    plan
}

fn translation() -> impl Strategy<Value = TranslationPattern> {
    let discard = prop::sample::select(
        &[Discard::Nothing, Discard::PreDot, Discard::PreDot, Discard::PreDotTrailingPound, Discard::TrailingPound][..],
    );
    let mask = prop::option::of(prop::sample::select(&["12", "9XX", "XX", "1X2X"][..]));
    let prefix = prop::option::of(prop::sample::select(&["9", "12"][..]));
    let css = prop::option::of(prop::sample::select(&["PHONE", "OTHER", "INSIDE"][..]));
    let states = (prop::bool::weighted(0.7), prop::bool::weighted(0.2));
    let change = (discard, mask, prefix);
    (pattern(), partition(), change, css, states).prop_map(|(pattern, partition, change, css, (urgent, at_once))| {
        let (discard, mask, prefix) = change;
        TranslationPattern {
            uuid: uuid(&pattern, partition, "t"),
            pattern,
            partition: Some(partition.into()),
            blocked: false,
            urgent,
            change: DigitChange { discard, mask: mask.map(str::to_owned), prefix: prefix.map(str::to_owned) },
            use_originator_css: css.is_none(),
            at_once,
            css: css.map(str::to_owned),
            emergency: false,
            filtered: false,
            by_calling_number: false,
        }
    })
}

fn plan() -> impl Strategy<Value = DialPlan> {
    let endpoint = ("[12][129]{1,3}", partition(), prop::bool::weighted(0.2));
    let endpoint = endpoint.prop_map(|(pattern, partition, dead)| Endpoint {
        pattern,
        partition: Some(partition.into()),
        kind: EndpointKind::DirectoryNumber,
        urgent: false,
        dead,
    });
    let order = Just(vec!["A", "B", "C", "P"]).prop_shuffle();
    (
        prop::collection::vec(route(), 1..7),
        prop::collection::vec(translation(), 0..5),
        prop::collection::vec(endpoint, 0..4),
        order.clone(),
        order,
        1..4_usize,
    )
        .prop_map(|(mut routes, mut translations, mut endpoints, phone, other, seen)| {
            // Of each text one in a partition, as CUCM has it.
            let mut taken = BTreeSet::new();
            let mut free =
                |pattern: &str, partition: &Option<String>| taken.insert((pattern.replace('.', ""), partition.clone()));
            routes.retain(|p| free(&p.pattern, &p.partition));
            translations.retain(|p| free(&p.pattern, &p.partition));
            endpoints.retain(|p| free(&p.pattern, &p.partition));
            // What looks up its digits there rings, whatever else the plan holds.
            endpoints.extend(["12", "129"].map(|pattern| Endpoint {
                pattern: pattern.into(),
                partition: Some("E".into()),
                kind: EndpointKind::HuntPilot,
                urgent: false,
                dead: false,
            }));
            let css = |name: &str, members: &[&str]| CallingSearchSpace {
                uuid: Uuid::from(name),
                name: name.into(),
                members: members.iter().map(|m| (*m).to_owned()).collect(),
            };
            DialPlan {
                partitions: ["A", "B", "C", "P", "E"]
                    .map(|name| Partition { uuid: Uuid::from(name), name: name.into(), schedule: None, zone: None })
                    .into(),
                calling_search_spaces: vec![
                    css("PHONE", &phone[..seen]),
                    css("OTHER", &other[1..]),
                    css("INSIDE", &["E"]),
                ],
                route_patterns: routes,
                translation_patterns: translations,
                endpoints,
                ..DialPlan::default()
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn no_number_that_gets_out_is_missed_and_every_example_is_true(
        plan in plan(),
        but in prop::collection::btree_set("[129]{2,4}", 0..3),
        spaces in prop::sample::select(CALLERS),
        inside in prop::bool::weighted(0.8),
        is_here in any::<bool>(),
    ) {
        let analysis = DigitAnalysis::new(&plan, &Hours::All);
        let protected = ["P".to_owned()];
        let incoming = Incoming::default();
        let local = if is_here { here() } else { LocalRoutes::default() };
        let wanted = Wanted { outside: true, inside, most: usize::MAX, but: &but, but_partitions: &protected, incoming: &incoming, local: &local };
        let ways = analysis.ways(spaces, &wanted);
        let seen = as_from_there(&plan, is_here);
        let all = all(&seen);
        let found: BTreeMap<Ended, Way> =
            ways.found.iter().map(|way| (ended(&way.route.end), way.clone())).collect();
        for (end, way) in &found {
            let by_keys = way.how == Dialling::DigitByDigit;
            let (ends, protected, _) = follow(&seen, &all, spaces, &way.digits, by_keys);
            prop_assert_eq!((ends, protected), (end.clone(), false), "{:?}", way);
            prop_assert!(!but.contains(&way.digits));
        }
        for (by_keys, longest) in [(false, LONGEST), (true, LONGEST_BY_KEYS)] {
            for number in every_number(longest) {
                let (end, protected, taken) = follow(&seen, &all, spaces, &number, by_keys);
                // What is pressed behind such a number and is not heard makes it no other.
                if but.contains(&number[..taken]) {
                    continue;
                }
                let is_wanted = match end {
                    Ended::Out(_) => true,
                    Ended::Inside(_) => inside,
                    Ended::Elsewhere => false,
                };
                if !protected && is_wanted {
                    prop_assert!(
                        found.contains_key(&end) || !ways.complete,
                        "{} (by keys: {}) ends {:?}: {:?}", number, by_keys, end, found
                    );
                }
            }
        }
        let any = analysis.ways(spaces, &Wanted { most: 1, ..wanted });
        prop_assert_eq!(any.found.len(), found.len().min(1), "whether there is one at all");
    }
}

proptest! {
    // What it looks for is rare.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn numbers_that_no_pattern_takes_bear_on_no_way_out(
        mut plan in plan(),
        numbers in prop::collection::btree_set("[129]{2,4}", 1..4),
    ) {
        plan.partitions.push(Partition { uuid: Uuid::from("Q"), name: "Q".into(), schedule: None, zone: None });
        let mut members = plan.calling_search_spaces[0].members.clone();
        members.insert(0, "Q".into());
        plan.calling_search_spaces.push(CallingSearchSpace { uuid: Uuid::from("QUIET"), name: "QUIET".into(), members });
        plan.endpoints.extend(numbers.into_iter().map(|pattern| Endpoint {
            pattern,
            partition: Some("Q".into()),
            kind: EndpointKind::DirectoryNumber,
            urgent: false,
            dead: false,
        }));
        let analysis = DigitAnalysis::new(&plan, &Hours::All);
        if analysis.bearing_on_ways_out(&["QUIET"]) != analysis.bearing_on_ways_out(&["PHONE"]) {
            return Ok(());
        }
        let seen = as_from_there(&plan, false);
        let all = all(&seen);
        let goes = |space: &str, number: &str, by_keys: bool| match follow(&seen, &all, &[space], number, by_keys).0 {
            Ended::Inside(_) => Ended::Elsewhere,
            end => end,
        };
        let mut by_keys = [BTreeSet::new(), BTreeSet::new()];
        for number in every_number(LONGEST_BY_KEYS) {
            let [quiet, phone] = ["QUIET", "PHONE"].map(|space| goes(space, &number, false));
            prop_assert_eq!(quiet, phone, "{}", number);
            for (ends, space) in by_keys.iter_mut().zip(["QUIET", "PHONE"]) {
                ends.insert(goes(space, &number, true));
            }
        }
        let [quiet, phone] = by_keys;
        prop_assert_eq!(quiet, phone, "key by key");
        let but = BTreeSet::new();
        let protected = [];
        let incoming = Incoming::default();
        let local = LocalRoutes::default();
        let wanted = Wanted { outside: true, inside: false, most: usize::MAX, but: &but, but_partitions: &protected, incoming: &incoming, local: &local };
        for way in analysis.ways(&["PHONE"], &wanted).found {
            let by_keys = way.how == Dialling::DigitByDigit;
            prop_assert_eq!(goes("QUIET", &way.digits, by_keys), ended(&way.route.end), "{:?}", way);
        }
    }
}

fn ended(end: &End) -> Ended {
    let place = |pattern: &str, partition: &Option<String>| {
        format!("{pattern} in {}", partition.as_deref().unwrap_or("<None>"))
    };
    match end {
        End::Pstn { pattern, partition, .. } => Ended::Out(place(pattern, partition)),
        End::Inside { pattern, partition, .. } | End::OnNet { pattern, partition, .. } => {
            Ended::Inside(place(pattern, partition))
        }
        _ => Ended::Elsewhere,
    }
}
