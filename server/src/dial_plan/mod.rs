//! Adapters of the `DialPlan` port.

pub mod cucm;
pub mod measured;
pub mod read_only;
