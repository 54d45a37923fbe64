//! `listChange`: a cheap hint that somebody changed something, never the news itself.

use crate::client::Client;
use crate::envelope::Request;
use crate::error::Error;
use crate::xml::Element;

/// The objects that a lockdown plan can touch, or that decide where calls go.
const WATCHED: &str = "<objectList><object>RoutePattern</object><object>TransPattern</object><object>SipRoutePattern</object><object>HuntPilot</object><object>Line</object><object>Phone</object><object>Css</object>\
                       <object>RoutePartition</object><object>TimeSchedule</object><object>TimePeriod</object></objectList>";

/// Where the next call goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeCursor {
    pub queue: String,
    pub next: u64,
}

/// What changed since the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    pub cursor: ChangeCursor,
    /// Uuids of changed objects, own changes included: read them again.
    pub uuids: Vec<String>,
    /// CUCM no longer remembers everything since the cursor: read everything again.
    pub gap: bool,
}

impl Client {
    /// Changes since `since`; without it, only a cursor to start from.
    ///
    /// # Errors
    /// As every read. [`Error::NotFound`]: the queue is gone (AXL was restarted); start afresh.
    pub async fn changes(&self, since: Option<&ChangeCursor>) -> Result<Changes, Error> {
        let request = match since {
            None => Request::read("listChange").raw(WATCHED),
            Some(cursor) => Request::read("listChange")
                .raw(&format!(
                    r#"<startChangeId queueId="{}">{}</startChangeId>"#,
                    quick_xml::escape::escape(cursor.queue.as_str()),
                    cursor.next
                ))
                .raw(WATCHED),
        };
        let answer = self.call(&request).await?;
        read(&answer, since)
            .ok_or_else(|| Error::NotAxl { status: 200, excerpt: "a list of changes without a queue".into() })
    }
}

fn read(answer: &Element, since: Option<&ChangeCursor>) -> Option<Changes> {
    let info = answer.child("queueInfo")?;
    let number = |name| info.text_of(name).and_then(|text| text.parse::<u64>().ok());
    let last = number("lastChangeId").unwrap_or(0);
    let cursor =
        ChangeCursor { queue: info.text_of("queueId")?, next: number("nextStartChangeId").unwrap_or(last + 1) };
    let gap = since.is_some_and(|old| number("firstChangeId").is_some_and(|first| old.next < first));
    let changes = answer.child("changes").into_iter().flat_map(|changes| changes.children_named("change"));
    let uuids = if since.is_some() { changes.filter_map(|change| change.uuid.clone()).collect() } else { vec![] };
    Some(Changes { cursor, uuids, gap })
}
