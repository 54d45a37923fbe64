//! The package on a machine with systemd. What is tried there is said by the shell scripts in `end2end/machine`.

use crate::command::{root, run_quietly, say, target};
use crate::emulator::{Emulator, disk_of};
use crate::run::World;
use crate::{package, run as demo, site};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where an emulated machine finds this one.
const HOST: &str = "10.0.2.2";

pub(crate) fn test() -> Result<()> {
    demo::build_with(site::Build::Shipped)?;
    say("the package on a machine with systemd, emulated");
    let folder = target().join("machine-test");
    let _ = fs::remove_dir_all(&folder);
    let share = folder.join("share");
    fs::create_dir_all(&share)?;
    let world = World::simulators_only(&folder, &[])?;
    let binary = demo::binary("pstn-lockdown");
    fs::rename(package::pack(&binary, "0.1.0~test1", &folder)?, share.join("first.deb"))?;
    fs::rename(package::pack(&binary, "0.1.0~test2", &folder)?, share.join("second.deb"))?;
    let config = share.join("lockdown.toml");
    world.configure(&config, "/var/lib/pstn-lockdown")?;
    fs::write(&config, fs::read_to_string(&config)?.replace("https://127.0.0.1:", &format!("https://{HOST}:")))?;
    fs::copy(script("words.sh"), share.join("words.sh"))?;

    let machine = Emulator::new()?;
    let disk = folder.join("disk");
    run_quietly(Command::new("cp").arg("--sparse=always").arg(&machine.disk).arg(&disk))?;
    let said = tried(&machine, &disk, &share, "installed.sh")?;
    let events = said.lines().find_map(|line| line.strip_prefix("events ")).context("it told no number of events")?;
    fs::write(share.join("events"), events)?;
    tried(&machine, &disk, &share, "powered.sh")?;
    fs::remove_dir_all(&folder).with_context(|| format!("{} is left", folder.display()))
}

fn script(name: &str) -> PathBuf {
    root().join("end2end/machine").join(name)
}

/// Starts the machine with a script for it, until the machine is off. Returns what it said.
fn tried(machine: &Emulator, disk: &Path, share: &Path, name: &str) -> Result<String> {
    fs::copy(script(name), share.join("try.sh"))?;
    let second = share.with_file_name("share.ext4");
    disk_of(share, &second, "256M")?;
    let console = share.with_file_name("console");
    let _ = fs::remove_file(&console);
    let ended = run_quietly(&mut machine.start(disk, &second, &console));
    let said = String::from_utf8_lossy(&fs::read(&console)?).replace('\r', "");
    for fact in said.lines().filter(|line| line.starts_with('▸')) {
        println!("  {fact}");
    }
    let last = fs::read_to_string(script(name))?.lines().rev().find_map(fact).context("the script holds nothing")?;
    if !said.contains(&format!("▸ {last}\n")) {
        let from = said.lines().count().saturating_sub(80);
        let end = said.lines().skip(from).collect::<Vec<_>>().join("\n");
        bail!("it did not come to “{last}” ({ended:?}):\n{end}");
    }
    ended.map(|()| said)
}

/// What a line of a script holds.
fn fact(line: &str) -> Option<String> {
    Some(line.strip_prefix("held \"")?.strip_suffix('"')?.to_owned())
}
