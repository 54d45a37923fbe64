//! Each event carries the hash of the one before: an edit anywhere breaks every link after it.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What the first event links to.
pub const ROOT: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The link of an event: SHA-256 over the link before and the event's text, as hex.
pub fn link(previous: &str, event: &str) -> String {
    hex(&Sha256::new().chain_update(previous).chain_update("\n").chain_update(event).finalize())
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub seq: u64,
    pub text: String,
    pub previous: String,
    pub link: String,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Write this head down elsewhere: a chain rewritten as a whole has another.
    Whole {
        events: u64,
        head: String,
    },
    Broken {
        seq: u64,
        why: &'static str,
    },
}

/// Walks the chain. `last` is the highest number ever given out.
pub fn verify(events: impl IntoIterator<Item = Kept>, last: u64) -> Verdict {
    let mut head = ROOT.to_owned();
    let mut seq = 0;
    for event in events {
        let expected = seq + 1;
        let broken = |why| Verdict::Broken { seq: expected, why };
        if event.seq != expected {
            return broken("an event is missing here");
        }
        if event.previous != head || event.link != link(&head, &event.text) {
            return broken("this event, or its link to the one before, was changed");
        }
        let numbered = serde_json::from_str::<serde_json::Value>(&event.text).ok();
        if numbered.and_then(|value| value["seq"].as_u64()) != Some(expected) {
            return broken("this event carries another number");
        }
        head = event.link;
        seq = expected;
    }
    if seq < last {
        return Verdict::Broken { seq: seq + 1, why: "events at the end were taken away" };
    }
    Verdict::Whole { events: seq, head }
}
