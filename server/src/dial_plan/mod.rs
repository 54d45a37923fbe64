//! Adapters of the `DialPlan` port.

pub mod cucm;
pub mod memory;
pub mod read_only;
