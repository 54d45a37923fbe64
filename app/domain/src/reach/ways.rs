//! All numbers at once: every way that ends outside (or inside), each with a number that goes it.
//!
//! A way is the row of patterns that win, hop by hop. Which patterns can follow is read off the tree; whether any number
//! makes all of them win is searched for exactly, see `witness.rs`.

use super::analysis::{DigitAnalysis, Leads};
use super::change::{Digit, changed_digits};
use super::route::{Dialling, End, MAX_TRANSLATIONS, Route};
use super::tree::{ALL, Node, bit};
use super::view::View;
use super::witness::{Hop, Keys, Search};
use crate::caller::Incoming;
use crate::dial_plan::Discard;
use crate::local_routes::{Behind, LocalRoutes};
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

/// Which ways are asked for.
pub struct Wanted<'w> {
    /// Those that end outside.
    pub outside: bool,
    /// Those that end at a directory number or hunt pilot, or on-net.
    pub inside: bool,
    /// So many are enough.
    pub most: usize,
    /// Numbers that are no example.
    pub but: &'w BTreeSet<String>,
    /// No way leads past a pattern of these partitions.
    pub but_partitions: &'w [String],
    /// What is made of the digits before they are looked up.
    pub incoming: &'w Incoming,
    /// Where route lists lead from the caller's device pool.
    pub local: &'w LocalRoutes,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Ways {
    /// For each pattern at which calls end, a number that ends there.
    pub found: Vec<Way>,
    /// False where there may be more: the search was given up, a translation was met whose digits are not known
    /// beforehand, or a pattern repeats some digits only (`[2-4]+`).
    pub complete: bool,
}

/// A number, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    pub digits: String,
    /// All at once where that leads there, too.
    pub how: Dialling,
    pub route: Route,
}

/// Places of the search looked at from one calling search space before it is given up.
const PATIENCE: usize = 1_000_000;

impl DigitAnalysis<'_> {
    /// For each pattern at which a call from these calling search spaces can end, as wanted: a number that ends there. What
    /// is dialled key by key is taken as some number dialled at once would be, but for keys that follow behind what a
    /// translation made of those before.
    ///
    /// Grows with the patterns that they see, times the length of a number.
    pub fn ways(&self, spaces: &[&str], wanted: &Wanted<'_>) -> Ways {
        let view = self.view(spaces);
        let mut walk = Walk {
            analysis: self,
            spaces,
            wanted,
            search: Search::new(self, wanted.but, PATIENCE),
            longest: self.longest(),
            ended: HashSet::new(),
            ways: Ways { found: Vec::new(), complete: !self.tree().repeats_some_digits() },
        };
        for node in 0..Node::try_from(self.tree().len()).unwrap_or(Node::MAX) {
            if walk.is_enough() {
                break;
            }
            if let Some(number) = self.best(&view, node) {
                walk.from(&view, number, node);
            }
        }
        walk.ways.complete &= !walk.search.gave_up();
        walk.ways
    }

    /// Longer than the longest pattern only repeated items are left, and each digit more multiplies all alike: what wins
    /// then wins for ever. Translations on the way may have taken digits away before that.
    fn longest(&self) -> usize {
        let taken_away = self.translations().map(|(number, translation)| match translation.change.discard {
            Discard::PreDot => self.pattern(number).always_before_dot().unwrap_or(0),
            Discard::PreDotTrailingPound => self.pattern(number).always_before_dot().unwrap_or(0) + 1,
            Discard::TrailingPound => 1,
            Discard::Nothing | Discard::Other(_) => 0,
        });
        self.tree().longest() + 2 + MAX_TRANSLATIONS * taken_away.max().unwrap_or(0)
    }
}

struct Walk<'a, 'w> {
    analysis: &'a DigitAnalysis<'a>,
    spaces: &'a [&'a str],
    wanted: &'a Wanted<'w>,
    search: Search<'a>,
    /// Of numbers that are looked at.
    longest: usize,
    /// Patterns at which a way was found to end.
    ended: HashSet<u32>,
    ways: Ways,
}

