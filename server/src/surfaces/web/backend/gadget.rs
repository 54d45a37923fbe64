//! The gadget in the agents' Finesse desktop.

use super::{Pages, me, me_at, refused, stored};
use crate::identity::api_key::{self, Holder};
use crate::identity::session;
use crate::services::gadget_files;
use crate::services::gadget_shell::VERSION;
use crate::store::records::ClientRecord;
use app::ApiError;
use app::backend::{Backend, CurrentSession, Gadget, Queue, QueueFilter};
use app::view::{FinesseView, GadgetFileView, GadgetView, SiteView};
use async_trait::async_trait;
use lockdown::ids::SiteId;
use lockdown::operator::{Act, Authority, Operator, Scope, Surface};

impl Pages {
    /// The site a gadget's key is good for.
    ///
    /// # Errors
    /// [`ApiError::NoSuchGadget`].
    pub async fn site_of_gadget(&self, key: &str) -> Result<SiteId, ApiError> {
        let now = self.clock.now();
        let holder = api_key::holder(self.directory.as_ref(), key, None, Surface::Gadget, now).await.map_err(stored)?;
        match holder {
            Holder::Known {
                operator: Operator { authority: Authority::Key { scopes, site: Some(site) }, .. }, ..
            } if scopes.contains(&Scope::StatusEmbed) => Ok(site),
            _ => Err(ApiError::NoSuchGadget),
        }
    }

    /// What everybody may see of the key's site.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn embedded(&self, key: &str) -> Result<SiteView, ApiError> {
        let site = self.site_of_gadget(key).await?;
        let status = self.engine.status(&site).map_err(refused)?;
        Ok(self.public_site(&status, self.clock.now()))
    }

    /// Makes a gadget's file for a site, with a key of its own.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn make_gadget(&self, who: &Operator, site: &SiteId) -> Result<(String, String), ApiError> {
        who.may(Act::Manage, None).map_err(ApiError::Refused)?;
        self.engine.status(site).map_err(refused)?;
        let origin = self.finesse.as_ref().map(|finesse| finesse.address.clone());
        let origin = origin.ok_or_else(|| ApiError::Told("Finesse is not configured: [finesse] is missing.".into()))?;
        let directory = self.directory.as_ref();
        let documents = self.documents.as_ref();
        let made = gadget_files::make(directory, documents, &origin, site, Some(who.actor()), self.clock.now()).await;
        made.map(|(made, text)| (made.name, text)).map_err(|error| {
            tracing::error!(%error, "a gadget's file could not be made");
            ApiError::Internal
        })
    }
}

#[async_trait]
impl Gadget for Pages {
    async fn gadget(
        &self,
        who: Option<&Operator>,
        here: Option<CurrentSession>,
        key: String,
    ) -> Result<GadgetView, ApiError> {
        let site = self.site_of_gadget(&key).await?;
        let status = self.engine.status(&site).map_err(refused)?;
        let now = self.clock.now();
        let console = match who.filter(|who| who.may(Act::Work, Some(&site)).is_ok()) {
            Some(who) => Some(self.console(who, here.clone(), Some(site.clone())).await?),
            None => None,
        };
        let queue = match who.filter(|who| who.may(Act::TakeCalls, Some(&site)).is_ok()) {
            // The state is shown although the queue cannot be.
            Some(who) => self.queue(who, QueueFilter { site: Some(site.clone()), ..QueueFilter::default() }).await.ok(),
            None => None,
        };
        let session = self.session(here).await.ok().flatten();
        Ok(GadgetView {
            me: who.map(|who| me_at(who, Some(&site))),
            site: self.public_site(&status, now),
            console,
            queue,
            ends: session.map(|session| session::ends(&session).as_millisecond()),
        })
    }

    async fn finesse(&self, who: &Operator) -> Result<FinesseView, ApiError> {
        who.may(Act::Manage, None).map_err(ApiError::Refused)?;
        let clients = self.directory.clients().await.map_err(stored)?;
        let made = gadget_files::all(self.documents.as_ref()).await.map_err(stored)?;
        let (address, origins) = match &self.finesse {
            Some(finesse) => (finesse.address.clone(), finesse.origins.clone()),
            None => (String::new(), Vec::new()),
        };
        let files = made.into_iter().map(|file| {
            let key = clients.iter().find(|client| client.id == file.key);
            let (live, state) = self.state_of_key(key);
            GadgetFileView {
                name: file.name,
                hash: file.hash,
                made: self.moment(None, file.at, self.clock.now()),
                state,
                live,
            }
        });
        Ok(FinesseView {
            me: me(who),
            files: files.collect(),
            origins,
            address,
            version: VERSION.to_owned(),
            sites: self.engine.live_statuses().into_iter().map(|site| (site.id, site.name)).collect(),
        })
    }
}

impl Pages {
    fn state_of_key(&self, key: Option<&ClientRecord>) -> (bool, String) {
        let now = self.clock.now();
        match key {
            Some(key) if key.revoked_at.is_some() => (false, "its key was revoked".into()),
            Some(key) if key.expires_at <= now => (false, "its key has ended".into()),
            Some(key) => (true, format!("its key is good until {}", self.moment(None, key.expires_at, now).clock)),
            None => (false, "its key is not known here".into()),
        }
    }
}
