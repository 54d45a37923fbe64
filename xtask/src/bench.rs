//! The product's speed as ratios, in one run, against what an engineer would write instead.

use crate::command::{cargo, program, root, run, say, target};
use crate::{progress, setup, site};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;

/// Every number that must hold, written into BENCH.md when all parts run. Machines are noisy: read the ratios.
pub(crate) fn some(only: &[&str]) -> Result<()> {
    build()?;
    let python = setup::python()?;
    let modules = setup::npm()?;
    let nginx = setup::nginx()?;
    setup::load_generator()?;
    run(program(python.join("python"))
        .arg(root().join("end2end/bench/bench.py"))
        .arg("--lockdown")
        .arg(binary("pstn-lockdown"))
        .arg("--simulators")
        .arg(binary("simulators"))
        .arg("--constant")
        .arg(binary("constant"))
        .arg("--nginx")
        .arg(nginx)
        .arg("--site")
        .arg(site::Build::Shipped.folder())
        .arg("--report")
        .arg(root().join("BENCH.md"))
        .arg("--wsdl")
        .arg(modules.join("cisco-axl/schema/14.0/AXLAPI.wsdl"))
        .arg("--folder")
        .arg(target().join("bench"))
        .args(only)
        .env("LEPTOS_SITE_ROOT", site::Build::Shipped.folder()))
}

/// The check of a town's plan in four styles, at three sizes.
pub(crate) fn town() -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--release", "--package", "server", "--example", "town"]);
    progress::cargo("town", &mut build)?;
    progress::cargo("server", cargo().args(["build", "--release", "--package", "server"]))?;
    let output = program(target().join("release/examples/town")).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout)?;
    print!("{table}");
    written("town", &table)
}

/// Into BENCH.md, where it stands already.
pub(crate) fn written(place: &str, table: &str) -> Result<()> {
    let file = root().join("BENCH.md");
    let begin = format!("<!-- {place} -->\n");
    let end = format!("<!-- /{place} -->\n");
    let text = fs::read_to_string(&file)?;
    let (before, rest) = text.split_once(&begin).context("BENCH.md has no place for it")?;
    let (_, after) = rest.split_once(&end).context("BENCH.md has no end of it")?;
    Ok(fs::write(&file, format!("{before}{begin}{table}{end}{after}"))?)
}

/// Server, simulators and browser side, as they ship.
pub(crate) fn build() -> Result<()> {
    say("building as it ships (release; some minutes the first time)");
    progress::cargo("server", cargo().args(["build", "--release", "--package", "server"]))?;
    progress::cargo("simulators", cargo().args(["build", "--release", "--package", "simulators"]))?;
    site::Build::Shipped.make().map(|_| ())
}

pub(crate) fn binary(name: &str) -> PathBuf {
    target().join("release").join(name)
}
