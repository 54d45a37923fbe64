//! Calls that CUCM makes by itself, but those of hunt pilots.

use super::{Asking, BySql};
use axl::sip_trunk::SipTrunk;
use axl::sql::Row;
use axl::{Client, Error};
use lockdown::dial_plan::CallingSearchSpace;
use lockdown::guard::Via;
use lockdown::ids::Uuid;
use lockdown::leg::{Leg, Legs};
use std::collections::HashMap;

/// Numbers that forward all calls, and with what.
const FORWARD_ALL: &str = "n.dnorpattern as pattern, f.cfadestination as destination, \
    f.fkcallingsearchspace_cfa as css, f.fkcallingsearchspace_scfa as second \
    from callforwarddynamic f inner join numplan n on n.pkid = f.fknumplan \
    where f.cfadestination <> '' order by n.pkid";

/// Every other forward: its destination, its calling search space, and what it is.
const FORWARDS: [(&str, &str, Via); 9] = [
    ("cfbdestination", "fkcallingsearchspace_cfb", Via::ForwardBusy),
    ("cfbintdestination", "fkcallingsearchspace_cfbint", Via::ForwardBusy),
    ("cfnadestination", "fkcallingsearchspace_cfna", Via::ForwardNoAnswer),
    ("cfnaintdestination", "fkcallingsearchspace_cfnaint", Via::ForwardNoAnswer),
    ("pffdestination", "fkcallingsearchspace_pff", Via::ForwardNoCoverage),
    ("pffintdestination", "fkcallingsearchspace_pffint", Via::ForwardNoCoverage),
    ("devicefailuredn", "fkcallingsearchspace_devicefailure", Via::ForwardCtiFailure),
    ("cfurdestination", "fkcallingsearchspace_cfur", Via::ForwardUnregistered),
    ("cfurintdestination", "fkcallingsearchspace_cfurint", Via::ForwardUnregistered),
];

fn forwards() -> String {
    let columns: Vec<String> = FORWARDS.iter().map(|(to, css, _)| format!("n.{to}, n.{css}")).collect();
    let set: Vec<String> = FORWARDS.iter().map(|(to, ..)| format!("n.{to} <> ''")).collect();
    format!(
        "n.dnorpattern as pattern, {} from numplan n \
         inner join typepatternusage u on u.enum = n.tkpatternusage \
         where u.name = 'Device' and ({}) order by n.pkid",
        columns.join(", "),
        set.join(" or ")
    )
}

/// Profiles whose mobiles ring along, by the calling search space with which they are rung. No person is read.
const MOBILITY: &str = "p.fkcallingsearchspace_reroute as css, count(distinct p.pkid) as n, min(p.name) as example \
    from remotedestination r inner join device p on p.pkid = r.fkdevice_remotedestinationtemplate \
    group by 1 order by 1";

/// Devices whose calls are tried over the PSTN where there is no bandwidth, by the calling search space with which that is
/// done.
const AAR: &str = "d.fkcallingsearchspace_aar as css, count(*) as n, min(d.name) as example \
    from device d where d.fkcallingsearchspace_aar is not null group by 1 order by 1";

/// Whether that is done at all.
const AAR_ENABLED: &str = "p.paramname as name, p.paramvalue as value from processconfig p \
    where p.paramname like '%AutomatedAlternateRouting%' order by p.paramname";

/// What a row tells of legs, with the names of calling search spaces.
type OfRow = fn(&Row, &HashMap<&Uuid, &str>) -> Vec<Leg>;

/// Ids of calling search spaces by their names; one that was made since the list was read is left out.
fn named(row: &Row, columns: &[&str], names: &HashMap<&Uuid, &str>) -> Vec<String> {
    let ids = columns.iter().filter_map(|column| row.text(column)).map(Uuid::from);
    ids.filter_map(|id| names.get(&id).map(|name| (*name).to_owned())).collect()
}

