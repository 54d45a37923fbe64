//! What holds for the documents of every store.

use super::documents::{Document, Documents};
use engine::ports::StoreError;

pub async fn documents(store: &dyn Documents) {
    assert_eq!(store.document("space/1").await.unwrap(), None);
    let first = Document { version: 1, text: "{\"a\":1}".into() };
    store.put_document("space/1", &first).await.unwrap();
    assert_eq!(store.put_document("space/1", &first).await, Err(StoreError::Conflict), "another server was first");
    let second = Document { version: 2, text: "{}".into() };
    store.put_document("space/1", &second).await.unwrap();
    assert_eq!(store.put_document("space/1", &second).await, Err(StoreError::Conflict));
    let skipped = Document { version: 4, text: "{}".into() };
    assert_eq!(store.put_document("space/1", &skipped).await, Err(StoreError::Conflict));
    assert_eq!(store.document("space/1").await.unwrap(), Some(second));
    assert_eq!(store.document("space/2").await.unwrap(), None);
}
