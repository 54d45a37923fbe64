//! Digit analysis: which pattern takes a call, by trying every way a pattern can lie on the digits.

use super::model::{Cluster, RoutePattern, TranslationPattern};
use serde::{Deserialize, Serialize};

/// How the digits come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialling {
    EnBloc,
    DigitByDigit,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    pub outcome: Outcome,
    /// `pattern@partition` of every pattern on the way.
    pub path: Vec<String>,
    /// How many digits CUCM waited for.
    pub digits_used: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "went")]
pub enum Outcome {
    /// Out to the public network, with these digits, by this route list or gateway.
    Pstn {
        digits: String,
        by: String,
    },
    /// Rings a line or hunt pilot.
    Rings {
        number: String,
    },
    /// Reorder tone: the pattern is blocked.
    Blocked,
    /// Reorder tone: nothing matches.
    NoMatch,
    TooManyHops,
}

/// A run of the same kind of digit.
#[derive(Clone)]
struct Piece {
    allowed: String,
    least: usize,
    most: usize,
}

struct Candidate<'c> {
    shapes: Vec<Vec<Piece>>,
    /// Pieces before the dot.
    dot: usize,
    text: &'c str,
    partition: Option<&'c str>,
    position: usize,
    urgent: bool,
    kind: Kind<'c>,
}

#[derive(Clone, Copy)]
enum Kind<'c> {
    Route(&'c RoutePattern),
    Translation(&'c TranslationPattern),
    Answers(&'c str),
}

const TEN: &str = "0123456789";

/// Follows a call.
pub fn dial(cluster: &Cluster, css: &str, digits: &str, dialling: Dialling) -> Call {
    let mut from = Some(css.to_owned());
    let mut candidates = searchable(cluster, from.as_deref());
    let digits_used = match dialling {
        Dialling::EnBloc => digits.len(),
        Dialling::DigitByDigit => waits_for(&candidates, digits),
    };
    let mut called = digits[..digits_used].to_owned();
    let mut path = Vec::new();
    loop {
        let Some(best) = best(&candidates, &called) else {
            return Call { outcome: Outcome::NoMatch, path, digits_used };
        };
        path.push(format!("{}@{}", best.text, best.partition.unwrap_or("<None>")));
        if path.len() > 10 {
            return Call { outcome: Outcome::TooManyHops, path, digits_used };
        }
        let outcome = match best.kind {
            Kind::Answers(number) => Outcome::Rings { number: number.to_owned() },
            Kind::Route(p) if p.blocked => Outcome::Blocked,
            Kind::Translation(p) if p.blocked => Outcome::Blocked,
            Kind::Route(p) => Outcome::Pstn {
                digits: transform(best, &called, [&p.discard, &p.mask, &p.prefix]),
                by: p.route_list.clone().or(p.gateway.clone()).unwrap_or_default(),
            },
            Kind::Translation(p) => {
                called = transform(best, &called, [&p.discard, &p.mask, &p.prefix]);
                if !p.use_originator_css {
                    from.clone_from(&p.css);
                }
                candidates = searchable(cluster, from.as_deref());
                continue;
            }
        };
        return Call { outcome, path, digits_used };
    }
}

/// Everything a calling search space finds, with the place of its partition.
fn searchable<'c>(cluster: &'c Cluster, css: Option<&str>) -> Vec<Candidate<'c>> {
    let space = cluster.calling_search_spaces.iter().find(|c| Some(c.name.as_str()) == css);
    let members: Vec<&str> = space.map(|s| s.members.iter().map(String::as_str).collect()).unwrap_or_default();
    let position = |partition: &Option<String>| match partition {
        None => Some(usize::MAX),
        Some(name) => {
            let at = members.iter().position(|member| member == name)?;
            let held = cluster.partitions.iter().find(|p| p.name == *name)?;
            (!cluster.never(held.schedule.as_deref())).then_some(at)
        }
    };
    let mut found = Vec::new();
    let mut add = |text: &'c str, partition: &'c Option<String>, urgent: bool, kind: Kind<'c>| {
        if let Some(position) = position(partition) {
            let (shapes, dot) = shapes(text);
            found.push(Candidate { shapes, dot, text, partition: partition.as_deref(), position, urgent, kind });
        }
    };
    for p in &cluster.route_patterns {
        add(&p.pattern, &p.partition, p.urgent, Kind::Route(p));
    }
    for p in &cluster.translation_patterns {
        add(&p.pattern, &p.partition, p.urgent, Kind::Translation(p));
    }
    for number in cluster.hunt_pilots.iter().chain(&cluster.lines) {
        add(&number.pattern, &number.partition, false, Kind::Answers(&number.pattern));
    }
    found
}

