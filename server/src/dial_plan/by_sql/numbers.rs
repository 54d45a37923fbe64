//! Numbers that are neither lines nor patterns that lead on: what CUCM keeps them for, by the names it gives that.
//!
//! The names are those of public listings of `typepatternusage`, in which blanks and capitals differ: neither is looked at.

use super::{Asking, quoted};
use axl::Error;
use axl::sql::Row;
use lockdown::dial_plan::{Endpoint, EndpointKind, Feature};

/// For what numbers are kept besides those that the lists of AXL's hold.
const USAGES: &str = "u.name as usage, count(*) as n \
    from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
    where u.name not in ('Device', 'Translation', 'Route', 'Hunt Pilot') group by 1 order by 1";

/// The numbers that are kept for these.
fn statement(usages: &[&str]) -> String {
    let usages: Vec<String> = usages.iter().map(|usage| quoted(usage)).collect();
    format!(
        "n.dnorpattern as pattern, p.name as partition, u.name as usage, n.patternurgency as urgent \
         from numplan n inner join typepatternusage u on u.enum = n.tkpatternusage \
         left outer join routepartition p on p.pkid = n.fkroutepartition \
         where u.name in ({}) order by n.pkid",
        usages.join(", ")
    )
}

/// Kept for something else, or where nobody dials it.
const NO_CALLS: [&str; 10] = [
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

/// Numbers of other kinds take calls, too: what they are kept for is asked first, since names differ between releases, and
/// tens of thousands may have been learned from other clusters.
pub(super) async fn read(asking: &mut Asking<'_>, not_read: &mut Vec<String>) -> Result<Vec<Endpoint>, Error> {
    const WHAT: &str = "which numbers are call parks, conferences and other features";
    let usages = match asking.rows(USAGES).await? {
        Ok(rows) => rows,
        Err(why) => {
            not_read.push(format!("{WHAT} ({why})"));
            return Ok(Vec::new());
        }
    };
    let (mut wanted, mut unknown) = (Vec::new(), Vec::new());
    for row in &usages {
        let name = row.text("usage").unwrap_or_default();
        match usage(name) {
            Usage::Takes(_) => wanted.push(name),
            Usage::TakesNoCalls => {}
            Usage::NotFollowed => unknown.push(format!("{} of “{name}”", row.number("n"))),
        }
    }
    if !unknown.is_empty() {
        not_read.push(format!("where calls to some numbers end ({})", unknown.join(", ")));
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    Ok(match asking.rows(&statement(&wanted)).await? {
        Ok(rows) => rows.iter().filter_map(of).collect(),
        Err(why) => {
            not_read.push(format!("{WHAT} ({why})"));
            Vec::new()
        }
    })
}

fn usage(name: &str) -> Usage {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let feature = |feature| Usage::Takes(EndpointKind::Feature(feature));
    match letters.as_str() {
        "callpark" | "directedcallpark" => feature(Feature::CallPark),
        "conference" | "meetme" => feature(Feature::MeetMe),
        "callpickupgroup" => feature(Feature::Pickup),
        "messagewaiting" => feature(Feature::MessageWaiting),
        "mobilityhandoff" | "mobilityenterprisefeatureaccess" | "mobilityivr" => feature(Feature::Mobility),
        // Each rings a phone or voice mail. The last is called back by those who answer emergency calls.
        "alternatenumber" | "voicemailport" | "emergencylocationidentificationnumber" => {
            Usage::Takes(EndpointKind::DirectoryNumber)
        }
        name if NO_CALLS.contains(&name) => Usage::TakesNoCalls,
        _ => Usage::NotFollowed,
    }
}

/// `None` for what takes no calls.
fn of(row: &Row) -> Option<Endpoint> {
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
