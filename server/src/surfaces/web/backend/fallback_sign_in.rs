//! Signing in without the identity provider, besides passkeys: sealed codes and PINs. Every use of one of
//! them is told to everybody and stays to be reviewed until an administrator writes down why.

use super::people::manages;
use super::{Pages, stored};
use crate::identity::api_key::{ApiKeys, within};
use crate::identity::sealed_code::{self, Envelope, Typed, consumed_as};
use crate::identity::slow_hash::{self, HashError};
use crate::store::records::{Means, Person, Pin, SealedCode};
use app::ApiError;
use app::backend::{CurrentSession, FallbackSignIn};
use app::view::ReviewView;
use app::words;
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use lockdown::ids::OperatorId;
use lockdown::operator::{Actor, Operator, Surface};
use lockdown::timeline::{Event, EventKind, EventName};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Envelopes printed at once.
pub const MOST_CODES: usize = 10;

/// Sign-ins that are looked through for open reviews.
const LOOKED_THROUGH: usize = 500;

/// Alarms a console shows; the page about people has them all.
const SHOWN: usize = 3;

/// Why an envelope was refused.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    #[error("the identity provider is there: nobody needs an envelope")]
    NotNow,
    #[error("no such envelope, the wrong code, or it was used")]
    Wrong,
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CodeError {
    /// The word for `/sign-in?trouble=`. The same for unknown, wrong and used.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotNow => "code_up",
            Self::Wrong => "code",
            Self::Hash(_) | Self::Store(_) => "refused",
        }
    }
}

impl Pages {
    /// Is it an address of the site's own network?
    pub fn is_on_site(&self, address: IpAddr) -> bool {
        within(&self.site_networks, address)
    }

    /// Who comes in with an envelope, or with two: two of them are worth a senior's rights.
    ///
    /// # Errors
    /// [`CodeError`].
    pub async fn authenticate_by_codes(
        &self,
        first: (String, String),
        second: Option<(String, String)>,
    ) -> Result<(Person, Means), CodeError> {
        if !self.codes_are_good() {
            return Err(CodeError::NotNow);
        }
        let (serial, person) = self.opened(&first).await?;
        let Some(second) = second else {
            self.use_up(&person, &[serial]).await?;
            return Ok((person, Means::Code));
        };
        let (other, _) = self.opened(&second).await?;
        if other == serial {
            return Err(CodeError::Wrong);
        }
        self.use_up(&person, &[serial, other]).await?;
        Ok((person, Means::TwoCodes))
    }

    /// The identity provider is away for long enough that envelopes are taken.
    pub fn codes_are_good(&self) -> bool {
        self.oidc.as_ref().is_some_and(|oidc| oidc.codes_are_good(self.clock.now()))
    }

    /// The serial of an envelope whose code fits, and whose it is. Takes the same time when nothing fits.
    async fn opened(&self, (serial, code): &(String, String)) -> Result<(String, Person), CodeError> {
        let Some(typed) = Typed::read(serial, code) else { return Err(CodeError::Wrong) };
        let people = self.directory.people().await?;
        let has = |person: &&Person| code_of(person, &typed.serial).is_some();
        let owner = people.iter().filter(|person| is_of_the_eoc(person)).find(has);
        let hash = owner.and_then(|person| code_of(person, &typed.serial)).map(|code| code.hash.clone());
        let fits = slow_hash::verify(typed.code, hash).await?;
        match owner {
            Some(person) if fits => Ok((typed.serial, person.clone())),
            _ => Err(CodeError::Wrong),
        }
    }

    /// Each once. Looked at before, so that a used one does not take a good one with it.
    async fn use_up(&self, person: &Person, serials: &[String]) -> Result<(), CodeError> {
        let names: Vec<String> = serials.iter().map(|serial| consumed_as(serial)).collect();
        if !self.directory.consumed(&names).await?.is_empty() {
            return Err(CodeError::Wrong);
        }
        let now = self.clock.now();
        for name in &names {
            if !self.directory.consume_once(name, now).await? {
                return Err(CodeError::Wrong);
            }
        }
        let by = Actor { id: person.id.clone(), name: person.name.clone(), surface: Surface::Web };
        let kind = EventKind::SignedInLocally { by: format!("sealed code {}", serials.join(" and ")) };
        // They are used up: whoever stands at the door now is let in, whatever becomes of the entry.
        if let Err(error) = self.timeline.append(NewEvent { at: now, site: None, by: Some(by), kind }).await {
            tracing::error!(%error, "the use of a sealed code could not be put into the timeline");
        }
        Ok(())
    }

