//! Why a page's wish was not granted, in words for the person before the screen.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use lockdown::operator::Refusal;
use serde::{Deserialize, Serialize};

/// Tagged externally: it goes into addresses of plain forms, and must always be writable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiError {
    #[error("Please sign in first.")]
    SignInFirst,
    #[error("{0}")]
    Refused(Refusal),
    #[error("There is no such site.")]
    NoSuchSite,
    #[error("There is no such person.")]
    NoSuchPerson,
    #[error("There is no such request, or it was forgotten.")]
    NoSuchRequest,
    #[error("There is no such incident.")]
    NoSuchIncident,
    #[error("What you typed is not the site's name. Nothing was ordered.")]
    NameMismatch,
    #[error("The state has changed since you looked. Look again, then decide.")]
    Stale,
    #[error("The order could not be remembered, so it was not carried out. The server's disk needs attention.")]
    NotRemembered,
    #[error("Other servers cannot be told now. To give the all-clear all the same, tick the box below and say why.")]
    OthersUnreachable,
    #[error("An all-clear that other servers may not hear of needs a reason: it is kept in the timeline.")]
    ReasonMissing,
    #[error("The shared database cannot be reached: this can be done when it is back. Locking works.")]
    DatabaseAway,
    #[error("Confirm with your passkey first: press the button again.")]
    PasskeyNeeded,
    #[error("The passkey was not accepted. Try again, or take another one.")]
    PasskeyRefused,
    #[error("You have no passkey. Add one on the page behind your name.")]
    NoKeyEnrolled,
    #[error("No passkey answered, or this browser or address cannot use one.")]
    NoPasskey,
    #[error("Prove first that it is you, with your password or a passkey you have.")]
    FreshSignInNeeded,
    /// In the server's words: bad lines of a roster, a PIN that is too easy. Also what a roster that was
    /// only checked comes to: the way back from a plain form carries nothing but refusals.
    #[error("{0}")]
    Told(String),
    #[error("Sign in through the identity provider first; this works only while it can be reached.")]
    OnlineOnly,
    #[error("A sealed code opens the way to the lock, and nothing else.")]
    NotByEnvelope,
    #[error("This profile is disabled: enable it first, or keep the other one.")]
    KeptIsDisabled,
    #[error("A profile cannot be merged into itself.")]
    SamePerson,
    #[error("The last administrator cannot lose that role.")]
    LastAdmin,
    #[error("This request did not come from one of our own pages.")]
    CrossSite,
    #[error("This server's address is {0}. Open that, then try again.")]
    ForeignName(String),
    #[error("This page is not shown inside another one.")]
    Framed,
    #[error("This gadget's key is not good any more. Ask your Finesse administrator for the new gadget file.")]
    NoSuchGadget,
    #[error("The switch was not armed in time. Hold it again.")]
    NotArmed,
    #[error("Something covers the switch. Nothing was ordered. Move it away, or lock on the console.")]
    Covered,
    #[error("This sign-in was used already. Press “Sign in” in the gadget again.")]
    HandoffUsed,
    #[error("Too much at once from here. Wait a few seconds, then try again.")]
    TooOften,
    #[error("The request could not be read.")]
    Malformed,
    #[error("No answer arrived. Look at the state above before trying again.")]
    OutcomeUnknown,
    #[error("The server could not do this. Its log says why.")]
    Internal,
}

impl ApiError {
    /// The HTTP status that belongs to it.
    pub fn status(&self) -> u16 {
        match self {
            Self::SignInFirst => 401,
            Self::Refused(_)
            | Self::CrossSite
            | Self::Framed
            | Self::NoSuchGadget
            | Self::NotArmed
            | Self::Covered
            | Self::PasskeyNeeded
            | Self::PasskeyRefused
            | Self::FreshSignInNeeded
            | Self::OnlineOnly
            | Self::NotByEnvelope => 403,
            Self::NoSuchSite | Self::NoSuchPerson | Self::NoSuchRequest | Self::NoSuchIncident => 404,
            Self::Stale | Self::LastAdmin | Self::HandoffUsed => 409,
            Self::NameMismatch
            | Self::Malformed
            | Self::ReasonMissing
            | Self::Told(_)
            | Self::SamePerson
            | Self::KeptIsDisabled
            | Self::NoKeyEnrolled
            | Self::NoPasskey => 422,
            Self::ForeignName(_) => 421,
            Self::TooOften => 429,
            Self::OutcomeUnknown => 504,
            Self::NotRemembered | Self::OthersUnreachable | Self::DatabaseAway => 503,
            Self::Internal => 500,
        }
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Serialization(_) => {
                Self::Malformed
            }
            // On the server: what the browser sent is no text.
            ServerFnErrorErr::Deserialization(_) if cfg!(feature = "ssr") => Self::Malformed,
            // The browser may have sent it: what came of it must be looked up, not guessed.
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Deserialization(_) => Self::OutcomeUnknown,
            ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Response(_) => Self::Internal,
        }
    }
}
