//! Calls that CUCM makes by itself, but those of hunt pilots.

use super::{Asking, BySql};
use axl::sip_trunk::SipTrunk;
use axl::sql::Row;
use axl::voice_mail_pilot::VoiceMailPilot;
use axl::{Client, Error};
use engine::ports::Hurry;
use lockdown::dial_plan::CallingSearchSpace;
use lockdown::guard::Via;
use lockdown::ids::Uuid;
use lockdown::leg::{Leg, Legs};
use std::collections::HashMap;

/// A forward but that of all calls: its destination, its calling search space, and what it is.
type Forward = (&'static str, &'static str, Via);

const FORWARDS: [Forward; 9] = [
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

/// Numbers that forward, and with what.
fn forwards(kinds: &[Forward]) -> String {
    let columns: String = kinds.iter().map(|(to, css, _)| format!(", n.{to}, n.{css}")).collect();
    let set: String = kinds.iter().map(|(to, ..)| format!(" or n.{to} <> ''")).collect();
    format!(
        "n.dnorpattern as pattern, r.name as place, f.cfadestination as destination, \
         f.fkcallingsearchspace_cfa as css, f.fkcallingsearchspace_scfa as second{columns} \
         from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
         left outer join callforwarddynamic f on f.fknumplan = n.pkid \
         left outer join routepartition r on r.pkid = n.fkroutepartition \
         where u.name = 'Device' and (f.cfadestination <> ''{set}) order by n.pkid"
    )
}

/// What the table of numbers holds in this version.
const COLUMNS: &str = "c.colname as name from syscolumns c inner join systables t on t.tabid = c.tabid \
    where t.tabname = 'numplan' order by c.colno";

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

fn forwarded(row: &Row, names: &HashMap<&Uuid, &str>) -> Vec<Leg> {
    let Some(number) = row.text("pattern") else { return Vec::new() };
    let at = (number, row.text("place"));
    let all = row.text("destination");
    let all = all.map(|to| forward(Via::ForwardAll, at, to, named(row, &["css", "second"], names)));
    let set = FORWARDS.iter().filter_map(|(to, css, via)| Some((row.text(to)?, css, via)));
    let set = set.map(|(to, css, via)| forward(*via, at, to, named(row, &[css], names)));
    all.into_iter().chain(set).collect()
}

fn forward(via: Via, (number, partition): (&str, Option<&str>), to: &str, spaces: Vec<String>) -> Leg {
    let partition = partition.map(str::to_owned);
    Leg { via, owner: format!("number:{number}"), partition, spaces, destination: Some(to.to_owned()), count: 1 }
}

fn mobility(row: &Row, names: &HashMap<&Uuid, &str>) -> Vec<Leg> {
    let owner = format!("device:{}", row.text("example").unwrap_or("-"));
    let spaces = named(row, &["css"], names);
    vec![Leg { via: Via::Mobility, owner, partition: None, spaces, destination: None, count: row.number("n") }]
}

/// Off is only what says so: where CUCM does not tell, it may be on.
fn is_off(answer: &Result<Vec<Row>, String>) -> bool {
    let Ok(rows) = answer else { return false };
    !rows.is_empty() && rows.iter().all(|row| row.text("value") == Some("F"))
}

fn aar(row: &Row, names: &HashMap<&Uuid, &str>) -> Vec<Leg> {
    let owner = format!("device:{}", row.text("example").unwrap_or("-"));
    let spaces = named(row, &["css"], names);
    vec![Leg { via: Via::Aar, owner, partition: None, spaces, destination: None, count: row.number("n") }]
}

/// To wherever the far end says.
pub(super) fn refers(trunk: &SipTrunk) -> impl Iterator<Item = Leg> {
    let owner = format!("device:{}", trunk.name);
    let mut spaces: Vec<&String> = trunk.refer_css.iter().chain(&trunk.reroute_css).collect();
    spaces.dedup();
    spaces.into_iter().map(move |css| Leg {
        via: Via::Refer,
        owner: owner.clone(),
        partition: None,
        spaces: vec![css.clone()],
        destination: None,
        count: 1,
    })
}

/// Forwards by the columns that are there, and the names of those that are not; `None` where that is not why it was refused.
async fn known_forwards(asking: &mut Asking<'_>) -> Result<Option<(Vec<Row>, String)>, Error> {
    let Ok(columns) = asking.rows(COLUMNS).await? else { return Ok(None) };
    let has = |name: &str| columns.iter().any(|row| row.text("name") == Some(name));
    let (known, missing): (Vec<Forward>, Vec<Forward>) = FORWARDS.iter().partition(|(to, css, _)| has(to) && has(css));
    if missing.is_empty() || known.is_empty() {
        return Ok(None);
    }
    let missing: Vec<&str> = missing.iter().map(|(to, ..)| *to).collect();
    let rows = asking.rows(&forwards(&known)).await?;
    Ok(rows.ok().map(|rows| (rows, missing.join(", "))))
}

fn to_voice_mail(pilot: VoiceMailPilot) -> Leg {
    Leg {
        via: Via::VoiceMail,
        owner: format!("voice_mail_pilot:{}", pilot.number),
        partition: None,
        spaces: pilot.css.into_iter().collect(),
        destination: Some(pilot.number),
        count: 1,
    }
}

impl BySql {
    /// All of them.
    ///
    /// # Errors
    /// As [`super::read`].
    pub(in crate::dial_plan) async fn legs(
        &mut self,
        client: &Client,
        hurry: &Hurry,
        spaces: &[CallingSearchSpace],
    ) -> Result<Legs, Error> {
        let mut asking = Asking { client, hurry, given_up: self.given_up.clone() };
        let mut legs = Vec::new();
        let mut not_read = Vec::new();
        let names: HashMap<&Uuid, &str> = spaces.iter().map(|css| (&css.uuid, css.name.as_str())).collect();
        let kinds = [
            ("which numbers forward calls", forwards(&FORWARDS), forwarded as OfRow),
            ("which mobiles ring along", MOBILITY.to_owned(), mobility),
            ("which calls are tried over the PSTN where there is no bandwidth", AAR.to_owned(), aar),
        ];
        let count = kinds.len();
        for (what, query, of_row) in kinds {
            match asking.rows(&query).await? {
                // A column that this version does not have: all others are asked for.
                Err(why) if query == forwards(&FORWARDS) => match known_forwards(&mut asking).await? {
                    Some((rows, missing)) => {
                        legs.extend(rows.iter().flat_map(|row| of_row(row, &names)));
                        self.not_read.push(format!("forwards of {missing} (this version has not all columns of them)"));
                    }
                    None => not_read.push((what, why)),
                },
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
        match asking.ask(client.voice_mail_pilots()).await? {
            Ok(pilots) => legs.extend(pilots.into_iter().map(to_voice_mail)),
            Err(why) => self.not_read.push(format!("where calls to voice mail go on ({why})")),
        }
        Ok(Legs::Read(legs))
    }
}
