//! What the guard cannot judge, or finds odd.

use super::emergency::{self, WRITTEN_TOGETHER};
use super::words::{counted, in_words, pools_in_words};
use crate::caller::Callers;
use crate::dial_plan::{DialPlan, Discard, place};
use crate::hours::{COMBINED, Clocked, Hours};
use crate::leg::Legs;
use crate::local_routes::LocalRoutes;
use crate::originator;
use crate::plan::{LockPlan, PlanText};
use crate::reach::{Dialling, DigitAnalysis, End};
use crate::steps::{Switch, Target};
use std::collections::BTreeSet;

/// What no reading of the dial plan says, or what is not read of it.
pub(super) fn limits(dial_plan: &DialPlan) -> Vec<String> {
    let blocked = "Where route patterns are blocked, they are stopped as well; mirrors alone do not stop them.";
    let legs = match &dial_plan.legs {
        Legs::Read(_) => {
            format!("Calls that anything but a SIP trunk refers, and roaming phones, are not read. {blocked}")
        }
        Legs::NotRead { why } => format!(
            "Calls that CUCM makes by itself (forwards, hunt overflow, voice mail, mobility, AAR, refer) were not read ({why}). {blocked}"
        ),
    };
    let mobile =
        "Who is logged in by extension mobility is not read: lines of profiles that nobody uses now are not judged.";
    let elsewhere = "Calls that gateways route by themselves (SRST, dial peers) are not in CUCM.";
    let incoming = "What H.323 trunks and gateways make of the digits that come in is not read.";
    let addresses = "What is dialled as an address (name@host) and routed by the digits in it is not followed: where its SIP \
                     route pattern is open, it counts as a way out.";
    let addresses = (!dial_plan.sip_route_patterns.is_empty()).then(|| addresses.to_owned());
    let location = "Gateways and trunks whose network location is the system's default count as ways to the PSTN.";
    let codes = "External call control, authorization codes, client matter codes, overlap sending, and where parked calls revert \
                 to are not read.";
    let always = [mobile, incoming, elsewhere, location, codes].map(str::to_owned);
    [legs].into_iter().chain(always).chain(addresses).collect()
}

/// Calls may get out by what was not read, or cannot be read.
pub(super) fn hides_ways(analysis: &DigitAnalysis<'_>, dial_plan: &DialPlan) -> bool {
    dial_plan.ways_unknown || matches!(dial_plan.legs, Legs::NotRead { .. }) || has_unreadable(analysis)
}

/// An empty pattern takes no digits.
fn has_unreadable(analysis: &DigitAnalysis<'_>) -> bool {
    analysis.unreadable().iter().any(|error| !error.pattern.is_empty())
}

/// Was every call to an emergency number looked at, at all hours and at every point of a lock?
pub(super) fn proves_emergency(analysis: &DigitAnalysis<'_>, plan: &LockPlan, dial_plan: &DialPlan) -> bool {
    let all_read = dial_plan.callers_read() && !dial_plan.numbers_unknown && !dial_plan.ways_unknown;
    let all_hours = dial_plan.part_time().len() <= COMBINED;
    all_read && all_hours && !has_unreadable(analysis) && emergency::redirects(plan).len() <= WRITTEN_TOGETHER
}

/// So many steps that redirect calls that not every order in which they can be written is looked at.
pub(super) fn orders(plan: &LockPlan) -> Option<String> {
    let redirects = emergency::redirects(plan);
    if redirects.len() <= WRITTEN_TOGETHER {
        return None;
    }
    counted(
        redirects.iter().map(|step| step.object().to_string()).collect(),
        "Steps that redirect calls",
        "They are written at the same time, and each may fail. With regard to protected numbers they were looked at one after \
         the other, each alone, and all but each: nothing is claimed about other states on the way",
    )
}

/// What the analysis does not understand, with the number of patterns.
pub(super) fn unread(analysis: &DigitAnalysis<'_>, dial_plan: &DialPlan) -> Vec<String> {
    let odd = analysis.unreadable().iter().filter(|error| !error.pattern.is_empty());
    let odd = odd.map(|error| format!("“{}” ({})", error.pattern, error.why)).collect();
    let place_of = |pattern: &str, partition: Option<&String>| place(pattern, partition.map(String::as_str));
    let routes = dial_plan.route_patterns.iter().map(|p| (&p.pattern, &p.partition, &p.change));
    let translations = dial_plan.translation_patterns.iter().map(|p| (&p.pattern, &p.partition, &p.change));
    let all = routes.clone().chain(translations);
    let empty = all.clone().filter(|(pattern, ..)| pattern.is_empty());
    let empty = empty.map(|(_, partition, _)| place_of("an empty pattern", partition.as_ref())).collect();
    let others = all.filter_map(|(pattern, partition, change)| match &change.discard {
        Discard::Other(name) => Some(format!("{} ({name})", place_of(pattern, partition.as_ref()))),
        _ => None,
    });
    let wide = routes.filter(|(pattern, ..)| pattern.contains('@'));
    let wide = wide.map(|(pattern, partition, _)| place_of(pattern, partition.as_ref())).collect();
    let by_caller = dial_plan.translation_patterns.iter().filter(|p| p.by_calling_number && !p.blocked);
    let by_caller = by_caller.map(|p| place_of(&p.pattern, p.partition.as_ref())).collect();
    let filters = dial_plan.route_patterns.iter().map(|p| (&p.pattern, &p.partition, p.filtered));
    let filters = filters.chain(dial_plan.translation_patterns.iter().map(|p| (&p.pattern, &p.partition, p.filtered)));
    let filters = filters.filter(|(pattern, _, filtered)| *filtered && pattern.contains('@'));
    let filters = filters.map(|(pattern, partition, _)| place_of(pattern, partition.as_ref())).collect();
    let not_read = dial_plan.not_read.iter().map(|what| Some(format!("Not read: {what}.")));
    let found = [
        counted(
            dial_plan.gone.clone(),
            "Deleted while the plan was read",
            "The findings below describe the plan without them",
        ),
        counted(odd, "Patterns that cannot be read", "Nothing is claimed about calls they take"),
        counted(
            empty,
            "Patterns that are empty (PLAR: CUCM calls when the receiver is lifted)",
            "What such a phone can dial besides is judged as if it had a dial tone",
        ),
        counted(
            others.collect(),
            "Patterns that discard digits in a way that is not understood here",
            "Calls that leave by them count as ways past the lock; nothing is claimed about calls they translate",
        ),
        counted(
            wide,
            "Patterns that stand for CUCM's numbering plan",
            "It takes more than is tried here, operator-assisted 01 calls for one",
        ),
        counted(
            by_caller,
            "Translation patterns that go on by the number of whoever calls",
            "Calls are not followed through them: nothing is claimed about what they take",
        ),
        counted(
            filters,
            "Patterns whose numbers a route filter narrows",
            "What it lets through is not read: nothing is claimed about numbers that they, or wider patterns behind them, take",
        ),
    ];
    not_read.chain(found).flatten().collect()
}

