//! The space of an incident: made when a lock is ordered, kept up to date, closed with the all-clear. Everything
//! there follows from the timeline and from what was told before; so a Webex that was away is told later what it
//! missed, once.

use super::api::{Message, Room, Team};
use super::ids::{self, key};
use super::relay::Ticket;
use super::say::{LONGEST, Say, card, clipped, facts, heading, line, link, safe};
use super::{Health, Webex, WebexError};
use crate::config;
use crate::store::documents::{Document, Documents};
use crate::store::records::Person;
use engine::ports::{NewEvent, StoreError};
use jiff::{SignedDuration, Timestamp};
use lockdown::ids::IncidentId;
use lockdown::incident::{Incident, Phase};
use lockdown::operator::{Act as Right, Authority, Operator, Surface};
use lockdown::timeline::{Event, EventKind, EventName};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What is ordered and what was read back, and how many of them are looked at for one that was told before.
const ORDERS: [EventName; 3] = [EventName::LockOrdered, EventName::ReleaseOrdered, EventName::Verified];
const LOOKED_BACK: usize = 100;

/// Between two looks, where nothing happens.
const LOOK: Duration = Duration::from_secs(5);

/// From the first piece of news to the look that follows.
const BREATH: Duration = Duration::from_millis(150);

/// Between two tries to tell a space: doubled from the first to the last.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(1);
const LAST_PAUSE: SignedDuration = SignedDuration::from_secs(60);

/// Incidents that were over longer ago are not told any more.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// Who could not be invited is invited again after so long.
const INVITE_AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// A card is changed so often, then written anew: the cloud allows ten edits.
const EDITS: u32 = 9;

/// Events told in one message.
const AT_ONCE: usize = 20;

/// Longest title, as far as is known.
const TITLE: usize = 200;

/// What is remembered of a space.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Space {
    pub room: Option<String>,
    invited: BTreeMap<String, Invite>,
    card: Option<Card>,
    /// The meeting was made, or when that did not succeed.
    meeting: Option<Meeting>,
    /// Somebody wants the invitations tried again.
    again: bool,
    /// The number of the last event that was told.
    told: u64,
    pub tickets: BTreeMap<String, Ticket>,
    closed: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
enum Invite {
    In,
    Failed { name: String, why: String, at: Timestamp },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
enum Meeting {
    Made,
    Failed { at: Timestamp },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Card {
    message: String,
    edits: u32,
    /// What it shows.
    shows: String,
}

/// A space with the document it is kept on.
pub(super) struct Kept {
    name: String,
    version: u64,
    pub space: Space,
}

/// Spaces that could not be told: from when on they are tried again, and the pause before that.
type Later = BTreeMap<String, (Timestamp, SignedDuration)>;

/// Tends every space for as long as the server runs.
pub(super) async fn tend(webex: Arc<Webex>) {
    let mut news = webex.services.timeline.subscribe();
    let mut later = Later::new();
    loop {
        if let Err(error) = webex.tend_all(&mut later).await {
            tracing::info!(%error, "spaces are told later");
        }
        tokio::select! {
            _ = news.recv() => {
                // An order comes with twenty pieces of news: they are looked at together.
                webex.services.clock.sleep(BREATH).await;
                while news.try_recv().is_ok() {}
            }
            () = webex.services.clock.sleep(LOOK) => {}
            () = webex.front.again.notified() => later.clear(),
        }
    }
}

/// What went wrong with a space.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Webex(#[from] WebexError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Somebody wants an incident's invitations tried again, now; by whichever server tends its space.
pub(super) async fn invite_again(documents: &dyn Documents, incident: &IncidentId) -> Result<(), StoreError> {
    for _ in 0..3 {
        let mut kept = Kept::read(documents, &document(incident)).await?;
        kept.space.again = true;
        match kept.write(documents).await {
            Err(StoreError::Conflict) => {}
            done => return done,
        }
    }
    Err(StoreError::Conflict)
}

fn document(incident: &IncidentId) -> String {
    format!("space/{incident}")
}

impl Kept {
    async fn read(documents: &dyn Documents, name: &str) -> Result<Self, StoreError> {
        let document = documents.document(name).await?;
        let version = document.as_ref().map_or(0, |document| document.version);
        let space = document.and_then(|document| serde_json::from_str(&document.text).ok()).unwrap_or_default();
        Ok(Self { name: name.to_owned(), version, space })
    }

