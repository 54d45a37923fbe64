//! The websocket of the apps: service catalogue, device, authorisation, frames that are acknowledged and
//! told again until they are, pings.

use super::model::{Happened, id, stamp, uuid_of};
use super::rest::{Refused, caller};
use super::{Cloud, now};
use axum::body::Bytes;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use jiff::{SignedDuration, Timestamp};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// What was not acknowledged is told again for so long.
const REPLAYED: SignedDuration = SignedDuration::from_mins(15);

/// Whoever says nothing in this time is let go.
const AUTHORISE: Duration = Duration::from_secs(30);

/// Devices registered, what they have not acknowledged, and their open line.
#[derive(Default)]
pub(super) struct Lines(Mutex<Vec<Device>>);

struct Device {
    uuid: String,
    owner: String,
    name: String,
    body: Value,
    waiting: Vec<(Timestamp, Value)>,
    line: Option<mpsc::UnboundedSender<Value>>,
    /// The line stands, and nothing goes over it any more.
    dead: bool,
    sequence: u64,
}

impl Lines {
    fn all(&self) -> MutexGuard<'_, Vec<Device>> {
        self.0.lock()
    }

    pub(super) fn open(&self) -> usize {
        self.all().iter().filter(|device| device.line.as_ref().is_some_and(|line| !line.is_closed())).count()
    }

    pub(super) fn registered(&self) -> usize {
        self.all().len()
    }

    pub(super) fn close_all(&self) {
        self.all().iter_mut().for_each(|device| device.line = None);
    }

    pub(super) fn tell(&self, cloud: &Cloud, told: &Happened) {
        let silent = cloud.faults().half_open;
        for device in self.all().iter_mut() {
            let bot = told.for_bots.contains(&device.owner);
            let person = cloud.model().is_in(&device.owner, &told.room) && !told.for_bots.contains(&device.owner);
            let is_bot = cloud.model().account(&device.owner).is_some_and(|one| one.kind == super::Kind::Bot);
            if !(bot || (person && !is_bot)) {
                continue;
            }
            device.sequence += 1;
            let frame = frame(cloud, told, device.sequence);
            device.waiting.push((now(), frame.clone()));
            device.dead |= silent;
            if let Some(line) = device.line.as_ref().filter(|_| !device.dead) {
                let _ = line.send(frame);
            }
        }
    }
}

fn frame(cloud: &Cloud, told: &Happened, sequence: u64) -> Value {
    let model = cloud.model();
    let actor = model
        .account(&told.actor)
        .map(|one| json!({ "entryUUID": one.uuid, "emailAddress": one.email, "orgId": one.org, "type": "PERSON" }));
    let verb = match (told.resource, told.event) {
        ("messages", _) => "post",
        ("attachmentActions", _) => "cardAction",
        (_, "deleted") => "leave",
        _ => "add",
    };
    let object = if verb == "cardAction" { "submit" } else { "comment" };
    let direct = model.room(&told.room).is_some_and(|room| room.direct);
    let parent = match verb {
        "post" => model.messages.iter().find(|one| one.uuid == told.uuid).and_then(|one| one.parent.clone()),
        "cardAction" => model.actions.iter().find(|one| one.uuid == told.uuid).map(|one| one.message.clone()),
        _ => None,
    };
    let mut frame = json!({
        "id": format!("frame-{sequence}-{}", told.uuid),
        "data": { "eventType": "conversation.activity", "activity": {
            "id": told.uuid, "objectType": "activity", "verb": verb, "published": stamp(cloud.now()), "actor": actor,
            "object": { "objectType": object, "displayName": "eyJhbGciOiJkaXIi.encrypted" },
            "target": {
                "id": told.room, "objectType": "conversation", "tags": if direct { json!(["ONE_ON_ONE"]) } else { json!([]) },
                "url": format!("{}/conversation/api/v1/conversations/{}", cloud.origin(), told.room),
            },
        } },
        "timestamp": cloud.now().as_millisecond(), "trackingId": "SIM_1", "sequenceNumber": sequence,
    });
    if let Some(parent) = parent {
        let kind = if verb == "post" { "reply" } else { "cardAction" };
        frame["data"]["activity"]["parent"] = json!({ "id": parent, "type": kind });
    }
    frame
}

