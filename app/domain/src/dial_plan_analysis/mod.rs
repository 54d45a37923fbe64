//! Where a dialled number goes: closest match over one calling search space, hop by hop.
//!
//! Rules and their limits: the crate's README. `route` answers for one number; `search` finds, for
//! every pattern that can win, digits that make it win.

mod search;

pub use search::{Winner, winners};

use crate::dial_plan::{
    Activity, Destination, DialPlan, DigitChange, Discard, Endpoint, EndpointKind, RoutePattern, TranslationPattern,
};
use crate::pattern::{Closeness, InvalidPattern, Pattern, Progress};
use serde::{Deserialize, Serialize};

/// A call that was translated more often than this goes in circles.
const MAX_HOPS: usize = 10;

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
    pub end: End,
}

impl Route {
    /// Did the call meet a pattern of this partition?
    pub fn passes(&self, partition: &str) -> bool {
        self.path.iter().any(|hop| hop.strip_suffix(partition).is_some_and(|head| head.ends_with(" in ")))
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
    /// At a directory number or hunt pilot.
    Inside {
        pattern: String,
        partition: Option<String>,
        kind: EndpointKind,
    },
    /// The closest match is blocked: the caller hears reorder tone.
    Blocked {
        pattern: String,
        partition: Option<String>,
    },
    NoRoute,
    Loop,
    /// A digit discard instruction this analysis does not know; nothing is claimed about the call but where it leaves.
    NotUnderstood {
        what: String,
        /// The route pattern that takes it out, with digits that are not known; `None` where a translation hides the way.
        leaves_by: Option<String>,
    },
}

/// A dial plan made ready for many questions.
pub struct DigitAnalysis<'a> {
    plan: &'a DialPlan,
    entries: Vec<Entry<'a>>,
    sometimes_active: bool,
    pub unreadable: Vec<InvalidPattern>,
}

struct Entry<'a> {
    pattern: Pattern,
    partition: Option<&'a str>,
    urgent: bool,
    leads: Leads<'a>,
}

#[derive(Clone, Copy)]
enum Leads<'a> {
    Out(&'a RoutePattern),
    On(&'a TranslationPattern),
    In(&'a Endpoint),
}

/// An entry as one calling search space sees it: smaller rank is searched first.
#[derive(Clone, Copy)]
struct Visible<'p, 'a> {
    entry: &'p Entry<'a>,
    rank: usize,
}

impl<'a> DigitAnalysis<'a> {
    /// `sometimes_active` says how to see partitions whose schedule is active at some hours only.
    pub fn new(plan: &'a DialPlan, sometimes_active: bool) -> Self {
        let out = plan.route_patterns.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::Out(p)));
        let on = plan.translation_patterns.iter().map(|p| (&p.pattern, &p.partition, p.urgent, Leads::On(p)));
        let into = plan.endpoints.iter().map(|p| (&p.pattern, &p.partition, false, Leads::In(p)));
        let mut entries = Vec::new();
        let mut unreadable = Vec::new();
        for (text, partition, urgent, leads) in out.chain(on).chain(into) {
            match Pattern::parse(text) {
                Ok(pattern) => {
                    entries.push(Entry { pattern, partition: partition.as_deref(), urgent, leads });
                }
                Err(error) => unreadable.push(error),
            }
        }
        Self { plan, entries, sometimes_active, unreadable }
    }

    /// Follows `digits` from a phone or trunk with calling search space `css` to the end.
    pub fn route(&self, css: &str, digits: &str, dialling: Dialling) -> Route {
        let mut visible = self.visible(Some(css));
        let (mut winner, taken) = match dialling {
            Dialling::EnBloc => (closest(&visible, digits), digits.len()),
            Dialling::DigitByDigit => first_to_fire(&visible, digits),
        };
        let mut called = digits[..taken].to_owned();
        let mut originator = Some(css);
        let mut path = Vec::new();
        while let Some(entry) = winner {
            path.push(entry.name());
            if path.len() > MAX_HOPS {
                return Route { path, taken, end: End::Loop };
            }
            let next = match entry.end(&called) {
                Ok(end) => return Route { path, taken, end },
                Err(translation) => translation,
            };
            called = match changed(&entry.pattern, &next.change, &called) {
                Ok(changed) => changed,
                Err(what) => return Route { path, taken, end: End::NotUnderstood { what, leaves_by: None } },
            };
            originator = if next.use_originator_css { originator } else { next.css.as_deref() };
            visible = self.visible(originator);
            winner = closest(&visible, &called);
        }
        Route { path, taken, end: End::NoRoute }
    }

    /// `<None>` stands last in every calling search space, and alone where there is none.
    fn visible(&self, css: Option<&str>) -> Vec<Visible<'_, 'a>> {
        let members = css.and_then(|name| self.plan.css(name)).map_or(&[][..], |css| &css.members);
        let rank = |partition: Option<&str>| match partition {
            None => Some(members.len()),
            Some(name) => members.iter().position(|member| member == name).filter(|_| self.is_active(name)),
        };
        self.entries.iter().filter_map(|entry| rank(entry.partition).map(|rank| Visible { entry, rank })).collect()
    }

    fn is_active(&self, partition: &str) -> bool {
        let schedule = self.plan.partition(partition).and_then(|p| p.schedule.as_deref());
        match self.plan.activity(schedule) {
            Activity::Always => true,
            Activity::Never => false,
            Activity::Sometimes => self.sometimes_active,
        }
    }
}

