//! The desktop and the gadget container, both on the Finesse origin: that is what shapes a gadget's security.

use super::Desk;
use super::model::{Call, content};
use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use tokio_stream::{Stream, StreamExt, wrappers::BroadcastStream};

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/", get(async || Html(include_str!("front.html"))))
        .route("/desktop", get(async || Html(include_str!("desktop.html"))))
        .route("/desktop/assets/js/finesse.js", get(async || script("FINESSE_JS", include_str!("finesse.js"))))
        .route("/desktop/assets/js/jquery.min.js", get(async || script("FINESSE_JQUERY", "var jQuery = {};")))
        .route("/sim/gadgets.js", get(async || script("", include_str!("gadgets.js"))))
        .route("/sim/desk", get(desk_now))
        .route("/sim/events", get(events))
        .route("/sim/call", post(call))
        .route("/sim/call/{id}", delete(hang_up))
        .route("/sim/files/{name}", put(upload))
        .route("/gadgets/ifr", get(render))
}

/// Cisco's own file where the environment names one; else ours. Cisco's 10.6(1), the last that was handed out,
/// leaves the configuration to the gadget; later ones bring it.
fn script(name: &str, ours: &'static str) -> Response {
    let theirs =
        std::env::var_os(name).filter(|_| !name.is_empty()).and_then(|path| std::fs::read_to_string(path).ok());
    let theirs = theirs.map(|theirs| if name == "FINESSE_JS" { theirs + include_str!("config.js") } else { theirs });
    ([(header::CONTENT_TYPE, "text/javascript")], theirs.unwrap_or_else(|| ours.to_owned())).into_response()
}

#[derive(Deserialize)]
struct Of {
    agent: String,
}

/// What a desktop shows of its agent, and of what is said to everybody.
async fn desk_now(State(desk): State<Arc<Desk>>, Query(Of { agent }): Query<Of>) -> Response {
    let mut model = desk.model();
    model.look_into_folder();
    let Some(who) = model.agent(&agent) else { return StatusCode::NOT_FOUND.into_response() };
    let calls: Vec<_> = model.dialogs.iter().filter(|dialog| dialog.agent == agent).collect();
    let messages: Vec<_> = model.messages.iter().filter(|message| message.teams.contains(&who.team)).collect();
    let newest = model.files.keys().next_back();
    let file = newest.map(|name| format!("/3rdpartygadget/files/pstn-lockdown/{name}"));
    Json(json!({ "agent": who, "calls": calls, "messages": messages, "file": file })).into_response()
}

async fn events(State(desk): State<Arc<Desk>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = BroadcastStream::new(desk.news.subscribe()).map(|_| Ok(Event::default().data("news")));
    Sse::new(news).keep_alive(KeepAlive::default())
}

async fn call(State(desk): State<Arc<Desk>>, Json(call): Json<Call>) -> Json<Value> {
    let id = desk.model().call(call);
    desk.tell();
    Json(json!({ "id": id }))
}

async fn hang_up(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> StatusCode {
    desk.model().hang_up(&id);
    desk.tell();
    StatusCode::NO_CONTENT
}

/// Instead of SFTP.
async fn upload(State(desk): State<Arc<Desk>>, Path(name): Path<String>, text: String) -> Response {
    let done = desk.model().upload(&name, &text);
    desk.tell();
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(why) => (StatusCode::UNPROCESSABLE_ENTITY, why).into_response(),
    }
}

#[derive(Deserialize)]
struct Wanted {
    /// The gadget's file, with its own query.
    url: String,
}

/// Renders a gadget into the Finesse origin, as Shindig does.
async fn render(State(desk): State<Arc<Desk>>, Query(Wanted { url }): Query<Wanted>) -> Response {
    let path = url.split('?').next().unwrap_or_default();
    let Some(name) = path.strip_prefix("/3rdpartygadget/files/pstn-lockdown/") else {
        return (StatusCode::NOT_FOUND, "The gadget was not found.").into_response();
    };
    let text = desk.model().files.get(name).cloned();
    let Some(text) = text else { return (StatusCode::NOT_FOUND, "The gadget was not found.").into_response() };
    match content(&text) {
        Ok(body) => Html(format!(
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><script src=\"/sim/gadgets.js\"></script></head><body class=\"claro\">{body}<script>gadgets.start();</script></body></html>"
        ))
        .into_response(),
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
    }
}
