use super::unread::unread;
use super::words::NAMED;
use super::*;
use crate::caller::{CallerKind, Callers};
use crate::dial_plan::{
    Activity, CallingSearchSpace, Destination, DigitChange, Discard, Endpoint, EndpointKind, Feature, Partition,
    RoutePattern, TimeSchedule, TranslationPattern,
};
use crate::ids::{SiteId, Uuid};
use crate::leg::{Leg, Legs};
use crate::plan::Pilot;
use crate::steps::{
    CssMembersText, Group, PartitionScheduleText, Patterns, RoutePatternBlockText, TransPatternBlockText,
};

pub(super) fn route(pattern: &str, partition: &str) -> RoutePattern {
    RoutePattern {
        uuid: Uuid::from(format!("{pattern}@{partition}")),
        pattern: pattern.into(),
        partition: Some(partition.into()),
        blocked: false,
        urgent: false,
        change: DigitChange::default(),
        emergency: false,
        destination: Destination::RouteList("RL".into()),
        on_net: false,
        dead: false,
        filtered: false,
    }
}

fn urgent(pattern: &str) -> RoutePattern {
    RoutePattern { urgent: true, ..route(pattern, "911") }
}

fn mirror(pattern: &str) -> TranslationPattern {
    TranslationPattern {
        uuid: Uuid::from(format!("mirror {pattern}")),
        pattern: pattern.into(),
        partition: Some("LOCK".into()),
        blocked: false,
        urgent: true,
        change: DigitChange { mask: Some("5911".into()), ..DigitChange::default() },
        css: Some("TO-EOC".into()),
        use_originator_css: false,
        at_once: false,
        emergency: false,
        filtered: false,
        by_calling_number: false,
    }
}

/// Seven phones with these on line and device.
pub(super) fn caller(line: Option<&str>, device: Option<&str>) -> Caller {
    let name = |css: Option<&str>| css.map(str::to_owned);
    Caller { kind: CallerKind::Phone, line_css: name(line), device_css: name(device), count: 7, ..Caller::css("") }
}

pub(super) fn dial_plan() -> DialPlan {
    let partition = |name: &str, schedule: Option<&str>| Partition {
        uuid: Uuid::from(name),
        name: name.into(),
        schedule: schedule.map(str::to_owned),
        zone: None,
    };
    let css = |name: &str, members: &[&str]| CallingSearchSpace {
        uuid: Uuid::from(name),
        name: name.into(),
        members: members.iter().map(|m| (*m).into()).collect(),
    };
    DialPlan {
        partitions: vec![
            partition("LOCK", Some("TS-NEVER")),
            partition("911", None),
            partition("PSTN", None),
            partition("EOC", None),
        ],
        schedules: vec![TimeSchedule { name: "TS-NEVER".into(), active: Activity::Never, periods: vec![] }],
        calling_search_spaces: vec![css("PHONE", &["LOCK", "911", "PSTN"]), css("TO-EOC", &["EOC"])],
        route_patterns: vec![urgent("911"), urgent("9.911"), route("9.[2-9]XXXXXX", "PSTN")],
        translation_patterns: vec![mirror("9.[2-9]XXXXXX")],
        endpoints: vec![Endpoint {
            pattern: "5911".into(),
            partition: Some("EOC".into()),
            kind: EndpointKind::HuntPilot,
            urgent: false,
            dead: false,
        }],
        callers: Callers::Read(vec![caller(None, Some("PHONE"))]),
        ..DialPlan::default()
    }
}

pub(super) fn schedule_step() -> StepText {
    StepText::PartitionSchedule(PartitionScheduleText {
        group: Group::OutboundRedirect,
        partition: "LOCK".into(),
        normal: Some("TS-NEVER".into()),
        locked: None,
    })
}

pub(super) fn block(pattern: &str, partition: &str) -> StepText {
    StepText::RoutePatternBlock(RoutePatternBlockText {
        group: Group::OutboundBlock,
        patterns: Patterns::One(pattern.into()),
        partition: partition.into(),
        acknowledge_gateway: false,
    })
}

pub(super) fn text(steps: Vec<StepText>) -> PlanText {
    PlanText {
        site: SiteId::try_from("s").unwrap(),
        eoc_pilot: Pilot { pattern: "5911".into(), partition: "EOC".into() },
        protected_numbers: vec!["911".into(), "9911".into()],
        protected_partitions: vec!["911".into()],
        eoc_css: vec![],
        inbound_css: vec![],
        steps,
    }
}

