//! Numbers for Prometheus: what was counted, and what can be looked at now. Asked for with a key, as everything
//! else is; a key for one site sees that site.
//!
//! *Source*: OpenMetrics 1.0, text format, which Prometheus reads since 2.5.

use super::bearer::Key;
use super::problem::Problem;
use crate::http::AppState;
use crate::services::readiness::Verdict;
use crate::store::calls::Wanted;
use crate::telemetry::meters::Labels;
use ::lockdown::call_request::{CallRequest, Priority};
use ::lockdown::ids::SiteId;
use ::lockdown::operator::Authority;
use ::lockdown::standing::Standing;
use ::lockdown::steps::Target;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use engine::{PlanState, SiteStatus};
use jiff::Timestamp;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::sync::atomic::AtomicU64;

/// More open requests than this are counted as this many.
const MOST: usize = 20_000;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Standings, readings, orders, latencies and faults, queue, lines, what waits to be passed on.
#[utoipa::path(get, path = "/metrics", tag = "state",
    responses((status = 200, body = String, content_type = "application/openmetrics-text"),
        (status = 403, body = Problem, content_type = "application/problem+json")),
    security(("key" = [])))]
pub(crate) async fn metrics(key: Key, State(state): State<AppState>) -> Result<impl IntoResponse, Problem> {
    key.may_read(key.only_site())?;
    let mut sites = state.services.engine.statuses();
    sites.retain(|status| key.may_read(Some(&status.id)).is_ok());
    let now = state.services.clock.now();
    let mut registry = Registry::default();
    standings(&mut registry, &sites, now);
    let wanted = Wanted {
        sites: Some(sites.iter().map(|status| status.id.clone()).collect()),
        open_only: true,
        limit: MOST,
        ..Wanted::default()
    };
    // Without the database there is no queue to count; how the telephones stand is known all the same.
    if let Ok(open) = state.services.calls.list_unchecked(&wanted).await {
        queue(&mut registry, &sites, &open, now);
    }
    if matches!(key.0.authority, Authority::Key { site: None, .. }) {
        server(&mut registry, &state, now).await;
        state.services.meters.register(&mut registry);
    }
    let mut told = String::new();
    // Writing into a string does not fail.
    let _ = text::encode(&mut told, &registry);
    Ok(([(header::CONTENT_TYPE, TEXT)], told))
}

/// A number for each of several things.
struct Gauges(Family<Labels, Gauge<f64, AtomicU64>>);

impl Gauges {
    fn new(registry: &mut Registry, name: &str, help: &str) -> Self {
        let family = Family::default();
        registry.register(name, help, family.clone());
        Self(family)
    }

    fn set(&self, labels: &Labels, value: f64) {
        self.0.get_or_create(labels).set(value);
    }

