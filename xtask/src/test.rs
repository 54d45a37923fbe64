//! The tests, in parts: one that fails does not stop the others, and all that failed stands at the end.

use crate::command::{cargo, run, say, target};
use crate::run::{Style, World};
use crate::{deploy, machine, run as demo, schema, setup, site};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::time::{Duration, Instant};

struct Part {
    name: &'static str,
    holds: &'static str,
    run: fn() -> Result<()>,
}

/// Cheap ones first.
const PARTS: [Part; 8] = [
    Part { name: "rust", holds: "domain, AXL client, simulators, pages: unit and property tests", run: rust },
    Part {
        name: "server",
        holds: "the server, on a file and on a database, behind nginx, on every surface",
        run: server,
    },
    Part { name: "axl", holds: "what we say against the schemas of Cisco and OASIS; zeep and cisco-axl", run: axl },
    Part {
        name: "deploy",
        holds: "the package, the unit, the container and the alerts, in a Debian of their own",
        run: deploy::test,
    },
    Part { name: "machine", holds: "the package on an emulated machine with systemd", run: machine::test },
    Part { name: "browser", holds: "the pages, in a browser", run: || browser(&[]) },
    Part { name: "webex", holds: "webexpythonsdk and webex_bot meet the bot", run: webex },
    Part { name: "whole", holds: "the product as a site runs it, in a browser", run: whole },
];

pub(crate) fn all() -> Result<()> {
    some(PARTS.iter().collect())
}

/// By their names.
pub(crate) fn named(names: &[&str]) -> Result<()> {
    let part = |name: &&str| {
        PARTS.iter().find(|part| part.name == *name).with_context(|| format!("there is no part “{name}”:\n{}", list()))
    };
    some(names.iter().map(part).collect::<Result<_>>()?)
}

pub(crate) fn list() -> String {
    PARTS.iter().map(|part| format!("  {:<9} {}\n", part.name, part.holds)).collect()
}

fn some(parts: Vec<&Part>) -> Result<()> {
    let ended: Vec<(&str, Duration, Result<()>)> = parts.into_iter().map(timed).collect();
    println!();
    for (name, took, result) in &ended {
        let mark = if result.is_ok() { '✓' } else { '✗' };
        println!("  {mark} {name:<9} {:>5} s", took.as_secs());
    }
    let failed: Vec<String> =
        ended.iter().filter_map(|(name, _, result)| Some(format!("{name}: {:#}", result.as_ref().err()?))).collect();
    if failed.is_empty() { Ok(()) } else { bail!("what failed:\n{}", failed.join("\n")) }
}

fn timed(part: &Part) -> (&'static str, Duration, Result<()>) {
    let started = Instant::now();
    say(&format!("{}: {}", part.name, part.holds));
    let result = (part.run)();
    if let Err(error) = &result {
        eprintln!("\n✗ {}: {error:#}\n", part.name);
    }
    (part.name, started.elapsed(), result)
}

fn rust() -> Result<()> {
    let small = run(cargo()
        .args(["test", "--quiet", "--no-fail-fast", "--package", "lockdown", "--package", "axl"])
        .args(["--package", "simulators", "--package", "xtask"]));
    // By itself: `server` turns on the app's server half, and must not be mixed with the browser's.
    let pages =
        run(cargo().args(["test", "--quiet", "--no-fail-fast", "--package", "app", "--features", "ssr", "--lib"]));
    small.and(pages)
}

fn server() -> Result<()> {
    let counts = target().join("counts");
    let _ = std::fs::remove_dir_all(&counts);
    std::fs::create_dir_all(&counts)?;
    let tests = run(cargo()
        .args(["test", "--no-fail-fast", "--package", "server"])
        .env("LOCKDOWN_MONGOD", setup::mongod()?)
        .env("LOCKDOWN_NGINX", setup::nginx()?)
        .env("LOCKDOWN_COUNTS", &counts));
    if std::env::var_os("MONGODB_URI").is_some() {
        run(cargo()
            .args(["test", "--package", "server", "--lib", "the_database_of_the_environment"])
            .args(["--", "--ignored"]))?;
    }
    tests?;
    tell_counts(&counts)
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

/// Cisco's schema and Cisco's customers' clients.
fn axl() -> Result<()> {
    demo::build()?;
    schema::messages()?;
    schema::alerts()?;
    schema::webex()?;
    schema::independent_clients()
}

/// The bot, by clients that share nothing with us.
fn webex() -> Result<()> {
    demo::build()?;
    site::build()?;
    schema::webex_peers()
}

/// The product as a site runs it, against an independent identity provider and a database.
fn whole() -> Result<()> {
    let counts = target().join("counts-whole");
    let _ = std::fs::remove_dir_all(&counts);
    std::fs::create_dir_all(&counts)?;
    demo::build()?;
    site::build()?;
    whole_as(Style::B2c, "site", &counts)?;
    whole_as(Style::External, "external", &counts)?;
    tell_counts(&counts)
}

fn whole_as(style: Style, spec: &str, counts: &Path) -> Result<()> {
    let (modules, chromium) = (setup::npm()?, setup::chromium()?);
    say(&format!("the whole product, in a browser: {spec}"));
    let folder = target().join(format!("whole-test-{spec}"));
    let _ = std::fs::remove_dir_all(&folder);
    let world = World::start_whole(&folder, style)?;
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
    demo::build()?;
    site::build()?;
    let modules = setup::npm()?;
    let chromium = setup::chromium()?;
    say("browser tests");
    let folder = target().join("browser-tests");
    let _ = std::fs::remove_dir_all(&folder);
    let world = World::start(&folder, 0)?;
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