fn forward_all(row: &Row, names: &HashMap<&Uuid, &str>) -> Vec<Leg> {
    let (Some(number), Some(to)) = (row.text("pattern"), row.text("destination")) else { return Vec::new() };
    let spaces = named(row, &["css", "second"], names);
    vec![forward(Via::ForwardAll, number, to, spaces)]
}

fn other_forwards(row: &Row, names: &HashMap<&Uuid, &str>) -> Vec<Leg> {
    let Some(number) = row.text("pattern") else { return Vec::new() };
    let set = FORWARDS.iter().filter_map(|(to, css, via)| Some((row.text(to)?, css, via)));
    set.map(|(to, css, via)| forward(*via, number, to, named(row, &[css], names))).collect()
}

fn forward(via: Via, number: &str, to: &str, spaces: Vec<String>) -> Leg {
    Leg { via, owner: format!("number:{number}"), spaces, destination: Some(to.to_owned()), count: 1 }
}

fn mobility(row: &Row, names: &HashMap<&Uuid, &str>) -> Vec<Leg> {
    let owner = format!("device:{}", row.text("example").unwrap_or("-"));
    let spaces = named(row, &["css"], names);
    vec![Leg { via: Via::Mobility, owner, spaces, destination: None, count: row.number("n") }]
}

/// Off is only what says so: where CUCM does not tell, it may be on.
fn is_off(answer: &Result<Vec<Row>, String>) -> bool {
    let Ok(rows) = answer else { return false };
    !rows.is_empty() && rows.iter().all(|row| row.text("value") == Some("F"))
}

fn aar(row: &Row, names: &HashMap<&Uuid, &str>) -> Vec<Leg> {
    let owner = format!("device:{}", row.text("example").unwrap_or("-"));
    let spaces = named(row, &["css"], names);
    vec![Leg { via: Via::Aar, owner, spaces, destination: None, count: row.number("n") }]
}

/// To wherever the far end says.
pub(super) fn refers(trunk: &SipTrunk) -> impl Iterator<Item = Leg> {
    let owner = format!("device:{}", trunk.name);
    let mut spaces: Vec<&String> = trunk.refer_css.iter().chain(&trunk.reroute_css).collect();
    spaces.dedup();
    spaces.into_iter().map(move |css| Leg {
        via: Via::Refer,
        owner: owner.clone(),
        spaces: vec![css.clone()],
        destination: None,
        count: 1,
    })
}

impl BySql {
    /// All of them.
    ///
    /// # Errors
    /// As [`super::read`].
    pub(in crate::dial_plan) async fn legs(
        &mut self,
        client: &Client,
        spaces: &[CallingSearchSpace],
    ) -> Result<Legs, Error> {
        let mut asking = Asking { client, given_up: self.given_up.clone() };
        let (mut legs, mut not_read) = (Vec::new(), Vec::new());
        let names: HashMap<&Uuid, &str> = spaces.iter().map(|css| (&css.uuid, css.name.as_str())).collect();
        let kinds = [
            ("which numbers forward all calls", FORWARD_ALL.to_owned(), forward_all as OfRow),
            ("the other forwards", forwards(), other_forwards),
            ("which mobiles ring along", MOBILITY.to_owned(), mobility),
            ("which calls are tried over the PSTN where there is no bandwidth", AAR.to_owned(), aar),
        ];
        let count = kinds.len();
        for (what, query, of_row) in kinds {
            match asking.rows(&query).await? {
                // Whether it is on is asked only where somebody could use it.
                Ok(rows) if query == AAR && !rows.is_empty() && is_off(&asking.rows(AAR_ENABLED).await?) => {}
                Ok(rows) => legs.extend(rows.iter().flat_map(|row| of_row(row, &names))),
                Err(why) => not_read.push((what, why)),
            }
        }
        if let Some((_, why)) = not_read.first().filter(|_| not_read.len() == count) {
            return Ok(Legs::NotRead { why: why.clone() });
        }
        self.not_read.extend(not_read.into_iter().map(|(what, why)| format!("{what} ({why})")));
        legs.append(&mut self.refers);
        Ok(Legs::Read(legs))
    }
}
