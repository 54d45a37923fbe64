//! All tests, cheap ones first. Prints what ran.

use crate::command::{cargo, run, say, target};
use crate::run::{Style, World};
use crate::{deploy, machine, run as demo, schema, setup, site};
use anyhow::{Context, Result};
use std::path::Path;
use std::time::Instant;

pub(crate) fn all() -> Result<()> {
    let started = Instant::now();
    say("Rust tests");
    run(cargo()
        .args(["test", "--quiet", "--package", "lockdown", "--package", "axl", "--package", "simulators"])
        .args(["--package", "xtask"]))?;
    run(cargo().args(["test", "--quiet", "--package", "app", "--features", "ssr", "--lib"]))?;
    // On its own: `server` turns on the app's server half, and must not be mixed with the browser's.
    let counts = target().join("counts");
    let _ = std::fs::remove_dir_all(&counts);
    std::fs::create_dir_all(&counts)?;
    run(cargo()
        .args(["test", "--package", "server"])
        .env("LOCKDOWN_MONGOD", setup::mongod()?)
        .env("LOCKDOWN_NGINX", setup::nginx()?)
        .env("LOCKDOWN_COUNTS", &counts))?;
    if std::env::var_os("MONGODB_URI").is_some() {
        run(cargo().args([
            "test",
            "--package",
            "server",
            "--lib",
            "the_database_of_the_environment",
            "--",
            "--ignored",
        ]))?;
    }
    axl()?;
    deploy::test()?;
    machine::test()?;
    browser(&[])?;
    webex()?;
    whole_counted(&counts)?;
    println!("\nTried and refused, or let through as the table says:");
    for file in std::fs::read_dir(&counts)?.flatten() {
        let count = std::fs::read_to_string(file.path())?;
        println!("  {count:>6}  {}", file.file_name().to_string_lossy());
    }
    println!(
        "\n✓ test: Rust, AXL schema (12.5, 14.0, 15.0), zeep and cisco-axl, package, service under systemd, browser, the whole product, in {} s",
        started.elapsed().as_secs()
    );
    Ok(())
}

/// Cisco's schema and Cisco's customers' clients.
pub(crate) fn axl() -> Result<()> {
    demo::build()?;
    schema::messages()?;
    schema::alerts()?;
    schema::webex()?;
    schema::independent_clients()
}

/// The bot, by clients that share nothing with us.
pub(crate) fn webex() -> Result<()> {
    demo::build()?;
    site::build()?;
    schema::webex_peers()
}

/// The product as a site runs it, against an independent identity provider and a database.
pub(crate) fn whole() -> Result<()> {
    let counts = target().join("counts-whole");
    std::fs::create_dir_all(&counts)?;
    whole_counted(&counts)
}

/// What is tried and refused is counted in the folder `counts`.
fn whole_counted(counts: &Path) -> Result<()> {
    demo::build()?;
    site::build()?;
    whole_as(Style::B2c, "site", counts)?;
    whole_as(Style::External, "external", counts)
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
