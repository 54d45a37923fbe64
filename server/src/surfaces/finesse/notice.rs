//! A line in the desktop of every signed-in agent while a lock is ordered: it says LOCKED when that was read back, and falls
//! back when CUCM is not seen any more. Best effort; no order waits for it.
//!
//! Of several servers one posts ([`Turns`]). With the database away they cannot agree, and each does: twice
//! rather than never. What Finesse shows is therefore looked at before anything is posted, and now and then
//! besides: a second line is taken back, and one that somebody removed is posted again.

use super::team_message::{self, CONTENT, NoticeError, TeamMessages};
use crate::config;
use crate::services::lease::Leases;
use crate::store::documents::Document;
use engine::SiteStatus;
use engine::ports::NewEvent;
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::SiteId;
use lockdown::say::{SHORT, means, short};
use lockdown::standing::Standing;
use lockdown::steps::Target;
use lockdown::timeline::EventKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// Between two looks, where nothing happens.
const LOOK: Duration = Duration::from_secs(5);

/// Between two looks at what Finesse shows: while a line of ours should stand there, and while none should.
const TIDY: SignedDuration = SignedDuration::from_secs(15);
const TIDY_SELDOM: SignedDuration = SignedDuration::from_mins(5);

/// What was not taken is tried again after so long; where Finesse refuses our user, seldom: an account that is refused
/// too often is locked.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);
const AGAIN_REFUSED: SignedDuration = SignedDuration::from_mins(5);

/// The desktop offers up to 23:55 hours; a longer lock is posted again.
const LASTS: SignedDuration = SignedDuration::from_hours(12);

/// The document with the message that is shown.
const DOCUMENT: &str = "finesse/notice";

/// A message that stands in the desktops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Shown {
    /// `None`: Finesse did not say; then it ends by itself.
    id: Option<String>,
    content: String,
    at: Timestamp,
    /// It was among those Finesse lists: where it is not any more, somebody removed it.
    #[serde(default)]
    listed: bool,
}

/// What agents shall read.
enum Wanted {
    /// This server does not know yet: what stands there stays.
    AsItIs,
    Nothing,
    Line {
        site: SiteId,
        since: Timestamp,
        content: String,
        /// Every site it names was read back locked.
        locked: bool,
    },
}

/// What this server knows by itself.
#[derive(Default)]
struct Memory {
    /// What stands there, as far as it is known.
    here: Option<Shown>,
    /// The last trouble that was told of.
    told: Option<String>,
    /// When Finesse was last asked what it shows, and whether it refused.
    tidied: Option<(Timestamp, bool)>,
    /// Lines that nobody here wants, as they stood there then, with all as ordered.
    strange: BTreeSet<String>,
}

pub struct Notices {
    messages: TeamMessages,
    leases: Leases,
}

/// Looks after the message for as long as the server runs.
pub async fn tend(notices: Notices) {
    let clock = &notices.leases.services.clock;
    let mut news = notices.leases.services.timeline.subscribe();
    let mut memory = Memory::default();
    let mut later = None;
    loop {
        let now = clock.now();
        let lease = notices.leases.holds("finesse").await;
        if matches!(lease, Ok(false)) {
            // What this server did while it was alone, whoever holds the lease has changed since.
            memory = Memory::default();
        } else if later.is_none_or(|later| later <= now) {
            later = notices.once(&mut memory, now).await;
        }
        // Only by who surely holds the lease: a server that is cut off may not know of an order.
        if matches!(lease, Ok(true)) && notices.is_to_be_tidied(&memory, now) && notices.tidy(&mut memory, now).await {
            continue;
        }
        tokio::select! {
            _ = news.recv() => while news.try_recv().is_ok() {},
            () = clock.sleep(LOOK) => {}
        }
    }
}

impl Notices {
    /// # Errors
    /// When the settings make no client.
    pub fn new(settings: config::Notice, leases: Leases) -> anyhow::Result<Self> {
        Ok(Self { messages: TeamMessages::new(settings)?, leases })
    }

    fn wanted(&self) -> Wanted {
        let engine = &self.leases.services.engine;
        let statuses = engine.live_statuses();
        let standings: Option<Vec<_>> =
            statuses.iter().map(|status| Some((status, engine.standing_to_show(status)?))).collect();
        let Some(standings) = standings else { return Wanted::AsItIs };
        let shown: Vec<(&SiteStatus, Standing, &str)> =
            standings.into_iter().filter_map(|(status, standing)| Some((status, standing, short(standing)?))).collect();
        let Some((first, ..)) = shown.first() else { return Wanted::Nothing };
        let (_, numbers) = self.leases.services.public_facts(&first.id);
        let emergency = numbers.first().map(|number| format!("Emergency: dial {number}."));
        // Sites that stand alike are named together.
        let told = SHORT.iter().filter_map(|words| {
            let alike = || shown.iter().filter(|(.., here)| here == words);
            let names: Vec<&str> = alike().map(|(status, ..)| status.name.as_str()).collect();
            let (_, standing, _) = alike().next()?;
            Some(format!("{words}: {}. {}", names.join(", "), means(*standing)))
        });
        let content: String = told.chain(emergency).collect::<Vec<_>>().join(" ").chars().take(CONTENT).collect();
        Wanted::Line {
            site: first.id.clone(),
            since: first.command.since(),
            content: content.trim_end().to_owned(),
            locked: shown.iter().all(|(_, standing, _)| *standing == Standing::Locked),
        }
    }

