//! What the bot does with what it hears: once each, in time, and with the rights of whoever it is.

use super::api::{Action, Message};
use super::command::{self, Command};
use super::ids::key;
use super::people::{Linked, Writer};
use super::say::{Say, clipped, safe};
use super::seal::{Act, GOOD_FOR, Order, Whose, Wrong};
use super::{Heard, Webex, WebexError, What, words};
use crate::config::Release;
use crate::engine::{EngineError, News, SiteStatus};
use crate::incidents::IncidentError;
use crate::store::calls::Wanted;
use app::ApiError;
use app::backend::RequestForm;
use jiff::{SignedDuration, Timestamp};
use lockdown::call_request::{Deed, Priority};
use lockdown::ids::SiteId;
use lockdown::incident::Incident;
use lockdown::operator::{Act as Right, Operator};
use lockdown::standing::Standing;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// What is older is no order any more.
const STALE: SignedDuration = SignedDuration::from_mins(2);

/// How long an order is followed in the space.
const FOLLOWED: SignedDuration = SignedDuration::from_secs(120);

/// Between two edits of one message, and how many there may be: the cloud allows ten.
const BETWEEN_EDITS: Duration = Duration::from_secs(1);
const EDITS: usize = 8;

/// A reason stands on the card, twice. Bytes.
const LONGEST_REASON: usize = 1_000;

/// Between two tries to fetch what was heard.
const FETCH_AGAIN: Duration = Duration::from_secs(2);

/// Messages and presses that are worked on at the same time.
const AT_ONCE: usize = 32;

/// Requests of the queue that are listed.
const LISTED: usize = 25;

/// Where an answer goes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub room: String,
    /// The thread it belongs to.
    pub thread: Option<String>,
}

/// Answers what is heard, several at a time: a slow fetch keeps no lock waiting.
pub(super) async fn answer(webex: Arc<Webex>, mut heard: mpsc::Receiver<Heard>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(heard) = heard.recv().await {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let webex = webex.clone();
        tokio::spawn(async move {
            if let Err(error) = webex.take(&heard).await {
                tracing::warn!(%error, ?heard, "the bot could not answer");
            }
            drop(place);
        });
    }
}

/// What was heard, fetched.
enum Fetched {
    Message(Message),
    Action(Action),
}

impl Fetched {
    fn person(&self) -> &str {
        match self {
            Self::Message(message) => &message.person_id,
            Self::Action(action) => &action.person_id,
        }
    }
}

