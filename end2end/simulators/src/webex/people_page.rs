//! A page to be one of the people: pick who, write to the bot, press its cards. For a newcomer who wants to
//! try the bot without Webex.

use super::Cloud;
use super::model::{Account, Kind, Message, Model, escaped};
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Messages of a space that are shown.
const SHOWN: usize = 40;

type Fields = BTreeMap<String, String>;

pub(super) fn routes() -> Router<Arc<Cloud>> {
    Router::new().route("/", get(page)).route("/say", post(say)).route("/press", post(press))
}

fn chosen(model: &Model, fields: &Fields) -> Option<Account> {
    let wanted = fields.get("as").map_or("eoc1@acme.example", String::as_str);
    model.by_email(wanted).cloned()
}

async fn page(State(cloud): State<Arc<Cloud>>, Query(fields): Query<Fields>) -> Html<String> {
    let me = chosen(&cloud.model(), &fields);
    let Some(me) = me else { return Html("<p>There is nobody of this address.</p>".into()) };
    let bot = cloud.model().accounts.iter().find(|one| one.email == super::BOT_EMAIL).map(|one| one.uuid.clone());
    cloud.model().direct_room(&me.uuid, &bot.unwrap_or_default(), super::now());
    let model = cloud.model();
    let people: String = model
        .accounts
        .iter()
        .filter(|one| one.kind == Kind::Person)
        .map(|one| {
            format!(
                "<a href=\"/?as={0}\"{2}>{1}</a> ",
                one.email,
                escaped(&one.name),
                if one.uuid == me.uuid { " class=me" } else { "" }
            )
        })
        .collect();
    let mine = model.rooms.iter().filter(|room| !room.archived && model.is_in(&me.uuid, &room.uuid));
    let rooms: Vec<(String, String)> = mine
        .map(|room| {
            let title = if room.direct { "Lockdown (the bot, alone with you)".to_owned() } else { room.title.clone() };
            (room.uuid.clone(), title)
        })
        .collect();
    let room = fields.get("room").filter(|wanted| rooms.iter().any(|(uuid, _)| uuid == *wanted)).cloned();
    let room = room.or_else(|| rooms.first().map(|(uuid, _)| uuid.clone())).unwrap_or_default();
    let list: String = rooms
        .iter()
        .map(|(uuid, title)| {
            format!(
                "<li><a href=\"/?as={}&amp;room={uuid}\"{}>{}</a></li>",
                me.email,
                if *uuid == room { " class=me" } else { "" },
                escaped(title)
            )
        })
        .collect();
    let all: Vec<&Message> = model.messages.iter().filter(|one| one.room == room).collect();
    let shown = all.len().saturating_sub(SHOWN);
    let said: String = all[shown..].iter().map(|one| message(&model, one, &me, &room)).collect();
    Html(format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\"><title>Webex, simulated</title><style>{STYLE}</style><header><b>Webex, simulated.</b> You are: {people}</header><nav><ul>{list}</ul></nav><main><ol>{said}</ol><form method=post action=/say><input type=hidden name=as value=\"{0}\"><input type=hidden name=room value=\"{room}\"><label for=text>Message (in a group space it mentions the bot)</label><input id=text name=text autofocus autocomplete=off placeholder=\"help\"><button>Send</button></form></main></html>",
        me.email
    ))
}

const STYLE: &str = "body{font:16px/1.4 system-ui;margin:0;display:grid;grid-template-columns:16rem 1fr;gap:1rem;padding:1rem}header{grid-column:1/-1}.me{font-weight:700}ol,ul{list-style:none;padding:0}li{margin:0 0 .75rem}.reply{margin-left:2rem}.card{border:2px solid #889;border-radius:8px;padding:.75rem;max-width:34rem}pre{white-space:pre-wrap;margin:0;font:inherit}label{display:block}input{font:inherit;padding:.4rem;width:20rem;max-width:100%}button{font:inherit;padding:.4rem .8rem;margin:.25rem .25rem 0 0}small{color:#556}@media(max-width:40rem){body{grid-template-columns:1fr}}";

fn message(model: &Model, one: &Message, me: &Account, room: &str) -> String {
    let who = model.account(&one.person).map_or("?", |account| account.name.as_str());
    let said = one.markdown.as_deref().unwrap_or(&one.text);
    let card = one.attachments.as_ref().map(|all| card(&all[0]["content"], one, me, room)).unwrap_or_default();
    let body = if card.is_empty() { format!("<pre>{}</pre>", shown(said)) } else { card };
    let class = if one.parent.is_some() { " class=reply" } else { "" };
    format!("<li{class}><small>{} · {}</small>{body}</li>", escaped(who), one.created.strftime("%H:%M:%S"))
}

