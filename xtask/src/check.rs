//! What can be said without running anything: form, lints, walls, spelling, unused dependencies.

use crate::command::{cargo, program, root, run, run_quietly, say};
use crate::run::NATIVE;
use crate::{setup, walls};
use anyhow::{Context, Result, bail};
use std::fs;

pub(crate) fn all() -> Result<()> {
    say("formatting");
    run_quietly(cargo().args(["fmt", "--all", "--check"])).context("run `cargo fmt --all`")?;
    walls::check()?;
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

fn sources(folder: &std::path::Path) -> Result<String> {
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
