//! The way of single numbers, over the dial plan as it was read last.

use super::error::EngineError;
use super::ports::{self as port, DialPlanError};
use super::site::Site;
use jiff::{SignedDuration, Timestamp};
use lockdown::caller::{Caller, CallerKind};
use lockdown::dial_plan::DialPlan;
use lockdown::trace::{Origin, Traced, trace};
use std::sync::Arc;

/// The dial plan that was read for a check answers for so long.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// What was followed, over what was read when.
#[derive(Debug)]
pub struct Traces {
    pub read_at: Timestamp,
    pub traces: Vec<Traced>,
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
            Ok(vec![Caller { kind: CallerKind::Phone, line_css, device_css, count: 1, example: None }])
        }
        Origin::Spaces { .. } => Ok(Vec::new()),
        Origin::Number { .. } | Origin::Device(_) => dial_plan.callers_at(origin).await,
    }
}

impl Site {
    pub(super) async fn trace(&self, origin: &Origin, numbers: Vec<String>) -> Result<Traces, EngineError> {
        let away = |error: DialPlanError| EngineError::CucmAway(error.to_string());
        let (read_at, facts) = self.facts().await.map_err(away)?;
        let callers = callers_of(&*self.dial_plan, &facts, origin).await.map_err(away)?;
        if callers.is_empty() {
            return Err(EngineError::NoSuchCaller);
        }
        let text = self.text.clone();
        let followed = tokio::task::spawn_blocking(move || trace(&text, &facts, &callers, &numbers)).await;
        let traces = followed.map_err(|error| EngineError::CucmAway(error.to_string()))?;
        Ok(Traces { read_at, traces })
    }

    /// As it was read within the last minute, or reads it.
    async fn facts(&self) -> Result<(Timestamp, Arc<DialPlan>), DialPlanError> {
        let now = self.clock.now();
        let known = self.surveyed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        match known {
            Some((read_at, facts)) if now < read_at + FRESH => Ok((read_at, facts)),
            _ => {
                let facts = Arc::new(self.dial_plan.survey().await?);
                self.keep(now, &facts);
                Ok((now, facts))
            }
        }
    }

    /// What was read is good for a trace, too.
    pub(super) fn keep(&self, read_at: Timestamp, facts: &Arc<DialPlan>) {
        *self.surveyed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((read_at, facts.clone()));
    }
}
