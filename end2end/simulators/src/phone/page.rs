//! A page to be at one of the phones: its screen, its keys. For a newcomer who has no desk phone.

use super::{Phone, held};
use crate::webex::model::escaped;
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use parking_lot::Mutex;
use serde::Deserialize;
use std::sync::Arc;

type Phones = Vec<Arc<Mutex<Phone>>>;

/// Where the Services key leads: told once in the address, and kept in the form.
#[derive(Deserialize)]
struct At {
    #[serde(default)]
    phone: usize,
    #[serde(default)]
    service: String,
    #[serde(default)]
    trouble: String,
    /// The page came back by itself: so does the phone.
    #[serde(default)]
    again: String,
}

pub(super) fn routes(phones: Phones) -> Router {
    Router::new().route("/", get(page)).route("/press", post(press)).with_state(Arc::new(phones))
}

fn link(phone: usize, service: &str, trouble: &str) -> String {
    let fields = [("phone", phone.to_string()), ("service", service.to_owned()), ("trouble", trouble.to_owned())];
    let url = reqwest::Url::parse_with_params("http://phone/", fields);
    url.map_or_else(|_| "/".to_owned(), |url| format!("/?{}", url.query().unwrap_or_default()))
}

async fn page(State(phones): State<Arc<Phones>>, Query(at): Query<At>) -> Html<String> {
    let number = at.phone.min(phones.len().saturating_sub(1));
    let all: String = phones
        .iter()
        .enumerate()
        .map(|(other, phone)| {
            let phone = held(phone);
            let here = if other == number { " class=here" } else { "" };
            format!(
                "<a href=\"{}\"{here}>{} ({})</a> ",
                escaped(&link(other, &at.service, "")),
                phone.device,
                phone.model
            )
        })
        .collect();
    let mut phone = held(&phones[number]).clone();
    if !at.again.is_empty() && phone.refresh().await.is_ok() {
        phone.banner = held(&phones[number]).banner.clone();
        *held(&phones[number]) = phone.clone();
    }
    let refresh = phone.refreshes().map_or_else(String::new, |seconds| {
        let again = escaped(&format!("{}&again=yes", link(number, &at.service, "")));
        format!("<meta http-equiv=refresh content=\"{seconds};url={again}\">")
    });
    let button = |key: &str, name: &str| format!("<button name=key value=\"{key}\">{name}</button>");
    let pad: String =
        ["1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#"].iter().map(|key| button(key, key)).collect();
    let soft: String = ["Services", "Submit", "Update", "Exit", "Down"].iter().map(|key| button(key, key)).collect();
    let trouble =
        if at.trouble.is_empty() { String::new() } else { format!("<p role=alert>{}</p>", escaped(&at.trouble)) };
    Html(format!(
        "<!DOCTYPE html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width,initial-scale=1\">{refresh}<title>Desk phone, simulated</title><style>body{{font:16px/1.4 system-ui;margin:1rem;max-width:36rem}}.here{{font-weight:700}}svg{{width:100%;border-radius:12px}}button{{font:inherit;padding:.6rem 1rem;margin:.2rem;min-width:4rem}}.pad{{display:grid;grid-template-columns:repeat(3,5rem)}}</style><h1>Desk phone, simulated</h1><p>{all}</p>{trouble}{}<form method=post action=/press><input type=hidden name=phone value={number}><input type=hidden name=service value=\"{}\"><p>{soft}</p><div class=pad>{pad}</div><p><label>Letters <input name=text autocomplete=off></label> {}</p></form></html>",
        phone.svg(),
        escaped(&at.service),
        button("Type", "Type")
    ))
}

#[derive(Deserialize)]
struct Pressed {
    #[serde(flatten)]
    at: Fields,
}

type Fields = std::collections::BTreeMap<String, String>;

async fn press(State(phones): State<Arc<Phones>>, Form(Pressed { at }): Form<Pressed>) -> Redirect {
    let field = |name: &str| at.get(name).cloned().unwrap_or_default();
    let number = field("phone").parse().unwrap_or(0_usize);
    let service = field("service");
    let Some(shared) = phones.get(number) else { return Redirect::to("/") };
    let mut phone = held(shared).clone();
    let done = match field("key").as_str() {
        "Services" => phone.open(&service).await,
        "Down" => {
            phone.down();
            Ok(())
        }
        "Update" => phone.refresh().await,
        soft @ ("Submit" | "Exit") => phone.soft(soft).await,
        "Type" => phone.keys(&field("text")).await,
        digit => phone.keys(digit).await,
    };
    // Pushed meanwhile: that stays.
    phone.banner = held(shared).banner.clone();
    *held(shared) = phone;
    Redirect::to(&link(number, &service, &done.err().unwrap_or_default()))
}
