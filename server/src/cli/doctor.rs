//! `doctor`: would a lock work? Each finding comes with its fix.

use super::{Context, Ended, Sorry};
use crate::assemble::{self, axl_client, mongo};
use crate::clock::SystemClock;
use crate::config::{Config, Secret, Site, StoreKind, is_everybody};
use crate::dial_plan::cucm::Cucm;
use crate::identity::oidc::Oidc;
use crate::services::gadget_files;
use crate::services::readiness::{Finding, Verdict, outside, people, plan, practice};
use crate::store::ServerStore;
use crate::store::chain;
use crate::store::embedded::{Embedded, claim};
use clap::Args;
use engine::ports::{Clock, DialPlan, DialPlanError, Hurry};
use lockdown::dial_plan::DialPlan as Facts;
use lockdown::guard::{self, CheckedPlan};
use lockdown::ids::{SiteId, StepId};
use lockdown::steps::Found;
use std::sync::Arc;

#[derive(Args)]
pub(super) struct Examination {
    /// Also write to CUCM: one object, canary where there is one, is given the value it has
    #[arg(long)]
    prove_write: bool,
}

/// Events looked through for the last drill and the last write.
const LOOKED_THROUGH: usize = 500;

pub(super) async fn examine(context: &Context, how: &Examination) -> Result<Ended, Sorry> {
    let mut findings = Vec::new();
    match context.load() {
        Err(Sorry(problem)) => {
            findings.push(Finding::bad("configuration", problem, "Correct this line; nothing else was looked at."));
        }
        Ok(config) => {
            findings.push(Finding::good("configuration", format!("{} sites", config.sites.len())));
            findings.extend(addresses(&config));
            findings.extend(proxies(&config));
            findings.extend(store(&config).await);
            findings.extend(cucm(&config, how.prove_write).await);
            findings.extend(outside::own(&config.http, SystemClock.now()).await);
            findings.extend(remembered(&config, how.prove_write).await);
            findings.push(identity(&config).await);
            findings.extend(webex(&config).await);
        }
    }
    let bad = findings.iter().any(|finding| finding.verdict == Verdict::Bad);
    let words: Vec<String> = findings.iter().map(ToString::to_string).collect();
    context.print(&serde_json::json!({ "ok": !bad, "findings": findings }), words.join("\n"));
    Ok(if bad { Ended::Refused } else { Ended::Done })
}

fn addresses(config: &Config) -> Vec<Finding> {
    let loopback = config.http.listen.ip().is_loopback();
    let plain = (config.http.public_url.starts_with("http://") && !loopback).then(|| {
        Finding::bad(
            "http",
            "people would sign in over plain http",
            "Set http.tls, or put nginx with TLS before it and set http.public_url to its https:// address.",
        )
    });
    let on_site = config.identity.iter().flat_map(|identity| &identity.site_networks);
    let phones = config.phone.iter().flat_map(|phone| &phone.networks);
    let open = on_site.map(|network| ("identity.site_networks", network));
    let open =
        open.chain(phones.map(|network| ("phone.networks", network))).filter(|(_, network)| is_everybody(network));
    let open = open.map(|(key, network)| {
        let found = format!("{key} has {network}: it gives the whole internet access that is meant for the site");
        Finding::warning("networks", found, "Name the networks of the site.")
    });
    plain.into_iter().chain(open).collect()
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
            return Finding::bad("mongodb", error.to_string(), "Correct store.mongodb_uri.");
        }
    };
    match mongo.describe().await {
        Err(error) => Finding::warning(
            "mongodb",
            error.to_string(),
            "Is it running, and does a firewall let its port through? Locking works without it; all-clears and changes of people wait.",
        ),
        Ok(said) if said.contains("no replica set") => Finding::bad(
            "mongodb",
            said,
            "Make it a replica set, of one server at least: what belongs together is written in one transaction.",
        ),
        Ok(said) => match mongo.verify().await {
            Ok(chain::Verdict::Whole { events, .. }) => {
                Finding::good("mongodb", format!("{said}, {events} events, chain whole"))
            }
            Ok(chain::Verdict::Broken { seq, why }) => Finding::bad(
                "mongodb",
                format!("event {seq}: {why}"),
                "Somebody changed the timeline. Keep a copy of the database, and tell IT security.",
            ),
            Err(error) => Finding::bad("mongodb", error.to_string(), "Look at the database’s log."),
        },
    }
}

