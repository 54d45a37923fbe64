//! What may be done, whichever surface asks for it. A service knows the rules, the engine and the store; it knows no page
//! and no transport.

pub mod release;
