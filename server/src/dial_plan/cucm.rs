//! The dictionary between the plan's words and AXL's. Performs what the plan says; chooses nothing.

use super::by_sql::{self, BySql};
use async_trait::async_trait;
use axl::route_pattern::{Destination as AxlDestination, RoutePattern as AxlRoutePattern};
use axl::trans_pattern::TransPattern as AxlTransPattern;
use engine::ports::{DialPlan, DialPlanError};
use lockdown::caller::Caller;
use lockdown::dial_plan::{
    Activity, CallingSearchSpace, Destination, DialPlan as Facts, DigitChange, Discard, Endpoint, EndpointKind,
    Partition, RoutePattern, TimeSchedule, TranslationPattern, place,
};
use lockdown::guard::Via;
use lockdown::ids::{StepId, Uuid};
use lockdown::leg::{Leg, Legs};
use lockdown::plan::{LockPlan, PlanText, StepText};
use lockdown::step::{Found, Object, Step, StepValue};
use lockdown::trace::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A site's dial plan in a real Unified CM.
pub struct Cucm {
    client: Arc<axl::Client>,
    /// Partitions whose route patterns are steps: only for those is it asked where they lead.
    blocked_partitions: BTreeSet<String>,
}

impl Cucm {
    pub fn new(client: Arc<axl::Client>, plan: &PlanText) -> Self {
        let partition = |step: &StepText| match step {
            StepText::RoutePatternBlock { partition, .. } => Some(partition.clone()),
            _ => None,
        };
        Self { client, blocked_partitions: plan.steps.iter().filter_map(partition).collect() }
    }

    async fn route_patterns(&self, sql: &BySql, gone: &mut Vec<String>) -> Result<Vec<RoutePattern>, axl::Error> {
        let mut patterns = Vec::new();
        for found in self.client.route_patterns(None).await? {
            let mut pattern = route_pattern_state(found.clone());
            if sql.lead(&mut pattern) {
                patterns.push(pattern);
                continue;
            }
            let name = format!("route pattern {}", place(&found.pattern, found.partition.as_deref()));
            patterns.extend(unless_gone(self.route_pattern(found).await, name, gone)?);
        }
        Ok(patterns)
    }

    async fn route_pattern(&self, found: AxlRoutePattern) -> Result<RoutePattern, axl::Error> {
        let is_step = found.partition.as_ref().is_some_and(|name| self.blocked_partitions.contains(name));
        let destination = if is_step {
            match self.client.route_pattern_destination(&found.uuid).await? {
                AxlDestination::Gateway(name) => Destination::Gateway(name),
                AxlDestination::RouteList(name) => Destination::RouteList(name),
                AxlDestination::None => Destination::NotRead,
            }
        } else {
            Destination::NotRead
        };
        Ok(RoutePattern { destination, ..route_pattern_state(found) })
    }

    async fn calling_search_spaces(&self, gone: &mut Vec<String>) -> Result<Vec<CallingSearchSpace>, axl::Error> {
        let (found, missing) = self.client.calling_search_spaces().await?;
        gone.extend(missing.into_iter().map(|name| format!("calling search space {name}")));
        Ok(found.into_iter().map(css).collect())
    }

    async fn schedules(&self, gone: &mut Vec<String>) -> Result<Vec<TimeSchedule>, axl::Error> {
        let (found, missing) = self.client.time_schedules().await?;
        gone.extend(missing.into_iter().map(|name| format!("time schedule {name}")));
        Ok(found.into_iter().map(schedule).collect())
    }

    /// Numbers, pilots, and what CUCM calls by itself from them.
    async fn endpoints(
        &self,
        sql: &mut BySql,
        spaces: &[CallingSearchSpace],
    ) -> Result<(Vec<Endpoint>, Legs), axl::Error> {
        let of = |kind, e: axl::endpoint::Endpoint| Endpoint {
            pattern: e.pattern,
            partition: e.partition,
            kind,
            urgent: e.urgent,
            dead: e.blocked,
        };
        let pilots = self.client.hunt_pilots("%").await?;
        let mut legs = sql.legs(&self.client, spaces).await?;
        if let Legs::Read(legs) = &mut legs {
            legs.extend(pilots.iter().flat_map(overflows));
        }
        let lines = self.client.lines("%").await?.into_iter();
        let mut lines: Vec<Endpoint> = lines.map(|line| of(EndpointKind::DirectoryNumber, line)).collect();
        sql.mark(&mut lines);
        let pilots = pilots.into_iter().map(|pilot| of(EndpointKind::HuntPilot, pilot));
        Ok((pilots.chain(lines).collect(), legs))
    }

