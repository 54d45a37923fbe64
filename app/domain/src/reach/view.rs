//! The tree as one caller sees it: which partitions are searched, in which order, and what wins where.

use super::tree::{Active, Node, Tree};
use crate::pattern::Closeness;

/// Not searched.
const UNSEEN: u32 = u32::MAX;

pub(super) struct View {
    /// By partition: searched first is 0.
    ranks: Vec<u32>,
    /// By node: the pattern that wins among those that read alike.
    best: Vec<Option<u32>>,
    /// By node: a pattern that is seen ends here, or begins like this.
    pub(super) seen: Vec<bool>,
}

/// A pattern as a view ranks it.
pub(super) struct Ranked<'t> {
    pub(super) partition: usize,
    pub(super) text: &'t str,
}

impl View {
    /// `searched` names partitions by number, first searched first; `pattern` answers by number.
    pub(super) fn of<'t>(
        tree: &Tree,
        partitions: usize,
        searched: &[usize],
        pattern: impl Fn(u32) -> Ranked<'t>,
    ) -> Self {
        let mut ranks = vec![UNSEEN; partitions];
        for (rank, partition) in (0..).zip(searched) {
            // A partition that stands twice is searched where it stands first.
            ranks[*partition] = ranks[*partition].min(rank);
        }
        let mut best = vec![None; tree.len()];
        let mut seen = vec![false; tree.len()];
        for node in (0..tree.len()).rev() {
            let at = Node::try_from(node).unwrap_or(Node::MAX);
            let visible = tree.ends(at).iter().filter(|end| ranks[pattern(**end).partition] != UNSEEN);
            best[node] = visible.copied().min_by_key(|end| (ranks[pattern(*end).partition], pattern(*end).text, *end));
            seen[node] |= best[node].is_some();
            if seen[node] {
                seen[tree.parent(at) as usize] = true;
            }
        }
        Self { ranks, best, seen }
    }

    pub(super) fn best(&self, node: Node) -> Option<u32> {
        self.best[node as usize]
    }

    /// What wins after these digits: the fewest strings, then what is searched first, then the text.
    pub(super) fn winner<'t>(&self, active: &Active, pattern: impl Fn(u32) -> Ranked<'t>) -> Option<u32> {
        let ends = active.iter().filter_map(|(node, count)| Some((*count, self.best(*node)?)));
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
