//! Activations as alerts that other systems understand: CAP 1.2, one message a change, and an Atom feed of
//! them. Nobody is named: the feed is as public as the state.
//!
//! *Source*: OASIS, Common Alerting Protocol 1.2 (elements and their order, `references`, the form of
//! `sent`); RFC 4287 for the feed. `cargo xtask test schemas` holds every kind of message against OASIS' schema.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lockdown::incident::Incident;
use lockdown::steps::Target;
use lockdown::timeline::{Event, EventKind, EventName};
use quick_xml::Writer;
use quick_xml::events::BytesText;
use std::io;

const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";

/// All that an exercise says, whatever is exercised.
const EXERCISE: &str = "EXERCISE: a lockdown is being practised. No telephone call is touched";

/// What is known besides the incident.
pub struct Facts<'a> {
    /// Whose alerts these are: `lockdown@` and this server's name. No blanks, no commas.
    pub sender: &'a str,
    pub site_name: &'a str,
    /// The public page.
    pub web: &'a str,
    pub emergency_numbers: &'a [String],
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Ordered,
    Locked,
    /// CUCM is not seen any more, or somebody changed it.
    Unconfirmed,
    Releasing,
    Normal,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub identifier: String,
    pub sent: Timestamp,
    pub headline: &'static str,
    pub xml: String,
}

/// Words of the events that put in doubt what was read back, or end the doubt.
pub(super) const DOUBTS: [EventName; 4] =
    [EventName::CucmLost, EventName::CucmBack, EventName::Drifted, EventName::DriftEnded];

/// What is known after the events so far.
#[derive(Default)]
struct Known {
    /// What the last message said.
    told: Option<Change>,
    /// What stood when nothing was in doubt.
    confirmed: Option<Change>,
    /// CUCM is not seen.
    lost: bool,
    /// Somebody changed it.
    drifted: bool,
}

impl Known {
    /// What an event changes, where that is anything new.
    fn take(&mut self, event: &Event) -> Option<Change> {
        let ordered = match event.kind {
            EventKind::LockOrdered { .. } | EventKind::OrdersDisagreed { kept: Target::Locked, .. } => Change::Ordered,
            EventKind::ReleaseOrdered { .. } => Change::Releasing,
            EventKind::Verified { target: Target::Locked, .. } => Change::Locked,
            EventKind::Verified { target: Target::Normal, .. } => Change::Normal,
            _ => return self.doubt(event),
        };
        if matches!(ordered, Change::Locked | Change::Normal) {
            // It was read back whole.
            (self.lost, self.drifted) = (false, false);
        }
        (self.told, self.confirmed) = (Some(ordered), Some(ordered));
        self.told
    }

    /// It is confirmed again when nothing is in doubt any more: CUCM that is back may not be as it was.
    fn doubt(&mut self, event: &Event) -> Option<Change> {
        match event.kind {
            EventKind::CucmLost { .. } => self.lost = true,
            EventKind::CucmBack => self.lost = false,
            // Whoever tells of these has read it.
            EventKind::Drifted { ordered: Target::Locked, .. } => (self.lost, self.drifted) = (false, true),
            EventKind::DriftEnded => (self.lost, self.drifted) = (false, false),
            _ => return None,
        }
        let now = if self.lost || self.drifted { Some(Change::Unconfirmed) } else { self.confirmed };
        if now == self.told {
            return None;
        }
        self.told = now;
        now
    }
}

impl Change {
    /// The first message of an incident is the alert, the all-clear cancels it, all else is news of it.
    fn kind(self, first: bool) -> &'static str {
        match self {
            _ if first => "Alert",
            Self::Normal => "Cancel",
            Self::Ordered | Self::Locked | Self::Unconfirmed | Self::Releasing => "Update",
        }
    }

    fn headline(self) -> &'static str {
        match self {
            Self::Ordered => "A lock of outside calls is ordered, and not confirmed yet",
            Self::Locked => "Outside calls go through the Emergency Operations Centre",
            Self::Unconfirmed => {
                "Whether outside calls go through the Emergency Operations Centre cannot be confirmed now"
            }
            Self::Releasing => "Outside calls are being restored",
            Self::Normal => "Phones work normally",
        }
    }

    /// What was read back was observed; what was ordered is likely.
    fn certainty(self) -> &'static str {
        match self {
            Self::Locked | Self::Normal => "Observed",
            Self::Ordered | Self::Releasing => "Likely",
            Self::Unconfirmed => "Unknown",
        }
    }

    fn urgency(self) -> &'static str {
        if self == Self::Normal { "Past" } else { "Immediate" }
    }
}

