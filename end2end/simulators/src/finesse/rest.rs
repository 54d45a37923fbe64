//! `/finesse/api`: XML in and out, Basic sign-in. Agents see themselves, an administrator everybody.

use super::model::{Agent, Dialog, Model, NotTaken, TeamMessage};
use super::{ADMIN, Desk};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::Event;
use std::sync::Arc;

pub(super) fn routes() -> Router<Arc<Desk>> {
    Router::new()
        .route("/finesse/api/User/{id}", get(user))
        .route("/finesse/api/User/{id}/Dialogs", get(dialogs))
        .route("/finesse/api/TeamMessage", post(create))
        .route("/finesse/api/TeamMessage/{id}", delete(remove))
        .route("/finesse/api/Team/{id}/TeamMessages", get(list))
}

/// Who signed in.
enum Caller {
    Admin,
    Agent(String),
}

fn caller(model: &Model, headers: &HeaderMap) -> Result<Caller, Box<Response>> {
    if let Some(status) = model.refuses.and_then(|status| StatusCode::from_u16(status).ok()) {
        return Err(Box::new(status.into_response()));
    }
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let plain = text.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = plain.as_deref().and_then(|plain| plain.split_once(':'));
    match pair {
        Some(given) if given == ADMIN => Ok(Caller::Admin),
        Some((id, password)) if model.agent(id).is_some_and(|agent| agent.password == password) => {
            Ok(Caller::Agent(id.to_owned()))
        }
        _ => Err(Box::new(errors(StatusCode::UNAUTHORIZED, "Authorization Failure", "authorization", "UNAUTHORIZED"))),
    }
}

fn errors(status: StatusCode, kind: &str, data: &str, message: &str) -> Response {
    xml(
        status,
        &format!(
            "<ApiErrors><ApiError><ErrorType>{kind}</ErrorType><ErrorData>{data}</ErrorData><ErrorMessage>{message}</ErrorMessage></ApiError></ApiErrors>"
        ),
    )
}

fn xml(status: StatusCode, body: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/xml")], body.to_owned()).into_response()
}

/// An agent reads only their own object.
fn own(model: &Model, headers: &HeaderMap, id: &str) -> Result<Agent, Box<Response>> {
    let caller = caller(model, headers)?;
    let theirs = matches!(&caller, Caller::Admin) || matches!(&caller, Caller::Agent(own) if own == id);
    if !theirs {
        let kind = "Invalid Authorization User Specified";
        return Err(Box::new(errors(StatusCode::UNAUTHORIZED, kind, id, "UNAUTHORIZED")));
    }
    let missing = || Box::new(errors(StatusCode::NOT_FOUND, "User Not Found", id, "USER_NOT_FOUND"));
    model.agent(id).cloned().ok_or_else(missing)
}

async fn user(State(desk): State<Arc<Desk>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    match own(&desk.model(), &headers, &id) {
        Err(refusal) => *refusal,
        Ok(agent) => xml(
            StatusCode::OK,
            &format!(
                "<User><uri>/finesse/api/User/{0}</uri><roles><role>Agent</role></roles><loginId>{0}</loginId><loginName>{0}</loginName><state>READY</state><extension>{1}</extension><firstName>{2}</firstName><lastName>{3}</lastName><teamId>{4}</teamId><teamName>Team {4}</teamName><dialogs>/finesse/api/User/{0}/Dialogs</dialogs></User>",
                agent.id, agent.extension, agent.first, agent.last, agent.team
            ),
        ),
    }
}

async fn dialogs(State(desk): State<Arc<Desk>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let model = desk.model();
    match own(&model, &headers, &id) {
        Err(refusal) => *refusal,
        Ok(agent) => {
            let all: String = model.dialogs.iter().filter(|dialog| dialog.agent == agent.id).map(written).collect();
            xml(StatusCode::OK, &format!("<Dialogs>{all}</Dialogs>"))
        }
    }
}

