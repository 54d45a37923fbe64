//! For every pattern that can win from a calling search space: digits that make it win.
//!
//! All dial strings are walked at once, as sets that no visible pattern tells apart, so that a
//! pattern wholly covered by closer ones is shown to be unreachable and not merely unlucky.

use super::{Closeness, DigitAnalysis, Entry, Visible, order};
use crate::pattern::{Positions, Progress, SYMBOLS};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};

/// Longest dial string looked at: access code, 011 and the fifteen digits of E.164, and one more.
const MAX_DIGITS: usize = 20;

/// Different examples kept for one pattern: what a translation does next depends on the digits.
const MAX_EXAMPLES: usize = 24;

/// A pattern that wins for some digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winner {
    pub pattern: String,
    pub partition: Option<String>,
    /// Dial strings for which it is the closest match.
    pub examples: Vec<String>,
}

/// The patterns that can be reached by dialling from `css`, with examples.
pub fn winners(analysis: &DigitAnalysis<'_>, css: &str) -> Vec<Winner> {
    let visible = analysis.visible(Some(css));
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut seen = HashSet::new();
    let mut level = vec![Prefix::start(&visible)];
    for _ in 0..MAX_DIGITS {
        let mut next = Vec::new();
        for prefix in &level {
            for longer in prefix.extensions() {
                if let Some(winner) = longer.winner(&visible) {
                    let examples = found.entry(winner).or_default();
                    if examples.len() < MAX_EXAMPLES {
                        examples.push(longer.digits.clone());
                    }
                }
                if seen.insert(longer.fingerprint()) {
                    next.push(longer);
                }
            }
        }
        level = next;
    }
    found.into_iter().map(|(index, examples)| named(visible[index].entry, examples)).collect()
}

fn named(entry: &Entry<'_>, examples: Vec<String>) -> Winner {
    Winner { pattern: entry.pattern.text().to_owned(), partition: entry.partition.map(str::to_owned), examples }
}

/// A dial string, and how far it takes every pattern still in the race.
struct Prefix<'p> {
    digits: String,
    racing: Vec<(usize, Progress<'p>)>,
}

impl<'p> Prefix<'p> {
    fn start(visible: &[Visible<'p, '_>]) -> Self {
        let racing = visible.iter().enumerate().map(|(index, v)| (index, v.entry.pattern.start())).collect();
        Self { digits: String::new(), racing }
    }

    /// One digit more, once for each set of digits that no racing pattern tells apart.
    fn extensions(&self) -> impl Iterator<Item = Self> {
        let sets: Vec<_> = self.racing.iter().flat_map(|(_, progress)| progress.next_digits()).collect();
        let mut classes: BTreeMap<Vec<bool>, char> = BTreeMap::new();
        for symbol in SYMBOLS.chars() {
            let class: Vec<bool> = sets.iter().map(|set| set.contains(symbol)).collect();
            if class.contains(&true) {
                classes.entry(class).or_insert(symbol);
            }
        }
        classes.into_values().map(|symbol| self.dial(symbol))
    }

    fn dial(&self, symbol: char) -> Self {
        let racing = self
            .racing
            .iter()
            .map(|(index, progress)| (*index, progress.clone().step(symbol)))
            .filter(|(_, progress)| !progress.is_dead())
            .collect();
        Self { digits: format!("{}{symbol}", self.digits), racing }
    }

    fn winner(&self, visible: &[Visible<'_, '_>]) -> Option<usize> {
        let matches = self.racing.iter().filter_map(|(index, progress)| {
            progress.closeness().map(|closeness: Closeness| (order(closeness, &visible[*index]), *index))
        });
        matches.min().map(|(_, index)| index)
    }

    /// Two prefixes of the same length with the same fingerprint have the same future.
    fn fingerprint(&self) -> (usize, u64) {
        let positions: Vec<(usize, Positions)> =
            self.racing.iter().map(|(index, progress)| (*index, progress.positions())).collect();
        let mut hasher = DefaultHasher::new();
        positions.hash(&mut hasher);
        (self.digits.len(), hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use crate::dial_plan::{CallingSearchSpace, Destination, DialPlan, DigitChange, Partition, RoutePattern};
    use crate::dial_plan_analysis::{DigitAnalysis, winners};
    use crate::ids::Uuid;

    fn plan(patterns: &[(&str, &str)]) -> DialPlan {
        let partition = |name: &str| Partition { uuid: Uuid::from(name), name: name.into(), schedule: None };
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
                })
                .collect(),
            ..DialPlan::default()
        }
    }

    fn reachable(patterns: &[(&str, &str)]) -> Vec<(String, String)> {
        let plan = plan(patterns);
        let analysis = DigitAnalysis::new(&plan, true);
        winners(&analysis, "CSS").into_iter().map(|w| (w.pattern, w.examples[0].clone())).collect()
    }

    #[test]
    fn a_pattern_wholly_mirrored_in_an_earlier_partition_is_unreachable() {
        assert_eq!(reachable(&[("9[2-9]XX", "A"), ("9[2-9]XX", "B")]).len(), 1);
    }

    #[test]
    fn a_gap_in_the_mirror_is_found_with_an_example() {
        let found = reachable(&[("9[2-8]XX", "A"), ("9[2-9]XX", "B")]);
        let (_, example) = found.iter().find(|(pattern, _)| pattern == "9[2-9]XX").expect("the gap is found");
        assert!(example.starts_with("99"), "{example}");
    }

    #[test]
    fn two_halves_cover_a_whole_with_bang_too() {
        let found = reachable(&[("9[0-4]!", "A"), ("9[5-9]!", "A"), ("9!", "B")]);
        let example = &found.iter().find(|(pattern, _)| pattern == "9!").expect("one digit is left").1;
        assert_eq!(example.len(), 2, "only 9 and one digit escape: {example}");
    }
}
