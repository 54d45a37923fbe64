//! `finesse`: the gadget's file.

use super::{Context, Ended, Sorry};
use crate::clock::SystemClock;
use crate::identity::api_key;
use crate::services::gadget_files;
use crate::services::gadget_shell::{Shell, VERSION};
use clap::{Args, Subcommand};
use engine::ports::Clock;
use lockdown::ids::SiteId;
use serde_json::json;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Write a gadget file for one site, with a key of its own
    Shell(Wanted),
    /// Is this file one of ours, unchanged, and is its key good?
    Check(Given),
}

#[derive(Args)]
pub(super) struct Wanted {
    /// The site it shows; may be left out where there is only one
    #[arg(long)]
    site: Option<String>,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Args)]
pub(super) struct Given {
    /// A file as it lies on a Finesse server
    file: PathBuf,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Ended, Sorry> {
    match command {
        Command::Shell(wanted) => shell(context, wanted).await,
        Command::Check(given) => check(context, given).await,
    }
}

async fn shell(context: &Context, wanted: Wanted) -> Result<Ended, Sorry> {
    let (config, store) = context.store().await?;
    if config.finesse.is_none() {
        return Err(Sorry("[finesse] is missing: name the Finesse servers in finesse.origins first".into()));
    }
    let live: Vec<&SiteId> =
        config.sites.iter().filter(|site| site.drill_of.is_none()).map(|site| &site.plan.site).collect();
    let site = match (&wanted.site, live.as_slice()) {
        (Some(id), all) => all.iter().find(|site| site.as_str() == id).copied(),
        (None, [only]) => Some(*only),
        (None, _) => None,
    };
    let site = site.ok_or_else(|| {
        let all: Vec<&str> = live.iter().map(|site| site.as_str()).collect();
        Sorry(format!("which site? Give --site with one of: {}", all.join(", ")))
    })?;
    let now = SystemClock.now();
    let directory = store.as_ref();
    let documents = store.as_ref();
    let (made, text) = gadget_files::make(directory, documents, &config.http.public_url, site, None, now).await?;
    std::fs::write(&wanted.out, text)
        .map_err(|error| Sorry(format!("{} cannot be written: {error}", wanted.out.display())))?;
    let file = wanted.out.display().to_string();
    let hash = &made.hash;
    let told = json!({ "file": file, "sha256": hash, "version": VERSION, "site": site, "key": made.key });
    let words = format!("{file}: gadget {VERSION} for {site}\nSHA-256 {hash}\nUpload it as {}", made.name);
    context.print(&told, words);
    Ok(Ended::Done)
}

async fn check(context: &Context, given: Given) -> Result<Ended, Sorry> {
    let (config, store) = context.store().await?;
    let text = std::fs::read_to_string(&given.file)
        .map_err(|error| Sorry(format!("{} cannot be read: {error}", given.file.display())))?;
    let shell = Shell::read(&text).ok_or_else(|| {
        Sorry(format!(
            "this is not gadget {VERSION} as this server makes it: it was changed, or is of another version. Make a new one with `finesse shell`"
        ))
    })?;
    let here = shell.origin == config.http.public_url;
    let good = api_key::live_key(store.as_ref(), &shell.key, SystemClock.now()).await?.is_some();
    let told =
        json!({ "sha256": shell.hash(), "version": VERSION, "origin": shell.origin, "ours": here, "key_good": good });
    let key = if good { "its key is good" } else { "its key is NOT good: make a new file" };
    let origin = if here { "" } else { ", which is NOT http.public_url" };
    context.print(
        &told,
        format!("gadget {VERSION}, unchanged; shows {}{origin}; {key}\nSHA-256 {}", shell.origin, shell.hash()),
    );
    Ok(if good && here { Ended::Done } else { Ended::Refused })
}
