//! The bot's sentences and cards. The words of the state are the console's.

use super::Webex;
use super::codes::{Act, GOOD_FOR, Order};
use super::say::{Say, button, card, facts, field, heading, line, link, safe};
use engine::SiteStatus;
use jiff::Timestamp;
use lockdown::call_request::CallRequest;
use lockdown::operator::{Act as Right, Operator};
use lockdown::reading::Reading;
use lockdown::report::Report;
use lockdown::say::emergency;
use serde_json::json;

pub(super) const UNKNOWN_ACCOUNT: &str = "I do not know you yet. Sign in to the console, open **My profile**, and send me the line that stands there (`link …`). Or ask an administrator.";

pub(super) const LOG_HOW: &str =
    "Write it so: `log out 780 555 0199, Ann Miller, her mother in hospital`, or `log in …` for a call that came in.";

pub(super) const LINKED_NOT: &str =
    "This code is invalid or has expired. Open **My profile** again and send the new one.";

pub(super) const LINKED_TO_ANOTHER: &str = "This Webex account belongs to another profile. An administrator must free it first: by changing the Webex account there.";

/// Seconds as people say them.
fn ago(seconds: i64) -> String {
    match seconds.max(0) {
        s @ 0..=119 => format!("{s} s ago"),
        s => format!("{} min ago", s / 60),
    }
}

impl Webex {
    /// How a site stands, as the console says it to whoever asks.
    pub(super) fn standing(&self, status: &SiteStatus, who: Option<&Operator>, now: Timestamp) -> String {
        let works = who.is_some_and(|who| who.may(Right::Work, Some(&status.id)).is_ok());
        let said = self.services.sites.said(status, works, now);
        let mark = said.tone.mark();
        let head = &said.headline;
        let second = &said.second;
        let age = |reading: &Reading| ago(now.duration_since(reading.read_at).as_secs());
        let read = status.reading.as_ref().map_or_else(|| "never".to_owned(), age);
        let trouble = status.trouble.as_ref().filter(|_| works).map(|trouble| format!("\n{}", trouble.why));
        let trouble = trouble.unwrap_or_default();
        format!("{mark} **{head}** · {}\n{} · CUCM checked {read}{trouble}", safe(&status.name), safe(second))
    }

    pub(super) fn state(&self, who: Option<&Operator>) -> Say {
        let now = self.services.clock.now();
        let statuses = self.services.engine.live_statuses();
        let all: Vec<String> = statuses.iter().map(|status| self.standing(status, who, now)).collect();
        let number = statuses.first().and_then(|first| self.services.sites.emergency(first));
        let emergency = number.map(|(number, proved)| format!("\n\n{}", emergency(number, proved))).unwrap_or_default();
        Say::plain(format!("{}{emergency}", all.join("\n\n")))
    }

    /// Only what whoever asks may do.
    pub(super) fn help(&self, who: Option<&Operator>) -> Say {
        let may = |right| who.is_some_and(|who| who.may(right, None).is_ok());
        let mut rows = vec![("status", "is the telephone network locked?"), ("help", "this")];
        if may(Right::Lock) {
            rows.push((
                "lock fire in the mill",
                "sends every outside call through the EOC; the reason may be left out",
            ));
            rows.push(("drill", "practises it: no call is touched"));
        }
        if may(Right::Release) {
            rows.push(("release", "gives the all-clear; `drill over` ends a drill"));
        }
        if may(Right::TakeCalls) {
            rows.push((
                "log out 780 555 0199, Ann, her mother",
                "takes down who asks for a call; `log in …` for one that came in",
            ));
            rows.push(("requests", "what is open"));
            rows.push(("claim 104", "also approve, refuse, connected, answer, close, with words after the number"));
        }
        if may(Right::Work) {
            rows.push(("who", "who is in the EOC"));
            rows.push(("report", "how the incident goes"));
        }
        if who.is_none() {
            rows.push(("link CODE", "makes you known: the code stands on your profile's page"));
        }
        let text: Vec<String> = rows.iter().map(|(word, what)| format!("- `{word}`: {what}")).collect();
        let lead = "I am the PSTN lockdown’s bot. In a space, mention me first.";
        let rows: Vec<(&str, String)> = rows.into_iter().map(|(word, what)| (word, what.replace('`', ""))).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(word, what)| (*word, what.as_str())).collect();
        let facts = facts(&rows);
        let actions = vec![link("Open the console", &format!("{}/console", self.public_url))];
        let card = card(&[heading("PSTN lockdown"), line(lead), facts], &actions);
        Say { markdown: format!("{lead}\n{}", text.join("\n")), card: Some(card) }
    }
}

