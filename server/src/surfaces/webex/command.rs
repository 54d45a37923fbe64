//! What people write to the bot. Words are matched whole: "unlock everything" is no command.

use lockdown::call_request::Direction;
use lockdown::ids::SiteId;
use lockdown::text::is_invisible;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Help,
    Status,
    Lock {
        site: Option<SiteId>,
        reason: Option<String>,
    },
    Release {
        site: Option<SiteId>,
        reason: Option<String>,
    },
    /// The same on the canaries of a site.
    Drill {
        site: Option<SiteId>,
        over: bool,
    },
    /// Confirms what was asked for, by its code; with what must be said besides.
    Confirm {
        code: String,
        said: Option<String>,
    },
    /// Takes down a call request.
    Log {
        site: Option<SiteId>,
        direction: Direction,
        number: String,
        who: String,
        why: String,
    },
    /// `log` that cannot be read.
    LogHow,
    Requests,
    /// A deed with the number of a ticket.
    Deed {
        deed: &'static str,
        ticket: u64,
        text: String,
    },
    Who,
    Report,
    /// Binds this Webex account to a profile.
    Link {
        code: String,
    },
    /// Nothing of ours.
    Unknown,
}

/// Words for what is done with a request, and the rule book's.
const DEEDS: [(&str, &str); 8] = [
    ("claim", "claim"),
    ("approve", "approve"),
    ("accept", "approve"),
    ("refuse", "refuse"),
    ("deny", "refuse"),
    ("close", "close"),
    ("connected", "connected"),
    ("answer", "write"),
];

/// Reads a message without its mention of the bot.
pub fn read(text: &str, sites: &[SiteId]) -> Command {
    let text = text
        .trim_start_matches(|letter: char| letter.is_whitespace() || is_invisible(letter) || ",:;-".contains(letter));
    let (word, rest) = split(text.trim());
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match bare(word).as_str() {
        "help" if rest.is_empty() => Command::Help,
        "" if word == "?" => Command::Help,
        "status" if rest.is_empty() => Command::Status,
        "lock" => {
            let (site, reason) = site_first(rest, sites);
            Command::Lock { site, reason: some(reason) }
        }
        "release" => {
            let (site, reason) = site_first(rest, sites);
            Command::Release { site, reason: some(reason) }
        }
        "drill" => drill(rest, sites),
        "confirm" => {
            let (code, said) = split(rest);
            Command::Confirm { code: code.to_uppercase(), said: some(said) }
        }
        "log" => log(rest, sites),
        "requests" if rest.is_empty() => Command::Requests,
        "who" if rest.is_empty() => Command::Who,
        "report" if rest.is_empty() => Command::Report,
        "link" => Command::Link { code: rest.to_uppercase().replace([' ', '-'], "") },
        word => deed(word, rest),
    }
}

/// A word without what stands around it in a sentence: `lock!`, `status?`.
fn bare(word: &str) -> String {
    let seen: String = word.chars().filter(|letter| !is_invisible(*letter)).collect();
    seen.trim_matches(|letter: char| ",.:;!?".contains(letter)).to_lowercase()
}

fn split(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim())
}

/// A site may be named first; all else is the reason.
fn site_first<'t>(rest: &'t str, sites: &[SiteId]) -> (Option<SiteId>, &'t str) {
    let (word, after) = split(rest);
    match sites.iter().find(|site| site.as_str() == word.to_lowercase()) {
        Some(site) => (Some(site.clone()), after),
        None => (None, rest),
    }
}

/// `drill`, `drill over`, each with a site.
fn drill(rest: &str, sites: &[SiteId]) -> Command {
    let (site, rest) = site_first(rest, sites);
    match rest.to_lowercase().as_str() {
        "" => Command::Drill { site, over: false },
        "over" => Command::Drill { site, over: true },
        _ => Command::Unknown,
    }
}

fn deed(word: &str, rest: &str) -> Command {
    let Some((_, deed)) = DEEDS.iter().find(|(ours, _)| *ours == word) else { return Command::Unknown };
    let (ticket, text) = split(rest);
    let digits = ticket.trim_start_matches(['R', 'r']).trim_start_matches('-');
    match digits.parse() {
        Ok(ticket) => Command::Deed { deed, ticket, text: text.to_owned() },
        Err(_) => Command::Unknown,
    }
}