    /// Only what the plan's steps lie in: a list a partition, one list of partitions, a get a CSS.
    async fn facts_for(&self, plan: &LockPlan) -> Result<Facts, axl::Error> {
        let mut facts = Facts::default();
        let mut lists: BTreeSet<(&'static str, &str)> = BTreeSet::new();
        for step in &plan.steps {
            match &step.object {
                Object::PartitionSchedule { .. } => lists.insert(("partitions", "")),
                Object::RoutePatternBlock { partition, .. } => lists.insert(("route", partition)),
                Object::TransPatternBlock { partition, .. } | Object::TransPatternSet { partition, .. } => {
                    lists.insert(("trans", partition))
                }
                Object::CssMembers { uuid, .. } => lists.insert(("css", uuid.as_str())),
            };
        }
        for (list, name) in lists {
            match list {
                "partitions" => facts.partitions = partitions(self.client.partitions().await?),
                "route" => {
                    let found = self.client.route_patterns(Some(name)).await?;
                    facts.route_patterns.extend(found.into_iter().map(route_pattern_state));
                }
                "trans" => {
                    let found = self.client.trans_patterns(Some(name)).await?;
                    facts.translation_patterns.extend(found.into_iter().map(translation_pattern));
                }
                _ => match self.client.css(name).await {
                    Ok(found) => facts.calling_search_spaces.push(css(found)),
                    Err(axl::Error::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(facts)
    }
}

#[async_trait]
impl DialPlan for Cucm {
    #[tracing::instrument(name = "dial_plan.survey", skip_all)]
    async fn survey(&self) -> Result<Facts, DialPlanError> {
        let before = self.client.requests();
        self.client.ccm_version().await.map_err(|error| named(&error))?;
        let facts = async {
            let mut gone = Vec::new();
            let mut sql = by_sql::read(&self.client).await?;
            let calling_search_spaces = self.calling_search_spaces(&mut gone).await?;
            let (endpoints, legs) = self.endpoints(&mut sql, &calling_search_spaces).await?;
            Ok(Facts {
                route_patterns: self.route_patterns(&sql, &mut gone).await?,
                partitions: partitions(self.client.partitions().await?),
                schedules: self.schedules(&mut gone).await?,
                calling_search_spaces,
                translation_patterns: self
                    .client
                    .trans_patterns(None)
                    .await?
                    .into_iter()
                    .map(translation_pattern)
                    .collect(),
                endpoints,
                callers: sql.callers,
                legs,
                not_read: sql.not_read,
                gone,
                requests: self.client.requests() - before,
            })
        };
        facts.await.map_err(|error: axl::Error| named(&error))
    }

    #[tracing::instrument(name = "dial_plan.read", skip_all)]
    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError> {
        let facts = self.facts_for(plan).await.map_err(|error| named(&error))?;
        Ok(plan.steps.iter().map(|step| (step.id.clone(), step.find_in(&facts))).collect())
    }

    async fn callers_at(&self, origin: &Origin) -> Result<Vec<Caller>, DialPlanError> {
        by_sql::callers_at(&self.client, origin).await.map_err(|error| named(&error))
    }

    #[tracing::instrument(name = "dial_plan.write", skip_all, fields(step.id = %step.id))]
    async fn write(&self, step: &Step, value: &StepValue) -> Result<(), DialPlanError> {
        let uuid = step.object.uuid().as_str();
        let client = &self.client;
        let result = match (&step.object, value) {
            (Object::PartitionSchedule { .. }, StepValue::Schedule(schedule)) => {
                client.set_partition_schedule(uuid, schedule.as_deref()).await
            }
            (Object::RoutePatternBlock { .. }, StepValue::Blocked(blocked)) => {
                client.block_route_pattern(uuid, *blocked).await
            }
            (Object::TransPatternBlock { .. }, StepValue::Blocked(blocked)) => {
                client.block_trans_pattern(uuid, *blocked).await
            }
            (Object::TransPatternSet { .. }, StepValue::Redirect { mask, css }) => {
                client.redirect_trans_pattern(uuid, mask.as_deref(), css.as_deref()).await
            }
            (Object::CssMembers { .. }, StepValue::Members(members)) => client.set_css_members(uuid, members).await,
            (object, _) => return Err(DialPlanError::Refused { why: format!("{object} cannot hold {value}") }),
        };
        result.map_err(|error| named(&error))
    }
}

/// Where a hunt pilot sends calls that nobody takes.
fn overflows(pilot: &axl::endpoint::Endpoint) -> impl Iterator<Item = Leg> {
    pilot.overflows.iter().map(|overflow| Leg {
        via: Via::HuntOverflow,
        owner: format!("pilot:{}", pilot.pattern),
        spaces: overflow.css.iter().cloned().collect(),
        destination: Some(overflow.destination.clone()),
        count: 1,
    })
}

/// What was deleted since it was listed is skipped, and named.
fn unless_gone<T>(got: Result<T, axl::Error>, name: String, gone: &mut Vec<String>) -> Result<Option<T>, axl::Error> {
    match got {
        Ok(found) => Ok(Some(found)),
        Err(axl::Error::NotFound { .. }) => {
            gone.push(name);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// AXL's errors by what the engine does next.
fn named(error: &axl::Error) -> DialPlanError {
    let why = error.to_string();
    match error {
        axl::Error::OutcomeUnknown { .. } => DialPlanError::OutcomeUnknown { why },
        axl::Error::Busy { retry_after, .. } => DialPlanError::Transient { why, after: *retry_after },
        axl::Error::MayNotWrite => DialPlanError::NoWrites { why },
        error if error.stops_everything() => DialPlanError::Stop { why },
        error if error.is_transient() => DialPlanError::Transient { why, after: None },
        _ => DialPlanError::Refused { why },
    }
}

fn change(discard: Option<&str>, mask: Option<String>, prefix: Option<String>) -> DigitChange {
    DigitChange { discard: Discard::from_name(discard), mask, prefix }
}

fn route_pattern_state(found: AxlRoutePattern) -> RoutePattern {
    RoutePattern {
        uuid: Uuid::from(found.uuid),
        pattern: found.pattern,
        partition: found.partition,
        blocked: found.blocked,
        urgent: found.urgent,
        change: change(found.discard.as_deref(), found.mask, found.prefix),
        emergency: found.emergency,
        destination: Destination::NotRead,
        on_net: false,
        filtered: found.route_filter.is_some(),
    }
}

fn translation_pattern(found: AxlTransPattern) -> TranslationPattern {
    TranslationPattern {
        uuid: Uuid::from(found.uuid),
        pattern: found.pattern,
        partition: found.partition,
        blocked: found.blocked,
        urgent: found.urgent,
        change: change(found.discard.as_deref(), found.mask, found.prefix),
        css: found.css,
        use_originator_css: found.use_originator_css,
        at_once: found.at_once,
        emergency: found.emergency,
        filtered: found.route_filter.is_some(),
    }
}

fn partitions(found: Vec<axl::partition::RoutePartition>) -> Vec<Partition> {
    found.into_iter().map(|p| Partition { uuid: Uuid::from(p.uuid), name: p.name, schedule: p.schedule }).collect()
}

fn schedule(found: axl::time_schedule::TimeSchedule) -> TimeSchedule {
    let active = if found.never { Activity::Never } else { Activity::Sometimes };
    TimeSchedule { name: found.name, active }
}

fn css(found: axl::calling_search_space::Css) -> CallingSearchSpace {
    CallingSearchSpace { uuid: Uuid::from(found.uuid), name: found.name, members: found.members }
}