fn refused(text: &PlanText, plan: &DialPlan) -> String {
    let violations = check(text, plan).expect_err("the plan is refused");
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

#[test]
fn a_sound_plan_passes_without_leaks() {
    let checked = check(&text(vec![schedule_step(), block("9.[2-9]XXXXXX", "PSTN")]), &dial_plan()).unwrap();
    assert_eq!((checked.plan.steps.len(), checked.leaks, checked.warnings), (2, vec![], vec![]));
}

#[test]
fn an_emergency_number_in_any_dialled_form_cannot_be_a_step() {
    let mut plan = dial_plan();
    plan.route_patterns.push(route("0.911", "PSTN"));
    plan.route_patterns.push(route("9.9[1]1", "PSTN"));
    for pattern in ["0.911", "9.9[1]1"] {
        assert!(refused(&text(vec![block(pattern, "PSTN")]), &plan).contains("is the emergency number"), "{pattern}");
    }
    assert!(refused(&text(vec![block("911", "911")]), &plan).contains("protected partition"));
}

#[test]
fn a_flagged_pattern_a_gateway_and_the_pilot_cannot_be_steps() {
    let mut plan = dial_plan();
    plan.route_patterns[2].emergency = true;
    assert!(refused(&text(vec![block("9.[2-9]XXXXXX", "PSTN")]), &plan).contains("flagged"));
    let mut plan = dial_plan();
    plan.route_patterns[2].destination = Destination::Gateway("GW-1".into());
    assert!(refused(&text(vec![block("9.[2-9]XXXXXX", "PSTN")]), &plan).contains("gateway GW-1"));
    let mut pilot = text(vec![block("5911", "EOC")]);
    pilot.protected_partitions.clear();
    plan.route_patterns.push(route("5911", "EOC"));
    assert!(refused(&pilot, &plan).contains("EOC pilot itself"));
}

#[test]
fn an_acknowledged_gateway_is_accepted() {
    let mut plan = dial_plan();
    plan.route_patterns[2].destination = Destination::Gateway("GW-1".into());
    let mut step = block("9.[2-9]XXXXXX", "PSTN");
    if let StepText::RoutePatternBlock(text) = &mut step {
        text.acknowledge_gateway = true;
    }
    assert!(check(&text(vec![step]), &plan).is_ok());
}

#[test]
fn a_wide_block_is_accepted_only_while_emergency_numbers_have_their_own_route() {
    let mut plan = dial_plan();
    plan.route_patterns[2].pattern = "9.!".into();
    assert!(check(&text(vec![block("9.!", "PSTN")]), &plan).is_ok());
    plan.route_patterns.remove(1);
    let why = refused(&text(vec![block("9.!", "PSTN")]), &plan);
    assert!(why.contains("9911 dialled from 7 phones (device PHONE)") && why.contains("Add a pattern"), "{why}");
}

#[test]
fn an_urgent_wide_redirect_that_swallows_911_is_refused() {
    let mut plan = dial_plan();
    plan.translation_patterns = vec![mirror("9.!")];
    let why = refused(&text(vec![schedule_step()]), &plan);
    assert!(why.contains("digit by digit"), "{why}");
}

#[test]
fn a_number_that_would_be_caught_half_way_is_refused() {
    let mut plan = dial_plan();
    plan.translation_patterns.push(mirror("911"));
    let undo = StepText::TransPatternBlock(TransPatternBlockText {
        group: Group::OutboundBlock,
        patterns: Patterns::One("9.[2-9]XXXXXX".into()),
        partition: "LOCK".into(),
    });
    assert!(refused(&text(vec![schedule_step(), undo]), &plan).contains("911 dialled from 7 phones (device PHONE)"));
}

#[test]
fn a_missing_object_is_named_with_its_step() {
    let why = refused(&text(vec![schedule_step(), block("9.X", "PSTN")]), &dial_plan());
    assert!(why.contains("pattern 9.X in PSTN is not in CUCM") && why.contains("step 2"), "{why}");
}

#[test]
fn a_missing_pilot_and_an_empty_protection_are_refused() {
    let mut nowhere = text(vec![schedule_step()]);
    nowhere.eoc_pilot.pattern = "5912".into();
    assert!(refused(&nowhere, &dial_plan()).contains("eoc_pilot"));
    nowhere.protected_numbers.clear();
    assert!(refused(&nowhere, &dial_plan()).contains("protects no number"));
}

#[test]
fn the_same_object_in_two_steps_is_refused() {
    let twice = vec![block("9.[2-9]XXXXXX", "PSTN"), block("9.[2-9]XXXXXX", "PSTN")];
    assert!(refused(&text(twice), &dial_plan()).contains("two steps"));
}

#[test]
fn a_name_that_is_not_in_cucm_and_the_pilots_own_partition_are_refused() {
    let step = |partition: &str, normal: &str| {
        StepText::PartitionSchedule(PartitionScheduleText {
            group: Group::OutboundRedirect,
            partition: partition.into(),
            normal: Some(normal.into()),
            locked: None,
        })
    };
    assert!(refused(&text(vec![step("LOCK", "TS-NEVRE")]), &dial_plan()).contains("time schedule TS-NEVRE"));
    assert!(refused(&text(vec![step("EOC", "TS-NEVER")]), &dial_plan()).contains("EOC pilot's own partition"));
}

#[test]
fn a_normal_value_that_takes_an_emergency_route_away_is_refused_by_what_was_read() {
    let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let step = StepText::CssMembers(CssMembersText {
        group: Group::OutboundRedirect,
        css: "PHONE".into(),
        normal: members(&["PSTN"]),
        locked: members(&["LOCK", "PSTN"]),
    });
    let why = refused(&text(vec![step]), &dial_plan());
    assert!(why.contains("911 dialled from 7 phones (device PHONE)") && why.contains("then no route"), "{why}");
}

#[test]
fn a_step_on_an_at_pattern_needs_a_route_of_its_own_for_every_protected_form() {
    let mut plan = dial_plan();
    plan.route_patterns[2].pattern = "9.@".into();
    let mut wide = text(vec![block("9.@", "PSTN")]);
    assert!(check(&wide, &plan).is_ok(), "911 and 9911 have their own");
    wide.protected_numbers.push("988".into());
    assert!(refused(&wide, &plan).contains("9988 dialled from 7 phones (device PHONE) could be taken by 9.@"));
}

#[test]
fn an_access_code_without_a_dot_is_seen() {
    let mut plan = dial_plan();
    plan.route_patterns[1].pattern = "8911".into();
    plan.route_patterns[1].partition = Some("PSTN".into());
    let mut one = text(vec![block("8911", "PSTN")]);
    one.protected_numbers = vec!["911".into()];
    assert!(refused(&one, &plan).contains("is the emergency number 8911"));
}

#[test]
fn a_pattern_blocked_before_anything_was_ordered_is_named() {
    let mut plan = dial_plan();
    plan.route_patterns[2].blocked = true;
    let all = StepText::RoutePatternBlock(RoutePatternBlockText {
        group: Group::OutboundBlock,
        patterns: Patterns::AllExcept(vec![]),
        partition: "PSTN".into(),
        acknowledge_gateway: false,
    });
    let text = text(vec![all]);
    check(&text, &plan).unwrap();
    assert_eq!(blocked_already(&text, &plan).len(), 1);
}

#[test]
fn a_redirect_that_does_not_end_at_the_pilot_is_warned_of() {
    let mut plan = dial_plan();
    plan.translation_patterns[0].change.mask = Some("5912".into());
    let checked = check(&text(vec![schedule_step()]), &plan).unwrap();
    assert!(checked.warnings[0].contains("redirects to no route, not to the EOC pilot"), "{:?}", checked.warnings);
}

#[test]
fn what_is_not_understood_is_named_with_the_number_of_patterns() {
    let mut plan = dial_plan();
    for number in 0..7 {
        plan.route_patterns.push(route(&format!("8[{number}"), "PSTN"));
    }
    plan.translation_patterns.push(TranslationPattern { pattern: String::new(), ..mirror("") });
    plan.route_patterns.push(route("9.@", "PSTN"));
    plan.route_patterns.push(RoutePattern {
        change: DigitChange { discard: Discard::Other("11D/10D->7D".into()), ..DigitChange::default() },
        ..route("6.XXXXXXX", "PSTN")
    });
    plan.gone = vec!["time schedule TS-X".into()];
    let warnings = unread(&DigitAnalysis::new(&plan, &Hours::All), &plan);
    let found = |text: &str| warnings.iter().find(|warning| warning.starts_with(text));
    let begins = |text: &str| found(text).unwrap_or_else(|| panic!("{text}: {warnings:?}"));
    let odd = begins("Patterns that cannot be read: 7 (");
    assert_eq!(odd.matches("8[").count(), NAMED, "{odd}");
    assert!(begins("Patterns that are empty (PLAR: CUCM calls when the receiver is lifted): 1 (").contains("in LOCK"));
    assert!(begins("Patterns that stand for CUCM's numbering plan: 1 (9.@ in PSTN)").contains("01 calls"));
    assert!(
        begins(
            "Patterns that discard digits in a way that is not understood here: 1 (6.XXXXXXX in PSTN (11D/10D->7D))"
        )
        .contains("ways past the lock")
    );
    assert!(begins("Deleted while the plan was read: 1 (time schedule TS-X)").ends_with("without them."));
    assert_eq!(warnings.len(), 5, "{warnings:?}");
}

#[test]
fn a_pattern_the_plan_forgot_is_a_leak_with_an_example() {
    let mut plan = dial_plan();
    plan.route_patterns.push(route("9.1[2-9]XX[2-9]XXXXXX", "PSTN"));
    let checked = check(&text(vec![schedule_step()]), &plan).unwrap();
    assert_eq!(checked.leaks.len(), 1);
    assert_eq!(checked.leaks[0].place(), "9.1[2-9]XX[2-9]XXXXXX in PSTN");
    assert_eq!(checked.leaks[0].example, "914035551234", "a number that people could dial");
}

#[test]
fn a_way_that_is_open_by_day_only_is_a_leak() {
    let mut plan = dial_plan();
    plan.schedules.push(TimeSchedule { name: "NIGHTS".into(), active: Activity::Sometimes, periods: vec![] });
    plan.partitions.push(Partition {
        uuid: Uuid::from("NIGHT"),
        name: "NIGHT".into(),
        schedule: Some("NIGHTS".into()),
        zone: None,
    });
    plan.calling_search_spaces[0].members.insert(1, "NIGHT".into());
    plan.route_patterns.push(route("8.XXX", "PSTN"));
    plan.route_patterns.push(RoutePattern { blocked: true, ..route("8.XXX", "NIGHT") });
    let checked = check(&text(vec![schedule_step()]), &plan).unwrap();
    assert_eq!(checked.leaks.iter().map(Leak::place).collect::<Vec<_>>(), ["8.XXX in PSTN"]);
}

/// A partition that is active by a schedule of its own name, searched before all others but the lock.
fn at_some_hours(plan: &mut DialPlan, name: &str) {
    plan.schedules.push(TimeSchedule { name: name.into(), active: Activity::Sometimes, periods: vec![] });
    plan.partitions.push(Partition {
        uuid: Uuid::from(name),
        name: name.into(),
        schedule: Some(name.into()),
        zone: None,
    });
    plan.calling_search_spaces[0].members.insert(1, name.into());
}

#[test]
fn a_way_that_is_open_by_one_schedule_and_shut_by_another_is_a_leak() {
    let mut plan = dial_plan();
    at_some_hours(&mut plan, "SHIFT");
    at_some_hours(&mut plan, "NIGHT");
    plan.route_patterns.push(route("8.XXX", "SHIFT"));
    plan.route_patterns.push(RoutePattern { blocked: true, ..route("8.XXX", "NIGHT") });
    let checked = check(&text(vec![schedule_step()]), &plan).unwrap();
    assert_eq!(checked.leaks.iter().map(Leak::place).collect::<Vec<_>>(), ["8.XXX in SHIFT"]);
    assert_eq!(checked.warnings, Vec::<String>::new());
}

#[test]
fn a_way_that_is_shut_by_the_same_schedule_on_another_clock_is_a_leak() {
    let mut plan = dial_plan();
    at_some_hours(&mut plan, "SHIFT");
    at_some_hours(&mut plan, "NIGHT");
    for partition in plan.partitions.iter_mut().filter(|one| ["SHIFT", "NIGHT"].contains(&one.name.as_str())) {
        partition.schedule = Some("SHIFT".into());
    }
    plan.route_patterns.push(route("8.XXX", "SHIFT"));
    plan.route_patterns.push(RoutePattern { blocked: true, ..route("8.XXX", "NIGHT") });
    let leaks = |plan: &DialPlan| {
        let checked = check(&text(vec![schedule_step()]), plan).unwrap();
        assert_eq!(checked.warnings, Vec::<String>::new());
        checked.leaks.iter().map(Leak::place).collect::<Vec<_>>()
    };
    assert_eq!(leaks(&plan), [""; 0], "on one clock it is always shut while it is open");
    plan.partitions.last_mut().unwrap().zone = Some("America/Toronto".into());
    assert_eq!(leaks(&plan), ["8.XXX in SHIFT"]);
}

#[test]
fn a_lock_that_takes_an_emergency_number_while_one_schedule_is_active_and_another_is_not_is_refused() {
    let mut plan = dial_plan();
    at_some_hours(&mut plan, "NIGHT");
    at_some_hours(&mut plan, "SHIFT");
    // By night it is translated, and goes out where the lock blocks; while a shift works it goes out before that.
    plan.route_patterns.push(RoutePattern { urgent: true, ..route("911", "SHIFT") });
    let change = DigitChange { prefix: Some("7".into()), ..DigitChange::default() };
    let by_night = TranslationPattern { partition: Some("NIGHT".into()), css: None, change, ..mirror("911") };
    plan.translation_patterns.push(TranslationPattern { use_originator_css: true, ..by_night });
    plan.route_patterns.push(route("7.911", "PSTN"));
    let refused = |steps: Vec<StepText>| check(&text(steps), &plan).err().unwrap_or_default();
    assert_eq!(refused(vec![schedule_step()]), vec![]);
    let told: Vec<String> =
        refused(vec![schedule_step(), block("7.911", "PSTN")]).iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|one| one.contains("911 dialled") && one.contains("blocked")), "{told:?}");
}

