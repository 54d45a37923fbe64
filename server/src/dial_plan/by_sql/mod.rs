//! What no list of AXL's holds: who calls with which calling search spaces, where route patterns lead in the end, and which
//! directory numbers are out of the ordinary. A cluster that refuses to be asked so is surveyed without, and it is said.
//!
//! Tables and columns: public listings of CUCM's data dictionary, 11.x to 15. The numbers of kinds differ between them: kinds
//! are named. Each file holds its statements and what their rows say.

mod callers;
mod legs;
mod numbers;
mod targets;

use axl::sip_trunk::SipTrunk;
use axl::sql::Row;
use axl::{Client, Error};
pub(super) use callers::callers_at;
use engine::ports::Hurry;
use lockdown::caller::Callers;
use lockdown::dial_plan::{Endpoint, RoutePattern};
use lockdown::ids::Uuid;
use lockdown::leg::Leg;
use lockdown::local_routes::{Behind, LocalRoutes};
use numbers::Numbers;
use std::collections::{BTreeSet, HashMap};
use targets::{Lists, Target};

/// What was asked by SQL, as far as it was answered.
#[derive(Default)]
pub(super) struct BySql {
    pub(super) callers: Callers,
    numbers: Numbers,
    targets: Option<HashMap<Uuid, Target>>,
    /// Of device pools from which some route list leads elsewhere than from others.
    pub(super) local_routes: Vec<LocalRoutes>,
    /// Calls that far ends of trunks transfer or redirect.
    refers: Vec<Leg>,
    /// SIP trunks and route lists that stay inside.
    pub(super) on_net: BTreeSet<String>,
    /// What was refused, and what is not known for it.
    pub(super) not_read: Vec<String>,
    /// Why nothing more was asked.
    given_up: Option<String>,
}

/// Why less was read than there is.
pub(super) const WAITED: &str = "an order was waiting";

/// Asks one thing after the other; after trouble that is no plain refusal nothing more: each question could take as long.
struct Asking<'c> {
    client: &'c Client,
    hurry: &'c Hurry,
    given_up: Option<String>,
}

impl Asking<'_> {
    /// The rows, or why there are none.
    async fn rows(&mut self, query: &str) -> Result<Result<Vec<Row>, String>, Error> {
        self.ask(self.client.sql(query)).await
    }

    /// What is asked otherwise, and as dispensable.
    async fn ask<T>(&mut self, question: impl Future<Output = Result<T, Error>>) -> Result<Result<T, String>, Error> {
        if let Some(why) = self.given_up.clone() {
            return Ok(Err(why));
        }
        tokio::select! {
            biased;
            answer = question => self.answer(answer),
            () = self.hurry.asked() => {
                self.given_up = Some(WAITED.into());
                Ok(Err(WAITED.into()))
            }
        }
    }

    /// SIP trunks, as far as they are told.
    async fn trunks(&mut self, not_read: &mut Vec<String>) -> Result<Vec<SipTrunk>, Error> {
        let answer = self.ask(self.client.sip_trunks("%")).await?;
        Ok(answer.unwrap_or_else(|why| {
            not_read.push(format!(
                "what SIP trunks make of digits that come in, and where calls go that their far ends transfer ({why})"
            ));
            Vec::new()
        }))
    }

    /// A cluster that has just answered by lists is there: what it does not say keeps nobody from locking.
    fn answer<T>(&mut self, answer: Result<T, Error>) -> Result<Result<T, String>, Error> {
        match answer {
            Ok(found) => Ok(Ok(found)),
            Err(error @ (Error::BadCredentials | Error::Certificate { .. } | Error::Version { .. })) => Err(error),
            Err(error @ Error::Rejected { .. }) => Ok(Err(error.to_string())),
            Err(error) => {
                self.given_up = Some(error.to_string());
                Ok(Err(error.to_string()))
            }
        }
    }
}

/// # Errors
/// Where CUCM cannot be asked at all. What it refuses is told in what is returned.
pub(super) async fn read(client: &Client, hurry: &Hurry) -> Result<BySql, Error> {
    let mut asking = Asking { client, hurry, given_up: None };
    let mut read = BySql::default();
    let callers = asking.rows(&callers::everybody()).await?;
    let trunks = asking.trunks(&mut read.not_read).await?;
    read.on_net = trunks.iter().filter(|trunk| trunk.on_net).map(|trunk| trunk.name.clone()).collect();
    read.refers = trunks.iter().flat_map(legs::refers).collect();
    read.numbers = numbers::read(&mut asking, &mut read.not_read).await?;
    read.read_targets(&mut asking).await?;
    read.callers = match callers {
        Ok(rows) => {
            Callers::of(callers::told_apart(callers::of_rows(&rows, &read.local_routes), trunks, &read.local_routes))
        }
        Err(why) => Callers::NotRead { why },
    };
    read.given_up = asking.given_up;
    Ok(read)
}

/// Rows of local route groups, where some route list has one.
async fn pools(asking: &mut Asking<'_>, lists: &[Row], not_read: &mut Vec<String>) -> Result<Option<Vec<Row>>, Error> {
    if !targets::uses_local_groups(lists) {
        return Ok(None);
    }
    let answer = asking.rows(targets::POOLS).await?;
    let answer = answer.inspect_err(|why| {
        not_read
            .push(format!("local route groups, so that each route list of them counts as a way to the PSTN ({why})"));
    });
    Ok(answer.ok())
}

/// Between quotation marks, those inside doubled.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl BySql {
    async fn read_targets(&mut self, asking: &mut Asking<'_>) -> Result<(), Error> {
        match (asking.rows(targets::TARGETS).await?, asking.rows(targets::LISTS).await?) {
            (Ok(targets), Ok(lists)) if !targets.is_empty() => {
                let pools = pools(asking, &lists, &mut self.not_read).await?;
                let lists = Lists::of_rows(&lists, pools.as_deref());
                let inside = lists.behind.iter().filter(|(_, behind)| **behind == Behind::Inside);
                self.on_net.extend(inside.map(|(name, _)| name.clone()));
                self.targets = Some(targets::of_rows(&targets, &lists));
                self.local_routes = lists.local;
            }
            (Ok(_), Ok(_)) => self.not_read.push("where any route pattern leads".into()),
            (Err(why), _) | (_, Err(why)) => {
                let what = "where route patterns lead, so that each counts as a way to the PSTN";
                self.not_read.push(format!("{what} ({why})"));
            }
        }
        Ok(())
    }

    /// Puts in where it leads; false where that is not known.
    pub(super) fn lead(&self, route: &mut RoutePattern) -> bool {
        let Some(target) = self.targets.as_ref().and_then(|targets| targets.get(&route.uuid)) else { return false };
        route.destination = target.destination.clone();
        route.on_net = target.behind == Behind::Inside;
        route.dead = target.behind == Behind::Nothing;
        true
    }

    /// Numbers besides lines, pilots and patterns were not read, or are not known.
    pub(super) fn has_unknown_numbers(&self) -> bool {
        self.numbers.unknown
    }

    /// What is out of the ordinary, put into the lines; and the numbers that are none.
    pub(super) fn numbers(&mut self, lines: &mut [Endpoint]) -> Vec<Endpoint> {
        self.numbers.mark(lines);
        std::mem::take(&mut self.numbers.features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotation_marks_stays_a_name() {
        assert_eq!(quoted("O'Hara' or '1'='1"), "'O''Hara'' or ''1''=''1'");
    }
}
