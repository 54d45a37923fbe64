//! The exchange with the others, round after round: pass on what is known here only, take what is
//! known there only, settle what differs, keep the turns. Woken by every commit here and every change
//! there; once a second anyway, so that whatever was missed heals.

use super::turns::{LEASE, RENEW, Wish};
use super::{Inner, Reach};
use crate::engine::ports::{NewEvent, SharedNews, SiteRecord, Spread, Store, StoreError};
use crate::store::Directory;
use jiff::Timestamp;
use lockdown::ids::SiteId;
use lockdown::timeline::EventKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROUND: Duration = Duration::from_secs(1);

/// Between two copies of everybody's profile.
const COPY: Duration = Duration::from_secs(30);

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
    let same_order = ours.version == theirs.version && ours.command.is_order_of(&theirs.command);
    let untouched = matches!(ours.command, lockdown::site::Command::Untouched { .. });
    if theirs.version == base_version || (same_order && ours.version != base_version) {
        return Settled::Ours;
    }
    if ours.version == base_version || (base.is_none() && untouched) {
        return Settled::Theirs;
    }
    let version = ours.version.max(theirs.version) + 1;
    let prevails = ours.command.prevails_over(&theirs.command);
    let record = if prevails { ours } else { theirs };
    Settled::Merged { record: Box::new(SiteRecord { version, ..record.clone() }), ours: prevails }
}

impl Inner {
    /// The first meeting, before anything is decided here: what the others know comes first.
    pub(super) async fn begin(&self, now: Timestamp) -> Result<(), StoreError> {
        *self.reach() = Reach::Unknown { since: now };
        self.turns().others = self.local.note("others").await?.as_deref() == Some("yes");
        let first = async {
            self.mongo.prepare().await?;
            self.mongo.sites().await
        };
        match self.ask(first).await {
            Ok(theirs) => {
                for record in theirs {
                    if self.local.site(&record.id).await?.is_none() {
                        self.local.take_over(None, &record).await?;
                    }
                }
                self.round().await.or_else(|error| self.note_failure(error))
            }
            Err(error) => self.note_failure(error),
        }
    }

