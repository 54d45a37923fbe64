//! The pages: what they ask for (`backend`), their live line, and forms and files that are no page of the app.

pub(crate) mod ask;
pub mod backend;
pub(crate) mod card;
pub(crate) mod embed;
pub(crate) mod live;
pub(crate) mod one_time_page;
pub(crate) mod pages;
pub(crate) mod plan_files;
pub(crate) mod sign_in;
