#![doc = include_str!("../README.md")]

pub mod b2c;
pub mod cucm;
pub mod database;
pub mod finesse;
pub mod outages;
pub mod phone;
pub mod tls;
pub mod web;
pub mod webex;

pub use b2c::B2cSim;
pub use cucm::CucmSim;
pub use finesse::FinesseSim;
pub use phone::{Phone, PhoneSim};
pub use webex::WebexSim;
