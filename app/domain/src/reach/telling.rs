//! An example that tells an engineer something: a number that people could dial, where there is one.

use super::analysis::DigitAnalysis;
use super::ways::Way;
use crate::caller::Start;
use std::collections::BTreeSet;

/// Ends of numbers as people know them, the longest first. 555-1234 is nobody's.
const REAL: [&str; 3] = ["4035551234", "5551234", "1234"];

impl DigitAnalysis<'_> {
    /// A number of the same length that goes the same way and looks like a real one; the way itself where there is none.
    pub fn telling(&self, start: Start<'_>, but: &BTreeSet<String>, way: Way) -> Way {
        REAL.iter().find_map(|end| self.ending(start, but, &way, end)).unwrap_or(way)
    }

    fn ending(&self, start: Start<'_>, but: &BTreeSet<String>, way: &Way, end: &str) -> Option<Way> {
        let (head, tail) = way.digits.split_at_checked(way.digits.len().checked_sub(end.len())?)?;
        let digits = format!("{head}{end}");
        if !tail.bytes().all(|digit| digit.is_ascii_digit()) || but.contains(&digits) {
            return None;
        }
        let how = way.how;
        let route = start.local.end_of(self.route(start.spaces, &start.incoming.looked_up(&digits), how));
        let alike = route.path == way.route.path && (route.taken, route.waits) == (way.route.taken, way.route.waits);
        alike.then_some(Way { digits, how, route })
    }
}