impl<'a> Entry<'a> {
    fn name(&self) -> String {
        crate::dial_plan::place(self.pattern.text(), self.partition)
    }

    /// The end of the call, or the translation that carries it on.
    fn end(&self, called: &str) -> Result<End, &'a TranslationPattern> {
        let pattern = self.pattern.text().to_owned();
        let partition = self.partition.map(str::to_owned);
        match self.leads {
            Leads::Out(route) if route.blocked => Ok(End::Blocked { pattern, partition }),
            Leads::On(translation) if translation.blocked => Ok(End::Blocked { pattern, partition }),
            Leads::On(translation) => Err(translation),
            Leads::In(endpoint) => Ok(End::Inside { pattern, partition, kind: endpoint.kind }),
            Leads::Out(route) => Ok(match changed(&self.pattern, &route.change, called) {
                Ok(digits) => End::Pstn { pattern, partition, destination: route.destination.clone(), digits },
                Err(what) => End::NotUnderstood { what, leaves_by: Some(self.name()) },
            }),
        }
    }
}

/// The order in which matches win: fewest possible strings, then searched first, then text.
fn order<'v>(closeness: Closeness, visible: &Visible<'v, '_>) -> (Closeness, usize, &'v str) {
    (closeness, visible.rank, visible.entry.pattern.text())
}

