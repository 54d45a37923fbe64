//! AXL over HTTP: who may, which version, and what becomes of the answer.

use super::faults::{Cut, Fate, Sql};
use super::model::{AxlRole, Cluster};
use super::operations::{self, Fault, Manner};
use super::soap::{self, Asked};
use super::{Exchange, State, lock};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as From;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Session cookies that are good.
#[derive(Default)]
pub(crate) struct Sessions {
    good: Vec<(String, String)>,
    made: usize,
}

impl Sessions {
    pub(crate) fn expire(&mut self) {
        self.good.clear();
    }

    fn open(&mut self, user: &str) -> String {
        self.made += 1;
        let id = format!("SIM{:029}", self.made);
        self.good.push((id.clone(), user.to_owned()));
        id
    }
}

#[derive(Clone)]
struct Node {
    state: Arc<State>,
    publisher: bool,
}

pub(crate) fn router(state: Arc<State>, publisher: bool) -> Router {
    Router::new()
        .route("/axl/", get(hello).post(answer))
        .route("/axl", axum::routing::any(|| async { (StatusCode::FOUND, [(header::LOCATION, "/axl/")]) }))
        .with_state(Node { state, publisher })
}

async fn hello(From(node): From<Node>, headers: HeaderMap) -> Response {
    match admit(&node.state, &headers) {
        Ok(_) => "The AXL Web Service is working and accepting requests.".into_response(),
        Err(refusal) => *refusal,
    }
}

/// An answer takes as long as the faults say, the simulator's own work included.
async fn answer(From(node): From<Node>, headers: HeaderMap, body: Bytes) -> Response {
    let due = Instant::now() + Duration::from_millis(lock(&node.state.faults).latency_ms);
    let response = answer_at_once(&node, &headers, &body).await;
    tokio::time::sleep_until(due).await;
    response
}

async fn answer_at_once(node: &Node, headers: &HeaderMap, body: &[u8]) -> Response {
    let (user, cookie) = match admit(&node.state, headers) {
        Ok(admitted) => admitted,
        Err(refusal) => return *refusal,
    };
    let fate = lock(&node.state.faults).fate();
    match fate {
        Fate::Answer => {}
        Fate::HalfOpen => std::future::pending::<()>().await,
        Fate::Throttle => return throttled(&node.state),
        Fate::Html => return html(StatusCode::OK, "<html><body>It works! Apache Tomcat</body></html>"),
        Fate::Memory => {
            return faulted(
                "",
                -1,
                "Maximum AXL Memory Allocation Consumed. Please retry once requests in progress have completed",
            );
        }
    }
    let Some(asked) = std::str::from_utf8(body).ok().and_then(soap::read) else {
        return faulted("", -1, "The request is no SOAP");
    };
    if let Some(refusal) = wrong_version(&node.state, &asked, headers) {
        return refusal;
    }
    let mut response = act(node, &user, &asked).await;
    if let Ok(value) = HeaderValue::from_str(&format!("JSESSIONIDSSO={cookie}; Path=/; Secure; HttpOnly")) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Who asks, and the session cookie to go on with.
fn admit(state: &State, headers: &HeaderMap) -> Result<(String, String), Box<Response>> {
    if let Some(cookie) = session_cookie(headers) {
        let sessions = lock(&state.sessions);
        return match sessions.good.iter().find(|(id, _)| *id == cookie) {
            Some((id, user)) => Ok((user.clone(), id.clone())),
            None => Err(Box::new(html(StatusCode::NOT_FOUND, "<html>Not Found</html>"))),
        };
    }
    let unauthorized = || Box::new(html(StatusCode::UNAUTHORIZED, "<html><title>Unauthorized</title></html>"));
    let (name, password) = basic(headers).ok_or_else(unauthorized)?;
    let mut cluster = lock(&state.cluster);
    let user = cluster.users.iter_mut().find(|user| user.name == name).ok_or_else(unauthorized)?;
    if user.password != password || user.failures >= 10 {
        user.failures += 1;
        return Err(unauthorized());
    }
    user.failures = 0;
    if user.role == AxlRole::None {
        return Err(Box::new(html(StatusCode::FORBIDDEN, "<html>Forbidden</html>")));
    }
    let cookie = lock(&state.sessions).open(&name);
    Ok((name, cookie))
}

fn session_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|pair| pair.trim().strip_prefix("JSESSIONIDSSO=")).map(str::to_owned)
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

/// The version must be one this release takes, and the same in namespace and SOAPAction.
fn wrong_version(state: &State, asked: &Asked, headers: &HeaderMap) -> Option<Response> {
    let offered = lock(&state.faults).versions.clone();
    let taken = offered.is_empty() || offered.contains(&asked.version);
    let action = headers.get("soapaction").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let agrees = action.is_empty() || action.contains(&format!("ver={}", asked.version));
    (!taken || !agrees).then(|| {
        let list = if offered.is_empty() { "12.x, 14.0 and 15.0".to_owned() } else { offered.join(", ") };
        let page = format!("<html><body>Incorrect axl version. Supported axl versions are {list}</body></html>");
        html(StatusCode::from_u16(599).unwrap_or(StatusCode::BAD_REQUEST), &page)
    })
}

