//! Call requests in the space: a card each, a thread each. What the EOC writes there reaches whoever asked, on their
//! own page; what they write stands in the thread.

use super::api::Message;
use super::bot::Place;
use super::ids::key;
use super::people::Writer;
use super::say::{Say, button, card, facts, field, heading, line, safe};
use super::space::{Kept, Trouble};
use super::{Webex, WebexError};
use crate::store::calls::Wanted;
use lockdown::call_request::{CallRequest, Deed, Entry};
use lockdown::incident::Entry as Written;
use lockdown::incident::Incident;
use lockdown::operator::Operator;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Requests of an incident that are looked at.
const LOOKED_AT: usize = 500;

/// The document of the room for requests outside incidents.
const STANDING: &str = "space/standing";

/// A request in the space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Ticket {
    /// The card, which is the head of the thread.
    pub message: String,
    version: u64,
    /// Entries of its story that were told.
    said: usize,
}

impl Webex {
    pub(super) async fn relay_of(&self, incident: &Incident, room: &str, kept: &mut Kept) -> Result<(), Trouble> {
        let wanted = Wanted { incident: Some(incident.id.clone()), limit: LOOKED_AT, ..Wanted::default() };
        let requests = self.services.calls.list_unchecked(&wanted).await?;
        self.relay(&requests, room, kept).await
    }

    /// Requests that belong to no incident, where a room is set for them.
    pub(super) async fn tend_standing_room(&self) -> Result<(), Trouble> {
        let Some(room) = self.settings.room_id.clone() else { return Ok(()) };
        let wanted = Wanted { open_only: true, limit: LOOKED_AT, ..Wanted::default() };
        let mut requests = self.services.calls.list_unchecked(&wanted).await?;
        requests.retain(|request| request.incident.is_none());
        let mut kept = self.kept(STANDING).await?;
        self.relay(&requests, &room, &mut kept).await
    }

    async fn relay(&self, requests: &[CallRequest], room: &str, kept: &mut Kept) -> Result<(), Trouble> {
        for request in requests {
            let known = kept.space.tickets.get(request.id.as_str()).cloned();
            let ticket = match known {
                Some(ticket) if ticket.version == request.version => continue,
                Some(ticket) => {
                    self.tell_ticket(request, room, ticket, kept).await?;
                    continue;
                }
                // What was over before it could be told is in the report.
                None if !request.is_open() => continue,
                None => self.show_ticket(request, room).await?,
            };
            kept.space.tickets.insert(request.id.to_string(), ticket);
            self.keep(kept).await?;
        }
        Ok(())
    }

    async fn show_ticket(&self, request: &CallRequest, room: &str) -> Result<Ticket, WebexError> {
        let message: Message = self.client.post("messages", &ticket_card(request).body(room, None)).await?;
        Ok(Ticket { message: message.id, version: request.version, said: request.story.len() })
    }

    /// What is new in its story, in its thread: whoever did it and wherever, the EOC reads it here.
    async fn tell_ticket(
        &self,
        request: &CallRequest,
        room: &str,
        ticket: Ticket,
        kept: &mut Kept,
    ) -> Result<(), Trouble> {
        let place = Place { room: room.to_owned(), thread: Some(ticket.message.clone()) };
        let mut said = ticket.said;
        for entry in request.story.iter().skip(ticket.said) {
            self.say(&place, Say::plain(told(request, entry))).await?;
            said += 1;
            kept.space.tickets.insert(request.id.to_string(), Ticket { said, ..ticket.clone() });
            self.keep(kept).await?;
        }
        kept.space.tickets.insert(request.id.to_string(), Ticket { said, version: request.version, ..ticket });
        Ok(self.keep(kept).await?)
    }

