//! Where route patterns lead in the end: gateways and trunks, by themselves or through route lists and groups.

use axl::sql::Row;
use lockdown::dial_plan::Destination;
use lockdown::ids::Uuid;
use lockdown::local_routes::{Behind, LocalRoutes};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Where each route pattern leads.
pub(super) const TARGETS: &str = "n.pkid as route, d.name as target, k.name as kind, w.name as location \
    from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
    inner join devicenumplanmap m on m.fknumplan = n.pkid \
    inner join device d on d.pkid = m.fkdevice inner join typeclass k on k.enum = d.tkclass \
    left outer join typenetworklocation w on w.enum = d.tknetworklocation \
    where u.name = 'Route' order by n.pkid, d.pkid";

/// The gateways and trunks of each route list; none where it is a local route group. A list that is switched off leads
/// nowhere.
pub(super) const LISTS: &str = "d.name as list, d.routelistenabled as enabled, g.name as routegroup, v.name as device, w.name as location \
    from routelist r inner join device d on d.pkid = r.fkdevice \
    inner join routegroup g on g.pkid = r.fkroutegroup \
    left outer join routegroupdevicemap x on x.fkroutegroup = g.pkid \
    left outer join device v on v.pkid = x.fkdevice \
    left outer join typenetworklocation w on w.enum = v.tknetworklocation \
    order by d.name, r.selectionorder, g.name, v.name";

/// The gateways and trunks of each local route group of each device pool; none where the pool has no such group.
pub(super) const POOLS: &str = "p.name as pool, l.name as routegroup, v.name as device, w.name as location \
    from devicepool p left outer join devicepoolroutegroupmap m on m.fkdevicepool = p.pkid \
    left outer join routegroup l on l.pkid = m.fkroutegroup_local \
    left outer join routegroupdevicemap x on x.fkroutegroup = m.fkroutegroup \
    left outer join device v on v.pkid = x.fkdevice \
    left outer join typenetworklocation w on w.enum = v.tknetworklocation \
    order by p.name, l.name, v.name";

pub(super) struct Target {
    pub(super) destination: Destination,
    /// From any device pool.
    pub(super) behind: Behind,
}

/// Where route lists lead.
#[derive(Default)]
pub(super) struct Lists {
    /// From any device pool, the farthest.
    pub(super) behind: BTreeMap<String, Behind>,
    /// From device pools from which it is not the same.
    pub(super) local: Vec<LocalRoutes>,
}

/// A route list.
#[derive(Default)]
struct List<'r> {
    devices: Option<Behind>,
    local_groups: BTreeSet<&'r str>,
}

/// By device pool and local route group.
type Pools<'r> = BTreeMap<&'r str, BTreeMap<&'r str, Behind>>;

pub(super) fn uses_local_groups(lists: &[Row]) -> bool {
    lists.iter().any(|row| row.text("device").is_none())
}

impl Lists {
    /// Where pools were not read, a local route group may lead anywhere.
    pub(super) fn of_rows(lists: &[Row], pools: Option<&[Row]>) -> Self {
        let lists = of_lists(lists);
        let pools = pools.map(of_pools);
        let mut found = Self::default();
        for (name, list) in &lists {
            let behind = match &pools {
                Some(pools) if !list.local_groups.is_empty() => pools.values().map(|pool| list.behind(pool)).max(),
                None if !list.local_groups.is_empty() => Some(Behind::Outside),
                _ => list.devices,
            };
            found.behind.insert((*name).to_owned(), behind.unwrap_or(Behind::Nothing));
        }
        for (name, pool) in pools.iter().flatten() {
            found.tell_apart(name, pool, &lists);
        }
        found
    }

    fn tell_apart(&mut self, name: &str, pool: &BTreeMap<&str, Behind>, lists: &BTreeMap<&str, List<'_>>) {
        let of = |behind| -> BTreeSet<String> {
            let with_groups = lists.iter().filter(|(_, list)| !list.local_groups.is_empty());
            let so = with_groups.filter(|(_, list)| list.behind(pool) == behind);
            so.filter(|(list, _)| self.behind[**list] > behind).map(|(list, _)| (*list).to_owned()).collect()
        };
        let nowhere = of(Behind::Nothing);
        let inside = of(Behind::Inside);
        if nowhere.is_empty() && inside.is_empty() {
            return;
        }
        match self.local.iter_mut().find(|known| (&known.nowhere, &known.inside) == (&nowhere, &inside)) {
            Some(known) => drop(known.pools.insert(name.to_owned())),
            None => self.local.push(LocalRoutes { pools: [name.to_owned()].into(), nowhere, inside }),
        }
    }
}

