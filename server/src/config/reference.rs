//! The reference of every setting, made of what the file is read into.

use super::load::Raw;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;
use utoipa::{PartialSchema, ToSchema};

/// In the order in which a site is set up.
const SECTIONS: [(&str, &str); 12] = [
    ("http", "Addresses, proxies, TLS"),
    ("store", "Where orders and records are kept"),
    ("cucm", "The publisher"),
    ("site", "`[[site]]`, at least one"),
    ("identity", "Sign-in. Absent: nobody can sign in, only API keys work"),
    ("webex", "The bot, incident spaces, room devices. Absent: off"),
    ("finesse", "The gadget in the agents' desktops. Absent: off"),
    ("phone", "The service on desk phones. Absent: off"),
    ("webhooks", "Where webhooks may be sent"),
    ("calls", "The EOC's queue"),
    ("incidents", "Reviews of a lock"),
    ("telemetry", "Spans for a collector"),
];

const LEAD: &str = "# Settings

Made of the code by a test (`server/src/config/reference.rs`). An example to copy is
[`lockdown.example.toml`](../lockdown.example.toml). Unknown keys are refused with file and line; paths are relative to the
file; durations are written `500ms`, `20s` or `5m`. Every value can come from the environment as `LOCKDOWN__SECTION__KEY`,
such as `LOCKDOWN__CUCM__PASSWORD`. `[]` marks a table of which there may be several.
";

type Schemas = BTreeMap<String, Value>;

/// The text of `deploy/guide/configuration.md`.
fn reference() -> String {
    let mut schemas = Vec::new();
    Raw::schemas(&mut schemas);
    let schemas: Schemas =
        schemas.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap())).collect();
    let root = serde_json::to_value(Raw::schema()).unwrap();
    let sections = root["properties"].as_object().unwrap();
    assert_eq!(sections.len(), SECTIONS.len(), "a section is missing here: {:?}", sections.keys());
    let mut text = LEAD.to_owned();
    for (name, title) in SECTIONS {
        let _ = write!(text, "\n## {name}\n\n{title}.\n\n| key | what |\n|---|---|\n");
        rows(&mut text, name, &sections[name], &schemas);
    }
    text
}

/// A row for each key below `path`; tables in tables come with their whole path.
fn rows(text: &mut String, path: &str, schema: &Value, schemas: &Schemas) {
    let (name, several) = referred(schema).expect("a table");
    let path = if several { format!("{path}[]") } else { path.to_owned() };
    for (key, schema) in schemas[name]["properties"].as_object().unwrap() {
        let description = description(schema).unwrap_or_else(|| panic!("{path}.{key} says nothing of itself"));
        let _ = writeln!(text, "| `{path}.{key}` | {} |", description.replace('|', "\\|"));
        if referred(schema).is_some() {
            rows(text, &format!("{path}.{key}"), schema, schemas);
        }
    }
}

/// The struct a value is read into, and whether it is a list of them.
fn referred(schema: &Value) -> Option<(&str, bool)> {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().map(|name| (name, false));
    }
    let several = schema.get("items").and_then(referred).map(|(name, _)| (name, true));
    several.or_else(|| schema["oneOf"].as_array()?.iter().find_map(referred))
}

fn description(schema: &Value) -> Option<String> {
    let own = schema["description"].as_str().map(|text| text.replace('\n', " "));
    own.or_else(|| schema["oneOf"].as_array()?.iter().find_map(description))
}

#[test]
fn the_guide_names_every_setting_as_the_code_has_it() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/guide/configuration.md");
    let now = reference();
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    if written != now {
        std::fs::write(&file, &now).unwrap();
        panic!("deploy/guide/configuration.md was not what is so: it is now; look at it and commit it");
    }
}

/// What the example does not show: nobody is led to a certificate that is not checked.
const NOT_SHOWN: [&str; 1] = ["insecure"];

#[test]
fn the_example_shows_every_setting_at_least_as_a_comment() {
    let example = include_str!("../../../deploy/lockdown.example.toml");
    let reference = reference();
    let keys = reference.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let is_shown = |key: &str| {
        [format!("{key} = "), format!("{key}]"), format!("{key}_file = ")].iter().any(|form| example.contains(form))
            // The same in a file is shown as one or the other.
            || key.strip_suffix("_file").is_some_and(|key| example.contains(&format!("{key} = ")))
    };
    let missing: Vec<&str> = keys.filter_map(|key| key.rsplit('.').next()).filter(|key| !is_shown(key)).collect();
    assert!(missing.iter().all(|key| NOT_SHOWN.contains(key)), "deploy/lockdown.example.toml lacks {missing:?}");
}
