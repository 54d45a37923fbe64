//! A roster of the EOC as CSV: looked through whole before anything is changed, so that one bad line
//! changes nothing.
//!
//! Columns by their names, in any order: `name` (needed), `email`, `subject` (the person's object id at
//! the identity provider), `roles` (`eoc`, `senior_eoc`, `admin`; with a blank between), `site` (empty:
//! everywhere), `extension`; with commas, semicolons or tabs between. Somebody who is there already is recognised by `subject`, else by name and
//! e-mail together; their other roles stay.

use super::{PeopleError, PeopleService};
use crate::store::records::{Contact, Identity, Person};
use lockdown::ids::SiteId;
use lockdown::operator::{Grants, Role};
use serde::{Deserialize, Serialize};

/// What is wrong with the roster: the line, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("line {line}: {what}")]
pub struct BadLine {
    pub line: u64,
    pub what: String,
}

/// What a line comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Plan {
    Add { name: String, roles: Vec<String> },
    Change { name: String, before: Vec<String>, after: Vec<String> },
    Same { name: String },
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let list = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
        match self {
            Self::Add { name, roles } => write!(f, "add {name}: {}", list(roles)),
            Self::Change { name, before, after } => write!(f, "change {name}: {} → {}", list(before), list(after)),
            Self::Same { name } => write!(f, "{name} stays as they are"),
        }
    }
}

/// Why a roster was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Lines(Vec<BadLine>),
    #[error(transparent)]
    People(#[from] PeopleError),
}

#[derive(Deserialize)]
struct Row {
    name: String,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    roles: Option<String>,
    #[serde(default)]
    site: Option<String>,
    #[serde(default)]
    extension: Option<String>,
}

struct Entry {
    row: Row,
    grants: Grants,
}

/// Looks through a roster and, unless it is a `dry_run`, does what it says.
///
/// # Errors
/// [`RosterError::Lines`] names every bad line; then nothing was changed.
pub async fn import(
    desk: &PeopleService<'_>,
    text: &str,
    issuer: Option<&str>,
    sites: &[SiteId],
    dry_run: bool,
) -> Result<Vec<Plan>, RosterError> {
    let entries = read(text, issuer, sites).map_err(RosterError::Lines)?;
    let people = desk.store.people().await.map_err(PeopleError::from)?;
    let ambiguous = ambiguous(&entries, &people);
    if !ambiguous.is_empty() {
        return Err(RosterError::Lines(ambiguous));
    }
    let mut plans = Vec::new();
    for Entry { row, grants } in entries {
        // Two lines may be about one person: what the first one did is read again.
        let now = if dry_run { people.clone() } else { desk.store.people().await.map_err(PeopleError::from)? };
        let known = now.iter().find(|person| is_same(person, &row, issuer));
        let plan = plan(known, &row, &grants);
        if !dry_run {
            carry_out(desk, known.cloned(), row, issuer, grants).await?;
        }
        plans.push(plan);
    }
    Ok(plans)
}

fn read(text: &str, issuer: Option<&str>, sites: &[SiteId]) -> Result<Vec<Entry>, Vec<BadLine>> {
    let (text, delimiter) = table(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).delimiter(delimiter).from_reader(text.as_bytes());
    if let Ok(head) = reader.headers() {
        // As a spreadsheet capitalises them.
        let head: csv::StringRecord = head.iter().map(str::to_lowercase).collect();
        if !head.iter().any(|column| column == "name") {
            let what = "the first line must name the columns, one of them “name”, with , or ; between".to_owned();
            return Err(vec![BadLine { line: 1, what }]);
        }
        reader.set_headers(head);
    }
    let mut entries = Vec::new();
    let mut bad = Vec::new();
    let mut seen = Vec::new();
    for row in reader.deserialize::<Row>() {
        let line = row.as_ref().map_or_else(|error| error.position().map_or(0, csv::Position::line), |_| 0);
        let line = if line == 0 { entries.len() as u64 + bad.len() as u64 + 2 } else { line };
        let entry = row.map_err(|error| error.to_string()).and_then(|row| checked(row, issuer, sites));
        match entry {
            Ok(entry) => {
                let key = (entry.row.name.clone(), entry.row.subject.clone(), entry.row.site.clone());
                if seen.contains(&key) {
                    bad.push(BadLine { line, what: format!("{} is there twice", entry.row.name) });
                }
                seen.push(key);
                entries.push(entry);
            }
            Err(what) => bad.push(BadLine { line, what }),
        }
    }
    if bad.is_empty() { Ok(entries) } else { Err(bad) }
}