pub(super) fn routes() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/u2c/api/v1/catalog", get(catalog))
        .route("/u2c/api/v1/limited/catalog", get(catalog))
        .route("/wdm/api/v1/devices", get(devices).post(register))
        .route("/wdm/api/v1/devices/{id}", put(refresh).delete(unregister))
        .route("/mercury/{device}", get(line))
        .route("/conversation/api/v1/messages/{id}", get(message_id))
        .route("/conversation/api/v1/attachment/actions/{id}", get(action_id))
}

async fn catalog(State(cloud): State<Arc<Cloud>>) -> Json<Value> {
    let origin = cloud.origin();
    let host = origin.trim_start_matches("http://").to_owned();
    Json(json!({
        "serviceLinks": {
            "wdm": format!("{origin}/wdm/api/v1"), "conversation": format!("{origin}/conversation/api/v1"), "hydra": format!("{origin}/v1"),
        },
        "hostCatalog": { host: [{ "host": "127.0.0.1", "ttl": -1, "priority": 5, "id": "urn:TEAM:us-east-2_a:conversation" }] },
    }))
}

async fn devices(State(cloud): State<Arc<Cloud>>, headers: HeaderMap) -> Result<Response, Refused> {
    let me = caller(&cloud, &headers)?;
    let mine: Vec<Value> =
        cloud.lines.all().iter().filter(|one| one.owner == me.uuid).map(|one| one.body.clone()).collect();
    if mine.is_empty() {
        return Err(Refused(StatusCode::NOT_FOUND, "no devices".into()));
    }
    Ok(Json(json!({ "devices": mine })).into_response())
}

