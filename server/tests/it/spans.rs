//! Spans, as a collector gets them.

use crate::world::{More, World, http};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::sync::{Arc, Mutex};

type Taken = Arc<Mutex<Vec<Span>>>;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Takes OTLP over HTTP. Returns where, and what comes in.
async fn collector() -> (String, Taken) {
    let taken = Taken::default();
    let take = async |State(taken): State<Taken>, body: Bytes| {
        let request = ExportTraceServiceRequest::decode(body).unwrap();
        let resources = request.resource_spans.into_iter();
        taken.lock().unwrap().extend(resources.flat_map(|r| r.scope_spans).flat_map(|scope| scope.spans));
    };
    let app = Router::new().route("/v1/traces", post(take)).with_state(taken.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, taken)
}

async fn world_with(collector: &str) -> World {
    let sections = format!("[telemetry]\notlp = \"{collector}/\"");
    let world = World::with(More { sections, ..More::default() }).await;
    world.until_standing("normal").await;
    world
}

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_gets_each_request_in_its_trace_and_each_write_in_a_look() {
    let (url, taken) = collector().await;
    let world = world_with(&url).await;
    let client = http();
    let status = client.get(format!("{}/api/v1/status?x=1", world.url));
    status.header("traceparent", format!("00-{TRACE}-{CALLER}-01")).send().await.unwrap();
    let ticket = client.get(format!("{}/requests/t/a-secret", world.url)).send().await.unwrap();
    let id = ticket.headers()["x-request-id"].to_str().unwrap().to_owned();
    world.lock_verified().await;
    // The look that wrote is over.
    world.looked_again().await;
    world.stop();

    let spans = taken.lock().unwrap().clone();
    let in_trace = |trace: &str| spans.iter().find(|span| hex(&span.trace_id) == trace).unwrap();
    let of_caller = in_trace(TRACE);
    assert_eq!((of_caller.name.as_str(), hex(&of_caller.parent_span_id).as_str()), ("GET /api/v1/status", CALLER));
    assert!(format!("{:?}", of_caller.attributes).contains("IntValue(200)"), "{of_caller:?}");
    let own = in_trace(&id);
    assert_eq!((own.name.as_str(), own.parent_span_id.len()), ("GET /requests/t/", 0), "it begins here");
    assert!(!format!("{spans:?}").contains("a-secret"));
    let looks: Vec<&Span> = spans.iter().filter(|span| span.name == "engine.drive").collect();
    let writes: Vec<&Span> = spans.iter().filter(|span| span.name == "dial_plan.write").collect();
    assert!(!writes.is_empty() && writes.iter().all(|write| looks.iter().any(|l| l.span_id == write.parent_span_id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_holds_up_nothing_and_is_told_of_once() {
    let world = world_with("http://127.0.0.1:9").await;
    world.lock_verified().await;
    let told = || world.log().matches("the collector of spans does not take them").count();
    world.until("the log says so", async || told() == 1).await;
    world.stop();
    assert_eq!(told(), 1, "{}", world.log());
}
