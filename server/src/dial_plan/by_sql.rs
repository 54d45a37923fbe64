//! What no list of AXL's holds: who calls with which calling search spaces, where route patterns lead in the end, and which
//! directory numbers are out of the ordinary. A cluster that refuses to be asked so is surveyed without, and it is said.
//!
//! Tables and columns: public listings of CUCM's data dictionary, 11.x to 15. The numbers of kinds differ between them: kinds
//! are named.

use axl::sip_trunk::SipTrunk;
use axl::sql::Row;
use axl::{Client, Error};
use lockdown::caller::{Caller, CallerKind, Callers, Incoming};
use lockdown::dial_plan::{CallingSearchSpace, Destination, Endpoint, RoutePattern};
use lockdown::guard::Via;
use lockdown::ids::Uuid;
use lockdown::leg::{Leg, Legs};
use lockdown::trace::Origin;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Devices by kind and calling search spaces: a few hundred rows, not one for each of 5000 phones.
fn callers(condition: &str) -> String {
    format!(
        "k.name as kind, case when y.name in ('CTI Port', 'CTI Route Point') then 'cti' else '-' end as cti, \
         lc.name as linecss, dc.name as devicecss, count(distinct d.pkid) as n, min(d.name) as example \
         from device d inner join typeclass k on k.enum = d.tkclass \
         inner join typemodel y on y.enum = d.tkmodel \
         left outer join devicenumplanmap m on m.fkdevice = d.pkid \
         left outer join numplan l on l.pkid = m.fknumplan \
         left outer join routepartition lp on lp.pkid = l.fkroutepartition \
         left outer join callingsearchspace lc on lc.pkid = l.fkcallingsearchspace_sharedlineappear \
         left outer join callingsearchspace dc on dc.pkid = d.fkcallingsearchspace \
         where {condition} group by 1, 2, 3, 4 order by 1, 2, 3, 4"
    )
}

/// All that can place a call.
const EVERYBODY: &str =
    "k.name in ('Phone', 'CTI Route Point', 'Gateway', 'Trunk', 'Voice Mail', 'Remote Destination Profile')";

/// Directory numbers that are urgent, or that ring nowhere.
const NUMBERS: &str = "n.dnorpattern as pattern, p.name as partition, n.patternurgency as urgent, n.iscallable as callable \
    from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
    left outer join routepartition p on p.pkid = n.fkroutepartition \
    where u.name = 'Device' and (n.patternurgency = 't' or n.iscallable = 'f') order by n.pkid";

/// Where each route pattern leads.
const TARGETS: &str = "n.pkid as route, d.name as target, k.name as kind, w.name as location \
    from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
    inner join devicenumplanmap m on m.fknumplan = n.pkid \
    inner join device d on d.pkid = m.fkdevice inner join typeclass k on k.enum = d.tkclass \
    left outer join typenetworklocation w on w.enum = d.tknetworklocation \
    where u.name = 'Route' order by n.pkid, d.pkid";

/// The gateways and trunks of each route list; none where it is a local route group.
const LISTS: &str = "d.name as list, g.name as routegroup, v.name as device, w.name as location \
    from routelist r inner join device d on d.pkid = r.fkdevice \
    inner join routegroup g on g.pkid = r.fkroutegroup \
    left outer join routegroupdevicemap x on x.fkroutegroup = g.pkid \
    left outer join device v on v.pkid = x.fkdevice \
    left outer join typenetworklocation w on w.enum = v.tknetworklocation \
    order by d.name, r.selectionorder, g.name, v.name";

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

