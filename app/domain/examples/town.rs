//! How long the check of a town's plan takes, and how it grows: `cargo run --release -p lockdown --example town`.
//!
//! A town of so many lines has two route patterns and two mirrors for each five lines (area codes and exchanges, as class of
//! service lists grow), a calling search space for each fifty, and three callers for each hundred: half of the calling search
//! spaces stand alone on lines, the others on devices behind one of two on the lines. The larger is twice the smaller in
//! everything.

use lockdown::caller::{Caller, CallerKind, Callers};
use lockdown::dial_plan::{
    Activity, CallingSearchSpace, Destination, DialPlan, DigitChange, Discard, Endpoint, EndpointKind, Partition,
    RoutePattern, TimeSchedule, TranslationPattern,
};
use lockdown::guard;
use lockdown::ids::{SiteId, Uuid};
use lockdown::plan::{Patterns, Pilot, PlanText, StepText};
use lockdown::step::Group;
use lockdown::trace::Tracer;
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let lines: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let lines = if lines.is_empty() { vec![2500, 5000, 10_000] } else { lines };
    let mut before: Option<f64> = None;
    for lines in lines {
        for (mirrors, blocks, how) in
            [(true, false, "mirrors alone"), (true, true, "mirrors and blocks"), (false, false, "nothing mirrored")]
        {
            let mut plan = town(lines);
            if !mirrors {
                plan.translation_patterns.truncate(1);
            }
            let text = text(&plan, blocks);
            let began = Instant::now();
            let found = guard::judge(&text, &plan);
            let took = began.elapsed().as_secs_f64();
            let checked = found.verdict.expect("the town's plan is sound");
            let began = Instant::now();
            let flows = guard::flows(&text, &plan, &found.reach.expect("the plan's objects are there"));
            let drawing = began.elapsed().as_secs_f64();
            let growth = before
                .filter(|_| mirrors && !blocks)
                .map_or(String::new(), |before| format!(", {:.2} times the one before", took / before));
            if mirrors && !blocks {
                before = Some(took);
            }
            println!(
                "{lines} lines, {} route patterns, {} mirrors, {} calling search spaces, {} callers, {how}: {:.2} s{growth}; {} steps, {} leaks; {} kinds of callers drawn in {drawing:.2} s",
                plan.route_patterns.len(),
                plan.translation_patterns.len(),
                plan.calling_search_spaces.len(),
                plan.callers().len(),
                took,
                checked.plan.steps.len(),
                checked.count_leaks(),
                flows.len(),
            );
        }
        traces(lines);
    }
}

/// Numbers that are followed with one request, at most.
const NUMBERS: usize = 10_000;

fn traces(lines: usize) {
    let plan = town(lines);
    let text = text(&plan, false);
    let callers = &plan.callers()[..1];
    let tracer = Tracer::new(&text, &Arc::new(plan.clone()));
    let follow = |count: usize| {
        let numbers: Vec<String> = (0..count).map(|n| format!("9140355{:05}", n % 100_000)).collect();
        let began = Instant::now();
        let ends = tracer.trace(callers, &numbers).len();
        assert_eq!(ends, count);
        began.elapsed().as_secs_f64() * 1000.0
    };
    let (one, many) = (follow(1), follow(NUMBERS));
    println!("{lines} lines: one number followed in {one:.1} ms, {NUMBERS} in {many:.0} ms");
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
        on_net: false,
        filtered: false,
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
        at_once: false,
        emergency: false,
        filtered: false,
    });
    let mirrors = mirrors.collect();
    let mut routes: Vec<RoutePattern> = patterns.iter().enumerate().map(|(n, p)| route(p.clone(), place(n))).collect();
    routes.extend(["911", "9.911"].map(|number| RoutePattern { urgent: true, ..route(number.into(), "PT-911") }));
    let sites = lines / 50;
    let numbers = (0..lines).map(|n| Endpoint {
        pattern: format!("{:05}", 40_000 + n),
        partition: Some(format!("PT-INT-{}", n % 10)),
        kind: EndpointKind::DirectoryNumber,
        urgent: false,
        dead: false,
    });
    let pilot = Endpoint {
        pattern: "5911".into(),
        partition: Some("PT-EOC".into()),
        kind: EndpointKind::HuntPilot,
        urgent: false,
        dead: false,
    };
    let css = |name: String, members: Vec<String>| CallingSearchSpace { uuid: uuid(&name), name, members };
    let mut spaces: Vec<CallingSearchSpace> = (0..sites)
        .map(|n| {
            let classes = ["PT-LOCAL", "PT-LD", "PT-INTL"].into_iter().take(1 + n % 3).map(str::to_owned);
            let lock = (n % 2 == 0).then(|| "PT-LOCKDOWN".to_owned());
            let inside = ["PT-911".to_owned(), format!("PT-INT-{}", n % 10), format!("PT-INT-{}", (n / 10) % 10)];
            css(format!("CSS-{n}"), lock.into_iter().chain(inside).chain(classes).collect())
        })
        .collect();
    spaces.push(css("CSS-EOC".into(), vec!["PT-EOC".into()]));
    spaces.push(css("CSS-LINE-0".into(), vec!["PT-LOCKDOWN".into()]));
    spaces.push(css("CSS-LINE-1".into(), vec!["PT-LOCKDOWN".into(), "PT-INT-0".into()]));
    let caller = |line: Option<String>, device: Option<String>| Caller {
        kind: CallerKind::Phone,
        line_css: line,
        device_css: device,
        count: 34,
        example: None,
    };
    let callers = (0..sites).flat_map(|n| match n % 2 {
        0 => vec![caller(Some(format!("CSS-{n}")), None)],
        _ => [0, 1].map(|line| caller(Some(format!("CSS-LINE-{line}")), Some(format!("CSS-{n}")))).into(),
    });
    let callers = Callers::Read(callers.collect());
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
        callers,
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
