#![doc = include_str!("../README.md")]

pub mod b2c;
pub mod cucm;
#[cfg(feature = "database")]
pub mod database;
mod tls;
pub mod web;
pub mod webex;

pub use b2c::B2cSim;
pub use cucm::CucmSim;
pub use webex::WebexSim;