async fn register(State(cloud): State<Arc<Cloud>>, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Refused> {
    let me = caller(&cloud, &headers)?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let uuid = cloud.model().new_uuid();
    let origin = cloud.origin();
    let mut body = asked.clone();
    body["url"] = json!(format!("{origin}/wdm/api/v1/devices/{uuid}"));
    body["webSocketUrl"] = json!(format!("{}/mercury/{uuid}", origin.replacen("http", "ws", 1)));
    body["services"] = json!({ "conversationServiceUrl": format!("{origin}/conversation/api/v1") });
    let name = asked["name"].as_str().unwrap_or_default().to_owned();
    let device = Device {
        uuid,
        owner: me.uuid,
        name,
        body: body.clone(),
        waiting: vec![],
        line: None,
        dead: false,
        sequence: 0,
    };
    let mut all = cloud.lines.all();
    if all.iter().filter(|one| one.owner == device.owner).count() >= 100 {
        return Err(Refused(StatusCode::FORBIDDEN, format!("excessive device registrations ({})", device.name)));
    }
    all.push(device);
    Ok(Json(body))
}

async fn refresh(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    Path(uuid): Path<String>,
) -> Result<Json<Value>, Refused> {
    caller(&cloud, &headers)?;
    let found = cloud.lines.all().iter().find(|one| one.uuid == uuid).map(|one| one.body.clone());
    found.map(Json).ok_or_else(|| Refused(StatusCode::NOT_FOUND, "no such device".into()))
}

async fn unregister(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    Path(uuid): Path<String>,
) -> Result<StatusCode, Refused> {
    caller(&cloud, &headers)?;
    cloud.lines.all().retain(|one| one.uuid != uuid);
    Ok(StatusCode::NO_CONTENT)
}

/// The API's id of an activity, by the room it happened in.
fn activity(cloud: &Cloud, kind: &str, uuid: &str, room: Option<String>) -> Result<Json<Value>, Refused> {
    let room = room.ok_or_else(|| Refused(StatusCode::NOT_FOUND, "no such activity".into()))?;
    let cluster = cloud.model().room(&room).map_or_else(|| "us".to_owned(), |room| room.cluster.clone());
    Ok(Json(json!({ "id": id(&cluster, kind, uuid) })))
}

async fn message_id(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    Path(uuid): Path<String>,
) -> Result<Json<Value>, Refused> {
    caller(&cloud, &headers)?;
    let room = cloud.model().messages.iter().find(|one| one.uuid == uuid).map(|one| one.room.clone());
    activity(&cloud, "MESSAGE", &uuid, room)
}

async fn action_id(
    State(cloud): State<Arc<Cloud>>,
    headers: HeaderMap,
    Path(uuid): Path<String>,
) -> Result<Json<Value>, Refused> {
    caller(&cloud, &headers)?;
    let room = cloud.model().actions.iter().find(|one| one.uuid == uuid).map(|one| one.room.clone());
    activity(&cloud, "ATTACHMENT_ACTION", &uuid, room)
}

async fn line(State(cloud): State<Arc<Cloud>>, Path(device): Path<String>, upgrade: WebSocketUpgrade) -> Response {
    if !cloud.lines.all().iter().any(|one| one.uuid == device) {
        return StatusCode::NOT_FOUND.into_response();
    }
    upgrade.on_upgrade(move |socket| async move { serve(&cloud, &device, socket).await })
}

fn text(value: &Value) -> Frame {
    Frame::Text(value.to_string().into())
}

/// One line: whoever is authorised is told what waits, then what happens.
async fn serve(cloud: &Arc<Cloud>, device: &str, mut socket: WebSocket) {
    let first = tokio::time::timeout(AUTHORISE, socket.recv()).await;
    let Ok(Some(Ok(Frame::Text(first)))) = first else { return };
    let hello: Value = serde_json::from_str(&first).unwrap_or_default();
    let token = hello["data"]["token"].as_str().and_then(|token| token.strip_prefix("Bearer ")).unwrap_or_default();
    let known = !cloud.faults().revoked.contains(token)
        && cloud
            .model()
            .by_token(token)
            .is_some_and(|one| cloud.lines.all().iter().any(|known| known.uuid == device && known.owner == one.uuid));
    if hello["type"] != "authorization" || !known {
        let close = axum::extract::ws::CloseFrame { code: 4401, reason: "unauthorized".into() };
        let _ = socket.send(Frame::Close(Some(close))).await;
        return;
    }
    let (sender, mut news) = mpsc::unbounded_channel();
    let waiting = {
        let mut all = cloud.lines.all();
        let Some(known) = all.iter_mut().find(|one| one.uuid == device) else { return };
        (known.line, known.dead) = (Some(sender), false);
        known.waiting.retain(|(at, _)| now().duration_since(*at) < REPLAYED);
        known.waiting.clone()
    };
    let ready = json!({ "id": "ready", "data": { "eventType": "mercury.buffer_state" }, "sequenceNumber": 0 });
    let mut begun = socket.send(text(&ready)).await.is_ok();
    for (_, frame) in waiting {
        begun = begun && socket.send(text(&frame)).await.is_ok();
    }
    while begun {
        tokio::select! {
            frame = news.recv() => match frame {
                Some(frame) => begun = socket.send(text(&frame)).await.is_ok(),
                None => return,
            },
            said = socket.recv() => match said {
                Some(Ok(Frame::Text(said))) => begun = heard(cloud, device, &said, &mut socket).await,
                Some(Ok(Frame::Close(_)) | Err(_)) | None => begun = false,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// An acknowledgement, or a ping. False when the line is dead.
async fn heard(cloud: &Cloud, device: &str, said: &str, socket: &mut WebSocket) -> bool {
    let dead = cloud.lines.all().iter().any(|one| one.uuid == device && one.dead);
    if dead || cloud.faults().half_open {
        return true;
    }
    let said: Value = serde_json::from_str(said).unwrap_or_default();
    match said["type"].as_str() {
        Some("ack") => {
            // Some clients acknowledge by the message's own id.
            let named = said["messageId"].as_str().unwrap_or_default().to_owned();
            let about = |frame: &Value| {
                frame["id"] == json!(named) || frame["data"]["activity"]["id"] == json!(uuid_of(&named))
            };
            if let Some(known) = cloud.lines.all().iter_mut().find(|one| one.uuid == device) {
                known.waiting.retain(|(_, frame)| !about(frame));
            }
            true
        }
        Some("ping") => socket.send(text(&json!({ "id": said["id"], "type": "pong" }))).await.is_ok(),
        _ => true,
    }
}
