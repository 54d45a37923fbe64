//! CUCM's pattern language: which dialled digits a pattern takes, and how closely.
//!
//! Source: Cisco Unified CM Administration, "Wildcards and special characters in route patterns";
//! closest match as described in the Cisco community article "Demystifying closest match routing".

use std::fmt;

/// The digits one position of a pattern accepts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DigitSet(u32);

/// Every symbol that can be dialled, in the order of the bits of a [`DigitSet`].
pub const SYMBOLS: &str = "0123456789*#+ABCD";

impl DigitSet {
    /// `X` and `!` stand for 0 to 9 only.
    pub(crate) const DECIMAL: Self = Self(0b11_1111_1111);

    fn one(symbol: char) -> Option<Self> {
        SYMBOLS.find(symbol.to_ascii_uppercase()).map(|bit| Self(1 << bit))
    }

    pub fn contains(self, symbol: char) -> bool {
        Self::one(symbol).is_some_and(|one| self.0 & one.0 != 0)
    }

    pub(crate) fn size(self) -> u128 {
        u128::from(self.0.count_ones())
    }

    /// One bit a symbol, in the order of [`SYMBOLS`].
    pub(crate) fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for DigitSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&SYMBOLS.chars().filter(|c| self.contains(*c)).collect::<String>())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) set: DigitSet,
    /// Zero or more instead of exactly one.
    pub(crate) repeats: bool,
}

/// One way through a pattern; a pattern without `@` has exactly one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Branch {
    items: Vec<Item>,
    /// Index into `items` of the first item after the `.`.
    dot: Option<usize>,
}

/// A parsed route, translation or directory-number pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    branches: Vec<Branch>,
}

/// Why a pattern cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("pattern “{pattern}” cannot be read: {why}")]
pub struct InvalidPattern {
    pub pattern: String,
    pub why: &'static str,
}

/// How many strings a pattern could have matched with this many digits: fewer is closer.
pub type Closeness = u128;

/// The shapes `@` stands for: the North American numbering plan. CUCM's own list ships in a file
/// we may not copy; these are the dialled forms of the public numbering plan.
const NORTH_AMERICAN: [&str; 14] = [
    "[2-9]11",
    "1[2-9]11",
    "[2-9]XXXXXX",
    "[2-9]XX[2-9]XXXXXX",
    "1[2-9]XX[2-9]XXXXXX",
    "0",
    "00",
    "0[2-9]XX[2-9]XXXXXX",
    "011!",
    // Behind a carrier's code.
    "101XXXX0",
    "101XXXX0[2-9]XX[2-9]XXXXXX",
    "101XXXX1[2-9]XX[2-9]XXXXXX",
    "101XXXX[2-9]XXXXXX",
    "101XXXX011!",
];

impl Pattern {
    /// Reads a pattern as CUCM writes it.
    ///
    /// # Errors
    /// [`InvalidPattern`] with the reason in words.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let invalid = |why| InvalidPattern { pattern: text.to_owned(), why };
        let branches = match text.split_once('@') {
            None => vec![Branch::parse(text).map_err(invalid)?],
            Some((_, tail)) if tail.contains('@') => return Err(invalid("it has more than one @")),
            Some((head, tail)) => NORTH_AMERICAN
                .iter()
                .map(|shape| Branch::parse(&format!("{head}{shape}{tail}")))
                .collect::<Result<_, _>>()
                .map_err(invalid)?,
        };
        if branches.iter().any(|branch| branch.items.is_empty()) {
            return Err(invalid("it matches nothing"));
        }
        Ok(Self { text: text.to_owned(), branches })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// How closely this pattern takes exactly these digits; `None` if it does not.
    pub fn closeness(&self, digits: &str) -> Option<Closeness> {
        digits.chars().fold(self.start(), Progress::step).closeness()
    }

    /// Could this pattern take `digits` followed by more?
    pub fn wants_more(&self, digits: &str) -> bool {
        digits.chars().fold(self.start(), Progress::step).wants_more()
    }

