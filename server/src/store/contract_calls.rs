//! What every queue of call requests must do, whatever it is made of.

use super::Directory;
use super::calls::{Calls, Wanted};
use engine::ports::{NewEvent, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use lockdown::call_request::{CallRequest, Deed, Direction, Phone, Priority, Stage};
use lockdown::ids::{IncidentId, OperatorId, RequestId, SiteId};
use lockdown::operator::{Authority, Operator, Role, Surface};
use lockdown::timeline::EventKind;

/// In this order, on a store without requests.
pub(crate) async fn queue_holds<S: Store + Directory + Calls>(open: &impl AsyncFn() -> S) {
    numbers_go_up_and_none_is_given_twice(open).await;
    a_request_is_kept_changed_and_told_of(open).await;
    of_two_changes_of_one_version_one_wins(open).await;
    a_form_is_filed_once(open).await;
    the_most_urgent_and_then_the_oldest_come_first(open).await;
    what_is_searched_for_is_found(open).await;
    what_is_erased_or_old_is_gone(open).await;
}

fn now() -> Timestamp {
    "2126-11-23T12:00:00Z".parse().unwrap()
}

fn site(name: &str) -> SiteId {
    SiteId::try_from(name).unwrap()
}

fn request(n: u64) -> CallRequest {
    CallRequest {
        id: RequestId::try_from(format!("req-{n}")).unwrap(),
        version: 1,
        number: n,
        site: site("north"),
        incident: None,
        filed_at: now() + SignedDuration::from_secs(n.try_into().unwrap()),
        filed_by: None,
        direction: Direction::Outbound,
        who: format!("Person {n}"),
        call_back: Phone::unread(format!("47{n}")),
        reason: "A reason (100%)".into(),
        priority: Priority::Normal,
        other: None,
        reference: None,
        stage: Stage::New,
        claim: None,
        story: vec![],
        form: format!("form-{n}"),
    }
}

fn filed(request: &CallRequest) -> NewEvent {
    let id = request.id.clone();
    let number = request.number;
    let direction = request.direction;
    let priority = request.priority;
    let kind = EventKind::RequestFiled { request: id, number, direction, priority };
    NewEvent { at: now(), site: Some(request.site.clone()), by: None, kind }
}

fn eoc() -> Operator {
    Operator {
        id: OperatorId::try_from("eoc-1").unwrap(),
        name: "EOC 1".into(),
        surface: Surface::Web,
        authority: Authority::Roles([Role::Eoc].into()),
    }
}

fn done(request: &CallRequest, deed: Deed) -> CallRequest {
    request.done(&eoc(), deed, now(), SignedDuration::from_mins(15)).unwrap()
}

async fn numbers_go_up_and_none_is_given_twice<S: Calls>(open: &impl AsyncFn() -> S) {
    let one = open().await;
    let two = open().await;
    let first = one.next_request_number().await.unwrap();
    let (a, b) = tokio::join!(one.next_request_number(), two.next_request_number());
    let mut both = [a.unwrap(), b.unwrap()];
    both.sort_unstable();
    assert_eq!(both, [first + 1, first + 2]);
}

async fn a_request_is_kept_changed_and_told_of<S: Store + Calls>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let first = CallRequest { incident: Some(IncidentId::try_from("inc-1").unwrap()), ..request(1) };
    store.put_request(&first, filed(&first)).await.unwrap();
    let told = store.latest_events(1).await.unwrap();
    assert_eq!(told[0].kind, filed(&first).kind);
    assert_eq!(open().await.request("req-1").await, Ok(Some(first.clone())));
    assert_eq!(open().await.request_of_form("form-1").await, Ok(Some(first.clone())));
    assert_eq!(store.request("req-9").await, Ok(None));
    let approved = done(&first, Deed::Approve { note: Some("line 4711".into()) });
    store.put_request(&approved, filed(&approved)).await.unwrap();
    assert_eq!(open().await.request("req-1").await, Ok(Some(approved)));
}

async fn of_two_changes_of_one_version_one_wins<S: Store + Calls>(open: &impl AsyncFn() -> S) {
    let one = open().await;
    let two = open().await;
    let seen = one.request("req-1").await.unwrap().unwrap();
    let a = done(&seen, Deed::Connected);
    let b = done(&seen, Deed::NoAnswer);
    let before = one.latest_events(1).await.unwrap()[0].seq;
    let (first, second) = tokio::join!(one.put_request(&a, filed(&a)), two.put_request(&b, filed(&b)));
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|ok| **ok).count(), 1, "{first:?} {second:?}");
    let stored = one.request("req-1").await.unwrap().unwrap();
    assert_eq!(stored, if first.is_ok() { a } else { b });
    assert_eq!(one.latest_events(1).await.unwrap()[0].seq, before + 1, "what was not stored is not told");
}

