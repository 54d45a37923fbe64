//! The pages about people. Who may is asked first; what is done stands in `people/`.

use super::{Pages, me, stored};
use crate::identity::passkey::Enrolled;
use crate::services::people::{PeopleError, PeopleService, roster};
use crate::store::records::{Audience, Contact, Person, Session};
use app::ApiError;
use app::backend::{CurrentSession, People, Profile};
use app::view::{ContactView, MyView, PasskeyView, PeopleView, PersonPageView, PersonView, SessionView};
use async_trait::async_trait;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Act, Grants, Operator};

#[async_trait]
impl People for Pages {
    async fn people(&self, who: &Operator, find: Option<String>) -> Result<PeopleView, ApiError> {
        manages(who)?;
        let find = find.unwrap_or_default().to_lowercase();
        let mut people = self.directory.people().await.map_err(stored)?;
        people.retain(|p| {
            let email = p.email.as_deref().unwrap_or_default();
            p.name.to_lowercase().contains(&find) || email.to_lowercase().contains(&find)
        });
        let people = people.into_iter().map(|person| self.person_view(person)).collect();
        Ok(PeopleView { me: me(who), people, reviews: self.open_reviews().await.map_err(stored)? })
    }

    async fn person(
        &self,
        who: &Operator,
        id: OperatorId,
        here: Option<CurrentSession>,
    ) -> Result<PersonPageView, ApiError> {
        manages(who)?;
        let person = self.find(&id).await?;
        let people = self.directory.people().await.map_err(stored)?;
        let others = people.into_iter().filter(|p| p.id != id && !p.disabled).map(|p| (p.id, p.name)).collect();
        Ok(PersonPageView {
            me: me(who),
            grants: person.grants(),
            sites: self.site_names(),
            others,
            sessions: self.sessions(&id, here).await?,
            passkeys: self.passkey_views(&person),
            envelopes: self.envelopes_of(&person).await,
            has_pin: person.pin.is_some(),
            contact: contact_view(&person),
            person: self.person_view(person),
        })
    }

    async fn set_roles(&self, who: &Operator, id: OperatorId, seen: u64, grants: Grants) -> Result<(), ApiError> {
        manages(who)?;
        if let Some(unknown) = grants.at.keys().find(|site| self.engine.status(site).is_err()) {
            tracing::warn!(%unknown, "roles at a site that is not there were refused");
            return Err(ApiError::NoSuchSite);
        }
        self.desk(who).grant(id.as_str(), Some(seen), grants).await.map(|_| ()).map_err(refused)
    }

    async fn set_profile(&self, who: &Operator, id: OperatorId, seen: u64, profile: Profile) -> Result<(), ApiError> {
        manages(who)?;
        let Profile { email, webex, extension, phones, language } = profile;
        let contact = Contact { webex, extension, phones, language };
        self.desk(who).set_profile(id.as_str(), Some(seen), email, contact).await.map_err(refused)
    }

    async fn set_disabled(&self, who: &Operator, id: OperatorId, seen: u64, disabled: bool) -> Result<(), ApiError> {
        manages(who)?;
        self.desk(who).set_disabled(id.as_str(), Some(seen), disabled).await.map_err(refused)
    }

    async fn merge_people(&self, who: &Operator, kept: OperatorId, gone: OperatorId) -> Result<(), ApiError> {
        manages(who)?;
        self.desk(who).merge(kept.as_str(), gone.as_str()).await.map_err(refused)
    }

    async fn end_sessions(
        &self,
        who: &Operator,
        here: Option<CurrentSession>,
        id: OperatorId,
        only: Option<String>,
    ) -> Result<(), ApiError> {
        if who.id != id {
            manages(who)?;
        }
        self.not_by_envelope(here).await?;
        self.desk(who).end_sessions(id.as_str(), only.as_deref()).await.map(|_| ()).map_err(refused)
    }

    async fn import_roster(&self, who: &Operator, roster: String, dry_run: bool) -> Result<Vec<String>, ApiError> {
        manages(who)?;
        let sites: Vec<SiteId> = self.site_names().into_iter().map(|(id, _)| id).collect();
        let plans = roster::import(&self.desk(who), &roster, self.issuer.as_deref(), &sites, dry_run).await;
        match plans {
            Ok(plans) if dry_run => Err(ApiError::Told(said(&plans))),
            Ok(plans) => Ok(plans.iter().map(ToString::to_string).collect()),
            Err(roster::RosterError::People(error)) => Err(refused(error)),
            Err(lines @ roster::RosterError::Lines(_)) => Err(ApiError::Told(lines.to_string())),
        }
    }

    async fn me(&self, who: &Operator, here: Option<CurrentSession>) -> Result<MyView, ApiError> {
        let person = self.find(&who.id).await?;
        let passkeys = self.passkey_views(&person);
        let contact = contact_view(&person);
        let now = self.clock.now();
        let pin_set = person.pin.as_ref().map(|pin| self.moment(None, pin.set_at, now));
        let view = self.person_view(person);
        let sessions = self.sessions(&who.id, here).await?;
        let may_enrol = self.passkeys.is_some();
        let link = self.bot.as_ref().map(|bot| format!("link {}", bot.link_code(&who.id, now)));
        Ok(MyView {
            link,
            me: me(who),
            id: view.id,
            email: view.email,
            contact,
            rights: view.rights,
            sessions,
            passkeys,
            may_enrol,
            pin_set,
        })
    }
}