#[test]
fn the_eocs_own_way_out_is_no_leak() {
    let mut plan = dial_plan();
    plan.calling_search_spaces[1].members.push("PSTN".into());
    plan.callers = Callers::Read(vec![caller(None, Some("PHONE")), caller(Some("TO-EOC"), None)]);
    let mut own = text(vec![schedule_step()]);
    assert_eq!(check(&own, &plan).unwrap().leaks.len(), 1);
    own.eoc_css.push("TO-EOC".into());
    assert_eq!(check(&own, &plan).unwrap().leaks, vec![]);
}

fn leaks(text: &PlanText, plan: &DialPlan) -> Vec<(String, String)> {
    let found = check(text, plan).unwrap_or_else(|violations| panic!("{violations:?}")).leaks;
    found.into_iter().map(|leak| (leak.caller.clone(), leak.place())).collect()
}

/// The lock on lines only: partitions of the lines first, then what the device may.
fn line_and_device() -> DialPlan {
    let mut plan = dial_plan();
    let css = |name: &str, members: &[&str]| CallingSearchSpace {
        uuid: Uuid::from(name),
        name: name.into(),
        members: members.iter().map(|m| (*m).into()).collect(),
    };
    plan.calling_search_spaces = vec![css("LINE", &["LOCK"]), css("DEVICE", &["911", "PSTN"]), css("TO-EOC", &["EOC"])];
    plan
}

