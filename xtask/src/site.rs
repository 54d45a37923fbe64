//! The browser side: wasm by the toolchain that has the target, bindings by the workspace's own
//! wasm-bindgen, size by the pinned wasm-opt. Never by whatever PATH has: Debian's binaryen 108
//! makes a module that validates and does not run.

use crate::command::{cargo, program, root, run, run_quietly, target};
use crate::{progress, setup};
use anyhow::{Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// wasm + js + css, brotli: `deploy/guide/architecture.md`.
const BUDGET_BYTES: usize = 250_000;

const NAME: &str = "lockdown";

/// How the browser side is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// Faster, and some megabytes: for the demonstration.
    Quick,
    /// As small as can be, within the budget: what a site gets.
    Shipped,
}

impl Build {
    pub(crate) fn folder(self) -> PathBuf {
        target().join(if self == Self::Quick { "site-quick" } else { "site" })
    }

    fn profile(self) -> &'static str {
        if self == Self::Quick { "wasm-quick" } else { "wasm-release" }
    }

    /// Builds it unless it is newer than everything it is made of. Returns where it is.
    pub(crate) fn make(self) -> Result<PathBuf> {
        let cargo = setup::wasm_toolchain()?;
        let modules = if self == Self::Shipped { Some(setup::npm()?) } else { None };
        let folder = self.folder();
        if is_fresh(&folder)? {
            return Ok(folder);
        }
        let front = target().join("front");
        progress::cargo(
            "the browser side",
            cargo
                .command()
                .args(["build", "--package", "frontend", "--profile", self.profile()])
                .args(["--target", "wasm32-unknown-unknown", "--target-dir"])
                .arg(&front),
        )?;
        let wasm = front.join("wasm32-unknown-unknown").join(self.profile()).join("frontend.wasm");
        let package = folder.join("pkg");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&package)?;
        bind(&wasm, &package, &front)?;
        fs::copy(root().join("style/main.css"), package.join(format!("{NAME}.css")))?;
        copy_all(&root().join("public"), &folder)?;
        match modules {
            None => drop(by_content(&package, &folder)?),
            Some(modules) => {
                shrink(&modules, &package)?;
                minify(&modules, &package)?;
                let names = by_content(&package, &folder)?;
                compress(&package)?;
                within_budget(&names)?;
            }
        }
        fs::write(folder.join("built"), "")?;
        Ok(folder)
    }
}

/// By a program of its own, in the browser side's own target directory: the server is built meanwhile.
fn bind(wasm: &Path, package: &Path, front: &Path) -> Result<()> {
    progress::cargo("bindings", cargo().args(["build", "--package", "bindgen", "--target-dir"]).arg(front))?;
    run(program(front.join("debug/bindgen")).arg(wasm).arg(package).arg(NAME))
}

/// Twice: what the first time leaves over gives the second another kilobyte.
fn shrink(modules: &Path, package: &Path) -> Result<()> {
    let wasm = package.join(format!("{NAME}.wasm"));
    shrink_once(modules, &wasm)?;
    shrink_once(modules, &wasm)
}

fn shrink_once(modules: &Path, wasm: &Path) -> Result<()> {
    run_quietly(
        program("node")
            .arg(modules.join("binaryen/bin/wasm-opt"))
            .args(["--flatten", "--rereloop", "-Oz", "-Oz", "--low-memory-unused", "-Oz"])
            .args(["--coalesce-locals-learning", "--reorder-locals", "--vacuum", "--strip-debug", "--strip-producers"])
            .args(["--enable-bulk-memory", "--enable-nontrapping-float-to-int", "--enable-sign-ext"])
            .args(["--enable-mutable-globals", "--enable-reference-types", "--enable-multivalue"])
            .arg(wasm)
            .arg("-o")
            .arg(wasm),
    )
}

/// Bindings and style sheet without comments and long names: three kilobytes of brotli.
fn minify(modules: &Path, package: &Path) -> Result<()> {
    let files = ["js", "css"].map(|extension| package.join(format!("{NAME}.{extension}")));
    run_quietly(
        Command::new(modules.join(".bin/esbuild"))
            .args(["--minify", "--target=es2022", "--log-level=warning", "--allow-overwrite"])
            .arg(format!("--outdir={}", package.display()))
            .args(files),
    )
}

/// Names each file by what is in it, so that a browser keeps it for good, and tells the server the names: leptos
/// reads them from `hash.txt`.
fn by_content(package: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    let mut told = Vec::new();
    for extension in ["wasm", "js", "css"] {
        let file = package.join(format!("{NAME}.{extension}"));
        let hash: String = Sha256::digest(fs::read(&file)?).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let named = package.join(format!("{NAME}.{hash}.{extension}"));
        fs::rename(file, &named)?;
        told.push(format!("{extension}: {hash}\n"));
        names.push(named);
    }
    fs::write(folder.join("hash.txt"), told.concat())?;
    Ok(names)
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)?.flatten() {
        let destination = to.join(entry.file_name());
        // The gadget's file is made by the server and uploaded by an administrator: nobody loads it from us.
        if destination.ends_with("finesse-shell.xml") {
            continue;
        }
        if entry.path().is_dir() {
            copy_all(&entry.path(), &destination)?;
        } else {
            fs::copy(entry.path(), destination)?;
        }
    }
    Ok(())
}

/// By the encoder of Google's that node has: a third of a kilobyte smaller than what the crate of that name makes.
const BROTLI: &str = "const [zlib, fs] = [require('zlib'), require('fs')]; const file = process.argv[1]; \
    const bytes = fs.readFileSync(file); const { BROTLI_PARAM_QUALITY: q, BROTLI_PARAM_SIZE_HINT: s } = zlib.constants; \
    fs.writeFileSync(file + '.br', zlib.brotliCompressSync(bytes, { params: { [q]: 11, [s]: bytes.length } }));";

fn compress(package: &Path) -> Result<()> {
    for entry in fs::read_dir(package)?.flatten() {
        let path = entry.path();
        run_quietly(program("node").args(["--eval", BROTLI]).arg(&path))?;
    }
    Ok(())
}

fn within_budget(names: &[PathBuf]) -> Result<()> {
    let mut sum = 0;
    for name in names {
        sum += usize::try_from(fs::metadata(name.with_added_extension("br"))?.len())?;
    }
    println!("  browser payload: {sum} bytes of brotli, budget {BUDGET_BYTES}");
    if sum > BUDGET_BYTES {
        bail!("the browser payload is {sum} bytes, over the budget of {BUDGET_BYTES}");
    }
    Ok(())
}

fn is_fresh(folder: &Path) -> Result<bool> {
    let Ok(built) = fs::metadata(folder.join("built")).and_then(|stamp| stamp.modified()) else {
        return Ok(false);
    };
    let parts = [
        "app",
        "frontend",
        "style",
        "public",
        "Cargo.lock",
        "Cargo.toml",
        ".cargo/config.toml",
        "xtask/bindgen",
        "xtask/src/site.rs",
    ];
    let newest = parts.iter().map(|part| newest(&root().join(part))).collect::<Result<Vec<_>>>()?;
    Ok(newest.into_iter().all(|at| at <= built))
}

fn newest(path: &Path) -> Result<SystemTime> {
    let mut latest = fs::metadata(path)?.modified()?;
    if path.is_dir() {
        for entry in fs::read_dir(path)?.flatten() {
            latest = latest.max(newest(&entry.path())?);
        }
    }
    Ok(latest)
}
