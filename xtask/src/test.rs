//! The tests, in parts: one that fails does not stop the others, and all that failed, or could not be tried here, stands at
//! the end.

use crate::command::{cargo, run, say, target};
use crate::needs::Need;
use crate::run::{NATIVE, Style, World};
use crate::site::Build;
use crate::{check, deploy, machine, needs, progress, run as demo, schema, setup};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
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
        needs: &[Need::Node, Need::Python],
        run: clients,
    },
    Part {
        name: "browser",
        holds: "the pages, in a browser",
        needs: &[Need::Wasm, Need::Node, Need::Chromium],
        run: || browser(&[]),
    },
];

/// What `test all` runs besides.
const OTHERS: [Part; 11] = [
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
    Part { name: "nginx", holds: "the server behind nginx", needs: &[Need::Nginx], run: nginx },
    Part { name: "disk", holds: "a full disk", needs: &[Need::UserNamespaces], run: disk },
    Part {
        name: "database",
        holds: "the store's contract on the database that MONGODB_URI names",
        needs: &[Need::Database],
        run: database,
    },
    Part {
        name: "webex",
        holds: "webexpythonsdk and webex_bot meet the bot",
        needs: &[Need::Wasm, Need::Python],
        run: webex,
    },
    Part {
        name: "lints",
        holds: "unit, container and configuration in deploy",
        needs: &[Need::Python],
        run: deploy::lints,
    },
    Part { name: "alerts", holds: "Prometheus' rules", needs: &[Need::Promtool], run: deploy::alerts },
    Part {
        name: "deploy",
        holds: "the package and the container's steps, in a Debian of their own",
        needs: &[Need::Wasm, Need::DebianRoot],
        run: deploy::test,
    },
    Part {
        name: "machine",
        holds: "the package on an emulated machine with systemd",
        needs: &[Need::Wasm, Need::DebianRoot],
        run: machine::test,
    },
    Part {
        name: "whole",
        holds: "the product as a site runs it, in a browser",
        needs: &[Need::Wasm, Need::Node, Need::Python, Need::Chromium],
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

/// `--require-all`: what cannot be tried here is a failure.
pub(crate) fn of_words(words: &[&str]) -> Result<()> {
    let strict = words.contains(&"--require-all");
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != "--require-all").collect();
    let parts: Vec<&Part> = match names.as_slice() {
        [] => USUAL.iter().collect(),
        ["all"] => USUAL.iter().chain(&OTHERS).collect(),
        names => names.iter().map(|name| named(name)).collect::<Result<_>>()?,
    };
    if names.is_empty() {
        let needed: Vec<Need> = parts.iter().flat_map(|part| part.needs).copied().collect();
        needs::all_there(&needed)?;
    }
    some(parts, strict)
}

/// Everything there is, once.
pub(crate) fn ci() -> Result<()> {
    some(std::iter::once(&CHECK).chain(&USUAL).chain(&OTHERS).collect(), false)
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

fn some(parts: Vec<&Part>, strict: bool) -> Result<()> {
    let started = Instant::now();
    let ended: Vec<(&str, Duration, Ended)> = parts.into_iter().map(timed).collect();
    println!();
    let (mut failed, mut skipped) = (Vec::new(), Vec::new());
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
    if strict && !skipped.is_empty() {
        bail!("{} parts could not be tried here, and all are required", skipped.len());
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

/// Tests of what is compiled for this machine, with this last word to cargo. They are built with all others, once.
fn native(words: &[&str]) -> Result<Command> {
    progress::cargo("tests", cargo().args(["test", "--no-run", "--tests"]).args(NATIVE))?;
    let mut command = cargo();
    command.args(["test", "--no-fail-fast", "--tests"]).args(words);
    Ok(command)
}

fn rust() -> Result<()> {
    let packages = ["--package", "lockdown", "--package", "axl", "--package", "simulators", "--package", "app"];
    let tests = native(&["--quiet"]).and_then(|mut tests| run(tests.args(packages)));
    // By themselves, as they run: what they share with the others is little.
    tests.and(run(cargo().args(["test", "--quiet", "--package", "xtask", "--package", "bindgen"])))
}

/// Tests that need more than everybody has; parts of their own run them.
const NEEDY: [&str; 4] = ["--skip", "nginx::", "--skip", "flood::a_full_disk"];

fn server() -> Result<()> {
    let counts = target().join("counts");
    let _ = std::fs::remove_dir_all(&counts);
    std::fs::create_dir_all(&counts)?;
    run(native(&["--package", "server"])?
        .arg("--")
        .args(NEEDY)
        .env("LOCKDOWN_MONGOD", setup::mongod()?)
        .env("LOCKDOWN_COUNTS", &counts))?;
    tell_counts(&counts)
}

fn nginx() -> Result<()> {
    run(native(&["--package", "server", "--test", "it"])?
        .args(["--", "nginx::"])
        .env("LOCKDOWN_MONGOD", setup::mongod()?)
        .env("LOCKDOWN_NGINX", setup::nginx()?))
}

fn disk() -> Result<()> {
    run(native(&["--package", "server", "--test", "it"])?.args(["--", "flood::a_full_disk"]))
}

fn database() -> Result<()> {
    run(native(&["--package", "server", "--lib"])?.args(["--", "the_database_of_the_environment", "--ignored"]))
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
    schema::webex_peers(&demo::build_with(Build::Quick)?)
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
    let (modules, chromium) = (setup::npm()?, setup::chromium()?);
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

/// Playwright in the system's Chromium, against the real server and simulators.
pub(crate) fn browser(only: &[&str]) -> Result<()> {
    let site = demo::build_with(Build::Quick)?;
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