async fn folder(config: &Config) -> Finding {
    let folder = config.store.data_dir.display();
    match Embedded::open(&config.store.data_dir) {
        Err(error) => {
            Finding::bad("store", error.to_string(), "A lock is remembered before it is carried out: mend this first.")
        }
        Ok(store) => match store.verify().await {
            Ok(chain::Verdict::Whole { events, .. }) => {
                Finding::good("store", format!("{folder}, {events} events, chain whole"))
            }
            Ok(chain::Verdict::Broken { seq, why }) => Finding::bad(
                "store",
                format!("event {seq}: {why}"),
                "Somebody changed the timeline. Keep the file, and tell IT security.",
            ),
            Err(error) => Finding::bad("store", error.to_string(), "Look at the disk."),
        },
    }
}

async fn cucm(config: &Config, prove_write: bool) -> Vec<Finding> {
    let client = match axl_client(&config.cucm) {
        Ok(client) => Arc::new(client),
        Err(error) => {
            return vec![Finding::bad("cucm", error.to_string(), "Correct cucm.tls.ca_file.")];
        }
    };
    let mut findings = Vec::new();
    match client.ccm_version().await {
        Ok(release) => findings.push(Finding::good("cucm", format!("{release}, AXL {}", client.version()))),
        Err(error) => {
            let fix = fix_for(&error, &config.cucm.url).await;
            return vec![Finding::bad("cucm", error.to_string(), fix)];
        }
    }
    if let Ok(shown) = axl::shown_by(&config.cucm.url).await {
        let pinned = matches!(config.cucm.trust, axl::Trust::Pins(_));
        findings.extend(outside::publisher(&shown, pinned, SystemClock.now()));
        if matches!(config.cucm.trust, axl::Trust::Insecure) {
            let print = shown.fingerprint();
            findings.push(Finding::warning("trust in CUCM", "its certificate is not checked", format!("Compare {print} with OS Administration > Security > Certificate Management, then write cucm.tls = {{ pin_sha256 = [\"{print}\"] }}.")));
        }
    }
    if config.cucm.read_only {
        findings.push(Finding::warning(
            "cucm mode",
            "read_only: nothing will be locked",
            "Set cucm.mode = \"read_write\" when the plan has proved itself.",
        ));
    }
    let cucm = Cucm::new(client.clone(), config.sites.iter().map(|site| &site.plan));
    let mut accepted = Vec::new();
    match cucm.survey(&Hurry::default()).await {
        Err(error) => {
            findings.push(Finding::bad("plan", error.to_string(), "CUCM answered before and not now: try again."));
        }
        Ok(facts) => {
            for site in &config.sites {
                let (finding, plan) = plan_of(site, &facts);
                findings.extend(finding.into_iter().map(|finding| finding.at(&site.plan.site)));
                accepted.extend(plan.map(|plan| (site, plan)));
            }
        }
    }
    if prove_write && !config.cucm.read_only {
        // Where it is practised comes first.
        accepted.sort_by_key(|(site, _)| site.drill_of.is_none());
        if let Some((site, plan)) = accepted.first() {
            findings.push(match claim(&config.store.data_dir) {
                Ok(_no_server_orders_meanwhile) => written(&cucm, plan, &site.plan.site).await,
                Err(error) => {
                    let fix = "While a server runs, press “Prove it” on its page Readiness: nothing is written beside its orders.";
                    Finding::warning("right to write", format!("not tried: {error}"), fix)
                }
            });
        }
    }
    findings
}

/// What the guard says of a site's plan, and the plan where it may run.
fn plan_of(site: &Site, facts: &Facts) -> (Vec<Finding>, Option<CheckedPlan>) {
    match guard::check(&site.plan, facts) {
        Ok(mut plan) => {
            let drill = site.drill_of.is_some();
            if drill {
                plan.keep(&[]);
            }
            (plan::checked(&plan, drill), Some(plan))
        }
        Err(violations) => {
            let why = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            (vec![Finding::bad("plan", "the guard refuses it", why)], None)
        }
    }
}

