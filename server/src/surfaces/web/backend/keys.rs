//! API keys, as administrators see them.

use super::people::manages;
use super::{Pages, stored};
use crate::identity::api_key::{ApiKeys, DAYS, KeyError, KeySpec, NewKey, network};
use crate::store::records::ClientRecord;
use app::ApiError;
use app::backend::{Keys, NewKeyForm};
use app::view::{KeyShown, KeyView, KeysView};
use async_trait::async_trait;
use ipnet::IpNet;
use jiff::SignedDuration;
use lockdown::ids::SiteId;
use lockdown::operator::{Operator, Scope};

/// A key that ends within these days is pointed out.
const ENDS_SOON: i64 = 14;

#[async_trait]
impl Keys for Pages {
    async fn keys(&self, who: &Operator) -> Result<KeysView, ApiError> {
        manages(who)?;
        let mut keys = self.directory.clients().await.map_err(stored)?;
        keys.sort_by(|a, b| (a.revoked_at.is_some(), &a.name).cmp(&(b.revoked_at.is_some(), &b.name)));
        let keys = keys.into_iter().map(|key| self.key_view(key)).collect();
        let scopes = Scope::ALL.iter().map(|scope| scope.word().to_owned()).collect();
        Ok(KeysView { me: super::me(who), keys, scopes, sites: self.site_names() })
    }

    async fn revoke_key(&self, who: &Operator, id: String) -> Result<(), ApiError> {
        manages(who)?;
        self.api_keys(who).revoke(&id, false).await.map(|_| ()).map_err(refused)
    }
}

impl Pages {
    /// Makes a key; what is returned can be read this once.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn add_key(&self, who: &Operator, form: NewKeyForm) -> Result<KeyShown, ApiError> {
        manages(who)?;
        let spec = self.spec(form)?;
        self.api_keys(who).add(spec).await.map(shown).map_err(refused)
    }

    /// Gives a key a new secret; the old one stays good for `overlap` days.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn rotate_key(&self, who: &Operator, id: &str, overlap: i64) -> Result<KeyShown, ApiError> {
        manages(who)?;
        self.api_keys(who).rotate(id, overlap).await.map(shown).map_err(refused)
    }

    fn api_keys(&self, who: &Operator) -> ApiKeys<'_> {
        ApiKeys { store: self.directory.as_ref(), by: Some(who.actor()), now: self.clock.now() }
    }

    fn spec(&self, form: NewKeyForm) -> Result<KeySpec, ApiError> {
        let site = self.chosen_site(&form.site)?;
        let scopes = form.scopes.iter().map(|word| Scope::from_word(word).ok_or(ApiError::Malformed));
        Ok(KeySpec {
            name: form.name,
            scopes: scopes.collect::<Result<_, _>>()?,
            site,
            networks: networks(&form.networks)?,
            days: form.days.parse().ok().filter(|days| DAYS.contains(days)).ok_or_else(|| refused(KeyError::Days))?,
        })
    }

    /// A form's choice of a site; empty means every site.
    pub(super) fn chosen_site(&self, id: &str) -> Result<Option<SiteId>, ApiError> {
        if id.is_empty() {
            return Ok(None);
        }
        let site = SiteId::try_from(id).map_err(|_| ApiError::NoSuchSite)?;
        self.engine.status(&site).map(|_| Some(site)).map_err(|_| ApiError::NoSuchSite)
    }

    fn key_view(&self, key: ClientRecord) -> KeyView {
        let now = self.clock.now();
        let moment = |at| self.moment(None, at, now);
        let soon = now + SignedDuration::from_hours(24 * ENDS_SOON);
        KeyView {
            id: key.id.to_string(),
            live: key.revoked_at.is_none() && key.expires_at > now,
            ends_soon: key.revoked_at.is_none() && key.expires_at <= soon,
            state: match key.revoked_at {
                Some(at) => format!("revoked {}", moment(at).clock),
                None if key.expires_at <= now => format!("ended {}", moment(key.expires_at).clock),
                None => format!("until {}", moment(key.expires_at).clock),
            },
            scopes: key.scopes.iter().map(|scope| scope.word().to_owned()).collect(),
            site: key.site.map(|site| site.to_string()),
            networks: key.networks.iter().map(ToString::to_string).collect(),
            by: key.by.map_or_else(|| "the command line".to_owned(), |by| by.to_string()),
            used: key.last_used.map(|at| at.strftime("%Y-%m-%d").to_string()),
            old_until: key.previous.filter(|old| old.ends_at > now).map(|old| moment(old.ends_at)),
            name: key.name,
        }
    }
}

/// Networks and addresses with blanks or commas between them.
fn networks(text: &str) -> Result<Vec<IpNet>, ApiError> {
    let words = text.split([',', ' ', '\n', '\r', '\t']).filter(|word| !word.is_empty());
    words
        .map(|word| {
            network(word)
                .ok_or_else(|| ApiError::Told(format!("“{word}” is no network: write 10.0.0.0/8 or an address.")))
        })
        .collect()
}

fn shown(made: NewKey) -> KeyShown {
    KeyShown { name: made.record.name, secret: made.key.expose().to_owned() }
}

fn refused(error: KeyError) -> ApiError {
    match error {
        KeyError::Store(error) => stored(error),
        KeyError::NoSuchKey => ApiError::Stale,
        error @ (KeyError::Empty | KeyError::Days | KeyError::StillRotating) => {
            ApiError::Told(super::sentence(&error.to_string()))
        }
    }
}