#[test]
fn a_lock_on_the_line_goes_before_the_device_of_a_phone_and_not_of_a_cti_port() {
    let mut plan = line_and_device();
    let phone = caller(Some("LINE"), Some("DEVICE"));
    plan.callers = Callers::Read(vec![phone.clone()]);
    assert_eq!(leaks(&text(vec![schedule_step()]), &plan), []);
    let port = Caller { kind: CallerKind::Cti, ..phone.clone() };
    plan.callers = Callers::Read(vec![phone, port, caller(None, Some("DEVICE"))]);
    let way = |caller: &str| (caller.to_owned(), "9.[2-9]XXXXXX in PSTN".to_owned());
    let want = [way("cti:LINE+DEVICE"), way("phone:-+DEVICE")];
    assert_eq!(leaks(&text(vec![schedule_step()]), &plan), want);
}

#[test]
fn a_phone_without_a_calling_search_space_is_seen_with_what_it_can_reach() {
    let mut plan = dial_plan();
    plan.route_patterns.push(RoutePattern { partition: None, ..route("8.XXXXX", "") });
    plan.callers = Callers::Read(vec![caller(None, Some("PHONE")), caller(None, None)]);
    let found = judge(&text(vec![schedule_step()]), &plan);
    let checked = found.verdict.unwrap();
    let everybody = ["phone:-+-", "phone:-+PHONE"].map(|caller| (caller.to_owned(), "8.XXXXX in <None>".to_owned()));
    let leaks: Vec<_> = checked.leaks.iter().map(|leak| (leak.caller.clone(), leak.place())).collect();
    assert_eq!(leaks, everybody);
    let bare = &found.reach.as_ref().unwrap().callers[1];
    assert_eq!((bare.partitions.len(), bare.pstn), (0, Pstn { normal: true, locked: true }));
    // Each phone counts once, however many ways and numbers it is about.
    assert_eq!(checked.devices, Concerned { leaking: 14, without_emergency: 7 });
    let lost = "911 does not get through, normally or locked, from 7 devices: 7 phones (no calling search space).";
    assert!(checked.warnings.iter().any(|warning| warning == lost), "{:?}", checked.warnings);
}

