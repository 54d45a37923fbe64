//! Webhooks, as administrators see them.

use super::people::manages;
use super::{Pages, stored};
use crate::webhooks::hook::{Delivery, DeliveryState, Hook};
use crate::webhooks::{HookError, WebhookSpec};
use app::ApiError;
use app::backend::{Hooks, NewHookForm};
use app::view::{DeliveryView, HookView, HooksView, KeyShown};
use async_trait::async_trait;
use lockdown::operator::Operator;
use lockdown::timeline::EventName;

#[async_trait]
impl Hooks for Pages {
    async fn hooks(&self, who: &Operator, chosen: Option<String>) -> Result<HooksView, ApiError> {
        manages(who)?;
        let mut hooks = Vec::new();
        for hook in self.webhooks.list().await.map_err(refused)? {
            let open = chosen.as_deref() == Some(hook.id.as_str());
            let deliveries = if open { Some(self.webhooks.deliveries(&hook).await.map_err(refused)?) } else { None };
            hooks.push(self.hook_view(hook, deliveries));
        }
        let news = EventName::webhook_words().map(str::to_owned).collect();
        let allowed = self.webhooks.allowed().to_vec();
        Ok(HooksView { me: super::me(who), hooks, allowed, news, sites: self.site_names() })
    }

    async fn remove_hook(&self, who: &Operator, id: String) -> Result<(), ApiError> {
        manages(who)?;
        self.webhooks.remove(&id, who).await.map_err(refused)
    }

    async fn enable_hook(&self, who: &Operator, id: String) -> Result<(), ApiError> {
        manages(who)?;
        self.webhooks.enable(&id, who).await.map(|_| ()).map_err(refused)
    }

    async fn replay(&self, who: &Operator, hook: String, delivery: String) -> Result<(), ApiError> {
        manages(who)?;
        self.webhooks.replay(&hook, &delivery).await.map(|_| ()).map_err(refused)
    }
}

impl Pages {
    /// Makes a webhook; its secret can be read this once.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn add_hook(&self, who: &Operator, form: NewHookForm) -> Result<KeyShown, ApiError> {
        manages(who)?;
        let site = self.chosen_site(&form.site)?;
        let words = form.what.split([',', ' ']).filter(|word| !word.is_empty());
        let what = words.map(str::to_owned).collect();
        let spec = WebhookSpec { name: form.name, url: form.url, site, what };
        self.webhooks.add(spec, who).await.map(shown).map_err(refused)
    }

    /// Gives a webhook a new secret; the old one signs too for a day.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn rotate_hook(&self, who: &Operator, id: &str) -> Result<KeyShown, ApiError> {
        manages(who)?;
        self.webhooks.rotate(id, who).await.map(shown).map_err(refused)
    }

    /// Sends a test now, and says what came of it.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn test_hook(&self, who: &Operator, id: &str) -> Result<String, ApiError> {
        manages(who)?;
        self.webhooks.test(id).await.map(|attempt| attempt.said).map_err(refused)
    }

    fn hook_view(&self, hook: Hook, deliveries: Option<Vec<Delivery>>) -> HookView {
        let now = self.clock.now();
        let moment = |at| self.moment(None, at, now);
        let site = hook.site.map_or_else(|| "every site".to_owned(), |site| format!("site {site}"));
        let what = hook.what.into_iter().collect::<Vec<_>>().join(", ");
        let what = if what.is_empty() { "all news".to_owned() } else { what };
        let by = hook.by.map_or_else(String::new, |by| format!("; made by {by}"));
        let state = match &hook.disabled {
            None => "on".to_owned(),
            Some(off) => format!("off since {}: {}", moment(off.at).clock, off.why),
        };
        HookView {
            id: hook.id,
            name: hook.name,
            url: hook.url,
            about: format!("{site}; {what}{by}"),
            off: hook.disabled.is_some(),
            state,
            deliveries: deliveries.map(|all| all.into_iter().map(|one| self.delivery_view(one)).collect()),
        }
    }

    fn delivery_view(&self, delivery: Delivery) -> DeliveryView {
        let now = self.clock.now();
        let moment = |at| self.moment(None, at, now);
        let state = match delivery.state {
            DeliveryState::Waiting => format!("waits until {}", moment(delivery.next_at).clock),
            DeliveryState::Delivered { at } => format!("taken {}", moment(at).clock),
            DeliveryState::GivenUp { at } => format!("given up {}", moment(at).clock),
        };
        DeliveryView {
            id: delivery.id,
            kind: delivery.kind,
            made: moment(delivery.made_at),
            state,
            last: delivery.last.unwrap_or_default(),
        }
    }
}

fn shown(hook: Hook) -> KeyShown {
    let secret = hook.secret.expose();
    KeyShown { name: hook.name, secret }
}

fn refused(error: HookError) -> ApiError {
    match error {
        HookError::Store(error) => stored(error),
        HookError::NoSuchHook | HookError::NoSuchDelivery | HookError::ChangedMeanwhile => ApiError::Stale,
        error => ApiError::Told(super::sentence(&error.to_string())),
    }
}
