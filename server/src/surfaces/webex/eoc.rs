//! What the bot does besides orders: call requests, who is there, how it goes, whose account it is.

use super::people::{Linked, Writer};
use super::say::{Say, safe};
use super::{Webex, words};
use crate::services::incidents::IncidentError;
use crate::store::calls::Wanted;
use lockdown::call_request::Draft;
use lockdown::call_request::{Deed, Priority};
use lockdown::ids::SiteId;
use lockdown::incident::Incident;
use lockdown::operator::{Act as Right, Operator};

/// Requests of the queue that are listed.
const LISTED: usize = 25;

impl Webex {
    pub(super) async fn linked(&self, writer: &Writer, code: &str) -> Say {
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

    pub(super) async fn log(&self, who: &Operator, named: Option<&SiteId>, form: Draft) -> Say {
        let open = self.services.incidents.all().await.unwrap_or_default();
        let open: Vec<SiteId> = open.into_iter().filter(Incident::is_open).map(|one| one.site).collect();
        let mut sites = self.services.engine.live_statuses();
        sites.retain(|status| who.may(Right::TakeCalls, Some(&status.id)).is_ok());
        sites.retain(|status| named.is_none_or(|site| *site == status.id));
        // Where something is going on.
        sites.sort_by_key(|status| !open.contains(&status.id));
        let site = sites.into_iter().next();
        let Some(site) = site else { return Say::plain(format!("No. {}", lockdown::operator::Refusal::NeedsEoc)) };
        let form = Draft {
            site: site.id.to_string(),
            priority: Priority::Normal.word().into(),
            form: crate::identity::token::random_text(),
            ..form
        };
        match self.services.calls.take_down(&form, who).await {
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

    pub(super) async fn listed(&self, who: &Operator) -> Say {
        let wanted = Wanted { open_only: true, limit: LISTED, ..Wanted::default() };
        match self.services.calls.list(who, wanted).await {
            Ok(open) => words::queue(&open, self.services.clock.now()),
            Err(error) => Say::plain(error.to_string()),
        }
    }

    pub(super) async fn deed(&self, who: &Operator, word: &str, ticket: u64, text: String) -> Say {
        let wanted = Wanted {
            text: Some(lockdown::call_request::ticket(ticket).to_lowercase()),
            limit: LISTED,
            ..Wanted::default()
        };
        let found = match self.services.calls.list(who, wanted).await {
            Ok(found) => found.into_iter().find(|request| request.number == ticket),
            Err(error) => return Say::plain(format!("No. {error}")),
        };
        let (Some(found), Some(deed)) = (found, Deed::of(word, text, None)) else {
            return Say::plain(format!("There is no {}.", lockdown::call_request::ticket(ticket)));
        };
        match self.services.calls.act(who, found.id.as_str(), &deed).await {
            Ok(done) => Say::plain(format!(
                "**{}** {}: {}",
                done.ticket(),
                done.word(self.services.clock.now()).replace('_', " "),
                safe(&done.who)
            )),
            Err(error) => Say::plain(format!("No. {error}")),
        }
    }

    pub(super) async fn present(&self, who: &Operator) -> Say {
        if let Err(refusal) = who.may(Right::Work, None) {
            return Say::plain(format!("No. {refusal}"));
        }
        let incidents = match self.services.incidents.all().await {
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
                    if present.is_empty() { "nobody has checked in yet".to_owned() } else { present.join(", ") }
                )
            })
            .collect();
        Say::plain(if open.is_empty() { "No incident is open.".to_owned() } else { open.join("\n") })
    }

    pub(super) async fn how_it_goes(&self, who: &Operator) -> Say {
        let all = match self.services.incidents.all().await {
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
        match self.services.incidents.file(who, last.id.as_str()).await {
            Ok(file) => {
                let report = file.report(self.services.clock.now());
                let name = last.name.clone().unwrap_or_else(|| last.id.to_string());
                words::report(&report, &name, &format!("{}/incidents/{}", self.public_url, last.id))
            }
            Err(IncidentError::Store(error)) => Say::plain(error.to_string()),
            Err(error) => Say::plain(error.to_string()),
        }
    }
}
