//! The server's rooms. `main` only opens the door.

pub mod backend;
pub mod config;
pub mod dial_plan;
pub mod engine;
pub mod http;
pub mod identity;
pub mod store;
