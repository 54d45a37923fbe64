//! The pieces of the pages, one a file. They take values and signals; pages call the server.

pub(crate) mod banner;
pub(crate) mod events;
pub(crate) mod frame;
pub(crate) mod lock_switch;
pub(crate) mod passkeys;
pub(crate) mod release_form;
pub(crate) mod sessions;
pub(crate) mod site_live;
pub(crate) mod steps;