/// What was asked by SQL, as far as it was answered.
#[derive(Default)]
pub(super) struct BySql {
    pub(super) callers: Callers,
    numbers: Vec<Row>,
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

struct Target {
    destination: Destination,
    on_net: bool,
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
    read.callers = match asking.rows(&callers(EVERYBODY)).await? {
        Ok(rows) => {
            let trunks = asking.trunks(&mut read.not_read).await?;
            read.on_net = trunks.iter().filter(|trunk| trunk.on_net).map(|trunk| trunk.name.clone()).collect();
            read.refers = trunks.iter().flat_map(refers).collect();
            Callers::of(told_apart(of_rows(&rows), trunks))
        }
        Err(why) => Callers::NotRead { why },
    };
    match asking.rows(NUMBERS).await? {
        Ok(rows) => read.numbers = rows,
        Err(why) => read.not_read.push(format!("which directory numbers are urgent or ring nowhere ({why})")),
    }
    match (asking.rows(TARGETS).await?, asking.rows(LISTS).await?) {
        (Ok(targets), Ok(lists)) if !targets.is_empty() => {
            let all_on_net = on_net_lists(&lists);
            read.on_net.extend(all_on_net.iter().filter(|(_, on_net)| **on_net).map(|(name, _)| (*name).to_owned()));
            read.targets = Some(of_targets(&targets, &all_on_net));
        }
        (Ok(_), Ok(_)) => read.not_read.push("where any route pattern leads".into()),
        (Err(why), _) | (_, Err(why)) => {
            read.not_read.push(format!("where route patterns lead, so that each counts as a way to the PSTN ({why})"));
        }
    }
    read.given_up = asking.given_up;
    Ok(read)
}

/// The devices of one number, or the one of this name.
///
/// # Errors
/// As every read: this cannot be told without.
pub(super) async fn callers_at(client: &Client, origin: &Origin) -> Result<Vec<Caller>, Error> {
    let condition = match origin {
        Origin::Css(_) | Origin::Spaces { .. } => return Ok(Vec::new()),
        Origin::Device(name) => format!("d.name = {}", quoted(name)),
        Origin::Number { number, partition } => {
            // A `+` stands in a pattern behind a backslash.
            let number = number.trim_start_matches('\\');
            let written = [number.to_owned(), format!("\\{number}")].map(|text| quoted(&text));
            let partition = partition.as_ref().map(|name| format!(" and lp.name = {}", quoted(name)));
            format!("l.dnorpattern in ({}){}", written.join(", "), partition.unwrap_or_default())
        }
    };
    let found = of_rows(&client.sql(&callers(&condition)).await?);
    let trunk = match origin {
        Origin::Device(name) if found.iter().any(|caller| caller.kind == CallerKind::Trunk) => name,
        _ => return Ok(found),
    };
    // `_` and `%` of a name are anything to a search; the name itself is looked for then.
    let mut trunks = client.sip_trunks(trunk).await?;
    trunks.retain(|found| found.name == *trunk);
    Ok(told_apart(found, trunks))
}

fn incoming(trunk: &SipTrunk) -> Incoming {
    Incoming { significant: trunk.significant_digits, prefix: trunk.prefix.clone().unwrap_or_default() }
}

/// Trunks of one calling search space that change digits differently are callers of their own.
fn told_apart(mut callers: Vec<Caller>, trunks: Vec<SipTrunk>) -> Vec<Caller> {
    for trunk in trunks {
        let incoming = incoming(&trunk);
        if incoming.is_none() {
            continue;
        }
        let is_of = |caller: &Caller| caller.kind == CallerKind::Trunk && caller.device_css == trunk.css;
        // One that was made since the others were counted is among none of them.
        if let Some(others) = callers.iter_mut().find(|caller| is_of(caller) && caller.incoming.is_none()) {
            others.count = others.count.saturating_sub(1);
            others.example.take_if(|name| *name == trunk.name);
        }
        match callers.iter_mut().find(|caller| is_of(caller) && caller.incoming == incoming) {
            Some(known) => known.count += 1,
            None => callers.push(Caller {
                kind: CallerKind::Trunk,
                line_css: None,
                device_css: trunk.css,
                count: 1,
                example: Some(trunk.name),
                incoming,
            }),
        }
    }
    callers.retain(|caller| caller.kind != CallerKind::Trunk || caller.count > 0);
    callers.sort();
    callers
}

/// Between quotation marks, those inside doubled.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

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
fn refers(trunk: &SipTrunk) -> impl Iterator<Item = Leg> {
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

fn of_rows(rows: &[Row]) -> Vec<Caller> {
    let mut callers: BTreeMap<String, Caller> = BTreeMap::new();
    for row in rows {
        let Some(kind) = kind(row) else { continue };
        let has_line = matches!(kind, CallerKind::Phone | CallerKind::Cti | CallerKind::RemoteDestination);
        let text = |column: &str| row.text(column).map(str::to_owned);
        let (line_css, device_css) = (text("linecss").filter(|_| has_line), text("devicecss"));
        let (count, example) = (row.number("n"), text("example"));
        let caller = Caller { kind, line_css, device_css, count, example, incoming: Incoming::default() };
        callers.entry(caller.to_string()).and_modify(|known| known.count += count).or_insert(caller);
    }
    let mut callers: Vec<Caller> = callers.into_values().collect();
    callers.sort();
    callers
}

fn kind(row: &Row) -> Option<CallerKind> {
    Some(match (row.text("kind")?, row.text("cti")) {
        ("Phone", Some("cti")) | ("CTI Route Point", _) => CallerKind::Cti,
        ("Phone", _) => CallerKind::Phone,
        ("Gateway", _) => CallerKind::Gateway,
        ("Trunk", _) => CallerKind::Trunk,
        ("Voice Mail", _) => CallerKind::VoiceMail,
        ("Remote Destination Profile", _) => CallerKind::RemoteDestination,
        _ => return None,
    })
}

/// On-net is only what has devices, and none that is anything else.
fn on_net_lists(lists: &[Row]) -> HashMap<&str, bool> {
    let mut all_on_net: HashMap<&str, bool> = HashMap::new();
    for row in lists {
        let list = all_on_net.entry(row.text("list").unwrap_or_default()).or_insert(true);
        *list &= row.text("device").is_some() && is_on_net(row);
    }
    all_on_net
}

fn is_on_net(row: &Row) -> bool {
    row.text("location") == Some("OnNet")
}

fn of_targets(targets: &[Row], all_on_net: &HashMap<&str, bool>) -> HashMap<Uuid, Target> {
    let mut found: HashMap<Uuid, Target> = HashMap::new();
    for row in targets {
        let (Some(route), Some(name)) = (row.text("route"), row.text("target")) else { continue };
        let (destination, on_net) = match row.text("kind") {
            Some("Route List") => {
                (Destination::RouteList(name.to_owned()), all_on_net.get(name).copied().unwrap_or(false))
            }
            _ => (Destination::Gateway(name.to_owned()), is_on_net(row)),
        };
        let known = found.entry(Uuid::from(route)).or_insert(Target { destination, on_net });
        known.on_net &= on_net;
    }
    found
}

impl BySql {
    /// The calls that CUCM makes by itself, but those of hunt pilots.
    ///
    /// # Errors
    /// As [`read`].
    pub(super) async fn legs(&mut self, client: &Client, spaces: &[CallingSearchSpace]) -> Result<Legs, Error> {
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

    /// Puts in where it leads; false where that is not known.
    pub(super) fn lead(&self, route: &mut RoutePattern) -> bool {
        let Some(target) = self.targets.as_ref().and_then(|targets| targets.get(&route.uuid)) else { return false };
        (route.destination, route.on_net) = (target.destination.clone(), target.on_net);
        true
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

    fn row(columns: &[(&str, &str)]) -> Row {
        columns.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn a_name_with_quotation_marks_stays_a_name() {
        assert_eq!(quoted("O'Hara' or '1'='1"), "'O''Hara'' or ''1''=''1'");
    }

    #[test]
    fn a_list_is_on_net_only_if_every_device_of_every_group_is() {
        let lists = [
            row(&[("list", "RL-IN"), ("device", "T1"), ("location", "OnNet")]),
            row(&[("list", "RL-MIX"), ("device", "T1"), ("location", "OnNet")]),
            row(&[("list", "RL-MIX"), ("device", "T2"), ("location", "Use System Default")]),
            row(&[("list", "RL-LOCAL"), ("routegroup", "Standard Local Route Group")]),
        ];
        let target = |route: &str, name: &str| row(&[("route", route), ("target", name), ("kind", "Route List")]);
        let targets = [
            target("1", "RL-IN"),
            target("2", "RL-MIX"),
            target("3", "RL-LOCAL"),
            target("4", "RL-EMPTY"),
            row(&[("route", "5"), ("target", "T1"), ("kind", "Trunk"), ("location", "OnNet")]),
            row(&[("route", "6"), ("target", "G"), ("kind", "Gateway")]),
        ];
        let found = of_targets(&targets, &on_net_lists(&lists));
        let on_net = |route: &str| found[&Uuid::from(route)].on_net;
        assert_eq!(["1", "2", "3", "4", "5", "6"].map(on_net), [true, false, false, false, true, false]);
        assert_eq!(found[&Uuid::from("6")].destination, Destination::Gateway("G".into()));
    }

    #[test]
    fn ports_are_no_phones_and_the_lines_of_trunks_do_not_matter() {
        let rows = [
            row(&[("kind", "Phone"), ("cti", "cti"), ("linecss", "L"), ("n", "2"), ("example", "CTIP1")]),
            row(&[("kind", "Phone"), ("cti", "-"), ("devicecss", "D"), ("n", "5"), ("example", "SEP1")]),
            row(&[("kind", "Gateway"), ("linecss", "A"), ("devicecss", "D"), ("n", "1"), ("example", "G1")]),
            row(&[("kind", "Gateway"), ("linecss", "B"), ("devicecss", "D"), ("n", "3"), ("example", "G2")]),
            row(&[("kind", "Something new"), ("n", "9")]),
        ];
        let found: Vec<_> = of_rows(&rows).iter().map(|caller| (caller.to_string(), caller.count)).collect();
        let want = [("phone:-+D", 5), ("cti:L+-", 2), ("gateway:-+D", 4)];
        assert_eq!(found, want.map(|(id, count)| (id.to_owned(), count)));
    }
}
