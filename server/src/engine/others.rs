//! Other servers hear of an order a moment after it was given here, and may be in the middle of writing what was ordered
//! before; CUCM keeps what comes last. So an all-clear waits until they are at rest. A lock waits for nobody, and is
//! looked at again until they are. What differs later is somebody's change.

use super::drive::Memory;
use super::ports::Turn;
use super::site::Site;
use lockdown::site::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Longer than the answer to a write is waited for (`cucm.timeout`, 20 s): who is not at rest then is not waited for. A
/// server that died is forgotten after five seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Between two questions.
pub(super) const PAUSE: Duration = Duration::from_millis(100);

/// Who waits longer is told why.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// What other servers may do to the order that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rivals {
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
        if self.writes.is_none() {
            self.store.at_rest(&self.id, self.status().version);
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
    pub(super) async fn rivals(&self, memory: &mut Memory) -> Rivals {
        if !self.may_have_rivals(memory) {
            return Rivals::Nobody;
        }
        let status = self.status();
        let may_write = tokio::select! {
            may_write = self.store.others_may_write(&self.id, status.version) => may_write,
            () = self.nudged() => return Rivals::Overtaken,
        };
        match may_write {
            Ok(true) => {
                if !status.command.is_settled() && self.clock.now() > status.command.since() + TOLD_AFTER {
                    self.show_trouble(
                        "Another server still writes what was ordered before: the all-clear waits for it.",
                    );
                }
                Rivals::Write
            }
            Ok(false) => Rivals::AtRest(status.version),
            Err(_) => Rivals::Nobody,
        }
    }

    /// An all-clear that is to be written, or a lock that was: as long as it is new.
    pub(super) fn may_have_rivals(&self, memory: &Memory) -> bool {
        let status = self.status();
        let matters = match &status.command {
            Command::Untouched { .. } => false,
            Command::Normal(_) => !status.command.is_settled(),
            Command::Locked(_) => status.command.is_settled(),
        };
        let is_new = self.clock.now() < status.command.since() + PATIENCE;
        matters && is_new && memory.unrivalled != Some(status.version) && self.is_shared() && self.turn() != Turn::Look
    }
}
