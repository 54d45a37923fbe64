//! What is handed to a site: a Debian package, and an archive for every other Linux.
//!
//! The package is laid out here and packed by dpkg-deb itself: cargo-deb would build a second time by rules of its own,
//! and knows nothing of the browser side.

use crate::command::{cargo, output, program, root, run_quietly, say, target};
use crate::{progress, site};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "pstn-lockdown";

/// Files of `deploy` that an engineer reads or copies.
const DOCUMENTS: [&str; 9] =
    ["README.md", "guide", "nginx", "systemd", "debian", "container", "prometheus", "grafana", "lockdown.example.toml"];

/// What of the guide is for whoever changes the product: it leads into the source, which is not handed out.
const FOR_CONTRIBUTORS: [&str; 2] = ["guide/architecture.md", "guide/decisions"];

/// What the guides lead to outside of `deploy`.
const CHAPTERS: [&str; 4] = [
    "server/RIGHTS.md",
    "server/axl/README.md",
    "server/src/surfaces/finesse/README.md",
    "server/src/surfaces/desk_phone/README.md",
];

pub(crate) fn folder() -> PathBuf {
    target().join("dist")
}

pub(crate) fn version() -> Result<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    line.and_then(|rest| rest.strip_suffix('"')).map(str::to_owned).context("no version in Cargo.toml")
}

/// The package as it ships.
pub(crate) fn deb() -> Result<()> {
    let package = pack(&release()?, &version()?, &folder())?;
    println!("✓ {}", package.display());
    Ok(())
}

/// Archive, package, checksums and bill of materials.
pub(crate) fn dist() -> Result<()> {
    let binary = release()?;
    let version = version()?;
    let _ = fs::remove_dir_all(folder());
    let archive = archive(&binary, &version, &folder())?;
    let package = pack(&binary, &version, &folder())?;
    let materials = folder().join(format!("{NAME}-{version}.cdx.json"));
    fs::write(&materials, serde_json::to_string_pretty(&bill_of_materials(&version)?)?)?;
    let sums = [&archive, &package, &materials].map(|file| checksum(file));
    fs::write(folder().join("SHA256SUMS"), sums.into_iter().collect::<Result<String>>()?)?;
    println!("✓ {}", folder().display());
    Ok(())
}

/// As `sha256sum --check` reads it.
fn checksum(file: &Path) -> Result<String> {
    let sum: String = Sha256::digest(fs::read(file)?).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{sum}  {}\n", file.file_name().unwrap_or_default().to_string_lossy()))
}

fn release() -> Result<PathBuf> {
    say("building as it ships (release; some minutes the first time)");
    progress::cargo("server", cargo().args(["build", "--release", "--package", "server"]))?;
    site::Build::Shipped.make()?;
    Ok(target().join("release").join(NAME))
}

/// `pstn-lockdown-VERSION-ARCH-linux.tar.gz`: the program with the browser side beside it, where it looks for it.
pub(crate) fn archive(binary: &Path, version: &str, into: &Path) -> Result<PathBuf> {
    let name = format!("{NAME}-{version}-{}-linux", std::env::consts::ARCH);
    let place = into.join(&name);
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place)?;
    stripped(binary, &place.join(NAME))?;
    copy(&site::Build::Shipped.folder(), &place.join("site"))?;
    archive_documents(&place)?;
    let archive = into.join(format!("{name}.tar.gz"));
    let mut tar = Command::new("tar");
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "-czf"]).arg(&archive);
    run_quietly(tar.arg("-C").arg(into).arg(&name))?;
    fs::remove_dir_all(&place)?;
    Ok(archive)
}

/// Lays the package out and packs it.
pub(crate) fn pack(binary: &Path, version: &str, into: &Path) -> Result<PathBuf> {
    let stage = into.join("stage");
    let _ = fs::remove_dir_all(&stage);
    let bin = stage.join("usr/bin");
    let share = stage.join("usr/share");
    let documents = share.join("doc").join(NAME);
    let manual = share.join("man/man1");
    for new in
        [&bin, &documents, &manual, &share.join(NAME), &stage.join("usr/lib/systemd/system"), &stage.join("DEBIAN")]
    {
        fs::create_dir_all(new)?;
    }
    stripped(binary, &bin.join(NAME))?;
    copy(&site::Build::Shipped.folder(), &share.join(NAME).join("site"))?;
    copy(&root().join("deploy/lockdown.example.toml"), &share.join(NAME).join("lockdown.example.toml"))?;
    let unit = format!("{NAME}.service");
    fs::copy(root().join("deploy/systemd").join(&unit), stage.join("usr/lib/systemd/system").join(&unit))?;
    package_documents(&documents)?;
    fs::copy(root().join("LICENSE-MIT"), documents.join("copyright"))?;
    fs::copy(root().join("CHANGELOG.md"), documents.join("changelog"))?;
    run_quietly(program(binary).arg("man").arg(&manual))?;
    run_quietly(Command::new("gzip").args(["-9n", "-r"]).arg(&manual).arg(documents.join("changelog")))?;
    readable(&stage)?;
    let size = output(Command::new("du").args(["-sk", "--apparent-size"]).arg(&stage))?;
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))?;
    let control = fs::read_to_string(root().join("deploy/debian/control"))?
        .replace("@VERSION@", version)
        .replace("@ARCHITECTURE@", architecture.trim())
        .replace("@SIZE@", size.split_whitespace().next().unwrap_or("0"));
    fs::write(stage.join("DEBIAN/control"), control)?;
    for script in ["postinst", "prerm", "postrm"] {
        let place = stage.join("DEBIAN").join(script);
        fs::copy(root().join("deploy/debian").join(script), &place)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    }
    let package = into.join(format!("{NAME}_{version}_{}.deb", architecture.trim()));
    run_quietly(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&stage).arg(&package))?;
    fs::remove_dir_all(&stage)?;
    Ok(package)
}

