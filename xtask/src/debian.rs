//! A Debian to throw away: what is installed in it touches nothing else.

use crate::command::run_quietly;
use crate::setup;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A copy of the one that was made for this machine.
pub(crate) struct Root(PathBuf);

impl Root {
    pub(crate) fn new(place: &Path) -> Result<Self> {
        run_quietly(Command::new("cp").arg("-a").arg(setup::debian()?).arg(place))?;
        Ok(Self(place.to_owned()))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.0.join(inside.trim_start_matches('/'))
    }

    /// Runs a program of the throw-away Debian in it.
    pub(crate) fn inside(&self, words: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.0).args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/root");
        command
    }

    pub(crate) fn install(&self, package: &Path) -> Result<()> {
        fs::copy(package, self.path("/tmp/package.deb"))?;
        run_quietly(&mut self.inside(&["dpkg", "--install", "/tmp/package.deb"]))
    }

    pub(crate) fn remove(self) -> Result<()> {
        fs::remove_dir_all(&self.0).with_context(|| format!("{} is left", self.0.display()))
    }
}