#[test]
fn a_number_that_never_got_anywhere_refuses_no_plan_and_one_that_has_to_wait_does() {
    let mut plan = dial_plan();
    // 8911 gets nowhere, and the mirror takes another digit of it.
    plan.translation_patterns.push(TranslationPattern { urgent: false, ..mirror("8X") });
    assert!(check(&text(vec![schedule_step()]), &plan).is_ok());
    plan.translation_patterns.push(TranslationPattern { urgent: false, ..mirror("911X") });
    assert!(check(&text(vec![schedule_step()]), &plan).is_ok(), "911 is urgent");
    plan.route_patterns[0].urgent = false;
    let why = refused(&text(vec![schedule_step()]), &plan);
    assert!(
        why.contains(
            "normally to the PSTN as 911 by 911 in 911, then to the PSTN as 911 (after the inter-digit timer)"
        ),
        "{why}"
    );
    assert!(why.contains("(digit by digit)") && !why.contains("all at once"), "{why}");
}

#[test]
fn a_pilot_that_nothing_rings_for_is_no_end_of_a_lock() {
    let mut plan = dial_plan();
    plan.endpoints[0].dead = true;
    assert!(refused(&text(vec![schedule_step()]), &plan).contains("Nothing rings at the EOC pilot 5911 in EOC"));
}

#[test]
fn an_urgent_number_inside_that_takes_an_emergency_number_half_way_is_seen() {
    let mut plan = dial_plan();
    let inside = |partition: &str| Endpoint {
        pattern: "99".into(),
        partition: Some(partition.into()),
        ..plan.endpoints[0].clone()
    };
    plan.endpoints.push(Endpoint { urgent: true, ..inside("LOCK") });
    let why = refused(&text(vec![schedule_step()]), &plan);
    assert!(why.contains("9911 dialled from 7 phones (device PHONE) (digit by digit)"), "{why}");
    assert!(why.contains("then to 99 in LOCK"), "{why}");
}

#[test]
fn a_route_pattern_that_stays_inside_is_no_leak() {
    let mut plan = dial_plan();
    plan.route_patterns.push(RoutePattern { on_net: true, ..route("8XXX", "PSTN") });
    assert_eq!(leaks(&text(vec![schedule_step()]), &plan), []);
    plan.route_patterns[3].on_net = false;
    assert_eq!(leaks(&text(vec![schedule_step()]), &plan).len(), 1);
}

#[test]
fn a_refused_plan_says_who_can_call_where_all_the_same() {
    let mut plan = dial_plan();
    plan.route_patterns[2].pattern = "9.!".into();
    plan.route_patterns.remove(1);
    let found = judge(&text(vec![block("9.!", "PSTN")]), &plan);
    assert!(found.verdict.is_err());
    let [one] = &found.reach.as_ref().unwrap().callers[..] else { panic!("{:?}", found.reach) };
    assert_eq!(one.partitions, ["LOCK", "911", "PSTN"]);
    assert_eq!(one.pstn, Pstn { normal: true, locked: false });
    let word = |number: &str| one.emergency.iter().find(|one| one.number == number).map(|one| (one.normal, one.locked));
    assert_eq!(word("911"), Some((Reached::Out, Reached::Out)));
    assert_eq!(word("9911"), Some((Reached::Waits, Reached::Blocked)));
}

#[test]
fn where_nobody_read_the_callers_each_calling_search_space_is_judged_and_that_is_said() {
    let mut plan = dial_plan();
    plan.callers = Callers::NotRead { why: "SQL is refused".into() };
    let found = judge(&text(vec![schedule_step()]), &plan);
    let ids: Vec<String> = found.reach.as_ref().unwrap().callers.iter().map(|one| one.caller.to_string()).collect();
    assert_eq!(ids, ["css:PHONE", "css:TO-EOC"]);
    assert!(!found.reach.as_ref().unwrap().callers_read);
    let warnings = found.verdict.unwrap().warnings;
    assert!(warnings[0].starts_with("Who calls from where was not read (SQL is refused)."), "{warnings:?}");
}

#[test]
fn an_extension_that_ends_like_an_emergency_number_is_none() {
    let mut plan = dial_plan();
    plan.translation_patterns.push(TranslationPattern {
        partition: Some("PSTN".into()),
        change: DigitChange { mask: Some("923456XX".into()), ..DigitChange::default() },
        use_originator_css: true,
        css: None,
        ..mirror("4XXX")
    });
    plan.endpoints.push(Endpoint {
        pattern: "8911".into(),
        partition: Some("PSTN".into()),
        ..plan.endpoints[0].clone()
    });
    let text = text(vec![schedule_step()]);
    let forms = dialled_forms(&text, &plan);
    assert_eq!(forms.iter().map(String::as_str).collect::<Vec<_>>(), ["911", "9911"]);
    assert!(check(&text, &plan).is_ok());
}

