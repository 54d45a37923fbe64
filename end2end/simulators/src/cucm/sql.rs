//! `executeSQLQuery`: the cluster as tables with CUCM's names, in a real SQL database, so that a wrong column or join fails.
//!
//! Tables and columns are those of public listings of CUCM's data dictionary, as far as somebody asks for them here. Informix
//! pages by `skip` and `first` behind `select`; everything else is written the same in SQLite.

use super::model::{Cluster, Device, Number, uuid};
use super::operations::Fault;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};
use std::fmt::Write;

const TABLES: &str = "
create table typeclass (enum integer, name text);
create table typemodel (enum integer, name text);
create table typenetworklocation (enum integer, name text);
create table typepatternusage (enum integer, name text);
create table callingsearchspace (pkid text, name text, clause text);
create table routepartition (pkid text, name text);
create table device (pkid text, name text, tkclass integer, tkmodel integer, tknetworklocation integer,
 fkcallingsearchspace text, fkcallingsearchspace_reroute text, fkcallingsearchspace_aar text, fkdevicepool text,
 routelistenabled text);
create table devicepool (pkid text, name text);
create table devicepoolroutegroupmap (pkid text, fkdevicepool text, fkroutegroup_local text, fkroutegroup text);
create table processconfig (pkid text, paramname text, paramvalue text);
create table numplan (pkid text, dnorpattern text, fkroutepartition text, tkpatternusage integer,
 fkcallingsearchspace_sharedlineappear text, patternurgency text, iscallable text,
 cfbdestination text, fkcallingsearchspace_cfb text, cfbintdestination text, fkcallingsearchspace_cfbint text,
 cfnadestination text, fkcallingsearchspace_cfna text, cfnaintdestination text, fkcallingsearchspace_cfnaint text,
 pffdestination text, fkcallingsearchspace_pff text, pffintdestination text, fkcallingsearchspace_pffint text,
 devicefailuredn text, fkcallingsearchspace_devicefailure text, cfurdestination text, fkcallingsearchspace_cfur text,
 cfurintdestination text, fkcallingsearchspace_cfurint text);
create table callforwarddynamic (pkid text, fknumplan text, cfadestination text, fkcallingsearchspace_cfa text,
 fkcallingsearchspace_scfa text);
create table remotedestination (pkid text, fkdevice_remotedestinationtemplate text, fknumplan text);
create table devicenumplanmap (pkid text, fkdevice text, fknumplan text, numplanindex integer);
create table routegroup (pkid text, name text);
create table routelist (pkid text, fkdevice text, fkroutegroup text, selectionorder integer);
create table routegroupdevicemap (pkid text, fkroutegroup text, fkdevice text);
create view systables as select rowid as tabid, name as tabname from sqlite_master where type = 'table';
create view syscolumns as select m.rowid as tabid, c.cid + 1 as colno, c.name as colname
 from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table';
";

const CLASSES: [&str; 7] =
    ["Phone", "Gateway", "Trunk", "CTI Route Point", "Voice Mail", "Route List", "Remote Destination Profile"];
const LOCATIONS: [&str; 3] = ["OnNet", "OffNet", "Use System Default"];
const USAGES: [&str; 29] = [
    "CallPark",
    "Conference",
    "Device",
    "Translation",
    "Call Pick Up Group",
    "Route",
    "Message Waiting",
    "Hunt Pilot",
    "Voice Mail Port",
    "Domain Routing",
    "IPAddress Routing",
    "Device template",
    "Directed Call Park",
    "Device Intercom",
    "Translation Intercom",
    "Translation Calling Party Number",
    "Mobility Handoff",
    "Mobility Enterprise Feature Access",
    "Mobility IVR",
    "Device Intercom Template",
    "Called Party Number Transformation",
    "Call Control Discovery Learned Pattern",
    "Uri Routing",
    "ILS Learned Enterprise Number",
    "ILS Learned E164 Number",
    "ILS Learned Enterprise Numeric Pattern",
    "ILS Learned E164 Numeric Pattern",
    "Alternate Number",
    "ILS Learned URI",
];

