//! More patterns than any site has: what grows with their square shows here as a test that does not end.

use lockdown::caller::{Caller, CallerKind, Callers};
use lockdown::dial_plan::{
    CallingSearchSpace, Destination, DialPlan, DigitChange, Endpoint, EndpointKind, Partition, RoutePattern,
};
use lockdown::guard::judge;
use lockdown::ids::{SiteId, Uuid};
use lockdown::leg::Legs;
use lockdown::plan::{Pilot, PlanText};
use lockdown::steps::{Group, Patterns, RoutePatternBlockText, StepText, Target};

const COUNT: usize = 100_000;

fn route(pattern: String, partition: &str) -> RoutePattern {
    RoutePattern {
        uuid: Uuid::from(format!("{pattern}@{partition}")),
        pattern,
        partition: Some(partition.into()),
        blocked: false,
        urgent: partition == "911",
        change: DigitChange::default(),
        emergency: partition == "911",
        destination: Destination::RouteList("RL".into()),
        on_net: false,
        dead: false,
        filtered: false,
    }
}

fn plan() -> DialPlan {
    let partition = |name: &str| Partition { uuid: Uuid::from(name), name: name.into(), schedule: None, zone: None };
    let routes = (0..COUNT).map(|number| route(format!("9.{number:06}XXXX"), "PSTN"));
    let pilot = Endpoint {
        pattern: "5911".into(),
        partition: Some("EOC".into()),
        kind: EndpointKind::HuntPilot,
        urgent: false,
        dead: false,
    };
    let phone = Caller { kind: CallerKind::Phone, count: 7, ..Caller::css("PHONE") };
    DialPlan {
        partitions: ["911", "PSTN", "EOC"].map(partition).into(),
        calling_search_spaces: vec![CallingSearchSpace {
            uuid: Uuid::from("css"),
            name: "PHONE".into(),
            members: ["911", "PSTN", "EOC"].map(str::to_owned).into(),
        }],
        route_patterns: routes.chain([route("911".into(), "911")]).collect(),
        endpoints: vec![pilot],
        callers: Callers::Read(vec![phone]),
        legs: Legs::Read(vec![]),
        ..DialPlan::default()
    }
}

#[test]
fn a_hundred_thousand_patterns_are_blocked_read_and_judged() {
    let plan = plan();
    let text = PlanText {
        site: SiteId::try_from("s").unwrap(),
        eoc_pilot: Pilot { pattern: "5911".into(), partition: "EOC".into() },
        protected_numbers: vec!["911".into()],
        protected_partitions: vec!["911".into()],
        eoc_css: vec![],
        inbound_css: vec![],
        steps: vec![StepText::RoutePatternBlock(RoutePatternBlockText {
            group: Group::OutboundBlock,
            patterns: Patterns::AllExcept(vec![]),
            partition: "PSTN".into(),
            acknowledge_gateway: false,
        })],
    };
    let checked = judge(&text, &plan).verdict.unwrap();
    assert_eq!(checked.plan.steps.len(), COUNT);
    assert!(checked.leaks.is_empty() && checked.from_every_phone == ["911"], "{:?}", checked.warnings);
    let locked = checked.plan.applied_to(&plan, Target::Locked);
    let reading = checked.plan.read(&locked, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!((reading.done(Target::Locked), reading.done(Target::Normal)), (COUNT, 0));
    assert_eq!(checked.plan.writes(Target::Normal, &reading).len(), COUNT);
}
