//! From an address to a client that notices a dead server in time.

use super::{Mongo, PATIENCE};
use crate::config::Secret;
use mongodb::Client;
use mongodb::bson::doc;
use mongodb::options::{Acknowledgment, ClientOptions, ReadConcern, ReadPreference, SelectionCriteria, WriteConcern};
use std::sync::Arc;
use std::time::Duration;

/// Where the address names no database.
const DATABASE: &str = "pstn_lockdown";

/// Why the address cannot be used. The text says what to do and holds no password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("mongodb+srv:// needs names from the internet. List the servers: mongodb://a,b,c/?replicaSet=rs0")]
    Srv,
    #[error(
        "the option {0} is not known to this program, whose calls have limits of their own. Take it out of the address"
    )]
    Unsupported(&'static str),
    #[error(
        "the address cannot be read. Write mongodb://name:password@host,host/?replicaSet=rs0, and in name and password \
         each of : / ? # [ ] @ % as % and two hexadecimal digits"
    )]
    Malformed,
    #[error("the option {0} of the address cannot be read")]
    Option(String),
}

impl Mongo {
    /// Prepares a client; nothing is sent yet, so a database that is away delays no start.
    ///
    /// # Errors
    /// [`ConnectError`] says what is wrong with the address.
    pub async fn connect(uri: &Secret) -> Result<Self, ConnectError> {
        let text = uri.expose();
        if text.starts_with("mongodb+srv://") {
            return Err(ConnectError::Srv);
        }
        let lower = text.to_ascii_lowercase();
        for option in ["socketTimeoutMS", "timeoutMS", "waitQueueTimeoutMS"] {
            let named = format!("{}=", option.to_ascii_lowercase());
            if lower.split(['?', '&']).any(|part| part.starts_with(&named)) {
                return Err(ConnectError::Unsupported(option));
            }
        }
        let parsed = ClientOptions::parse(text).await;
        let mut options = parsed.map_err(|_| malformed(text))?;
        with_limits(&mut options);
        let database = options.default_database.clone().unwrap_or_else(|| DATABASE.to_owned());
        let client = Client::with_options(options).map_err(|_| malformed(text))?;
        Ok(Self { database: client.database(&database), client, line: Arc::default() })
    }

    /// Takes the whole database away; for tests.
    #[cfg(test)]
    pub(crate) async fn drop_database(&self) {
        let _ = self.database.run_command(doc! { "dropDatabase": 1 }).await;
    }

    /// What the server says of itself, for `doctor`.
    ///
    /// # Errors
    /// [`engine::ports::StoreError::Away`].
    pub async fn describe(&self) -> Result<String, engine::ports::StoreError> {
        let asked = self.client.database("admin");
        let hello = super::within(super::Asking::Read, asked.run_command(doc! { "hello": 1 })).await?;
        let info = super::within(super::Asking::Read, asked.run_command(doc! { "buildInfo": 1 })).await?;
        let version = info.get_str("version").unwrap_or("unknown version");
        Ok(match hello.get_str("setName") {
            Ok(set) => format!("MongoDB {version}, replica set {set}, database {}", self.database.name()),
            Err(_) => format!("MongoDB {version}, no replica set, database {}", self.database.name()),
        })
    }
}

/// The driver repeats what it could not read, and that may be a part of the password. Only what is told apart from it by
/// its place is named.
fn malformed(text: &str) -> ConnectError {
    // Without the sign behind a password, what comes after a `?` may be a part of one.
    let options = text.rsplit_once('@').and_then(|(_, rest)| rest.split_once('?')).map(|(_, options)| options);
    let broken = options.into_iter().flat_map(|options| options.split('&')).find(|option| !option.contains('='));
    match broken.filter(|option| !option.is_empty() && option.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        Some(option) => ConnectError::Option(option.to_owned()),
        None => ConnectError::Malformed,
    }
}

/// What the operator's address does not say. Written by a majority and on their disks, or not at all.
fn with_limits(options: &mut ClientOptions) {
    options.app_name.get_or_insert_with(|| "pstn-lockdown".into());
    options.connect_timeout.get_or_insert(PATIENCE);
    options.server_selection_timeout.get_or_insert(PATIENCE);
    options.heartbeat_freq.get_or_insert(Duration::from_secs(2));
    options.max_pool_size.get_or_insert(32);
    // What is decided by is read where it is written, whatever the address says.
    options.read_concern = Some(ReadConcern::majority());
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    options.write_concern =
        Some(WriteConcern::builder().w(Acknowledgment::Majority).journal(true).w_timeout(PATIENCE).build());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_cannot_be_read_is_refused_without_its_password() {
        for (address, says) in [
            ("mongodb://lockdown:hunt?er2@127.0.0.1/x?replicaSet=rs0", "cannot be read"),
            ("mongodb://lockdown:hunt/er2@127.0.0.1/x", "cannot be read"),
            ("mongodb://lockdown:hunt#er2@127.0.0.1/x", "cannot be read"),
            ("mongodb://lockdown:hunt@er2@127.0.0.1/x", "cannot be read"),
            ("mongodb://lockdown:hunt:er2@127.0.0.1/x", "cannot be read"),
            ("mongodb://lockdown:x?hunter2", "cannot be read"),
            ("mongodb://lockdown:hunter2@127.0.0.1/x?replicaSet", "the option replicaSet"),
            ("mongodb+srv://lockdown:hunter2@db.example/x", "List the servers"),
        ] {
            let error = Mongo::connect(&Secret::new(address)).await.map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(says), "{address}: {error}");
            assert!(!error.contains("hunt") && !error.contains("er2"), "{address}: {error}");
        }
    }
}
