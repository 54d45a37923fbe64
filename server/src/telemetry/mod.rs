//! What the server tells of itself: its log here and in [`request`], its numbers in [`meters`], its spans in [`otlp`].

pub mod meters;
pub mod otlp;
pub mod request;

use crate::config::Telemetry;
use otlp::Spans;
use request::{Json, Readable};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{self, JsonFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins logging to standard error: readable on a terminal, JSON lines otherwise. `RUST_LOG` narrows or widens,
/// default `info`. What gathers spans comes back, where somebody collects them.
///
/// # Errors
/// When spans cannot be sent at all.
pub fn start(telemetry: &Telemetry) -> anyhow::Result<Option<Spans>> {
    let spans = telemetry.otlp.as_deref().map(Spans::gather).transpose()?;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,tower_http=warn,leptos=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if std::io::stderr().is_terminal() {
        let log = builder.event_format(Readable(format::format())).finish();
        log.with(spans.as_ref().map(Spans::layer)).try_init()
    } else {
        let log = builder.fmt_fields(JsonFields::new()).event_format(Json(format::format().json())).finish();
        log.with(spans.as_ref().map(Spans::layer)).try_init()
    };
    if let Err(error) = started {
        eprintln!("logging was begun twice: {error}");
    }
    Ok(spans)
}

/// Memory this process holds, where the system tells (Linux).
///
/// *Source*: proc(5), `/proc/self/status`, `VmRSS` in kB.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
