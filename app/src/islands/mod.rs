//! The parts of pages that live in the browser. Everything else is plain HTML and stays out of the
//! wasm module: half the payload, and nothing to go wrong.

pub mod console;
pub mod passkey;
pub mod public_site;

pub use console::ConsoleIsland;
pub use passkey::{AddPasskey, PasskeyDoor};
pub use public_site::PublicSite;
