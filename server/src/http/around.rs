//! What happens to every request before and after its handler: one service around the whole router. A layer of the
//! router would be put around each route, and copied with it for every request.

use super::{AppState, address, embed, rest, same_origin, trace, who};
use crate::telemetry::otlp;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request as Asked, header};
use axum::response::Response;
use futures_util::FutureExt;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tower::{BoxError, Service};
use tower_http::timeout::TimeoutBody;
use tracing::Instrument;

/// A body whose next piece does not come in this time is given up.
const BODY_PAUSE: Duration = Duration::from_secs(15);

/// How every answer may be used. Not no-referrer: a plain form goes back to where it came from.
const FIXED: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=()"),
    ),
];

const HTTPS_FOR_GOOD: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// Handlers, and what is around them.
#[derive(Clone)]
pub struct Around<S> {
    pub(super) state: AppState,
    pub(super) handlers: S,
}

impl<S, B> Service<Asked<B>> for Around<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.handlers.poll_ready(context)
    }

    fn call(&mut self, request: Asked<B>) -> Self::Future {
        let request = request.map(bounded);
        let asked = trace::begin(&request);
        let (id, programs) = (asked.id.clone(), rest::is_of(request.uri().path()));
        let bare = request.method() == Method::HEAD;
        let https = self.state.https;
        let span = otlp::span_of(&asked, request.headers());
        let answered = asked.during(answered(self.clone(), request).instrument(span.clone()));
        Box::pin(answered.map(move |mut response| {
            if programs {
                response = rest::finished(response);
            }
            if bare {
                response = without_body(response);
            }
            let headers = response.headers_mut();
            trace::tell(id, headers);
            fixed(https, headers);
            span.record("http.response.status_code", i64::from(response.status().as_u16()));
            Ok(response)
        }))
    }
}

/// Every piece of it is carried along with every request: what most do not need is boxed.
async fn answered<S>(mut around: Around<S>, mut request: Request) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    let state = &around.state;
    if let Some(refused) = same_origin::refused(state, &request) {
        return refused;
    }
    address::note(state, &mut request);
    if who::is_told(&request) {
        Box::pin(who::identify(state, &mut request)).await;
    }
    let frame = embed::begin(state, &mut request);
    let Ok(mut response) = around.handlers.call(request).await;
    if let Some(frame) = frame {
        embed::keep(&frame, &mut response);
    }
    response
}

/// HEAD is answered by a head, also by what is no handler: HTTP/2 does not see to it.
fn without_body(mut response: Response) -> Response {
    if response.body().is_end_stream() {
        return response;
    }
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length.into());
    }
    *response.body_mut() = Body::empty();
    response
}

/// Most requests have no body, and nothing to wait for.
fn bounded<B>(body: B) -> Body
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    if body.is_end_stream() { Body::empty() } else { Body::new(TimeoutBody::new(BODY_PAUSE, body)) }
}

fn fixed(https: bool, headers: &mut HeaderMap) {
    headers.reserve(FIXED.len() + 1);
    for (name, value) in FIXED {
        headers.entry(name).or_insert(value);
    }
    if https {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HTTPS_FOR_GOOD);
    }
}