/// Lines of a plan that fit into an address: the way back from a plain form.
const SAID: usize = 20;

fn said(plans: &[roster::Plan]) -> String {
    let mut lines: Vec<String> = plans.iter().take(SAID).map(ToString::to_string).collect();
    if plans.len() > SAID {
        lines.push(format!("and {} lines more", plans.len() - SAID));
    }
    format!("Nothing was changed. Importing would: {}.", lines.join("; "))
}

pub(super) fn manages(who: &Operator) -> Result<(), ApiError> {
    who.may(Act::Manage, None).map_err(ApiError::Refused)
}

impl Pages {
    pub(super) fn desk(&self, who: &Operator) -> PeopleService<'_> {
        PeopleService { store: self.directory.as_ref(), by: Some(who.actor()), now: self.clock.now() }
    }

    fn passkey_views(&self, person: &Person) -> Vec<PasskeyView> {
        let now = self.clock.now();
        let moment = |at| self.moment(None, at, now);
        let view = |key: &Enrolled| PasskeyView {
            id: key.id.clone(),
            label: key.label.clone(),
            added: moment(key.added_at),
            used: key.used_at.map(moment),
        };
        person.passkeys.iter().map(view).collect()
    }

    pub(super) async fn find(&self, id: &OperatorId) -> Result<Person, ApiError> {
        self.directory.person(id.as_str()).await.map_err(stored)?.ok_or(ApiError::NoSuchPerson)
    }

    pub(super) fn site_names(&self) -> Vec<(SiteId, String)> {
        self.engine.statuses().into_iter().map(|status| (status.id, status.name)).collect()
    }

    fn person_view(&self, person: Person) -> PersonView {
        let now = self.clock.now();
        let names = self.site_names();
        let grants = person.grants();
        let at = grants.at.iter().flat_map(|(site, roles)| {
            let name = names.iter().find(|(id, _)| id == site).map_or(site.as_str(), |(_, name)| name);
            roles.iter().map(move |role| format!("{} at {name}", role.title()))
        });
        let rights = grants.everywhere.iter().map(|role| role.title().to_owned()).chain(at).collect();
        let can_sign_in = person.ways_in() > 0;
        PersonView {
            id: person.id,
            version: person.version,
            name: person.name,
            email: person.email,
            rights,
            disabled: person.disabled,
            can_sign_in,
            last_seen: person.last_seen.map(|at| self.moment(None, at, now)),
        }
    }

    async fn sessions(&self, of: &OperatorId, here: Option<CurrentSession>) -> Result<Vec<SessionView>, ApiError> {
        let now = self.clock.now();
        let sessions = self.directory.sessions_of(of.as_str()).await.map_err(stored)?;
        let view = |session: Session| SessionView {
            device: match session.audience {
                Audience::Gadget => format!("{}, the Finesse gadget", device(session.agent.as_deref())),
                Audience::Console | Audience::Handoff => device(session.agent.as_deref()),
            },
            since: self.moment(None, session.created_at, now),
            seen: self.moment(None, session.seen_at, now),
            from: session.address.map(|address| format!(", from {address}")).unwrap_or_default(),
            is_this: here.as_ref().is_some_and(|here| here.0 == session.id),
            id: session.id,
        };
        Ok(sessions
            .into_iter()
            .filter(|session| session.ends_at > now && session.audience != Audience::Handoff)
            .map(view)
            .collect())
    }
}

fn contact_view(person: &Person) -> ContactView {
    let Contact { webex, extension, phones, language } = person.contact.clone();
    ContactView { webex, extension, phones, language }
}

/// `Firefox on Windows`: enough to recognise one's own.
fn device(agent: Option<&str>) -> String {
    let Some(agent) = agent else { return "A browser".into() };
    let named = |names: &[(&str, &str)], other: &str| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map_or(other, |(_, name)| name).to_owned()
    };
    let browser =
        named(&[("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari")], "A program");
    let system = named(
        &[
            ("Android", "Android"),
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Windows", "Windows"),
            ("Mac OS", "macOS"),
            ("Linux", "Linux"),
        ],
        "an unknown system",
    );
    format!("{browser} on {system}")
}

pub(super) fn refused(error: PeopleError) -> ApiError {
    match error {
        PeopleError::NoSuchPerson => ApiError::NoSuchPerson,
        PeopleError::Stale | PeopleError::IdentityTaken => ApiError::Stale,
        PeopleError::LastAdmin => ApiError::LastAdmin,
        PeopleError::NotOfTheEoc => {
            ApiError::Told("Sealed codes are for EOC personnel: give the person a role first.".into())
        }
        PeopleError::SamePerson => ApiError::SamePerson,
        PeopleError::KeptIsDisabled => ApiError::KeptIsDisabled,
        PeopleError::Store(error) => stored(error),
    }
}
