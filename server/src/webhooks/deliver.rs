//! One attempt, and what follows from it.

use super::egress::{EgressError, EgressPolicy};
use super::hook::{Delivery, DeliveryState, Hook};
use super::{schedule, sign};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use std::error::Error;
use std::iter::successors;
use std::time::Duration;

/// A receiver answers within this time. Source: standard-webhooks, spec/standard-webhooks.md, "Request
/// timeouts": 15 to 30 s.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// What a connection's own words may take on a screen. Characters.
const WORDS: usize = 200;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub outcome: Outcome,
    /// The HTTP status, if anything answered.
    pub status: Option<u16>,
    /// A short sentence, without secrets.
    pub said: String,
}

/// Named by what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Taken,
    /// This one was not taken; others may be.
    Refused,
    /// Nobody takes anything there now, and not before `wait` is over if it says so.
    Away {
        wait: Option<SignedDuration>,
    },
    /// The receiver wants nothing any more.
    Gone,
}

impl Attempt {
    pub(super) fn unanswered(said: String) -> Self {
        Self { outcome: Outcome::Away { wait: None }, status: None, said }
    }

    /// Source: standard-webhooks, spec/standard-webhooks.md, "Delivery success and failure".
    fn answered(status: StatusCode, headers: &HeaderMap) -> Self {
        let wait = || matches!(status.as_u16(), 429 | 503).then(|| asked_wait(headers)).flatten();
        let (outcome, hint) = match status.as_u16() {
            200..=299 => (Outcome::Taken, ""),
            300..=399 => (Outcome::Refused, "; no redirect is followed: make the webhook anew with the new address"),
            410 => (Outcome::Gone, "; it wants nothing any more"),
            429 | 502..=504 => (Outcome::Away { wait: wait() }, ""),
            _ => (Outcome::Refused, ""),
        };
        Self { outcome, status: Some(status.as_u16()), said: format!("the receiver answered {status}{hint}") }
    }

    pub fn is_taken(&self) -> bool {
        self.outcome == Outcome::Taken
    }

    /// Would the next piece of news for the same receiver fare alike?
    pub fn is_about_all(&self) -> bool {
        matches!(self.outcome, Outcome::Away { .. } | Outcome::Gone)
    }
}

/// `Retry-After` in seconds; nobody sends webhooks their dates.
fn asked_wait(headers: &HeaderMap) -> Option<SignedDuration> {
    let seconds: u32 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(SignedDuration::from_secs(seconds.into()))
}

/// Signs and sends, once. The answer's body is not read.
pub async fn send(
    http: &reqwest::Client,
    egress: &EgressPolicy,
    hook: &Hook,
    delivery: &Delivery,
    now: Timestamp,
) -> Attempt {
    let url = match egress.check(&hook.url) {
        Ok(url) => url,
        Err(refused) => return Attempt::unanswered(refused.to_string()),
    };
    let timestamp = now.as_second();
    let request = http
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", sign::header(&hook.secrets(now), &delivery.id, timestamp, &delivery.body))
        .body(delivery.body.clone());
    match request.send().await {
        Ok(answer) => Attempt::answered(answer.status(), answer.headers()),
        Err(error) => Attempt::unanswered(reason(&error)),
    }
}

/// The error's own text has the whole address in it; the last of its causes has not.
fn reason(error: &reqwest::Error) -> String {
    let causes = || successors(error.source(), |&cause| cause.source());
    if let Some(refused) = causes().find_map(|cause| cause.downcast_ref::<EgressError>()) {
        return refused.to_string();
    }
    if error.is_timeout() {
        return format!("no answer within {} s", PATIENCE.as_secs());
    }
    let what = match (error.is_dns(), error.is_connect()) {
        (true, _) => "the name cannot be looked up",
        (_, true) => "no connection",
        _ => "the connection was lost",
    };
    let why = causes().last().map(ToString::to_string).unwrap_or_default();
    format!("{what}: {why}").chars().take(WORDS).collect()
}