/// Answers one query with rows of `<column>value</column>`.
pub(super) fn answer(cluster: &Cluster, query: &str, most: Option<usize>, missing: &[String]) -> Result<String, Fault> {
    if !query.trim_start().get(..7).is_some_and(|word| word.eq_ignore_ascii_case("select ")) {
        return Err(Fault(-1, "Only SELECT statements are allowed in executeSQLQuery".into()));
    }
    rows(cluster, &paged(query), most, missing).map_err(|why| match why {
        Trouble::Sql(error) => Fault(-201, format!("A syntax error has occurred. {error}")),
        Trouble::TooMany(most) => Fault(
            -1,
            format!("Query request too large. Total rows matched: many. Suggestive Row Fetch: less than {most} rows"),
        ),
    })
}

enum Trouble {
    Sql(rusqlite::Error),
    TooMany(usize),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn rows(cluster: &Cluster, query: &str, most: Option<usize>, missing: &[String]) -> Result<String, Trouble> {
    let tables = tables(cluster)?;
    for (table, column) in missing.iter().filter_map(|column| column.split_once('.')) {
        tables.execute_batch(&format!("alter table {table} drop column {column}"))?;
    }
    let mut asked = tables.prepare(query)?;
    let columns: Vec<String> = asked.column_names().map(str::to_owned).collect();
    let mut rows = asked.query([])?;
    let mut text = String::new();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        text.push_str("<row>");
        for (at, column) in columns.iter().enumerate() {
            let value = match row.get_ref(at)? {
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                _ => String::new(),
            };
            let _ = write!(text, "<{column}>{}</{column}>", quick_xml::escape::escape(value));
        }
        text.push_str("</row>");
    }
    match most.filter(|most| count > *most) {
        Some(most) => Err(Trouble::TooMany(most)),
        None if text.is_empty() => Ok("<return/>".into()),
        None => Ok(format!("<return>{text}</return>")),
    }
}

/// `select skip 0 first 10 …` as SQLite writes it.
fn paged(query: &str) -> String {
    let mut words = query.split_whitespace().skip(1).peekable();
    let mut number = |name: &str| {
        words.next_if(|word| word.eq_ignore_ascii_case(name))?;
        words.next()?.parse::<i64>().ok()
    };
    let skip = number("skip").unwrap_or(0);
    let first = number("first").unwrap_or(-1);
    format!("select {} limit {first} offset {skip}", words.collect::<Vec<_>>().join(" "))
}

fn tables(cluster: &Cluster) -> rusqlite::Result<Connection> {
    let tables = Connection::open_in_memory()?;
    tables.execute_batch(TABLES)?;
    for (name, values) in [("typeclass", &CLASSES[..]), ("typenetworklocation", &LOCATIONS)] {
        for (number, value) in (1_i64..).zip(values) {
            tables.execute(&format!("insert into {name} values (?1, ?2)"), params![number, value])?;
        }
    }
    for (number, name) in (0_i64..).zip(USAGES) {
        tables.execute("insert into typepatternusage values (?1, ?2)", params![number, name])?;
    }
    for css in &cluster.calling_search_spaces {
        let clause = css.members.join(":");
        tables.execute(
            "insert into callingsearchspace values (?1, ?2, ?3)",
            params![id("Css", &css.name), css.name, clause],
        )?;
    }
    for partition in &cluster.partitions {
        let name = &partition.name;
        tables.execute("insert into routepartition values (?1, ?2)", params![id("RoutePartition", name), name])?;
    }
    for (name, value) in &cluster.service_parameters {
        let row = params![id("ProcessConfig", name), name, value];
        tables.execute("insert into processconfig values (?1, ?2, ?3)", row)?;
    }
    numbers(&tables, cluster)?;
    devices(&tables, cluster)?;
    Ok(tables)
}

/// As SQL shows it: without braces.
fn id(kind: &str, name: &str) -> String {
    uuid(kind, name).trim_matches(['{', '}']).to_ascii_lowercase()
}

fn pattern_id(kind: &str, pattern: &str, partition: Option<&str>) -> String {
    id(kind, &format!("{pattern}@{}", partition.unwrap_or("")))
}

