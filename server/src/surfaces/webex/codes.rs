//! Codes that need no memory: made of what they stand for with a key that only this installation has. Good for
//! one person, in one room, for one order, a short time and once.

use crate::config::Secret;
use aws_lc_rs::hmac;
use jiff::Timestamp;
use lockdown::ids::{OperatorId, SiteId};

/// Seconds a confirmation is good for, at least.
pub const GOOD_FOR: i64 = 120;

/// Confirmations are counted in slots of so many seconds.
const SLOT: i64 = 10;

/// A code that binds a Webex account to a profile is good for so many seconds, at least.
pub const LINK_GOOD_FOR: i64 = 600;

/// No 0, O, 1, I: read aloud and typed on small keys.
const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

const LENGTH: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Lock,
    Release,
}

impl Act {
    pub fn word(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Release => "release",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Lock, Self::Release].into_iter().find(|act| act.word() == word)
    }
}

/// What is to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub act: Act,
    pub site: SiteId,
    /// Of the state that was shown.
    pub version: u64,
}

/// Who is to confirm it, and where. Keys of ids.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    pub person: &'a str,
    pub room: &'a str,
}

/// Why a code does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Made for somebody else, another room or another order; or by nobody.
    NotYours,
    Expired,
}

pub struct ConfirmationCodes(hmac::Key);

impl ConfirmationCodes {
    /// The token is what every server of an installation has and nobody else.
    pub fn new(token: &Secret) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
        Self(hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"pstn-lockdown codes").as_ref()))
    }

    fn code(&self, of: &str) -> String {
        let tag = hmac::sign(&self.0, of.as_bytes());
        tag.as_ref().iter().take(LENGTH).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
    }

    fn of_order(&self, whose: Whose<'_>, order: &Order, slot: i64) -> String {
        let Order { act, site, version } = order;
        self.code(&format!("order|{}|{}|{}|{site}|{version}|{slot}", whose.person, whose.room, act.word()))
    }

    /// A code for an order, and the slot it was made in.
    pub fn ask(&self, whose: Whose<'_>, order: &Order, now: Timestamp) -> (String, i64) {
        let slot = now.as_second() / SLOT;
        (self.of_order(whose, order, slot), slot)
    }

    /// Is this the code of that order, made in that slot?
    ///
    /// # Errors
    /// [`Wrong`].
    pub fn check(&self, whose: Whose<'_>, order: &Order, slot: i64, code: &str, now: Timestamp) -> Result<(), Wrong> {
        let current = now.as_second() / SLOT;
        if self.of_order(whose, order, slot) != code {
            Err(Wrong::NotYours)
        } else if slot > current || current - slot > GOOD_FOR / SLOT {
            Err(Wrong::Expired)
        } else {
            Ok(())
        }
    }

    /// The order a typed code was made for, of those it could be; with its slot.
    pub fn find<'o>(
        &self,
        whose: Whose<'_>,
        orders: &'o [Order],
        code: &str,
        now: Timestamp,
    ) -> Option<(&'o Order, i64)> {
        let current = now.as_second() / SLOT;
        let slots = current - GOOD_FOR / SLOT..=current;
        slots.rev().find_map(|slot| {
            orders.iter().find(|order| self.of_order(whose, order, slot) == code).map(|order| (order, slot))
        })
    }

    /// What somebody who is signed in writes to the bot to be known by it.
    pub fn link(&self, person: &OperatorId, now: Timestamp) -> String {
        self.link_in(person, now.as_second() / LINK_GOOD_FOR)
    }

    fn link_in(&self, person: &OperatorId, slot: i64) -> String {
        self.code(&format!("link|{person}|{slot}"))
    }

    /// Is it this person's, of now or of the slot before?
    pub fn is_link_of(&self, person: &OperatorId, code: &str, now: Timestamp) -> bool {
        let current = now.as_second() / LINK_GOOD_FOR;
        [current, current - 1].iter().any(|slot| self.link_in(person, *slot) == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn order(act: Act, version: u64) -> Order {
        Order { act, site: SiteId::try_from("north").unwrap(), version }
    }

    #[test]
    fn a_code_is_good_for_one_person_room_order_and_time() {
        let codes = ConfirmationCodes::new(&Secret::new("token"));
        let ann = Whose { person: "ann", room: "r" };
        let lock = order(Act::Lock, 3);
        let (code, slot) = codes.ask(ann, &lock, at(0));
        assert_eq!(code.len(), LENGTH);
        assert_eq!(codes.check(ann, &lock, slot, &code, at(GOOD_FOR)), Ok(()));
        assert_eq!(codes.check(ann, &lock, slot, &code, at(GOOD_FOR + 20)), Err(Wrong::Expired));
        assert_eq!(
            codes.check(ann, &lock, slot, &code, at(-20)),
            Err(Wrong::Expired),
            "from a clock that was set back"
        );
        for other in [Whose { person: "bob", room: "r" }, Whose { person: "ann", room: "q" }] {
            assert_eq!(codes.check(other, &lock, slot, &code, at(1)), Err(Wrong::NotYours));
        }
        for other in [order(Act::Release, 3), order(Act::Lock, 4)] {
            assert_eq!(codes.check(ann, &other, slot, &code, at(1)), Err(Wrong::NotYours));
        }
        assert_eq!(
            codes.check(ann, &lock, slot + 1, &code, at(1)),
            Err(Wrong::NotYours),
            "its time cannot be made later"
        );
        assert_eq!(
            ConfirmationCodes::new(&Secret::new("other")).check(ann, &lock, slot, &code, at(1)),
            Err(Wrong::NotYours)
        );
    }

    #[test]
    fn a_typed_code_finds_its_order() {
        let codes = ConfirmationCodes::new(&Secret::new("token"));
        let ann = Whose { person: "ann", room: "r" };
        let orders = [order(Act::Lock, 3), order(Act::Release, 3)];
        let (code, slot) = codes.ask(ann, &orders[1], at(5));
        assert_eq!(codes.find(ann, &orders, &code, at(100)), Some((&orders[1], slot)));
        assert_eq!(codes.find(ann, &orders, &code, at(200)), None);
        assert_eq!(codes.find(ann, &orders, "AAAAAAAA", at(5)), None);
    }

    #[test]
    fn a_link_is_one_persons_and_ends() {
        let codes = ConfirmationCodes::new(&Secret::new("token"));
        let ann = OperatorId::try_from("p-ann").unwrap();
        let bob = OperatorId::try_from("p-bob").unwrap();
        let code = codes.link(&ann, at(0));
        assert!(codes.is_link_of(&ann, &code, at(LINK_GOOD_FOR)));
        assert!(!codes.is_link_of(&ann, &code, at(2 * LINK_GOOD_FOR + 1)));
        assert!(!codes.is_link_of(&bob, &code, at(0)));
    }
}