/// Route lists behind which there is no gateway or trunk: from any device pool, or from some.
pub(super) fn dead_ends(dial_plan: &DialPlan) -> Vec<String> {
    let dead = dial_plan.route_patterns.iter().filter(|route| route.dead);
    let everywhere = counted(
        dead.map(|route| place(&route.pattern, route.partition.as_deref())).collect(),
        "Route patterns behind which there is no gateway or trunk",
        "Whoever dials what they take hears reorder",
    );
    let from = |local: &LocalRoutes| {
        let lists: Vec<String> = local.nowhere.iter().cloned().collect();
        counted(
            lists,
            &format!("Route lists without a gateway or trunk for {}", pools_in_words(local)?),
            "Calls that leave by them fail from there, and leave from elsewhere",
        )
    };
    everywhere.into_iter().chain(dial_plan.local_routes.iter().filter_map(from)).collect()
}

/// Redirects that lead callers anywhere but to the EOC: a mistyped mask, a space without the pilot.
pub(super) fn astray(text: &PlanText, plan: &LockPlan, dial_plan: &DialPlan) -> Vec<String> {
    let locked = plan.applied_to(dial_plan, Target::Locked);
    let analysis = DigitAnalysis::new(&locked, &Hours::All);
    let switched = |partition: Option<&str>| {
        plan.steps
            .iter()
            .any(|step| matches!(step.switch, Switch::PartitionSchedule(_)) && step.object().partition() == partition)
    };
    let at_pilot = |end: &End| {
        matches!(end, End::Inside { pattern, partition, .. }
            if text.eoc_pilot.is(pattern, partition.as_deref()))
    };
    let redirects = locked.translation_patterns.iter().filter(|t| switched(t.partition.as_deref()));
    redirects
        .filter_map(|t| {
            // A mask with an X sends different calls to different places: nothing to hold it to.
            let digits = t.change.fixed()?;
            let route = analysis.route(t.css.as_deref().as_slice(), &digits, Dialling::EnBloc);
            let name = place(&t.pattern, t.partition.as_deref());
            (!at_pilot(&route.end)).then(|| format!("{name} redirects to {}, not to the EOC pilot.", in_words(&route)))
        })
        .collect()
}

/// So many schedules that not every combination of them is looked at.
pub(super) fn schedules(dial_plan: &DialPlan) -> Option<String> {
    let followed = dial_plan.part_time();
    if followed.len() <= COMBINED {
        return None;
    }
    let name = |one: Clocked| match one.zone {
        None => one.schedule,
        Some(zone) => format!("{} on the clock of {zone}", one.schedule),
    };
    counted(
        followed.into_iter().map(name).collect(),
        "Time schedules of partitions",
        "All active, none, each by itself and all but each were looked at: nothing is claimed about other hours",
    )
}

/// Both readings were looked at; which one is true is not known.
pub(super) fn originators(states: &[&DialPlan]) -> Option<String> {
    let found = states.iter().flat_map(|state| originator::unsure(state));
    let found: BTreeSet<String> = found.map(|one| place(&one.pattern, one.partition.as_deref())).collect();
    counted(
        found.into_iter().collect(),
        "Translation patterns that use the originator's calling search space and can be met behind another translation",
        "Cisco's texts disagree whose that is then: both readings were looked at, and the worse one counts",
    )
}

/// Said where the callers could not be read: then every calling search space is judged as if it were dialled from by itself.
pub(super) fn callers_not_read(dial_plan: &DialPlan) -> Option<String> {
    match &dial_plan.callers {
        Callers::Read(_) => None,
        Callers::NotRead { why } => Some(format!(
            "Who calls from where was not read ({why}). Each calling search space is judged by itself: on a plan with calling search spaces on lines and devices, ways past the lock may be missing below, and some may be none."
        )),
    }
}
