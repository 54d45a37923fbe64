//! Where route patterns lead in the end: gateways and trunks, by themselves or through route lists and groups.

use axl::sql::Row;
use lockdown::dial_plan::Destination;
use lockdown::ids::Uuid;
use std::collections::HashMap;

/// Where each route pattern leads.
pub(super) const TARGETS: &str = "n.pkid as route, d.name as target, k.name as kind, w.name as location \
    from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
    inner join devicenumplanmap m on m.fknumplan = n.pkid \
    inner join device d on d.pkid = m.fkdevice inner join typeclass k on k.enum = d.tkclass \
    left outer join typenetworklocation w on w.enum = d.tknetworklocation \
    where u.name = 'Route' order by n.pkid, d.pkid";

/// The gateways and trunks of each route list; none where it is a local route group.
pub(super) const LISTS: &str = "d.name as list, g.name as routegroup, v.name as device, w.name as location \
    from routelist r inner join device d on d.pkid = r.fkdevice \
    inner join routegroup g on g.pkid = r.fkroutegroup \
    left outer join routegroupdevicemap x on x.fkroutegroup = g.pkid \
    left outer join device v on v.pkid = x.fkdevice \
    left outer join typenetworklocation w on w.enum = v.tknetworklocation \
    order by d.name, r.selectionorder, g.name, v.name";

pub(super) struct Target {
    pub(super) destination: Destination,
    pub(super) on_net: bool,
}

/// On-net is only what has devices, and none that is anything else.
pub(super) fn on_net_lists(lists: &[Row]) -> HashMap<&str, bool> {
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

pub(super) fn of_rows(targets: &[Row], all_on_net: &HashMap<&str, bool>) -> HashMap<Uuid, Target> {
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
        let found = of_rows(&targets, &on_net_lists(&lists));
        let on_net = |route: &str| found[&Uuid::from(route)].on_net;
        assert_eq!(["1", "2", "3", "4", "5", "6"].map(on_net), [true, false, false, false, true, false]);
        assert_eq!(found[&Uuid::from("6")].destination, Destination::Gateway("G".into()));
    }
}