#[test]
fn a_number_that_forwards_past_the_mirror_is_a_leak_of_that_number_and_the_block_stops_it() {
    let mut plan = dial_plan();
    let css = |name: &str, members: &[&str]| CallingSearchSpace {
        uuid: Uuid::from(name),
        name: name.into(),
        members: members.iter().map(|m| (*m).into()).collect(),
    };
    plan.calling_search_spaces.push(css("FORWARD", &["PSTN"]));
    let leg = |via: Via, owner: &str, spaces: &[&str], destination: Option<&str>| Leg {
        via,
        owner: owner.into(),
        partition: None,
        spaces: spaces.iter().map(|name| (*name).to_owned()).collect(),
        destination: destination.map(str::to_owned),
        count: 1,
    };
    plan.legs = Legs::Read(vec![
        leg(Via::ForwardAll, "number:5002", &["FORWARD"], Some("92345678")),
        leg(Via::ForwardBusy, "number:5003", &["PHONE"], Some("92345678")),
        leg(Via::ForwardNoAnswer, "number:5004", &["FORWARD"], Some("5911")),
        leg(Via::Mobility, "device:RDP", &["FORWARD"], None),
    ]);
    let found = check(&text(vec![schedule_step()]), &plan).unwrap().leaks;
    let told: Vec<_> = found.iter().map(|leak| (leak.caller.as_str(), leak.via, leak.place())).collect();
    let place = "9.[2-9]XXXXXX in PSTN".to_owned();
    let want = [("device:RDP", Via::Mobility, place.clone()), ("number:5002", Via::ForwardAll, place)];
    assert_eq!(told, want);
    assert_eq!(found[1].example, "92345678");
    let both = text(vec![schedule_step(), block("9.[2-9]XXXXXX", "PSTN")]);
    assert_eq!(check(&both, &plan).unwrap().leaks, []);
}

#[test]
fn of_very_many_leaks_some_are_listed_fewer_kept_and_it_is_said() {
    let mut plan = dial_plan();
    plan.route_patterns.extend((0..700).map(|number| route(&format!("7{number:04}"), "PSTN")));
    let found = judge(&text(vec![schedule_step()]), &plan);
    let checked = found.verdict.unwrap();
    assert_eq!(
        (checked.leaks.len(), checked.count_leaks(), found.reach.as_ref().unwrap().leaks.len()),
        (100, 200, 200)
    );
    let said =
        "Callers from which very many ways lead past the lock: 1 (7 phones (device PHONE)). The first 200 of each";
    assert!(checked.warnings.iter().any(|warning| warning.starts_with(said)), "{:?}", checked.warnings);
}

#[test]
fn a_number_is_said_to_work_from_every_phone_only_where_it_was_proved() {
    let mut plan = dial_plan();
    let proved = |plan: &DialPlan| check(&text(vec![schedule_step()]), plan).unwrap().from_every_phone;
    assert_eq!(proved(&plan), ["911", "9911"]);
    let callers = |more: Caller| Callers::Read(vec![caller(None, Some("PHONE")), more]);
    plan.callers = callers(Caller { kind: CallerKind::Trunk, ..caller(None, Some("TO-EOC")) });
    assert_eq!(proved(&plan), ["911", "9911"], "a trunk is no phone");
    plan.callers = callers(caller(None, None));
    assert_eq!(proved(&plan), [""; 0]);
    plan.callers = Callers::NotRead { why: "SQL is refused".into() };
    assert_eq!(proved(&plan), [""; 0]);
}

#[test]
fn a_call_that_is_not_understood_is_no_proof_although_nothing_seems_to_change() {
    let mut plan = dial_plan();
    let odd = DigitChange { discard: Discard::Other("PreDot 10-10-Dialing".into()), ..DigitChange::default() };
    // What it leads to is hidden; behind it the lock takes 911.
    plan.route_patterns.retain(|p| p.pattern != "9.911");
    let behind =
        TranslationPattern { partition: Some("911".into()), change: odd, css: Some("PHONE".into()), ..mirror("9.911") };
    plan.translation_patterns.push(behind);
    plan.translation_patterns.push(mirror("911"));
    let mut text = text(vec![schedule_step()]);
    text.protected_numbers = vec!["9911".into()];
    assert!(refused(&text, &plan).contains("then not understood"), "it is refused");
}

#[test]
fn a_call_that_leaves_by_other_gateways_is_sent_elsewhere() {
    let mut plan = dial_plan();
    let by = |pattern: &str, partition: &str, list: &str| RoutePattern {
        destination: Destination::RouteList(list.into()),
        change: DigitChange { discard: Discard::PreDot, ..DigitChange::default() },
        ..route(pattern, partition)
    };
    plan.route_patterns = vec![by("9.911", "911", "RL-E911"), by("9.[2-9]11", "PSTN", "RL-TOLL"), urgent("911")];
    let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let step = StepText::CssMembers(CssMembersText {
        group: Group::OutboundRedirect,
        css: "PHONE".into(),
        normal: members(&["LOCK", "911", "PSTN"]),
        locked: members(&["LOCK", "PSTN"]),
    });
    let why = refused(&text(vec![step]), &plan);
    assert!(why.contains("9911 dialled from 7 phones") && why.contains("by 9.[2-9]11 in PSTN"), "{why}");
}

