//! The command line. `status`, `lock` and `release` talk to a running server; the others work with it
//! running or stopped.

mod clients;
mod doctor;
mod events;
mod finesse;
mod people;
mod plan;
mod remote;
mod serve;
mod service;
mod store;

use crate::assemble;
use crate::config::{self, Config};
use crate::store::ServerStore;
use clap::{CommandFactory, Parser, Subcommand};
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Routes every call from and to the PSTN through the Emergency Operations Centre.
///
/// Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 still pending at the deadline.
#[derive(Parser)]
#[command(name = "pstn-lockdown", version, arg_required_else_help = true)]
struct Arguments {
    /// The configuration file
    #[arg(long, global = true, default_value = "lockdown.toml", value_name = "FILE")]
    config: PathBuf,
    /// Print JSON instead of words
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Serve,
    /// Look at every dependency; each finding comes with its fix
    Doctor(doctor::Examination),
    /// The lockdown plan
    #[command(subcommand)]
    Plan(PlanCommand),
    /// List every way in: pages, server functions, REST
    Routes,
    /// How things stand
    Status(remote::Server),
    /// Order the lock
    Lock(remote::Order),
    /// Order the all-clear
    Release(remote::Order),
    /// Practise the lock on canary objects, against the stopwatch: no call is touched
    Drill(remote::Drill),
    /// The timeline
    #[command(subcommand)]
    Events(EventsCommand),
    /// People and their roles
    #[command(subcommand)]
    People(people::Command),
    /// API keys
    #[command(subcommand)]
    Clients(clients::Command),
    /// The gadget for the agents' Finesse desktop
    #[command(subcommand)]
    Finesse(finesse::Command),
    /// Write the manual pages into a folder
    #[command(hide = true)]
    Man { folder: PathBuf },
    /// The store: migrate, back up, restore
    #[command(subcommand)]
    Store(store::Command),
}

#[derive(Subcommand)]
enum PlanCommand {
    /// Check the plan against CUCM: what would be written, what the guard says, which ways stay open
    Check,
    /// Follow numbers from a caller: where they go now, normally, and when locked
    Trace(plan::Trace),
}

#[derive(Subcommand)]
enum EventsCommand {
    /// Walk the timeline's hash chain and find any edit
    Verify,
}

/// What every command is run with.
struct Context {
    config_file: PathBuf,
    json: bool,
}

/// How a command ended.
enum Ended {
    Done,
    Refused,
    Pending,
}

/// Something to say before leaving with exit code 1.
struct Sorry(String);

impl<E: Display> From<E> for Sorry {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

/// For each worker thread. A page is a value of nested types and is written by nested calls; a build that is
/// not optimised needs more than tokio's 2 MiB for the console. Only what is touched is memory. Bytes.
const STACK: usize = 16 * 1024 * 1024;

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let context = Context { config_file: arguments.config, json: arguments.json };
    let builder = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK).build();
    let runtime = match builder {
        Ok(runtime) => runtime,
        Err(error) => return failed(&context, &format!("no threads can be started: {error}")),
    };
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match runtime.block_on(run(&context, arguments.command)) {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Refused) => ExitCode::FAILURE,
        Ok(Ended::Pending) => ExitCode::from(3),
        Err(Sorry(text)) => failed(&context, &text),
    }
}

async fn run(context: &Context, command: Command) -> Result<Ended, Sorry> {
    match command {
        Command::Serve => serve::serve(context).await,
        Command::Doctor(how) => doctor::examine(context, &how).await,
        Command::Plan(PlanCommand::Check) => plan::check(context).await,
        Command::Plan(PlanCommand::Trace(asked)) => plan::follow(context, &asked).await,
        Command::Routes => {
            let routes = crate::routes::routes();
            context.print(&serde_json::json!(routes), routes.join("\n"));
            Ok(Ended::Done)
        }
        Command::Status(server) => remote::status(context, &server).await,
        Command::Lock(order) => remote::lock(context, &order).await,
        Command::Release(order) => remote::release(context, &order).await,
        Command::Drill(drill) => remote::drill(context, &drill).await,
        Command::Events(EventsCommand::Verify) => events::verify(context).await,
        Command::People(command) => people::run(context, command).await,
        Command::Clients(command) => clients::run(context, command).await,
        Command::Finesse(command) => finesse::run(context, command).await,
        Command::Man { folder } => {
            std::fs::create_dir_all(&folder)?;
            clap_mangen::generate_to(Arguments::command(), &folder)?;
            Ok(Ended::Done)
        }
        Command::Store(command) => store::run(context, command).await,
    }
}

fn failed(context: &Context, text: &str) -> ExitCode {
    if context.json {
        eprintln!("{}", serde_json::json!({ "error": text }));
    } else {
        eprintln!("pstn-lockdown: {text}");
    }
    ExitCode::FAILURE
}

impl Context {
    fn load(&self) -> Result<Config, Sorry> {
        Ok(config::load(&self.config_file, std::env::vars())?)
    }

    async fn store(&self) -> Result<(Config, Arc<dyn ServerStore>), Sorry> {
        let config = self.load()?;
        let store = assemble::store(&config).await?;
        Ok((config, store))
    }

    /// Prints `value` as JSON, or `words`.
    fn print(&self, value: &serde_json::Value, words: impl Display) {
        if self.json { println!("{value}") } else { println!("{words}") }
    }
}
