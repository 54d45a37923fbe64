//! The gadget's file: one OpenSocial XML for the agents' desktop, without a library of ours. It shows our frame
//! and tells it of the agent's calls. Whoever controls this file can act as every agent, so it is made here,
//! uploaded by an administrator, and never loaded from us; its hash tells whether it is still the one we made.
//!
//! *Source*: Cisco Finesse developer guide, “Gadget specification XML features”.

use crate::identity::token;
use http::Uri;
use lockdown::ids::SiteId;

const TEMPLATE: &str = include_str!("../../../public/finesse-shell.xml");

/// Of the server that made it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A gadget's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// Our public address, which it shows and talks to; nothing at run time can make it another.
    pub origin: String,
    /// Of the site, good for its public state alone. No secret: every agent can read it.
    pub key: String,
}

impl Shell {
    /// The whole file.
    pub fn text(&self) -> String {
        let host = self.origin.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        TEMPLATE
            .replace("@VERSION@", VERSION)
            .replace("@HOST@", &host.unwrap_or_else(|| self.origin.clone()))
            .replace("@ORIGIN@", &self.origin)
            .replace("@KEY@", &self.key)
    }

    /// SHA-256 of the file, hex: what `sha256sum` prints.
    pub fn hash(&self) -> String {
        token::digest(&self.text())
    }

    /// What stands in a file that somebody brings; `None` for one that is not ours, or is changed.
    pub fn read(text: &str) -> Option<Self> {
        let between = |before: &str| {
            let rest = &text[text.find(before)? + before.len()..];
            Some(rest[..rest.find('"')?].to_owned())
        };
        let shell = Self { origin: between("var ORIGIN = \"")?, key: between("KEY = \"")? };
        (shell.text() == text).then_some(shell)
    }
}

/// With the version in it: an upgrade is an edit of the layout, and no cache shows the old one.
pub fn file_name(site: &SiteId) -> String {
    format!("pstn-lockdown-{VERSION}-{site}.xml")
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::events::Event;

    fn shell() -> Shell {
        Shell { origin: "https://lockdown.acme.example".into(), key: "tpb_live_abcdefgh_x".into() }
    }

    #[test]
    fn the_file_is_an_open_social_gadget_with_nothing_left_to_fill_in() {
        let text = shell().text();
        assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), "the declaration is the first line");
        let mut reader = quick_xml::Reader::from_str(&text);
        let mut names = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) | Event::Empty(tag) => {
                    names.push(tag.name().as_ref().to_owned());
                }
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(names.first().map(String::as_str), Some("Module"));
        assert!(names.contains(&"Content".to_owned()), "{names:?}");
        assert!(!text.contains("@ORIGIN") && !text.contains("@KEY") && !text.contains("@HOST"), "all filled in");
        assert!(text.contains("<Require feature=\"pubsub-2\"/>"));
        assert!(text.len() < 10_000, "{}", text.len());
    }

    #[test]
    fn the_file_names_no_credential_and_freezes_no_desktop() {
        let text = shell().text();
        for never in
            ["authorization", "authToken", "userFinesseAuth", "password", "alert(", "confirm(", "prompt(", "eval("]
        {
            assert!(!text.contains(never), "{never}");
        }
        assert!(!text.contains("postMessage(JSON.stringify(message), \"*\")"));
    }

    #[test]
    fn a_file_is_recognised_and_a_changed_one_is_not() {
        let text = shell().text();
        assert_eq!(Shell::read(&text), Some(shell()));
        assert_eq!(shell().hash().len(), 64);
        for changed in [text.replace("lockdown.acme", "evil"), format!("{text} "), text.replace("96", "97")] {
            let read = Shell::read(&changed);
            assert!(read.is_none_or(|read| read != shell()), "not taken for ours");
        }
        assert_eq!(Shell::read("<Module/>"), None);
        assert_eq!(Shell::read(&text.replace("LONGEST = 4096", "LONGEST = 4097")), None);
    }
}
