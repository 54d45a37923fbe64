//! What a site installs, tried: the package in a Debian of its own, the unit, the container's steps, the alerts.

use crate::command::{output, program, root, run, run_quietly, say, target};
use crate::debian::Root;
use crate::run::World;
use crate::{load, package, run as demo, setup, site};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// As hard as the unit is meant to be; systemd counts what it could still do, 0 to 10.
const EXPOSURE: &str = "15";

pub(crate) fn test() -> Result<()> {
    demo::build_with(site::Build::Shipped)?;
    let folder = target().join("deploy-test");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let world = World::simulators_only(&folder, &[])?;
    let root = Root::new(&folder.join("debian"))?;
    let done = tried(&root, &world, &folder);
    let removed = root.remove();
    done.and(removed)?;
    say("deploy: two servers of it behind nginx with a database, for a minute in which everything goes wrong");
    let package = package::pack(&demo::binary("pstn-lockdown"), "0.1.0~test3", &folder)?;
    load::of_package(&package, &demo::binary("simulators"), &target().join("deploy-load"), &["1", "7"])
}

/// What can be said without running it.
pub(crate) fn lints() -> Result<()> {
    let python = setup::python()?;
    let deploy = root().join("deploy");
    run_quietly(
        program(python.join("hadolint")).args(["--ignore", "DL3008"]).arg(deploy.join("container/Containerfile")),
    )?;
    run_quietly(
        program(python.join("check-jsonschema"))
            .args(["--builtin-schema", "vendor.compose-spec"])
            .arg(deploy.join("container/compose.yaml")),
    )?;
    Ok(())
}

/// What systemd says of it.
pub(crate) fn unit() -> Result<()> {
    let unit = root().join("deploy/systemd/pstn-lockdown.service");
    let mut analyze = Command::new("systemd-analyze");
    run_quietly(analyze.args(["security", "--offline=true", "--threshold", EXPOSURE]).arg(unit))
}

/// Prometheus' own judgement of its rules.
pub(crate) fn alerts() -> Result<()> {
    let alerts = root().join("deploy/prometheus");
    run_quietly(Command::new("promtool").arg("check").arg("rules").arg(alerts.join("alerts.yml")))?;
    run_quietly(Command::new("promtool").arg("test").arg("rules").arg(alerts.join("alerts_test.yml")))
}

/// Installed, started, upgraded while it runs, removed, purged.
fn tried(root: &Root, world: &World, folder: &Path) -> Result<()> {
    say("deploy: the package in a Debian of its own");
    let binary = demo::binary("pstn-lockdown");
    let package = package::pack(&binary, "0.1.0~test1", folder)?;
    root.install(&package)?;
    for file in [
        "/usr/bin/pstn-lockdown",
        "/usr/lib/systemd/system/pstn-lockdown.service",
        "/usr/share/man/man1/pstn-lockdown.1.gz",
        "/usr/share/man/man1/pstn-lockdown-plan-check.1.gz",
        "/usr/share/pstn-lockdown/site/hash.txt",
        "/usr/share/doc/pstn-lockdown/nginx/pstn-lockdown.conf",
        "/usr/share/doc/pstn-lockdown/guide/runbook.md",
        "/etc/pstn-lockdown/lockdown.toml",
    ] {
        if !root.path(file).exists() {
            bail!("the package installs no {file}");
        }
    }
    // The configuration as it comes is complete but for what only the site knows.
    let doctor =
        root.inside(&["pstn-lockdown", "--config", "/etc/pstn-lockdown/lockdown.toml", "plan", "check"]).output()?;
    let said = String::from_utf8_lossy(&doctor.stderr).into_owned();
    if !said.contains("axl-password") {
        bail!("the configuration that comes with the package should ask for the AXL password, and says: {said}");
    }
    let port = world.configure(&root.path("/etc/pstn-lockdown/lockdown.toml"), "/var/lib/pstn-lockdown")?;
    // As an engineer does it: as root, before the first start.
    let key = key(root)?;
    let first = started(root, port)?;
    lock(root, port, &key)?;
    // dpkg replaces the program under the running one, as on a site; the manager then starts the new one.
    root.install(&package::pack(&binary, "0.1.0~test2", folder)?)?;
    stopped(first)?;
    let second = started(root, port)?;
    standing(root, port, "locked")?;
    stopped(second)?;
    say("deploy: removed and purged");
    run_quietly(&mut root.inside(&["dpkg", "--remove", "pstn-lockdown"]))?;
    if root.path("/usr/bin/pstn-lockdown").exists() || !root.path("/etc/pstn-lockdown/lockdown.toml").exists() {
        bail!("a removed package leaves its configuration and nothing else");
    }
    run_quietly(&mut root.inside(&["dpkg", "--purge", "pstn-lockdown"]))?;
    let timeline = fs::read_dir(root.path("/var/lib/pstn-lockdown"))?.count();
    if root.path("/etc/pstn-lockdown").exists() || timeline == 0 {
        bail!("a purged package takes its configuration away and leaves the timeline");
    }
    contained(root, &binary, world, folder)
}

