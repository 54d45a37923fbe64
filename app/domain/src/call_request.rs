//! Somebody asks the EOC to place a call, or to pass one on: from the asking to the end of it.

use crate::ids::{IncidentId, RequestId, SiteId};
use crate::operator::{Act, Actor, Operator, Refusal};
use crate::text::{digits, folded, is_invisible, numbers_in};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Names, numbers and short answers are cut to so many characters; reasons and messages to [`LONGEST_TEXT`].
pub const LONGEST_LINE: usize = 120;
pub const LONGEST_TEXT: usize = 1_000;

/// One ticket has so many entries at most: enough for a day's conversation, too few to fill a disk.
pub const MOST_ENTRIES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Somebody on site asks to call out.
    Outbound,
    /// Somebody outside reached the EOC and wants someone on site.
    Inbound,
}

/// The most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Life, health or safety.
    Urgent,
    Normal,
    /// Can wait until the all-clear.
    Low,
}

impl Priority {
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Low];

    pub fn word(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.word() == word)
    }
}

impl Direction {
    pub fn word(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Outbound, Self::Inbound].into_iter().find(|direction| direction.word() == word)
    }
}

/// A telephone number, as it was typed and, where it is one that can be dialled from anywhere, in E.164.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Phone {
    pub typed: String,
    pub e164: Option<String>,
    /// Dialled once the call is answered. Digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// Where it is no number for everywhere, and a telephone has no keys for what was typed: what is dialled of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub main: Option<String>,
}

impl Phone {
    /// What somebody wrote, where nothing of it was understood.
    pub fn unread(typed: String) -> Self {
        Self { typed, e164: None, extension: None, main: None }
    }

    /// What is dialled: as it was understood, else as it was typed.
    pub fn dialled(&self) -> String {
        match (&self.e164, &self.extension) {
            (Some(number), Some(extension)) => format!("{number} ext. {extension}"),
            (Some(number), None) => number.clone(),
            (None, _) => self.main.as_ref().unwrap_or(&self.typed).clone(),
        }
    }

    /// Alike for two that reach the same person, however they are written.
    pub fn key(&self) -> String {
        let number = self.e164.clone().unwrap_or_else(|| main_digits(self.main.as_ref().unwrap_or(&self.typed)));
        match &self.extension {
            Some(extension) => format!("{number};{extension}"),
            None => number,
        }
    }
}

/// For whoever dials: what was understood, and beside it what was typed, so that a misunderstanding is seen.
impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dialled = self.dialled();
        f.write_str(&dialled)?;
        if dialled == self.typed { Ok(()) } else { write!(f, " (typed {})", self.typed) }
    }
}

/// How far it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Stage {
    New,
    /// The EOC will place the call; `note` says how far the permission goes ("line 4711, 20 minutes").
    Approved {
        note: Option<String>,
    },
    Refused {
        reason: String,
    },
    Connected,
    NoAnswer,
    CallBackAt {
        at: Timestamp,
    },
    Closed {
        disposition: String,
    },
}

impl Stage {
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Approved { .. } => "approved",
            Self::Refused { .. } => "refused",
            Self::Connected => "connected",
            Self::NoAnswer => "no_answer",
            Self::CallBackAt { .. } => "call_back",
            Self::Closed { .. } => "closed",
        }
    }
}

/// Who works on it, until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub by: Actor,
    pub until: Timestamp,
}

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "deed")]
pub enum Deed {
    Claim,
    GiveBack,
    Approve {
        note: Option<String>,
    },
    Refuse {
        reason: String,
    },
    Connected,
    NoAnswer,
    CallBackAt {
        at: Timestamp,
    },
    Close {
        disposition: String,
    },
    /// A message to whoever asked.
    Write {
        text: String,
    },
}

impl Deed {
    /// The deed a form or a program names; `None` for no word of ours, and for a call-back without a time.
    pub fn of(word: &str, text: String, at: Option<Timestamp>) -> Option<Self> {
        Some(match word {
            "claim" => Self::Claim,
            "give_back" => Self::GiveBack,
            "approve" => Self::Approve { note: Some(text) },
            "refuse" => Self::Refuse { reason: text },
            "connected" => Self::Connected,
            "no_answer" => Self::NoAnswer,
            "call_back" => Self::CallBackAt { at: at? },
            "close" => Self::Close { disposition: text },
            "write" => Self::Write { text },
            _ => return None,
        })
    }

