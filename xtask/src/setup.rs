//! What must be on the machine, each behind a check, so that running it again costs nothing.

use crate::command::{exists, output, program, root, run_quietly, say, tools};
use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

const WASM: &str = "wasm32-unknown-unknown";
const LINKED: &str = "pstn-lockdown-wasm";

/// Cargo for the browser side.
pub(crate) enum WasmCargo {
    /// The ordinary toolchain has the target.
    Ordinary,
    /// Debian's compiler with a std of our own making, linked into rustup.
    Linked,
}

impl WasmCargo {
    pub(crate) fn command(&self) -> Command {
        match self {
            Self::Ordinary => program("cargo"),
            Self::Linked => {
                let mut command = program("rustup");
                command
                    .args(["run", LINKED, "cargo"])
                    .env_remove("CARGO")
                    .env_remove("RUSTC")
                    .env_remove("RUSTUP_TOOLCHAIN");
                command
            }
        }
    }
}

/// Makes sure that the browser side can be built.
pub(crate) fn wasm_toolchain() -> Result<WasmCargo> {
    if has_core(Path::new("rustc"))? {
        return Ok(WasmCargo::Ordinary);
    }
    let may_download = std::env::var("RUSTUP_AUTO_INSTALL").as_deref() != Ok("0");
    if may_download && exists("rustup") {
        say("adding the wasm target to the Rust toolchain");
        if run_quietly(program("rustup").args(["target", "add", WASM])).is_ok() && has_core(Path::new("rustc"))? {
            return Ok(WasmCargo::Ordinary);
        }
    }
    debian_toolchain().context(
        "the browser side needs Rust's wasm target. Either run `rustup target add wasm32-unknown-unknown`, \
         or on Debian as root `apt-get install rustc-web cargo-web rust-web-src lld-22`, then try again",
    )?;
    Ok(WasmCargo::Linked)
}

const DEBIAN_RUST: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

/// Why the browser side cannot be built; nothing where it can, or what is missing can be fetched on the way.
pub(crate) fn wasm_is_missing(may_install: bool) -> Option<String> {
    let may_download = std::env::var("RUSTUP_AUTO_INSTALL").as_deref() != Ok("0") && exists("rustup");
    let there = has_core(Path::new("rustc")).unwrap_or(false) || Path::new("/usr/lib/rustlib/src").exists();
    (!there && !may_download && !may_install).then(|| {
        format!(
            "Rust's wasm target is missing: `rustup target add {WASM}`, or on Debian as root `apt-get install {}`",
            DEBIAN_RUST.join(" ")
        )
    })
}

