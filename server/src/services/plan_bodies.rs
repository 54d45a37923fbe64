//! What a plan check says, for programs: the command line prints the same.

use ::lockdown::caller::{Caller, CallerKind};
use ::lockdown::guard::{CallerReach, CheckedPlan, Direction, EmergencyReach, Leak, Pstn, Reached, Via, Violation};
use ::lockdown::steps::{Found, Target};
use engine::{PlanCheck, PlanState, SiteStatus, Traces};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct StepBody {
    pub id: String,
    pub kind: &'static str,
    pub group: String,
    pub object: String,
    pub normal: String,
    pub locked: String,
    /// What CUCM holds now.
    pub now: Option<String>,
    /// normal, locked, changed, missing or not_read.
    #[schema(value_type = String)]
    pub state: ::lockdown::steps::StepState,
}

impl StepBody {
    pub(crate) fn of(step: &::lockdown::steps::Step, found: Option<&::lockdown::reading::StepReading>) -> Self {
        Self {
            id: step.id.to_string(),
            kind: step.switch.kind(),
            group: step.group.to_string(),
            object: step.object().to_string(),
            normal: step.value(Target::Normal).to_string(),
            locked: step.value(Target::Locked).to_string(),
            now: found.and_then(|found| match &found.found {
                Found::Value(value) => Some(value.to_string()),
                Found::Missing | Found::NotRead => None,
            }),
            state: found.map_or(::lockdown::steps::StepState::NotRead, |found| found.state),
        }
    }
}

/// The plan as it counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanBody {
    /// Whether this plan may run.
    pub accepted: bool,
    /// Why not. Each says what, where and what to do.
    pub violations: Vec<String>,
    pub warnings: Vec<String>,
    /// Ways that stay open when locked, most devices first.
    pub leaks: Vec<LeakBody>,
    /// How many were found besides: a check lists them.
    pub more_leaks: usize,
    pub steps: Vec<StepBody>,
}

/// The plan checked afresh: also of one that is refused, who can call where.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlanCheckBody {
    pub site: String,
    #[serde(flatten)]
    pub plan: PlanBody,
    pub callers: Vec<CallerBody>,
    /// What no analysis of a dial plan can say.
    pub limits: Vec<String>,
    pub read: ReadBody,
    pub analysis_seconds: f64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ReadBody {
    /// Otherwise each calling search space stands for a caller.
    pub callers: bool,
    /// AXL requests.
    pub requests: usize,
    pub seconds: f64,
}

/// Everything that searches the same partitions in the same order.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallerBody {
    /// `phone:CSS-LINE+CSS-DEVICE`; a missing one is `-`. Behind it `@POOL`, the first of `device_pools`, if there are any.
    pub id: String,
    /// phone, cti, trunk, gateway, voice_mail, remote_destination, or css where callers were not read.
    #[schema(value_type = String)]
    pub kind: CallerKind,
    pub line_css: Option<String>,
    pub device_css: Option<String>,
    /// Device pools from which some route list leads elsewhere than from others (local route groups).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub device_pools: Vec<String>,
    /// Searched first stands first.
    pub partitions: Vec<String>,
    /// Devices.
    pub count: usize,
    /// The name of one of them.
    pub example: Option<String>,
    pub emergency: Vec<EmergencyBody>,
    pub pstn: PstnBody,
}

/// One dialled form of a protected number; the worst of all at once and key by key, and of every point on the way.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmergencyBody {
    pub number: String,
    /// out, waits, inside, feature (a number of CUCM's own takes it, nobody answers), blocked, no_route or not_understood.
    #[schema(value_type = String)]
    pub normal: Reached,
    #[schema(value_type = String)]
    pub locked: Reached,
}

