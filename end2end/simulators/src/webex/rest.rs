//! The API as its reference describes it: shapes, codes, limits, and who sees what.

use super::model::{
    Account, Action, EDITS, Hook, Kind, LONGEST, Membership, Message, Room, hook_json, id, person_json, read_mentions,
    uuid_of,
};
use super::{Cloud, now};
use axum::body::Bytes;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Items of a page when nobody says how many.
const PAGE: usize = 50;

/// Inputs a card may have: it has one row of buttons with so many at most.
const ACTIONS: usize = 5;

/// What the cloud refuses: status and reason.
pub struct Refused(pub StatusCode, pub String);

type Answer = Result<Response, Refused>;

impl Refused {
    fn new(status: u16, why: impl Into<String>) -> Self {
        Self(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), why.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let tracking = "ROUTER_SIM-0000-01";
        let body = json!({ "message": self.1, "errors": [{ "description": self.1 }], "trackingId": tracking });
        (self.0, [("trackingid", tracking)], Json(body)).into_response()
    }
}

pub fn routes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/people/me", get(me))
        .route("/people", get(people))
        .route("/people/{id}", get(person))
        .route("/rooms", get(rooms).post(new_room))
        .route("/rooms/{id}", get(room).put(rename_room).delete(delete_room))
        .route("/memberships", get(memberships).post(invite))
        .route("/memberships/{id}", put(change_membership).delete(leave))
        .route("/messages", get(messages).post(write))
        .route("/messages/{id}", get(message).put(edit).delete(unwrite))
        .route("/attachment/actions", post(press))
        .route("/attachment/actions/{id}", get(action))
        .route("/webhooks", get(hooks).post(new_hook))
        .route("/webhooks/{id}", put(change_hook).delete(delete_hook))
        .route("/teams", get(teams).post(new_team))
        .route("/devices", get(endpoints))
        .route("/xapi/command/{name}", post(command))
        .route("/meetings", post(new_meeting))
        .route("/access_token", post(renew))
}

/// Who asks, by the token.
pub fn caller(cloud: &Cloud, headers: &HeaderMap) -> Result<Account, Refused> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let revoked = cloud.faults().revoked.contains(token);
    let account = cloud.model().by_token(token).cloned().filter(|_| !revoked);
    account.ok_or_else(|| {
        Refused::new(401, "The request requires a valid access token set in the Authorization request header.")
    })
}

fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().map(str::to_owned).filter(|text| !text.is_empty())
}

fn body(bytes: &Bytes) -> Result<Value, Refused> {
    serde_json::from_slice(bytes).map_err(|error| Refused::new(400, format!("Unable to parse body: {error}")))
}

#[expect(clippy::unnecessary_wraps, reason = "the end of every handler")]
fn ok(value: Value) -> Answer {
    Ok(Json(value).into_response())
}

fn missing(what: &str) -> Refused {
    Refused::new(404, format!("The requested {what} could not be found."))
}

type Asked = (State<Arc<Cloud>>, HeaderMap);
type Params = Query<BTreeMap<String, String>>;

#[expect(clippy::unnecessary_wraps, reason = "the end of every handler")]
/// One page of `items`; the next one's address as the faults have it.
fn page(cloud: &Cloud, path: &str, params: &BTreeMap<String, String>, items: Vec<Value>) -> Answer {
    let number = |name: &str| params.get(name).and_then(|text| text.parse::<usize>().ok());
    let max = number("max").unwrap_or(PAGE).min(1000);
    let from = number("cursor").unwrap_or(0);
    let more = items.len() > from + max;
    let shown: Vec<Value> = items.into_iter().skip(from).take(max).collect();
    let mut response = Json(json!({ "items": shown })).into_response();
    if more {
        let mut next = params.clone();
        next.insert("cursor".into(), (from + max).to_string());
        if cloud.faults().lose_filters {
            next.retain(|name, _| matches!(name.as_str(), "cursor" | "max"));
        }
        let query: Vec<String> = next.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let origin = cloud.faults().next_host.clone().unwrap_or_else(|| cloud.origin());
        let link = format!("<{origin}/v1{path}?{}>; rel=\"next\"", query.join("&"));
        if let Ok(value) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, value);
        }
    }
    Ok(response)
}