fn has_core(rustc: &Path) -> Result<bool> {
    let folder = output(program(rustc).args(["--print", "target-libdir", "--target", WASM]))?;
    let entries = fs::read_dir(folder.trim()).into_iter().flatten().flatten();
    Ok(entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-")))
}

/// rustup cannot download here: std for wasm is built once from Debian's sources and linked.
fn debian_toolchain() -> Result<()> {
    apt(&DEBIAN_RUST, "/usr/lib/rustlib/src")?;
    let folder = tools().join("wasm-toolchain");
    let version = output(Command::new("/usr/bin/rustc").arg("-vV"))?;
    let stamp = folder.join("stamp");
    if fs::read_to_string(&stamp).ok().as_deref() != Some(version.as_str()) {
        say("building Rust's standard library for wasm, once for this machine (about two minutes)");
        let libraries = build_std()?;
        lay_out(&folder, &libraries)?;
        fs::write(&stamp, version)?;
    }
    let linked = output(program("rustup").args(["toolchain", "list"]))?;
    if !linked.contains(LINKED) {
        run_quietly(program("rustup").args(["toolchain", "link", LINKED]).arg(&folder))?;
    }
    Ok(())
}

fn build_std() -> Result<PathBuf> {
    let seed = tools().join("wasm-std");
    fs::create_dir_all(seed.join("src"))?;
    fs::write(seed.join("Cargo.toml"), "[package]\nname = \"seed\"\nedition = \"2021\"\n[workspace]\n")?;
    fs::write(seed.join("src/lib.rs"), "#![no_std]\n")?;
    let mut build = Command::new("/usr/bin/cargo");
    build
        .current_dir(&seed)
        .args(["build", "--release", "-Zbuild-std=core,alloc,std,panic_abort,proc_macro,test", "--target", WASM])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
        .env("CARGO_TARGET_DIR", seed.join("target"))
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO");
    run_quietly(&mut build)?;
    Ok(seed.join("target").join(WASM).join("release/deps"))
}

fn lay_out(folder: &Path, libraries: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let std = folder.join("lib/rustlib").join(WASM).join("lib");
    let native = folder.join("lib/rustlib/x86_64-unknown-linux-gnu");
    for new in [&std, &native.join("bin"), &folder.join("bin")] {
        fs::create_dir_all(new)?;
    }
    for library in fs::read_dir(libraries)?.flatten() {
        let name = library.file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|extension| extension == "rlib") && !name.starts_with("libseed") {
            fs::copy(library.path(), std.join(name))?;
        }
    }
    symlink("/usr/lib/rustlib/x86_64-unknown-linux-gnu/lib", native.join("lib"))?;
    symlink("/usr/bin/lld-22", native.join("bin/rust-lld"))?;
    symlink("/usr/lib/rustlib/src", folder.join("lib/rustlib/src"))?;
    symlink("/usr/bin/cargo", folder.join("bin/cargo"))?;
    for tool in ["rustc", "rustdoc"] {
        let script = format!("#!/bin/sh\nexec /usr/bin/{tool} --sysroot {} \"$@\"\n", folder.display());
        let path = folder.join("bin").join(tool);
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// Installs Debian packages unless `proof` is there already.
pub(crate) fn apt(packages: &[&str], proof: &str) -> Result<()> {
    if Path::new(proof).exists() {
        return Ok(());
    }
    if !exists("apt-get") || !is_root()? {
        bail!("{} must be installed, and this is not root on Debian", packages.join(", "));
    }
    say(&format!("installing {}", packages.join(", ")));
    run_quietly(Command::new("apt-get").args(["update", "-qq"]))?;
    run_quietly(
        Command::new("apt-get")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

/// Chromium for the browser tests: `CHROMIUM`, or the distribution's.
pub(crate) fn chromium() -> Result<PathBuf> {
    if let Some(found) = known_chromium() {
        return Ok(found);
    }
    apt(&["chromium"], CHROMIUM[0])
        .context("the browser tests need Chromium: install it, or set CHROMIUM to its path")?;
    Ok(PathBuf::from(CHROMIUM[0]))
}

const CHROMIUM: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

pub(crate) fn known_chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    named.or_else(|| CHROMIUM.iter().map(PathBuf::from).find(|path| path.exists()))
}

pub(crate) fn xmllint() -> Result<()> {
    apt(&["libxml2-utils"], "/usr/bin/xmllint").context("the schema checks need xmllint: install libxml2-utils")
}

/// A real nginx for the tests behind it.
pub(crate) fn nginx() -> Result<PathBuf> {
    let path = PathBuf::from("/usr/sbin/nginx");
    apt(&["nginx-light"], "/usr/sbin/nginx").context("the tests behind nginx need it: install nginx")?;
    Ok(path)
}

/// The load for the benchmarks.
pub(crate) fn load_generator() -> Result<()> {
    apt(&["wrk"], "/usr/bin/wrk").context("the benchmarks need wrk")
}

/// A Debian system in a folder, made once for this machine: what is installed in a copy of it touches nothing else.
pub(crate) fn debian() -> Result<PathBuf> {
    let folder = tools().join("debian");
    if !folder.join("made").exists() {
        say("making a small Debian to try the package in, once for this machine");
        let _ = fs::remove_dir_all(&folder);
        debootstrap("ca-certificates", &folder)?;
        fs::write(folder.join("made"), "")?;
    }
    Ok(folder)
}

/// The smallest Debian with these packages besides, in a new folder.
pub(crate) fn debootstrap(packages: &str, folder: &Path) -> Result<()> {
    apt(&["debootstrap"], "/usr/sbin/debootstrap").context("what a site installs is tried in a Debian of its own")?;
    fs::create_dir_all(folder)?;
    let include = format!("--include={packages}");
    run_quietly(Command::new("/usr/sbin/debootstrap").args(["--variant=minbase", &include, "bookworm"]).arg(folder))
}

/// npm packages of `end2end`, as its lock file says.
pub(crate) fn npm() -> Result<PathBuf> {
    let folder = root().join("end2end");
    if !exists("npm") {
        bail!("Node.js with npm is missing: install it (on Debian `apt-get install nodejs npm`)");
    }
    let lock = fs::read_to_string(folder.join("package-lock.json"))?;
    let stamp = folder.join("node_modules/.lock-stamp");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&lock) {
        say("installing npm packages of end2end");
        run_quietly(program("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder))
            .context("npm could not install the packages of end2end/package-lock.json")?;
        fs::write(&stamp, lock)?;
    }
    Ok(folder.join("node_modules"))
}

/// MongoDB for the tests: `LOCKDOWN_MONGOD`, a `mongod` on the path, else a compatible server.
pub(crate) fn mongod() -> Result<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).map(|folder| folder.join("mongod")).find(|file| file.exists());
    let named = std::env::var_os("LOCKDOWN_MONGOD").map(PathBuf::from);
    let found = match named.or(on_path) {
        Some(found) => found,
        None => compatible_database()?,
    };
    say(&format!("database for the tests: {}", found.display()));
    Ok(found)
}

/// A server that speaks MongoDB's protocol and needs no setting up.
pub(crate) fn compatible_database() -> Result<PathBuf> {
    Ok(python()?.join("secantusd-py"))
}

/// A Python environment with the tools of `end2end/requirements.txt`.
pub(crate) fn python() -> Result<PathBuf> {
    let folder = tools().join("python");
    let wanted = fs::read_to_string(root().join("end2end/requirements.txt"))?;
    let stamp = folder.join("stamp");
    if fs::read_to_string(&stamp).ok().as_ref() != Some(&wanted) {
        if !exists("python3") {
            bail!("python3 is missing: install it (on Debian `apt-get install python3 python3-venv`)");
        }
        say("installing Python packages of end2end");
        run_quietly(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        run_quietly(
            Command::new(folder.join("bin/pip"))
                .args(["install", "-q", "-r"])
                .arg(root().join("end2end/requirements.txt")),
        )
        .context("pip could not install the packages of end2end/requirements.txt")?;
        fs::write(&stamp, wanted)?;
    }
    Ok(folder.join("bin"))
}
