//! Call requests, for several servers. Besides the document's own fields stand those it is searched by.

use super::timeline::moment;
use super::trouble::{Asking, within};
use super::write::Change;
use super::{Mongo, from_document, number, to_document};
use crate::store::calls::{Calls, Wanted, changed_at, rank};
use async_trait::async_trait;
use engine::ports::{NewEvent, StoreError};
use jiff::Timestamp;
use lockdown::call_request::CallRequest;
use lockdown::text::sought;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

const ROOM: &str = "call_requests";

/// The first number is asked for by many at once: so often at most.
const ATTEMPTS: usize = 5;

/// The document that knows the last ticket's number.
const NUMBER: &str = "request_number";

impl Mongo {
    /// As it is elsewhere; one that is there already stays as it is.
    pub(in crate::store) async fn copy_request(&self, request: &CallRequest) -> Result<(), StoreError> {
        if self.request(request.id.as_str()).await?.is_some() {
            return Ok(());
        }
        let requests = self.collection(ROOM);
        let document = searchable(request)?;
        within(Asking::Write, requests.insert_one(document)).await?;
        let further = doc! { "$max": { "n": number(request.number) } };
        let cursors = self.collection("cursors");
        within(Asking::Write, cursors.update_one(doc! { "_id": NUMBER }, further).upsert(true)).await.map(|_| ())
    }
}

pub(super) fn searchable(request: &CallRequest) -> Result<Document, StoreError> {
    let mut document = to_document(request)?;
    document.insert("open", request.is_open());
    document.insert("rank", rank(request.priority));
    document.insert("haystack", request.haystack());
    document.insert("number_key", request.number_key());
    document.insert("changed", moment(changed_at(request)));
    Ok(document)
}

#[async_trait]
impl Calls for Mongo {
    async fn next_request_number(&self) -> Result<u64, StoreError> {
        let cursors = self.collection("cursors");
        let next = || {
            cursors
                .find_one_and_update(doc! { "_id": NUMBER }, doc! { "$inc": { "n": 1_i64 } })
                .upsert(true)
                .return_document(ReturnDocument::After)
        };
        for _ in 0..ATTEMPTS {
            match within(Asking::Write, next()).await {
                Ok(Some(cursor)) => {
                    let n = cursor.get_i64("n").map_err(|error| StoreError::Failed(error.to_string()))?;
                    return Ok(n.unsigned_abs());
                }
                // Several made the document at the same moment: it is there now.
                Ok(None) | Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Failed("the database gave no number".into()))
    }

    async fn put_request(&self, request: &CallRequest, event: NewEvent) -> Result<(), StoreError> {
        self.write(&Change::Request(request), &[event.into()]).await.map(|_| ())
    }

    async fn request(&self, id: &str) -> Result<Option<CallRequest>, StoreError> {
        self.one(ROOM, doc! { "_id": id }).await
    }

    async fn request_of_form(&self, form: &str) -> Result<Option<CallRequest>, StoreError> {
        self.one(ROOM, doc! { "form": form }).await
    }

    async fn requests(&self, wanted: &Wanted) -> Result<Vec<CallRequest>, StoreError> {
        let order = if wanted.open_only {
            doc! { "rank": 1, "number": 1 }
        } else {
            doc! { "number": -1 }
        };
        let limit = i64::try_from(wanted.limit).unwrap_or(i64::MAX);
        let documents: Vec<Document> = within(Asking::Read, async {
            let mut found = self.collection(ROOM).find(filter(wanted)).sort(order).limit(limit).await?;
            let mut all = Vec::new();
            while found.advance().await? {
                all.push(found.deserialize_current()?);
            }
            Ok(all)
        })
        .await?;
        documents.into_iter().map(from_document).collect()
    }

    async fn erase_request(&self, id: &str, event: NewEvent) -> Result<(), StoreError> {
        self.write(&Change::RequestGone(id), &[event.into()]).await.map(|_| ())
    }

    async fn forget_requests(&self, before: Timestamp) -> Result<u64, StoreError> {
        let requests = self.collection(ROOM);
        let old = requests.delete_many(doc! { "changed": { "$lt": moment(before) } });
        Ok(within(Asking::Write, old).await?.deleted_count)
    }
}

fn filter(wanted: &Wanted) -> Document {
    let mut filter = Document::new();
    if let Some(incident) = &wanted.incident {
        filter.insert("incident", incident.as_str());
    }
    if let Some(number) = &wanted.number {
        filter.insert("number_key", number.as_str());
    }
    if let Some(person) = &wanted.filed_by {
        filter.insert("filed_by.id", person.as_str());
    }
    if let Some(sites) = &wanted.sites {
        let sites: Vec<Bson> = sites.iter().map(|site| site.as_str().into()).collect();
        filter.insert("site", doc! { "$in": sites });
    }
    let texts = wanted.text.as_deref().map(sought).unwrap_or_default();
    if !texts.is_empty() {
        let stands = texts.iter().map(|text| literal(text)).collect::<Vec<_>>().join("|");
        filter.insert("haystack", doc! { "$regex": stands });
    }
    if let Some(priority) = wanted.priority {
        filter.insert("rank", rank(priority));
    }
    if wanted.open_only {
        filter.insert("open", true);
    }
    filter
}

/// A pattern that means just these letters.
fn literal(text: &str) -> String {
    let escaped = |letter: char| {
        let plain = letter.is_alphanumeric() || letter == ' ';
        if plain { letter.to_string() } else { format!("\\{letter}") }
    };
    text.chars().map(escaped).collect()
}
