//! What every outbox must do, whatever it is made of.

use super::Directory;
use super::outbox::Outbox;
use crate::webhooks::hook::{Delivery, DeliveryState, Disabled, Hook};
use crate::webhooks::sign::SigningSecret;
use engine::ports::{NewEvent, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::{OperatorId, SiteId};
use lockdown::operator::{Actor, Surface};
use lockdown::timeline::EventKind;
use std::collections::BTreeSet;

const LEASE: SignedDuration = SignedDuration::from_secs(60);

/// In this order, on a store without webhooks.
pub(crate) async fn outbox_holds<S: Store + Directory + Outbox>(open: &impl AsyncFn() -> S) {
    hooks_are_kept_and_changed_and_told_of(open).await;
    the_cursor_never_goes_back_and_made_twice_is_made_once(open).await;
    of_two_at_once_each_claims_others(open).await;
    what_is_settled_is_not_due(open).await;
    a_hook_takes_its_deliveries_with_it(open).await;
}

/// Far ahead: what is older than a month, a database forgets by itself.
pub(crate) fn now() -> Timestamp {
    "2126-11-23T12:00:00Z".parse().unwrap()
}

pub(crate) fn hook(id: &str) -> Hook {
    Hook {
        site: Some(SiteId::try_from("north").unwrap()),
        what: BTreeSet::from(["lock_ordered".to_owned()]),
        by: Some(Actor { id: OperatorId::try_from("ann").unwrap(), name: "Ann".into(), surface: Surface::Api }),
        ..Hook::sample(id, now())
    }
}

/// Each second, one.
pub(crate) fn delivery(hook: &Hook, seq: u64) -> Delivery {
    let at = now() + SignedDuration::from_secs(seq.try_into().unwrap());
    Delivery { seq, ..Delivery::test(hook, &seq.to_string(), at) }
}

fn event(kind: EventKind) -> NewEvent {
    NewEvent { at: now(), site: None, by: None, kind }
}

fn added(hook: &Hook) -> NewEvent {
    event(EventKind::HookAdded {
        hook: hook.id.clone(),
        name: hook.name.clone(),
        url_host: "hooks.acme.example".into(),
    })
}

fn removed(hook: &Hook) -> NewEvent {
    event(EventKind::HookRemoved { hook: hook.id.clone(), name: hook.name.clone() })
}

fn rotated(hook: &Hook) -> NewEvent {
    event(EventKind::HookRotated { hook: hook.id.clone(), name: hook.name.clone() })
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

async fn last_told<S: Store>(store: &S) -> Option<EventKind> {
    store.latest_events(1).await.unwrap().into_iter().next().map(|event| event.kind)
}

async fn hooks_are_kept_and_changed_and_told_of<S: Store + Outbox>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let first = hook("hook-00000001");
    let second = Hook { created_at: later(1), ..hook("hook-00000002") };
    let change = async |read: &Hook, changed: &Hook| store.change_hook(read, changed, rotated(changed)).await;
    assert_eq!(change(&first, &first).await, Err(StoreError::Conflict), "there is none yet");
    store.put_hook(&first, added(&first)).await.unwrap();
    assert_eq!(last_told(&store).await, Some(added(&first).kind));
    let told = store.latest_events(1).await.unwrap();
    assert_eq!(store.put_hook(&first, added(&first)).await, Err(StoreError::Conflict), "its id is taken");
    assert_eq!(store.latest_events(1).await.unwrap(), told, "what was refused is not told");
    store.put_hook(&second, added(&second)).await.unwrap();
    let new_secret = first.clone().rotated(SigningSecret::new([8; 32]), now());
    let off = Hook { disabled: Some(Disabled { at: now(), why: "410".into() }), ..new_secret.clone() };
    change(&first, &off).await.unwrap();
    assert_eq!(last_told(&store).await, Some(rotated(&off).kind));
    assert_eq!(change(&first, &new_secret).await, Err(StoreError::Conflict), "it was switched off meanwhile");
    assert_eq!(open().await.hook("hook-00000001").await, Ok(Some(off.clone())));
    assert_eq!(open().await.hook("hook-00000009").await, Ok(None));
    assert_eq!(open().await.hooks().await, Ok(vec![off, second]));
}

async fn the_cursor_never_goes_back_and_made_twice_is_made_once<S: Outbox>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    assert_eq!(store.hook_cursor().await, Ok(None));
    store.add_deliveries(&[], 5).await.unwrap();
    let one = hook("hook-00000001");
    let two = hook("hook-00000002");
    let first = delivery(&one, 1);
    store.add_deliveries(std::slice::from_ref(&first), 6).await.unwrap();
    let more = [Delivery { body: "changed".into(), ..first.clone() }, delivery(&one, 2), delivery(&two, 3)];
    store.add_deliveries(&more, 4).await.unwrap();
    assert_eq!(open().await.hook_cursor().await, Ok(Some(6)));
    assert_eq!(open().await.delivery(&first.id).await, Ok(Some(first.clone())), "as it was made first");
    assert_eq!(open().await.delivery("nothing").await, Ok(None));
    assert_eq!(store.deliveries_of(&one.id, 9).await, Ok(vec![delivery(&one, 2), first]));
    assert_eq!(store.deliveries_of(&one.id, 1).await, Ok(vec![delivery(&one, 2)]), "newest first");
}

