//! Other servers hear of an order a moment after it was given here, and may be in the middle of writing what was ordered
//! before. CUCM takes whatever comes last: so an all-clear waits until they are at rest, and a lock, which waits for
//! nobody, is looked at again until they are.

use super::drive::Memory;
use super::site::Site;
use std::time::Duration;

/// Servers take over from each other within this time (design, section 6): who has not heard by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(100);

impl Site {
    /// Told between two rounds, when nothing is being written.
    pub(super) fn tell_rest(&self) {
        self.store.at_rest(&self.id, self.status().version);
    }

    /// Waits until no other server writes what was ordered before. False when something was ordered meanwhile.
    pub(super) async fn others_come_to_rest(&self, version: u64) -> bool {
        // Two that wait for each other have both begun with nothing on its way.
        self.store.at_rest(&self.id, version);
        let until = self.clock.now() + PATIENCE;
        while self.clock.now() < until && self.store.others_may_write(&self.id, version).await {
            tokio::select! {
                () = self.nudged() => {}
                () = self.clock.sleep(PAUSE) => {}
            }
            if self.status().version != version {
                return false;
            }
        }
        true
    }

    /// May what was just carried out be overwritten by another server, so that it is looked at again soon?
    pub(super) async fn may_be_overwritten(&self, memory: &mut Memory) -> bool {
        let status = self.status();
        let (version, ordered) = (status.version, status.command.since());
        if memory.unrivalled == Some(version) {
            return false;
        }
        let recent = self.clock.now() < ordered + self.tuning.deadline;
        if recent && self.store.others_may_write(&self.id, version).await {
            return true;
        }
        memory.unrivalled = Some(version);
        false
    }
}