impl Walk<'_, '_> {
    /// Ways that begin with this pattern, by the length of the number.
    fn from(&mut self, view: &Rc<View>, number: u32, node: Node) {
        if !self.leads_on(number) {
            return;
        }
        let (shortest, endless) = self.analysis.tree().length(node);
        let longest = if endless { self.longest.max(shortest) } else { shortest };
        let put: Vec<Digit> = self.wanted.incoming.prefix.chars().map(|digit| Digit::Fixed(bit(digit))).collect();
        let most = self.wanted.incoming.significant.unwrap_or(usize::MAX);
        for length in shortest..=longest {
            let Some(dialled) = length.checked_sub(put.len()).filter(|dialled| (1..=most).contains(dialled)) else {
                continue;
            };
            let digits = put.iter().copied().chain((0..dialled).map(Digit::Dialled)).collect();
            let sets = self.sets(number, node, length).split_off(put.len());
            let mut hops = vec![Hop { view: view.clone(), number, node, digits, heard: 1, keys: Keys::None }];
            if self.follow(&mut hops, dialled, &sets) {
                return;
            }
        }
    }

    fn is_enough(&self) -> bool {
        self.ways.found.len() >= self.wanted.most
    }

    /// Is there anything to be found behind this pattern?
    fn leads_on(&self, number: u32) -> bool {
        let passed =
            self.analysis.partition(number).is_some_and(|name| self.wanted.but_partitions.iter().any(|p| p == name));
        !passed
            && match self.analysis.leads(number) {
                Leads::Out(route) => {
                    let is_wanted = match self.wanted.local.behind(route) {
                        Behind::Outside => self.wanted.outside,
                        Behind::Inside => self.wanted.inside,
                        Behind::Nothing => false,
                    };
                    is_wanted && !route.blocked && !self.ended.contains(&number)
                }
                Leads::On(translation) => !translation.blocked,
                Leads::In(endpoint) => self.wanted.inside && !endpoint.dead && !self.ended.contains(&number),
            }
    }

    /// From the last hop on. True of the first hop when longer numbers can show nothing more.
    fn follow(&mut self, hops: &mut Vec<Hop>, length: usize, sets: &[u32]) -> bool {
        let last = hops.last().expect("a way has a first hop");
        let number = last.number;
        let analysis = self.analysis;
        if self.search.gave_up() || self.is_enough() {
            return false;
        }
        let Leads::On(translation) = analysis.leads(number) else { return self.end_here(hops, length) };
        if hops.len() > MAX_TRANSLATIONS {
            return false;
        }
        if analysis.not_followed(number).is_some() {
            self.ways.complete = false;
            return true;
        }
        let Some(digits) = changed_digits(analysis.pattern(number), &translation.change, &last.digits) else {
            return self.sample(hops, length, &translation.change.discard);
        };
        let view = if translation.use_originator_css {
            analysis.originators(&hops[0].view, &last.view)
        } else {
            analysis.view(translation.css.as_deref().as_slice())
        };
        // A trunk presses no keys.
        let by_keys = !translation.at_once && self.wanted.incoming.is_none();
        let goes_on = by_keys && self.goes_on(&view, &digits, sets);
        if goes_on {
            self.press_on(hops, &view, digits.clone(), length, sets);
        }
        // The same digits for all that it takes.
        let fixed = !goes_on && translation.change.mask.as_ref().is_some_and(|mask| !mask.contains(['X', 'x']));
        let following = self.candidates(&view, &digits, sets);
        if following.is_empty() {
            return fixed;
        }
        // In circles, ways multiply: each is gone only as far as a number goes it.
        if (fixed || hops.len() > 1) && self.search.witness(hops, length).is_none() {
            return false;
        }
        for (number, node) in following {
            let heard = digits.len();
            let digits = digits.clone();
            let keys = if translation.at_once { Keys::AtOnce } else { Keys::None };
            hops.push(Hop { view: view.clone(), number, node, digits, heard, keys });
            self.follow(hops, length, sets);
            hops.pop();
        }
        fixed
    }

    /// Could a key stand behind these digits?
    fn goes_on(&mut self, view: &View, digits: &[Digit], sets: &[u32]) -> bool {
        let tree = self.analysis.tree();
        let (reached, looked_at) = tree.reachable(digits.iter().map(|digit| set(*digit, sets)), |node| view.sees(node));
        self.search.spend(looked_at);
        reached.into_iter().any(|node| tree.wants_more(node, |node| view.sees(node)))
    }