/// The delivery after an attempt: done, given up, or waiting for the next one.
pub fn after(delivery: Delivery, attempt: &Attempt, now: Timestamp, chance: u16) -> Delivery {
    let attempts = delivery.attempts + 1;
    let again = |wait| schedule::pause(attempts, wait, chance);
    let pause = match attempt.outcome {
        Outcome::Taken | Outcome::Gone => None,
        Outcome::Refused => again(None),
        Outcome::Away { wait } => again(wait),
    };
    let (state, next_at) = match pause {
        Some(pause) => (DeliveryState::Waiting, now + pause),
        None if attempt.is_taken() => (DeliveryState::Delivered { at: now }, now),
        None => (DeliveryState::GivenUp { at: now }, now),
    };
    Delivery { attempts, state, next_at, last: Some(attempt.said.clone()), ..delivery }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn now() -> Timestamp {
        "2026-11-23T12:00:00Z".parse().unwrap()
    }

    fn hook(url: &str) -> Hook {
        Hook { url: url.into(), ..Hook::sample("hook-0000abcd", now()) }
    }

    fn answered(status: u16, retry_after: Option<&str>) -> Attempt {
        let headers = retry_after.map(|text| (RETRY_AFTER, text.parse::<HeaderValue>().unwrap()));
        Attempt::answered(StatusCode::from_u16(status).unwrap(), &headers.into_iter().collect())
    }

    #[test]
    fn every_status_has_its_consequence() {
        let away = |seconds| Outcome::Away { wait: Some(SignedDuration::from_secs(seconds)) };
        let silent = Outcome::Away { wait: None };
        for (status, retry_after, want) in [
            (200, None, Outcome::Taken),
            (204, None, Outcome::Taken),
            (301, None, Outcome::Refused),
            (308, None, Outcome::Refused),
            (400, None, Outcome::Refused),
            (404, Some("5"), Outcome::Refused),
            (410, None, Outcome::Gone),
            (429, Some("120"), away(120)),
            (429, None, silent),
            (500, None, Outcome::Refused),
            (502, Some("120"), silent),
            (503, Some(" 7 "), away(7)),
            (503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), silent),
            (503, Some("-1"), silent),
            (504, None, silent),
        ] {
            let attempt = answered(status, retry_after);
            assert_eq!(attempt.outcome, want, "{status} {retry_after:?}");
            assert!(attempt.said.contains(&status.to_string()), "{}", attempt.said);
        }
    }

    #[test]
    fn a_delivery_is_done_given_up_or_tried_again() {
        let delivery = Delivery::test(&hook("https://a.example"), "1", now());
        let taken = after(delivery.clone(), &answered(200, None), now(), 0);
        assert_eq!((taken.state, taken.attempts), (DeliveryState::Delivered { at: now() }, 1));
        let gone = after(delivery.clone(), &answered(410, None), now(), 0);
        assert_eq!(gone.state, DeliveryState::GivenUp { at: now() });
        let waits = after(delivery.clone(), &answered(503, Some("3600")), now(), 0);
        assert_eq!((waits.state, waits.next_at), (DeliveryState::Waiting, now() + SignedDuration::from_hours(1)));
        let mut tried = delivery.clone();
        for attempts in 1..=9 {
            tried = after(tried, &answered(500, None), now(), 0);
            assert_eq!((tried.state, tried.attempts), (DeliveryState::Waiting, attempts));
        }
        tried = after(tried, &answered(500, None), now(), 0);
        assert_eq!((tried.state, tried.attempts), (DeliveryState::GivenUp { at: now() }, 10));
        let same = [(&tried.id, &tried.body), (&taken.id, &taken.body)];
        assert!(same.iter().all(|(id, body)| **id == delivery.id && **body == delivery.body));
    }

    /// Answers every connection with these bytes; with none, it hangs.
    async fn receiver(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut open = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 8192];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
                // Closed at once, a client could miss the answer.
                open.push(stream);
            }
        });
        port
    }

    async fn attempt(host: &str, port: u16, networks: &[&str]) -> Attempt {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let url = format!("http://{host}:{port}");
        let networks = networks.iter().map(|text| text.parse().unwrap()).collect();
        let egress = EgressPolicy { allow: vec![url.clone()], networks, proxy: None };
        let http = egress.client(Duration::from_millis(300)).unwrap();
        let hook = hook(&format!("{url}/secret-path"));
        let attempt = send(&http, &egress, &hook, &Delivery::test(&hook, "1", now()), now()).await;
        assert!(!attempt.said.contains("secret-path"), "{}", attempt.said);
        attempt
    }

    #[tokio::test]
    async fn a_receiver_takes_refuses_hangs_or_is_not_there() {
        let inside = &["127.0.0.0/8", "::1/128"];
        let port = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert!(attempt("127.0.0.1", port, inside).await.is_taken());
        assert!(attempt("localhost", port, inside).await.is_taken());
        let moved = receiver("HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
        let attempted = attempt("127.0.0.1", moved, inside).await;
        assert_eq!((attempted.outcome, attempted.status), (Outcome::Refused, Some(301)));
        let hung = attempt("127.0.0.1", receiver("").await, inside).await;
        assert_eq!(hung.said, "no answer within 15 s");
        let nobody = attempt("127.0.0.1", 1, inside).await;
        assert!(nobody.said.starts_with("no connection: "), "{}", nobody.said);
        let nonsense = attempt("127.0.0.1", receiver("hello").await, inside).await;
        assert!(nonsense.is_about_all() && nonsense.status.is_none());
    }

    #[tokio::test]
    async fn no_attempt_reaches_loopback_by_number_or_by_name() {
        let port = receiver("HTTP/1.1 204 No Content\r\n\r\n").await;
        for host in ["127.0.0.1", "localhost", "[::1]"] {
            let refused = attempt(host, port, &[]).await;
            assert!(refused.said.contains("webhooks.networks"), "{host}: {}", refused.said);
        }
    }
}
