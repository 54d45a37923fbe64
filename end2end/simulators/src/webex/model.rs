//! What the cloud remembers: people of several organisations, spaces, messages, cards that were pressed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Longest text of a message, in bytes. Source: the API's reference.
pub const LONGEST: usize = 7439;

/// A message can be changed so often.
pub const EDITS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Person,
    Bot,
    /// A Service App: may schedule meetings for a host.
    Machine,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub uuid: String,
    pub name: String,
    pub email: String,
    pub org: String,
    pub kind: Kind,
    pub token: String,
}

#[derive(Debug, Clone)]
pub struct Room {
    pub uuid: String,
    pub title: String,
    pub direct: bool,
    pub locked: bool,
    pub team: Option<String>,
    pub creator: String,
    pub cluster: String,
    pub created: Timestamp,
    pub archived: bool,
}

#[derive(Debug, Clone)]
pub struct Membership {
    pub uuid: String,
    pub room: String,
    pub person: String,
    pub moderator: bool,
    pub created: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Message {
    pub uuid: String,
    pub room: String,
    pub parent: Option<String>,
    pub person: String,
    pub text: String,
    pub markdown: Option<String>,
    pub html: Option<String>,
    pub mentioned: Vec<String>,
    pub attachments: Option<Value>,
    pub created: Timestamp,
    pub edits: usize,
}

#[derive(Debug, Clone)]
pub struct Action {
    pub uuid: String,
    pub message: String,
    pub person: String,
    pub room: String,
    pub inputs: Value,
    pub created: Timestamp,
}

#[derive(Debug, Clone)]
pub struct Hook {
    pub uuid: String,
    pub owner: String,
    pub name: String,
    pub target: String,
    pub resource: String,
    pub event: String,
    pub filter: Option<String>,
    pub secret: Option<String>,
    pub active: bool,
    pub failures: Vec<Timestamp>,
    pub created: Timestamp,
}

/// A room device that listens to the cloud.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub uuid: String,
    pub name: String,
    pub online: bool,
    /// What it shows now, by the command that put it there.
    pub shows: BTreeMap<String, Value>,
    /// Every command it took, in order.
    pub took: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct Meeting {
    pub uuid: String,
    pub title: String,
    pub host: String,
}

#[derive(Debug, Default)]
pub struct Model {
    pub accounts: Vec<Account>,
    pub rooms: Vec<Room>,
    pub memberships: Vec<Membership>,
    pub messages: Vec<Message>,
    pub actions: Vec<Action>,
    pub hooks: Vec<Hook>,
    pub teams: Vec<(String, String)>,
    pub endpoints: Vec<Endpoint>,
    pub meetings: Vec<Meeting>,
    /// How many messages, deletions and edits there were.
    pub deleted: usize,
    made: u64,
}

/// Something happened that listeners hear of.
#[derive(Debug, Clone)]
pub struct Happened {
    pub resource: &'static str,
    pub event: &'static str,
    pub uuid: String,
    pub room: String,
    pub actor: String,
    /// Bots that may hear of it; people hear what happens in their rooms.
    pub for_bots: Vec<String>,
}

pub fn id(cluster: &str, kind: &str, uuid: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("ciscospark://{cluster}/{kind}/{uuid}"))
}

/// The UUID of an id in any of the forms the cloud takes.
pub fn uuid_of(text: &str) -> String {
    let decoded =
        URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let whole = decoded.filter(|text| text.starts_with("ciscospark://")).unwrap_or_else(|| text.to_owned());
    whole.rsplit('/').next().unwrap_or_default().to_owned()
}

impl Model {
    pub fn of(accounts: Vec<Account>, endpoints: Vec<Endpoint>) -> Self {
        Self { accounts, endpoints, ..Self::default() }
    }

    /// Not to be guessed in the real cloud; here they count, which tests read better.
    pub fn new_uuid(&mut self) -> String {
        self.made += 1;
        let mixed = self.made.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        format!("{:08x}-{:04x}-11f1-8000-{:012x}", mixed >> 32, mixed >> 16 & 0xffff, self.made)
    }