    /// Away is expected; anything else is told and does not keep the server from locking.
    fn note_failure(&self, error: StoreError) -> Result<(), StoreError> {
        match error {
            StoreError::Away(_) | StoreError::Unsure(_) | StoreError::Conflict => {}
            StoreError::Failed(why) => self.lost(&why),
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
                && let Err(error) = self.note_failure(error)
            {
                tracing::error!(%error, "the journal cannot be written");
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
        if let Err(StoreError::Away(why) | StoreError::Unsure(why)) = &done {
            self.lost(why);
        }
        done
    }

    async fn round(&self) -> Result<(), StoreError> {
        // Before the order itself: whoever drove until now must find the turn taken when it hears of it.
        self.keep_turns().await?;
        self.exchange_sites().await?;
        self.pass_on_events().await?;
        self.pass_on_sessions().await?;
        self.copy_people().await?;
        self.tell_growth().await?;
        self.found();
        Ok(())
    }

    async fn exchange_sites(&self) -> Result<(), StoreError> {
        for ours in self.local.sites().await? {
            let base = self.local.agreed(&ours.id).await?;
            let theirs = self.mongo.site(&ours.id).await?;
            let clean = base.as_ref() == Some(&ours);
            match theirs {
                None => self.pass_on(&ours, None).await?,
                Some(theirs) if clean && theirs == ours => {}
                Some(theirs) if clean => {
                    if theirs.version != ours.version {
                        self.look_who_drives(&ours.id).await?;
                    }
                    self.tell(ours, theirs);
                }
                Some(theirs) => self.reconcile(base, ours, theirs).await?,
            }
        }
        Ok(())
    }

    async fn pass_on(&self, ours: &SiteRecord, expected: Option<u64>) -> Result<(), StoreError> {
        let claimed = self.turns().wish(&ours.id) == Wish::Seize;
        if claimed {
            self.keep_turn(&ours.id).await?;
        }
        self.mongo.commit(ours, expected, vec![], Spread::Here).await?;
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
                self.mongo.commit(&record, Some(theirs.version), vec![], Spread::Here).await?;
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
    pub(super) async fn agree_on(&self, record: &SiteRecord) -> Result<(), StoreError> {
        self.ask(async {
            let ours = self.local.site(&record.id).await?.ok_or(StoreError::Conflict)?;
            let theirs = self.mongo.site(&record.id).await?;
            let expected = match theirs {
                None => None,
                Some(theirs) => match settle(self.local.agreed(&record.id).await?.as_ref(), &ours, &theirs) {
                    Settled::Ours => Some(theirs.version),
                    Settled::Theirs if theirs.version == ours.version => Some(theirs.version),
                    Settled::Theirs | Settled::Merged { .. } => return Err(StoreError::Conflict),
                },
            };
            match self.mongo.commit(record, expected, vec![], Spread::Everywhere).await {
                // The answer was lost: what is there says whether it was taken.
                Err(StoreError::Unsure(why)) => match self.mongo.site(&record.id).await {
                    Ok(Some(there)) if there == *record => Ok(()),
                    Ok(_) => Err(StoreError::Away(why)),
                    Err(_) => Err(StoreError::Unsure(why)),
                },
                taken => taken.map(|_| ()),
            }
        })
        .await
        .inspect_err(|_| self.wake.notify_one())
    }

    async fn pass_on_events(&self) -> Result<(), StoreError> {
        loop {
            let waiting = self.local.waiting(BATCH).await?;
            let Some(last) = waiting.last().map(|event| event.seq) else { return Ok(()) };
            match self.mongo.take_in(&waiting).await {
                // One of them does not fit: each for itself, and the unfit one out of the way.
                Err(StoreError::Failed(_)) if waiting.len() > 1 => {
                    for event in &waiting {
                        self.pass_on_one(event).await?;
                    }
                }
                Err(StoreError::Failed(why)) => self.set_aside(last, &why).await?,
                done => {
                    done?;
                    self.local.passed_on(last).await?;
                }
            }
        }
    }

    async fn pass_on_one(&self, event: &lockdown::timeline::Event) -> Result<(), StoreError> {
        match self.mongo.take_in(std::slice::from_ref(event)).await {
            Err(StoreError::Failed(why)) => self.set_aside(event.seq, &why).await,
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

    async fn keep_turns(&self) -> Result<(), StoreError> {
        for site in &self.sites {
            self.keep_turn(site).await?;
        }
        let due = self.turns().heartbeat_due();
        if due {
            self.mongo.lease(&format!("server/{}", self.me), &self.me, LEASE).await?;
            let others = self.mongo.others_alive(&self.me).await?;
            let changed = self.turns().heard(others);
            if changed {
                self.local.set_note("others", if others { "yes" } else { "no" }.to_owned()).await?;
            }
        }
        Ok(())
    }

    async fn keep_turn(&self, site: &SiteId) -> Result<(), StoreError> {
        let lease = format!("drive/{site}");
        let asked = Instant::now();
        let wish = self.turns().wish(site);
        match wish {
            Wish::Seize => {
                self.mongo.seize(&lease, &self.me, LEASE).await?;
                self.turns().answered(site, asked, true);
            }
            Wish::Renew => {
                let ours = self.mongo.lease(&lease, &self.me, LEASE).await?;
                self.turns().answered(site, asked, ours);
            }
            Wish::Nothing => self.look_who_drives(site).await?,
        }
        Ok(())
    }

    /// An order given to another server takes the turn away before its time is over.
    async fn look_who_drives(&self, site: &SiteId) -> Result<(), StoreError> {
        let ours = self.turns().held_before(site);
        if ours && self.mongo.holder(&format!("drive/{site}")).await?.is_some_and(|holder| holder != self.me) {
            self.turns().lost(site);
        }
        Ok(())
    }

    /// Sessions that were opened or ended while the database was away.
    async fn pass_on_sessions(&self) -> Result<(), StoreError> {
        if self.away_since().is_none() {
            return Ok(());
        }
        for session in self.local.take_ended().await? {
            self.mongo.end_session(&session).await?;
        }
        self.local.forget_ended().await?;
        for session in self.local.sessions().await? {
            let known = self.mongo.session(&session.id).await?;
            let newer = known.as_ref().is_none_or(|known| known.seen_at < session.seen_at);
            let opened_alone = known.is_some() || self.away_since().is_some_and(|since| session.created_at >= since);
            if newer && opened_alone {
                self.mongo.put_session(&session).await?;
            }
        }
        Ok(())
    }

    async fn copy_people(&self) -> Result<(), StoreError> {
        let due = self.turns().copy_due(COPY);
        if due {
            let (people, clients) = (self.mongo.people().await?, self.mongo.clients().await?);
            self.local.mirror(people, clients).await?;
            self.turns().copied(Some(Instant::now()));
        }
        Ok(())
    }

    /// Somebody's profile or a key changed here.
    pub(super) fn copy_again(&self) {
        self.turns().copied(None);
        self.wake.notify_one();
    }

    async fn tell_growth(&self) -> Result<(), StoreError> {
        let last = self.mongo.last_number().await?;
        if self.turns().grew(last) {
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