    async fn shown(&self) -> Option<(u64, Option<Shown>)> {
        let document = self.leases.services.documents.document(DOCUMENT).await.ok()?;
        let version = document.as_ref().map_or(0, |document| document.version);
        Some((version, document.and_then(|document| serde_json::from_str(&document.text).ok()).flatten()))
    }

    /// What could not be written down is found again among what Finesse shows.
    async fn keep(&self, shown: Option<&Shown>) {
        let version = self.shown().await.map_or(0, |(version, _)| version);
        let text = serde_json::to_string(&shown).unwrap_or_default();
        if let Err(error) =
            self.leases.services.documents.put_document(DOCUMENT, &Document { version: version + 1, text }).await
        {
            tracing::warn!(%error, "the message in the Finesse desktops could not be written down");
        }
    }

    /// Lines about our sites. Another installation at the same Finesse has other ones.
    async fn standing(&self) -> Result<Vec<team_message::Standing>, NoticeError> {
        let statuses = self.leases.services.engine.live_statuses();
        let mut standing = self.messages.list().await?;
        standing.retain(|one| statuses.iter().any(|status| is_about(&one.content, &status.name)));
        Ok(standing)
    }

    /// When to try again, where something was not taken.
    async fn once(&self, memory: &mut Memory, now: Timestamp) -> Option<Timestamp> {
        if let Some((_, written)) = self.shown().await {
            memory.here = written;
        }
        let fresh = |shown: &Shown| now < shown.at + LASTS - SignedDuration::from_hours(1);
        let (site, settled, done) = match (self.wanted(), memory.here.clone()) {
            (Wanted::AsItIs, _) | (Wanted::Nothing, None) => return None,
            (Wanted::Line { content, .. }, Some(shown)) if shown.content == content && fresh(&shown) => return None,
            (Wanted::Nothing, Some(shown)) => {
                let site = self.leases.services.engine.live_statuses().first()?.id.clone();
                (site, Some(Target::Normal), self.remove(&shown).await.map(|()| None))
            }
            (Wanted::Line { content, since, .. }, None) if self.adopt(memory, &content, since).await => return None,
            (Wanted::Line { site, content, locked, .. }, before) => {
                if let Some(before) = before
                    && let Err(error) = self.remove(&before).await
                {
                    tracing::warn!(%error, "an older message stays in the Finesse desktops until it ends");
                }
                let posted = self.messages.post(&content, LASTS.unsigned_abs()).await;
                let settled = locked.then_some(Target::Locked);
                (site, settled, posted.map(|(id, listed)| Some(Shown { id, content, at: now, listed })))
            }
        };
        match done {
            Ok(shown) => {
                self.keep(shown.as_ref()).await;
                (memory.here, memory.told) = (shown, None);
                // What is on its way is no news of its own.
                if let Some(target) = settled {
                    self.tell(site, target, None).await;
                }
                None
            }
            Err(error) => {
                let why = error.to_string();
                if memory.told.as_ref() != Some(&why) {
                    memory.told = Some(why.clone());
                    self.tell(site, settled.unwrap_or(Target::Locked), Some(why)).await;
                }
                Some(now + if matches!(error, NoticeError::Refused(_)) { AGAIN_REFUSED } else { AGAIN })
            }
        }
    }

    /// Does another server's line, or one of our own of before a restart, say it already?
    async fn adopt(&self, memory: &mut Memory, content: &str, since: Timestamp) -> bool {
        let standing = self.standing().await.unwrap_or_default();
        let Some(found) = standing.into_iter().find(|one| one.content == content) else { return false };
        // Posted with the order, or later: it does not end before it is posted again.
        let shown = Shown { id: Some(found.id), content: found.content, at: since, listed: true };
        self.keep(Some(&shown)).await;
        (memory.here, memory.told) = (Some(shown), None);
        true
    }

    fn is_to_be_tidied(&self, memory: &Memory, now: Timestamp) -> bool {
        let Some((at, refused)) = memory.tidied else { return true };
        let pause = match self.wanted() {
            _ if refused => AGAIN_REFUSED,
            Wanted::Line { .. } => TIDY,
            Wanted::Nothing if !memory.strange.is_empty() => TIDY,
            Wanted::Nothing => TIDY_SELDOM,
            Wanted::AsItIs => return false,
        };
        at + pause <= now
    }

