//! What is kept of people, sessions and keys.

use crate::identity::passkey::Enrolled;
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Act, Actor, Authority, Grants, Operator, Role, Scope, Surface};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A person's profile. A first sign-in makes one without any role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: OperatorId,
    pub version: u64,
    pub name: String,
    /// For display and contact only: never to recognise somebody by.
    pub email: Option<String>,
    pub identities: Vec<Identity>,
    /// At every site.
    pub roles: BTreeSet<Role>,
    /// Besides, at single sites.
    #[serde(default)]
    pub site_roles: BTreeMap<SiteId, BTreeSet<Role>>,
    #[serde(default)]
    pub contact: Contact,
    pub disabled: bool,
    pub created_at: Timestamp,
    #[serde(default)]
    pub last_seen: Option<Timestamp>,
    #[serde(default)]
    pub passkeys: Vec<Enrolled>,
    /// Sealed codes for signing in while the identity provider is away.
    #[serde(default)]
    pub codes: Vec<SealedCode>,
    /// For desk phones, which know no better proof.
    #[serde(default)]
    pub pin: Option<Pin>,
}

/// A code in an envelope, good once. The code itself is nowhere kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedCode {
    /// Stands outside on the envelope.
    pub serial: String,
    /// Argon2id, as a PHC string.
    pub hash: String,
    pub made_at: Timestamp,
}

/// Argon2id, as a PHC string: six digits need a slow hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    pub hash: String,
    pub set_at: Timestamp,
}

/// How the issuer of a Webex account begins.
pub const WEBEX: &str = "webex:";

impl Person {
    /// Ways to sign in through an identity provider. A Webex account is known to the bot and opens no door.
    pub fn ways_in(&self) -> usize {
        self.identities.iter().filter(|identity| !identity.issuer.starts_with(WEBEX)).count()
    }

    pub fn grants(&self) -> Grants {
        Grants { everywhere: self.roles.clone(), at: self.site_roles.clone() }
    }

    /// May give the all-clear at `site`, as the rule book says of whoever signed in on the console.
    pub fn is_senior(&self, site: &SiteId) -> bool {
        let who = Operator {
            id: self.id.clone(),
            name: self.name.clone(),
            surface: Surface::Web,
            authority: Authority::Roles(self.grants()),
        };
        !self.disabled && who.may(Act::Release, Some(site)).is_ok()
    }

    #[must_use]
    pub fn with_grants(self, grants: Grants) -> Self {
        Self { roles: grants.everywhere, site_roles: grants.at, ..self }
    }
}

/// How the EOC and its machines reach somebody, besides e-mail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Webex person id or e-mail.
    pub webex: Option<String>,
    /// Directory number inside the site.
    pub extension: Option<String>,
    /// Names of desk phones, such as `SEP001122334455`.
    #[serde(default)]
    pub phones: Vec<String>,
    /// BCP 47; the screens speak English so far.
    pub language: Option<String>,
}

/// Who somebody is to an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub issuer: String,
    /// `oid` where there is one, else `sub`.
    pub subject: String,
}

impl Identity {
    pub fn new(issuer: String, subject: &str) -> Self {
        Self { issuer, subject: one_spelling(subject) }
    }

    /// As it may have been written down: before they were spelled alike, as somebody had typed it. The likeliest first.
    pub fn spellings(&self) -> Vec<Self> {
        let lower = one_spelling(&self.subject);
        let upper = lower.to_ascii_uppercase();
        let mut all = vec![lower.clone()];
        if is_guid(&lower) {
            all.extend([upper.clone(), format!("{{{lower}}}"), format!("{{{upper}}}")]);
        }
        all.into_iter().map(|subject| Self { issuer: self.issuer.clone(), subject }).collect()
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.issuer == other.issuer && one_spelling(&self.subject) == one_spelling(&other.subject)
    }
}

/// Portals and scripts write an object id in capitals or in braces, tokens do not: it is the same id. What is no such id
/// is left as it is.
pub fn one_spelling(subject: &str) -> String {
    let subject = subject.trim();
    let bare = subject.trim_start_matches('{').trim_end_matches('}');
    if is_guid(bare) { bare.to_ascii_lowercase() } else { subject.to_owned() }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A browser that is signed in. The token itself is nowhere kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// SHA-256 of the token, hex.
    pub id: String,
    pub person: OperatorId,
    pub created_at: Timestamp,
    /// Last act of a human; an open event stream does not count.
    pub seen_at: Timestamp,
    pub ends_at: Timestamp,
    /// How the person came in.
    #[serde(default)]
    pub means: Means,
    /// What it is good for.
    #[serde(default)]
    pub audience: Audience,
    /// Where from, as far as is known.
    #[serde(default)]
    pub address: Option<String>,
    /// What the browser calls itself.
    #[serde(default)]
    pub agent: Option<String>,
    /// Until when a fresh proof of the person is taken for one.
    #[serde(default)]
    pub proved_until: Option<Timestamp>,
    /// When the password was typed, where that was asked for.
    #[serde(default)]
    pub typed_at: Option<Timestamp>,
    /// What the fresh proof was given for.
    #[serde(default)]
    pub proved_for: Option<String>,
    /// Since when it goes on only because the identity provider is away.
    #[serde(default)]
    pub extended_at: Option<Timestamp>,
}

impl Session {
    /// Does a fresh proof lie there for just this?
    pub fn proves(&self, about: &str, now: Timestamp) -> bool {
        self.proved_until.is_some_and(|until| until > now) && self.proved_for.as_deref() == Some(about)
    }
}

impl Session {
    /// After the end an outage of the identity provider may keep it alive for so long, and somewhat more.
    const AFTERLIFE: SignedDuration = SignedDuration::from_hours(25);

    /// When it can be forgotten for good.
    pub fn forgotten_at(&self) -> Timestamp {
        self.ends_at + Self::AFTERLIFE
    }
}

/// What a session is good for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Our own pages.
    #[default]
    Console,
    /// A frame in another site's page.
    Gadget,
    /// Nothing yet: a frame that has the secret takes it.
    Handoff,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    #[default]
    Provider,
    Passkey,
    /// One sealed code: may lock, and no more.
    Code,
    /// Two codes from two envelopes: may release too.
    TwoCodes,
}

/// An API key. The key itself is nowhere kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRecord {
    pub id: OperatorId,
    pub name: String,
    /// SHA-256 of the whole key, hex: 178 bits of chance need no slow hash.
    pub hash: String,
    pub scopes: BTreeSet<Scope>,
    pub site: Option<SiteId>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// Good from these addresses only; from everywhere where there are none.
    #[serde(default)]
    pub networks: Vec<IpNet>,
    /// The secret before the last rotation, for a few days more.
    #[serde(default)]
    pub previous: Option<OldSecret>,
    /// Who made it; `None` for the command line.
    #[serde(default)]
    pub by: Option<Actor>,
    /// To the day.
    #[serde(default)]
    pub last_used: Option<Timestamp>,
}

impl ClientRecord {
    /// The key of a gadget's file, which every agent can read.
    pub fn is_public(&self) -> bool {
        self.scopes.iter().all(|scope| *scope == Scope::StatusEmbed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecret {
    /// SHA-256 of the whole key, hex.
    pub hash: String,
    pub ends_at: Timestamp,
}

/// An answer kept for a repeated request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// SHA-256 of method, path and body, hex.
    pub request: String,
    pub status: u16,
    pub etag: Option<String>,
    pub body: String,
    pub at: Timestamp,
}
