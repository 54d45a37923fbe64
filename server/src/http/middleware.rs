//! What happens to every request before and after its handler: one service around the whole router. A layer of the
//! router would be put around each route, and copied with it for every request.

use super::{AppState, address, body, limits, location, same_origin, session_auth, trace};
use crate::surfaces::rest;
use crate::surfaces::web::embed;
use crate::telemetry::otlp;
use app::ApiError;
use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request as Asked, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tower::{BoxError, Service};
use tracing::Instrument;

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
pub struct Middleware<S> {
    pub(crate) state: AppState,
    pub(crate) handlers: S,
}

impl<S, B> Service<Asked<B>> for Middleware<S>
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
        let asked = trace::begin(&request);
        let id = asked.id.clone();
        let programs = rest::is_of(request.uri().path());
        let functions = request.uri().path().starts_with("/ui/");
        let bare = request.method() == Method::HEAD;
        let https = self.state.https;
        let span = otlp::span_of(&asked, request.headers());
        let answered = asked.during(answered(self.clone(), request).instrument(span.clone()));
        Box::pin(async move {
            let mut response = answered.await;
            if programs {
                response = rest::finished(response);
            }
            if functions && response.status() == StatusCode::INTERNAL_SERVER_ERROR {
                response = Box::pin(with_its_own_status(response)).await;
            }
            if bare {
                response = without_body(response);
            }
            let headers = response.headers_mut();
            trace::tell(id, headers);
            fixed(https, headers);
            span.record("http.response.status_code", i64::from(response.status().as_u16()));
            Ok(response)
        })
    }
}

/// What a page's function could not even read is the caller's fault, not ours: leptos calls each such answer a 500, and an
/// alarm on those would ring for every fuzzer.
async fn with_its_own_status(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, body::MOST).await else { return head.into_response() };
    if let Ok(error) = serde_json::from_slice::<ApiError>(&body) {
        head.status = StatusCode::from_u16(error.status()).unwrap_or(head.status);
    }
    Response::from_parts(head, Body::from(body))
}

/// Every piece of it is carried along with every request: what most do not need is boxed.
async fn answered<S, B>(mut middleware: Middleware<S>, request: Asked<B>) -> Response
where
    S: Service<Request, Response = Response, Error = Infallible>,
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let state = &middleware.state;
    let (head, body) = request.into_parts();
    let mut request = Request::from_parts(head, Body::empty());
    if let Some(refused) = same_origin::refused(state, &request).or_else(|| location::refused(state, &request)) {
        return refused;
    }
    address::note(state, &mut request);
    if session_auth::is_told(&request) {
        Box::pin(session_auth::identify(state, &mut request)).await;
    }
    if !body.is_end_stream() {
        match Box::pin(body::whole(body, body::most(&request))).await {
            Ok(whole) => *request.body_mut() = whole,
            Err(error) => return error.into_response(),
        }
    }
    if let Some(refused) = limits::refused(&state.limits, &request) {
        return refused;
    }
    let frame = embed::begin(state, &mut request);
    let Ok(mut response) = middleware.handlers.call(request).await;
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

fn fixed(https: bool, headers: &mut HeaderMap) {
    headers.reserve(FIXED.len() + 1);
    for (name, value) in FIXED {
        headers.entry(name).or_insert(value);
    }
    if https {
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(HTTPS_FOR_GOOD);
    }
}
