//! What is being built, how far it is, and how long it is likely to take: one line on a terminal, elsewhere one every half
//! minute. Builds that run beside each other share it.

use crate::command::shown;
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::io::{IsTerminal, Read, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One build: units that cargo has finished, of so many. Those that were there before are not counted.
struct Lane {
    name: &'static str,
    fresh: usize,
    done: usize,
    all: usize,
    ended: bool,
}

struct Meter {
    lanes: Vec<Lane>,
    began: Option<Instant>,
    told: Option<Instant>,
}

static METER: Mutex<Meter> = Mutex::new(Meter { lanes: Vec::new(), began: None, told: None });

/// The share of the time that has gone when a share of the units is done: small crates come first, ours at the end.
/// Measured on two cores.
const GONE: [(f64, f64); 5] = [(0.0, 0.0), (0.5, 0.2), (0.8, 0.45), (0.95, 0.7), (1.0, 1.0)];

/// On a terminal the line is written anew so often; elsewhere there is a new one.
const ANEW: Duration = Duration::from_millis(200);
const LINE: Duration = Duration::from_secs(30);

/// Runs a build of cargo's. What it has to say is shown when it failed, and warnings always.
pub(crate) fn cargo(name: &'static str, command: &mut Command) -> Result<()> {
    cargo_said(name, command).map(|_| ())
}

/// The same. Returns what it wrote to its standard output.
pub(crate) fn cargo_said(name: &'static str, command: &mut Command) -> Result<String> {
    let text = shown(command);
    let mut child = command
        .env("CARGO_TERM_PROGRESS_WHEN", "always")
        .env("CARGO_TERM_PROGRESS_WIDTH", "120")
        .env("CARGO_TERM_COLOR", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{text} could not be started"))?;
    let mut stdout = child.stdout.take().context("its output is piped")?;
    let stderr = child.stderr.take().context("its output is piped")?;
    let written = std::thread::spawn(move || std::io::read_to_string(&mut stdout));
    let said = follow(name, stderr);
    let status = child.wait()?;
    end(name);
    let written = written.join().unwrap_or_else(|_| Ok(String::new()))?;
    if !status.success() {
        bail!("{text} failed ({status}):\n{said}");
    }
    eprint!("{said}");
    Ok(written)
}

/// Reads to the end, and returns what is no progress.
fn follow(name: &'static str, stderr: impl Read) -> String {
    let mut said = String::new();
    let mut line = Vec::new();
    for byte in std::io::BufReader::new(stderr).bytes().map_while(Result::ok) {
        if !matches!(byte, b'\r' | b'\n') {
            line.push(byte);
            continue;
        }
        let text = String::from_utf8_lossy(&line).into_owned();
        match units(&text) {
            Some((done, all)) => note(name, done, all),
            None if is_news(&text) => _ = writeln!(said, "{}", text.trim_end()),
            None => {}
        }
        line.clear();
    }
    // What broke off is news in any case.
    said + &String::from_utf8_lossy(&line)
}

/// `Building [====>    ] 12/345: serde, tokio`
fn units(line: &str) -> Option<(usize, usize)> {
    let (done, rest) = line.trim_start().strip_prefix("Building [")?.split_once("] ")?.1.split_once('/')?;
    let all: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((done.trim().parse().ok()?, all.parse().ok()?))
}

/// What cargo does step by step is in the progress.
fn is_news(line: &str) -> bool {
    const STEPS: [&str; 10] = [
        "Compiling ",
        "Finished ",
        "Blocking ",
        "Building ",
        "Downloading ",
        "Downloaded ",
        "Updating ",
        "Locking ",
        "Running ",
        "Executable ",
    ];
    let line = line.trim_start_matches(['\u{1b}', '[', 'K', ' ']);
    !line.trim().is_empty() && !STEPS.iter().any(|step| line.starts_with(step))
}

fn note(name: &'static str, done: usize, all: usize) {
    let mut meter = METER.lock().unwrap_or_else(PoisonError::into_inner);
    let began = *meter.began.get_or_insert_with(Instant::now);
    match meter.lanes.iter_mut().find(|lane| lane.name == name) {
        Some(lane) => (lane.done, lane.all) = (done - lane.fresh.min(done), all - lane.fresh.min(all)),
        // Cargo goes through what is fresh before it shows how far it is.
        None => meter.lanes.push(Lane { name, fresh: done, done: 0, all: all - done, ended: false }),
    }
    let terminal = std::io::stderr().is_terminal();
    if meter.told.is_none_or(|at| at.elapsed() > if terminal { ANEW } else { LINE }) {
        let line = meter.line(began.elapsed());
        let (begin, end) = if terminal { ("\r\u{1b}[K", "") } else { ("", "\n") };
        eprint!("{begin}{line}{end}");
        let _ = std::io::stderr().flush();
        meter.told = Some(Instant::now());
    }
}

fn end(name: &'static str) {
    let mut meter = METER.lock().unwrap_or_else(PoisonError::into_inner);
    // It stays in the sum, so that the estimate of the others does not jump.
    meter.lanes.iter_mut().filter(|lane| lane.name == name).for_each(|lane| lane.ended = true);
    if meter.lanes.iter().all(|lane| lane.ended) {
        if meter.told.is_some() && std::io::stderr().is_terminal() {
            eprint!("\r\u{1b}[K");
        }
        *meter = Meter { lanes: Vec::new(), began: None, told: None };
    }
}

impl Meter {
    fn line(&self, gone: Duration) -> String {
        let open = self.lanes.iter().filter(|lane| !lane.ended);
        let lanes: Vec<String> = open.map(|lane| format!("{} {} of {}", lane.name, lane.done, lane.all)).collect();
        let (done, all) = self.lanes.iter().fold((0, 0), |(done, all), lane| (done + lane.done, all + lane.all));
        format!("  building {}; {} gone{}", lanes.join(", "), minutes(gone), left(gone, done, all))
    }
}

fn left(gone: Duration, done: usize, all: usize) -> String {
    // Too early to estimate.
    if gone < Duration::from_secs(10) || done == 0 {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "some hundred units")]
    let share = share_of_time(done as f64 / all.max(1) as f64);
    let left = gone.mul_f64((1.0 - share).max(0.0) / share.max(0.01));
    format!(", about {} to go", minutes(left))
}

fn share_of_time(units: f64) -> f64 {
    let next = GONE.iter().position(|(at, _)| *at >= units).unwrap_or(GONE.len() - 1).max(1);
    let low = GONE[next - 1];
    let high = GONE[next];
    low.1 + (high.1 - low.1) * (units - low.0) / (high.0 - low.0)
}

/// `2 min 05 s`
pub(crate) fn minutes(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 { format!("{seconds} s") } else { format!("{} min {:02} s", seconds / 60, seconds % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_from_cargos_line() {
        assert_eq!(units("    Building [==>     ] 12/345: serde, tokio"), Some((12, 345)));
        assert_eq!(units("    Building [=====================>  ] 344/345"), Some((344, 345)));
        for other in ["   Compiling serde v1", "warning: unused [1/2] 3/4", "", "Building ["] {
            assert_eq!(units(other), None, "{other}");
        }
    }

    #[test]
    fn the_last_units_take_longest() {
        assert!((share_of_time(0.5) - 0.2).abs() < 1e-9);
        assert!((share_of_time(1.0) - 1.0).abs() < 1e-9 && share_of_time(0.0).abs() < 1e-9);
        assert_eq!(left(Duration::from_secs(100), 50, 100), ", about 6 min 40 s to go");
        assert_eq!(left(Duration::from_secs(5), 50, 100), "", "too early to say");
    }

    #[test]
    fn warnings_are_shown_and_steps_are_not() {
        let said = follow(
            "test",
            &b"   Compiling a v1\n    Building [> ] 1/2: a\rwarning: odd\n  --> file\n    Finished x\n"[..],
        );
        end("test");
        assert_eq!(said, "warning: odd\n  --> file\n");
    }
}
