//! The timeline and the queue as tables for a spreadsheet. What a spreadsheet would take for a formula gets an apostrophe
//! before it: at the beginning of a cell, and behind whatever separates cells somewhere, since a table with commas is
//! opened with semicolons where the comma is for decimals. The byte order mark says that it is UTF-8.
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
                event.kind.name().word().to_owned(),
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
                request.call_back.dialled(),
                request.call_back.typed.clone(),
                request.reason.clone(),
                request.word(now).to_owned(),
                taken_by(request),
                marked(exercise),
            ]
        }),
    )
}

/// Whoever of the EOC did something with it last.
fn taken_by(request: &CallRequest) -> String {
    let by = request.story.iter().rev().find_map(|entry| entry.by.as_ref());
    by.map_or_else(String::new, |by| by.name.clone())
}

/// Any table: a head, and rows as wide.
///
/// # Errors
/// When it cannot be built.
pub fn table<const N: usize>(head: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Result<String, csv::Error> {
    let quoted = csv::QuoteStyle::Always;
    let mut writer = csv::WriterBuilder::new().quote_style(quoted).from_writer(MARK.as_bytes().to_vec());
    writer.write_record(head)?;
    for row in rows {
        writer.write_record(row.iter().map(|cell| safe(cell)))?;
    }
    let bytes = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// So that a spreadsheet reads it as UTF-8.
const MARK: &str = "\u{feff}";

const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// Some regions' cells end there.
const SEPARATORS: [char; 4] = [';', '\t', ',', '\n'];

fn safe(cell: &str) -> String {
    let mut safe = String::with_capacity(cell.len());
    let mut begins = true;
    for letter in cell.chars() {
        if begins && FORMULAS.contains(&letter) {
            safe.push('\'');
        }
        // Blanks and quotes before it change nothing.
        begins = SEPARATORS.contains(&letter) || (begins && (letter.is_whitespace() || letter == '"'));
        safe.push(letter);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_formula_behind_a_separator_is_none_wherever_the_table_is_opened() {
        for cell in ["x;=1+cmd|' /C calc'!A0", "hello;=HYPERLINK(\"http://evil\",\"x\")", "a\t@b", "a; =b", "a,+1"] {
            let text = table(&["x"], [[cell.to_owned()]].into_iter()).unwrap();
            for delimiter in *b",;\t" {
                let mut reader =
                    csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
                for cell in reader.records().flatten().flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>())
                {
                    let begins = cell.trim_start_matches([' ', '"']);
                    assert!(!begins.starts_with(FORMULAS), "{cell} in {text}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_cell_begins_as_a_formula_and_every_cell_comes_back(cell in "[=+@\\-;\t\r\n,\"a-zé ]{0,20}") {
            let text = table(&["x"], [[cell.clone()]].into_iter()).unwrap();
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let read = reader.records().next().unwrap().unwrap()[0].to_owned();
            prop_assert!(!read.starts_with(FORMULAS));
            prop_assert_eq!(read.replace('\'', ""), cell);
        }
    }
}
