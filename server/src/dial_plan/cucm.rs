//! The dictionary between the plan's words and AXL's. Performs what the plan says; chooses nothing.

use super::by_sql::{self, BySql, WAITED};
use super::{calling_search_space, partition, route_pattern, sip_route_pattern, time_schedule, translation_pattern};
use async_trait::async_trait;
use axl::change::ChangeCursor;
use axl::route_pattern::{Destination as AxlDestination, RoutePattern as AxlRoutePattern};
use engine::ports::{DialPlan, DialPlanError, Hurry};
use lockdown::caller::Caller;
use lockdown::dial_plan::{
    CallingSearchSpace, ChangeMark, Destination, DialPlan as Facts, Endpoint, EndpointKind, RoutePattern,
    SipRoutePattern, TimeSchedule, place,
};
use lockdown::guard::Via;
use lockdown::ids::{StepId, Uuid};
use lockdown::leg::{Leg, Legs};
use lockdown::plan::{LockPlan, PlanText, Write};
use lockdown::steps::{Found, Redirect, Setting, Step, StepText, Switch};
use lockdown::trace::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// A survey waits no longer for CUCM's list of changes.
const PATIENCE: Duration = Duration::from_secs(2);

/// The dial plan of a real Unified CM.
pub struct Cucm {
    client: Arc<axl::Client>,
    /// Partitions whose route patterns are steps: only for those is it asked where they lead.
    blocked_partitions: BTreeSet<String>,
}

