//! Of every kind of event: how much it catches the eye, who may read it, and where it is told besides the timeline.

use super::EventName;
use Audience::{People, Site};
use Told::{Both, Nowhere, Space, Webhooks};
use Weight::{Attention, Plain, Quiet};
use strum::IntoEnumIterator;

/// How much an entry should catch the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Quiet,
    Plain,
    Attention,
}

/// Who reads of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    /// Whoever works at the site where it happened.
    Site,
    /// It is about people, their rights and their keys: administrators.
    People,
}

/// Where it is told besides. By webhooks nothing about people, their words, their keys or their ordinary signing in (a sign-in
/// past the identity provider is an alarm, and is told); and nothing about webhooks, or a failing one would feed itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nowhere,
    /// Programs outside hear of it.
    Webhooks,
    /// The EOC's Webex space does.
    Space,
    Both,
}

impl Weight {
    /// What a style sheet goes by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Plain => "plain",
            Self::Attention => "attention",
        }
    }
}

impl EventName {
    #[expect(clippy::match_same_arms, reason = "a table, a row each")]
    fn row(self) -> (Weight, Audience, Told) {
        match self {
            Self::LockOrdered => (Plain, Site, Both),
            Self::ReleaseOrdered => (Plain, Site, Both),
            Self::ReleaseAsked => (Attention, Site, Both),
            Self::Applied => (Quiet, Site, Webhooks),
            Self::Verified => (Plain, Site, Both),
            Self::Incomplete => (Attention, Site, Both),
            Self::Stopped => (Attention, Site, Both),
            Self::SnapshotDiffers => (Attention, Site, Webhooks),
            Self::Drifted => (Attention, Site, Both),
            Self::Repaired => (Plain, Site, Both),
            Self::RepairGivenUp => (Attention, Site, Both),
            Self::DriftEnded => (Quiet, Site, Both),
            Self::CucmLost => (Attention, Site, Both),
            Self::CucmBack => (Quiet, Site, Both),
            Self::PlanAccepted => (Quiet, Site, Webhooks),
            Self::PlanRefused => (Attention, Site, Webhooks),
            Self::Refused => (Attention, Site, Both),
            Self::PersonAdded => (Quiet, People, Nowhere),
            Self::RolesGranted => (Plain, People, Nowhere),
            Self::PersonDisabled => (Plain, People, Nowhere),
            Self::PersonEnabled => (Quiet, People, Nowhere),
            Self::ProfileChanged => (Quiet, People, Nowhere),
            Self::PeopleMerged => (Plain, People, Nowhere),
            Self::SessionsEnded => (Quiet, People, Nowhere),
            Self::ClientAdded => (Quiet, People, Nowhere),
            Self::ClientRevoked => (Quiet, People, Nowhere),
            Self::ClientEnds => (Attention, People, Nowhere),
            Self::ClientRotated => (Quiet, People, Nowhere),
            Self::HookAdded => (Quiet, People, Nowhere),
            Self::HookRemoved => (Quiet, People, Nowhere),
            Self::HookRotated => (Quiet, People, Nowhere),
            Self::HookEnabled => (Quiet, People, Nowhere),
            Self::HookGaveUp => (Attention, Site, Nowhere),
            Self::HookDisabled => (Attention, Site, Nowhere),
            Self::SharedLost => (Attention, Site, Both),
            Self::SharedBack => (Quiet, Site, Both),
            Self::OrdersDisagreed => (Attention, Site, Both),
            Self::PasskeyAdded => (Plain, People, Nowhere),
            Self::PasskeyRemoved => (Plain, People, Nowhere),
            Self::PasskeyProved => (Quiet, Site, Nowhere),
            Self::PinSet => (Plain, People, Nowhere),
            Self::PinRemoved => (Plain, People, Nowhere),
            Self::CodesMade => (Plain, People, Nowhere),
            Self::CodesRevoked => (Plain, People, Nowhere),
            Self::IdentityLost => (Attention, Site, Webhooks),
            Self::IdentityBack => (Quiet, Site, Webhooks),
            Self::IdentityMisconfigured => (Attention, Site, Webhooks),
            Self::PhoneRefused => (Attention, Site, Webhooks),
            Self::HandoffRefused => (Attention, Site, Webhooks),
            Self::AgentsTold => (Quiet, Site, Both),
            Self::PhonesTold => (Quiet, Site, Both),
            Self::EnvelopeRefused => (Attention, Site, Webhooks),
            Self::SessionExtended => (Plain, Site, Nowhere),
            Self::Reviewed => (Plain, Site, Nowhere),
            Self::RequestFiled => (Quiet, Site, Webhooks),
            Self::RequestChanged => (Quiet, Site, Webhooks),
            Self::RequestErased => (Plain, Site, Nowhere),
            Self::RequestsForgotten => (Quiet, Site, Nowhere),
            Self::IncidentNamed => (Plain, Site, Space),
            Self::CommandTaken => (Plain, Site, Space),
            Self::Joined => (Quiet, Site, Space),
            Self::Left => (Quiet, Site, Space),
            Self::Noted => (Plain, Site, Space),
            Self::Decided => (Plain, Site, Space),
            Self::Attached => (Plain, Site, Space),
            Self::ReviewDue => (Attention, Site, Both),
            Self::StillNeeded => (Plain, Site, Both),
            Self::RaisedByMistake => (Attention, Site, Both),
            Self::SignedIn => (Quiet, People, Nowhere),
            Self::SignedInLocally => (Attention, Site, Webhooks),
            Self::SignedOut => (Quiet, People, Nowhere),
            Self::WriteProved => (Quiet, Site, Webhooks),
            Self::WebexLost => (Attention, Site, Webhooks),
            Self::WebexBack => (Quiet, Site, Webhooks),
            Self::MeetingMade => (Quiet, Site, Space),
            Self::DevicesTold => (Quiet, Site, Both),
            Self::ServerStarted => (Quiet, Site, Webhooks),
        }
    }