async fn of_two_at_once_each_claims_others<S: Outbox>(open: &impl AsyncFn() -> S) {
    let one = open().await;
    let two = open().await;
    let seqs = |claimed: &[Delivery]| -> Vec<u64> { claimed.iter().map(|delivery| delivery.seq).collect() };
    assert_eq!(one.due(now(), LEASE, 9, &[]).await, Ok(vec![]), "the first is due in a second");
    let busy = ["hook-00000001".to_owned()];
    let (a, b) = tokio::join!(one.due(later(9), LEASE, 9, &busy), two.due(later(9), LEASE, 9, &busy));
    let a = a.unwrap();
    let b = b.unwrap();
    assert_eq!((seqs(&[a.clone(), b.clone()].concat()), a.is_empty()), (vec![3], !b.is_empty()));
    assert_eq!(a.iter().chain(&b).map(|delivery| delivery.next_at).collect::<Vec<_>>(), [later(9) + LEASE]);
    assert_eq!(seqs(&one.due(later(9), LEASE, 1, &[]).await.unwrap()), [1], "the longest due first");
    assert_eq!(seqs(&two.due(later(9), LEASE, 9, &[]).await.unwrap()), [2], "what is left");
    assert_eq!(one.due(later(68), LEASE, 9, &[]).await, Ok(vec![]), "still claimed");
    assert_eq!(seqs(&one.due(later(69), LEASE, 9, &[]).await.unwrap()), [1, 2, 3], "the claim is over");
}

async fn what_is_settled_is_not_due<S: Outbox>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let one = hook("hook-00000001");
    let taken = Delivery {
        state: DeliveryState::Delivered { at: later(70) },
        attempts: 1,
        last: Some("the receiver answered 200 OK".into()),
        ..delivery(&one, 1)
    };
    store.settle(&taken).await.unwrap();
    let again = Delivery { attempts: 1, next_at: later(75), ..delivery(&one, 2) };
    store.settle(&again).await.unwrap();
    assert_eq!(open().await.delivery(&taken.id).await, Ok(Some(taken)));
    let due = store.due(later(75), LEASE, 9, &[]).await.unwrap();
    assert_eq!(due, [Delivery { next_at: later(75) + LEASE, ..again }]);
}

async fn a_hook_takes_its_deliveries_with_it<S: Store + Outbox>(open: &impl AsyncFn() -> S) {
    let store = open().await;
    let one = hook("hook-00000001");
    let two = hook("hook-00000002");
    store.remove_hook(&one.id, removed(&one)).await.unwrap();
    assert_eq!(last_told(&store).await, Some(removed(&one).kind));
    let told = store.latest_events(1).await.unwrap();
    assert_eq!(store.remove_hook(&one.id, removed(&one)).await, Err(StoreError::Conflict));
    assert_eq!(store.latest_events(1).await.unwrap(), told);
    assert_eq!(open().await.hook(&one.id).await, Ok(None));
    let back = store.change_hook(&one, &one, rotated(&one)).await;
    assert_eq!(back, Err(StoreError::Conflict), "what is gone does not come back");
    assert_eq!(store.deliveries_of(&one.id, 9).await, Ok(vec![]));
    store.settle(&delivery(&one, 1)).await.unwrap();
    assert_eq!(store.deliveries_of(&one.id, 9).await, Ok(vec![]));
    assert_eq!(store.deliveries_of(&two.id, 9).await.map(|left| left.len()), Ok(1));
    store.remove_hook(&two.id, removed(&two)).await.unwrap();
}