/// `out 780 555 0199, Ann Miller, her mother` or `out 4711 Ann her mother`.
/// A site may be named first.
fn log(rest: &str, sites: &[SiteId]) -> Command {
    let (site, rest) = site_first(rest, sites);
    let (way, rest) = split(rest);
    let direction = match way.to_lowercase().as_str() {
        "out" => Direction::Outbound,
        "in" => Direction::Inbound,
        _ => return Command::LogHow,
    };
    let parts: Vec<&str> = rest.splitn(3, ',').map(str::trim).collect();
    let (number, who, why) = if let [number, who, why] = parts[..] {
        (number, who, why)
    } else {
        let (number, rest) = split(rest);
        let (who, why) = split(rest);
        (number, who, why)
    };
    // A number that goes on behind a blank would be cut there, and somebody else called back.
    let goes_on = parts.len() < 3 && who.chars().any(char::is_numeric);
    if goes_on || [number, who, why].contains(&"") {
        return Command::LogHow;
    }
    Command::Log { site, direction, number: number.to_owned(), who: who.to_owned(), why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sites() -> Vec<SiteId> {
        ["acme-north", "acme-south"].map(|id| SiteId::try_from(id).unwrap()).into()
    }

    #[test]
    fn words_are_matched_whole() {
        let none = |text: &str| assert_eq!(read(text, &sites()), Command::Unknown, "{text}");
        for text in
            ["unlock", "locks", "please lock", "releases", "status please", "", "   ", "claim", "claim x", "drill now"]
        {
            none(text);
        }
        assert_eq!(read(" LOCK ", &sites()), Command::Lock { site: None, reason: None });
        assert_eq!(read("Status", &sites()), Command::Status);
    }

    #[test]
    fn what_stands_around_a_word_in_a_sentence_is_no_part_of_it() {
        let fire = Command::Lock { site: None, reason: Some("fire".into()) };
        for text in [", lock fire", ": lock fire", "lock! fire", "\u{200b}lock fire", "lock: fire", "\u{a0}lock fire"] {
            assert_eq!(read(text, &sites()), fire, "{text:?}");
        }
        assert_eq!(read("lock!", &sites()), Command::Lock { site: None, reason: None });
        assert_eq!(read("status?", &sites()), Command::Status);
        assert_eq!(read("?", &sites()), Command::Help);
    }

    #[test]
    fn no_number_is_cut_at_a_blank() {
        for text in ["log out 780 555 0199 Ann her mother", "log out 780 555 0199, Ann", "log in (780) 555-0199 Ann x"]
        {
            assert_eq!(read(text, &sites()), Command::LogHow, "{text}");
        }
    }

    #[test]
    fn a_site_may_be_named_before_the_reason() {
        let site = Some(sites()[1].clone());
        assert_eq!(
            read("lock acme-south fire in the mill", &sites()),
            Command::Lock { site: site.clone(), reason: Some("fire in the mill".into()) }
        );
        assert_eq!(read("lock fire", &sites()), Command::Lock { site: None, reason: Some("fire".into()) });
        assert_eq!(read("drill acme-south over", &sites()), Command::Drill { site, over: true });
    }

    #[test]
    fn a_call_is_logged_with_commas_or_without() {
        let log = |text: &str| read(text, &sites());
        let want = |number: &str, who: &str, why: &str| Command::Log {
            site: None,
            direction: Direction::Outbound,
            number: number.into(),
            who: who.into(),
            why: why.into(),
        };
        assert_eq!(
            log("log out 780 555 0199, Ann Miller, her mother, in hospital"),
            want("780 555 0199", "Ann Miller", "her mother, in hospital")
        );
        assert_eq!(log("log out 4711 Ann her mother"), want("4711", "Ann", "her mother"));
        let south = Command::Log {
            site: Some(sites()[1].clone()),
            direction: Direction::Inbound,
            number: "4711".into(),
            who: "Ann".into(),
            why: "her mother".into(),
        };
        assert_eq!(log("log acme-south in 4711 Ann her mother"), south);
        for wrong in ["log", "log up 1 a b", "log out 4711", "log in 4711 Ann"] {
            assert_eq!(log(wrong), Command::LogHow, "{wrong}");
        }
    }

    #[test]
    fn tickets_are_named_by_number() {
        let want = Command::Deed { deed: "approve", ticket: 104, text: "line 4711".into() };
        assert_eq!(read("approve R-104 line 4711", &sites()), want);
        assert_eq!(read("accept 104 line 4711", &sites()), want);
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_and_only_the_word_itself_locks(text in "\\PC{0,200}") {
            let around = |letter: char| letter.is_whitespace() || ",.:;!?-".contains(letter) || is_invisible(letter);
            let word = text.trim_start_matches(around).split_whitespace().next().unwrap_or_default().to_lowercase();
            let word: String = word.chars().filter(|letter| !is_invisible(*letter)).collect();
            let word = word.trim_end_matches(around);
            let read = read(&text, &sites());
            prop_assert!(!matches!(read, Command::Lock { .. }) || word == "lock", "{:?}", text);
            prop_assert!(!matches!(read, Command::Release { .. }) || word == "release", "{:?}", text);
        }
    }
}
