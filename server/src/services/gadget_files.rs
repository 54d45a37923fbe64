//! The gadget files that were made: each has a key of its own, so that one can be taken back.

use super::gadget_shell::{Shell, VERSION, file_name};
use crate::identity::api_key::{ApiKeys, KeyError, KeySpec};
use crate::services::readiness::Finding;
use crate::store::Directory;
use crate::store::documents::{Document, Documents};
use crate::store::records::ClientRecord;
use engine::ports::StoreError;
use jiff::Timestamp;
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Actor, Scope};
use serde::{Deserialize, Serialize};

/// As long as a key can be good: its end is told two weeks before.
const DAYS: i64 = 365;

const DOCUMENT: &str = "finesse/files";

/// A file that was made, without its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Of its key.
    pub key: OperatorId,
    pub name: String,
    /// SHA-256, hex.
    pub hash: String,
    pub at: Timestamp,
}

/// Makes a file for a site, with a new key.
///
/// # Errors
/// [`KeyError`]: no file was made.
pub async fn make(
    directory: &dyn Directory,
    documents: &dyn Documents,
    origin: &str,
    site: &SiteId,
    by: Option<Actor>,
    now: Timestamp,
) -> Result<(Made, String), KeyError> {
    let spec = KeySpec {
        name: format!("Finesse gadget {VERSION}, {site}"),
        scopes: [Scope::StatusEmbed].into(),
        site: Some(site.clone()),
        networks: vec![],
        days: DAYS,
    };
    let key = ApiKeys { store: directory, by, now }.add(spec).await?;
    let shell = Shell { origin: origin.to_owned(), key: key.key.expose().to_owned() };
    let made = Made { key: key.record.id, name: file_name(site), hash: shell.hash(), at: now };
    keep(documents, made.clone()).await?;
    Ok((made, shell.text()))
}

/// All that were made, the newest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn all(documents: &dyn Documents) -> Result<Vec<Made>, StoreError> {
    let document = documents.document(DOCUMENT).await?;
    Ok(document.and_then(|document| serde_json::from_str(&document.text).ok()).unwrap_or_default())
}

/// The newest file whose key is good. Finesse shows what was uploaded there: whether it is this one, its hash says.
pub fn newest(made: &[Made], keys: &[ClientRecord], now: Timestamp) -> Finding {
    let live =
        |file: &&Made| keys.iter().any(|key| key.id == file.key && key.revoked_at.is_none() && key.expires_at > now);
    match made.iter().find(live) {
        None => {
            let fix = "Make a file on the page Finesse, upload it, and compare its SHA-256 there.";
            Finding::warning("gadget", "no file that was made has a good key", fix)
        }
        Some(file) => {
            let hash: String = file.hash.chars().take(16).collect();
            Finding::good("gadget", format!("the newest is {}, SHA-256 {hash}…", file.name))
        }
    }
}

/// Remembered with the last fifty.
async fn keep(documents: &dyn Documents, made: Made) -> Result<(), StoreError> {
    let version = documents.document(DOCUMENT).await?.map_or(0, |document| document.version);
    let mut files = all(documents).await?;
    files.insert(0, made);
    files.truncate(50);
    let text = serde_json::to_string(&files).map_err(|error| StoreError::Failed(error.to_string()))?;
    documents.put_document(DOCUMENT, &Document { version: version + 1, text }).await
}