    pub fn account(&self, uuid: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.uuid == uuid)
    }

    pub fn by_email(&self, email: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.email.eq_ignore_ascii_case(email))
    }

    pub fn by_token(&self, token: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.token == token)
    }

    pub fn room(&self, uuid: &str) -> Option<&Room> {
        self.rooms.iter().find(|room| room.uuid == uuid)
    }

    pub fn is_in(&self, person: &str, room: &str) -> bool {
        self.memberships.iter().any(|one| one.person == person && one.room == room)
    }

    /// A bot sees what it wrote, what mentions it, and everything in a direct space.
    pub fn sees(&self, who: &Account, message: &Message) -> bool {
        let direct = self.room(&message.room).is_some_and(|room| room.direct);
        let open =
            who.kind != Kind::Bot || direct || message.person == who.uuid || message.mentioned.contains(&who.uuid);
        open && self.is_in(&who.uuid, &message.room)
    }

    pub fn direct_room(&mut self, one: &str, other: &str, now: Timestamp) -> String {
        let both = |room: &&Room| room.direct && self.is_in(one, &room.uuid) && self.is_in(other, &room.uuid);
        if let Some(known) = self.rooms.iter().find(both) {
            return known.uuid.clone();
        }
        let uuid = self.new_uuid();
        let title = self.account(other).map(|account| account.name.clone()).unwrap_or_default();
        self.rooms.push(Room {
            uuid: uuid.clone(),
            title,
            direct: true,
            locked: false,
            team: None,
            creator: one.to_owned(),
            cluster: "us".into(),
            created: now,
            archived: false,
        });
        for person in [one, other] {
            self.join(&uuid, person, false, now);
        }
        uuid
    }

    pub fn join(&mut self, room: &str, person: &str, moderator: bool, now: Timestamp) -> Membership {
        let membership = Membership {
            uuid: self.new_uuid(),
            room: room.to_owned(),
            person: person.to_owned(),
            moderator,
            created: now,
        };
        self.memberships.push(membership.clone());
        membership
    }

    pub fn message_json(&self, message: &Message) -> Value {
        let room = self.room(&message.room);
        let cluster = room.map_or("us", |room| room.cluster.as_str());
        let mut body = json!({
            "id": id(cluster, "MESSAGE", &message.uuid),
            "roomId": id(cluster, "ROOM", &message.room),
            "roomType": if room.is_some_and(|room| room.direct) { "direct" } else { "group" },
            "text": message.text,
            "personId": id("us", "PEOPLE", &message.person),
            "personEmail": self.account(&message.person).map(|account| account.email.clone()),
            "created": stamp(message.created),
        });
        if let Some(parent) = &message.parent {
            body["parentId"] = json!(id(cluster, "MESSAGE", parent));
        }
        if let Some(markdown) = &message.markdown {
            body["markdown"] = json!(markdown);
        }
        if let Some(html) = &message.html {
            body["html"] = json!(html);
        }
        if !message.mentioned.is_empty() {
            body["mentionedPeople"] =
                message.mentioned.iter().map(|person| json!(id("us", "PEOPLE", person))).collect();
        }
        if let Some(attachments) = &message.attachments {
            body["attachments"] = attachments.clone();
        }
        if message.edits > 0 {
            body["updated"] = json!(stamp(message.created));
        }
        body
    }

    pub fn room_json(&self, room: &Room) -> Value {
        let mut body = json!({
            "id": id(&room.cluster, "ROOM", &room.uuid),
            "title": room.title,
            "type": if room.direct { "direct" } else { "group" },
            "isLocked": room.locked,
            "creatorId": id("us", "PEOPLE", &room.creator),
            "created": stamp(room.created),
            "lastActivity": stamp(room.created),
        });
        if let Some(team) = &room.team {
            body["teamId"] = json!(id("us", "TEAM", team));
        }
        body
    }

    pub fn membership_json(&self, membership: &Membership) -> Value {
        let cluster = self.room(&membership.room).map_or("us", |room| room.cluster.as_str());
        let account = self.account(&membership.person);
        json!({
            "id": id(cluster, "MEMBERSHIP", &format!("{}:{}", membership.person, membership.room)),
            "roomId": id(cluster, "ROOM", &membership.room),
            "personId": id("us", "PEOPLE", &membership.person),
            "personEmail": account.map(|account| account.email.clone()),
            "personDisplayName": account.map(|account| account.name.clone()),
            "personOrgId": account.map(|account| id("us", "ORGANIZATION", &account.org)),
            "isModerator": membership.moderator,
            "isMonitor": false,
            "created": stamp(membership.created),
        })
    }

    pub fn action_json(&self, action: &Action) -> Value {
        let cluster = self.room(&action.room).map_or("us", |room| room.cluster.as_str());
        json!({
            "id": id(cluster, "ATTACHMENT_ACTION", &action.uuid),
            "type": "submit",
            "messageId": id(cluster, "MESSAGE", &action.message),
            "inputs": action.inputs,
            "personId": id("us", "PEOPLE", &action.person),
            "roomId": id(cluster, "ROOM", &action.room),
            "created": stamp(action.created),
        })
    }
}

