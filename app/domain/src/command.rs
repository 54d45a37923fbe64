//! What was ordered, and what happens when somebody orders.

use crate::ids::{ActivationId, SiteId};
use crate::operator::{Act, Actor, Operator, Refusal};
use crate::steps::Target;
use crate::timeline::EventKind;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// One lock, from the order to the all-clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    pub id: ActivationId,
    pub ordered_at: Timestamp,
    pub by: Actor,
    pub reason: Option<String>,
    /// When every step was first read back locked; `None` while the lock is being carried out.
    pub verified_at: Option<Timestamp>,
    /// Where two seniors must give the all-clear: the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Asked>,
}

/// One senior gave the all-clear, and another one must too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub by: Actor,
    pub at: Timestamp,
}

impl Asked {
    /// For how long the second one may follow.
    pub const GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);

    pub fn until(&self) -> Timestamp {
        self.at + Self::GOOD_FOR
    }

    /// Does it still wait for a second senior?
    pub fn stands(&self, now: Timestamp) -> bool {
        now < self.until()
    }
}

/// One all-clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Which lock it ended.
    pub activation: ActivationId,
    pub ordered_at: Timestamp,
    pub by: Actor,
    pub reason: Option<String>,
    /// When every step was first read back normal.
    pub verified_at: Option<Timestamp>,
    /// Given although other servers could not be told.
    #[serde(default)]
    pub alone: bool,
    /// The senior who gave it first, where two must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<Actor>,
}

/// What the EOC ordered. Stored before CUCM hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ordered")]
pub enum Command {
    /// Nobody has ordered anything yet. Nothing is ever written to CUCM in this state.
    Untouched {
        since: Timestamp,
    },
    Locked(Activation),
    Normal(Release),
}

/// What a person orders with.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    pub by: &'a Operator,
    pub site: &'a SiteId,
    pub at: Timestamp,
    pub reason: Option<String>,
    /// Given although other servers cannot be told.
    pub alone: bool,
    /// The site's rule: an all-clear needs two different seniors within [`Asked::GOOD_FOR`].
    pub two_seniors: bool,
    /// Whoever asked is no senior any more.
    pub first_lost_role: bool,
}

/// What an order comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// It is so already; the first order's time and person stay.
    Unchanged,
    Changed {
        command: Box<Command>,
        event: EventKind,
    },
}

impl Command {
    pub fn target(&self) -> Target {
        match self {
            Self::Locked(_) => Target::Locked,
            Self::Untouched { .. } | Self::Normal(_) => Target::Normal,
        }
    }

    /// Orders the lock. No approval and no reason is needed; ordering twice is ordering once.
    ///
    /// # Errors
    /// [`Refusal`] when the operator may not lock this site.
    pub fn activate(&self, order: &Order<'_>, new: ActivationId) -> Result<Transition, Refusal> {
        order.by.may(Act::Lock, Some(order.site))?;
        match self {
            // Somebody sees danger while an all-clear is asked for: who asked is forgotten.
            Self::Locked(activation) if activation.asked.as_ref().is_some_and(|asked| asked.stands(order.at)) => {
                let event = EventKind::LockOrdered { activation: activation.id.clone(), reason: order.reason.clone() };
                let command = Self::Locked(Activation { asked: None, ..activation.clone() });
                Ok(Transition::Changed { command: Box::new(command), event })
            }
            Self::Locked(_) => Ok(Transition::Unchanged),
            Self::Untouched { .. } | Self::Normal(_) => self.activate_again(order, new),
        }
    }

    /// The same, as a new order even where the lock is ordered already: for a server that cannot be sure
    /// that this is still so.
    ///
    /// # Errors
    /// As [`Command::activate`].
    pub fn activate_again(&self, order: &Order<'_>, new: ActivationId) -> Result<Transition, Refusal> {
        order.by.may(Act::Lock, Some(order.site))?;
        let activation = Activation {
            id: new.clone(),
            ordered_at: order.at,
            by: order.by.actor(),
            reason: order.reason.clone(),
            verified_at: None,
            asked: None,
        };
        let event = EventKind::LockOrdered { activation: new, reason: order.reason.clone() };
        Ok(Transition::Changed { command: Box::new(Self::Locked(activation)), event })
    }

