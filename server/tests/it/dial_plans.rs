//! The ways to build a dial plan, each with a table of calls: what is read over AXL and followed by us, what the simulator's
//! own digit analysis says, and the table, agree in every cell, normal and locked, with mirrors alone and with blocks.

use crate::agreement::read;
use lockdown::caller::Caller;
use lockdown::guard::{self, Reached, Via};
use lockdown::plan::{Pilot, PlanText};
use lockdown::reach::Dialling;
use lockdown::steps::{
    Group, PartitionScheduleText, Patterns, RoutePatternBlockText, SipRoutePatternBlockText, StepText,
};
use lockdown::trace::{Ended, Traced, Tracer};
use simulators::CucmSim;
use simulators::cucm::Cluster;
use simulators::cucm::digits::{self, Outcome};
use simulators::cucm::model::{
    Css, Device, DevicePool, Feature, Forward, Number, Partition, Period, RouteGroup, RoutePattern, Schedule,
    SipRoutePattern, TranslationPattern, VoiceMailPilot,
};
use std::sync::Arc;

/// How a cell is written: `out 911`, `in 5002`, `5911` for the EOC, `-` for reorder.
fn ours(trace: &lockdown::trace::Trace) -> String {
    let digits = || trace.digits.clone().unwrap_or_default();
    match trace.end {
        Ended::Pstn => format!("out {}", digits()),
        Ended::Inside if trace.pattern.as_deref() == Some("5911") => "5911".into(),
        Ended::Inside => format!("in {}", trace.pattern.clone().unwrap_or_default()),
        Ended::Onnet => "on-net".into(),
        Ended::Blocked | Ended::NoRoute => "-".into(),
        other => format!("{other:?}"),
    }
}

fn theirs(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Pstn { digits, .. } => format!("out {digits}"),
        Outcome::OnNet { .. } => "on-net".into(),
        Outcome::Rings { number } if number == "5911" => "5911".into(),
        Outcome::Rings { number } | Outcome::Feature { number } => format!("in {number}"),
        Outcome::Blocked | Outcome::NoMatch => "-".into(),
        Outcome::TooManyHops => "circles".into(),
    }
}

#[derive(Clone)]
struct Plan {
    cluster: Cluster,
    text: PlanText,
    /// Besides the schedule of `LOCK` and the blocks.
    steps: Vec<StepText>,
    /// Of CUCM's tables.
    missing_columns: Vec<String>,
}

/// Partition and pattern.
type At<'t> = (&'t str, &'t str);

