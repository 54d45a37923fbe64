//! How long it takes to read a town's dial plan from a simulated CUCM, to check a lock plan against it, to draw it and to
//! follow numbers, and how each grows: rows of a Markdown table. `cargo xtask bench town` runs it as it ships, and writes
//! them into BENCH.md. Arguments: numbers of lines.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot be made ends")]

use engine::ports::{DialPlan, Hurry};
use lockdown::guard;
use lockdown::ids::SiteId;
use lockdown::plan::{Pilot, PlanText};
use lockdown::steps::{Group, PartitionScheduleText, Patterns, RoutePatternBlockText, StepText};
use lockdown::trace::Tracer;
use server::dial_plan::cucm::Cucm;
use simulators::CucmSim;
use simulators::cucm::town::{self, Style, Town};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Numbers of one request, at most.
const NUMBERS: usize = 10_000;

#[tokio::main]
async fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![2500, 5000, 10_000] } else { asked };
    println!(
        "| town | lines, patterns, callers | read: AXL requests, time | check | blocks besides | drawn | a number, 10,000 | first lock | leaks | memory |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for style in Style::ALL {
        let mut before = None;
        for lines in &sizes {
            let town = Town { style, lines: *lines, seed: 7 };
            before = Some(row(town, before).await);
        }
    }
}