async fn me((State(cloud), headers): Asked) -> Answer {
    ok(person_json(&caller(&cloud, &headers)?))
}

async fn person((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    caller(&cloud, &headers)?;
    let found = cloud.model().account(&uuid_of(&wanted)).map(person_json);
    ok(found.ok_or_else(|| missing("person"))?)
}

/// Only of one's own organisation.
async fn people((State(cloud), headers): Asked, Query(params): Params) -> Answer {
    let me = caller(&cloud, &headers)?;
    let email = params.get("email").cloned().unwrap_or_default();
    let items = cloud
        .model()
        .accounts
        .iter()
        .filter(|one| one.org == me.org && one.email.eq_ignore_ascii_case(&email))
        .map(person_json)
        .collect();
    page(&cloud, "/people", &params, items)
}

async fn rooms((State(cloud), headers): Asked, Query(params): Params) -> Answer {
    let me = caller(&cloud, &headers)?;
    let items = {
        let model = cloud.model();
        let kind = |room: &&Room| params.get("type").is_none_or(|kind| (kind == "direct") == room.direct);
        let mine = model.rooms.iter().filter(kind).filter(|room| !room.archived && model.is_in(&me.uuid, &room.uuid));
        mine.map(|room| model.room_json(room)).rev().collect()
    };
    page(&cloud, "/rooms", &params, items)
}

async fn new_room((State(cloud), headers): Asked, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let title = text(&body, "title").ok_or_else(|| Refused::new(400, "title cannot be empty"))?;
    let team = text(&body, "teamId").map(|team| uuid_of(&team));
    let cluster = cloud.faults().cluster.clone();
    let mut model = cloud.model();
    if team.as_ref().is_some_and(|team| !model.teams.iter().any(|(known, _)| known == team)) {
        return Err(missing("team"));
    }
    let room = Room {
        uuid: model.new_uuid(),
        title,
        direct: false,
        locked: body["isLocked"].as_bool().unwrap_or(false),
        team,
        creator: me.uuid.clone(),
        cluster,
        created: now(),
        archived: false,
    };
    model.rooms.push(room.clone());
    model.join(&room.uuid, &me.uuid, room.locked, now());
    ok(model.room_json(&room))
}

fn room_of(cloud: &Cloud, me: &Account, wanted: &str) -> Result<Room, Refused> {
    let model = cloud.model();
    let uuid = uuid_of(wanted);
    let room = model.room(&uuid).filter(|_| model.is_in(&me.uuid, &uuid)).cloned();
    room.ok_or_else(|| Refused::new(404, "Could not find a room with provided ID."))
}

async fn room((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    let me = caller(&cloud, &headers)?;
    let room = room_of(&cloud, &me, &wanted)?;
    ok(cloud.model().room_json(&room))
}

async fn rename_room((State(cloud), headers): Asked, Path(wanted): Path<String>, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let room = room_of(&cloud, &me, &wanted)?;
    let body = body(&bytes)?;
    let title = text(&body, "title").ok_or_else(|| Refused::new(400, "title cannot be empty"))?;
    let mut model = cloud.model();
    if let Some(known) = model.rooms.iter_mut().find(|known| known.uuid == room.uuid) {
        known.title = title;
    }
    let room = model.room(&room.uuid).cloned().ok_or_else(|| missing("room"))?;
    ok(model.room_json(&room))
}

/// In a team it is archived; outside it is gone.
async fn delete_room((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    let me = caller(&cloud, &headers)?;
    let room = room_of(&cloud, &me, &wanted)?;
    let mut model = cloud.model();
    if room.team.is_some() {
        model.rooms.iter_mut().filter(|known| known.uuid == room.uuid).for_each(|known| known.archived = true);
    } else {
        model.rooms.retain(|known| known.uuid != room.uuid);
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn memberships((State(cloud), headers): Asked, Query(params): Params) -> Answer {
    let me = caller(&cloud, &headers)?;
    let room = params.get("roomId").map(|room| uuid_of(room));
    let items = {
        let model = cloud.model();
        let wanted = |one: &&Membership| match &room {
            Some(room) => one.room == *room && model.is_in(&me.uuid, room),
            None => one.person == me.uuid,
        };
        model.memberships.iter().filter(wanted).map(|one| model.membership_json(one)).collect()
    };
    page(&cloud, "/memberships", &params, items)
}

async fn invite((State(cloud), headers): Asked, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let room = room_of(&cloud, &me, &text(&body, "roomId").unwrap_or_default())?;
    let uninvited = cloud.faults().uninvited.clone();
    let mut model = cloud.model();
    let person = match (text(&body, "personId"), text(&body, "personEmail")) {
        (Some(person), _) => model.account(&uuid_of(&person)).cloned(),
        (None, Some(email)) => model.by_email(&email).cloned(),
        (None, None) => return Err(Refused::new(400, "personId or personEmail must be given")),
    };
    let person = person.ok_or_else(|| missing("person"))?;
    if uninvited.contains(&person.email) {
        return Err(Refused::new(403, "Add participant operation is not allowed by the organization's policy."));
    }
    let boss = |one: &Membership| one.person == me.uuid && one.room == room.uuid && one.moderator;
    if room.locked && !model.memberships.iter().any(boss) {
        return Err(Refused::new(403, "Only moderators add people to a moderated space."));
    }
    if model.is_in(&person.uuid, &room.uuid) {
        return Err(Refused::new(409, "User is already a participant"));
    }
    let membership = model.join(&room.uuid, &person.uuid, body["isModerator"].as_bool().unwrap_or(false), now());
    let answer = model.membership_json(&membership);
    drop(model);
    cloud.happened("memberships", "created", &format!("{}:{}", person.uuid, room.uuid), &room.uuid, &me.uuid);
    ok(answer)
}

fn membership_of(cloud: &Cloud, wanted: &str) -> Result<Membership, Refused> {
    let key = uuid_of(wanted);
    let found = cloud.model().memberships.iter().find(|one| format!("{}:{}", one.person, one.room) == key).cloned();
    found.ok_or_else(|| missing("membership"))
}

async fn change_membership((State(cloud), headers): Asked, Path(wanted): Path<String>, bytes: Bytes) -> Answer {
    caller(&cloud, &headers)?;
    let membership = membership_of(&cloud, &wanted)?;
    let body = body(&bytes)?;
    let mut model = cloud.model();
    let moderator = body["isModerator"].as_bool().unwrap_or(membership.moderator);
    model.memberships.iter_mut().filter(|one| one.uuid == membership.uuid).for_each(|one| one.moderator = moderator);
    ok(model.membership_json(&Membership { moderator, ..membership }))
}

async fn leave((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    let me = caller(&cloud, &headers)?;
    let membership = membership_of(&cloud, &wanted)?;
    cloud.model().memberships.retain(|one| one.uuid != membership.uuid);
    cloud.happened(
        "memberships",
        "deleted",
        &format!("{}:{}", membership.person, membership.room),
        &membership.room,
        &me.uuid,
    );
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A bot sees of a space only what mentions it, and must say so.
async fn messages((State(cloud), headers): Asked, Query(params): Params) -> Answer {
    let me = caller(&cloud, &headers)?;
    let room = room_of(&cloud, &me, params.get("roomId").map_or("", String::as_str))?;
    let mentions_me = params.get("mentionedPeople").is_some_and(|who| who == "me" || uuid_of(who) == me.uuid);
    if me.kind == Kind::Bot && !room.direct && !mentions_me {
        return Err(Refused::new(403, "Failed to get activity."));
    }
    let items = {
        let model = cloud.model();
        let wanted = |one: &&Message| {
            one.room == room.uuid && model.sees(&me, one) && (!mentions_me || one.mentioned.contains(&me.uuid))
        };
        model.messages.iter().rev().filter(wanted).map(|one| model.message_json(one)).collect()
    };
    page(&cloud, "/messages", &params, items)
}

async fn message((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    let me = caller(&cloud, &headers)?;
    let model = cloud.model();
    let uuid = uuid_of(&wanted);
    let found = model.messages.iter().find(|one| one.uuid == uuid && model.sees(&me, one));
    ok(found.map(|one| model.message_json(one)).ok_or_else(|| missing("message"))?)
}

/// Plain text, markdown, a card.
type Written = (Option<String>, Option<String>, Option<Value>);

/// What is written: text within the limit, and a card that can be shown.
fn written(body: &Value) -> Result<Written, Refused> {
    let plain = text(body, "text");
    let markdown = text(body, "markdown");
    if [&plain, &markdown].into_iter().flatten().any(|text| text.len() > LONGEST) {
        return Err(Refused::new(400, format!("Message length limited to {LONGEST} bytes")));
    }
    let attachments = body.get("attachments").filter(|value| !value.is_null()).cloned();
    if let Some(attachments) = &attachments {
        let all = attachments.as_array().ok_or_else(|| Refused::new(400, "attachments must be a list"))?;
        let [card] = all.as_slice() else { return Err(Refused::new(400, "one card a message")) };
        if card["contentType"] != "application/vnd.microsoft.card.adaptive" {
            return Err(Refused::new(400, "unknown contentType"));
        }
        if buttons(&card["content"]) > ACTIONS {
            return Err(Refused::new(400, "a card has five actions at most"));
        }
    }
    if plain.is_none() && markdown.is_none() && attachments.is_none() {
        return Err(Refused::new(400, "Either text, markdown, files or attachments must be given"));
    }
    Ok((plain, markdown, attachments))
}

fn buttons(card: &Value) -> usize {
    match card {
        Value::Array(all) => all.iter().map(buttons).sum(),
        Value::Object(fields) => {
            let here = fields.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("Action."));
            usize::from(here) + fields.values().map(buttons).sum::<usize>()
        }
        _ => 0,
    }
}

async fn write((State(cloud), headers): Asked, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let targets = ["roomId", "toPersonId", "toPersonEmail"].iter().filter(|name| text(&body, name).is_some()).count();
    if targets != 1 {
        return Err(Refused::new(400, "exactly one of roomId, toPersonId, toPersonEmail must be given"));
    }
    let (plain, markdown, attachments) = written(&body)?;
    let room = if let Some(room) = text(&body, "roomId") {
        room_of(&cloud, &me, &room)?.uuid
    } else {
        let mut model = cloud.model();
        let other = match text(&body, "toPersonEmail") {
            Some(email) => model.by_email(&email).cloned(),
            None => model.account(&uuid_of(&text(&body, "toPersonId").unwrap_or_default())).cloned(),
        };
        let other = other.ok_or_else(|| missing("person"))?;
        model.direct_room(&me.uuid, &other.uuid, now())
    };
    let parent = text(&body, "parentId").map(|parent| uuid_of(&parent));
    let message =
        cloud.post(&me.uuid, &room, parent, plain, markdown, attachments).map_err(|why| Refused::new(400, why))?;
    let model = cloud.model();
    ok(model.message_json(&message))
}

async fn edit((State(cloud), headers): Asked, Path(wanted): Path<String>, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let (plain, markdown, attachments) = written(&body)?;
    let no_cards = cloud.faults().no_card_edits;
    let mut model = cloud.model();
    let uuid = uuid_of(&wanted);
    let (shown, html, _) = read_mentions(&model, markdown.as_deref().or(plain.as_deref()).unwrap_or_default());
    let known = model.messages.iter_mut().find(|one| one.uuid == uuid && one.person == me.uuid);
    let known = known.ok_or_else(|| missing("message"))?;
    if known.edits >= EDITS {
        return Err(Refused::new(400, "The message was edited too often"));
    }
    if no_cards && (attachments.is_some() || known.attachments.is_some()) {
        return Err(Refused::new(400, "Edit message failed: message with attachments cannot be edited"));
    }
    known.edits += 1;
    known.text = shown;
    known.html = markdown.as_ref().map(|_| html);
    known.markdown = markdown;
    if attachments.is_some() {
        known.attachments = attachments;
    }
    let message = known.clone();
    ok(model.message_json(&message))
}

async fn unwrite((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    let me = caller(&cloud, &headers)?;
    let mut model = cloud.model();
    let uuid = uuid_of(&wanted);
    let before = model.messages.len();
    model.messages.retain(|one| one.uuid != uuid || one.person != me.uuid);
    if model.messages.len() == before {
        return Err(missing("message"));
    }
    model.deleted += 1;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Any member presses, with any inputs. The description says 202; Cisco's SDK takes 200 alone, and works.
async fn press((State(cloud), headers): Asked, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let message = uuid_of(&text(&body, "messageId").unwrap_or_default());
    let action = cloud.pressed(&me.uuid, &message, body["inputs"].clone()).map_err(|why| Refused::new(404, why))?;
    let model = cloud.model();
    ok(model.action_json(&action))
}

async fn action((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    let me = caller(&cloud, &headers)?;
    let model = cloud.model();
    let uuid = uuid_of(&wanted);
    // Whoever wrote the card, and whoever pressed.
    let theirs = |one: &&Action| {
        one.person == me.uuid || model.messages.iter().any(|card| card.uuid == one.message && card.person == me.uuid)
    };
    let found = model.actions.iter().filter(|one| one.uuid == uuid).find(theirs);
    ok(found.map(|one| model.action_json(one)).ok_or_else(|| missing("attachment action"))?)
}

async fn hooks((State(cloud), headers): Asked, Query(params): Params) -> Answer {
    let me = caller(&cloud, &headers)?;
    let items = cloud.model().hooks.iter().filter(|hook| hook.owner == me.uuid).map(hook_json).collect();
    page(&cloud, "/webhooks", &params, items)
}

async fn new_hook((State(cloud), headers): Asked, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let field = |name: &str| text(&body, name).ok_or_else(|| Refused::new(400, format!("{name} is missing")));
    let name = field("name")?;
    let target = field("targetUrl")?;
    let resource = field("resource")?;
    let event = field("event")?;
    let mut model = cloud.model();
    let hook = Hook {
        uuid: model.new_uuid(),
        owner: me.uuid,
        name,
        target,
        resource,
        event,
        filter: text(&body, "filter"),
        secret: text(&body, "secret"),
        active: true,
        failures: vec![],
        created: now(),
    };
    model.hooks.push(hook.clone());
    ok(hook_json(&hook))
}

async fn change_hook((State(cloud), headers): Asked, Path(wanted): Path<String>, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let name = text(&body, "name");
    let target = text(&body, "targetUrl");
    let (Some(name), Some(target)) = (name, target) else {
        return Err(Refused::new(400, "name and targetUrl must be given"));
    };
    if let Some(field) = ["resource", "event", "filter"].into_iter().find(|name| body.get(*name).is_some()) {
        return Err(Refused::new(400, format!("{field} cannot be changed")));
    }
    let mut model = cloud.model();
    let uuid = uuid_of(&wanted);
    let hook = model.hooks.iter_mut().find(|hook| hook.uuid == uuid && hook.owner == me.uuid);
    let hook = hook.ok_or_else(|| missing("webhook"))?;
    (hook.name, hook.target) = (name, target);
    if let Some(secret) = text(&body, "secret") {
        hook.secret = Some(secret);
    }
    if body["status"] == "active" {
        hook.active = true;
    }
    ok(hook_json(hook))
}

async fn delete_hook((State(cloud), headers): Asked, Path(wanted): Path<String>) -> Answer {
    let me = caller(&cloud, &headers)?;
    let uuid = uuid_of(&wanted);
    cloud.model().hooks.retain(|hook| hook.uuid != uuid || hook.owner != me.uuid);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn team_json((uuid, name): &(String, String)) -> Value {
    json!({ "id": id("us", "TEAM", uuid), "name": name, "created": "2026-01-05T08:00:00.000Z" })
}

async fn teams((State(cloud), headers): Asked, Query(params): Params) -> Answer {
    caller(&cloud, &headers)?;
    let items = cloud.model().teams.iter().map(team_json).collect();
    page(&cloud, "/teams", &params, items)
}

async fn new_team((State(cloud), headers): Asked, bytes: Bytes) -> Answer {
    caller(&cloud, &headers)?;
    let name = text(&body(&bytes)?, "name").ok_or_else(|| Refused::new(400, "name is missing"))?;
    let mut model = cloud.model();
    let team = (model.new_uuid(), name);
    model.teams.push(team.clone());
    ok(team_json(&team))
}

fn endpoint_json(one: &super::model::Endpoint) -> Value {
    json!({
        "id": id("us", "DEVICE", &one.uuid), "displayName": one.name, "permissions": ["xapi:all"],
        "connectionStatus": if one.online { "connected" } else { "disconnected" },
        "product": "Cisco Room Bar", "type": "roomdesk", "tags": [],
    })
}

async fn endpoints((State(cloud), headers): Asked, Query(params): Params) -> Answer {
    caller(&cloud, &headers)?;
    let items = cloud.model().endpoints.iter().map(endpoint_json).collect();
    page(&cloud, "/devices", &params, items)
}

async fn command((State(cloud), headers): Asked, Path(name): Path<String>, bytes: Bytes) -> Answer {
    caller(&cloud, &headers)?;
    let body = body(&bytes)?;
    let device = text(&body, "deviceId").ok_or_else(|| Refused::new(400, "deviceId is missing"))?;
    let arguments = body.get("arguments").cloned().unwrap_or_else(|| json!({}));
    super::endpoint::carry_out(&mut cloud.model(), &uuid_of(&device), &name, &arguments)
        .map_err(|why| Refused::new(why.0, why.1))?;
    ok(json!({ "deviceId": device, "arguments": arguments, "result": {} }))
}

/// A Service App's tokens, by the one that renews them.
async fn renew(Form(form): Form<BTreeMap<String, String>>) -> Answer {
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let good = field("grant_type") == "refresh_token"
        && field("client_secret") == super::MACHINE_SECRET
        && field("refresh_token") == super::MACHINE_REFRESH;
    if !good {
        return Err(Refused::new(400, "invalid_grant"));
    }
    ok(json!({
        "access_token": super::MACHINE_TOKEN, "expires_in": 1_209_599, "refresh_token": super::MACHINE_REFRESH,
        "refresh_token_expires_in": 7_775_999, "token_type": "Bearer",
    }))
}

/// For a host of the organisation, by a Service App; bots may not.
async fn new_meeting((State(cloud), headers): Asked, bytes: Bytes) -> Answer {
    let me = caller(&cloud, &headers)?;
    if me.kind != Kind::Machine {
        return Err(Refused::new(403, "The access token does not have the required scope meeting:schedules_write."));
    }
    let body = body(&bytes)?;
    let host = text(&body, "hostEmail").ok_or_else(|| Refused::new(400, "hostEmail is missing"))?;
    let title = text(&body, "title").ok_or_else(|| Refused::new(400, "title is missing"))?;
    let mut model = cloud.model();
    let uuid = model.new_uuid();
    model.meetings.push(super::model::Meeting { uuid: uuid.clone(), title: title.clone(), host: host.clone() });
    let account = model.by_email(&host).ok_or_else(|| Refused::new(400, "hostEmail is nobody's"))?;
    ok(json!({
        "id": uuid, "meetingNumber": "25500001234", "title": title, "password": "Aa1bb2",
        "webLink": format!("https://acme.webex.example/acme/j.php?MTID={uuid}"),
        "sipAddress": "25500001234@acme.webex.example", "start": body["start"], "end": body["end"],
        "meetingType": "meetingSeries", "state": "active", "timezone": body["timezone"], "hostEmail": host,
        "hostUserId": id("us", "PEOPLE", &account.uuid), "hostDisplayName": account.name, "hostKey": "123456",
        "siteUrl": "acme.webex.example",
        "telephony": { "accessCode": "25500001234", "callInNumbers": [], "links": [] }, "enabledBreakoutSessions": false,
    }))
}