/// CUCM's pattern language as runs; `@` is the public North American numbering plan.
fn shapes(text: &str) -> (Vec<Vec<Piece>>, usize) {
    if let Some(at) = text.find('@') {
        let plan = [
            "[2-9]11",
            "[2-9]XXXXXX",
            "[2-9]XX[2-9]XXXXXX",
            "1[2-9]XX[2-9]XXXXXX",
            "0",
            "00",
            "0[2-9]XX[2-9]XXXXXX",
            "011!",
        ];
        let all: Vec<_> =
            plan.iter().map(|form| shapes(&format!("{}{form}{}", &text[..at], &text[at + 1..]))).collect();
        let dot = all.first().map_or(0, |(_, dot)| *dot);
        return (all.into_iter().flat_map(|(shape, _)| shape).collect(), dot);
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut dot = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let allowed = match c {
            '.' => {
                dot = pieces.len();
                continue;
            }
            '?' | '+' => {
                if let Some(last) = pieces.last_mut() {
                    last.least = usize::from(c == '+');
                    last.most = usize::MAX;
                }
                continue;
            }
            '\\' => chars.next().map(String::from).unwrap_or_default(),
            'X' | '!' => TEN.to_owned(),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                bracket(&inside)
            }
            other => other.to_string(),
        };
        let most = if c == '!' { usize::MAX } else { 1 };
        pieces.push(Piece { allowed, least: 1, most });
    }
    (vec![pieces], dot)
}

fn bracket(inside: &str) -> String {
    let (negative, inside) = inside.strip_prefix('^').map_or((false, inside), |rest| (true, rest));
    let chars: Vec<char> = inside.chars().collect();
    let mut members = String::new();
    let mut i = 0;
    while i < chars.len() {
        if chars.get(i + 1) == Some(&'-') && i + 2 < chars.len() {
            members.extend(chars[i]..=chars[i + 2]);
            i += 3;
        } else {
            members.push(chars[i]);
            i += 1;
        }
    }
    if negative { TEN.chars().filter(|c| !members.contains(*c)).collect() } else { members }
}

/// In how many ways could a string of this length be spelt that lies on the pieces like this?
/// The smallest number over all ways the digits fit.
fn spellings(pieces: &[Piece], digits: &str) -> Option<u128> {
    let Some((piece, rest)) = pieces.split_first() else {
        return digits.is_empty().then_some(1);
    };
    let run = digits.chars().take_while(|c| piece.allowed.contains(*c)).count().min(piece.most);
    (piece.least..=run)
        .filter_map(|taken| {
            let each = u128::try_from(piece.allowed.chars().count()).ok()?;
            let ways = each.saturating_pow(u32::try_from(taken).ok()?);
            spellings(rest, &digits[taken..]).map(|more| more.saturating_mul(ways))
        })
        .min()
}

/// Could the digits go on and still match?
fn may_go_on(pieces: &[Piece], digits: &str) -> bool {
    let Some((piece, rest)) = pieces.split_first() else { return false };
    let run = digits.chars().take_while(|c| piece.allowed.contains(*c)).count().min(piece.most);
    if run == digits.len() && run < piece.most {
        return true;
    }
    (piece.least..=run).any(|taken| may_go_on(rest, &digits[taken..]))
}

impl Candidate<'_> {
    fn ways(&self, digits: &str) -> Option<u128> {
        self.shapes.iter().filter_map(|pieces| spellings(pieces, digits)).min()
    }

    fn goes_on(&self, digits: &str) -> bool {
        self.shapes.iter().any(|pieces| may_go_on(pieces, digits))
    }

    fn before_dot(&self, digits: &str) -> usize {
        for pieces in &self.shapes {
            let (head, tail) = pieces.split_at(self.dot);
            for cut in 0..=digits.len() {
                if spellings(head, &digits[..cut]).is_some() && spellings(tail, &digits[cut..]).is_some() {
                    return cut;
                }
            }
        }
        0
    }
}

fn best<'v, 'c>(candidates: &'v [Candidate<'c>], digits: &str) -> Option<&'v Candidate<'c>> {
    let mut winner: Option<(u128, &Candidate<'c>)> = None;
    for candidate in candidates {
        let Some(ways) = candidate.ways(digits) else { continue };
        let better = winner.is_none_or(|(fewest, held)| {
            (ways, candidate.position, candidate.text) < (fewest, held.position, held.text)
        });
        if better {
            winner = Some((ways, candidate));
        }
    }
    winner.map(|(_, candidate)| candidate)
}

/// How many digits until CUCM stops waiting for more.
fn waits_for(candidates: &[Candidate<'_>], digits: &str) -> usize {
    for used in 1..digits.len() {
        let heard = &digits[..used];
        let urgent = best(candidates, heard).is_some_and(|candidate| candidate.urgent);
        let nothing_longer = !candidates.iter().any(|candidate| candidate.goes_on(heard));
        if urgent || nothing_longer {
            return used;
        }
    }
    digits.len()
}

fn transform(by: &Candidate<'_>, digits: &str, [discard, mask, prefix]: [&Option<String>; 3]) -> String {
    let discard = discard.as_deref().unwrap_or_default();
    let mut kept = digits.to_owned();
    if discard.contains("PreDot") {
        kept = kept[by.before_dot(digits)..].to_owned();
    }
    if discard.contains("Trailing-#") {
        kept = kept.trim_end_matches('#').to_owned();
    }
    if let Some(mask) = mask {
        let spare = kept.len().saturating_sub(mask.len());
        let right: Vec<char> = kept[spare..].chars().collect();
        let short = mask.len() - right.len();
        kept = mask
            .chars()
            .enumerate()
            .filter_map(|(at, m)| match m {
                'X' => at.checked_sub(short).and_then(|at| right.get(at)).copied(),
                literal => Some(literal),
            })
            .collect();
    }
    format!("{}{kept}", prefix.as_deref().unwrap_or_default())
}
