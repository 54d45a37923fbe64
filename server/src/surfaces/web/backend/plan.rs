//! Who can call where, as the page *Plan* shows it.

use super::{Pages, me, refused};
use app::ApiError;
use app::backend::Plans;
use app::view::{CallerView, CauseView, EndView, FlowView, PlanCheckView, PlanView, TracedEnd, TracedView, TracedWay};
use async_trait::async_trait;
use engine::{Asked, EngineError, PlanCheck};
use lockdown::guard::{self, CallerReach, Cause, EmergencyReach, Flow, Place, Reach};
use lockdown::ids::{SiteId, Uuid};
use lockdown::operator::{Act, Operator, Refusal};
use lockdown::plan::PlanText;
use lockdown::reach::Dialling;
use lockdown::trace::{self, Dialled, Origin, Schedules, Trace, Traced};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Of one cause; the file has them all.
const LISTED: usize = 50;

/// Those who answer for a plan.
pub(crate) fn may_see(who: &Operator, site: Option<&SiteId>) -> Result<(), Refusal> {
    who.may(Act::Release, site).or_else(|refusal| who.may(Act::Manage, None).map_err(|_| refusal))
}

#[async_trait]
impl Plans for Pages {
    async fn plan(
        &self,
        who: &Operator,
        site: Option<SiteId>,
        asked: Option<(String, String)>,
    ) -> Result<PlanView, ApiError> {
        may_see(who, site.as_ref()).map_err(ApiError::Refused)?;
        let mut statuses = self.engine.statuses();
        statuses.sort_by_key(|status| status.drill);
        statuses.retain(|status| may_see(who, Some(&status.id)).is_ok());
        let status = match &site {
            None => statuses.first(),
            Some(id) => statuses.iter().find(|status| status.id == *id),
        };
        let status = status.ok_or(ApiError::NoSuchSite)?;
        let check = self.engine.last_check(&status.id).map_err(refused)?;
        let traced = match asked {
            Some((from, dial)) => Some(self.traced(&status.id, &from, &dial).await),
            None => None,
        };
        let check = match check {
            Some(check) => Some(self.checked(&status.id, check).await?),
            None => None,
        };
        Ok(PlanView {
            me: me(who),
            site: status.id.clone(),
            name: status.name.clone(),
            sites: statuses.iter().map(|status| (status.id.clone(), status.name.clone())).collect(),
            check,
            traced,
        })
    }

    async fn check_plan(&self, who: &Operator, site: SiteId) -> Result<(), ApiError> {
        may_see(who, Some(&site)).map_err(ApiError::Refused)?;
        self.engine.check_plan(&site).await.map(|_| ()).map_err(in_words)
    }
}

fn in_words(error: EngineError) -> ApiError {
    match error {
        EngineError::CucmAway(why) => ApiError::Told(format!("CUCM cannot be read now. {why}")),
        error => refused(error),
    }
}

impl Pages {
    /// Why there is no answer, in words for the page.
    async fn traced(&self, site: &SiteId, from: &str, dial: &str) -> Result<Vec<TracedView>, String> {
        let origin = Origin::as_typed(from).map_err(|error| error.to_string())?;
        let number = trace::dialled(dial).map_err(|error| error.to_string())?;
        let traces = self.engine.trace(site, &origin, Asked { numbers: vec![number], at: None }).await;
        let traces = traces.map_err(|error| in_words(error).to_string())?.traces;
        let text = self.engine.plan_text(site).map_err(|error| in_words(error).to_string())?;
        Ok(traces.into_iter().map(|one| traced(text, one)).collect())
    }

    /// Drawing it the first time follows some hundred calls of each caller: not on a thread that others need.
    async fn checked(&self, site: &SiteId, check: Arc<PlanCheck>) -> Result<PlanCheckView, ApiError> {
        let text = self.engine.plan_text(site).map_err(refused)?.clone();
        let kept = check.clone();
        let drawn = tokio::task::spawn_blocking(move || {
            let flows: Vec<FlowView> = kept.flows(&text).iter().map(flow).collect();
            (text, flows)
        });
        let (drawn, changed) = tokio::join!(drawn, self.engine.changed_since(site, &check));
        let (text, flows) = drawn.map_err(|error| {
            tracing::error!(%error, "the picture of a plan could not be drawn");
            ApiError::Internal
        })?;
        let changed = changed.map_err(refused)?;
        let read = self.moment(Some(site), check.survey.read_at, self.clock.now());
        let none = Reach::default();
        let reach = check.checked.reach.as_ref().unwrap_or(&none);
        let violations = check.checked.verdict.as_ref().err();
        Ok(PlanCheckView {
            read,
            changed: changed_in_words(&check, changed),
            accepted: violations.is_none(),
            verdict: verdict(&check, reach),
            violations: violations.into_iter().flatten().map(ToString::to_string).collect(),
            warnings: check.checked.verdict.as_ref().map_or(&check.checked.warnings, |plan| &plan.warnings).clone(),
            limits: reach.limits.clone(),
            flows,
            causes: causes(&text, reach),
            callers: reach.callers.iter().map(caller).collect(),
            cost: format!(
                "{} requests, {:.1} s; worked out in {:.1} s",
                check.survey.facts.requests,
                check.survey.took.as_secs_f64(),
                check.analysis.as_secs_f64()
            ),
        })
    }
}

/// Objects that are named; more would be no sentence.
const NAMED: usize = 5;

