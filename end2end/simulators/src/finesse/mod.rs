//! Cisco Finesse as far as a gadget and a notice to agents need it: a desktop page with tabs for two agents, the
//! gadget container on its own origin, `gadgets.*` and the hub, agents, dialogs and team messages by REST.
//!
//! *Source*: Cisco Finesse developer guide (gadget specification, layout, User and Dialog objects) and its sample gadgets. The library that gadgets load is a stand-in of ours; where
//! `FINESSE_JS` and `FINESSE_JQUERY` name Cisco's own files, those are served instead.

mod container;
mod model;
mod rest;

use crate::web::WebServer;
use axum::Router;
use model::Model;
pub use model::{Agent, Call, TeamMessage};
use parking_lot::{Mutex, MutexGuard};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::broadcast;

/// Who may post to every team.
pub const ADMIN: (&str, &str) = ("finesse-admin", "finesse-demo");

/// Both nodes of one installation.
pub struct FinesseSim {
    nodes: [WebServer; 2],
    desk: Arc<Desk>,
}

/// What both nodes know.
struct Desk {
    model: Mutex<Model>,
    /// The agent something happened to; the pages ask what.
    news: broadcast::Sender<()>,
}

impl Desk {
    fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock()
    }

    /// Nobody looking is no trouble.
    fn tell(&self) {
        let _ = self.news.send(());
    }
}

impl FinesseSim {
    /// Listens on `port` and any other one; 0 takes free ones.
    ///
    /// # Errors
    /// When the port is taken.
    pub fn start(port: u16) -> io::Result<Self> {
        let desk = Arc::new(Desk { model: Mutex::new(Model::demo()), news: broadcast::channel(64).0 });
        let app: Router = container::routes().merge(rest::routes()).with_state(desk.clone());
        Ok(Self { nodes: [WebServer::start(app.clone(), None, port)?, WebServer::start(app, None, 0)?], desk })
    }

    /// Addresses of both nodes, as browsers write origins.
    pub fn origins(&self) -> [String; 2] {
        [0, 1].map(|node| format!("http://{}", self.nodes[node].address()))
    }

    /// The node goes down, or comes back.
    ///
    /// # Errors
    /// When somebody else took the port.
    pub async fn set_up(&self, node: usize, up: bool) -> io::Result<()> {
        if up {
            self.nodes[node].resume()
        } else {
            self.nodes[node].stop().await;
            Ok(())
        }
    }

    /// From now on what lies in this folder is uploaded, as if by SFTP.
    pub fn upload_from(&self, folder: PathBuf) {
        self.desk.model().folder = Some(folder);
    }

    /// Puts a gadget's file where the layout looks for it.
    ///
    /// # Errors
    /// What a container would stumble over.
    pub fn upload(&self, name: &str, text: &str) -> Result<(), String> {
        let done = self.desk.model().upload(name, text);
        self.desk.tell();
        done
    }

    /// A call comes to an agent or goes from one. Its dialog's id.
    pub fn call(&self, call: Call) -> Option<String> {
        let id = self.desk.model().call(call);
        self.desk.tell();
        id
    }

    pub fn hang_up(&self, dialog: &str) {
        self.desk.model().hang_up(dialog);
        self.desk.tell();
    }

    /// What stands in the desktops now.
    pub fn messages(&self) -> Vec<TeamMessage> {
        self.desk.model().messages.clone()
    }

    /// How often a team's messages were asked for.
    pub fn looks(&self) -> usize {
        self.desk.model().looks
    }

    /// From now on REST answers so; `None`: as it should.
    pub fn refuse(&self, status: Option<u16>) {
        self.desk.model().refuses = status;
    }
}