    /// The word in the timeline and in REST.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Claim => "claimed",
            Self::GiveBack => "given_back",
            Self::Approve { .. } => "approved",
            Self::Refuse { .. } => "refused",
            Self::Connected => "connected",
            Self::NoAnswer => "no_answer",
            Self::CallBackAt { .. } => "call_back",
            Self::Close { .. } => "closed",
            Self::Write { .. } => "wrote",
        }
    }
}

/// One line of a ticket's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    /// `None`: whoever asked.
    pub by: Option<Actor>,
    pub did: Deed,
}

/// A call request as somebody typed it, on whichever surface. Nothing of it is trusted.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub site: String,
    pub direction: String,
    pub who: String,
    pub call_back: String,
    pub reason: String,
    pub priority: String,
    /// The number that was dialled or that called, where it is known.
    pub other: String,
    /// What the telephone system calls the call.
    pub reference: String,
    /// Made for this one form; whoever has it may follow the request.
    pub form: String,
}

/// The same, understood. Everything else is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub direction: Direction,
    pub who: String,
    pub call_back: Phone,
    /// Whom, and why.
    pub reason: String,
    pub priority: Priority,
    /// The number that was dialled, or that called, where it is known.
    pub other: Option<Phone>,
    /// What the telephone system calls the call it is about: kept as it came, to find the call by.
    pub reference: Option<String>,
}

/// A call request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRequest {
    pub id: RequestId,
    /// Counts its changes; what is stored goes over the version before.
    pub version: u64,
    /// What people call it by: `R-104`.
    pub number: u64,
    pub site: SiteId,
    /// The lock it was filed under.
    pub incident: Option<IncidentId>,
    pub filed_at: Timestamp,
    /// Who took it down or, signed in, filed it; `None` for somebody without an account.
    pub filed_by: Option<Actor>,
    pub direction: Direction,
    pub who: String,
    pub call_back: Phone,
    pub reason: String,
    pub priority: Priority,
    #[serde(default)]
    pub other: Option<Phone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub stage: Stage,
    #[serde(default)]
    pub claim: Option<Claim>,
    pub story: Vec<Entry>,
    /// Digest of the secret that came with its form: sent twice, it is filed once; and whoever has the secret
    /// may follow it.
    pub form: String,
}

/// Why nothing was done. The text is for whoever tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotDo {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("{} works on it. Ask them to give it back, or wait until their claim ends.", .by.name)]
    HeldBy { by: Actor, until: Timestamp },
    #[error("It is closed. File a new one.")]
    Closed,
    #[error("{0}")]
    Missing(&'static str),
    #[error("This ticket is full. Call the EOC.")]
    TooLong,
}