async fn a_form_is_filed_once<S: Store + Calls>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let again = CallRequest { form: "form-1".into(), ..request(2) };
    assert_eq!(store.put_request(&again, filed(&again)).await, Err(StoreError::Conflict));
    assert_eq!(store.request("req-2").await, Ok(None));
}

async fn the_most_urgent_and_then_the_oldest_come_first<S: Store + Calls>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let urgent = CallRequest { priority: Priority::Urgent, ..request(5) };
    let low = CallRequest { priority: Priority::Low, ..request(3) };
    let south = CallRequest { site: site("south"), filed_by: Some(eoc().actor()), ..request(6) };
    for new in [request(4), low, urgent, south] {
        store.put_request(&new, filed(&new)).await.unwrap();
    }
    let closed = done(&store.request("req-1").await.unwrap().unwrap(), Deed::Close { disposition: "done".into() });
    store.put_request(&closed, filed(&closed)).await.unwrap();
    let found = async |wanted: Wanted| -> Vec<u64> {
        let found = open().await.requests(&Wanted { limit: 9, ..wanted }).await.unwrap();
        found.iter().map(|request| request.number).collect()
    };
    let north = Some(vec![site("north")]);
    assert_eq!(found(Wanted { open_only: true, sites: north.clone(), ..Wanted::default() }).await, [5, 4, 3]);
    assert_eq!(found(Wanted { sites: north, ..Wanted::default() }).await, [5, 4, 3, 1]);
    assert_eq!(found(Wanted { open_only: true, ..Wanted::default() }).await, [5, 4, 6, 3]);
    assert_eq!(found(Wanted { filed_by: Some(eoc().id), ..Wanted::default() }).await, [6]);
    let incident = Some(IncidentId::try_from("inc-1").unwrap());
    assert_eq!(found(Wanted { incident, ..Wanted::default() }).await, [1]);
    let number = Some("475".to_owned());
    assert_eq!(found(Wanted { number, open_only: true, ..Wanted::default() }).await, [5]);
    assert_eq!(found(Wanted { sites: Some(vec![]), ..Wanted::default() }).await, [] as [u64; 0]);
    assert_eq!(store.requests(&Wanted { limit: 2, ..Wanted::default() }).await.unwrap().len(), 2);
}

async fn what_is_searched_for_is_found<S: Calls>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let long = "letters ".repeat(5000);
    for (text, count) in [
        ("person 5", 1),
        ("r-4", 1),
        ("(100%)", 5),
        (".*", 0),
        ("474", 1),
        ("4 7-4", 1),
        // Each by itself would be no regular expression, or one that takes minutes.
        ("(", 5),
        ("a{9", 0),
        ("\\", 0),
        ("\\E.*\\Q", 0),
        ("((((((a+)+)+)+)+)+)+$", 0),
        ("[[:foo:]]", 0),
        ("\0abc", 0),
        ("\u{10ffff}", 0),
        (&long, 0),
    ] {
        let wanted = Wanted { text: Some(text.into()), limit: 9, ..Wanted::default() };
        let found = store.requests(&wanted).await.map(|found| found.len());
        assert_eq!(found, Ok(count), "{}", text.chars().take(40).collect::<String>());
    }
}

async fn what_is_erased_or_old_is_gone<S: Store + Calls>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let kind = EventKind::RequestErased { request: request(4).id, number: 4 };
    let event = NewEvent { at: now(), site: None, by: None, kind: kind.clone() };
    store.erase_request("req-4", event.clone()).await.unwrap();
    assert_eq!(store.latest_events(1).await.unwrap()[0].kind, kind);
    assert_eq!(store.erase_request("req-4", event).await, Err(StoreError::Conflict), "once");
    // Filed 3, 5 and 6 seconds after, closed at the full minute.
    assert_eq!(store.forget_requests(now() + SignedDuration::from_secs(5)).await, Ok(2));
    let left = open().await.requests(&Wanted { limit: 9, ..Wanted::default() }).await.unwrap();
    assert_eq!(left.iter().map(|request| request.number).collect::<Vec<_>>(), [6, 5]);
}
