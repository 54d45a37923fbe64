//! Who can call, by kind and calling search spaces: a few hundred rows, not one for each of 5000 phones.

use super::quoted;
use axl::sip_trunk::SipTrunk;
use axl::sql::Row;
use axl::{Client, Error};
use lockdown::caller::{Caller, CallerKind, Incoming};
use lockdown::local_routes::LocalRoutes;
use lockdown::trace::Origin;
use std::collections::BTreeMap;

/// Of the devices for which this holds.
fn statement(condition: &str) -> String {
    format!(
        "k.name as kind, case when y.name in ('CTI Port', 'CTI Route Point') then 'cti' else '-' end as cti, \
         lc.name as linecss, dc.name as devicecss, p.name as pool, count(distinct d.pkid) as n, min(d.name) as example \
         from device d inner join typeclass k on k.enum = d.tkclass \
         inner join typemodel y on y.enum = d.tkmodel \
         left outer join devicenumplanmap m on m.fkdevice = d.pkid \
         left outer join numplan l on l.pkid = m.fknumplan \
         left outer join routepartition lp on lp.pkid = l.fkroutepartition \
         left outer join callingsearchspace lc on lc.pkid = l.fkcallingsearchspace_sharedlineappear \
         left outer join callingsearchspace dc on dc.pkid = d.fkcallingsearchspace \
         left outer join devicepool p on p.pkid = d.fkdevicepool \
         where {condition} group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5"
    )
}

/// All that can place a call.
const EVERYBODY: &str =
    "k.name in ('Phone', 'CTI Route Point', 'Gateway', 'Trunk', 'Voice Mail', 'Remote Destination Profile')";

pub(super) fn everybody() -> String {
    statement(EVERYBODY)
}

/// The devices of one number, or the one of this name.
///
/// # Errors
/// As every read: this cannot be told without.
pub(in crate::dial_plan) async fn callers_at(
    client: &Client,
    origin: &Origin,
    local: &[LocalRoutes],
) -> Result<Vec<Caller>, Error> {
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
    let found = of_rows(&client.sql(&statement(&condition)).await?, local);
    let trunk = match origin {
        Origin::Device(name) if found.iter().any(|caller| caller.kind == CallerKind::Trunk) => name,
        _ => return Ok(found),
    };
    // `_` and `%` of a name are anything to a search; the name itself is looked for then.
    let mut trunks = client.sip_trunks(trunk).await?;
    trunks.retain(|found| found.name == *trunk);
    Ok(told_apart(found, trunks, local))
}

fn incoming(trunk: &SipTrunk) -> Incoming {
    Incoming { significant: trunk.significant_digits, prefix: trunk.prefix.clone().unwrap_or_default() }
}

/// Trunks of one calling search space that change digits differently are callers of their own.
pub(super) fn told_apart(mut callers: Vec<Caller>, trunks: Vec<SipTrunk>, local: &[LocalRoutes]) -> Vec<Caller> {
    for trunk in trunks {
        let incoming = incoming(&trunk);
        if incoming.is_none() {
            continue;
        }
        let local = of_pool(local, trunk.pool.as_deref());
        let is_of = |caller: &Caller| {
            caller.kind == CallerKind::Trunk && caller.device_css == trunk.css && caller.local == local
        };
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
                local,
            }),
        }
    }
    callers.retain(|caller| caller.kind != CallerKind::Trunk || caller.count > 0);
    callers.sort();
    callers
}

/// From any pool where it makes no difference.
fn of_pool(local: &[LocalRoutes], pool: Option<&str>) -> LocalRoutes {
    let of_pool = |one: &&LocalRoutes| pool.is_some_and(|pool| one.pools.contains(pool));
    local.iter().find(of_pool).cloned().unwrap_or_default()
}

pub(super) fn of_rows(rows: &[Row], local: &[LocalRoutes]) -> Vec<Caller> {
    let mut callers: BTreeMap<String, Caller> = BTreeMap::new();
    for row in rows {
        let Some(kind) = kind(row) else { continue };
        let has_line = matches!(kind, CallerKind::Phone | CallerKind::Cti | CallerKind::RemoteDestination);
        let text = |column: &str| row.text(column).map(str::to_owned);
        let line_css = text("linecss").filter(|_| has_line);
        let device_css = text("devicecss");
        let count = row.number("n");
        let example = text("example");
        let local = of_pool(local, row.text("pool"));
        let caller = Caller { kind, line_css, device_css, count, example, incoming: Incoming::default(), local };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(columns: &[(&str, &str)]) -> Row {
        columns.iter().map(|(column, text)| ((*column).to_owned(), (*text).to_owned())).collect()
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
        let found: Vec<_> = of_rows(&rows, &[]).iter().map(|caller| (caller.to_string(), caller.count)).collect();
        let want = [("phone:-+D", 5), ("cti:L+-", 2), ("gateway:-+D", 4)];
        assert_eq!(found, want.map(|(id, count)| (id.to_owned(), count)));
    }
}
