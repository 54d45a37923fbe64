//! The timeline and the queue as tables for a spreadsheet. A cell that a spreadsheet would take for a
//! formula gets an apostrophe before it.
//!
//! *Source*: RFC 4180; OWASP, "CSV Injection": `=`, `+`, `-`, `@`, tab and carriage return begin formulas.

use jiff::Timestamp;
use lockdown::call_request::CallRequest;
use lockdown::timeline::Event;

/// The last cell of each line: a line that is copied elsewhere still says that it was a drill.
fn marked(exercise: bool) -> String {
    if exercise { "exercise" } else { "" }.to_owned()
}

/// The timeline, an event a line.
///
/// # Errors
/// When the table cannot be built.
pub fn events(events: &[Event], exercise: bool) -> Result<String, csv::Error> {
    let head = ["number", "at", "site", "who", "surface", "what", "text", "exercise"];
    table(
        &head,
        events.iter().map(|event| {
            let by = event.by.as_ref();
            [
                event.seq.to_string(),
                event.at.to_string(),
                event.site.as_ref().map_or_else(String::new, ToString::to_string),
                by.map_or_else(String::new, |by| by.name.clone()),
                by.map_or_else(String::new, |by| by.surface.to_string()),
                event.kind.gist().to_owned(),
                event.kind.to_string(),
                marked(exercise),
            ]
        }),
    )
}

/// The queue, a request a line.
///
/// # Errors
/// When the table cannot be built.
pub fn requests(requests: &[CallRequest], exercise: bool, now: Timestamp) -> Result<String, csv::Error> {
    let head = [
        "ticket",
        "filed_at",
        "site",
        "direction",
        "priority",
        "who",
        "call_back",
        "as_typed",
        "reason",
        "state",
        "taken_by",
        "exercise",
    ];
    table(
        &head,
        requests.iter().map(|request| {
            [
                request.ticket(),
                request.filed_at.to_string(),
                request.site.to_string(),
                request.direction.word().to_owned(),
                request.priority.word().to_owned(),
                request.who.clone(),
                request.call_back.e164.clone().unwrap_or_default(),
                request.call_back.typed.clone(),
                request.reason.clone(),
                request.word(now).to_owned(),
                request.filed_by.as_ref().map_or_else(String::new, |by| by.name.clone()),
                marked(exercise),
            ]
        }),
    )
}

fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| safe(cell)))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn safe(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_cell_begins_as_a_formula_and_every_cell_comes_back(cell in "[=+@\\-\t\r\n,\"a-zé ]{0,20}") {
            let text = table(&["x"], [[cell.clone()]].into_iter()).unwrap();
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            // A row that is one empty cell is written as "".
            let read = reader.records().next().unwrap().unwrap()[0].to_owned();
            prop_assert!(!read.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(read.strip_prefix('\'').unwrap_or(&read), cell.as_str());
        }
    }
}
