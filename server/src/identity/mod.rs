//! Who presses: sign-in by an OpenID provider, our own sessions, API keys.

pub mod api_key;
pub mod oidc;
pub mod passkey;
mod return_to;
mod sealed;
pub mod session;
pub mod token;

pub use return_to::safe as safe_return_to;
