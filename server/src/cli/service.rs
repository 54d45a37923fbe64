//! What a service manager is told (systemd's `Type=notify`). Without one, nothing is.
//!
//! *Source*: sd_notify(3), sd_watchdog_enabled(3).

use engine::Engine;
use engine::ports::Clock;
use sd_notify::NotifyState;
use std::sync::Arc;

/// It answers.
pub(super) fn ready() {
    tell(NotifyState::Ready);
}

/// It was asked to stop: lines are closed, what was ordered is remembered.
pub(super) fn stopping() {
    tell(NotifyState::Stopping);
}

/// Tells that it lives, as often as the manager wants it, for as long as the engine can be looked at: a process that
/// hangs is started anew.
pub(super) async fn watch(engine: Arc<Engine>, clock: Arc<dyn Clock>) {
    let Some(within) = sd_notify::watchdog_enabled() else { return };
    loop {
        engine.look_at_live(|_| ());
        tell(NotifyState::Watchdog);
        clock.sleep(within / 2).await;
    }
}

fn tell(what: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[what]) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
