//! What can be said without running anything: form, lints, walls, links, spelling, unused dependencies.

use crate::command::{cargo, output, program, root, run, run_quietly, say};
use crate::run::NATIVE;
use crate::{package, setup, walls};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::Path;

pub(crate) fn all() -> Result<()> {
    say("formatting");
    run_quietly(cargo().args(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    walls::check()?;
    links()?;
    package::documents().context("what is handed out to read")?;
    spelling()?;
    unused_dependencies()?;
    lints()?;
    println!("✓ check");
    Ok(())
}

/// Each half of the app by itself, as it ships: features never mix.
fn lints() -> Result<()> {
    say("lints, native");
    let ours = ["--package", "xtask", "--package", "bindgen", "--", "-D", "warnings"];
    run(cargo().args(["clippy", "--quiet", "--all-targets"]).args(NATIVE).args(ours))?;
    say("lints, browser side");
    run(cargo().args(["clippy", "--quiet", "--package", "frontend", "--", "-D", "warnings"]))
}

/// Every file that a document links to or names, or that a comment names as part of the guide, is there.
fn links() -> Result<()> {
    say("links");
    let files = output(program("git").args(["ls-files", "*.md", "*.rs"]).current_dir(root()))?;
    let files: Vec<&str> = files.lines().collect();
    let mut dead = Vec::new();
    let mut followed = 0;
    for file in &files {
        let path = root().join(file);
        let text = fs::read_to_string(&path)?;
        let folder = path.parent().context("a file lies in a folder")?;
        let is_document = path.extension().is_some_and(|kind| kind == "md");
        let linked = if is_document { linked(&text) } else { Vec::new() };
        let sources = if is_document { sources_named(&text) } else { Vec::new() };
        let named = named(&text);
        dead.extend(elsewhere(&text).into_iter().map(|line| format!("{file}: cites what is not here: {line}")));
        followed += linked.len() + sources.len() + named.len();
        dead.extend(sources.iter().filter(|name| !is_there(&files, name)).map(|name| format!("{file}: {name}")));
        dead.extend(linked.iter().filter(|to| !folder.join(to).exists()).map(|to| format!("{file}: {to}")));
        dead.extend(named.iter().filter(|to| !root().join(to).exists()).map(|to| format!("{file}: {to}")));
    }
    ensure!(followed > 50, "only {followed} links were found");
    if dead.is_empty() { Ok(()) } else { bail!("these lead nowhere:\n  {}", dead.join("\n  ")) }
}

/// Relative links of a document, without the heading they lead to.
fn linked(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.map(|target| target.split('#').next().unwrap_or_default());
    files.filter(|file| !file.is_empty() && !file.contains("://") && !file.contains(char::is_whitespace)).collect()
}

/// Files of source that a document names between backticks.
fn sources_named(text: &str) -> Vec<&str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._/-".contains(letter);
    let is_source =
        |word: &&str| Path::new(word).extension().is_some_and(|kind| kind == "rs") && word.chars().all(is_name);
    text.split('`').filter(is_source).collect()
}

/// A document may give the end of a path, or a path from where it lies.
fn is_there(files: &[&str], name: &str) -> bool {
    let end = name.trim_start_matches("../");
    files.iter().any(|file| file.strip_suffix(end).is_some_and(|start| start.is_empty() || start.ends_with('/')))
}

/// Comments that cite a paper of the makers by its section: a reader has none of them.
fn elsewhere(text: &str) -> Vec<&str> {
    let cites = |line: &&str| {
        let lower = line.to_lowercase();
        lower.trim_start().starts_with("//") && lower.contains(concat!(" refer", "ence, "))
    };
    text.lines().filter(cites).collect()
}

/// Files of the guide, between backticks.
fn named(text: &str) -> Vec<&str> {
    text.split('`').filter(|word| word.starts_with("deploy/guide/") && !word.contains(char::is_whitespace)).collect()
}

fn spelling() -> Result<()> {
    say("spelling");
    let typos = setup::python()?.join("typos");
    run(program(typos).arg("--config").arg(root().join(".typos.toml")))
}

/// A dependency that no file of its package names. Names with `-` are written with `_` in code.
fn unused_dependencies() -> Result<()> {
    say("unused dependencies");
    let mut unused = Vec::new();
    for package in [
        "app",
        "app/domain",
        "frontend",
        "server",
        "server/axl",
        "server/engine",
        "server/limit",
        "end2end/simulators",
        "xtask",
        "xtask/bindgen",
    ] {
        let manifest = fs::read_to_string(root().join(package).join("Cargo.toml"))?;
        let code = sources(&root().join(package))?;
        for name in dependencies(&manifest) {
            let word = name.replace('-', "_");
            if !code.contains(&word) {
                unused.push(format!("{package}: {name}"));
            }
        }
    }
    if unused.is_empty() { Ok(()) } else { bail!("no code names these dependencies:\n  {}", unused.join("\n  ")) }
}

fn dependencies(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if let (true, Some((name, _))) = (inside, line.split_once(['=', '.'])) {
            names.push(name.trim().to_owned());
        }
    }
    names.retain(|name| !name.is_empty() && !name.starts_with('#'));
    names
}

fn sources(folder: &Path) -> Result<String> {
    let mut all = String::new();
    for entry in fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        // An inner room has its own manifest.
        let inner = path.join("Cargo.toml").exists() || name == "target" || name == "node_modules";
        if path.is_dir() && !inner {
            all.push_str(&sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&fs::read_to_string(path)?);
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_document_are_found_and_those_that_lead_elsewhere_are_not() {
        let text = "a [b](c/d.md#e), [f](https://g.example/h) and [i](#j) ![k](l.png)";
        assert_eq!(linked(text), ["c/d.md", "l.png"]);
        assert_eq!(named("see `deploy/guide/telecom.md`, and `deploy/guide/ of old`"), ["deploy/guide/telecom.md"]);
    }

    #[test]
    fn a_source_that_a_document_names_must_be_there_whole_or_by_the_end_of_its_path() {
        let text = "See `guard/leaks.rs` and `../app/src/lib.rs`, not `*.rs`, `cargo run x.rs` or `.rs`.";
        assert_eq!(sources_named(text), ["guard/leaks.rs", "../app/src/lib.rs"]);
        let files = ["app/domain/src/guard/leaks.rs", "app/src/lib.rs", "cap.rs"];
        for there in ["guard/leaks.rs", "leaks.rs", "../app/src/lib.rs", "cap.rs"] {
            assert!(is_there(&files, there), "{there}");
        }
        let cited = "//! *Source*: identity reference, section 5.3.\n/// See the reference of settings.\nlet a = 1;";
        assert_eq!(elsewhere(cited), ["//! *Source*: identity reference, section 5.3."]);
        for gone in ["ard/leaks.rs", "guard/cap.rs", "src/leaks.rs"] {
            assert!(!is_there(&files, gone), "{gone}");
        }
    }
}