pub fn person_json(account: &Account) -> Value {
    json!({
        "id": id("us", "PEOPLE", &account.uuid),
        "emails": [account.email],
        "displayName": account.name,
        "orgId": id("us", "ORGANIZATION", &account.org),
        "created": "2026-01-05T08:00:00.000Z",
        "type": if account.kind == Kind::Bot { "bot" } else { "person" },
    })
}

pub fn hook_json(hook: &Hook) -> Value {
    let mut body = json!({
        "id": id("us", "WEBHOOK", &hook.uuid),
        "name": hook.name,
        "targetUrl": hook.target,
        "resource": hook.resource,
        "event": hook.event,
        "status": if hook.active { "active" } else { "inactive" },
        "created": stamp(hook.created),
    });
    if let Some(filter) = &hook.filter {
        body["filter"] = json!(filter);
    }
    body
}

pub fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// So many seconds ago.
pub fn stamp_before(seconds: i64) -> Timestamp {
    super::now() - jiff::SignedDuration::from_secs(seconds)
}

/// Markdown with mentions, as the cloud stores it: plain text, HTML, and who is mentioned.
pub fn read_mentions(model: &Model, markdown: &str) -> (String, String, Vec<String>) {
    let mut text = String::new();
    let mut html = String::new();
    let mut mentioned = Vec::new();
    let mut rest = markdown;
    while let Some(start) = rest.find("<@") {
        let Some(end) = rest[start..].find('>').map(|end| start + end) else { break };
        let before = &rest[..start];
        let mention = &rest[start + 2..end];
        text.push_str(before);
        html.push_str(&escaped(before));
        let (target, name) = mention.split_once('|').unwrap_or((mention, ""));
        let account = match target.split_once(':') {
            Some(("personEmail", email)) => model.by_email(email),
            Some(("personId", person)) => model.account(&uuid_of(person)),
            _ => None,
        };
        if let Some(account) = account {
            let name = if name.is_empty() { account.name.as_str() } else { name };
            text.push_str(name);
            let person = id("us", "PEOPLE", &account.uuid);
            let name = escaped(name);
            // Writing into a string cannot fail.
            let _ = write!(
                html,
                "<spark-mention data-object-type=\"person\" data-object-id=\"{person}\">{name}</spark-mention>"
            );
            mentioned.push(account.uuid.clone());
        } else {
            if target == "all" {
                mentioned.extend(model.accounts.iter().map(|account| account.uuid.clone()));
            }
            text.push_str(name);
            html.push_str(&escaped(name));
        }
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    html.push_str(&escaped(rest));
    (text, format!("<p>{html}</p>"), mentioned)
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