    /// Before the first digit.
    pub fn start(&self) -> Progress<'_> {
        Progress { positions: self.branches.iter().map(Branch::start).collect(), pattern: self }
    }

    /// How many of `digits` stand before the `.`; 0 without a dot or without a match.
    pub fn digits_before_dot(&self, digits: &str) -> usize {
        let symbols: Vec<char> = digits.chars().collect();
        self.branches
            .iter()
            .find_map(|branch| {
                let dot = branch.dot?;
                (0..=symbols.len()).find(|&cut| {
                    branch.accepts(0..dot, &symbols[..cut]) && branch.accepts(dot..branch.items.len(), &symbols[cut..])
                })
            })
            .unwrap_or(0)
    }

    /// The ways through it: one, but for `@`.
    pub(crate) fn ways(&self) -> impl Iterator<Item = &[Item]> {
        self.branches.iter().map(|branch| &branch.items[..])
    }

    /// As [`Pattern::digits_before_dot`], where it is the same for all that the pattern takes.
    pub(crate) fn always_before_dot(&self) -> Option<usize> {
        let before = |branch: &Branch| {
            let dot = branch.dot.unwrap_or(0);
            branch.items[..dot].iter().all(|item| !item.repeats).then_some(dot)
        };
        let first = before(self.branches.first()?)?;
        self.branches.iter().all(|branch| before(branch) == Some(first)).then_some(first)
    }

    /// Is the last digit of all that it takes one `#`, or of none? `None` where it may be either, or several.
    pub(crate) fn ends_with_pound(&self) -> Option<bool> {
        let pound = DigitSet::one('#')?;
        let ends = |branch: &Branch| {
            let (last, rest) = branch.items.split_last()?;
            let may = |item: &Item| item.set.0 & pound.0 != 0;
            match (*last == Item { set: pound, repeats: false }, may(last)) {
                (true, _) => {
                    // What stands right before it: items that may take nothing, and the first that must take something.
                    let optional = rest.iter().rev().take_while(|item| item.repeats).count();
                    let before = rest.iter().rev().take(optional + 1);
                    (!before.into_iter().any(may)).then_some(true)
                }
                (false, false) if !last.repeats => Some(false),
                (false, _) => (!branch.items.iter().any(may)).then_some(false),
            }
        };
        let first = ends(self.branches.first()?)?;
        self.branches.iter().all(|branch| ends(branch) == Some(first)).then_some(first)
    }

    /// The digits before the `.` where they are literal (`9.@` gives `9`): an access code.
    pub fn access_code(&self) -> Option<&str> {
        let (head, _) = self.text.split_once('.')?;
        (!head.is_empty() && head.bytes().all(|b| b.is_ascii_digit())).then_some(head)
    }
}

impl Branch {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut branch = Self { items: Vec::new(), dot: None };
        let mut rest = text.chars().peekable();
        while let Some(symbol) = rest.next() {
            match symbol {
                '.' if branch.dot.is_some() => return Err("it has more than one dot"),
                '.' => branch.dot = Some(branch.items.len()),
                '[' => branch.push(class(&mut rest)?),
                'X' | 'x' => branch.push(DigitSet::DECIMAL),
                '!' => branch.push_one_or_more(DigitSet::DECIMAL),
                '?' => branch.last()?.repeats = true,
                '+' => {
                    let set = branch.last()?.set;
                    branch.items.push(Item { set, repeats: true });
                }
                '\\' => match rest.next() {
                    Some('+') => branch.push(DigitSet::one('+').ok_or("+ is not a digit")?),
                    _ => return Err("after a backslash only + may stand"),
                },
                other => branch.push(DigitSet::one(other).ok_or("it has a character that cannot be dialled")?),
            }
        }
        Ok(branch)
    }

    fn push(&mut self, set: DigitSet) {
        self.items.push(Item { set, repeats: false });
    }

    fn push_one_or_more(&mut self, set: DigitSet) {
        self.push(set);
        self.items.push(Item { set, repeats: true });
    }

    fn last(&mut self) -> Result<&mut Item, &'static str> {
        self.items.last_mut().ok_or("a repeat sign stands where no digit is before it")
    }

    fn start(&self) -> Vec<Option<Closeness>> {
        let mut positions = vec![None; self.items.len() + 1];
        positions[0] = Some(1);
        self.skip_repeats(&mut positions);
        positions
    }

    /// A repeated item may take nothing: whoever stands before it also stands after it.
    fn skip_repeats(&self, positions: &mut [Option<Closeness>]) {
        for (at, item) in self.items.iter().enumerate() {
            if item.repeats {
                positions[at + 1] = closer(positions[at + 1], positions[at]);
            }
        }
    }

    fn step(&self, from: &[Option<Closeness>], digit: char) -> Vec<Option<Closeness>> {
        let mut to = vec![None; from.len()];
        for (at, item) in self.items.iter().enumerate().filter(|(_, item)| item.set.contains(digit)) {
            let next = if item.repeats { at } else { at + 1 };
            let grown = from[at].map(|count| count.saturating_mul(item.set.size()));
            to[next] = closer(to[next], grown);
        }
        self.skip_repeats(&mut to);
        to
    }

    fn accepts(&self, range: std::ops::Range<usize>, symbols: &[char]) -> bool {
        let part = Self { items: self.items[range].to_vec(), dot: None };
        let end = symbols.iter().fold(part.start(), |at, digit| part.step(&at, *digit));
        end[part.items.len()].is_some()
    }
}

