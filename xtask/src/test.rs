//! The tests, in parts: one that fails does not stop the others, and all that failed, or could not be tried here, stands at
//! the end.

use crate::command::{cargo, output, run, say, target};
use crate::needs::Need;
use crate::run::{NATIVE, Style, World};
use crate::site::Build;
use crate::{check, deploy, machine, needs, progress, run as demo, schema, setup};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

struct Part {
    name: &'static str,
    holds: &'static str,
    needs: &'static [Need],
    run: fn() -> Result<()>,
}

/// What everybody runs: no root, no emulator, no network but the registries. Cheap ones first.
const USUAL: [Part; 4] = [
    Part {
        name: "rust",
        holds: "domain, AXL client, simulators, pages: unit and property tests",
        needs: &[Need::Compiler],
        run: rust,
    },
    Part {
        name: "server",
        holds: "the server on a file and on a database, on every surface",
        needs: &[Need::Compiler, Need::Python],
        run: server,
    },
    Part {
        name: "clients",
        holds: "zeep and cisco-axl lock, read and release",
        needs: &[Need::Compiler, Need::Node, Need::Python],
        run: clients,
    },
    Part {
        name: "browser",
        holds: "the lock, in a browser, as `cargo xtask run` builds it",
        needs: &[Need::Compiler, Need::Wasm, Need::Node, Need::Chromium],
        run: || browser(Build::Quick, &[LOCK]),
    },
];

/// What `test all` runs besides.
const OTHERS: [Part; 14] = [
    Part {
        name: "pages",
        holds: "all pages as they ship, in a browser",
        needs: &[Need::Compiler, Need::Wasm, Need::Node, Need::Chromium],
        run: pages,
    },
    Part {
        name: "schemas",
        holds: "what the tests of the server sent, against the schemas of Cisco and OASIS",
        needs: &[Need::Node, Need::Python, Need::Xmllint],
        run: schemas,
    },
    Part {
        name: "reference",
        holds: "what the bot said, against Webex' description of its API",
        needs: &[Need::Python, Need::WebexReference],
        run: schema::webex,
    },
    Part {
        name: "nginx",
        holds: "the server behind nginx",
        needs: &[Need::Compiler, Need::Python, Need::Nginx],
        run: nginx,
    },
    Part { name: "disk", holds: "a full disk", needs: &[Need::Compiler, Need::SmallDisk], run: disk },
    Part {
        name: "alone",
        holds: "the server compiles with its own features alone",
        needs: &[Need::Compiler],
        run: alone,
    },
    Part {
        name: "database",
        holds: "the store's contract on the database that MONGODB_URI names",
        needs: &[Need::Compiler, Need::Database],
        run: database,
    },
    Part {
        name: "webex",
        holds: "webexpythonsdk and webex_bot meet the bot",
        needs: &[Need::Compiler, Need::Wasm, Need::Node, Need::Python],
        run: webex,
    },
    Part { name: "lints", holds: "container and compose file", needs: &[Need::Python], run: deploy::lints },
    Part { name: "unit", holds: "how far the unit is closed up", needs: &[Need::Systemd], run: deploy::unit },
    Part { name: "alerts", holds: "Prometheus' rules", needs: &[Need::Promtool], run: deploy::alerts },
    Part {
        name: "deploy",
        holds: "the package and the container's steps, in a Debian of their own",
        needs: &[Need::Compiler, Need::Wasm, Need::Node, Need::Python, Need::Nginx, Need::DebianRoot],
        run: deploy::test,
    },
    Part {
        name: "machine",
        holds: "the package on an emulated machine with systemd",
        needs: &[Need::Compiler, Need::Wasm, Need::Node, Need::DebianRoot],
        run: machine::test,
    },
    Part {
        name: "whole",
        holds: "the product as a site runs it, in a browser",
        needs: &[Need::Compiler, Need::Wasm, Need::Node, Need::Python, Need::Chromium],
        run: whole,
    },
];

const CHECK: Part = Part {
    name: "check",
    holds: "form, lints, walls, spelling",
    needs: &[Need::Compiler, Need::Python],
    run: check::all,
};

/// How a part ended.
enum Ended {
    Passed,
    Failed(String),
    /// It cannot be tried on this machine.
    Skipped(String),
}