fn changed_in_words(check: &PlanCheck, changed: Option<BTreeSet<Uuid>>) -> String {
    let Some(changed) = changed else { return "CUCM does not say what was changed since.".to_owned() };
    if changed.is_empty() {
        return "Since then no pattern, partition, calling search space, line or phone was changed, besides what the plan \
                switches."
            .to_owned();
    }
    let mut names: Vec<String> =
        changed.iter().filter_map(|uuid| check.survey.facts.name_of(uuid)).take(NAMED).collect();
    let others = changed.len() - names.len();
    let more = if others == 1 { "one more object".to_owned() } else { format!("{others} more objects") };
    names.extend((others > 0).then_some(more));
    format!("Changed in CUCM since: {}. Read it again.", names.join(", "))
}

fn verdict(check: &PlanCheck, reach: &Reach) -> String {
    let Ok(plan) = &check.checked.verdict else {
        return "✗ The plan is refused: a lock would not be carried out.".to_owned();
    };
    let doubt = if plan.unfinished {
        ", but not every way could be followed"
    } else if !plan.callers_read {
        ", but who calls from where was not read"
    } else {
        ""
    };
    let mark = if reach.leaks.is_empty() && doubt.is_empty() { '✓' } else { '!' };
    format!("{mark} The plan may run: {}{doubt}.", lockdown::timeline::ways(reach.leaks.len()))
}

fn flow(flow: &Flow) -> FlowView {
    let owner = if flow.own { " of the EOC" } else { "" };
    let ends = |places: &BTreeSet<Place>, leaks: Option<&BTreeSet<Place>>| {
        let end = |place: &Place| EndView {
            place: place.in_words().to_owned(),
            leak: leaks.is_some_and(|leaks| leaks.contains(place)),
        };
        places.iter().map(end).collect()
    };
    // A calling search space stands for nobody who was counted.
    let count = if flow.count == 0 { flow.callers.len() } else { flow.count };
    FlowView {
        count,
        kind: format!("{}{owner}", flow.kind.in_words(count)),
        normal: ends(&flow.normal, None),
        locked: ends(&flow.locked, Some(&flow.leaks)),
    }
}

fn causes(text: &PlanText, reach: &Reach) -> Vec<CauseView> {
    let cause = |cause: Cause<'_>| {
        let (example, path) = cause.example();
        let who = |leak: &&guard::Leak| {
            let by_itself =
                if leak.via == guard::Via::Direct { String::new() } else { format!(", {}", leak.via.in_words()) };
            (format!("{}{by_itself}", leak.caller), leak.count)
        };
        CauseView {
            inbound: cause.direction == guard::Direction::Inbound,
            devices: cause.devices(),
            example: example.to_owned(),
            path,
            who: cause.leaks.iter().take(LISTED).map(who).collect(),
            more: cause.leaks.len().saturating_sub(LISTED),
            fix: cause.fix.clone(),
            place: cause.place.clone(),
        }
    };
    guard::causes(text, &reach.leaks).into_iter().map(cause).collect()
}

/// Numbers that fare alike stand together.
fn emergency(reached: &[EmergencyReach]) -> Vec<(String, String)> {
    let mut alike: Vec<(Vec<&str>, String)> = Vec::new();
    for one in reached {
        let normal = one.normal.in_words();
        let locked = one.locked.in_words();
        let text = if normal == locked { normal.to_owned() } else { format!("{normal}; locked: {locked}") };
        match alike.iter_mut().find(|(_, known)| *known == text) {
            Some((numbers, _)) => numbers.push(&one.number),
            None => alike.push((vec![&one.number], text)),
        }
    }
    alike.into_iter().map(|(numbers, text)| (numbers.join(", "), text)).collect()
}

fn caller(reach: &CallerReach) -> CallerView {
    CallerView {
        who: guard::caller_in_words(&reach.caller),
        example: reach.caller.example.clone(),
        partitions: reach.partitions.join(" → "),
        emergency: emergency(&reach.emergency),
        pstn: (reach.pstn.normal, reach.pstn.locked),
    }
}

fn traced(text: &PlanText, one: Traced) -> TracedView {
    let mut ways: Vec<(Vec<String>, TracedWay)> = Vec::new();
    for dialled in &one.dialling {
        let how = how(dialled);
        let states = states(text, dialled);
        match ways.iter_mut().find(|(_, way)| way.states == states) {
            Some((hows, _)) => hows.push(how),
            None => ways.push((vec![how], TracedWay { how: String::new(), states })),
        }
    }
    let alike = ways.len() == 1;
    let named = |(hows, way): (Vec<String>, TracedWay)| {
        let how = if alike { "However it is dialled".to_owned() } else { hows.join("; ") };
        TracedWay { how, ..way }
    };
    TracedView { caller: one.caller, digits: one.digits, ways: ways.into_iter().map(named).collect() }
}

fn how(dialled: &Dialled) -> String {
    let how = match dialled.how {
        Dialling::EnBloc => "Dialled all at once",
        Dialling::DigitByDigit => "Dialled digit by digit",
    };
    match dialled.schedules {
        None => how.to_owned(),
        Some(Schedules::Active) => format!("{how}, while its schedules are active"),
        Some(Schedules::Inactive) => format!("{how}, while its schedules are not active"),
    }
}

fn states(text: &PlanText, dialled: &Dialled) -> Vec<(String, TracedEnd)> {
    let states =
        [("Now", Some(&dialled.now)), ("Normal", dialled.normal.as_ref()), ("Locked", dialled.locked.as_ref())];
    states.into_iter().filter_map(|(state, trace)| Some((state.to_owned(), end(text, trace?)))).collect()
}

fn end(text: &PlanText, trace: &Trace) -> TracedEnd {
    let waits = trace.waits.then(|| "After the inter-digit timer.".to_owned());
    let legs = trace.legs.iter().map(|leg| format!("Then, {}: {}", leg.via.in_words(), leg.end.in_words()));
    TracedEnd {
        end: trace.end_in_words(text),
        path: trace.path.clone(),
        besides: waits.into_iter().chain(legs).collect(),
    }
}