/// One step gets the value it has. No server runs on this folder meanwhile.
async fn written(cucm: &Cucm, plan: &CheckedPlan, site: &SiteId) -> Finding {
    let what = "right to write";
    let fix = "Give the AXL user the role that may write: guide “telecom”, step 2.";
    let outcome: Result<String, DialPlanError> = async {
        let found = cucm.read(&plan.plan).await?;
        let value_of = |id: &StepId| match found.get(id) {
            Some(Found::Value(value)) => Some(value),
            Some(Found::Missing | Found::NotRead) | None => None,
        };
        let write = plan
            .plan
            .provable(value_of)
            .ok_or(DialPlanError::Refused { why: "no step of the plan could be read".into() })?;
        cucm.write(&write).await.map(|()| write.step.object().to_string())
    }
    .await;
    match outcome {
        Ok(object) => Finding::good(what, format!("{object} was given the value it has")),
        Err(error) => Finding::bad(what, error.to_string(), fix),
    }
    .at(site)
}

/// Who could order, when it last worked, and what the agents' gadget is.
async fn remembered(config: &Config, proved: bool) -> Vec<Finding> {
    // One that cannot be opened is said above, with what to do.
    let Ok(store) = assemble::store(config).await else { return Vec::new() };
    let now = SystemClock.now();
    let mut findings = Vec::new();
    if let Ok(people) = store.people().await {
        let live = config.sites.iter().filter(|site| site.drill_of.is_none());
        findings.extend(
            live.map(|site| people::seniors(&people, &site.plan.site, if site.release_by_two { 2 } else { 1 })),
        );
    }
    if let Ok(events) = store.events_named(&practice::KINDS, LOOKED_THROUGH).await {
        if !proved {
            findings.push(practice::last_write(&events, now));
        }
        for site in config.sites.iter().filter(|site| site.drill_of.is_none()) {
            let drill = config.sites.iter().find(|drill| drill.drill_of.as_ref() == Some(&site.plan.site));
            let drill = drill.map(|drill| &drill.plan.site);
            findings.push(practice::last_drill(&site.plan.site, drill, &events, now));
        }
    }
    if config.finesse.is_some()
        && let (Ok(made), Ok(keys)) = (gadget_files::all(store.as_ref()).await, store.clients().await)
    {
        findings.push(gadget_files::newest(&made, &keys, now));
    }
    findings
}

/// Is the bot's token good? Asks Webex who it is.
async fn webex(config: &Config) -> Option<Finding> {
    let settings = config.webex.as_ref()?;
    Some(match crate::surfaces::webex::whoami(settings).await {
        Ok((name, ahead)) if ahead.abs() > outside::APART => {
            let seconds = ahead.as_secs();
            let by = seconds.abs();
            let way = if seconds > 0 { "behind" } else { "ahead of" };
            let found = format!("the bot is {name}; the clock here is {by} s {way} Webex’");
            Finding::warning("Webex", found, "Set the clock by NTP. Orders are taken by Webex’ clock meanwhile.")
        }
        Ok((name, _)) => Finding::good("Webex", format!("the bot is {name}")),
        Err(why) => {
            Finding::warning("Webex", why, "Renew the bot’s token (webex.bot_token), or wait: locking needs no Webex.")
        }
    })
}

async fn fix_for(error: &axl::Error, url: &str) -> String {
    match error {
        axl::Error::Certificate { .. } => {
            let print = axl::shown_by(url).await.map(|shown| shown.fingerprint()).unwrap_or_default();
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
        Finding::warning(
            "proxy",
            "the public address is https, and this server speaks plain http: a proxy stands before it, and none is named",
            "Name it in http.trusted_proxies; until then sealed codes are refused and all clients share one limit.",
        )
    })
}

async fn identity(config: &Config) -> Finding {
    let Some(identity) = &config.identity else {
        return Finding::warning(
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
        Err(why) => Finding::warning(
            "identity",
            why,
            "Correct identity.metadata_url, or wait: people who are signed in stay so, and keys work.",
        ),
    }
}
