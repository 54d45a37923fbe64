//! The tree as one caller sees it: which partitions are searched, in which order, and what wins where.

use super::tree::{Active, Node, Tree};
use crate::pattern::Closeness;
use std::sync::Arc;

/// Not searched.
const UNSEEN: u32 = u32::MAX;

/// By node: the partitions of patterns that end there, or begin like that; a bit for each. Made once, so that a view is no
/// walk through the tree.
pub(super) struct Holdings {
    words: usize,
    bits: Vec<u64>,
}

impl Holdings {
    /// `partition` answers for a pattern by its number.
    pub(super) fn of(tree: &Tree, partitions: usize, partition: impl Fn(u32) -> usize) -> Self {
        let words = partitions.div_ceil(64);
        let mut bits = vec![0; tree.len() * words];
        for node in (0..tree.len()).rev() {
            let at = Node::try_from(node).unwrap_or(Node::MAX);
            for end in tree.ends(at) {
                set(&mut bits[node * words..], partition(*end));
            }
            let parent = tree.parent(at) as usize;
            for word in 0..words {
                bits[parent * words + word] |= bits[node * words + word];
            }
        }
        Self { words, bits }
    }

    fn at(&self, node: Node) -> &[u64] {
        &self.bits[node as usize * self.words..][..self.words]
    }
}

fn set(bits: &mut [u64], bit: usize) {
    bits[bit / 64] |= 1 << (bit % 64);
}

pub(super) struct View {
    /// By partition: searched first is 0.
    ranks: Vec<u32>,
    /// The partitions that are searched, a bit for each.
    searched: Vec<u64>,
    holdings: Arc<Holdings>,
}

/// A pattern as a view ranks it.
pub(super) struct Ranked<'t> {
    pub(super) partition: usize,
    pub(super) text: &'t str,
}

impl View {
    /// `searched` names partitions by number, first searched first.
    pub(super) fn of(holdings: Arc<Holdings>, partitions: usize, searched: &[usize]) -> Self {
        let mut ranks = vec![UNSEEN; partitions];
        let mut bits = vec![0; holdings.words];
        for (rank, partition) in (0..).zip(searched) {
            // A partition that stands twice is searched where it stands first.
            ranks[*partition] = ranks[*partition].min(rank);
            set(&mut bits, *partition);
        }
        Self { ranks, searched: bits, holdings }
    }

    /// A pattern that is seen ends here, or begins like this.
    pub(super) fn sees(&self, node: Node) -> bool {
        self.holdings.at(node).iter().zip(&self.searched).any(|(held, searched)| held & searched != 0)
    }

    /// Searched first is 0; `None` where it is not searched.
    pub(super) fn rank(&self, partition: usize) -> Option<u32> {
        Some(self.ranks[partition]).filter(|rank| *rank != UNSEEN)
    }

    /// Of patterns that read alike, the one that wins; `pattern` answers by number.
    pub(super) fn best<'t>(&self, ends: &[u32], pattern: impl Fn(u32) -> Ranked<'t>) -> Option<u32> {
        let rank = |end: u32| self.ranks[pattern(end).partition];
        let visible = ends.iter().copied().filter(|end| rank(*end) != UNSEEN);
        visible.min_by_key(|end| (rank(*end), pattern(*end).text, *end))
    }

    /// What wins after these digits: the fewest strings, then what is searched first, then the text.
    pub(super) fn winner<'t>(&self, tree: &Tree, active: &Active, pattern: impl Fn(u32) -> Ranked<'t>) -> Option<u32> {
        let ends = active.iter().filter_map(|(node, count)| Some((*count, self.best(tree.ends(*node), &pattern)?)));
        ends.min_by_key(|(count, end)| self.order(*count, *end, &pattern)).map(|(_, end)| end)
    }

    fn order<'t>(
        &self,
        count: Closeness,
        end: u32,
        pattern: impl Fn(u32) -> Ranked<'t>,
    ) -> (Closeness, u32, &'t str, u32) {
        let ranked = pattern(end);
        (count, self.ranks[ranked.partition], ranked.text, end)
    }
}
