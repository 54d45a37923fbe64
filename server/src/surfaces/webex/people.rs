//! Who writes to the bot: a Webex account, and the profile it belongs to. By the account's id within our
//! organisation, as it was fetched; never by what a message or a card says.

use super::Webex;
use super::WebexError;
use super::api;
use super::ids::key;
use crate::store::records::{Identity, Person, WEBEX};
use engine::ports::{NewEvent, StoreError};
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
        if let Some(known) = self.services.directory.person_by_identity(&issuer, account).await? {
            return Ok(Some(known));
        }
        // An administrator wrote down whose account it is: an id, or an address that Webex vouches for within our
        // own organisation. Bound at first sight: who gets the address later is not who had it.
        let names = |written: &str| {
            key(written) == account || person.emails.iter().any(|email| email.eq_ignore_ascii_case(written))
        };
        let free = |one: &Person| !one.disabled && !is_bound(one) && one.contact.webex.as_deref().is_some_and(names);
        let mut found: Vec<Person> = self.services.directory.people().await?;
        found.retain(free);
        let Ok([found]) = <[Person; 1]>::try_from(found) else { return Ok(None) };
        if let Err(error) = self.bind(&found, issuer, account).await {
            // Whoever it is may lock while nothing can be written down; the next message binds it.
            tracing::warn!(%error, "a Webex account could not be bound to its profile");
        }
        Ok(Some(found))
    }

    /// In place of another account that was bound before.
    async fn bind(&self, person: &Person, issuer: String, account: &str) -> Result<(), StoreError> {
        let identity = Identity::new(issuer, account);
        let others = person.identities.iter().filter(|one| !one.issuer.starts_with(WEBEX)).cloned();
        let identities = others.chain([identity]).collect();
        let bound = Person { version: person.version + 1, identities, ..person.clone() };
        let kind = EventKind::ProfileChanged {
            person: bound.id.clone(),
            name: bound.name.clone(),
            before: vec![format!("webex account: {}", if is_bound(person) { "another" } else { "none" })],
            after: vec!["webex account: bound".into()],
        };
        let event = NewEvent { at: self.services.clock.now(), site: None, by: None, kind };
        self.services.directory.put_person(&bound, event).await
    }

    /// Binds an account to the profile whose page shows this code. Once.
    pub(super) async fn link(&self, writer: &Writer, code: &str) -> Result<Linked, StoreError> {
        let now = self.services.clock.now();
        let people = self.services.directory.people().await?;
        let shown = |one: &Person| !one.disabled && self.front.codes.is_link_of(&one.id, code, now);
        let Some(found) = people.into_iter().find(shown) else { return Ok(Linked::NotGood) };
        let org = self.me().await.map_err(|error| StoreError::Failed(error.to_string()))?.org_id.clone();
        let issuer = issuer(&org);
        let bound = self.services.directory.person_by_identity(&issuer, &writer.account).await?;
        match bound {
            Some(bound) if bound.id == found.id => return Ok(Linked::To(found.name)),
            Some(_) => return Ok(Linked::Taken),
            None => {}
        }
        if !self.services.directory.consume_once(&format!("webex-link/{code}"), now).await? {
            return Ok(Linked::NotGood);
        }
        self.bind(&found, issuer, &writer.account).await?;
        Ok(Linked::To(found.name))
    }
}

/// What came of a code.
pub(super) enum Linked {
    /// The name of the profile.
    To(String),
    NotGood,
    /// The account belongs to another profile.
    Taken,
}

fn is_bound(person: &Person) -> bool {
    person.identities.iter().any(|identity| identity.issuer.starts_with(WEBEX))
}
