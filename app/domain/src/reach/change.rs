//! What a pattern does to the called digits: of one number, and of all that it takes at once.

use super::tree::bit;
use crate::dial_plan::{DigitChange, Discard};
use crate::pattern::Pattern;

/// A digit that a hop looks up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digit {
    /// Put there by a mask or a prefix.
    Fixed(u32),
    /// The digit that was dialled at this place.
    Dialled(usize),
}

/// What is looked up next when `pattern` took `digits`, however these are dialled. `None` where that depends on more than
/// their number: the instruction is not known, or the dot stands after a repeated item.
pub(super) fn changed_digits(pattern: &Pattern, change: &DigitChange, digits: &[Digit]) -> Option<Vec<Digit>> {
    let before_dot = match change.discard {
        Discard::PreDot | Discard::PreDotTrailingPound => pattern.always_before_dot()?,
        Discard::Nothing | Discard::TrailingPound => 0,
        Discard::Other(_) => return None,
    };
    let trims = matches!(change.discard, Discard::PreDotTrailingPound | Discard::TrailingPound);
    let mut kept = digits.get(before_dot..)?;
    if trims {
        let pounds = kept.iter().rev().take_while(|digit| **digit == Digit::Fixed(bit('#'))).count();
        let dialled = usize::from(pattern.ends_with_pound()? && pounds == 0);
        kept = &kept[..kept.len().saturating_sub(pounds + dialled)];
    }
    let masked = change.mask.as_deref().map_or_else(|| kept.to_vec(), |mask| masked_digits(mask, kept));
    let prefix = change.prefix.as_deref().unwrap_or_default().chars().map(|digit| Digit::Fixed(bit(digit)));
    Some(prefix.chain(masked).collect())
}

/// As [`masked`].
fn masked_digits(mask: &str, digits: &[Digit]) -> Vec<Digit> {
    let mut from_right = digits.iter().rev();
    let each = mask.chars().rev().filter_map(|symbol| match (symbol, from_right.next()) {
        ('X' | 'x', digit) => digit.copied(),
        (literal, _) => Some(Digit::Fixed(bit(literal))),
    });
    let mut masked: Vec<Digit> = each.collect();
    masked.reverse();
    masked
}

/// Discard, then mask, then prefix.
pub(super) fn changed(pattern: &Pattern, change: &DigitChange, called: &str) -> Result<String, String> {
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
pub(super) fn masked(mask: &str, digits: &str) -> String {
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
