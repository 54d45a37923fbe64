//! Adapters of the `DialPlan` port.

pub mod cucm;
pub mod measured;
#[cfg(test)]
pub mod memory;
pub mod read_only;