impl CallRequest {
    /// `R-104`.
    pub fn ticket(&self) -> String {
        ticket(self.number)
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Closed { .. })
    }

    /// Who holds it now.
    pub fn holder(&self, now: Timestamp) -> Option<&Claim> {
        self.claim.as_ref().filter(|claim| now < claim.until)
    }

    /// Every word of [`CallRequest::word`].
    pub const WORDS: [&str; 8] =
        ["new", "claimed", "approved", "refused", "connected", "no_answer", "call_back", "closed"];

    /// The word of the state: a new one that somebody works on is `claimed`.
    pub fn word(&self, now: Timestamp) -> &'static str {
        match (&self.stage, self.holder(now)) {
            (Stage::New, Some(_)) => "claimed",
            (stage, _) => stage.word(),
        }
    }

    /// What comes of a deed of the EOC's. Whoever does something with a request holds it from then on.
    ///
    /// # Errors
    /// [`CannotDo`]: nothing changed.
    pub fn done(&self, by: &Operator, deed: Deed, at: Timestamp, hold: SignedDuration) -> Result<Self, CannotDo> {
        by.may(Act::TakeCalls, Some(&self.site))?;
        if !self.is_open() {
            return Err(CannotDo::Closed);
        }
        if let Some(claim) = self.holder(at).filter(|claim| claim.by.id != by.id) {
            return Err(CannotDo::HeldBy { by: claim.by.clone(), until: claim.until });
        }
        let deed = filled(deed)?;
        let (stage, keeps) = match &deed {
            Deed::Claim | Deed::Write { .. } => (self.stage.clone(), true),
            Deed::GiveBack => (self.stage.clone(), false),
            Deed::Approve { note } => (Stage::Approved { note: note.clone() }, true),
            Deed::Refuse { reason } => (Stage::Refused { reason: reason.clone() }, true),
            Deed::Connected => (Stage::Connected, true),
            Deed::NoAnswer => (Stage::NoAnswer, true),
            // Nobody waits for it until then.
            Deed::CallBackAt { at } => (Stage::CallBackAt { at: *at }, false),
            Deed::Close { disposition } => (Stage::Closed { disposition: disposition.clone() }, false),
        };
        let claim = keeps.then(|| Claim { by: by.actor(), until: at + hold });
        self.with(Entry { at, by: Some(by.actor()), did: deed }, stage, claim)
    }

    /// Whoever asked writes to the EOC.
    ///
    /// # Errors
    /// [`CannotDo`]: nothing changed.
    pub fn answered(&self, text: String, at: Timestamp) -> Result<Self, CannotDo> {
        if !self.is_open() {
            return Err(CannotDo::Closed);
        }
        let did = filled(Deed::Write { text })?;
        self.with(Entry { at, by: None, did }, self.stage.clone(), self.claim.clone())
    }

    fn with(&self, entry: Entry, stage: Stage, claim: Option<Claim>) -> Result<Self, CannotDo> {
        let closes = matches!(stage, Stage::Closed { .. });
        if self.story.len() >= MOST_ENTRIES && !closes {
            return Err(CannotDo::TooLong);
        }
        let story = self.story.iter().cloned().chain([entry]).collect();
        Ok(Self { version: self.version + 1, stage, claim, story, ..self.clone() })
    }

    /// Do both ask for the same? By who is to be called back.
    pub fn is_like(&self, other: &Self) -> bool {
        self.id != other.id
            && self.site == other.site
            && self.direction == other.direction
            && self.number_key() == other.number_key()
    }

    /// Whom to call back, however it was written: for stores to find others by.
    pub fn number_key(&self) -> String {
        self.call_back.key()
    }

    /// Ticket, who, numbers, reason: for stores to search in for any of what [`crate::text::sought`] makes of a question.
    pub fn haystack(&self) -> String {
        let numbers = [Some(&self.call_back), self.other.as_ref()].into_iter().flatten();
        let numbers: Vec<String> = numbers
            .flat_map(|phone| {
                let read = phone.e164.as_ref().or(phone.main.as_ref()).map_or("", String::as_str);
                [phone.typed.clone(), digits(&phone.typed), digits(read)]
            })
            .chain(numbers_in(&self.reason))
            .collect();
        folded(&format!("{} {} {} {}", self.ticket(), self.who, numbers.join(" "), self.reason))
    }
}

pub fn ticket(number: u64) -> String {
    format!("R-{number}")
}

/// What is dialled of a number that was not understood, without what people write between its digits.
fn main_digits(typed: &str) -> String {
    typed.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '+').collect()
}

/// Cut to size; what must be said is said.
fn filled(deed: Deed) -> Result<Deed, CannotDo> {
    Ok(match deed {
        Deed::Approve { note } => Deed::Approve { note: note.and_then(|note| line(&note)) },
        Deed::Refuse { reason } => Deed::Refuse { reason: needed(text(&reason), "Say why it is refused.")? },
        Deed::Close { disposition } => Deed::Close { disposition: needed(text(&disposition), "Say how it ended.")? },
        Deed::Write { text: said } => Deed::Write { text: needed(text(&said), "Write something first.")? },
        other => other,
    })
}

fn needed(text: Option<String>, missing: &'static str) -> Result<String, CannotDo> {
    text.ok_or(CannotDo::Missing(missing))
}

/// One line of at most [`LONGEST_LINE`] characters; `None` where nothing is left of it.
pub fn line(text: &str) -> Option<String> {
    let plain = text.chars().filter(|letter| !is_invisible(*letter));
    let plain: String = plain.map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    cut(&plain, LONGEST_LINE)
}