#[test]
fn nothing_is_credited_to_a_pattern_that_a_route_filter_narrows() {
    let mut plan = dial_plan();
    plan.route_patterns =
        vec![urgent("911"), RoutePattern { filtered: true, ..route("9.@", "911") }, route("9.!", "PSTN")];
    let why = refused(&text(vec![block("9.!", "PSTN")]), &plan);
    assert!(why.contains("not understood: the route filter of 9.@ in 911"), "{why}");
    plan.route_patterns.push(urgent("9.911"));
    let checked = check(&text(vec![block("9.!", "PSTN")]), &plan).unwrap();
    assert!(checked.warnings.iter().any(|one| one.starts_with("Patterns whose numbers a route filter narrows: 1")));
}

/// A phone that finds nothing but an empty pattern, which makes `mask` of no digits and looks it up in `PSTN`.
fn lifted(mask: &str) -> DialPlan {
    let mut plan = dial_plan();
    let space = |name: &str, member: &str| CallingSearchSpace {
        uuid: Uuid::from(name),
        name: name.into(),
        members: vec![member.into()],
    };
    plan.partitions.push(Partition { uuid: Uuid::from("LIFT"), name: "LIFT".into(), schedule: None, zone: None });
    plan.calling_search_spaces.extend([space("LIFTED", "LIFT"), space("BEHIND", "PSTN")]);
    plan.translation_patterns.push(TranslationPattern {
        uuid: Uuid::from("empty"),
        pattern: String::new(),
        partition: Some("LIFT".into()),
        change: DigitChange { mask: Some(mask.into()), ..DigitChange::default() },
        css: Some("BEHIND".into()),
        ..mirror("9.[2-9]XXXXXX")
    });
    plan.callers = Callers::Read(vec![caller(None, Some("LIFTED"))]);
    plan
}

#[test]
fn a_phone_that_calls_an_emergency_number_when_it_is_lifted_keeps_its_way() {
    let mut plan = lifted("9911");
    plan.route_patterns.push(route("9.!", "PSTN"));
    let said = refused(&text(vec![block("9.!", "PSTN")]), &plan);
    assert!(said.contains("by lifting the receiver"), "{said}");
    assert!(check(&text(vec![block("9.[2-9]XXXXXX", "PSTN")]), &plan).is_ok());
}

#[test]
fn what_stands_behind_an_empty_pattern_is_judged_by_itself_as_keys_may_follow() {
    let leaks = check(&text(vec![schedule_step()]), &lifted("9")).unwrap().leaks;
    let found: Vec<_> = leaks.iter().map(|leak| (leak.caller.as_str(), leak.place())).collect();
    assert!(found.contains(&("css:BEHIND", "9.[2-9]XXXXXX in PSTN".to_owned())), "{found:?}");
    let leaks = check(&text(vec![schedule_step()]), &lifted("92345678")).unwrap().leaks;
    assert!(leaks.iter().any(|leak| leak.via == Via::Plar && leak.caller == "phone:-+LIFTED"), "{leaks:?}");
}

#[test]
fn all_of_a_partition_leaves_its_empty_pattern_as_it_is() {
    let mut plan = lifted("92345678");
    plan.translation_patterns.push(TranslationPattern {
        uuid: Uuid::from("77"),
        partition: Some("LIFT".into()),
        ..mirror("77XX")
    });
    let step = |patterns: Patterns| {
        let group = Group::OutboundBlock;
        let partition = "LIFT".to_owned();
        StepText::from(TransPatternBlockText { group, patterns, partition })
    };
    let frozen = |patterns: Patterns| -> Vec<String> {
        let plan = check(&text(vec![step(patterns)]), &plan).unwrap().plan;
        plan.steps.iter().map(|step| step.object().to_string()).collect()
    };
    assert_eq!(frozen(Patterns::AllExcept(vec![])), ["77XX in LIFT"]);
    assert_eq!(frozen(Patterns::One(String::new())), ["an empty pattern in LIFT"]);
}

#[test]
fn a_check_that_nobody_waits_for_any_more_ends_before_the_next_caller() {
    let text = text(vec![schedule_step()]);
    let dial_plan = dial_plan();
    assert!(judge_until(&text, &dial_plan, &AtomicBool::new(false)).is_ok());
    assert_eq!(judge_until(&text, &dial_plan, &AtomicBool::new(true)).err(), Some(Cancelled));
}

#[test]
fn a_number_that_nobody_answers_is_no_pilot() {
    let mut plan = dial_plan();
    for endpoint in &mut plan.endpoints {
        endpoint.kind = EndpointKind::Feature(Feature::MeetMe);
    }
    assert!(refused(&text(vec![schedule_step()]), &plan).contains("5911"));
}

#[test]
fn where_numbers_are_not_known_nothing_is_said_to_work_from_every_phone() {
    let mut plan = dial_plan();
    plan.callers = Callers::Read(vec![caller(Some("PHONE"), None)]);
    let text = text(vec![schedule_step()]);
    assert_eq!(check(&text, &plan).unwrap().from_every_phone, ["911", "9911"]);
    plan.numbers_unknown = true;
    assert_eq!(check(&text, &plan).unwrap().from_every_phone, [""; 0]);
}