fn numbers(tables: &Connection, cluster: &Cluster) -> rusqlite::Result<()> {
    let mut insert = tables.prepare(
        "insert into numplan (pkid, dnorpattern, fkroutepartition, tkpatternusage, fkcallingsearchspace_sharedlineappear,
         patternurgency, iscallable) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let flag = |flag: bool| if flag { "t" } else { "f" };
    let partition = |name: &Option<String>| name.as_ref().map(|name| id("RoutePartition", name));
    let mut number = |kind: &str, usage: i64, one: &Number| {
        let css = one.css.as_ref().map(|css| id("Css", css));
        let partition = partition(&one.partition);
        let pkid = pattern_id(kind, &one.pattern, one.partition.as_deref());
        insert.execute(params![pkid, one.pattern, partition, usage, css, flag(one.urgent), flag(!one.dead)])
    };
    for line in &cluster.lines {
        number("line", 2, line)?;
        forwards(tables, line)?;
    }
    for pilot in &cluster.hunt_pilots {
        number("huntPilot", 7, pilot)?;
    }
    for feature in &cluster.features {
        let number = (0_i64..).zip(USAGES).find(|(_, usage)| *usage == feature.usage).map(|(number, _)| number);
        let pkid = pattern_id(&feature.usage, &feature.pattern, feature.partition.as_deref());
        let place = partition(&feature.partition);
        let urgent = flag(feature.urgent);
        insert.execute(params![pkid, feature.pattern, place, number, None::<String>, urgent, "t"])?;
    }
    let routes = cluster.route_patterns.iter().map(|p| ("RoutePattern", 5_i64, &p.pattern, &p.partition, p.urgent));
    let translations =
        cluster.translation_patterns.iter().map(|p| ("TransPattern", 3_i64, &p.pattern, &p.partition, p.urgent));
    for (kind, usage, pattern, place, urgent) in routes.chain(translations) {
        let pkid = pattern_id(kind, pattern, place.as_deref());
        insert.execute(params![pkid, pattern, partition(place), usage, None::<String>, flag(urgent), "t"])?;
    }
    Ok(())
}

/// In the columns of their kind.
fn forwards(tables: &Connection, line: &Number) -> rusqlite::Result<()> {
    let pkid = pattern_id("line", &line.pattern, line.partition.as_deref());
    for forward in &line.forwards {
        let mut css = forward.css.iter().map(|name| id("Css", name));
        let columns = match forward.when.as_str() {
            "all" => {
                let own = id("Forward", &pkid);
                let insert = "insert into callforwarddynamic values (?1, ?2, ?3, ?4, ?5)";
                tables.execute(insert, params![own, pkid, forward.destination, css.next(), css.next()])?;
                continue;
            }
            "busy" => ["cfbdestination", "fkcallingsearchspace_cfb"],
            "no_answer" => ["cfnadestination", "fkcallingsearchspace_cfna"],
            "no_coverage" => ["pffdestination", "fkcallingsearchspace_pff"],
            "cti_failure" => ["devicefailuredn", "fkcallingsearchspace_devicefailure"],
            _ => ["cfurdestination", "fkcallingsearchspace_cfur"],
        };
        let [destination, space] = columns;
        let update = format!("update numplan set {destination} = ?1, {space} = ?2 where pkid = ?3");
        tables.execute(&update, params![forward.destination, css.next(), pkid])?;
    }
    Ok(())
}