/// Bold and code; the rest of markdown reads well as it is.
fn shown(markdown: &str) -> String {
    let between = |text: &str, mark: &str, tag: &str| -> String {
        let parts = text.split(mark).enumerate();
        parts.map(|(n, part)| if n % 2 == 1 { format!("<{tag}>{part}</{tag}>") } else { part.to_owned() }).collect()
    };
    between(&between(&escaped(markdown), "**", "b"), "`", "code")
}

/// What of a card an emergency needs: text, facts, inputs, buttons.
fn card(content: &Value, one: &Message, me: &Account, room: &str) -> String {
    let hidden = format!(
        "<input type=hidden name=as value=\"{}\"><input type=hidden name=room value=\"{room}\"><input type=hidden name=message value=\"{}\">",
        me.email, one.uuid
    );
    let body: String = content["body"].as_array().into_iter().flatten().map(element).collect();
    let actions: String = content["actions"].as_array().into_iter().flatten().map(button).collect();
    format!("<form class=card method=post action=/press>{hidden}{body}{actions}</form>")
}

fn element(part: &Value) -> String {
    let text = |name: &str| escaped(part[name].as_str().unwrap_or_default());
    match part["type"].as_str() {
        Some("TextBlock") if part["weight"] == "Bolder" => format!("<pre><b>{}</b></pre>", text("text")),
        Some("TextBlock") => format!("<pre>{}</pre>", text("text")),
        Some("FactSet") => part["facts"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|fact| {
                format!(
                    "<div><small>{}</small> {}</div>",
                    escaped(fact["title"].as_str().unwrap_or_default()),
                    escaped(fact["value"].as_str().unwrap_or_default())
                )
            })
            .collect(),
        Some("Input.Text") => format!(
            "<label>{}<input name=\"in.{}\" placeholder=\"{}\"></label>",
            text("label"),
            text("id"),
            text("placeholder")
        ),
        Some("Container") => part["items"].as_array().into_iter().flatten().map(element).collect(),
        Some("ActionSet") => part["actions"].as_array().into_iter().flatten().map(button).collect(),
        _ => String::new(),
    }
}

fn button(action: &Value) -> String {
    let title = escaped(action["title"].as_str().unwrap_or_default());
    match action["type"].as_str() {
        Some("Action.OpenUrl") => {
            format!("<a href=\"{}\">{title}</a> ", escaped(action["url"].as_str().unwrap_or_default()))
        }
        _ => format!("<button name=data value=\"{}\">{title}</button>", escaped(&action["data"].to_string())),
    }
}

fn back(fields: &Fields) -> Redirect {
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    Redirect::to(&format!("/?as={}&room={}", field("as"), field("room")))
}

async fn say(State(cloud): State<Arc<Cloud>>, Form(fields): Form<Fields>) -> Redirect {
    let me = chosen(&cloud.model(), &fields);
    let room = fields.get("room").cloned().unwrap_or_default();
    let text = fields.get("text").cloned().unwrap_or_default();
    if let Some(me) = me.filter(|_| !text.is_empty()) {
        let direct = cloud.model().room(&room).is_some_and(|room| room.direct);
        let (plain, markdown) = if direct {
            (Some(text), None)
        } else {
            (None, Some(format!("<@personEmail:{}|Lockdown> {text}", super::BOT_EMAIL)))
        };
        // Whoever is not in the space is told by the page, which does not show it.
        let _ = cloud.post(&me.uuid, &room, None, plain, markdown, None);
    }
    back(&fields)
}

/// Inputs and the button's own data, as a client sends them together.
async fn press(State(cloud): State<Arc<Cloud>>, Form(fields): Form<Fields>) -> Redirect {
    let me = chosen(&cloud.model(), &fields);
    let data = fields.get("data").and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut inputs: Map<String, Value> = data.and_then(|data| data.as_object().cloned()).unwrap_or_default();
    for (name, value) in fields.iter().filter_map(|(name, value)| Some((name.strip_prefix("in.")?, value))) {
        inputs.insert(name.to_owned(), json!(value));
    }
    if let Some(me) = me {
        // A card that is gone is not there to be pressed.
        let _ = cloud.pressed(&me.uuid, fields.get("message").map_or("", String::as_str), Value::Object(inputs));
    }
    back(&fields)
}
