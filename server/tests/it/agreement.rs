//! The product's digit analysis and the simulator's, written apart, follow the same calls.

use engine::ports::{DialPlan, Hurry};
use lockdown::caller::{Caller, CallerKind};
use lockdown::dial_plan::{DialPlan as Facts, EndpointKind};
use lockdown::guard::{self, Place};
use lockdown::hours::Hours;
use lockdown::plan::{Pilot, PlanText};
use lockdown::reach::{Dialling, DigitAnalysis, End};
use lockdown::steps::{Group, PartitionScheduleText, Patterns, RoutePatternBlockText, StepText, Target};
use proptest::prelude::*;
use proptest::test_runner::TestRng;
use server::dial_plan::cucm::Cucm;
use simulators::CucmSim;
use simulators::cucm::Cluster;
use simulators::cucm::digits::{self, Exchange, Outcome};
use simulators::cucm::town::{self, Style, Town};
use std::collections::BTreeSet;
use std::sync::Arc;

fn schedule(group: Group, partition: &str, never: &str) -> StepText {
    StepText::PartitionSchedule(PartitionScheduleText {
        group,
        partition: partition.into(),
        normal: Some(never.into()),
        locked: None,
    })
}

fn block(partition: &str) -> StepText {
    StepText::RoutePatternBlock(RoutePatternBlockText {
        group: Group::OutboundBlock,
        patterns: Patterns::AllExcept(vec![]),
        partition: partition.into(),
        acknowledge_gateway: false,
    })
}

fn plan(name: &str) -> PlanText {
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let site = lockdown::ids::SiteId::try_from(name).unwrap();
    if name == "acme-north" {
        let partitions = ["PT-PSTN-LOCAL", "PT-PSTN-LD", "PT-PSTN-INTL", "PT-PSTN-TOLLFREE", "PT-PSTN-E164"];
        let mut steps = vec![
            schedule(Group::InboundRedirect, "PT-LOCKDOWN-IN", "TS-NEVER"),
            schedule(Group::OutboundRedirect, "PT-LOCKDOWN-OUT", "TS-NEVER"),
        ];
        steps.extend(partitions.map(block));
        PlanText {
            site,
            eoc_pilot: Pilot { pattern: "5911".into(), partition: "PT-EOC".into() },
            protected_numbers: text(&["911", "9911", "933", "988", "112"]),
            protected_partitions: text(&["PT-EMERGENCY", "PT-INBOUND-ELIN"]),
            eoc_css: text(&["CSS-EOC"]),
            inbound_css: text(&["CSS-INBOUND"]),
            steps,
        }
    } else {
        let mut steps = vec![
            schedule(Group::InboundRedirect, "PT-SPERRE-EIN", "ZP-NIE"),
            schedule(Group::OutboundRedirect, "PT-SPERRE-AUS", "ZP-NIE"),
        ];
        steps.extend(["PT-AMT-ORT", "PT-AMT-FERN", "PT-AMT-AUSLAND", "PT-AMT-DIENST", "PT-AMT-E164"].map(block));
        PlanText {
            site,
            eoc_pilot: Pilot { pattern: "2911".into(), partition: "PT-EOC".into() },
            protected_numbers: text(&["110", "112", "116117"]),
            protected_partitions: text(&["PT-NOTRUF"]),
            eoc_css: text(&["CSS-EOC"]),
            inbound_css: text(&["CSS-EINGEHEND"]),
            steps,
        }
    }
}

/// The dial plan as it is read over the wire: client and adapter are under test too.
pub(crate) async fn read(sim: &CucmSim, plan: &PlanText) -> Facts {
    let client = axl::Client::new(axl::Config {
        url: sim.url(),
        credentials: axl::Credentials { username: "axl-lockdown".into(), password: "axl-demo".into() },
        trust: axl::Trust::Pins(vec![sim.fingerprint()]),
        version: None,
        timeout: std::time::Duration::from_secs(10),
    });
    Cucm::new(Arc::new(client.unwrap()), [plan]).survey(&Hurry::default()).await.unwrap()
}

