//! What residents read, in every language there is: one file a language in `app/texts`, and a new language
//! is a new file and a line below. `{time}`, `{number}` and such stand for what is filled in.

use crate::view::SiteView;
use leptos::context::use_context;
use lockdown::standing::Standing;
use lockdown::steps::Target;
use serde::{Deserialize, Serialize};

/// The texts of the residents' pages in one language, by their names in the file. A list and no struct: the
/// browser gets it, and each field of a struct is code there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts(Vec<(String, String)>);

impl Texts {
    /// The text of this name. A test holds every name in the sources against every file.
    pub fn say(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text)
    }

    pub(crate) fn said(&self, name: &str) -> String {
        self.say(name).to_owned()
    }

    /// The text with a value where `{gap}` stands.
    pub(crate) fn filled(&self, name: &str, gap: &str, value: &str) -> String {
        self.say(name).replace(&format!("{{{gap}}}"), value)
    }

    /// How it stands, by what was ordered.
    pub fn headline(&self, standing: Standing, ordered: Target) -> &str {
        match (standing, ordered) {
            (Standing::Normal, _) => self.say("normal"),
            (Standing::Unknown { confirmed: false, .. }, Target::Locked) => self.say("lock_unconfirmed"),
            (Standing::Unknown { .. }, _) => self.say("unknown"),
            (Standing::Locked, _) => self.say("locked"),
            (Standing::Drifted { .. }, Target::Locked) => self.say("lock_changed"),
            (Standing::Pending { .. }, Target::Locked) => self.say("locking"),
            (Standing::Pending { .. }, Target::Normal) => self.say("releasing"),
            (Standing::Drifted { .. }, Target::Normal) => self.say("drifted"),
        }
    }

    /// What it means for a resident.
    pub(crate) fn meaning(&self, site: &SiteView) -> &str {
        match (site.standing, site.ordered) {
            (Standing::Normal, _) => self.say("normal_means"),
            (Standing::Unknown { .. }, _) => self.say("unknown_means"),
            (Standing::Locked, _) => self.say("locked_means"),
            (_, Target::Locked) => self.say("locking_means"),
            (_, Target::Normal) => self.say("releasing_means"),
        }
    }

    /// How to get a call through.
    pub(crate) fn how(&self, site: &SiteView) -> &str {
        match (site.standing, site.ordered) {
            (Standing::Normal, _) => self.say("how_normal"),
            (Standing::Locked, _) => self.say("how_locked"),
            (Standing::Unknown { .. }, _) => self.say("how_unknown"),
            (_, Target::Locked) => self.say("how_locking"),
            (_, Target::Normal) => self.say("how_releasing"),
        }
    }

    /// Since when, or what was seen last where nothing can be said now. Times with their zone.
    pub fn second_line(&self, standing: Standing, seen: Option<(Target, &str)>, since: &str) -> String {
        match (standing, seen) {
            (Standing::Unknown { .. } | Standing::Drifted { .. }, Some((Target::Locked, at))) => {
                self.filled("last_seen_locked", "time", at)
            }
            (Standing::Unknown { .. } | Standing::Drifted { .. }, Some((Target::Normal, at))) => {
                self.filled("last_seen_normal", "time", at)
            }
            (Standing::Unknown { .. } | Standing::Drifted { .. }, None) => String::new(),
            _ => self.filled("since", "time", since),
        }
    }

    /// Which number always helps, and no more of it than was proved.
    pub(crate) fn emergency(&self, numbers: &[String], proved: bool) -> String {
        let text = if proved { "emergency" } else { "emergency_untouched" };
        numbers.first().map_or_else(|| self.said("emergency_any"), |number| self.filled(text, "number", number))
    }

    pub(crate) fn age(&self, seconds: i64) -> String {
        let (name, n) = match seconds.max(0) {
            s @ 0..=119 => ("seconds_ago", s),
            s @ 120..=7199 => ("minutes_ago", s / 60),
            s => ("hours_ago", s / 3600),
        };
        self.filled(name, "n", &n.to_string())
    }

    pub(crate) fn line_lost(&self, since: Option<&str>) -> String {
        since.map_or_else(|| self.said("connecting"), |clock| self.filled("not_live", "time", clock))
    }

    /// The page hears nothing of the server any more, and what it knew is too old.
    pub(crate) fn screen_lost(&self) -> String {
        self.said("screen_lost")
    }
}

