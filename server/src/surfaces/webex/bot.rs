//! What the bot does with what it hears: once each, in time, and with the rights of whoever it is.

use super::api::{Action, Message};
use super::codes::Act;
use super::command::{self, Command};
use super::ids::key;
use super::people::Writer;
use super::say::Say;
use super::{Inbound, Webex, WebexError, What, words};
use jiff::{SignedDuration, Timestamp};
use lockdown::call_request::Draft;
use lockdown::ids::SiteId;
use lockdown::operator::Operator;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// What is older is no order any more.
const STALE: SignedDuration = SignedDuration::from_mins(2);

/// Between two tries to fetch what was heard.
const FETCH_AGAIN: Duration = Duration::from_secs(2);

/// Messages and presses that are worked on at the same time.
const AT_ONCE: usize = 32;

/// Where an answer goes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub room: String,
    /// The thread it belongs to.
    pub thread: Option<String>,
}

/// Answers what is heard, several at a time: a slow fetch keeps no lock waiting.
pub(super) async fn answer(webex: Arc<Webex>, mut heard: mpsc::Receiver<Inbound>) {
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
    async fn take(self: &Arc<Self>, heard: &Inbound) -> Result<(), WebexError> {
        let me = key(&self.me().await?.id);
        if heard.actor.as_ref() == Some(&me) {
            return Ok(());
        }
        // What cannot be fetched now is an order all the same, for as long as it is one.
        let until = self.services.clock.now() + STALE;
        let fetched = loop {
            match self.fetch(heard).await {
                Err(WebexError::Away(_) | WebexError::Busy { .. }) if self.services.clock.now() < until => {
                    self.services.clock.sleep(FETCH_AGAIN).await;
                }
                fetched => break fetched?,
            }
        };
        let Some((fetched, writer)) = fetched.filter(|(fetched, _)| key(fetched.person()) != me) else { return Ok(()) };
        // Of strangers nothing is kept.
        let Some(writer) = writer else {
            self.front.counts.strangers.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        };
        // By what is the same in every spelling: it is told again after a new line, and to every server.
        match self
            .services
            .directory
            .consume_once(&format!("webex-heard/{}", key(&heard.id)), self.services.clock.now())
            .await
        {
            Ok(true) => {}
            Ok(false) => {
                self.front.counts.replayed.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
            // Twice is better than never: every order is sealed and good once by itself.
            Err(error) => tracing::warn!(%error, "whether it was heard before is not known"),
        }
        if self.pace.take(&writer.account).is_err() {
            self.front.counts.throttled.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        match fetched {
            Fetched::Message(message) => self.message(writer, message).await,
            Fetched::Action(action) => self.action(writer, action).await,
        }
    }

    /// `None` for what is not to be seen any more.
    async fn fetch(&self, heard: &Inbound) -> Result<Option<(Fetched, Option<Writer>)>, WebexError> {
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
        let sites: Vec<SiteId> = self.services.engine.statuses().into_iter().map(|status| status.id).collect();
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
        // By Webex' clock, which set the time: ours may be ahead of it.
        let age = (self.services.clock.now() + self.client.clock_ahead()).duration_since(created);
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
            (Command::Log { site, direction, number, who: name, why }, Some(who)) => {
                let form = Draft {
                    direction: direction.word().into(),
                    who: name,
                    call_back: number,
                    reason: why,
                    ..Draft::default()
                };
                self.log(who, site.as_ref(), form).await
            }
            (Command::LogHow, Some(_)) => Say::plain(words::LOG_HOW),
            (Command::Requests, Some(who)) => self.listed(who).await,
            (Command::Deed { deed, ticket, text }, Some(who)) => self.deed(who, deed, ticket, text).await,
            (Command::Who, Some(who)) => self.present(who).await,
            (Command::Report, Some(who)) => self.how_it_goes(who).await,
        };
        self.say(place, say).await.map(|_| ())
    }

    pub(super) async fn out_of_date(&self, who: Option<&Operator>, place: &Place) -> Result<(), WebexError> {
        self.front.counts.stale.fetch_add(1, Ordering::Relaxed);
        self.say(place, self.old_news(who)).await.map(|_| ())
    }

    /// With the state as it is, which is what whoever came late needs.
    pub(super) fn old_news(&self, who: Option<&Operator>) -> Say {
        let state = self.state(who).markdown;
        Say::plain(format!("That is out of date: nothing was done.\n\n{state}"))
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
    // As it was written: five names of HTML, and any letter by its number.
    ours.map(|name| quick_xml::escape::unescape(&name).map_or_else(|_| name.clone(), std::borrow::Cow::into_owned))
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surfaces::webex::ids;

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
        assert_eq!(without_mention(&message("O'Neil Lock lock", Some(mention("O&#39;Neil Lock", &me))), &me), "lock");
        assert_eq!(
            without_mention(&message("Ann lock", Some(mention("Ann", &ids::of("PEOPLE", "0000-ann")))), &me),
            "Ann lock"
        );
        assert_eq!(without_mention(&message("lock", None), &me), "lock");
    }
}