/// `--require-all`: what cannot be tried here is a failure, before anything begins.
pub(crate) fn of_words(words: &[&str]) -> Result<()> {
    let required = words.contains(&"--require-all");
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != "--require-all").collect();
    let parts: Vec<&Part> = match names.as_slice() {
        [] => USUAL.iter().collect(),
        ["all"] => USUAL.iter().chain(&OTHERS).collect(),
        names => names.iter().map(|name| named(name)).collect::<Result<_>>()?,
    };
    // Of all there are, a machine tries what it can; what was asked for by name, or is everybody's, it must be able to.
    let must = required || names != ["all"];
    if must {
        needs::all_there(parts.iter().flat_map(|part| part.needs))?;
    }
    some(parts)
}

/// Everything there is, once.
pub(crate) fn ci() -> Result<()> {
    some(std::iter::once(&CHECK).chain(&USUAL).chain(&OTHERS).collect())
}

pub(crate) fn is_part(name: &str) -> bool {
    named(name).is_ok()
}

fn named(name: &str) -> Result<&'static Part> {
    let mut all = USUAL.iter().chain(&OTHERS);
    all.find(|part| part.name == name).with_context(|| format!("there is no part “{name}”:\n{}", list()))
}

pub(crate) fn list() -> String {
    let line = |part: &Part| format!("  {:<9} {}\n", part.name, part.holds);
    let (usual, others): (String, String) = (USUAL.iter().map(line).collect(), OTHERS.iter().map(line).collect());
    format!("cargo xtask test:\n{usual}cargo xtask test all, besides:\n{others}")
}

fn some(parts: Vec<&Part>) -> Result<()> {
    let started = Instant::now();
    let ended: Vec<(&str, Duration, Ended)> = parts.into_iter().map(timed).collect();
    println!();
    let mut failed = Vec::new();
    let mut skipped = Vec::new();
    for (name, took, ended) in ended {
        let mark = match ended {
            Ended::Passed => "passed",
            Ended::Failed(why) => {
                failed.push(format!("{name}: {why}"));
                "FAILED"
            }
            Ended::Skipped(why) => {
                skipped.push(format!("  {name}: {why}"));
                "skipped"
            }
        };
        println!("  {name:<9} {mark:<8} {:>5} s", took.as_secs());
    }
    println!("  {:<18} {:>5} s", "all together", started.elapsed().as_secs());
    if !skipped.is_empty() {
        println!("\nNot tried on this machine:\n{}", skipped.join("\n"));
    }
    if !failed.is_empty() {
        bail!("what failed:\n{}", failed.join("\n"));
    }
    Ok(())
}

fn timed(part: &Part) -> (&'static str, Duration, Ended) {
    let started = Instant::now();
    let missing: Vec<String> = part.needs.iter().filter_map(|need| need.missing()).collect();
    if !missing.is_empty() {
        return (part.name, Duration::ZERO, Ended::Skipped(missing.join("; ")));
    }
    say(&format!("{}: {}", part.name, part.holds));
    let ended = match (part.run)() {
        Ok(()) => Ended::Passed,
        Err(error) => {
            eprintln!("\n{} failed: {error:#}\n", part.name);
            Ended::Failed(format!("{error:#}"))
        }
    };
    (part.name, started.elapsed(), ended)
}

/// Of why a test failed, at the end of everything: where, what, left and right. The whole of it stands where it happened.
const WHY_LINES: usize = 4;
const WHY_COLUMNS: usize = 400;
const COMPARED: [&str; 2] = ["  left: ", " right: "];

/// A program with tests in it.
struct Tests {
    package: String,
    /// `lib`, `bin` or `test`, with its name.
    target: String,
    program: PathBuf,
    /// Where cargo would start it.
    folder: PathBuf,
}

/// Every program with tests that is compiled for this machine, built with one set of features, once.
fn native() -> Result<Vec<Tests>> {
    let mut build = cargo();
    build.args(["test", "--no-run", "--tests", "--message-format", "json-render-diagnostics"]).args(NATIVE);
    let said = progress::cargo_said("tests", &mut build)?;
    let messages = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let tests = messages.filter(|message| message["profile"]["test"] == true).filter_map(|message| {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let manifest = PathBuf::from(text(&message["manifest_path"])?);
        Some(Tests {
            package: manifest.parent()?.file_name()?.to_string_lossy().into_owned(),
            target: format!("{} {}", message["target"]["kind"][0].as_str()?, message["target"]["name"].as_str()?),
            program: PathBuf::from(text(&message["executable"])?),
            folder: manifest.parent()?.to_owned(),
        })
    });
    Ok(tests.collect())
}

