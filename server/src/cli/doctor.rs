//! `doctor`: would a lock work? Each finding comes with its fix.

use super::{Context, Ended, Sorry};
use crate::assemble::{axl_client, mongo};
use crate::clock::SystemClock;
use crate::config::{Config, Secret, StoreKind};
use crate::dial_plan::cucm::Cucm;
use crate::engine::ports::{Clock, DialPlan};
use crate::identity::oidc::Oidc;
use crate::store::Keep;
use crate::store::chain::Verdict;
use crate::store::embedded::Embedded;
use lockdown::guard;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdicted {
    Good,
    Warning,
    Bad,
}

#[derive(Serialize)]
struct Finding {
    what: String,
    verdict: Verdicted,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn good(what: &str, found: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdicted::Good, found: found.into(), fix: None }
    }

    fn not(verdict: Verdicted, what: &str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), verdict, found: found.into(), fix: Some(fix.into()) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict {
            Verdicted::Good => "✓",
            Verdicted::Warning => "!",
            Verdicted::Bad => "✗",
        };
        write!(f, "{mark} {}: {}", self.what, self.found)?;
        self.fix.as_ref().map_or(Ok(()), |fix| write!(f, "\n    → {fix}"))
    }
}

pub(super) async fn examine(context: &Context) -> Result<Ended, Sorry> {
    let mut findings = Vec::new();
    match context.load() {
        Err(Sorry(problem)) => {
            findings.push(Finding::not(
                Verdicted::Bad,
                "configuration",
                problem,
                "Correct this line; nothing else was looked at.",
            ));
        }
        Ok(config) => {
            findings.push(Finding::good("configuration", format!("{} sites", config.sites.len())));
            findings.extend(addresses(&config));
            findings.extend(proxies(&config));
            findings.extend(store(&config).await);
            findings.extend(cucm(&config).await);
            findings.push(identity(&config).await);
        }
    }
    let bad = findings.iter().any(|finding| finding.verdict == Verdicted::Bad);
    let words: Vec<String> = findings.iter().map(ToString::to_string).collect();
    context.print(&serde_json::json!({ "ok": !bad, "findings": findings }), words.join("\n"));
    Ok(if bad { Ended::Refused } else { Ended::Done })
}

fn addresses(config: &Config) -> Option<Finding> {
    let loopback = config.http.listen.ip().is_loopback();
    (config.http.public_url.starts_with("http://") && !loopback).then(|| {
        Finding::not(
            Verdicted::Bad,
            "http",
            "people would sign in over plain http",
            "Set http.tls, or put nginx with TLS before it and set http.public_url to its https:// address.",
        )
    })
}

/// The data folder first: without it nothing is remembered, whatever the database says.
async fn store(config: &Config) -> Vec<Finding> {
    let mut findings = vec![folder(config).await];
    if let StoreKind::Mongodb { uri } = &config.store.kind {
        findings.push(database(uri).await);
    }
    findings
}

async fn database(uri: &Secret) -> Finding {
    let mongo = match mongo(uri).await {
        Ok(mongo) => mongo,
        Err(error) => {
            return Finding::not(Verdicted::Bad, "mongodb", error.to_string(), "Correct store.mongodb_uri.");
        }
    };
    match mongo.describe().await {
        Err(error) => Finding::not(
            Verdicted::Warning,
            "mongodb",
            error.to_string(),
            "Is it running, and does a firewall let its port through? Locking works without it; all-clears and changes of people wait.",
        ),
        Ok(said) if said.contains("no replica set") => Finding::not(
            Verdicted::Bad,
            "mongodb",
            said,
            "Make it a replica set, of one server at least: what belongs together is written in one transaction.",
        ),
        Ok(said) => match mongo.verify().await {
            Ok(Verdict::Whole { events, .. }) => {
                Finding::good("mongodb", format!("{said}, {events} events, chain whole"))
            }
            Ok(Verdict::Broken { seq, why }) => Finding::not(
                Verdicted::Bad,
                "mongodb",
                format!("event {seq}: {why}"),
                "Somebody changed the timeline. Keep a copy of the database, and tell IT security.",
            ),
            Err(error) => Finding::not(Verdicted::Bad, "mongodb", error.to_string(), "Look at the database’s log."),
        },
    }
}

async fn folder(config: &Config) -> Finding {
    let folder = config.store.data_dir.display();
    match Embedded::open(&config.store.data_dir) {
        Err(error) => Finding::not(
            Verdicted::Bad,
            "store",
            error.to_string(),
            "A lock is remembered before it is carried out: mend this first.",
        ),
        Ok(store) => match store.verify().await {
            Ok(Verdict::Whole { events, .. }) => {
                Finding::good("store", format!("{folder}, {events} events, chain whole"))
            }
            Ok(Verdict::Broken { seq, why }) => Finding::not(
                Verdicted::Bad,
                "store",
                format!("event {seq}: {why}"),
                "Somebody changed the timeline. Keep the file, and tell IT security.",
            ),
            Err(error) => Finding::not(Verdicted::Bad, "store", error.to_string(), "Look at the disk."),
        },
    }
}

