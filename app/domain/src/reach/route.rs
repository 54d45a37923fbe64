//! One number: closest match over one calling search space, hop by hop.

use super::analysis::{DigitAnalysis, Leads};
use super::change::{changed, masked};
use super::tree::{Active, bit};
use super::view::View;
use crate::caller::Caller;
use crate::dial_plan::{Destination, EndpointKind};
use serde::{Deserialize, Serialize};

/// A call that was translated more often than this goes in circles. Source: Cisco Press, article 1745737.
pub(super) const MAX_TRANSLATIONS: usize = 10;

/// How the digits reach CUCM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialling {
    /// All at once, as from a directory or a mobile client.
    EnBloc,
    /// Key by key with the receiver off the hook: an urgent pattern may take the call early.
    DigitByDigit,
}

/// Where a call went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The patterns it met, in order, as `pattern in partition`.
    pub path: Vec<String>,
    /// How many of the dialled digits were taken before the call was routed.
    pub taken: usize,
    /// The last digit was dialled, and more could follow: the call waits for the inter-digit timer.
    pub waits: bool,
    /// The digits that were looked up last.
    pub called: String,
    pub end: End,
}

impl Route {
    /// Did the call meet a pattern of this partition?
    pub fn passes(&self, partition: &str) -> bool {
        // No pattern has a blank in it: what stands behind the first ` in ` is the partition, whatever it is called.
        self.path.iter().filter_map(|hop| hop.split_once(" in ")).any(|(_, name)| name == partition)
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// Out by a route pattern, with these digits.
    Pstn {
        pattern: String,
        partition: Option<String>,
        destination: Destination,
        digits: String,
    },
    /// At another cluster or voice mail: a route pattern whose every device stays inside.
    OnNet {
        pattern: String,
        partition: Option<String>,
        destination: Destination,
    },
    /// At a directory number or hunt pilot.
    Inside {
        pattern: String,
        partition: Option<String>,
        kind: EndpointKind,
    },
    /// The closest match is blocked, a number that nothing rings for, or a route pattern without a gateway or trunk behind it:
    /// the caller hears reorder tone.
    Blocked {
        pattern: String,
        partition: Option<String>,
    },
    NoRoute,
    Loop,
    /// A digit discard instruction this analysis does not know; nothing is claimed about the call but where it leaves.
    NotUnderstood {
        what: String,
        /// The route pattern that takes it out, and its partition, with digits that are not known; `None` where a
        /// translation hides the way.
        leaves_by: Option<(String, Option<String>)>,
    },
}

/// A pattern that takes the call now, if there is one.
struct Fired {
    by: Option<u32>,
    /// The last digit was dialled, and more could have followed.
    waits: bool,
}

impl DigitAnalysis<'_> {
    /// Follows `digits` from calling search spaces that are searched one after the other, to the end.
    pub fn route(&self, spaces: &[&str], digits: &str, dialling: Dialling) -> Route {
        let callers = self.view(spaces);
        let mut view = callers.clone();
        let by_keys = dialling == Dialling::DigitByDigit;
        // What was looked up, and what is dialled still.
        let (mut called, mut left) = if by_keys { (String::new(), digits) } else { (digits.to_owned(), "") };
        let mut path = Vec::new();
        let mut waits = false;
        let mut goes_on = by_keys;
        let end = loop {
            let fired = if goes_on {
                self.first_to_fire(&view, &mut called, &mut left)
            } else {
                Fired { by: self.closest(&view, &called), waits: false }
            };
            waits |= fired.waits;
            let Some(number) = fired.by else { break End::NoRoute };
            path.push(self.name(number));
            if let Some(end) = self.end(number, &called) {
                break end;
            }
            let Leads::On(translation) = self.leads(number) else { break End::NoRoute };
            if path.len() > MAX_TRANSLATIONS {
                break End::Loop;
            }
            called = match changed(self.pattern(number), &translation.change, &called) {
                Ok(changed) => changed,
                Err(what) => break End::NotUnderstood { what, leaves_by: None },
            };
            view = if translation.use_originator_css {
                self.originators(&callers, &view)
            } else {
                self.view(translation.css.as_deref().as_slice())
            };
            goes_on = by_keys && !translation.at_once;
        };
        Route { path, taken: digits.len() - left.len(), waits, called, end }
    }

