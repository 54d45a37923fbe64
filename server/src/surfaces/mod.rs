//! Who asks. Each surface knows the services and the transport, and no other surface.

pub mod desk_phone;
pub mod finesse;
pub mod rest;
pub mod web;
pub mod webex;