/// Whether anything but a protected number can reach the PSTN.
#[derive(Debug, Serialize, ToSchema)]
pub struct PstnBody {
    pub normal: bool,
    pub locked: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LeakBody {
    pub caller: String,
    /// direct, or the call that CUCM makes by itself.
    #[schema(value_type = String)]
    pub via: Via,
    pub pattern: String,
    /// Absent in `<None>`.
    pub partition: Option<String>,
    /// Digits that show it.
    pub example: String,
    pub path: Vec<String>,
    /// inbound or outbound.
    #[schema(value_type = String)]
    pub direction: Direction,
    /// Devices behind it.
    pub count: usize,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceBody {
    /// `css:NAME`, `line:NAME,device:NAME`, `number:5002`, `number:5002/PARTITION`, `device:NAME` or `trunk:NAME`.
    pub from: String,
    pub digits: Numbers,
    /// On the site's clock, such as `2026-12-01T03:00`: partitions of some hours are then as they are at that time.
    #[schema(value_type = Option<String>)]
    pub at: Option<DateTime>,
}

/// One number, or 10 000 at most.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Numbers {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TracesBody {
    pub from: String,
    /// When the dial plan was read.
    #[schema(value_type = String, format = DateTime)]
    pub read_at: Timestamp,
    /// For each number, and each caller that has it: all at once and digit by digit; now, normal and locked.
    #[schema(value_type = Vec<Object>)]
    pub traces: Vec<::lockdown::trace::Traced>,
}

impl TracesBody {
    pub fn of(from: String, Traces { read_at, traces }: Traces) -> Self {
        Self { from, read_at, traces }
    }
}

impl PlanBody {
    pub fn of_state(status: &SiteStatus) -> Self {
        match &status.plan {
            PlanState::Accepted(plan) => Self::accepted(&plan.checked),
            PlanState::Unchecked => Self::refused(vec!["The plan was not checked yet: CUCM was not seen.".into()]),
            PlanState::Refused { violations, .. } => Self::refused(violations.clone()),
        }
    }

    fn accepted(checked: &CheckedPlan) -> Self {
        Self {
            accepted: true,
            violations: Vec::new(),
            warnings: checked.warnings.clone(),
            leaks: checked.leaks.iter().map(LeakBody::of).collect(),
            more_leaks: checked.more_leaks,
            steps: checked.plan.steps.iter().map(|step| StepBody::of(step, None)).collect(),
        }
    }

    fn refused(violations: Vec<String>) -> Self {
        Self { accepted: false, violations, warnings: vec![], leaks: vec![], more_leaks: 0, steps: vec![] }
    }
}

impl PlanCheckBody {
    pub fn of(site: &::lockdown::ids::SiteId, check: &PlanCheck) -> Self {
        let reach = check.checked.reach.clone().unwrap_or_default();
        let mut plan = match &check.checked.verdict {
            Ok(checked) => PlanBody::accepted(checked),
            Err(violations) => PlanBody::refused(violations.iter().map(Violation::to_string).collect()),
        };
        plan.leaks = reach.leaks.iter().map(LeakBody::of).collect();
        plan.more_leaks = 0;
        if check.checked.verdict.is_err() {
            plan.warnings.clone_from(&check.checked.warnings);
        }
        if let (Ok(checked), Some(found)) = (&check.checked.verdict, check.found()) {
            let steps = checked.plan.steps.iter().zip(&found.steps);
            plan.steps = steps.map(|(step, found)| StepBody::of(step, Some(found))).collect();
        }
        Self {
            site: site.to_string(),
            plan,
            callers: reach.callers.iter().map(CallerBody::of).collect(),
            limits: reach.limits,
            read: ReadBody {
                callers: check.survey.facts.callers_read(),
                requests: check.survey.facts.requests,
                seconds: seconds(check.survey.took),
            },
            analysis_seconds: seconds(check.analysis),
        }
    }
}

/// To a thousandth.
fn seconds(took: SignedDuration) -> f64 {
    (took.as_secs_f64() * 1000.0).round() / 1000.0
}

impl CallerBody {
    fn of(reach: &CallerReach) -> Self {
        let Caller { kind, line_css, device_css, count, example, local, .. } = reach.caller.clone();
        let emergency =
            |one: &EmergencyReach| EmergencyBody { number: one.number.clone(), normal: one.normal, locked: one.locked };
        let Pstn { normal, locked } = reach.pstn;
        Self {
            id: reach.caller.to_string(),
            kind,
            line_css,
            device_css,
            device_pools: local.pools.into_iter().collect(),
            partitions: reach.partitions.clone(),
            count,
            example,
            emergency: reach.emergency.iter().map(emergency).collect(),
            pstn: PstnBody { normal, locked },
        }
    }
}

impl LeakBody {
    fn of(leak: &Leak) -> Self {
        Self {
            caller: leak.caller.clone(),
            via: leak.via,
            pattern: leak.pattern.clone(),
            partition: leak.partition.clone(),
            example: leak.example.clone(),
            path: leak.path.clone(),
            direction: leak.direction,
            count: leak.count,
        }
    }
}