impl List<'_> {
    fn behind(&self, pool: &BTreeMap<&str, Behind>) -> Behind {
        let local = self.local_groups.iter().filter_map(|group| pool.get(group).copied());
        local.chain(self.devices).max().unwrap_or(Behind::Nothing)
    }
}

fn of_lists(rows: &[Row]) -> BTreeMap<&str, List<'_>> {
    let mut lists: BTreeMap<&str, List<'_>> = BTreeMap::new();
    for row in rows {
        let list = lists.entry(row.text("list").unwrap_or_default()).or_default();
        match row.text("device") {
            _ if row.text("enabled") == Some("f") => {}
            Some(_) => list.devices = list.devices.max(Some(behind(row))),
            None => drop(list.local_groups.insert(row.text("routegroup").unwrap_or_default())),
        }
    }
    lists
}

fn of_pools(rows: &[Row]) -> Pools<'_> {
    let mut pools = Pools::new();
    for row in rows {
        let pool = pools.entry(row.text("pool").unwrap_or_default()).or_default();
        if let (Some(group), Some(_)) = (row.text("routegroup"), row.text("device")) {
            let known = pool.entry(group).or_insert(Behind::Inside);
            *known = behind(row).max(*known);
        }
    }
    pools
}

/// A gateway or trunk.
fn behind(row: &Row) -> Behind {
    if row.text("location") == Some("OnNet") { Behind::Inside } else { Behind::Outside }
}

pub(super) fn of_rows(targets: &[Row], lists: &Lists) -> HashMap<Uuid, Target> {
    let mut found: HashMap<Uuid, Target> = HashMap::new();
    for row in targets {
        let (Some(route), Some(name)) = (row.text("route"), row.text("target")) else { continue };
        let (destination, behind) = match row.text("kind") {
            // Of a list without any group nothing was told.
            Some("Route List") => {
                (Destination::RouteList(name.to_owned()), lists.behind.get(name).copied().unwrap_or(Behind::Outside))
            }
            _ => (Destination::Gateway(name.to_owned()), behind(row)),
        };
        let known = found.entry(Uuid::from(route)).or_insert(Target { destination, behind });
        known.behind = known.behind.max(behind);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: &[(&str, &str)]) -> Row {
        columns.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect()
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
        let found = of_rows(&targets, &Lists::of_rows(&lists, None));
        let on_net = |route: &str| found[&Uuid::from(route)].behind == Behind::Inside;
        assert_eq!(["1", "2", "3", "4", "5", "6"].map(on_net), [true, false, false, false, true, false]);
        assert_eq!(found[&Uuid::from("6")].destination, Destination::Gateway("G".into()));
    }
    #[test]
    fn a_list_of_local_groups_leads_where_those_of_the_pool_lead() {
        let list = |list: &str, group: &str| row(&[("list", list), ("routegroup", group)]);
        let gateway = |list: &str, at: &str| row(&[("list", list), ("device", "G"), ("location", at)]);
        let lists = [
            list("RL", "LRG"),
            list("RL-BACKUP", "LRG"),
            gateway("RL-BACKUP", "OffNet"),
            list("RL-CLUSTER", "LRG-B"),
            list("RL-GONE", "LRG-C"),
        ];
        let pool = |name: &str, group: &str, at: &str| {
            row(&[("pool", name), ("routegroup", group), ("device", "G"), ("location", at)])
        };
        let pools = [
            pool("CITY", "LRG", "OnNet"),
            pool("CITY", "LRG", "OffNet"),
            pool("CITY", "LRG-B", "OnNet"),
            row(&[("pool", "HILL"), ("routegroup", "LRG")]),
            row(&[("pool", "MINE")]),
            pool("PORT", "LRG", "OnNet"),
            pool("PORT", "LRG-B", "OnNet"),
        ];
        let found = Lists::of_rows(&lists, Some(&pools));
        let any = ["RL", "RL-BACKUP", "RL-CLUSTER", "RL-GONE"].map(|list| found.behind[list]);
        assert_eq!(any, [Behind::Outside, Behind::Outside, Behind::Inside, Behind::Nothing]);
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let local = |pools: &[&str], nowhere: &[&str], inside: &[&str]| LocalRoutes {
            pools: set(pools),
            nowhere: set(nowhere),
            inside: set(inside),
        };
        let want = [local(&["HILL", "MINE"], &["RL", "RL-CLUSTER"], &[]), local(&["PORT"], &[], &["RL"])];
        assert_eq!(found.local, want);
        let unknown = Lists::of_rows(&lists, None);
        assert!(unknown.behind.values().all(|behind| *behind == Behind::Outside) && unknown.local.is_empty());
    }
}