/// A text of at most [`LONGEST_TEXT`] characters; line breaks stay.
pub fn text(text: &str) -> Option<String> {
    let shown = |letter: &char| *letter == '\n' || !(letter.is_control() || is_invisible(*letter));
    let plain: String = text.chars().filter(shown).collect();
    cut(&plain, LONGEST_TEXT)
}

fn cut(text: &str, most: usize) -> Option<String> {
    let text: String = text.trim().chars().take(most).collect();
    Some(text.trim_end().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::OperatorId;
    use crate::operator::{Authority, Role, Surface};

    const HOLD: SignedDuration = SignedDuration::from_mins(15);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn who(id: &str, roles: &[Role]) -> Operator {
        Operator {
            id: OperatorId::try_from(id).unwrap(),
            name: id.to_uppercase(),
            surface: Surface::Web,
            authority: Authority::Roles(roles.iter().copied().into()),
        }
    }

    fn eoc(id: &str) -> Operator {
        who(id, &[Role::Eoc])
    }

    fn request() -> CallRequest {
        CallRequest {
            id: RequestId::try_from("req-1").unwrap(),
            version: 1,
            number: 104,
            site: SiteId::try_from("north").unwrap(),
            incident: None,
            filed_at: at(0),
            filed_by: None,
            direction: Direction::Outbound,
            who: "Ann Resident".into(),
            call_back: Phone::unread("47 11".into()),
            reason: "My mother in hospital".into(),
            priority: Priority::Urgent,
            other: None,
            reference: None,
            stage: Stage::New,
            claim: None,
            story: vec![],
            form: "f-1".into(),
        }
    }

    #[test]
    fn a_request_goes_from_new_to_closed_and_every_step_is_told() {
        let mut now = request();
        let steps = [
            (Deed::Claim, "claimed"),
            (Deed::Approve { note: Some("line 4711, 20 minutes".into()) }, "approved"),
            (Deed::Write { text: "We call you now".into() }, "approved"),
            (Deed::NoAnswer, "no_answer"),
            (Deed::CallBackAt { at: at(3600) }, "call_back"),
            (Deed::Connected, "connected"),
            (Deed::Close { disposition: "talked for 5 minutes".into() }, "closed"),
        ];
        for (count, (deed, word)) in steps.into_iter().enumerate() {
            now = now.done(&eoc("a"), deed, at(10), HOLD).unwrap();
            assert_eq!((now.word(at(11)), now.story.len(), now.version), (word, count + 1, count as u64 + 2));
        }
        assert_eq!(now.done(&eoc("a"), Deed::Claim, at(12), HOLD), Err(CannotDo::Closed));
        assert_eq!(now.answered("Thanks".into(), at(12)), Err(CannotDo::Closed));
    }

    #[test]
    fn two_people_never_hold_one_request_and_a_claim_ends() {
        let held = request().done(&eoc("a"), Deed::Claim, at(0), HOLD).unwrap();
        let refused = held.done(&eoc("b"), Deed::Claim, at(899), HOLD);
        assert!(matches!(refused, Err(CannotDo::HeldBy { ref by, .. }) if by.name == "A"), "{refused:?}");
        assert!(held.done(&eoc("b"), Deed::Connected, at(899), HOLD).is_err());
        assert_eq!(held.word(at(900)), "new", "the claim is over");
        assert!(held.done(&eoc("b"), Deed::Claim, at(900), HOLD).is_ok());
        let back = held.done(&eoc("a"), Deed::GiveBack, at(5), HOLD).unwrap();
        assert!(back.done(&eoc("b"), Deed::Claim, at(6), HOLD).is_ok());
    }

    #[test]
    fn only_the_eoc_works_on_requests() {
        for stranger in [who("x", &[]), who("x", &[Role::Admin])] {
            let refused = request().done(&stranger, Deed::Claim, at(0), HOLD);
            assert_eq!(refused, Err(CannotDo::Refused(Refusal::NeedsEoc)));
        }
        assert!(request().done(&who("s", &[Role::SeniorEoc]), Deed::Claim, at(0), HOLD).is_ok());
    }

    #[test]
    fn what_must_be_said_is_said_and_cut_to_size() {
        for empty in [
            Deed::Refuse { reason: "  ".into() },
            Deed::Close { disposition: String::new() },
            Deed::Write { text: "\n\u{7}".into() },
        ] {
            assert!(matches!(request().done(&eoc("a"), empty, at(0), HOLD), Err(CannotDo::Missing(_))));
        }
        let long = Deed::Refuse { reason: "ö".repeat(10_000) };
        let refused = request().done(&eoc("a"), long, at(0), HOLD).unwrap();
        assert!(matches!(refused.stage, Stage::Refused { reason } if reason.chars().count() == LONGEST_TEXT));
        assert_eq!(line(" a\tb\r\nc "), Some("a b  c".into()));
    }

    #[test]
    fn a_ticket_takes_so_many_messages_and_can_be_closed_all_the_same() {
        let mut full = request();
        for _ in 0..MOST_ENTRIES {
            full = full.answered("still there?".into(), at(1)).unwrap();
        }
        assert_eq!(full.answered("one more".into(), at(2)), Err(CannotDo::TooLong));
        let close = Deed::Close { disposition: "abuse".into() };
        assert!(full.done(&eoc("a"), close, at(3), HOLD).is_ok());
    }

    #[test]
    fn the_same_call_back_number_is_a_duplicate_however_it_is_written() {
        let first = request();
        let id = RequestId::try_from("req-2").unwrap();
        let again = CallRequest { id, call_back: Phone::unread("4711".into()), ..first.clone() };
        assert!(first.is_like(&again) && !first.is_like(&first));
        let inbound = CallRequest { direction: Direction::Inbound, ..again };
        assert!(!first.is_like(&inbound));
    }

    #[test]
    fn two_extensions_of_one_number_are_two_people_and_both_are_shown() {
        let of = |extension: &str| Phone {
            typed: format!("780-555-0199 ext. {extension}"),
            e164: Some("+17805550199".into()),
            extension: Some(extension.into()),
            main: None,
        };
        assert_eq!(of("12").to_string(), "+17805550199 ext. 12 (typed 780-555-0199 ext. 12)");
        let first = CallRequest { call_back: of("12"), ..request() };
        let id = RequestId::try_from("req-2").unwrap();
        let second = CallRequest { id, call_back: of("13"), ..first.clone() };
        assert!(!first.is_like(&second));
        assert!(first.is_like(&CallRequest { call_back: of("12"), ..second }));
    }

    #[test]
    fn a_name_never_turns_what_stands_beside_it_around() {
        assert_eq!(line("Ann \u{202e}"), Some("Ann".into()));
        assert_eq!(text("a\u{2066}b\nc\u{200b}"), Some("ab\nc".into()));
        assert_eq!(line("\u{200b}\u{202e}"), None);
    }

    fn finds(filed: &CallRequest, find: &str) -> bool {
        crate::text::sought(find).iter().any(|text| filed.haystack().contains(text))
    }

    #[test]
    fn a_number_is_found_however_it_is_grouped_and_a_name_however_it_is_composed() {
        let call_back =
            Phone { typed: "780-555-0199".into(), e164: Some("+17805550199".into()), extension: None, main: None };
        let filed = CallRequest { who: "Rene\u{301} O\u{2019}Neil".into(), call_back, ..request() };
        for find in
            ["780 555 0199", "(780) 555-0199", "+1 780 555 0199", "17805550199", "555-0199", "Ren\u{e9}", "o'neil"]
        {
            assert!(finds(&filed, find), "{find}");
        }
        assert!(!finds(&filed, "780 555 0198"));
        let other = CallRequest { reason: "my mother 780-555-0142 at 14:00".into(), ..filed };
        for find in ["780-555-0142", "780 555 0142", "7805550142", "14:00"] {
            assert!(finds(&other, find), "{find}");
        }
    }

    #[test]
    fn a_request_is_found_by_ticket_name_number_and_reason() {
        for text in ["r-104", "ann", "47 11", "hospital"] {
            assert!(request().haystack().contains(text), "{text}");
        }
        assert!(!request().haystack().contains("r-105"));
    }
}
