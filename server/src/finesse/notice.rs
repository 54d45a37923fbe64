//! A line in the desktop of every signed-in agent while the PSTN is locked: Finesse's own team message, which
//! needs no gadget. Best effort; no order waits for it.
//!
//! *Source*: Cisco Finesse, TeamMessage APIs (255 characters; the message ends by itself after `duration`
//! seconds). How Finesse tells the id of a new message is not documented: the body, the `Location`, and the
//! list of a team's messages are looked at in this order. To be checked at a real server first.

use crate::config;
use crate::engine::SiteStatus;
use crate::engine::ports::NewEvent;
use crate::lease::Turns;
use crate::store::papers::Paper;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::step::Target;
use lockdown::timeline::EventKind;
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use reqwest::{Method, Response, StatusCode};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Between two looks, where nothing happens.
const LOOK: Duration = Duration::from_secs(5);

/// What was not taken is tried again after so long.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// The desktop offers up to 23:55 hours; a longer lock is posted again.
const LASTS: SignedDuration = SignedDuration::from_hours(12);

/// A server that answers later is not there.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest content, in characters.
const CONTENT: usize = 255;

/// Messages of ours that are looked for.
const MOST: usize = 10;

/// The paper with the message that is shown.
const PAPER: &str = "finesse/notice";

/// A message that stands in the desktops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    /// `None`: Finesse did not say; then it ends by itself.
    id: Option<String>,
    content: String,
    at: Timestamp,
}

/// What agents shall read.
enum Wanted {
    /// An order is on its way: what stands there stays.
    AsItIs,
    Nothing,
    Lock {
        site: SiteId,
        content: String,
    },
}

/// Why agents were not told.
#[derive(Debug, thiserror::Error)]
enum NoticeError {
    #[error("no Finesse server can be reached: {0}")]
    Away(String),
    #[error("Finesse refuses it ({0}): the user must be an administrator, and the teams must exist")]
    Refused(StatusCode),
}

pub struct Notices {
    settings: config::Notice,
    http: reqwest::Client,
    turns: Turns,
}

impl Notices {
    /// # Errors
    /// When the settings make no client.
    pub fn new(settings: config::Notice, turns: Turns) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(settings.trust.client_config()?)
            .timeout(PATIENCE)
            .no_proxy()
            .build()?;
        Ok(Self { settings, http, turns })
    }

    fn wanted(&self) -> Wanted {
        let statuses = self.turns.pages.engine.live_statuses();
        let locked: Vec<&SiteStatus> =
            statuses.iter().filter(|status| status.command.target() == Target::Locked).collect();
        let Some(first) = locked.first() else {
            let settled = statuses.iter().all(|status| status.command.is_settled());
            return if settled { Wanted::Nothing } else { Wanted::AsItIs };
        };
        let (_, numbers) = self.turns.pages.public_facts(&first.id);
        let names: Vec<&str> = locked.iter().map(|status| status.name.as_str()).collect();
        let emergency = numbers.first().map_or_else(String::new, |number| format!(" Emergency: dial {number}."));
        let content = format!("PSTN LOCKED: {}. Outside calls go through the EOC.{emergency}", names.join(", "));
        Wanted::Lock { site: first.id.clone(), content: content.chars().take(CONTENT).collect() }
    }

    async fn shown(&self) -> Option<(u64, Option<Shown>)> {
        let paper = self.turns.pages.papers.paper(PAPER).await.ok()?;
        let version = paper.as_ref().map_or(0, |paper| paper.version);
        Some((version, paper.and_then(|paper| serde_json::from_str(&paper.text).ok()).flatten()))
    }

    /// What is not written down is posted once more than needed, and ends by itself.
    async fn keep(&self, shown: Option<&Shown>) {
        let version = self.shown().await.map_or(0, |(version, _)| version);
        let text = serde_json::to_string(&shown).unwrap_or_default();
        if let Err(error) = self.turns.pages.papers.put_paper(PAPER, &Paper { version: version + 1, text }).await {
            tracing::warn!(%error, "the message in the Finesse desktops could not be written down");
        }
    }

    async fn post(&self, content: &str) -> Result<Option<String>, NoticeError> {
        let teams: String = self.settings.teams.iter().map(|team| format!("<team>{}</team>", escape(team))).collect();
        let body = format!(
            "<TeamMessage><duration>{}</duration><content>{}</content><teams>{teams}</teams></TeamMessage>",
            LASTS.as_secs(),
            escape(content)
        );
        let answer = self.ask(Method::POST, "TeamMessage", Some(body)).await?;
        let located =
            answer.headers().get("location").and_then(|at| at.to_str().ok()?.rsplit('/').next().map(str::to_owned));
        let text = answer.text().await.unwrap_or_default();
        Ok(match element(&text, "id").or(located) {
            Some(id) => Some(id),
            None => self.find(content).await,
        })
    }

    /// The id of the message with this content, among those of the first team.
    async fn find(&self, content: &str) -> Option<String> {
        let team = self.settings.teams.first()?;
        let answer = self.ask(Method::GET, &format!("Team/{team}/TeamMessages"), None).await.ok()?;
        let text = answer.text().await.ok()?;
        let mut messages = text.split("<TeamMessage>").skip(1);
        messages.find(|one| element(one, "content").as_deref() == Some(content)).and_then(|one| element(one, "id"))
    }

    async fn remove(&self, shown: &Shown) -> Result<(), NoticeError> {
        if let Some(id) = &shown.id {
            self.delete(id).await?;
        }
        // Whatever else says the same: after a restart or from another server of ours.
        for _ in 0..MOST {
            let Some(id) = self.find(&shown.content).await else { break };
            self.delete(&id).await?;
        }
        Ok(())
    }

    async fn delete(&self, id: &str) -> Result<(), NoticeError> {
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

    async fn tell(&self, site: SiteId, target: Target, failed: Option<String>) {
        let kind = EventKind::AgentsTold { target, failed };
        let event = NewEvent { at: self.turns.pages.engine.now(), site: Some(site), by: None, kind };
        if let Err(error) = self.turns.pages.engine.tell(event).await {
            tracing::error!(%error, "what the Finesse desktops show could not be put into the timeline");
        }
    }
}

