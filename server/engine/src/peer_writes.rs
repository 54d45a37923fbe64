//! Other servers hear of an order a moment after it was given here, and may be in the middle of writing what was ordered
//! before; CUCM keeps what comes last. So an all-clear waits until they are at rest. A lock waits for nobody, and is
//! looked at again until they are. What differs later is somebody's change.

use super::ports::{Leadership, StoreError};
use super::reconcile::LastRound;
use super::site::Site;
use lockdown::command::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Longer than the answer to any write is waited for (60 s, to that of a calling search space): who is not at rest then is
/// not waited for. A server that died is forgotten after five seconds.
const PATIENCE: Duration = Duration::from_secs(75);

/// Between two questions.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Who waits longer is told why.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// What other servers may do to the order that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerWrites {
    /// Nobody is there, it cannot be known, or it does not matter.
    Nobody,
    /// Nobody writes what was ordered before this version.
    AtRest(u64),
    Write,
    /// Something was ordered while they were asked.
    Overtaken,
}

/// Writes that were sent and not answered yet.
#[derive(Default)]
pub(super) struct Writes {
    open: AtomicUsize,
    /// The server stops: no other one is begun.
    stopped: AtomicBool,
}

/// Counted as long as it lives.
pub(super) struct Open<'a>(&'a Writes);

impl Writes {
    pub(super) fn begin(&self) -> Option<Open<'_>> {
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(self);
        (!self.stopped.load(Ordering::SeqCst)).then_some(open)
    }

    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
    }

    fn is_none(&self) -> bool {
        self.open.load(Ordering::SeqCst) == 0
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Site {
    /// Told before each round and when another server's order is taken over: every write looks at the version after it
    /// is counted, so that none of an older order begins later.
    pub(super) fn tell_rest(&self) {
        // First the version: a write that is counted later sees it, or a newer one.
        let version = self.status().version;
        if self.writes.is_none() {
            self.store.at_rest(&self.id, version);
        }
    }

    /// Begins no write any more, and waits for those that were sent.
    pub(super) async fn finish_writes(&self, patience: Duration) {
        self.writes.stop();
        let until = self.clock.now() + patience;
        while !self.writes.is_none() && self.clock.now() < until {
            self.clock.sleep(PAUSE / 5).await;
        }
    }

    /// Asked before CUCM is read: what is read afterwards nobody else changes, if nobody else writes. An order that is
    /// given meanwhile is not kept waiting by the database.
    pub(super) async fn peer_writes(&self, memory: &mut LastRound) -> PeerWrites {
        if !self.may_have_peer_writes(memory) {
            return PeerWrites::Nobody;
        }
        let status = self.status();
        let may_write = tokio::select! {
            may_write = self.store.peers_may_write(&self.id, status.version) => may_write,
            () = self.nudged() => return PeerWrites::Overtaken,
        };
        if may_write.is_ok() && memory.asked.is_none_or(|(version, _)| version != status.version) {
            memory.asked = Some((status.version, self.clock.now()));
        }
        match may_write {
            Ok(true) => {
                if !status.command.is_settled() && self.clock.now() > status.command.since() + TOLD_AFTER {
                    self.show_trouble(
                        "Another server still writes what was ordered before: the all-clear waits for it.",
                    );
                }
                PeerWrites::Write
            }
            Ok(false) => PeerWrites::AtRest(status.version),
            // Whoever cannot be asked is not waited for; what may be written then, the leadership says.
            Err(StoreError::Away(_)) => PeerWrites::Nobody,
            Err(_) => PeerWrites::Write,
        }
    }

    /// An all-clear that is to be written, for as long as the others are waited for, or a lock that was: while it is new.
    pub(super) fn may_have_peer_writes(&self, memory: &LastRound) -> bool {
        let status = self.status();
        let now = self.clock.now();
        let since = match &status.command {
            Command::Normal(_) if !status.command.is_settled() => {
                memory.asked.filter(|(version, _)| *version == status.version).map(|(_, at)| at)
            }
            Command::Locked(_) if status.command.is_settled() => Some(status.command.since()),
            _ => return false,
        };
        let is_new = since.is_none_or(|since| now < since + PATIENCE);
        let can_be_asked = self.is_shared() && self.store.away_since().is_none();
        is_new && can_be_asked && memory.at_rest != Some(status.version) && self.leadership() != Leadership::Follower
    }
}
