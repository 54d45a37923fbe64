//! The server is asked to stop: open lines end at once, not when their time is up, so that whoever listens is the sooner
//! with the server that comes next. What happens until this one is gone they hear from that one.

use axum::response::sse::Event as SseEvent;
use std::time::Duration;
use tokio::sync::watch;

/// A line that ended is opened again after so long, or up to a second later, so that not all come in one moment.
/// Browsers by themselves wait three to five seconds.
const AGAIN_AT_LEAST: Duration = Duration::from_millis(500);

/// Told once, to whoever waits for it.
#[derive(Clone, Default)]
pub struct Shutdown(watch::Sender<bool>);

impl Shutdown {
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut told = self.0.subscribe();
        async move {
            // The other end is gone: the server is, too.
            let _ = told.wait_for(|begun| *begun).await;
        }
    }
}

/// The first piece of a line: when to come back after its end.
pub(crate) fn come_back() -> SseEvent {
    let [chance, ..] = crate::identity::token::random();
    SseEvent::default().retry(AGAIN_AT_LEAST + Duration::from_millis(u64::from(chance) * 1000 / 256))
}