    /// Follows what a caller dials, from its device pool.
    pub fn route_of(&self, caller: &Caller, digits: &str, dialling: Dialling) -> Route {
        caller.local.end_of(self.route(&caller.spaces(), &caller.incoming.looked_up(digits), dialling))
    }

    /// As [`Self::lifted`], from its device pool.
    pub fn lifted_by(&self, caller: &Caller) -> Option<Route> {
        self.lifted(&caller.spaces()).map(|route| caller.local.end_of(route))
    }

    /// Where a call goes by itself when the receiver is lifted (PLAR): an empty translation pattern takes it, that of the
    /// partition that is searched first. `None` where there is a dial tone.
    pub fn lifted(&self, spaces: &[&str]) -> Option<Route> {
        let view = self.view(spaces);
        let number = self.first_seen(&view, |number| self.text(number).is_empty())?;
        let path = vec![self.name(number)];
        let ended = |end| Some(Route { path: path.clone(), taken: 0, waits: false, called: String::new(), end });
        let pattern = String::new();
        let partition = self.partition(number).map(str::to_owned);
        match self.leads(number) {
            Leads::On(translation) if !translation.blocked => {
                let mask = translation.change.mask.as_deref().map(|mask| masked(mask, "")).unwrap_or_default();
                let digits = format!("{}{mask}", translation.change.prefix.as_deref().unwrap_or_default());
                let own = translation.css.as_deref();
                let next = if translation.use_originator_css { spaces } else { own.as_slice() };
                let mut route = self.route(next, &digits, Dialling::EnBloc);
                route.path.splice(0..0, path);
                Some(route)
            }
            Leads::On(_) => ended(End::Blocked { pattern, partition }),
            Leads::Out(route) if route.blocked => ended(End::Blocked { pattern, partition }),
            Leads::Out(_) => {
                let leaves_by = Some((pattern, partition));
                ended(End::NotUnderstood { what: "an empty route pattern".into(), leaves_by })
            }
            Leads::In(_) => None,
        }
    }

    /// The end of a call with these digits at this pattern; `None` where it is translated and goes on.
    fn end(&self, number: u32, called: &str) -> Option<End> {
        let pattern = self.text(number).to_owned();
        let partition = self.partition(number).map(str::to_owned);
        match self.leads(number) {
            // Whether it takes this number at all is not known.
            Leads::Out(route) if route.filtered && pattern.contains('@') => {
                Some(End::NotUnderstood { what: self.filter(number), leaves_by: Some((pattern, partition)) })
            }
            Leads::Out(route) if route.blocked => Some(End::Blocked { pattern, partition }),
            Leads::On(translation) => match self.not_followed(number) {
                Some(what) => Some(End::NotUnderstood { what, leaves_by: None }),
                None if translation.blocked => Some(End::Blocked { pattern, partition }),
                None => None,
            },
            Leads::In(endpoint) if endpoint.dead => Some(End::Blocked { pattern, partition }),
            Leads::In(endpoint) => Some(End::Inside { pattern, partition, kind: endpoint.kind }),
            Leads::Out(route) if route.dead => Some(End::Blocked { pattern, partition }),
            Leads::Out(route) if route.on_net => {
                Some(End::OnNet { pattern, partition, destination: route.destination.clone() })
            }
            Leads::Out(route) => Some(match changed(self.pattern(number), &route.change, called) {
                Ok(digits) => End::Pstn { pattern, partition, destination: route.destination.clone(), digits },
                Err(what) => End::NotUnderstood { what, leaves_by: Some((pattern, partition)) },
            }),
        }
    }

