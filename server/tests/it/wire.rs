//! A line between one server and its database that can be cut while others keep theirs.

use crate::world::{More, World};
use simulators::database::Database;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Wire {
    /// Where the database listens, and where this line begins.
    pub(crate) to: u16,
    pub(crate) port: u16,
    whole: watch::Sender<bool>,
}

impl Wire {
    async fn to(database: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, database, state.clone()));
            }
        });
        Self { to: database, port, whole }
    }

    /// Two servers that see a normal site, the second one with a line of its own to their database.
    pub(crate) async fn between_two(database: &Database, more: More) -> (World, World, Self) {
        let one = World::with_database_and(database, more).await;
        one.until_standing("normal").await;
        // The key is made before the second one copies what the first one has.
        one.everything();
        let wire = Self::to(database.port()).await;
        let two = World::beside_over(&wire, &one).await;
        two.until_standing("normal").await;
        // A transaction that is cut off in its middle keeps the timeline from everybody until the database gives it up:
        // a minute.
        two.until("what happened until here is told", async || one.happened("server_started").await == 2).await;
        (one, two, wire)
    }

    /// What goes over it ends, and nothing new gets through.
    pub(crate) fn cut(&self) {
        self.whole.send_replace(false);
    }

    pub(crate) fn mend(&self) {
        self.whole.send_replace(true);
    }
}

async fn carry(mut near: TcpStream, to: u16, mut whole: watch::Receiver<bool>) {
    if !*whole.borrow_and_update() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(("127.0.0.1", to)).await else { return };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = whole.wait_for(|whole| !whole) => {}
    }
}
