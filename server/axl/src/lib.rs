#![doc = include_str!("../README.md")]

mod client;
mod envelope;
mod error;
mod tls;
mod xml;

pub mod calling_search_space;
pub mod change;
pub mod endpoint;
pub mod partition;
pub mod route_pattern;
pub mod sip_route_pattern;
pub mod sip_trunk;
pub mod sql;
pub mod time_schedule;
pub mod trans_pattern;
pub mod version;
pub mod voice_mail_pilot;

pub use client::{Client, Config, Credentials, counted};
pub use error::Error;
pub use tls::{Shown, Trust, shown_by};
pub use version::Version;
pub use xml::{Element, InvalidXml, parse};