/// Looks after the message for as long as the server runs.
pub async fn tend(notices: Notices) {
    let mut news = notices.turns.pages.engine.subscribe();
    let (mut here, mut later, mut told) = (None, None, None);
    loop {
        let now = notices.turns.pages.engine.now();
        if later.is_none_or(|later| later <= now) && !matches!(notices.turns.holds("finesse").await, Ok(false)) {
            later = notices.once(&mut here, &mut told, now).await;
        }
        tokio::select! {
            _ = news.recv() => while news.try_recv().is_ok() {},
            () = notices.turns.pages.engine.pause(LOOK) => {}
        }
    }
}

impl Notices {
    /// When to try again; `here` is what this server posted, `told` the last trouble it told of.
    async fn once(&self, here: &mut Option<Shown>, told: &mut Option<String>, now: Timestamp) -> Option<Timestamp> {
        if let Some((_, written)) = self.shown().await {
            *here = written;
        }
        let fresh = |shown: &Shown| now < shown.at + LASTS - SignedDuration::from_hours(1);
        let (site, target, done) = match (self.wanted(), here.clone()) {
            (Wanted::AsItIs, _) | (Wanted::Nothing, None) => return None,
            (Wanted::Lock { content, .. }, Some(shown)) if shown.content == content && fresh(&shown) => return None,
            (Wanted::Nothing, Some(shown)) => {
                let site = self.turns.pages.engine.live_statuses().first()?.id.clone();
                (site, Target::Normal, self.remove(&shown).await.map(|()| None))
            }
            (Wanted::Lock { site, content }, before) => {
                if let Some(before) = before
                    && let Err(error) = self.remove(&before).await
                {
                    tracing::warn!(%error, "an older message stays in the Finesse desktops until it ends");
                }
                let posted = self.post(&content).await.map(|id| Some(Shown { id, content, at: now }));
                (site, Target::Locked, posted)
            }
        };
        match done {
            Ok(shown) => {
                self.keep(shown.as_ref()).await;
                *here = shown;
                *told = None;
                self.tell(site, target, None).await;
                None
            }
            Err(error) => {
                let why = error.to_string();
                if told.as_ref() != Some(&why) {
                    *told = Some(why.clone());
                    self.tell(site, target, Some(why)).await;
                }
                Some(now + AGAIN)
            }
        }
    }
}

/// The text of the first element of this name.
fn element(text: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) if tag.name().as_ref() == name => {
                let inner = reader.read_text(tag.name()).ok()?;
                return quick_xml::escape::unescape(&inner).ok().map(|text| text.trim().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::element;

    #[test]
    fn the_id_is_found_wherever_it_stands() {
        let answer = "<?xml version=\"1.0\"?><TeamMessage><uri>/x/1</uri><id> 42-a </id><createdBy><id>9</id></createdBy></TeamMessage>";
        assert_eq!(element(answer, "id").as_deref(), Some("42-a"));
        assert_eq!(element("<a><content>A &amp; B</content></a>", "content").as_deref(), Some("A & B"));
        for none in ["", "not xml", "<a></a>", "<a><id>", "<id/>"] {
            assert_eq!(element(none, "id"), None, "{none}");
        }
    }
}