/// What is handed out to read is laid out, and its links are followed, without building anything.
pub(crate) fn documents() -> Result<()> {
    let place = target().join("documents");
    let _ = fs::remove_dir_all(&place);
    let archive = place.join("archive");
    let package = place.join("package");
    fs::create_dir_all(&archive)?;
    fs::create_dir_all(&package)?;
    archive_documents(&archive)?;
    package_documents(&package)?;
    Ok(fs::remove_dir_all(&place)?)
}

fn archive_documents(place: &Path) -> Result<()> {
    let deploy = place.join("deploy");
    copy(&root().join("deploy"), &deploy)?;
    without_contributors(&deploy)?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"] {
        fs::copy(root().join(file), place.join(file))?;
    }
    chapters(place)?;
    links_hold(place, &deploy)
}

fn package_documents(documents: &Path) -> Result<()> {
    for document in DOCUMENTS {
        copy(&root().join("deploy").join(document), &documents.join(document))?;
    }
    without_contributors(documents)?;
    chapters(documents)?;
    for guide in markdown(&documents.join("guide"))? {
        // Here `deploy` is not a folder of its own.
        fs::write(&guide, fs::read_to_string(&guide)?.replace("../../server/", "../server/"))?;
    }
    links_hold(documents, documents)
}

fn without_contributors(deploy: &Path) -> Result<()> {
    for document in FOR_CONTRIBUTORS {
        run_quietly(Command::new("rm").arg("-r").arg(deploy.join(document)))?;
    }
    Ok(())
}

fn chapters(to: &Path) -> Result<()> {
    for chapter in CHAPTERS {
        fs::create_dir_all(to.join(chapter).parent().unwrap_or(to))?;
        fs::copy(root().join(chapter), to.join(chapter))?;
    }
    Ok(())
}

fn markdown(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    Ok(entries.into_iter().filter(|path| path.extension().is_some_and(|end| end == "md")).collect())
}

/// Whoever has only what is handed out can follow every link of the guides and of what they lead to.
fn links_hold(place: &Path, deploy: &Path) -> Result<()> {
    let chapters = CHAPTERS.iter().map(|chapter| place.join(chapter));
    for page in markdown(&deploy.join("guide"))?.into_iter().chain([deploy.join("README.md")]).chain(chapters) {
        let text = fs::read_to_string(&page)?;
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        for link in links.filter(|link| !link.is_empty() && !link.starts_with("http")) {
            if !page.with_file_name(link).exists() {
                bail!("{} leads to {link}, which is not handed out", page.display());
            }
        }
    }
    Ok(())
}

fn stripped(binary: &Path, to: &Path) -> Result<()> {
    run_quietly(Command::new("strip").arg("--strip-unneeded").arg("-o").arg(to).arg(binary))
}

/// A file, or a folder with all that is in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if !from.exists() {
        bail!("{} is missing", from.display());
    }
    run_quietly(Command::new("cp").arg("-r").arg(from).arg(to))
}

/// Whatever the umask of whoever builds.
fn readable(stage: &Path) -> Result<()> {
    run_quietly(Command::new("chmod").args(["-R", "u=rwX,go=rX"]).arg(stage))
}

/// CycloneDX 1.5: every crate that is in the program, with licence and checksum.
///
/// *Source*: CycloneDX 1.5 JSON reference; `cargo metadata` and `Cargo.lock` for the facts.
fn bill_of_materials(version: &str) -> Result<Value> {
    let told = output(cargo().args(["tree", "--package", "server", "--edges", "normal", "--prefix", "none"]).args([
        "--no-dedupe",
        "--format",
        "{p}|{l}",
    ]))?;
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    let mut lines: Vec<&str> = told.lines().filter(|line| !line.contains("(/")).collect();
    lines.sort_unstable();
    lines.dedup();
    let component = |line: &&str| {
        let (package, licence) = line.split_once('|')?;
        let (name, version) = package.trim_end_matches(" (proc-macro)").split_once(" v")?;
        let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        let after = &lock[lock.find(&entry)?..];
        let sum = after.split("\n\n").next()?.split_once("checksum = \"")?.1.split('"').next()?;
        Some(json!({
            "type": "library", "name": name, "version": version,
            "purl": format!("pkg:cargo/{name}@{version}"),
            "licenses": [{ "expression": licence.replace('/', " OR ") }],
            "hashes": [{ "alg": "SHA-256", "content": sum }],
        }))
    };
    let components: Vec<Value> = lines.iter().filter_map(component).collect();
    if components.len() < lines.len() * 9 / 10 {
        bail!("only {} of {} crates are in the bill of materials", components.len(), lines.len());
    }
    Ok(json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": { "type": "application", "name": NAME, "version": version } },
        "components": components,
    }))
}
