//! How long a newcomer and a contributor wait, against this repository as it was on 2026-11-28: both from a clean clone, one
//! after the other, on this machine. Takes about an hour, and writes its rows into BENCH.md.

use crate::bench;
use crate::command::{program, root, run, run_quietly, say};
use crate::progress::minutes;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The last commit of that day.
const THEN: &str = "d8f9f5f";

struct Waits {
    /// `cargo xtask run` from nothing until it is ready.
    run: Duration,
    /// The same after a page was edited.
    page: Duration,
    /// A function of the engine edited, its narrow test run.
    test: Duration,
}

pub(crate) fn all() -> Result<()> {
    let then = measured("then", THEN)?;
    let now = measured("now", "HEAD")?;
    let rows = [
        ("`cargo xtask run`, from a clean clone until it is ready", then.run, now.run, 0.55),
        ("the same after a page was edited", then.page, now.page, 0.55),
        ("a function of the engine edited, until its own tests have answered", then.test, now.test, 1.0),
    ];
    let lines = rows.map(|(what, then, now, goal)| {
        let ratio = now.as_secs_f64() / then.as_secs_f64();
        let missed = if ratio > goal { ", **missed**" } else { "" };
        format!("| {what} | {} | {} | {ratio:.2} | ≤ {goal}{missed} |\n", minutes(then), minutes(now))
    });
    let table = format!("| what | {THEN} | now | ratio | goal |\n|---|---|---|---|---|\n{}", lines.concat());
    print!("{table}");
    bench::written("build", &table)
}

fn measured(name: &str, commit: &str) -> Result<Waits> {
    let clone = clone_of(name, commit)?;
    // Neither waits for the network.
    run_quietly(cargo_in(&clone).args(["fetch", "--quiet"]))?;
    say(&format!("{name}: cargo xtask run, from nothing"));
    let run = until_ready(&clone)?;
    say(&format!("{name}: the same after a page was edited"));
    replace(&clone.join("app/src/components/frame.rs"), "\"Sign out\"", "\"Leave\"")?;
    let page = until_ready(&clone)?;
    say(&format!("{name}: the engine's tests after an edit of the engine"));
    engine_tests(&clone)?;
    replace(&engine(&clone).1, "impl Engine {\n", "impl Engine {\n    pub fn measured() {}\n\n")?;
    let began = Instant::now();
    engine_tests(&clone)?;
    let test = began.elapsed();
    fs::remove_dir_all(&clone)?;
    Ok(Waits { run, page, test })
}

fn clone_of(name: &str, commit: &str) -> Result<PathBuf> {
    // Outside of this checkout, whose configuration cargo would add.
    let clone = std::env::temp_dir().join("pstn-lockdown-bench-build").join(name);
    let _ = fs::remove_dir_all(&clone);
    run_quietly(program("git").args(["clone", "--quiet", "--no-checkout"]).arg(root()).arg(&clone))?;
    let commit = String::from_utf8(program("git").args(["rev-parse", commit]).output()?.stdout)?;
    run_quietly(Command::new("git").current_dir(&clone).args(["checkout", "--quiet", commit.trim()]))?;
    Ok(clone)
}

/// As a newcomer does it, with nothing set.
fn cargo_in(clone: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(clone);
    for name in ["CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "CARGO", "CARGO_MANIFEST_DIR", "RUSTFLAGS"] {
        cargo.env_remove(name);
    }
    cargo
}

fn until_ready(clone: &Path) -> Result<Duration> {
    let began = Instant::now();
    // A group of its own: what it started ends with it.
    let mut child = cargo_in(clone).args(["xtask", "run"]).stdout(Stdio::piped()).process_group(0).spawn()?;
    let stdout = child.stdout.take().context("its output is piped")?;
    // Read on to the end: whoever writes into a closed pipe does not end in order.
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let ready = lines.any(|line| line.contains("Ready after"));
    let took = began.elapsed();
    if ready {
        run_quietly(Command::new("kill").args(["-INT", "--", &format!("-{}", child.id())]))?;
    }
    lines.for_each(drop);
    child.wait()?;
    ensure!(ready, "cargo xtask run ended before it was ready");
    Ok(took)
}

/// How its tests are asked for, and the file that is edited: a crate of its own now, a folder of the server's then.
fn engine(clone: &Path) -> (&'static [&'static str], PathBuf) {
    let own = clone.join("server/engine/src/lib.rs");
    if own.exists() {
        return (&["--package", "engine"], own);
    }
    (&["--package", "server", "--lib", "engine::"], clone.join("server/src/engine/mod.rs"))
}

fn engine_tests(clone: &Path) -> Result<()> {
    run(cargo_in(clone).args(["test", "--quiet"]).args(engine(clone).0))
}

fn replace(file: &Path, from: &str, to: &str) -> Result<()> {
    let text = fs::read_to_string(file)?;
    ensure!(text.contains(from), "{} does not hold {from}", file.display());
    Ok(fs::write(file, text.replacen(from, to, 1))?)
}
