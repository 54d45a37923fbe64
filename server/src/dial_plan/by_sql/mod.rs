//! What no list of AXL's holds: who calls with which calling search spaces, where route patterns lead in the end, and which
//! directory numbers are out of the ordinary. A cluster that refuses to be asked so is surveyed without, and it is said.
//!
//! Tables and columns: public listings of CUCM's data dictionary, 11.x to 15. The numbers of kinds differ between them: kinds
//! are named. Each file holds its statements and what their rows say.

mod callers;
mod features;
mod legs;
mod targets;

use axl::sip_trunk::SipTrunk;
use axl::sql::Row;
use axl::{Client, Error};
pub(super) use callers::callers_at;
use lockdown::caller::Callers;
use lockdown::dial_plan::{Endpoint, RoutePattern};
use lockdown::ids::Uuid;
use lockdown::leg::Leg;
use std::collections::{BTreeSet, HashMap};
use targets::Target;

/// Directory numbers that are urgent, or that ring nowhere.
const NUMBERS: &str = "n.dnorpattern as pattern, p.name as partition, n.patternurgency as urgent, n.iscallable as callable \
    from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
    left outer join routepartition p on p.pkid = n.fkroutepartition \
    where u.name = 'Device' and (n.patternurgency = 't' or n.iscallable = 'f') order by n.pkid";

/// What was asked by SQL, as far as it was answered.
#[derive(Default)]
pub(super) struct BySql {
    pub(super) callers: Callers,
    numbers: Vec<Row>,
    /// Numbers that ring without being lines, and numbers that do something.
    features: Vec<Endpoint>,
    targets: Option<HashMap<Uuid, Target>>,
    /// Calls that far ends of trunks transfer or redirect.
    refers: Vec<Leg>,
    /// SIP trunks and route lists that stay inside.
    pub(super) on_net: BTreeSet<String>,
    /// What was refused, and what is not known for it.
    pub(super) not_read: Vec<String>,
    /// Why nothing more was asked.
    given_up: Option<String>,
}

/// Asks one thing after the other; after trouble that is no plain refusal nothing more: each question could take as long.
struct Asking<'c> {
    client: &'c Client,
    given_up: Option<String>,
}

impl Asking<'_> {
    /// The rows, or why there are none.
    async fn rows(&mut self, query: &str) -> Result<Result<Vec<Row>, String>, Error> {
        match self.given_up.clone() {
            Some(why) => Ok(Err(why)),
            None => self.answer(self.client.sql(query).await),
        }
    }

    /// SIP trunks, as far as they are told.
    async fn trunks(&mut self, not_read: &mut Vec<String>) -> Result<Vec<SipTrunk>, Error> {
        let answer = match self.given_up.clone() {
            Some(why) => Err(why),
            None => self.answer(self.client.sip_trunks("%").await)?,
        };
        Ok(answer.unwrap_or_else(|why| {
            not_read.push(format!("what trunks make of digits that come in ({why})"));
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
pub(super) async fn read(client: &Client) -> Result<BySql, Error> {
    let mut asking = Asking { client, given_up: None };
    let mut read = BySql::default();
    read.callers = match asking.rows(&callers::everybody()).await? {
        Ok(rows) => {
            let trunks = asking.trunks(&mut read.not_read).await?;
            read.on_net = trunks.iter().filter(|trunk| trunk.on_net).map(|trunk| trunk.name.clone()).collect();
            read.refers = trunks.iter().flat_map(legs::refers).collect();
            Callers::of(callers::told_apart(callers::of_rows(&rows), trunks))
        }
        Err(why) => Callers::NotRead { why },
    };
    match asking.rows(NUMBERS).await? {
        Ok(rows) => read.numbers = rows,
        Err(why) => read.not_read.push(format!("which directory numbers are urgent or ring nowhere ({why})")),
    }
    read.features = features::read(&mut asking, &mut read.not_read).await?;
    match (asking.rows(targets::TARGETS).await?, asking.rows(targets::LISTS).await?) {
        (Ok(targets), Ok(lists)) if !targets.is_empty() => {
            let all_on_net = targets::on_net_lists(&lists);
            read.on_net.extend(all_on_net.iter().filter(|(_, on_net)| **on_net).map(|(name, _)| (*name).to_owned()));
            read.targets = Some(targets::of_rows(&targets, &all_on_net));
        }
        (Ok(_), Ok(_)) => read.not_read.push("where any route pattern leads".into()),
        (Err(why), _) | (_, Err(why)) => {
            read.not_read.push(format!("where route patterns lead, so that each counts as a way to the PSTN ({why})"));
        }
    }
    read.given_up = asking.given_up;
    Ok(read)
}

/// Between quotation marks, those inside doubled.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl BySql {
    /// Puts in where it leads; false where that is not known.
    pub(super) fn lead(&self, route: &mut RoutePattern) -> bool {
        let Some(target) = self.targets.as_ref().and_then(|targets| targets.get(&route.uuid)) else { return false };
        (route.destination, route.on_net) = (target.destination.clone(), target.on_net);
        true
    }

    pub(super) fn take_features(&mut self) -> Vec<Endpoint> {
        std::mem::take(&mut self.features)
    }

    /// Puts in what is out of the ordinary.
    pub(super) fn mark(&self, numbers: &mut [Endpoint]) {
        let odd: HashMap<(&str, Option<&str>), &Row> =
            self.numbers.iter().filter_map(|row| Some(((row.text("pattern")?, row.text("partition")), row))).collect();
        for number in numbers {
            if let Some(row) = odd.get(&(number.pattern.as_str(), number.partition.as_deref())) {
                (number.urgent, number.dead) = (row.flag("urgent"), row.text("callable") == Some("f"));
            }
        }
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