    async fn write(&mut self, documents: &dyn Documents) -> Result<(), StoreError> {
        let text = serde_json::to_string(&self.space).map_err(|error| StoreError::Failed(error.to_string()))?;
        self.version += 1;
        documents.put_document(&self.name, &Document { version: self.version, text }).await
    }

    /// Who is not in it, in a sentence.
    fn missing(&self) -> Option<String> {
        let missing: Vec<String> = self.space.invited.values().filter_map(Invite::missing).collect();
        (!missing.is_empty()).then(|| format!("Not in the Webex space: {}.", missing.join(", ")))
    }
}

impl Invite {
    fn missing(&self) -> Option<String> {
        match self {
            Self::Failed { name, why, .. } => Some(format!("{name} ({why})")),
            Self::In => None,
        }
    }
}

impl Webex {
    async fn tend_all(&self, later: &mut Later) -> Result<(), Trouble> {
        let now = self.services.clock.now();
        let tends = self.leases.holds("spaces").await?;
        for incident in self.services.incidents.all().await?.iter().filter(|one| is_recent(one, now)) {
            let name = document(&incident.id);
            if !tends {
                // Another server does; what it met is said here too.
                let notes = self.kept(&name).await?.missing().filter(|_| incident.is_open());
                self.front.set_space_notes(&incident.site, notes.into_iter().collect());
                continue;
            }
            if later.get(&name).is_some_and(|(until, _)| now < *until) {
                continue;
            }
            // One that cannot be told does not keep the others waiting.
            match self.tend_one(incident).await {
                Ok(()) => drop(later.remove(&name)),
                Err(error) => self.put_off(incident, &name, &error, later).await,
            }
        }
        if tends { self.tend_standing_room().await } else { Ok(()) }
    }

    async fn put_off(&self, incident: &Incident, name: &str, error: &Trouble, later: &mut Later) {
        tracing::info!(%error, incident = %incident.id, "a space is told later");
        if matches!(error, Trouble::Webex(WebexError::Token)) {
            self.tell(Health::Ill(error.to_string())).await;
        }
        let before = later.get(name).map_or(FIRST_PAUSE, |(_, pause)| *pause);
        let asked = match error {
            Trouble::Webex(WebexError::Busy { after }) => SignedDuration::try_from(*after).unwrap_or(LAST_PAUSE),
            _ => SignedDuration::ZERO,
        };
        let pause = (before * 2).min(LAST_PAUSE).max(asked);
        later.insert(name.to_owned(), (self.services.clock.now() + pause, pause.min(LAST_PAUSE)));
        if incident.is_open() {
            let missing = self.kept(name).await.ok().and_then(|kept| kept.missing());
            let notes = [Some(format!("The Webex space cannot be told: {error}.")), missing];
            self.front.set_space_notes(&incident.site, notes.into_iter().flatten().collect());
        }
    }

    pub(super) async fn kept(&self, name: &str) -> Result<Kept, StoreError> {
        Kept::read(self.services.documents.as_ref(), name).await
    }

    pub(super) async fn keep(&self, kept: &mut Kept) -> Result<(), StoreError> {
        kept.write(self.services.documents.as_ref()).await
    }

    async fn tend_one(&self, incident: &Incident) -> Result<(), Trouble> {
        let mut kept = self.kept(&document(&incident.id)).await?;
        if kept.space.again && !kept.space.closed && self.is_lost(&kept).await? {
            // Begun anew, with all that was told in the one we are not in any more.
            kept.space = Space { again: true, ..Space::default() };
        }
        let room = match kept.space.room.clone() {
            Some(room) => room,
            None => self.open(incident, &mut kept).await?,
        };
        if kept.space.closed {
            // Who asked for a call before the all-clear is answered after it too.
            return self.relay_of(incident, &room, &mut kept).await;
        }
        self.invite(incident, &room, &mut kept).await?;
        self.meet(incident, &mut kept).await?;
        self.show(incident, &room, &mut kept).await?;
        self.tell_events(incident, &room, &mut kept).await?;
        self.relay_of(incident, &room, &mut kept).await?;
        if self.is_over(incident, &kept) {
            self.close(incident, &room, &mut kept).await?;
        }
        Ok(())
    }

