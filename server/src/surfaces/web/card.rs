//! The operator's card: one page a site, to be printed and hung beside the telephone. It says what this installation
//! has and nothing else.

use crate::http::AppState;
use crate::services::incidents::export::html::{escaped, page, table};
use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lockdown::operator::{Act, Operator};

const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What each word on the screen means, and what to do.
const WORDS: [[&str; 3]; 6] = [
    ["PSTN LOCKED", "Every step was read back from CUCM as locked.", "Work the queue."],
    ["Normal calling", "Every step was read back as normal.", "Nothing."],
    ["Lock accepted, Locking, Releasing", "Ordered, and not all read back yet.", "Watch it. After a minute: runbook."],
    [
        "LOCK ORDERED, not confirmed",
        "Ordered, and CUCM cannot be seen: outside calls may still go out.",
        "Call the telecom engineer.",
    ],
    ["Changed in CUCM", "Somebody changed CUCM since.", "Call the telecom engineer. It names the objects."],
    ["Unknown", "CUCM was not seen for 30 s. Not normal, not locked: unknown.", "Call the telecom engineer."],
];

pub(crate) async fn card(State(state): State<AppState>, who: Option<Extension<Operator>>) -> Response {
    let Some(Extension(who)) = who else {
        return (StatusCode::UNAUTHORIZED, "Please sign in first.").into_response();
    };
    if let Err(refusal) = who.may(Act::Work, None) {
        return (StatusCode::FORBIDDEN, refusal.to_string()).into_response();
    }
    let mut sites = state.services.engine.live_statuses();
    sites.retain(|status| who.may(Act::Work, Some(&status.id)).is_ok());
    let cards: String = sites.iter().map(|status| one(&state, &status.name, &status.id)).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, page("PSTN Lockdown: the operator’s card", &cards)).into_response()
}

fn one(state: &AppState, name: &str, site: &lockdown::ids::SiteId) -> String {
    let (_, numbers) = state.services.public_facts(site);
    let address = &state.public_url;
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let mut ways = vec![row(["Console", &format!("{address}/console"), "Hold the bar for a second and a half."])];
    if state.services.finesse.is_some() {
        ways.push(row(["Finesse", "tab Lockdown in your desktop", "Hold the bar."]));
    }
    if state.phones.is_some() {
        ways.push(row(["EOC desk phone", "Services, PSTN Lockdown, 2", "PIN, then Submit."]));
    }
    if state.services.bot.is_some() {
        ways.push(row(["Webex", "write to the bot: lock", "Press Lock on its card."]));
    }
    let words: Vec<Vec<String>> = WORDS.iter().map(|cells| cells.map(str::to_owned).to_vec()).collect();
    let by_two = state.services.engine.status(site).is_ok_and(|status| status.two_seniors);
    let seniors = if by_two { "Two different seniors, within ten minutes" } else { "A senior" };
    format!(
        "<h1>{name}</h1><p>In an emergency every call from and to the public telephone network goes through the EOC. \
         <strong>A lock never touches {numbers}.</strong> Locking needs no approval and no reason: in doubt, lock.</p>\
         <h2>Lock</h2>{ways}\
         <h2>All-clear</h2><p>{seniors}, on the console: type the site's name, press <b>Give the all-clear</b>. Locked by \
         mistake: press <b>I locked by mistake</b>, then call a senior.</p>\
         <h2>What the screen says</h2>{words}\
         <h2>When something is away</h2><p>The internet: sign in with your passkey, or with sealed codes from the safe. \
         This server: what is locked stays locked in CUCM. Everything: call the telecom engineer, who blocks by hand.</p>\
         <p>Telecom engineer: ____________________ Senior on call: ____________________</p>\
         <p><small>Printed {at}, PSTN Lockdown {version}. Practise once a month: {address}/drill</small></p>",
        name = escaped(name),
        numbers = escaped(&numbers.join(", ")),
        ways = table(&["From", "Where", "How"], &ways),
        words = table(&["It says", "It means", "Do"], &words),
        at = state.services.sites.dated(Some(site), state.services.clock.now()),
        version = env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::WORDS;
    use jiff::Timestamp;
    use lockdown::command::Command;
    use lockdown::ids::StepId;
    use lockdown::reading::{Reading, StepReading};
    use lockdown::say::{Facts, Line, say};
    use lockdown::steps::{Found, StepState, StepValue};

    /// Every headline that a site nobody touched can have, and what its progress adds.
    #[test]
    fn every_word_of_the_card_begins_a_headline_of_the_screens() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let order = Command::Untouched { since: now };
        let reading = |state| Reading {
            read_at: now,
            steps: vec![StepReading {
                step: StepId::try_from("s".to_owned()).unwrap(),
                found: Found::Value(StepValue::Blocked(false)),
                state,
            }],
        };
        let said = |reading: Option<&Reading>| {
            let facts =
                Facts { order: &order, reading, line: Line::Open, drill: false, progress: None, names: true, now };
            say(&facts, |_| String::new()).headline
        };
        let headlines = [said(Some(&reading(StepState::Normal))), said(Some(&reading(StepState::Locked))), said(None)];
        for word in ["Normal calling", "Changed in CUCM", "Unknown"] {
            assert!(WORDS.iter().any(|[says, ..]| *says == word), "{word} is on the card");
            assert!(headlines.iter().any(|headline| headline.starts_with(word)), "{word}: {headlines:?}");
        }
    }
}