/// Gives back how long the check took.
async fn row(town: Town, before: Option<Duration>) -> Duration {
    let sim = CucmSim::with_cluster(town.cluster(), 0, None).await.unwrap();
    let mirrors = plan(false);
    let blocks = plan(true);
    let begun = Instant::now();
    let facts = Arc::new(read(&sim, &mirrors).await);
    let reading = begun.elapsed();
    let (checked, check) = timed(|| guard::judge(&mirrors, &facts));
    let (_, blocking) = timed(|| guard::judge(&blocks, &facts).verdict.unwrap());
    let reach = checked.reach.unwrap();
    let (_, drawing) = timed(|| guard::flows(&mirrors, &facts, &reach));
    let (one, many) = follow(&mirrors, &facts);
    let first = first_lock(&sim).await;
    let growth =
        before.map_or(String::new(), |before| format!(" ({:.1} ×)", check.as_secs_f64() / before.as_secs_f64()));
    let patterns = facts.route_patterns.len() + facts.translation_patterns.len();
    println!(
        "| {:?} | {}, {patterns}, {} | {}, {} | {}{growth} | {} | {} | {}, {} | {} | {} | {} MB |",
        town.style,
        town.lines,
        facts.callers().len(),
        facts.requests,
        seconds(reading),
        seconds(check),
        seconds(blocking),
        seconds(drawing),
        milliseconds(one),
        milliseconds(many),
        seconds(first),
        reach.leaks.len(),
        resident() / 1024,
    );
    check
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

/// One number after the states of the plan are ready, and many.
fn follow(text: &PlanText, facts: &Arc<lockdown::dial_plan::DialPlan>) -> (Duration, Duration) {
    let tracer = Tracer::new(text, facts);
    let callers = &facts.callers()[..1];
    let numbers: Vec<String> = (0..NUMBERS).map(|n| format!("9140355{:05}", n % 100_000)).collect();
    let (_, one) = timed(|| tracer.trace(callers, &numbers[..1], None));
    let (traced, many) = timed(|| tracer.trace(callers, &numbers, None));
    assert_eq!(traced.len(), NUMBERS);
    (one, many)
}

async fn read(sim: &CucmSim, plan: &PlanText) -> lockdown::dial_plan::DialPlan {
    let client = axl::Client::new(axl::Config {
        url: sim.url(),
        credentials: axl::Credentials { username: "axl-lockdown".into(), password: "axl-demo".into() },
        trust: axl::Trust::Pins(vec![sim.fingerprint()]),
        version: None,
        timeout: Duration::from_secs(60),
    });
    Cucm::new(Arc::new(client.unwrap()), [plan]).survey(&Hurry::default()).await.unwrap()
}

fn plan(blocks: bool) -> PlanText {
    let schedule = |group: Group, partition: &str| {
        let partition = partition.into();
        let normal = Some(town::NEVER.into());
        let locked = None;
        StepText::from(PartitionScheduleText { group, partition, normal, locked })
    };
    let block = |partition: &str| {
        let group = Group::OutboundBlock;
        let patterns = Patterns::AllExcept(vec![]);
        let partition = partition.into();
        StepText::from(RoutePatternBlockText { group, patterns, partition, acknowledge_gateway: false })
    };
    let mut steps =
        vec![schedule(Group::InboundRedirect, town::LOCK_IN), schedule(Group::OutboundRedirect, town::LOCK_OUT)];
    steps.extend(town::ROUTES.into_iter().filter(|_| blocks).map(block));
    PlanText {
        site: SiteId::try_from("town").unwrap(),
        eoc_pilot: Pilot { pattern: town::PILOT.into(), partition: town::EOC.into() },
        protected_numbers: vec!["911".into(), "9911".into()],
        protected_partitions: vec![town::EMERGENCY.into()],
        eoc_css: vec![town::EOC_CSS.into()],
        inbound_css: vec![town::INBOUND_CSS.into()],
        steps,
    }
}

/// From starting the program, with nothing kept from before, until an order that was given at once is verified.
async fn first_lock(sim: &CucmSim) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = folder.path().join("lockdown.toml");
    std::fs::write(&config, configuration(sim, port)).unwrap();
    let program = std::env::current_exe().unwrap().with_file_name("../pstn-lockdown");
    let command = |words: &[&str]| {
        let mut command = Command::new(&program);
        command.args(words).arg("--config").arg(&config).stderr(Stdio::null());
        // No page is looked at.
        command.env("LEPTOS_SITE_ROOT", folder.path());
        command
    };
    let scopes = "status:read,lock:enable";
    let made = command(&["clients", "add", "--name", "town", "--scope", scopes, "--json"]).output().unwrap();
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).unwrap();
    let begun = Instant::now();
    let mut server = command(&["serve"]).spawn().unwrap();
    let answer = loop {
        let url = format!("http://127.0.0.1:{port}/api/v1/sites/town/lockdown?wait=60s");
        let order = reqwest::Client::new().put(url).bearer_auth(made["key"].as_str().unwrap());
        match order.json(&serde_json::json!({ "desired": "locked" })).send().await {
            Ok(answer) => break answer,
            Err(error) => {
                assert!(server.try_wait().unwrap().is_none(), "the server ended: {error}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    let site: serde_json::Value = answer.json().await.unwrap();
    let took = begun.elapsed();
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(site["standing"], "locked", "{site}");
    sim.edit(|cluster| {
        for name in [town::LOCK_IN, town::LOCK_OUT] {
            cluster.partition(name).unwrap().schedule = Some(town::NEVER.into());
        }
    });
    took
}

/// The plan of [`plan`] with mirrors alone.
fn configuration(sim: &CucmSim, port: u16) -> String {
    let pin: String = sim.fingerprint().iter().map(|byte| format!("{byte:02X}")).collect();
    let step = |group: &str, partition: &str| {
        format!(
            "[[site.step]]\nkind = \"partition_schedule\"\ngroup = \"{group}\"\npartition = \"{partition}\"\nnormal = \"{}\"\nlocked = \"\"\n",
            town::NEVER
        )
    };
    format!(
        "[http]\nlisten = \"127.0.0.1:{port}\"\n[store]\ndata_dir = \"data\"\n[cucm]\nurl = \"{}\"\nusername = \"axl-lockdown\"\npassword = \"axl-demo\"\ntls = {{ pin_sha256 = [\"{pin}\"] }}\n[[site]]\nid = \"town\"\nname = \"Town\"\neoc_pilot = {{ pattern = \"{}\", partition = \"{}\" }}\nprotected_numbers = [\"911\", \"9911\"]\nprotected_partitions = [\"{}\"]\neoc_css = [\"{}\"]\ninbound_css = [\"{}\"]\n{}{}",
        sim.url(),
        town::PILOT,
        town::EOC,
        town::EMERGENCY,
        town::EOC_CSS,
        town::INBOUND_CSS,
        step("inbound_redirect", town::LOCK_IN),
        step("outbound_redirect", town::LOCK_OUT),
    )
}

/// Kilobytes of this process, the simulated CUCM in it; 0 where nobody says.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
