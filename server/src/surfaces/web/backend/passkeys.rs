//! Passkeys of the people: enrolled by somebody who is surely there, asked for before an all-clear.

use super::{Pages, stored};
use crate::identity::passkey::{Enrolled, PasskeyError, Passkeys, Question};
use crate::store::records::{Person, Session};
use app::ApiError;
use app::backend::{CurrentSession, PasskeyPages};
use app::view::QuestionView;
use async_trait::async_trait;
use engine::ports::NewEvent;
use jiff::SignedDuration;
use lockdown::ids::OperatorId;
use lockdown::operator::{Act, Operator};
use lockdown::timeline::EventKind;

/// Our own choice: a first key is taken only so soon after the password was typed at the identity provider.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// A proof is good for one all-clear, so long.
const PROVED: SignedDuration = SignedDuration::from_mins(5);

#[async_trait]
impl PasskeyPages for Pages {
    async fn enrol_passkey(&self, who: &Operator, here: Option<CurrentSession>) -> Result<QuestionView, ApiError> {
        let passkeys = self.passkeys()?;
        let person = self.find(&who.id).await?;
        self.is_online()?;
        self.may_change_keys(&person, here).await?;
        let question = passkeys.enrol(&who.id, &who.name, &person.passkeys, self.clock.now());
        question.map(view).map_err(|error| refused(&error))
    }

    async fn add_passkey(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        ticket: String,
        answer: String,
        label: String,
    ) -> Result<(), ApiError> {
        let passkeys = self.passkeys()?;
        let person = self.find(&who.id).await?;
        let now = self.clock.now();
        self.is_online()?;
        self.may_change_keys(&person, here).await?;
        let key = passkeys.enrolled(&who.id, &ticket, &answer, &label, now).map_err(|error| refused(&error))?;
        let people = self.directory.people().await.map_err(stored)?;
        if people.iter().any(|person| person.passkeys.iter().any(|known| known.id == key.id)) {
            return Err(ApiError::PasskeyRefused);
        }
        let label = key.label.clone();
        let kind = EventKind::PasskeyAdded { person: person.id.clone(), name: person.name.clone(), label };
        let keys = person.passkeys.iter().cloned().chain([key]).collect();
        self.put_keys(who, person, keys, kind).await
    }

    async fn remove_passkey(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        of: OperatorId,
        key: String,
    ) -> Result<(), ApiError> {
        if who.id != of {
            who.may(Act::Manage, None).map_err(ApiError::Refused)?;
        }
        let person = self.find(&of).await?;
        if who.id == of {
            self.may_change_keys(&person, here).await?;
        }
        let Some(gone) = person.passkeys.iter().find(|known| known.id == key) else { return Ok(()) };
        let label = gone.label.clone();
        let kind = EventKind::PasskeyRemoved { person: person.id.clone(), name: person.name.clone(), label };
        let keys = person.passkeys.iter().filter(|known| known.id != key).cloned().collect();
        self.put_keys(who, person, keys, kind).await
    }

    async fn prove_begin(&self, who: &Operator, about: String) -> Result<QuestionView, ApiError> {
        let passkeys = self.passkeys()?;
        let person = self.find(&who.id).await?;
        if person.passkeys.is_empty() {
            return Err(ApiError::NoKeyEnrolled);
        }
        let question = passkeys.step_up(&who.id, about, &person.passkeys, self.clock.now());
        question.map(view).map_err(|error| refused(&error))
    }

    async fn prove(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        ticket: String,
        answer: String,
    ) -> Result<(), ApiError> {
        let passkeys = self.passkeys()?;
        let person = self.find(&who.id).await?;
        let now = self.clock.now();
        let proof = passkeys.stepped_up(&who.id, &person.passkeys, &ticket, &answer, now);
        let (key, about) = proof.map_err(|error| refused(&error))?;
        self.note_used(person, key, EventKind::PasskeyProved).await;
        let session = self.session(here).await?.ok_or(ApiError::SignInFirst)?;
        let proved = Session { proved_until: Some(now + PROVED), proved_for: Some(about), ..session.clone() };
        let noted = self.directory.change_session(&session, &proved).await.map_err(stored)?;
        if noted { Ok(()) } else { Err(ApiError::PasskeyNeeded) }
    }