async fn cucm(config: &Config) -> Vec<Finding> {
    let client = match axl_client(&config.cucm) {
        Ok(client) => Arc::new(client),
        Err(error) => {
            return vec![Finding::not(Verdicted::Bad, "cucm", error.to_string(), "Correct cucm.tls.ca_file.")];
        }
    };
    let mut findings = Vec::new();
    match client.ccm_version().await {
        Ok(release) => findings.push(Finding::good("cucm", format!("{release}, AXL {}", client.version()))),
        Err(error) => {
            let fix = fix_for(&error, &config.cucm.url).await;
            return vec![Finding::not(Verdicted::Bad, "cucm", error.to_string(), fix)];
        }
    }
    if matches!(config.cucm.trust, axl::Trust::Insecure) {
        let print = axl::fingerprint_of(&config.cucm.url).await.unwrap_or_default();
        findings.push(Finding::not(Verdicted::Warning, "cucm certificate", "not checked", format!("Compare {print} with OS Administration > Security > Certificate Management, then write cucm.tls = {{ pin_sha256 = [\"{print}\"] }}.")));
    }
    if config.cucm.read_only {
        findings.push(Finding::not(
            Verdicted::Warning,
            "cucm mode",
            "read_only: nothing will be locked",
            "Set cucm.mode = \"read_write\" when the plan has proved itself.",
        ));
    }
    for site in &config.sites {
        let name = format!("plan of {}", site.plan.site);
        findings.push(match Cucm::new(client.clone(), &site.plan).survey().await {
            Err(error) => {
                Finding::not(Verdicted::Bad, &name, error.to_string(), "CUCM answered before and not now: try again.")
            }
            Ok(facts) => match guard::check(&site.plan, &facts) {
                Ok(checked) if checked.leaks.is_empty() => {
                    Finding::good(&name, format!("{} steps, no leak", checked.plan.steps.len()))
                }
                Ok(checked) => Finding::not(
                    Verdicted::Warning,
                    &name,
                    format!("{} steps, {}", checked.plan.steps.len(), lockdown::timeline::ways(checked.leaks.len())),
                    "See them with `pstn-lockdown plan check`.",
                ),
                Err(violations) => Finding::not(
                    Verdicted::Bad,
                    &name,
                    "the guard refuses it",
                    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
                ),
            },
        });
    }
    findings
}

async fn fix_for(error: &axl::Error, url: &str) -> String {
    match error {
        axl::Error::Certificate { .. } => {
            let print = axl::fingerprint_of(url).await.unwrap_or_default();
            format!(
                "The server shows {print}. Compare it with OS Administration > Security > Certificate Management; if it is the same, write cucm.tls = {{ pin_sha256 = [\"{print}\"] }}, else give its CA as cucm.tls.ca_file."
            )
        }
        axl::Error::BadCredentials => {
            "Correct cucm.username and cucm.password; ten wrong tries lock the account.".into()
        }
        axl::Error::Forbidden => {
            "Give the AXL user the roles Standard AXL API Access and Standard CCM Admin Users.".into()
        }
        axl::Error::NoService => {
            "Activate Cisco AXL Web Service in Cisco Unified Serviceability, or correct cucm.url.".into()
        }
        axl::Error::NotAxl { .. } => {
            "Something else answers at cucm.url: name the publisher, port 8443, path /axl/.".into()
        }
        _ => "Is the publisher up, and does a firewall let port 8443 through? Correct cucm.url.".into(),
    }
}

/// Behind a proxy nobody named, every client has the proxy's address.
fn proxies(config: &Config) -> Option<Finding> {
    let behind = config.http.public_url.starts_with("https://") && config.http.tls.is_none();
    (behind && config.http.trusted_proxies.is_empty()).then(|| {
        Finding::not(
            Verdicted::Warning,
            "proxy",
            "the public address is https, and this server speaks plain http: a proxy stands before it, and none is named",
            "Name it in http.trusted_proxies; until then sealed codes are refused and all clients share one limit.",
        )
    })
}

async fn identity(config: &Config) -> Finding {
    let Some(identity) = &config.identity else {
        return Finding::not(
            Verdicted::Warning,
            "identity",
            "not configured: nobody can sign in",
            "Fill in [identity], or work with API keys.",
        );
    };
    let probed = match Oidc::new(identity.clone(), &config.http.public_url, &config.store.data_dir) {
        Ok(oidc) => oidc.probe(SystemClock.now()).await.0.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match probed {
        Ok(()) => Finding::good("identity", format!("{} answers", identity.name)),
        Err(why) => Finding::not(
            Verdicted::Warning,
            "identity",
            why,
            "Correct identity.metadata_url, or wait: people who are signed in stay so, and keys work.",
        ),
    }
}