/// Every language there is: its tag, and what its own speakers call it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Languages(pub Vec<(String, String)>);

/// The language of the page that is being written; the EOC's pages speak English so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLanguage(pub String);

pub(crate) fn page_language() -> String {
    use_context::<PageLanguage>().map_or_else(|| "en".to_owned(), |PageLanguage(language)| language)
}

#[cfg(feature = "ssr")]
mod languages {
    use super::Texts;
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    /// The first is for everybody who wants none of the others.
    static ALL: LazyLock<Vec<Texts>> = LazyLock::new(|| {
        [include_str!("../texts/en.json"), include_str!("../texts/fr.json")]
            .into_iter()
            .map(|text| {
                let file: BTreeMap<String, String> = serde_json::from_str(text).expect("a test reads every file");
                Texts(file.into_iter().collect())
            })
            .collect()
    });

    /// Every language, as its own speakers call it.
    pub fn languages() -> impl Iterator<Item = (&'static str, &'static str)> {
        ALL.iter().map(|texts| (texts.say("lang"), texts.say("language")))
    }

    /// The texts in the first of these languages there is; tags as `Accept-Language` has them.
    pub fn texts<'l>(wanted: impl IntoIterator<Item = &'l str>) -> &'static Texts {
        let known = |tag: &str| {
            let language = tag.split(['-', ';']).next().unwrap_or_default().trim();
            ALL.iter().find(|texts| texts.say("lang").eq_ignore_ascii_case(language))
        };
        wanted.into_iter().find_map(known).unwrap_or(&ALL[0])
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn every_language_has_every_text_with_the_same_things_to_fill_in() {
            let gaps = |text: &str| -> Vec<String> {
                let mut gaps: Vec<String> =
                    text.split('{').skip(1).map(|part| part.split('}').next().unwrap().to_owned()).collect();
                gaps.sort();
                gaps
            };
            for texts in ALL.iter() {
                assert_eq!(texts.0.len(), ALL[0].0.len(), "{}", texts.say("lang"));
                for (name, english) in &ALL[0].0 {
                    let text = texts.say(name);
                    assert!(!text.is_empty(), "{name} in {}", texts.say("lang"));
                    assert_eq!(gaps(text), gaps(english), "{name} in {}", texts.say("lang"));
                }
            }
        }

        fn sources(folder: &std::path::Path) -> String {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries
                .map(|path| if path.is_dir() { sources(&path) } else { std::fs::read_to_string(path).unwrap() })
                .collect()
        }

        #[test]
        fn every_text_a_page_names_is_in_the_files_and_every_text_there_is_used() {
            // Where the test runs, not where it was compiled: two checkouts may share what was compiled.
            let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is");
            let sources = sources(&std::path::Path::new(&package).join("src"));
            for call in ["say(\"", "said(\"", "filled(\""] {
                for rest in sources.split(call).skip(1) {
                    let name = rest.split('"').next().unwrap();
                    assert!(name.contains('\\') || !ALL[0].say(name).is_empty(), "{name}");
                }
            }
            for (name, _) in &ALL[0].0 {
                assert!(sources.contains(&format!("\"{name}\"")), "{name} is said nowhere");
            }
        }

        #[test]
        fn the_first_language_there_is_is_taken() {
            assert_eq!(texts(["de-CH", "fr-CA;q=0.8", "en"]).say("lang"), "fr");
            assert_eq!(texts(["de"]).say("lang"), "en");
            assert_eq!(texts([]).say("lang"), "en");
        }
    }
}

#[cfg(feature = "ssr")]
pub use languages::{languages, texts};
