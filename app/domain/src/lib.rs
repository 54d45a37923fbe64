#![doc = include_str!("../README.md")]

pub mod call_request;
pub mod dial_plan;
pub mod dial_plan_analysis;
pub mod drill;
pub mod guard;
pub mod ids;
pub mod incident;
pub mod operator;
pub mod pattern;
pub mod plan;
pub mod reading;
pub mod report;
pub mod site;
pub mod standing;
pub mod step;
pub mod timeline;
