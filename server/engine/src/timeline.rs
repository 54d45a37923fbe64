//! What happened, for everybody: remembered first, then told to whoever listens.

use super::ports::{Clock, NewEvent, Store, StoreError};
use super::status::SiteStatus;
use lockdown::operator::Operator;
use lockdown::timeline::{Event, EventKind};
use std::sync::Arc;
use tokio::sync::broadcast;

/// News a slow listener may miss before it has to look itself.
const BACKLOG: usize = 256;

/// Something changed; every surface hears it by this one channel.
#[derive(Debug, Clone)]
pub enum News {
    Site(Arc<SiteStatus>),
    Event(Arc<Event>),
    /// Other servers put something into the timeline.
    Timeline,
}

/// The timeline as it grows, and whatever else changes.
pub struct Timeline {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    news: broadcast::Sender<News>,
}

impl Timeline {
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, news: broadcast::channel(BACKLOG).0 }
    }

    /// Every change from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Puts something into the timeline and tells everybody.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn record(&self, by: Option<&Operator>, kind: EventKind) -> Result<(), StoreError> {
        self.append(NewEvent { at: self.clock.now(), site: None, by: by.map(Operator::actor), kind }).await
    }

    /// The same for an event made elsewhere.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn append(&self, event: NewEvent) -> Result<(), StoreError> {
        for event in self.store.append(vec![event]).await? {
            self.send(News::Event(Arc::new(event)));
        }
        Ok(())
    }

    /// It grew by a write of the store's own: whoever listens looks.
    pub fn announce(&self) {
        self.send(News::Timeline);
    }

    pub(super) fn send(&self, news: News) {
        // Nobody listens: nothing is lost, it is stored.
        let _ = self.news.send(news);
    }
}
