//! The way of single numbers, over the dial plan as it was read last.

use super::cluster::Numbered;
use super::error::EngineError;
use super::ports::{self as port, DialPlanError};
use super::site::Site;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use lockdown::caller::{Caller, CallerKind};
use lockdown::dial_plan::DialPlan;
use lockdown::period::Moment;
use lockdown::plan::PlanText;
use lockdown::trace::{Origin, Traced, Tracer};
use std::sync::{Arc, OnceLock};

/// Which numbers are to be followed, and when.
#[derive(Debug, Clone)]
pub struct Asked {
    pub numbers: Vec<String>,
    /// `None`: partitions of some hours as if they were active, and as if not.
    pub at: Option<Zoned>,
}

/// What was followed, over what was read when.
#[derive(Debug)]
pub struct Traces {
    pub read_at: Timestamp,
    pub traces: Vec<Traced>,
}

/// On the site's clock, and on those of partitions that follow another; a zone that nobody knows is left out.
pub fn moment(at: &Zoned, facts: &DialPlan) -> Moment {
    let clock = |zone: &str| Some((zone.to_owned(), at.with_time_zone(TimeZone::get(zone).ok()?).datetime()));
    Moment { here: at.datetime(), elsewhere: facts.zones().into_iter().filter_map(clock).collect() }
}

/// Whom an operator means; nobody where nothing is called like that.
///
/// # Errors
/// When CUCM cannot be asked.
pub async fn callers_of(
    dial_plan: &dyn port::DialPlan,
    facts: &DialPlan,
    origin: &Origin,
) -> Result<Vec<Caller>, DialPlanError> {
    let is_there = |name: &Option<String>| name.as_ref().is_none_or(|name| facts.css(name).is_some());
    match origin {
        Origin::Css(name) => Ok(facts.css(name).map(|_| Caller::css(name)).into_iter().collect()),
        Origin::Spaces { line, device } if is_there(line) && is_there(device) => {
            let line_css = line.clone();
            let device_css = device.clone();
            Ok(vec![Caller { kind: CallerKind::Phone, line_css, device_css, count: 1, ..Caller::css("") }])
        }
        Origin::Spaces { .. } => Ok(Vec::new()),
        Origin::Number { .. } | Origin::Device(_) => dial_plan.callers_at(origin, facts).await,
    }
}

impl Site {
    pub(super) async fn trace(&self, origin: &Origin, asked: Asked) -> Result<Traces, EngineError> {
        let away = |error: DialPlanError| EngineError::CucmAway(error.to_string());
        let Numbered { number, survey } = self.cluster.recent().await.map_err(away)?;
        let callers = callers_of(&*self.cluster.dial_plan, &survey.facts, origin).await.map_err(away)?;
        if callers.is_empty() {
            return Err(EngineError::NoSuchCaller);
        }
        let read_at = survey.read_at;
        let tracer = self.tracer_of(number);
        let text = self.text.clone();
        let followed =
            tokio::task::spawn_blocking(move || follow(&tracer, &text, &survey.facts, &callers, &asked)).await;
        let traces = followed.map_err(|error| EngineError::CucmAway(error.to_string()))?;
        Ok(Traces { read_at, traces })
    }

    /// Made with the first number that is followed through this survey.
    fn tracer_of(&self, number: u64) -> Arc<OnceLock<Tracer>> {
        let mut kept = self.tracer.lock();
        match &*kept {
            Some((of, tracer)) if *of == number => tracer.clone(),
            _ => kept.insert((number, Arc::default())).1.clone(),
        }
    }
}

fn follow(
    tracer: &OnceLock<Tracer>,
    text: &PlanText,
    facts: &Arc<DialPlan>,
    callers: &[Caller],
    asked: &Asked,
) -> Vec<Traced> {
    let at = asked.at.as_ref().map(|at| moment(at, facts));
    tracer.get_or_init(|| Tracer::new(text, facts)).trace(callers, &asked.numbers, at.as_ref())
}