/// Digits near a pattern: each position filled in, sometimes changed, cut or lengthened.
fn digits_near(pattern: &str, rng: &mut TestRng) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '.' | '\\' => {}
            'X' => out.push(digit(rng)),
            '!' => (0..rng.random_range(1..6)).for_each(|_| out.push(digit(rng))),
            '[' => {
                let inside: Vec<char> = chars.by_ref().take_while(|c| *c != ']').collect();
                out.push(if rng.random_bool(0.8) {
                    inside[if rng.random_bool(0.5) { 0 } else { inside.len() - 1 }]
                } else {
                    digit(rng)
                });
            }
            other => out.push(other),
        }
    }
    match rng.random_range(0..10) {
        0 => {
            out.pop();
        }
        1 => out.push(digit(rng)),
        2 if !out.is_empty() => {
            let at = rng.random_range(0..out.len());
            let changed = digit(rng).to_string();
            out.replace_range(at..=at, &changed);
        }
        _ => {}
    }
    if out.is_empty() { "0".into() } else { out }
}

fn digit(rng: &mut TestRng) -> char {
    char::from(b'0' + rng.random_range(0..10u8))
}

fn same(ours: &End, theirs: &Outcome) -> bool {
    match (ours, theirs) {
        (End::Pstn { digits, .. }, Outcome::Pstn { digits: sent, .. }) => digits == sent,
        (End::Inside { pattern, kind: EndpointKind::Feature(_), .. }, Outcome::Feature { number }) => pattern == number,
        (End::Inside { kind: EndpointKind::Feature(_), .. }, _) => false,
        (End::Inside { pattern, .. }, Outcome::Rings { number }) => pattern == number,
        (End::OnNet { .. }, Outcome::OnNet { .. })
        | (End::Blocked { .. }, Outcome::Blocked)
        | (End::NoRoute, Outcome::NoMatch)
        | (End::Loop, Outcome::TooManyHops) => true,
        _ => false,
    }
}

#[tokio::test]
async fn both_analyses_agree_on_100_000_random_calls_over_both_plans_normal_and_locked() {
    let mut rng = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    for name in ["acme-north", "acme-sued"] {
        let sim = CucmSim::start(name).await.unwrap();
        let text = plan(name);
        let facts = read(&sim, &text).await;
        let checked = guard::check(&text, &facts).unwrap_or_else(|v| panic!("{name}: {v:?}"));
        for target in [Target::Normal, Target::Locked] {
            let theirs = switched(&sim, target == Target::Locked, &text);
            agree((&checked, &facts), &theirs, &text, target, 25_000, &mut rng);
        }
    }
}

/// The plan of a town, with mirrors, and blocks of all but the first few of its partitions.
fn plan_of(open: usize) -> PlanText {
    let mut steps = vec![
        schedule(Group::InboundRedirect, town::LOCK_IN, town::NEVER),
        schedule(Group::OutboundRedirect, town::LOCK_OUT, town::NEVER),
    ];
    steps.extend(town::ROUTES.into_iter().skip(open).map(block));
    let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    PlanText {
        site: lockdown::ids::SiteId::try_from("town").unwrap(),
        eoc_pilot: Pilot { pattern: town::PILOT.into(), partition: town::EOC.into() },
        protected_numbers: text(&["911", "9911"]),
        protected_partitions: text(&[town::EMERGENCY]),
        eoc_css: text(&[town::EOC_CSS]),
        inbound_css: text(&[town::INBOUND_CSS]),
        steps,
    }
}

/// Everybody dials numbers near the patterns of the plan, all at once and key by key.
fn agree(
    (checked, facts): (&guard::CheckedPlan, &Facts),
    theirs: &Cluster,
    text: &PlanText,
    target: Target,
    calls: usize,
    rng: &mut TestRng,
) {
    let ours = checked.plan.applied_to(facts, target);
    let analysis = DigitAnalysis::new(&ours, &Hours::All);
    let exchange = Exchange::new(theirs);
    let patterns: Vec<String> = theirs
        .route_patterns
        .iter()
        .map(|p| p.pattern.clone())
        .chain(theirs.translation_patterns.iter().map(|p| p.pattern.clone()))
        .chain(theirs.lines.iter().map(|l| l.pattern.clone()))
        .collect();
    let everybody = everybody(facts, theirs);
    for _ in 0..calls {
        let who = &everybody[rng.random_range(0..everybody.len())];
        let dialled = digits_near(&patterns[rng.random_range(0..patterns.len())], rng);
        let (how, their_how) = if rng.random_bool(0.5) {
            (Dialling::EnBloc, digits::Dialling::EnBloc)
        } else {
            (Dialling::DigitByDigit, digits::Dialling::DigitByDigit)
        };
        let a = analysis.route_of(&who.caller, &dialled, how);
        let b = who.dial(&exchange, &dialled, their_how);
        assert!(
            same(&a.end, &b.outcome) && a.taken == b.digits_used && a.waits == b.waited,
            "{target:?} {how:?} {dialled} from {}:\n{a:?}\n{b:?}",
            who.caller
        );
        if target == Target::Locked {
            no_unlisted_leak(checked, text, &who.caller, &dialled, &b);
        }
    }
}

