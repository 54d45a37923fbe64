#![doc = include_str!("README.md")]

pub mod files;
pub mod notice;
pub mod shell;
mod team_message;
