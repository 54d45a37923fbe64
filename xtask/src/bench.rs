//! The product's speed as ratios, in one run, against what an engineer would write instead.

use crate::command::{cargo, program, root, run, say, target};
use crate::{progress, setup, site};
use anyhow::Result;
use std::path::PathBuf;

/// Every row of the design's numbers, written into BENCH.md when all parts run. Machines are noisy: read the ratios.
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

/// The check of a town's plan at three sizes. Printed; what it came to is told in BENCH.md.
pub(crate) fn town() -> Result<()> {
    run(cargo().args(["run", "--release", "--quiet", "--package", "lockdown", "--example", "town"]))
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
