//! `people`: the first administrator comes from here, not from a claim in a token.

use super::{Context, Ended, Sorry};
use crate::clock::SystemClock;
use crate::engine::ports::{Clock, NewEvent};
use crate::identity::token;
use crate::store::Directory;
use crate::store::records::{Identity, Person};
use clap::Subcommand;
use lockdown::ids::OperatorId;
use lockdown::operator::Role;
use lockdown::timeline::EventKind;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a person; with --subject they can sign in at once
    Add {
        #[arg(long)]
        name: String,
        #[arg(long)]
        email: Option<String>,
        /// Their object id (oid) at the identity provider
        #[arg(long)]
        subject: Option<String>,
        /// The provider's issuer; the configured one if left out
        #[arg(long)]
        issuer: Option<String>,
        /// eoc, senior_eoc or admin
        #[arg(long, value_parser = role, value_delimiter = ',')]
        role: Vec<Role>,
    },
    /// Give a person exactly these roles
    Grant {
        /// The id that `people list` shows
        person: String,
        /// eoc, senior_eoc or admin; none takes all roles away
        #[arg(long, value_parser = role, value_delimiter = ',')]
        role: Vec<Role>,
    },
    /// List everybody
    List,
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| "write eoc, senior_eoc or admin".into())
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Ended, Sorry> {
    let (config, store) = context.store().await?;
    match command {
        Command::Add { name, email, subject, issuer, role } => {
            let issuer = issuer.or_else(|| config.identity.as_ref().map(|identity| identity.issuer.clone()));
            let identities = match (subject, issuer) {
                (None, _) => vec![],
                (Some(subject), Some(issuer)) => vec![Identity { issuer, subject }],
                (Some(_), None) => {
                    return Err(Sorry("--subject needs an issuer: configure [identity], or give --issuer".into()));
                }
            };
            let person = add(store.as_ref(), &name, email, identities, role).await?;
            context.print(&shown(&person), format!("{} added as {}", person.name, person.id));
        }
        Command::Grant { person, role } => {
            let person = grant(store.as_ref(), &person, role).await?;
            context.print(&shown(&person), format!("{} now has: {}", person.name, words(&person.roles).join(", ")));
        }
        Command::List => {
            let people = store.people().await?;
            let lines =
                people.iter().map(|p| format!("{:<16} {:<24} {}", p.id.as_str(), p.name, words(&p.roles).join(", ")));
            let value: Vec<Value> = people.iter().map(shown).collect();
            context.print(&json!(value), lines.collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(Ended::Done)
}

async fn add(
    store: &dyn Directory,
    name: &str,
    email: Option<String>,
    identities: Vec<Identity>,
    roles: Vec<Role>,
) -> Result<Person, Sorry> {
    let now = SystemClock.now();
    let id: String = token::digest(&token::random_text()).chars().take(12).collect();
    let id = OperatorId::try_from(format!("p-{id}"))?;
    let person = Person {
        id: id.clone(),
        version: 1,
        name: name.to_owned(),
        email,
        identities,
        roles: roles.into_iter().collect(),
        disabled: false,
        created_at: now,
    };
    let added = EventKind::PersonAdded { person: id.clone(), name: name.to_owned() };
    let event = NewEvent { at: now, site: None, by: None, kind: added };
    store.put_person(&person, event).await.map_err(|error| match error {
        crate::engine::ports::StoreError::Conflict => {
            Sorry("somebody with this identity is there already: see `people list`".into())
        }
        error => error.into(),
    })?;
    Ok(person)
}

async fn grant(store: &dyn Directory, id: &str, roles: Vec<Role>) -> Result<Person, Sorry> {
    let found =
        store.person(id).await?.ok_or_else(|| Sorry(format!("there is nobody with the id {id}: see `people list`")))?;
    let changed = Person { version: found.version + 1, roles: roles.into_iter().collect(), ..found.clone() };
    let kind = EventKind::RolesGranted {
        person: found.id,
        name: found.name,
        before: words(&found.roles),
        after: words(&changed.roles),
    };
    store.put_person(&changed, NewEvent { at: SystemClock.now(), site: None, by: None, kind }).await?;
    Ok(changed)
}

fn words(roles: &BTreeSet<Role>) -> Vec<String> {
    roles.iter().map(|role| role.word().to_owned()).collect()
}

fn shown(person: &Person) -> Value {
    json!({ "id": person.id, "name": person.name, "email": person.email, "roles": words(&person.roles), "disabled": person.disabled, "can_sign_in": !person.identities.is_empty() })
}