    /// Each hop takes the call although more keys are pressed: they stand behind what the last one made.
    fn press_on(&mut self, hops: &mut Vec<Hop>, view: &Rc<View>, mut digits: Vec<Digit>, length: usize, sets: &[u32]) {
        let heard = digits.len();
        let before: Vec<Keys> = hops.iter().map(|hop| hop.keys).collect();
        for hop in hops.iter_mut().filter(|hop| hop.keys != Keys::AtOnce) {
            hop.keys = Keys::GoOn;
        }
        let most = if self.search.is_dialled(hops, length) { self.longest.saturating_sub(heard) } else { 0 };
        let mut sets = sets.to_vec();
        for length in length + 1..=length + most {
            digits.push(Digit::Dialled(length - 1));
            sets.push(ALL);
            for (number, node) in self.candidates(view, &digits, &sets) {
                hops.push(Hop { view: view.clone(), number, node, digits: digits.clone(), heard, keys: Keys::Heard });
                self.follow(hops, length, &sets);
                hops.pop();
            }
        }
        for (hop, keys) in hops.iter_mut().zip(before) {
            hop.keys = keys;
        }
    }

    fn end_here(&mut self, hops: &[Hop], length: usize) -> bool {
        let number = hops.last().map_or(0, |hop| hop.number);
        let Some(example) = self.search.witness(hops, length) else { return false };
        let by_keys = hops.iter().any(|hop| matches!(hop.keys, Keys::Heard | Keys::GoOn));
        self.note(number, example, if by_keys { Dialling::DigitByDigit } else { Dialling::EnBloc });
        true
    }

    /// A translation whose digits are not known beforehand: one number is followed, where the instruction is known, and more
    /// is not claimed.
    fn sample(&mut self, hops: &[Hop], length: usize, discard: &Discard) -> bool {
        if matches!(discard, Discard::Other(_)) {
            self.ways.complete = false;
            return true;
        }
        let Some(example) = self.search.witness(hops, length) else { return false };
        self.ways.complete = false;
        let how = Dialling::EnBloc;
        let route = self.route(&example, how);
        if self.is_wanted(&route) {
            self.ways.found.push(Way { digits: example, how, route });
        }
        true
    }

    /// Followed again by the plain route, as a check of the search.
    fn note(&mut self, number: u32, example: String, how: Dialling) {
        let route = self.route(&example, how);
        if route.path.last() != Some(&self.analysis.name(number)) {
            debug_assert!(false, "{example} from {:?}: {route:?}, not {}", self.spaces, self.analysis.name(number));
            self.ways.complete = false;
        } else if self.ended.insert(number) {
            self.ways.found.push(Way { digits: example, how, route });
        }
    }

    fn route(&self, example: &str, how: Dialling) -> Route {
        let looked_up = self.wanted.incoming.looked_up(example);
        self.wanted.local.end_of(self.analysis.route(self.spaces, &looked_up, how))
    }

    fn is_wanted(&self, route: &Route) -> bool {
        let passed = self.wanted.but_partitions.iter().any(|name| route.passes(name));
        let ends = match &route.end {
            End::Pstn { .. } | End::NotUnderstood { leaves_by: Some(_), .. } => self.wanted.outside,
            End::Inside { .. } | End::OnNet { .. } => self.wanted.inside,
            _ => false,
        };
        ends && !passed
    }

    /// Patterns that could win next, as far as each digit by itself says.
    fn candidates(&mut self, view: &View, digits: &[Digit], sets: &[u32]) -> Vec<(u32, Node)> {
        let digits = digits.iter().map(|digit| set(*digit, sets));
        let (reached, looked_at) = self.analysis.tree().reachable(digits, |node| view.sees(node));
        self.search.spend(looked_at);
        let ends = reached.into_iter().filter_map(|node| Some((self.analysis.best(view, node)?, node)));
        ends.filter(|(number, _)| self.leads_on(*number)).collect()
    }

    /// What may be dialled at each place of a number of this length that the pattern takes.
    fn sets(&self, number: u32, node: Node, length: usize) -> Vec<u32> {
        let tree = self.analysis.tree();
        let mut ways = self.analysis.pattern(number).ways();
        let way = ways.find(|way| tree.end_of(way) == Some(node)).unwrap_or_default();
        let head = way.iter().take_while(|item| !item.repeats).map(|item| item.set.bits());
        let rest = way.iter().skip_while(|item| !item.repeats).fold(0, |set, item| set | item.set.bits());
        let rest = if rest == 0 { ALL } else { rest };
        head.chain(std::iter::repeat(rest)).take(length).collect()
    }
}

