//! Spans for whoever collects them: each request, each look at CUCM and each write with how long it took, by OTLP over
//! HTTP to the collector that `telemetry.otlp` names. A request's trace has the id that the log and the answer have.
//!
//! Nothing waits for the collector: what it does not take is dropped, and the log says once that it is away.

use super::request::Asked;
use anyhow::Context as _;
use async_trait::async_trait;
use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{SpanId, TraceId, TracerProvider};
use opentelemetry::{KeyValue, trace::TraceContextExt};
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SdkTracerProvider};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::field::Empty;
use tracing::{Level, Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// For one delivery, and for the last one of a server that stops.
const PATIENCE: Duration = Duration::from_secs(2);

/// A span for each request costs a tenth of the shortest answers: there is none unless somebody collects them.
static ON: AtomicBool = AtomicBool::new(false);

/// What gathers spans and sends them.
pub struct Spans(SdkTracerProvider);

impl Spans {
    /// Begins to gather; to be called within the runtime.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub(super) fn gather(collector: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().context("telemetry.otlp")?;
        let sender = Sender { http, runtime: Handle::current(), away: AtomicBool::new(false) };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(sender)
            .with_endpoint(format!("{collector}/v1/traces"))
            .with_timeout(PATIENCE)
            .build()
            .context("telemetry.otlp")?;
        let resource = Resource::builder()
            .with_service_name("pstn-lockdown")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_id_generator(Ids(RandomIdGenerator::default()))
            .with_resource(resource)
            .build();
        ON.store(true, Ordering::Relaxed);
        Ok(Self(provider))
    }

    /// What this program tells itself, whatever the log is to have: what its libraries tell is about sending, too.
    pub(super) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let layer = OpenTelemetryLayer::new(self.0.tracer("pstn-lockdown"));
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer.with_filter(Targets::new().with_targets([("server", Level::INFO), ("engine", Level::INFO)]))
    }

    /// Sends what is left.
    pub async fn close(self) {
        // It waits on the thread it is called on.
        let last = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(PATIENCE));
        if let Ok(Err(error)) = last.await {
            tracing::info!(%error, "the last spans were not taken");
        }
    }
}

/// The span of a request, in the trace of whoever traces already. None at all where nobody collects.
pub fn span_of(asked: &Asked, headers: &HeaderMap) -> Span {
    if !ON.load(Ordering::Relaxed) {
        return Span::none();
    }
    let method = &asked.method;
    let path = asked.path();
    let span = tracing::info_span!(
        "request",
        otel.name = format!("{method} {path}"),
        otel.kind = "server",
        http.request.method = %method,
        url.path = path,
        http.response.status_code = Empty,
    );
    let caller = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if caller.span().span_context().is_valid() {
        // Refused only where no layer takes spans.
        let _ = span.set_parent(caller);
    }
    span
}

/// A trace that begins with a request has the request's id.
#[derive(Debug)]
struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        let asked = Asked::current_id().and_then(|id| TraceId::from_hex(&id).ok());
        asked.unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Sends on the server's own runtime; the gathering thread has none.
#[derive(Debug)]
struct Sender {
    http: reqwest::Client,
    runtime: Handle,
    away: AtomicBool,
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = sent(self.http.clone(), request.map(reqwest::Body::from));
        let answer = self.runtime.spawn(sent).await.map_err(HttpError::from).flatten();
        self.tell(&answer);
        answer
    }
}

async fn sent(http: reqwest::Client, request: Request<reqwest::Body>) -> Result<Response<Bytes>, HttpError> {
    let answer = http.execute(request.try_into()?).await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    Ok(response.body(answer.bytes().await?)?)
}

impl Sender {
    /// Once when it goes, once when it is back.
    fn tell(&self, answer: &Result<Response<Bytes>, HttpError>) {
        let trouble = match answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(match error.downcast_ref::<reqwest::Error>() {
                // Not its address: a password may be in it.
                Some(error) if error.is_timeout() => "no answer in time".into(),
                Some(_) => "it cannot be reached".into(),
                None => error.to_string(),
            }),
        };
        let was_away = self.away.swap(trouble.is_some(), Ordering::Relaxed);
        match trouble {
            Some(why) if !was_away => tracing::warn!(why, "the collector of spans does not take them"),
            None if was_away => tracing::info!("the collector of spans takes them again"),
            _ => {}
        }
    }
}