fn closer(a: Option<Closeness>, b: Option<Closeness>) -> Option<Closeness> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// `[2-9]`, `[^0-1]`, `[135]`, read after the opening bracket.
fn class(rest: &mut impl Iterator<Item = char>) -> Result<DigitSet, &'static str> {
    let mut body = Vec::new();
    loop {
        match rest.next() {
            Some(']') => break,
            Some(symbol) => body.push(symbol),
            None => return Err("a bracket is not closed"),
        }
    }
    let (negated, body) = match body.split_first() {
        Some(('^', tail)) => (true, tail),
        _ => (false, &body[..]),
    };
    let mut bits = 0;
    let mut at = 0;
    while at < body.len() {
        let low = bit_of(body[at])?;
        let range = body.get(at + 1) == Some(&'-') && at + 2 < body.len();
        let high = if range { bit_of(body[at + 2])? } else { low };
        if high < low {
            return Err("a range in brackets runs backwards");
        }
        bits |= (low..=high).fold(0, |bits, bit| bits | 1 << bit);
        at += if range { 3 } else { 1 };
    }
    let set = if negated { DigitSet::DECIMAL.0 & !bits } else { bits };
    if set == 0 { Err("its brackets hold no digit") } else { Ok(DigitSet(set)) }
}

fn bit_of(symbol: char) -> Result<usize, &'static str> {
    SYMBOLS.find(symbol.to_ascii_uppercase()).ok_or("its brackets hold something that is no digit")
}

/// A pattern being dialled, digit by digit.
#[derive(Clone)]
pub struct Progress<'a> {
    pattern: &'a Pattern,
    positions: Vec<Vec<Option<Closeness>>>,
}

