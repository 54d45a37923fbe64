//! "Still needed?": asked of the seniors while a lock lasts. Nothing is ever released by it.

use super::Incidents;
use engine::ports::{NewEvent, StoreError};
use jiff::SignedDuration;
use lockdown::incident::Incident;
use lockdown::timeline::EventKind;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks. A question may come so much late.
const LOOK: Duration = Duration::from_secs(5);

/// Asks for as long as the server runs.
pub async fn watch(incidents: Arc<Incidents>) {
    loop {
        if let Err(error) = incidents.ask_what_is_due().await {
            tracing::debug!(%error, "whether a lock is still needed is asked later");
        }
        incidents.clock.sleep(LOOK).await;
    }
}

impl Incidents {
    async fn ask_what_is_due(&self) -> Result<(), StoreError> {
        // Whether it is still locked, the others may know better.
        if self.is_partial() {
            return Ok(());
        }
        let now = self.clock.now();
        let period = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let first = period(self.settings.review_after);
        let again = period(self.settings.review_every);
        for incident in self.all().await?.into_iter().filter(Incident::is_open) {
            if let Some(due) = incident.review_at(first, again).filter(|due| *due <= now) {
                self.ask(&incident, due).await?;
            }
        }
        Ok(())
    }

    /// Of several servers, one asks; where it fell over that, one asks a minute later.
    async fn ask(&self, incident: &Incident, due: jiff::Timestamp) -> Result<(), StoreError> {
        let now = self.clock.now();
        if !self
            .directory
            .consume_once(&format!("review/{}/{}/{}", incident.id, due.as_second(), now.as_second() / 60), now)
            .await?
        {
            return Ok(());
        }
        let minutes = now.duration_since(incident.locked_since).as_mins();
        let kind = EventKind::ReviewDue { incident: incident.id.clone(), minutes };
        self.timeline.append(NewEvent { at: now, site: Some(incident.site.clone()), by: None, kind }).await
    }
}
