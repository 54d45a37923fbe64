//! One `[[site.step]]` as it stands in a file, whatever its kind.

use super::{Group, Kind, KindName, Patterns, Redirect};
use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub(super) kind: KindName,
    pub(super) group: Option<Group>,
    partition: Option<String>,
    pattern: Option<String>,
    all: Option<bool>,
    except: Option<Vec<String>>,
    acknowledge_gateway: Option<bool>,
    css: Option<String>,
    normal: Option<Value>,
    locked: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Value {
    Schedule(String),
    Members(Vec<String>),
    Redirect(RedirectEntry),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RedirectEntry {
    mask: Option<String>,
    css: Option<String>,
}

/// A step that cannot be read: which key, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    pub key: &'static str,
    pub what: String,
}

fn wrong(key: &'static str, what: &str) -> Wrong {
    Wrong { key, what: what.to_owned() }
}

impl Entry {
    /// A key of another kind of step is refused: nothing that was written is passed over in silence.
    pub(super) fn read<K: Kind>(&self) -> Result<K::Text, Wrong> {
        let given = [
            ("partition", self.partition.is_some()),
            ("pattern", self.pattern.is_some()),
            ("all", self.all.is_some()),
            ("except", self.except.is_some()),
            ("acknowledge_gateway", self.acknowledge_gateway.is_some()),
            ("css", self.css.is_some()),
            ("normal", self.normal.is_some()),
            ("locked", self.locked.is_some()),
        ];
        match given.into_iter().find(|(key, given)| *given && !K::KEYS.contains(key)) {
            None => K::read(self),
            Some((key, _)) => {
                let what = format!("a {} step has no such key: it knows {}", K::NAME, K::KEYS.join(", "));
                Err(Wrong { key, what })
            }
        }
    }

    pub(super) fn group(&self) -> Result<Group, Wrong> {
        self.group.ok_or(wrong("group", "missing: write inbound_redirect, outbound_redirect or outbound_block"))
    }

    pub(super) fn partition(&self) -> Result<String, Wrong> {
        self.partition.clone().ok_or(wrong("partition", "missing: name the partition"))
    }

    pub(super) fn translation_pattern(&self) -> Result<String, Wrong> {
        self.pattern.clone().ok_or(wrong("pattern", "missing: name the translation pattern"))
    }

    pub(super) fn css(&self) -> Result<String, Wrong> {
        self.css.clone().ok_or(wrong("css", "missing: name the calling search space"))
    }

    pub(super) fn acknowledges_gateway(&self) -> bool {
        self.acknowledge_gateway == Some(true)
    }

    pub(super) fn patterns(&self) -> Result<Patterns, Wrong> {
        match (&self.pattern, self.all == Some(true), &self.except) {
            (Some(_), false, Some(_)) => Err(wrong("except", "it belongs to all = true: take it out, or the pattern")),
            (Some(pattern), false, None) => Ok(Patterns::One(pattern.clone())),
            (None, true, except) => Ok(Patterns::AllExcept(except.clone().unwrap_or_default())),
            (Some(_), true, _) => Err(wrong("all", "give either pattern or all = true, not both")),
            (None, false, _) => Err(wrong("pattern", "missing: name a pattern, or write all = true")),
        }
    }

    pub(super) fn schedules(&self) -> Result<(Option<String>, Option<String>), Wrong> {
        self.both(|value| match value {
            Some(Value::Schedule(name)) => Ok((!name.is_empty()).then(|| name.clone())),
            _ => Err("write the name of a time schedule, or \"\" for none (always active)"),
        })
    }

    pub(super) fn redirects(&self) -> Result<(Redirect, Redirect), Wrong> {
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        self.both(|value| match value {
            Some(Value::Redirect(raw)) => Ok(Redirect { mask: some(&raw.mask), css: some(&raw.css) }),
            _ => Err("write { mask = \"…\", css = \"…\" }"),
        })
    }

    pub(super) fn members(&self) -> Result<(Vec<String>, Vec<String>), Wrong> {
        self.both(|value| match value {
            Some(Value::Members(names)) if !names.is_empty() => Ok(names.clone()),
            _ => Err("write the ordered list of partitions"),
        })
    }

    /// The value when normal, and the one when locked.
    fn both<T>(&self, read: impl Fn(Option<&Value>) -> Result<T, &'static str>) -> Result<(T, T), Wrong> {
        let normal = read(self.normal.as_ref()).map_err(|what| wrong("normal", what))?;
        let locked = read(self.locked.as_ref()).map_err(|what| wrong("locked", what))?;
        Ok((normal, locked))
    }
}