    /// One line, and only the right one. Whether it is missing, and to be posted again.
    async fn tidy(&self, memory: &mut Memory, now: Timestamp) -> bool {
        let wanted = match self.wanted() {
            Wanted::AsItIs => return false,
            Wanted::Nothing => None,
            Wanted::Line { content, .. } => Some(content),
        };
        let listed = self.standing().await;
        memory.tidied = Some((now, matches!(listed, Err(NoticeError::Refused(_)))));
        let standing = match listed {
            Ok(standing) => standing,
            Err(error) => {
                tracing::warn!(%error, "what stands in the Finesse desktops cannot be looked at");
                return false;
            }
        };
        let here = memory.here.clone().filter(|shown| Some(&shown.content) == wanted.as_ref());
        // By its id, too: Finesse may write a text otherwise than it was posted.
        let is_right = |one: &team_message::Standing| {
            Some(&one.content) == wanted.as_ref()
                || here.as_ref().is_some_and(|shown| shown.id.as_ref() == Some(&one.id))
        };
        let (right, strange): (Vec<_>, Vec<_>) = standing.into_iter().partition(is_right);
        self.take_back(memory, &right, &strange, now).await;
        match here {
            Some(shown) if right.is_empty() && shown.listed => {
                tracing::warn!("the message is missing from the Finesse desktops: it is posted again");
                self.keep(None).await;
                memory.here = None;
                true
            }
            Some(shown) if !right.is_empty() && !shown.listed => {
                let shown = Shown { listed: true, ..shown };
                self.keep(Some(&shown)).await;
                memory.here = Some(shown);
                false
            }
            _ => false,
        }
    }

    /// All of the right lines but one; and of the others what stood there at the last look, too, while CUCM reads as it
    /// was ordered here: another server that is cut off posts as soon as it is asked to lock, before it writes.
    async fn take_back(
        &self,
        memory: &mut Memory,
        right: &[team_message::Standing],
        strange: &[team_message::Standing],
        now: Timestamp,
    ) {
        let kept = right.iter().map(|one| &one.id).min();
        let seen: BTreeSet<String> = if self.is_all_as_ordered(now) {
            strange.iter().map(|one| one.id.clone()).collect()
        } else {
            BTreeSet::new()
        };
        let before = std::mem::replace(&mut memory.strange, seen);
        let doubled = right.iter().map(|one| &one.id).filter(|id| Some(*id) != kept);
        for id in doubled.chain(memory.strange.intersection(&before)) {
            if let Err(error) = self.messages.delete(id).await {
                tracing::warn!(%error, "a second message stays in the Finesse desktops until it ends");
            }
        }
    }

    /// Where CUCM does not read as it was ordered here, another server that is cut off may have locked, and told agents.
    fn is_all_as_ordered(&self, now: Timestamp) -> bool {
        let statuses = self.leases.services.engine.live_statuses();
        statuses.iter().all(|status| matches!(status.standing(now), Standing::Normal | Standing::Locked))
    }

    async fn remove(&self, shown: &Shown) -> Result<(), NoticeError> {
        if let Some(id) = &shown.id {
            self.messages.delete(id).await?;
        }
        // Whatever else is ours: of before a restart, or from another server, as far as that one cannot have locked alone.
        let standing = match self.standing().await {
            Err(error) if shown.id.is_none() => return Err(error),
            listed => listed.unwrap_or_default(),
        };
        let all = self.is_all_as_ordered(self.leases.services.clock.now());
        for one in standing.iter().filter(|one| all || one.content == shown.content) {
            self.messages.delete(&one.id).await?;
        }
        Ok(())
    }

    async fn tell(&self, site: SiteId, target: Target, failed: Option<String>) {
        let kind = EventKind::AgentsTold { target, failed };
        let event = NewEvent { at: self.leases.services.clock.now(), site: Some(site), by: None, kind };
        if let Err(error) = self.leases.services.timeline.append(event).await {
            tracing::error!(%error, "what the Finesse desktops show could not be put into the timeline");
        }
    }
}

/// Is this line one of ours that begins with the site of this name?
fn is_about(content: &str, name: &str) -> bool {
    let behind = |words: &&str| content.strip_prefix(*words)?.strip_prefix(": ")?.strip_prefix(name);
    SHORT.iter().find_map(behind).is_some_and(|rest| rest.starts_with(['.', ',']))
}

#[cfg(test)]
mod tests {
    use super::is_about;

    #[test]
    fn a_line_of_another_installation_is_left_alone() {
        assert!(is_about("PSTN LOCKED: Acme North. Outside calls go through the EOC.", "Acme North"));
        assert!(is_about("PSTN LOCKED: Acme North, Acme South. Outside calls", "Acme North"));
        assert!(is_about("PSTN lock ordered: Acme North. Outside calls may", "Acme North"));
        for other in ["PSTN LOCKED: Acme North 2. Outside", "PSTN LOCKED: Acme", "Canteen closed", "Acme North."] {
            assert!(!is_about(other, "Acme North"), "{other}");
        }
    }
}