    /// The bot was removed from it, or it is gone.
    async fn is_lost(&self, kept: &Kept) -> Result<bool, WebexError> {
        let Some(room) = &kept.space.room else { return Ok(false) };
        match self.client.get::<Room>(&format!("rooms/{room}")).await {
            Ok(_) => Ok(false),
            Err(WebexError::Refused { status: 403 | 404, .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Over, and told so: what another server wrote into the timeline may come a little later than its order.
    fn is_over(&self, incident: &Incident, kept: &Kept) -> bool {
        let Phase::Closed { at } = incident.phase else { return false };
        let told = incident.last.is_some_and(|last| kept.space.told >= last);
        told || self.services.clock.now().duration_since(at) > LAST_PAUSE
    }

    /// A space of this incident's, found again or made. Its title carries the incident's id: what was made just
    /// before a crash is not made twice.
    async fn open(&self, incident: &Incident, kept: &mut Kept) -> Result<String, Trouble> {
        let known: Vec<Room> =
            self.client.all("rooms", &[("max", "100"), ("type", "group"), ("sortBy", "created")]).await?;
        let me = key(&self.me().await?.id);
        // Anybody can name a space so.
        let ours = |room: &Room| key(&room.creator_id) == me && room.title.contains(incident.id.as_str());
        let known = known.into_iter().find(ours);
        let room = if let Some(room) = known {
            room
        } else {
            let mut new = json!({ "title": self.title(incident), "isLocked": true });
            if let Some(team) = self.team().await? {
                new["teamId"] = json!(team);
            }
            self.client.post_once("rooms", &new).await?
        };
        kept.space.room = Some(room.id.clone());
        self.keep(kept).await?;
        Ok(room.id)
    }

    /// The team its spaces belong to; one that is asked for by name is made once.
    async fn team(&self) -> Result<Option<String>, WebexError> {
        let name = match &self.settings.team {
            None => return Ok(None),
            Some(config::Team::Id(id)) => return Ok(Some(id.clone())),
            Some(config::Team::Named(name)) => name,
        };
        let known: Vec<Team> = self.client.all("teams", &[("max", "100")]).await?;
        if let Some(team) = known.into_iter().find(|team| team.name == *name) {
            return Ok(Some(team.id));
        }
        let made: Team = self.client.post_once("teams", &json!({ "name": name })).await?;
        Ok(Some(made.id))
    }

    fn title(&self, incident: &Incident) -> String {
        let (site, _) = self.services.public_facts(&incident.site);
        let at = self.services.sites.dated(Some(&incident.site), incident.opened_at);
        let title = format!("{site}: lockdown of {at} ({})", incident.id);
        title.chars().take(TITLE).collect()
    }

    /// Who works for the EOC of this site; seniors are moderators, so that people can be added without us.
    async fn invite(&self, incident: &Incident, room: &str, kept: &mut Kept) -> Result<(), Trouble> {
        let org = self.me().await?.org_id.clone();
        let now = self.services.clock.now();
        let again = std::mem::take(&mut kept.space.again);
        for person in self.services.directory.people().await? {
            let Some(moderator) = works_at(&person, incident) else { continue };
            let known = kept.space.invited.get(person.id.as_str());
            let wanted = match known {
                Some(Invite::In) => false,
                Some(Invite::Failed { at, .. }) => {
                    incident.is_open() && (again || now.duration_since(*at) > INVITE_AGAIN)
                }
                None => true,
            };
            if !wanted {
                continue;
            }
            let outcome = match self.invite_one(&person, &org, room, moderator).await {
                Ok(None) => Invite::In,
                Ok(Some(why)) => Invite::Failed { name: person.name.clone(), why, at: now },
                // Their own server's trouble is theirs; the others are invited all the same.
                Err(WebexError::Away(_) | WebexError::Busy { .. }) if known.is_none() || again => {
                    Invite::Failed { name: person.name.clone(), why: "Webex did not take it yet".into(), at: now }
                }
                Err(WebexError::Away(_) | WebexError::Busy { .. }) => continue,
                Err(error) => return Err(error.into()),
            };
            kept.space.invited.insert(person.id.to_string(), outcome);
            self.keep(kept).await?;
        }
        self.front.set_space_notes(&incident.site, kept.missing().into_iter().collect());
        Ok(())
    }

    /// Why not, where it is this person's own case; what concerns everybody is an error.
    async fn invite_one(
        &self,
        person: &Person,
        org: &str,
        room: &str,
        moderator: bool,
    ) -> Result<Option<String>, WebexError> {
        let Some((field, whom)) = address(person, org) else {
            return Ok(Some("no Webex account and no e-mail in the profile".into()));
        };
        let body = json!({ "roomId": room, field: whom, "isModerator": moderator });
        match self.client.post::<Value>("memberships", &body).await {
            Ok(_) | Err(WebexError::Refused { status: 409, .. }) => Ok(None),
            Err(WebexError::Refused { why, .. }) => Ok(Some(why)),
            Err(error) => Err(error),
        }
    }

    /// A meeting, once; where it cannot be made the bridge stands in for it.
    async fn meet(&self, incident: &Incident, kept: &mut Kept) -> Result<(), StoreError> {
        let Some(meetings) = self.meetings.as_ref().filter(|_| incident.is_open() && incident.meeting.is_none()) else {
            return Ok(());
        };
        let now = self.services.clock.now();
        match &kept.space.meeting {
            Some(Meeting::Made) => return Ok(()),
            Some(Meeting::Failed { at }) if now.duration_since(*at) < INVITE_AGAIN => return Ok(()),
            Some(Meeting::Failed { .. }) | None => {}
        }
        kept.space.meeting = Some(match meetings.make(&self.title(incident), now).await {
            Ok(url) => {
                let kind = EventKind::MeetingMade { incident: incident.id.clone(), url };
                let event = NewEvent { at: now, site: Some(incident.site.clone()), by: None, kind };
                self.services.timeline.append(event).await?;
                Meeting::Made
            }
            Err(error) => {
                tracing::warn!(%error, "no meeting could be made");
                Meeting::Failed { at: now }
            }
        });
        self.keep(kept).await
    }

    /// The card with the state, in place as long as Webex lets us.
    async fn show(&self, incident: &Incident, room: &str, kept: &mut Kept) -> Result<(), Trouble> {
        let say = self.state_card(incident);
        let shows = format!("{}\n{}", say.markdown, say.card.as_ref().map(Value::to_string).unwrap_or_default());
        let shows = crate::identity::token::digest(&shows);
        if kept.space.card.as_ref().is_some_and(|card| card.shows == shows) {
            return Ok(());
        }
        let before = kept.space.card.clone();
        let edited = match &before {
            Some(card) if card.edits < EDITS => {
                match self.client.put::<Value>(&format!("messages/{}", card.message), &say.body(room, None)).await {
                    Ok(_) => Some(Card { edits: card.edits + 1, shows: shows.clone(), ..card.clone() }),
                    Err(WebexError::Refused { .. }) => None,
                    Err(error) => return Err(error.into()),
                }
            }
            _ => None,
        };
        if let Some(card) = edited {
            kept.space.card = Some(card);
            return Ok(self.keep(kept).await?);
        }
        let new: Message = self.client.post("messages", &say.body(room, None)).await?;
        kept.space.card = Some(Card { message: new.id, edits: 0, shows });
        self.keep(kept).await?;
        if let Some(old) = before {
            self.client.delete(&format!("messages/{}", old.message)).await?;
        }
        Ok(())
    }

    fn state_card(&self, incident: &Incident) -> Say {
        let now = self.services.clock.now();
        let Ok(status) = self.services.engine.status(&incident.site) else { return Say::plain("") };
        let said = self.services.sites.said(&status, true, now);
        let mark = said.tone.mark();
        let head = said.headline;
        let second = said.second;
        let commander = incident.commander.as_ref().map_or("nobody yet", |who| who.name.as_str());
        let present: Vec<&str> = incident.present.iter().map(|who| who.name.as_str()).collect();
        let present = if present.is_empty() { "nobody has checked in yet".to_owned() } else { present.join(", ") };
        let trouble = status.trouble.as_ref().map(|trouble| trouble.why.as_str());
        let mut body = vec![heading(&format!("{mark} {head}")), line(&second)];
        body.push(facts(&[
            ("Site", &status.name),
            ("Command", commander),
            ("Present", &present),
            ("Incident", incident.id.as_str()),
        ]));
        body.extend(trouble.map(line));
        let mut actions = vec![
            link("Console", &format!("{}/console?site={}", self.public_url, incident.site)),
            link("Incident file", &format!("{}/incidents/{}", self.public_url, incident.id)),
        ];
        let meeting = incident.meeting.as_deref().or(self.settings.meeting_url.as_deref());
        actions.extend(meeting.map(|url| link("Join the meeting", url)));
        let bridge = meeting.map(|url| format!("\nMeeting: {url}")).unwrap_or_default();
        let markdown = format!(
            "{mark} **{head}** · {}\n{}\nCommand: {} · present: {}{bridge}\n{}/console?site={}",
            safe(&status.name),
            safe(&second),
            safe(commander),
            safe(&present),
            self.public_url,
            incident.site
        );
        Say { markdown, card: Some(card(&body, &actions)) }
    }

    /// What happened since the last time, in as few messages as it takes; all of it, before the space is closed.
    async fn tell_events(&self, incident: &Incident, room: &str, kept: &mut Kept) -> Result<(), Trouble> {
        loop {
            let after = kept.space.told.max(incident.first.saturating_sub(1));
            let events = self.services.store.events_after(after, AT_ONCE * 10).await?;
            let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
            let told = events.iter().filter(|event| incident.holds(event) && is_told(event)).collect();
            let told = self.without_echoes(told).await?;
            for some in batches(&told, |event| self.sentence(incident, event)) {
                let _: Message = self.client.post("messages", &Say::plain(some.text).body(room, None)).await?;
                kept.space.told = some.last;
                self.keep(kept).await?;
            }
            let much = last - after >= AT_ONCE as u64;
            kept.space.told = last;
            // Where nothing was said and this is lost, they are looked at again, and that is all.
            if !told.is_empty() || much {
                self.keep(kept).await?;
            }
            if events.len() < AT_ONCE * 10 || incident.last.is_some_and(|end| last >= end) {
                return Ok(());
            }
        }
    }

    /// Two servers that carried out one order have both read it back, and both wrote that down: a space is told once.
    async fn without_echoes<'e>(&self, mut told: Vec<&'e Event>) -> Result<Vec<&'e Event>, StoreError> {
        if told.iter().any(|event| matches!(event.kind, EventKind::Verified { .. })) {
            let orders = self.services.directory.events_named(&ORDERS, LOOKED_BACK).await?;
            told.retain(|event| !is_echo(event, &orders));
        }
        Ok(told)
    }

    fn sentence(&self, incident: &Incident, event: &Event) -> String {
        let at = self.services.sites.clock(Some(&incident.site), event.at, event.at);
        let who = event.by.as_ref().map(|by| format!(" · {}", safe(&by.to_string()))).unwrap_or_default();
        let ask = matches!(event.kind, EventKind::ReviewDue { .. }) && incident.is_open();
        let hint = if ask { " A senior writes `release`, or says on the console that it is still needed." } else { "" };
        format!("- `{at}` {}{who}{hint}", safe(&event.kind.to_string()))
    }

    /// The end: a summary, and a title that says so. The space stays; nothing is deleted.
    async fn close(&self, incident: &Incident, room: &str, kept: &mut Kept) -> Result<(), Trouble> {
        let reader = reader();
        if let Ok(file) = self.services.incidents.file(&reader, incident.id.as_str()).await {
            let report = file.report(self.services.clock.now());
            let name = incident.name.clone().unwrap_or_else(|| incident.id.to_string());
            let say = super::words::report(&report, &name, &format!("{}/incidents/{}", self.public_url, incident.id));
            let _: Message = self.client.post("messages", &say.body(room, None)).await?;
        }
        let title: String = format!("[CLOSED] {}", self.title(incident)).chars().take(TITLE).collect();
        let _: Value = self.client.put(&format!("rooms/{room}"), &json!({ "title": title })).await?;
        kept.space.closed = true;
        self.front.set_space_notes(&incident.site, vec![]);
        Ok(self.keep(kept).await?)
    }

    /// The incident whose space this room is, with its document; of those that are tended.
    pub(super) async fn incident_of(&self, room: &str) -> Result<Option<(Incident, Kept)>, StoreError> {
        let now = self.services.clock.now();
        for incident in self.services.incidents.all().await?.into_iter().rev().filter(|one| is_recent(one, now)) {
            let kept = self.kept(&document(&incident.id)).await?;
            if kept.space.room.as_deref().is_some_and(|known| key(known) == key(room)) {
                return Ok(Some((incident, kept)));
            }
        }
        Ok(None)
    }
}

/// Whose eyes the space has: the EOC's.
fn reader() -> Operator {
    let id = lockdown::ids::OperatorId::try_from("webex-bot").expect("letters and a hyphen");
    let authority = Authority::Roles(lockdown::operator::Grants::from([lockdown::operator::Role::Eoc]));
    Operator { id, name: "Webex bot".into(), surface: Surface::Bot, authority }
}

/// Open, or over not long ago.
fn is_recent(incident: &Incident, now: Timestamp) -> bool {
    match incident.phase {
        Phase::Closed { at } => now.duration_since(at) < REMEMBERED,
        Phase::Open | Phase::Ending { .. } => true,
    }
}

/// Sentences of one message, and the number of the last event they tell.
struct Batch {
    text: String,
    last: u64,
}

/// As many events in one message as its length allows.
fn batches(events: &[&Event], sentence: impl Fn(&Event) -> String) -> Vec<Batch> {
    let mut all: Vec<Batch> = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let sentence = clipped(&sentence(event), LONGEST - 1);
        match all.last_mut().filter(|batch| n % AT_ONCE != 0 && batch.text.len() + sentence.len() < LONGEST) {
            Some(batch) => {
                batch.text.push('\n');
                batch.text.push_str(&sentence);
                batch.last = event.seq;
            }
            None => all.push(Batch { text: sentence, last: event.seq }),
        }
    }
    all
}

fn is_told(event: &Event) -> bool {
    // What was written to the bot stands in the space already.
    let from_here = event.by.as_ref().is_some_and(|by| by.surface == Surface::Bot);
    event.kind.name().goes_to_space() && !(from_here && matches!(event.kind, EventKind::Noted { .. }))
}

/// Whether somebody belongs to the EOC of the incident's site, and as a moderator.
fn works_at(person: &Person, incident: &Incident) -> Option<bool> {
    let who = Operator {
        id: person.id.clone(),
        name: person.name.clone(),
        surface: Surface::Bot,
        authority: Authority::Roles(person.grants()),
    };
    let may = |right| who.may(right, Some(&incident.site)).is_ok();
    (!person.disabled && may(Right::Lock)).then(|| may(Right::Release))
}

/// By the account that is bound, by what an administrator wrote down, by e-mail.
fn address(person: &Person, org: &str) -> Option<(&'static str, String)> {
    let issuer = super::people::issuer(org);
    let bound = person.identities.iter().find(|identity| identity.issuer == issuer);
    if let Some(identity) = bound {
        return Some(("personId", ids::of("PEOPLE", &identity.subject)));
    }
    let written = person.contact.webex.clone().or_else(|| person.email.clone())?;
    Some(if written.contains('@') { ("personEmail", written) } else { ("personId", written) })
}

/// Did another server verify the same order before? Of all `orders`, those of the same site count.
fn is_echo(event: &Event, orders: &[Event]) -> bool {
    let EventKind::Verified { target, .. } = event.kind else { return false };
    let before = orders.iter().filter(|one| one.site == event.site && one.seq < event.seq).max_by_key(|one| one.seq);
    before.is_some_and(|one| matches!(one.kind, EventKind::Verified { target: same, .. } if same == target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockdown::ids::{ActivationId, SiteId};
    use lockdown::steps::Target;

    fn told(kinds: Vec<EventKind>) -> Vec<Event> {
        let site = SiteId::try_from("north").ok();
        let event = |(seq, kind): (u64, EventKind)| Event {
            seq,
            id: format!("e-{seq}"),
            at: Timestamp::UNIX_EPOCH,
            site: site.clone(),
            by: None,
            kind,
        };
        (1..).zip(kinds).map(event).collect()
    }

    #[test]
    fn what_two_servers_verified_is_told_once_an_order() {
        let activation = ActivationId::try_from("act-20270117-080000-0badcafe").unwrap();
        let lock = EventKind::LockOrdered { activation, reason: None };
        let verified = |target| EventKind::Verified { target, steps: 4, took_ms: 900, written: Some(1) };
        let all = told(vec![
            lock.clone(),
            verified(Target::Locked),
            verified(Target::Locked),
            verified(Target::Normal),
            lock,
            verified(Target::Locked),
        ]);
        let echoes: Vec<u64> = all.iter().filter(|event| is_echo(event, &all)).map(|event| event.seq).collect();
        assert_eq!(echoes, [3]);
    }
}
