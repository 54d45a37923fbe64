//! What holds for the papers of every store.

use super::papers::{Paper, Papers};
use engine::ports::StoreError;

pub async fn papers(store: &dyn Papers) {
    assert_eq!(store.paper("space/1").await.unwrap(), None);
    let first = Paper { version: 1, text: "{\"a\":1}".into() };
    store.put_paper("space/1", &first).await.unwrap();
    assert_eq!(store.put_paper("space/1", &first).await, Err(StoreError::Conflict), "another server was first");
    let second = Paper { version: 2, text: "{}".into() };
    store.put_paper("space/1", &second).await.unwrap();
    assert_eq!(store.put_paper("space/1", &second).await, Err(StoreError::Conflict));
    let skipped = Paper { version: 4, text: "{}".into() };
    assert_eq!(store.put_paper("space/1", &skipped).await, Err(StoreError::Conflict));
    assert_eq!(store.paper("space/1").await.unwrap(), Some(second));
    assert_eq!(store.paper("space/2").await.unwrap(), None);
}
