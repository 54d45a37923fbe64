//! What must be on the machine before minutes are spent: all that is missing is named at once, each with what mends it.

use crate::command::exists;
use crate::setup::{self, is_root};
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    Compiler,
    Wasm,
    Node,
    Python,
    Chromium,
    Nginx,
    Xmllint,
    /// For Prometheus' alerts.
    Promtool,
    /// A Debian of its own, and an emulated one: only root makes them.
    DebianRoot,
    /// One of a few megabytes, mounted where nobody else sees it.
    SmallDisk,
    /// `systemd-analyze`.
    Systemd,
    /// Webex' description of its API.
    WebexReference,
    /// A database by `MONGODB_URI`.
    Database,
}

impl Need {
    /// Why it is not there; nothing where it is, or can be installed on the way.
    pub(crate) fn missing(self) -> Option<String> {
        let may_install = exists("apt-get") && is_root().unwrap_or(false);
        let unless = |there: bool, sentence: &str| (!there).then(|| sentence.to_owned());
        match self {
            Self::Compiler => unless(exists("cc"), "a C compiler is missing: `apt-get install build-essential`"),
            Self::Wasm => setup::wasm_is_missing(may_install),
            Self::Node => unless(
                exists("node") && exists("npm"),
                "Node.js with npm is missing: `apt-get install nodejs npm`, or take it from nodejs.org",
            ),
            Self::Python => unless(has_python(), "Python 3 is missing: `apt-get install python3 python3-venv`"),
            Self::Chromium => unless(
                setup::known_chromium().is_some() || may_install,
                "Chromium is missing: `apt-get install chromium`, or set CHROMIUM to its path",
            ),
            Self::Nginx => unless(
                Path::new("/usr/sbin/nginx").exists() || may_install,
                "nginx is missing: `apt-get install nginx-light`",
            ),
            Self::Xmllint => unless(
                Path::new("/usr/bin/xmllint").exists() || may_install,
                "xmllint is missing: `apt-get install libxml2-utils`",
            ),
            Self::Promtool => unless(exists("promtool"), "promtool is missing: `apt-get install prometheus`"),
            Self::DebianRoot => unless(
                may_install && std::env::consts::ARCH == "x86_64",
                "only root on Debian for amd64 can make a small Debian to try it in",
            ),
            Self::SmallDisk => unless(
                may_mount(),
                "user namespaces are not allowed here: `sysctl -w kernel.unprivileged_userns_clone=1`",
            ),
            Self::Systemd => unless(exists("systemd-analyze"), "systemd-analyze is missing: `apt-get install systemd`"),
            Self::WebexReference => unless(
                crate::schema::webex_reference().is_some(),
                "Webex’ description of its API is not at hand, and not ours to copy: LOCKDOWN_WEBEX_REFERENCE names its folder",
            ),
            Self::Database => unless(std::env::var_os("MONGODB_URI").is_some(), "MONGODB_URI names no database"),
        }
    }
}

fn may_mount() -> bool {
    let mount = ["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/tmp"];
    Command::new("unshare").args(mount).output().is_ok_and(|tried| tried.status.success())
}

/// With what makes an environment of its own: Debian has that in another package.
fn has_python() -> bool {
    let asked = Command::new("python3").args(["-c", "import venv, ensurepip"]).output();
    asked.is_ok_and(|asked| asked.status.success())
}

/// # Errors
/// All that is missing, a sentence each.
pub(crate) fn all_there<'n>(needs: impl IntoIterator<Item = &'n Need>) -> Result<()> {
    let needs: BTreeSet<&Need> = needs.into_iter().collect();
    let missing: Vec<String> = needs.into_iter().filter_map(|need| need.missing()).collect();
    if missing.is_empty() { Ok(()) } else { bail!("before it can begin:\n  {}", missing.join("\n  ")) }
}
