//! What administrators do with people. The same from a page and from the command line; every change
//! is stored together with the event that tells of it, before and after.

pub mod roster;

use crate::identity::token;
use crate::store::Directory;
use crate::store::records::{Contact, Identity, Person, SealedCode, WEBEX};
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::call_request::line;
use lockdown::ids::OperatorId;
use lockdown::operator::{Actor, Grants};
use lockdown::timeline::EventKind;

/// Why nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeopleError {
    #[error("there is nobody with this id")]
    NoSuchPerson,
    #[error("somebody else changed this profile: look again")]
    Stale,
    #[error("the last administrator cannot lose that role")]
    LastAdmin,
    #[error("a profile cannot be merged into itself")]
    SamePerson,
    #[error("this profile is disabled: enable it first, or keep the other one")]
    KeptIsDisabled,
    #[error("sealed codes are for EOC personnel: give the person a role first")]
    NotOfTheEoc,
    #[error("somebody with this identity is there already")]
    IdentityTaken,
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for PeopleError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::Stale,
            error => Self::Store(error),
        }
    }
}

/// Whoever changes people: an administrator, or the command line (`None`).
pub struct PeopleService<'a> {
    pub store: &'a dyn Directory,
    pub by: Option<Actor>,
    pub now: Timestamp,
}

/// A profile as it begins.
///
/// # Errors
/// Never in practice: the id is made of hex digits.
pub fn profile(
    name: &str,
    email: Option<String>,
    identities: Vec<Identity>,
    grants: Grants,
    now: Timestamp,
) -> Result<Person, StoreError> {
    let id: String = token::digest(&token::random_text()).chars().take(12).collect();
    let id = OperatorId::try_from(format!("p-{id}")).map_err(|error| StoreError::Failed(error.to_string()))?;
    Ok(Person {
        id,
        version: 1,
        // Whatever a provider or a table calls somebody: one line that can be shown to anybody.
        name: line(name).unwrap_or_else(|| "Unnamed".into()),
        email: email.and_then(|email| line(&email)),
        identities,
        roles: grants.everywhere,
        site_roles: grants.at,
        contact: Contact::default(),
        disabled: false,
        created_at: now,
        last_seen: None,
        passkeys: vec![],
        codes: vec![],
        pin: None,
    })
}

/// Whose identity it is, however it was spelled when it was written down.
///
/// # Errors
/// When the store cannot be read.
pub async fn known(store: &dyn Directory, identity: &Identity) -> Result<Option<Person>, StoreError> {
    for Identity { issuer, subject } in identity.spellings() {
        if let Some(person) = store.person_by_identity(&issuer, &subject).await? {
            return Ok(Some(person));
        }
    }
    Ok(None)
}

