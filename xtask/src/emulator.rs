//! A Debian with systemd and a kernel of its own on an emulated machine: nothing that is tried there touches this one.

use crate::command::{root, run_quietly, say, tools};
use crate::setup::{apt, debootstrap, is_root};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PACKAGES: &str = "systemd,systemd-sysv,dbus,udev,linux-image-cloud-amd64,initramfs-tools,ca-certificates";

/// A log-in prompt would take the console from what is tried.
const SYSTEMCTL: [&[&str]; 3] = [
    &["enable", "systemd-networkd", "systemd-networkd-wait-online", "try"],
    &["mask", "serial-getty@ttyS0"],
    &["set-default", "graphical.target"],
];

/// What an installer would have written.
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n";

const SIZE: &str = "2G";

/// How long a start with all that is tried may take, emulated on a busy machine. Seconds.
const PATIENCE: &str = "900";

pub(crate) struct Emulator {
    /// What is tried runs on a copy of it.
    pub(crate) disk: PathBuf,
    kernel: PathBuf,
    initrd: PathBuf,
}

impl Emulator {
    /// Made once for this machine.
    pub(crate) fn new() -> Result<Self> {
        if std::env::consts::ARCH != "x86_64" || !is_root()? {
            bail!("the service is tried on a small Debian for amd64, which only root on amd64 can make");
        }
        apt(&["qemu-system-x86"], "/usr/bin/qemu-system-x86_64")
            .context("the service is tried on an emulated machine")?;
        apt(&["e2fsprogs"], "/usr/sbin/mke2fs").context("the emulated machine needs disks")?;
        let folder = tools().join("machine");
        let made = Self { disk: folder.join("disk"), kernel: folder.join("kernel"), initrd: folder.join("initrd") };
        let ours = root().join("end2end/machine");
        let file = |name: &str| fs::read_to_string(ours.join(name));
        let service = file("try.service")?;
        let network = file("wired.network")?;
        let wanted = format!("{PACKAGES} {SYSTEMCTL:?} {HOSTS} {SIZE}\n{service}\n{network}");
        if fs::read_to_string(folder.join("stamp")).ok().as_ref() != Some(&wanted) {
            say("making a small Debian with systemd to try the service on, once for this machine (some minutes)");
            let _ = fs::remove_dir_all(&folder);
            made.make(&folder.join("system"), &ours)?;
            fs::write(folder.join("stamp"), wanted)?;
        }
        Ok(made)
    }

    fn make(&self, system: &Path, ours: &Path) -> Result<()> {
        debootstrap(PACKAGES, system)?;
        fs::write(system.join("etc/hosts"), HOSTS)?;
        fs::copy(ours.join("wired.network"), system.join("etc/systemd/network/wired.network"))?;
        fs::copy(ours.join("try.service"), system.join("etc/systemd/system/try.service"))?;
        for words in SYSTEMCTL {
            run_quietly(Command::new("chroot").arg(system).arg("systemctl").args(words))?;
        }
        for (name, to) in [("vmlinuz-", &self.kernel), ("initrd.img-", &self.initrd)] {
            fs::copy(boot_file(system, name)?, to)?;
        }
        disk_of(system, &self.disk, SIZE)?;
        Ok(fs::remove_dir_all(system)?)
    }

    /// Emulated wholly: slower than with the processor's help, and the same everywhere. It ends by itself, whatever
    /// becomes of us.
    pub(crate) fn start(&self, disk: &Path, second: &Path, console: &Path) -> Command {
        let drive = |file: &Path| format!("file={},format=raw,if=virtio", file.display());
        let mut timeout = Command::new("timeout");
        timeout
            .args([PATIENCE, "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "1536", "-no-reboot"])
            .args(["-display", "none", "-monitor", "none", "-nic", "user,model=virtio"])
            .args(["-append", "root=/dev/vda rw console=ttyS0 edd=off quiet"])
            .arg("-kernel")
            .arg(&self.kernel)
            .arg("-initrd")
            .arg(&self.initrd)
            .args(["-drive", &drive(disk), "-drive", &drive(second)])
            .args(["-serial", &format!("file:{}", console.display())])
            .stdin(Stdio::null());
        timeout
    }
}

fn boot_file(system: &Path, begins: &str) -> Result<PathBuf> {
    let files = fs::read_dir(system.join("boot"))?.flatten();
    let found = files
        .map(|file| file.path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begins)));
    found.with_context(|| format!("the small Debian has no {begins}…"))
}

/// A folder as a disk, without mounting anything.
pub(crate) fn disk_of(folder: &Path, disk: &Path, size: &str) -> Result<()> {
    let _ = fs::remove_file(disk);
    run_quietly(Command::new("/usr/sbin/mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(folder).arg(disk).arg(size))
}
