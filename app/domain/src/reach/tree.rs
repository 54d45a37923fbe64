//! All patterns of a dial plan in one tree. Patterns that begin alike share their beginning, so that one digit moves
//! thousands of them at once; those that read alike (a route pattern and its mirror) end at one node.

use crate::pattern::{Closeness, DigitSet, Item, Pattern, SYMBOLS};

/// A place between two digits of a pattern.
pub(super) type Node = u32;

pub(super) const ROOT: Node = 0;

/// Where the digits so far have led, each place once with the fewest strings that lead there; sorted by node.
pub(super) type Active = Vec<(Node, Closeness)>;

#[derive(Default)]
pub(super) struct Tree {
    places: Vec<Place>,
    /// Places in the order in which a walk through the tree meets them: all that begin like one stand together.
    order: Vec<(u32, u32)>,
}

/// Where patterns of a kind end, by node.
pub(super) struct Held {
    here: Vec<bool>,
    /// Or begin.
    within: Vec<bool>,
}

#[derive(Default)]
struct Place {
    parent: Node,
    /// Digits that leave one here: the item is repeated, and was entered.
    loops: u32,
    /// Digits that lead on.
    edges: Vec<(DigitSet, Node)>,
    /// Repeated items that begin here: they may take nothing, so whoever is here is there too.
    skips: Vec<Node>,
    /// Patterns that end here, by number.
    ends: Vec<u32>,
    /// The fewest digits that lead here.
    depth: u32,
    /// Repeated items on the way here, this one included.
    repeats: u32,
}

