//! Transport, whatever the surface: addresses, sessions, limits, origins, bodies.

pub(crate) mod address;
pub(crate) mod body;
pub(crate) mod connections;
pub(crate) mod exports;
pub(crate) mod health;
pub(crate) mod language;
pub(crate) mod limits;
pub(crate) mod location;
pub(crate) mod middleware;
pub(crate) mod same_origin;
pub(crate) mod session_auth;
pub(crate) mod shutdown;
pub(crate) mod state;
pub(crate) mod trace;

pub use connections::Connections;
pub use middleware::Middleware;
pub use shutdown::Shutdown;
pub use state::AppState;
