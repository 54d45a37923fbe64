//! What the rest of the server needs of the Webex bot.

use async_trait::async_trait;
use engine::ports::StoreError;
use jiff::Timestamp;
use lockdown::ids::{IncidentId, OperatorId, SiteId};

#[async_trait]
pub trait Bot: Send + Sync {
    /// Why it cannot hear or speak now, in a sentence for every console.
    fn trouble(&self) -> Option<String>;

    /// What is not well with the space of a site's incident, in sentences.
    fn space_notes(&self, site: &SiteId) -> Vec<String>;

    /// The address of a meeting that is always there.
    fn meeting_url(&self) -> Option<&str>;

    /// Written to the bot, it binds the writer's Webex account to this profile.
    fn link_code(&self, person: &OperatorId, now: Timestamp) -> String;

    /// Messages, presses and deliveries that were not acted upon: why, and how many.
    fn ignored(&self) -> Vec<(&'static str, u64)>;

    /// Invites everybody to an incident's space again, now.
    ///
    /// # Errors
    /// When the wish cannot be stored.
    async fn invite_again(&self, incident: &IncidentId) -> Result<(), StoreError>;
}