/// Spreadsheets put a byte order mark before a table, a line that names the delimiter, and, where the comma is for
/// decimals, semicolons between cells.
fn table(text: &str) -> (&str, u8) {
    let text = text.trim_start_matches('\u{feff}');
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    if let Some(named) = first.trim().to_ascii_lowercase().strip_prefix("sep=") {
        return (rest, named.bytes().next().unwrap_or(b','));
    }
    let count = |delimiter: char| first.matches(delimiter).count();
    let delimiter =
        [',', ';', '\t'].into_iter().max_by_key(|delimiter| (count(*delimiter), *delimiter == ',')).unwrap_or(',');
    (text, u8::try_from(delimiter).unwrap_or(b','))
}

fn checked(row: Row, issuer: Option<&str>, sites: &[SiteId]) -> Result<Entry, String> {
    if row.name.is_empty() {
        return Err("the name is empty".into());
    }
    if row.subject.as_ref().is_some_and(|subject| !subject.is_empty()) && issuer.is_none() {
        return Err("a subject needs an identity provider: configure [identity]".into());
    }
    let words = row.roles.clone().unwrap_or_default();
    let roles: Vec<Role> = words
        .split_whitespace()
        .map(|word| Role::from_word(word).ok_or_else(|| format!("“{word}” is no role: write eoc, senior_eoc or admin")))
        .collect::<Result<_, _>>()?;
    let grants = match row.site.as_deref().filter(|site| !site.is_empty()) {
        None => Grants::from(roles),
        Some(site) => {
            let id = sites.iter().find(|id| id.as_str() == site);
            let id = id.ok_or_else(|| format!("there is no site “{site}” in the configuration"))?;
            if roles.contains(&Role::Admin) {
                return Err("the administrator role applies to every site: leave the site empty".into());
            }
            Grants { everywhere: [].into(), at: [(id.clone(), roles.into_iter().collect())].into() }
        }
    };
    Ok(Entry { row, grants })
}

fn is_same(person: &Person, row: &Row, issuer: Option<&str>) -> bool {
    let subject = row.subject.as_deref().filter(|subject| !subject.is_empty());
    match (subject, issuer) {
        (Some(subject), Some(issuer)) => {
            let asked = Identity::new(issuer.to_owned(), subject);
            person.identities.iter().any(|identity| identity.is_same(&asked))
        }
        // A name and an e-mail are what anybody may call themselves who signs in: they count only for
        // somebody who cannot yet.
        _ => cannot_sign_in(person) && goes_by(person, row),
    }
}

fn cannot_sign_in(person: &Person) -> bool {
    person.ways_in() == 0 && person.passkeys.is_empty()
}

fn goes_by(person: &Person, row: &Row) -> bool {
    person.name == row.name && person.email == filled(row.email.clone())
}

/// Lines without a subject that fit somebody who can sign in already: whose they are, only a subject says.
fn ambiguous(entries: &[Entry], people: &[Person]) -> Vec<BadLine> {
    let fits = |row: &Row| people.iter().any(|person| !cannot_sign_in(person) && goes_by(person, row));
    let unnamed = |row: &Row| filled(row.subject.clone()).is_none();
    let bad = entries.iter().zip(2..).filter(|(entry, _)| unnamed(&entry.row) && fits(&entry.row));
    bad.map(|(entry, line)| BadLine {
        line,
        what: format!("somebody signs in as {} already: give the subject", entry.row.name),
    })
    .collect()
}

fn plan(known: Option<&Person>, row: &Row, grants: &Grants) -> Plan {
    let name = row.name.clone();
    match known {
        None => Plan::Add { name, roles: grants.words() },
        Some(person) => {
            let before = person.grants().words();
            let after = added(person.grants(), grants).words();
            if before == after { Plan::Same { name } } else { Plan::Change { name, before, after } }
        }
    }
}

async fn carry_out(
    desk: &PeopleService<'_>,
    known: Option<Person>,
    row: Row,
    issuer: Option<&str>,
    grants: Grants,
) -> Result<(), PeopleError> {
    let person = if let Some(now) = known {
        let wanted = added(now.grants(), &grants);
        if wanted == now.grants() { now } else { desk.grant(now.id.as_str(), Some(now.version), wanted).await? }
    } else {
        let identity = |subject: String| Some(Identity::new(issuer?.to_owned(), &subject));
        let identities = filled(row.subject).and_then(identity).into_iter().collect();
        desk.add(&row.name, filled(row.email), Contact::default(), identities, grants).await?
    };
    if let Some(extension) = filled(row.extension) {
        let contact = Contact { extension: Some(extension), ..person.contact.clone() };
        desk.set_profile(person.id.as_str(), Some(person.version), person.email.clone(), contact).await?;
    }
    Ok(())
}

fn added(mut grants: Grants, more: &Grants) -> Grants {
    grants.everywhere.extend(more.everywhere.iter().copied());
    for (site, roles) in &more.at {
        grants.at.entry(site.clone()).or_default().extend(roles.iter().copied());
    }
    grants
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}
