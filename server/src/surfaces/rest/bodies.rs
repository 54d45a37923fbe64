//! What goes over the wire, apart from the engine's own types, so that those may change.

use crate::http::AppState;
use crate::services::plan_bodies::StepBody;
use ::lockdown::say::Said;
use ::lockdown::timeline::Event;
use engine::SiteStatus;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How things stand, for everybody.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusBody {
    /// The worst standing of all sites: unknown, drifted, pending, locked or normal.
    pub state: &'static str,
    /// Since when it is ordered so at that site.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    pub sites: Vec<SiteBrief>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct SiteBrief {
    pub id: String,
    pub name: String,
    pub state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When CUCM was last read.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
}

/// One site, whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct SiteBody {
    pub id: String,
    pub name: String,
    /// For practising: the same orders on canary objects, no call depends on it.
    pub drill: bool,
    /// The site where the lock of this one is practised.
    pub drill_site: Option<String>,
    /// unknown, drifted, pending, locked or normal.
    pub standing: &'static str,
    /// The same in the words of every screen.
    pub said: SaidBody,
    pub command: CommandBody,
    pub reading: Option<ReadingBody>,
    pub steps: Vec<StepBody>,
    /// Counts orders; the ETag, and what a release must match.
    pub version: u64,
    /// Why it does not go on, for an operator.
    pub trouble: Option<String>,
}

/// The sentence that every surface says.
#[derive(Debug, Serialize, ToSchema)]
pub struct SaidBody {
    pub headline: String,
    /// What was ordered, when and by whom, and what was seen last; times by the site's clock.
    pub second: String,
    /// What whoever reads it does now; empty where that is nothing.
    pub next_step: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CommandBody {
    /// locked or normal.
    pub desired: &'static str,
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    pub by: Option<String>,
    pub activation: Option<String>,
    /// When every step was first read back as ordered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub verified_at: Option<Timestamp>,
    /// A first senior gave the all-clear where two must: who still waits for the second.
    pub release_asked: Option<AskedBody>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AskedBody {
    pub by: String,
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingBody {
    #[schema(value_type = String, format = DateTime)]
    pub read_at: Timestamp,
    /// normal, locked, mixed or unknown.
    #[schema(value_type = String)]
    pub state: ::lockdown::reading::ReadingState,
}

/// An order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderBody {
    pub desired: Desired,
    /// For the timeline; 500 characters at most.
    pub reason: Option<String>,
    /// For `normal` while the shared database is away: give it although other servers may not know.
    /// Needs a reason.
    #[serde(default)]
    pub break_glass: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    Locked,
    Normal,
}

impl Desired {
    pub fn target(self) -> ::lockdown::steps::Target {
        match self {
            Self::Locked => ::lockdown::steps::Target::Locked,
            Self::Normal => ::lockdown::steps::Target::Normal,
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EventsBody {
    pub events: Vec<EventBody>,
    /// Ask with `after` of this to go on; absent at the end.
    pub next: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EventBody {
    /// Counts from 1 without gaps.
    pub seq: u64,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub site: Option<String>,
    pub by: Option<String>,
    /// The sentence an operator reads.
    pub text: String,
    /// The same for programs; `what` names it.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

impl SiteBody {
    pub fn of(status: &SiteStatus, state: &AppState) -> Self {
        let now = state.services.clock.now();
        let Said { headline, second, next_step, .. } = state.services.sites.said(status, true, now);
        let command = &status.command;
        Self {
            id: status.id.to_string(),
            name: status.name.clone(),
            drill: status.drill,
            drill_site: state.services.engine.drill_of(&status.id).map(|site| site.to_string()),
            standing: status.standing(now).word(),
            said: SaidBody { headline, second, next_step },
            command: CommandBody {
                desired: match command.target() {
                    ::lockdown::steps::Target::Locked => "locked",
                    ::lockdown::steps::Target::Normal => "normal",
                },
                since: command.since(),
                by: command.by().map(ToString::to_string),
                activation: command.activation().map(ToString::to_string),
                verified_at: command.verified_at(),
                release_asked: command
                    .asked(now)
                    .map(|asked| AskedBody { by: asked.by.to_string(), until: asked.until() }),
            },
            reading: status.reading.as_ref().map(|r| ReadingBody { read_at: r.read_at, state: r.state() }),
            steps: steps(status),
            version: status.version,
            trouble: status.trouble.as_ref().map(|trouble| trouble.why.clone()),
        }
    }

    pub fn etag(&self) -> String {
        format!("\"{}\"", self.version)
    }
}

fn steps(status: &SiteStatus) -> Vec<StepBody> {
    let found = |id: &::lockdown::ids::StepId| {
        status.reading.as_ref().and_then(|reading| reading.steps.iter().find(|step| step.step == *id))
    };
    let plan = status.plan.last_accepted();
    let steps = plan.into_iter().flat_map(|plan| &plan.checked.plan.steps);
    steps.map(|step| StepBody::of(step, found(&step.id))).collect()
}

impl EventBody {
    pub fn of(event: &Event) -> Self {
        Self {
            seq: event.seq,
            at: event.at,
            site: event.site.as_ref().map(ToString::to_string),
            by: event.by.as_ref().map(ToString::to_string),
            text: event.kind.to_string(),
            detail: serde_json::to_value(&event.kind).unwrap_or_default(),
        }
    }
}
