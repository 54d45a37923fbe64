//! Would a lock work now? Each thing it depends on, and what to do where it does not hold. For the page `/readiness`
//! and `/metrics`; `doctor` looks at the same things from beside the server, as far as it can.

mod finding;
pub mod outside;
pub mod people;
pub mod plan;
pub mod practice;

pub use finding::{Finding, Verdict};

use crate::config::{self, Config};
use crate::services::Services;
use crate::services::gadget_files;
use engine::SiteStatus;
use jiff::Timestamp;
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks nobody asked for.
const EVERY: Duration = Duration::from_secs(5 * 60);

const AGAIN: &str = "It is looked at again by itself.";

/// Events looked through for the last drill and the last write.
const LOOKED_THROUGH: usize = 500;

/// Looks, and remembers what it saw.
pub struct Readiness {
    cucm: String,
    /// CUCM's certificate is believed by its fingerprint.
    pinned: bool,
    insecure: bool,
    read_only: bool,
    http: config::Http,
    seen: RwLock<Vec<Finding>>,
}

impl Readiness {
    pub fn new(config: &Config) -> Self {
        Self {
            cucm: config.cucm.url.clone(),
            pinned: matches!(config.cucm.trust, axl::Trust::Pins(_)),
            insecure: matches!(config.cucm.trust, axl::Trust::Insecure),
            read_only: config.cucm.read_only,
            http: config.http.clone(),
            seen: RwLock::default(),
        }
    }

    /// As it was seen last; nothing before the first look.
    pub fn seen(&self) -> Vec<Finding> {
        self.seen.read().clone()
    }

    /// Why CUCM would not be written now, as far as it was seen.
    pub fn no_writes(&self) -> Vec<String> {
        let refused = self.seen().into_iter().find(|one| one.what == practice::WRITES && one.verdict == Verdict::Bad);
        let read_only = self.read_only.then(|| "cucm.mode is read_only: nothing is written".to_owned());
        read_only.into_iter().chain(refused.map(|finding| finding.found)).collect()
    }

    /// Looks at everything, worst first.
    pub async fn look(&self, services: &Services) -> Vec<Finding> {
        let now = services.clock.now();
        let mut found = Vec::new();
        for status in services.engine.live_statuses() {
            found.push(sight(&status, now));
            found.extend(plan::of(&status, now));
        }
        found.extend(self.publisher(now).await);
        found.extend(practice(services, now).await);
        found.extend(outside::own(&self.http, now).await);
        match services.directory.people().await {
            Ok(people) => found.extend(
                services
                    .engine
                    .live_statuses()
                    .iter()
                    .map(|status| people::seniors(&people, &status.id, if status.two_seniors { 2 } else { 1 })),
            ),
            Err(error) => found.push(Finding::warning("seniors", error.to_string(), AGAIN)),
        }
        found.extend(cloud(services));
        found.extend(gadget(services, now).await);
        found.sort_by_key(|finding| finding.verdict);
        found.clone_into(&mut self.seen.write());
        found
    }

    async fn publisher(&self, now: Timestamp) -> Vec<Finding> {
        let mut found = match axl::shown_by(&self.cucm).await {
            Ok(shown) => outside::publisher(&shown, self.pinned, now),
            // That CUCM is not seen stands above.
            Err(_) => Vec::new(),
        };
        if self.insecure {
            let fix = "Write cucm.tls as `pstn-lockdown doctor` says.";
            found.push(Finding::warning("trust in CUCM", "its certificate is not checked", fix));
        }
        if self.read_only {
            let fix = "Set cucm.mode = \"read_write\" when the plan has proved itself.";
            found.push(Finding::bad("cucm.mode", "read_only: nothing will be locked", fix));
        }
        found
    }
}

/// Looks now and then, so that Prometheus hears of it without anybody having the page open.
pub async fn watch(services: Arc<Services>) {
    loop {
        services.readiness.look(&services).await;
        services.clock.sleep(EVERY).await;
    }
}

fn sight(status: &SiteStatus, now: Timestamp) -> Finding {
    let what = "CUCM seen";
    let fix = "Is the publisher up, and the network? `pstn-lockdown doctor` says more. Runbook, “CUCM is down”.";
    match &status.reading {
        Some(reading) if reading.is_fresh(now) => {
            Finding::good(what, format!("{} s ago", now.duration_since(reading.read_at).as_secs()))
        }
        _ => {
            let why = status.trouble.as_ref().map_or("not within 30 s", |trouble| trouble.why.as_str());
            Finding::bad(what, why, fix)
        }
    }
    .at(&status.id)
}

async fn practice(services: &Services, now: Timestamp) -> Vec<Finding> {
    let events = match services.directory.events_named(&practice::KINDS, LOOKED_THROUGH).await {
        Ok(events) => events,
        Err(error) => {
            return vec![Finding::warning("last drill", error.to_string(), AGAIN)];
        }
    };
    let mut found = vec![practice::last_write(&events, now)];
    for status in services.engine.live_statuses() {
        let drill = services.engine.drill_of(&status.id);
        found.push(practice::last_drill(&status.id, drill.as_ref(), &events, now));
    }
    found
}

/// What a lock does without.
fn cloud(services: &Services) -> Vec<Finding> {
    let database = services.store.away_since().map(|since| {
        let found = format!(
            "away since {since:.0}: locking works; an all-clear has to be given without the other servers (break-glass)"
        );
        Finding::warning("shared database", found, "Runbook, “MongoDB is down”.")
    });
    let identity = match &services.oidc {
        None => Finding::warning("sign-in", "no identity provider is configured", "Fill in [identity]; keys work."),
        Some(oidc) if oidc.is_away() => {
            let found = format!("{} does not answer: people sign in with passkeys and sealed codes", oidc.name());
            Finding::warning("sign-in", found, "Runbook, “The internet is down”.")
        }
        Some(oidc) => Finding::good("sign-in", format!("{} answers", oidc.name())),
    };
    let webex = services.bot.as_ref().map(|bot| match bot.trouble() {
        Some(why) => Finding::warning("Webex", why, "Its spaces are filled in afterwards. Is the token good?"),
        None => Finding::good("Webex", "the bot is there"),
    });
    database.into_iter().chain([identity]).chain(webex).collect()
}

async fn gadget(services: &Services, now: Timestamp) -> Option<Finding> {
    services.finesse.as_ref()?;
    let (made, keys) = match (gadget_files::all(services.documents.as_ref()).await, services.directory.clients().await)
    {
        (Ok(made), Ok(keys)) => (made, keys),
        (Err(error), _) | (_, Err(error)) => {
            return Some(Finding::warning("gadget", error.to_string(), AGAIN));
        }
    };
    Some(gadget_files::newest(&made, &keys, now))
}
