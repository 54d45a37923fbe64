//! What the server tells of itself: its log here and in [`request`], its numbers in [`meters`].

pub mod meters;
pub mod request;

use request::{Json, Readable};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{self, JsonFields};

/// Begins logging to standard error: readable on a terminal, JSON lines otherwise. `RUST_LOG` narrows or widens,
/// default `info`.
pub fn start() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,tower_http=warn,leptos=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        builder.event_format(Readable(format::format())).try_init()
    } else {
        builder.fmt_fields(JsonFields::new()).event_format(Json(format::format().json())).try_init()
    };
    if let Err(error) = started {
        eprintln!("logging was begun twice: {error}");
    }
}

/// Memory this process holds, where the system tells (Linux).
///
/// *Source*: proc(5), `/proc/self/status`, `VmRSS` in kB.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