    /// The word for what happened: what `what` says in REST and in the store.
    pub fn word(self) -> &'static str {
        self.into()
    }

    pub fn weight(self) -> Weight {
        self.row().0
    }

    pub fn is_about_people(self) -> bool {
        self.row().1 == People
    }

    pub fn goes_to_webhooks(self) -> bool {
        matches!(self.row().2, Webhooks | Both)
    }

    pub fn goes_to_space(self) -> bool {
        matches!(self.row().2, Space | Both)
    }

    /// Words that a webhook may ask for.
    pub fn webhook_words() -> impl Iterator<Item = &'static str> {
        Self::iter().filter(|name| name.goes_to_webhooks()).map(Self::word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::EventKind;
    use serde::Deserialize;
    use std::fmt::{self, Display};

    #[test]
    fn nothing_about_people_leaves_the_timeline() {
        for name in EventName::iter().filter(|name| name.is_about_people()) {
            assert!(!name.goes_to_webhooks() && !name.goes_to_space(), "{}", name.word());
        }
    }

    /// Asked for a word that cannot be one, serde names those that can.
    #[derive(Debug)]
    struct Words(&'static [&'static str]);

    impl Display for Words {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("words")
        }
    }

    impl std::error::Error for Words {}

    impl serde::de::Error for Words {
        fn custom<T: Display>(_: T) -> Self {
            Self(&[])
        }

        fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
            Self(known)
        }
    }

    #[test]
    fn every_word_is_the_one_that_is_stored() {
        let none = serde::de::value::MapDeserializer::<_, Words>::new([("what", "")].into_iter());
        let Words(stored) = EventKind::deserialize(none).unwrap_err();
        assert_eq!(EventName::iter().map(EventName::word).collect::<Vec<_>>(), stored);
    }
}