/// The steps of the Containerfile, one by one: no engine is needed to see that they fit the archive.
fn contained(root: &Root, binary: &Path, world: &World, folder: &Path) -> Result<()> {
    say("deploy: the archive, by the steps of the Containerfile");
    let archive = package::archive(binary, "0.1.0~test1", folder)?;
    run_quietly(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(root.path("/opt")))?;
    let text = fs::read_to_string(crate::command::root().join("deploy/container/Containerfile"))?;
    let links =
        text.lines().find_map(|line| line.strip_prefix("RUN ln ")).context("the Containerfile links nothing")?;
    run_quietly(&mut root.inside(&["sh", "-ec", &format!("ln {links}")]))?;
    fs::create_dir_all(root.path("/etc/pstn-lockdown"))?;
    let port = world.configure(&root.path("/etc/pstn-lockdown/lockdown.toml"), "/var/lib/pstn-lockdown")?;
    let program = "/usr/local/bin/pstn-lockdown";
    let config = ["--config", "/etc/pstn-lockdown/lockdown.toml"];
    let mut serve = root.inside(&[&[program, "serve"], &config[..]].concat());
    let mut child = serve.env("LEPTOS_SITE_ROOT", "/opt/site").stderr(Stdio::null()).spawn()?;
    let healthy = until(|| {
        let url = format!("http://127.0.0.1:{port}");
        let mut status = root.inside(&[&[program, "status", "--url", &url], &config[..]].concat());
        output(&mut status).is_ok_and(|said| said.contains("locked"))
    });
    child.kill()?;
    child.wait()?;
    if healthy { Ok(()) } else { bail!("the container’s program never told what the package’s had locked") }
}

/// As the unit starts it: the same command line, user and environment, read from the unit.
fn started(root: &Root, port: u16) -> Result<Child> {
    let unit = fs::read_to_string(root.path("/usr/lib/systemd/system/pstn-lockdown.service"))?;
    let value = |key: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.with_context(|| format!("the unit has no {key}"))
    };
    let command = value("ExecStart")?;
    let user = value("User")?;
    let (name, setting) = value("Environment")?.split_once('=').context("Environment")?;
    let mut words = vec!["setpriv", "--reuid", user, "--regid", user, "--clear-groups"];
    words.extend(command.split_whitespace());
    let log = fs::File::options().create(true).append(true).open(root.path("/tmp/log"))?;
    let child = root.inside(&words).env(name, setting).stderr(log).spawn()?;
    let url = format!("127.0.0.1:{port}");
    if until(|| std::net::TcpStream::connect(&url).is_ok()) {
        return Ok(child);
    }
    bail!("it never answered: {}", fs::read_to_string(root.path("/tmp/log")).unwrap_or_default())
}

fn stopped(mut child: Child) -> Result<()> {
    run(Command::new("kill").args(["-TERM", &child.id().to_string()]))?;
    if child.wait()?.success() { Ok(()) } else { bail!("it did not stop well") }
}

fn lockdown<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&["pstn-lockdown", "--config", "/etc/pstn-lockdown/lockdown.toml"], words].concat()
}

fn key(root: &Root) -> Result<String> {
    let words = ["clients", "add", "--name", "t", "--scope", "status:read,lock:enable", "--json"];
    let made: serde_json::Value = serde_json::from_str(&output(&mut root.inside(&lockdown(&words)))?)?;
    fs::write(root.path("/tmp/key"), made["key"].as_str().context("no key")?)?;
    Ok("/tmp/key".into())
}

fn lock(root: &Root, port: u16, key: &str) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}");
    run_quietly(&mut root.inside(&lockdown(&["lock", "--url", &url, "--key-file", key])))
}

fn standing(root: &Root, port: u16, word: &str) -> Result<()> {
    let url = format!("http://127.0.0.1:{port}");
    let is = || output(&mut root.inside(&lockdown(&["status", "--url", &url]))).is_ok_and(|said| said.contains(word));
    if until(is) { Ok(()) } else { bail!("it is not {word} after the upgrade") }
}

fn until(mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        if holds() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
    false
}
