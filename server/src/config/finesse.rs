//! `[finesse]`: the gadget in the agents' desktop, and the notice to all of them. Absent: off.

use super::load::{RawTrust, secret, trust};
use super::problem::{Problem, Source};
use super::secret::Secret;
use super::webex::address;
use serde::Deserialize;
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Finesse {
    /// Every address an agent's desktop is opened by, with its port: pages there may frame `/embed/finesse`.
    pub origins: Vec<String>,
    /// Tell a lock to every signed-in agent. Default off.
    pub notice: Option<Notice>,
}

/// How Finesse is asked to show a message in every desktop.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Finesse servers, the next where one does not answer. Without the last slash.
    pub servers: Vec<String>,
    /// A Finesse administrator.
    pub username: String,
    pub password: Secret,
    /// Ids of the teams.
    pub teams: Vec<String>,
    pub trust: axl::Trust,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RawFinesse {
    /// Every address an agent's desktop is opened by, with its port. Required.
    origins: Vec<String>,
    /// A line in every agent's desktop while a lock is ordered. Absent: none.
    notice: Option<RawNotice>,
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(serde::Serialize, utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
struct RawNotice {
    /// Finesse servers; the next is asked where one does not answer. Required.
    servers: Vec<String>,
    /// A Finesse administrator. Required.
    username: String,
    /// The password.
    password: Option<String>,
    /// The same, in a file.
    #[cfg_attr(test, schema(value_type = Option<String>))]
    password_file: Option<PathBuf>,
    /// Ids of the teams that are told. Required.
    teams: Vec<String>,
    /// How Finesse's certificate is checked. Absent: as the system does.
    tls: Option<RawTrust>,
}

impl RawFinesse {
    pub(super) fn read(self, public_url: &str, source: &Source) -> Result<Finesse, Problem> {
        if self.origins.is_empty() {
            return Err(source.problem("finesse.origins", "name each Finesse server, such as https://fin-a:8445"));
        }
        // A browser keeps the gadget's cookie over https only, and on this machine.
        if !public_url.starts_with("https://") && !is_here(public_url) {
            return Err(source.problem("finesse", "the gadget needs an http.public_url that begins with https://"));
        }
        let origins = self.origins.iter().map(|text| origin(text, source)).collect::<Result<_, _>>()?;
        Ok(Finesse { origins, notice: self.notice.map(|notice| notice.read(source)).transpose()? })
    }
}

impl RawNotice {
    fn read(self, source: &Source) -> Result<Notice, Problem> {
        if self.servers.is_empty() || self.teams.is_empty() {
            return Err(source.problem("finesse.notice", "name the servers and the ids of the teams"));
        }
        let servers = self.servers.iter().map(|text| address(text, "finesse.notice.servers", source));
        Ok(Notice {
            servers: servers.collect::<Result<_, _>>()?,
            username: self.username,
            password: secret(self.password, self.password_file, "finesse.notice.password", source)?,
            teams: self.teams,
            trust: trust(self.tls, "finesse.notice.tls", source)?,
        })
    }
}

/// As browsers write it: whatever stands in a policy for frames must be nothing else.
fn origin(text: &str, source: &Source) -> Result<String, Problem> {
    let url = address(text, "finesse.origins", source)?;
    let origin = reqwest::Url::parse(&url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let wildcard = origin.contains('*');
    if origin == url.to_lowercase() && !wildcard {
        Ok(origin)
    } else {
        Err(source.problem("finesse.origins", "write scheme, host and port, such as https://fin-a.acme.example:8445"))
    }
}

pub(super) fn is_here(url: &str) -> bool {
    reqwest::Url::parse(url).is_ok_and(|url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")))
}
