//! `store`: from the file to the database, and copies of the file.

use super::{Context, Ended, Sorry};
use crate::assemble::mongo;
use crate::config::StoreKind;
use crate::store::chain::Verdict;
use crate::store::embedded::{self, Embedded};
use crate::store::{ServerStore, migrate};
use clap::{Subcommand, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Copy everything from the file in data_dir into the database of store.mongodb_uri
    Migrate {
        #[arg(long)]
        from: Kind,
        #[arg(long)]
        to: Kind,
    },
    /// Write a copy of the file, also while the server runs
    Backup {
        /// The copy to write; must not be there yet
        #[arg(long)]
        to: PathBuf,
    },
    /// Put a copy in place of the file; the old one stays beside it
    Restore {
        #[arg(long)]
        from: PathBuf,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    Embedded,
    Mongodb,
}

pub(super) async fn run(context: &Context, command: Command) -> Result<Ended, Sorry> {
    match command {
        Command::Migrate { from: Kind::Embedded, to: Kind::Mongodb } => migrate(context).await,
        Command::Migrate { .. } => Err(Sorry("the only way is --from embedded --to mongodb".into())),
        Command::Backup { to } => backup(context, to).await,
        Command::Restore { from } => restore(context, from).await,
    }
}

async fn migrate(context: &Context) -> Result<Ended, Sorry> {
    let config = context.load()?;
    let StoreKind::Mongodb { uri } = &config.store.kind else {
        return Err(Sorry("set store.kind = \"mongodb\" and store.mongodb_uri first: that is where it goes".into()));
    };
    let _claim = embedded::claim(&config.store.data_dir)?;
    let file = Embedded::open(&config.store.data_dir)?;
    let report = migrate::to_mongo(&file, &mongo(uri).await?).await?;
    let line = |what: &str, count: migrate::Count| format!("{what:<8} {:>6} of {:>6}", count.there, count.here);
    let words = [
        line("people", report.people),
        line("keys", report.keys),
        line("webhooks", report.hooks),
        line("call requests", report.call_requests),
        line("sites", report.sites),
        line("events", report.events),
        format!("The database's timeline is whole. Its head is {}.", report.head),
    ];
    context.print(&json!(report), words.join("\n"));
    Ok(if report.is_whole() { Ended::Done } else { Ended::Refused })
}

async fn backup(context: &Context, to: PathBuf) -> Result<Ended, Sorry> {
    let config = context.load()?;
    let file = Embedded::open(&config.store.data_dir)?;
    file.backup(&to).await?;
    let words = format!("{} holds everything as it is now. Keep it where only you can read it.", to.display());
    context.print(&json!({ "file": to }), words);
    Ok(Ended::Done)
}

async fn restore(context: &Context, from: PathBuf) -> Result<Ended, Sorry> {
    let config = context.load()?;
    let _claim = embedded::claim(&config.store.data_dir)?;
    let copy = Embedded::open_copy(&from)?;
    let Verdict::Whole { events, .. } = copy.verify().await? else {
        return Err(Sorry(format!("the timeline in {} was tampered with: nothing was changed", from.display())));
    };
    let old = embedded::replace(&config.store.data_dir, &copy).await?;
    let kept = old.map(|old| format!(" What was there is now {}.", old.display())).unwrap_or_default();
    context.print(&json!({ "events": events }), format!("Restored, {events} events.{kept}"));
    Ok(Ended::Done)
}