impl Tree {
    /// Of patterns by number; those that cannot be read are left out.
    pub(super) fn of<'p>(patterns: impl Iterator<Item = Option<&'p Pattern>>) -> Self {
        let mut tree = Self { places: vec![Place::default()], order: Vec::new() };
        for (number, pattern) in (0..).zip(patterns) {
            for way in pattern.into_iter().flat_map(Pattern::ways) {
                let end = way.iter().fold(ROOT, |at, item| tree.next(at, *item));
                tree.places[end as usize].ends.push(number);
            }
        }
        tree.order = tree.walked();
        tree
    }

    fn next(&mut self, at: Node, item: Item) -> Node {
        if let Some(node) = self.known(at, item) {
            return node;
        }
        let place = &self.places[at as usize];
        let node = Node::try_from(self.places.len()).expect("a dial plan has fewer than 4 billion digits");
        let depth = place.depth;
        let repeats = place.repeats;
        let grown = if item.repeats {
            Place { loops: item.set.bits(), depth, repeats: repeats + 1, ..Place::default() }
        } else {
            Place { depth: depth + 1, repeats, ..Place::default() }
        };
        self.places.push(Place { parent: at, ..grown });
        let place = &mut self.places[at as usize];
        if item.repeats {
            place.skips.push(node);
        } else {
            place.edges.push((item.set, node));
        }
        node
    }

    /// For each place its number on a walk, and the first number that does not begin like it.
    fn walked(&self) -> Vec<(u32, u32)> {
        // Children come after their parent: sizes from the back, numbers from the front.
        let mut sizes = vec![1_u32; self.places.len()];
        for node in (1..self.places.len()).rev() {
            sizes[self.places[node].parent as usize] += sizes[node];
        }
        let mut order = vec![(0, sizes[0]); self.places.len()];
        let mut free: Vec<u32> = vec![1; self.places.len()];
        for node in 1..self.places.len() {
            let parent = self.places[node].parent as usize;
            let first = free[parent];
            free[parent] += sizes[node];
            free[node] = first + 1;
            order[node] = (first, first + sizes[node]);
        }
        order
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn parent(&self, node: Node) -> Node {
        self.places[node as usize].parent
    }

    /// Patterns that end here.
    pub(super) fn ends(&self, node: Node) -> &[u32] {
        &self.places[node as usize].ends
    }

    /// Where a pattern of these items ends.
    pub(super) fn end_of(&self, way: &[Item]) -> Option<Node> {
        way.iter().try_fold(ROOT, |at, item| self.known(at, *item))
    }

    fn known(&self, at: Node, item: Item) -> Option<Node> {
        let place = &self.places[at as usize];
        if item.repeats {
            return place.skips.iter().copied().find(|node| self.places[*node as usize].loops == item.set.bits());
        }
        place.edges.iter().find(|(set, _)| *set == item.set).map(|(_, node)| *node)
    }

    /// The fewest digits that lead here, and whether more do as well.
    pub(super) fn length(&self, node: Node) -> (usize, bool) {
        let place = &self.places[node as usize];
        (place.depth as usize, place.repeats > 0)
    }

    /// The most digits a pattern takes, where repeated items take none.
    pub(super) fn longest(&self) -> usize {
        self.places.iter().map(|place| place.depth as usize).max().unwrap_or(0)
    }

    /// Is there a repeated item that takes other digits than 0 to 9? What it could take grows more slowly than the rest.
    pub(super) fn repeats_some_digits(&self) -> bool {
        self.places.iter().any(|place| place.loops != 0 && place.loops != DigitSet::DECIMAL.bits())
    }

    /// Could exactly so many digits more lead from one place to the other?
    pub(super) fn leads(&self, from: Node, to: Node, digits: usize) -> bool {
        let ((first, end), (at, _)) = (self.order[from as usize], self.order[to as usize]);
        let from = &self.places[from as usize];
        let to = &self.places[to as usize];
        let within = first <= at && at < end;
        let endless = to.repeats > from.repeats || from.loops != 0;
        within && ((to.depth - from.depth) as usize == digits || endless && ((to.depth - from.depth) as usize) < digits)
    }

    /// Before the first digit.
    pub(super) fn start(&self) -> Active {
        let mut active = Vec::new();
        self.reach(ROOT, 1, &mut active);
        merged(active)
    }

    /// One digit more, among places where `seen` holds.
    pub(super) fn step(&self, active: &Active, symbol: u32, seen: impl Fn(Node) -> bool) -> Active {
        let mut next = Vec::with_capacity(active.len());
        for (node, count) in active {
            let place = &self.places[*node as usize];
            if place.loops & symbol != 0 {
                self.reach(*node, count.saturating_mul(u128::from(place.loops.count_ones())), &mut next);
            }
            for (set, to) in place.edges.iter().filter(|(set, _)| set.bits() & symbol != 0) {
                self.reach(*to, count.saturating_mul(set.size()), &mut next);
            }
        }
        next.retain(|(node, _)| seen(*node));
        merged(next)
    }

    fn reach(&self, node: Node, count: Closeness, active: &mut Active) {
        active.push((node, count));
        for skip in &self.places[node as usize].skips {
            self.reach(*skip, count, active);
        }
    }

    /// Every place that strings lead to of which each digit is one of a set; and how many were looked at on the way.
    pub(super) fn reachable(&self, sets: impl Iterator<Item = u32>, seen: impl Fn(Node) -> bool) -> (Vec<Node>, usize) {
        let mut active = self.start();
        let mut looked_at = active.len();
        for set in sets {
            let mut next = Vec::new();
            for (node, _) in &active {
                let place = &self.places[*node as usize];
                if place.loops & set != 0 {
                    self.reach(*node, 1, &mut next);
                }
                for (_, to) in place.edges.iter().filter(|(edge, _)| edge.bits() & set != 0) {
                    self.reach(*to, 1, &mut next);
                }
            }
            next.retain(|(node, _)| seen(*node));
            active = merged(next);
            looked_at += active.len();
        }
        (active.into_iter().map(|(node, _)| node).collect(), looked_at)
    }

    /// By node: such a pattern ends here, or begins like this.
    pub(super) fn holding(&self, of: impl Fn(u32) -> bool) -> Held {
        let here: Vec<bool> = self.places.iter().map(|place| place.ends.iter().any(|end| of(*end))).collect();
        let mut within = here.clone();
        for node in (1..within.len()).rev() {
            within[self.places[node].parent as usize] |= within[node];
        }
        Held { here, within }
    }

    /// Does one of these take a string of which each digit is one of a set?
    pub(super) fn takes_one(&self, sets: &[u32], held: &Held) -> bool {
        self.held(sets, held).into_iter().any(|node| held.here[node as usize])
    }

    /// Or begins one of these like that?
    pub(super) fn begins_like_one(&self, sets: &[u32], held: &Held) -> bool {
        !self.held(sets, held).is_empty()
    }

    fn held(&self, sets: &[u32], held: &Held) -> Vec<Node> {
        self.reachable(sets.iter().copied(), |node| held.within[node as usize]).0
    }

    /// Could a digit more lead on from here, to where `seen` holds?
    pub(super) fn wants_more(&self, node: Node, seen: impl Fn(Node) -> bool) -> bool {
        let place = &self.places[node as usize];
        place.loops != 0 && seen(node) || place.edges.iter().any(|(_, to)| seen(*to))
    }

    /// The sets that tell digits apart here.
    pub(super) fn sets(&self, node: Node) -> impl Iterator<Item = u32> {
        let place = &self.places[node as usize];
        let edges = place.edges.iter().map(|(set, _)| set.bits());
        edges.chain((place.loops != 0).then_some(place.loops))
    }
}

fn merged(mut active: Active) -> Active {
    active.sort_unstable();
    active.dedup_by_key(|(node, _)| *node);
    active
}

/// The bit of a digit; 0 for what cannot be dialled.
pub(super) fn bit(digit: char) -> u32 {
    SYMBOLS.find(digit.to_ascii_uppercase()).map_or(0, |bit| 1 << bit)
}

/// Every digit there is.
pub(super) const ALL: u32 = (1 << SYMBOLS.len()) - 1;

/// The first digit of a set.
pub(super) fn first(set: u32) -> char {
    SYMBOLS.chars().nth(set.trailing_zeros() as usize).unwrap_or('?')
}
