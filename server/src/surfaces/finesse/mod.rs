#![doc = include_str!("README.md")]

pub mod notice;
mod team_message;
