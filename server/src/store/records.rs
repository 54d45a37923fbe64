//! What is kept of people, sessions and keys.

use jiff::Timestamp;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Role, Scope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A person's profile. A first sign-in makes one without any role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    pub id: OperatorId,
    pub version: u64,
    pub name: String,
    /// For display and contact only: never to recognise somebody by.
    pub email: Option<String>,
    pub identities: Vec<Identity>,
    pub roles: BTreeSet<Role>,
    pub disabled: bool,
    pub created_at: Timestamp,
}

/// Who somebody is to an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub issuer: String,
    /// `oid` where there is one, else `sub`.
    pub subject: String,
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
