//! The exchange with the others, round after round: pass on what is known here only, take what is
//! known there only, settle what differs, keep the leadership. Woken by every commit here and every change
//! there; once a second anyway, so that whatever was missed heals. Signs of life are given beside it.

use super::leadership::{LEASE, LeaseStep, RENEW};
use super::{Inner, Reach};
use crate::store::Directory;
use engine::ports::{NewEvent, SharedNews, SiteRecord, Store, StoreError};
use jiff::Timestamp;
use lockdown::ids::SiteId;
use lockdown::timeline::EventKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first meeting may hold up the start for so long.
const FIRST: Duration = Duration::from_secs(2);

const ROUND: Duration = Duration::from_secs(1);

/// What was opened so shortly before the database was known to be away may be what met it first: two calls,
/// each given up after two seconds, and somewhat more.
const EDGE: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// Between two copies of everybody's profile.
const COPY: Duration = Duration::from_secs(30);

/// An all-clear that meets another change is tried so often; what really changed is a conflict each time.
const AGREEMENTS: usize = 3;

/// Events passed on at once.
const BATCH: usize = 200;

/// How two orders given without knowing of each other are settled.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// Only here something was ordered: the others take it.
    Ours,
    /// Only there something was ordered.
    Theirs,
    /// Both: this record counts for all, above both versions.
    Merged { record: Box<SiteRecord>, ours: bool },
}

/// `base` is what both sides last agreed on.
pub(super) fn settle(base: Option<&SiteRecord>, ours: &SiteRecord, theirs: &SiteRecord) -> Settled {
    let base_version = base.map_or(0, |record| record.version);
    let same_order = ours.command.is_order_of(&theirs.command);
    let untouched = matches!(ours.command, lockdown::command::Command::Untouched { .. });
    // Nothing was ordered there: there is nothing to settle, even before both ever met.
    let nothing_there = matches!(theirs.command, lockdown::command::Command::Untouched { .. }) && !untouched;
    let only_here = nothing_there && ours.version > theirs.version;
    // Older than what both agreed on: a database put back from a copy, or read where it lags.
    if theirs.version <= base_version || only_here || (same_order && ours.version == theirs.version) {
        return Settled::Ours;
    }
    // Theirs went on from ours: the answer to our order was lost, or their all-clear ended our lock.
    let went_on = theirs.version > ours.version && (same_order || theirs.command.ends(&ours.command));
    if ours.version == base_version || (base.is_none() && untouched) || went_on {
        return Settled::Theirs;
    }
    let version = ours.version.max(theirs.version) + 1;
    let prevails = ours.command.prevails_over(&theirs.command);
    let record = if prevails { ours } else { theirs };
    // What CUCM holds after two orders, nobody knows: it is carried out anew.
    let command = record.command.clone().anew();
    Settled::Merged { record: Box::new(SiteRecord { version, command, ..record.clone() }), ours: prevails }
}

impl Inner {
    /// The first meeting, before anything is decided here: what the others know comes first.
    pub(super) async fn begin(&self, now: Timestamp) -> Result<(), StoreError> {
        *self.reach() = Reach::Unknown { since: now };
        self.leadership().others = self.local.note("others").await?.as_deref() == Some("yes");
        // Who is about to act on what it reads is known to the others before it reads.
        let first = async {
            self.mongo.prepare().await?;
            self.give_sign().await?;
            self.mongo.sites().await
        };
        // A slow database delays no start: the rest is done while the server serves.
        let first = tokio::time::timeout(FIRST, self.ask(first)).await;
        match first.unwrap_or_else(|_| Err(StoreError::Away("slow to answer".into()))) {
            Ok(theirs) => {
                for record in theirs {
                    self.catch_up(record).await?;
                }
                let leadership = tokio::time::timeout(FIRST, self.keep_leadership()).await.unwrap_or(Ok(()));
                leadership.or_else(Self::note_failure)?;
                self.found();
                self.wake.notify_one();
                Ok(())
            }
            Err(error) => {
                self.lost(&error.to_string());
                Ok(())
            }
        }
    }

    /// Before anything is decided here: a record that is behind what the others went on to.
    async fn catch_up(&self, theirs: SiteRecord) -> Result<(), StoreError> {
        let ours = self.local.site(&theirs.id).await?;
        let base = self.local.agreed(&theirs.id).await?;
        let behind = match &ours {
            None => true,
            Some(ours) => settle(base.as_ref(), ours, &theirs) == Settled::Theirs,
        };
        if behind { self.local.take_over(ours.as_ref(), &theirs).await } else { Ok(()) }
    }