async fn act(node: &Node, user: &str, asked: &Asked) -> Response {
    let operation = asked.operation.name.clone();
    let writes = !["get", "list", "executeSQLQuery"].iter().any(|verb| operation.starts_with(verb));
    if writes && role(&node.state, user) == AxlRole::ReadOnly {
        return html(StatusCode::UNAUTHORIZED, "<html><title>Unauthorized</title></html>");
    }
    if writes && !node.publisher {
        return faulted(&operation, -1, "This node is a subscriber: its database is read-only");
    }
    if operation == "executeSQLQuery" {
        let sql = lock(&node.state.faults).sql;
        let refused = match sql {
            Sql::Answers | Sql::Empty => None,
            Sql::Hangs => std::future::pending().await,
            Sql::Refused => Some((StatusCode::FORBIDDEN, "Forbidden")),
            Sql::Broken => Some((StatusCode::NOT_ACCEPTABLE, "Not acceptable")),
        };
        if let Some((status, why)) = refused {
            return html(status, &format!("<html><title>{why}</title></html>"));
        }
    }
    let takes = !writes || lock(&node.state.faults).takes_write();
    if !takes {
        std::future::pending::<()>().await;
    }
    if operation.starts_with("get") {
        delete_meanwhile(&node.state, &asked.operation);
    }
    if operation == "listRoutePattern" && lock(&node.state.faults).edits() {
        lock(&node.state.cluster).edited(|cluster| {
            cluster.partitions.iter_mut().take(1).for_each(|partition| partition.description.push('.'));
        });
    }
    let outcome = {
        let faults = lock(&node.state.faults).clone();
        let refused = faults.refused.contains(&asked.operation.name);
        let manner = Manner {
            version: &asked.version,
            nils: faults.nils,
            max_rows: faults.max_rows,
            clause: faults.clause,
            sql: faults.sql,
            missing_columns: &faults.missing_columns,
        };
        let mut replica = lock(&node.state.replica);
        match replica.as_mut().filter(|_| !node.publisher) {
            _ if refused => Err(Fault(-1, "The operation is not available here".into())),
            Some(held) => operations::perform(held, &asked.operation, &manner),
            None => operations::perform(&mut lock(&node.state.cluster), &asked.operation, &manner),
        }
    };
    match outcome {
        Ok(response) => {
            let exchange = Exchange { operation, request: asked.source.clone(), response: response.clone() };
            lock(&node.state.log).push(exchange);
            let cut = lock(&node.state.faults).cuts(writes);
            deliver(&soap::envelope(&response), cut)
        }
        Err(Fault(code, message)) => faulted(&operation, code, &message),
    }
}

/// Somebody deletes it before it is read.
fn delete_meanwhile(state: &State, ask: &soap::Node) {
    let Some(asked) = ask.text_of("uuid") else { return };
    let doomed = lock(&state.faults).deleted_meanwhile.clone();
    for name in doomed {
        lock(&state.cluster).edited(|cluster| cluster.delete_if(&name, asked));
    }
}

fn role(state: &State, user: &str) -> AxlRole {
    let cluster: parking_lot::MutexGuard<'_, Cluster> = lock(&state.cluster);
    cluster.users.iter().find(|u| u.name == user).map_or(AxlRole::None, |u| u.role)
}

fn deliver(text: &str, cut: Cut) -> Response {
    let sent = match cut {
        Cut::No => return xml(StatusCode::OK, Body::from(text.to_owned())),
        Cut::HalfWay => &text[..text.len() / 2],
        Cut::AtOnce => "",
    };
    let parts = [Ok(Bytes::copy_from_slice(sent.as_bytes())), Err(std::io::Error::other("cut"))];
    xml(StatusCode::OK, Body::from_stream(tokio_stream::iter(parts)))
}

fn xml(status: StatusCode, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, "text/xml;charset=UTF-8")], body).into_response()
}

fn faulted(operation: &str, code: i32, message: &str) -> Response {
    let text = soap::envelope(&soap::fault(operation, code, message));
    xml(StatusCode::INTERNAL_SERVER_ERROR, Body::from(text))
}

fn throttled(state: &State) -> Response {
    let mut response = html(StatusCode::SERVICE_UNAVAILABLE, "<html>Service Unavailable</html>");
    if let Some(seconds) = lock(&state.faults).retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn html(status: StatusCode, page: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html;charset=utf-8")], page.to_owned()).into_response()
}