    /// Why nobody knows whether a translation pattern takes a call, or where it leads.
    pub(super) fn not_followed(&self, number: u32) -> Option<String> {
        match self.leads(number) {
            Leads::On(translation) if translation.filtered && self.text(number).contains('@') => {
                Some(self.filter(number))
            }
            Leads::On(translation) if translation.by_calling_number && !translation.blocked => {
                Some(format!("{}, which goes on by the number of whoever calls", self.name(number)))
            }
            _ => None,
        }
    }

    fn filter(&self, number: u32) -> String {
        format!("the route filter of {}", self.name(number))
    }

    pub(super) fn closest(&self, view: &View, digits: &str) -> Option<u32> {
        self.winner(view, &self.stepped(view, digits))
    }

    fn stepped(&self, view: &View, digits: &str) -> Active {
        let tree = self.tree();
        digits.chars().fold(tree.start(), |active, digit| tree.step(&active, bit(digit), |node| view.sees(node)))
    }

    pub(super) fn wants_more(&self, view: &View, active: &Active) -> bool {
        active.iter().any(|(node, _)| self.tree().wants_more(*node, |node| view.sees(node)))
    }

    /// Digit by digit: the call is routed when the closest match so far is urgent, or when no visible pattern could take
    /// more; after the last digit the inter-digit timer routes what matches then. Digits that a translation made are there
    /// before the next one is dialled, and that one stands behind them.
    ///
    /// Source: Cisco's description of translation patterns and of "Do Not Wait For Interdigit Timeout On Subsequent Hops".
    fn first_to_fire(&self, view: &View, called: &mut String, left: &mut &str) -> Fired {
        let mut active = self.stepped(view, called);
        loop {
            if !called.is_empty() {
                let by = self.winner(view, &active);
                if by.is_some_and(|number| self.is_urgent(number)) || !self.wants_more(view, &active) {
                    return Fired { by, waits: false };
                }
            }
            let mut rest = left.chars();
            let Some(digit) = rest.next() else { return Fired { by: self.winner(view, &active), waits: true } };
            *left = rest.as_str();
            active = self.tree().step(&active, bit(digit), |node| view.sees(node));
            called.push(digit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::masked;
    use super::*;
    use crate::caller::{Callers, Incoming};
    use crate::dial_plan::{
        Activity, CallingSearchSpace, DialPlan, DigitChange, Discard, Endpoint, Partition, RoutePattern, TimeSchedule,
        TranslationPattern,
    };
    use crate::hours::Hours;
    use crate::ids::Uuid;
    use crate::local_routes::LocalRoutes;
    use crate::reach::Wanted;
    use std::collections::BTreeSet;

    fn route_pattern(pattern: &str, partition: &str) -> RoutePattern {
        RoutePattern {
            uuid: Uuid::from(format!("{pattern}/{partition}")),
            pattern: pattern.into(),
            partition: (!partition.is_empty()).then(|| partition.into()),
            blocked: false,
            urgent: false,
            change: DigitChange { discard: Discard::PreDot, ..DigitChange::default() },
            emergency: false,
            destination: Destination::NotRead,
            on_net: false,
            dead: false,
            filtered: false,
        }
    }

    fn translation(pattern: &str, partition: &str, mask: &str, css: &str) -> TranslationPattern {
        TranslationPattern {
            uuid: Uuid::from(format!("{pattern}/{partition}")),
            pattern: pattern.into(),
            partition: Some(partition.into()),
            blocked: false,
            urgent: true,
            change: DigitChange { mask: Some(mask.into()), ..DigitChange::default() },
            css: Some(css.into()),
            use_originator_css: false,
            at_once: false,
            emergency: false,
            filtered: false,
            by_calling_number: false,
        }
    }

    fn css(name: &str, members: &[&str]) -> CallingSearchSpace {
        CallingSearchSpace {
            uuid: Uuid::from(name),
            name: name.into(),
            members: members.iter().map(|m| (*m).to_owned()).collect(),
        }
    }

    fn plan() -> DialPlan {
        DialPlan {
            partitions: ["LOCK", "PSTN", "EOC"]
                .map(|name| Partition { uuid: Uuid::from(name), name: name.into(), schedule: None, zone: None })
                .into(),
            schedules: vec![TimeSchedule { name: "TS-NEVER".into(), active: Activity::Never, periods: vec![] }],
            calling_search_spaces: vec![css("PHONE", &["LOCK", "PSTN"]), css("TO-EOC", &["EOC"])],
            route_patterns: vec![route_pattern("9.1[2-9]XX[2-9]XXXXXX", "PSTN"), route_pattern("9.911", "PSTN")],
            translation_patterns: vec![translation("9.1[2-9]XX[2-9]XXXXXX", "LOCK", "5911", "TO-EOC")],
            endpoints: vec![Endpoint {
                pattern: "5911".into(),
                partition: Some("EOC".into()),
                kind: EndpointKind::HuntPilot,
                urgent: false,
                dead: false,
            }],
            callers: Callers::default(),
            ..DialPlan::default()
        }
    }

    fn end(plan: &DialPlan, digits: &str, dialling: Dialling) -> End {
        DigitAnalysis::new(plan, &Hours::All).route(&["PHONE"], digits, dialling).end
    }

    fn goes_out(end: &End) -> bool {
        matches!(end, End::Pstn { .. })
    }

    #[test]
    fn a_mirror_pattern_in_the_first_partition_wins_the_tie() {
        let at_eoc = end(&plan(), "914035551234", Dialling::DigitByDigit);
        assert!(matches!(at_eoc, End::Inside { ref pattern, .. } if pattern == "5911"), "{at_eoc:?}");
    }

    #[test]
    fn a_wider_pattern_in_the_first_partition_does_not_win() {
        let mut wide = plan();
        wide.translation_patterns = vec![translation("9.!", "LOCK", "5911", "TO-EOC")];
        wide.translation_patterns[0].urgent = false;
        assert!(goes_out(&end(&wide, "914035551234", Dialling::EnBloc)));
    }

    #[test]
    fn an_urgent_bang_swallows_911_digit_by_digit_but_not_en_bloc() {
        let mut wide = plan();
        wide.translation_patterns = vec![translation("9.!", "LOCK", "5911", "TO-EOC")];
        assert!(goes_out(&end(&wide, "9911", Dialling::EnBloc)));
        let taken = DigitAnalysis::new(&wide, &Hours::All).route(&["PHONE"], "9911", Dialling::DigitByDigit);
        assert!(!goes_out(&taken.end) && taken.taken == 2, "{taken:?}");
    }

    #[test]
    fn keys_after_an_early_translation_stand_behind_what_it_made_unless_it_waits_for_none() {
        let mut global = plan();
        let change = DigitChange { discard: Discard::PreDot, prefix: Some("+".into()), ..DigitChange::default() };
        global.translation_patterns =
            vec![TranslationPattern { change, ..translation("9011.!", "LOCK", "", "TO-EOC") }];
        global.route_patterns.extend([route_pattern("\\+!", "EOC"), route_pattern("\\+1[2-9]XX[2-9]XXXXXX", "EOC")]);
        let route = |plan: &DialPlan| {
            DigitAnalysis::new(plan, &Hours::All).route(&["PHONE"], "901114035551234", Dialling::DigitByDigit)
        };
        let by_keys = route(&global);
        assert_eq!(by_keys.path.last().unwrap(), "\\+1[2-9]XX[2-9]XXXXXX in EOC", "{by_keys:?}");
        assert_eq!((by_keys.taken, by_keys.called.as_str()), (15, "+14035551234"));
        assert!(by_keys.waits, "`\\+!` could take more");
        global.translation_patterns[0].at_once = true;
        let at_once = route(&global);
        assert_eq!((at_once.path.last().unwrap().as_str(), at_once.taken), ("\\+! in EOC", 5), "{at_once:?}");
    }

    #[test]
    fn a_partition_that_is_never_active_is_not_seen() {
        let mut normal = plan();
        normal.partitions[0].schedule = Some("TS-NEVER".into());
        let out = end(&normal, "914035551234", Dialling::EnBloc);
        assert!(matches!(out, End::Pstn { ref digits, .. } if digits == "14035551234"), "{out:?}");
    }

    #[test]
    fn a_blocked_closest_match_ends_the_call() {
        let mut blocked = plan();
        blocked.translation_patterns.clear();
        blocked.route_patterns[0].blocked = true;
        blocked.route_patterns.push(route_pattern("9.!", "PSTN"));
        assert!(matches!(end(&blocked, "914035551234", Dialling::EnBloc), End::Blocked { .. }));
    }

    #[test]
    fn the_none_partition_is_seen_from_everywhere_and_last() {
        let mut none = plan();
        none.route_patterns.push(route_pattern("0.!", ""));
        let analysis = DigitAnalysis::new(&none, &Hours::All);
        for space in ["PHONE", "TO-EOC", "no such css"] {
            assert!(goes_out(&analysis.route(&[space], "01234", Dialling::EnBloc).end), "{space}");
        }
    }

    #[test]
    fn a_translation_onto_itself_is_a_loop() {
        let mut looped = plan();
        looped.translation_patterns = vec![translation("5XXX", "LOCK", "XXXX", "PHONE")];
        assert_eq!(end(&looped, "5123", Dialling::EnBloc), End::Loop);
    }

    #[test]
    fn a_call_that_three_calling_search_spaces_hand_on_is_a_loop() {
        let mut looped = plan();
        looped.calling_search_spaces = vec![css("PHONE", &["A"]), css("B", &["B"]), css("C", &["C"])];
        let on = [("A", "B"), ("B", "C"), ("C", "PHONE")];
        looped.translation_patterns = on.map(|(at, to)| translation("5XXX", at, "XXXX", to)).into();
        for dialling in [Dialling::EnBloc, Dialling::DigitByDigit] {
            assert_eq!(end(&looped, "5123", dialling), End::Loop);
        }
        let from_phone = Wanted {
            outside: true,
            inside: true,
            most: usize::MAX,
            but: &BTreeSet::new(),
            but_partitions: &[],
            incoming: &Incoming::default(),
            local: &LocalRoutes::default(),
        };
        let ways = DigitAnalysis::new(&looped, &Hours::All).ways(&["PHONE"], &from_phone);
        assert!(ways.complete && ways.found.is_empty(), "{ways:?}");
    }

    #[test]
    fn a_partition_is_met_by_its_whole_name() {
        let odd = Route {
            path: vec!["911 in PT in 911".into(), "9.! in <None>".into()],
            taken: 0,
            waits: false,
            called: String::new(),
            end: End::NoRoute,
        };
        assert!(odd.passes("PT in 911") && odd.passes("<None>"));
        assert!(!odd.passes("911") && !odd.passes("PT"));
    }

    #[test]
    fn masks_align_right() {
        for (mask, digits, want) in
            [("5911", "14035551234", "5911"), ("XXXX", "14035551234", "1234"), ("403555XXXX", "77", "40355577")]
        {
            assert_eq!(masked(mask, digits), want, "{mask} {digits}");
        }
    }

    #[test]
    fn an_unknown_discard_instruction_is_said_to_be_not_understood() {
        let mut odd = plan();
        odd.route_patterns[1].change.discard = Discard::from_name(Some("PreDot 10-10-Dialing"));
        assert!(matches!(end(&odd, "9911", Dialling::EnBloc), End::NotUnderstood { .. }));
    }
}
