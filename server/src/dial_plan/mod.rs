//! Adapters of the `DialPlan` port.

pub mod cucm;
#[cfg(test)]
pub mod memory;
pub mod read_only;