impl Cucm {
    /// `plans`: of all sites that it is read for.
    pub fn new<'p>(client: Arc<axl::Client>, plans: impl IntoIterator<Item = &'p PlanText>) -> Self {
        let partition = |step: &StepText| match step {
            StepText::RoutePatternBlock(text) => Some(text.partition.clone()),
            _ => None,
        };
        let steps = plans.into_iter().flat_map(|plan| &plan.steps);
        Self { client, blocked_partitions: steps.filter_map(partition).collect() }
    }

    async fn route_patterns(
        &self,
        sql: &mut BySql,
        hurry: &Hurry,
        gone: &mut Vec<String>,
    ) -> Result<Vec<RoutePattern>, axl::Error> {
        let mut patterns = Vec::new();
        let mut left_out = false;
        for found in self.client.route_patterns(None).await? {
            let mut pattern = route_pattern::of(found.clone());
            let known = sql.lead(&mut pattern);
            // One request for each of thousands: an order does not wait for them.
            if known || hurry.is_asked() {
                left_out |= !known;
                patterns.push(pattern);
                continue;
            }
            let name = format!("route pattern {}", place(&found.pattern, found.partition.as_deref()));
            patterns.extend(unless_gone(self.route_pattern(found).await, name, gone)?);
        }
        if left_out {
            let what = "whether route patterns of the plan lead straight to gateways, which a write may reset";
            sql.not_read.push(format!("{what} ({WAITED})"));
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
        Ok(RoutePattern { destination, ..route_pattern::of(found) })
    }

    async fn calling_search_spaces(&self, gone: &mut Vec<String>) -> Result<Vec<CallingSearchSpace>, axl::Error> {
        let (found, missing) = self.client.calling_search_spaces().await?;
        gone.extend(missing.into_iter().map(|name| format!("calling search space {name}")));
        Ok(found.into_iter().map(calling_search_space::of).collect())
    }

    async fn schedules(&self, gone: &mut Vec<String>) -> Result<Vec<TimeSchedule>, axl::Error> {
        let (found, missing) = self.client.time_schedules().await?;
        gone.extend(missing.into_iter().map(|name| format!("time schedule {name}")));
        Ok(found.into_iter().map(time_schedule::of).collect())
    }

    /// Read again where something was changed meanwhile: what was read before may not belong to what was read after.
    async fn at_one_time(&self, hurry: &Hurry) -> Result<Facts, axl::Error> {
        let mut first = self.whole_plan(hurry).await?;
        if !self.changed_meanwhile(&first, hurry).await {
            return Ok(first);
        }
        let again = tokio::select! {
            again = self.whole_plan(hurry) => again.ok(),
            () = hurry.asked() => None,
        };
        if let Some(second) = again {
            if !self.changed_meanwhile(&second, hurry).await {
                return Ok(second);
            }
            first = second;
        }
        first.ways_unknown = true;
        first.not_read.push("what it holds at one time (something was changed while it was read)".into());
        Ok(first)
    }

    /// No, where CUCM does not say, and where an order waits.
    async fn changed_meanwhile(&self, facts: &Facts, hurry: &Hurry) -> bool {
        let Some(mark) = &facts.mark else { return false };
        let cursor = ChangeCursor { queue: mark.queue.clone(), next: mark.next };
        let changes = tokio::time::timeout(PATIENCE, self.client.changes(Some(&cursor)));
        tokio::select! {
            biased;
            () = hurry.asked() => false,
            changes = changes => matches!(changes, Ok(Ok(changes)) if changes.gap || !changes.uuids.is_empty()),
        }
    }

    async fn whole_plan(&self, hurry: &Hurry) -> Result<Facts, axl::Error> {
        self.client.ccm_version().await?;
        let mut gone = Vec::new();
        let mark = self.mark(hurry).await;
        let mut sql = by_sql::read(&self.client, hurry).await?;
        let calling_search_spaces = self.calling_search_spaces(&mut gone).await?;
        let (endpoints, legs) = self.endpoints(&mut sql, hurry, &calling_search_spaces).await?;
        let mut facts = Facts { calling_search_spaces, endpoints, legs, mark, ..Facts::default() };
        facts.numbers_unknown = sql.has_unknown_numbers();
        facts.route_patterns = self.route_patterns(&mut sql, hurry, &mut gone).await?;
        let sip_route_patterns = self.sip_route_patterns(&mut sql).await?;
        facts.ways_unknown = sip_route_patterns.is_none();
        facts.sip_route_patterns = sip_route_patterns.unwrap_or_default();
        partition::read_into(&mut facts, &self.client).await?;
        facts.schedules = self.schedules(&mut gone).await?;
        translation_pattern::read_into(&mut facts, &self.client, None).await?;
        let local_routes = sql.local_routes;
        Ok(Facts { callers: sql.callers, local_routes, not_read: sql.not_read, gone, ..facts })
    }

    /// Numbers, pilots, and what CUCM calls by itself from them.
    async fn endpoints(
        &self,
        sql: &mut BySql,
        hurry: &Hurry,
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
        let mut legs = sql.legs(&self.client, hurry, spaces).await?;
        if let Legs::Read(legs) = &mut legs {
            legs.extend(pilots.iter().flat_map(overflows));
        }
        let lines = self.client.lines("%").await?.into_iter();
        let mut lines: Vec<Endpoint> = lines.map(|line| of(EndpointKind::DirectoryNumber, line)).collect();
        let others = sql.numbers(&mut lines);
        let pilots = pilots.into_iter().map(|pilot| of(EndpointKind::HuntPilot, pilot));
        Ok((pilots.chain(lines).chain(others).collect(), legs))
    }

    /// A cluster that refuses to list them is surveyed without, and it is said.
    async fn sip_route_patterns(&self, sql: &mut BySql) -> Result<Option<Vec<SipRoutePattern>>, axl::Error> {
        match self.client.sip_route_patterns(None).await {
            Ok(found) => Ok(Some(found.into_iter().map(|one| sip_route_pattern::of(one, &sql.on_net)).collect())),
            Err(error @ axl::Error::Rejected { .. }) => {
                sql.not_read
                    .push(format!("by which SIP route patterns calls to addresses (name@host) leave ({error})"));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A reading needs no list of changes: one that CUCM does not give is no trouble.
    async fn mark(&self, hurry: &Hurry) -> Option<ChangeMark> {
        let changes = tokio::time::timeout(PATIENCE, self.client.changes(None));
        let cursor = tokio::select! {
            changes = changes => changes.ok()?.ok()?.cursor,
            () = hurry.asked() => return None,
        };
        Some(ChangeMark { queue: cursor.queue, next: cursor.next })
    }

    /// Only what the plan's steps lie in: a list a partition, one list of partitions, a get a CSS.
    async fn facts_for(&self, plan: &LockPlan) -> Result<Facts, axl::Error> {
        let mut facts = Facts::default();
        let client = &self.client;
        for held_by in plan.steps.iter().map(HeldBy::of).collect::<BTreeSet<_>>() {
            match held_by {
                HeldBy::Partitions => partition::read_into(&mut facts, client).await?,
                HeldBy::RoutePatterns(name) => route_pattern::read_into(&mut facts, client, name).await?,
                HeldBy::SipRoutePatterns(name) => sip_route_pattern::read_into(&mut facts, client, name).await?,
                HeldBy::TranslationPatterns(name) => {
                    translation_pattern::read_into(&mut facts, client, Some(name)).await?;
                }
                HeldBy::Css(uuid) => calling_search_space::read_into(&mut facts, client, uuid).await?,
            }
        }
        Ok(facts)
    }
}

/// What has to be read for a step.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum HeldBy<'s> {
    Partitions,
    RoutePatterns(&'s str),
    SipRoutePatterns(&'s str),
    TranslationPatterns(&'s str),
    Css(&'s str),
}

impl<'s> HeldBy<'s> {
    fn of(step: &'s Step) -> Self {
        match &step.switch {
            Switch::PartitionSchedule(_) => Self::Partitions,
            Switch::RoutePatternBlock(one) => Self::RoutePatterns(&one.object.partition),
            Switch::SipRoutePatternBlock(one) => Self::SipRoutePatterns(&one.object.partition),
            Switch::TransPatternBlock(one) => Self::TranslationPatterns(&one.object.partition),
            Switch::TransPatternSet(one) => Self::TranslationPatterns(&one.object.partition),
            Switch::CssMembers(one) => Self::Css(one.object.uuid.as_str()),
        }
    }
}

#[async_trait]
impl DialPlan for Cucm {
    #[tracing::instrument(name = "dial_plan.survey", skip_all)]
    async fn survey(&self, hurry: &Hurry) -> Result<Facts, DialPlanError> {
        let (facts, requests) = axl::counted(self.at_one_time(hurry)).await;
        let facts = facts.map_err(|error| named(&error))?;
        Ok(Facts { requests, ..facts })
    }

    #[tracing::instrument(name = "dial_plan.read", skip_all)]
    async fn read(&self, plan: &LockPlan) -> Result<BTreeMap<StepId, Found>, DialPlanError> {
        let facts = self.facts_for(plan).await.map_err(|error| named(&error))?;
        Ok(plan.find_in(&facts))
    }

    async fn callers_at(&self, origin: &Origin, facts: &Facts) -> Result<Vec<Caller>, DialPlanError> {
        by_sql::callers_at(&self.client, origin, &facts.local_routes).await.map_err(|error| named(&error))
    }

    async fn changed_since(&self, mark: &ChangeMark) -> Result<Option<BTreeSet<Uuid>>, DialPlanError> {
        let cursor = ChangeCursor { queue: mark.queue.clone(), next: mark.next };
        match self.client.changes(Some(&cursor)).await {
            Ok(changes) if changes.gap => Ok(None),
            Ok(changes) => Ok(Some(changes.uuids.into_iter().map(Uuid::from).collect())),
            // AXL was restarted, or keeps no list.
            Err(axl::Error::NotFound { .. } | axl::Error::Rejected { .. }) => Ok(None),
            Err(error) => Err(named(&error)),
        }
    }

    #[tracing::instrument(name = "dial_plan.write", skip_all, fields(step.id = %write.step.id))]
    async fn write(&self, write: &Write<'_>) -> Result<(), DialPlanError> {
        let client = &self.client;
        let uuid = write.step.object().uuid().as_str();
        let result = match write.setting {
            Setting::PartitionSchedule(_, schedule) => client.set_partition_schedule(uuid, schedule.as_deref()).await,
            Setting::RoutePatternBlock(_, blocked) => client.block_route_pattern(uuid, *blocked).await,
            Setting::SipRoutePatternBlock(_, blocked) => client.block_sip_route_pattern(uuid, *blocked).await,
            Setting::TransPatternBlock(_, blocked) => client.block_trans_pattern(uuid, *blocked).await,
            Setting::TransPatternSet(_, Redirect { mask, css }) => {
                client.redirect_trans_pattern(uuid, mask.as_deref(), css.as_deref()).await
            }
            Setting::CssMembers(_, members) => client.set_css_members(uuid, members).await,
        };
        result.map_err(|error| named(&error))
    }
}

/// Where a hunt pilot sends calls that nobody takes.
fn overflows(pilot: &axl::endpoint::Endpoint) -> impl Iterator<Item = Leg> {
    pilot.overflows.iter().map(|overflow| Leg {
        via: Via::HuntOverflow,
        owner: format!("pilot:{}", pilot.pattern),
        partition: pilot.partition.clone(),
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