/// The messages of an incident, oldest first; of `events`, those that belong to it.
///
/// # Errors
/// When a message cannot be written.
pub fn messages(incident: &Incident, events: &[Event], facts: &Facts<'_>) -> io::Result<Vec<Message>> {
    let mut all: Vec<Message> = Vec::new();
    let mut known = Known::default();
    for event in events.iter().filter(|event| incident.holds(event)) {
        let Some(change) = known.take(event) else { continue };
        // By the event: the same message wherever and whenever it is asked for.
        let identifier = format!("{}.{}", incident.id, event.id);
        let reference = |message: &Message| format!("{},{},{}", facts.sender, message.identifier, sent(message.sent));
        let references: Vec<String> = all.iter().map(reference).collect();
        let headline = if incident.is_drill() { EXERCISE } else { change.headline() };
        let told = Told { identifier: &identifier, at: event.at, change, headline, drill: incident.is_drill() };
        let xml = alert(&told, &references, facts)?;
        all.push(Message { identifier, sent: event.at, headline, xml });
    }
    Ok(all)
}

/// What a message says besides what is known of the site.
struct Told<'a> {
    identifier: &'a str,
    at: Timestamp,
    change: Change,
    headline: &'a str,
    drill: bool,
}

fn alert(told: &Told<'_>, references: &[String], facts: &Facts<'_>) -> io::Result<String> {
    let change = told.change;
    let number = facts.emergency_numbers.first().map_or("the emergency number", String::as_str);
    // An alert is what it was when it was given out: nothing that a later reading of the dial plan may change.
    let instruction = lockdown::say::emergency(number, false);
    document("alert", NAMESPACE, |alert| {
        text(alert, "identifier", told.identifier)?;
        text(alert, "sender", facts.sender)?;
        text(alert, "sent", &sent(told.at))?;
        text(alert, "status", if told.drill { "Exercise" } else { "Actual" })?;
        text(alert, "msgType", change.kind(references.is_empty()))?;
        text(alert, "scope", "Public")?;
        if !references.is_empty() {
            text(alert, "references", &references.join(" "))?;
        }
        alert.create_element("info").write_inner_content(|info| {
            text(info, "language", "en-US")?;
            text(info, "category", "Infra")?;
            text(info, "event", "PSTN lockdown")?;
            text(info, "urgency", change.urgency())?;
            text(info, "severity", "Moderate")?;
            text(info, "certainty", change.certainty())?;
            text(info, "senderName", facts.site_name)?;
            text(info, "headline", told.headline)?;
            text(info, "instruction", &instruction)?;
            text(info, "web", facts.web)?;
            info.create_element("area").write_inner_content(|area| text(area, "areaDesc", facts.site_name))?;
            Ok(())
        })?;
        Ok(())
    })
}

/// An Atom feed of messages, newest first; `address` of each by its identifier.
///
/// # Errors
/// When it cannot be written.
pub fn feed(
    title: &str,
    own: &str,
    now: Timestamp,
    messages: &[Message],
    address: impl Fn(&str) -> String,
) -> io::Result<String> {
    let updated = messages.first().map_or(now, |message| message.sent);
    document("feed", "http://www.w3.org/2005/Atom", |feed| {
        text(feed, "id", own)?;
        text(feed, "title", title)?;
        text(feed, "updated", &format!("{updated:.0}"))?;
        feed.create_element("author").write_inner_content(|author| text(author, "name", title))?;
        feed.create_element("link").with_attributes([("rel", "self"), ("href", own)]).write_empty()?;
        for message in messages {
            let href = address(&message.identifier);
            feed.create_element("entry").write_inner_content(|entry| {
                text(entry, "id", &href)?;
                text(entry, "title", message.headline)?;
                text(entry, "updated", &format!("{:.0}", message.sent))?;
                let link = [("rel", "alternate"), ("type", "application/cap+xml"), ("href", href.as_str())];
                entry.create_element("link").with_attributes(link).write_empty()?;
                text(entry, "summary", message.headline)
            })?;
        }
        Ok(())
    })
}

fn document(
    root: &str,
    namespace: &str,
    fill: impl FnOnce(&mut Writer<Vec<u8>>) -> io::Result<()>,
) -> io::Result<String> {
    let mut writer = Writer::new(Vec::new());
    writer.create_element(root).with_attribute(("xmlns", namespace)).write_inner_content(fill)?;
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", String::from_utf8_lossy(&writer.into_inner())))
}

fn text(writer: &mut Writer<Vec<u8>>, name: &str, value: &str) -> io::Result<()> {
    writer.create_element(name).write_text_content(BytesText::new(value)).map(|_| ())
}

