//! The real program against the simulators: what a user would see, on every surface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails there")]

mod agreement;
mod axl_client;
mod bad_input;
mod database;
mod dial_plans;
mod drill;
mod fallback_sign_in;
mod flood;
mod gadget;
mod guides;
mod hardening;
mod keys;
mod lock;
mod metrics;
mod nginx;
pub(crate) mod people;
mod phone;
mod plan;
mod proxy;
mod readiness;
mod requests;
mod restart;
mod rights;
mod service;
mod sign_in;
mod spans;
mod steps;
mod surfaces;
mod tenant_tokens;
mod truth;
mod two_seniors;
mod webex;
mod webhooks;
mod wire;
mod world;
