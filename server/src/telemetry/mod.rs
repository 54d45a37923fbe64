//! What the server tells of itself: its log here and in [`request`], its numbers in [`meters`], its spans in [`otlp`].

pub mod meters;
pub mod otlp;
pub mod request;

use crate::config::Telemetry;
use otlp::Spans;
use request::{Json, Readable};
use std::io::IsTerminal;
use tracing_subscriber::fmt::format::{self, JsonFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Begins logging to standard error: readable on a terminal, JSON lines otherwise. `RUST_LOG` narrows or widens,
/// default `info`. What gathers spans comes back, where somebody collects them; where that cannot be, the log says so:
/// nobody is kept from locking by it.
pub fn start(telemetry: &Telemetry) -> Option<Spans> {
    let spans = telemetry.otlp.as_deref().map(Spans::gather).transpose();
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,tower_http=warn,leptos=warn"));
    let log = fmt::layer().with_writer(std::io::stderr);
    let log = if std::io::stderr().is_terminal() {
        log.event_format(Readable(format::format())).boxed()
    } else {
        log.fmt_fields(JsonFields::new()).event_format(Json(format::format().json())).boxed()
    };
    let layer = spans.as_ref().ok().and_then(Option::as_ref).map(Spans::layer);
    let started = tracing_subscriber::registry().with(log.with_filter(filter)).with(layer).try_init();
    if let Err(error) = started {
        eprintln!("logging was begun twice: {error}");
    }
    spans.unwrap_or_else(|error| {
        tracing::error!(%error, "no spans are sent");
        None
    })
}

/// Memory this process holds, where the system tells (Linux).
///
/// *Source*: proc(5), `/proc/self/status`, `VmRSS` in kB.
pub fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}
