//! The least a web server of ours can do, for the benchmarks: an axum handler that returns a constant.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use simulators::web::WebServer;

/// As long as what the product answers for one site.
const ANSWER: &str = r#"{"state":"normal","since":"2026-11-28T05:05:52.790373Z","sites":[{"id":"bench","name":"Bench","state":"normal","since":"2026-11-28T05:05:52.790373Z","read_at":"2026-11-28T05:06:02.790373Z"}]}"#;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let constant = || async { ([(header::CONTENT_TYPE, "application/json")], ANSWER) };
    let server = WebServer::start(Router::new().route("/api/v1/status", get(constant)), None, 0)?;
    println!("http://{}", server.address());
    tokio::signal::ctrl_c().await
}
