//! The parts of pages that live in the browser. Everything else is plain HTML and stays out of the
//! wasm module: half the payload, and nothing to go wrong.

pub mod console;
pub mod keep_draft;
pub mod passkey;
pub mod public_site;
pub mod queue;
pub mod ticket;
pub mod wall;

pub use console::ConsoleIsland;
pub use keep_draft::KeepDraft;
pub use passkey::{AddPasskey, PasskeyDoor};
pub use public_site::PublicSite;
pub use queue::QueueIsland;
pub use ticket::TicketIsland;
pub use wall::WallIsland;
