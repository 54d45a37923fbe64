//! The product's speed as ratios, in one run, against what an engineer would write instead.

use crate::command::{cargo, program, root, run, say, target};
use crate::{setup, site};
use anyhow::Result;

/// Prints the first two rows of the design's numbers. Machines are noisy: read the ratios.
pub(crate) fn all() -> Result<()> {
    say("building as it ships (release; some minutes the first time)");
    run(cargo().args(["build", "--quiet", "--release", "--package", "server"]))?;
    run(cargo().args(["build", "--quiet", "--release", "--package", "simulators"]))?;
    let binary = |name| target().join("release").join(name);
    site::build()?;
    let python = setup::python()?;
    let modules = setup::npm()?;
    run(program(python.join("python"))
        .arg(root().join("end2end/bench/bench.py"))
        .arg("--lockdown")
        .arg(binary("pstn-lockdown"))
        .arg("--simulators")
        .arg(binary("simulators"))
        .arg("--wsdl")
        .arg(modules.join("cisco-axl/schema/14.0/AXLAPI.wsdl"))
        .arg("--folder")
        .arg(target().join("bench"))
        .env("LEPTOS_SITE_ROOT", site::folder()))
}
