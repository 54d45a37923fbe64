//! The simulators as their own process, for `cargo xtask run`, browser tests and benchmarks.

use clap::Parser;
use simulators::cucm::model::Cluster;
use simulators::database::Database;
use simulators::outages::{self, Outside};
use simulators::web::WebServer;
use simulators::{B2cSim, CucmSim, FinesseSim, PhoneSim, WebexSim};
use std::path::PathBuf;
use std::sync::Arc;

/// Simulated CUCM, identity provider and Webex on loopback, until Ctrl-C or end of input.
#[derive(Parser)]
struct Options {
    /// Dial plan of the cluster: acme-north or acme-sued
    #[arg(long, default_value = "acme-north")]
    plan: String,
    /// Add a partition with so many route patterns
    #[arg(long, default_value_t = 0)]
    route_patterns: usize,
    /// AXL port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    cucm_port: u16,
    /// Port for dial, faults and edits; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// Port of the identity provider; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    b2c_port: u16,
    /// Port of Webex; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    webex_port: u16,
    /// Port of the first Finesse node; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    finesse_port: u16,
    /// Gadget files that lie here are uploaded to Finesse
    #[arg(long)]
    finesse_files: Option<PathBuf>,
    /// Every AXL answer takes this long
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Start a MongoDB too
    #[arg(long)]
    database: bool,
    /// Write CUCM's certificate here
    #[arg(long)]
    certificate: Option<PathBuf>,
}

/// EOC 1's own phone, one everybody at the EOC uses, and one somewhere else.
const PHONES: [(&str, &str); 3] =
    [("SEP001122334401", "CP-8845"), ("SEP001122334402", "DP-9841"), ("SEP001122334499", "CP-7841")];

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let cluster = match options.route_patterns {
        0 => Cluster::named(&options.plan)
            .ok_or_else(|| std::io::Error::other(format!("there is no dial plan {}", options.plan)))?,
        count => Cluster::with_route_patterns(count),
    };
    let cucm = CucmSim::with_cluster(cluster, options.cucm_port, Some(options.control_port)).await?;
    cucm.faults().latency_ms = options.latency_ms;
    let b2c = B2cSim::start(options.b2c_port)?;
    let webex = WebexSim::start(options.webex_port)?;
    let phones = PhoneSim::start(0, &PHONES)?;
    let finesse = FinesseSim::start(options.finesse_port)?;
    if let Some(folder) = options.finesse_files {
        finesse.upload_from(folder);
    }
    if let Some(path) = &options.certificate {
        std::fs::write(path, cucm.certificate_pem())?;
    }
    let database = if options.database { Some(Database::start().await?) } else { None };
    let outside = Arc::new(Outside { cucm, b2c, webex, finesse, phones, database });
    let outages = outages::listen(outside.clone())?;
    println!("{}", addresses(&outside, &outages));
    let ended = std::thread::spawn(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    let end_of_input = async {
        while !ended.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    };
    tokio::select! {
        () = end_of_input => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}

/// Where everything is, for whoever started this.
fn addresses(outside: &Outside, outages: &WebServer) -> serde_json::Value {
    let Outside { cucm, b2c, webex, finesse, phones, database } = outside;
    let fingerprint: String = cucm.fingerprint().iter().map(|byte| format!("{byte:02X}")).collect();
    let control = cucm.control_address().map(|address| format!("http://{address}"));
    let phone = |(number, (device, _)): (usize, &(&str, &str))| serde_json::json!({ "device": device, "address": phones.address(number) });
    serde_json::json!({
        "axl": cucm.url(), "fingerprint": fingerprint, "control": control, "outages": format!("http://{}", outages.address()),
        "database": database.as_ref().map(|database| database.uri("lockdown")),
        "metadata_url": b2c.metadata_url(), "issuer": b2c.issuer(), "people": simulators::b2c::demo_people(),
        "webex": { "api": webex.api_url(), "u2c": webex.u2c_url(), "page": webex.page_url(), "token": simulators::webex::BOT_TOKEN, "device": webex.device() },
        "phones": {
            "page": phones.page_url(), "username": simulators::phone::PUSHER.0, "password": simulators::phone::PUSHER.1,
            "all": PHONES.iter().enumerate().map(phone).collect::<Vec<_>>(),
        },
        "finesse": { "origins": finesse.origins(), "username": simulators::finesse::ADMIN.0, "password": simulators::finesse::ADMIN.1 },
    })
}