impl Tests {
    /// With these words to it. That a filter leaves none is an error.
    fn run(&self, words: &[&str], set: &[(&str, &OsStr)]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder).args(words);
        for (name, value) in set {
            command.env(name, value);
        }
        if words.first().is_some_and(|word| !word.starts_with('-')) {
            let listed = output(Command::new(&self.program).args(words).arg("--list"))?;
            ensure!(listed.contains(": test"), "{} has no test for {}", self.target, words.join(" "));
        }
        println!("  {} {}", self.package, self.target);
        let cannot_start = || format!("{} cannot be started", self.program.display());
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(cannot_start)?;
        let mut said = String::new();
        for line in BufReader::new(child.stdout.take().context("it says nothing")?).lines() {
            let line = line?;
            println!("{line}");
            said.push_str(&line);
            said.push('\n');
        }
        let status = child.wait()?;
        ensure!(status.success(), "tests failed in {} {}:{}", self.package, self.target, failures(&said));
        Ok(())
    }
}

/// What failed of what a program with tests said: each test's name, and the first lines of why.
fn failures(said: &str) -> String {
    let names = said.rsplit("\nfailures:\n").next().unwrap_or_default();
    let names = names.lines().map_while(|line| line.strip_prefix("    "));
    let why = |name: &str| {
        let after = said.split_once(&format!("---- {name} stdout ----\n")).map_or("", |(_, after)| after);
        let own = after.split("\n---- ").next().unwrap_or_default();
        let lines = own.lines().filter(|line| !line.trim().is_empty()).enumerate();
        // A message may be long, and what was compared comes behind it.
        let told = lines.filter(|(at, line)| *at < WHY_LINES || COMPARED.iter().any(|word| line.starts_with(word)));
        told.map(|(_, line)| line)
            .map(|line| format!("\n      {}", line.chars().take(WHY_COLUMNS).collect::<String>()))
            .collect::<String>()
    };
    names.map(|name| format!("\n    {name}{}", why(name))).collect()
}

/// All of them run, whichever fails.
fn each<'t>(tests: impl IntoIterator<Item = &'t Tests>, words: &[&str], set: &[(&str, &OsStr)]) -> Result<()> {
    let failed: Vec<String> =
        tests.into_iter().filter_map(|one| one.run(words, set).err()).map(|error| error.to_string()).collect();
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join("\n")) }
}

fn rust() -> Result<()> {
    let tests = native()?;
    let others = each(tests.iter().filter(|one| one.package != "server"), &["--quiet"], &[]);
    // By itself, as it runs: what it shares with the others is little.
    let own = run(cargo().args(["test", "--quiet", "--package", "xtask"]));
    others.and(own)
}

/// Tests that need more than everybody has; parts of their own run them.
const NEEDY: [&str; 4] = ["--skip", "nginx::", "--skip", "flood::a_full_disk"];

fn server() -> Result<()> {
    let counts = target().join("counts");
    let _ = std::fs::remove_dir_all(&counts);
    std::fs::create_dir_all(&counts)?;
    // What went over the wire is kept for the parts that judge it: that of an earlier run may be of a mistake since mended.
    for kept in ["axl-exchanges", "cap", "webex"] {
        let _ = std::fs::remove_dir_all(target().join("tmp").join(kept));
    }
    let mongod = setup::mongod()?;
    // They wait for each other's servers and databases half of the time: on two processors three at once take 0.7 of the time.
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = OsString::from((cores * 3).div_ceil(2).to_string());
    let set = [
        ("LOCKDOWN_MONGOD", mongod.as_os_str()),
        ("LOCKDOWN_COUNTS", counts.as_os_str()),
        ("RUST_TEST_THREADS", &threads),
    ];
    each(native()?.iter().filter(|one| one.package == "server"), &NEEDY, &set)?;
    tell_counts(&counts)
}

/// One program of the server's, some of its tests.
fn of_server(target: &str, words: &[&str], set: &[(&str, &OsStr)]) -> Result<()> {
    let tests = native()?;
    let found = tests.iter().find(|one| one.package == "server" && one.target == target);
    found.with_context(|| format!("the server has no {target}"))?.run(words, set)
}

fn nginx() -> Result<()> {
    let mongod = setup::mongod()?;
    let nginx = setup::nginx()?;
    let set = [("LOCKDOWN_MONGOD", mongod.as_os_str()), ("LOCKDOWN_NGINX", nginx.as_os_str())];
    of_server("test it", &["nginx::"], &set)
}

fn disk() -> Result<()> {
    of_server("test it", &["flood::a_full_disk"], &[])
}

fn database() -> Result<()> {
    of_server("lib server", &["the_database_of_the_environment", "--ignored"], &[])
}

/// Everything else is built with what the simulators and the tests need besides.
fn alone() -> Result<()> {
    progress::cargo("the server by itself", cargo().args(["check", "--package", "server"]))
}

