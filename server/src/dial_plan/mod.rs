//! Adapters of the `DialPlan` port.

mod by_sql;
pub mod cucm;
pub mod measured;
pub mod read_only;
