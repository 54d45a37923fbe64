//! The product while everything goes wrong: `end2end/load`.

use crate::command::{program, root, run, say, target};
use crate::debian::Root;
use crate::{bench, package, setup, site};
use anyhow::Result;
use std::fs;
use std::path::Path;
use std::process::Command;

/// One server on an embedded file.
pub(crate) fn one(how: &[&str]) -> Result<()> {
    bench::build()?;
    let mut load = script(&bench::binary("simulators"), &target().join("load"))?;
    run(load
        .arg("--lockdown")
        .arg(bench::binary("pstn-lockdown"))
        .args(how)
        .env("LEPTOS_SITE_ROOT", site::Build::Shipped.folder()))
}

/// What a site installs: the package as it ships, in a Debian for each of two servers, behind nginx, with a database.
pub(crate) fn installed(how: &[&str]) -> Result<()> {
    bench::build()?;
    let package = package::pack(&bench::binary("pstn-lockdown"), &package::version()?, &package::folder())?;
    of_package(&package, &bench::binary("simulators"), &target().join("load-installed"), how)
}

/// The same, of a package that is there, in a folder of its own.
pub(crate) fn of_package(package: &Path, simulators: &Path, folder: &Path, how: &[&str]) -> Result<()> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    let roots = [Root::new(&folder.join("a"))?, Root::new(&folder.join("b"))?];
    say("the package in a Debian for each of two servers, nginx and a database");
    let mut load = script(simulators, &folder.join("run"))?;
    for root in &roots {
        root.install(package)?;
        load.arg("--root").arg(root.folder());
    }
    let done = run(load.arg("--nginx").arg(setup::nginx()?).args(how).env("LOCKDOWN_MONGOD", setup::mongod()?));
    let removed = roots.into_iter().try_for_each(Root::remove);
    done.and(removed)
}

fn script(simulators: &Path, folder: &Path) -> Result<Command> {
    let mut load = program(setup::python()?.join("python"));
    load.arg(root().join("end2end/load/load.py"))
        .arg("--simulators")
        .arg(simulators)
        .arg("--folder")
        .arg(folder)
        .env("PYTHONPATH", root().join("end2end/bench"));
    Ok(load)
}