    /// Prints envelopes for somebody of the EOC: by an administrator who came in through the provider,
    /// while it is there.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn make_codes(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        of: &OperatorId,
        count: usize,
    ) -> Result<Vec<Envelope>, ApiError> {
        manages(who)?;
        self.came_in_online(here).await?;
        let person = self.find(of).await?;
        let made = envelopes(self.clock.now(), count.clamp(1, MOST_CODES)).await.map_err(|error| failed(&error))?;
        let (envelopes, codes): (Vec<Envelope>, Vec<SealedCode>) = made.into_iter().unzip();
        self.desk(who).add_codes(&person, codes).await.map_err(super::people::refused)?;
        Ok(envelopes)
    }

    async fn put_changed(&self, who: &Operator, person: Person, kind: EventKind) -> Result<(), ApiError> {
        let event = NewEvent { at: self.clock.now(), site: None, by: Some(who.actor()), kind };
        let changed = Person { version: person.version + 1, ..person };
        self.directory.put_person(&changed, event).await.map_err(stored)
    }

    /// What opens a door later is made by somebody who came in by the front door, while it is open.
    pub(super) async fn came_in_online(&self, here: Option<CurrentSession>) -> Result<(), ApiError> {
        let session = self.session(here).await?.ok_or(ApiError::SignInFirst)?;
        let open = self.oidc.as_ref().is_some_and(|oidc| oidc.is_up());
        if open && session.means == Means::Provider { Ok(()) } else { Err(ApiError::OnlineOnly) }
    }

    /// A sealed code gives the way to the lock; it takes no other way from its owner.
    pub(super) async fn not_by_envelope(&self, here: Option<CurrentSession>) -> Result<(), ApiError> {
        let session = self.session(here).await?.ok_or(ApiError::SignInFirst)?;
        if matches!(session.means, Means::Code | Means::TwoCodes) { Err(ApiError::NotByEnvelope) } else { Ok(()) }
    }

    /// Serials, and whether each was used.
    pub(super) async fn envelopes_of(&self, person: &Person) -> Vec<(String, bool)> {
        let names: Vec<String> = person.codes.iter().map(|code| consumed_as(&code.serial)).collect();
        let consumed = self.directory.consumed(&names).await.unwrap_or_default();
        let serials = person.codes.iter().map(|code| code.serial.clone());
        serials.zip(names).map(|(serial, name)| (serial, consumed.contains_key(&name))).collect()
    }

    /// Puts open reviews onto every console; whether they are others than before. What cannot be looked up
    /// takes no alarm away.
    pub async fn refresh_alarms(&self) -> bool {
        let open = match self.open_reviews().await {
            Ok(open) => open,
            Err(error) => {
                tracing::error!(%error, "open reviews cannot be looked up");
                return false;
            }
        };
        let said = |review: ReviewView| words::past_the_provider(&review.when.clock, &review.who, &review.text);
        self.set_alarms(open.into_iter().take(SHOWN).map(said).collect())
    }

    /// Sign-ins past the provider that nobody wrote anything about yet, newest first.
    pub(super) async fn open_reviews(&self) -> Result<Vec<ReviewView>, StoreError> {
        let mut events = self.directory.events_named(&[EventName::SignedInLocally], LOOKED_THROUGH).await?;
        // Each sign-in is reviewed once at most.
        events.extend(self.directory.events_named(&[EventName::Reviewed], LOOKED_THROUGH).await?);
        let now = self.clock.now();
        let view = |event: &Event| ReviewView {
            event: event.id.clone(),
            when: self.moment(None, event.at, now),
            who: event.by.as_ref().map_or_else(String::new, |by| by.name.clone()),
            text: event.kind.to_string(),
        };
        Ok(unreviewed(&events).into_iter().map(view).collect())
    }
}

impl Pages {
    /// The same answer whatever it was: nobody learns here whether a key is one. That of a gadget's file is no secret, and
    /// stays good: only its administrators take it back.
    ///
    /// # Errors
    /// [`ApiError`], when the store fails.
    pub async fn report_key(&self, key: String) -> Result<(), ApiError> {
        let now = self.clock.now();
        let directory = self.directory.as_ref();
        let found = crate::identity::api_key::live_key(directory, key.trim(), now).await.map_err(stored)?;
        if let Some(id) = found.filter(|record| !record.is_public()).map(|record| record.id) {
            let desk = ApiKeys { store: directory, by: None, now };
            if let Err(error) = desk.revoke(id.as_str(), true).await {
                tracing::error!(%error, "a key that was found could not be revoked");
                return Err(ApiError::Internal);
            }
        }
        Ok(())
    }
}

fn unreviewed(events: &[Event]) -> Vec<&Event> {
    let done: BTreeSet<&str> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Reviewed { event, .. } => Some(event.as_str()),
            _ => None,
        })
        .collect();
    let is_open =
        |event: &&Event| matches!(event.kind, EventKind::SignedInLocally { .. }) && !done.contains(event.id.as_str());
    events.iter().filter(is_open).collect()
}

