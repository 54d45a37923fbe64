//! The patterns of a dial plan, read once: what no step of a lock changes.

use super::analysis::{Leads, Listed, listed};
use super::tree::Tree;
use super::view::{Holdings, View};
use crate::dial_plan::DialPlan;
use crate::pattern::{InvalidPattern, Item, Pattern};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Texts, and where they stand in the tree. A pattern is named by its place in the list.
pub struct PatternIndex {
    texts: Vec<Box<str>>,
    /// `None` where nothing is known of it.
    pub(super) read: Vec<Option<Pattern>>,
    pub(super) unreadable: Vec<InvalidPattern>,
    pub(super) tree: Tree,
    /// By pattern: the number of its partition; 0 is `<None>`.
    pub(super) partitions: Vec<usize>,
    pub(super) numbers: HashMap<String, usize>,
    /// By partition: its numbers ring inside, and no pattern that leads on takes one of them, or can lead out and waits for one.
    pub(super) quiet: Vec<bool>,
    inside: Inside,
    holdings: Arc<Holdings>,
}

impl PatternIndex {
    pub fn of(plan: &DialPlan) -> Self {
        let listed = listed(plan);
        let mut unreadable = Vec::new();
        let read = listed.iter().map(|one| Pattern::parse(one.text).map_err(|error| unreadable.push(error)).ok());
        let read: Vec<_> = read.collect();
        let mut numbers = HashMap::new();
        let mut number = |name: &str| {
            let next = numbers.len() + 1;
            *numbers.entry(name.to_owned()).or_insert(next)
        };
        let partitions: Vec<usize> = listed.iter().map(|one| one.partition.map_or(0, &mut number)).collect();
        let tree = Tree::of(read.iter().map(Option::as_ref));
        let inside = Inside::of(plan, &listed, &partitions, &numbers);
        let quiet = quiet(&listed, &read, &partitions, &tree, &inside, numbers.len() + 1);
        let holdings = Holdings::of(&tree, numbers.len() + 1, |number| partitions[number as usize]);
        let texts = listed.iter().map(|one| one.text.into()).collect();
        Self { texts, read, unreadable, tree, partitions, numbers, quiet, inside, holdings: Arc::new(holdings) }
    }

    /// Were these read, and no others?
    pub(super) fn is_of(&self, plan: &DialPlan, listed: &[Listed<'_>]) -> bool {
        let number = |name: Option<&str>| name.map_or(Some(0), |name| self.numbers.get(name).copied());
        let known = self.texts.iter().zip(&self.partitions);
        listed.len() == self.texts.len()
            && self.inside.holds(plan, listed)
            && listed
                .iter()
                .zip(known)
                .all(|(one, (text, at))| one.text == &**text && number(one.partition) == Some(*at))
    }

    /// What is seen by searching these partitions, first searched first.
    pub(super) fn view(&self, searched: &[usize]) -> View {
        View::of(self.holdings.clone(), self.numbers.len() + 1, searched)
    }
}

/// Calling search spaces of no route and no translation pattern, and the translation patterns that look up their digits there:
/// whatever is dialled then rings inside, or nowhere.
struct Inside {
    /// With their partitions.
    spaces: HashMap<String, Vec<String>>,
    /// By pattern.
    translations: Vec<bool>,
}

impl Inside {
    fn of(plan: &DialPlan, listed: &[Listed<'_>], partitions: &[usize], numbers: &HashMap<String, usize>) -> Self {
        let leading_on = listed.iter().zip(partitions).filter(|(one, _)| !matches!(one.leads, Leads::In(_)));
        let leading_on: HashSet<usize> = leading_on.map(|(_, partition)| *partition).collect();
        let is_inside = |members: &[String]| {
            let mut searched = members.iter().filter_map(|name| numbers.get(name)).chain([&0]);
            !searched.any(|partition| leading_on.contains(partition))
        };
        let looked_up_in: HashSet<&str> = plan.translation_patterns.iter().filter_map(|t| t.css.as_deref()).collect();
        let named = plan.calling_search_spaces.iter().filter(|css| looked_up_in.contains(css.name.as_str()));
        let found = named.filter(|css| is_inside(&css.members));
        let spaces = found.map(|css| (css.name.clone(), css.members.clone())).collect();
        let translations = listed.iter().map(|one| looks_up_in(one, &spaces)).collect();
        Self { spaces, translations }
    }

    /// Is it so in this state, too?
    fn holds(&self, plan: &DialPlan, listed: &[Listed<'_>]) -> bool {
        let spaces = plan.calling_search_spaces.iter();
        let mut known = spaces.filter_map(|css| Some((self.spaces.get(&css.name)?, &css.members)));
        let mut inside = listed.iter().zip(&self.translations).filter(|(_, inside)| **inside);
        known.all(|(known, members)| known == members) && inside.all(|(one, _)| looks_up_in(one, &self.spaces))
    }
}

fn looks_up_in(one: &Listed<'_>, spaces: &HashMap<String, Vec<String>>) -> bool {
    let Leads::On(translation) = one.leads else { return false };
    !translation.use_originator_css && translation.css.as_ref().is_some_and(|css| spaces.contains_key(css))
}

/// By partition, whether it bears on no way out. One with a number of any length always does.
fn quiet(
    listed: &[Listed<'_>],
    read: &[Option<Pattern>],
    partitions: &[usize],
    tree: &Tree,
    inside: &Inside,
    count: usize,
) -> Vec<bool> {
    let leads_on = tree.holding(|number| !matches!(listed[number as usize].leads, Leads::In(_)));
    let translates = tree.holding(|number| {
        matches!(listed[number as usize].leads, Leads::On(_)) && !inside.translations[number as usize]
    });
    let mut quiet = vec![true; count];
    for ((one, pattern), partition) in listed.iter().zip(read).zip(partitions) {
        let (Some(pattern), true) = (pattern, quiet[*partition]) else { continue };
        let is_alone = |way: &[Item]| {
            let sets: Vec<u32> = way.iter().map(|item| item.set.bits()).collect();
            // Key by key, a translation waits for the rest of it: keys that stood behind what the translation makes stand
            // before it then. And an urgent one cuts short what begins like it.
            let is_waited_for = (1..sets.len()).any(|keys| tree.takes_one(&sets[..keys], &translates));
            let cuts_short = one.urgent && tree.begins_like_one(&sets, &leads_on);
            let repeats = way.iter().any(|item| item.repeats);
            !(repeats || is_waited_for || cuts_short || tree.takes_one(&sets, &leads_on))
        };
        quiet[*partition] = matches!(one.leads, Leads::In(_)) && pattern.ways().all(is_alone);
    }
    quiet
}