fn written(dialog: &Dialog) -> String {
    format!(
        "<Dialog><uri>/finesse/api/Dialog/{0}</uri><id>{0}</id><mediaType>Voice</mediaType><fromAddress>{1}</fromAddress><toAddress>{2}</toAddress><mediaProperties><mediaId>1</mediaId><DNIS>{2}</DNIS><callType>{3}</callType><dialedNumber>{4}</dialedNumber></mediaProperties><state>ACTIVE</state></Dialog>",
        dialog.id,
        escape(&dialog.from),
        escape(&dialog.to),
        escape(&dialog.call_type),
        escape(&dialog.dialed),
    )
}

/// All texts of elements of this name.
fn texts(body: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(body);
    let mut found = Vec::new();
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) if tag.name().as_ref() == name => {
                let Ok(inner) = reader.read_text(tag.name()) else { break };
                found.extend(unescape(&inner).map(|text| text.trim().to_owned()));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    found
}

/// Answers without the new message's id, as the documentation says nothing of one.
async fn create(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: String) -> Response {
    let mut model = desk.model();
    let by = match caller(&model, &headers) {
        Ok(Caller::Admin) => ADMIN.0.to_owned(),
        Ok(Caller::Agent(id)) => {
            return errors(StatusCode::FORBIDDEN, "Authorization Failure", &id, "NOT_A_SUPERVISOR");
        }
        Err(refusal) => return *refusal,
    };
    let one = |name: &str| texts(&body, name).into_iter().next().unwrap_or_default();
    let teams = texts(&body, "team").iter().filter_map(|team| team.parse().ok()).collect();
    let duration = one("duration").parse().unwrap_or(0);
    match model.post(&one("content"), duration, teams, &by, crate::webex::now().as_second()) {
        Ok(()) => {
            drop(model);
            desk.tell();
            StatusCode::OK.into_response()
        }
        Err(NotTaken::Invalid(what)) => errors(StatusCode::BAD_REQUEST, "Invalid Input", what, "INVALID_INPUT"),
        Err(NotTaken::Full) => errors(
            StatusCode::SERVICE_UNAVAILABLE,
            "System Resource Limit Exceeded",
            "teammessage.max.limit.exceeded",
            "MAX_ACTIVE_MESSAGE_LIMIT_EXCEEDED",
        ),
    }
}

async fn remove(State(desk): State<Arc<Desk>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let mut model = desk.model();
    match caller(&model, &headers) {
        Ok(Caller::Admin) => {}
        Ok(Caller::Agent(id)) => return errors(StatusCode::FORBIDDEN, "Authorization Failure", &id, "NOT_THE_CREATOR"),
        Err(refusal) => return *refusal,
    }
    let before = model.messages.len();
    model.messages.retain(|message| message.id != id);
    let gone = model.messages.len() < before;
    drop(model);
    desk.tell();
    if gone { StatusCode::OK.into_response() } else { StatusCode::NOT_FOUND.into_response() }
}

async fn list(State(desk): State<Arc<Desk>>, Path(id): Path<u32>, headers: HeaderMap) -> Response {
    let mut model = desk.model();
    if let Err(refusal) = caller(&model, &headers) {
        return *refusal;
    }
    model.looks += 1;
    let all: String = model.messages.iter().filter(|message| message.teams.contains(&id)).map(message).collect();
    xml(StatusCode::OK, &format!("<TeamMessages>{all}</TeamMessages>"))
}

fn message(one: &TeamMessage) -> String {
    let teams: String = one.teams.iter().map(|team| format!("<team>{team}</team>")).collect();
    format!(
        "<TeamMessage><uri>/finesse/api/TeamMessage/{0}</uri><id>{0}</id><createdBy><id>{1}</id></createdBy><createdAt>{2}</createdAt><duration>{3}</duration><content>{4}</content><teams>{teams}</teams></TeamMessage>",
        one.id,
        one.by,
        one.created_at,
        one.duration,
        escape(&one.content)
    )
}