#[test]
fn what_is_lost_on_the_way_alone_and_with_one_of_two_schedules_alone_refuses_the_plan() {
    let mut plan = dial_plan();
    at_some_hours(&mut plan, "NIGHT");
    at_some_hours(&mut plan, "SHIFT");
    plan.partitions.push(Partition {
        uuid: Uuid::from("LOCK2"),
        name: "LOCK2".into(),
        schedule: Some("TS-NEVER".into()),
        zone: None,
    });
    let spaces = &mut plan.calling_search_spaces;
    spaces[0].members = ["LOCK2", "SHIFT", "LOCK", "911", "PSTN"].map(str::to_owned).into();
    let detour = ["NIGHT", "911"].map(str::to_owned).into();
    spaces.push(CallingSearchSpace { uuid: Uuid::from("DETOUR"), name: "DETOUR".into(), members: detour });
    // Out at once by the last step; before it by the shift's own pattern, else by a detour that is shut by night.
    plan.route_patterns.push(RoutePattern { urgent: true, ..route("911", "LOCK2") });
    plan.route_patterns.push(RoutePattern { urgent: true, ..route("911", "SHIFT") });
    plan.route_patterns.push(RoutePattern { urgent: true, blocked: true, ..route("911", "NIGHT") });
    plan.translation_patterns.push(TranslationPattern {
        css: Some("DETOUR".into()),
        change: DigitChange::default(),
        ..mirror("911")
    });
    let last = StepText::PartitionSchedule(PartitionScheduleText {
        group: Group::OutboundRedirect,
        partition: "LOCK2".into(),
        normal: Some("TS-NEVER".into()),
        locked: None,
    });
    let refused = |steps: Vec<StepText>| check(&text(steps), &plan).err().unwrap_or_default();
    // Both are written at the same time, and one of them may fail.
    for steps in [vec![schedule_step(), last.clone()], vec![last.clone(), schedule_step()]] {
        let told: Vec<String> = refused(steps).iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|one| one.contains("911 dialled") && one.contains("blocked")), "{told:?}");
    }
    assert_eq!(refused(vec![last]), vec![], "by itself it never takes it");
}

#[test]
fn a_plan_of_which_something_was_not_read_is_not_said_to_have_no_other_way_past_the_lock() {
    let text = text(vec![schedule_step()]);
    let mut read = dial_plan();
    read.legs = Legs::Read(vec![]);
    let unfinished = |change: &dyn Fn(&mut DialPlan)| {
        let mut plan = read.clone();
        change(&mut plan);
        check(&text, &plan).unwrap().unfinished
    };
    assert!(!unfinished(&|_| ()));
    assert!(unfinished(&|plan| plan.legs = Legs::NotRead { why: "refused".into() }));
    assert!(unfinished(&|plan| plan.ways_unknown = true));
    assert!(unfinished(&|plan| plan.route_patterns.push(route("9.[", "PSTN"))));
    assert!(unfinished(&|plan| plan.translation_patterns.push(TranslationPattern {
        partition: Some("PSTN".into()),
        by_calling_number: true,
        ..mirror("7XXX")
    })));
}

#[test]
fn a_number_is_said_to_work_from_every_phone_only_where_all_of_it_was_looked_at() {
    let text = text(vec![schedule_step()]);
    let from_every_phone = |change: &dyn Fn(&mut DialPlan)| {
        let mut plan = dial_plan();
        change(&mut plan);
        check(&text, &plan).unwrap().from_every_phone.len()
    };
    assert_eq!(from_every_phone(&|_| ()), 2);
    assert_eq!(from_every_phone(&|plan| plan.ways_unknown = true), 0);
    assert_eq!(from_every_phone(&|plan| plan.route_patterns.push(route("9.[", "PSTN"))), 0);
    let schedules = |count: usize| {
        from_every_phone(&|plan| (0..count).for_each(|number| at_some_hours(plan, &format!("HOURS-{number}"))))
    };
    assert_eq!([schedules(4), schedules(5)], [2, 0]);
}

#[test]
fn of_very_many_redirecting_steps_it_is_said_that_not_every_order_was_looked_at() {
    let mut plan = dial_plan();
    let steps = |count: usize, plan: &mut DialPlan| -> Vec<StepText> {
        plan.partitions.truncate(4);
        let names: Vec<String> = (0..count).map(|number| format!("LOCK-{number}")).collect();
        plan.partitions.extend(names.iter().map(|name| Partition {
            uuid: Uuid::from(name.as_str()),
            name: name.clone(),
            schedule: Some("TS-NEVER".into()),
            zone: None,
        }));
        let step = |partition: String| {
            StepText::PartitionSchedule(PartitionScheduleText {
                group: Group::OutboundRedirect,
                partition,
                normal: Some("TS-NEVER".into()),
                locked: None,
            })
        };
        names.into_iter().map(step).collect()
    };
    let mut warned = |count: usize| {
        let text = text(steps(count, &mut plan));
        let checked = check(&text, &plan).unwrap();
        let told = |one: &String| one.starts_with(&format!("Steps that redirect calls: {count} ("));
        (checked.warnings.iter().any(told), checked.from_every_phone.len())
    };
    assert_eq!(warned(4), (false, 2));
    assert_eq!(warned(5), (true, 0));
}

#[test]
fn a_block_that_is_written_before_the_redirect_must_leave_the_way_to_an_emergency_number() {
    let mut plan = dial_plan();
    // Normally out by `PSTN`; the lock has a way of its own, and blocks the old one.
    plan.route_patterns.retain(|one| one.pattern != "9.911");
    plan.route_patterns.push(RoutePattern { urgent: true, ..route("9.911", "PSTN") });
    plan.route_patterns.push(RoutePattern { urgent: true, ..route("9.911", "LOCK") });
    let mut text = text(vec![schedule_step(), block("9.911", "PSTN")]);
    text.protected_numbers = vec!["911".into()];
    let why = refused(&text, &plan);
    assert!(why.contains("9911 dialled") && why.contains("blocked"), "{why}");
}
