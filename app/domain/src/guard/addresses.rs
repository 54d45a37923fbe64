//! Calls to addresses (`name@host`), which meet no digits: SIP route patterns take them.

use super::leaks::{Direction, Leak, Via};
use crate::caller::{Caller, CallerKind};
use crate::dial_plan::{Activity, DialPlan, SipRoutePattern, place};
use crate::plan::PlanText;
use std::collections::HashSet;

/// Open SIP route patterns that lead outside, from each caller that finds them when locked. Grows with the callers, times
/// the patterns.
pub(super) fn leaks(text: &PlanText, locked: &DialPlan, callers: &[Caller]) -> Vec<Leak> {
    let is_protected =
        |p: &SipRoutePattern| p.partition.as_ref().is_some_and(|p| text.protected_partitions.contains(p));
    let open = locked.sip_route_patterns.iter().filter(|p| !p.blocked && !p.on_net && !is_protected(p));
    let open: Vec<&SipRoutePattern> = open.collect();
    let dial = |caller: &&Caller| !matches!(caller.kind, CallerKind::Gateway | CallerKind::VoiceMail);
    let others = callers.iter().filter(dial).filter(|caller| !text.eoc_css.iter().any(|css| caller.uses(css)));
    others.flat_map(|caller| of_caller(caller, locked, &open)).collect()
}

fn of_caller(caller: &Caller, locked: &DialPlan, open: &[&SipRoutePattern]) -> Vec<Leak> {
    let spaces = caller.spaces().into_iter().filter_map(|name| locked.css(name));
    let found: HashSet<&String> = spaces.flat_map(|css| &css.members).filter(|name| is_seen(locked, name)).collect();
    let seen = open.iter().filter(|p| p.partition.as_ref().is_none_or(|name| found.contains(name)));
    seen.map(|p| Leak {
        caller: caller.to_string(),
        via: Via::SipRoutePattern,
        pattern: p.pattern.clone(),
        partition: p.partition.clone(),
        example: format!("anybody@{}", host(&p.pattern)),
        path: vec![place(&p.pattern, p.partition.as_deref())],
        direction: Direction::Outbound,
        count: caller.count,
    })
    .collect()
}

/// At some hours at least.
fn is_seen(plan: &DialPlan, partition: &str) -> bool {
    plan.partition(partition).is_none_or(|found| plan.activity(found.schedule.as_deref()) != Activity::Never)
}

/// One that it takes.
fn host(pattern: &str) -> String {
    pattern.split('/').next().unwrap_or_default().replace('*', "host")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{block, dial_plan, schedule_step, text};
    use super::super::{causes, check};
    use super::*;
    use crate::ids::Uuid;
    use crate::steps::{Group, Patterns, SipRoutePatternBlockText};

    fn itsp(pattern: &str) -> SipRoutePattern {
        SipRoutePattern {
            uuid: Uuid::from(format!("{{sip-{pattern}}}")),
            pattern: pattern.into(),
            partition: Some("PSTN".into()),
            blocked: false,
            on_net: false,
        }
    }

    fn ways(plan: &DialPlan, text: &PlanText) -> Vec<String> {
        let leaks = check(text, plan).unwrap().leaks.into_iter().filter(|leak| leak.via == Via::SipRoutePattern);
        leaks.map(|leak| format!("{}: {} ({})", leak.caller, leak.example, leak.count)).collect()
    }

    fn addresses(patterns: Patterns) -> crate::steps::StepText {
        let group = Group::OutboundBlock;
        let partition = "PSTN".to_owned();
        SipRoutePatternBlockText { group, patterns, partition }.into()
    }

    #[test]
    fn an_address_is_a_way_past_mirrors_and_past_blocked_route_patterns() {
        let mut plan = dial_plan();
        plan.sip_route_patterns.push(itsp("*.itsp.example"));
        let text = text(vec![schedule_step(), block("9.[2-9]XXXXXX", "PSTN")]);
        assert_eq!(ways(&plan, &text), ["phone:-+PHONE: anybody@host.itsp.example (7)"]);
        let leaks = check(&text, &plan).unwrap().leaks;
        let fix = causes(&text, &leaks)[0].fix.clone();
        assert!(fix.contains("block *.itsp.example in PSTN in the plan (sip_route_pattern_block)"), "{fix}");
    }

    #[test]
    fn a_step_that_blocks_it_closes_the_way_and_an_exception_stays_open() {
        let mut plan = dial_plan();
        plan.sip_route_patterns.extend([itsp("*.itsp.example"), itsp("10.0.0.0/8")]);
        let all = text(vec![schedule_step(), addresses(Patterns::AllExcept(vec![]))]);
        assert_eq!(ways(&plan, &all), Vec::<String>::new());
        let but = text(vec![schedule_step(), addresses(Patterns::AllExcept(vec!["10.0.0.0/8".into()]))]);
        assert_eq!(ways(&plan, &but), ["phone:-+PHONE: anybody@10.0.0.0 (7)"]);
    }

    #[test]
    fn what_is_protected_leads_to_another_cluster_or_is_found_by_nobody_is_no_way() {
        let mut plan = dial_plan();
        plan.sip_route_patterns.push(SipRoutePattern { on_net: true, ..itsp("cluster.example") });
        plan.sip_route_patterns.push(SipRoutePattern { partition: Some("ELSEWHERE".into()), ..itsp("itsp.example") });
        plan.sip_route_patterns.push(SipRoutePattern { blocked: true, ..itsp("old.example") });
        plan.sip_route_patterns.push(SipRoutePattern { partition: Some("911".into()), ..itsp("psap.example") });
        let text = text(vec![schedule_step()]);
        assert_eq!(ways(&plan, &text), Vec::<String>::new());
        let own = PlanText { eoc_css: vec!["PHONE".into()], ..text };
        plan.sip_route_patterns.push(itsp("itsp.example"));
        assert_eq!(ways(&plan, &own), Vec::<String>::new(), "the EOC's own may");
    }

    #[test]
    fn a_pattern_in_no_partition_is_found_by_everybody() {
        let mut plan = dial_plan();
        plan.sip_route_patterns.push(SipRoutePattern { partition: None, ..itsp("itsp.example") });
        assert_eq!(ways(&plan, &text(vec![schedule_step()])).len(), 1);
    }
}
