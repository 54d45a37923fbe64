//! What must hold before an all-clear, whichever way it is given: rights, the site's name typed, the version seen, a proof by
//! passkey where one is asked for, the second senior. Rights, version and break-glass are the engine's to look at.

use crate::config::ReleasePasskey;
use crate::store::Directory;
use crate::store::records::{Means, Session};
use engine::ports::Clock;
use engine::ports::StoreError;
use engine::{AllClear, Engine, EngineError, SiteStatus};
use lockdown::ids::SiteId;
use lockdown::operator::{Act, Authority, Operator};
use lockdown::text::is_same_name;
use std::sync::Arc;

/// What an all-clear of somebody must be confirmed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    NotNeeded,
    Passkey,
    /// A passkey is required, and this server's address can have none.
    Impossible,
}

/// By which way it is given, and with what in hand.
pub enum Way<'g> {
    /// On a page: a session may hold a proof.
    Page { typed: &'g str, session: Option<&'g Session> },
    /// To the bot, where nobody can show a passkey.
    Bot { typed: &'g str },
    /// By a program, which types no name. One that acts for a person shows no passkey either.
    Program,
}

#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    #[error("What you typed is not the site's name. Nothing was ordered.")]
    WrongName,
    #[error("Please sign in first.")]
    NoSession,
    /// On a page: it can be given there. Elsewhere: give it on a page.
    #[error("A passkey must confirm it.")]
    PasskeyNeeded,
    #[error("A passkey must confirm it, and this server's address can have none.")]
    PasskeyImpossible,
    #[error("There is no such person.")]
    NoSuchPerson,
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub struct Releases {
    pub engine: Arc<Engine>,
    pub clock: Arc<dyn Clock>,
    pub directory: Arc<dyn Directory>,
    /// Who needs a passkey; `None` without an identity provider.
    pub rule: Option<ReleasePasskey>,
    /// Whether this server's address can have passkeys at all.
    pub has_passkeys: bool,
}

impl Releases {
    /// A proof is good once: it is not used up by what would be refused without it.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub async fn give(
        &self,
        who: &Operator,
        site: &SiteId,
        all_clear: AllClear,
        way: Way<'_>,
    ) -> Result<SiteStatus, ReleaseError> {
        let all_clear = match way {
            Way::Page { typed, .. } | Way::Bot { typed } => self.releasable(who, site, typed, all_clear).await?,
            // Where two seniors must give it, a program is refused anyway.
            Way::Program => all_clear,
        };
        match way {
            Way::Page { session, .. } => self.use_proof(who, site, session).await?,
            Way::Bot { .. } => self.needs_no_proof(who).await?,
            Way::Program if matches!(who.authority, Authority::Delegated { .. }) => {
                // Where nobody knows whether one is needed, one is.
                self.needs_no_proof(who).await.map_err(|_| ReleaseError::PasskeyNeeded)?;
            }
            Way::Program => {}
        }
        Ok(self.engine.release(who, site, all_clear).await?)
    }

    /// What an all-clear of this person must be confirmed with.
    ///
    /// # Errors
    /// When the person's profile is not to be had: then nobody knows, and nothing is proved.
    pub async fn proof_of(&self, who: &Operator) -> Result<Proof, ReleaseError> {
        let Some(rule) = self.rule else { return Ok(Proof::NotNeeded) };
        let required = rule == ReleasePasskey::Required;
        if !self.has_passkeys {
            return Ok(if required { Proof::Impossible } else { Proof::NotNeeded });
        }
        let has_one = async || {
            let person = self.directory.person(who.id.as_str()).await?.ok_or(ReleaseError::NoSuchPerson)?;
            Ok::<_, ReleaseError>(!person.passkeys.is_empty())
        };
        Ok(if required || has_one().await? { Proof::Passkey } else { Proof::NotNeeded })
    }

    /// As far as name, rights and version go.
    async fn releasable(
        &self,
        who: &Operator,
        site: &SiteId,
        typed: &str,
        all_clear: AllClear,
    ) -> Result<AllClear, ReleaseError> {
        let status = self.engine.status(site)?;
        // Rights come first: whoever may not release learns that, not whether the name was right.
        if who.may(Act::Release, Some(site)).is_ok() && !is_same_name(typed, &status.name) {
            return Err(ReleaseError::WrongName);
        }
        let all_clear = AllClear { first_lost_role: !self.first_still_counts(&status).await, ..all_clear };
        self.engine.would_release(who, site, &all_clear).await?;
        Ok(all_clear)
    }

    /// Where two seniors must give the all-clear: is the first of them still one?
    async fn first_still_counts(&self, status: &SiteStatus) -> bool {
        let Some(asked) = status.command.asked(self.clock.now()) else { return true };
        let person = self.directory.person(asked.by.id.as_str()).await.ok().flatten();
        person.is_some_and(|person| person.is_senior(&status.id))
    }

    async fn needs_no_proof(&self, who: &Operator) -> Result<(), ReleaseError> {
        match self.proof_of(who).await? {
            Proof::NotNeeded => Ok(()),
            Proof::Passkey => Err(ReleaseError::PasskeyNeeded),
            Proof::Impossible => Err(ReleaseError::PasskeyImpossible),
        }
    }

    /// A fresh proof, of whoever has a passkey, or of everybody where it is required. Way for this very site; used up by
    /// being asked for. Two envelopes are proof enough.
    async fn use_proof(&self, who: &Operator, site: &SiteId, session: Option<&Session>) -> Result<(), ReleaseError> {
        if self.rule.is_none() {
            return Ok(());
        }
        let session = session.ok_or(ReleaseError::NoSession)?;
        if session.means == Means::TwoCodes {
            return Ok(());
        }
        match self.proof_of(who).await? {
            Proof::NotNeeded => return Ok(()),
            Proof::Impossible => return Err(ReleaseError::PasskeyImpossible),
            Proof::Passkey => {}
        }
        if !session.proves(&format!("release@{site}"), self.clock.now()) {
            return Err(ReleaseError::PasskeyNeeded);
        }
        // Of two releases at once, one has it.
        let used = Session { proved_until: None, proved_for: None, ..session.clone() };
        if self.directory.change_session(session, &used).await? { Ok(()) } else { Err(ReleaseError::PasskeyNeeded) }
    }
}
