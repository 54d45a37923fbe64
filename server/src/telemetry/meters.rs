//! What is counted as it happens, for `/metrics`. What can be looked at when it is asked for is not counted here.

use engine::News;
use engine::ports::DialPlanError;
use lockdown::steps::Target;
use lockdown::timeline::{Event, EventKind};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// Names of labels are ours; their values are words and ids, never what people typed.
pub type Labels = Vec<(&'static str, String)>;

type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// Counters of one process, from its start.
pub struct Meters {
    dial_plan: Histograms,
    faults: Family<Labels, Counter>,
    orders: Histograms,
    events: Family<Labels, Counter>,
}

impl Default for Meters {
    fn default() -> Self {
        let faults = Family::<Labels, Counter>::default();
        // Told as 0 before the first one: Prometheus sees no increase in what begins at 1.
        for act in ACTS {
            for fault in FAULTS {
                drop(faults.get_or_create(&vec![("act", act.to_owned()), ("fault", fault.to_owned())]));
            }
        }
        Self {
            dial_plan: Family::new_with_constructor(answers),
            faults,
            orders: Family::new_with_constructor(carried_out),
            events: Family::default(),
        }
    }
}

/// What the port can be asked for.
const ACTS: [&str; 4] = ["read", "write", "survey", "trace"];

const FAULTS: [&str; 5] = ["transient", "outcome_unknown", "refused", "no_writes", "stop"];

/// An AXL call: 10 ms to a publisher that is asleep. Seconds.
fn answers() -> Histogram {
    Histogram::new([0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0])
}

/// An order, up to twice its deadline. Seconds.
fn carried_out() -> Histogram {
    Histogram::new([0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0])
}

impl Meters {
    /// One call of the dial plan's port: `act` is what was asked.
    pub fn asked(&self, act: &'static str, took: Duration, fault: Option<&DialPlanError>) {
        self.dial_plan.get_or_create(&vec![("act", act.to_owned())]).observe(took.as_secs_f64());
        if let Some(fault) = fault {
            self.faults.get_or_create(&vec![("act", act.to_owned()), ("fault", word(fault).to_owned())]).inc();
        }
    }

    fn happened(&self, event: &Event) {
        let site = event.site.as_ref().map_or_else(String::new, ToString::to_string);
        let surface = event.by.as_ref().map_or_else(String::new, |by| by.surface.to_string());
        let labels = vec![("event", event.kind.name().word().to_owned()), ("site", site.clone()), ("surface", surface)];
        self.events.get_or_create(&labels).inc();
        if let EventKind::Verified { target, took_ms, .. } = &event.kind {
            let took = Duration::from_millis(*took_ms).as_secs_f64();
            let target = if *target == Target::Locked { "locked" } else { "normal" };
            self.orders.get_or_create(&vec![("site", site), ("target", target.to_owned())]).observe(took);
        }
    }

    /// For one answer to Prometheus.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Time of one call of the dial plan: read (all steps), write (one step), survey (for the guard)";
        registry.register("lockdown_dial_plan_seconds", help, self.dial_plan.clone());
        registry.register("lockdown_dial_plan_faults", "Calls of the dial plan that failed", self.faults.clone());
        let help = "From an order to the moment every step was read back";
        registry.register("lockdown_order_seconds", help, self.orders.clone());
        let help = "Entries this server wrote into the timeline: orders, refusals, drift, repairs, sign-ins";
        registry.register("lockdown_events", help, self.events.clone());
    }
}

fn word(fault: &DialPlanError) -> &'static str {
    match fault {
        DialPlanError::Transient { .. } => "transient",
        DialPlanError::OutcomeUnknown { .. } => "outcome_unknown",
        DialPlanError::Refused { .. } => "refused",
        DialPlanError::NoWrites { .. } => "no_writes",
        DialPlanError::Stop { .. } => "stop",
    }
}

/// Counts what this server tells, for as long as it runs. What a slow counter misses is in the timeline.
pub async fn count(meters: Arc<Meters>, mut news: Receiver<News>) {
    loop {
        match news.recv().await {
            Ok(News::Event(event)) => meters.happened(&event),
            Ok(News::Site(_) | News::Timeline) => {}
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "news came faster than they were counted"),
            Err(RecvError::Closed) => return,
        }
    }
}
