//! `people`: the first administrator comes from here, not from a claim in a token.

use super::{Context, Ended, Sorry};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::identity::sealed_code::Envelope;
use crate::services::people::{PeopleService, roster};
use crate::store::records::{Contact, Identity, Person};
use crate::surfaces::web::backend::fallback_sign_in::{MOST_CODES, envelopes};
use clap::Subcommand;
use engine::ports::Clock;
use lockdown::ids::SiteId;
use lockdown::operator::{Grants, Role};
use lockdown::text::plain;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a person; with --subject they can sign in at once
    Add {
        #[arg(long)]
        name: String,
        #[arg(long)]
        email: Option<String>,
        /// Webex account, by id or by the address Webex has for it
        #[arg(long)]
        webex: Option<String>,
        /// Directory number: what they type at a desk phone that is not theirs
        #[arg(long)]
        extension: Option<String>,
        /// A desk phone that is theirs alone, such as SEP001122334455: it asks for the PIN only
        #[arg(long)]
        phone: Vec<String>,
        /// Their object id (oid) at the identity provider
        #[arg(long)]
        subject: Option<String>,
        /// The provider's issuer; the configured one if left out
        #[arg(long)]
        issuer: Option<String>,
        /// eoc, senior_eoc or admin
        #[arg(long, value_parser = role, value_delimiter = ',')]
        role: Vec<Role>,
        /// These roles at this site only
        #[arg(long)]
        site: Option<String>,
    },
    /// Give a person exactly these roles, everywhere or at one site
    Grant {
        /// The id that `people list` shows
        person: String,
        /// eoc, senior_eoc or admin; none takes all roles away
        #[arg(long, value_parser = role, value_delimiter = ',')]
        role: Vec<Role>,
        /// Change the roles at this site only
        #[arg(long)]
        site: Option<String>,
    },
    /// Disable a person: every session ends
    Disable { person: String },
    /// Enable a person again
    Enable { person: String },
    /// Take over a roster of the EOC (CSV: name, email, subject, roles, site, extension)
    Import {
        #[arg(long)]
        file: PathBuf,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Print sealed codes for a person: each is good for one sign-in while the identity provider is away
    Codes {
        /// The id that `people list` shows
        person: String,
        #[arg(long, default_value_t = 2)]
        count: usize,
    },
    /// List everybody
    List,
}

fn role(word: &str) -> Result<Role, String> {
    Role::from_word(word).ok_or_else(|| "write eoc, senior_eoc or admin".into())
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Ended, Sorry> {
    let (config, store) = context.store().await?;
    let desk = PeopleService { store: store.as_ref(), by: None, now: SystemClock.now() };
    match command {
        Command::Add { name, email, webex, extension, phone, subject, issuer, role, site } => {
            let identities = identities(&config, subject, issuer)?;
            let grants = with_roles(Grants::default(), role, known_site(&config, site)?)?;
            let contact = Contact { webex, extension, phones: phone, language: None };
            let person = desk.add(&name, email, contact, identities, grants).await?;
            context.print(&shown(&person), format!("{} added as {}", person.name, person.id));
        }
        Command::Grant { person, role, site } => {
            let found = store.person(&person).await?.ok_or_else(|| nobody(&person))?;
            let grants = with_roles(found.grants(), role, known_site(&config, site)?)?;
            let person = desk.grant(&person, Some(found.version), grants).await?;
            let now = person.grants().words().join(", ");
            context.print(&shown(&person), format!("{} now has: {now}", person.name));
        }
        Command::Disable { person } => {
            desk.set_disabled(&person, None, true).await?;
            context.print(&json!({ "id": person, "disabled": true }), format!("{person} is disabled"));
        }
        Command::Enable { person } => {
            desk.set_disabled(&person, None, false).await?;
            context.print(&json!({ "id": person, "disabled": false }), format!("{person} is enabled"));
        }
        Command::Import { file, dry_run } => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| Sorry(format!("{} cannot be read: {error}", file.display())))?;
            let sites: Vec<SiteId> = config.sites.iter().map(|site| site.plan.site.clone()).collect();
            let issuer = config.identity.as_ref().map(|identity| identity.issuer.as_str());
            let plans = roster::import(&desk, &text, issuer, &sites, dry_run).await?;
            let words: Vec<String> = plans.iter().map(ToString::to_string).collect();
            context.print(&json!({ "dry_run": dry_run, "lines": plans }), words.join("\n"));
        }
        Command::Codes { person, count } => {
            let found = store.person(&person).await?.ok_or_else(|| nobody(&person))?;
            let made = envelopes(desk.now, count.clamp(1, MOST_CODES)).await?;
            let (inside, kept): (Vec<Envelope>, Vec<_>) = made.into_iter().unzip();
            desk.add_codes(&found, kept).await?;
            let lines = inside.iter().map(|one| format!("outside {}   inside {}", one.serial, one.code.expose()));
            let value: Vec<Value> =
                inside.iter().map(|one| json!({ "serial": one.serial, "code": one.code.expose() })).collect();
            let words = lines.collect::<Vec<_>>().join("\n");
            context.print(&json!(value), format!("{words}\nSeal each in an envelope: they are not shown again."));
        }
        Command::List => {
            let people = store.people().await?;
            let lines = people.iter().map(|p| {
                let state = if p.disabled { "disabled".to_owned() } else { p.grants().words().join(", ") };
                format!("{:<16} {:<24} {state}", p.id.as_str(), plain(&p.name))
            });
            let value: Vec<Value> = people.iter().map(shown).collect();
            context.print(&json!(value), lines.collect::<Vec<_>>().join("\n"));
        }
    }
    Ok(Ended::Done)
}

fn nobody(id: &str) -> Sorry {
    Sorry(format!("there is nobody with the id {id}: see `people list`"))
}

fn identities(config: &Config, subject: Option<String>, issuer: Option<String>) -> Result<Vec<Identity>, Sorry> {
    let issuer = issuer.or_else(|| config.identity.as_ref().map(|identity| identity.issuer.clone()));
    match (subject, issuer) {
        (None, _) => Ok(vec![]),
        (Some(subject), Some(issuer)) => Ok(vec![Identity::new(issuer, &subject)]),
        (Some(_), None) => Err(Sorry("--subject needs an issuer: configure [identity], or give --issuer".into())),
    }
}

fn known_site(config: &Config, site: Option<String>) -> Result<Option<SiteId>, Sorry> {
    let Some(site) = site.map(SiteId::try_from).transpose()? else { return Ok(None) };
    if config.sites.iter().any(|known| known.plan.site == site) {
        Ok(Some(site))
    } else {
        Err(Sorry(format!("there is no site “{site}” in the configuration")))
    }
}

/// Exactly these roles there; what is granted elsewhere stays.
fn with_roles(mut grants: Grants, roles: Vec<Role>, site: Option<SiteId>) -> Result<Grants, Sorry> {
    match site {
        None => grants.everywhere = roles.into_iter().collect(),
        Some(_) if roles.contains(&Role::Admin) => {
            return Err(Sorry("the administrator role applies to every site: leave --site out".into()));
        }
        Some(site) if roles.is_empty() => {
            grants.at.remove(&site);
        }
        Some(site) => {
            grants.at.insert(site, roles.into_iter().collect());
        }
    }
    Ok(grants)
}

fn shown(person: &Person) -> Value {
    json!({
        "id": person.id, "name": person.name, "email": person.email, "roles": person.roles,
        "site_roles": person.site_roles, "disabled": person.disabled, "can_sign_in": person.ways_in() > 0,
    })
}
