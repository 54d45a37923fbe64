//! What comes with a request, taken whole before anything looks at it. A client decides in how small pieces a body comes,
//! and how slowly: each piece is copied into one buffer, so that what is held is what was sent, and there is an end.

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::poll_fn;
use lockdown::operator::{Act, Operator};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tower::BoxError;

/// Orders and forms are small. Bytes.
pub(crate) const MOST: usize = 64 * 1024;

/// A roster of a town, in a form. Bytes.
const MOST_OF_A_ROSTER: usize = 4 * 1024 * 1024;

/// Ten thousand numbers to follow, from a program that shows a key. Bytes.
const MOST_OF_A_TRACE: usize = 256 * 1024;

/// A body whose next piece does not come in this time is given up.
const PAUSE: Duration = Duration::from_secs(15);

/// A body that is not whole by then is given up.
const WHOLE: Duration = Duration::from_secs(30);

/// Why there is no body to work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    TooSlow,
    Broken,
}

/// How long the body of a request may be. Nobody holds so much memory who does not manage people.
pub(crate) fn most(request: &Request) -> usize {
    let manages = || request.extensions().get::<Operator>().is_some_and(|by| by.may(Act::Manage, None).is_ok());
    let shows_a_key = || request.headers().contains_key(header::AUTHORIZATION);
    match request.uri().path() {
        "/ui/import-roster" if manages() => MOST_OF_A_ROSTER,
        path if path.starts_with("/api/v1/sites/") && path.ends_with("/plan/trace") && shows_a_key() => MOST_OF_A_TRACE,
        _ => MOST,
    }
}

/// Most requests have no body, and nothing to wait for.
pub(crate) async fn whole<B>(body: B, most: usize) -> Result<Body, BodyError>
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>>,
{
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    if body.size_hint().lower() > most as u64 {
        return Err(BodyError::TooLarge);
    }
    let mut body = pin!(body);
    let mut whole = Vec::new();
    let end = Instant::now() + WHOLE;
    loop {
        let next = poll_fn(|context| body.as_mut().poll_frame(context));
        let piece = timeout_at(end.min(Instant::now() + PAUSE), next).await.map_err(|_| BodyError::TooSlow)?;
        let Some(piece) = piece else { return Ok(Body::from(whole)) };
        let Ok(data) = piece.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if whole.len() + data.len() > most {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&data);
    }
}

impl IntoResponse for BodyError {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "What was sent is larger than anything that is taken here.")
            }
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "What was sent did not arrive whole in time."),
            Self::Broken => (StatusCode::BAD_REQUEST, "What was sent broke off."),
        };
        // What is still to come is not read.
        (status, [(header::CONNECTION, "close")], text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use futures_util::stream::{self, StreamExt};
    use lockdown::ids::OperatorId;
    use lockdown::operator::{Authority, Role, Surface};

    fn in_pieces(of: usize, count: usize, pause: Duration) -> Body {
        let pieces = stream::iter(0..count).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; of]))
        });
        Body::from_stream(pieces)
    }

    #[test]
    fn a_town_is_taken_from_whoever_manages_people_and_from_nobody_else() {
        let of = |path: &str, role: Option<Role>| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = path.parse().unwrap();
            if let Some(role) = role {
                request.extensions_mut().insert(Operator {
                    id: OperatorId::try_from("p-1").unwrap(),
                    name: "P".into(),
                    surface: Surface::Web,
                    authority: Authority::Roles([role].into()),
                });
            }
            most(&request)
        };
        assert_eq!(of("/ui/import-roster", Some(Role::Admin)), MOST_OF_A_ROSTER);
        for (path, role) in [
            ("/ui/import-roster", None),
            ("/ui/import-roster", Some(Role::SeniorEoc)),
            ("/ui/activate", Some(Role::Admin)),
        ] {
            assert_eq!(of(path, role), MOST, "{path} {role:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pieces_become_one_body() {
        let body = whole(in_pieces(3, 1000, Duration::from_millis(10)), MOST).await.unwrap();
        assert_eq!(to_bytes(body, usize::MAX).await.unwrap().len(), 3000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_large_or_too_slow_is_given_up() {
        let large = whole(in_pieces(1024, 65, Duration::ZERO), MOST).await;
        assert_eq!(large.map(|_| ()), Err(BodyError::TooLarge));
        let drip = whole(in_pieces(1, 60, Duration::from_secs(13)), MOST).await;
        assert_eq!(drip.map(|_| ()), Err(BodyError::TooSlow), "one byte every thirteen seconds");
        let silent = whole(in_pieces(1, 1, Duration::from_secs(16)), MOST).await;
        assert_eq!(silent.map(|_| ()), Err(BodyError::TooSlow));
    }
}
