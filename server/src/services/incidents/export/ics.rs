//! The two forms an EOC keeps: ICS 214, activity log, and ICS 309, communications log. Print-ready; a PDF
//! is the browser's print.
//!
//! *Source*: FEMA's ICS 214, and the instructions of ICS 309, for the boxes of the forms. What nobody knows here (home
//! agency, radio net) is left empty to be filled in by hand.

use super::super::File;
use super::html::{boxes, page, table};
use lockdown::call_request::{CallRequest, Deed, Direction};
use lockdown::timeline::{Event, EventKind};

/// What stands on both forms.
pub struct Heading {
    pub incident: String,
    pub site: String,
    pub from: String,
    pub to: String,
    pub prepared_by: String,
    pub prepared_at: String,
}

/// ICS 214. `clock` writes a moment with its date, in the site's zone.
pub fn activity_log(file: &File, heading: &Heading, clock: impl Fn(jiff::Timestamp) -> String) -> String {
    let commander = file.incident.commander.as_ref().map_or("", |who| who.name.as_str());
    let mut resources: Vec<String> = Vec::new();
    for by in file.events.iter().filter_map(|event| event.by.as_ref()) {
        if !resources.contains(&by.name) {
            resources.push(by.name.clone());
        }
    }
    let resources: Vec<Vec<String>> =
        resources.into_iter().map(|name| vec![name, String::new(), String::new()]).collect();
    let activities: Vec<Vec<String>> = file
        .events
        .iter()
        .filter(|event| is_notable(event))
        .map(|event| {
            vec![clock(event.at), event.by.as_ref().map_or_else(String::new, ToString::to_string), said(event)]
        })
        .collect();
    let body = format!(
        "<h1>ICS 214 · Activity log</h1>{}<h2>6. Resources assigned</h2>{}<h2>7. Activity log</h2>{}{}",
        boxes(&[
            ("1. Incident name", &heading.incident),
            ("2. Operational period", &format!("{} to {}", heading.from, heading.to)),
            ("3. Name", commander),
            ("4. ICS position", if commander.is_empty() { "" } else { "Incident commander" }),
            ("5. Home agency and unit", &heading.site),
        ]),
        table(&["Name", "ICS position", "Home agency and unit"], &resources),
        table(&["Date, time", "Who", "Notable activities"], &activities),
        prepared(8, heading),
    );
    page(&format!("ICS 214 {}", heading.incident), &body)
}

/// ICS 309: who was called, by whom, and why.
pub fn communications_log(
    requests: &[CallRequest],
    heading: &Heading,
    clock: impl Fn(jiff::Timestamp) -> String,
) -> String {
    let mut lines: Vec<(jiff::Timestamp, Vec<String>)> = Vec::new();
    for request in requests {
        let (from, to) = ends(request);
        let line = |at: jiff::Timestamp, from: &str, to: &str, subject: String| {
            (at, vec![clock(at), from.to_owned(), to.to_owned(), format!("{}: {subject}", request.ticket())])
        };
        lines.push(line(request.filed_at, &from, &to, request.reason.clone()));
        for entry in &request.story {
            if let Some(subject) = subject(&entry.did, &clock) {
                let eoc = entry.by.as_ref().map(|by| format!("EOC, {}", by.name));
                let (from, to) = match &eoc {
                    Some(eoc) => (eoc.as_str(), from.as_str()),
                    None => (from.as_str(), "EOC"),
                };
                lines.push(line(entry.at, from, to, subject));
            }
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    let rows: Vec<Vec<String>> = lines.into_iter().map(|(_, row)| row).collect();
    let body = format!(
        "<h1>ICS 309 · Communications log</h1>{}<h2>6. Log</h2>{}{}",
        boxes(&[
            ("1. Incident name", &heading.incident),
            ("2. Operational period", &format!("{} to {}", heading.from, heading.to)),
            ("3. Net or position", "EOC call queue"),
            ("4. Operator", ""),
            ("5. Station", &heading.site),
        ]),
        table(&["Date, time", "From", "To", "Subject"], &rows),
        prepared(7, heading),
    );
    page(&format!("ICS 309 {}", heading.incident), &body)
}

fn prepared(number: u8, heading: &Heading) -> String {
    let by = super::html::escaped(&format!("{}, {}", heading.prepared_by, heading.prepared_at));
    format!("<footer>{number}. Prepared by: {by} &nbsp; Signature: ____________________</footer>")
}

/// Coming and going of sessions is no activity of the incident; a call has its own form.
fn is_notable(event: &Event) -> bool {
    !matches!(
        event.kind,
        EventKind::SignedIn
            | EventKind::SignedOut
            | EventKind::PasskeyProved
            | EventKind::RequestFiled { .. }
            | EventKind::RequestChanged { .. }
            | EventKind::RequestsForgotten { .. }
    )
}

fn said(event: &Event) -> String {
    match &event.kind {
        EventKind::Attached { name, text, .. } => format!("Text attached: {name}\n{text}"),
        kind => kind.to_string(),
    }
}

/// From whom to whom, as it was asked for.
fn ends(request: &CallRequest) -> (String, String) {
    let person = format!("{}, {}", request.who, request.call_back);
    match request.direction {
        Direction::Outbound => (person, "EOC".into()),
        Direction::Inbound => (format!("{person} (outside)"), "EOC".into()),
    }
}

fn subject(did: &Deed, clock: impl Fn(jiff::Timestamp) -> String) -> Option<String> {
    Some(match did {
        Deed::Claim | Deed::GiveBack => return None,
        Deed::Approve { note: None } => "approved".into(),
        Deed::Approve { note: Some(note) } => format!("approved: {note}"),
        Deed::Refuse { reason } => format!("refused: {reason}"),
        Deed::Connected => "connected".into(),
        Deed::NoAnswer => "no answer".into(),
        Deed::CallBackAt { at } => format!("to be called back at {}", clock(*at)),
        Deed::Close { disposition } => format!("closed: {disposition}"),
        Deed::Write { text } => text.clone(),
    })
}
