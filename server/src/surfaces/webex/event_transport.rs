//! By which way the bot hears. Both give the same: that something happened, to be fetched.

use super::mercury::{self, Device, End, Mercury};
use super::{Health, Inbound, Webex, WebexError, hooks};
use crate::config::{Secret, Transport};
use crate::identity::token;
use async_trait::async_trait;
use jiff::SignedDuration;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Between two tries to reach the cloud: doubled from the first to the last.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_secs(32);

/// A line that stood for so long was well.
const STEADY: SignedDuration = SignedDuration::from_secs(60);

/// Between two looks at the webhooks.
const WATCH: Duration = Duration::from_secs(300);

#[async_trait]
pub(super) trait EventTransport: Send + Sync {
    /// Hears for as long as the server runs, and says whether it does.
    async fn keep(&self, webex: &Webex, heard: &mpsc::Sender<Inbound>);

    /// The server stops.
    async fn leave(&self, webex: &Webex);
}

pub(super) fn by(transport: &Transport) -> Box<dyn EventTransport> {
    match transport {
        Transport::Websocket => Box::new(ByWebsocket::default()),
        Transport::Webhook { secret } => Box::new(ByWebhook { secret: secret.clone() }),
    }
}

/// Deliveries come in by [`super::BotHandle`]; here they are registered, and looked after.
struct ByWebhook {
    secret: Secret,
}

#[async_trait]
impl EventTransport for ByWebhook {
    async fn keep(&self, webex: &Webex, _: &mpsc::Sender<Inbound>) {
        let target = format!("{}/hooks/webex", webex.public_url);
        let mut pause = FIRST_PAUSE;
        loop {
            match hooks::register(&webex.client, &webex.settings.instance, &target, &self.secret).await {
                Ok(were_off) => {
                    if were_off > 0 {
                        tracing::warn!(were_off, "webex had switched webhooks off; they are on again");
                    }
                    webex.tell(Health::Well).await;
                    pause = FIRST_PAUSE;
                    webex.services.clock.sleep(WATCH.min(webex.settings.ping * 20)).await;
                }
                Err(error) => {
                    webex.tell(Health::Ill(error.to_string())).await;
                    webex.services.clock.sleep(jittered(pause)).await;
                    pause = (pause * 2).min(LAST_PAUSE);
                }
            }
        }
    }

    /// They stay: the next server takes what is delivered.
    async fn leave(&self, _: &Webex) {}
}

#[derive(Default)]
struct ByWebsocket {
    /// What this server is registered as.
    device: Mutex<Option<Device>>,
}

#[async_trait]
impl EventTransport for ByWebsocket {
    async fn keep(&self, webex: &Webex, heard: &mpsc::Sender<Inbound>) {
        let mercury = webex.mercury();
        let mut pause = FIRST_PAUSE;
        loop {
            let stood = AtomicBool::new(false);
            let begun = webex.services.clock.now();
            let why = match self.one_line(webex, &mercury, heard, &stood).await {
                Ok(End::Stale) => "the device was forgotten".to_owned(),
                Ok(End::Lost(why)) => why,
                Err(error) => error.to_string(),
            };
            if stood.into_inner() && webex.services.clock.now().duration_since(begun) > STEADY {
                pause = FIRST_PAUSE;
            }
            tracing::info!(why, "the line to webex ended");
            // A line that only has to be opened again is no news yet; one that another server took is not fought over.
            let replaced = why == mercury::REPLACED_BY_ANOTHER;
            if pause > FIRST_PAUSE || replaced || why.contains("token") {
                webex.tell(Health::Ill(why)).await;
            }
            pause = if replaced { LAST_PAUSE } else { pause };
            webex.services.clock.sleep(jittered(pause)).await;
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// The cloud need not wait for it.
    async fn leave(&self, webex: &Webex) {
        let device = self.device.lock().take();
        if let Some(device) = device {
            webex.mercury().unregister(&device).await;
        }
    }
}

impl ByWebsocket {
    async fn one_line(
        &self,
        webex: &Webex,
        mercury: &Mercury<'_>,
        heard: &mpsc::Sender<Inbound>,
        stood: &AtomicBool,
    ) -> Result<End, WebexError> {
        webex.me().await?;
        hooks::remove(&webex.client, &webex.settings.instance).await?;
        let device = mercury.device().await?;
        *self.device.lock() = Some(device.clone());
        let (ready, opened) = oneshot::channel();
        let telling = async {
            if opened.await.is_ok() {
                stood.store(true, Ordering::Relaxed);
                webex.tell(Health::Well).await;
            }
        };
        let listening = mercury.listen(&device, heard, move || {
            // The other end waits for just this.
            let _ = ready.send(());
        });
        tokio::join!(listening, telling).0
    }
}

/// Several servers do not come back at the same moment.
fn jittered(pause: Duration) -> Duration {
    let chance = u32::from(token::random()[0]);
    pause * (192 + chance / 2) / 256
}
