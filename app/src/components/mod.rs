//! The pieces of the pages, one a file. They take values and signals; pages call the server.

pub(crate) mod banner;
pub(crate) mod events;
pub(crate) mod flow_picture;
pub(crate) mod frame;
#[cfg(feature = "ssr")]
pub(crate) mod incident_card;
pub(crate) mod lock_switch;
pub(crate) mod passkeys;
pub(crate) mod queue;
pub(crate) mod release_form;
pub(crate) mod request_form;
pub(crate) mod sessions;
pub(crate) mod site_live;
#[cfg(feature = "ssr")]
pub(crate) mod step_rows;
pub(crate) mod steps;
pub(crate) mod ticket;
