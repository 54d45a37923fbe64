//! The server's rooms. `main` only opens the door.

pub mod config;
pub mod dial_plan;
pub mod engine;
pub mod identity;
pub mod store;