    async fn passkey_sign_in(&self) -> Result<QuestionView, ApiError> {
        let question = self.passkeys()?.sign_in(self.clock.now());
        question.map(view).map_err(|error| refused(&error))
    }
}

impl Pages {
    /// Who comes in with this answer: the person, and their keys as they are from now on.
    ///
    /// # Errors
    /// [`PasskeyError`], whatever does not fit; a disabled person has no keys.
    pub async fn authenticate_by_passkey(&self, ticket: &str, answer: &str) -> Result<Person, PasskeyError> {
        let passkeys = self.passkeys.as_ref().ok_or(PasskeyError::Ticket)?;
        let claimed = passkeys.claimed(answer)?;
        let people = self.directory.people().await.map_err(|error| PasskeyError::Refused(error.to_string()))?;
        let has = |person: &Person| !person.disabled && person.passkeys.iter().any(|key| key.id == claimed);
        let person = people.into_iter().find(has);
        let known = person.as_ref().map_or(&[][..], |person| &person.passkeys);
        let key = passkeys.signed_in(known, ticket, answer, self.clock.now())?;
        let person = person.ok_or_else(|| PasskeyError::Refused("nobody has this key".into()))?;
        let by = EventKind::SignedInLocally { by: "passkey".into() };
        self.note_used(person.clone(), key, by).await;
        Ok(person)
    }

    /// Counter and time of a key that was used; where they cannot be stored now, the event alone.
    async fn note_used(&self, person: Person, key: Enrolled, kind: EventKind) {
        let now = self.clock.now();
        let by = lockdown::operator::Actor {
            id: person.id.clone(),
            name: person.name.clone(),
            surface: lockdown::operator::Surface::Web,
        };
        let keys = person.passkeys.iter().map(|known| if known.id == key.id { key.clone() } else { known.clone() });
        let changed = Person { version: person.version + 1, passkeys: keys.collect(), last_seen: Some(now), ..person };
        let event = NewEvent { at: now, site: None, by: Some(by), kind };
        if self.directory.put_person(&changed, event.clone()).await.is_err()
            && let Err(error) = self.timeline.append(event).await
        {
            tracing::error!(%error, "the use of a passkey could not be put into the timeline");
        }
    }

    /// New keys are taken while the identity provider is there, never in the middle of an outage.
    fn is_online(&self) -> Result<(), ApiError> {
        if self.oidc.as_ref().is_some_and(|oidc| oidc.is_up()) { Ok(()) } else { Err(ApiError::OnlineOnly) }
    }

    fn passkeys(&self) -> Result<&Passkeys, ApiError> {
        self.passkeys.as_ref().ok_or(ApiError::NoPasskey)
    }

    pub(super) async fn session(&self, here: Option<CurrentSession>) -> Result<Option<Session>, ApiError> {
        match here {
            None => Ok(None),
            Some(here) => self.directory.session(&here.0).await.map_err(stored),
        }
    }

    /// The first key soon after the password was typed at the provider; with keys, only after one of
    /// them was used: an open session alone is not the person.
    async fn may_change_keys(&self, person: &Person, here: Option<CurrentSession>) -> Result<(), ApiError> {
        let session = self.session(here).await?.ok_or(ApiError::SignInFirst)?;
        let now = self.clock.now();
        let typed = session.typed_at.is_some_and(|at| now.duration_since(at) <= FRESH);
        let proved = session.proves(app::backend::ABOUT_KEYS, now);
        let is_the_person = if person.passkeys.is_empty() { typed } else { proved };
        if is_the_person { Ok(()) } else { Err(ApiError::FreshSignInNeeded) }
    }

    async fn put_keys(
        &self,
        who: &Operator,
        person: Person,
        keys: Vec<Enrolled>,
        kind: EventKind,
    ) -> Result<(), ApiError> {
        let changed = Person { version: person.version + 1, passkeys: keys, ..person };
        let event = NewEvent { at: self.clock.now(), site: None, by: Some(who.actor()), kind };
        self.directory.put_person(&changed, event).await.map_err(stored)
    }
}

fn view(question: Question) -> QuestionView {
    QuestionView { options: question.options, ticket: question.ticket }
}

fn refused(error: &PasskeyError) -> ApiError {
    tracing::warn!(%error, "a passkey was refused");
    ApiError::PasskeyRefused
}