    /// Orders the all-clear, or asks for it where a second senior must give it too. Releasing what is
    /// not locked changes nothing.
    ///
    /// # Errors
    /// [`Refusal`] when the operator may not release this site.
    pub fn release(&self, order: &Order<'_>) -> Result<Transition, Refusal> {
        order.by.may(Act::Release, Some(order.site))?;
        match self {
            // Whoever holds a key or a token may be a senior too: then one person would be both.
            Self::Locked(_) if order.two_seniors && !order.by.is_in_person() => Err(Refusal::TwoSeniorsInPerson),
            Self::Locked(activation) if order.two_seniors => Ok(activation.second(order)),
            Self::Locked(activation) => Ok(released(&activation.id, None, order)),
            // Begun with the others, to be finished without them.
            Self::Normal(begun) if order.alone && !begun.alone && begun.verified_at.is_none() => {
                Ok(released(&begun.activation, begun.with.clone(), order))
            }
            Self::Normal(_) | Self::Untouched { .. } => Ok(Transition::Unchanged),
        }
    }

    /// Of two orders given without knowing of each other: does this one count? Locked wins; between
    /// two of the same kind it is the other, which everybody can see already.
    #[must_use]
    pub fn prevails_over(&self, known_to_all: &Self) -> bool {
        self.target() == Target::Locked && known_to_all.target() == Target::Normal
    }

    /// Is it the same order, whether or not it was seen carried out?
    #[must_use]
    pub fn is_order_of(&self, other: &Self) -> bool {
        let order =
            |command: &Self| (command.target(), command.since(), command.by().cloned(), command.activation().cloned());
        order(self) == order(other)
    }

    /// The order was seen carried out at `at`. The first time counts.
    #[must_use]
    pub fn verified(mut self, at: Timestamp) -> Self {
        match &mut self {
            Self::Untouched { .. } => {}
            Self::Locked(Activation { verified_at, .. }) | Self::Normal(Release { verified_at, .. }) => {
                verified_at.get_or_insert(at);
            }
        }
        self
    }

    /// Prevailed over another order: to be carried out, and verified, anew. Who asked for an all-clear is
    /// forgotten, as the other order may be a lock that was pressed in between.
    #[must_use]
    pub fn anew(mut self) -> Self {
        match &mut self {
            Self::Untouched { .. } => {}
            Self::Locked(activation) => (activation.verified_at, activation.asked) = (None, None),
            Self::Normal(release) => release.verified_at = None,
        }
        self
    }

    /// Is this the all-clear that ended `other`?
    #[must_use]
    pub fn ends(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Normal(release), Self::Locked(activation)) => release.activation == activation.id,
            _ => false,
        }
    }

    /// Was the order once seen carried out? Then a difference now is somebody else's change.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Untouched { .. } => true,
            Self::Locked(Activation { verified_at, .. }) | Self::Normal(Release { verified_at, .. }) => {
                verified_at.is_some()
            }
        }
    }

    /// May CUCM be written to carry this order out? Locked: always, it is repaired too. Normal: only
    /// until the release is through; afterwards a difference is reported and left alone.
    pub fn allows_writes(&self) -> bool {
        match self {
            Self::Untouched { .. } => false,
            Self::Locked(_) => true,
            Self::Normal(release) => release.verified_at.is_none(),
        }
    }

    /// Since when it is ordered so.
    pub fn since(&self) -> Timestamp {
        match self {
            Self::Untouched { since } => *since,
            Self::Locked(activation) => activation.ordered_at,
            Self::Normal(release) => release.ordered_at,
        }
    }

    /// When it was first seen carried out; for [`Command::Untouched`] never.
    pub fn verified_at(&self) -> Option<Timestamp> {
        match self {
            Self::Untouched { .. } => None,
            Self::Locked(activation) => activation.verified_at,
            Self::Normal(release) => release.verified_at,
        }
    }

    pub fn by(&self) -> Option<&Actor> {
        match self {
            Self::Untouched { .. } => None,
            Self::Locked(activation) => Some(&activation.by),
            Self::Normal(release) => Some(&release.by),
        }
    }

    /// A first senior who waits for the second at `now`.
    pub fn asked(&self, now: Timestamp) -> Option<&Asked> {
        match self {
            Self::Locked(activation) => activation.asked.as_ref().filter(|asked| asked.stands(now)),
            Self::Untouched { .. } | Self::Normal(_) => None,
        }
    }

    pub fn activation(&self) -> Option<&ActivationId> {
        match self {
            Self::Untouched { .. } => None,
            Self::Locked(activation) => Some(&activation.id),
            Self::Normal(release) => Some(&release.activation),
        }
    }
}