/// Envelopes with what is kept of them.
///
/// # Errors
/// [`HashError`].
pub async fn envelopes(now: jiff::Timestamp, count: usize) -> Result<Vec<(Envelope, SealedCode)>, HashError> {
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(sealed_code::make(now).await?);
    }
    Ok(made)
}

fn code_of<'p>(person: &'p Person, serial: &str) -> Option<&'p SealedCode> {
    person.codes.iter().find(|code| code.serial == serial)
}

fn is_of_the_eoc(person: &Person) -> bool {
    !person.disabled && !person.grants().only_eoc().is_empty()
}

fn failed(error: &HashError) -> ApiError {
    tracing::error!(%error, "a secret could not be hashed");
    ApiError::Internal
}

/// Six to twelve digits, and none that everybody tries first.
fn strong_enough(pin: &str, extension: Option<&str>) -> Result<(), ApiError> {
    let digits: Vec<i32> = pin.bytes().map(i32::from).collect();
    if !(6..=12).contains(&pin.len()) || !pin.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ApiError::Told("A PIN has 6 to 12 digits.".into()));
    }
    let steps: BTreeSet<i32> = digits.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let a_row = steps.len() == 1 && steps.iter().all(|step| (-1..=1).contains(step));
    let repeated = (1..=3).any(|size| digits.chunks(size).all(|chunk| digits.starts_with(chunk)));
    if a_row || repeated || extension.is_some_and(|extension| extension.len() > 3 && pin.contains(extension)) {
        return Err(ApiError::Told("Too easy to guess: no rows, no repetitions, not your extension.".into()));
    }
    Ok(())
}

#[async_trait]
impl FallbackSignIn for Pages {
    async fn revoke_codes(&self, who: &Operator, of: OperatorId) -> Result<(), ApiError> {
        manages(who)?;
        let person = self.find(&of).await?;
        let serials: Vec<String> = person.codes.iter().map(|code| code.serial.clone()).collect();
        if serials.is_empty() {
            return Ok(());
        }
        let kind = EventKind::CodesRevoked { person: person.id.clone(), name: person.name.clone(), serials };
        self.put_changed(who, Person { codes: vec![], ..person }, kind).await
    }

    async fn set_pin(&self, who: &Operator, here: Option<CurrentSession>, pin: String) -> Result<(), ApiError> {
        self.came_in_online(here).await?;
        let person = self.find(&who.id).await?;
        if !is_of_the_eoc(&person) {
            return Err(ApiError::Told("A PIN is for EOC personnel: it locks from a phone, and nothing else.".into()));
        }
        strong_enough(&pin, person.contact.extension.as_deref())?;
        let hash = slow_hash::hash(crate::config::Secret::new(pin)).await.map_err(|error| failed(&error))?;
        let kind = EventKind::PinSet { person: person.id.clone(), name: person.name.clone() };
        let pin = Some(Pin { hash, set_at: self.clock.now() });
        self.put_changed(who, Person { pin, ..person }, kind).await
    }

    async fn remove_pin(&self, who: &Operator, here: Option<CurrentSession>, of: OperatorId) -> Result<(), ApiError> {
        if who.id != of {
            manages(who)?;
        }
        self.not_by_envelope(here).await?;
        let person = self.find(&of).await?;
        if person.pin.is_none() {
            return Ok(());
        }
        let kind = EventKind::PinRemoved { person: person.id.clone(), name: person.name.clone() };
        self.put_changed(who, Person { pin: None, ..person }, kind).await
    }

    async fn review(&self, who: &Operator, event: String, note: String) -> Result<(), ApiError> {
        manages(who)?;
        let note: String = note.trim().chars().take(500).collect();
        if note.is_empty() {
            return Err(ApiError::Told("Write down why it was used: the note is what the review is for.".into()));
        }
        let open = self.open_reviews().await.map_err(stored)?;
        let about = open.into_iter().find(|review| review.event == event).ok_or(ApiError::Stale)?;
        let kind = EventKind::Reviewed { event, name: about.who, note };
        self.timeline.record(Some(who), kind).await.map_err(stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_that_everybody_tries_first_are_refused() {
        for bad in
            ["12345", "1234567890123", "123456", "987654", "111111", "121212", "123123", "４２８９１３", "42891a"]
        {
            assert!(strong_enough(bad, None).is_err(), "{bad}");
        }
        assert!(strong_enough("428913", None).is_ok());
        assert!(strong_enough("924101", Some("4101")).is_err(), "the extension is in it");
    }
}