fn devices(tables: &Connection, cluster: &Cluster) -> rusqlite::Result<()> {
    let mut models: Vec<&str> = cluster.devices.iter().map(|device| device.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    for (number, name) in (1_i64..).zip(&models) {
        tables.execute("insert into typemodel values (?1, ?2)", params![number, name])?;
    }
    let class = |name: &str| (1_i64..).zip(CLASSES).find(|(_, class)| *class == name).map(|(number, _)| number);
    let model = |name: &str| (1_i64..).zip(&models).find(|(_, model)| **model == name).map(|(number, _)| number);
    let location =
        |name: Option<&str>| (1_i64..).zip(LOCATIONS).find(|(_, l)| Some(*l) == name).map(|(number, _)| number);
    let mut insert = tables.prepare("insert into device values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?;
    let mut map = tables.prepare("insert into devicenumplanmap values (?1, ?2, ?3, ?4)")?;
    for device in &cluster.devices {
        let css = device.css.as_ref().map(|css| id("Css", css));
        let place = location(device.network_location.as_deref());
        let own = id("Device", &device.name);
        let [reroute, aar] = [&device.reroute_css, &device.aar_css].map(|css| css.as_ref().map(|css| id("Css", css)));
        let class = class(device.class());
        let model = model(&device.model);
        let pool = device.pool.as_ref().map(|pool| id("DevicePool", pool));
        insert.execute(params![own, device.name, class, model, place, css, reroute, aar, pool, "f"])?;
        for mobile in &device.remote_destinations {
            let pkid = id("RemoteDestination", mobile);
            tables.execute("insert into remotedestination values (?1, ?2, ?3)", params![pkid, own, mobile])?;
        }
        for (index, line) in (1_i64..).zip(&device.lines) {
            let number = cluster.lines.iter().find(|one| one.pattern == *line);
            let number = number.map(|one| pattern_id("line", &one.pattern, one.partition.as_deref()));
            map.execute(params![id("Map", &format!("{}/{index}", device.name)), own, number, index])?;
        }
    }
    for list in &cluster.route_lists {
        let class = class("Route List");
        let none = None::<String>;
        let enabled = if cluster.switched_off.contains(list) { "f" } else { "t" };
        let own = id("RouteList", list);
        insert.execute(params![own, list, class, None::<i64>, None::<i64>, none, none, none, none, enabled])?;
    }
    let target = |list: &Option<String>, gateway: &Option<String>| {
        let list = list.as_ref().map(|name| id("RouteList", name));
        list.or(gateway.as_ref().map(|name| id("Device", name)))
    };
    for route in &cluster.route_patterns {
        let number = pattern_id("RoutePattern", &route.pattern, route.partition.as_deref());
        let pkid = id("Map", &number);
        map.execute(params![pkid, target(&route.route_list, &route.gateway), number, 1])?;
    }
    groups(tables, cluster)?;
    pools(tables, cluster)
}

fn pools(tables: &Connection, cluster: &Cluster) -> rusqlite::Result<()> {
    for pool in &cluster.device_pools {
        let own = id("DevicePool", &pool.name);
        tables.execute("insert into devicepool values (?1, ?2)", params![own, pool.name])?;
        for (local, group) in &pool.local_route_groups {
            let pkid = id("DevicePool", &format!("{}/{local}", pool.name));
            let [local, group] = [local, group].map(|name| id("RouteGroup", name));
            let insert = "insert into devicepoolroutegroupmap values (?1, ?2, ?3, ?4)";
            tables.execute(insert, params![pkid, own, local, group])?;
        }
    }
    Ok(())
}

fn groups(tables: &Connection, cluster: &Cluster) -> rusqlite::Result<()> {
    for group in &cluster.route_groups {
        let own = id("RouteGroup", &group.name);
        tables.execute("insert into routegroup values (?1, ?2)", params![own, group.name])?;
        for (order, list) in (1_i64..).zip(&group.lists) {
            let pkid = id("RouteList", &format!("{list}/{}", group.name));
            tables.execute(
                "insert into routelist values (?1, ?2, ?3, ?4)",
                params![pkid, id("RouteList", list), own, order],
            )?;
        }
        for device in &group.devices {
            let pkid = id("RouteGroup", &format!("{}/{device}", group.name));
            let device = id("Device", device);
            tables.execute("insert into routegroupdevicemap values (?1, ?2, ?3)", params![pkid, own, device])?;
        }
    }
    Ok(())
}

impl Device {
    fn class(&self) -> &str {
        if self.class.is_empty() { "Phone" } else { &self.class }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_as_informix_does() {
        assert_eq!(
            paged("select skip 20 first 10 a from b order by a"),
            "select a from b order by a limit 10 offset 20"
        );
        assert_eq!(paged("SELECT a FROM b"), "select a FROM b limit -1 offset 0");
    }

    #[test]
    fn a_column_that_is_not_there_and_a_write_are_refused() {
        let cluster = Cluster::named("acme-north").unwrap();
        assert!(answer(&cluster, "select nothing from device", None, &[]).is_err());
        assert!(answer(&cluster, "delete from device", None, &[]).is_err());
        assert!(
            answer(&cluster, "select count(*) as n from numplan where tkpatternusage = 5", None, &[])
                .is_ok_and(|text| text.contains("<n>44</n>"))
        );
    }
}