    /// For what has no number on this server now: nothing is better than a false 0.
    fn set_if_known<E>(&self, value: &Result<u64, E>) {
        if let Ok(value) = value {
            self.set(&vec![], whole(*value));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows only floats; counts of ours stay far below 2^53")]
fn whole(value: u64) -> f64 {
    value as f64
}

fn flag(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn standings(registry: &mut Registry, sites: &[SiteStatus], now: Timestamp) {
    let help = "1 for the standing a site has now, 0 for the others; `drill` is 1 for sites that are for practising";
    let standing = Gauges::new(registry, "lockdown_standing", help);
    let help = "1 where the lock is ordered, whatever CUCM shows";
    let ordered = Gauges::new(registry, "lockdown_ordered_locked", help);
    let help = "Age of what was last read of CUCM; nothing while nothing was read since the start";
    let age = Gauges::new(registry, "lockdown_reading_age_seconds", help);
    let help = "Steps of the plan that are, and are not, where the order wants them";
    let steps = Gauges::new(registry, "lockdown_steps", help);
    let plan = Gauges::new(
        registry,
        "lockdown_plan_accepted",
        "1 where the guard accepts the plan; nothing before it was checked",
    );
    let checked = Gauges::new(registry, "lockdown_plan_age_seconds", "Since the guard last accepted the plan");
    let leaks = Gauges::new(registry, "lockdown_plan_leaks", "Ways that stay open to the PSTN when locked");
    let leaking = Gauges::new(registry, "lockdown_plan_leaking_devices", "Devices behind these ways");
    let help = "Phones from which a protected number cannot be reached, locked or not, although it can from others";
    let without = Gauges::new(registry, "lockdown_plan_devices_without_emergency", help);
    let help = "1 where it was read who calls from where; otherwise nothing is proved for every phone";
    let callers = Gauges::new(registry, "lockdown_plan_callers_read", help);
    let help = "1 where nothing was left out that could be a way past the lock; 0: there may be more than are counted";
    let proved = Gauges::new(registry, "lockdown_plan_proved", help);
    for site in sites {
        let of = || vec![("site", site.id.to_string())];
        let drill = ("drill", flag(site.drill).to_string());
        let now_is = site.standing(now).word();
        for word in Standing::WORDS {
            let labels = [of(), vec![drill.clone(), ("standing", word.to_owned())]].concat();
            standing.set(&labels, flag(word == now_is));
        }
        let target = site.command.target();
        ordered.set(&of(), flag(target == Target::Locked));
        if let Some(reading) = &site.reading {
            age.set(&of(), now.duration_since(reading.read_at).as_secs_f64());
            let off = whole(reading.off(target).count() as u64);
            let all = whole(reading.steps.len() as u64);
            for (as_ordered, count) in [("yes", all - off), ("no", off)] {
                steps.set(&[of(), vec![("as_ordered", as_ordered.to_owned())]].concat(), count);
            }
        }
        if !matches!(site.plan, PlanState::Unchecked) {
            plan.set(&[of(), vec![drill]].concat(), flag(matches!(site.plan, PlanState::Accepted(_))));
        }
        if let Some(accepted) = site.plan.last_accepted() {
            checked.set(&of(), now.duration_since(accepted.at).as_secs_f64());
            let found = &accepted.checked;
            leaks.set(&of(), whole(found.count_leaks() as u64));
            leaking.set(&of(), whole(found.devices.leaking as u64));
            // Those of the site itself: canaries have no phones of their own.
            if !site.drill {
                without.set(&of(), whole(found.devices.without_emergency as u64));
            }
            callers.set(&of(), flag(found.callers_read));
            proved.set(&of(), flag(found.callers_read && !found.unfinished));
        }
    }
}

fn queue(registry: &mut Registry, sites: &[SiteStatus], open: &[CallRequest], now: Timestamp) {
    let lengths = Gauges::new(registry, "lockdown_call_requests_open", "Call requests that are not closed");
    let help = "Age of the oldest one nobody has looked at";
    let ages = Gauges::new(registry, "lockdown_call_request_oldest_seconds", help);
    for site in sites {
        for priority in Priority::ALL {
            let labels = labels_of(&site.id, priority);
            let here = || open.iter().filter(|one| one.site == site.id && one.priority == priority);
            let waiting = here().filter(|one| one.word(now) == "new").map(|one| one.filed_at).min();
            lengths.set(&labels, whole(here().count() as u64));
            ages.set(&labels, waiting.map_or(0.0, |filed| now.duration_since(filed).as_secs_f64()));
        }
    }
}

fn labels_of(site: &SiteId, priority: Priority) -> Labels {
    vec![("site", site.to_string()), ("priority", priority.word().to_owned())]
}

/// What concerns this process, and no site alone.
async fn server(registry: &mut Registry, state: &AppState, now: Timestamp) {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    registry.register("lockdown_build", "The program", Info::new(version));
    let help = "What a lock depends on, as it was last looked at: 1 for the verdict it got";
    let readiness = Gauges::new(registry, "lockdown_readiness", help);
    for finding in state.services.readiness.seen() {
        let site = finding.site.map_or_else(String::new, |site| site.to_string());
        for verdict in Verdict::ALL {
            let word = verdict.word().to_owned();
            let labels = vec![("check", finding.what.clone()), ("site", site.clone()), ("verdict", word)];
            readiness.set(&labels, flag(verdict == finding.verdict));
        }
    }
    let lines = Gauges::new(registry, "lockdown_live_lines", "Open lines that are told every change (SSE)");
    for (of, count) in state.limits.open_lines() {
        lines.set(&vec![("of", of.to_owned())], whole(count as u64));
    }
    let help = "1 while the shared database, and other servers by it, cannot be reached";
    let away = Gauges::new(registry, "lockdown_database_away", help);
    away.set(&vec![], flag(state.services.store.away_since().is_some()));
    let journal = Gauges::new(registry, "lockdown_journal_waiting", "Entries of the timeline other servers lack");
    journal.set_if_known(&state.services.store.unshared().await);
    let outbox = Gauges::new(registry, "lockdown_outbox_waiting", "Deliveries of webhooks that wait to be sent");
    outbox.set_if_known(&state.services.webhooks.waiting().await);
    let sessions = Gauges::new(registry, "lockdown_sessions", "Sessions of people that have not ended");
    sessions.set_if_known(&state.services.directory.count_sessions(now).await);
    let identity = Gauges::new(registry, "lockdown_identity_away", "1 while the identity provider cannot be reached");
    if let Some(oidc) = &state.services.oidc {
        identity.set(&vec![], flag(oidc.is_away()));
    }
    if let Some(bot) = &state.services.bot {
        let ignored: Family<Labels, Counter> = Family::default();
        for (why, count) in bot.ignored() {
            ignored.get_or_create(&vec![("why", why.to_owned())]).inc_by(count);
        }
        let help = "Messages, presses and deliveries that were not acted upon";
        registry.register("lockdown_webex_ignored", help, ignored);
        let trouble = Gauges::new(registry, "lockdown_webex_away", "1 while the bot cannot hear or speak");
        trouble.set(&vec![], flag(bot.trouble().is_some()));
    }
    let refusals: Counter = Counter::default();
    refusals.inc_by(state.services.engine.untold_refusals());
    let help = "Refused orders of people without a role, and of whoever tries again and again: not in the timeline";
    registry.register("lockdown_refusals_untold", help, refusals);
    let memory = Gauges::new(registry, "process_resident_memory_bytes", "Memory in use");
    if let Some(bytes) = crate::telemetry::resident_bytes() {
        memory.set(&vec![], whole(bytes));
    }
}
