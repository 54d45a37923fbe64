//! Who presses: sign-in by an OpenID provider, our own sessions, API keys.

pub mod api_key;
pub mod handoff;
pub mod oidc;
pub mod outage;
pub mod passkey;
mod return_to;
mod sealed;
pub mod sealed_code;
pub mod session;
pub mod slow_hash;
pub mod token;

pub use return_to::safe as safe_return_to;
