//! Who may know whom (`deploy/guide/architecture.md`): crossed walls fail, with the line that crosses.

use crate::command::{output, program, root, say};
use anyhow::{Result, bail};
use std::fs;
use std::path::Path;

/// This package must not have these in its tree.
const TREES: [(&str, &[&str], &[&str]); 5] = [
    ("lockdown", &[], &["tokio", "leptos", "reqwest", "axum", "rusqlite", "futures-util"]),
    ("app", &["--features", "ssr"], &["axum", "leptos_axum", "tokio", "mongodb", "reqwest", "rusqlite"]),
    ("engine", &[], &["axl", "app", "server", "axum", "leptos", "mongodb", "reqwest", "rusqlite"]),
    ("simulators", &[], &["axl", "lockdown", "app", "server"]),
    ("server", &[], &["simulators", "openssl-sys", "native-tls", "ring"]),
];

/// No file below this folder may hold these words in a `use` or a path.
const WORDS: [(&str, &[&str]); 15] = [
    ("app/domain/src", &["std::time::SystemTime", "Timestamp::now", "std::fs", "std::net", "async fn"]),
    ("server/src/http", &["rusqlite", "axl::"]),
    ("server/src/services", &["app::", "axum", "reqwest", "crate::http", "crate::surfaces"]),
    ("server/src/identity", &["app::", "axum", "crate::http", "crate::surfaces", "crate::services"]),
    ("server/src/store", &["app::", "axum", "crate::http", "crate::surfaces", "crate::services"]),
    ("server/src/surfaces/web", &["surfaces::rest", "surfaces::webex", "surfaces::finesse", "surfaces::desk_phone"]),
    (
        "server/src/surfaces/rest",
        &["app::", "surfaces::web:", "surfaces::webex", "surfaces::finesse", "surfaces::desk_phone"],
    ),
    (
        "server/src/surfaces/webex",
        &["app::", "surfaces::web:", "surfaces::rest", "surfaces::finesse", "surfaces::desk_phone"],
    ),
    (
        "server/src/surfaces/finesse",
        &["app::", "surfaces::web:", "surfaces::rest", "surfaces::webex", "surfaces::desk_phone"],
    ),
    ("server/src/surfaces/desk_phone", &["surfaces::web:", "surfaces::rest", "surfaces::webex", "surfaces::finesse"]),
    ("server/src/webhooks", &["app::", "axum", "crate::http", "crate::surfaces"]),
    ("server/src/dial_plan", &["app::", "axum", "crate::http", "crate::surfaces", "crate::services", "crate::store"]),
    ("server/src/config", &["app::", "axum", "crate::http", "crate::surfaces", "crate::services"]),
    ("server/src/telemetry", &["app::", "crate::http", "crate::surfaces"]),
    ("server/engine/src", &["mongodb", "rusqlite", "std::fs", "SystemTime::now", "Timestamp::now"]),
];

pub(crate) fn check() -> Result<()> {
    say("walls");
    let mut crossed = Vec::new();
    for (package, features, banned) in TREES {
        let tree = output(
            program("cargo")
                .args(["tree", "--package", package, "--edges", "normal", "--prefix", "none"])
                .args(features),
        )?;
        for name in banned {
            if tree.lines().skip(1).any(|line| line.split(' ').next() == Some(name)) {
                crossed.push(format!("{package} knows {name}: see `cargo tree -p {package} -e normal -i {name}`"));
            }
        }
    }
    for (folder, words) in WORDS {
        search(&root().join(folder), words, &mut crossed)?;
    }
    if crossed.is_empty() { Ok(()) } else { bail!("walls are crossed:\n  {}", crossed.join("\n  ")) }
}

/// Tests inside a file may use what they like.
fn search(folder: &Path, words: &[&str], crossed: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            search(&path, words, crossed)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path)?;
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
                for word in words.iter().filter(|word| line.contains(**word)) {
                    crossed.push(format!("{}:{}: {word}", path.display(), number + 1));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_forbidden_word_is_found_where_it_is_used_and_not_where_it_is_mentioned() {
        let folder = std::env::temp_dir().join(format!("walls-{}", std::process::id()));
        fs::create_dir_all(folder.join("inner")).unwrap();
        for (room, words) in WORDS {
            for word in words {
                let code = format!("//! Not {word}.\nuse {word}x;\n#[cfg(test)]\nmod tests {{ use {word}y; }}\n");
                fs::write(folder.join("inner/breach.rs"), code).unwrap();
                let mut crossed = Vec::new();
                search(&folder, &[word], &mut crossed).unwrap();
                let place = format!("breach.rs:2: {word}");
                assert!(crossed.len() == 1 && crossed[0].ends_with(&place), "{room}: {crossed:?}");
            }
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn every_wall_stands_around_a_folder_that_is_there() {
        for (folder, words) in WORDS {
            assert!(root().join(folder).is_dir() && !words.is_empty(), "{folder}");
        }
    }
}