impl PeopleService<'_> {
    /// # Errors
    /// [`PeopleError::IdentityTaken`], or when it cannot be stored.
    pub async fn add(
        &self,
        name: &str,
        email: Option<String>,
        contact: Contact,
        identities: Vec<Identity>,
        grants: Grants,
    ) -> Result<Person, PeopleError> {
        let person = profile(name, email, identities, grants, self.now)?;
        let person = Person { contact, ..person };
        let id = person.id.clone();
        let name = person.name.clone();
        let roles = person.grants().words();
        let kind = EventKind::PersonAdded { person: id, name, roles };
        self.put(std::slice::from_ref(&person), kind).await.map_err(|error| match error {
            PeopleError::Stale => PeopleError::IdentityTaken,
            error => error,
        })?;
        Ok(person)
    }

    /// Gives exactly these roles.
    ///
    /// # Errors
    /// When the profile is not the one that was `seen`, or nobody would be left to manage people.
    pub async fn grant(&self, id: &str, seen: Option<u64>, grants: Grants) -> Result<Person, PeopleError> {
        let found = self.find(id, seen).await?;
        if found.roles.contains(&lockdown::operator::Role::Admin) && !grants.is_admin() {
            self.another_admin(&found).await?;
        }
        let kind = EventKind::RolesGranted {
            person: found.id.clone(),
            name: found.name.clone(),
            before: found.grants().words(),
            after: grants.words(),
        };
        let changed = Person { version: found.version + 1, ..found }.with_grants(grants);
        self.put(std::slice::from_ref(&changed), kind).await?;
        Ok(changed)
    }

    /// A disabled person is nobody: every session ends, no way in leads anywhere.
    ///
    /// # Errors
    /// As [`PeopleService::grant`].
    pub async fn set_disabled(&self, id: &str, seen: Option<u64>, disabled: bool) -> Result<(), PeopleError> {
        let found = self.find(id, seen).await?;
        if found.disabled == disabled {
            return Ok(());
        }
        if disabled {
            self.another_admin(&found).await?;
        }
        let person = found.id.clone();
        let name = found.name.clone();
        let kind = if disabled {
            EventKind::PersonDisabled { person, name }
        } else {
            EventKind::PersonEnabled { person, name }
        };
        self.put(&[Person { version: found.version + 1, disabled, ..found }], kind).await?;
        if disabled {
            self.end_all(id).await?;
        }
        Ok(())
    }

    /// # Errors
    /// When the profile is not the one that was `seen`.
    pub async fn set_profile(
        &self,
        id: &str,
        seen: Option<u64>,
        email: Option<String>,
        contact: Contact,
    ) -> Result<(), PeopleError> {
        let found = self.find(id, seen).await?;
        // Another account is another person until it is bound anew.
        let freed = found.contact.webex != contact.webex;
        let identities = found.identities.iter().filter(|one| !(freed && one.issuer.starts_with(WEBEX))).cloned();
        let identities = identities.collect();
        let changed = Person { version: found.version + 1, email, contact, identities, ..found.clone() };
        let (before, after) = differences(&found, &changed);
        if after == before {
            return Ok(());
        }
        let kind = EventKind::ProfileChanged { person: found.id, name: found.name, before, after };
        self.put(&[changed], kind).await
    }

    /// Envelopes were printed for somebody of the EOC.
    ///
    /// # Errors
    /// [`PeopleError::NotOfTheEoc`], or when the profile changed meanwhile.
    pub async fn add_codes(&self, found: &Person, new: Vec<SealedCode>) -> Result<(), PeopleError> {
        if found.disabled || found.grants().only_eoc().is_empty() {
            return Err(PeopleError::NotOfTheEoc);
        }
        let kind = EventKind::CodesMade {
            person: found.id.clone(),
            name: found.name.clone(),
            serials: new.iter().map(|code| code.serial.clone()).collect(),
        };
        let codes = found.codes.iter().cloned().chain(new).collect();
        self.put(&[Person { version: found.version + 1, codes, ..found.clone() }], kind).await
    }

    /// Both profiles are the same person: `kept` gets the other's identities and keeps its own roles;
    /// `gone` is disabled and has nothing any more.
    ///
    /// # Errors
    /// As [`PeopleService::grant`].
    pub async fn merge(&self, kept: &str, gone: &str) -> Result<(), PeopleError> {
        if kept == gone {
            return Err(PeopleError::SamePerson);
        }
        let kept = self.find(kept, None).await?;
        let gone = self.find(gone, None).await?;
        if kept.disabled {
            return Err(PeopleError::KeptIsDisabled);
        }
        self.another_admin_if(&gone, kept.grants().is_admin()).await?;
        let before = vec![in_short(&kept), in_short(&gone)];
        let kept_id = kept.id.clone();
        let gone_id = gone.id.clone();
        let gone_name = gone.name.clone();
        let identities = kept.identities.iter().chain(&gone.identities).cloned().collect();
        let kept =
            Person { version: kept.version + 1, identities, email: kept.email.clone().or(gone.email.clone()), ..kept };
        let empty = Person {
            version: gone.version + 1,
            identities: vec![],
            passkeys: vec![],
            codes: vec![],
            pin: None,
            disabled: true,
            ..gone
        };
        let empty = empty.with_grants(Grants::default());
        let after = vec![in_short(&kept), in_short(&empty)];
        let ended = gone_id.clone();
        let name = kept.name.clone();
        let kind = EventKind::PeopleMerged { kept: kept_id, name, gone: gone_id, gone_name, before, after };
        self.put(&[empty, kept], kind).await?;
        self.end_all(ended.as_str()).await
    }

    /// Ends one session of a person, or all of them.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn end_sessions(&self, id: &str, only: Option<&str>) -> Result<usize, PeopleError> {
        let person = self.find(id, None).await?;
        let mut sessions = self.store.sessions_of(id).await?;
        sessions.retain(|session| only.is_none_or(|only| only == session.id));
        for session in &sessions {
            self.store.end_session(&session.id).await?;
        }
        if !sessions.is_empty() {
            let kind = EventKind::SessionsEnded {
                person: person.id.clone(),
                name: person.name.clone(),
                count: sessions.len(),
            };
            let changed = Person { version: person.version + 1, ..person };
            self.put(&[changed], kind).await?;
        }
        Ok(sessions.len())
    }

    async fn end_all(&self, id: &str) -> Result<(), PeopleError> {
        for session in self.store.sessions_of(id).await? {
            self.store.end_session(&session.id).await?;
        }
        Ok(())
    }

    async fn find(&self, id: &str, seen: Option<u64>) -> Result<Person, PeopleError> {
        let found = self.store.person(id).await?.ok_or(PeopleError::NoSuchPerson)?;
        if seen.is_some_and(|seen| seen != found.version) { Err(PeopleError::Stale) } else { Ok(found) }
    }

    async fn another_admin(&self, person: &Person) -> Result<(), PeopleError> {
        self.another_admin_if(person, false).await
    }

    /// Is there somebody left to manage people, without `person`?
    async fn another_admin_if(&self, person: &Person, there_is: bool) -> Result<(), PeopleError> {
        if there_is || !person.grants().is_admin() || person.disabled {
            return Ok(());
        }
        let people = self.store.people().await?;
        // Somebody who can come in, or there is nobody.
        let can = |p: &Person| p.grants().is_admin() && !p.disabled && p.ways_in() > 0;
        let other = people.iter().any(|p| p.id != person.id && can(p));
        if other { Ok(()) } else { Err(PeopleError::LastAdmin) }
    }

    async fn put(&self, people: &[Person], kind: EventKind) -> Result<(), PeopleError> {
        let event = NewEvent { at: self.now, site: None, by: self.by.clone(), kind };
        Ok(self.store.put_people(people, event).await?)
    }
}

/// `Ann (eoc; 1 way to sign in)`.
fn in_short(person: &Person) -> String {
    let roles = person.grants().words().join(" and ");
    let roles = if roles.is_empty() { "no role".to_owned() } else { roles };
    let ways = person.ways_in() + person.passkeys.len();
    format!("{} ({roles}; {ways} {} to sign in)", person.name, if ways == 1 { "way" } else { "ways" })
}

/// What differs, as `field: value`, before and after.
fn differences(before: &Person, after: &Person) -> (Vec<String>, Vec<String>) {
    let fields = |person: &Person| {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "–".into());
        [
            ("e-mail", shown(&person.email)),
            ("webex", shown(&person.contact.webex)),
            ("extension", shown(&person.contact.extension)),
            ("phones", person.contact.phones.join(" ")),
            ("language", shown(&person.contact.language)),
        ]
    };
    let changed = fields(before).into_iter().zip(fields(after)).filter(|(old, new)| old != new);
    changed.map(|((name, old), (_, new))| (format!("{name}: {old}"), format!("{name}: {new}"))).unzip()
}

#[cfg(test)]
mod tests;