impl Plan {
    /// The EOC at 5911, a lock partition `LOCK` with a mirror of each of these, and route patterns that strip what stands
    /// before the dot.
    fn new(routes: &[At<'_>], urgent: &[At<'_>], mirrors: &[(&str, bool)]) -> Self {
        let route = |(partition, pattern): &At<'_>, urgent: bool| RoutePattern {
            pattern: (*pattern).into(),
            partition: (!partition.is_empty()).then(|| (*partition).into()),
            urgent,
            discard: pattern.contains(['.', '#']).then(|| {
                let discard = match (pattern.contains('.'), pattern.ends_with('#')) {
                    (true, true) => "PreDot Trailing-#",
                    (true, false) => "PreDot",
                    (false, _) => "Trailing-#",
                };
                discard.into()
            }),
            route_list: Some("RL".into()),
            ..RoutePattern::default()
        };
        let mirror = |(pattern, urgent): &(&str, bool)| TranslationPattern {
            pattern: (*pattern).into(),
            partition: Some("LOCK".into()),
            urgent: *urgent,
            mask: Some("5911".into()),
            css: Some("CSS-TO-EOC".into()),
            ..TranslationPattern::default()
        };
        let cluster = Cluster {
            schedules: vec![Schedule { name: "NEVER".into(), periods: vec!["P".into()] }],
            periods: vec![Period {
                name: "P".into(),
                start: "No Office Hours".into(),
                end: "No Office Hours".into(),
                ..Period::default()
            }],
            route_lists: vec!["RL".into()],
            route_patterns: routes
                .iter()
                .map(|at| route(at, false))
                .chain(urgent.iter().map(|at| route(at, true)))
                .collect(),
            translation_patterns: mirrors.iter().map(mirror).collect(),
            hunt_pilots: vec![Number { pattern: "5911".into(), partition: Some("PT-EOC".into()), ..Number::default() }],
            calling_search_spaces: vec![Css { name: "CSS-TO-EOC".into(), members: vec!["PT-EOC".into()] }],
            ..Cluster::named("acme-north").unwrap()
        };
        let cluster = Cluster { lines: vec![], devices: vec![], route_groups: vec![], ..cluster };
        let text = PlanText {
            site: lockdown::ids::SiteId::try_from("s").unwrap(),
            eoc_pilot: Pilot { pattern: "5911".into(), partition: "PT-EOC".into() },
            protected_numbers: vec!["911".into()],
            protected_partitions: vec!["911".into()],
            eoc_css: vec![],
            inbound_css: vec![],
            steps: vec![],
        };
        Self { cluster, text, steps: vec![], missing_columns: vec![] }
    }

    fn css(mut self, name: &str, members: &[&str]) -> Self {
        let members = members.iter().map(|name| (*name).to_owned()).collect();
        self.cluster.calling_search_spaces.push(Css { name: name.into(), members });
        self
    }

    /// A phone (or what `model` is) with its line.
    fn phone(mut self, name: &str, model: &str, number: At<'_>, line_css: &str, device_css: &str) -> Self {
        let given = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        self.cluster.lines.push(Number {
            pattern: number.1.into(),
            partition: given(number.0),
            css: given(line_css),
            urgent: number.1.starts_with('\\'),
            ..Number::default()
        });
        self.cluster.devices.push(Device {
            name: name.into(),
            model: model.into(),
            css: given(device_css),
            lines: vec![number.1.into()],
            ..Device::default()
        });
        self
    }

    fn trunk(mut self, name: &str, css: &str) -> Self {
        let class = "Trunk".into();
        let css = Some(css.into());
        self.cluster.devices.push(Device {
            name: name.into(),
            class,
            model: "SIP Trunk".into(),
            css,
            ..Device::default()
        });
        self
    }

    /// The one route list leads through a local route group, and each pool has a route group for it, or none.
    fn local_group(mut self, pools: &[(&str, Option<&str>)]) -> Self {
        let group = |name: &str, lists: &[&str], devices: &[&str]| RouteGroup {
            name: name.into(),
            lists: lists.iter().map(|name| (*name).to_owned()).collect(),
            devices: devices.iter().map(|name| (*name).to_owned()).collect(),
        };
        self.cluster.route_groups = vec![
            group("RG-LOCAL", &["RL"], &[]),
            group("RG-CITY", &[], &["GW-CITY"]),
            group("RG-CLUSTER", &[], &["TRUNK-CLUSTER"]),
        ];
        let device = |name: &str, class: &str, location: &str| Device {
            name: name.into(),
            class: class.into(),
            network_location: Some(location.into()),
            ..Device::default()
        };
        self.cluster
            .devices
            .extend([device("GW-CITY", "Gateway", "OffNet"), device("TRUNK-CLUSTER", "Trunk", "OnNet")]);
        self.cluster.device_pools = pools
            .iter()
            .map(|(name, group)| DevicePool {
                name: (*name).into(),
                local_route_groups: group.iter().map(|group| ("RG-LOCAL".to_owned(), (*group).to_owned())).collect(),
            })
            .collect();
        self
    }

    fn pool(mut self, device: &str, pool: &str) -> Self {
        self.cluster.devices.iter_mut().find(|one| one.name == device).unwrap().pool = Some(pool.into());
        self
    }

    /// Every partition that something names, `LOCK` asleep.
    async fn run(mut self, blocks: &[&str]) -> Run {
        let spaces = self.cluster.calling_search_spaces.iter().flat_map(|css| css.members.clone());
        let mut names: Vec<String> = spaces.chain(["LOCK".to_owned()]).collect();
        names.sort();
        names.dedup();
        let asleep = |name: &str| name.starts_with("LOCK").then(|| "NEVER".to_owned());
        self.cluster.partitions =
            names.into_iter().map(|name| Partition { schedule: asleep(&name), name, ..Partition::default() }).collect();
        self.text.steps = vec![StepText::PartitionSchedule(PartitionScheduleText {
            group: Group::OutboundRedirect,
            partition: "LOCK".into(),
            normal: Some("NEVER".into()),
            locked: None,
        })];
        self.text.steps.extend(blocks.iter().map(|partition| {
            StepText::RoutePatternBlock(RoutePatternBlockText {
                group: Group::OutboundBlock,
                patterns: Patterns::AllExcept(vec![]),
                partition: (*partition).into(),
                acknowledge_gateway: false,
            })
        }));
        self.text.steps.append(&mut self.steps);
        let sim = CucmSim::with_cluster(self.cluster, 0, None).await.unwrap();
        sim.faults().missing_columns = self.missing_columns;
        let facts = read(&sim, &self.text).await;
        let check = guard::judge(&self.text, &facts);
        Run {
            sim,
            facts: Arc::new(facts),
            check,
            text: self.text,
            blocks: blocks.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

struct Run {
    sim: CucmSim,
    facts: Arc<lockdown::dial_plan::DialPlan>,
    check: guard::Checked,
    text: PlanText,
    blocks: Vec<String>,
}

impl Run {
    /// Both analyses against the table: who, digits, normal, locked.
    fn agrees(&self, table: &[(&str, &str, &str, &str)]) {
        let mut locked = self.sim.cluster().clone();
        locked.partition("LOCK").unwrap().schedule = None;
        let is_blocked = |partition: &Option<String>| partition.as_ref().is_some_and(|name| self.blocks.contains(name));
        locked.route_patterns.iter_mut().filter(|p| is_blocked(&p.partition)).for_each(|p| p.blocked = true);
        let tracer = Tracer::new(&self.text, &self.facts);
        for (device, dialled, normal, when_locked) in table {
            let (caller, line) = self.who(device);
            let [traced] = &tracer.trace(&[caller], &[(*dialled).to_owned()], None)[..] else {
                panic!("one number from one caller is one trace")
            };
            for (how, their_how) in
                [(Dialling::EnBloc, digits::Dialling::EnBloc), (Dialling::DigitByDigit, digits::Dialling::DigitByDigit)]
            {
                let cells = cells(traced, how);
                let other = [&*self.sim.cluster(), &locked].map(|cluster| {
                    let call = digits::dial_from(cluster, device, line.as_deref(), dialled, their_how).unwrap();
                    theirs(&call.outcome)
                });
                let want = [(*normal).to_owned(), (*when_locked).to_owned()];
                // Dialled key by key, `…#` and `+` come from no keypad of these tables.
                if how == Dialling::EnBloc || !dialled.contains(['#', '+']) {
                    assert_eq!(cells, want, "ours: {dialled} from {device}, {how:?}");
                    assert_eq!(other, want, "the simulator's: {dialled} from {device}, {how:?}");
                }
            }
        }
    }

    /// Ours, digit by digit alone: normal and locked.
    fn by_keys(&self, device: &str, dialled: &str) -> [String; 2] {
        let traced = Tracer::new(&self.text, &self.facts).trace(&[self.who(device).0], &[dialled.to_owned()], None);
        cells(&traced[0], Dialling::DigitByDigit)
    }

    fn who(&self, device: &str) -> (Caller, Option<String>) {
        let cluster = self.sim.cluster();
        let device = cluster.devices.iter().find(|one| one.name == device).unwrap();
        let line = device.lines.first().cloned();
        let line_css =
            cluster.lines.iter().find(|one| Some(&one.pattern) == line.as_ref()).and_then(|one| one.css.clone());
        let callers = self.facts.callers();
        let word = match (device.model.as_str(), device.class.as_str()) {
            ("CTI Port", _) => "cti",
            (_, "Trunk") => "trunk",
            _ => "phone",
        };
        let name = |css: &Option<String>| css.clone().unwrap_or_else(|| "-".into());
        let kept = device.significant_digits.map_or_else(String::new, |digits| format!("/{digits}"));
        let prefix = device.prefix.as_ref().map_or_else(String::new, |digits| format!("/{digits}"));
        let apart = self
            .facts
            .local_routes
            .iter()
            .find(|local| local.pools.iter().any(|pool| Some(pool) == device.pool.as_ref()));
        let pool = apart.map_or_else(String::new, |local| format!("@{}", local.pools.first().unwrap()));
        let id = format!("{word}:{}+{}{kept}{prefix}{pool}", name(&line_css), name(&device.css));
        let caller = callers.iter().find(|caller| caller.to_string() == id);
        (caller.unwrap_or_else(|| panic!("{id} is not among {callers:?}")).clone(), line)
    }

    /// Does the caller reach the PSTN normally?
    fn gets_out(&self, caller: &str) -> bool {
        let callers = &self.check.reach.as_ref().unwrap().callers;
        callers.iter().find(|one| one.caller.to_string() == caller).unwrap().pstn.normal
    }

    /// Caller and place of every leak, in their order.
    fn leaks(&self) -> Vec<String> {
        let mut leaks: Vec<String> = self
            .check
            .reach
            .as_ref()
            .unwrap()
            .leaks
            .iter()
            .map(|leak| format!("{} {}", leak.caller, leak.place()))
            .collect();
        leaks.sort();
        leaks
    }

    fn emergency(&self, caller: &str, number: &str) -> (Reached, Reached) {
        let found = self.check.reach.as_ref().unwrap().callers.iter().find(|one| one.caller.to_string() == caller);
        let found = found.unwrap().emergency.iter().find(|one| one.number == number).unwrap();
        (found.normal, found.locked)
    }
}

fn cells(traced: &Traced, how: Dialling) -> [String; 2] {
    let one = traced.dialling.iter().find(|one| one.how == how).unwrap();
    [ours(one.normal.as_ref().unwrap()), ours(one.locked.as_ref().unwrap())]
}

const EMERGENCY: [At<'static>; 2] = [("911", "911"), ("911", "9.911")];

fn class_of_service() -> Plan {
    let routes = [("LOC", "9.[2-9]XXXXXX"), ("LD", "9.1[2-9]XX[2-9]XXXXXX"), ("INTL", "9.011!"), ("INTL", "9.011!#")];
    let mirrors = [("9.[2-9]XXXXXX", true), ("9.1[2-9]XX[2-9]XXXXXX", true), ("9.011!", false), ("9.011!#", true)];
    Plan::new(&routes, &EMERGENCY, &mirrors)
        .css("CSS-LOBBY", &["LOCK", "911", "INT"])
        .css("CSS-STAFF", &["LOCK", "911", "INT", "LOC", "LD"])
        .css("CSS-EXEC", &["LOCK", "911", "INT", "LOC", "LD", "INTL"])
        .phone("SEP1", "", ("INT", "5001"), "CSS-LOBBY", "")
        .phone("SEP2", "", ("INT", "5002"), "CSS-STAFF", "")
        .phone("SEP3", "", ("INT", "5003"), "CSS-EXEC", "")
}

#[tokio::test]
async fn class_of_service_on_one_calling_search_space() {
    let table = [
        ("SEP2", "914035551234", "out 14035551234", "5911"),
        ("SEP3", "9011442079460000#", "out 011442079460000", "5911"),
        // The lock opens a way to the EOC for phones that had none.
        ("SEP1", "95551234", "-", "5911"),
        ("SEP1", "911", "out 911", "out 911"),
        ("SEP1", "9911", "out 911", "out 911"),
        ("SEP1", "5002", "in 5002", "in 5002"),
    ];
    for blocks in [&[][..], &["LOC", "LD", "INTL"]] {
        let run = class_of_service().run(blocks).await;
        run.agrees(&table);
        assert!(run.check.verdict.is_ok(), "{:?}", run.check.verdict);
        assert_eq!(run.leaks(), [""; 0]);
        assert_eq!(run.emergency("phone:CSS-LOBBY+-", "9911"), (Reached::Out, Reached::Out));
    }
}

/// The same rights everywhere; calls leave by the gateways of the phone's device pool.
fn local_gateways() -> Plan {
    class_of_service()
        .phone("SEP-HILL", "", ("INT", "5010"), "CSS-STAFF", "")
        .phone("SEP-MINE", "", ("INT", "5011"), "CSS-STAFF", "")
        .phone("SEP-PORT", "", ("INT", "5012"), "CSS-STAFF", "")
        .local_group(&[("CITY", Some("RG-CITY")), ("HILL", None), ("MINE", None), ("PORT", Some("RG-CLUSTER"))])
        .pool("SEP1", "CITY")
        .pool("SEP2", "CITY")
        .pool("SEP-HILL", "HILL")
        .pool("SEP-MINE", "MINE")
        .pool("SEP-PORT", "PORT")
}

#[tokio::test]
async fn a_local_route_group_leads_where_the_callers_device_pool_says() {
    let run = local_gateways().run(&[]).await;
    run.agrees(&[
        ("SEP2", "914035551234", "out 14035551234", "5911"),
        ("SEP-HILL", "914035551234", "-", "5911"),
        ("SEP-PORT", "914035551234", "on-net", "5911"),
        ("SEP2", "911", "out 911", "out 911"),
        ("SEP-MINE", "911", "-", "-"),
        ("SEP-PORT", "911", "on-net", "on-net"),
    ]);
    let from = |caller: &str| run.emergency(caller, "911");
    assert_eq!(from("phone:CSS-STAFF+-"), (Reached::Out, Reached::Out));
    assert_eq!(from("phone:CSS-STAFF+-@HILL"), (Reached::Blocked, Reached::Blocked));
    assert_eq!(from("phone:CSS-STAFF+-@PORT"), (Reached::Inside, Reached::Inside));
    let out = ["", "@HILL", "@PORT"].map(|pool| run.gets_out(&format!("phone:CSS-STAFF+-{pool}")));
    assert_eq!(out, [true, false, false]);
    let accepted = run.check.verdict.as_ref().unwrap();
    assert_eq!(accepted.devices.without_emergency, 2, "{:?}", accepted.warnings);
    let told = |sentence: &str| accepted.warnings.iter().any(|warning| warning.starts_with(sentence));
    assert!(
        told("Route lists without a gateway or trunk for device pools HILL, MINE: 1 (RL)."),
        "{:?}",
        accepted.warnings
    );
    assert!(accepted.from_every_phone.is_empty());
}

#[tokio::test]
async fn where_local_route_groups_cannot_be_read_each_counts_as_a_way_out_and_it_is_said() {
    let mut plan = local_gateways();
    plan.missing_columns = vec!["devicepoolroutegroupmap.fkroutegroup_local".into()];
    let run = plan.run(&[]).await;
    assert!(run.gets_out("phone:CSS-STAFF+-"));
    let warnings = &run.check.warnings;
    let told =
        |warning: &String| warning.starts_with("Not read: local route groups, so that each route list of them counts");
    assert!(warnings.iter().any(told), "{warnings:?}");
}

#[tokio::test]
async fn a_route_list_that_is_switched_off_leads_nowhere() {
    let mut plan = local_gateways();
    plan.cluster.switched_off = vec!["RL".into()];
    let run = plan.run(&[]).await;
    run.agrees(&[("SEP2", "914035551234", "-", "5911"), ("SEP2", "911", "-", "-")]);
    assert!(!run.gets_out("phone:CSS-STAFF+-"));
}

#[tokio::test]
async fn a_gap_in_the_mirrors_is_a_leak_only_where_calls_get_out() {
    let mut plan = local_gateways();
    plan.cluster.translation_patterns.retain(|mirror| !mirror.pattern.starts_with("9.1"));
    let run = plan.clone().run(&[]).await;
    let gap = "9.1[2-9]XX[2-9]XXXXXX in LD";
    assert_eq!(run.leaks(), [format!("phone:CSS-EXEC+- {gap}"), format!("phone:CSS-STAFF+- {gap}")]);
    // Nothing is behind it for anybody.
    plan.cluster.device_pools.iter_mut().for_each(|pool| pool.local_route_groups.clear());
    let run = plan.run(&[]).await;
    assert_eq!(run.leaks(), [""; 0]);
    run.agrees(&[("SEP2", "914035551234", "-", "-"), ("SEP2", "911", "-", "-")]);
    let warnings = &run.check.warnings;
    let dead = |warning: &String| warning.starts_with("Route patterns behind which there is no gateway or trunk: 6");
    assert!(warnings.iter().any(dead), "{warnings:?}");
}

#[tokio::test]
async fn a_phone_without_any_calling_search_space_is_told_and_so_is_what_it_reaches() {
    let mut plan = class_of_service().phone("SEP9", "", ("INT", "5009"), "", "");
    plan.cluster.route_patterns.push(RoutePattern {
        pattern: "9.1[2-9]XX[2-9]XXXXXX".into(),
        route_list: Some("RL".into()),
        discard: Some("PreDot".into()),
        ..RoutePattern::default()
    });
    let run = plan.run(&["LOC", "LD", "INTL"]).await;
    run.agrees(&[
        ("SEP9", "914035551234", "out 14035551234", "out 14035551234"),
        ("SEP9", "911", "-", "-"),
        ("SEP1", "914035551234", "out 14035551234", "5911"),
    ]);
    assert_eq!(run.leaks(), ["phone:-+- 9.1[2-9]XX[2-9]XXXXXX in <None>"]);
    assert_eq!(run.emergency("phone:-+-", "911"), (Reached::NoRoute, Reached::NoRoute));
    let warnings = run.check.verdict.unwrap().warnings;
    assert!(warnings.iter().any(|one| one.starts_with("911 does not get through")), "{warnings:?}");
}

#[tokio::test]
async fn calling_search_spaces_on_line_and_device() {
    let plan = || {
        let blocked = TranslationPattern {
            pattern: "9.1[2-9]XX[2-9]XXXXXX".into(),
            partition: Some("BLK".into()),
            blocked: true,
            ..TranslationPattern::default()
        };
        let routes = [("S1", "9.[2-9]XXXXXX"), ("S1", "9.1[2-9]XX[2-9]XXXXXX")];
        let mut plan = Plan::new(&routes, &EMERGENCY, &[("9.[2-9]XXXXXX", true), ("9.1[2-9]XX[2-9]XXXXXX", true)])
            .css("CSS-DEV", &["INT", "911", "S1"])
            .css("CSS-L-LOCAL", &["LOCK", "BLK"])
            .css("CSS-L-ALL", &["LOCK"])
            .phone("P1", "", ("INT", "5001"), "CSS-L-LOCAL", "CSS-DEV")
            .phone("P2", "", ("INT", "5002"), "CSS-L-ALL", "CSS-DEV")
            .phone("P3", "", ("INT", "5003"), "", "CSS-DEV")
            .phone("C1", "CTI Port", ("INT", "5004"), "CSS-L-LOCAL", "CSS-DEV");
        plan.cluster.translation_patterns.push(blocked);
        plan
    };
    let out = "out 14035551234";
    for (blocks, leak) in [(&[][..], out), (&["S1"][..], "-")] {
        let run = plan().run(blocks).await;
        run.agrees(&[
            ("P1", "95551234", "out 5551234", "5911"),
            ("P1", "914035551234", "-", "5911"),
            ("P2", "914035551234", out, "5911"),
            ("P3", "914035551234", out, leak),
            // Device first.
            ("C1", "914035551234", out, leak),
            ("P1", "911", "out 911", "out 911"),
            ("P2", "9911", "out 911", "out 911"),
            ("P3", "911", "out 911", "out 911"),
            ("C1", "9911", "out 911", "out 911"),
        ]);
        assert!(run.check.verdict.is_ok(), "{:?}", run.check.verdict);
        let leaks = if blocks.is_empty() {
            ["cti:CSS-L-LOCAL+CSS-DEV", "phone:-+CSS-DEV"]
                .iter()
                .flat_map(|who| ["9.1[2-9]XX[2-9]XXXXXX", "9.[2-9]XXXXXX"].map(|p| format!("{who} {p} in S1")))
                .collect()
        } else {
            Vec::new()
        };
        assert_eq!(run.leaks(), leaks);
    }
    // A mirror of the eleven: behind the lines' spaces alone it would take 9911; the device has the exact pattern.
    let mut wide = plan();
    wide.cluster.translation_patterns.push(TranslationPattern {
        pattern: "9.[2-9]11".into(),
        partition: Some("LOCK".into()),
        mask: Some("5911".into()),
        css: Some("CSS-TO-EOC".into()),
        urgent: true,
        ..TranslationPattern::default()
    });
    let run = wide.run(&["S1"]).await;
    assert!(run.check.verdict.is_ok(), "{:?}", run.check.verdict);
}

fn plus_e164(mirrors: &[(&str, bool)]) -> Plan {
    let routes = [("Nat", "\\+1[2-9]XX[2-9]XXXXXX"), ("Intl", "\\+!"), ("Intl", "\\+!#")];
    let mut plan = Plan::new(&routes, &[("911", "911"), ("911", "9911")], mirrors)
        .css("CSS-SJC", &["LOCK", "DN", "Intra", "UStoE164", "Nat", "Intl", "911"])
        .css("CSS-IN", &["DN"])
        .phone("SEP1", "", ("DN", "\\+14085554001"), "CSS-SJC", "")
        .phone("SEP2", "", ("DN", "\\+14085554002"), "CSS-SJC", "")
        .trunk("TRUNK", "CSS-IN");
    plan.cluster.route_patterns[0].urgent = true;
    let normalise =
        |pattern: &str, mask: Option<&str>, discard: Option<&str>, prefix: Option<&str>| TranslationPattern {
            pattern: pattern.into(),
            partition: Some(if mask.is_some() { "Intra" } else { "UStoE164" }.into()),
            urgent: true,
            mask: mask.map(str::to_owned),
            discard: discard.map(str::to_owned),
            prefix: prefix.map(str::to_owned),
            use_originator_css: true,
            ..TranslationPattern::default()
        };
    plan.cluster.translation_patterns.extend([
        normalise("4XXX", Some("+14085554XXX"), None, None),
        normalise("9.1[2-9]XX[2-9]XXXXXX", None, Some("PreDot"), Some("+")),
        normalise("9011.!#", None, Some("PreDot"), Some("+")),
    ]);
    plan
}

#[tokio::test]
async fn plus_e164_with_normalising_translations() {
    let mirrors = [("\\+1[2-9]XX[2-9]XXXXXX", true), ("\\+!", false), ("\\+!#", false)];
    for blocks in [&[][..], &["Nat", "Intl"]] {
        let run = plus_e164(&mirrors).run(blocks).await;
        run.agrees(&[
            ("SEP1", "4002", "in \\+14085554002", "in \\+14085554002"),
            ("SEP1", "914085554002", "in \\+14085554002", "in \\+14085554002"),
            ("SEP1", "914035551234", "out +14035551234", "5911"),
            ("SEP1", "+442079460000", "out +442079460000", "5911"),
            ("SEP1", "9011442079460000#", "out +442079460000", "5911"),
            ("SEP1", "911", "out 911", "out 911"),
            ("SEP1", "9911", "out 9911", "out 9911"),
            ("TRUNK", "+14085554001", "in \\+14085554001", "in \\+14085554001"),
            ("TRUNK", "+14035551234", "-", "-"),
        ]);
        assert!(run.check.verdict.is_ok(), "{:?}", run.check.verdict);
        assert_eq!(run.leaks(), [""; 0]);
    }
    // Only `\+!` mirrored: `…#` still goes out.
    let run = plus_e164(&mirrors[..2]).run(&[]).await;
    assert_eq!(run.leaks(), ["phone:CSS-SJC+- \\+!# in Intl"]);
}

/// A profile from Germany on a phone in the United States: emergency numbers of both.
#[tokio::test]
async fn a_roaming_phone_reaches_the_emergency_numbers_of_its_line_and_of_its_device() {
    let mut plan = Plan::new(
        &[("DE", "0.!")],
        &[("DEEmergency", "112"), ("DEEmergency", "0112"), ("Em", "911")],
        &[("0.!", false)],
    )
    .css("CSS-FRA", &["LOCK", "DE", "DEEmergency"])
    .css("CSS-US", &["Em"])
    .phone("SEP1", "", ("DN", "\\+496912345"), "CSS-FRA", "CSS-US");
    // Not 911 as well: behind the access code it is the code of Nuremberg, and is mirrored.
    plan.text.protected_numbers = vec!["112".into()];
    plan.text.protected_partitions = vec!["DEEmergency".into(), "Em".into()];
    let run = plan.run(&["DE"]).await;
    run.agrees(&[
        ("SEP1", "911", "out 911", "out 911"),
        ("SEP1", "112", "out 112", "out 112"),
        ("SEP1", "0112", "out 0112", "out 0112"),
        ("SEP1", "004420794600", "out 04420794600", "5911"),
    ]);
    assert_eq!(run.emergency("phone:CSS-FRA+CSS-US", "112"), (Reached::Out, Reached::Out));
    assert!(run.check.verdict.is_ok(), "{:?}", run.check.verdict);
}

#[tokio::test]
async fn what_a_trunk_makes_of_digits_that_come_in_is_looked_up() {
    let mut plan = Plan::new(&[("LD", "9.1[2-9]XX[2-9]XXXXXX")], &EMERGENCY, &[("9.1[2-9]XX[2-9]XXXXXX", true)])
        .css("CSS-S1", &["LOCK", "INT", "LD", "911"])
        .css("CSS-IN", &["LOCK", "INT"])
        .phone("S1", "", ("INT", "5001"), "CSS-S1", "")
        .phone("S2", "", ("INT", "85002"), "CSS-S1", "")
        .trunk("ALL", "CSS-IN")
        .trunk("FOUR", "CSS-IN")
        .trunk("MORE", "CSS-IN");
    let trunk = |name: &str, plan: &mut Plan, kept: usize, prefix: Option<&str>| {
        let trunk = plan.cluster.devices.iter_mut().find(|device| device.name == name).unwrap();
        (trunk.significant_digits, trunk.prefix) = (Some(kept), prefix.map(str::to_owned));
    };
    trunk("FOUR", &mut plan, 4, None);
    trunk("MORE", &mut plan, 4, Some("8"));
    plan.text.inbound_css = vec!["CSS-IN".into()];
    let mirror = TranslationPattern {
        pattern: "5XXX".into(),
        partition: Some("LOCK".into()),
        urgent: true,
        mask: Some("5911".into()),
        css: Some("CSS-TO-EOC".into()),
        ..TranslationPattern::default()
    };
    plan.cluster.translation_patterns.push(mirror);
    let run = plan.run(&[]).await;
    run.agrees(&[
        ("FOUR", "4035555001", "in 5001", "in 5001"),
        ("FOUR", "4035555009", "-", "5911"),
        ("MORE", "4035555002", "in 85002", "in 85002"),
        ("MORE", "4035555001", "-", "-"),
        ("ALL", "4035555001", "-", "-"),
        ("ALL", "5001", "in 5001", "in 5001"),
    ]);
    let leaks = &run.check.reach.as_ref().unwrap().leaks;
    let of = |id: &str| leaks.iter().find(|leak| leak.caller == id).map(|leak| leak.example.as_str());
    assert_eq!(of("trunk:-+CSS-IN/4"), Some("5001"), "a closer number beats the mirror: {leaks:?}");
    assert_eq!(of("trunk:-+CSS-IN/4/8"), Some("5002"), "as the carrier sends it: {leaks:?}");
    let devices: usize = run.facts.callers().iter().map(|caller| caller.count).sum();
    assert_eq!(devices, run.sim.cluster().devices.len());
}

#[tokio::test]
async fn keys_go_on_behind_an_urgent_translation_of_any_length() {
    let mut plan = plus_e164(&[("\\+1[2-9]XX[2-9]XXXXXX", true)]);
    plan.cluster.translation_patterns.push(TranslationPattern {
        pattern: "9011.!".into(),
        partition: Some("UStoE164".into()),
        urgent: true,
        discard: Some("PreDot".into()),
        prefix: Some("+".into()),
        use_originator_css: true,
        ..TranslationPattern::default()
    });
    let run = plan.clone().run(&[]).await;
    run.agrees(&[
        ("SEP1", "901114035551234", "out +14035551234", "5911"),
        ("SEP1", "9011442079460000", "out +442079460000", "out +442079460000"),
    ]);
    // Told not to wait, it sends what it has: one digit.
    plan.cluster.translation_patterns.last_mut().unwrap().at_once = true;
    let hasty = plan.run(&[]).await;
    assert_eq!(hasty.by_keys("SEP1", "901114035551234"), ["out +1", "out +1"]);
}

/// 911 is translated twice on its way; the second translation looks up its digits where "the originator" does.
fn twice_translated() -> Plan {
    let routes = [("PSTN", "9.911"), ("PSTN", "9.1[2-9]XX[2-9]XXXXXX")];
    let mut plan = Plan::new(&routes, &[("MID-911", "9.911")], &[("9.1[2-9]XX[2-9]XXXXXX", true)])
        .css("CSS-PHONE", &["LOCK", "DIAL", "PSTN"])
        .css("CSS-MID", &["MID", "MID-911"])
        .phone("SEP1", "", ("DN", "5001"), "CSS-PHONE", "");
    let translation = |partition: &str, prefix: Option<&str>, css: Option<&str>| TranslationPattern {
        pattern: "911".into(),
        partition: Some(partition.into()),
        urgent: true,
        prefix: prefix.map(str::to_owned),
        css: css.map(str::to_owned),
        use_originator_css: css.is_none(),
        ..TranslationPattern::default()
    };
    plan.cluster.translation_patterns.push(translation("DIAL", None, Some("CSS-MID")));
    plan.cluster.translation_patterns.push(translation("MID", Some("9"), None));
    plan.text.protected_partitions = vec!["MID-911".into()];
    plan
}

#[tokio::test]
async fn where_nobody_knows_whose_calling_search_space_is_meant_the_worse_reading_counts() {
    for (device_decides, when_locked) in [(false, "out 911"), (true, "-")] {
        let mut plan = twice_translated();
        plan.cluster.originator_is_the_device = device_decides;
        let run = plan.run(&["PSTN"]).await;
        let mut locked = run.sim.cluster().clone();
        locked.partition("LOCK").unwrap().schedule = None;
        locked
            .route_patterns
            .iter_mut()
            .filter(|p| p.partition.as_deref() == Some("PSTN"))
            .for_each(|p| p.blocked = true);
        let call = digits::dial_from(&locked, "SEP1", Some("5001"), "911", digits::Dialling::EnBloc).unwrap();
        assert_eq!(theirs(&call.outcome), when_locked, "the simulated truth");
        let violations = run.check.verdict.as_ref().unwrap_err();
        let told: Vec<String> = violations.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|one| one.contains("911 dialled") && one.contains("blocked")), "{told:?}");
        let doubt = |warning: &String| warning.contains("911 in MID") && warning.contains("texts disagree");
        assert!(run.check.warnings.iter().any(doubt), "{:?}", run.check.warnings);
    }
    // Not blocked, it gets out by either reading, and the lock may run.
    assert!(twice_translated().run(&[]).await.check.verdict.is_ok());
}

#[tokio::test]
async fn a_closer_route_behind_a_wide_mirror_leaks() {
    let mut plan = plus_e164(&[("\\+1[2-9]XX[2-9]XXXXXX", true), ("\\+!", false), ("\\+!#", false)]);
    // Hop-off to London at the far end.
    plan.cluster.route_patterns.push(RoutePattern {
        pattern: "\\+44!".into(),
        partition: Some("Intl".into()),
        route_list: Some("RL".into()),
        ..RoutePattern::default()
    });
    let run = plan.run(&[]).await;
    run.agrees(&[("SEP1", "+442079460000", "out +442079460000", "out +442079460000")]);
    assert_eq!(run.leaks(), ["phone:CSS-SJC+- \\+44! in Intl"]);
}

#[tokio::test]
async fn two_tiers_behind_one_wide_translation() {
    let mut plan = Plan::new(&[("R", "1[2-9]XX[2-9]XXXXXX")], &EMERGENCY, &[("9.[2-9]XXXXXX", true)])
        .css("CSS-PHONE", &["LOCK", "911", "T"])
        .css("CSS-ROUTES", &["R"])
        .phone("SEP1", "", ("INT", "5001"), "CSS-PHONE", "");
    plan.cluster.translation_patterns.push(TranslationPattern {
        pattern: "9.!".into(),
        partition: Some("T".into()),
        discard: Some("PreDot".into()),
        css: Some("CSS-ROUTES".into()),
        ..TranslationPattern::default()
    });
    let run = plan.clone().run(&[]).await;
    run.agrees(&[("SEP1", "914035551234", "out 14035551234", "out 14035551234")]);
    assert_eq!(run.leaks(), ["phone:CSS-PHONE+- 1[2-9]XX[2-9]XXXXXX in R"]);
    let run = plan.run(&["R"]).await;
    run.agrees(&[("SEP1", "914035551234", "out 14035551234", "-"), ("SEP1", "911", "out 911", "out 911")]);
    assert_eq!(run.leaks(), [""; 0]);
}

#[tokio::test]
async fn a_redirect_of_inbound_calls_that_a_number_beats() {
    let mut plan = Plan::new(&[("LOC", "9.[2-9]XXXXXX")], &EMERGENCY, &[("9.[2-9]XXXXXX", true), ("5XXX", true)])
        .css("CSS-IN", &["LOCK", "INT"])
        .phone("SEP1", "", ("INT", "5001"), "", "")
        .trunk("TRUNK", "CSS-IN");
    plan.text.inbound_css = vec!["CSS-IN".into()];
    let run = plan.run(&[]).await;
    run.agrees(&[("TRUNK", "5001", "in 5001", "in 5001"), ("TRUNK", "5222", "-", "5911")]);
    assert_eq!(run.leaks(), ["trunk:-+CSS-IN 5001 in INT"]);
}

#[tokio::test]
async fn calls_that_cucm_makes_by_itself_pass_the_mirror_and_meet_the_block() {
    let forward = |when: &str, destination: &str, css: &str| Forward {
        when: when.into(),
        destination: destination.into(),
        css: vec![css.into()],
    };
    let plan = || {
        let mut plan = class_of_service().css("CSS-CFA", &["INT", "LOC"]).css("CSS-RR", &["LD"]);
        plan.cluster.lines[1].forwards = vec![forward("all", "95551234", "CSS-CFA")];
        plan.cluster.lines[2].forwards =
            vec![forward("busy", "5001", "CSS-CFA"), forward("unregistered", "914035550009", "CSS-STAFF")];
        plan.cluster.hunt_pilots.push(Number {
            pattern: "5800".into(),
            partition: Some("INT".into()),
            forwards: vec![forward("no_answer", "914035550001", "CSS-RR")],
            ..Number::default()
        });
        plan.cluster.hunt_pilots.push(Number {
            pattern: "5801".into(),
            partition: Some("INT".into()),
            forwards: vec![forward("queue_full", "5001", "CSS-CFA"), forward("max_wait", "95550002", "CSS-CFA")],
            ..Number::default()
        });
        let pilot = |number: &str, css: &str| VoiceMailPilot { number: number.into(), css: Some(css.into()) };
        plan.cluster.voice_mail_pilots =
            vec![pilot("914035550003", "CSS-RR"), pilot("914035550004", "CSS-STAFF"), pilot("5001", "CSS-CFA")];
        plan.cluster.devices.push(Device {
            name: "SEP-AAR".into(),
            css: Some("CSS-LOBBY".into()),
            aar_css: Some("CSS-RR".into()),
            ..Device::default()
        });
        let trunk = |name: &str, refer: &str| Device {
            name: name.into(),
            class: "Trunk".into(),
            model: "SIP Trunk".into(),
            css: Some("CSS-LOBBY".into()),
            refer_css: Some(refer.into()),
            ..Device::default()
        };
        plan.cluster.devices.extend([trunk("T-RAW", "CSS-RR"), trunk("T-MIRRORED", "CSS-STAFF")]);
        plan.cluster.devices.push(Device {
            name: "RDP-1".into(),
            class: "Remote Destination Profile".into(),
            model: "Remote Destination Profile".into(),
            reroute_css: Some("CSS-RR".into()),
            remote_destinations: vec!["914035550000".into()],
            ..Device::default()
        });
        plan
    };
    let run = plan().run(&[]).await;
    let told: Vec<_> = run
        .check
        .reach
        .as_ref()
        .unwrap()
        .leaks
        .iter()
        .map(|leak| (leak.caller.clone(), leak.via, leak.example.clone()))
        .collect();
    let of = |caller: &str| {
        told.iter().find(|(owner, ..)| owner == caller).map(|(_, via, example)| (*via, example.as_str()))
    };
    assert_eq!(of("number:5002"), Some((Via::ForwardAll, "95551234")), "{told:?}");
    assert_eq!(of("pilot:5800"), Some((Via::HuntOverflow, "914035550001")), "{told:?}");
    assert_eq!(of("device:RDP-1").map(|(via, _)| via), Some(Via::Mobility), "{told:?}");
    assert_eq!(of("device:T-RAW").map(|(via, _)| via), Some(Via::Refer), "{told:?}");
    assert_eq!(of("pilot:5801"), Some((Via::HuntOverflow, "95550002")), "who waits too long: {told:?}");
    assert_eq!(of("device:SEP-AAR").map(|(via, _)| via), Some(Via::Aar), "{told:?}");
    assert_eq!(of("voice_mail_pilot:914035550003").map(|(via, _)| via), Some(Via::VoiceMail), "{told:?}");
    assert_eq!(told.len(), 7, "5003 forwards to an extension, and through the mirror, as T-MIRRORED does: {told:?}");
    // The simulator follows the same legs.
    let mut locked = run.sim.cluster().clone();
    locked.partition("LOCK").unwrap().schedule = None;
    let legs = |cluster: &Cluster, number: &str| {
        let legs = digits::second_legs(cluster, number).into_iter();
        legs.map(|(when, call)| (when, theirs(&call.outcome))).collect::<Vec<_>>()
    };
    let told = |when: &str, end: &str| (when.to_owned(), end.to_owned());
    assert_eq!(legs(&locked, "5002"), [told("all", "out 5551234")]);
    assert_eq!(legs(&locked, "5003"), [told("busy", "in 5001"), told("unregistered", "5911")]);
    assert_eq!(legs(&locked, "5800"), [told("no_answer", "out 14035550001")]);
    assert_eq!(legs(&locked, "5801"), [told("queue_full", "in 5001"), told("max_wait", "out 5550002")]);
    let referred = |css: &str| theirs(&digits::dial(&locked, css, "914035551234", digits::Dialling::EnBloc).outcome);
    assert_eq!([referred("CSS-RR"), referred("CSS-STAFF")], ["out 14035551234", "5911"]);
    let run = plan().run(&["LOC", "LD", "INTL"]).await;
    assert_eq!(run.leaks(), [""; 0]);
    for (value, off) in [("F", true), ("T", false)] {
        let mut plan = plan();
        plan.cluster.service_parameters.insert("AutomatedAlternateRoutingEnable".into(), value.into());
        let leaks = plan.run(&[]).await.leaks();
        assert_eq!(leaks.iter().any(|leak| leak.starts_with("device:SEP-AAR")), !off, "{value}: {leaks:?}");
    }
}

#[tokio::test]
async fn numbers_of_cucms_own_take_digits_as_every_number_does_and_nobody_answers() {
    let feature = |partition: &str, pattern: &str, usage: &str| Feature {
        pattern: pattern.into(),
        partition: Some(partition.into()),
        usage: usage.into(),
        ..Feature::default()
    };
    let mut plan = class_of_service()
        .css("CSS-ODD", &["LOCK", "ODD", "911", "INT", "LOC", "LD"])
        .css("CSS-IN", &["LOCK", "ODD"])
        .phone("SEP4", "", ("INT", "5004"), "CSS-ODD", "")
        .trunk("TRUNK", "CSS-IN");
    plan.text.inbound_css = vec!["CSS-IN".into()];
    plan.cluster.features = vec![
        feature("ODD", "911", "Conference"),
        feature("ODD", "9911", "CallPark"),
        feature("ODD", "914035551234", "Call Pick Up Group"),
        feature("ODD", "8600", "Mobility IVR"),
        feature("ODD", "8999", "Message Waiting"),
        feature("ODD", "9.!", "Called Party Number Transformation"),
        feature("ODD", "914035559999", "ILS Learned E164 Number"),
    ];
    let run = plan.clone().run(&[]).await;
    run.agrees(&[
        ("SEP4", "911", "in 911", "in 911"),
        ("SEP4", "914035551234", "in 914035551234", "in 914035551234"),
        ("SEP4", "914035551235", "out 14035551235", "5911"),
        ("SEP2", "911", "out 911", "out 911"),
    ]);
    assert_eq!(run.emergency("phone:CSS-ODD+-", "911"), (Reached::Feature, Reached::Feature));
    assert_eq!(run.emergency("phone:CSS-STAFF+-", "911"), (Reached::Out, Reached::Out));
    let warnings = run.check.warnings.join("\n");
    assert!(warnings.contains("911 does not get through, normally or locked, from 1 devices"), "{warnings}");
    assert!(warnings.contains("where calls to some numbers end (1 of “ILS Learned E164 Number”)"), "{warnings}");
    let inbound = |run: &Run| run.leaks().iter().filter(|leak| leak.starts_with("trunk:")).count();
    assert_eq!(inbound(&run), 1, "whoever gets there talks to somebody: {:?}", run.leaks());
    plan.cluster.features.retain(|feature| feature.usage == "Message Waiting" || feature.pattern.ends_with("911"));
    let run = plan.run(&[]).await;
    assert_eq!(inbound(&run), 0, "a lamp is no call, and a protected number is not asked for: {:?}", run.leaks());
}

#[tokio::test]
async fn a_phone_that_calls_when_it_is_lifted_is_followed_and_judged() {
    let lifted = |partition: &str, css: &str| TranslationPattern {
        pattern: String::new(),
        partition: Some(partition.into()),
        mask: Some("95551234".into()),
        css: Some(css.into()),
        ..TranslationPattern::default()
    };
    let mut plan = class_of_service()
        .css("CSS-RAW", &["LOC"])
        .css("CSS-GATE", &["LOCK", "911", "GATE"])
        .css("CSS-LIFT", &["LOCK", "911", "LIFT"])
        .phone("SEP7", "", ("INT", "5007"), "CSS-GATE", "")
        .phone("SEP8", "", ("INT", "5008"), "CSS-LIFT", "");
    // One is looked up where the mirrors are, the other behind them.
    plan.cluster.translation_patterns.extend([lifted("GATE", "CSS-STAFF"), lifted("LIFT", "CSS-RAW")]);
    let run = plan.clone().run(&[]).await;
    run.agrees(&[
        ("SEP7", "", "out 5551234", "5911"),
        ("SEP8", "", "out 5551234", "out 5551234"),
        ("SEP2", "", "-", "-"),
    ]);
    let leaks = &run.check.reach.as_ref().unwrap().leaks;
    let found: Vec<_> = leaks.iter().map(|leak| (leak.caller.as_str(), leak.via, leak.pattern.as_str())).collect();
    // More keys may be pressed behind it: where it is looked up is judged by itself, too.
    let out = "9.[2-9]XXXXXX";
    assert_eq!(found, [("phone:CSS-LIFT+-", Via::Plar, out), ("css:CSS-RAW", Via::Direct, out)]);
    assert_eq!(plan.run(&["LOC"]).await.leaks(), [""; 0], "the block stops it");
}

#[tokio::test]
async fn at_a_moment_a_partition_of_office_hours_is_as_it_is_then() {
    let mut plan = class_of_service().css("CSS-DAY", &["DAY", "911"]).phone("SEP5", "", ("INT", "5005"), "CSS-DAY", "");
    plan.cluster.periods.extend([
        Period {
            name: "OFFICE".into(),
            start: "08:00".into(),
            end: "17:00".into(),
            start_day: Some("Mon".into()),
            end_day: Some("Fri".into()),
            ..Period::default()
        },
        Period {
            name: "HOLIDAY".into(),
            start: "No Office Hours".into(),
            end: "No Office Hours".into(),
            on: Some("Dec 24".into()),
            until: Some("Dec 26".into()),
            ..Period::default()
        },
    ]);
    plan.cluster.schedules.push(Schedule { name: "DAYS".into(), periods: vec!["OFFICE".into(), "HOLIDAY".into()] });
    plan.cluster.route_patterns.push(RoutePattern {
        pattern: "8.!".into(),
        partition: Some("DAY".into()),
        route_list: Some("RL".into()),
        ..RoutePattern::default()
    });
    let mut run = plan.run(&[]).await;
    run.sim.edit(|cluster| cluster.partition("DAY").unwrap().schedule = Some("DAYS".into()));
    run.facts = Arc::new(read(&run.sim, &run.text).await);
    let ends = |run: &Run, at: Option<&str>| -> Vec<_> {
        let at = at.map(|at| format!("{at}[Etc/GMT+7]").parse::<jiff::Zoned>().unwrap());
        let at = at.map(|at| engine::moment(&at, &run.facts));
        let tracer = Tracer::new(&run.text, &run.facts);
        let traced = tracer.trace(&[run.who("SEP5").0], &["8555".into()], at.as_ref()).remove(0);
        let en_bloc = traced.dialling.into_iter().filter(|one| one.how == Dialling::EnBloc);
        en_bloc.map(|one| (one.schedules.is_some(), one.now.end)).collect()
    };
    assert_eq!(ends(&run, Some("2026-12-01T08:00")), [(false, Ended::Pstn)], "a Tuesday");
    assert_eq!(ends(&run, Some("2026-12-01T07:59")), [(false, Ended::NoRoute)]);
    assert_eq!(ends(&run, Some("2026-12-01T17:00")), [(false, Ended::NoRoute)]);
    assert_eq!(ends(&run, Some("2026-12-06T12:00")), [(false, Ended::NoRoute)], "a Sunday");
    assert_eq!(ends(&run, Some("2026-12-25T12:00")), [(false, Ended::NoRoute)], "a holiday, and a Friday");
    assert_eq!(ends(&run, None), [(true, Ended::Pstn), (true, Ended::NoRoute)]);
    run.sim.edit(|cluster| cluster.partition("DAY").unwrap().zone = Some("Etc/GMT+5".into()));
    run.facts = Arc::new(read(&run.sim, &run.text).await);
    assert_eq!(ends(&run, Some("2026-12-01T06:00")), [(false, Ended::Pstn)], "eight on its own clock");
    assert_eq!(ends(&run, Some("2026-12-01T15:00")), [(false, Ended::NoRoute)], "five there");
    run.sim.edit(|cluster| cluster.partition("DAY").unwrap().zone = Some("Mars/Olympus".into()));
    run.facts = Arc::new(read(&run.sim, &run.text).await);
    assert_eq!(ends(&run, Some("2026-12-01T12:00")), [(true, Ended::Pstn), (true, Ended::NoRoute)], "nobody knows");
}

fn itsp(pattern: &str, trunk: &str) -> SipRoutePattern {
    SipRoutePattern { pattern: pattern.into(), partition: Some("URI".into()), trunk: trunk.into(), blocked: false }
}

/// Addresses leave by `ITSP`, or stay inside by `ICT`.
fn with_addresses() -> Plan {
    let mut plan = class_of_service()
        .css("CSS-URI", &["LOCK", "911", "INT", "LOC", "URI"])
        .phone("SEP4", "", ("INT", "5004"), "CSS-URI", "")
        .trunk("ITSP", "CSS-LOBBY")
        .trunk("ICT", "CSS-LOBBY");
    plan.cluster.devices.last_mut().unwrap().network_location = Some("OnNet".into());
    plan.cluster.sip_route_patterns.extend([itsp("*.itsp.example", "ITSP"), itsp("cluster-b.example", "ICT")]);
    plan
}

#[tokio::test]
async fn an_address_meets_no_mirror_and_only_its_own_block_stops_it() {
    let run = with_addresses().run(&["LOC", "LD", "INTL"]).await;
    assert_eq!(run.leaks(), ["phone:CSS-URI+- *.itsp.example in URI"]);
    let call = |cluster: &Cluster, device: &str, host: &str| {
        let (_, line) = run.who(device);
        digits::Exchange::new(cluster).call_host(device, line.as_deref(), host).unwrap()
    };
    let leak = run.check.reach.as_ref().unwrap().leaks[0].clone();
    let (_, host) = leak.example.split_once('@').unwrap();
    let mut cluster = run.sim.cluster().clone();
    cluster.partition("LOCK").unwrap().schedule = None;
    assert!(matches!(call(&cluster, "SEP4", host), Outcome::Pstn { .. }), "the example gets out");
    assert_eq!(call(&cluster, "SEP2", host), Outcome::NoMatch, "it does not find the partition, and is no leak");
    assert!(
        matches!(call(&cluster, "SEP4", "cluster-b.example"), Outcome::OnNet { .. }),
        "it stays inside, and is no leak"
    );

    let mut plan = with_addresses();
    plan.steps.push(
        SipRoutePatternBlockText {
            group: Group::OutboundBlock,
            patterns: Patterns::AllExcept(vec!["cluster-b.example".into()]),
            partition: "URI".into(),
        }
        .into(),
    );
    let run = plan.run(&["LOC", "LD", "INTL"]).await;
    assert_eq!(run.leaks(), [""; 0]);
    let steps = run.check.verdict.unwrap().plan.steps;
    let blocked: Vec<String> = steps.iter().map(|step| step.object().to_string()).collect();
    assert!(blocked.contains(&"*.itsp.example in URI".to_owned()), "{blocked:?}");
    assert!(!blocked.contains(&"cluster-b.example in URI".to_owned()), "{blocked:?}");
}

#[tokio::test]
async fn a_cluster_that_refuses_to_list_sip_route_patterns_is_surveyed_without_and_it_is_said() {
    let Plan { cluster, text, .. } = with_addresses();
    let sim = CucmSim::with_cluster(cluster, 0, None).await.unwrap();
    sim.faults().refused = vec!["listSipRoutePattern".into()];
    let facts = read(&sim, &text).await;
    assert_eq!(facts.sip_route_patterns, []);
    assert!(facts.not_read.iter().any(|what| what.contains("SIP route patterns")), "{:?}", facts.not_read);
}
