//! The real clock, the only place that asks for the time.

use async_trait::async_trait;
use engine::ports::Clock;
use jiff::Timestamp;
use std::time::Duration;

pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port that everybody else asks")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&crate::identity::token::random()[..8]);
        bytes
    }
}