#[tokio::test]
async fn a_caller_is_drawn_with_others_as_it_is_by_itself() {
    for (open, style) in (1..).zip(Style::ALL) {
        let town = Town { style, lines: 400, seed: 11 };
        let sim = CucmSim::with_cluster(town.cluster(), 0, None).await.unwrap();
        let text = plan_of(open);
        let facts = read(&sim, &text).await;
        let reach = guard::judge(&text, &facts).reach.unwrap();
        // What else is emergency depends on what others reach.
        let ends = |flow: &guard::Flow| {
            let others = |places: &BTreeSet<Place>| -> BTreeSet<Place> {
                places.iter().copied().filter(|at| !matches!(at, Place::Emergency | Place::EmergencyInPart)).collect()
            };
            (others(&flow.normal), others(&flow.locked), flow.leaks.clone())
        };
        let together = guard::flows(&text, &facts, &reach);
        for (at, one) in reach.callers.iter().enumerate() {
            let alone = guard::Reach { callers: vec![one.clone()], ..reach.clone() };
            let alone = guard::flows(&text, &facts, &alone).remove(0);
            let with_others = together.iter().find(|flow| flow.callers.contains(&at)).unwrap();
            assert_eq!(ends(with_others), ends(&alone), "{style:?}: {}", one.caller);
        }
    }
}

#[tokio::test]
async fn both_analyses_agree_on_100_000_random_calls_over_four_towns() {
    let mut rng = TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha);
    let towns = (1..).zip(Style::ALL).flat_map(|(open, style)| [7, 2026].map(|seed| (open, style, seed)));
    let mut ways_out = 0;
    for (open, style, seed) in towns {
        let town = Town { style, lines: 150, seed };
        let sim = CucmSim::with_cluster(town.cluster(), 0, None).await.unwrap();
        let text = plan_of(open);
        let facts = read(&sim, &text).await;
        let checked = guard::judge(&text, &facts);
        let reach = checked.reach.unwrap();
        let mut plan = checked.verdict.unwrap_or_else(|violations| panic!("{style:?}: {violations:?}"));
        assert!(reach.callers.len() > 5, "{style:?}: {:?}", reach.callers);
        ways_out += reach.leaks.iter().filter(|leak| leak.direction == guard::Direction::Outbound).count();
        // All of them, not only those that are kept with a site.
        plan.leaks = reach.leaks;
        for target in [Target::Normal, Target::Locked] {
            let theirs = switched(&sim, target == Target::Locked, &text);
            agree((&plan, &facts), &theirs, &text, target, 6250, &mut rng);
        }
    }
    assert!(ways_out > 50, "only {ways_out} ways out: the test says little");
}

/// Who dials: as the product has read it, and as the simulator knows it.
struct Who {
    caller: Caller,
    /// `None` for a calling search space by itself.
    device: Option<(String, Option<String>)>,
}

impl Who {
    fn dial(&self, exchange: &Exchange<'_>, dialled: &str, how: digits::Dialling) -> digits::Call {
        match &self.device {
            Some((device, line)) => exchange.dial_from(device, line.as_deref(), dialled, how).unwrap(),
            None => exchange.dial(self.caller.device_css.as_ref().unwrap(), dialled, how),
        }
    }
}

/// Every device on each of its lines, and every calling search space that nobody has.
fn everybody(facts: &Facts, cluster: &Cluster) -> Vec<Who> {
    let read = facts.callers();
    let mut everybody: Vec<Who> =
        facts.unused_spaces().into_iter().map(|caller| Who { caller, device: None }).collect();
    for device in &cluster.devices {
        let lines = device.lines.iter().map(Some).chain(device.lines.is_empty().then_some(None));
        for line in lines {
            let line_css = line.and_then(|line| cluster.lines.iter().find(|one| one.pattern == *line)?.css.clone());
            let port = device.model == "CTI Port" || device.class == "CTI Route Point";
            let apart = |pool: &String| facts.local_routes.iter().any(|local| local.pools.contains(pool));
            let pool = device.pool.as_ref().filter(|pool| apart(pool));
            let is_it = |caller: &&Caller| {
                let spaces = caller.line_css == line_css && caller.device_css == device.css;
                let is_there = pool.map_or(caller.local.pools.is_empty(), |pool| caller.local.pools.contains(pool));
                spaces && is_there && port == (caller.kind == CallerKind::Cti)
            };
            let caller = read.iter().find(is_it).unwrap_or_else(|| panic!("{} is nobody of {read:?}", device.name));
            everybody.push(Who { caller: caller.clone(), device: Some((device.name.clone(), line.cloned())) });
        }
    }
    let devices: usize = read.iter().map(|caller| caller.count).sum();
    assert_eq!(devices, cluster.devices.len(), "{read:?}");
    everybody
}