/// To the second and with an offset, never `Z`.
fn sent(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S-00:00").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockdown::ids::{ActivationId, SiteId};
    use lockdown::incident::incidents;

    fn told() -> Vec<Event> {
        told_of("act-1")
    }

    fn told_of(activation: &str) -> Vec<Event> {
        let activation = ActivationId::try_from(activation).unwrap();
        let reason = Some("fire & <smoke>".to_owned());
        let kinds = [
            EventKind::LockOrdered { activation: activation.clone(), reason: reason.clone() },
            EventKind::Verified { target: Target::Locked, steps: 4, took_ms: 1, written: Some(1) },
            EventKind::DriftEnded,
            EventKind::ReleaseOrdered { activation, reason, alone: false, with: None },
            EventKind::Verified { target: Target::Normal, steps: 4, took_ms: 1, written: Some(1) },
        ];
        let event = |(n, kind): (usize, EventKind)| Event {
            id: n.to_string(),
            seq: n as u64 + 1,
            at: Timestamp::from_second(1_800_000_000 + i64::try_from(n).unwrap()).unwrap(),
            site: Some(SiteId::try_from("north").unwrap()),
            by: None,
            kind,
        };
        kinds.into_iter().enumerate().map(event).collect()
    }

    fn facts() -> Facts<'static> {
        Facts {
            sender: "lockdown@lockdown.acme.example",
            site_name: "Acme & Sons <North>",
            web: "https://lockdown.acme.example/",
            emergency_numbers: &[],
        }
    }

    #[test]
    fn an_incident_is_an_alert_its_updates_and_a_cancel_that_refers_to_them_all() {
        let events = told();
        let all = messages(&incidents(&events)[0], &events, &facts()).unwrap();
        let kinds: Vec<&str> = all
            .iter()
            .map(|message| message.xml.split("<msgType>").nth(1).unwrap().split('<').next().unwrap())
            .collect();
        assert_eq!(kinds, ["Alert", "Update", "Update", "Cancel"]);
        let last = &all[3].xml;
        assert!(last.contains("lockdown@lockdown.acme.example,inc-1.0,2027-01-15T08:00:00-00:00 "), "{last}");
        assert!(!last.contains("smoke") && last.contains("Acme &amp; Sons &lt;North&gt;"), "{last}");
    }

    #[test]
    fn nobody_is_told_that_it_is_locked_while_that_cannot_be_confirmed() {
        let mut events = told();
        events.truncate(2);
        let last = events[1].clone();
        for kind in [
            EventKind::CucmLost { why: "away".into() },
            EventKind::Drifted { ordered: Target::Locked, steps: vec![] },
            EventKind::CucmLost { why: "away".into() },
            // As it was changed: that it is seen again confirms nothing.
            EventKind::CucmBack,
            EventKind::DriftEnded,
        ] {
            let seq = events.len() as u64 + 1;
            events.push(Event { id: seq.to_string(), seq, kind, ..last.clone() });
        }
        // The feed asks the timeline for these by name.
        let in_doubt = events.iter().filter(|event| DOUBTS.contains(&event.kind.name()));
        assert_eq!(in_doubt.count(), 5);
        let all = messages(&incidents(&events)[0], &events, &facts()).unwrap();
        let told: Vec<(&str, &str)> = all
            .iter()
            .map(|message| {
                let certainty = message.xml.split("<certainty>").nth(1).unwrap().split('<').next().unwrap();
                (message.headline, certainty)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("A lock of outside calls is ordered, and not confirmed yet", "Likely"),
                ("Outside calls go through the Emergency Operations Centre", "Observed"),
                ("Whether outside calls go through the Emergency Operations Centre cannot be confirmed now", "Unknown"),
                ("Outside calls go through the Emergency Operations Centre", "Observed"),
            ]
        );
    }

    #[test]
    fn a_drill_is_an_exercise_in_every_message_and_says_so() {
        let events = told_of("drill-1");
        let all = messages(&incidents(&events)[0], &events, &facts()).unwrap();
        assert_eq!(all.len(), 4);
        for message in &all {
            assert!(message.xml.contains("<status>Exercise</status>"), "{}", message.xml);
            assert!(message.headline.starts_with("EXERCISE"), "{}", message.headline);
        }
        let live = messages(&incidents(&told())[0], &told(), &facts()).unwrap();
        assert!(live.iter().all(|message| message.xml.contains("<status>Actual</status>")));
    }

    #[test]
    fn the_feed_leads_to_every_message() {
        let events = told();
        let all = messages(&incidents(&events)[0], &events, &facts()).unwrap();
        let address = |id: &str| format!("https://x/api/v1/alerts/{id}");
        let text = feed("PSTN Lockdown", "https://x/api/v1/alerts.atom", events[0].at, &all, address).unwrap();
        for message in &all {
            assert!(text.contains(&format!("href=\"{}\"", address(&message.identifier))), "{text}");
        }
    }
}