impl Progress<'_> {
    /// Takes one more digit.
    #[must_use]
    pub fn step(mut self, digit: char) -> Self {
        for (branch, at) in self.pattern.branches.iter().zip(&mut self.positions) {
            *at = branch.step(at, digit);
        }
        self
    }

    /// The digits so far are a whole match, this close.
    pub fn closeness(&self) -> Option<Closeness> {
        self.positions.iter().filter_map(|at| at.last().copied().flatten()).min()
    }

    /// More digits could still be a match.
    pub fn wants_more(&self) -> bool {
        self.pattern.branches.iter().zip(&self.positions).any(|(branch, at)| {
            at.iter().enumerate().any(|(index, count)| count.is_some() && index < branch.items.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn closeness(pattern: &str, digits: &str) -> Option<Closeness> {
        Pattern::parse(pattern).unwrap().closeness(digits)
    }

    #[test]
    fn a_pattern_takes_what_the_manual_says() {
        let table = [
            ("9.1[2-9]XX[2-9]XXXXXX", "914035551234", true),
            ("9.1[2-9]XX[2-9]XXXXXX", "911135551234", false),
            ("9.911", "9911", true),
            ("911", "9911", false),
            ("9.!", "9", false),
            ("9.!", "91", true),
            ("9.!#", "9123#", true),
            ("9.!#", "9123", false),
            (r"\+1XXXXXXXXXX", "+14035551234", true),
            (r"\+!", "+4479", true),
            ("[^1-3]5", "45", true),
            ("[^1-3]5", "15", false),
            ("[^1-3]5", "*5", false),
            ("12?3", "13", true),
            ("12?3", "12223", true),
            ("12+3", "13", false),
            ("12+3", "1223", true),
            ("*XX", "*72", true),
            ("9.@", "9911", true),
            ("9.@", "914035551234", true),
            ("9.@", "91", false),
            ("9.@", "901144791", true),
            ("5[0-24-6]XX", "5311", false),
            ("5[0-24-6]XX", "5411", true),
        ];
        for (pattern, digits, takes) in table {
            assert_eq!(closeness(pattern, digits).is_some(), takes, "{pattern} {digits}");
        }
    }

    #[test]
    fn closeness_counts_the_strings_a_pattern_could_take() {
        assert_eq!(closeness("1[3-5]XX", "1515"), Some(300));
        assert_eq!(closeness("15!", "1515"), Some(100), "! counts by the digits dialled");
        assert_eq!(closeness("911", "911"), Some(1));
        assert_eq!(closeness("!", "12345678901234567890"), Some(10u128.pow(20)));
    }

    #[test]
    fn an_unreadable_pattern_says_why() {
        for (pattern, why) in [
            ("", "matches nothing"),
            (".", "matches nothing"),
            ("9..1", "more than one dot"),
            ("[]", "hold no digit"),
            ("8[0-3", "not closed"),
            ("[9-2]", "backwards"),
            ("+1", "repeat sign"),
            ("?", "repeat sign"),
            (r"\1", "backslash"),
            ("9 1", "cannot be dialled"),
            ("@@", "more than one @"),
        ] {
            let error = Pattern::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(why), "{pattern}: {error}");
        }
    }

    #[test]
    fn the_digits_before_the_dot_are_counted() {
        let before = |pattern: &str, digits: &str| Pattern::parse(pattern).unwrap().digits_before_dot(digits);
        assert_eq!(before("9.1XX", "9123"), 1);
        assert_eq!(before("9.@", "9911"), 1);
        assert_eq!(before(r"\+1403.555XXXX", "+14035551234"), 5);
        assert_eq!(before("911", "911"), 0);
        assert_eq!(Pattern::parse("9.@").unwrap().access_code(), Some("9"));
        assert_eq!(Pattern::parse(r"\+1.X").unwrap().access_code(), None);
    }

    #[test]
    fn a_fixed_pattern_wants_more_until_it_is_full_and_bang_always_does() {
        let wants = |pattern: &str, digits: &str| Pattern::parse(pattern).unwrap().wants_more(digits);
        assert!(wants("911", "91"));
        assert!(!wants("911", "911"));
        assert!(wants("9!", "911"));
        assert!(!wants("9!", "8"));
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_keeps_the_text(text in "[-0-9X!@\\[\\]^?+.\\\\*#A-D]{0,16}", digits in "[0-9*#+]{0,12}") {
            if let Ok(pattern) = Pattern::parse(&text) {
                prop_assert_eq!(pattern.text(), text.as_str());
                let _ = pattern.closeness(&digits);
                prop_assert!(pattern.digits_before_dot(&digits) <= digits.len());
            }
        }

        #[test]
        fn a_literal_pattern_takes_itself_and_nothing_else(number in "[0-9*#]{1,12}", other in "[0-9*#]{1,12}") {
            let pattern = Pattern::parse(&number).unwrap();
            prop_assert_eq!(pattern.closeness(&number), Some(1));
            prop_assert_eq!(pattern.closeness(&other).is_some(), number == other);
        }
    }
}
