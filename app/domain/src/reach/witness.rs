//! Is there a number for which each of these patterns wins at its hop?
//!
//! Digits are tried place by place; those that no pattern still in the race tells apart count as one. Where all hops stand
//! after some digits decides what can come of it, so a standing that led nowhere is not looked at twice: the search
//! grows with the standings, not with the numbers.

use super::analysis::DigitAnalysis;
use super::change::Digit;
use super::tree::{ALL, Active, Node, bit, first};
use super::view::View;
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;

/// A pattern that is to win, by one of its ends in the tree.
#[derive(Clone)]
pub(super) struct Hop {
    pub(super) view: Rc<View>,
    pub(super) number: u32,
    pub(super) node: Node,
    pub(super) digits: Vec<Digit>,
    /// So many of them are there before a key is looked at: what a translation made, or the first key.
    pub(super) heard: usize,
    pub(super) keys: Keys,
}

/// Where digits are dialled key by key, a pattern takes the call as soon as it may.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// All at once, or none is left to be pressed.
    None,
    /// Behind a translation that waits for no more: taken at once, whatever is pressed still.
    AtOnce,
    /// It takes the call with the last of its digits, or after them.
    Heard,
    /// It takes the call with the last of its digits, though more keys are pressed.
    GoOn,
}

pub(super) struct Search<'a> {
    analysis: &'a DigitAnalysis<'a>,
    /// Numbers that are no example.
    but: &'a BTreeSet<String>,
    left: usize,
}

static NONE: BTreeSet<String> = BTreeSet::new();

/// Where a hop stands after some of its digits.
type Standing = (Active, usize);

impl<'a> Search<'a> {
    pub(super) fn new(analysis: &'a DigitAnalysis<'a>, but: &'a BTreeSet<String>, patience: usize) -> Self {
        Self { analysis, but, left: patience }
    }

    pub(super) fn spend(&mut self, places: usize) {
        self.left = self.left.saturating_sub(places);
    }

    pub(super) fn gave_up(&self) -> bool {
        self.left == 0
    }

    /// A number of this length, the first in the order of digits.
    pub(super) fn witness(&mut self, hops: &[Hop], length: usize) -> Option<String> {
        let begun = hops.iter().map(|hop| self.fixed(hop, (self.analysis.tree().start(), 0)));
        let begun: Option<Vec<Standing>> = begun.collect();
        let mut number = String::with_capacity(length);
        let found = self.extend(hops, &begun?, length, &mut number, &mut HashSet::new());
        found.then_some(number)
    }

    /// Is there any number of this length, also one that is no example?
    pub(super) fn is_dialled(&mut self, hops: &[Hop], length: usize) -> bool {
        let but = std::mem::replace(&mut self.but, &NONE);
        let found = self.witness(hops, length).is_some();
        self.but = but;
        found
    }

    fn extend(
        &mut self,
        hops: &[Hop],
        at: &[Standing],
        length: usize,
        number: &mut String,
        in_vain: &mut HashSet<(usize, Vec<Standing>)>,
    ) -> bool {
        if number.len() == length {
            return self.all_win(hops, at) && !self.but.contains(number);
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        let place = number.len();
        for symbol in self.told_apart(hops, at, number) {
            let next = hops.iter().zip(at).map(|(hop, standing)| self.dialled(hop, standing, place, symbol));
            let Some(next) = next.collect::<Option<Vec<Standing>>>() else { continue };
            number.push(first(symbol));
            let key = (number.len(), next);
            if !in_vain.contains(&key) {
                if self.extend(hops, &key.1, length, number, in_vain) {
                    return true;
                }
                // A number that is no example says nothing about the others that stand alike.
                if !self.is_near_one_of_but(number) {
                    in_vain.insert(key);
                }
            }
            number.pop();
        }
        false
    }

    fn all_win(&self, hops: &[Hop], at: &[Standing]) -> bool {
        hops.iter().zip(at).all(|(hop, (active, _))| self.analysis.winner(&hop.view, active) == Some(hop.number))
    }

    fn is_near_one_of_but(&self, number: &str) -> bool {
        self.but.range(number.to_owned()..).next().is_some_and(|one| one.starts_with(number))
    }

    /// One digit of each set that nothing tells apart: no pattern in the race, and no number that is no example.
    fn told_apart(&self, hops: &[Hop], at: &[Standing], number: &str) -> Vec<u32> {
        let tree = self.analysis.tree();
        let reads = |hop: &Hop, next: usize| hop.digits.get(next) == Some(&Digit::Dialled(number.len()));
        let reading = hops.iter().zip(at).filter(|(hop, (_, next))| reads(hop, *next));
        let by_patterns = reading.flat_map(|(_, (active, _))| active.iter().flat_map(|(node, _)| tree.sets(*node)));
        let mut sets: Vec<u32> = by_patterns.chain(self.next_of_but(number)).collect();
        sets.sort_unstable();
        sets.dedup();
        let mut groups = vec![ALL];
        for set in sets {
            let split = groups.into_iter().flat_map(|group| [group & set, group & !set]);
            groups = split.filter(|group| *group != 0).collect();
        }
        groups.sort_unstable_by_key(|group| group.trailing_zeros());
        groups.into_iter().map(lowest).collect()
    }

    fn next_of_but(&self, number: &str) -> impl Iterator<Item = u32> {
        let near = self.but.range(number.to_owned()..).take_while(move |one| one.starts_with(number));
        near.filter_map(move |one| one[number.len()..].chars().next()).map(bit)
    }

    /// After a digit was dialled; `None` where the pattern can no longer win.
    fn dialled(&self, hop: &Hop, (active, next): &Standing, place: usize, symbol: u32) -> Option<Standing> {
        if hop.digits.get(*next) != Some(&Digit::Dialled(place)) {
            return Some((active.clone(), *next));
        }
        let active = self.analysis.tree().step(active, symbol, |node| hop.view.sees(node));
        self.is_heard(hop, &active, next + 1).then(|| self.fixed(hop, (active, next + 1)))?
    }

    /// Whether it takes the call neither too early nor too late.
    fn is_heard(&self, hop: &Hop, active: &Active, next: usize) -> bool {
        if matches!(hop.keys, Keys::None | Keys::AtOnce) || next < hop.heard {
            return true;
        }
        let by = self.analysis.winner(&hop.view, active);
        let takes =
            by.is_some_and(|number| self.analysis.is_urgent(number)) || !self.analysis.wants_more(&hop.view, active);
        if next < hop.digits.len() { !takes } else { hop.keys == Keys::Heard || takes && by == Some(hop.number) }
    }

    /// Past the digits that were put there, as far as they follow each other.
    fn fixed(&self, hop: &Hop, (mut active, mut next): Standing) -> Option<Standing> {
        let tree = self.analysis.tree();
        while let Some(Digit::Fixed(symbol)) = hop.digits.get(next) {
            active = tree.step(&active, *symbol, |node| hop.view.sees(node));
            next += 1;
            if !self.is_heard(hop, &active, next) {
                return None;
            }
        }
        let left = hop.digits.len() - next;
        active.iter().any(|(node, _)| tree.leads(*node, hop.node, left)).then_some((active, next))
    }
}

fn lowest(set: u32) -> u32 {
    set & set.wrapping_neg()
}
