//! Agents, their calls, what is uploaded, and what every desktop shows.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Active team messages there can be. The number is not documented; a small one shows what happens.
const MOST_MESSAGES: usize = 10;

/// Longest content of a team message, in characters.
const LONGEST: usize = 255;

#[derive(Debug, Clone, Serialize)]
pub struct Agent {
    pub id: &'static str,
    pub password: &'static str,
    pub first: &'static str,
    pub last: &'static str,
    pub extension: &'static str,
    pub team: u32,
}

/// A voice dialog of one agent.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Dialog {
    pub(super) id: String,
    pub(super) agent: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) dialed: String,
    pub(super) call_type: String,
}

/// A call to make up.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Call {
    pub agent: String,
    pub from: String,
    pub to: String,
    /// What was dialled, where that is another number.
    #[serde(default)]
    pub dialed: String,
    #[serde(default)]
    pub call_type: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TeamMessage {
    pub id: String,
    pub content: String,
    /// Seconds.
    pub duration: u32,
    pub teams: Vec<u32>,
    pub by: String,
    pub created_at: i64,
}

pub(super) struct Model {
    pub(super) agents: Vec<Agent>,
    pub(super) dialogs: Vec<Dialog>,
    pub(super) messages: Vec<TeamMessage>,
    /// Gadget files, by name.
    pub(super) files: BTreeMap<String, String>,
    pub(super) refuses: Option<u16>,
    /// How often it was asked what stands in a team's desktops.
    pub(super) looks: usize,
    pub(super) folder: Option<PathBuf>,
    next: u64,
}

/// Why a team message is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTaken {
    /// Of which a parameter is wrong.
    Invalid(&'static str),
    Full,
}

impl Model {
    pub(super) fn demo() -> Self {
        let agent =
            |id, first, last, extension, team| Agent { id, password: "agent-demo", first, last, extension, team };
        Self {
            agents: vec![agent("1001", "Ava", "Eoc", "1080", 10), agent("1002", "Ben", "Desk", "1081", 20)],
            dialogs: vec![],
            messages: vec![],
            files: BTreeMap::new(),
            refuses: None,
            looks: 0,
            folder: None,
            next: 16_777_216,
        }
    }

    fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    pub(super) fn agent(&self, id: &str) -> Option<&Agent> {
        self.agents.iter().find(|agent| agent.id == id)
    }

    pub(super) fn call(&mut self, call: Call) -> Option<String> {
        self.agent(&call.agent)?;
        let id = self.id().to_string();
        let call_type = if call.call_type.is_empty() { "ACD_IN".to_owned() } else { call.call_type };
        let Call { agent, from, to, dialed, .. } = call;
        self.dialogs.push(Dialog { id: id.clone(), agent, from, to, dialed, call_type });
        Some(id)
    }

    pub(super) fn hang_up(&mut self, id: &str) {
        self.dialogs.retain(|dialog| dialog.id != id);
    }

    /// Takes what the container can render: XML whose declaration is the first line, with HTML content.
    pub(super) fn upload(&mut self, name: &str, text: &str) -> Result<(), String> {
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !plain || name.strip_suffix(".xml").is_none() {
            return Err("a gadget is an .xml file with a plain name".into());
        }
        content(text)?;
        self.files.insert(name.to_owned(), text.to_owned());
        Ok(())
    }

    /// Takes what was put into the folder.
    pub(super) fn look_into_folder(&mut self) {
        let Some(folder) = self.folder.clone() else { return };
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if let Ok(text) = std::fs::read_to_string(path) {
                // What cannot be rendered is not there, as in a container.
                let _ = self.upload(&name, &text);
            }
        }
    }

    pub(super) fn post(
        &mut self,
        content: &str,
        duration: u32,
        teams: Vec<u32>,
        by: &str,
        now: i64,
    ) -> Result<(), NotTaken> {
        if content.is_empty() || content.chars().count() > LONGEST {
            return Err(NotTaken::Invalid("content"));
        }
        if duration == 0 || duration >= 24 * 3600 {
            return Err(NotTaken::Invalid("duration"));
        }
        let known = |team: &u32| self.agents.iter().any(|agent| agent.team == *team);
        if teams.is_empty() || !teams.iter().all(known) {
            return Err(NotTaken::Invalid("teams"));
        }
        if self.messages.len() >= MOST_MESSAGES {
            return Err(NotTaken::Full);
        }
        let id = format!("be1598bb-bb2a-4dfc-8c01-{:012x}", self.id());
        let content = content.to_owned();
        let by = by.to_owned();
        self.messages.push(TeamMessage { id, content, duration, teams, by, created_at: now });
        Ok(())
    }
}

/// The HTML of a gadget's file.
pub(super) fn content(text: &str) -> Result<String, String> {
    if !text.starts_with("<?xml ") {
        return Err("the XML declaration must be the first line".into());
    }
    let mut reader = Reader::from_str(text);
    let mut path = Vec::<String>::new();
    let mut prefs = Vec::<String>::new();
    let mut found = None;
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(tag) => {
                let name = tag.name().as_ref().to_owned();
                if name == "Content" {
                    let html = tag.try_get_attribute("type").ok().flatten().is_some_and(|kind| *kind.value == *"html");
                    if !html {
                        return Err("<Content> must be of type html".into());
                    }
                }
                path.push(name);
            }
            Event::Empty(tag) if tag.name().as_ref() == "Require" => {
                let feature = tag.try_get_attribute("feature").ok().flatten();
                prefs.extend(feature.map(|feature| feature.value.to_string()));
            }
            Event::End(_) => {
                path.pop();
            }
            Event::CData(data) if path.join("/") == "Module/Content" => found = Some(data.to_string()),
            Event::Eof => break,
            _ => {}
        }
    }
    if !prefs.iter().any(|feature| feature == "pubsub-2") {
        return Err("without <Require feature=\"pubsub-2\"/> it does not join the hub".into());
    }
    found.ok_or_else(|| "there is no <Content>".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_container_can_render_is_taken() {
        let good = "<?xml version=\"1.0\"?><Module><ModulePrefs title=\"T\"><Require feature=\"pubsub-2\"/></ModulePrefs><Content type=\"html\"><![CDATA[<p>]]></Content></Module>";
        assert_eq!(content(good).unwrap(), "<p>");
        let mut model = Model::demo();
        assert_eq!(model.upload("a.xml", good), Ok(()));
        for (name, text) in [
            ("../a.xml", good.to_owned()),
            ("a.jsp", good.to_owned()),
            ("a.xml", format!("\n{good}")),
            ("a.xml", good.replace("html", "url")),
            ("a.xml", good.replace("pubsub-2", "pubsub")),
            ("a.xml", good.replace("</Module>", "</Content>")),
        ] {
            assert!(model.upload(name, &text).is_err(), "{name} {text}");
        }
    }

    #[test]
    fn a_team_message_is_short_ends_and_goes_to_teams_there_are() {
        let mut model = Model::demo();
        assert_eq!(model.post("x", 60, vec![10, 20], "a", 0), Ok(()));
        assert_eq!(model.post(&"x".repeat(256), 60, vec![10], "a", 0), Err(NotTaken::Invalid("content")));
        assert_eq!(model.post("x", 86_400, vec![10], "a", 0), Err(NotTaken::Invalid("duration")));
        assert_eq!(model.post("x", 60, vec![99], "a", 0), Err(NotTaken::Invalid("teams")));
        for _ in 0..9 {
            model.post("x", 60, vec![10], "a", 0).unwrap();
        }
        assert_eq!(model.post("x", 60, vec![10], "a", 0), Err(NotTaken::Full));
    }
}