impl Webex {
    async fn take(self: &Arc<Self>, heard: &Heard) -> Result<(), WebexError> {
        let me = key(&self.me().await?.id);
        if heard.actor.as_ref() == Some(&me) {
            return Ok(());
        }
        // What cannot be fetched now is an order all the same, for as long as it is one.
        let until = self.pages.engine.now() + STALE;
        let fetched = loop {
            match self.fetch(heard).await {
                Err(WebexError::Away(_) | WebexError::Busy { .. }) if self.pages.engine.now() < until => {
                    self.pages.engine.pause(FETCH_AGAIN).await;
                }
                fetched => break fetched?,
            }
        };
        let Some((fetched, writer)) = fetched.filter(|(fetched, _)| key(fetched.person()) != me) else { return Ok(()) };
        // By what is the same in every spelling: it is told again after a new line, and to every server.
        match self.pages.directory.spend(&format!("webex-heard/{}", key(&heard.id)), self.pages.engine.now()).await {
            Ok(true) => {}
            Ok(false) => {
                self.front.counts.replayed.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            // Twice is better than never: every order is sealed and good once by itself.
            Err(error) => tracing::warn!(%error, "whether it was heard before is not known"),
        }
        let Some(writer) = writer else {
            self.front.counts.strangers.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        if self.pace.check_key(&writer.account).is_err() {
            self.front.counts.throttled.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        match fetched {
            Fetched::Message(message) => self.message(writer, message).await,
            Fetched::Action(action) => self.action(writer, action).await,
        }
    }

    /// `None` for what is not to be seen any more.
    async fn fetch(&self, heard: &Heard) -> Result<Option<(Fetched, Option<Writer>)>, WebexError> {
        let id = self.mercury().id_of(heard).await;
        let fetched = match heard.what {
            What::Message => self.client.get(&format!("messages/{id}")).await.map(Fetched::Message),
            What::Action => self.client.get(&format!("attachment/actions/{id}")).await.map(Fetched::Action),
        };
        let fetched = match fetched {
            Err(WebexError::Refused { status: 404, .. }) => return Ok(None),
            fetched => fetched?,
        };
        let writer = self.writer(fetched.person()).await?;
        Ok(Some((fetched, writer)))
    }

    async fn message(self: &Arc<Self>, writer: Writer, message: Message) -> Result<(), WebexError> {
        let thread = message.parent_id.clone().unwrap_or_else(|| message.id.clone());
        let thread = (message.room_type != "direct").then_some(thread);
        let place = Place { thread, room: message.room_id.clone() };
        let text = without_mention(&message, &self.me().await?.id);
        let sites: Vec<SiteId> = self.pages.engine.statuses().into_iter().map(|status| status.id).collect();
        let command = command::read(&text, &sites);
        if let Some(minutes) = self.too_old(message.created) {
            let late = format!("This came {minutes} min late: nothing was done. Write it again if it is still meant.");
            return self.say(&place, Say::plain(late)).await.map(|_| ());
        }
        if command == Command::Unknown && self.is_for_a_ticket(&writer, &message, &text).await? {
            return Ok(());
        }
        self.carry_out(&writer, &place, command).await
    }

    fn too_old(&self, created: Timestamp) -> Option<i64> {
        let age = self.pages.engine.now().duration_since(created);
        (age > STALE).then(|| {
            self.front.counts.stale.fetch_add(1, Ordering::Relaxed);
            age.as_mins()
        })
    }

    pub(super) async fn say(&self, place: &Place, say: Say) -> Result<Message, WebexError> {
        let body = say.body(&place.room, place.thread.as_deref());
        match self.client.post("messages", &body).await {
            // The thread is gone: outside of it is better than not at all.
            Err(WebexError::Refused { status: 400 | 404, .. }) if place.thread.is_some() => {
                self.client.post("messages", &say.body(&place.room, None)).await
            }
            said => said,
        }
    }

    async fn carry_out(self: &Arc<Self>, writer: &Writer, place: &Place, command: Command) -> Result<(), WebexError> {
        let who = writer.operator.as_ref();
        let say = match (command, who) {
            (Command::Help | Command::Unknown, who) => self.help(who),
            (Command::Status, who) => self.state(who),
            (Command::Link { code }, _) => self.linked(writer, &code).await,
            (_, None) => Say::plain(words::UNKNOWN_ACCOUNT),
            (Command::Lock { site, reason }, Some(who)) => {
                self.asked(writer, who, place, Act::Lock, site, reason).await
            }
            (Command::Release { site, reason }, Some(who)) => {
                self.asked(writer, who, place, Act::Release, site, reason).await
            }
            (Command::Drill { site, over }, Some(who)) => self.drill(writer, who, place, site, over).await,
            (Command::Confirm { code, said }, Some(who)) => return self.typed(writer, who, place, &code, said).await,
            (Command::Log { direction, number, who: name, why }, Some(who)) => {
                let form = RequestForm {
                    direction: direction.word().into(),
                    who: name,
                    call_back: number,
                    reason: why,
                    ..RequestForm::default()
                };
                self.log(who, form).await
            }
            (Command::LogHow, Some(_)) => Say::plain(words::LOG_HOW),
            (Command::Requests, Some(who)) => self.listed(who).await,
            (Command::Deed { deed, ticket, text }, Some(who)) => self.deed(who, deed, ticket, text).await,
            (Command::Who, Some(who)) => self.present(who).await,
            (Command::Report, Some(who)) => self.how_it_goes(who).await,
        };
        self.say(place, say).await.map(|_| ())
    }

    async fn linked(&self, writer: &Writer, code: &str) -> Say {
        match self.link(writer, code).await {
            Ok(Linked::To(name)) => {
                Say::plain(format!("You are {} to me from now on. Write `help` to see what you may do.", safe(&name)))
            }
            Ok(Linked::NotGood) => Say::plain(words::LINKED_NOT),
            Ok(Linked::Taken) => Say::plain(words::LINKED_TO_ANOTHER),
            Err(error) => {
                tracing::warn!(%error, "an account could not be linked");
                Say::plain("This cannot be stored now. Try again in a minute.")
            }
        }
    }

    /// The site that is meant: the named one (a drill's too), or the only one in earnest.
    fn site(&self, named: Option<&SiteId>) -> Result<SiteStatus, Say> {
        let mut live = self.pages.engine.live_statuses();
        match named {
            Some(site) => self.pages.engine.status(site).map_err(|error| Say::plain(error.to_string())),
            None if live.len() == 1 => Ok(live.swap_remove(0)),
            None => {
                let ids: Vec<String> = live.iter().map(|status| format!("`{}`", status.id)).collect();
                Err(Say::plain(format!("Which site? Write one of {} after the command.", ids.join(", "))))
            }
        }
    }

    async fn asked(
        &self,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        act: Act,
        site: Option<SiteId>,
        reason: Option<String>,
    ) -> Say {
        match self.site(site.as_ref()) {
            Ok(status) => {
                let reason = reason.map(|reason| clipped(&reason, LONGEST_REASON));
                self.ask_for(writer, who, place, act, &status, reason).await
            }
            Err(say) => say,
        }
    }

    /// Rights first: a refusal is told by the engine, as on every surface. Then the card.
    async fn ask_for(
        &self,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        act: Act,
        status: &SiteStatus,
        reason: Option<String>,
    ) -> Say {
        let right = if act == Act::Lock { Right::Lock } else { Right::Release };
        if who.may(right, Some(&status.id)).is_err() {
            return self.refused(who, act, status, reason).await;
        }
        if act == Act::Release && self.settings.release == Release::Console {
            return Say::plain(format!("The all-clear is given on the console only: {}/console", self.public_url));
        }
        let target = lockdown::step::Target::Locked;
        if (act == Act::Lock) == (status.command.target() == target) {
            let now = self.pages.engine.now();
            return Say::plain(format!("Nothing to do.\n{}", self.standing(status, Some(who), now)));
        }
        let order = Order { act, site: status.id.clone(), version: status.version };
        let room = key(&place.room);
        let (code, slot) =
            self.front.seal.ask(Whose { person: &writer.account, room: &room }, &order, self.pages.engine.now());
        if let Some(reason) = &reason {
            self.remember_reason(&code, reason);
        }
        words::ask(&order, status, &code, slot, reason.as_deref())
    }

    /// A code that is typed brings no reason; the one it was asked with is kept as long as the code is good.
    fn remember_reason(&self, code: &str, reason: &str) {
        let now = self.pages.engine.now();
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.retain(|_, (_, at)| now.duration_since(*at).as_secs() <= 2 * GOOD_FOR);
        reasons.insert(code.to_owned(), (reason.to_owned(), now));
    }

    fn reason_of(&self, code: &str) -> Option<String> {
        let reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.get(code).map(|(reason, _)| reason.clone())
    }

    /// Lets the engine refuse it, so that the timeline has it.
    async fn refused(&self, who: &Operator, act: Act, status: &SiteStatus, reason: Option<String>) -> Say {
        let outcome = match act {
            Act::Lock => self.pages.engine.activate(who, &status.id, reason).await.map(|_| ()),
            Act::Release => {
                let wish = crate::engine::AllClear { reason, seen: Some(status.version), ..Default::default() };
                self.pages.engine.would_release(who, &status.id, &wish).await
            }
        };
        match outcome {
            Err(error) => Say::plain(format!("No. {error}")),
            // Given the right at this very moment.
            Ok(()) => Say::plain("Write it again."),
        }
    }

    async fn drill(&self, writer: &Writer, who: &Operator, place: &Place, site: Option<SiteId>, over: bool) -> Say {
        let practised = match self.site(site.as_ref()) {
            Ok(status) => status,
            Err(say) => return say,
        };
        let drill = self.pages.engine.drill_of(&practised.id).and_then(|id| self.pages.engine.status(&id).ok());
        let drill = if practised.drill { Some(practised.clone()) } else { drill };
        let Some(drill) = drill else {
            return Say::plain(format!(
                "No drill is set up for {}: an engineer adds a site with `drill_of`.",
                safe(&practised.name)
            ));
        };
        self.ask_for(writer, who, place, if over { Act::Release } else { Act::Lock }, &drill, None).await
    }

    /// A code that was typed: everything a card can do.
    async fn typed(
        self: &Arc<Self>,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        code: &str,
        said: Option<String>,
    ) -> Result<(), WebexError> {
        let statuses = self.pages.engine.statuses();
        let both = |status: &SiteStatus| {
            [Act::Lock, Act::Release].map(|act| Order { act, site: status.id.clone(), version: status.version })
        };
        let orders: Vec<Order> = statuses.iter().flat_map(both).collect();
        let room = key(&place.room);
        let whose = Whose { person: &writer.account, room: &room };
        match self.front.seal.find(whose, &orders, code, self.pages.engine.now()) {
            Some((order, slot)) => {
                let kept = self.reason_of(code);
                let (typed, reason) = match order.act {
                    Act::Release => (said.unwrap_or_default(), kept),
                    Act::Lock => (String::new(), said.or(kept)),
                };
                self.confirmed(who, place, order.clone(), &format!("{code}/{slot}"), typed, reason).await
            }
            None => self.out_of_date(Some(who), place).await,
        }
    }

    async fn out_of_date(&self, who: Option<&Operator>, place: &Place) -> Result<(), WebexError> {
        self.front.counts.stale.fetch_add(1, Ordering::Relaxed);
        let state = self.state(who).markdown;
        self.say(place, Say::plain(format!("That is out of date: nothing was done.\n\n{state}"))).await.map(|_| ())
    }

    /// A card that was pressed, by anybody in the space and with anything in it.
    async fn action(self: &Arc<Self>, writer: Writer, action: Action) -> Result<(), WebexError> {
        let thread = self.thread_of(&action.message_id).await;
        let place = Place { room: action.room_id.clone(), thread };
        if let Some(minutes) = self.too_old(action.created) {
            return self
                .say(&place, Say::plain(format!("This press came {minutes} min late: nothing was done.")))
                .await
                .map(|_| ());
        }
        let Some(who) = writer.operator.as_ref() else {
            return self.say(&place, Say::plain(words::UNKNOWN_ACCOUNT)).await.map(|_| ());
        };
        let text = |name: &str| match &action.inputs[name] {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        };
        match text("do").as_str() {
            "confirm" => self.pressed(&writer, who, &place, &text).await,
            "cancel" => self.say(&place, Say::plain("Nothing was done.")).await.map(|_| ()),
            "ticket" => self.pressed_ticket(who, &place, &text).await,
            _ => self.out_of_date(Some(who), &place).await,
        }
    }

    /// Answers to a card in a thread belong into that thread.
    async fn thread_of(&self, message: &str) -> Option<String> {
        let card: Message = self.client.get(&format!("messages/{message}")).await.ok()?;
        (card.room_type != "direct").then(|| card.parent_id.unwrap_or(card.id))
    }

    async fn pressed(
        self: &Arc<Self>,
        writer: &Writer,
        who: &Operator,
        place: &Place,
        text: &impl Fn(&str) -> String,
    ) -> Result<(), WebexError> {
        let order = (|| {
            Some(Order {
                act: Act::from_word(&text("act"))?,
                site: SiteId::try_from(text("site")).ok()?,
                version: text("version").parse().ok()?,
            })
        })();
        let (Some(order), Ok(slot)) = (order, text("slot").parse::<i64>()) else {
            self.front.counts.forged.fetch_add(1, Ordering::Relaxed);
            return self.out_of_date(Some(who), place).await;
        };
        let (code, room) = (text("code"), key(&place.room));
        match self.front.seal.check(
            Whose { person: &writer.account, room: &room },
            &order,
            slot,
            &code,
            self.pages.engine.now(),
        ) {
            Ok(()) => {
                let reason = Some(text("reason")).filter(|reason| !reason.is_empty());
                self.confirmed(who, place, order, &format!("{code}/{slot}"), text("typed"), reason).await
            }
            Err(Wrong::Expired) => self.out_of_date(Some(who), place).await,
            Err(Wrong::NotYours) => {
                self.front.counts.forged.fetch_add(1, Ordering::Relaxed);
                self.say(
                    place,
                    Say::plain("This card was made for somebody else: nothing was done. Write the command yourself."),
                )
                .await
                .map(|_| ())
            }
        }
    }

    /// Once, whether it was pressed or typed.
    async fn confirmed(
        self: &Arc<Self>,
        who: &Operator,
        place: &Place,
        order: Order,
        once: &str,
        typed: String,
        reason: Option<String>,
    ) -> Result<(), WebexError> {
        // A wrong name uses nothing up: it is to be typed again.
        let status = match self.pages.engine.status(&order.site) {
            Ok(status) => status,
            Err(error) => return self.say(place, Say::plain(error.to_string())).await.map(|_| ()),
        };
        if order.act == Act::Release && typed.trim().to_lowercase() != status.name.to_lowercase() {
            return self
                .say(
                    place,
                    Say::plain(format!(
                        "Type the site’s name, {}, to give the all-clear. Nothing was done.",
                        safe(&status.name)
                    )),
                )
                .await
                .map(|_| ());
        }
        match self.pages.directory.spend(&format!("webex-once/{once}"), self.pages.engine.now()).await {
            Ok(false) => {
                self.front.counts.replayed.fetch_add(1, Ordering::Relaxed);
                return self.out_of_date(Some(who), place).await;
            }
            Ok(true) => {}
            // Nothing may delay the lock, and ordering it twice is ordering it once.
            Err(_) if order.act == Act::Lock => {}
            Err(error) => {
                tracing::warn!(%error, "whether a confirmation was used is not known");
                return self
                    .say(place, Say::plain("This cannot be checked now: nothing was done. Use the console."))
                    .await
                    .map(|_| ());
            }
        }
        let done = match order.act {
            Act::Lock => self.pages.engine.activate(who, &order.site, reason).await.map(|_| ()).map_err(told_by_engine),
            Act::Release => {
                self.pages.release_by_bot(who, order.site.clone(), &typed, order.version, reason).await.map_err(
                    |error| match error {
                        ApiError::PasskeyNeeded | ApiError::NoPasskey | ApiError::SignInFirst => {
                            format!("A passkey must confirm it. Give it on the console: {}/console", self.public_url)
                        }
                        error => error.to_string(),
                    },
                )
            }
        };
        match done {
            Ok(()) => {
                let (webex, who, place) = (self.clone(), who.clone(), place.clone());
                tokio::spawn(async move {
                    if let Err(error) = webex.follow(&who, &place, &order).await {
                        tracing::warn!(%error, "how an order goes could not be told");
                    }
                });
                Ok(())
            }
            Err(why) => self.say(place, Say::plain(format!("No. {why}"))).await.map(|_| ()),
        }
    }

    /// Says at once that it is under way, and tells in the same message how it goes, to the verified end.
    async fn follow(&self, who: &Operator, place: &Place, order: &Order) -> Result<(), WebexError> {
        let engine = &self.pages.engine;
        let (mut news, begun) = (engine.subscribe(), engine.now());
        let Ok(mut status) = engine.status(&order.site) else { return Ok(()) };
        if let Some(asked) = status.command.asked(begun).filter(|_| order.act == Act::Release) {
            let until = self.pages.sites.moment(Some(&order.site), asked.until(), begun).clock;
            let text = app::words::asked(&safe(&asked.by.name), &until);
            return self.say(place, Say::plain(format!("{text} It is locked until then."))).await.map(|_| ());
        }
        let mut shown = self.standing(&status, Some(who), begun);
        let mut message = self.say(place, Say::plain(shown.clone())).await?;
        let mut edits = 0;
        while !is_over(&status, engine.now()) && engine.now().duration_since(begun) < FOLLOWED {
            tokio::select! {
                told = news.recv() => {
                    if !matches!(&told, Ok(News::Site(status)) if status.id == order.site) && told.is_ok() {
                        continue;
                    }
                }
                () = engine.pause(Duration::from_secs(10)) => {}
            }
            engine.pause(BETWEEN_EDITS).await;
            while news.try_recv().is_ok() {}
            status = engine.status(&order.site).unwrap_or(status);
            let now = self.standing(&status, Some(who), engine.now());
            if now == shown || (edits >= EDITS && !is_over(&status, engine.now())) {
                continue;
            }
            edits += 1;
            message = self.change(place, message, &now, edits).await?;
            shown = now;
        }
        let took = status.command.verified_at().map(|at| at.duration_since(status.command.since()).as_millis());
        let end = match took {
            Some(ms) if is_over(&status, engine.now()) => {
                format!("{shown}\nDone after {}.{} s.", ms / 1000, ms % 1000 / 100)
            }
            _ => format!("{shown}\nI stop reporting here; it goes on by itself. Ask me for `status`."),
        };
        self.change(place, message, &end, edits + 1).await.map(|_| ())
    }

    /// In place; where that is refused, anew.
    async fn change(&self, place: &Place, message: Message, text: &str, edits: usize) -> Result<Message, WebexError> {
        let say = Say::plain(text);
        if edits <= EDITS + 1 {
            match self.client.put(&format!("messages/{}", message.id), &say.body(&place.room, None)).await {
                Err(WebexError::Refused { .. }) => {}
                changed => return changed,
            }
        }
        self.say(place, say).await
    }

    async fn log(&self, who: &Operator, form: RequestForm) -> Say {
        let open = self.pages.incidents.all().await.unwrap_or_default();
        let open: Vec<SiteId> = open.into_iter().filter(Incident::is_open).map(|one| one.site).collect();
        let mut sites = self.pages.engine.live_statuses();
        sites.retain(|status| who.may(Right::TakeCalls, Some(&status.id)).is_ok());
        // Where something is going on.
        sites.sort_by_key(|status| !open.contains(&status.id));
        let site = sites.into_iter().next();
        let Some(site) = site else { return Say::plain(format!("No. {}", lockdown::operator::Refusal::NeedsEoc)) };
        let form = RequestForm {
            site: site.id.to_string(),
            priority: Priority::Normal.word().into(),
            form: crate::identity::token::random_text(),
            ..form
        };
        match self.pages.calls.take_down(&form, who).await {
            Ok(filed) => Say::plain(format!(
                "**{}** filed: {} {}, {}. `claim {}` to work on it.",
                filed.ticket(),
                safe(&filed.who),
                filed.call_back,
                safe(&filed.reason),
                filed.number
            )),
            Err(error) => Say::plain(format!("Not filed. {error}")),
        }
    }

    async fn listed(&self, who: &Operator) -> Say {
        let wanted = Wanted { open_only: true, limit: LISTED, ..Wanted::default() };
        match self.pages.calls.list(who, wanted).await {
            Ok(open) => words::queue(&open, self.pages.engine.now()),
            Err(error) => Say::plain(error.to_string()),
        }
    }

    async fn deed(&self, who: &Operator, word: &str, ticket: u64, text: String) -> Say {
        let wanted = Wanted {
            text: Some(lockdown::call_request::ticket(ticket).to_lowercase()),
            limit: LISTED,
            ..Wanted::default()
        };
        let found = match self.pages.calls.list(who, wanted).await {
            Ok(found) => found.into_iter().find(|request| request.number == ticket),
            Err(error) => return Say::plain(format!("No. {error}")),
        };
        let (Some(found), Some(deed)) = (found, Deed::of(word, text, None)) else {
            return Say::plain(format!("There is no {}.", lockdown::call_request::ticket(ticket)));
        };
        match self.pages.calls.act(who, found.id.as_str(), &deed).await {
            Ok(done) => Say::plain(format!(
                "**{}** {}: {}",
                done.ticket(),
                done.word(self.pages.engine.now()).replace('_', " "),
                safe(&done.who)
            )),
            Err(error) => Say::plain(format!("No. {error}")),
        }
    }

    async fn present(&self, who: &Operator) -> Say {
        if let Err(refusal) = who.may(Right::Work, None) {
            return Say::plain(format!("No. {refusal}"));
        }
        let incidents = match self.pages.incidents.all().await {
            Ok(all) => all,
            Err(error) => return Say::plain(error.to_string()),
        };
        let open: Vec<String> = incidents
            .iter()
            .filter(|one| one.is_open() && who.may(Right::Work, Some(&one.site)).is_ok())
            .map(|one| {
                let commander = one.commander.as_ref().map_or_else(
                    || "nobody has taken command".to_owned(),
                    |who| format!("command: {}", safe(&who.name)),
                );
                let present: Vec<String> = one.present.iter().map(|who| safe(&who.name)).collect();
                format!(
                    "**{}**: {commander}; present: {}",
                    one.site,
                    if present.is_empty() { "nobody said so yet".to_owned() } else { present.join(", ") }
                )
            })
            .collect();
        Say::plain(if open.is_empty() { "No incident is open.".to_owned() } else { open.join("\n") })
    }

    async fn how_it_goes(&self, who: &Operator) -> Say {
        let all = match self.pages.incidents.all().await {
            Ok(all) => all,
            Err(error) => return Say::plain(error.to_string()),
        };
        let mut theirs: Vec<_> = all.into_iter().filter(|one| who.may(Right::Work, Some(&one.site)).is_ok()).collect();
        // What is open in earnest comes before a drill that began later.
        theirs.sort_by_key(|one| (one.is_open() && !one.is_drill(), one.opened_at));
        let Some(last) = theirs.pop() else {
            return Say::plain(match who.may(Right::Work, None) {
                Ok(()) => "There was no incident yet.".to_owned(),
                Err(refusal) => format!("No. {refusal}"),
            });
        };
        match self.pages.incidents.file(who, last.id.as_str()).await {
            Ok(file) => {
                let report = file.report(self.pages.engine.now());
                let name = last.name.clone().unwrap_or_else(|| last.id.to_string());
                words::report(&report, &name, &format!("{}/incidents/{}", self.public_url, last.id))
            }
            Err(IncidentError::Store(error)) => Say::plain(error.to_string()),
            Err(error) => Say::plain(error.to_string()),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what an error is mapped by")]
fn told_by_engine(error: EngineError) -> String {
    error.to_string()
}

/// Carried out and seen so, or something a person must look at.
fn is_over(status: &SiteStatus, now: Timestamp) -> bool {
    status.command.is_settled()
        && matches!(status.standing(now), Standing::Locked | Standing::Normal | Standing::Drifted { .. })
}

/// The text without our own name: mentions carry whatever name somebody gave us.
fn without_mention(message: &Message, me: &str) -> String {
    let text = message.text.clone().unwrap_or_default();
    let name = message.html.as_deref().and_then(|html| mention_of(html, me));
    match name.filter(|name| !name.is_empty()) {
        Some(name) => text.replacen(&name, "", 1).trim().to_owned(),
        None => text.trim().to_owned(),
    }
}

/// The words of the first mention of `me`.
fn mention_of(html: &str, me: &str) -> Option<String> {
    let mentions = html.split("<spark-mention").skip(1);
    let ours = mentions.filter_map(|mention| {
        let (head, rest) = mention.split_once('>')?;
        let target = head.split("data-object-id=\"").nth(1)?.split('"').next()?;
        (key(target) == key(me)).then(|| rest.split("</spark-mention>").next().unwrap_or_default().to_owned())
    });
    ours.map(|name| name.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webex::ids;

    #[test]
    fn the_bots_name_is_taken_out_wherever_it_stands_and_however_it_is_written() {
        let me = ids::of("PEOPLE", "0000-me");
        let message = |text: &str, html: Option<String>| Message {
            id: "m".into(),
            room_id: "r".into(),
            room_type: "group".into(),
            parent_id: None,
            person_id: "p".into(),
            text: Some(text.into()),
            html,
            created: Timestamp::UNIX_EPOCH,
        };
        let mention = |name: &str, id: &str| {
            format!(
                "<p><spark-mention data-object-type=\"person\" data-object-id=\"{id}\">{name}</spark-mention> lock</p>"
            )
        };
        assert_eq!(
            without_mention(&message("Lock Bot & Co lock", Some(mention("Lock Bot &amp; Co", &me))), &me),
            "lock"
        );
        assert_eq!(
            without_mention(&message("Ann lock", Some(mention("Ann", &ids::of("PEOPLE", "0000-ann")))), &me),
            "Ann lock"
        );
        assert_eq!(without_mention(&message("lock", None), &me), "lock");
    }
}