/// Whoever still reaches the PSTN when locked is protected, the EOC, or on the list.
fn no_unlisted_leak(
    checked: &guard::CheckedPlan,
    text: &PlanText,
    caller: &Caller,
    dialled: &str,
    call: &digits::Call,
) {
    let Outcome::Pstn { .. } = call.outcome else { return };
    let last = call.path.last().unwrap();
    let (pattern, partition) = last.rsplit_once('@').unwrap();
    let allowed = text.protected_partitions.iter().any(|p| p == partition)
        || text.eoc_css.iter().any(|own| caller.uses(own))
        || checked
            .leaks
            .iter()
            .any(|leak| leak.caller == caller.to_string() && leak.place() == format!("{pattern} in {partition}"));
    assert!(allowed, "{dialled} from {caller} leaks by {last} and is not listed");
}

/// The simulator's cluster switched by hand, not by our own writes.
fn switched(sim: &CucmSim, locked: bool, text: &PlanText) -> Cluster {
    let mut cluster = sim.cluster().clone();
    for step in text.steps.iter().filter(|_| locked) {
        match step {
            StepText::PartitionSchedule(text) => cluster.partition(&text.partition).unwrap().schedule = None,
            StepText::RoutePatternBlock(text) => {
                cluster
                    .route_patterns
                    .iter_mut()
                    .filter(|p| p.partition.as_ref() == Some(&text.partition))
                    .for_each(|p| p.blocked = true);
            }
            _ => unreachable!("these plans have two kinds of steps"),
        }
    }
    cluster
}

#[derive(Debug, Clone)]
struct Loose {
    pattern: String,
    partition: usize,
    urgent: bool,
}

fn loose() -> impl Strategy<Value = Loose> {
    let pattern = prop_oneof![
        "9\\.[1-9]{1,3}",
        "[19]{2,4}",
        "9\\.!",
        "9\\.[0-9]!",
        "[0-9]X{0,3}",
        "9\\.1XX",
        "911",
        "9\\.911",
        "\\[89\\]!",
        "9\\.@",
    ];
    (pattern, 0..4usize, any::<bool>()).prop_map(|(pattern, partition, urgent)| Loose { pattern, partition, urgent })
}

/// A small random cluster: partition 0 holds the mirrors, 1 is protected.
fn random_cluster(routes: &[Loose], mirrors: &[Loose], order: &[usize]) -> Cluster {
    use simulators::cucm::model::{
        Cluster, Css, Device, Number, Partition, Period, RoutePattern, Schedule, TranslationPattern,
    };
    let name = |n: usize| format!("PT-{n}");
    let mut unique = BTreeSet::new();
    Cluster {
        partitions: (0..5)
            .map(|n| Partition { name: name(n), schedule: (n == 0).then(|| "NEVER".into()), ..Partition::default() })
            .collect(),
        schedules: vec![Schedule { name: "NEVER".into(), periods: vec!["P".into()] }],
        periods: vec![Period {
            name: "P".into(),
            start: "No Office Hours".into(),
            end: "No Office Hours".into(),
            ..Period::default()
        }],
        calling_search_spaces: vec![
            Css { name: "PHONE".into(), members: order.iter().map(|n| name(*n)).collect() },
            Css { name: "EOC".into(), members: vec![name(4)] },
        ],
        route_patterns: routes
            .iter()
            .filter(|l| unique.insert((l.pattern.clone(), l.partition.max(1))))
            .map(|l| RoutePattern {
                pattern: l.pattern.clone(),
                partition: Some(name(l.partition.max(1))),
                urgent: l.urgent,
                route_list: Some("RL".into()),
                ..RoutePattern::default()
            })
            .collect(),
        translation_patterns: mirrors
            .iter()
            .filter(|l| unique.insert((l.pattern.clone(), 0)))
            .map(|l| TranslationPattern {
                pattern: l.pattern.clone(),
                partition: Some(name(0)),
                urgent: l.urgent,
                mask: Some("5911".into()),
                css: Some("EOC".into()),
                ..TranslationPattern::default()
            })
            .collect(),
        lines: vec![],
        devices: vec![Device { name: "SEP1".into(), css: Some("PHONE".into()), ..Device::default() }],
        hunt_pilots: vec![Number { pattern: "5911".into(), partition: Some(name(4)), ..Number::default() }],
        ..Cluster::named("acme-north").unwrap()
    }
}

