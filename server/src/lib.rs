//! The server's rooms; see README.md for which is which. `engine`, `axl` and `limit` are crates beside it. `main` only
//! opens the door.

mod assemble;
pub mod backend;
pub mod calls;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dial_plan;
pub mod finesse;
pub mod http;
pub mod identity;
pub mod incidents;
pub mod lease;
pub mod people;
pub mod phone;
pub mod readiness;
pub mod services;
pub mod store;
mod telemetry;
pub mod webex;
pub mod webhooks;
