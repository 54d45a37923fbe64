//! Transport, whatever the surface: addresses, sessions, limits, origins, bodies.

pub(crate) mod address;
pub(crate) mod around;
pub(crate) mod body;
pub(crate) mod connections;
pub(crate) mod exports;
pub(crate) mod health;
pub(crate) mod language;
pub(crate) mod limits;
pub(crate) mod location;
pub(crate) mod same_origin;
pub(crate) mod state;
pub(crate) mod stop;
pub(crate) mod trace;
pub(crate) mod who;

pub use around::Around;
pub use connections::Connections;
pub use state::AppState;
pub use stop::Stop;
