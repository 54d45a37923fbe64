//! Server functions: public endpoints of three lines. Who may is asked behind `Backend`.

pub mod fallback_sign_in;
pub mod gadget;
pub mod incidents;
pub mod keys;
pub mod lockdown;
pub mod passkeys;
pub mod people;
pub mod plan;
pub mod practice;
pub mod requests;
pub mod session;
pub mod timeline;
pub mod webhooks;
