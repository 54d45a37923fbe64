//! How long the check of a town's plan takes, and how it grows: `cargo run --release -p lockdown --example town`.
//!
//! A town of so many lines has two route patterns and two mirrors for each five lines (area codes and exchanges, as class of
//! service lists grow), and a calling search space for each fifty. The larger is twice the smaller in everything.

use lockdown::dial_plan::{
    Activity, CallingSearchSpace, Destination, DialPlan, DigitChange, Discard, Endpoint, EndpointKind, Partition,
    RoutePattern, TimeSchedule, TranslationPattern,
};
use lockdown::guard;
use lockdown::ids::{SiteId, Uuid};
use lockdown::plan::{Patterns, Pilot, PlanText, StepText};
use lockdown::step::Group;
use std::time::Instant;

fn main() {
    let lines: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let lines = if lines.is_empty() { vec![2500, 5000, 10_000] } else { lines };
    let mut before: Option<f64> = None;
    for lines in lines {
        for (blocks, how) in [(false, "mirrors alone"), (true, "mirrors and blocks")] {
            let plan = town(lines);
            let text = text(&plan, blocks);
            let began = Instant::now();
            let checked = guard::check(&text, &plan).expect("the town's plan is sound");
            let took = began.elapsed().as_secs_f64();
            let growth = before
                .filter(|_| !blocks)
                .map_or(String::new(), |before| format!(", {:.2} times the one before", took / before));
            if !blocks {
                before = Some(took);
            }
            println!(
                "{lines} lines, {} route patterns, {} mirrors, {} calling search spaces, {how}: {:.2} s{growth}; {} steps, {} leaks",
                plan.route_patterns.len(),
                plan.translation_patterns.len(),
                plan.calling_search_spaces.len(),
                took,
                checked.plan.steps.len(),
                checked.leaks.len(),
            );
        }
    }
}

fn uuid(text: &str) -> Uuid {
    Uuid::from(text)
}

fn route(pattern: String, partition: &str) -> RoutePattern {
    RoutePattern {
        uuid: uuid(&format!("r-{pattern}-{partition}")),
        pattern,
        partition: Some(partition.into()),
        blocked: false,
        urgent: false,
        change: DigitChange { discard: Discard::PreDot, ..DigitChange::default() },
        emergency: false,
        destination: Destination::RouteList("RL-PSTN".into()),
    }
}

fn town(lines: usize) -> DialPlan {
    let patterns: Vec<String> = (0..lines / 5 * 2)
        .map(|n| match n % 2 {
            0 => format!("9.1{}{:02}[2-9]XXXXXX", 2 + n / 2 % 8, n / 16 % 100),
            _ => format!("9.{}{:02}{}XXX", 2 + n / 2 % 8, n / 16 % 100, n / 1600),
        })
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .chain(["9.011!".into(), "9.011!#".into()])
        .collect();
    let place = |n: usize| ["PT-LOCAL", "PT-LD", "PT-INTL"][n % 3];
    let mirrors = patterns.iter().map(|pattern| TranslationPattern {
        uuid: uuid(&format!("t-{pattern}")),
        pattern: pattern.clone(),
        partition: Some("PT-LOCKDOWN".into()),
        blocked: false,
        urgent: !pattern.contains('!'),
        change: DigitChange { mask: Some("5911".into()), ..DigitChange::default() },
        css: Some("CSS-EOC".into()),
        use_originator_css: false,
        emergency: false,
    });
    let mirrors = mirrors.collect();
    let mut routes: Vec<RoutePattern> = patterns.iter().enumerate().map(|(n, p)| route(p.clone(), place(n))).collect();
    routes.extend(["911", "9.911"].map(|number| RoutePattern { urgent: true, ..route(number.into(), "PT-911") }));
    let sites = lines / 50;
    let numbers = (0..lines).map(|n| Endpoint {
        pattern: format!("{:05}", 40_000 + n),
        partition: Some(format!("PT-INT-{}", n % 10)),
        kind: EndpointKind::DirectoryNumber,
    });
    let pilot = Endpoint { pattern: "5911".into(), partition: Some("PT-EOC".into()), kind: EndpointKind::HuntPilot };
    let css = |name: String, members: Vec<String>| CallingSearchSpace { uuid: uuid(&name), name, members };
    let mut spaces: Vec<CallingSearchSpace> = (0..sites)
        .map(|n| {
            let classes = ["PT-LOCAL", "PT-LD", "PT-INTL"].into_iter().take(1 + n % 3).map(str::to_owned);
            let head = ["PT-LOCKDOWN".to_owned(), "PT-911".to_owned(), format!("PT-INT-{}", n % 10)];
            css(
                format!("CSS-{n}"),
                head.into_iter().chain([format!("PT-INT-{}", (n / 10) % 10)]).chain(classes).collect(),
            )
        })
        .collect();
    spaces.push(css("CSS-EOC".into(), vec!["PT-EOC".into()]));
    let named = ["PT-LOCAL", "PT-LD", "PT-INTL", "PT-911", "PT-EOC"].map(str::to_owned);
    let partition = |name: String, schedule: Option<&str>| Partition {
        uuid: uuid(&name),
        name,
        schedule: schedule.map(str::to_owned),
    };
    DialPlan {
        partitions: named
            .into_iter()
            .chain((0..10).map(|n| format!("PT-INT-{n}")))
            .map(|name| partition(name, None))
            .chain([partition("PT-LOCKDOWN".into(), Some("TS-NEVER"))])
            .collect(),
        schedules: vec![TimeSchedule { name: "TS-NEVER".into(), active: Activity::Never }],
        calling_search_spaces: spaces,
        route_patterns: routes,
        translation_patterns: mirrors,
        endpoints: numbers.chain([pilot]).collect(),
        ..DialPlan::default()
    }
}

fn text(plan: &DialPlan, blocks: bool) -> PlanText {
    let redirect = StepText::PartitionSchedule {
        group: Group::OutboundRedirect,
        partition: "PT-LOCKDOWN".into(),
        normal: Some("TS-NEVER".into()),
        locked: None,
    };
    let names: std::collections::BTreeSet<&String> =
        plan.route_patterns.iter().filter_map(|p| p.partition.as_ref()).filter(|p| *p != "PT-911").collect();
    let block = |partition: &String| StepText::RoutePatternBlock {
        group: Group::OutboundBlock,
        patterns: Patterns::AllExcept(vec![]),
        partition: partition.clone(),
        acknowledge_gateway: false,
    };
    PlanText {
        site: SiteId::try_from("town").expect("a good id"),
        eoc_pilot: Pilot { pattern: "5911".into(), partition: "PT-EOC".into() },
        protected_numbers: vec!["911".into()],
        protected_partitions: vec!["PT-911".into()],
        eoc_css: vec!["CSS-EOC".into()],
        inbound_css: vec![],
        steps: std::iter::once(redirect).chain(names.into_iter().filter(|_| blocks).map(block)).collect(),
    }
}