    /// A button of a ticket's card. The service knows what may be done with it.
    pub(super) async fn pressed_ticket(
        &self,
        who: &Operator,
        place: &Place,
        text: &impl Fn(&str) -> String,
    ) -> Result<(), WebexError> {
        let say = match Deed::of(&text("deed"), text("text"), None) {
            None => Say::plain("This card is out of date: nothing was done."),
            Some(deed) => match self.services.calls.act(who, &text("ticket"), &deed).await {
                // The thread tells it, as everything that is done with the request.
                Ok(_) => return Ok(()),
                Err(error) => Say::plain(format!("No. {error}")),
            },
        };
        self.say(place, say).await.map(|_| ())
    }

    /// What is written in a ticket's thread is for whoever asked; what is written elsewhere in an incident's space
    /// is a note. True where it was one of these.
    pub(super) async fn is_for_a_ticket(
        &self,
        writer: &Writer,
        message: &Message,
        text: &str,
    ) -> Result<bool, WebexError> {
        let (Some(who), false) = (writer.operator.as_ref(), text.is_empty()) else { return Ok(false) };
        let found = match self.incident_of(&message.room_id).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "whose space it is could not be looked up");
                return Ok(false);
            }
        };
        let (incident, tickets) = match found {
            Some((incident, kept)) => (Some(incident), kept.space.tickets),
            None => (None, self.kept(STANDING).await.map(|kept| kept.space.tickets).unwrap_or_default()),
        };
        let parent = message.parent_id.as_deref().map(key);
        let ticket = tickets.into_iter().find(|(_, ticket)| Some(key(&ticket.message)) == parent);
        let place = Place {
            room: message.room_id.clone(),
            thread: message.parent_id.clone().or_else(|| Some(message.id.clone())),
        };
        let say = match (ticket, incident.filter(Incident::is_open)) {
            (Some((request, _)), _) => {
                match self.services.calls.act(who, &request, &Deed::Write { text: text.to_owned() }).await {
                    // The thread repeats what reached whoever asked.
                    Ok(_) => return Ok(true),
                    Err(error) => Say::plain(format!("Not sent. {error}")),
                }
            }
            (None, Some(incident)) => {
                match self.services.incidents.write(who, incident.id.as_str(), Written::Note(text.to_owned())).await {
                    Ok(()) => Say::plain("Noted in the incident’s file. (I know `help`, if you meant a command.)"),
                    Err(error) => Say::plain(format!("Not noted. {error}")),
                }
            }
            (None, None) => return Ok(false),
        };
        self.say(&place, say).await.map(|_| true)
    }
}

fn told(request: &CallRequest, entry: &Entry) -> String {
    let who = entry.by.as_ref().map_or_else(|| safe(&request.who), |by| safe(&by.to_string()));
    match &entry.did {
        Deed::Write { text } => format!("**{who}** ({}): {}", request.ticket(), safe(text)),
        deed => format!("{} {} · {who}", request.ticket(), deed.word().replace('_', " ")),
    }
}

fn ticket_card(request: &CallRequest) -> Say {
    let ticket = request.ticket();
    let call_back = request.call_back.to_string();
    let title = format!("{ticket} · {} · {}", request.priority.word(), request.who);
    let how = "Answers in this thread that mention me reach whoever asked; so does the field above.";
    let body = vec![
        heading(&title),
        facts(&[("Call back", &call_back), ("Wants", &request.reason)]),
        field("text", "Answer, or reason", ""),
        line(how),
    ];
    let press = |name: &str, deed: &str| button(name, &json!({ "do": "ticket", "ticket": request.id, "deed": deed }));
    let actions =
        vec![press("Accept", "approve"), press("Refuse", "refuse"), press("Answer", "write"), press("Close", "close")];
    let markdown = format!(
        "**{ticket}** ({}) {} asks for a call: {}. Call back {}. `approve {n}`, `refuse {n} why`, `answer {n} …`, `close {n} how`",
        request.priority.word(),
        safe(&request.who),
        safe(&request.reason),
        safe(&call_back),
        n = request.number
    );
    Say { markdown, card: Some(card(&body, &actions)) }
}