/// What will happen, and how to confirm it.
pub(super) fn ask(order: &Order, status: &SiteStatus, code: &str, slot: i64, reason: Option<&str>) -> Say {
    // To be copied: as it is, but for what would end the code. What is typed is compared with that forgiven.
    let site = safe(&status.name);
    let name = status.name.replace('`', "'");
    let (what, then, how) = match order.act {
        Act::Lock if status.drill => {
            (format!("Practise the lock: {site}?"), "No call is touched.", format!("`confirm {code}`"))
        }
        Act::Release if status.drill => (
            format!("End the drill: {site}?"),
            "The canaries go back to normal. No call is touched.",
            format!("`confirm {code} {name}`"),
        ),
        Act::Lock => (
            format!("Lock the PSTN for {site}?"),
            "Every outside call goes through the EOC. Emergency numbers go on working.",
            format!("`confirm {code}`"),
        ),
        Act::Release => (
            format!("Give the all-clear for {site}?"),
            "Outside calls work normally again.",
            format!("`confirm {code} {name}`"),
        ),
    };
    let reason_told = reason.map(|text| format!("\nReason: {}", safe(text))).unwrap_or_default();
    let markdown = format!("**{what}** {then}{reason_told}\nTo confirm, write {how} within {} minutes.", GOOD_FOR / 60);
    let data = json!({ "do": "confirm", "act": order.act.word(), "site": order.site, "version": order.version, "slot": slot, "code": code, "reason": reason });
    let mut body = vec![heading(&what), line(then)];
    if let Some(reason) = reason {
        body.push(facts(&[("Reason", reason)]));
    }
    let title = match order.act {
        Act::Lock => "Lock now",
        Act::Release => {
            body.push(field("typed", &format!("To confirm, type the site’s name: {}", status.name), &status.name));
            "Give the all-clear"
        }
    };
    body.push(line(&format!("Good for {} minutes, and for you alone.", GOOD_FOR / 60)));
    let card = card(&body, &[button(title, &data), button("Cancel", &json!({ "do": "cancel" }))]);
    Say { markdown, card: Some(card) }
}

/// The queue, the most urgent first.
pub(super) fn queue(open: &[CallRequest], now: Timestamp) -> Say {
    if open.is_empty() {
        return Say::plain("No requests are open.");
    }
    let one = |request: &CallRequest| {
        format!(
            "- **{}** {} {}: {} ({}, {})",
            request.ticket(),
            request.priority.word(),
            safe(&request.who),
            safe(&request.reason),
            request.word(now).replace('_', " "),
            ago(now.duration_since(request.filed_at).as_secs())
        )
    };
    let lines: Vec<String> = open.iter().map(one).collect();
    Say::plain(format!("{} open, the most urgent first:\n{}", open.len(), lines.join("\n")))
}

/// How the incident goes, in a few lines.
pub(super) fn report(report: &Report, name: &str, url: &str) -> Say {
    let minutes = report.lasted_s / 60;
    let orders: Vec<String> = report
        .locks
        .iter()
        .map(|order| ("Locked", order))
        .chain(report.all_clears.iter().map(|order| ("All-clear", order)))
        .map(|(what, order)| {
            let took = order.verified_after_ms.map_or_else(
                || "not verified".to_owned(),
                |ms| format!("verified after {}.{} s", ms / 1000, ms % 1000 / 100),
            );
            format!("- {what} by {}, {took}", safe(&order.by))
        })
        .collect();
    let calls = report
        .calls
        .as_ref()
        .map(|calls| format!("\n- Call requests: {}, open {}", calls.all, calls.open.len()))
        .unwrap_or_default();
    Say::plain(format!(
        "**{}**: {minutes} min\n{}{calls}\n- Refused: {} · changed by somebody: {} · repaired: {}\n{url}",
        safe(name),
        orders.join("\n"),
        report.refusals,
        report.drifts,
        report.repairs
    ))
}
