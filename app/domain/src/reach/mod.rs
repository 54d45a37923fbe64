#![doc = include_str!("README.md")]

mod analysis;
mod change;
mod index;

mod route;
mod telling;
mod tree;
mod view;
mod ways;
mod witness;

pub use analysis::DigitAnalysis;
pub use index::PatternIndex;
pub use route::{Dialling, End, Route};
pub use ways::{Wanted, Way, Ways};
