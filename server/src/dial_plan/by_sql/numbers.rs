//! Numbers that are out of the ordinary: lines that are urgent or ring nowhere, and what is neither a line nor a pattern that
//! leads on. What CUCM keeps those for is told by the names it gives that.
//!
//! The names are those of public listings of `typepatternusage`, in which blanks and capitals differ: neither is looked at.

use super::Asking;
use axl::Error;
use axl::sql::Row;
use lockdown::dial_plan::{Endpoint, EndpointKind, Feature};
use std::collections::{BTreeMap, HashMap};

/// Tens of thousands may have been learned from other clusters: those are counted.
const NUMBERS: &str = "case when u.name like '%Learned%' then '' else n.dnorpattern end as pattern, \
    case when u.name like '%Learned%' then '' else p.name end as partition, \
    u.name as usage, n.patternurgency as urgent, n.iscallable as callable, count(*) as n \
    from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
    left outer join routepartition p on p.pkid = n.fkroutepartition \
    where u.name not in ('Device', 'Translation', 'Route', 'Hunt Pilot') \
    or (u.name = 'Device' and (n.patternurgency = 't' or n.iscallable = 'f')) \
    group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5";

/// Kept for something else, or where nobody dials it; or told by lists of AXL's, under a name that is written otherwise.
const NO_CALLS: [&str; 14] = [
    "device",
    "translation",
    "route",
    "huntpilot",
    "domainrouting",
    "ipaddressrouting",
    "urirouting",
    "ilslearneduri",
    "devicetemplate",
    "deviceintercom",
    "deviceintercomtemplate",
    "translationintercom",
    "translationcallingpartynumber",
    "calledpartynumbertransformation",
];

/// What becomes of a call to such a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usage {
    Takes(EndpointKind),
    TakesNoCalls,
    /// It may lead anywhere: learned from another cluster, or of a kind that came later.
    NotFollowed,
}

#[derive(Default)]
pub(super) struct Numbers {
    lines: Vec<Row>,
    /// Numbers that ring without being lines, and numbers that do something.
    pub(super) features: Vec<Endpoint>,
    /// They were not read, or some are of a kind that is not known. Those learned from other clusters take no number that is
    /// dialled here for something else.
    pub(super) unknown: bool,
}

pub(super) async fn read(asking: &mut Asking<'_>, not_read: &mut Vec<String>) -> Result<Numbers, Error> {
    let rows = match asking.rows(NUMBERS).await? {
        Ok(rows) => rows,
        Err(why) => {
            let what = "which numbers are urgent, ring nowhere, are call parks, conferences and other features, or were learned \
                        from other clusters";
            not_read.push(format!("{what} ({why})"));
            return Ok(Numbers { unknown: true, ..Numbers::default() });
        }
    };
    let (lines, others): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.text("usage") == Some("Device"));
    not_read.extend(not_followed(&others));
    let is_unknown = |row: &Row| {
        let name = row.text("usage").unwrap_or_default();
        usage(name) == Usage::NotFollowed && !name.contains("Learned")
    };
    let unknown = others.iter().any(is_unknown);
    Ok(Numbers { lines, features: others.iter().filter_map(feature).collect(), unknown })
}

fn not_followed(rows: &[Row]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let name = row.text("usage").unwrap_or_default();
        if usage(name) == Usage::NotFollowed {
            *counts.entry(name).or_default() += row.number("n");
        }
    }
    let counts: Vec<String> = counts.into_iter().map(|(name, count)| format!("{count} of “{name}”")).collect();
    (!counts.is_empty()).then(|| format!("where calls to some numbers end ({})", counts.join(", ")))
}

impl Numbers {
    /// Puts into the lines what is out of the ordinary.
    pub(super) fn mark(&self, lines: &mut [Endpoint]) {
        let odd: HashMap<(&str, Option<&str>), &Row> =
            self.lines.iter().filter_map(|row| Some(((row.text("pattern")?, row.text("partition")), row))).collect();
        for line in lines {
            if let Some(row) = odd.get(&(line.pattern.as_str(), line.partition.as_deref())) {
                (line.urgent, line.dead) = (row.flag("urgent"), row.text("callable") == Some("f"));
            }
        }
    }
}

fn usage(name: &str) -> Usage {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let does = |feature| Usage::Takes(EndpointKind::Feature(feature));
    match letters.as_str() {
        "callpark" | "directedcallpark" => does(Feature::CallPark),
        "conference" | "meetme" => does(Feature::MeetMe),
        "callpickupgroup" => does(Feature::Pickup),
        "messagewaiting" => does(Feature::MessageWaiting),
        "mobilityhandoff" | "mobilityenterprisefeatureaccess" | "mobilityivr" => does(Feature::Mobility),
        // Each rings a phone or voice mail. The last is called back by those who answer emergency calls.
        "alternatenumber" | "voicemailport" | "emergencylocationidentificationnumber" => {
            Usage::Takes(EndpointKind::DirectoryNumber)
        }
        name if NO_CALLS.contains(&name) => Usage::TakesNoCalls,
        _ => Usage::NotFollowed,
    }
}

/// `None` for what takes no calls.
fn feature(row: &Row) -> Option<Endpoint> {
    let Usage::Takes(kind) = usage(row.text("usage")?) else { return None };
    Some(Endpoint {
        pattern: row.text("pattern")?.to_owned(),
        partition: row.text("partition").map(str::to_owned),
        kind,
        urgent: row.flag("urgent"),
        dead: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_is_known_however_it_is_written_and_a_new_one_is_not_guessed() {
        let park = Usage::Takes(EndpointKind::Feature(Feature::CallPark));
        for name in ["CallPark", "Call Park", "CALL PARK", "Directed Call Park"] {
            assert_eq!(usage(name), park, "{name}");
        }
        assert_eq!(usage("Called Party Number Transformation"), Usage::TakesNoCalls);
        for name in ["ILS Learned E164 Number", "Call Control Discovery Learned Pattern", "Something new", ""] {
            assert_eq!(usage(name), Usage::NotFollowed, "{name}");
        }
    }
}