    /// Away is expected; anything else is told and does not keep the server from locking.
    fn note_failure(error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::Away(_) | StoreError::OutcomeUnknown(_) | StoreError::Conflict => {}
            // Something there does not fit; it is no reason to call the database away.
            StoreError::Failed(why) | StoreError::Rejected(why) => {
                tracing::error!(why, "the exchange with the shared database is incomplete");
            }
            error @ (StoreError::Full | StoreError::ReadOnly(_)) => return Err(error),
        }
        Ok(())
    }

    pub(super) async fn run(self: Arc<Self>) {
        let mut prepared = self.away_since().is_none();
        loop {
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
            if let Err(error) = self.meet(&mut prepared).await
                && let Err(error) = Self::note_failure(error)
            {
                tracing::error!(%error, "the journal cannot be written");
            }
        }
    }

    /// A sign of life waits for nothing else that is exchanged: a server that gives none is taken for dead, and an
    /// all-clear elsewhere does not wait for what it writes.
    pub(super) async fn give_signs(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.rest.notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
            // While the database is away, too: it may be back long before all that waits is passed on.
            let due = self.leadership().heartbeat_due();
            match if due { self.give_sign().await } else { Ok(()) } {
                Err(StoreError::Away(why) | StoreError::OutcomeUnknown(why)) => self.lost(&why),
                done => drop(done.or_else(Self::note_failure)),
            }
        }
    }

    async fn meet(&self, prepared: &mut bool) -> Result<(), StoreError> {
        if self.away_since().is_some() {
            self.mongo.ping().await?;
            if !*prepared {
                self.mongo.prepare().await?;
                *prepared = true;
            }
        }
        let done = self.round().await;
        if let Err(StoreError::Away(why) | StoreError::OutcomeUnknown(why)) = &done {
            self.lost(why);
        }
        done
    }

    /// Each part for itself: what fails in one does not keep the others from being done.
    async fn round(&self) -> Result<(), StoreError> {
        // Leadership before orders: whoever led until now must find it taken when it learns of one. Back from being
        // away, the sign of life before both.
        let mut trouble = None;
        for part in [
            if self.away_since().is_some() { self.give_sign().await } else { Ok(()) },
            self.keep_leadership().await,
            self.exchange_sites().await,
            self.pass_on_events().await,
            self.pass_on_sessions().await,
            self.pass_on_spent().await,
            self.copy_people().await,
            self.tell_growth().await,
        ] {
            if let Err(error) = part {
                if matches!(error, StoreError::Away(_) | StoreError::OutcomeUnknown(_)) {
                    return Err(error);
                }
                trouble.get_or_insert(error);
            }
        }
        self.found();
        trouble.map_or(Ok(()), Err)
    }

    async fn exchange_sites(&self) -> Result<(), StoreError> {
        let mut trouble = None;
        for ours in self.local.sites().await? {
            match self.exchange_site(ours).await {
                Ok(()) => {}
                Err(error @ (StoreError::Away(_) | StoreError::OutcomeUnknown(_))) => return Err(error),
                Err(error) => {
                    trouble.get_or_insert(error);
                }
            }
        }
        trouble.map_or(Ok(()), Err)
    }

    async fn exchange_site(&self, ours: SiteRecord) -> Result<(), StoreError> {
        let base = self.local.agreed(&ours.id).await?;
        let theirs = self.mongo.site(&ours.id).await?;
        let clean = base.as_ref() == Some(&ours);
        match theirs {
            None => self.pass_on(&ours, None).await,
            Some(theirs) if clean && theirs == ours => Ok(()),
            Some(theirs) if clean && theirs.version >= ours.version => {
                if theirs.version != ours.version {
                    self.look_who_drives(&ours.id).await?;
                }
                self.tell(ours, theirs);
                Ok(())
            }
            Some(theirs) => self.reconcile(base, ours, theirs).await,
        }
    }

    async fn pass_on(&self, ours: &SiteRecord, expected: Option<u64>) -> Result<(), StoreError> {
        let claimed = self.leadership().wish(&ours.id) == LeaseStep::Seize;
        if claimed {
            self.keep_leadership_of(&ours.id).await?;
        }
        self.mongo.commit(ours, expected, vec![]).await?;
        self.local.set_agreed(ours).await
    }

    fn tell(&self, seen: SiteRecord, agreed: SiteRecord) {
        let _ = self.news.send(SharedNews::Site { seen: Box::new(seen), agreed: Box::new(agreed) });
    }

    async fn reconcile(
        &self,
        base: Option<SiteRecord>,
        ours: SiteRecord,
        theirs: SiteRecord,
    ) -> Result<(), StoreError> {
        match settle(base.as_ref(), &ours, &theirs) {
            Settled::Ours => self.pass_on(&ours, Some(theirs.version)).await,
            Settled::Theirs => {
                self.tell(ours, theirs);
                Ok(())
            }
            Settled::Merged { record, ours: prevails } => {
                self.mongo.commit(&record, Some(theirs.version), vec![]).await?;
                let given_up = if prevails { &theirs } else { &ours };
                let kind = EventKind::OrdersDisagreed {
                    kept: record.command.target(),
                    dropped_by: given_up.command.by().cloned(),
                };
                let event = NewEvent { at: super::now(), site: Some(ours.id.clone()), by: None, kind };
                self.local.append(vec![event]).await?;
                self.tell(ours, *record);
                Ok(())
            }
        }
    }

    /// An all-clear counts when the database has it: over the very state that was seen here.
    pub(super) async fn agree_on(&self, seen: &SiteRecord, order: &SiteRecord) -> Result<(), StoreError> {
        self.ask(async {
            for _ in 1..AGREEMENTS {
                match self.try_to_agree(seen, order).await {
                    // Perhaps only this server's own exchange was faster: look again.
                    Err(StoreError::Conflict) => {}
                    done => return done,
                }
            }
            self.try_to_agree(seen, order).await
        })
        .await
        .inspect_err(|_| self.wake.notify_one())
    }

    async fn try_to_agree(&self, seen: &SiteRecord, order: &SiteRecord) -> Result<(), StoreError> {
        let base = self.local.agreed(&seen.id).await?;
        let expected = match self.mongo.site(&seen.id).await? {
            None => None,
            Some(theirs) => match settle(base.as_ref(), seen, &theirs) {
                Settled::Ours => Some(theirs.version),
                Settled::Theirs if theirs.version == seen.version => Some(theirs.version),
                Settled::Theirs | Settled::Merged { .. } => return Err(StoreError::Conflict),
            },
        };
        match self.mongo.commit(order, expected, vec![]).await {
            // The answer was lost: what is there says whether it was taken. Not there yet says nothing.
            Err(StoreError::OutcomeUnknown(why)) => match self.mongo.site(&order.id).await {
                Ok(Some(there)) if there == *order => Ok(()),
                _ => Err(StoreError::OutcomeUnknown(why)),
            },
            taken => taken.map(|_| ()),
        }
    }

    /// The same order as the database's, or one that the database has yet to hear of.
    pub(super) async fn confirm(&self, seen: &SiteRecord) -> Result<(), StoreError> {
        let base = self.local.agreed(&seen.id).await?;
        let theirs = self.ask(self.mongo.site(&seen.id)).await?;
        let overtaken = theirs.is_some_and(|theirs| {
            settle(base.as_ref(), seen, &theirs) != Settled::Ours && !seen.command.is_order_of(&theirs.command)
        });
        if overtaken {
            self.wake.notify_one();
            return Err(StoreError::Conflict);
        }
        Ok(())
    }

    /// One batch a round, so that leases and orders are not kept waiting by a long absence.
    async fn pass_on_events(&self) -> Result<(), StoreError> {
        let waiting = self.local.waiting(BATCH).await?;
        let Some(last) = waiting.last().map(|event| event.seq) else { return Ok(()) };
        match self.mongo.take_in(&waiting).await {
            Err(StoreError::Rejected(_)) => {
                for event in &waiting {
                    self.pass_on_one(event).await?;
                }
            }
            done => {
                done?;
                self.local.passed_on(last).await?;
            }
        }
        self.wake.notify_one();
        Ok(())
    }

    /// Only what can never fit is set aside; anything else is tried again.
    async fn pass_on_one(&self, event: &lockdown::timeline::Event) -> Result<(), StoreError> {
        match self.mongo.take_in(std::slice::from_ref(event)).await {
            Err(StoreError::Rejected(why)) => self.set_aside(event.seq, &why).await,
            done => {
                done?;
                self.local.passed_on(event.seq).await
            }
        }
    }

    async fn set_aside(&self, seq: u64, why: &str) -> Result<(), StoreError> {
        tracing::error!(seq, why, "an event stays in this server's journal only");
        self.local.dead_letter(seq, why).await?;
        self.local.passed_on(seq).await
    }

    async fn keep_leadership(&self) -> Result<(), StoreError> {
        for site in &self.sites {
            self.keep_leadership_of(site).await?;
        }
        Ok(())
    }

    async fn give_sign(&self) -> Result<(), StoreError> {
        let _one = self.signing.lock().await;
        let rests = self.leadership().rests();
        self.mongo.sign_of_life(&self.me, LEASE, &rests).await?;
        let others = self.mongo.others_alive(&self.me).await?;
        let changed = self.leadership().heard(others, &rests);
        if changed {
            self.local.set_note("others", if others { "yes" } else { "no" }.to_owned()).await?;
        }
        Ok(())
    }

    async fn keep_leadership_of(&self, site: &SiteId) -> Result<(), StoreError> {
        let lease = format!("drive/{site}");
        let asked = Instant::now();
        let before = self.leadership().at(site, false);
        let wish = self.leadership().wish(site);
        // Cut off until now: what is held is let go, so that somebody who sees more may take it.
        let away = matches!(*self.reach(), Reach::Away { .. });
        match wish {
            LeaseStep::Seize => {
                self.mongo.seize(&lease, &self.me, LEASE).await?;
                self.leadership().answered(site, asked, true, true);
            }
            LeaseStep::Renew if away => {}
            LeaseStep::Renew => {
                let ours = self.mongo.lease(&lease, &self.me, LEASE).await?;
                self.leadership().answered(site, asked, ours, false);
            }
            LeaseStep::Nothing => self.look_who_drives(site).await?,
        }
        if self.leadership().at(site, false) != before {
            let _ = self.news.send(SharedNews::Leadership { site: site.clone() });
        }
        Ok(())
    }

    /// An order given to another server takes the turn away before its time is over.
    async fn look_who_drives(&self, site: &SiteId) -> Result<(), StoreError> {
        let ours = self.leadership().held_before(site);
        if ours && self.mongo.holder(&format!("drive/{site}")).await?.is_some_and(|holder| holder != self.me) {
            self.leadership().lost(site);
        }
        Ok(())
    }

    /// Sessions that were opened or ended while the database was away.
    async fn pass_on_sessions(&self) -> Result<(), StoreError> {
        if self.away_since().is_none() {
            return Ok(());
        }
        for session in self.local.ended().await? {
            self.mongo.end_session(&session).await?;
            self.local.ended_everywhere(&session).await?;
        }
        for session in self.mirror.sessions().await? {
            let known = self.mongo.session(&session.id).await?;
            let newer = known.as_ref().is_none_or(|known| known.seen_at < session.seen_at);
            let opened_alone =
                known.is_some() || self.away_since().is_some_and(|since| session.created_at >= since - EDGE);
            if newer && opened_alone {
                self.mongo.put_session(&session).await?;
            }
        }
        Ok(())
    }

    /// What is good once and was used up while the database was away.
    async fn pass_on_spent(&self) -> Result<(), StoreError> {
        let me = self.local.instance().await?;
        for (what, at) in self.local.spent_alone().await? {
            if !self.mongo.consume_once_by(&what, at, &me).await? {
                tracing::error!(what, "was used at two servers while the shared database was away");
            }
            self.local.spent_passed_on(&what).await?;
        }
        Ok(())
    }

    async fn copy_people(&self) -> Result<(), StoreError> {
        let due = self.leadership().copy_due(COPY);
        if due {
            let people = self.mongo.people().await?;
            let clients = self.mongo.clients().await?;
            self.mirror.copy_all(people, clients).await?;
            self.leadership().copied(Some(Instant::now()));
        }
        Ok(())
    }

    /// Somebody's profile or a key changed here.
    pub(super) fn copy_again(&self) {
        self.leadership().copied(None);
        self.wake.notify_one();
    }

    async fn tell_growth(&self) -> Result<(), StoreError> {
        let last = self.mongo.last_number().await?;
        if self.leadership().grew(last) {
            let _ = self.news.send(SharedNews::Timeline);
        }
        Ok(())
    }

    /// The last words of a server that is stopped.
    pub(super) async fn leave(&self) {
        let farewell = async {
            self.exchange_sites().await?;
            self.pass_on_events().await?;
            for site in &self.sites {
                self.mongo.give_back(&format!("drive/{site}"), &self.me).await?;
            }
            self.mongo.give_back(&format!("server/{}", self.me), &self.me).await
        };
        if let Err(error) = tokio::time::timeout(RENEW, farewell).await.unwrap_or(Ok(())) {
            tracing::info!(%error, "left without telling the others; they find out by themselves");
        }
    }
}
