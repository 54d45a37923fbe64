//! The way of single numbers, over the dial plan as it was read last.

use super::error::EngineError;
use super::ports::{self as port, DialPlanError, Hurry};
use super::site::Site;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};
use lockdown::caller::{Caller, CallerKind};
use lockdown::dial_plan::DialPlan;
use lockdown::period::Moment;
use lockdown::plan::PlanText;
use lockdown::trace::{Origin, Traced, Tracer};
use std::sync::{Arc, OnceLock, PoisonError};

/// The dial plan that was read for a check answers for so long.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

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

/// The dial plan as it was read last.
#[derive(Clone)]
pub(super) struct Surveyed {
    read_at: Timestamp,
    facts: Arc<DialPlan>,
    /// Made with the first number that is followed.
    tracer: Arc<OnceLock<Tracer>>,
}

impl Surveyed {
    fn new(read_at: Timestamp, facts: Arc<DialPlan>) -> Self {
        Self { read_at, facts, tracer: Arc::default() }
    }

    fn trace(&self, text: &PlanText, callers: &[Caller], asked: &Asked) -> Vec<Traced> {
        let at = asked.at.as_ref().map(|at| moment(at, &self.facts));
        self.tracer.get_or_init(|| Tracer::new(text, &self.facts)).trace(callers, &asked.numbers, at.as_ref())
    }
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
            let (line_css, device_css) = (line.clone(), device.clone());
            Ok(vec![Caller { kind: CallerKind::Phone, line_css, device_css, count: 1, ..Caller::css("") }])
        }
        Origin::Spaces { .. } => Ok(Vec::new()),
        Origin::Number { .. } | Origin::Device(_) => dial_plan.callers_at(origin).await,
    }
}

impl Site {
    pub(super) async fn trace(&self, origin: &Origin, asked: Asked) -> Result<Traces, EngineError> {
        let away = |error: DialPlanError| EngineError::CucmAway(error.to_string());
        let surveyed = self.surveyed().await.map_err(away)?;
        let callers = callers_of(&*self.dial_plan, &surveyed.facts, origin).await.map_err(away)?;
        if callers.is_empty() {
            return Err(EngineError::NoSuchCaller);
        }
        let (text, read_at) = (self.text.clone(), surveyed.read_at);
        let followed = tokio::task::spawn_blocking(move || surveyed.trace(&text, &callers, &asked)).await;
        let traces = followed.map_err(|error| EngineError::CucmAway(error.to_string()))?;
        Ok(Traces { read_at, traces })
    }

    /// As it was read within the last minute, or reads it.
    async fn surveyed(&self) -> Result<Surveyed, DialPlanError> {
        let now = self.clock.now();
        let known = self.surveyed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(known) if now < known.read_at + FRESH => Ok(known),
            _ => Ok(self.keep(now, &Arc::new(self.dial_plan.survey(&Hurry::default()).await?))),
        }
    }

    /// What was read is good for a trace, too.
    pub(super) fn keep(&self, read_at: Timestamp, facts: &Arc<DialPlan>) -> Surveyed {
        let surveyed = Surveyed::new(read_at, facts.clone());
        let mut kept = self.surveyed.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.as_ref().is_none_or(|known| known.read_at <= read_at) {
            *kept = Some(surveyed.clone());
        }
        surveyed
    }
}