/// The patterns still possible after the digits so far.
struct Race<'p, 'a>(Vec<(Visible<'p, 'a>, Progress<'p>)>);

impl<'p, 'a> Race<'p, 'a> {
    fn start(visible: &[Visible<'p, 'a>]) -> Self {
        Self(visible.iter().map(|v| (*v, v.entry.pattern.start())).collect())
    }

    fn dial(self, digit: char) -> Self {
        let stepped = self.0.into_iter().map(|(v, progress)| (v, progress.step(digit)));
        Self(stepped.filter(|(_, progress)| !progress.is_dead()).collect())
    }

    fn closest(&self) -> Option<&'p Entry<'a>> {
        self.0
            .iter()
            .filter_map(|(v, progress)| progress.closeness().map(|closeness| (order(closeness, v), v.entry)))
            .min_by_key(|(order, _)| *order)
            .map(|(_, entry)| entry)
    }

    fn wants_more(&self) -> bool {
        self.0.iter().any(|(_, progress)| progress.wants_more())
    }
}

fn closest<'p, 'a>(visible: &[Visible<'p, 'a>], digits: &str) -> Option<&'p Entry<'a>> {
    digits.chars().fold(Race::start(visible), Race::dial).closest()
}

/// Digit by digit: the call is routed when the closest match so far is urgent, or when no visible
/// pattern could take more; after the last digit the inter-digit timer routes what matches then.
fn first_to_fire<'p, 'a>(visible: &[Visible<'p, 'a>], digits: &str) -> (Option<&'p Entry<'a>>, usize) {
    let mut race = Race::start(visible);
    for (at, digit) in digits.char_indices() {
        race = race.dial(digit);
        let (entry, more_possible) = (race.closest(), race.wants_more());
        if entry.is_some_and(|entry| entry.urgent) || !more_possible {
            return (entry, at + digit.len_utf8());
        }
    }
    (race.closest(), digits.len())
}

/// Discard, then mask, then prefix.
fn changed(pattern: &Pattern, change: &DigitChange, called: &str) -> Result<String, String> {
    let kept = match &change.discard {
        Discard::Nothing => called,
        Discard::PreDot => &called[pattern.digits_before_dot(called)..],
        Discard::PreDotTrailingPound => called[pattern.digits_before_dot(called)..].trim_end_matches('#'),
        Discard::TrailingPound => called.trim_end_matches('#'),
        Discard::Other(name) => return Err(format!("digit discard instruction “{name}” of {}", pattern.text())),
    };
    let masked = change.mask.as_deref().map_or_else(|| kept.to_owned(), |mask| masked(mask, kept));
    Ok(format!("{}{masked}", change.prefix.as_deref().unwrap_or_default()))
}

/// Right-aligned: `X` lets a digit through, anything else stands for itself; digits left of the
/// mask are dropped.
fn masked(mask: &str, digits: &str) -> String {
    let mut from_right = digits.chars().rev();
    let mut result: Vec<char> = mask
        .chars()
        .rev()
        .filter_map(|symbol| match (symbol, from_right.next()) {
            ('X' | 'x', digit) => digit,
            (literal, _) => Some(literal),
        })
        .collect();
    result.reverse();
    result.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial_plan::{CallingSearchSpace, Partition, TimeSchedule};
    use crate::ids::Uuid;

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
            emergency: false,
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
                .map(|name| Partition { uuid: Uuid::from(name), name: name.into(), schedule: None })
                .into(),
            schedules: vec![TimeSchedule { name: "TS-NEVER".into(), active: Activity::Never }],
            calling_search_spaces: vec![css("PHONE", &["LOCK", "PSTN"]), css("TO-EOC", &["EOC"])],
            route_patterns: vec![route_pattern("9.1[2-9]XX[2-9]XXXXXX", "PSTN"), route_pattern("9.911", "PSTN")],
            translation_patterns: vec![translation("9.1[2-9]XX[2-9]XXXXXX", "LOCK", "5911", "TO-EOC")],
            endpoints: vec![Endpoint {
                pattern: "5911".into(),
                partition: Some("EOC".into()),
                kind: EndpointKind::HuntPilot,
            }],
            gone: vec![],
        }
    }

    fn end(plan: &DialPlan, digits: &str, dialling: Dialling) -> End {
        DigitAnalysis::new(plan, true).route("PHONE", digits, dialling).end
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
        let taken = DigitAnalysis::new(&wide, true).route("PHONE", "9911", Dialling::DigitByDigit);
        assert!(!goes_out(&taken.end) && taken.taken == 2, "{taken:?}");
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
        let analysis = DigitAnalysis::new(&none, true);
        for space in ["PHONE", "TO-EOC", "no such css"] {
            assert!(goes_out(&analysis.route(space, "01234", Dialling::EnBloc).end), "{space}");
        }
    }

    #[test]
    fn a_translation_onto_itself_is_a_loop() {
        let mut looped = plan();
        looped.translation_patterns = vec![translation("5XXX", "LOCK", "XXXX", "PHONE")];
        assert_eq!(end(&looped, "5123", Dialling::EnBloc), End::Loop);
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