impl Activation {
    /// The all-clear where two must give it: asked for by the first, ordered by the second.
    fn second(&self, order: &Order<'_>) -> Transition {
        match self.asked.as_ref().filter(|asked| asked.stands(order.at) && !order.first_lost_role) {
            Some(asked) if asked.by.id == order.by.id => Transition::Unchanged,
            Some(asked) => released(&self.id, Some(asked.by.clone()), order),
            None => self.ask(order),
        }
    }

    fn ask(&self, order: &Order<'_>) -> Transition {
        let asked = Asked { by: order.by.actor(), at: order.at };
        let event = EventKind::ReleaseAsked { activation: self.id.clone(), reason: order.reason.clone() };
        Transition::Changed { command: Box::new(Command::Locked(Self { asked: Some(asked), ..self.clone() })), event }
    }
}

fn released(activation: &ActivationId, with: Option<Actor>, order: &Order<'_>) -> Transition {
    let release = Release {
        activation: activation.clone(),
        ordered_at: order.at,
        by: order.by.actor(),
        reason: order.reason.clone(),
        verified_at: None,
        alone: order.alone,
        with: with.clone(),
    };
    let event = EventKind::ReleaseOrdered {
        activation: activation.clone(),
        reason: order.reason.clone(),
        alone: order.alone,
        with,
    };
    Transition::Changed { command: Box::new(Command::Normal(release)), event }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OperatorId;
    use crate::operator::{Authority, Role, Surface};
    use proptest::prelude::*;

    fn person(role: Role) -> Operator {
        Operator {
            id: OperatorId::try_from(role.word().replace('_', "-")).unwrap(),
            name: role.title().into(),
            surface: Surface::Web,
            authority: Authority::Roles([role].into()),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn untouched() -> Command {
        Command::Untouched { since: at(0) }
    }

    fn order<'a>(by: &'a Operator, site: &'a SiteId, second: i64) -> Order<'a> {
        Order { by, site, at: at(second), reason: None, alone: false, two_seniors: false, first_lost_role: false }
    }

    fn id(n: i64) -> ActivationId {
        ActivationId::try_from(format!("act-{n}")).unwrap()
    }

    fn locked() -> Command {
        let who = person(Role::Eoc);
        let site = SiteId::try_from("s").unwrap();
        match untouched().activate(&order(&who, &site, 1), id(1)).unwrap() {
            Transition::Changed { command, .. } => *command,
            Transition::Unchanged => unreachable!("a first order changes the command"),
        }
    }

    #[test]
    fn a_second_activation_keeps_the_first_time_and_person() {
        let senior = person(Role::SeniorEoc);
        let site = SiteId::try_from("s").unwrap();
        let first = locked();
        assert_eq!(first.activate(&order(&senior, &site, 9), id(2)), Ok(Transition::Unchanged));
        assert_eq!(first.since(), at(1));
    }

    #[test]
    fn releasing_what_is_not_locked_changes_nothing() {
        let senior = person(Role::SeniorEoc);
        let site = SiteId::try_from("s").unwrap();
        assert_eq!(untouched().release(&order(&senior, &site, 1)), Ok(Transition::Unchanged));
    }

    #[test]
    fn an_eoc_person_cannot_release() {
        let eoc = person(Role::Eoc);
        let site = SiteId::try_from("s").unwrap();
        assert_eq!(locked().release(&order(&eoc, &site, 2)), Err(Refusal::ReleaseNeedsSenior));
    }

    #[test]
    fn a_lock_during_a_release_is_a_new_activation() {
        let senior = person(Role::SeniorEoc);
        let site = SiteId::try_from("s").unwrap();
        let Ok(Transition::Changed { command, .. }) = locked().release(&order(&senior, &site, 2)) else {
            panic!("a senior releases");
        };
        assert!(command.allows_writes() && !command.is_settled());
        let Ok(Transition::Changed { command, .. }) = command.activate(&order(&senior, &site, 3), id(2)) else {
            panic!("a lock is always taken");
        };
        assert_eq!(command.activation(), Some(&id(2)));
    }

    #[test]
    fn a_release_begun_with_the_others_can_be_finished_without_them() {
        let senior = person(Role::SeniorEoc);
        let site = SiteId::try_from("s").unwrap();
        let together = order(&senior, &site, 2);
        let Ok(Transition::Changed { command, .. }) = locked().release(&together) else { panic!("a senior releases") };
        let alone = Order { alone: true, ..order(&senior, &site, 3) };
        let Ok(Transition::Changed { command: alone_too, .. }) = command.release(&alone) else {
            panic!("to be finished")
        };
        assert_eq!(alone_too.release(&alone), Ok(Transition::Unchanged), "once");
        assert_eq!(command.verified(at(3)).release(&alone), Ok(Transition::Unchanged), "it is through");
    }

    fn two<'a>(by: &'a Operator, site: &'a SiteId, second: i64) -> Order<'a> {
        Order { two_seniors: true, ..order(by, site, second) }
    }

    fn changed(outcome: Result<Transition, Refusal>) -> Command {
        match outcome {
            Ok(Transition::Changed { command, .. }) => *command,
            other => panic!("nothing changed: {other:?}"),
        }
    }

    #[test]
    fn where_two_seniors_must_one_alone_asks_and_another_one_releases() {
        let site = SiteId::try_from("s").unwrap();
        let first = person(Role::SeniorEoc);
        let other = Operator { id: OperatorId::try_from("other").unwrap(), ..person(Role::SeniorEoc) };
        let asked = changed(locked().verified(at(2)).release(&two(&first, &site, 10)));
        assert_eq!((asked.target(), asked.is_settled()), (Target::Locked, true), "still locked, still seen so");
        assert!(asked.is_order_of(&locked()), "the same lock");
        assert_eq!(asked.release(&two(&first, &site, 20)), Ok(Transition::Unchanged), "nobody is two people");
        let eoc = person(Role::Eoc);
        assert_eq!(asked.release(&two(&eoc, &site, 20)), Err(Refusal::ReleaseNeedsSenior));
        let released = changed(asked.release(&two(&other, &site, 609)));
        assert_eq!((released.target(), released.by().map(|by| by.id.as_str())), (Target::Normal, Some("other")));
        let late = changed(asked.release(&two(&other, &site, 610)));
        assert_eq!(late.asked(at(610)).map(|asked| asked.by.id.as_str()), Some("other"), "too late: asked anew");
    }

    #[test]
    fn a_lock_between_two_seniors_forgets_the_first_and_one_who_is_none_any_more_does_not_count() {
        let site = SiteId::try_from("s").unwrap();
        let eoc = person(Role::Eoc);
        let first = person(Role::SeniorEoc);
        let other = Operator { id: OperatorId::try_from("other").unwrap(), ..first.clone() };
        let asked = changed(locked().release(&two(&first, &site, 1)));
        let again = changed(asked.activate(&order(&eoc, &site, 2), id(9)));
        assert!(again.is_order_of(&locked()) && again.asked(at(2)).is_none(), "the same lock, and nobody asks");
        assert_eq!(changed(again.release(&two(&other, &site, 3))).target(), Target::Locked);
        let demoted = Order { first_lost_role: true, ..two(&other, &site, 3) };
        let anew = changed(asked.release(&demoted));
        assert_eq!(anew.asked(at(3)).map(|asked| asked.by.id.as_str()), Some("other"));
    }

    #[test]
    fn a_key_is_neither_of_two_seniors() {
        let site = SiteId::try_from("s").unwrap();
        let key = Operator {
            id: OperatorId::try_from("k1").unwrap(),
            authority: Authority::Key { scopes: [crate::operator::Scope::LockRelease].into(), site: None },
            ..person(Role::Eoc)
        };
        let senior = person(Role::SeniorEoc);
        assert_eq!(locked().release(&two(&key, &site, 1)), Err(Refusal::TwoSeniorsInPerson));
        let asked = changed(locked().release(&two(&senior, &site, 1)));
        assert_eq!(asked.release(&two(&key, &site, 2)), Err(Refusal::TwoSeniorsInPerson));
        let grants = [Role::SeniorEoc].into();
        let scopes = [crate::operator::Scope::LockRelease].into();
        let program = Operator { authority: Authority::Delegated { grants, scopes }, ..key.clone() };
        assert_eq!(asked.release(&two(&program, &site, 2)), Err(Refusal::TwoSeniorsInPerson));
        assert!(locked().release(&order(&key, &site, 1)).is_ok(), "elsewhere it may");
    }

    #[test]
    fn a_lock_that_may_be_outdated_is_ordered_anew() {
        let eoc = person(Role::Eoc);
        let site = SiteId::try_from("s").unwrap();
        let Ok(Transition::Changed { command, .. }) = locked().activate_again(&order(&eoc, &site, 9), id(2)) else {
            panic!("a new order")
        };
        assert_eq!((command.activation(), command.is_settled()), (Some(&id(2)), false));
    }

    #[test]
    fn after_a_verified_release_nothing_is_written_any_more() {
        let senior = person(Role::SeniorEoc);
        let site = SiteId::try_from("s").unwrap();
        let Ok(Transition::Changed { command, .. }) = locked().release(&order(&senior, &site, 2)) else {
            panic!("a senior releases");
        };
        assert!(!command.clone().verified(at(3)).allows_writes());
        assert_eq!(command.verified(at(3)).verified(at(9)).verified_at(), Some(at(3)));
        assert!(!untouched().allows_writes());
        assert!(locked().verified(at(3)).allows_writes(), "a lock is repaired");
    }

    #[test]
    fn of_two_orders_locked_wins_and_else_the_one_everybody_sees() {
        let locked = locked();
        let normal = untouched();
        assert!(locked.prevails_over(&normal));
        assert!(!normal.prevails_over(&locked) && !locked.prevails_over(&locked) && !normal.prevails_over(&normal));
    }

    proptest! {
        #[test]
        fn the_command_is_always_the_last_accepted_order(orders in prop::collection::vec((any::<bool>(), 0..3usize), 0..40)) {
            let site = SiteId::try_from("s").unwrap();
            let people = [person(Role::Eoc), person(Role::SeniorEoc), person(Role::Admin)];
            let mut command = untouched();
            let mut want = Target::Normal;
            for (n, (lock, who)) in (0i64..).zip(orders) {
                let order = order(&people[who], &site, n);
                let outcome = if lock { command.activate(&order, id(n)) } else { command.release(&order) };
                let act = if lock { Act::Lock } else { Act::Release };
                prop_assert_eq!(outcome.is_ok(), people[who].may(act, Some(&site)).is_ok());
                if outcome.is_ok() { want = if lock { Target::Locked } else { Target::Normal }; }
                if let Ok(Transition::Changed { command: next, .. }) = outcome { command = *next; }
                prop_assert_eq!(command.target(), want);
            }
        }
    }
}