#[test]
fn no_accepted_plan_can_block_a_protected_number_in_any_dialled_form() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let accepted = std::cell::Cell::new(0);
    let strategy = (
        prop::collection::vec(loose(), 1..8),
        prop::collection::vec(loose(), 0..4),
        Just(vec![0, 1, 2, 3]).prop_shuffle(),
        1..4usize,
    );
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    });
    runner
        .run(&strategy, |(routes, mirrors, order, blocked)| {
            let cluster = random_cluster(&routes, &mirrors, &order);
            let text = PlanText {
                site: lockdown::ids::SiteId::try_from("s").unwrap(),
                eoc_pilot: Pilot { pattern: "5911".into(), partition: "PT-4".into() },
                protected_numbers: vec!["911".into()],
                protected_partitions: vec!["PT-1".into()],
                eoc_css: vec![],
                inbound_css: vec![],
                steps: vec![schedule(Group::OutboundRedirect, "PT-0", "NEVER"), block(&format!("PT-{blocked}"))],
            };
            let (sim, facts) = runtime.block_on(async {
                let sim = CucmSim::with_cluster(cluster, 0, None).await.unwrap();
                let facts = read(&sim, &text).await;
                (sim, facts)
            });
            let Ok(checked) = guard::check(&text, &facts) else { return Ok(()) };
            accepted.set(accepted.get() + 1);
            let normal = sim.cluster().clone();
            let mut locked = normal.clone();
            for step in &checked.plan.steps {
                match &step.switch {
                    lockdown::steps::Switch::PartitionSchedule(one) => {
                        locked.partition(&one.object.partition).unwrap().schedule = None;
                    }
                    other => locked
                        .route_patterns
                        .iter_mut()
                        .filter(|p| {
                            Some(p.pattern.as_str()) == other.object().pattern()
                                && p.partition.as_deref() == other.object().partition()
                        })
                        .for_each(|p| p.blocked = true),
                }
            }
            for form in ["911", "9911"] {
                for how in [digits::Dialling::EnBloc, digits::Dialling::DigitByDigit] {
                    let before = digits::dial(&normal, "PHONE", form, how);
                    let after = digits::dial(&locked, "PHONE", form, how);
                    // What goes nowhere normally, or out with other digits, is no way to an emergency centre.
                    match &before.outcome {
                        Outcome::NoMatch | Outcome::Blocked | Outcome::TooManyHops => {}
                        Outcome::Pstn { digits, .. } if digits != "911" && digits != form => {}
                        Outcome::Pstn { digits, .. } => {
                            let same = matches!(&after.outcome, Outcome::Pstn { digits: sent, .. } if sent == digits);
                            prop_assert!(same, "{} {:?}: {:?}, then {:?}", form, how, before, after);
                            prop_assert!(before.waited || !after.waited, "{} {:?}: {:?}", form, how, after);
                        }
                        _ => prop_assert_eq!(&before.outcome, &after.outcome, "{} {:?}", form, how),
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(accepted.get() >= 20, "only {} plans were accepted: the test says little", accepted.get());
}

#[tokio::test]
async fn applying_the_writes_reads_back_as_the_target_and_then_nothing_is_left_to_write() {
    for name in ["acme-north", "acme-sued"] {
        let sim = CucmSim::start(name).await.unwrap();
        let text = plan(name);
        let mut facts = read(&sim, &text).await;
        let plan = guard::check(&text, &facts).unwrap().plan;
        let at = "2026-11-23T12:00:00Z".parse().unwrap();
        for target in [Target::Locked, Target::Normal, Target::Locked] {
            let reading = plan.read(&facts, at);
            let writes = plan.writes(target, &reading);
            assert_eq!(writes.len(), plan.steps.len());
            for write in writes {
                lockdown::steps::Setting::put_all([write.setting], &mut facts);
            }
            let after = plan.read(&facts, at);
            assert_eq!((after.done(target), plan.writes(target, &after).len()), (plan.steps.len(), 0), "{name}");
        }
    }
}