/// What may stand there.
fn set(digit: Digit, sets: &[u32]) -> u32 {
    match digit {
        Digit::Fixed(bit) => bit,
        Digit::Dialled(place) => sets[place],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dial_plan::{
        CallingSearchSpace, Destination, DialPlan, DigitChange, Partition, RoutePattern, TranslationPattern,
    };
    use crate::hours::Hours;
    use crate::ids::Uuid;

    fn plan(patterns: &[(&str, &str)]) -> DialPlan {
        let partition =
            |name: &str| Partition { uuid: Uuid::from(name), name: name.into(), schedule: None, zone: None };
        DialPlan {
            partitions: vec![partition("A"), partition("B")],
            calling_search_spaces: vec![CallingSearchSpace {
                uuid: Uuid::from("css"),
                name: "CSS".into(),
                members: vec!["A".into(), "B".into()],
            }],
            route_patterns: patterns
                .iter()
                .map(|(pattern, partition)| RoutePattern {
                    uuid: Uuid::from(*pattern),
                    pattern: (*pattern).into(),
                    partition: Some((*partition).into()),
                    blocked: false,
                    urgent: false,
                    change: DigitChange::default(),
                    emergency: false,
                    destination: Destination::NotRead,
                    on_net: false,
                    dead: false,
                    filtered: false,
                })
                .collect(),
            ..DialPlan::default()
        }
    }

    fn ways(plan: &DialPlan) -> Ways {
        let wanted = Wanted {
            outside: true,
            inside: false,
            most: usize::MAX,
            but: &BTreeSet::new(),
            but_partitions: &[],
            incoming: &Incoming::default(),
            local: &LocalRoutes::default(),
        };
        DigitAnalysis::new(plan, &Hours::All).ways(&["CSS"], &wanted)
    }

    fn reachable(patterns: &[(&str, &str)]) -> Vec<(String, String)> {
        let found = ways(&plan(patterns)).found.into_iter();
        found.map(|way| (way.route.path.last().unwrap().clone(), way.digits)).collect()
    }

    fn translation(pattern: &str, change: DigitChange) -> TranslationPattern {
        TranslationPattern {
            uuid: Uuid::from(pattern),
            pattern: pattern.into(),
            partition: Some("A".into()),
            blocked: false,
            urgent: true,
            change,
            css: Some("ROUTES".into()),
            use_originator_css: false,
            at_once: false,
            emergency: false,
            filtered: false,
            by_calling_number: false,
        }
    }

    /// `A` is dialled; what is translated there is looked up in `B` alone.
    fn two_tiers(pattern: &str, change: DigitChange, route: &str) -> DialPlan {
        let mut plan = plan(&[(route, "B")]);
        plan.calling_search_spaces[0].members = vec!["A".into()];
        plan.calling_search_spaces.push(CallingSearchSpace {
            uuid: Uuid::from("routes"),
            name: "ROUTES".into(),
            members: vec!["B".into()],
        });
        plan.translation_patterns = vec![translation(pattern, change)];
        plan
    }

    #[test]
    fn a_pattern_wholly_mirrored_in_an_earlier_partition_is_unreachable() {
        assert_eq!(reachable(&[("9[2-9]XX", "A"), ("9[2-9]XX", "B")]).len(), 1);
    }

    #[test]
    fn a_gap_in_the_mirror_is_found_with_an_example() {
        let found = reachable(&[("9[2-8]XX", "A"), ("9[2-9]XX", "B")]);
        let (_, example) = found.iter().find(|(pattern, _)| pattern == "9[2-9]XX in B").expect("the gap is found");
        assert!(example.starts_with("99"), "{example}");
    }

    #[test]
    fn two_halves_cover_a_whole_with_bang_too() {
        let found = reachable(&[("9[0-4]!", "A"), ("9[5-9]!", "A"), ("9!", "B")]);
        let example = &found.iter().find(|(pattern, _)| pattern == "9! in B").expect("one digit is left").1;
        assert_eq!(example.len(), 2, "only 9 and one digit escape: {example}");
    }

    #[test]
    fn ten_narrow_patterns_do_not_cover_a_wide_one_for_exactly_one_more_digit() {
        let narrow: Vec<String> = (0..10).map(|digit| format!("9.01121{digit}!")).collect();
        let mut patterns: Vec<(&str, &str)> = narrow.iter().map(|pattern| (pattern.as_str(), "A")).collect();
        patterns.push(("9.01121!", "B"));
        let found = reachable(&patterns);
        let (_, example) = found.iter().find(|(pattern, _)| pattern == "9.01121! in B").expect("it is found");
        assert_eq!(example.len(), 7, "901121 and one digit: {example}");
    }

    #[test]
    fn a_number_that_goes_out_only_behind_a_wide_translation_is_found() {
        let pre_dot = DigitChange { discard: Discard::PreDot, ..DigitChange::default() };
        let found = ways(&two_tiers("9.!", pre_dot, "1[2-9]XX[2-9]XXXXXX"));
        assert!(found.complete);
        assert_eq!(found.found.iter().map(|way| way.digits.len()).collect::<Vec<_>>(), [12], "{found:?}");
    }

    #[test]
    fn digits_that_each_of_many_tiers_takes_away_hide_nothing_behind_the_last() {
        let mut plan = plan(&[("5", "B")]);
        let space = |name: &str, member: &str| CallingSearchSpace {
            uuid: Uuid::from(name),
            name: name.into(),
            members: vec![member.into()],
        };
        plan.calling_search_spaces =
            [("CSS", "T1"), ("S2", "T2"), ("S3", "T3"), ("S4", "B")].map(|(name, member)| space(name, member)).into();
        let pre_dot = DigitChange { discard: Discard::PreDot, ..DigitChange::default() };
        plan.translation_patterns = [("T1", "S2"), ("T2", "S3"), ("T3", "S4")]
            .map(|(partition, css)| TranslationPattern {
                uuid: Uuid::from(partition),
                partition: Some(partition.into()),
                css: Some(css.into()),
                ..translation("9999.!", pre_dot.clone())
            })
            .into();
        assert_eq!(ways(&plan).found[0].digits, "9999999999995");
    }

    #[test]
    fn a_closer_pattern_behind_one_that_loses_is_found() {
        let to = DigitChange { mask: Some("914035551234".into()), ..DigitChange::default() };
        let mut plan = two_tiers("700", to, "9.1[2-9]XX[2-9]XXXXXX");
        let to_nowhere = DigitChange { mask: Some("5911".into()), ..DigitChange::default() };
        plan.translation_patterns.push(TranslationPattern {
            uuid: Uuid::from("wide"),
            partition: Some("B".into()),
            ..translation("9.!", to_nowhere)
        });
        assert_eq!(ways(&plan).found.iter().map(|way| way.digits.as_str()).collect::<Vec<_>>(), ["700"]);
    }

    #[test]
    fn keys_pressed_behind_a_translated_number_that_make_it_a_longer_one_are_found() {
        let to = DigitChange { mask: Some("91403555".into()), ..DigitChange::default() };
        let mut plan = two_tiers("700", to, "9.1[2-9]XX[2-9]XXXXXX");
        let found = ways(&plan).found;
        assert_eq!((found.len(), found[0].digits.len(), found[0].how), (1, 7, Dialling::DigitByDigit), "{found:?}");
        assert!(found[0].digits.starts_with("700"), "{found:?}");
        plan.translation_patterns[0].at_once = true;
        assert!(ways(&plan).found.is_empty(), "told not to wait for more");
    }

    #[test]
    fn keys_are_waited_for_again_behind_a_pattern_that_was_met_at_once() {
        let to = |digits: &str| DigitChange { mask: Some(digits.into()), ..DigitChange::default() };
        let mut plan = two_tiers("700", to("12"), "9XXX");
        plan.translation_patterns[0].at_once = true;
        plan.translation_patterns[0].css = Some("MID".into());
        // `12X` could take more than `12`, and nobody waits for it.
        let mid = |pattern: &str, digits: &str| TranslationPattern {
            uuid: Uuid::from(pattern),
            partition: Some("C".into()),
            urgent: false,
            ..translation(pattern, to(digits))
        };
        plan.translation_patterns.extend([mid("12", "9"), mid("12X", "5")]);
        plan.calling_search_spaces.push(CallingSearchSpace {
            uuid: Uuid::from("mid"),
            name: "MID".into(),
            members: vec!["C".into()],
        });
        let found = ways(&plan).found;
        assert_eq!(found.iter().map(|way| way.digits.len()).collect::<Vec<_>>(), [6], "{found:?}");
    }

    #[test]
    fn keys_behind_a_protected_number_make_it_another_one() {
        let pre_dot = DigitChange { discard: Discard::PreDot, ..DigitChange::default() };
        let mut plan = two_tiers("9.911", pre_dot, "911");
        let wide =
            RoutePattern { uuid: Uuid::from("wide"), pattern: "[2-9]XXXXX".into(), ..plan.route_patterns[0].clone() };
        plan.route_patterns.push(wide);
        let but = BTreeSet::from(["9911".to_owned()]);
        let incoming = Incoming::default();
        let wanted = Wanted {
            outside: true,
            inside: false,
            most: 9,
            but: &but,
            but_partitions: &[],
            incoming: &incoming,
            local: &LocalRoutes::default(),
        };
        let found = DigitAnalysis::new(&plan, &Hours::All).ways(&["CSS"], &wanted).found;
        let ends: Vec<_> =
            found.iter().map(|way| (way.digits.as_str(), way.route.path.last().unwrap().as_str())).collect();
        assert_eq!(ends, [("9911000", "[2-9]XXXXX in B")]);
    }

    #[test]
    fn digits_that_may_be_none_are_not_taken_for_none() {
        let pre_dot = DigitChange { discard: Discard::PreDot, ..DigitChange::default() };
        assert_eq!(ways(&two_tiers("9.X?", pre_dot, "5")).found[0].digits, "95");
    }

    #[test]
    fn a_pattern_of_pounds_alone_is_survived_and_several_are_said_not_to_be_followed() {
        let trim = |pattern: &str| {
            let trim = DigitChange { discard: Discard::PreDotTrailingPound, ..DigitChange::default() };
            ways(&two_tiers(pattern, trim, "9"))
        };
        // Nothing is left of it, and what is pressed next begins anew.
        let found =
            |pattern: &str| trim(pattern).found.into_iter().map(|way| (way.digits, way.how)).collect::<Vec<_>>();
        assert_eq!(found("#."), [("#9".to_owned(), Dialling::DigitByDigit)]);
        assert_eq!(found("9#."), [("9#9".to_owned(), Dialling::DigitByDigit)]);
        assert!(!trim("9#X?#").complete);
    }

    #[test]
    fn what_grows_more_slowly_than_the_rest_is_not_called_complete() {
        let slow = plan(&[("X[2-4]+", "A"), ("2[2-5]+", "A")]);
        assert!(!ways(&slow).complete);
    }

    #[test]
    fn a_mask_keeps_the_last_digits_of_numbers_of_any_length() {
        let last = DigitChange { mask: Some("7XX".into()), ..DigitChange::default() };
        let found = ways(&two_tiers("9!", last.clone(), "723"));
        assert_eq!(found.found[0].digits, "923", "{found:?}");
        assert!(ways(&two_tiers("9!", last, "823")).found.is_empty());
    }

    #[test]
    fn what_cannot_be_followed_for_all_numbers_is_said() {
        let pre_dot = DigitChange { discard: Discard::PreDot, ..DigitChange::default() };
        assert!(!ways(&two_tiers("!.5", pre_dot, "5")).complete);
    }
    #[test]
    fn of_a_translation_that_nobody_can_follow_no_way_is_told_and_none_denied() {
        let pre_dot = DigitChange { discard: Discard::PreDot, ..DigitChange::default() };
        let plan = two_tiers("9.@", pre_dot, "[2-9]XXXXXX");
        assert!(ways(&plan).complete && !ways(&plan).found.is_empty());
        let unknown = |change: &dyn Fn(&mut TranslationPattern)| {
            let mut plan = plan.clone();
            change(&mut plan.translation_patterns[0]);
            let ways = ways(&plan);
            (ways.complete, ways.found.len())
        };
        assert_eq!(unknown(&|one| one.filtered = true), (false, 0));
        assert_eq!(unknown(&|one| one.by_calling_number = true), (false, 0));
        assert_eq!(unknown(&|one| one.change.discard = Discard::Other("11D->7D".into())), (false, 0));
    }
}
