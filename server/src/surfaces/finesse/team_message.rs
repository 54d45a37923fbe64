//! Finesse's own team messages: a line in the desktop of every signed-in agent, which needs no gadget.
//!
//! *Source*: Cisco Finesse, TeamMessage APIs (255 characters; the message ends by itself after `duration`
//! seconds). How Finesse tells the id of a new message is not documented: the body, the `Location`, and the
//! list of a team's messages are looked at in this order. To be checked at a real server first.

use crate::config;
use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::Event;
use reqwest::{Method, Response, StatusCode};
use std::time::Duration;

/// A server that answers later is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest content, in characters.
pub(super) const CONTENT: usize = 255;

/// A message that stands in the desktops of the first team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) id: String,
    pub(super) content: String,
}

/// Why agents were not told.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoticeError {
    #[error("no Finesse server can be reached: {0}")]
    Away(String),
    #[error("Finesse refuses it ({0}): the user must be an administrator, and the teams must exist")]
    Refused(StatusCode),
}

/// The messages of the configured teams.
pub(super) struct TeamMessages {
    settings: config::Notice,
    http: reqwest::Client,
}

impl TeamMessages {
    /// # Errors
    /// When the settings make no client.
    pub(super) fn new(settings: config::Notice) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(settings.trust.client_config()?)
            .timeout(PATIENCE)
            .no_proxy()
            .build()?;
        Ok(Self { settings, http })
    }

    /// The id of the new message (`None`: Finesse did not say), and whether it was seen to stand there.
    pub(super) async fn post(&self, content: &str, lasts: Duration) -> Result<(Option<String>, bool), NoticeError> {
        let teams: String = self.settings.teams.iter().map(|team| format!("<team>{}</team>", escape(team))).collect();
        let body = format!(
            "<TeamMessage><duration>{}</duration><content>{}</content><teams>{teams}</teams></TeamMessage>",
            lasts.as_secs(),
            escape(content)
        );
        let answer = self.ask(Method::POST, "TeamMessage", Some(body)).await?;
        let located =
            answer.headers().get("location").and_then(|at| at.to_str().ok()?.rsplit('/').next().map(str::to_owned));
        let said = element(&answer.text().await.unwrap_or_default(), "id").or(located);
        let standing = self.list().await.unwrap_or_default();
        let is_new = |one: &&Standing| said.as_ref().map_or(one.content == content, |id| one.id == *id);
        let listed = standing.iter().find(is_new).map(|one| one.id.clone());
        let is_listed = listed.is_some();
        Ok((said.or(listed), is_listed))
    }

    /// What was posted to the first team, by whomever, and has not ended.
    pub(super) async fn list(&self) -> Result<Vec<Standing>, NoticeError> {
        let Some(team) = self.settings.teams.first() else { return Ok(vec![]) };
        let answer = self.ask(Method::GET, &format!("Team/{team}/TeamMessages"), None).await?;
        let text = answer.text().await.map_err(|error| NoticeError::Away(error.without_url().to_string()))?;
        Ok(text.split("<TeamMessage>").skip(1).filter_map(standing).collect())
    }

    pub(super) async fn delete(&self, id: &str) -> Result<(), NoticeError> {
        match self.ask(Method::DELETE, &format!("TeamMessage/{id}"), None).await {
            // It is gone already.
            Err(NoticeError::Refused(StatusCode::NOT_FOUND)) => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// One server after the other, until one answers.
    async fn ask(&self, method: Method, path: &str, body: Option<String>) -> Result<Response, NoticeError> {
        let mut away = String::new();
        for server in &self.settings.servers {
            let mut request = self
                .http
                .request(method.clone(), format!("{server}/finesse/api/{path}"))
                .basic_auth(&self.settings.username, Some(self.settings.password.expose()));
            if let Some(body) = &body {
                request = request.header("content-type", "application/xml").body(body.clone());
            }
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(answer),
                Ok(answer) if answer.status().is_server_error() => away = format!("{server} says {}", answer.status()),
                Ok(answer) => return Err(NoticeError::Refused(answer.status())),
                Err(error) => away = format!("{server}: {}", error.without_url()),
            }
        }
        Err(NoticeError::Away(away))
    }
}

/// One message of a list.
fn standing(text: &str) -> Option<Standing> {
    // The author's `<id>` may stand before the message's own.
    let (before, after) = text.split_once("<createdBy>").unwrap_or((text, ""));
    let after = after.split_once("</createdBy>").map_or("", |(_, after)| after);
    let id = element(before, "id").or_else(|| element(after, "id"))?;
    Some(Standing { id, content: element(text, "content")? })
}

/// The text of the first element of this name.
fn element(text: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) if tag.name().as_ref() == name => {
                let inner = reader.read_text(tag.name()).ok()?;
                return unescape(&inner).ok().map(|text| text.trim().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, element, standing};

    #[test]
    fn the_id_is_found_wherever_it_stands() {
        let answer = "<?xml version=\"1.0\"?><TeamMessage><uri>/x/1</uri><id> 42-a </id><createdBy><id>9</id></createdBy></TeamMessage>";
        assert_eq!(element(answer, "id").as_deref(), Some("42-a"));
        assert_eq!(element("<a><content>A &amp; B</content></a>", "content").as_deref(), Some("A & B"));
        for none in ["", "not xml", "<a></a>", "<a><id>", "<id/>"] {
            assert_eq!(element(none, "id"), None, "{none}");
        }
    }

    #[test]
    fn a_message_is_read_whether_its_author_stands_before_or_after_its_id() {
        let by = "<createdBy><id>admin</id></createdBy>";
        let message = Some(Standing { id: "42".into(), content: "A & B".into() });
        let text = "<content>A &amp; B</content></TeamMessage></TeamMessages>";
        for order in [format!("<id>42</id>{by}"), format!("{by}<id>42</id>"), "<id>42</id>".into()] {
            assert_eq!(standing(&format!("{order}{text}")), message, "{order}");
        }
        assert_eq!(standing(&format!("{by}{text}")), None, "without an id nothing can be removed");
    }
}