/// What was tried and refused, or let through as the tests' tables say.
fn tell_counts(counts: &Path) -> Result<()> {
    println!("\nTried and refused, or let through as the table says:");
    for file in std::fs::read_dir(counts)?.flatten() {
        let count = std::fs::read_to_string(file.path())?;
        println!("  {count:>6}  {}", file.file_name().to_string_lossy());
    }
    Ok(())
}

/// Cisco's customers' clients.
fn clients() -> Result<()> {
    demo::build()?;
    schema::independent_clients()
}

/// What the tests of the server kept, so they come first.
fn schemas() -> Result<()> {
    schema::messages()?;
    schema::alerts()
}

/// The bot, by clients that share nothing with us.
fn webex() -> Result<()> {
    schema::webex_peers(&demo::build_with(Build::Shipped)?)
}

/// The product as a site runs it, against an independent identity provider and a database.
fn whole() -> Result<()> {
    let counts = target().join("counts-whole");
    let _ = std::fs::remove_dir_all(&counts);
    std::fs::create_dir_all(&counts)?;
    let site = demo::build_with(Build::Shipped)?;
    whole_as(Style::B2c, "site", &site, &counts)?;
    whole_as(Style::External, "external", &site, &counts)?;
    tell_counts(&counts)
}

fn whole_as(style: Style, spec: &str, site: &Path, counts: &Path) -> Result<()> {
    let modules = setup::npm()?;
    let chromium = setup::chromium()?;
    say(&format!("the whole product, in a browser: {spec}"));
    let folder = target().join(format!("whole-test-{spec}"));
    let _ = std::fs::remove_dir_all(&folder);
    let world = World::start_whole(&folder, site, style)?;
    run(demo::node()
        .arg(modules.join("@playwright/test/cli.js"))
        .args(["test", "--config", "end2end/whole.config.mjs", spec])
        .env("CHROMIUM", chromium)
        .env("LOCKDOWN_URL", &world.url)
        .env("LOCKDOWN_WHOLE", world.whole.to_string())
        .env("LOCKDOWN_COUNTS", counts)
        .env("LOCKDOWN_CONTROL", world.simulators["control"].as_str().unwrap_or_default()))
    .with_context(|| format!("the server's log is {}", folder.join("server.log").display()))
}

/// What everybody runs in a browser.
const LOCK: &str = "lock.spec.mjs";

fn pages() -> Result<()> {
    browser(Build::Shipped, &[])
}

/// Playwright in the system's Chromium, against the real server and simulators: all files, or some.
pub(crate) fn browser(build: Build, only: &[&str]) -> Result<()> {
    let site = demo::build_with(build)?;
    let modules = setup::npm()?;
    let chromium = setup::chromium()?;
    say("browser tests");
    let folder = target().join("browser-tests");
    let _ = std::fs::remove_dir_all(&folder);
    let world = World::start(&folder, &site, 0)?;
    run(demo::node()
        .arg(modules.join("@playwright/test/cli.js"))
        .args(["test", "--config", "end2end/playwright.config.mjs"])
        .args(only)
        .env("LOCKDOWN_IDENTITY", origin(world.simulators["metadata_url"].as_str().unwrap_or_default()))
        .env("CHROMIUM", chromium)
        .env("LOCKDOWN_URL", &world.url)
        .env("LOCKDOWN_SERVER_PID", world.server_pid().to_string())
        .env("LOCKDOWN_CONTROL", world.simulators["control"].as_str().unwrap_or_default())
        .env("LOCKDOWN_RECEIVER", demo::RECEIVER)
        .env("LOCKDOWN_PHONES", world.phone_page())
        .env("LOCKDOWN_FINESSE", world.simulators["finesse"]["origins"].to_string())
        .env("LOCKDOWN_SHOTS", target().join("screenshots")))
    .with_context(|| format!("the server's log is {}", folder.join("server.log").display()))
}

/// `http://host:port` of an address.
fn origin(url: &str) -> String {
    url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_named_with_where_and_why() {
        let said = "running 3 tests\n..F\nfailures:\n\n---- lock::a stdout ----\n\nthread 'lock::a' panicked at it/lock.rs:3:5:\none\ntwo\nthree\nfour\nfive\n  left: 1\n right: 2\nnote: more\n\n\nfailures:\n    lock::a\n    lock::b\n\ntest result: FAILED. 1 passed\n";
        assert_eq!(
            failures(said),
            "\n    lock::a\n      thread 'lock::a' panicked at it/lock.rs:3:5:\n      one\n      two\n      three\n        left: 1\n       right: 2\n    lock::b"
        );
        assert_eq!(failures("running 3 tests\n..\n"), "", "it was killed");
    }
}
