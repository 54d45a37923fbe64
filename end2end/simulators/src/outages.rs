//! One part of the outside world goes away by itself, and comes back: for other processes, such as the load test.

use crate::database::Database;
use crate::web::WebServer;
use crate::{B2cSim, CucmSim, FinesseSim, PhoneSim, WebexSim};
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::io;
use std::sync::Arc;

/// All that is outside of the product.
pub struct Outside {
    pub cucm: CucmSim,
    pub b2c: B2cSim,
    pub webex: WebexSim,
    pub finesse: FinesseSim,
    pub phones: PhoneSim,
    /// Where the store is a shared one.
    pub database: Option<Database>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Part {
    /// The publisher; its connections are refused.
    Cucm,
    Identity,
    Webex,
    /// Webex' live line alone: it stays open and is silent.
    WebexLine,
    /// One of the two nodes.
    FinesseNode,
    Finesse,
    Phones,
    /// Killed, as a power cut would.
    Database,
    /// It is there, and answers nothing any more.
    DatabaseHangs,
}

/// What is asked: `{"part": "webex", "up": false}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    part: Part,
    up: bool,
}

impl Outside {
    async fn set_up(&self, part: Part, up: bool) -> io::Result<()> {
        match part {
            Part::WebexLine => self.webex.faults().half_open = !up,
            Part::FinesseNode => self.finesse.set_up(0, up).await?,
            Part::Finesse => {
                self.finesse.set_up(0, up).await?;
                self.finesse.set_up(1, up).await?;
            }
            Part::Phones => {
                for number in 0..self.phones.count() {
                    self.phones.set_up(number, up).await?;
                }
            }
            Part::Cucm if up => self.cucm.resume()?,
            Part::Identity if up => self.b2c.resume()?,
            Part::Webex if up => self.webex.resume()?,
            Part::Cucm => self.cucm.stop().await,
            Part::Identity => self.b2c.stop().await,
            Part::Webex => self.webex.stop().await,
            Part::Database | Part::DatabaseHangs => self.set_database_up(part, up).await?,
        }
        Ok(())
    }

    async fn set_database_up(&self, part: Part, up: bool) -> io::Result<()> {
        let database = self.database.as_ref().ok_or_else(|| io::Error::other("there is no database"))?;
        if up {
            database.wake();
            return database.resume().await;
        }
        match part {
            Part::DatabaseHangs => database.hang(),
            _ => database.kill(),
        }
        Ok(())
    }
}

/// What the world outside shows of the product, as far as it was told.
async fn told(State(outside): State<Arc<Outside>>) -> Json<serde_json::Value> {
    let banners: Vec<Option<String>> =
        (0..outside.phones.count()).map(|number| outside.phones.banner(number)).collect();
    Json(serde_json::json!({
        "banners": banners, "desktops": outside.finesse.messages().len(), "webex_listeners": outside.webex.listeners(),
    }))
}

/// Listens for `POST /sim/outages` and `GET /sim/told` on a free port of loopback.
///
/// # Errors
/// When no port is free.
pub fn listen(outside: Arc<Outside>) -> io::Result<WebServer> {
    let change = async |State(outside): State<Arc<Outside>>, Json(change): Json<Change>| match outside
        .set_up(change.part, change.up)
        .await
    {
        Ok(()) => (StatusCode::NO_CONTENT, String::new()),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{:?}: {error}", change.part)),
    };
    WebServer::start(
        Router::new().route("/sim/outages", post(change)).route("/sim/told", get(told)).with_state(outside),
        None,
        0,
    )
}
