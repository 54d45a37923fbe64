//! Who writes to the bot: a Webex account, and the profile it belongs to. By the account's id within our
//! organisation, as it was fetched; never by what a message or a card says.

use super::Webex;
use super::WebexError;
use super::api;
use super::ids::key;
use crate::engine::ports::{NewEvent, StoreError};
use crate::store::records::{Identity, Person, WEBEX};
use lockdown::operator::{Authority, Operator, Surface};
use lockdown::timeline::EventKind;

/// Somebody of our organisation.
#[derive(Debug, Clone)]
pub struct Writer {
    /// The account's key.
    pub account: String,
    /// `None`: nobody here is known by this account.
    pub operator: Option<Operator>,
}

/// How an account stands in a profile's list of identities. It opens no door of the product's.
pub(super) fn issuer(org: &str) -> String {
    format!("{WEBEX}{}", key(org))
}

fn operator(person: Person) -> Operator {
    let authority = Authority::Roles(person.grants());
    Operator { id: person.id, name: person.name, surface: Surface::Bot, authority }
}

impl Webex {
    /// `None` for whoever is of another organisation, and for other bots.
    pub(super) async fn writer(&self, person_id: &str) -> Result<Option<Writer>, WebexError> {
        let person: api::Person = self.client.get(&format!("people/{person_id}")).await?;
        let me = self.me().await?;
        if key(&person.org_id) != key(&me.org_id) || person.kind == "bot" {
            return Ok(None);
        }
        let account = key(&person.id);
        let known = match self.known(&person, &account).await {
            Ok(known) => known.filter(|person| !person.disabled),
            Err(error) => {
                tracing::warn!(%error, "whose account it is could not be looked up");
                None
            }
        };
        Ok(Some(Writer { account, operator: known.map(operator) }))
    }

    async fn known(&self, person: &api::Person, account: &str) -> Result<Option<Person>, StoreError> {
        let issuer = issuer(&person.org_id);
        if let Some(known) = self.pages.directory.person_by_identity(&issuer, account).await? {
            return Ok(Some(known));
        }
        // An administrator wrote down whose account it is: an id, or an address that Webex vouches for within our
        // own organisation. Bound at first sight, so that an address given to somebody else later leads nowhere.
        let names = |written: &str| {
            key(written) == account || person.emails.iter().any(|email| email.eq_ignore_ascii_case(written))
        };
        let mut found: Vec<Person> = self.pages.directory.people().await?;
        found.retain(|one| one.contact.webex.as_deref().is_some_and(names));
        match <[Person; 1]>::try_from(found) {
            Ok([found]) => self.bind(found, issuer, account).await.map(Some),
            // Nobody, or several: then nobody.
            Err(_) => Ok(None),
        }
    }

    async fn bind(&self, person: Person, issuer: String, account: &str) -> Result<Person, StoreError> {
        let identity = Identity { issuer, subject: account.to_owned() };
        let identities = person.identities.iter().cloned().chain([identity]).collect();
        let bound = Person { version: person.version + 1, identities, ..person };
        let kind = EventKind::ProfileChanged {
            person: bound.id.clone(),
            name: bound.name.clone(),
            before: vec!["webex account: none".into()],
            after: vec!["webex account: bound".into()],
        };
        let event = NewEvent { at: self.pages.engine.now(), site: None, by: None, kind };
        match self.pages.directory.put_person(&bound, event).await {
            Ok(()) => Ok(bound),
            // Changed at this moment: the next message finds it.
            Err(StoreError::Conflict) => Ok(Person { version: bound.version - 1, ..bound }),
            Err(error) => Err(error),
        }
    }

    /// Binds an account to the profile whose page shows this code. Once.
    pub(super) async fn link(&self, writer: &Writer, code: &str) -> Result<Option<String>, StoreError> {
        let now = self.pages.engine.now();
        let people = self.pages.directory.people().await?;
        let Some(found) =
            people.into_iter().find(|one| !one.disabled && self.front.seal.is_link_of(&one.id, code, now))
        else {
            return Ok(None);
        };
        if !self.pages.directory.spend(&format!("webex-link/{code}"), now).await? {
            return Ok(None);
        }
        let org = self.me().await.map_err(|error| StoreError::Failed(error.to_string()))?.org_id.clone();
        let name = found.name.clone();
        self.bind(found, issuer(&org), &writer.account).await?;
        Ok(Some(name))
    }
}
