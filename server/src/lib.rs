//! The server's rooms; see README.md for which is which. `engine`, `axl` and `limit` are crates beside it. `main` only
//! opens the door.

mod assemble;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dial_plan;
pub mod http;
pub mod identity;
pub mod routes;
pub mod services;
pub mod store;
pub mod surfaces;
mod telemetry;
pub mod webhooks;
